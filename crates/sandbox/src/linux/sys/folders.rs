//! System calls on what is in a folder, by the folder's descriptor. No symbolic link is followed.

use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::mem::zeroed;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use libc::{c_long, mode_t};

use super::check;

/// What is known of something in a folder.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct About {
    pub(in super::super) mode: mode_t,
    /// What a device stands for.
    pub(in super::super) device: u64,
}

impl About {
    pub(in super::super) fn is(self, kind: mode_t) -> bool {
        self.mode & libc::S_IFMT == kind
    }
}

pub(in super::super) fn about_in(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<About> {
    let name = CString::new(name.as_bytes())?;
    let flags = libc::AT_SYMLINK_NOFOLLOW;
    // SAFETY: the name outlives the call, and a structure of plain numbers is filled by it.
    let about = unsafe {
        let mut about: libc::stat = zeroed();
        let got = libc::fstatat(folder.as_raw_fd(), name.as_ptr(), &mut about, flags);
        check(c_long::from(got))?;
        about
    };
    Ok(About { mode: about.st_mode, device: about.st_rdev })
}

/// When something in a folder was last changed in any way, and made. Nobody can set either.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Times {
    pub(in super::super) mode: mode_t,
    pub(in super::super) changed: Duration,
    /// None: the file system does not keep it.
    pub(in super::super) born: Option<Duration>,
}

pub(in super::super) fn times_in(folder: BorrowedFd<'_>, name: &CStr) -> io::Result<Times> {
    let wanted = libc::STATX_TYPE | libc::STATX_MODE | libc::STATX_CTIME | libc::STATX_BTIME;
    let (at, flags) = (folder.as_raw_fd(), libc::AT_SYMLINK_NOFOLLOW);
    // SAFETY: the name outlives the call, and a structure of plain numbers is filled by it.
    let about = unsafe {
        let mut about: libc::statx = zeroed();
        check(c_long::from(libc::statx(at, name.as_ptr(), flags, wanted, &mut about)))?;
        about
    };
    let time = |it: libc::statx_timestamp| {
        Duration::new(u64::try_from(it.tv_sec).unwrap_or(0), it.tv_nsec)
    };
    let born = (about.stx_mask & libc::STATX_BTIME != 0).then(|| time(about.stx_btime));
    Ok(Times { mode: about.stx_mode.into(), changed: time(about.stx_ctime), born })
}

/// Where a symbolic link in a folder leads.
pub(in super::super) fn link_in(folder: BorrowedFd<'_>, name: &CStr) -> io::Result<PathBuf> {
    let mut to = [0_u8; libc::PATH_MAX as usize];
    // SAFETY: the name outlives the call, and the buffer has the length that is said.
    let length = unsafe {
        libc::readlinkat(folder.as_raw_fd(), name.as_ptr(), to.as_mut_ptr().cast(), to.len())
    };
    let length = usize::try_from(check(length as c_long)?).map_err(io::Error::other)?;
    Ok(PathBuf::from(OsStr::from_bytes(to.get(..length).unwrap_or_default())))
}

pub(in super::super) fn make_folder_in(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    let name = CString::new(name.as_bytes())?;
    // SAFETY: the name outlives the call.
    check(c_long::from(unsafe { libc::mkdirat(folder.as_raw_fd(), name.as_ptr(), 0o700) }))
        .map(drop)
}

/// Removes an empty folder in a folder.
pub(in super::super) fn remove_folder_in(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    let name = CString::new(name.as_bytes())?;
    let flags = libc::AT_REMOVEDIR;
    // SAFETY: the name outlives the call.
    check(c_long::from(unsafe { libc::unlinkat(folder.as_raw_fd(), name.as_ptr(), flags) }))
        .map(drop)
}

pub(in super::super) fn allow(at: BorrowedFd<'_>, mode: mode_t) -> io::Result<()> {
    // SAFETY: numbers alone.
    check(c_long::from(unsafe { libc::fchmod(at.as_raw_fd(), mode & 0o7777) })).map(drop)
}

/// The same by name, for what cannot be opened.
pub(in super::super) fn allow_in(
    folder: BorrowedFd<'_>,
    name: &OsStr,
    mode: mode_t,
) -> io::Result<()> {
    let name = CString::new(name.as_bytes())?;
    // SAFETY: the name outlives the call.
    check(c_long::from(unsafe { libc::fchmodat(folder.as_raw_fd(), name.as_ptr(), mode, 0) }))
        .map(drop)
}

/// Whether an extended attribute of one letter is set so.
pub(in super::super) fn is_labelled(at: BorrowedFd<'_>, name: &CStr, letter: u8) -> bool {
    let mut value = [0_u8; 2];
    // SAFETY: the name outlives the call, and the buffer has the length that is said.
    let length = unsafe {
        libc::fgetxattr(at.as_raw_fd(), name.as_ptr(), value.as_mut_ptr().cast(), value.len())
    };
    length == 1 && value.first() == Some(&letter)
}

pub(in super::super) fn remove_label(at: BorrowedFd<'_>, name: &CStr) {
    // SAFETY: the name outlives the call. What is not there needs no removal.
    unsafe { libc::fremovexattr(at.as_raw_fd(), name.as_ptr()) };
}
