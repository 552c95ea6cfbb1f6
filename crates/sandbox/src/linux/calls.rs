//! Which system calls are watched, and where in their arguments it stands what they are about.
//!
//! The list becomes a filter in the kernel, so that every other call costs nothing, and a call that opens a
//! file to read it costs no more than to be told apart.

use libc::c_long;

use crate::observe::{Deed, Observe};

/// A system call that is watched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watched {
    number: c_long,
    when: When,
    pub(super) deed: Deed,
    pub(super) about: About,
}

/// When it is worth being told.
#[derive(Debug, Clone, Copy)]
enum When {
    Always,
    /// If an argument has any of these bits.
    AnyBit(u8, u32),
    /// If an argument has none of these bits.
    NoBit(u8, u32),
}

/// What a call is about: numbers of arguments.
#[derive(Debug, Clone, Copy)]
pub(super) enum About {
    /// A path.
    Path(usize),
    /// A folder and a path in it.
    In(usize, usize),
    /// Two paths.
    Paths(usize, usize),
    /// Two folders, each with a path in it.
    BothIn([usize; 2], [usize; 2]),
    /// A folder, a path, and a structure that says how it is opened.
    How(usize, usize, usize),
    /// An address of a socket, and its length.
    Address(usize, usize),
}

/// Flags with which a file can be changed.
pub(super) const CHANGES: u32 =
    (libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC) as u32;
/// What is asked about is a descriptor, not a path.
const NO_PATH: u32 = libc::AT_EMPTY_PATH as u32;

const fn watched(number: c_long, when: When, deed: Deed, about: About) -> Watched {
    Watched { number, when, deed, about }
}

use About::{Address, BothIn, How, In, Path, Paths};
use Deed::{Connect, Exec, Make, Read, Remove, Rename, Write};
use When::{Always, AnyBit, NoBit};

const CHANGING: [Watched; 12] = [
    watched(libc::SYS_execve, Always, Exec, Path(0)),
    watched(libc::SYS_execveat, Always, Exec, In(0, 1)),
    watched(libc::SYS_connect, Always, Connect, Address(1, 2)),
    watched(libc::SYS_openat, AnyBit(2, CHANGES), Write, In(0, 1)),
    watched(libc::SYS_openat2, Always, Write, How(0, 1, 2)),
    watched(libc::SYS_truncate, Always, Write, Path(0)),
    watched(libc::SYS_unlinkat, Always, Remove, In(0, 1)),
    watched(libc::SYS_renameat2, Always, Rename, BothIn([0, 2], [1, 3])),
    watched(libc::SYS_mkdirat, Always, Make, In(0, 1)),
    watched(libc::SYS_mknodat, Always, Make, In(0, 1)),
    watched(libc::SYS_linkat, Always, Make, In(2, 3)),
    watched(libc::SYS_symlinkat, Always, Make, In(1, 2)),
];

/// Older calls for the same, where there are such.
#[cfg(target_arch = "x86_64")]
const CHANGING_HERE: [Watched; 10] = [
    watched(libc::SYS_open, AnyBit(1, CHANGES), Write, Path(0)),
    watched(libc::SYS_creat, Always, Write, Path(0)),
    watched(libc::SYS_unlink, Always, Remove, Path(0)),
    watched(libc::SYS_rmdir, Always, Remove, Path(0)),
    watched(libc::SYS_rename, Always, Rename, Paths(0, 1)),
    watched(libc::SYS_renameat, Always, Rename, BothIn([0, 2], [1, 3])),
    watched(libc::SYS_mkdir, Always, Make, Path(0)),
    watched(libc::SYS_mknod, Always, Make, Path(0)),
    watched(libc::SYS_link, Always, Make, Path(1)),
    watched(libc::SYS_symlink, Always, Make, Path(1)),
];
#[cfg(not(target_arch = "x86_64"))]
const CHANGING_HERE: [Watched; 0] = [];

const READING: [Watched; 5] = [
    watched(libc::SYS_openat, NoBit(2, CHANGES), Read, In(0, 1)),
    watched(libc::SYS_newfstatat, NoBit(3, NO_PATH), Read, In(0, 1)),
    watched(libc::SYS_statx, NoBit(2, NO_PATH), Read, In(0, 1)),
    watched(libc::SYS_faccessat, Always, Read, In(0, 1)),
    watched(libc::SYS_faccessat2, NoBit(3, NO_PATH), Read, In(0, 1)),
];

#[cfg(target_arch = "x86_64")]
const READING_HERE: [Watched; 4] = [
    watched(libc::SYS_open, NoBit(1, CHANGES), Read, Path(0)),
    watched(libc::SYS_stat, Always, Read, Path(0)),
    watched(libc::SYS_lstat, Always, Read, Path(0)),
    watched(libc::SYS_access, Always, Read, Path(0)),
];
#[cfg(not(target_arch = "x86_64"))]
const READING_HERE: [Watched; 0] = [];

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xC000_00B7;
/// No filter is made for it, so that nothing is watched, and that is said.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ARCHITECTURE: u32 = 0;

/// Everything that is watched.
pub(super) fn all(observe: Observe) -> Vec<Watched> {
    let reading = READING.iter().chain(&READING_HERE).filter(|_| observe.reads);
    CHANGING.iter().chain(&CHANGING_HERE).chain(reading).copied().collect()
}

/// Whether a call is among those that go on, whoever watches: no filter refuses it for its arguments.
pub(super) fn is_watched(number: c_long) -> bool {
    let all = CHANGING.iter().chain(&CHANGING_HERE).chain(&READING).chain(&READING_HERE);
    all.into_iter().any(|it| it.number == number)
}

/// Whether a call executes a program.
pub(super) fn executes(number: c_long) -> bool {
    [libc::SYS_execve, libc::SYS_execveat].contains(&number)
}

impl Watched {
    /// Whether a call is this one.
    pub(super) fn is(&self, number: c_long, arguments: &[u64; 6]) -> bool {
        let bits = |argument: u8| arguments.get(usize::from(argument)).map_or(0, |it| *it as u32);
        self.number == number
            && match self.when {
                Always => true,
                AnyBit(argument, mask) => bits(argument) & mask != 0,
                NoBit(argument, mask) => bits(argument) & mask == 0,
            }
    }
}

/// The filter that says to notify of these. Other architectures' calls pass: another filter ends them.
pub(super) fn filter(watched: &[Watched]) -> Vec<libc::sock_filter> {
    const LOAD: u16 = 0x20;
    const JUMP_EQUAL: u16 = 0x15;
    const JUMP_ANY_BIT: u16 = 0x45;
    const RETURN: u16 = 0x06;
    const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
    const NOTIFY: u32 = libc::SECCOMP_RET_USER_NOTIF;
    const NUMBER: u32 = 0;
    const ARCH: u32 = 4;
    let argument = |number: u8| 16 + 8 * u32::from(number);
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let give = |action| step(RETURN, 0, 0, action);
    let mut program = vec![
        step(LOAD, 0, 0, ARCH),
        step(JUMP_EQUAL, 1, 0, ARCHITECTURE),
        give(ALLOW),
        step(LOAD, 0, 0, NUMBER),
    ];
    for it in watched {
        let number = u32::try_from(it.number).unwrap_or(u32::MAX);
        let block = match it.when {
            Always => vec![give(NOTIFY)],
            AnyBit(of, mask) => {
                vec![step(LOAD, 0, 0, argument(of)), step(JUMP_ANY_BIT, 0, 1, mask), give(NOTIFY)]
            }
            NoBit(of, mask) => {
                vec![step(LOAD, 0, 0, argument(of)), step(JUMP_ANY_BIT, 1, 0, mask), give(NOTIFY)]
            }
        };
        // What is not this case may be another of the same call.
        let again = matches!(it.when, AnyBit(..) | NoBit(..)).then(|| step(LOAD, 0, 0, NUMBER));
        let length = u8::try_from(block.len() + usize::from(again.is_some())).unwrap_or(u8::MAX);
        program.push(step(JUMP_EQUAL, 0, length, number));
        program.extend(block);
        program.extend(again);
    }
    program.push(give(ALLOW));
    program
}
