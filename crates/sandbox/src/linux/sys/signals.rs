//! System calls about signals, and about the terminal that sends them.

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, OwnedFd};

use libc::{c_int, c_long, pid_t};

use super::{check, owned};

/// Signals that arrive while this lives are kept, to be read from a descriptor. Dropping restores what
/// was before.
pub(in super::super) struct Signals {
    fd: OwnedFd,
    before: libc::sigset_t,
}

/// A signal, and whether the kernel sent it (a terminal does) and not a process.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Signal {
    pub(in super::super) number: c_int,
    pub(in super::super) by_kernel: bool,
}

impl Signals {
    pub(in super::super) fn keep() -> io::Result<Self> {
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
    pub(in super::super) fn keep_over(blocked: &[c_int]) -> io::Result<Self> {
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
    pub(in super::super) fn blocked_before(&self) -> Vec<c_int> {
        const LAST: c_int = 64;
        // SAFETY: `before` was filled by the kernel.
        (1..=LAST).filter(|it| unsafe { libc::sigismember(&self.before, *it) } == 1).collect()
    }

    pub(in super::super) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// The next signal that is waiting.
    pub(in super::super) fn next(&self) -> Option<Signal> {
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
    pub(in super::super) fn drain(&self) {
        while self.next().is_some() {}
    }

    /// Lets signals through again, as they were before; what is executed next starts so.
    pub(in super::super) fn restore(&self) {
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
pub(in super::super) fn default_broken_pipe() {
    // SAFETY: sets the disposition to the default, which runs no code of ours.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// A limit on the size of files or on processor time ends a process that does not expect it.
pub(in super::super) fn outlive_limits() {
    for signal in [libc::SIGXFSZ, libc::SIGXCPU] {
        // SAFETY: ignored, which runs no code of ours.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// The process group in the foreground of a terminal on standard input, if it is ours.
pub(in super::super) fn foreground() -> Option<pid_t> {
    // SAFETY: no pointers.
    let (front, own) = unsafe { (libc::tcgetpgrp(0), libc::getpgrp()) };
    (front == own).then_some(own)
}

/// Brings a process group back to the foreground. Signals have to be kept, or this stops us.
pub(in super::super) fn set_foreground(group: pid_t) {
    // SAFETY: no pointers.
    unsafe { libc::tcsetpgrp(0, group) };
}
