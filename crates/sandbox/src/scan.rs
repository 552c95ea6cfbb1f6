//! What in a workspace has a name that means something to programs outside: what they execute or obey, what
//! is secret, and repositories. Looked for once before a run and once after it.

mod memory;

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub(crate) use self::memory::Memory;
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
    /// What was looked into and is no repository's own, with how deep it lies: before and while it runs.
    pub(crate) folders: Vec<(PathBuf, usize)>,
    /// The files of each of these: after it.
    pub(crate) files: Vec<Files>,
    /// How many levels were looked at to the end.
    pub(crate) levels: usize,
    /// Whether nothing was left out.
    pub(crate) complete: bool,
}

/// The files of one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Files {
    /// Where.
    pub(crate) folder: PathBuf,
    /// Their names, each with a NUL at its end.
    pub(crate) names: Vec<u8>,
}

/// Looks through a workspace, level by level. Folders that are as they are remembered are not read again, and
/// those that are read are remembered.
pub(crate) fn workspace(
    profile: &Workspace,
    root: &Path,
    look: &dyn Look,
    reach: Reach,
    memory: &mut Memory,
) -> Found {
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
        let page = memory.page(&folder, look, || wanted.page(look.entries(&folder)));
        queue.extend(page.folders.iter().map(|name| (folder.join(name), level + 1)));
        found.protected.extend(page.protected.iter().map(|name| folder.join(name)));
        let below = page.below.iter().map(|path| folder.join(path));
        found.protected.extend(below.filter(|it| look.kind(it) != Kind::Absent));
        if !page.secret.is_empty() && !is_example(profile, root, &folder) {
            found.secret.extend(page.secret.iter().map(|name| folder.join(name)));
        }
        if page.repository {
            found.git.insert(folder);
        } else if reach != Reach::AFTER {
            found.folders.push((folder, level));
        } else if !page.files.is_empty() {
            found.files.push(Files { folder, names: page.files.clone() });
        }
    }
    found
}

/// What of the entries of one folder matters. It follows from their names and kinds alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// Whether it holds the settings of a repository.
    repository: bool,
    protected: Vec<OsString>,
    /// Paths that are protected if they are there, whose first part is.
    below: Vec<OsString>,
    secret: Vec<OsString>,
    /// Where there may be more.
    folders: Vec<OsString>,
    /// All files, each with a NUL at its end: there may be a great many.
    files: Vec<u8>,
}

impl Page {
    fn file(&mut self, name: &[u8]) {
        self.files.extend_from_slice(name);
        self.files.push(0);
    }
}

/// Names, sorted by how they are compared: every entry of every folder is.
struct Names<'a> {
    exact: HashSet<&'a [u8]>,
    /// What a name begins and ends with.
    around: Vec<(&'a [u8], &'a [u8])>,
    /// With more than one star.
    others: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn of(names: impl Iterator<Item = &'a String>) -> Self {
        let (mut exact, mut around, mut others) = (HashSet::new(), Vec::new(), Vec::new());
        for name in names {
            match name.split_once('*') {
                Some((_, tail)) if tail.contains('*') => others.push(name.as_str()),
                Some((head, tail)) => around.push((head.as_bytes(), tail.as_bytes())),
                None => drop(exact.insert(name.as_bytes())),
            }
        }
        Self { exact, around, others }
    }

    fn has(&self, name: &[u8]) -> bool {
        let fits = |(head, tail): &(&[u8], &[u8])| {
            name.strip_prefix(*head).is_some_and(|rest| rest.ends_with(tail))
        };
        let other = |it: &&str| names::fits(it, &String::from_utf8_lossy(name));
        self.exact.contains(name) || self.around.iter().any(fits) || self.others.iter().any(other)
    }
}

/// What is looked for.
struct Wanted<'a> {
    protected: Names<'a>,
    /// Paths below a folder, with their first part.
    below: Vec<(&'a [u8], &'a str)>,
    secret: Names<'a>,
    not_secret: Names<'a>,
    skip: Names<'a>,
}

impl<'a> Wanted<'a> {
    fn of(profile: &'a Workspace) -> Self {
        let names = profile.protect.iter().filter(|it| !it.contains('/'));
        let below = profile.protect.iter();
        let below = below.filter_map(|it| Some((it.split_once('/')?.0.as_bytes(), it.as_str())));
        Self {
            protected: Names::of(names),
            below: below.collect(),
            secret: Names::of(profile.secret.iter()),
            not_secret: Names::of(profile.not_secret.iter()),
            skip: Names::of(profile.skip.iter()),
        }
    }

    fn page(&self, entries: Vec<(OsString, Kind)>) -> Page {
        let has = |name: &str| entries.iter().any(|(it, _)| it == name);
        // Its own files, or those of another repository for a second work tree.
        let repository = has("HEAD") && (has("objects") && has("refs") || has("commondir"));
        let mut page = Page { repository, ..Page::default() };
        for (name, kind) in entries {
            let bytes = name.as_encoded_bytes();
            if repository {
                if kind == Kind::Folder && [&b"modules"[..], b"worktrees"].contains(&bytes) {
                    page.folders.push(name);
                }
                continue;
            }
            let below = self.below.iter().filter(|(first, _)| *first == bytes);
            page.below.extend(below.map(|(_, path)| OsString::from(path)));
            // A `.git` that is a file says where the folder of the repository is.
            if kind == Kind::File {
                page.file(bytes);
            }
            if self.protected.has(bytes) || kind == Kind::File && bytes == b".git" {
                page.protected.push(name);
                continue;
            }
            match kind {
                Kind::Folder if !self.skip.has(bytes) => page.folders.push(name),
                Kind::File => {
                    if self.secret.has(bytes) && !self.not_secret.has(bytes) {
                        page.secret.push(name);
                    }
                }
                Kind::Folder | Kind::Link | Kind::Other | Kind::Absent => {}
            }
        }
        // The same whatever the order in which they come.
        page.folders.sort_unstable();
        page
    }
}

/// Whether the secrets of a folder are made up.
fn is_example(profile: &Workspace, root: &Path, folder: &Path) -> bool {
    let below = folder.strip_prefix(root).unwrap_or(folder);
    below.components().any(|it| {
        it.as_os_str().to_str().is_some_and(|it| profile.examples.iter().any(|name| name == it))
    })
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use super::*;
    use crate::request::Stamp;

    /// A host whose folders say when they changed, and that counts how often one is read.
    #[derive(Default)]
    struct Counting {
        paths: BTreeMap<PathBuf, Kind>,
        /// Folders that changed again, and how often.
        changes: BTreeMap<PathBuf, i64>,
        forgetful: bool,
        read: RefCell<Vec<PathBuf>>,
    }

    impl Counting {
        fn with(paths: &[(&str, Kind)]) -> Self {
            let paths = paths.iter().map(|(path, kind)| (PathBuf::from(path), *kind));
            Self { paths: paths.collect(), ..Self::default() }
        }

        fn add(&mut self, path: &str, kind: Kind) {
            let folder = Path::new(path).parent().unwrap().to_path_buf();
            *self.changes.entry(folder).or_default() += 1;
            self.paths.insert(path.into(), kind);
        }

        fn found(&self, memory: &mut Memory) -> (Vec<String>, Vec<String>) {
            let text = |paths: Vec<PathBuf>| {
                paths.iter().map(|it| it.display().to_string()).collect::<Vec<_>>()
            };
            let profile = Workspace {
                protect: ["lefthook.yml", ".vscode", ".hg/hgrc"].map(String::from).to_vec(),
                secret: [".env", "a*b*.key"].map(String::from).to_vec(),
                skip: vec!["target".to_owned()],
                ..Workspace::default()
            };
            let found = workspace(&profile, Path::new("/w"), self, Reach::AFTER, memory);
            let all = found.protected.into_iter().chain(found.secret).chain(found.git);
            (text(all.collect()), text(self.read.take()))
        }
    }

    impl Look for Counting {
        fn kind(&self, path: &Path) -> Kind {
            self.paths.get(path).copied().unwrap_or(Kind::Absent)
        }

        fn resolve(&self, path: &Path) -> Option<PathBuf> {
            Some(path.to_path_buf())
        }

        fn has_other_names(&self, _: &Path) -> bool {
            false
        }

        fn entries(&self, folder: &Path) -> Vec<(OsString, Kind)> {
            self.read.borrow_mut().push(folder.to_path_buf());
            let inside = self.paths.iter().filter(|(path, _)| path.parent() == Some(folder));
            inside.map(|(path, kind)| (path.file_name().unwrap().to_owned(), *kind)).collect()
        }

        fn stamp(&self, folder: &Path) -> Option<Stamp> {
            let number = self.paths.keys().position(|it| it == folder)?;
            let changed = (self.changes.get(folder).copied().unwrap_or_default(), 0);
            Some(Stamp { device: 1, number: number.try_into().ok()?, changed })
        }

        fn keeps_stamps(&self, _: &Path) -> bool {
            !self.forgetful
        }

        fn git_folders(&self, _: &Path) -> Vec<PathBuf> {
            Vec::new()
        }

        fn sockets(&self) -> Vec<PathBuf> {
            Vec::new()
        }
    }

    fn usual() -> Counting {
        Counting::with(&[
            ("/w", Kind::Folder),
            ("/w/.hg", Kind::Folder),
            ("/w/a", Kind::Folder),
            ("/w/a/.env", Kind::File),
            ("/w/a/axb.key", Kind::File),
            ("/w/b", Kind::Folder),
            ("/w/b/c", Kind::Folder),
            ("/w/b/c/lefthook.yml", Kind::File),
            ("/w/target", Kind::Folder),
            ("/w/target/.vscode", Kind::Folder),
        ])
    }

    #[test]
    fn what_is_remembered_is_not_read_again() {
        let (host, mut memory) = (usual(), Memory::default());
        let expected = ["/w/b/c/lefthook.yml", "/w/a/.env", "/w/a/axb.key"].map(String::from);
        let (first, read) = host.found(&mut memory);
        assert_eq!((first.as_slice(), read.len()), (expected.as_slice(), 5));
        assert_eq!(host.found(&mut memory), (first, Vec::new()));
    }

    #[test]
    fn a_folder_that_changed_is_read_again_and_no_other() {
        let (mut host, mut memory) = (usual(), Memory::default());
        host.found(&mut memory);
        host.add("/w/b/c/.vscode", Kind::Folder);
        let (found, read) = host.found(&mut memory);
        assert!(found.contains(&"/w/b/c/.vscode".to_owned()), "{found:?}");
        assert_eq!(read, ["/w/b/c"]);
    }

    #[test]
    fn what_was_written_down_is_remembered() {
        let (mut host, mut memory) = (usual(), Memory::default());
        host.add("/w/b/odd\nname", Kind::Folder);
        let (first, _) = host.found(&mut memory);
        let profile = Workspace::default();
        let text = memory.text(&profile).unwrap();
        let mut again = Memory::read(&text, &profile, 2);
        assert_eq!(host.found(&mut again).1.len(), 4, "the first two are known");
        let mut again = Memory::read(&text, &profile, 2);
        again.begin_again();
        // What cannot be written down as one line is read again.
        assert_eq!(host.found(&mut again), (first, vec!["/w/b".to_owned()]));
    }

    #[test]
    fn what_another_profile_looked_for_is_not_known() {
        let (host, mut memory) = (usual(), Memory::default());
        host.found(&mut memory);
        let text = memory.text(&Workspace::default()).unwrap();
        let other = Workspace { skip: vec!["x".to_owned()], ..Workspace::default() };
        assert_eq!(Memory::read(&text, &other, 9), Memory::default());
        let damaged = text.get(..text.len() - 3).unwrap();
        assert_eq!(Memory::read(damaged, &Workspace::default(), 9), Memory::default());
    }

    #[test]
    fn what_lies_below_a_name_is_looked_for_every_time() {
        let (mut host, mut memory) = (usual(), Memory::default());
        host.found(&mut memory);
        host.paths.insert("/w/.hg/hgrc".into(), Kind::File);
        let (found, _) = host.found(&mut memory);
        assert!(found.contains(&"/w/.hg/hgrc".to_owned()), "{found:?}");
    }

    #[test]
    fn where_stamps_say_nothing_everything_is_read() {
        let (mut host, mut memory) = (usual(), Memory::default());
        host.forgetful = true;
        let (first, read) = host.found(&mut memory);
        assert_eq!(host.found(&mut memory), (first, read));
    }
}
