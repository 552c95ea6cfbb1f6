//! `ringfence hold`: pausing sessions, letting them only look, being asked about everything, ending them, and
//! letting go again.
//!
//! What a person holds, an agent must not let go. So every one of these takes the proof that `ringfence
//! allow-once` takes; what holds by a rule or a cap needs none.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::SystemTime;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use ringfence_record::agents::Agents;
use ringfence_record::cases::{self, Cases};
use ringfence_record::holds::{Hold, HoldKind, Holds};
use ringfence_record::log::{Entry, Log};
use ringfence_record::{RecordError, StateFolder};
use serde_json::{Map, Value, json};

use super::allow_once::Terminal;
use crate::exit::{Exit, Failure, Problem};
use crate::person::{self, Doubt, Known, Seat};
use crate::render::color::{FAINT, STRONG, paint};
use crate::render::json;
use crate::render::text::{cut, printable};
use crate::{ending, places};

/// Pause sessions, let them only look, end them, or let go of them again
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence hold pause --reason 'let me look first'\n\nAll but `list` asks for what it shows on the terminal, and takes it from there alone."
)]
pub(crate) struct HoldCommand {
    #[command(subcommand)]
    what: What,
}

impl HoldCommand {
    /// The command that holds a session, or all where there is none.
    pub(crate) fn on(kind: HoldKind, session: Option<String>) -> Self {
        let on = On { session, reason: "a person stepped in".to_owned() };
        let what = match kind {
            HoldKind::Pause => What::Pause(on),
            HoldKind::DenyAll => What::DenyAll(on),
            HoldKind::AskAll => What::AskAll(on),
            HoldKind::Kill => What::Kill(on),
        };
        Self { what }
    }

    /// The command that lets go of a hold.
    pub(crate) fn release(id: &str) -> Self {
        Self { what: What::Release { id: id.to_owned() } }
    }
}

#[derive(Debug, Subcommand)]
enum What {
    /// Deny everything
    Pause(On),
    /// Deny everything that changes something; looking stays possible
    DenyAll(On),
    /// Ask about everything
    AskAll(On),
    /// Deny everything, and end the agent with all that it started
    Kill(On),
    /// Let go of a hold
    Release {
        /// The hold, as `ringfence hold list` names it
        id: String,
    },
    /// List what is held
    List {
        /// Write JSON, one object a line
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
struct On {
    /// The agent's id of the session; without it, every session
    session: Option<String>,
    /// Why; the agent is told
    #[arg(long, default_value = "no reason was given")]
    reason: String,
}

const LETTERS: usize = 6;

pub(crate) fn run(command: &HoldCommand, out: &mut impl Write) -> Result<Exit, Failure> {
    match &command.what {
        What::Pause(on) => hold(HoldKind::Pause, on, out),
        What::DenyAll(on) => hold(HoldKind::DenyAll, on, out),
        What::AskAll(on) => hold(HoldKind::AskAll, on, out),
        What::Kill(on) => hold(HoldKind::Kill, on, out),
        What::Release { id } => release(id, out),
        What::List { json } => list(*json, out),
    }
}

/// What the commands work with.
pub(super) struct Office {
    folder: StateFolder,
    log: Log,
    agents: Agents,
    holds: Holds,
}

fn hold(kind: HoldKind, on: &On, out: &mut impl Write) -> Result<Exit, Failure> {
    let office = Office::open()?;
    let what = in_words(kind, on.session.as_deref());
    let Some(seat) = office.proof(&what, out)? else { return Ok(Exit::Found) };
    let hold = Hold {
        id: String::new(),
        kind,
        session: on.session.clone(),
        by: seat.terminal.clone(),
        reason: printable(&on.reason).into_owned(),
        at: now(),
    };
    // First, and whatever becomes of the rest: a full disk keeps no agent alive.
    let end = || ending::end(&office.agents, on.session.as_deref());
    let before = if kind == HoldKind::Kill { end() } else { 0 };
    // What holds is told to agents at once; that it does is recorded right after. Nothing is let through by it.
    let hold = office.holds.place(hold).map_err(failed)?;
    office.record("hold", [("session", json!(hold.session)), ("hold", json!(hold))])?;
    writeln!(out, "{}  {what}", paint(STRONG, &hold.id))?;
    if kind == HoldKind::Kill {
        // Again: one may have been started before the hold was there.
        let ended = before + end();
        office.record(
            "killed",
            [
                ("session", json!(hold.session)),
                ("hold", json!(hold.id)),
                ("processes", json!(ended)),
            ],
        )?;
        writeln!(out, "{ended} processes ended")?;
    }
    Ok(Exit::Fine)
}

fn release(id: &str, out: &mut impl Write) -> Result<Exit, Failure> {
    let office = Office::open()?;
    let holds = office.holds.all().map_err(failed)?;
    let Some(hold) = holds.iter().find(|hold| hold.id == id) else {
        let what = format!("nothing is held under `{id}`");
        return Err(Problem::new(what, "`ringfence hold list` lists what is").into());
    };
    let what = format!("let go of: {}", in_words(hold.kind, hold.session.as_deref()));
    let Some(seat) = office.proof(&what, out)? else { return Ok(Exit::Found) };
    // Recorded first: what is not in the log lets nothing go.
    let fields = [
        ("session", json!(hold.session)),
        ("hold", json!(hold)),
        ("terminal", json!(seat.terminal)),
        ("through", json!(seat.through)),
    ];
    office.record("release", fields)?;
    office.holds.release(id).map_err(failed)?;
    writeln!(out, "let go")?;
    Ok(Exit::Fine)
}

fn list(as_json: bool, out: &mut impl Write) -> Result<Exit, Failure> {
    let holds = match places::existing_log()? {
        Some((folder, _)) => Holds::of(&folder).all().map_err(failed)?,
        None => Vec::new(),
    };
    for hold in &holds {
        if as_json {
            json::line(out, &json!(hold))?;
            continue;
        }
        let what = in_words(hold.kind, hold.session.as_deref());
        writeln!(out, "{}  {}", paint(STRONG, &hold.id), cut(&printable(&what), 100))?;
        let about = format!("        by {}, since {}: {}", hold.by, hold.at, hold.reason);
        writeln!(out, "{}", paint(FAINT, &printable(&about)))?;
    }
    if holds.is_empty() && !as_json {
        writeln!(out, "nothing is held")?;
    }
    Ok(Exit::Fine)
}

impl Office {
    pub(super) fn open() -> Result<Self, Failure> {
        let (folder, log) = places::log()?;
        let agents = Agents::open(&folder).map_err(failed)?;
        Ok(Self { holds: Holds::of(&folder), agents, folder, log })
    }

    /// That a person wants this, at a terminal of their own; `None` where it is not shown, which is said.
    pub(super) fn proof(&self, what: &str, out: &mut impl Write) -> Result<Option<Seat>, Failure> {
        let known = self.known().map_err(failed)?;
        let seat = match person::seat(&known) {
            Ok(seat) => seat,
            Err(doubt) => return self.turn_away(what, &doubt, out),
        };
        let letters = cases::random_letters(LETTERS).map_err(failed)?;
        let mut terminal = Terminal::open()?;
        terminal.ask(&format!("{}\n\nyou are at {}", printable(what), seat.terminal), &letters)?;
        if terminal.answer()? != letters {
            writeln!(out, "not done: that is not what was shown")?;
            return Ok(None);
        }
        // While somebody thought about it, an agent may have come to this terminal.
        match person::seat(&known) {
            Ok(seat) => Ok(Some(seat)),
            Err(doubt) => self.turn_away(what, &doubt, out),
        }
    }

    fn known(&self) -> Result<Known, RecordError> {
        let waiting = Cases::open(&self.folder)?.pending()?;
        let mut agents: BTreeSet<String> = self.agents.all()?.into_iter().collect();
        agents.extend(waiting.iter().filter_map(|case| case.process.clone()));
        let namespaces = waiting.iter().filter_map(|case| case.namespace.clone()).collect();
        Ok(Known { agents, namespaces })
    }

    fn turn_away(
        &self,
        what: &str,
        doubt: &Doubt,
        out: &mut impl Write,
    ) -> Result<Option<Seat>, Failure> {
        let Doubt { problem, remedy } = doubt;
        let fields = [
            ("code", json!("guard.override-without-person")),
            ("problem", json!(problem)),
            ("wanted", json!(what)),
        ];
        self.record("finding", fields)?;
        writeln!(out, "not done: {}; {remedy}", printable(problem))?;
        Ok(None)
    }

    fn record<const N: usize>(
        &self,
        kind: &'static str,
        fields: [(&str, Value); N],
    ) -> Result<(), Problem> {
        let fields: Map<String, Value> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let entries = vec![Entry { kind, fields }];
        self.log.append_all(&now(), entries).map(drop).map_err(failed)
    }
}

fn in_words(kind: HoldKind, session: Option<&str>) -> String {
    let whose = session.map_or_else(|| "every session".to_owned(), |id| format!("session {id}"));
    match kind {
        HoldKind::Pause => format!("pause {whose}"),
        HoldKind::DenyAll => format!("let {whose} only look"),
        HoldKind::AskAll => format!("ask about everything of {whose}"),
        HoldKind::Kill => format!("end {whose}"),
    }
}

fn now() -> String {
    #[expect(clippy::disallowed_methods, reason = "a hold says since when it is")]
    let now = SystemTime::now();
    Timestamp::try_from(now).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

fn failed(error: RecordError) -> Problem {
    Problem::new("what is held cannot be used", "see the cause").because(error)
}
