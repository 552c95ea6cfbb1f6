//! `ringfence allow-once` and `ringfence pending`: calls that were refused, and a person who lets one through.
//!
//! What an agent can do, it can make this command do: so it serves only who sits at a terminal that no agent
//! can type on ([`crate::person`]), and types there what is shown there and nowhere else. The permission is
//! for one call, as it was refused, for minutes.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::time::SystemTime;

use clap::Args;
use jiff::Timestamp;
use ringfence_record::agents::Agents;
use ringfence_record::cases::{self, Case, Cases, No};
use ringfence_record::log::{Entry, Log};
use ringfence_record::{RecordError, StateFolder};
use serde_json::{Map, Value, json};

use crate::exit::{Exit, Failure, Problem};
use crate::person::{self, Doubt, Known, Seat};
use crate::places;
use crate::render::color::{FAINT, STRONG, paint};
use crate::render::json;
use crate::render::text::{cut, printable};

/// Let one refused call through, once; only a person can
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence allow-once k4mx\n\nAsks for what it shows on the terminal, and takes it from there alone."
)]
pub(crate) struct AllowOnce {
    /// The call, as `ringfence pending` names it; without it, the newest is shown
    code: Option<String>,
}

impl AllowOnce {
    /// The command for this call.
    pub(crate) fn of(code: &str) -> Self {
        Self { code: Some(code.to_owned()) }
    }
}

/// List the calls that were refused and that a person may let through
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence pending")]
pub(crate) struct Pending {
    /// Write JSON, one object a line, without the codes
    #[arg(long)]
    json: bool,
}

/// As many letters as a person types without complaint.
const LETTERS: usize = 6;

/// Longer lines are no answer.
const LONGEST_ANSWER: u64 = 64;

const MINUTES: u64 = cases::KEPT.as_secs() / 60;

/// What the commands work with.
struct Office {
    cases: Cases,
    log: Log,
    known: Known,
    waiting: Vec<Case>,
}

pub(crate) fn pending(pending: &Pending, out: &mut impl Write) -> Result<Exit, Failure> {
    let Some(office) = Office::open()? else { return nothing(pending.json, out) };
    if pending.json {
        for case in &office.waiting {
            let Case { digest, agent, session, tool, input, cwd, rule, why, .. } = case;
            let line = json!({"digest": digest, "agent": agent, "session": session, "tool": tool,
                              "input": input, "cwd": cwd, "rule": rule, "why": why});
            json::line(out, &line)?;
        }
        return Ok(Exit::Fine);
    }
    if office.waiting.is_empty() {
        return nothing(false, out);
    }
    let seat = person::seat(&office.known);
    for case in &office.waiting {
        let code = if seat.is_ok() { case.code.as_str() } else { "····" };
        writeln!(out, "{}  {}", paint(STRONG, code), cut(&printable(&in_a_line(case)), 100))?;
        let about = format!("      {}, in {}", case.rule, case.cwd.as_deref().unwrap_or("?"));
        writeln!(out, "{}", paint(FAINT, &printable(&about)))?;
    }
    match seat {
        Ok(_) => writeln!(out, "\n`ringfence allow-once CODE` lets one through, once")?,
        Err(Doubt { problem, remedy }) => {
            writeln!(out, "\nthe codes are not shown here: {}; {remedy}", printable(&problem))?;
        }
    }
    Ok(Exit::Fine)
}

fn nothing(as_json: bool, out: &mut impl Write) -> Result<Exit, Failure> {
    if !as_json {
        writeln!(
            out,
            "nothing was refused in the last {MINUTES} minutes that a person may let through"
        )?;
    }
    Ok(Exit::Fine)
}

/// What a person wants done with a call that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    LetThrough,
    Refuse,
}

impl Deed {
    const fn words(self) -> &'static str {
        match self {
            Self::LetThrough => "let it through once",
            Self::Refuse => "refuse it",
        }
    }

    const fn undone(self) -> &'static str {
        match self {
            Self::LetThrough => "not let through",
            Self::Refuse => "not refused",
        }
    }
}

pub(crate) fn allow_once(wanted: &AllowOnce, out: &mut impl Write) -> Result<Exit, Failure> {
    answer(wanted, Deed::LetThrough, out)
}

/// Says no to a call that waits, by the same proof: an agent must not speak for the person either.
pub(crate) fn refuse(wanted: &AllowOnce, out: &mut impl Write) -> Result<Exit, Failure> {
    answer(wanted, Deed::Refuse, out)
}

fn answer(wanted: &AllowOnce, deed: Deed, out: &mut impl Write) -> Result<Exit, Failure> {
    let Some(office) = Office::open()? else { return nothing(false, out) };
    let seat = match person::seat(&office.known) {
        Ok(seat) => seat,
        Err(doubt) => return office.turn_away(wanted, &doubt, out),
    };
    let Some(case) = office.pick(wanted)? else { return nothing(false, out) };
    let mut terminal = Terminal::open()?;
    let shown = cases::random_letters(LETTERS).map_err(failed)?;
    terminal.show(case, &seat, deed, &shown)?;
    if terminal.answer()? != shown {
        writeln!(out, "{}: that is not what was shown", deed.undone())?;
        return Ok(Exit::Found);
    }
    // While somebody thought about it, it may have become too old, or an agent may have come to this terminal.
    if let Err(doubt) = person::seat(&office.known) {
        return office.turn_away(wanted, &doubt, out);
    }
    if !office.cases.pending().map_err(failed)?.contains(case) {
        let undone = deed.undone();
        writeln!(out, "{undone}: it was answered, or asked for more than {MINUTES} minutes ago")?;
        return Ok(Exit::Found);
    }
    if deed == Deed::Refuse {
        office.refuse(case, &seat)?;
        writeln!(out, "refused: the agent is told so when it tries again")?;
        return Ok(Exit::Fine);
    }
    office.let_through(case, &seat)?;
    writeln!(
        out,
        "let through once: tell the agent to try the same again within {MINUTES} minutes"
    )?;
    Ok(Exit::Fine)
}

impl Office {
    /// `None` where nothing was ever recorded. Nothing is made by looking.
    fn open() -> Result<Option<Self>, Failure> {
        let Some((folder, log)) = places::existing_log()? else { return Ok(None) };
        Ok(Some(Self::of(&folder, log).map_err(failed)?))
    }

    fn of(folder: &StateFolder, log: Log) -> Result<Self, RecordError> {
        let cases = Cases::open(folder)?;
        let waiting = cases.pending()?;
        let mut agents: BTreeSet<String> = Agents::open(folder)?.all()?.into_iter().collect();
        agents.extend(waiting.iter().filter_map(|case| case.process.clone()));
        let namespaces = waiting.iter().filter_map(|case| case.namespace.clone()).collect();
        Ok(Self { cases, log, known: Known { agents, namespaces }, waiting })
    }

    fn pick(&self, wanted: &AllowOnce) -> Result<Option<&Case>, Problem> {
        let Some(code) = &wanted.code else { return Ok(self.waiting.first()) };
        let found = self.waiting.iter().find(|case| case.code.eq_ignore_ascii_case(code));
        found.map(Some).ok_or_else(|| {
            Problem::new(
                format!("no call waits under `{code}`"),
                "`ringfence pending` lists those that do",
            )
        })
    }

    /// Whoever it was is told why, and it is recorded: it may have been an agent.
    fn turn_away(
        &self,
        wanted: &AllowOnce,
        doubt: &Doubt,
        out: &mut impl Write,
    ) -> Result<Exit, Failure> {
        let case =
            wanted.code.as_ref().and_then(|code| self.waiting.iter().find(|it| it.code == *code));
        let fields = [
            ("code", json!("guard.override-without-person")),
            ("problem", json!(doubt.problem)),
            ("case", json!(case.map(|case| &case.digest))),
            ("agent", json!(case.map(|case| &case.agent))),
            ("session", json!(case.map(|case| &case.session))),
        ];
        self.record("finding", fields)?;
        let Doubt { problem, remedy } = doubt;
        writeln!(out, "not let through: {}; {remedy}", printable(problem))?;
        Ok(Exit::Found)
    }

    /// Recorded first: what is not in the log lets nothing through.
    fn let_through(&self, case: &Case, seat: &Seat) -> Result<(), Failure> {
        let fields = [
            ("agent", json!(case.agent)),
            ("session", json!(case.session)),
            ("case", json!(case.digest)),
            ("rule", json!(case.rule)),
            ("terminal", json!(seat.terminal)),
            ("through", json!(seat.through)),
        ];
        let receipt = self.record("approval", fields)?;
        let receipt = receipt.ok_or_else(|| {
            Problem::new("the permission was not recorded, so that it does not hold", "try again")
        })?;
        Ok(self.cases.allow(case, &receipt).map_err(failed)?)
    }

    fn refuse(&self, case: &Case, seat: &Seat) -> Result<(), Failure> {
        let fields = [
            ("agent", json!(case.agent)),
            ("session", json!(case.session)),
            ("case", json!(case.digest)),
            ("rule", json!(case.rule)),
            ("by", json!(seat.terminal)),
            ("through", json!(seat.through)),
            ("scope", json!("once")),
        ];
        self.record("refusal_by_person", fields)?;
        Ok(self.cases.refuse(case, No::Once).map_err(failed)?)
    }

    fn record<const N: usize>(
        &self,
        kind: &'static str,
        fields: [(&str, Value); N],
    ) -> Result<Option<ringfence_record::log::Receipt>, Problem> {
        #[expect(clippy::disallowed_methods, reason = "an entry says when it was made")]
        let now = Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH);
        let fields: Map<String, Value> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.log.append_all(&now.to_string(), vec![Entry { kind, fields }]).map_err(failed)
    }
}

/// The controlling terminal: what is shown goes there, and what is typed comes from there, wherever the
/// standard streams lead.
pub(super) struct Terminal {
    out: File,
    typed: BufReader<std::io::Take<File>>,
}

impl Terminal {
    pub(super) fn open() -> Result<Self, Problem> {
        let no_terminal = |error| {
            Problem::new("the terminal cannot be opened", "run it in a terminal of your own")
                .because(error)
        };
        let out = File::options().read(true).write(true).open("/dev/tty").map_err(no_terminal)?;
        let typed = out.try_clone().map_err(no_terminal)?;
        Ok(Self { out, typed: BufReader::new(typed.take(LONGEST_ANSWER)) })
    }

    fn show(&mut self, case: &Case, seat: &Seat, deed: Deed, letters: &str) -> Result<(), Failure> {
        let Case { agent, tool, input, cwd, rule, why, .. } = case;
        let place = cwd.as_deref().unwrap_or("an unknown folder");
        let mut text = format!("{} wants to run in {}:\n\n", printable(agent), printable(place));
        text.push_str(&format!("  {}:\n", printable(tool)));
        input.lines().for_each(|line| text.push_str(&format!("  {}\n", printable(line))));
        text.push_str(&format!("\nrefused by {}: {}\n", printable(rule), printable(why)));
        text.push_str(&format!(
            "you are at {}, through {}",
            seat.terminal,
            printable(&seat.through)
        ));
        self.ask_for(&text, deed.words(), letters)
    }

    /// Shows what is about to be done, and what to type for it.
    pub(super) fn ask(&mut self, text: &str, letters: &str) -> Result<(), Failure> {
        self.ask_for(text, "do that", letters)
    }

    fn ask_for(&mut self, text: &str, what: &str, letters: &str) -> Result<(), Failure> {
        let text = format!("{text}\n\nto {what}, type {letters}: ");
        self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush())?;
        Ok(())
    }

    pub(super) fn answer(&mut self) -> Result<String, Failure> {
        let mut line = Vec::new();
        self.typed.read_until(b'\n', &mut line)?;
        Ok(String::from_utf8_lossy(&line).trim().to_ascii_lowercase())
    }
}

fn in_a_line(case: &Case) -> String {
    let input: Vec<&str> = case.input.lines().map(str::trim).collect();
    format!("{}  {}  {}", case.agent, case.tool, input.join(" ⏎ "))
}

fn failed(error: RecordError) -> Problem {
    Problem::new("the refused calls cannot be used", "see the cause").because(error)
}
