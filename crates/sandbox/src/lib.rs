//! Runs a command so that it, and everything it starts, can do no more than a plan says.
//!
//! The way of one run: a [`Profile`] and a [`Request`] make a [`Plan`], which is plain data and can be
//! shown; the kernel is asked what it gives ([`Sandbox::probe`]); then [`Sandbox::run`] starts the
//! command behind three walls (own mounts and namespaces, Landlock, seccomp), lets the command prove to itself
//! that they stand, and only then executes it. If anything is missing, nothing is started.
//!
//! *Invariant:* this is the only crate with `unsafe`, and the only one that restricts processes.

mod after;
mod apparmor;
mod explain;
mod names;
mod observe;
mod plan;
mod profile;
mod refusal;
mod request;
mod run;
mod scan;
mod seatbelt;
mod settings;
mod support;
mod walls;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
use other as system;

pub use after::{After, Appeared, Note, NoteKind, Touched};
pub use apparmor::{APPARMOR_MARK, apparmor_profile};
pub use observe::{Deed, Observe, Observed, RefusedCall, Sight, Why};
pub use plan::{Gap, GapReason, Link, Mask, Open, Place, Plan, PlanLimits, Show, Watch};
pub use profile::{Profile, ProfileNetwork, Profiles};
pub use refusal::{Refusal, RefusalKind};
pub use request::{Doors, Kind, Limits, Look, Request};
pub use run::{Ended, Sockets, Terms};
pub use seatbelt::seatbelt_profile;
pub use support::{LimitsBy, Missing, Support, Tier};
pub use system::{Host, Inside, Snapshot};
#[doc(hidden)]
pub use walls::{Wall, Walls};

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The process; `None` where it lives in namespaces outside of this one's own, so that nothing in here
    /// can be it.
    pub process: Option<u32>,
    /// The user.
    pub user: u32,
}

/// Who is at the other end of a connection, as the kernel knows it.
///
/// # Errors
/// When the kernel does not tell.
pub fn peer(connection: &UnixStream) -> io::Result<Peer> {
    let (process, user) = system::peer(connection.as_fd())?;
    Ok(Peer { process: (process != 0).then_some(process), user })
}

/// Has the kernel name the process that writes each part of what comes through this connection. Before anything
/// is asked for.
///
/// # Errors
/// When the kernel does not.
pub fn know_writers(connection: &UnixStream) -> io::Result<()> {
    system::know_writers(connection.as_fd())
}

/// What came, and the process that wrote it, where the kernel names one. The process that [`peer`] names is the one
/// that began to listen: it can have become another program since, while somebody else answers.
///
/// # Errors
/// When nothing can be received.
pub fn read_written(connection: &UnixStream, part: &mut [u8]) -> io::Result<(usize, Option<u32>)> {
    system::read_written(connection.as_fd(), part)
}

/// A process that is to be ended, and no other that gets its number later.
#[derive(Debug)]
pub struct Target(OwnedFd);

impl Target {
    /// The process that has this number now. Whether it is the one that is meant is looked at after this.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(pid: u32) -> io::Result<Self> {
        system::open_process(pid).map(Self)
    }

    /// Stops it where it is: it starts nothing any more.
    ///
    /// # Errors
    /// When it is gone, or somebody else's.
    pub fn stop(&self) -> io::Result<()> {
        system::stop_process(self.0.as_fd())
    }

    /// Ends it. It is not asked.
    ///
    /// # Errors
    /// When it is gone, or somebody else's.
    pub fn end(&self) -> io::Result<()> {
        system::end_process(self.0.as_fd())
    }
}

/// Has a limit that is reached be an error of whatever reached it, where the system would end the process: a file
/// that may not grow cannot be written to, and processor time is used until the last limit. For a process whose
/// end somebody would take for permission; what it starts begins so, too.
pub fn outlive_limits() {
    system::outlive_limits();
}

/// Starts commands behind walls.
#[derive(Debug)]
pub struct Sandbox;

impl Sandbox {
    /// What a program that runs commands does first of all: where it was executed again to take its place inside of
    /// what `bwrap` laid out, it never comes back. In any other case it comes back at once.
    pub fn carry_on() {
        system::carry_on();
    }

    /// Whether AppArmor keeps programs that it has no profile for from user namespaces.
    pub fn apparmor_restricts() -> bool {
        system::apparmor_restricts()
    }

    /// What this system gives, by trying it. Takes a few milliseconds; the answer may be kept.
    pub fn probe() -> Support {
        system::probe()
    }

    /// What holds the limits of a run here, by trying it.
    pub fn limits_by() -> LimitsBy {
        system::limits_by()
    }

    /// Runs a command as planned and waits for its end.
    ///
    /// Takes the best tier that the system gives, within the [`Terms`]; it is handed to `notice` before the
    /// command starts, with what is missing in it, and again should a lower one be taken. Must be called while the process has one thread.
    ///
    /// # Errors
    /// When it was not started, whatever the reason.
    pub fn run(
        plan: &Plan,
        argv: &[OsString],
        terms: &Terms,
        notice: &mut dyn FnMut(&Support),
    ) -> Result<Ended, Refusal> {
        let remedy = "plan it without doors";
        let nobody = || Refusal::new("nobody serves the ways out of the run's network", remedy);
        let mut serve = |sockets: Option<_>| sockets.map_or(Ok(()), |_: Sockets| Err(nobody()));
        Self::run_served(plan, argv, terms, notice, &mut serve)
    }

    /// The same, for a plan with [`Doors`] or a gate: `serve` is called once where there are namespaces of the run's own, when the command
    /// is about to start, with the sockets of the run's network if it has doors. It may start threads.
    ///
    /// # Errors
    /// When it was not started, whatever the reason; when it is not served, it ends at once.
    pub fn run_served(
        plan: &Plan,
        argv: &[OsString],
        terms: &Terms,
        notice: &mut dyn FnMut(&Support),
        serve: &mut dyn FnMut(Option<Sockets>) -> Result<(), Refusal>,
    ) -> Result<Ended, Refusal> {
        system::run(plan, argv, terms, notice, serve)
    }
}
