//! System calls for being told of what appears in folders, and for sockets that stay on this machine.

use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use libc::{c_int, c_long};

use super::{c_string, check, owned};

/// Where folders are watched from.
pub(in super::super) fn changes_of_folders() -> io::Result<OwnedFd> {
    // SAFETY: numbers alone.
    owned(c_long::from(unsafe { libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK) }))
}

/// Watches what gets a name in a folder. The number that tells of it.
pub(in super::super) fn watch_folder(events: BorrowedFd<'_>, folder: &Path) -> io::Result<c_int> {
    let name = c_string(folder)?;
    let what = libc::IN_CREATE | libc::IN_MOVED_TO | libc::IN_ONLYDIR | libc::IN_DONT_FOLLOW;
    // SAFETY: the name outlives the call.
    let watch = unsafe { libc::inotify_add_watch(events.as_raw_fd(), name.as_ptr(), what) };
    check(c_long::from(watch)).map(|_| watch)
}

/// What got which name since, without waiting.
pub(in super::super) fn read_changes(events: BorrowedFd<'_>) -> Vec<(c_int, OsString)> {
    const HEAD: usize = size_of::<libc::inotify_event>();
    let mut changes = Vec::new();
    loop {
        let mut buffer = [0_u8; 16384];
        // SAFETY: pointer and length are those of one buffer.
        let got =
            unsafe { libc::read(events.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
        let Some(mut rest) = usize::try_from(got).ok().and_then(|it| buffer.get(..it)) else {
            return changes;
        };
        if rest.is_empty() {
            return changes;
        }
        // A number, what happened, a number, the length of the name, and that.
        while let Some((head, tail)) = rest.split_at_checked(HEAD) {
            let number = |at: usize| Some(*head.get(at..)?.first_chunk::<4>()?);
            let (Some(watch), Some(length)) = (number(0), number(12)) else { return changes };
            let length = usize::try_from(u32::from_ne_bytes(length)).unwrap_or(usize::MAX);
            let Some((name, next)) = tail.split_at_checked(length) else { return changes };
            let end = name.iter().position(|it| *it == 0).unwrap_or(name.len());
            let name = OsStr::from_bytes(name.get(..end).unwrap_or_default());
            changes.push((c_int::from_ne_bytes(watch), name.to_owned()));
            rest = next;
        }
    }
}

/// Waits until one of several descriptors has something, or some time has passed.
pub(in super::super) fn wait_for_any_within(
    files: &[BorrowedFd<'_>],
    longest: Option<Duration>,
) -> io::Result<()> {
    // Rounded up, so that what is left is over afterwards.
    let longest =
        longest.map_or(-1, |it| c_int::try_from(it.as_millis() + 1).unwrap_or(c_int::MAX));
    let entry =
        |fd: &BorrowedFd<'_>| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let mut entries: Vec<libc::pollfd> = files.iter().map(entry).collect();
    let count = libc::nfds_t::try_from(entries.len()).map_err(io::Error::other)?;
    // SAFETY: as many entries as said.
    match check(c_long::from(unsafe { libc::poll(entries.as_mut_ptr(), count, longest) })) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

const LOOPBACK: &[u8] = b"lo\0";

/// A socket for connections of an internet family that is tied to the loopback device. Only who may do anything
/// with this machine's network can untie it.
pub(in super::super) fn loopback_socket(family: c_int, flags: c_int) -> io::Result<OwnedFd> {
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | flags;
    // SAFETY: numbers alone.
    let socket = owned(c_long::from(unsafe { libc::socket(family, kind, 0) }))?;
    let length = LOOPBACK.len() as libc::socklen_t;
    // SAFETY: name and length belong together.
    let tied = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_BINDTODEVICE,
            LOOPBACK.as_ptr().cast(),
            length,
        )
    };
    check(c_long::from(tied)).map(|_| socket)
}

/// Why a socket of this process is not as it has to be where each is handed out: it can leave this machine, or
/// connect to where no proxy is. None: it is as it has to be.
pub(in super::super) fn why_sockets_are_free() -> Option<&'static str> {
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: numbers alone.
    let socket = owned(c_long::from(unsafe { libc::socket(libc::AF_INET, kind, 0) })).ok()?;
    let mut name = [0_u8; 16];
    let mut length = name.len() as libc::socklen_t;
    // SAFETY: the buffer has the length that is said, and both outlive the call.
    let got = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_BINDTODEVICE,
            name.as_mut_ptr().cast(),
            &mut length,
        )
    };
    if got != 0 || !name.starts_with(LOOPBACK) {
        return Some("a socket can leave this machine");
    }
    // SAFETY: a structure of plain numbers, for which zero is a value.
    let mut address: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    address.sin_family = libc::AF_INET as libc::sa_family_t;
    address.sin_port = 9_u16.to_be();
    address.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
    let size = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    // SAFETY: address and size belong together.
    let connected =
        unsafe { libc::connect(socket.as_raw_fd(), std::ptr::from_ref(&address).cast(), size) };
    let refused = io::Error::last_os_error().raw_os_error() == Some(libc::EACCES);
    (connected == 0 || !refused).then_some("any port of this machine can be connected to")
}
