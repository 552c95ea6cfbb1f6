//! Processes by descriptor: what is meant stays meant when its number is given to another.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;

use libc::{c_int, pid_t};

use super::{check, owned};

/// The process that has this number now.
pub(in super::super) fn open_process(pid: u32) -> io::Result<OwnedFd> {
    let pid = pid_t::try_from(pid).map_err(io::Error::other)?;
    // SAFETY: numbers alone.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })
}

/// Sends a signal to the process of this descriptor and to no other.
pub(in super::super) fn signal_process(process: BorrowedFd<'_>, signal: c_int) -> io::Result<()> {
    let about: *mut libc::siginfo_t = ptr::null_mut();
    // SAFETY: without information of our own, the kernel takes that of `kill`; the descriptor is borrowed.
    let sent = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal, about, 0)
    };
    check(sent).map(drop)
}
