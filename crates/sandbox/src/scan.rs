//! What in a workspace has a name that means something to programs outside: what they execute or obey, what
//! is secret, and repositories. Looked for once before a run and once after it.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use crate::names;
use crate::profile::Workspace;
use crate::request::{Kind, Look};

/// How far is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reach {
    /// Levels of folders below the workspace.
    pub(crate) levels: usize,
    /// Folders altogether.
    pub(crate) folders: usize,
}

impl Reach {
    /// Before a run, which waits for it.
    pub(crate) const BEFORE: Self = Self { levels: 4, folders: 800 };
    /// After a run.
    pub(crate) const AFTER: Self = Self { levels: 64, folders: 30_000 };
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// What others execute or obey.
    pub(crate) protected: BTreeSet<PathBuf>,
    /// Folders of repositories that hold their settings.
    pub(crate) git: BTreeSet<PathBuf>,
    /// Secrets.
    pub(crate) secret: BTreeSet<PathBuf>,
    /// How many levels were looked at to the end.
    pub(crate) levels: usize,
    /// Whether nothing was left out.
    pub(crate) complete: bool,
}

/// Looks through a workspace, level by level.
pub(crate) fn workspace(profile: &Workspace, root: &Path, look: &dyn Look, reach: Reach) -> Found {
    let mut found = Found { complete: true, levels: reach.levels, ..Found::default() };
    let mut queue = VecDeque::from([(root.to_path_buf(), 0_usize)]);
    let mut folders = 0;
    while let Some((folder, level)) = queue.pop_front() {
        if folders == reach.folders || level > reach.levels {
            found.complete = false;
            found.levels = found.levels.min(level.saturating_sub(1));
            break;
        }
        folders += 1;
        let entries = look.entries(&folder);
        let has = |name: &str| entries.iter().any(|(it, _)| it == name);
        // Its own files, or those of another repository for a second work tree.
        let repository = has("HEAD") && (has("objects") && has("refs") || has("commondir"));
        if repository {
            found.git.insert(folder.clone());
        }
        for (name, kind) in entries {
            let path = folder.join(&name);
            // A name that is not text is none of those that are looked for, and may hold some.
            let name = name.to_string_lossy();
            if repository && !["modules", "worktrees"].contains(&&*name) {
                continue;
            }
            if !repository && is_protected(profile, &folder, &name, look, &mut found.protected) {
                continue;
            }
            match kind {
                Kind::Folder if profile.skip.iter().any(|it| *it == name) => {}
                Kind::Folder => queue.push_back((path, level + 1)),
                // It says where the folder of the repository is.
                Kind::File if name == ".git" => {
                    found.protected.insert(path);
                }
                Kind::File if !repository && is_secret(profile, root, &path, &name) => {
                    found.secret.insert(path);
                }
                Kind::File | Kind::Link | Kind::Other | Kind::Absent => {}
            }
        }
    }
    found
}

/// Whether an entry of a folder is protected, or leads to what is. Notes it.
fn is_protected(
    profile: &Workspace,
    folder: &Path,
    name: &str,
    look: &dyn Look,
    protected: &mut BTreeSet<PathBuf>,
) -> bool {
    let mut whole = false;
    for pattern in &profile.protect {
        match pattern.split_once('/') {
            None if names::fits(pattern, name) => {
                protected.insert(folder.join(name));
                whole = true;
            }
            Some((first, _)) if first == name => {
                let path = folder.join(pattern);
                if look.kind(&path) != Kind::Absent {
                    protected.insert(path);
                }
            }
            _ => {}
        }
    }
    whole
}

fn is_secret(profile: &Workspace, root: &Path, path: &Path, name: &str) -> bool {
    let any = |patterns: &[String]| patterns.iter().any(|it| names::fits(it, name));
    let below = path.strip_prefix(root).unwrap_or(path);
    let made_up = below.components().any(|it| {
        it.as_os_str().to_str().is_some_and(|it| profile.examples.iter().any(|name| name == it))
    });
    any(&profile.secret) && !any(&profile.not_secret) && !made_up
}
