//! The third wall: system calls that no command needs behind the other two, or that would weaken them.
//!
//! A list of what is refused, not of what is allowed: the mounts and namespaces decide what can be reached;
//! this takes away the parts of the kernel that are complicated, that make new namespaces, or that reach
//! around the process tree (the keyring, the terminal's input, other processes' memory).

use std::collections::BTreeMap;
use std::io;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, sock_filter,
};

/// Not there, as on an older kernel, so that programs fall back to what can be looked at: the flags of
/// `clone3` lie in memory, and the work of a ring passes no filter.
const NOT_THERE: &[c_long] = &[
    libc::SYS_clone3,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];

/// What is mounted where. Refused unless a sandbox may be set up inside.
const MOUNTING: &[c_long] = &[
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
];

/// Refused whatever the arguments.
const REFUSED: &[c_long] = &[
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    // Files without a path.
    libc::SYS_open_by_handle_at,
    // The keyring of the session is that of the person outside.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Other processes.
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // The kernel itself.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_fanotify_init,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_lookup_dcookie,
    libc::SYS_nfsservctl,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_vhangup,
];

#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[c_long] = &[
    libc::SYS_kexec_file_load,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS_sysfs,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[c_long] = &[];

/// `clone` and `unshare` into these.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];
const NEW_TIME: u64 = 0x80;

/// Writing into the input of a terminal, or taking the console.
const TERMINAL: [u64; 3] = [0x5412, 0x541C, 0x541D];

/// `personality` with this makes everything readable executable.
const READ_IMPLIES_EXEC: u64 = 0x0040_0000;

/// Filters, in the order in which they are set. Ready to be loaded.
pub(super) struct Filters(Vec<BpfProgram>);

impl Filters {
    /// Compiles the filters. Without mounts and namespaces of its own (`alone`) and without network, a
    /// command gets no internet socket at all.
    /// `proxied`: sockets for connections are handed out by the supervisor, and no other internet ones are there.
    /// `nested`: namespaces and mounts are allowed, in namespaces of its own making.
    pub(super) fn compile(
        network: bool,
        alone: bool,
        proxied: bool,
        nested: bool,
    ) -> io::Result<Self> {
        let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
        let program = |rules: Rules, error: i32| -> io::Result<BpfProgram> {
            let error = SeccompAction::Errno(error.unsigned_abs());
            let filter = SeccompFilter::new(rules, SeccompAction::Allow, error, arch);
            filter.map_err(io::Error::other)?.try_into().map_err(io::Error::other)
        };
        let sockets = match (network, alone, proxied) {
            (_, _, true) => Internet::Connections,
            (false, true, false) => Internet::None,
            (true, ..) | (_, false, _) => Internet::All,
        };
        Ok(Self(vec![
            program(families()?, libc::EAFNOSUPPORT)?,
            program(refused(sockets, nested)?, libc::EPERM)?,
            program(NOT_THERE.iter().map(|it| (*it, Vec::new())).collect(), libc::ENOSYS)?,
            foreign_numbers(),
        ]))
    }

    /// Sets the filters for this process, for good.
    pub(super) fn load(&self) -> io::Result<()> {
        self.0.iter().try_for_each(|it| seccompiler::apply_filter(it).map_err(io::Error::other))
    }
}

/// Which internet sockets there are, besides raw ones, which there never are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Internet {
    All,
    Connections,
    None,
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn condition(argument: u8, length: Len, op: Op, value: u64) -> io::Result<SeccompCondition> {
    SeccompCondition::new(argument, length, op, value).map_err(io::Error::other)
}

fn rule(conditions: Vec<SeccompCondition>) -> io::Result<SeccompRule> {
    SeccompRule::new(conditions).map_err(io::Error::other)
}

fn refused(internet: Internet, nested: bool) -> io::Result<Rules> {
    let mounting = MOUNTING.iter().filter(|_| !nested);
    let always = REFUSED.iter().chain(REFUSED_HERE).chain(mounting);
    let mut rules: Rules = always.map(|it| (*it, Vec::new())).collect();
    if !nested {
        rules.extend(namespaces()?);
    }
    // The kernel looks at the low 32 bits of a request only, and so does this.
    let input = |request: u64| rule(vec![condition(1, Len::Dword, Op::Eq, request)?]);
    rules.insert(libc::SYS_ioctl, TERMINAL.into_iter().map(input).collect::<io::Result<_>>()?);
    let executable = vec![
        condition(0, Len::Dword, Op::MaskedEq(READ_IMPLIES_EXEC), READ_IMPLIES_EXEC)?,
        condition(0, Len::Dword, Op::Ne, 0xffff_ffff)?,
    ];
    rules.insert(libc::SYS_personality, vec![rule(executable)?]);
    rules.insert(libc::SYS_socket, sockets(internet)?);
    if internet == Internet::Connections {
        // Connecting and sending at once is not among what Landlock looks at.
        let at_once = u64::from(libc::MSG_FASTOPEN.unsigned_abs());
        for (call, flags) in
            [(libc::SYS_sendto, 3), (libc::SYS_sendmsg, 2), (libc::SYS_sendmmsg, 3)]
        {
            let flagged = condition(flags, Len::Dword, Op::MaskedEq(at_once), at_once)?;
            rules.insert(call, vec![rule(vec![flagged])?]);
        }
    }
    Ok(rules)
}

/// New namespaces, whichever.
fn namespaces() -> io::Result<Rules> {
    let flags = NAMESPACES.map(|it| u64::from(it.unsigned_abs()));
    let flagged = |flag: u64| -> io::Result<SeccompRule> {
        rule(vec![condition(0, Len::Qword, Op::MaskedEq(flag), flag)?])
    };
    let into: Vec<SeccompRule> = flags.into_iter().map(flagged).collect::<io::Result<_>>()?;
    let mut unshare = into.clone();
    unshare.push(flagged(NEW_TIME)?);
    Ok(Rules::from([(libc::SYS_clone, into), (libc::SYS_unshare, unshare)]))
}

fn sockets(internet: Internet) -> io::Result<Vec<SeccompRule>> {
    let netlink = libc::AF_NETLINK.unsigned_abs().into();
    let mut rules = vec![
        // Netlink for routes and addresses alone.
        rule(vec![
            condition(0, Len::Dword, Op::Eq, netlink)?,
            condition(2, Len::Dword, Op::Ne, 0)?,
        ])?,
    ];
    for family in [libc::AF_INET, libc::AF_INET6] {
        let family = || condition(0, Len::Dword, Op::Eq, family.unsigned_abs().into());
        let raw = libc::SOCK_RAW.unsigned_abs().into();
        rules.push(rule(vec![family()?, condition(1, Len::Dword, Op::MaskedEq(0xf), raw)?])?);
        match internet {
            Internet::All => {}
            Internet::None => rules.push(rule(vec![family()?])?),
            Internet::Connections => {
                let stream = u64::from(libc::SOCK_STREAM.unsigned_abs());
                for kind in (0..=0xf).filter(|it| *it != stream) {
                    let of_kind = condition(1, Len::Dword, Op::MaskedEq(0xf), kind)?;
                    rules.push(rule(vec![family()?, of_kind])?);
                }
            }
        }
    }
    Ok(rules)
}

/// Families of sockets that are there at all.
fn families() -> io::Result<Rules> {
    let known = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    let other = known.map(|it| condition(0, Len::Dword, Op::Ne, it.unsigned_abs().into()));
    let other = rule(other.into_iter().collect::<io::Result<_>>()?)?;
    Ok(Rules::from([(libc::SYS_socket, vec![other])]))
}

/// A second set of numbers for the same calls (x32) passes a filter that knows only the first: there is no
/// such call.
fn foreign_numbers() -> BpfProgram {
    const X32: u32 = 0x4000_0000;
    const LOAD: u16 = 0x20;
    const JUMP_AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    const ALLOW: u32 = 0x7fff_0000;
    const ERROR: u32 = 0x0005_0000;
    let not_there = ERROR | libc::ENOSYS.unsigned_abs();
    vec![
        sock_filter { code: LOAD, jt: 0, jf: 0, k: 0 },
        sock_filter { code: JUMP_AT_LEAST, jt: 0, jf: 1, k: X32 },
        sock_filter { code: RETURN, jt: 0, jf: 0, k: not_there },
        sock_filter { code: RETURN, jt: 0, jf: 0, k: ALLOW },
    ]
}
