//! System calls for being told of the calls of others, and for reading what these are about.

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use libc::{c_int, c_long, c_ulong, pid_t};

use super::{check, owned};

/// A call that waits until it may go on.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Call {
    id: u64,
    /// The thread that makes it.
    pub(in super::super) pid: pid_t,
    pub(in super::super) number: c_long,
    pub(in super::super) arguments: [u64; 6],
}

/// Sets a filter for this process and all that it starts, for good. What it says to notify of waits at the
/// descriptor.
pub(in super::super) fn listen_to_calls(filter: &mut [libc::sock_filter]) -> io::Result<OwnedFd> {
    /// A caller is not woken by signals while it waits: programs that signal themselves all the time
    /// would begin again and again. Since Linux 5.19.
    const UNDISTURBED: c_ulong = 1 << 5;
    let length = u16::try_from(filter.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog { len: length, filter: filter.as_mut_ptr() };
    let listener = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    let set = |flags: c_ulong| {
        let mode = libc::SECCOMP_SET_MODE_FILTER;
        // SAFETY: `program` names the filter and its length, and both outlive the call.
        owned(unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &program) })
    };
    match set(listener | UNDISTURBED) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => set(listener),
        other => other,
    }
}

/// Lets who waits and who answers take turns on one processor. Only faster, so that it may fail.
pub(in super::super) fn take_turns(listener: BorrowedFd<'_>) {
    const SET_FLAGS: c_ulong = 0x4008_2104;
    const SYNC_WAKE_UP: c_ulong = 1;
    // SAFETY: a number, as this request takes.
    unsafe { libc::ioctl(listener.as_raw_fd(), SET_FLAGS as _, SYNC_WAKE_UP) };
}

/// Waits for a call, or for `until` to be closed. False: no call will come.
pub(in super::super) fn wait_for_call(
    listener: BorrowedFd<'_>,
    until: BorrowedFd<'_>,
) -> io::Result<bool> {
    let entry =
        |fd: BorrowedFd<'_>| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    loop {
        let mut entries = [entry(listener), entry(until)];
        // SAFETY: two entries, as said.
        match check(c_long::from(unsafe { libc::poll(entries.as_mut_ptr(), 2, -1) })) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => drop(other?),
        }
        let [calls, end] = entries;
        if calls.revents & libc::POLLIN != 0 {
            return Ok(true);
        }
        if calls.revents != 0 || end.revents != 0 {
            return Ok(false);
        }
    }
}

/// Whether anybody is left who could make a call.
pub(in super::super) fn calls_may_come(listener: BorrowedFd<'_>) -> bool {
    let mut entry = libc::pollfd { fd: listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one entry, as said.
    unsafe { libc::poll(&mut entry, 1, 0) };
    entry.revents & libc::POLLHUP == 0
}

/// The next call. None: who made it has ended.
pub(in super::super) fn next_call(listener: BorrowedFd<'_>) -> io::Result<Option<Call>> {
    const RECEIVE: c_ulong = 0xc050_2100;
    // SAFETY: a structure of plain numbers, for which zero is a value, and which the kernel asks to be zero.
    let mut told: libc::seccomp_notif = unsafe { zeroed() };
    // SAFETY: the request fills a structure of this type, which outlives the call.
    match check(c_long::from(unsafe {
        libc::ioctl(listener.as_raw_fd(), RECEIVE as _, std::ptr::from_mut(&mut told))
    })) {
        Ok(_) => {}
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINTR)) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    }
    Ok(Some(Call {
        id: told.id,
        pid: told.pid.cast_signed(),
        number: told.data.nr.into(),
        arguments: told.data.args,
    }))
}

impl Call {
    /// Answers it with a descriptor, which its caller gets as the result.
    pub(in super::super) fn hand(
        &self,
        listener: BorrowedFd<'_>,
        file: BorrowedFd<'_>,
        closes_on_exec: bool,
    ) {
        const ADD_FILE: c_ulong = 0x4018_2103;
        const AND_SEND: u32 = 2;
        let added = libc::seccomp_notif_addfd {
            id: self.id,
            flags: AND_SEND,
            srcfd: file.as_raw_fd().unsigned_abs(),
            newfd: 0,
            newfd_flags: if closes_on_exec { libc::O_CLOEXEC.unsigned_abs() } else { 0 },
        };
        // SAFETY: the request reads a structure of this type, which outlives the call.
        let given =
            unsafe { libc::ioctl(listener.as_raw_fd(), ADD_FILE as _, std::ptr::from_ref(&added)) };
        if given == -1 {
            self.fails(listener, libc::EMFILE);
        }
    }

    /// Answers it with an error.
    pub(in super::super) fn fails(&self, listener: BorrowedFd<'_>, error: c_int) {
        const SEND: c_ulong = 0xc018_2101;
        let answer = libc::seccomp_notif_resp { id: self.id, val: 0, error: -error, flags: 0 };
        // SAFETY: the request reads a structure of this type, which outlives the call.
        unsafe { libc::ioctl(listener.as_raw_fd(), SEND as _, std::ptr::from_ref(&answer)) };
    }

    /// Lets it go on as if nobody had been told. Whether it still waited, so that what was read of its caller
    /// was its caller's.
    pub(in super::super) fn goes_on(&self, listener: BorrowedFd<'_>) -> bool {
        const SEND: c_ulong = 0xc018_2101;
        let flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
        let answer = libc::seccomp_notif_resp { id: self.id, val: 0, error: 0, flags };
        // SAFETY: the request reads a structure of this type, which outlives the call.
        unsafe { libc::ioctl(listener.as_raw_fd(), SEND as _, std::ptr::from_ref(&answer)) == 0 }
    }
}

/// Reads of another process's memory, from an address to the end of the buffer or of what can be read.
pub(in super::super) fn read_memory(
    pid: pid_t,
    address: u64,
    buffer: &mut [u8],
) -> io::Result<usize> {
    const PAGE: u64 = 4096;
    // One piece for each page: a piece is read whole or not at all.
    let mut pieces = Vec::with_capacity(3);
    let mut left = buffer.len() as u64;
    let mut from = address;
    while left > 0 {
        let here = left.min(PAGE - from % PAGE);
        let base = usize::try_from(from).map_err(io::Error::other)?;
        let length = usize::try_from(here).map_err(io::Error::other)?;
        pieces.push(libc::iovec {
            iov_base: std::ptr::without_provenance_mut(base),
            iov_len: length,
        });
        from = from.checked_add(here).ok_or(io::ErrorKind::InvalidInput)?;
        left -= here;
    }
    let into = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let count = pieces.len() as c_ulong;
    // SAFETY: `into` is the buffer, which outlives the call; the pieces are addresses in another process,
    // which the kernel checks.
    let got = unsafe { libc::process_vm_readv(pid, &into, 1, pieces.as_ptr(), count, 0) };
    check(got as c_long).and_then(|got| usize::try_from(got).map_err(io::Error::other))
}

/// Whether the caller may do something at a path: one of the `_OK` numbers.
pub(in super::super) fn may(path: &std::path::Path, what: c_int) -> bool {
    let Ok(name) = super::c_string(path) else { return false };
    // SAFETY: the name outlives the call.
    unsafe { libc::faccessat(libc::AT_FDCWD, name.as_ptr(), what, libc::AT_EACCESS) == 0 }
}

/// The size that the kernel's idea of these structures has. A newer one may be larger, and then nobody is told.
const _: () = assert!(size_of::<libc::seccomp_notif>() == 80);
const _: () = assert!(size_of::<libc::seccomp_notif_resp>() == 24);
