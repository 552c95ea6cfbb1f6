//! `ringfence run`: a command behind walls that the kernel holds, whatever it intends.
//!
//! What it may see is a plan that can be read before (`--explain`). Output, exit code, signals and the
//! terminal are the command's own; what Ringfence itself has to say goes to standard error.

mod asked;
mod contained;
mod diary;
mod explained;
mod gate;
mod known;
mod later;
mod learn;
mod network;
mod report;
mod secrets;
mod unforeseen;

use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ringfence_sandbox::{
    Host, Observe, Plan, Profile, Refusal, RefusalKind, Sandbox, Support, Terms, Tier,
};
use serde_json::{Map, Value, json};

use self::diary::Diary;
use self::gate::Door;
pub(crate) use self::gate::{Asked, DOORS, Told};
use self::later::Scripts;
use self::learn::{Learned, Proposal};
use self::network::{Reach, Served};
use self::report::{Held, Outcome};
use crate::exit::{Exit, Failure, Problem};
use crate::places;
use crate::render::color::ColorWhen;
use crate::render::json;
use crate::render::text::printable;

/// Run a command so that it can do no more than its workspace needs
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence run -- npm test\n  ringfence run --allow-host registry.npmjs.org --publish 3000 -- npm start\n  ringfence run --net --write ../cache -- bash -c 'make && make install'\n  ringfence run --explain -- make\n\nExit codes: those of the command; 128 + n if signal n ended it; 125 if it was not started because something\ncould not be enforced, 126 if it cannot be executed, 127 if it was not found."
)]
pub(crate) struct Run {
    /// Share the network of this machine; without it there is none but what is allowed by name
    #[arg(long)]
    net: bool,
    #[command(flatten)]
    network: network::Arguments,
    /// What kind of command it is: the name of a profile, of Ringfence's or one's own, or the file of one; `auto`
    /// goes by the command
    #[arg(long, value_name = "NAME", default_value = "auto")]
    profile: String,
    /// Something more to read; may be given several times
    #[arg(long, value_name = "PATH")]
    read: Vec<PathBuf>,
    /// Something more to write; may be given several times
    #[arg(long, value_name = "PATH")]
    write: Vec<PathBuf>,
    /// What of the workspace it may write, and nothing else of it; may be given several times, a `*` stands for anything in
    /// a last name, and an empty one is nothing
    #[arg(long, value_name = "PATH", conflicts_with = "strict_protect")]
    only_write: Vec<OsString>,
    /// The folder to work in, instead of the current one; may be given several times
    #[arg(long, value_name = "DIR")]
    workspace: Vec<PathBuf>,
    /// A variable more to pass in; may be given several times
    #[arg(long, value_name = "NAME")]
    env: Vec<String>,
    /// The most memory that each process may map, in bytes
    #[arg(long, value_name = "BYTES")]
    memory: Option<u64>,
    /// The largest file that may be written, in bytes
    #[arg(long, value_name = "BYTES")]
    file_size: Option<u64>,
    /// The longest that it may take, in seconds; then everything ends, with exit code 124
    #[arg(long, value_name = "SECONDS")]
    longest: Option<u64>,
    /// The most processes and threads at a time
    #[arg(long, value_name = "NUMBER")]
    processes: Option<u64>,
    /// Refuse to start with less than this tier
    #[arg(long, value_enum, value_name = "TIER")]
    require_tier: Option<TierName>,
    /// Keep all that it writes apart until it has ended, so that what others would execute or obey never reaches the
    /// workspace
    #[arg(long)]
    strict_protect: bool,
    /// Watch what it executes, connects to, writes, renames and removes, to say what was blocked and to record it
    #[arg(long)]
    observe: bool,
    /// Watch what it reads too, and propose a profile with what it was refused: print it, or write it to a new file
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with = "net")]
    learn: Option<Option<PathBuf>>,
    /// Print the plan and what this system gives, and run nothing
    #[arg(long)]
    explain: bool,
    /// With --explain: the plan as a profile of that system's own sandbox. It was tested on none
    #[arg(long, value_enum, value_name = "SYSTEM", requires = "explain", conflicts_with = "json")]
    target: Option<Target>,
    /// Write JSON: the plan with --explain, why it was not started, or at the end a line to standard error
    #[arg(long)]
    json: bool,
    /// The state folder of Ringfence, which the command does not see
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// The decision to carry out, by the name that `ringfence hook` left it under
    #[arg(long, value_name = "NAME", requires = "state", conflicts_with_all = WIDER)]
    ticket: Option<String>,
    /// The command
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// What a ticket fixes: whoever carries a decision out may not change what was decided.
const WIDER: &[&str] = &[
    "net",
    "allow_host",
    "allow_class",
    "allow_private",
    "allow_host_port",
    "publish",
    "send_at_most",
    "network_log",
    "secret",
    "profile",
    "read",
    "write",
    "only_write",
    "workspace",
    "env",
    "memory",
    "file_size",
    "longest",
    "processes",
    "require_tier",
    "strict_protect",
    "observe",
    "learn",
    "explain",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// Seatbelt, as `sandbox-exec -f FILE` takes it
    Macos,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TierName {
    /// Own namespaces, Landlock and seccomp
    #[value(name = "A", alias = "a")]
    A,
    /// The same, with namespaces that the system's bwrap may make
    #[value(name = "B", alias = "b")]
    B,
    /// Landlock and seccomp at least
    #[value(name = "C", alias = "c")]
    C,
}

impl From<TierName> for Tier {
    fn from(name: TierName) -> Self {
        match name {
            TierName::A => Self::A,
            TierName::B => Self::B,
            TierName::C => Self::C,
        }
    }
}

/// The command line of a run and of nothing else. All that there is to say of twenty commands takes longer to set up
/// than what a run has to look at.
#[derive(Debug, Parser)]
#[command(name = "ringfence")]
pub(crate) struct Alone {
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    color: ColorWhen,
    #[command(subcommand)]
    command: Only,
}

#[derive(Debug, Subcommand)]
enum Only {
    Run(Box<Run>),
}

impl Alone {
    /// What such a line says. None: it is another, or there is something to be said about it.
    pub(crate) fn as_written(
        words: impl Iterator<Item = OsString>,
    ) -> Option<(ColorWhen, Box<Run>)> {
        let words: Vec<OsString> = words.collect();
        words.get(1).filter(|it| *it == "run")?;
        if let Some(run) = Run::by_hand(&words) {
            return Some((ColorWhen::default(), Box::new(run)));
        }
        let Self { color, command: Only::Run(run) } = Self::try_parse_from(words).ok()?;
        Some((color, run))
    }
}

/// Runs it. The exit code is the command's own.
pub(crate) fn run(run: &Run, out: &mut impl Write) -> Result<Exit, Failure> {
    if let Some(ticket) = &run.ticket {
        return contained::run(run, ticket, out);
    }
    // The folder of what is recorded is there before it is hidden.
    let diary = Diary::of_its_own(run.state_folder().filter(|_| !run.explain));
    let planned = run.chosen_profile().and_then(|profile| {
        let reach = run.reach(&profile)?;
        run.learns_to()?;
        if !run.explain {
            asked::make_folders(&profile)?;
        }
        // What is only explained is asked by nobody.
        let door = (profile.has_gate() && !run.explain).then(Door::new).transpose()?;
        let plan = run.planned_for(&profile, &run.places(), &reach, door.as_ref())?;
        Ok(Planned { profile, plan, reach, door })
    });
    match planned {
        Ok(planned) if run.target == Some(Target::Macos) => {
            explained::seatbelt(run, &planned.plan, out)
        }
        Ok(planned) if run.explain => explained::explain(run, &planned.plan, &planned.reach, out),
        Ok(planned) => execute(run, planned, diary, out),
        Err(refusal) => refuse(run, &refusal, out),
    }
}

/// Everything that a run is made of.
struct Planned {
    profile: Profile,
    plan: Plan,
    reach: Reach,
    /// The way to the gate, where the run is an agent's.
    door: Option<Door>,
}

fn execute(
    run: &Run,
    planned: Planned,
    mut diary: Diary,
    out: &mut impl Write,
) -> Result<Exit, Failure> {
    let Planned { profile, plan, mut reach, mut door } = planned;
    if run.command.is_empty() {
        let help = "write the command after --, as in `ringfence run -- make`";
        return Err(Problem::new("no command is given", help).into());
    }
    let terms = Terms {
        require: run.require_tier.map(Tier::from),
        in_place: false,
        quarantine: run.quarantine(),
        longest: run.longest.map(Duration::from_secs),
        touched: true,
        observe: run.observes().then(|| Observe { reads: run.learn.is_some(), optional: false }),
        ..Terms::default()
    };
    let words = words(&run.command);
    let scripts = Scripts::in_folders(&plan.watch.folders);
    let mut served = match Served::ready(&mut reach, run.network.log()) {
        Ok(served) => served,
        Err(refusal) => return refuse(run, &refusal, out),
    };
    let writing = RefCell::new(&mut diary);
    let mut notice = |support: &Support| {
        weaker(support);
        writing.borrow().starts(&words, &plan, support);
    };
    let mut serve = |sockets: Option<_>| {
        if let Some(door) = &mut door {
            door.open().map_err(|error| {
                let what = "the gate cannot be reached from inside";
                Refusal::of_request(what, "free some memory or processes").because(error)
            })?;
        }
        sockets.map_or(Ok(()), |sockets| served.serve(sockets, &mut writing.borrow_mut()))
    };
    let ended = Sandbox::run_served(&plan, &run.command, &terms, &mut notice, &mut serve);
    let egress = served.finish();
    let ended = match ended {
        Ok(ended) => ended,
        Err(refusal) => {
            diary.ends(refused(&refusal), None, None);
            return refuse(run, &refusal, out);
        }
    };
    known::keep(run.state_folder(), &plan.watch.folders, ended.seen.as_deref());
    let (homes, observed) = (Host::homes(), ended.observed.as_ref());
    let learned = observed.filter(|_| run.learn.is_some()).map(|observed| Learned {
        name: run.name_learned(),
        command: words.join(" "),
        written: run.profile_file().and_then(|it| it.ok()).map(|(written, _)| written),
        profile: &profile,
        plan: &plan,
        observed,
        egress: &egress,
        homes: &homes,
    });
    let outcome = Outcome {
        held: Held::of(&plan, &egress, observed, &homes),
        later: later::of(&ended.after, &scripts, &homes),
        proposal: learned.as_ref().map(Proposal::of),
        ended: &ended,
    };
    diary.ends(outcome.entry(&egress), observed, None);
    if run.json {
        // If nobody reads standard error the command has ended all the same.
        let _ = writeln!(std::io::stderr(), "{}", outcome.to_json());
    } else {
        outcome.tell(&plan.cwd);
    }
    if let Some(proposal) = &outcome.proposal {
        run.keep(proposal);
    }
    Ok(Exit::Child(ended.code))
}

fn refused(refusal: &Refusal) -> Map<String, Value> {
    Map::from_iter([("refused".to_owned(), json!(refusal.to_string()))])
}

/// A command as text, for people.
fn words(command: &[OsString]) -> Vec<String> {
    command.iter().map(|it| it.to_string_lossy().into_owned()).collect()
}

/// Says what is not held, before the command starts.
fn weaker(support: &Support) {
    if support.missing.is_empty() {
        return;
    }
    let tier = support.tier.map_or_else(|| "none".to_owned(), |it| it.to_string());
    say(&format!("contained with tier {tier}; not held:"));
    for missing in &support.missing {
        say(&format!("  {missing}"));
    }
}

/// One line to people. Standard output belongs to the command.
fn say(text: &str) {
    // If nobody reads standard error the command is to run all the same.
    let _ = writeln!(std::io::stderr(), "ringfence: {}", printable(text));
}

fn refuse(run: &Run, refusal: &Refusal, out: &mut impl Write) -> Result<Exit, Failure> {
    let code = refusal.exit_code();
    if run.json {
        let (what, why, help) = (refusal.what(), refusal.why(), refusal.remedy());
        json::line(out, &json!({"error": what, "why": why, "help": help, "code": code}))?;
    } else {
        let started = match refusal.about() {
            RefusalKind::NotFound | RefusalKind::NotExecutable => "",
            RefusalKind::Request | RefusalKind::Support => "could not enforce: ",
        };
        say(&format!("{started}{refusal}"));
    }
    Ok(Exit::Child(code))
}

impl Run {
    /// The command line as the gate and most people write it, read by hand: laying out every option takes longer than
    /// many a wall. None is any other, for the parser to understand or to refuse.
    fn by_hand(words: &[OsString]) -> Option<Self> {
        let end = words.iter().position(|it| it == "--")?;
        let mut run = Self::of(words.get(end + 1..)?);
        let mut options = words.get(2..end)?.iter();
        while let Some(option) = options.next() {
            let new = match option.to_str()? {
                "--json" => !std::mem::replace(&mut run.json, true),
                "--observe" => !std::mem::replace(&mut run.observe, true),
                "--net" => !std::mem::replace(&mut run.net, true),
                "--state" => run.state.replace(plain(options.next()?)?.into()).is_none(),
                "--ticket" => run.ticket.replace(plain(options.next()?)?.to_owned()).is_none(),
                _ => return None,
            };
            new.then_some(())?;
        }
        // What does not go together is for the parser to say.
        let fits = run.ticket.is_none() || run.state.is_some() && !run.observe && !run.net;
        fits.then_some(run)
    }

    /// A command, and nothing said about it.
    fn of(command: &[OsString]) -> Self {
        Self {
            net: false,
            network: network::Arguments::default(),
            profile: "auto".to_owned(),
            read: Vec::new(),
            write: Vec::new(),
            only_write: Vec::new(),
            workspace: Vec::new(),
            env: Vec::new(),
            memory: None,
            file_size: None,
            longest: None,
            processes: None,
            require_tier: None,
            strict_protect: false,
            observe: false,
            learn: None,
            explain: false,
            target: None,
            json: false,
            state: None,
            ticket: None,
            command: command.to_vec(),
        }
    }

    fn observes(&self) -> bool {
        self.observe || self.learn.is_some()
    }

    /// Where a profile is written that is learned: a file that is not there yet.
    fn learns_to(&self) -> Result<Option<&Path>, Refusal> {
        match self.learn.as_ref().and_then(Option::as_deref) {
            Some(path) if path.symlink_metadata().is_ok() => {
                let what = format!("{} is there already", path.display());
                Err(Refusal::of_request(what, "name a new file, or move that one away"))
            }
            path => Ok(path),
        }
    }

    /// What a learned profile is called.
    fn name_learned(&self) -> String {
        let file = self.learn.as_ref().and_then(Option::as_ref).and_then(|it| it.file_stem());
        file.map_or_else(|| "learned".to_owned(), |it| it.to_string_lossy().into_owned())
    }

    /// Writes a proposal down, where that was asked for, or says it.
    fn keep(&self, proposal: &Proposal) {
        if proposal.is_empty() {
            say("nothing to learn: it was refused nothing that a profile could give");
        }
        let Some(Some(path)) = &self.learn else {
            // If nobody reads it, nobody misses it.
            let _ = write!(std::io::stderr(), "{proposal}");
            return;
        };
        let new = fs::File::create_new(path);
        match new.and_then(|mut file| write!(file, "{proposal}")) {
            Ok(()) => {
                say(&format!("proposed in {0}: read it, then use --profile {0}", path.display()))
            }
            Err(error) => say(&format!("{} cannot be written: {error}", path.display())),
        }
    }

    /// Where what is moved away after this run goes.
    fn quarantine(&self) -> Option<PathBuf> {
        let state = self.state_folder()?;
        #[expect(clippy::disallowed_methods, reason = "a name that no other run has")]
        let now = std::time::SystemTime::now();
        let now = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Some(state.join("quarantine").join(format!("{}-{}", now.as_secs(), std::process::id())))
    }

    fn state_folder(&self) -> Option<PathBuf> {
        self.state.clone().map_or_else(places::state_folder, Ok).ok()
    }
}

/// A value that cannot be taken for an option.
fn plain(word: &OsStr) -> Option<&str> {
    word.to_str().filter(|it| !it.is_empty() && !it.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    /// Read by hand or by the parser of everything, a command line says the same.
    #[test]
    fn a_run_is_started_the_same_however_its_words_are_read() {
        for line in [
            "ringfence run -- true",
            "ringfence run --",
            "ringfence run -- make --json -- x",
            "ringfence run --net --observe --json -- make",
            "/opt/ringfence run --state /s --ticket t1 -- bash -c x",
            "ringfence run --json --state state -- make",
        ] {
            let Only::Run(parsed) = Alone::try_parse_from(words(line)).unwrap().command;
            let by_hand = Run::by_hand(&words(line));
            assert_eq!(format!("{by_hand:?}"), format!("{:?}", Some(*parsed)), "{line}");
        }
    }

    #[test]
    fn what_is_not_simple_is_left_to_the_parser() {
        for line in [
            "ringfence run",
            "ringfence run true",
            "ringfence run --json",
            "ringfence run --json --json -- true",
            "ringfence run --state -- true",
            "ringfence run --state --json -- true",
            "ringfence run --state=/s -- true",
            "ringfence run --state /s --state /t -- true",
            "ringfence run --ticket t -- true",
            "ringfence run --state /s --ticket t --net -- true",
            "ringfence run --help -- true",
            "ringfence run --read /x -- true",
            "ringfence run make -- true",
        ] {
            assert!(Run::by_hand(&words(line)).is_none(), "{line}");
        }
    }
}
