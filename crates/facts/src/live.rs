//! Facts about this host, as it is now.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the place where facts are gathered, by a deadline"
)]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ringfence_action::{Action, Effect, Facts, GitFacts, PathFacts, PathKind};

use crate::{FactSource, MAX_FILE_BYTES};

/// Looks at the file system, until a deadline after which everything else stays unknown.
#[derive(Debug, Clone, Copy)]
pub struct Live {
    deadline: Duration,
}

impl Default for Live {
    fn default() -> Self {
        Self { deadline: Duration::from_millis(30) }
    }
}

impl Live {
    /// Facts that take at most about `deadline` to gather for one action.
    pub fn new(deadline: Duration) -> Self {
        Self { deadline }
    }
}

impl FactSource for Live {
    fn read(&self, path: &str) -> Option<String> {
        let path = Path::new(path);
        // A link on the way could lead anywhere, and lead elsewhere when the script really runs.
        if resolved(path)? != path {
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

    fn gather(&self, action: &Action, effects: &[Effect], facts: &mut Facts) {
        let started = Instant::now();
        if facts.git.is_none() {
            facts.git = action.cwd.as_deref().and_then(|cwd| git_facts(Path::new(cwd)));
        }
        for effect in effects.iter().filter(|effect| effect.kind.targets_path()) {
            if started.elapsed() > self.deadline {
                return;
            }
            if let Some(path) = effect.target.as_known()
                && path.starts_with('/')
                && !facts.paths.contains_key(path)
            {
                facts.paths.insert(path.to_owned(), path_facts(Path::new(path)));
            }
        }
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
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => facts.exists = Some(false),
        // Not permitted to look, or not a path of this system: unknown.
        Err(_) => {}
    }
    facts.resolved = resolved(path)
        .filter(|resolved| resolved != path)
        .and_then(|resolved| resolved.into_os_string().into_string().ok());
    facts
}

/// The path with every symbolic link on the way followed; components that do not exist stay.
fn resolved(path: &Path) -> Option<PathBuf> {
    if let Ok(resolved) = path.canonicalize() {
        return Some(resolved);
    }
    let parent = resolved(path.parent()?)?;
    Some(parent.join(path.file_name()?))
}

/// What the repository's own files tell without running git: the branch and the trunk. Whether the
/// tree is dirty needs an index walk and stays unknown here.
fn git_facts(cwd: &Path) -> Option<GitFacts> {
    let top = cwd.ancestors().find(|folder| folder.join(".git").exists())?;
    let git = git_folder(top)?;
    let head = read_small(&git.join("HEAD"))?;
    let common = read_small(&git.join("commondir"))
        .map_or_else(|| git.clone(), |common| git.join(common.trim()));
    let default = read_small(&common.join("refs/remotes/origin/HEAD"));
    let name = |text: &str, prefix: &str| {
        text.trim().strip_prefix("ref: ")?.strip_prefix(prefix).map(str::to_owned)
    };
    Some(GitFacts {
        branch: name(&head, "refs/heads/"),
        default_branch: default.and_then(|text| name(&text, "refs/remotes/origin/")),
        top: top.to_str().map(str::to_owned),
        ..GitFacts::default()
    })
}

/// `.git` is a folder, or in a linked work tree a file that names one.
fn git_folder(top: &Path) -> Option<PathBuf> {
    let dot_git = top.join(".git");
    if dot_git.is_dir() {
        return Some(dot_git);
    }
    let text = read_small(&dot_git)?;
    Some(top.join(text.trim().strip_prefix("gitdir: ")?))
}

fn read_small(path: &Path) -> Option<String> {
    let file = fs::File::open(path).ok()?;
    let mut text = String::new();
    file.take(4096).read_to_string(&mut text).ok()?;
    Some(text)
}
