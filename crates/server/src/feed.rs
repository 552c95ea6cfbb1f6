//! What is recorded, as it is recorded: the log is followed, whoever writes it; its lines are sent on at once,
//! and put into the database as time allows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use axum::body::Bytes;
use ringfence_record::cases::Cases;
use ringfence_record::holds::Holds;
use ringfence_record::log::{Followed, Log};
use ringfence_record::projection::Projection;
use ringfence_record::{RecordError, StateFolder};
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};

/// So often it is looked whether there is more.
const PAUSE: Duration = Duration::from_millis(20);

/// Longer by this for each who watches, since each is woken.
const PAUSE_FOR_EACH: Duration = Duration::from_micros(400);

/// So many lines are sent on together.
const TOGETHER: usize = 256;

/// So many batches wait for who is slow; who is slower reads the log.
const WAITING: usize = 64;

/// So many lines go into the database at once.
const INSERTED: usize = 500;

/// Lines that follow one another, as they are sent to who watches.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) frames: Bytes,
}

/// The feed of one log.
pub(crate) struct Feed {
    batches: broadcast::Sender<Batch>,
    state: watch::Receiver<Value>,
    last: Arc<AtomicU64>,
    reader: Mutex<Projection>,
}

impl Feed {
    pub(crate) fn start(state: &StateFolder, log: &Log) -> Result<Self, RecordError> {
        // Made, and brought up to date beside.
        let mut projection = Projection::open_as_it_is(state)?;
        let reader = Mutex::new(Projection::look(state)?);
        let (batches, _) = broadcast::channel(WAITING);
        let newest = log.newest()?;
        let last = Arc::new(AtomicU64::new(newest));
        let (told, state_now) = watch::channel(state_of(state));
        let feed = Self { batches: batches.clone(), state: state_now, last: last.clone(), reader };

        let mut follower = log.follow_after(newest)?;
        let folder = state.clone();
        let started = thread::Builder::new().name("feed".to_owned()).spawn(move || {
            loop {
                // What cannot be read now may be read later.
                let lines = follower.more(TOGETHER).unwrap_or_default();
                if let (Some(first), Some(end)) = (lines.first(), lines.last()) {
                    last.store(end.seq, Ordering::Release);
                    if batches.receiver_count() > 0 {
                        let (first, last) = (first.seq, end.seq);
                        // Where nobody watches any more, nothing is lost.
                        let _ = batches.send(Batch { first, last, frames: frames(&lines) });
                    }
                }
                let now = state_of(&folder);
                told.send_if_modified(|before| {
                    let changed = *before != now;
                    if changed {
                        *before = now;
                    }
                    changed
                });
                if lines.len() < TOGETHER {
                    let watchers = u32::try_from(batches.receiver_count()).unwrap_or_default();
                    thread::sleep(PAUSE + PAUSE_FOR_EACH * watchers.min(1_000));
                }
            }
        });
        let indexed = log.clone();
        let inserting = thread::Builder::new().name("index".to_owned()).spawn(move || {
            let newest = projection.newest().unwrap_or_default();
            let Ok(mut follower) = indexed.follow_after(newest) else { return };
            loop {
                let lines = follower.more(INSERTED).unwrap_or_default();
                if lines.is_empty() || projection.add(&lines).is_err() {
                    thread::sleep(PAUSE);
                    if !lines.is_empty()
                        && let Ok(newest) = projection.newest()
                        && let Ok(again) = indexed.follow_after(newest)
                    {
                        follower = again;
                    }
                } else if lines.len() == INSERTED {
                    // Decisions come first: what waits to be found may wait.
                    thread::sleep(PAUSE / 2);
                }
            }
        });
        let io = |source| RecordError::Io { what: "follow", path: state.path().to_owned(), source };
        started.and(inserting).map_err(io)?;
        Ok(feed)
    }

    /// The number of the newest entry that was sent on.
    pub(crate) fn last(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }

    /// From now on, whatever comes.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Batch> {
        self.batches.subscribe()
    }

    /// How many watch.
    pub(crate) fn watchers(&self) -> usize {
        self.batches.receiver_count()
    }

    /// What waits and what is held, now and whenever that changes.
    pub(crate) fn state(&self) -> watch::Receiver<Value> {
        self.state.clone()
    }

    /// The database, to look.
    pub(crate) fn database(&self) -> MutexGuard<'_, Projection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lines as server-sent events.
pub(crate) fn frames(lines: &[Followed]) -> Bytes {
    let mut text = String::new();
    for Followed { seq, line } in lines {
        text.push_str("id: ");
        text.push_str(&seq.to_string());
        text.push_str("\nevent: entry\ndata: ");
        text.push_str(line);
        text.push_str("\n\n");
    }
    Bytes::from(text)
}

/// What waits and what is held. What cannot be read is told as `null`, which is not nothing.
fn state_of(state: &StateFolder) -> Value {
    let waiting = Cases::open(state).and_then(|cases| cases.pending()).ok();
    let waiting = waiting.map(|cases| cases.iter().filter(|case| case.waits_here()).count());
    let holds = Holds::of(state).all().ok();
    json!({"approvals": waiting, "holds": holds})
}
