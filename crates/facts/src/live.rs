//! Facts about this host, as it is now.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the place where facts are gathered, by a deadline"
)]

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ringfence_action::{Action, Effect, Facts, PathFacts, PathKind};

use crate::deadline::Deadline;
use crate::{FactSource, MAX_FILE_BYTES, git};

/// Looks at the file system, until a deadline after which everything else stays unknown.
#[derive(Debug, Clone, Copy)]
pub struct Live {
    budget: Duration,
}

impl Default for Live {
    fn default() -> Self {
        Self { budget: Duration::from_millis(30) }
    }
}

impl Live {
    /// Facts that take at most about `budget` to gather for one action.
    pub fn new(budget: Duration) -> Self {
        Self { budget }
    }
}

impl FactSource for Live {
    fn deadline(&self) -> Deadline {
        Deadline::after(self.budget)
    }

    fn read(&self, path: &str) -> Option<String> {
        let path = Path::new(path);
        // A link on the way could lead anywhere, and lead elsewhere when the script really runs.
        if resolved(path)? != path || !fs::symlink_metadata(path).ok()?.is_file() {
            return None;
        }
        let file = fs::File::open(path).ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
            return None;
        }
        let mut content = String::new();
        file.take(MAX_FILE_BYTES).read_to_string(&mut content).ok()?;
        Some(content)
    }

    fn gather(&self, action: &Action, effects: &[Effect], facts: &mut Facts, deadline: Deadline) {
        for effect in effects.iter().filter(|effect| effect.kind.targets_path()) {
            if deadline.has_passed() {
                return;
            }
            if let Some(path) = effect.target.as_known()
                && path.starts_with('/')
                && !facts.paths.contains_key(path)
            {
                facts.paths.insert(path.to_owned(), path_facts(Path::new(path)));
            }
        }
        git::gather(action, effects, facts, deadline);
    }
}

fn path_facts(path: &Path) -> PathFacts {
    let mut facts = PathFacts::default();
    match fs::symlink_metadata(path) {
        Ok(metadata) => {
            let kind = metadata.file_type();
            facts.exists = Some(true);
            facts.kind = Some(if kind.is_symlink() {
                PathKind::Link
            } else if kind.is_dir() {
                PathKind::Dir
            } else if kind.is_file() {
                PathKind::File
            } else {
                PathKind::Special
            });
        }
        Err(error) if error.kind() == ErrorKind::NotFound => facts.exists = Some(false),
        // Not permitted to look, or not a path of this system: unknown.
        Err(_) => {}
    }
    facts.resolved = resolved(path)
        .filter(|resolved| resolved != path)
        .and_then(|resolved| resolved.into_os_string().into_string().ok());
    facts
}

/// The path with every symbolic link on the way followed; components that do not exist stay.
pub(crate) fn resolved(path: &Path) -> Option<PathBuf> {
    if let Ok(resolved) = path.canonicalize() {
        return Some(resolved);
    }
    let parent = resolved(path.parent()?)?;
    Some(parent.join(path.file_name()?))
}
