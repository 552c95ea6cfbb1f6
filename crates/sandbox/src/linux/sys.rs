//! System calls that the standard library has no words for: one thin function each.
//!
//! Nearly all `unsafe` of the product is here. Each function owns what it hands to the kernel for the
//! length of the call, and turns -1 into an error.

mod changes;
mod folders;
mod mounts;
mod network;
mod notify;
mod process;
mod signals;
mod tasks;

use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use libc::{c_int, c_long, c_uint};

pub(super) use self::changes::{
    changes_of_folders, loopback_socket, read_changes, wait_for_any_within, watch_folder,
    why_sockets_are_free,
};
pub(super) use self::folders::{
    About, about_in, allow, allow_in, is_labelled, link_in, make_folder_in, remove_folder_in,
    remove_label, times_in,
};
pub(super) use self::mounts::{
    Attributes, attach, clone_tree, is_read_only, new_tree, set_attributes, set_attributes_here,
};
pub(super) use self::network::{
    enter_network, every_address_is_local, know_writers, listen, network_of_its_own, peer,
    raise_open_files, read_written, receive_what_came, receive_with, send_with, wait_for_any,
};
pub(super) use self::notify::{
    Call, calls_may_come, listen_to_calls, may, next_call, read_memory, take_turns, wait_for_call,
};
pub(super) use self::process::{open_process, signal_process};
pub(super) use self::signals::{
    Signal, Signals, default_broken_pipe, foreground, outlive_limits, set_foreground,
};
pub(super) use self::tasks::{
    Change, account_home, changed_child, control, drop_capabilities, execute, exit_now, fork_into,
    ids, is_first_process, limit, pass_capabilities_on, processors, rename_self, signal, stop_self,
    wait_for,
};

#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

fn check(result: c_long) -> io::Result<c_long> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn owned(result: c_long) -> io::Result<OwnedFd> {
    let fd = RawFd::try_from(check(result)?).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

pub(super) fn c_string(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other)
}

/// Opens a path for naming it only; no component of it may be a symbolic link.
pub(super) fn open_path(path: &Path) -> io::Result<OwnedFd> {
    let name = c_string(path)?;
    let flags = (libc::O_PATH | libc::O_CLOEXEC | libc::O_NOFOLLOW) as u64;
    let how = OpenHow { flags, mode: 0, resolve: libc::RESOLVE_NO_SYMLINKS };
    // SAFETY: `name` and `how` outlive the call, and the size is that of `how`.
    owned(unsafe {
        libc::syscall(libc::SYS_openat2, libc::AT_FDCWD, name.as_ptr(), &how, size_of::<OpenHow>())
    })
}

/// Opens something in a folder by its name. A symbolic link is not followed.
pub(super) fn open_in(
    folder: BorrowedFd<'_>,
    name: &OsStr,
    flags: c_int,
    mode: c_uint,
) -> io::Result<OwnedFd> {
    let name = CString::new(name.as_bytes())?;
    let flags = flags | libc::O_CLOEXEC | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    // SAFETY: the name outlives the call.
    owned(c_long::from(unsafe { libc::openat(folder.as_raw_fd(), name.as_ptr(), flags, mode) }))
}

/// Renames something in one folder to something in another. Never replaces anything, unless that is asked
/// for.
pub(super) fn rename_in(
    from: (BorrowedFd<'_>, &OsStr),
    to: (BorrowedFd<'_>, &OsStr),
    replace: bool,
) -> io::Result<()> {
    let (old, new) = (CString::new(from.1.as_bytes())?, CString::new(to.1.as_bytes())?);
    let flags = if replace { 0 } else { libc::RENAME_NOREPLACE };
    let (from, to) = (from.0.as_raw_fd(), to.0.as_raw_fd());
    // SAFETY: both names outlive the call.
    let result =
        unsafe { libc::syscall(libc::SYS_renameat2, from, old.as_ptr(), to, new.as_ptr(), flags) };
    check(result).map(drop)
}

/// Removes a file in a folder.
pub(super) fn remove_in(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    let name = CString::new(name.as_bytes())?;
    // SAFETY: the name outlives the call.
    check(c_long::from(unsafe { libc::unlinkat(folder.as_raw_fd(), name.as_ptr(), 0) })).map(drop)
}

/// Whether a descriptor stays open when something is executed.
pub(super) fn stays_open(descriptor: c_int) -> bool {
    // SAFETY: numbers alone.
    let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFD) };
    flags != -1 && flags & libc::FD_CLOEXEC == 0
}

/// Tries to signal the process that started this one, without a signal.
pub(super) fn cannot_signal_parent() -> bool {
    // SAFETY: numbers alone.
    unsafe { libc::kill(libc::getppid(), 0) == -1 }
}

/// Why a folder cannot be removed. It has to hold something, so that it cannot be in any case.
pub(super) fn why_folder_stays(folder: &Path) -> io::Result<c_int> {
    let name = c_string(folder)?;
    // SAFETY: the name outlives the call.
    match check(c_long::from(unsafe { libc::rmdir(name.as_ptr()) })) {
        Ok(_) => Ok(0),
        Err(error) => Ok(error.raw_os_error().unwrap_or(0)),
    }
}

/// Every descriptor from 3 on is closed when something is executed.
pub(super) fn close_on_exec_from_three() -> io::Result<()> {
    const CLOEXEC: c_uint = 4;
    // SAFETY: no pointers; descriptors stay open, so that owners of them stay right.
    check(unsafe { libc::syscall(libc::SYS_close_range, 3 as c_uint, c_uint::MAX, CLOEXEC) })
        .map(drop)
}

/// Leaves one descriptor open for what is executed next.
pub(super) fn keep_when_executing(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: a descriptor that is open, and a number.
    let result = unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_SETFD, 0) };
    check(c_long::from(result)).map(drop)
}

/// Lets go of the caller's standard files, for whoever waits for their end.
pub(super) fn let_go_of_standard_files() -> io::Result<()> {
    // SAFETY: a string that ends in NUL.
    let null = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) };
    let null = owned(c_long::from(null))?;
    for standard in 0..3 {
        // SAFETY: two numbers of descriptors, the first of which is open.
        check(c_long::from(unsafe { libc::dup2(null.as_raw_fd(), standard) }))?;
    }
    Ok(())
}

/// A file of memory alone, without a name.
pub(super) fn memory_file(name: &CStr) -> io::Result<OwnedFd> {
    // SAFETY: the name outlives the call.
    owned(c_long::from(unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC) }))
}

/// This program, whatever its name is now.
pub(super) fn own_program() -> io::Result<OwnedFd> {
    let flags = libc::O_RDONLY | libc::O_CLOEXEC;
    // SAFETY: a string that ends in NUL.
    owned(c_long::from(unsafe { libc::open(c"/proc/self/exe".as_ptr(), flags) }))
}

/// A descriptor that whoever executed this program left open for it, by its number.
pub(super) fn given(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: numbers alone.
    check(c_long::from(unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) }))?;
    // SAFETY: it is open, and each number is asked for once, by a process that has just started.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Makes a number stand for what another descriptor does. It stays open when something is executed.
pub(super) fn put_at(descriptor: BorrowedFd<'_>, number: RawFd) -> io::Result<()> {
    // SAFETY: two numbers of descriptors, the first of which is open.
    check(c_long::from(unsafe { libc::dup2(descriptor.as_raw_fd(), number) })).map(drop)
}

/// Two connected sockets that keep messages apart.
pub(super) fn socket_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut pair: [RawFd; 2] = [-1; 2];
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
    // SAFETY: `pair` has room for the two descriptors.
    let result = unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, pair.as_mut_ptr()) };
    check(c_long::from(result))?;
    let [one, other] = pair;
    // SAFETY: the kernel has just made both for us.
    Ok(unsafe { (OwnedFd::from_raw_fd(one), OwnedFd::from_raw_fd(other)) })
}

/// Sends one message. A reader that went away is an error, not a signal.
pub(super) fn send(to: BorrowedFd<'_>, message: &[u8]) -> io::Result<()> {
    let flags = libc::MSG_NOSIGNAL;
    // SAFETY: pointer and length are those of one slice.
    let sent = unsafe { libc::send(to.as_raw_fd(), message.as_ptr().cast(), message.len(), flags) };
    check(sent as c_long).map(drop)
}

/// Takes one message, without waiting. Empty: the other side is gone. None: nothing is there.
pub(super) fn receive(from: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    let flags = libc::MSG_DONTWAIT;
    // SAFETY: pointer and length are those of one slice.
    let got =
        unsafe { libc::recv(from.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), flags) };
    match check(got as c_long) {
        Ok(length) => usize::try_from(length).map(Some).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
        Err(error) => Err(error),
    }
}

/// The time since 1970 as files are stamped with it: that of the last tick.
pub(super) fn clock_of_files() -> io::Result<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure is of the type that the call fills.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_REALTIME_COARSE, &mut time) };
    check(c_long::from(result))?;
    let (seconds, rest) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Ok(Duration::new(seconds.unwrap_or(0), rest.unwrap_or(0)))
}

/// Whether the file system of a path stamps a folder at every change of its entries, by this machine's clock.
/// Those of a network, and those of a program, may have been changed elsewhere.
pub(super) fn keeps_stamps(path: &Path) -> bool {
    const BTRFS: u64 = 0x9123_683e;
    const EXT: u64 = 0xef53;
    const F2FS: u64 = 0xf2f5_2010;
    const OVERLAY: u64 = 0x794c_7630;
    const TMPFS: u64 = 0x0102_1994;
    const XFS: u64 = 0x5846_5342;
    let Ok(name) = c_string(path) else { return false };
    // SAFETY: a structure of plain numbers, filled by the call while it lives; zero is no file system.
    let kind = unsafe {
        let mut about: libc::statfs = zeroed();
        libc::statfs(name.as_ptr(), &mut about);
        about.f_type
    };
    let known = [BTRFS, EXT, F2FS, OVERLAY, TMPFS, XFS];
    u64::try_from(kind).is_ok_and(|it| known.contains(&it))
}

/// Waits until one of two descriptors has something, or is closed.
pub(super) fn wait_readable(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> io::Result<()> {
    wait_readable_for(one, other, None)
}

/// The same, or until some time has passed.
pub(super) fn wait_readable_for(
    one: BorrowedFd<'_>,
    other: BorrowedFd<'_>,
    longest: Option<Duration>,
) -> io::Result<()> {
    // Rounded up, so that what is left is over afterwards.
    let longest =
        longest.map_or(-1, |it| c_int::try_from(it.as_millis() + 1).unwrap_or(c_int::MAX));
    let entry =
        |fd: BorrowedFd<'_>| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let mut entries = [entry(one), entry(other)];
    // SAFETY: two entries, as said.
    match check(c_long::from(unsafe { libc::poll(entries.as_mut_ptr(), 2, longest) })) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

/// The version of Landlock's interface; 0 = none.
pub(super) fn landlock_version() -> u32 {
    const VERSION: c_uint = 1;
    let nothing = std::ptr::null::<u8>();
    // SAFETY: asking for the version takes no structure.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, nothing, 0_usize, VERSION) };
    u32::try_from(version).unwrap_or(0)
}

/// Whether a new user namespace is refused, as it has to be behind the walls.
pub(super) fn cannot_unshare_user() -> bool {
    // SAFETY: no pointers.
    unsafe { libc::unshare(libc::CLONE_NEWUSER) == -1 }
}

/// Tries to reach an address that belongs to nobody. A datagram socket asks for the way at once and
/// sends nothing.
pub(super) fn cannot_connect() -> bool {
    let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;
    // SAFETY: no pointers.
    let Ok(socket) = owned(c_long::from(unsafe { libc::socket(libc::AF_INET, kind, 0) })) else {
        return true;
    };
    // SAFETY: a structure of plain numbers, for which zero is a value.
    let mut address: libc::sockaddr_in = unsafe { zeroed() };
    address.sin_family = libc::AF_INET as libc::sa_family_t;
    address.sin_port = 9_u16.to_be();
    address.sin_addr.s_addr = u32::from_ne_bytes([192, 0, 2, 1]);
    let size = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    // SAFETY: address and size belong together.
    unsafe { libc::connect(socket.as_raw_fd(), std::ptr::from_ref(&address).cast(), size) == -1 }
}
