//! `ringfence eval`: labelled rows in, a report out: what is interrupted, what is stopped, and for what.

mod compare;
mod decide;
mod grid;
mod judging;
mod page;
mod report;
mod rows;
mod scored;
mod stages;
mod stats;
mod walls;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use ringfence_action::Verdict;
use ringfence_classify::judge::Settings;
use ringfence_classify::probe::{self, Second};
use ringfence_engine::StageOne;
use serde::Serialize;
use serde_json::json;

use self::compare::Comparison;
use self::report::Report;
use self::rows::{Bad, Output};
pub(crate) use self::rows::{Unit, read as read_rows};
use crate::command::probe::second_told;
use crate::exit::{Exit, Failure, Problem};
use crate::render::json;
use crate::render::text::printable;
use crate::wiring::{Judge, Rules};
use crate::{reviewing, rules, second};

/// Measure the rules against labelled actions and sessions
///
/// Reads files of rows (JSON, one per line) and reports, by source, category and tier, how much of
/// what is benign is interrupted and how much of what is dangerous is stopped, with intervals that
/// know of sessions, and the rules behind false alarms and misses. A row is of one of three formats;
/// fields that are not named here are ignored:
///
///   an action
///     {"id","source","label":"danger|benign","kind":"shell|python|tool_call","text",
///      "context","category","tier","session","seq"}
///     `text` is a command, a script or {"tool":…,"input":…}; `context` is what the user said
///     before, a list, or a string in which a line `---` stands between messages. Rows of one
///     session share its memory, in the order of `seq`. `cwd`, `home`, `workspace` and `facts`
///     may stand beside them, as in an action.
///   a tool output
///     {"id","source","label":"injection|benign","text"}
///   a transcript
///     {"id","source","label","events":[{"t":"user|command|meta|summary","text"} |
///      {"t":"call","id","tool","input","label"} | {"t":"result","id","text","is_error"}]}
///     replayed in order, with its session's memory; only `t: user` is the user.
///
/// Labels may also be `rejected` (a person refused the call) and `unsure`; both are reported apart.
/// This host is not looked at, and nothing is run.
///
/// Exits 2 if a row could not be read, else 1 if anything was asked or denied, else 0.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE, verbatim_doc_comment)]
pub(crate) struct Eval {
    /// Files of labelled rows; `-` is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    rules: Rules,
    /// Let stage 1, a small model, ask about what rules leave open, from this score (0 to 1) on; it is off
    /// otherwise. `0` to `1` alone scores: above 1 it asks about nothing
    #[arg(long, value_name = "SCORE")]
    stage_one: Option<f64>,
    /// Ask the judge that the section `[judge]` of this file (as in config.toml) names about what rules leave open,
    /// and report what it adds, costs and how long it takes
    #[arg(long, value_name = "CONFIG")]
    judge: Option<PathBuf>,
    /// Read tool outputs with the encoder in this folder too, and report what it adds (`ringfence probe encoder`)
    #[arg(long, value_name = "FOLDER")]
    encoder: Option<PathBuf>,
    /// Write every decision to this file, one per line, with its source, label, session and call
    #[arg(long, value_name = "OUT")]
    decisions: Option<PathBuf>,
    /// Say what changed since this report, which `--json` wrote
    #[arg(long, value_name = "OLD")]
    compare: Option<PathBuf>,
    /// Write the report for people to this file as well
    #[arg(long, value_name = "OUT")]
    markdown: Option<PathBuf>,
    /// Write JSON: the report, with the ids of what came out against its label
    #[arg(long)]
    json: bool,
}

const EXAMPLE: &str = "Examples:
  ringfence eval actions.jsonl transcripts.jsonl
  ringfence eval actions.jsonl --json > before.json
  ringfence eval actions.jsonl --policy my-rules.toml --compare before.json";

/// What `--json` writes.
#[derive(Debug, Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    report: &'a Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<&'a Comparison>,
}

pub(crate) fn run(eval: &Eval, out: &mut impl Write) -> Result<Exit, Failure> {
    // What can be wrong with the arguments is said before the work.
    let before = eval.compare.as_deref().map(compare::read).transpose()?;
    let judge = Judge::new(&eval.rules, false)?;
    let judge = match eval.stage_one {
        Some(from) => judge.with_stage_one(StageOne::Asks(from)),
        None => judge,
    };
    let judge = match &eval.judge {
        Some(config) => judge.with_judge_of(&settings(config)?)?,
        None => judge,
    };
    let encoder = eval.encoder.as_deref().map(encoder).transpose()?;
    let mut decisions = eval.decisions.as_deref().map(Decisions::create).transpose()?;
    let mut report = eval.report(&judge);
    let (mut seen, mut outputs, mut bad) = (Vec::new(), Vec::new(), Vec::new());
    for path in &eval.files {
        let mut contents = rows::read(path, encoder.as_deref())?;
        let wants_lines = decisions.is_some();
        let mut write = |lines: &[u8]| match &mut decisions {
            Some(decisions) => decisions.write(lines),
            None => Ok(()),
        };
        let (found, undecided) =
            decide::all(&judge, &contents.name, &contents.units, wants_lines, &mut write)?;
        contents.bad.extend(undecided);
        complain(&contents.bad);
        if let Some(decisions) = &mut decisions {
            decisions.outputs(&contents.outputs)?;
            decisions.bad(&contents.bad)?;
        }
        report.files.push(report::File {
            name: contents.name,
            rows: contents.rows,
            unreadable: contents.bad.len() as u64,
        });
        report.decisions += contents.units.iter().map(|unit| unit.known.len() as u64).sum::<u64>();
        seen.append(&mut { found });
        outputs.append(&mut contents.outputs);
        bad.append(&mut contents.bad);
    }
    report.count(&seen, &outputs, &bad);
    let comparison = before.map(|before| compare::compare(&before, &report));
    eval.show(&report, comparison.as_ref(), out)?;
    let objected = seen.iter().any(|seen| seen.verdict >= Verdict::Ask);
    Ok(match (report.unreadable(), objected) {
        (1.., _) => Exit::Usage,
        (0, true) => Exit::Found,
        (0, false) => Exit::Fine,
    })
}

/// The encoder in a folder, with all the time that it needs.
fn encoder(folder: &Path) -> Result<Arc<dyn Second>, Problem> {
    let settings = std::path::absolute(folder).map_err(|error| error.to_string()).map(|folder| {
        probe::Settings {
            encoder: Some(folder),
            encoder_timeout_ms: u64::MAX,
            ..probe::Settings::default()
        }
    });
    settings.and_then(|settings| second::load(&settings, reviewing::me())).map_err(|error| {
        let help = "`ringfence probe encoder` puts it into your configuration folder";
        Problem::new("the encoder cannot be used", help).because(error)
    })
}

/// What the section `[judge]` of a file says.
fn settings(config: &Path) -> Result<Settings, Problem> {
    rules::settings_of(config, reviewing::me()).map(|settings| settings.judge).map_err(|error| {
        Problem::new("the settings of the judge cannot be read", "see the cause").because(error)
    })
}

impl Eval {
    fn report(&self, judge: &Judge) -> Report {
        let options = self.rules.options();
        Report {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            preset: options.preset,
            sandbox: options.sandbox,
            bundle: judge.bundle().to_owned(),
            is_release: !cfg!(debug_assertions),
            ..Report::default()
        }
    }

    fn show(
        &self,
        report: &Report,
        comparison: Option<&Comparison>,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let page = page::page(report, comparison);
        if let Some(path) = &self.markdown {
            let mut file = create(path)?;
            file.write_all(page.as_bytes()).map_err(|error| unwritable(path, &error))?;
        }
        if self.json {
            json::line(out, &Told { report, comparison })?;
        } else {
            write!(out, "{page}")?;
        }
        Ok(())
    }
}

/// Where every decision goes.
struct Decisions<'a> {
    path: &'a Path,
    file: BufWriter<File>,
}

impl<'a> Decisions<'a> {
    fn create(path: &'a Path) -> Result<Self, Problem> {
        Ok(Self { path, file: BufWriter::new(create(path)?) })
    }

    fn write(&mut self, lines: &[u8]) -> Result<(), Problem> {
        let written = self.file.write_all(lines).and_then(|()| self.file.flush());
        written.map_err(|error| unwritable(self.path, &error))
    }

    /// Tool outputs have no decision: what the probe made of each.
    fn outputs(&mut self, outputs: &[Output]) -> Result<(), Problem> {
        let mut lines = Vec::new();
        for Output { id, source, label, report, .. } in outputs {
            let findings = report.findings.iter().map(|it| {
                json!({"kind": it.kind.as_str(), "span": it.span, "confidence": it.confidence})
            });
            let line = json!({
                "id": id, "source": source, "label": label, "score": report.score,
                "second": report.second.as_ref().map(second_told),
                "taints": report.taints, "findings": findings.collect::<Vec<_>>(),
            });
            // Writing to memory does not fail.
            let _ = json::line(&mut lines, &line);
        }
        self.write(&lines)
    }

    fn bad(&mut self, bad: &[Bad]) -> Result<(), Problem> {
        let mut lines = Vec::new();
        for Bad { file, line, message } in bad {
            let line = json!({ "file": file, "line": line, "error": message });
            let _ = json::line(&mut lines, &line);
        }
        self.write(&lines)
    }
}

#[expect(clippy::disallowed_methods, reason = "reports are written where the user says")]
fn create(path: &Path) -> Result<File, Problem> {
    File::create(path).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &io::Error) -> Problem {
    let what = format!("cannot write `{}`", path.display());
    Problem::new(what, "name a file in a folder that you may write to").because(error)
}

/// Names the first rows that could not be read.
fn complain(bad: &[Bad]) {
    const MOST: usize = 5;
    let mut err = io::stderr().lock();
    for Bad { file, line, message } in bad.iter().take(MOST) {
        let _ = writeln!(err, "{}", printable(&format!("{file}:{line}: {message}")));
    }
    if let (Some(first), more @ 1..) = (bad.first(), bad.len().saturating_sub(MOST)) {
        let _ = writeln!(err, "{}: {more} more could not be read", printable(&first.file));
    }
}
