//! The host as it is: what planning asks about it.

#![expect(
    clippy::disallowed_methods,
    reason = "looks at the host, so that planning does not have to"
)]

use std::ffi::OsString;
use std::io::Read;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::sys;
use crate::request::{Kind, Look, Stamp};

/// The host this runs on.
#[derive(Debug, Default)]
pub struct Host;

impl Host {
    /// The home folders that the user of this process could mean: the account's first, then what the
    /// environment says, which may be anything.
    pub fn homes() -> Vec<PathBuf> {
        let named = std::env::var_os("HOME").map(PathBuf::from).filter(|it| it.is_absolute());
        let homes = sys::account_home().into_iter().chain(named);
        let mut homes: Vec<PathBuf> = homes.filter_map(|it| it.canonicalize().ok()).collect();
        homes.dedup();
        homes
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
        let table = std::fs::read_to_string("/proc/net/unix").unwrap_or_default();
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

/// Whether a fork of this process is a copy of all of it.
pub(super) fn has_one_thread() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}

/// Whether the kernel is of a version or newer. What cannot be told is older.
pub(super) fn kernel_is_at_least(major: u32, minor: u32) -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(['.', '-']).map_while(|it| it.trim().parse::<u32>().ok());
    numbers.next().zip(numbers.next()).is_some_and(|it| it >= (major, minor))
}
