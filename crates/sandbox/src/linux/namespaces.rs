//! Tier A: namespaces of its own. The first process in them lays everything out, starts the command and
//! stays as its parent: when it ends, the kernel ends all that is left.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread::{self, JoinHandle};

use libc::pid_t;

use super::command::Command;
use super::settings::Settings;
use super::sys::{self, Change, Signal, Signals};
use super::{message, mounts, network, observe};
use crate::refusal::{Refusal, RefusalKind};
use crate::walls::Wall;

const ALWAYS: i32 = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS;

/// Starts the first process. Its id, as this side sees it.
pub(super) fn start(
    command: &Command<'_>,
    signals: &Signals,
    lingers: bool,
) -> Result<(pid_t, OwnedFd), Refusal> {
    let ids = sys::ids();
    let (supervisor, control) = sys::socket_pair().map_err(|error| {
        Refusal::new("the run cannot be prepared", "free some open files").because(error)
    })?;
    match sys::fork_into(namespaces(command, ids)) {
        Ok(0) => {
            drop(supervisor);
            let refusal = inside(command, signals, &control, ids, lingers);
            Command::give_up(&refusal, control.as_fd())
        }
        Ok(pid) => Ok((pid, supervisor)),
        Err(error) => Err(unsupported("namespaces of its own cannot be made", &error)),
    }
}

/// All but the network, which is made while everything else is laid out.
fn namespaces(command: &Command<'_>, (user, _): (u32, u32)) -> i32 {
    let walls = [
        (Wall::Processes, libc::CLONE_NEWPID),
        (Wall::Shared, libc::CLONE_NEWIPC),
        (Wall::Ids, if user == 0 { libc::CLONE_NEWUSER } else { ALWAYS }),
    ];
    let gone = walls.into_iter().filter(|(wall, _)| !command.walls.stands(*wall));
    gone.fold(ALWAYS, |flags, (_, gone)| flags & !gone)
}

/// Lays everything out in a process that ends then. Its id.
pub(super) fn try_out(command: &Command<'_>, control: &OwnedFd) -> Result<pid_t, Refusal> {
    let ids = sys::ids();
    match sys::fork_into(ALWAYS) {
        Ok(0) => match prepare(command, ids) {
            Ok(()) => sys::exit_now(0),
            Err(refusal) => Command::give_up(&refusal, control.as_fd()),
        },
        Ok(pid) => Ok(pid),
        Err(error) => Err(unsupported("namespaces of its own cannot be made", &error)),
    }
}

/// Whether AppArmor keeps programs that it has no profile for from user namespaces.
pub(crate) fn apparmor_restricts() -> bool {
    let of = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
    setting(of).is_some_and(|it| it != "0")
}

/// A refusal for what this system does not give, with the reason that is known for it.
pub(super) fn unsupported(what: &str, error: &io::Error) -> Refusal {
    let disabled = setting("/proc/sys/kernel/unprivileged_userns_clone").as_deref() == Some("0");
    let none = setting("/proc/sys/user/max_user_namespaces").as_deref() == Some("0");
    let (why, remedy) = if apparmor_restricts() {
        (
            "AppArmor restricts user namespaces",
            "let it allow them to ringfence, with `sudo ringfence setup apparmor --write`",
        )
    } else if disabled {
        ("user namespaces are switched off", "set kernel.unprivileged_userns_clone to 1")
    } else if none {
        ("the number of user namespaces is limited to 0", "raise user.max_user_namespaces")
    } else {
        (
            "a container or a sandbox around this one forbids it",
            "allow user namespaces there, or accept tier C",
        )
    };
    Refusal::new(what, remedy).because(format!("{why} ({error})")).kind(RefusalKind::Support)
}

#[expect(clippy::disallowed_methods, reason = "reads a setting of the kernel to name it")]
fn setting(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|it| it.trim().to_owned())
}

/// The first process. Comes back only if something is missing.
fn inside(
    command: &Command<'_>,
    signals: &Signals,
    control: &OwnedFd,
    ids: (u32, u32),
    lingers: bool,
) -> Refusal {
    match command.enter_group().and_then(|()| prepare(command, ids)) {
        Err(refusal) => refusal,
        Ok(()) => go_on(command, signals, control, true, lingers),
    }
}

/// What the first process does where everything is laid out. Comes back only if something is missing. `whole`: every
/// address of its network can be made one of its own.
pub(super) fn go_on(
    command: &Command<'_>,
    signals: &Signals,
    control: &OwnedFd,
    whole: bool,
    lingers: bool,
) -> Refusal {
    let handed = close(command).and_then(|()| network::hand_out(command.plan, control, whole));
    match handed {
        Err(refusal) => refusal,
        Ok(inbound) => match sys::fork_into(0) {
            Ok(0) => command.become_it(signals, control.as_fd()),
            Ok(worker) => {
                let Err(error) = sys::drop_capabilities() else {
                    guard(Guard {
                        worker,
                        signals,
                        control: control.as_fd(),
                        inbound,
                        settings: &command.settings,
                        lingers,
                        listener: None,
                    })
                };
                Refusal::new("capabilities cannot be dropped", "report this").because(error)
            }
            Err(error) => {
                Refusal::new("the command cannot be forked", "free some processes").because(error)
            }
        },
    }
}

/// Lays out what the command will see. Split from `inside` so that each step has one place to fail.
fn prepare(command: &Command<'_>, ids: (u32, u32)) -> Result<(), Refusal> {
    let stands = |wall| command.walls.stands(wall);
    enter(ids, stands(Wall::Ids)).map_err(|error| unsupported("ids cannot be mapped", &error))?;
    if !stands(Wall::Ids) && ids.0 != 0 {
        return Ok(());
    }
    let own = !command.plan.network && stands(Wall::Network);
    let network = own.then(OwnNetwork::begin);
    let (overlays, settings) = (&command.overlays, &command.settings);
    let laid_out = mounts::lay_out(command.plan, overlays, settings, &command.walls);
    // Whatever came of that, nobody else runs in this process from here on.
    let entered = network.map_or(Ok(()), OwnNetwork::enter);
    laid_out.map_err(|failed| {
        if let Some(refusal) = failed.refusal {
            return refusal;
        }
        if failed.environment {
            return unsupported(&format!("{} is not allowed", failed.doing), &failed.error);
        }
        let remedy =
            "the command was not started; check the path, or leave it out of the workspace";
        Refusal::new(format!("{} failed", failed.doing), remedy).because(failed.error)
    })?;
    entered.map_err(|error| unsupported("a network of its own cannot be set up", &error))
}

/// A network of its own, in the making. The kernel takes as long to make one as this process takes for all the mounts,
/// so that both are done at a time.
struct OwnNetwork(Option<JoinHandle<io::Result<OwnedFd>>>);

impl OwnNetwork {
    fn begin() -> Self {
        const STACK: usize = 64 << 10;
        let helper = thread::Builder::new().stack_size(STACK).spawn(sys::network_of_its_own);
        Self(helper.ok())
    }

    /// From here on this process is in that network.
    fn enter(self) -> io::Result<()> {
        let made = self.0.and_then(|it| it.join().ok()).and_then(Result::ok);
        match made.map(|it| sys::enter_network(it.as_fd())) {
            Some(Ok(())) => Ok(()),
            // Without a helper, or where it may not be handed over, it is made here.
            None | Some(Err(_)) => sys::network_of_its_own().map(drop),
        }
    }
}

/// From here on nothing inside can look into this process, which holds the caller's memory.
fn close(command: &Command<'_>) -> Result<(), Refusal> {
    let stands = |wall| command.walls.stands(wall);
    if !stands(Wall::Processes) {
        return Ok(());
    }
    let step =
        |error| Refusal::new("the first process cannot be closed", "report this").because(error);
    sys::control(libc::PR_SET_DUMPABLE, 0).map_err(step)?;
    if stands(Wall::Privileges) {
        sys::control(libc::PR_SET_NO_NEW_PRIVS, 1).map(drop).map_err(step)?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the kernel takes the map of ids as a file")]
fn enter((user, group): (u32, u32), mapped: bool) -> io::Result<()> {
    sys::control(libc::PR_SET_PDEATHSIG, libc::SIGKILL.unsigned_abs().into())?;
    sys::rename_self(c"ringfence-init");
    if !mapped {
        return Ok(());
    }
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    std::fs::write("/proc/self/gid_map", format!("{group} {group} 1"))
}

/// What the first process watches over.
struct Guard<'a> {
    worker: pid_t,
    signals: &'a Signals,
    control: BorrowedFd<'a>,
    /// Where connections into the run are asked for.
    inbound: Option<OwnedFd>,
    settings: &'a [Settings],
    /// Whether what the command leaves running lives on.
    lingers: bool,
    /// What the kernel tells of watched calls, for when the supervisor has ended.
    listener: Option<OwnedFd>,
}

/// Stays as the parent of everything inside: takes what ended, passes signals on, and ends with the
/// command or with the supervisor, whichever is first.
fn guard(mut guard: Guard<'_>) -> ! {
    loop {
        // Signals of a terminal reach the command by themselves, and others come from the supervisor.
        while guard.signals.next().is_some() {}
        reap(&guard);
        if let Some(listener) = pass_on(guard.worker, guard.control) {
            guard.listener = Some(listener);
        }
        let inbound = guard.inbound.as_ref().map(OwnedFd::as_fd);
        if let Some(asked) = inbound {
            network::lead_in(asked);
        }
        let told = [guard.signals.fd().as_fd(), guard.control];
        let told: Vec<BorrowedFd<'_>> = told.into_iter().chain(inbound).collect();
        if sys::wait_for_any(&told).is_err() {
            sys::exit_now(128 + libc::SIGKILL);
        }
    }
}

fn reap(guard: &Guard<'_>) {
    while let Ok(Some((pid, change))) = sys::changed_child(-1, true) {
        match change {
            Change::Exited(code) if pid == guard.worker => end(code.into(), guard),
            Change::Killed(signal) if pid == guard.worker => end(128 + signal, guard),
            Change::Stopped if pid == guard.worker => {
                let _ = sys::send(guard.control, &[message::STOPPED]);
            }
            Change::Exited(_) | Change::Killed(_) | Change::Stopped => {}
        }
    }
}

/// Ends what is left, unless that is to live on, tells the supervisor, and ends. The kernel takes its time
/// to take namespaces apart, and nobody has to wait for that once nothing runs in them.
fn end(code: i32, guard: &Guard<'_>) -> ! {
    let stays = guard.lingers && !is_alone() && on_its_own().is_ok();
    if !stays {
        end_all(guard.worker);
    }
    for (number, settings) in guard.settings.iter().enumerate() {
        let Some(text) = settings.changed(number) else { continue };
        for message in message::settings(number, &text) {
            let _ = sys::send(guard.control, &message);
        }
    }
    if let Ok(byte) = u8::try_from(code) {
        let _ = sys::send(guard.control, &[message::ENDED, byte, stays.into()]);
    }
    if stays {
        stay(guard.signals, guard.listener.as_ref());
    }
    sys::exit_now(code)
}

/// Ends every process of the run: all that this one can see, and never where it can see those of others.
fn end_all(worker: pid_t) {
    let all = if sys::is_first_process() { -1 } else { worker };
    let _ = sys::signal(all, libc::SIGKILL);
    while sys::wait_for(all).is_ok() {}
}

/// Stays until nothing runs any more, or somebody asks for the end of it all.
fn stay(signals: &Signals, listener: Option<&OwnedFd>) {
    let ends =
        |signal: Signal| [libc::SIGTERM, libc::SIGINT, libc::SIGHUP].contains(&signal.number);
    while !is_alone() {
        while let Some(signal) = signals.next() {
            if ends(signal) {
                return;
            }
        }
        let signalled = signals.fd().as_fd();
        let Some(listener) = listener.map(OwnedFd::as_fd) else {
            if sys::wait_readable(signalled, signalled).is_err() {
                return;
            }
            continue;
        };
        let waits = sys::wait_for_call(listener, signalled);
        if waits.and_then(|it| if it { observe::answer_one(listener) } else { Ok(()) }).is_err() {
            return;
        }
    }
}

/// Whether nothing runs any more but this process. Takes what has ended.
fn is_alone() -> bool {
    loop {
        match sys::changed_child(-1, false) {
            Ok(Some(_)) => {}
            Ok(None) => return false,
            Err(_) => return true,
        }
    }
}

/// No longer ends with the supervisor, and holds none of its files.
fn on_its_own() -> io::Result<()> {
    sys::control(libc::PR_SET_PDEATHSIG, 0)?;
    sys::let_go_of_standard_files()
}

/// Takes what the supervisor sends: signals for the command, and once what watched calls wait at.
fn pass_on(worker: pid_t, control: BorrowedFd<'_>) -> Option<OwnedFd> {
    let mut buffer = [0; 2];
    let mut listener = None;
    loop {
        match sys::receive_what_came(control, &mut buffer) {
            Ok(None) => return listener,
            Ok(Some((0, _))) | Err(_) => sys::exit_now(128 + libc::SIGKILL),
            Ok(Some((1, files))) => listener = files.into_iter().next().or(listener),
            Ok(Some(_)) => {
                if let [message::SIGNAL, number] = buffer {
                    // It may have ended meanwhile, which the next round sees.
                    let _ = sys::signal(worker, number.into());
                }
            }
        }
    }
}
