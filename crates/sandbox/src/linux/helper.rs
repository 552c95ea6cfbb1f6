//! Tier B: the namespaces and mounts are made by the system's `bwrap`, where it may make them and this program may
//! not. Ubuntu, for one, lets only programs do so that AppArmor knows by their path.
//!
//! The plan is the same, said in `bwrap`'s words (`arguments`). What needs no privilege stays ours: this program is
//! executed again as the first process inside, is told its errand, and goes on from there as in tier A, with Landlock, the
//! filters of system calls and the proof that all walls stand. Paths go by name here and not by descriptor; so what each
//! of them is, is noted outside, and compared inside before the command starts.

mod arguments;

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use libc::pid_t;
use serde::{Deserialize, Serialize};

use super::command::Command;
use super::host::Host;
use super::message::{self, Message};
use super::sys::{self, Signals};
use super::witness::Witness;
use super::{Hold, namespaces, probe};
use crate::observe::Observe;
use crate::plan::{Mask, Plan};
use crate::refusal::{Refusal, RefusalKind};
use crate::request::{Kind, Look};
use crate::walls::{Wall, Walls};

/// Where systems install it. `PATH` is the caller's, and so may be a program of that name in it.
const PLACES: [&str; 4] = [
    "/usr/bin/bwrap",
    "/usr/local/bin/bwrap",
    "/run/wrappers/bin/bwrap",
    "/run/current-system/sw/bin/bwrap",
];

/// The first argument of this program when it is executed again, inside.
pub(super) const INSIDE: &str = "ringfence-inside";

/// It is done in some milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// The most of its complaints that is read.
const LONGEST: u64 = 2000;

/// The system's `bwrap`.
pub(super) struct Helper {
    path: PathBuf,
    /// Whether it may do without a user namespace.
    privileged: bool,
}

impl Helper {
    /// One that nobody but root can have put there.
    pub(super) fn find() -> Result<Self, Refusal> {
        let remedy = "install the package `bubblewrap` to reach tier B";
        let lacks = |what: &str| Refusal::new(what, remedy).kind(RefusalKind::Support);
        let found = PLACES.into_iter().map(Path::new).find_map(|path| {
            let path = path.canonicalize().ok()?;
            let about = path.metadata().ok()?;
            Some((path, about))
        });
        let (path, about) = found.ok_or_else(|| lacks("there is no bwrap"))?;
        let mode = about.permissions().mode();
        if about.uid() != 0 || mode & 0o022 != 0 {
            return Err(lacks("the bwrap of this system can be written by others than root"));
        }
        Ok(Self { path, privileged: mode & 0o4000 != 0 && sys::ids().0 != 0 })
    }

    /// Whether what runs inside has ids of its own.
    pub(super) fn makes_ids(&self) -> bool {
        !self.privileged
    }
}

/// What is told to this program inside.
#[derive(Serialize, Deserialize)]
struct Errand {
    plan: Plan,
    argv: Vec<CString>,
    environment: Vec<CString>,
    witness: Witness,
    walls: Walls,
    /// The signals that the caller had blocked.
    blocked: Vec<i32>,
    /// The caller's standard error, which `bwrap` did not get.
    errors: i32,
    /// Where a shell tells in which folder it ended.
    mouth: Option<i32>,
    observe: Option<Observe>,
    /// Whether nothing is to be executed.
    trial: bool,
}

/// What was started, until it is known that it has begun.
struct Starting {
    child: pid_t,
    complaints: File,
    supervisor: OwnedFd,
}

/// Sockets come and go, and one that goes while it is covered is a failure of `bwrap`'s.
const ROUNDS: u32 = 20;

/// Starts `bwrap`, waits until this program is at work inside, and lets it go on after a last word. The id of `bwrap`,
/// and where the inside is heard. `trial`: nothing is executed at the end of it.
pub(super) fn start(
    helper: &Helper,
    command: &Command<'_>,
    signals: &Signals,
    last: &mut dyn FnMut(),
    trial: bool,
) -> Result<(pid_t, OwnedFd), Refusal> {
    let mut round = 1;
    loop {
        let there = |mask: &&Mask| Host.kind(&mask.path) != Kind::Absent;
        let masks: Vec<&Mask> = command.plan.mask.iter().filter(there).collect();
        let begun = once(helper, command, &masks, signals, trial)?.begun(last);
        if begun.is_ok() || round == ROUNDS || masks.iter().all(there) {
            return begun;
        }
        round += 1;
    }
}

fn once(
    helper: &Helper,
    command: &Command<'_>,
    masks: &[&Mask],
    signals: &Signals,
    trial: bool,
) -> Result<Starting, Refusal> {
    let step = |error: io::Error| {
        let remedy = "free some memory, processes or open files";
        Refusal::new("bwrap cannot be started", remedy).because(error)
    };
    let (supervisor, control) = sys::socket_pair().map_err(step)?;
    let own = sys::own_program().map_err(step)?;
    let errors = io::stderr().as_fd().try_clone_to_owned().map_err(step)?;
    let complaints = sys::memory_file(c"complaints").map(File::from).map_err(step)?;
    let root = sys::ids().0 == 0;
    let arguments = arguments::of(command.plan, masks, &command.walls, root, helper.privileged);
    let mut said = sys::memory_file(c"arguments").map(File::from).map_err(step)?;
    said.write_all(&arguments).and_then(|()| said.rewind()).map_err(step)?;
    let errand = Errand {
        plan: command.plan.clone(),
        argv: command.argv.clone(),
        environment: command.environment.clone(),
        witness: command.witness.clone(),
        walls: command.walls.clone(),
        blocked: signals.blocked_before(),
        errors: errors.as_raw_fd(),
        mouth: command.mouth.map(|it| it.as_raw_fd()),
        observe: command.observe,
        trial,
    };
    let mut told = sys::memory_file(c"errand").map(File::from).map_err(step)?;
    serde_json::to_writer(&mut told, &errand).map_err(|error| {
        let remedy = "rename what has such a name, or reach tier A";
        Refusal::new("the plan cannot be told to bwrap", remedy)
            .because(error)
            .kind(RefusalKind::Support)
    })?;
    told.rewind().map_err(step)?;
    let words = [
        "bwrap".to_owned(),
        "--args".to_owned(),
        said.as_raw_fd().to_string(),
        "--".to_owned(),
        format!("/proc/self/fd/{}", own.as_raw_fd()),
        INSIDE.to_owned(),
        control.as_raw_fd().to_string(),
        told.as_raw_fd().to_string(),
    ];
    let words: Vec<CString> = words.into_iter().filter_map(|it| CString::new(it).ok()).collect();
    let path = sys::c_string(&helper.path).map_err(step)?;
    let keeps = [said.as_fd(), own.as_fd(), told.as_fd(), control.as_fd(), errors.as_fd()];
    let closes = command.walls.stands(Wall::Descriptors);
    match sys::fork_into(0) {
        Ok(0) => {
            drop(supervisor);
            let ready = || -> io::Result<()> {
                sys::control(libc::PR_SET_PDEATHSIG, libc::SIGKILL.unsigned_abs().into())?;
                if closes {
                    sys::close_on_exec_from_three()?;
                }
                keeps.into_iter().chain(command.mouth).try_for_each(sys::keep_when_executing)?;
                sys::put_at(complaints.as_fd(), 2)
            };
            let error = ready().map_or_else(|error| error, |()| sys::execute(&path, &words, &[]));
            Command::give_up(&cannot(&error.to_string()), control.as_fd())
        }
        Ok(child) => Ok(Starting { child, complaints, supervisor }),
        Err(error) => Err(step(error)),
    }
}

fn cannot(why: &str) -> Refusal {
    Refusal::new("bwrap cannot make namespaces either", "see what it says")
        .because(why)
        .kind(RefusalKind::Support)
}

impl Starting {
    fn begun(mut self, last: &mut dyn FnMut()) -> Result<(pid_t, OwnedFd), Refusal> {
        let control = self.supervisor.as_fd();
        let mut buffer = [0; message::LONGEST];
        let got = sys::wait_readable_for(control, control, Some(PATIENCE))
            .and_then(|()| sys::receive(control, &mut buffer));
        let length = got.ok().flatten().unwrap_or(0);
        let refusal = match message::read(buffer.get(..length).unwrap_or_default()) {
            Message::Begun => {
                last();
                // If it has ended meanwhile it is seen to.
                let _ = sys::send(control, &[message::BEGUN]);
                return Ok((self.child, self.supervisor));
            }
            Message::Refused(refusal) => refusal,
            Message::Stopped
            | Message::Ended { .. }
            | Message::Settings { .. }
            | Message::Sockets { .. }
            | Message::Listener
            | Message::Unknown => cannot(&self.complaint()),
        };
        let _ = sys::signal(self.child, libc::SIGKILL);
        let _ = sys::wait_for(self.child);
        Err(refusal)
    }

    fn complaint(&mut self) -> String {
        let mut text = String::new();
        let read = self.complaints.rewind().and_then(|()| {
            Read::by_ref(&mut self.complaints).take(LONGEST).read_to_string(&mut text)
        });
        match (read, text.trim()) {
            (Ok(_), said) if !said.is_empty() => said.replace('\n', ", "),
            _ => "it ended without a word".to_owned(),
        }
    }
}

/// What this program does when it is executed again inside. Comes back at once in any other case.
pub(crate) fn carry_on() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_none_or(|it| it != INSIDE) {
        return;
    }
    let mut number = || arguments.next()?.to_str()?.parse().ok();
    let files =
        number().zip(number()).map(|(control, errand)| (sys::given(control), sys::given(errand)));
    let Some((Ok(control), Ok(errand))) = files else { sys::exit_now(125) };
    let refusal = match serde_json::from_reader::<_, Errand>(io::BufReader::new(File::from(errand)))
    {
        Ok(errand) => inside(&errand, &control),
        Err(error) => cannot(&format!("the plan did not arrive: {error}")),
    };
    Command::give_up(&refusal, control.as_fd())
}

/// Comes back only with what is missing.
fn inside(errand: &Errand, control: &OwnedFd) -> Refusal {
    let step = |error: io::Error| {
        Refusal::new("the first process cannot be set up", "report this").because(error)
    };
    let mouth = errand.mouth.map(sys::given).transpose();
    let ready = sys::given(errand.errors).and_then(|errors| sys::put_at(errors.as_fd(), 2));
    let signals = ready.and_then(|()| Signals::keep_over(&errand.blocked));
    let (signals, mouth) = match signals.and_then(|it| Ok((it, mouth?))) {
        Ok(both) => both,
        Err(error) => return step(error),
    };
    sys::rename_self(c"ringfence-init");
    let mouth = mouth.as_ref().map(OwnedFd::as_fd);
    let command = Command::told(
        &errand.plan,
        (errand.argv.clone(), errand.environment.clone()),
        errand.witness.clone(),
        mouth,
        errand.observe,
        &errand.walls,
    );
    let command = match command {
        Ok(command) => command,
        Err(refusal) => return refusal,
    };
    let answer = sys::send(control.as_fd(), &[message::BEGUN])
        .and_then(|()| sys::receive_with(control.as_fd(), &mut [0; 1]));
    match answer {
        Ok((1, _)) => {}
        Ok(_) => sys::exit_now(125),
        Err(error) => return step(error),
    }
    if errand.trial {
        sys::exit_now(0);
    }
    namespaces::go_on(&command, &signals, control, false, false)
}

/// Whether a plan with nothing in it can be laid out so.
pub(super) fn try_out(helper: &Helper) -> Result<(), Refusal> {
    let plan = probe::small_plan()?;
    let command = Command::new(&plan, &[], Hold::Helped(helper), None, None, &Walls::default())?;
    let step = |error: io::Error| cannot(&error.to_string());
    let signals = Signals::keep().map_err(step)?;
    let (child, _supervisor) = start(helper, &command, &signals, &mut || {}, true)?;
    sys::wait_for(child).map(drop).map_err(step)
}
