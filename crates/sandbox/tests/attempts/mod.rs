//! Attempts that need a system call of their own. Each runs inside and says `REACHED` if it got through,
//! or `held` and the error if not.

pub(crate) mod rows;

use std::ffi::CString;
use std::io;
use std::mem::{size_of, zeroed};

use libc::{c_int, c_long};

/// The word in the first argument that makes a test binary an attempt.
pub(crate) const ATTEMPT: &str = "ringfence-test-attempt";

/// Tries one thing. Never comes back.
pub(crate) fn attempt() -> ! {
    let arguments: Vec<String> = std::env::args().skip(2).collect();
    let argument = arguments.get(1).cloned().unwrap_or_default();
    let name = arguments.first().map(String::as_str).unwrap_or_default();
    let result = by_name(name, &argument);
    match result {
        Ok(()) => println!("REACHED"),
        Err(error) => println!("held {}", error.raw_os_error().unwrap_or(0)),
    }
    std::process::exit(0)
}

fn call(result: c_long) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A system call with numbers and static strings for arguments.
fn syscall(number: c_long, a: usize, b: usize, c: usize, d: usize, e: usize) -> io::Result<()> {
    // SAFETY: the callers pass numbers, null, or the address of something that outlives the call.
    call(unsafe { libc::syscall(number, a, b, c, d, e, 0) })
}

fn address(text: &'static std::ffi::CStr) -> usize {
    text.as_ptr() as usize
}

fn by_name(name: &str, argument: &str) -> io::Result<()> {
    let socket = |family: c_int, kind: c_int, protocol: c_int| {
        // SAFETY: no pointers.
        call(unsafe { libc::socket(family, kind, protocol) }.into())
    };
    let user = libc::CLONE_NEWUSER as usize;
    match name {
        "tcp" => std::net::TcpStream::connect(argument).map(drop),
        "udp" => std::net::UdpSocket::bind("0.0.0.0:0")?.connect(argument),
        "unix" => std::os::unix::net::UnixStream::connect(argument).map(drop),
        "abstract" => abstract_socket(argument),
        "ptrace" if argument == "parent" => {
            syscall(libc::SYS_ptrace, libc::PTRACE_SEIZE as usize, parent(), 0, 0, 0)
        }
        "ptrace" => {
            let pid: usize = argument.parse().map_err(io::Error::other)?;
            syscall(libc::SYS_ptrace, libc::PTRACE_SEIZE as usize, pid, 0, 0, 0)
        }
        "kill" => {
            let pid: usize = argument.parse().map_err(io::Error::other)?;
            syscall(libc::SYS_kill, pid, 0, 0, 0, 0)
        }
        "terminal-input" => syscall(libc::SYS_ioctl, 0, 0x5412, address(c"x"), 0, 0),
        "terminal-input-high" => syscall(libc::SYS_ioctl, 0, 0x7_0000_5412, address(c"x"), 0, 0),
        "terminal-linux" => syscall(libc::SYS_ioctl, 0, 0x541c, address(c"\x03"), 0, 0),
        "mount" => {
            syscall(libc::SYS_mount, address(c"x"), address(c"/tmp"), address(c"tmpfs"), 0, 0)
        }
        "umount" => {
            let path = CString::new(argument)?;
            let flags = libc::MNT_DETACH as usize;
            syscall(libc::SYS_umount2, path.as_ptr() as usize, flags, 0, 0, 0)
        }
        "writable" => {
            let attributes = [0_u64, libc::MOUNT_ATTR_RDONLY, 0, 0];
            let at = attributes.as_ptr() as usize;
            syscall(libc::SYS_mount_setattr, libc::AT_FDCWD as usize, address(c"/"), 0, at, 32)?;
            std::fs::write(std::path::Path::new(argument).join("new"), "x")
        }
        "move-mount" => syscall(libc::SYS_move_mount, 0, address(c""), 0, address(c""), 0x44),
        "fsopen" => syscall(libc::SYS_fsopen, address(c"tmpfs"), 0, 0, 0, 0),
        "pivot-root" => syscall(libc::SYS_pivot_root, address(c"."), address(c"."), 0, 0, 0),
        "touch" => {
            let path = std::path::Path::new(argument).join(".ringfence-test-touch");
            std::fs::write(&path, "x").and_then(|()| std::fs::remove_file(path))
        }
        "segment" => {
            let key = argument.parse().map_err(io::Error::other)?;
            // SAFETY: numbers alone.
            call(unsafe { libc::shmget(key, 0, 0) }.into())
        }
        "take-file" => {
            // SAFETY: numbers alone.
            let process = unsafe { libc::syscall(libc::SYS_pidfd_open, parent(), 0) };
            let process = usize::try_from(process).map_err(|_| io::Error::last_os_error())?;
            syscall(libc::SYS_pidfd_getfd, process, 0, 0, 0, 0)
        }
        "module" => syscall(libc::SYS_delete_module, address(c"ringfence-no-such"), 0, 0, 0, 0),
        "request-key" => {
            let text = address(c"x");
            syscall(libc::SYS_request_key, address(c"user"), text, 0, 0, 0)
        }
        "int80" => other_processor(),
        "fast-open" => fast_open(argument),
        "multipath" => {
            const MULTIPATH: c_int = 262;
            // SAFETY: numbers alone.
            let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, MULTIPATH) };
            call(socket.into())?;
            let address = local(argument)?;
            let size = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            // SAFETY: address and size belong together.
            call(unsafe { libc::connect(socket, std::ptr::from_ref(&address).cast(), size) }.into())
        }
        "open-tree" => syscall(libc::SYS_open_tree, 0, address(c"/"), 0x8001, 0, 0),
        "chroot" => syscall(libc::SYS_chroot, address(c"/tmp"), 0, 0, 0, 0),
        "unshare-user" => syscall(libc::SYS_unshare, user, 0, 0, 0, 0),
        "unshare-mount" => syscall(libc::SYS_unshare, libc::CLONE_NEWNS as usize, 0, 0, 0, 0),
        "clone-user" => clone_user(),
        "clone3" => {
            let arguments = [user as u64, 0, 0, 0, 0, 0, 0, 0];
            syscall(libc::SYS_clone3, arguments.as_ptr() as usize, 64, 0, 0, 0)
        }
        "setns" => syscall(libc::SYS_setns, 0, 0, 0, 0, 0),
        "setuid" => {
            // SAFETY: no arguments, cannot fail.
            let own = unsafe { libc::geteuid() } as usize;
            syscall(libc::SYS_setuid, if own == 0 { 65534 } else { 0 }, 0, 0, 0, 0)
        }
        "io-uring" => {
            let parameters = [0_u8; 120];
            syscall(libc::SYS_io_uring_setup, 1, parameters.as_ptr() as usize, 0, 0, 0)
        }
        // KEYCTL_GET_KEYRING_ID of the session's.
        "keyctl" => syscall(libc::SYS_keyctl, 0, -3_isize as usize, 1, 0, 0),
        "add-key" => {
            let text = address(c"x");
            syscall(libc::SYS_add_key, address(c"user"), text, text, 1, -3_isize as usize)
        }
        "userfaultfd" => syscall(libc::SYS_userfaultfd, 1, 0, 0, 0, 0),
        "bpf" => {
            let nothing = [0_u64; 16];
            syscall(libc::SYS_bpf, 9999, nothing.as_ptr() as usize, 64, 0, 0)
        }
        "perf" => syscall(libc::SYS_perf_event_open, 0, 0, 0, 0, 0),
        "process-vm" => syscall(libc::SYS_process_vm_readv, 1, 0, 0, 0, 0),
        "handle" => syscall(libc::SYS_open_by_handle_at, 0, 0, 0, 0, 0),
        "personality" => syscall(libc::SYS_personality, 0x0040_0000, 0, 0, 0, 0),
        "syslog" => syscall(libc::SYS_syslog, 10, 0, 0, 0, 0),
        // getpid by its other number.
        "x32" => syscall(0x4000_0000 + libc::SYS_getpid, 0, 0, 0, 0, 0),
        "packet" => socket(libc::AF_PACKET, libc::SOCK_RAW, 0),
        "raw" => socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP),
        "vsock" => socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0),
        "alg" => socket(libc::AF_ALG, libc::SOCK_SEQPACKET, 0),
        "netlink-audit" => socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_AUDIT),
        "device" => {
            let path = CString::new(argument)?;
            let mode = (libc::S_IFBLK | 0o600) as usize;
            syscall(
                libc::SYS_mknodat,
                libc::AT_FDCWD as usize,
                path.as_ptr() as usize,
                mode,
                0x800,
                0,
            )
        }
        "exchange" => {
            let here = libc::AT_FDCWD as usize;
            let (a, b) = (address(c".git"), address(c"src"));
            syscall(libc::SYS_renameat2, here, a, here, b, libc::RENAME_EXCHANGE as usize)
        }
        other => Err(io::Error::other(format!("no attempt is called {other}"))),
    }
}

fn parent() -> usize {
    // SAFETY: no arguments, cannot fail.
    usize::try_from(unsafe { libc::getppid() }).unwrap_or_default()
}

/// `getpid`, as a program of 32 bits asks for it.
#[cfg(target_arch = "x86_64")]
fn other_processor() -> io::Result<()> {
    let mut number = 20_u64;
    // SAFETY: the call takes no arguments and changes nothing but its result.
    unsafe { std::arch::asm!("int 0x80", inlateout("rax") number) };
    if number < 0x8000_0000 { Ok(()) } else { Err(io::ErrorKind::Unsupported.into()) }
}

#[cfg(not(target_arch = "x86_64"))]
fn other_processor() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn local(port: &str) -> io::Result<libc::sockaddr_in> {
    // SAFETY: a structure of plain numbers, for which zero is a value.
    let mut address: libc::sockaddr_in = unsafe { zeroed() };
    address.sin_family = libc::AF_INET as libc::sa_family_t;
    address.sin_port = port.parse::<u16>().map_err(io::Error::other)?.to_be();
    address.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
    Ok(address)
}

fn fast_open(port: &str) -> io::Result<()> {
    let address = local(port)?;
    let size = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    // SAFETY: address and size belong together, and so do the text and its length.
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0);
        call(socket.into())?;
        let to = std::ptr::from_ref(&address).cast();
        call(libc::sendto(socket, c"x".as_ptr().cast(), 1, libc::MSG_FASTOPEN, to, size) as c_long)
    }
}

fn clone_user() -> io::Result<()> {
    let flags = (libc::CLONE_NEWUSER | libc::SIGCHLD) as usize;
    // SAFETY: without CLONE_VM this is a fork, and the child ends at once.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    if pid == 0 {
        std::process::exit(0);
    }
    call(pid)
}

fn abstract_socket(name: &str) -> io::Result<()> {
    // SAFETY: a structure of plain numbers, for which zero is a value.
    let mut address: libc::sockaddr_un = unsafe { zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    for (slot, byte) in address.sun_path.iter_mut().skip(1).zip(name.bytes()) {
        *slot = byte as libc::c_char;
    }
    let size = (size_of::<libc::sa_family_t>() + 1 + name.len()) as libc::socklen_t;
    // SAFETY: address and size belong together.
    unsafe {
        let socket = libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0);
        call(libc::connect(socket, std::ptr::from_ref(&address).cast(), size).into())
    }
}
