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
    let wanted = Wanted::of(profile);
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
            // A name that is not text is none of those that are looked for, and may hold some.
            let text = name.to_string_lossy();
            if repository && !["modules", "worktrees"].contains(&&*text) {
                continue;
            }
            if !repository && wanted.is_protected(&folder, &text, look, &mut found.protected) {
                continue;
            }
            match kind {
                Kind::Folder if profile.skip.iter().any(|it| *it == text) => {}
                Kind::Folder => queue.push_back((folder.join(&name), level + 1)),
                // It says where the folder of the repository is.
                Kind::File if text == ".git" => {
                    found.protected.insert(folder.join(&name));
                }
                Kind::File if !repository && wanted.secret.has(&text) => {
                    if !wanted.not_secret.has(&text) && !is_example(profile, root, &folder) {
                        found.secret.insert(folder.join(&name));
                    }
                }
                Kind::File | Kind::Link | Kind::Other | Kind::Absent => {}
            }
        }
    }
    found
}

/// Names, sorted by how they are compared: every entry of every folder is.
struct Names<'a> {
    exact: BTreeSet<&'a str>,
    patterns: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn of(names: impl Iterator<Item = &'a String>) -> Self {
        let (patterns, exact) =
            names.map(String::as_str).partition::<Vec<_>, _>(|it| it.contains('*'));
        Self { exact: exact.into_iter().collect(), patterns }
    }

    fn has(&self, name: &str) -> bool {
        self.exact.contains(name) || self.patterns.iter().any(|it| names::fits(it, name))
    }
}

/// What is looked for.
struct Wanted<'a> {
    protected: Names<'a>,
    /// Paths below a folder, with their first part.
    below: Vec<(&'a str, &'a str)>,
    secret: Names<'a>,
    not_secret: Names<'a>,
}

impl<'a> Wanted<'a> {
    fn of(profile: &'a Workspace) -> Self {
        let names = profile.protect.iter().filter(|it| !it.contains('/'));
        let below =
            profile.protect.iter().filter_map(|it| Some((it.split_once('/')?.0, it.as_str())));
        Self {
            protected: Names::of(names),
            below: below.collect(),
            secret: Names::of(profile.secret.iter()),
            not_secret: Names::of(profile.not_secret.iter()),
        }
    }

    /// Whether an entry of a folder is protected. Notes it, or what is protected below it.
    fn is_protected(
        &self,
        folder: &Path,
        name: &str,
        look: &dyn Look,
        protected: &mut BTreeSet<PathBuf>,
    ) -> bool {
        for (_, path) in self.below.iter().filter(|(first, _)| *first == name) {
            let path = folder.join(path);
            if look.kind(&path) != Kind::Absent {
                protected.insert(path);
            }
        }
        let whole = self.protected.has(name);
        if whole {
            protected.insert(folder.join(name));
        }
        whole
    }
}

/// Whether the secrets of a folder are made up.
fn is_example(profile: &Workspace, root: &Path, folder: &Path) -> bool {
    let below = folder.strip_prefix(root).unwrap_or(folder);
    below.components().any(|it| {
        it.as_os_str().to_str().is_some_and(|it| profile.examples.iter().any(|name| name == it))
    })
}
