//! The host as it is: what planning asks about it.

#![expect(
    clippy::disallowed_methods,
    reason = "looks at the host, so that planning does not have to"
)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, Read};
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use super::sys;
use crate::request::{Kind, Look, Stamp};

/// The host this runs on.
#[derive(Debug, Default)]
pub struct Host;

impl Host {
    /// The home folders that the user of this process could mean: the account's first, then what the
    /// environment says, which may be anything. The same for as long as the process lives.
    pub fn homes() -> Vec<PathBuf> {
        static HOMES: OnceLock<Vec<PathBuf>> = OnceLock::new();
        let find = || {
            let named = std::env::var_os("HOME").map(PathBuf::from).filter(|it| it.is_absolute());
            let homes = sys::account_home().into_iter().chain(named);
            let mut homes: Vec<PathBuf> = homes.filter_map(|it| it.canonicalize().ok()).collect();
            homes.dedup();
            homes
        };
        HOMES.get_or_init(find).clone()
    }

    /// The addresses at which programs of this host ask for names.
    pub fn resolvers() -> Vec<IpAddr> {
        let settings = text(Path::new("/etc/resolv.conf")).unwrap_or_default();
        let named = |line: &str| line.strip_prefix("nameserver")?.trim().parse().ok();
        settings.lines().filter_map(named).collect()
    }
}

/// More than any file that says where a git folder is.
const LONGEST: u64 = 8192;

impl Look for Host {
    fn kind(&self, path: &Path) -> Kind {
        path.symlink_metadata().map_or(Kind::Absent, |about| kind_of(about.file_type()))
    }

    fn has_other_names(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok_and(|it| it.is_file() && it.nlink() > 1)
    }

    fn entries(&self, folder: &Path) -> Vec<(OsString, Kind)> {
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        let known = |it: std::fs::DirEntry| Some((it.file_name(), kind_of(it.file_type().ok()?)));
        entries.filter_map(Result::ok).filter_map(known).collect()
    }

    fn stamp(&self, folder: &Path) -> Option<Stamp> {
        let about = folder.symlink_metadata().ok()?;
        let now = i64::try_from(sys::clock_of_files().ok()?.as_secs()).ok()?;
        // Some file systems count whole seconds: another change in the same one would not show.
        let settled = about.ctime() < now - 2;
        settled.then(|| Stamp {
            device: about.dev(),
            number: about.ino(),
            changed: (about.ctime(), about.ctime_nsec()),
        })
    }

    fn keeps_stamps(&self, folder: &Path) -> bool {
        sys::keeps_stamps(folder)
    }

    fn resolve(&self, path: &Path) -> Option<PathBuf> {
        // Most of what a profile names is not there, which one look tells.
        path.symlink_metadata().ok()?;
        path.canonicalize().ok()
    }

    fn git_folders(&self, folder: &Path) -> Vec<PathBuf> {
        let dot = folder.join(".git");
        match self.kind(&dot) {
            Kind::Folder => vec![dot],
            Kind::File => work_tree(&dot).unwrap_or_default(),
            Kind::Absent | Kind::Link | Kind::Other => Vec::new(),
        }
    }

    fn sockets(&self) -> Vec<PathBuf> {
        let table = told_by_kernel(Path::new("/proc/net/unix")).unwrap_or_default();
        let path = |line: &str| {
            let rest = line.splitn(8, ' ').nth(7)?;
            let path = rest.get(rest.find('/')?..)?;
            Some(PathBuf::from(path))
        };
        // An abstract name begins with @ and may hold a slash; it has no path.
        let lines = table.lines().filter(|line| !line.contains('@'));
        let mut paths: Vec<PathBuf> = lines.filter_map(path).collect();
        paths.sort();
        paths.dedup();
        paths
    }
}

/// The host as it was when it was first asked. A plan asks about the same few folders again and again, and all
/// that it is told has to be of one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    known: RefCell<HashMap<PathBuf, (Kind, u64)>>,
    /// Paths without links.
    real: RefCell<HashMap<PathBuf, PathBuf>>,
}

/// The kernel follows no more.
const MOST_LINKS: u32 = 40;

impl Snapshot {
    /// What is at a path, and how many names that has.
    fn about(&self, path: &Path) -> (Kind, u64) {
        if let Some(known) = self.known.borrow().get(path) {
            return *known;
        }
        let about = path.symlink_metadata();
        let about = about.map_or((Kind::Absent, 0), |it| (kind_of(it.file_type()), it.nlink()));
        self.known.borrow_mut().insert(path.to_path_buf(), about);
        about
    }

    fn real(&self, path: &Path, links: u32) -> Option<PathBuf> {
        if let Some(known) = self.real.borrow().get(path) {
            return Some(known.clone());
        }
        let mut parts = path.components();
        let real = match parts.next_back()? {
            Component::RootDir => PathBuf::from("/"),
            Component::Normal(name) => {
                let folder = self.real(parts.as_path(), links)?;
                let at = folder.join(name);
                match self.kind(&at) {
                    Kind::Absent => return None,
                    Kind::Link => {
                        let to = std::fs::read_link(&at).ok()?;
                        self.real(&folder.join(to), links.checked_sub(1)?)?
                    }
                    Kind::Folder | Kind::File | Kind::Other => at,
                }
            }
            Component::ParentDir => {
                let folder = self.real(parts.as_path(), links)?;
                let above = folder.parent().map_or_else(|| folder.clone(), Path::to_path_buf);
                (self.kind(&folder) == Kind::Folder).then_some(above)?
            }
            Component::CurDir | Component::Prefix(_) => self.real(parts.as_path(), links)?,
        };
        self.real.borrow_mut().insert(path.to_path_buf(), real.clone());
        Some(real)
    }
}

impl Look for Snapshot {
    fn kind(&self, path: &Path) -> Kind {
        self.about(path).0
    }

    fn resolve(&self, path: &Path) -> Option<PathBuf> {
        self.real(path, MOST_LINKS)
    }

    fn has_other_names(&self, path: &Path) -> bool {
        let (kind, names) = self.about(path);
        kind == Kind::File && names > 1
    }

    fn entries(&self, folder: &Path) -> Vec<(OsString, Kind)> {
        Host.entries(folder)
    }

    fn stamp(&self, folder: &Path) -> Option<Stamp> {
        Host.stamp(folder)
    }

    fn keeps_stamps(&self, folder: &Path) -> bool {
        Host.keeps_stamps(folder)
    }

    fn git_folders(&self, folder: &Path) -> Vec<PathBuf> {
        Host.git_folders(folder)
    }

    fn sockets(&self) -> Vec<PathBuf> {
        Host.sockets()
    }
}

fn kind_of(kind: std::fs::FileType) -> Kind {
    if kind.is_dir() {
        Kind::Folder
    } else if kind.is_file() {
        Kind::File
    } else if kind.is_symlink() {
        Kind::Link
    } else {
        Kind::Other
    }
}

/// The folders behind a `.git` that is a file. What it names has to name it back and to look like what it
/// claims to be, for the file can be written by whoever can write the work tree.
fn work_tree(dot: &Path) -> Option<Vec<PathBuf>> {
    let named = text(dot)?;
    let named = named.strip_prefix("gitdir:")?.trim();
    let own = dot.parent()?.join(named).canonicalize().ok()?;
    let back = own.join(text(&own.join("gitdir"))?.trim()).canonicalize().ok()?;
    let common = own.join(text(&own.join("commondir"))?.trim()).canonicalize().ok()?;
    let names = ["HEAD", "config", "objects", "refs"];
    let repository = names.into_iter().all(|name| common.join(name).symlink_metadata().is_ok());
    let inside = own.starts_with(common.join("worktrees"));
    (back == dot && repository && inside).then(|| vec![common, own])
}

fn text(path: &Path) -> Option<String> {
    let file = std::fs::File::open(path).ok()?;
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

/// What the kernel says in a file that has no length: in as few reads as it takes.
pub(super) fn told_by_kernel(path: &Path) -> io::Result<String> {
    const USUAL: usize = 16 << 10;
    let mut text = String::with_capacity(USUAL);
    std::fs::File::open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

/// Whether a fork of this process is a copy of all of it.
pub(super) fn has_one_thread() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}

/// Whether the kernel is of a version or newer. What cannot be told is older.
pub(super) fn kernel_is_at_least(major: u32, minor: u32) -> bool {
    let release = told_by_kernel(Path::new("/proc/sys/kernel/osrelease")).unwrap_or_default();
    let mut numbers = release.split(['.', '-']).map_while(|it| it.trim().parse::<u32>().ok());
    numbers.next().zip(numbers.next()).is_some_and(|it| it >= (major, minor))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_path_is_resolved_as_the_kernel_does_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(at.join("a/b/c")).unwrap();
        std::fs::write(at.join("a/file"), "").unwrap();
        symlink("b/c", at.join("a/short")).unwrap();
        symlink(at.join("a/short"), at.join("far")).unwrap();
        symlink("../a/b", at.join("a/up")).unwrap();
        symlink("loop", at.join("loop")).unwrap();
        symlink("gone", at.join("dangling")).unwrap();
        let host = Snapshot::default();
        for path in [
            ".",
            "a",
            "a/short",
            "far",
            "far/..",
            "far/../..",
            "a/up/c",
            "a/up/../file",
            "a/file",
            "a/file/x",
            "a/file/..",
            "loop",
            "loop/x",
            "dangling",
            "missing",
            "missing/..",
            "a/short/../../short/.",
            "../../../..",
        ] {
            let path = at.join(path);
            assert_eq!(host.resolve(&path), path.canonicalize().ok(), "{}", path.display());
        }
        // In any order, and from what is known.
        assert_eq!(host.resolve(&at.join("far")), Some(at.join("a/b/c")));
        assert_eq!(Snapshot::default().resolve(Path::new("relative")), None);
    }

    #[test]
    fn a_snapshot_stays_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let (before, after) = (Snapshot::default(), Snapshot::default());
        assert_eq!(before.kind(&path), Kind::Absent);
        std::fs::write(&path, "").unwrap();
        std::fs::hard_link(&path, folder.path().join("other")).unwrap();
        assert_eq!((before.kind(&path), before.has_other_names(&path)), (Kind::Absent, false));
        assert_eq!((after.kind(&path), after.has_other_names(&path)), (Kind::File, true));
    }
}
