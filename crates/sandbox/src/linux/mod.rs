//! Linux: the launcher. See [`namespaces`] for the strong way, and `alone` for the other.

mod after;
mod alone;
mod calls;
mod command;
mod doorman;
mod group;
mod helper;
mod host;
mod landlock;
mod lookout;
mod message;
mod mounts;
mod namespaces;
mod network;
mod observe;
mod overlay;
mod probe;
mod seccomp;
mod settings;
mod sys;
mod touched;
mod witness;

use std::ffi::OsString;
use std::net::{SocketAddrV4, TcpListener};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use libc::pid_t;

use self::after::Settle;
use self::command::Command;
use self::group::Group;
use self::helper::Helper;
use self::lookout::Eyes;
use self::message::Message;
use self::observe::Observer;
use self::overlay::Overlay;
use self::sys::{Change, Signals};
use crate::after::After;
use crate::plan::Plan;
use crate::refusal::{Refusal, RefusalKind};
use crate::request::{Doors, Kind, Look};
use crate::run::{self, Ended, Sockets, Terms};
use crate::support::{Support, Tier};
use crate::walls::Wall;

pub(crate) use self::group::probe as limits_by;
pub(crate) use self::helper::carry_on;
pub use self::host::{Host, Snapshot};
pub(crate) use self::namespaces::apparmor_restricts;
pub use self::network::Inside;
pub(crate) use self::probe::probe;

/// The process and the user at the other end. See [`crate::peer`].
pub(crate) fn peer(connection: BorrowedFd<'_>) -> std::io::Result<(u32, u32)> {
    sys::peer(connection)
}

/// See [`crate::outlive_limits`].
pub(crate) fn outlive_limits() {
    sys::outlive_limits();
}

/// See [`crate::know_writers`].
pub(crate) fn know_writers(connection: BorrowedFd<'_>) -> std::io::Result<()> {
    sys::know_writers(connection)
}

/// See [`crate::read_written`].
pub(crate) fn read_written(
    connection: BorrowedFd<'_>,
    part: &mut [u8],
) -> std::io::Result<(usize, Option<u32>)> {
    sys::read_written(connection, part)
}

/// See [`crate::Target::open`].
pub(crate) fn open_process(pid: u32) -> std::io::Result<OwnedFd> {
    sys::open_process(pid)
}

/// See [`crate::Target::stop`].
pub(crate) fn stop_process(process: BorrowedFd<'_>) -> std::io::Result<()> {
    sys::signal_process(process, libc::SIGSTOP)
}

/// See [`crate::Target::end`].
pub(crate) fn end_process(process: BorrowedFd<'_>) -> std::io::Result<()> {
    sys::signal_process(process, libc::SIGKILL)
}

/// Runs a command and waits for it. See [`crate::Sandbox::run`].
pub(crate) fn run(
    plan: &Plan,
    argv: &[OsString],
    terms: &Terms,
    notice: &mut dyn FnMut(&Support),
    serve: &mut dyn FnMut(Option<Sockets>) -> Result<(), Refusal>,
) -> Result<Ended, Refusal> {
    if !host::has_one_thread() {
        let remedy = "start it from a process of its own";
        return Err(Refusal::new("a process with several threads cannot start it", remedy));
    }
    let mut attempt = |hold: Hold<'_>, support: &mut dyn FnMut() -> Support| {
        launch(plan, argv, hold, terms, &mut || notice(&support()), serve)
    };
    let may = |tier| terms.require <= Some(tier);
    let own = if terms.best.is_none_or(|it| it == Tier::A) {
        // Whoever serves a gate may start threads before it is known how far this tier comes.
        let early = plan.gate.is_some() && plan.doors.is_none();
        let tried = if early { probe::trial() } else { Ok(()) };
        tried.and_then(|()| attempt(Hold::Own, &mut || probe::with_namespaces(plan.network)))
    } else {
        let (what, remedy) = ("namespaces of its own are not asked for", "ask for tier A");
        Err(Refusal::new(what, remedy).kind(RefusalKind::Support))
    };
    let refusal = match own {
        Err(refusal) if refusal.about() == RefusalKind::Support && may(Tier::B) => refusal,
        other => return other,
    };
    let needs_mounts = [
        (
            !plan.strict.is_empty(),
            "what the run writes can only be kept apart by mounts of its own",
            "reach tier A, or run without --strict-protect",
        ),
        (
            !plan.open.is_empty(),
            "what is not to be written beside what is can only be held by mounts of its own",
            "reach tier A, or run without --only-write",
        ),
    ];
    if let Some((_, what, remedy)) = needs_mounts.into_iter().find(|(needs, ..)| *needs) {
        return Err(Refusal::new(what, remedy).because(refusal).kind(RefusalKind::Support));
    }
    let doors = plan.doors.is_some();
    let helped = if terms.best.is_none_or(|it| it >= Tier::B) {
        Helper::find().and_then(|helper| {
            let mut support = || probe::with_helper(&helper, plan.network, doors, &refusal);
            attempt(Hold::Helped(&helper), &mut support)
        })
    } else {
        let (what, remedy) = ("bwrap is not asked for", "ask for tier B");
        Err(Refusal::new(what, remedy).kind(RefusalKind::Support))
    };
    let helper = match helped {
        Err(helper) if helper.about() == RefusalKind::Support && may(Tier::C) => helper,
        other => return other,
    };
    let proxy = doorman::ready(plan, terms)?;
    let support = probe::without_namespaces(plan.network, doors, &refusal, &helper);
    if support.tier.is_none() {
        return Err(refusal);
    }
    attempt(Hold::Alone(proxy.as_ref()), &mut || support.clone())
}

/// Who makes the namespaces of a run.
#[derive(Clone, Copy)]
enum Hold<'a> {
    /// This program.
    Own,
    /// The system's `bwrap`.
    Helped(&'a Helper),
    /// Nobody: there are none. Where a proxy is spoken to, if there is one.
    Alone(Option<&'a TcpListener>),
}

impl Hold<'_> {
    fn tier(self) -> Tier {
        match self {
            Self::Own => Tier::A,
            Self::Helped(_) => Tier::B,
            Self::Alone(_) => Tier::C,
        }
    }

    /// What is protected, and can be changed all the same.
    fn cannot_keep(self, plan: &Plan) -> Vec<PathBuf> {
        let link = |path: &&PathBuf| Host.kind(path) == Kind::Link;
        match self {
            Self::Own => Vec::new(),
            Self::Helped(_) => plan.protect.iter().filter(link).cloned().collect(),
            Self::Alone(_) => plan.protect.clone(),
        }
    }

    /// Where the only way out is, if there is no other.
    fn proxy(self) -> Option<SocketAddrV4> {
        match self {
            Self::Own => None,
            Self::Helped(_) => Some(Doors::PROXY),
            Self::Alone(proxy) => proxy.and_then(doorman::address),
        }
    }
}

fn launch(
    plan: &Plan,
    argv: &[OsString],
    hold: Hold<'_>,
    terms: &Terms,
    notice: &mut dyn FnMut(),
    serve: &mut dyn FnMut(Option<Sockets>) -> Result<(), Refusal>,
) -> Result<Ended, Refusal> {
    let step = |error| {
        let remedy = "free some memory, processes or open files";
        Refusal::new("the run cannot be prepared", remedy).because(error)
    };
    let ear = terms.in_place.then(sys::socket_pair).transpose().map_err(step)?;
    let told = ear.as_ref().and_then(|(_, mouth)| run::telling(argv, mouth.as_raw_fd()));
    let mouth = ear.as_ref().filter(|_| told.is_some()).map(|(_, mouth)| mouth.as_fd());
    let argv = told.as_deref().unwrap_or(argv);
    let tier = hold.tier();
    let mut command = Command::new(plan, argv, hold, mouth, terms.observe, &terms.walls)?;
    command.overlays = Overlay::ready(plan, terms.quarantine.as_deref())?;
    // What is not held is said before. Where all is, whoever writes down that it starts does so while the
    // first process lays everything out.
    let all_held = tier == Tier::A && probe::with_namespaces(plan.network).missing.is_empty();
    if tier == Tier::C || tier == Tier::A && !all_held {
        notice();
    }
    // What lives on has nobody who would take a group away after it.
    let group = if terms.in_place || tier == Tier::B || !terms.walls.stands(Wall::Limits) {
        None
    } else {
        Group::of(&plan.limits, tier == Tier::C)
    };
    command.group = group.as_ref();
    let loose = hold.cannot_keep(plan);
    let started = sys::clock_of_files().map_err(step)?;
    let front = sys::foreground();
    let signals = Signals::keep().map_err(step)?;
    let (child, supervisor) = match hold {
        Hold::Own => namespaces::start(&command, &signals, terms.in_place)?,
        Hold::Helped(helper) => helper::start(helper, &command, &signals, notice, false)?,
        Hold::Alone(_) => alone::start(&command, &signals)?,
    };
    if all_held {
        notice();
    }
    if plan.doors.is_some() {
        // With too few files the last connections fail, and nothing else.
        let _ = sys::raise_open_files();
    }
    let control = supervisor.as_fd();
    let served = match hold {
        Hold::Own | Hold::Helped(_) if plan.doors.is_some() => {
            network::take(control).and_then(|sockets| serve(Some(sockets)))
        }
        Hold::Own | Hold::Helped(_) => serve(None),
        Hold::Alone(Some(proxy)) => {
            doorman::start(control, proxy).and_then(|sockets| serve(Some(sockets)))
        }
        // Without namespaces of its own, nobody inside can be told from anybody outside.
        Hold::Alone(None) => Ok(()),
    };
    if let Err(refusal) = served {
        // It ends with its supervisor, and in tier C at this.
        drop(supervisor);
        if tier == Tier::C {
            let _ = sys::signal(child, libc::SIGKILL);
        }
        let _ = sys::wait_for(child);
        return Err(refusal);
    }
    let observer = terms.observe.map(|it| Observer::start(it, plan, control, lingers(tier, terms)));
    let observer = observer.transpose();
    let observer = match observer {
        Ok(observer) => observer.flatten(),
        Err(refusal) => {
            drop(supervisor);
            let _ = sys::wait_for(child);
            return Err(refusal);
        }
    };
    let mut eyes = Eyes::open(plan, started);
    let end = supervise(child, &signals, &supervisor, tier, terms.longest, &mut eyes).map_err(step);
    if let Some(group) = &group {
        group.end();
    }
    if tier == Tier::C {
        alone::end_what_is_left();
    }
    if let Some(group) = front {
        sys::set_foreground(group);
    }
    signals.drain();
    let folder = ear.as_ref().and_then(|(ear, _)| folder_told(ear.as_fd()));
    match end? {
        End::Code { code, left_running, copies } => {
            let quarantine = terms.quarantine.as_deref();
            let copied = tier == Tier::A;
            let after = After { appeared: eyes.told(), ..After::default() };
            let observed = observer.map(|it| it.finish(plan));
            let mut settle = Settle {
                plan,
                started,
                copied,
                loose,
                quarantine,
                touched: terms.touched,
                observed: observed.as_ref(),
                after,
            };
            overlay::bring_back(&command.overlays, &mut settle);
            let (after, seen) = if terms.walls.stands(Wall::After) {
                settle.all(&command.settings, &copies)
            } else {
                (settle.after, None)
            };
            Ok(Ended { code, tier, folder, left_running, after, observed, seen })
        }
        End::Refused(refusal) => {
            overlay::forget(&command.overlays);
            Err(refusal)
        }
    }
}

/// Whether something that is watched may live on when the command has ended.
fn lingers(tier: Tier, terms: &Terms) -> bool {
    terms.in_place || tier == Tier::C
}

/// What the command said of where it ended: one line, which may be anything.
fn folder_told(ear: BorrowedFd<'_>) -> Option<PathBuf> {
    let mut buffer = [0; message::LONGEST];
    let length = sys::receive(ear, &mut buffer).ok()??;
    let line = buffer.get(..length)?.strip_suffix(b"\n")?;
    let folder = PathBuf::from(OsString::from_vec(line.to_vec()));
    folder.is_absolute().then_some(folder)
}

enum End {
    Code { code: u8, left_running: bool, copies: Vec<Option<Vec<u8>>> },
    Refused(Refusal),
}

/// Waits for the end, passes signals on, and stops when the command is stopped.
fn supervise(
    child: pid_t,
    signals: &Signals,
    control: &OwnedFd,
    tier: Tier,
    longest: Option<Duration>,
    eyes: &mut Eyes<'_>,
) -> std::io::Result<End> {
    let clock = Clock::until(longest);
    let mut listening = true;
    let mut copies: Vec<Option<Vec<u8>>> = Vec::new();
    loop {
        while let Some(signal) = signals.next() {
            // A terminal tells the whole group, the command included. Only what was sent to this
            // process alone has to be passed on.
            if !signal.by_kernel && signal.number != libc::SIGCHLD {
                pass_on(child, control.as_fd(), tier, signal.number);
            }
        }
        // What ended has said all it had to say, so the end is looked at first.
        let change = sys::changed_child(child, tier == Tier::C)?.map(|(_, change)| change);
        while listening {
            let mut buffer = [0; message::LONGEST];
            match sys::receive(control.as_fd(), &mut buffer)? {
                None => break,
                Some(0) => listening = false,
                Some(length) => match message::read(buffer.get(..length).unwrap_or_default()) {
                    Message::Stopped => pause(child, control.as_fd(), tier)?,
                    Message::Refused(refusal) => {
                        if !matches!(change, Some(Change::Exited(_) | Change::Killed(_))) {
                            sys::wait_for(child)?;
                        }
                        return Ok(End::Refused(refusal));
                    }
                    Message::Ended { code, left_running } => {
                        return Ok(End::Code { code, left_running, copies });
                    }
                    Message::Settings { number, part } => {
                        let room = copies.len().max(number + 1);
                        copies.resize(room, None);
                        if let Some(copy) = copies.get_mut(number) {
                            copy.get_or_insert_default().extend(part);
                        }
                    }
                    Message::Begun
                    | Message::Sockets { .. }
                    | Message::Listener
                    | Message::Unknown => {}
                },
            }
        }
        match change {
            Some(Change::Exited(code)) => {
                return Ok(End::Code { code, left_running: false, copies });
            }
            Some(Change::Killed(signal)) => {
                let code = u8::try_from(128 + signal).unwrap_or(u8::MAX);
                return Ok(End::Code { code, left_running: false, copies });
            }
            Some(Change::Stopped) => pause(child, control.as_fd(), tier)?,
            None => {
                let other = if listening { control.as_fd() } else { signals.fd().as_fd() };
                match clock.left() {
                    Some(Duration::ZERO) => {
                        // The first process takes all others with it; the command alone leaves them to
                        // whoever ends what is left.
                        let _ = sys::signal(child, libc::SIGKILL);
                        sys::wait_for(child)?;
                        return Ok(End::Code { code: TIME_IS_OVER, left_running: false, copies });
                    }
                    left => {
                        let told = [signals.fd().as_fd(), other].into_iter().chain(eyes.events());
                        let told: Vec<BorrowedFd<'_>> = told.collect();
                        sys::wait_for_any_within(&told, eyes.until(left))?;
                        eyes.look();
                    }
                }
            }
        }
    }
}

/// What `timeout` answers too.
const TIME_IS_OVER: u8 = 124;

/// When the time of a run is over.
struct Clock(Option<(Instant, Duration)>);

#[expect(clippy::disallowed_methods, reason = "a limit of time needs the time")]
impl Clock {
    fn until(longest: Option<Duration>) -> Self {
        Self(longest.map(|it| (Instant::now(), it)))
    }

    /// None: there is no end. Zero: it is over.
    fn left(&self) -> Option<Duration> {
        self.0.map(|(start, longest)| longest.saturating_sub(start.elapsed()))
    }
}

/// Stops as the command did, so that a shell sees it, and lets it go on afterwards.
fn pause(child: pid_t, control: BorrowedFd<'_>, tier: Tier) -> std::io::Result<()> {
    sys::stop_self()?;
    pass_on(child, control, tier, libc::SIGCONT);
    Ok(())
}

fn pass_on(child: pid_t, control: BorrowedFd<'_>, tier: Tier, signal: i32) {
    // It may have ended meanwhile, which the next round sees.
    let _ = match (tier, u8::try_from(signal)) {
        (Tier::A | Tier::B, Ok(number)) => sys::send(control, &[message::SIGNAL, number]),
        _ => sys::signal(child, signal),
    };
}
