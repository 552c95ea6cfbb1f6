//! `ringfence check`: one action per line in, one decision per line out.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use jiff::Timestamp;
use ringfence_action::{Action, Decision, Verdict};
use ringfence_engine::{Explained, Heard, Options, Session, Sessions};
use ringfence_record::RecordError;
use ringfence_record::log::Log;
use ringfence_record::redact::Redactor;
use serde::Serialize;

use crate::exit::{Exit, Failure, Problem};
use crate::input::{Line, Lines, Source, is_blank};
use crate::render::json;
use crate::wiring::{Judge, Rules};
use crate::{places, recorded};

/// Decide recorded or planned actions
///
/// Reads one action per line (JSON) and writes one decision per line, in order. A line that is not
/// an action yields {"line":N,"error":"…"} and the next one is read; empty lines are skipped. This
/// host is not looked at: what an action does not say in its `facts` is unknown. Actions with the
/// same `session` share its memory; one without is a session of its own.
///
/// Exits 2 if a line was bad, else 1 if anything was asked or denied, else 0.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Check {
    /// One action per line; standard input if absent or `-`
    file: Option<PathBuf>,
    #[command(flatten)]
    rules: Rules,
    /// Look at this host for facts that an action does not bring
    #[arg(long)]
    live: bool,
    /// Keep the decisions in the audit log
    #[arg(long)]
    record: bool,
    /// Ask the judge of your configuration about what rules leave open
    #[arg(long, conflicts_with = "record")]
    judge: bool,
    /// Write JSON; `check` always does
    #[arg(long)]
    json: bool,
}

const EXAMPLE: &str = "Example:
  echo '{\"tool\":\"Bash\",\"input\":{\"command\":\"rm -rf ~/\"},\"home\":\"/home/u\"}' | ringfence check";

/// The answer to a line that is not an action.
#[derive(Debug, Serialize)]
struct BadLine<'a> {
    line: u64,
    error: &'a str,
}

pub(crate) fn run(check: &Check, out: &mut impl Write) -> Result<Exit, Failure> {
    let Check { file, rules, live, record, judge: with_judge, json: _ } = check;
    let mut judge = Judge::new(rules, *live)?;
    if *with_judge {
        judge = judge.with_judge()?;
    }
    let mut recorder = if *record { Some(Recorder::open(rules)?) } else { None };
    let source = Source::named(file.as_deref());
    let input = source.open("one action per line")?;
    let mut lines = Lines::new(input, Action::MAX_BYTES);
    let mut exit = Exit::Fine;
    while let Some((number, line)) = next(&mut lines, &source)? {
        let answer = match line {
            Line::Bytes(bytes) if is_blank(&bytes) => continue,
            Line::Bytes(bytes) => decide(&mut judge, recorder.as_mut(), number, &bytes),
            Line::TooLong(length) => Err(format!(
                "a line of {length} bytes is over the limit of {}; send the command itself, not its data",
                Action::MAX_BYTES
            )),
        };
        let how = match answer {
            Ok(decision) => {
                json::line(out, &decision)?;
                exit_of(decision.verdict)
            }
            Err(error) => {
                json::line(out, &BadLine { line: number, error: &error })?;
                Exit::Usage
            }
        };
        exit = exit.max(how);
    }
    Ok(exit)
}

/// What a verdict means for the exit code.
pub(crate) fn exit_of(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Allow | Verdict::Contain => Exit::Fine,
        Verdict::Ask | Verdict::Deny => Exit::Found,
    }
}

fn next<R: BufRead>(lines: &mut Lines<R>, source: &Source) -> Result<Option<(u64, Line)>, Problem> {
    lines.next().map_err(|error| source.unreadable(&error))
}

fn decide(
    judge: &mut Judge,
    recorder: Option<&mut Recorder>,
    number: u64,
    line: &[u8],
) -> Result<Decision, String> {
    let action = Action::from_json(line).map_err(|error| error.to_string())?;
    let explained = match recorder {
        Some(recorder) => recorder.decide(judge, action, number)?,
        None => judge.decide(&action).map_err(|error| error.to_string())?,
    };
    Ok(explained.decision)
}

/// Decides as the gate does: on text without secrets, and in the log before it is answered.
struct Recorder {
    log: Log,
    redactor: Redactor,
    sessions: Sessions,
    options: Options,
    /// Tells this run's sessions from those of others with the same ids.
    run: String,
}

impl Recorder {
    fn open(rules: &Rules) -> Result<Self, Failure> {
        let failed = |error: RecordError| {
            let help = "see the cause, or leave out `--record`";
            Problem::new("the decisions cannot be recorded", help).because(error)
        };
        let (folder, log) = places::log()?;
        let redactor = Redactor::open(&folder).map_err(failed)?;
        let options = rules.options();
        let run = format!("check {} {}", std::process::id(), now());
        Ok(Self { log, redactor, sessions: Sessions::new(), options, run })
    }

    fn decide(&mut self, judge: &Judge, action: Action, number: u64) -> Result<Explained, String> {
        let session = self.sessions.of(action.session.as_deref());
        let run = match &action.session {
            Some(_) => self.run.clone(),
            None => format!("{} line {number}", self.run),
        };
        let (agent, id) = (action.agent.kind.clone(), action.session.clone());
        let whose = recorded::Whose { agent: &agent, run: &run, session: id.as_deref() };
        let at = now().to_string();
        let case = recorded::Case {
            event: "check",
            whose: &whose,
            at: &at,
            options: self.options,
            redactor: &self.redactor,
            log: &self.log,
            hear: &Heard::new,
            state: None,
        };
        let decide = |action: &Action, session: &mut Session| {
            judge.decide_in(action, session).map_err(|error| error.to_string())
        };
        let (explained, entries) = case.decide(&decide, action, session)?;
        self.log.append_prepared(&at, &entries).map_err(|error| error.to_string())?;
        Ok(explained)
    }
}

fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "an entry says when it was made")]
    let now = SystemTime::now();
    Timestamp::try_from(now).unwrap_or(Timestamp::UNIX_EPOCH)
}
