//! The files of repositories' settings: what they hold before, where the command's copies of them are, and
//! how they are replaced.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::sys;
use crate::plan::Plan;
use crate::refusal::Refusal;

/// Where the copies are, for the command.
pub(super) const PLACE: &str = "/run/ringfence";

/// More than any settings of a repository.
const LONGEST: u64 = 1 << 20;

/// One file of settings.
pub(super) struct Settings {
    pub(super) path: PathBuf,
    pub(super) before: Vec<u8>,
}

/// Where a copy is.
pub(super) fn copy_of(number: usize) -> PathBuf {
    Path::new(PLACE).join(number.to_string()).join("config")
}

impl Settings {
    /// What every one of them holds now.
    pub(super) fn before(plan: &Plan) -> Result<Vec<Self>, Refusal> {
        let read = |path: &PathBuf| match read(path) {
            Ok(before) => Ok(Self { path: path.clone(), before }),
            Err(error) => {
                let what = format!("{} cannot be read", path.display());
                Err(Refusal::new(what, "make it readable, or leave its folder out").because(error))
            }
        };
        plan.settings.iter().map(read).collect()
    }

    /// What the command made of its copy, if it did. Asked by a process that sees the copies.
    pub(super) fn changed(&self, number: usize) -> Option<Vec<u8>> {
        // What cannot be read is nothing that could be carried over.
        let text = read(&copy_of(number)).ok()?;
        (text != self.before).then_some(text)
    }
}

/// A regular file, not through a symbolic link at its end, and not without end.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    content(file)
}

fn content(file: File) -> io::Result<Vec<u8>> {
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut text = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::other("longer than a MiB"));
    }
    Ok(text)
}

/// A file in a folder that was reached without any symbolic link.
pub(super) struct Held {
    pub(super) folder: OwnedFd,
    name: std::ffi::OsString,
}

impl Held {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let (folder, name) =
            path.parent().zip(path.file_name()).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self { folder: sys::open_path(folder)?, name: name.to_owned() })
    }

    pub(super) fn name(&self) -> &std::ffi::OsStr {
        &self.name
    }

    pub(super) fn read(&self) -> io::Result<Vec<u8>> {
        content(File::from(sys::open_in(self.folder.as_fd(), &self.name, libc::O_RDONLY, 0)?))
    }

    /// Replaces the file as git does: whoever else writes it waits for the same lock.
    pub(super) fn replace(&self, text: &[u8]) -> io::Result<()> {
        let folder = self.folder.as_fd();
        let old = File::from(sys::open_in(folder, &self.name, libc::O_RDONLY, 0)?);
        let mode = old.metadata()?.permissions().mode() & 0o777;
        let mut lock = self.name.clone();
        lock.push(".lock");
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL;
        let mut file = File::from(sys::open_in(folder, &lock, flags, mode)?);
        let written = file.write_all(text).and_then(|()| file.sync_data());
        let done =
            written.and_then(|()| sys::rename_in((folder, &lock), (folder, &self.name), true));
        if done.is_err() {
            let _ = sys::remove_in(folder, &lock);
        }
        done
    }
}
