//! What a run leaves in the audit log: that it starts, what was asked for at its way out, and how it ended.
//!
//! A run that a decision led to belongs to the session of that decision; any other is a session of its own.
//! The walls hold whether or not somebody writes down what happens behind them, so a log that cannot be
//! written is said and stops nothing.

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use ringfence_egress::Event;
use ringfence_record::log::{Durability, Entry, Log};
use ringfence_record::{RecordError, StateFolder};
use ringfence_sandbox::{Observed, Plan, Support};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::say;

/// A run that is written down.
pub(super) struct Diary {
    /// None: nothing can be written, which was said.
    log: Option<Log>,
    /// Whose it is: in every entry.
    about: Map<String, Value>,
    egress: Option<Egress>,
}

/// Events at the way out, on their way into the log.
struct Egress {
    /// Nothing: it is over. Egress keeps its side for as long as the process lives.
    events: Sender<Option<Entry>>,
    writer: JoinHandle<()>,
}

/// More entries than this are not written for one run: names can be made up without end. The sums of the
/// last entry have them.
const MOST_EVENTS: usize = 5000;
/// Events are written together, as many as come soon after each other.
const TOGETHER: usize = 500;
/// What was observed is written in entries of so many sights, and so many of these.
const SIGHTS: usize = 200;
const MOST_SIGHTS: usize = 50;
const SOON: Duration = Duration::from_millis(200);

impl Diary {
    /// Of a run that a person started: a session of its own.
    pub(super) fn of_its_own(state: Option<PathBuf>) -> Self {
        let at = now();
        let name = format!("run-{}-{}", at.strftime("%Y%m%dT%H%M%SZ"), std::process::id());
        let about = Map::from_iter([("session".to_owned(), json!(name))]);
        let log = state.and_then(|path| {
            let opened = StateFolder::open(path);
            written_or_said(opened.and_then(|folder| Log::open(&folder, Durability::Process)))
        });
        Self { log, about, egress: None }
    }

    /// Of a run that belongs to somebody, who is named in every entry.
    pub(super) fn of(folder: &StateFolder, about: Map<String, Value>) -> Self {
        let log = written_or_said(Log::open(folder, Durability::Process));
        Self { log, about, egress: None }
    }

    /// The run is about to start.
    pub(super) fn starts(&self, command: &[String], plan: &Plan, support: &Support) {
        let mut entry = Map::new();
        entry.insert("command".into(), json!(command));
        entry.insert("cwd".into(), json!(plan.cwd));
        entry.insert("profile".into(), json!(plan.profile));
        entry.insert("plan".into(), json!(digest_of(plan)));
        entry.insert("tier".into(), json!(support.tier));
        self.write("run_started", entry);
    }

    /// Where events at the way out go, from any thread.
    pub(super) fn listener(&mut self) -> impl Fn(&Event) + Send + Sync + 'static {
        let events = self.log.clone().map(|log| {
            let (events, waiting) = mpsc::channel();
            let writer = thread::spawn(move || write_together(&log, &waiting));
            self.egress = Some(Egress { events: events.clone(), writer });
            (events, self.about.clone())
        });
        move |event: &Event| {
            let Some((events, about)) = &events else { return };
            if let Ok(Value::Object(mut fields)) = serde_json::to_value(event) {
                fields.extend(about.clone());
                // Who does not listen any more has said why.
                let _ = events.send(Some(Entry { kind: "egress", fields }));
            }
        }
    }

    /// The run has ended, or was not started. Waits for what is still to be written.
    pub(super) fn ends(
        mut self,
        entry: Map<String, Value>,
        observed: Option<&Observed>,
        finding: Option<Map<String, Value>>,
    ) {
        if let Some(Egress { events, writer }) = self.egress.take() {
            let _ = events.send(None);
            let _ = writer.join();
        }
        let sights = observed.map(Observed::in_short).unwrap_or_default();
        for sights in sights.chunks(SIGHTS).take(MOST_SIGHTS) {
            self.write("observed", Map::from_iter([("sights".to_owned(), json!(sights))]));
        }
        self.write("run", entry);
        if let Some(finding) = finding {
            self.write("finding", finding);
        }
    }

    fn write(&self, kind: &'static str, entry: Map<String, Value>) {
        let Some(log) = &self.log else { return };
        let mut fields = self.about.clone();
        fields.extend(entry);
        if let Err(error) = log.append(kind, &now().to_string(), fields) {
            not_written(&error);
        }
    }
}

/// What stands for the plan: two runs with the same had the same walls.
fn digest_of(plan: &Plan) -> String {
    let text = serde_json::to_vec(plan).unwrap_or_default();
    format!("sha256:{:x}", Sha256::digest(text))
}

fn written_or_said(log: Result<Log, RecordError>) -> Option<Log> {
    log.map_err(|error| not_written(&error)).ok()
}

fn not_written(error: &RecordError) {
    say(&format!("not recorded: {error}"));
}

fn write_together(log: &Log, waiting: &Receiver<Option<Entry>>) {
    let mut room = MOST_EVENTS;
    loop {
        let mut together = Vec::new();
        let over = loop {
            let next = match together.len() {
                0 => waiting.recv().map_err(|_| RecvTimeoutError::Disconnected),
                TOGETHER.. => break false,
                _ => waiting.recv_timeout(SOON),
            };
            match next {
                Ok(Some(entry)) => together.push(entry),
                Err(RecvTimeoutError::Timeout) => break false,
                Ok(None) | Err(RecvTimeoutError::Disconnected) => break true,
            }
        };
        together.truncate(room);
        room -= together.len();
        if let Err(error) = log.append_all(&now().to_string(), together) {
            not_written(&error);
            return;
        }
        if over {
            return;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "an entry says when it was made")]
fn now() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
}
