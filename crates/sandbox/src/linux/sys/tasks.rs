//! System calls about this process, its children, and what they may do.

use std::ffi::{CStr, CString, OsString};
use std::io;
use std::mem::size_of;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use libc::{c_int, c_long, c_uint, c_ulong, pid_t};

use super::check;

/// Like `fork`, into new namespaces. 0 in the child.
pub(in super::super) fn fork_into(namespaces: c_int) -> io::Result<pid_t> {
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
pub(in super::super) fn exit_now(code: c_int) -> ! {
    // SAFETY: takes no pointers and does not return.
    unsafe { libc::_exit(code) }
}

/// One `prctl` whose arguments are numbers.
pub(in super::super) fn control(option: c_int, argument: c_ulong) -> io::Result<c_int> {
    let nothing = 0 as c_ulong;
    // SAFETY: the callers pass options that take numbers only.
    let result = unsafe { libc::prctl(option, argument, nothing, nothing, nothing) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Gives up every capability, for this process and whatever it executes.
pub(in super::super) fn drop_capabilities() -> io::Result<()> {
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
pub(in super::super) fn pass_capabilities_on() -> io::Result<()> {
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

/// How many processors this process may run on.
pub(in super::super) fn processors() -> usize {
    // SAFETY: a set of bits, for which zero is a value, filled by the call while it lives.
    let count = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        match libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) {
            0 => libc::CPU_COUNT(&set),
            _ => 1,
        }
    };
    usize::try_from(count).unwrap_or(1).max(1)
}

/// The ids of this process: user and group.
pub(in super::super) fn ids() -> (u32, u32) {
    // SAFETY: no arguments, cannot fail.
    unsafe { (libc::geteuid(), libc::getegid()) }
}

/// The home folder that the system's list of users names for this process.
pub(in super::super) fn account_home() -> Option<PathBuf> {
    // SAFETY: no arguments, cannot fail.
    let user = unsafe { libc::getuid() };
    // Nearly everybody is in that file, and the library opens four others and asks two services before it.
    home_in(Path::new("/etc/passwd"), user).or_else(|| home_by_library(user))
}

#[expect(clippy::disallowed_methods, reason = "the list of users is a file")]
fn home_in(list: &Path, user: u32) -> Option<PathBuf> {
    let list = std::fs::read(list).ok()?;
    let user = user.to_string();
    let fields = |line: &'_ [u8]| {
        let mut fields = line.split(|byte| *byte == b':').skip(2);
        let number = fields.next()?;
        let home = fields.nth(2).filter(|it| it.first() == Some(&b'/'))?;
        (number == user.as_bytes()).then(|| PathBuf::from(OsString::from_vec(home.to_vec())))
    };
    list.split(|byte| *byte == b'\n').find_map(fields)
}

fn home_by_library(user: u32) -> Option<PathBuf> {
    // SAFETY: the entry is read at once, by a process with one thread; its strings end in NUL.
    let home = unsafe {
        let entry = libc::getpwuid(user);
        let home = entry.as_ref()?.pw_dir;
        (!home.is_null()).then(|| CStr::from_ptr(home).to_bytes().to_vec())?
    };
    Some(PathBuf::from(OsString::from_vec(home)))
}

/// Whether this is the first process of its own set of processes, and can see no others.
pub(in super::super) fn is_first_process() -> bool {
    // SAFETY: no arguments, cannot fail.
    unsafe { libc::getpid() == 1 }
}

/// Sends a signal.
pub(in super::super) fn signal(pid: pid_t, signal: c_int) -> io::Result<()> {
    // SAFETY: no pointers.
    check(c_long::from(unsafe { libc::kill(pid, signal) })).map(drop)
}

/// Stops this process until somebody lets it go on.
pub(in super::super) fn stop_self() -> io::Result<()> {
    // SAFETY: no arguments.
    signal(unsafe { libc::getpid() }, libc::SIGSTOP)
}

/// What became of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Change {
    Exited(u8),
    Killed(c_int),
    Stopped,
}

/// A child that has changed, without waiting for one.
pub(in super::super) fn changed_child(
    any: pid_t,
    stops: bool,
) -> io::Result<Option<(pid_t, Change)>> {
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
pub(in super::super) fn wait_for(pid: pid_t) -> io::Result<Change> {
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

/// Replaces this process. Comes back only with an error.
pub(in super::super) fn execute(
    program: &CStr,
    argv: &[CString],
    environment: &[CString],
) -> io::Error {
    let pointers = |strings: &[CString]| -> Vec<*const libc::c_char> {
        strings.iter().map(|it| it.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (argv, environment) = (pointers(argv), pointers(environment));
    // SAFETY: both lists end in null, and all strings outlive the call.
    unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// Sets the name that lists of processes show.
pub(in super::super) fn rename_self(name: &CStr) {
    // SAFETY: the name is static and ends in NUL.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr(), 0, 0, 0) };
}
/// The limits of this process: one of the `RLIMIT_` numbers, and the most it may be.
pub(in super::super) fn limit(resource: c_uint, most: u64) -> io::Result<()> {
    let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure is of the type that the call fills.
    check(c_long::from(unsafe { libc::getrlimit(resource as _, &mut now) }))?;
    let most = most.min(now.rlim_max);
    let new = libc::rlimit { rlim_cur: most.min(now.rlim_cur), rlim_max: most };
    // SAFETY: the structure outlives the call.
    check(c_long::from(unsafe { libc::setrlimit(resource as _, &new) })).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_of_the_list_has_the_home_that_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("passwd");
        std::fs::write(
            &list,
            "root:x:0:0:root:/root:/bin/sh\nodd\nu:x:1000:100::/home/u:\nv:x:7:7:v::\n",
        )
        .unwrap();
        assert_eq!(home_in(&list, 0), Some("/root".into()));
        assert_eq!(home_in(&list, 1000), Some("/home/u".into()));
        // No home, no such user (100 is a group), and no list.
        for user in [7, 100] {
            assert_eq!(home_in(&list, user), None, "{user}");
        }
        assert_eq!(home_in(&folder.path().join("none"), 0), None);
    }
}
