//! Transcripts, many at once, each line once and no more in memory than that.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use ringfence_action::{Action, Agent, Call, Facts};
use ringfence_adapters::normalize;
use ringfence_adapters::transcript::watch::{
    Asking, ClaudeCode, Codex, Doing, GeminiCli, Moment, Watch, Watcher, is_question, is_row, row,
};
use ringfence_adapters::transcript::{Decider, Event};
use ringfence_oversight::{
    By, Counts, Decided, Guard, Mode, Seen, Session, What, call_of, is_irreversible,
};
use serde_json::Value;

use super::millis;
use crate::command::replay::find::Found;
use crate::progress::Bar;
use crate::recording::Place;

/// What was read.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) counts: Counts,
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) unreadable: u64,
}

impl Reading {
    fn merge(&mut self, other: Self) {
        self.counts.merge(other.counts);
        self.files += other.files;
        self.bytes += other.bytes;
        self.unreadable += other.unreadable;
    }
}

/// Reads all of these, as many at once as there are processors.
pub(super) fn all(found: &[Found], guard: &Guard) -> Reading {
    let size = |found: &Found| -> u64 {
        std::iter::once(&found.main).chain(&found.subagents).map(|path| length(path)).sum()
    };
    let mut order: Vec<(u64, &Found)> = found.iter().map(|found| (size(found), found)).collect();
    // The longest first, so that none is left over at the end.
    order.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    let bar = Bar::new("reading", order.iter().map(|(size, _)| size).sum());
    let (next, done, running) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicUsize::new(0));
    let whole = Mutex::new(Reading::default());
    let workers = thread::available_parallelism().map_or(1, usize::from).min(order.len().max(1));
    running.store(workers, Ordering::SeqCst);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let mut reader = Reader { guard, done: &done, reading: Reading::default() };
                while let Some((_, found)) = order.get(next.fetch_add(1, Ordering::SeqCst)) {
                    reader.session(found);
                }
                // A worker that panicked has not locked it.
                let mut whole = whole.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                whole.merge(reader.reading);
                running.fetch_sub(1, Ordering::SeqCst);
            });
        }
        while running.load(Ordering::SeqCst) > 0 {
            bar.at(done.load(Ordering::Relaxed));
            thread::sleep(Duration::from_millis(20));
        }
    });
    bar.clear();
    whole.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |it| it.len())
}

/// Counts what it reads.
struct Counted<'d> {
    file: File,
    done: &'d AtomicU64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.done.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

struct Reader<'d> {
    guard: &'d Guard,
    done: &'d AtomicU64,
    reading: Reading,
}

impl<'d> Reader<'d> {
    #[expect(clippy::disallowed_methods, reason = "transcripts are what the user named")]
    fn open(&mut self, path: &Path) -> Option<BufReader<Counted<'d>>> {
        let file = File::open(path).ok();
        if file.is_none() {
            self.reading.unreadable += 1;
        }
        self.reading.files += 1;
        self.reading.bytes += length(path);
        let file = Counted { file: file?, done: self.done };
        Some(BufReader::with_capacity(256 << 10, file))
    }

    /// One session, or the sessions of a file of rows.
    fn session(&mut self, found: &Found) {
        let Some(mut input) = self.open(&found.main) else { return };
        // What is buffered of the first line tells whose it is.
        let begin =
            input.fill_buf().map(|it| String::from_utf8_lossy(it).into_owned()).unwrap_or_default();
        let first = begin.trim_start().lines().next().unwrap_or_default();
        if first.contains("\"projectHash\"") {
            return self.one::<GeminiCli>(input, found);
        }
        if first.contains("\"payload\"") {
            return self.one::<Codex>(input, found);
        }
        if first.contains("\"events\"") {
            return self.rows(input);
        }
        self.one::<ClaudeCode>(input, found);
    }

    fn one<W: Watch>(&mut self, main: BufReader<Counted<'d>>, found: &Found) {
        let mut session = Session::default();
        self.watch::<W>(main, &mut session);
        for path in &found.subagents {
            if let Some(input) = self.open(path) {
                self.watch::<W>(input, &mut session);
            }
        }
        self.reading.counts.merge(session.finish());
    }

    fn watch<W: Watch>(&mut self, input: BufReader<Counted<'d>>, session: &mut Session) {
        for moment in Watcher::<_, W>::new(input) {
            match moment {
                Ok(moment) => self.see(W::KIND, moment, session),
                Err(_) => self.reading.unreadable += 1,
            }
        }
    }

    fn rows(&mut self, input: BufReader<Counted<'d>>) {
        for line in input.lines() {
            let told = match line {
                Ok(line) if line.trim().is_empty() => continue,
                Ok(line) if is_row(&line) => row(&line),
                _ => Err(String::new()),
            };
            let Ok(told) = told else {
                self.reading.unreadable += 1;
                continue;
            };
            let mut session = Session::default();
            told.into_iter().for_each(|moment| self.see("unknown", moment, &mut session));
            self.reading.counts.merge(session.finish());
        }
    }

    fn see(&mut self, agent: &str, moment: Moment, session: &mut Session) {
        let at = moment.at.as_deref().and_then(millis);
        let subagent = moment.subagent;
        let what = match moment.doing {
            Doing::Event(Event::User { .. }) | Doing::Commanded => What::Prompt,
            Doing::Event(Event::Interrupted) => What::Interrupted,
            Doing::Event(Event::Call { id, tool, input, cwd }) => {
                let name = moment.session.as_deref().unwrap_or_default();
                let guarded =
                    id.as_deref().and_then(|id| self.guard.saw(call_of(agent, name, id), at));
                let asks = is_question(&tool);
                let print = print_of(&tool, &input);
                What::Call {
                    id,
                    print,
                    asks,
                    irreversible: foreseen(agent, tool, input, cwd),
                    guarded,
                }
            }
            Doing::Event(Event::Result { id, outcome, .. }) => {
                let decided = outcome.map(|it| Decided { accepted: it.accepted, by: by(it.by) });
                What::Result { id, decided, ran_ms: None }
            }
            Doing::Event(Event::Skipped { .. }) => {
                self.reading.unreadable += 1;
                return;
            }
            Doing::Event(Event::Meta { .. } | Event::Summary { .. }) => return,
            Doing::Woken => What::Woken,
            Doing::Spoke { asks } => What::Spoke { asks },
            Doing::Waited { id, ms } => What::Waited { id, ms },
            Doing::Asking(asking) => What::Mode(mode(asking)),
            Doing::Headless => What::Headless,
            Doing::TellsDecisions => What::TellsDecisions,
            Doing::TellsProse => What::TellsProse,
        };
        session.see(&Seen { at, subagent, what });
    }
}

fn by(decider: Decider) -> By {
    match decider {
        Decider::Person => By::Person,
        Decider::Rule => By::Rule,
        Decider::Hook => By::Hook,
        Decider::Classifier => By::Classifier,
        Decider::Config => By::Config,
        Decider::Unknown => By::Unknown,
    }
}

fn mode(asking: Asking) -> Mode {
    match asking {
        Asking::Asks => Mode::Asks,
        Asking::Edits => Mode::Edits,
        Asking::Classifier => Mode::Classifier,
        Asking::Never => Mode::Everything,
    }
}

/// The same for the same tool with the same input.
fn print_of(tool: &str, input: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    (tool, input.to_string()).hash(&mut hasher);
    hasher.finish()
}

/// Whether a call cannot be undone, as far as analysis sees; `None` where it cannot tell.
fn foreseen(agent: &str, tool: String, input: Value, cwd: Option<String>) -> Option<bool> {
    let place = Place::of(cwd.as_deref());
    let action = Action {
        id: None,
        agent: Agent { kind: agent.to_owned(), subagent: None },
        session: None,
        tool,
        input,
        workspace: cwd.iter().cloned().collect(),
        cwd,
        home: place.home,
        platform: place.platform,
        user_messages: Vec::new(),
        facts: Facts::default(),
    };
    let call = normalize(&action);
    if matches!(call, Call::Read { .. }) {
        return Some(false);
    }
    let analysis = ringfence_analysis::analyze(&action, &call);
    let found = is_irreversible(&analysis.effects);
    (found || analysis.opaque.is_empty()).then_some(found)
}
