//! `ringfence oversight`: whether people who watch agents still see anything.

mod read;
mod text;

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use jiff::Timestamp;
use ringfence_oversight::{Guard, Report, html, markdown};
use ringfence_record::RecordError;
use ringfence_record::log::{Follower, Log};
use serde_json::Value;

use crate::command::replay::find::{self, Found};
use crate::exit::{Exit, Failure, Problem};
use crate::places;
use crate::render::color::width;
use crate::render::json;

/// Measure whether people who watch agents still see anything
///
/// Reads transcripts of Claude Code, Codex and Gemini CLI: files, or folders that hold them; with nothing named,
/// your own history of all three. Rows of labelled transcripts ({"id":…,"events":[…]}) are read as well. Ringfence's own
/// log is read beside them. Nothing is sent anywhere, and nothing is written but what you name.
///
/// What a transcript does not tell is "not known", never zero.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Oversight {
    /// Transcripts, or folders with transcripts
    files: Vec<PathBuf>,
    /// Write Markdown
    #[arg(long, conflicts_with_all = ["json", "html"])]
    markdown: bool,
    /// Write one page with plots, which needs no network and no script
    #[arg(long, conflicts_with = "json")]
    html: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
    /// Leave Ringfence's own log out
    #[arg(long)]
    no_log: bool,
}

const EXAMPLE: &str = "Examples:
  ringfence oversight
  ringfence oversight --html > oversight.html
  ringfence oversight ~/.codex/sessions --json | jq .interrupt_rate";

/// What is printed as JSON, of one's own history and a log, for whoever asks again and again: what of the log was
/// counted once is counted no more, until nobody asks for a while. What is kept of it has a number for every call.
pub(super) struct Recount {
    log: Log,
    counted: Option<Counted>,
    asked: Instant,
    /// Whether somebody waits to forget it.
    is_timed: bool,
}

/// So long it is kept after somebody asked.
const KEPT: Duration = Duration::from_mins(10);

#[expect(
    clippy::disallowed_methods,
    reason = "nothing is measured: it is forgotten some time after"
)]
fn now() -> Instant {
    Instant::now()
}

struct Counted {
    guard: Guard,
    follower: Follower,
    /// The first entry that was there.
    from: Option<u64>,
}

impl Recount {
    pub(super) fn of(log: Log) -> Self {
        Self { log, counted: None, asked: now(), is_timed: false }
    }

    /// What there is to tell now. One counts at a time.
    pub(super) fn told(shared: &Arc<Mutex<Self>>) -> Result<Value, Failure> {
        let mut this = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let told = this.count()?;
        this.keep_for(KEPT, shared);
        Ok(told)
    }

    /// Keeps what was counted for so long, and longer where somebody asks until then.
    fn keep_for(&mut self, time: Duration, shared: &Arc<Mutex<Self>>) {
        self.asked = now();
        if self.is_timed {
            return;
        }
        let weak = Arc::downgrade(shared);
        let waiting = move || {
            let mut left = time;
            while !left.is_zero() {
                thread::sleep(left);
                let Some(shared) = weak.upgrade() else { return };
                let mut this = shared.lock().unwrap_or_else(PoisonError::into_inner);
                left = time.saturating_sub(this.asked.elapsed());
                if left.is_zero() {
                    (this.counted, this.is_timed) = (None, false);
                }
            }
        };
        match thread::Builder::new().name("forget".to_owned()).spawn(waiting) {
            Ok(_) => self.is_timed = true,
            // It is counted anew each time, rather than kept for good.
            Err(_) => self.counted = None,
        }
    }

    fn count(&mut self) -> Result<Value, Failure> {
        let from = self.log.oldest().map_err(unread)?;
        // What was removed since is counted no more.
        let mut counted = match self.counted.take().filter(|it| it.from == from) {
            Some(counted) => counted,
            None => Counted { guard: Guard::default(), follower: follow(&self.log)?, from },
        };
        count(&mut counted.guard, &mut counted.follower)?;
        let told = serde_json::json!(report(&own_history(), &counted.guard));
        self.counted = Some(counted);
        Ok(told)
    }
}

fn report(found: &[Found], guard: &Guard) -> Report {
    let read = read::all(found, guard);
    let mut report = Report::new(read.counts, guard);
    report.files = read.files;
    report.bytes = read.bytes;
    report.unreadable = read.unreadable + guard.unreadable();
    report
}

pub(crate) fn run(asked: &Oversight, out: &mut impl Write) -> Result<Exit, Failure> {
    let found =
        if asked.files.is_empty() { own_history() } else { find::transcripts(&asked.files, None)? };
    let guard = if asked.no_log { Guard::default() } else { own_log()? };
    let report = report(&found, &guard);
    if asked.json {
        json::line(out, &report)?;
    } else if asked.markdown {
        write!(out, "{}", markdown::page(&report))?;
    } else if asked.html {
        write!(out, "{}", html::page(&report))?;
    } else {
        write!(out, "{}", text::draw(&report, width()))?;
    }
    Ok(Exit::Fine)
}

/// Where agents keep their transcripts, as far as there are any.
fn own_history() -> Vec<Found> {
    let home = std::env::home_dir();
    let place = |variable: &str, below_home: &str, within: &str| {
        let named = std::env::var_os(variable).filter(|it| !it.is_empty()).map(PathBuf::from);
        Some(named.or_else(|| Some(home.as_ref()?.join(below_home)))?.join(within))
    };
    let places = [
        place("CLAUDE_CONFIG_DIR", ".claude", "projects"),
        place("CODEX_HOME", ".codex", "sessions"),
        home.as_ref().map(|home| home.join(".gemini/tmp")),
    ];
    places
        .into_iter()
        .flatten()
        .filter_map(|place| find::transcripts(&[place], None).ok())
        .flatten()
        .collect()
}

fn own_log() -> Result<Guard, Failure> {
    let mut guard = Guard::default();
    if let Some((_, log)) = places::existing_log()? {
        count(&mut guard, &mut follow(&log)?)?;
    }
    Ok(guard)
}

fn follow(log: &Log) -> Result<Follower, Failure> {
    Ok(log.follow_after(0).map_err(unread)?)
}

/// So many lines at once.
const TOGETHER: usize = 2_000;

fn count(guard: &mut Guard, follower: &mut Follower) -> Result<(), Failure> {
    let before = follower.left_out();
    loop {
        let lines = follower.more(TOGETHER).map_err(unread)?;
        if lines.is_empty() {
            guard.pass_over(follower.left_out().saturating_sub(before));
            return Ok(());
        }
        lines.iter().for_each(|it| guard.see(&it.line));
    }
}

fn unread(error: RecordError) -> Problem {
    Problem::new("the audit log cannot be read", "see `ringfence audit verify`").because(error)
}

/// Milliseconds since 1970.
fn millis(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use ringfence_record::StateFolder;
    use ringfence_record::log::Durability;

    use super::*;

    #[test]
    fn what_nobody_asks_for_is_kept_no_longer() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path().join("state")).unwrap();
        let log = Log::open(&state, Durability::Process).unwrap();
        let counted =
            Counted { guard: Guard::default(), follower: log.follow_after(0).unwrap(), from: None };
        let recount = Recount { counted: Some(counted), ..Recount::of(log) };
        let shared = Arc::new(Mutex::new(recount));
        shared.lock().unwrap().keep_for(Duration::from_millis(10), &shared);
        let is_kept = || {
            let this = shared.lock().unwrap();
            this.counted.is_some() || this.is_timed
        };
        while is_kept() {
            thread::sleep(Duration::from_millis(5));
        }
    }
}
