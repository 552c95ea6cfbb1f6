//! `ringfence replay`: an agent's own history, decided call by call.

pub(crate) mod find;
mod judge;
mod tally;
mod troubles;
mod what_if;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ringfence_action::{Decision, Verdict};
use ringfence_engine::Came;
use serde::Serialize;

pub(crate) use self::judge::{Judged, judge};
pub(crate) use self::tally::Tally;
pub(crate) use self::troubles::complain;
use crate::exit::{Exit, Failure};
use crate::progress::Progress;
use crate::recording::{self, Person, Recording};
use crate::render::color::width;
use crate::render::session::Detail;
use crate::render::{json, session, summary};
use crate::wiring::{Judge, Rules};

/// Decide what your agent did, call by call, as if Ringfence had been there
///
/// Reads transcripts of Claude Code, subagents too: files, or folders that hold them. With nothing
/// named, your own history in ~/.claude/projects (or $CLAUDE_CONFIG_DIR/projects). Rollouts of Codex,
/// chats of Gemini CLI and rows of labelled transcripts ({"id":…,"events":[…]}) are read as well.
/// Nothing is run and nothing is written.
///
/// With `--bundle`, everything is decided twice, by the rules of now and by others, and what would be
/// decided otherwise is told, by rule: the way to try a rule on what happened before it holds. `--log`
/// does so over the audit log.
///
/// Exits 2 if something could not be read, else 1 if anything was asked or denied (with `--bundle`: is decided
/// otherwise), else 0.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Replay {
    /// Transcripts, or folders with transcripts
    files: Vec<PathBuf>,
    #[command(flatten)]
    rules: Rules,
    /// Show these verdicts alone, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', value_name = "VERDICTS")]
    only: Vec<Only>,
    /// Show every call, also long runs of allowed ones
    #[arg(long, conflicts_with = "only")]
    all: bool,
    /// Replay the newest transcripts alone, this many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Tell what these rules would decide otherwise than those that hold now (your own, or those of
    /// `--policy`): a file, or a folder of files, in the place of your own
    #[arg(long, value_name = "NEW", conflicts_with_all = ["only", "all"])]
    bundle: Option<PathBuf>,
    /// Decide what is in the audit log, instead of transcripts
    #[arg(long, requires = "bundle", conflicts_with_all = ["files", "limit"])]
    log: bool,
    /// Write JSON: one decision per line, then one line with the summary; with `--bundle` one line
    #[arg(long)]
    json: bool,
}

const EXAMPLE: &str = "Examples:
  ringfence replay
  ringfence replay --only asked,denied --limit 20
  ringfence replay --bundle my-new-rule.toml
  ringfence replay --bundle my-new-rule.toml --log --json
  ringfence replay session.jsonl --json | jq 'select(.verdict == \"deny\") | .code'";

/// A verdict, as something that happened to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Only {
    Allowed,
    Contained,
    Asked,
    Denied,
}

impl Only {
    fn verdict(self) -> Verdict {
        match self {
            Self::Allowed => Verdict::Allow,
            Self::Contained => Verdict::Contain,
            Self::Asked => Verdict::Ask,
            Self::Denied => Verdict::Deny,
        }
    }
}

/// A decision, and which call of which session it is about.
#[derive(Debug, Serialize)]
struct Placed<'a> {
    #[serde(flatten)]
    decision: &'a Decision,
    session: &'a str,
    call: usize,
    /// What the person did, where the transcript tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<Person>,
    /// How far the session had moved from what was asked for, after it: 0 to 1.
    drift: f64,
    /// The taint that what it returned left.
    #[serde(skip_serializing_if = "Option::is_none")]
    taint: Option<&'static str>,
}

pub(crate) fn run(replay: &Replay, out: &mut impl Write) -> Result<Exit, Failure> {
    if let Some(new) = &replay.bundle {
        return what_if::run(replay, new, out);
    }
    let found = find::transcripts(&replay.files, replay.limit)?;
    let judge = Judge::new(&replay.rules, false)?;
    let mut tally = Tally::default();
    let progress = Progress::new("transcript", found.len());
    for (index, transcript) in found.iter().enumerate() {
        progress.at(index);
        recording::read(&transcript.main, &transcript.subagents, &mut |recording: &Recording| {
            let judged = self::judge(&judge, recording)?;
            tally.add(recording, &judged);
            progress.clear();
            complain(&recording.troubles);
            replay.show(recording, &judged, out)
        })?;
    }
    progress.clear();
    if replay.json {
        json::line(out, &serde_json::json!({ "summary": tally }))?;
    } else if tally.calls > 0 || tally.unreadable == 0 {
        write!(out, "{}", summary::draw(&tally, width()))?;
    }
    Ok(tally.exit())
}

impl Replay {
    fn show(
        &self,
        recording: &Recording,
        calls: &[Judged<'_>],
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        if !self.json {
            let detail = match (self.all, self.only.is_empty()) {
                (true, _) => Detail::Everything,
                (false, true) => Detail::Folded,
                (false, false) => Detail::Only,
            };
            let is_shown = |verdict| self.shows(verdict);
            write!(out, "{}", session::draw(recording, calls, detail, &is_shown, width()))?;
            return Ok(out.flush()?);
        }
        for judged in calls.iter().filter(|judged| self.shows(judged.decision().verdict)) {
            let placed = Placed {
                decision: judged.decision(),
                session: &recording.session,
                call: judged.call,
                person: judged.person,
                drift: judged.drift,
                taint: judged.returned.as_ref().and_then(Came::taint),
            };
            json::line(out, &placed)?;
        }
        Ok(())
    }

    fn shows(&self, verdict: Verdict) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only.verdict() == verdict)
    }
}
