//! System calls that the standard library has no words for: one thin function each.
//!
//! Nearly all `unsafe` of the product is here. Each function owns what it hands to the kernel for the
//! length of the call, and turns -1 into an error.

mod changes;
mod folders;
mod network;
mod notify;
mod process;

use std::ffi::{CStr, CString, OsStr, OsString};
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use libc::{c_int, c_long, c_uint, c_ulong, pid_t};

pub(super) use self::changes::{
    changes_of_folders, loopback_socket, read_changes, wait_for_any_within, watch_folder,
    why_sockets_are_free,
};
pub(super) use self::folders::{
    About, about_in, allow, allow_in, is_labelled, link_in, make_folder_in, remove_folder_in,
    remove_label, times_in,
};
pub(super) use self::network::{
    every_address_is_local, know_writers, listen, peer, raise_open_files, read_written,
    receive_what_came, receive_with, send_with, wait_for_any,
};
pub(super) use self::notify::{
    Call, calls_may_come, listen_to_calls, may, next_call, read_memory, take_turns, wait_for_call,
};
pub(super) use self::process::{open_process, signal_process};

/// Flags of `mount_setattr`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes(pub(super) u64);

impl Attributes {
    pub(super) const READ_ONLY: u64 = libc::MOUNT_ATTR_RDONLY;
    pub(super) const NO_SETUID: u64 = libc::MOUNT_ATTR_NOSUID;
    pub(super) const NO_DEVICES: u64 = libc::MOUNT_ATTR_NODEV;
    pub(super) const NO_EXEC: u64 = libc::MOUNT_ATTR_NOEXEC;
}

#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

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

/// A detached copy of the mount at a descriptor, with everything mounted below.
pub(super) fn clone_tree(at: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let flags = libc::OPEN_TREE_CLONE
        | libc::OPEN_TREE_CLOEXEC
        | libc::AT_RECURSIVE as c_uint
        | libc::AT_EMPTY_PATH as c_uint;
    // SAFETY: the empty string outlives the call.
    owned(unsafe { libc::syscall(libc::SYS_open_tree, at.as_raw_fd(), c"".as_ptr(), flags) })
}

/// Attaches a detached mount on what a descriptor names.
pub(super) fn attach(tree: BorrowedFd<'_>, onto: BorrowedFd<'_>) -> io::Result<()> {
    const BOTH_EMPTY: c_uint = 0x0000_0004 | 0x0000_0040;
    let (tree, onto) = (tree.as_raw_fd(), onto.as_raw_fd());
    let empty = c"".as_ptr();
    // SAFETY: the empty strings are static.
    let result =
        unsafe { libc::syscall(libc::SYS_move_mount, tree, empty, onto, empty, BOTH_EMPTY) };
    check(result).map(drop)
}

/// Sets attributes of the mount at a descriptor and of all below it.
pub(super) fn set_attributes(at: BorrowedFd<'_>, set: Attributes) -> io::Result<()> {
    change_attributes(at, set, libc::AT_RECURSIVE)
}

/// Sets attributes of the mount at a descriptor alone.
pub(super) fn set_attributes_here(at: BorrowedFd<'_>, set: Attributes) -> io::Result<()> {
    change_attributes(at, set, 0)
}

fn change_attributes(at: BorrowedFd<'_>, set: Attributes, deep: c_int) -> io::Result<()> {
    let attributes =
        MountAttributes { set: set.0, clear: 0, propagation: libc::MS_PRIVATE, user_namespace: 0 };
    let flags = deep | libc::AT_EMPTY_PATH;
    // SAFETY: the structure outlives the call, and the size is its own.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            at.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &attributes,
            size_of::<MountAttributes>(),
        )
    };
    check(result).map(drop)
}

/// A new file system of its own, not attached yet.
pub(super) fn new_tree(
    kind: &CStr,
    options: &[(&CStr, &CStr)],
    attributes: Attributes,
) -> io::Result<OwnedFd> {
    const SET_FLAG: c_uint = 0;
    const SET_STRING: c_uint = 1;
    const CREATE: c_uint = 6;
    // SAFETY: `kind` outlives the call.
    let context = owned(unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), 1 as c_uint) })?;
    let context = context.as_raw_fd();
    for (name, value) in options {
        // An option without a value is there or not.
        let (how, value) = if value.is_empty() {
            (SET_FLAG, std::ptr::null())
        } else {
            (SET_STRING, value.as_ptr())
        };
        // SAFETY: both strings outlive the call.
        let result =
            unsafe { libc::syscall(libc::SYS_fsconfig, context, how, name.as_ptr(), value, 0) };
        check(result)?;
    }
    let nothing = std::ptr::null::<u8>();
    // SAFETY: this command takes no pointers.
    check(unsafe { libc::syscall(libc::SYS_fsconfig, context, CREATE, nothing, nothing, 0) })?;
    let attributes = c_uint::try_from(attributes.0).map_err(io::Error::other)?;
    // SAFETY: no pointers.
    owned(unsafe { libc::syscall(libc::SYS_fsmount, context, 1 as c_uint, attributes) })
}

/// Like `fork`, into new namespaces. 0 in the child.
pub(super) fn fork_into(namespaces: c_int) -> io::Result<pid_t> {
    let flags = c_ulong::try_from(namespaces | libc::SIGCHLD).map_err(io::Error::other)?;
    let nothing = 0 as c_ulong;
    // SAFETY: without CLONE_VM and with no stack given this is `fork`: the child goes on with a copy
    // of everything. The callers have one thread, so that no lock is held by a thread that is not
    // there any more.
    let result =
        unsafe { libc::syscall(libc::SYS_clone, flags, nothing, nothing, nothing, nothing) };
    pid_t::try_from(check(result)?).map_err(io::Error::other)
}

/// Ends the process at once; nothing is flushed and no destructor runs.
pub(super) fn exit_now(code: c_int) -> ! {
    // SAFETY: takes no pointers and does not return.
    unsafe { libc::_exit(code) }
}

/// One `prctl` whose arguments are numbers.
pub(super) fn control(option: c_int, argument: c_ulong) -> io::Result<c_int> {
    let nothing = 0 as c_ulong;
    // SAFETY: the callers pass options that take numbers only.
    let result = unsafe { libc::prctl(option, argument, nothing, nothing, nothing) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Gives up every capability, for this process and whatever it executes.
pub(super) fn drop_capabilities() -> io::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: c_int,
    }
    for capability in 0..64 {
        // Without CAP_SETPCAP there is nothing to give up from; `no_new_privs` holds that.
        if control(libc::PR_CAPBSET_DROP, capability).is_err() {
            break;
        }
    }
    control(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL as c_ulong)?;
    let header = Header { version: 0x2008_0522, pid: 0 };
    let none = [0_u32; 6];
    // SAFETY: version 3 of the interface reads two triples of 32 bits, which `none` is.
    let result = unsafe { libc::syscall(libc::SYS_capset, &header, none.as_ptr()) };
    check(result).map(drop)
}

/// Keeps every capability, for whatever is executed too. Only tests do that, to see what holds without.
pub(super) fn pass_capabilities_on() -> io::Result<()> {
    let header = [0x2008_0522_u32, 0];
    let mut sets = [0_u32; 6];
    // SAFETY: version 3 of the interface fills two triples of 32 bits, which `sets` is.
    check(unsafe { libc::syscall(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr()) })?;
    let [effective, permitted, _, effective_high, permitted_high, _] = sets;
    let sets = [effective, permitted, permitted, effective_high, permitted_high, permitted_high];
    // SAFETY: as above, and the call only reads.
    check(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) })?;
    let nothing = 0 as c_ulong;
    for capability in 0..64 as c_ulong {
        let raise = libc::PR_CAP_AMBIENT_RAISE as c_ulong;
        // SAFETY: numbers alone. One that is not held is not raised, which is right.
        unsafe { libc::prctl(libc::PR_CAP_AMBIENT, raise, capability, nothing, nothing) };
    }
    Ok(())
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

/// Makes the loopback device of this network namespace work.
pub(super) fn loopback_up() -> io::Result<()> {
    let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;
    // SAFETY: no pointers.
    let socket = owned(c_long::from(unsafe { libc::socket(libc::AF_INET, kind, 0) }))?;
    // SAFETY: a structure of plain numbers, for which zero is a value.
    let mut request: libc::ifreq = unsafe { zeroed() };
    for (slot, byte) in request.ifr_name.iter_mut().zip(c"lo".to_bytes()) {
        *slot = *byte as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the request is of the type that this call reads, and outlives it.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &request) };
    check(c_long::from(result)).map(drop)
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

/// The limits of this process: one of the `RLIMIT_` numbers, and the most it may be.
pub(super) fn limit(resource: c_uint, most: u64) -> io::Result<()> {
    let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure is of the type that the call fills.
    check(c_long::from(unsafe { libc::getrlimit(resource as _, &mut now) }))?;
    let most = most.min(now.rlim_max);
    let new = libc::rlimit { rlim_cur: most.min(now.rlim_cur), rlim_max: most };
    // SAFETY: the structure outlives the call.
    check(c_long::from(unsafe { libc::setrlimit(resource as _, &new) })).map(drop)
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

/// The ids of this process: user and group.
pub(super) fn ids() -> (u32, u32) {
    // SAFETY: no arguments, cannot fail.
    unsafe { (libc::geteuid(), libc::getegid()) }
}

/// The home folder that the system's list of users names for this process.
pub(super) fn account_home() -> Option<PathBuf> {
    // SAFETY: the entry is read at once, by a process with one thread; its strings end in NUL.
    let home = unsafe {
        let entry = libc::getpwuid(libc::getuid());
        let home = entry.as_ref()?.pw_dir;
        (!home.is_null()).then(|| CStr::from_ptr(home).to_bytes().to_vec())?
    };
    Some(PathBuf::from(OsString::from_vec(home)))
}

/// Whether this is the first process of its own set of processes, and can see no others.
pub(super) fn is_first_process() -> bool {
    // SAFETY: no arguments, cannot fail.
    unsafe { libc::getpid() == 1 }
}

/// Sends a signal.
pub(super) fn signal(pid: pid_t, signal: c_int) -> io::Result<()> {
    // SAFETY: no pointers.
    check(c_long::from(unsafe { libc::kill(pid, signal) })).map(drop)
}

/// Stops this process until somebody lets it go on.
pub(super) fn stop_self() -> io::Result<()> {
    // SAFETY: no arguments.
    signal(unsafe { libc::getpid() }, libc::SIGSTOP)
}

/// What became of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Exited(u8),
    Killed(c_int),
    Stopped,
}

/// A child that has changed, without waiting for one.
pub(super) fn changed_child(any: pid_t, stops: bool) -> io::Result<Option<(pid_t, Change)>> {
    let mut status = 0;
    let flags = libc::WNOHANG | if stops { libc::WUNTRACED } else { 0 };
    // SAFETY: `status` is filled by the call.
    let pid = unsafe { libc::waitpid(any, &mut status, flags) };
    if check(c_long::from(pid))? == 0 {
        return Ok(None);
    }
    let change = if libc::WIFSTOPPED(status) {
        Change::Stopped
    } else if libc::WIFSIGNALED(status) {
        Change::Killed(libc::WTERMSIG(status))
    } else {
        Change::Exited(u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(u8::MAX))
    };
    Ok(Some((pid, change)))
}

/// Waits for the end of one child.
pub(super) fn wait_for(pid: pid_t) -> io::Result<Change> {
    let mut status = 0;
    loop {
        // SAFETY: `status` is filled by the call.
        match check(c_long::from(unsafe { libc::waitpid(pid, &mut status, 0) })) {
            Ok(_) if libc::WIFSIGNALED(status) => {
                return Ok(Change::Killed(libc::WTERMSIG(status)));
            }
            Ok(_) => {
                let code = u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(u8::MAX);
                return Ok(Change::Exited(code));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Signals that arrive while this lives are kept, to be read from a descriptor. Dropping restores what
/// was before.
pub(super) struct Signals {
    fd: OwnedFd,
    before: libc::sigset_t,
}

/// A signal, and whether the kernel sent it (a terminal does) and not a process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signal {
    pub(super) number: c_int,
    pub(super) by_kernel: bool,
}

impl Signals {
    pub(super) fn keep() -> io::Result<Self> {
        // SAFETY: signal sets are plain bits; the calls fill and read them while they live. Signals
        // that report a fault of our own are left alone, for blocking them is undefined.
        unsafe {
            let mut set: libc::sigset_t = zeroed();
            let mut before: libc::sigset_t = zeroed();
            libc::sigfillset(&mut set);
            for fault in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP] {
                libc::sigdelset(&mut set, fault);
            }
            check(c_long::from(libc::sigprocmask(libc::SIG_SETMASK, &set, &mut before)))?;
            let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
            let fd = owned(c_long::from(libc::signalfd(-1, &set, flags)))?;
            Ok(Self { fd, before })
        }
    }

    /// The same, where what was blocked before is known from elsewhere.
    pub(super) fn keep_over(blocked: &[c_int]) -> io::Result<Self> {
        let mut signals = Self::keep()?;
        // SAFETY: a set of plain bits, which the calls fill. A number that is none changes nothing.
        unsafe {
            libc::sigemptyset(&mut signals.before);
            for number in blocked {
                libc::sigaddset(&mut signals.before, *number);
            }
        }
        Ok(signals)
    }

    /// The signals that were blocked before.
    pub(super) fn blocked_before(&self) -> Vec<c_int> {
        const LAST: c_int = 64;
        // SAFETY: `before` was filled by the kernel.
        (1..=LAST).filter(|it| unsafe { libc::sigismember(&self.before, *it) } == 1).collect()
    }

    pub(super) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// The next signal that is waiting.
    pub(super) fn next(&self) -> Option<Signal> {
        // SAFETY: a structure of plain numbers, for which zero is a value.
        let mut info: libc::signalfd_siginfo = unsafe { zeroed() };
        let size = size_of::<libc::signalfd_siginfo>();
        // SAFETY: `info` has room for `size` bytes.
        let got =
            unsafe { libc::read(self.fd.as_raw_fd(), std::ptr::from_mut(&mut info).cast(), size) };
        let number = c_int::try_from(info.ssi_signo).ok()?;
        (usize::try_from(got) == Ok(size))
            .then_some(Signal { number, by_kernel: info.ssi_code == libc::SI_KERNEL })
    }

    /// Forgets what is waiting: it was meant for the command, which has ended.
    pub(super) fn drain(&self) {
        while self.next().is_some() {}
    }

    /// Lets signals through again, as they were before; what is executed next starts so.
    pub(super) fn restore(&self) {
        // SAFETY: `before` was filled by the kernel.
        unsafe { libc::sigprocmask(libc::SIG_SETMASK, &self.before, std::ptr::null_mut()) };
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.restore();
    }
}

/// The runtime ignores broken pipes for us; a command starts with what is usual.
pub(super) fn default_broken_pipe() {
    // SAFETY: sets the disposition to the default, which runs no code of ours.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// A limit on the size of files or on processor time ends a process that does not expect it.
pub(super) fn outlive_limits() {
    for signal in [libc::SIGXFSZ, libc::SIGXCPU] {
        // SAFETY: ignored, which runs no code of ours.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
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

/// The process group in the foreground of a terminal on standard input, if it is ours.
pub(super) fn foreground() -> Option<pid_t> {
    // SAFETY: no pointers.
    let (front, own) = unsafe { (libc::tcgetpgrp(0), libc::getpgrp()) };
    (front == own).then_some(own)
}

/// Brings a process group back to the foreground. Signals have to be kept, or this stops us.
pub(super) fn set_foreground(group: pid_t) {
    // SAFETY: no pointers.
    unsafe { libc::tcsetpgrp(0, group) };
}

/// Replaces this process. Comes back only with an error.
pub(super) fn execute(program: &CStr, argv: &[CString], environment: &[CString]) -> io::Error {
    let pointers = |strings: &[CString]| -> Vec<*const libc::c_char> {
        strings.iter().map(|it| it.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (argv, environment) = (pointers(argv), pointers(environment));
    // SAFETY: both lists end in null, and all strings outlive the call.
    unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
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

/// Whether the file system at a path is read-only here.
pub(super) fn is_read_only(path: &Path) -> io::Result<bool> {
    let name = c_string(path)?;
    // SAFETY: a structure of plain numbers, filled by the call while it lives.
    let flags = unsafe {
        let mut about: libc::statvfs = zeroed();
        check(c_long::from(libc::statvfs(name.as_ptr(), &mut about)))?;
        about.f_flag
    };
    Ok(flags & libc::ST_RDONLY != 0)
}

/// Sets the name that lists of processes show.
pub(super) fn rename_self(name: &CStr) {
    // SAFETY: the name is static and ends in NUL.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr(), 0, 0, 0) };
}
