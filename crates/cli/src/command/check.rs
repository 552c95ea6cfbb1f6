//! `ringfence check`: one action per line in, one decision per line out.

use std::io::{BufRead, Write};
use std::path::PathBuf;

use clap::Args;
use ringfence_action::{Action, Decision, Verdict};
use serde::Serialize;

use crate::exit::{Exit, Failure, Problem};
use crate::input::{Line, Lines, Source, is_blank};
use crate::render::json;
use crate::wiring::{Judge, Rules};

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
    let Check { file, rules, live, record, json: _ } = check;
    if *record {
        return Err(Problem::new(
            "`--record` is not there yet: `check` cannot write to the audit log",
            "leave out `--record`, and keep the output of `check` itself",
        )
        .into());
    }
    let mut judge = Judge::new(rules, *live)?;
    let source = Source::named(file.as_deref());
    let input = source.open("one action per line")?;
    let mut lines = Lines::new(input, Action::MAX_BYTES);
    let mut exit = Exit::Fine;
    while let Some((number, line)) = next(&mut lines, &source)? {
        let answer = match line {
            Line::Bytes(bytes) if is_blank(&bytes) => continue,
            Line::Bytes(bytes) => decide(&mut judge, &bytes),
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

fn decide(judge: &mut Judge, line: &[u8]) -> Result<Decision, String> {
    let action = Action::from_json(line).map_err(|error| error.to_string())?;
    let explained = judge.decide(&action).map_err(|error| error.to_string())?;
    Ok(explained.decision)
}
