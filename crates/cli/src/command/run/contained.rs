//! A call of an agent that was decided to run contained, in the place of the call itself.
//!
//! Nothing is said that the command did not say, and nothing weaker than tier A is taken. The ticket says
//! what may run, where, and what it may write there; without it nothing runs. Afterwards one entry of the audit log says how it went.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};

use ringfence_egress::Report;
use ringfence_record::tickets::{Ticket, Tickets, Writes, digest_of};
use ringfence_record::{RecordError, StateFolder};
use ringfence_sandbox::{
    Ended, Observe, Plan, Profile, Profiles, Refusal, Sandbox, Support, Terms, Tier,
};
use serde_json::{Map, Value, json};

use super::asked::Places;
use super::diary::Diary;
use super::network::{Reach, Served};
use super::unforeseen::Unforeseen;
use super::{Run, known, refuse, report, say, words};
use crate::exit::{Exit, Failure};

pub(super) fn run(run: &Run, name: &str, out: &mut impl Write) -> Result<Exit, Failure> {
    let decided = match Decided::take(run, name) {
        Ok(decided) => decided,
        Err(refusal) => return refuse(run, &refusal, out),
    };
    let mut diary = decided.diary();
    let places =
        Places { workspace: std::slice::from_ref(&decided.ticket.workspace), only: decided.only() };
    let terms = Terms {
        require: Some(Tier::A),
        in_place: true,
        quarantine: run.quarantine(),
        observe: Some(Observe { reads: false, optional: true }),
        ..Terms::default()
    };
    let reach = Reach::by_name(&decided.ticket.hosts);
    let ended = reach.and_then(|mut reach| {
        let plan = run
            .planned_for(&decided.profile()?, &places, &reach, None)
            .and_then(starts_where_it_is)?;
        let mut served = Served::ready(&mut reach, None)?;
        let words = words(&run.command);
        let writing = std::cell::RefCell::new(&mut diary);
        let mut serve = |sockets: Option<_>| {
            sockets.map_or(Ok(()), |sockets| served.serve(sockets, &mut writing.borrow_mut()))
        };
        let mut starts = |support: &Support| writing.borrow().starts(&words, &plan, support);
        let ended = Sandbox::run_served(&plan, &run.command, &terms, &mut starts, &mut serve)?;
        let report = served.finish();
        known::keep(run.state_folder(), &plan.watch.folders, ended.seen.as_deref());
        Ok(Held { ended, report, plan })
    });
    // What ran has run: an entry that cannot be written is said, and changes nothing.
    let observed = ended.as_ref().ok().and_then(|it| it.ended.observed.as_ref());
    let tried = ended.as_ref().ok();
    let tried = tried.and_then(|it| Unforeseen::of(&decided.ticket, &it.ended, &it.report));
    diary.ends(decided.told(&ended), observed, tried.as_ref().map(Unforeseen::finding));
    if let Some((tried, held)) = tried.as_ref().zip(ended.as_ref().ok()) {
        tried.tell(&decided.ticket, held.ended.code);
    }
    if let Ok(held) = &ended
        && let Err(error) = decided.tell(name, held.ended.folder.as_deref())
    {
        say(&error.to_string());
    }
    match ended {
        Ok(held) => Ok(Exit::Child(held.ended.code)),
        Err(refusal) => refuse(run, &refusal, out),
    }
}

/// A command that ran.
struct Held {
    ended: Ended,
    /// What happened at its way out.
    report: Report,
    plan: Plan,
}

/// The agent's shell is somewhere, and the command starts there or not at all.
fn starts_where_it_is(plan: Plan) -> Result<Plan, Refusal> {
    if env::current_dir().is_ok_and(|here| here == plan.cwd) {
        return Ok(plan);
    }
    Err(Refusal::of_request("the command would not start where it is", "start in the workspace"))
}

/// A decision that is being carried out.
struct Decided {
    folder: StateFolder,
    tickets: Tickets,
    ticket: Ticket,
}

impl Decided {
    fn take(run: &Run, name: &str) -> Result<Self, Refusal> {
        let unreadable = |error: RecordError| {
            let what = "the decision to carry out cannot be read";
            Refusal::of_request(what, "see `ringfence status`").because(error)
        };
        is_own_shell(&run.command)?;
        let state = run.state.clone().unwrap_or_default();
        let folder = StateFolder::open(state).map_err(unreadable)?;
        let tickets = Tickets::open(&folder).map_err(unreadable)?;
        let remedy = "send the original command again, as it was";
        let ticket = tickets.take(name).map_err(unreadable)?.ok_or_else(|| {
            Refusal::of_request("no such decision waits to be carried out", remedy)
        })?;
        if code(&run.command).is_none_or(|code| digest_of(code) != ticket.code) {
            let what = "this is not the command that was decided on";
            return Err(Refusal::of_request(what, remedy));
        }
        Ok(Self { folder, tickets, ticket })
    }

    /// What of its workspace it may write, where that is not all of it.
    fn only(&self) -> Option<Vec<PathBuf>> {
        match &self.ticket.writes {
            Writes::Anything(_) => None,
            Writes::Paths(paths) => Some(paths.iter().map(PathBuf::from).collect()),
        }
    }

    /// What such a command needs: of packages, their scripts do not run.
    fn profile(&self) -> Result<Profile, Refusal> {
        if self.ticket.installs { Profiles::with([])?.named("install") } else { Profile::plain() }
    }

    /// Where it is written down, as part of the session that it was decided in.
    fn diary(&self) -> Diary {
        let mut about = Map::new();
        let mut add = |name: &str, value: Value| about.insert(name.to_owned(), value);
        add("agent", json!(self.ticket.agent));
        add("session", json!(self.ticket.session));
        add("call", json!(self.ticket.call));
        add("code", json!(self.ticket.code));
        Diary::of(&self.folder, about)
    }

    /// One entry: what ran, how strong the walls were, and how it ended.
    fn told(&self, ended: &Result<Held, Refusal>) -> Map<String, Value> {
        let mut entry = Map::new();
        let mut add = |name: &str, value: Value| entry.insert(name.to_owned(), value);
        add("workspace", json!(self.ticket.workspace));
        add("writes", json!(self.ticket.writes));
        match ended {
            Ok(Held { ended, report, plan }) => {
                let written = plan.show.iter().filter(|it| it.write).map(|it| &it.path);
                add("network", json!(plan.network));
                if plan.doors.is_some() {
                    add("hosts", json!(self.ticket.hosts));
                    add("egress", json!(report));
                }
                add("write", json!(written.collect::<Vec<_>>()));
                entry.extend(report::ended(ended));
            }
            Err(refusal) => {
                add("refused", json!(refusal.to_string()));
            }
        }
        entry
    }

    /// Where the agent's shell has to go: nowhere, if the command's shell did not say, or said nonsense.
    fn tell(&self, name: &str, folder: Option<&Path>) -> Result<(), RecordError> {
        match folder {
            Some(folder) if folder.is_dir() => self.tickets.tell(name, folder),
            _ => Ok(()),
        }
    }
}

/// The shell that runs the code is the one that the agent started. The rewritten call names it by `$0`,
/// which a variable may have made another program's name.
fn is_own_shell(command: &[OsString]) -> Result<(), Refusal> {
    let remedy = "start it from the shell itself; `BASH_ARGV0` must not be set";
    let refusal = || Refusal::of_request("this is not the shell that the call runs in", remedy);
    let named = command.first().and_then(|name| found(name)).ok_or_else(refusal)?;
    let identity = |path: &Path| fs::metadata(path).map(|it| (it.dev(), it.ino()));
    let running = Path::new("/proc").join(parent_id().to_string()).join("exe");
    let own = identity(&running).map_err(|error| refusal().because(error))?;
    let named = identity(&named).map_err(|error| refusal().because(error))?;
    if own == named { Ok(()) } else { Err(refusal()) }
}

/// The program that a name stands for.
fn found(name: &OsStr) -> Option<PathBuf> {
    if Path::new(name).components().count() > 1 {
        return Some(PathBuf::from(name));
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// The code of a shell command: `SHELL -c CODE`.
fn code(command: &[OsString]) -> Option<&OsString> {
    match command {
        [_, flag, code] if flag == "-c" => Some(code),
        _ => None,
    }
}
