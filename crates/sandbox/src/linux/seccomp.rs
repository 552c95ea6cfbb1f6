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

use crate::observe::Why;

/// Not there, as on an older kernel, so that programs fall back to what can be looked at: the flags of
/// `clone3` lie in memory, and the work of a ring passes no filter.
const NOT_THERE: &[c_long] = &[
    libc::SYS_clone3,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];

/// A call by its number and its name.
type Named = (c_long, &'static str);

macro_rules! named {
    ($($call:ident)*) => {
        &[$((libc::$call, stringify!($call))),*]
    };
}

/// What is mounted where. Refused unless a sandbox may be set up inside.
const MOUNTING: &[Named] = named!(
    SYS_mount SYS_umount2 SYS_pivot_root SYS_chroot SYS_open_tree SYS_move_mount SYS_fsopen SYS_fsconfig SYS_fsmount
    SYS_fspick SYS_mount_setattr SYS_setns
);

/// The keyring of the session is that of the person outside.
const KEYS: &[Named] = named!(SYS_keyctl SYS_add_key SYS_request_key);

/// What reaches into other processes.
const PROCESSES: &[Named] =
    named!(SYS_process_vm_readv SYS_process_vm_writev SYS_pidfd_getfd SYS_kcmp);

/// What is the whole machine's, and files without a path.
const MACHINE: &[Named] = named!(
    SYS_swapon SYS_swapoff SYS_quotactl SYS_quotactl_fd SYS_open_by_handle_at SYS_bpf SYS_perf_event_open SYS_userfaultfd
    SYS_fanotify_init SYS_init_module SYS_finit_module SYS_delete_module SYS_kexec_load SYS_kexec_file_load SYS_reboot
    SYS_acct SYS_syslog SYS_lookup_dcookie SYS_nfsservctl SYS_sethostname SYS_setdomainname SYS_settimeofday
    SYS_clock_settime SYS_vhangup
);

#[cfg(target_arch = "x86_64")]
const MACHINE_HERE: &[Named] = named!(SYS_iopl SYS_ioperm SYS_uselib SYS_ustat SYS_sysfs);
#[cfg(not(target_arch = "x86_64"))]
const MACHINE_HERE: &[Named] = &[];

/// Refused for some arguments alone.
const SOMETIMES: &[(c_long, &str, Why)] = &[
    (libc::SYS_clone, "SYS_clone", Why::Nesting),
    (libc::SYS_unshare, "SYS_unshare", Why::Nesting),
    (libc::SYS_ioctl, "SYS_ioctl", Why::Terminal),
    (libc::SYS_personality, "SYS_personality", Why::Machine),
    (libc::SYS_socket, "SYS_socket", Why::Sockets),
];

/// Families of sockets that are there at all.
const FAMILIES: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// What a call that is refused is called, and why it is: `None` for one that no filter here names.
pub(super) fn refused_call(number: c_long) -> Option<(&'static str, Why)> {
    let groups = [
        (MOUNTING, Why::Nesting),
        (KEYS, Why::Keys),
        (PROCESSES, Why::Processes),
        (MACHINE, Why::Machine),
        (MACHINE_HERE, Why::Machine),
    ];
    let always = groups
        .into_iter()
        .flat_map(|(calls, why)| calls.iter().map(move |(number, name)| (*number, *name, why)));
    let mut all = always.chain(SOMETIMES.iter().copied());
    let (_, name, why) = all.find(|(it, ..)| *it == number)?;
    Some((name.strip_prefix("SYS_").unwrap_or(name), why))
}

/// With what a call is refused.
pub(super) fn error_of(number: c_long, arguments: &[u64; 6]) -> i32 {
    let [first, ..] = arguments;
    // The kernel looks at the low 32 bits of a family.
    if number == libc::SYS_socket && !FAMILIES.contains(&(*first as i32)) {
        libc::EAFNOSUPPORT
    } else {
        libc::EPERM
    }
}

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

/// Filters, ready to be loaded.
pub(super) struct Filters {
    /// What is refused.
    refusing: Vec<BpfProgram>,
    /// What is not there, which nobody is told of: programs try it all the time, and do without.
    absent: Vec<BpfProgram>,
}

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
        let absent = NOT_THERE.iter().map(|it| (*it, Vec::new())).collect();
        Ok(Self {
            refusing: vec![
                program(families()?, libc::EAFNOSUPPORT)?,
                program(refused(sockets, nested)?, libc::EPERM)?,
            ],
            absent: vec![program(absent, libc::ENOSYS)?, foreign_numbers()],
        })
    }

    /// Sets the filters for this process, for good.
    pub(super) fn load(&self) -> io::Result<()> {
        self.load_absent()?;
        self.load_refusing()
    }

    /// Sets those alone that nobody is told of.
    pub(super) fn load_absent(&self) -> io::Result<()> {
        load(&self.absent)
    }

    /// Sets the others.
    pub(super) fn load_refusing(&self) -> io::Result<()> {
        load(&self.refusing)
    }

    /// The filter that asks about what the others refuse, and then goes on with `rest`. To ask is to refuse, unless
    /// whoever is asked says otherwise: without anybody the kernel answers that there is no such call.
    pub(super) fn asking(&self, rest: Vec<libc::sock_filter>) -> Vec<libc::sock_filter> {
        self.refusing.iter().rev().fold(rest, |rest, program| before(program, rest))
    }
}

fn load(programs: &[BpfProgram]) -> io::Result<()> {
    programs.iter().try_for_each(|it| seccompiler::apply_filter(it).map_err(io::Error::other))
}

/// A filter that asks where `program` refuses, and goes on with `rest` where it allows.
fn before(program: &BpfProgram, rest: Vec<libc::sock_filter>) -> Vec<libc::sock_filter> {
    const RETURN: u16 = 0x06;
    const JUMP: u16 = 0x05;
    let last = program.len().saturating_sub(1);
    let asking = program.iter().enumerate().map(|(at, it)| {
        let (code, k) = match (it.code, it.k & libc::SECCOMP_RET_ACTION_FULL) {
            (RETURN, libc::SECCOMP_RET_ERRNO) => (RETURN, libc::SECCOMP_RET_USER_NOTIF),
            // The distance to what follows the whole program.
            (RETURN, libc::SECCOMP_RET_ALLOW) => (JUMP, u32::try_from(last - at).unwrap_or(0)),
            _ => (it.code, it.k),
        };
        libc::sock_filter { code, jt: it.jt, jf: it.jf, k }
    });
    asking.chain(rest).collect()
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
    let always = [KEYS, PROCESSES, MACHINE, MACHINE_HERE].into_iter().flatten().chain(mounting);
    let mut rules: Rules = always.map(|(number, _)| (*number, Vec::new())).collect();
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

/// Sockets of any other family.
fn families() -> io::Result<Rules> {
    let other = FAMILIES.map(|it| condition(0, Len::Dword, Op::Ne, it.unsigned_abs().into()));
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

#[cfg(test)]
mod tests {
    use super::super::calls;
    use super::*;

    /// Whoever answers lets go on what is watched, and refuses all else: nothing may be both.
    #[test]
    fn what_is_refused_is_never_among_what_goes_on() {
        for internet in [Internet::All, Internet::Connections, Internet::None] {
            for number in refused(internet, false).unwrap().keys().chain(families().unwrap().keys())
            {
                assert!(!calls::is_watched(*number), "{number}");
                let sends = [libc::SYS_sendto, libc::SYS_sendmsg, libc::SYS_sendmmsg];
                assert!(refused_call(*number).is_some() || sends.contains(number), "{number}");
            }
        }
    }

    /// A filter that asks asks where the other refuses, and nowhere else lets go on what that does not.
    #[test]
    fn a_filter_that_asks_says_what_the_one_that_refuses_says() {
        let filters = Filters::compile(false, false, false, false).unwrap();
        let allow = libc::sock_filter { code: 0x06, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW };
        let asking = filters.asking(vec![allow]);
        let asking: Vec<_> = asking.iter().map(|it| (it.code, it.jt, it.jf, it.k)).collect();
        let plain = |it: &BpfProgram| -> Vec<_> {
            it.iter().map(|it| (it.code, it.jt, it.jf, it.k)).collect()
        };
        let refusing: Vec<_> = filters.refusing.iter().map(plain).collect();
        let mut refused = 0;
        for number in 0..500 {
            for first in [0, 1, 2, 3, 10, 16, 38, 0x1000_0000, 0x2_0000_0000, u64::MAX] {
                for second in [0, 1, 2, 3, 0x5412] {
                    let call = [number, first, second, 1, 0, 0, 0];
                    let one = refusing.iter().map(|it| run(it, call)).min().unwrap();
                    let asks = run(&asking, call) == libc::SECCOMP_RET_USER_NOTIF;
                    assert_eq!(asks, one != libc::SECCOMP_RET_ALLOW, "{call:x?}");
                    refused += u32::from(asks);
                }
            }
        }
        assert!(refused > 1000, "{refused}");
    }

    /// What the kernel makes of a filter, for a call of this architecture: its number, and six arguments.
    fn run(program: &[(u16, u8, u8, u32)], call: [u64; 7]) -> u32 {
        let [number, arguments @ ..] = call;
        let arch: u32 = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };
        let mut data = vec![u32::try_from(number).unwrap(), arch, 0, 0];
        data.extend(arguments.iter().flat_map(|it| [*it as u32, (*it >> 32) as u32]));
        let (mut at, mut value) = (0, 0_u32);
        loop {
            let (code, then, other, k) = program[at];
            at += 1;
            let jump = |holds: bool| usize::from(if holds { then } else { other });
            match code {
                0x20 => value = data[k as usize / 4],
                0x06 => return k,
                0x05 => at += k as usize,
                0x15 => at += jump(value == k),
                0x25 => at += jump(value > k),
                0x35 => at += jump(value >= k),
                0x45 => at += jump(value & k != 0),
                0x54 => value &= k,
                other => panic!("{other:x}"),
            }
        }
    }
}
