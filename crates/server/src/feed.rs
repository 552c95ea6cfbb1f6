//! What is recorded, as it is recorded: the log is followed, whoever writes it; its lines are sent on at once,
//! and put into the database as time allows.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use axum::body::Bytes;
use ringfence_record::cases::Cases;
use ringfence_record::holds::Holds;
use ringfence_record::log::{Followed, Follower, Log};
use ringfence_record::projection::Projection;
use ringfence_record::{RecordError, StateFolder};
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};

use crate::api::instant;
use crate::brief;

/// So often it is looked whether there is more.
const PAUSE: Duration = Duration::from_millis(25);

/// Longer by this for each who watches, since each is woken.
const PAUSE_FOR_EACH: Duration = Duration::from_micros(250);

/// So many lines are sent on together, and none more once they have so many bytes.
const TOGETHER: usize = 1_024;
const BYTES_TOGETHER: usize = 1 << 20;

/// So many batches wait for who is slow; who is slower reads the log.
const WAITING: usize = 16;

/// So many lines go into the database at once.
const INSERTED: usize = 500;

/// Where more entries are made in a second, decisions come first: the database and those who watch may wait.
const MANY_A_SECOND: f64 = 300.0;

/// While there are so many, the database takes no more than this part of a processor's time.
const SHARE: u32 = 20;

/// And no less than this one while it lacks what was there before: nobody answers anything until then.
const SHARE_AT_FIRST: u32 = 2;

/// How much of each entry is sent to who watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// All of it.
    Whole,
    /// What stands in a row of a list.
    Brief,
}

/// Lines that follow one another, as they are sent to who watches: made once, for all.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// Only where somebody wants them so.
    whole: Option<Bytes>,
    brief: Option<Bytes>,
}

impl Batch {
    /// In this form; nothing where nobody wanted it so when it was made.
    pub(crate) fn frames(&self, form: Form) -> Option<&Bytes> {
        match form {
            Form::Whole => self.whole.as_ref(),
            Form::Brief => self.brief.as_ref(),
        }
    }
}

/// Somebody who watches.
pub(crate) struct Subscription {
    pub(crate) batches: broadcast::Receiver<Batch>,
    pulse: Arc<Pulse>,
    form: Form,
    number: usize,
}

impl Subscription {
    /// How long this one waits with a batch: all of them at once would take the processors from whoever decides.
    pub(crate) fn turn(&self) -> Duration {
        let others = self.pulse.who_want(self.form).load(Ordering::SeqCst).max(1);
        PAUSE_FOR_EACH * u32::try_from(self.number % others).unwrap_or_default()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.pulse.who_want(self.form).fetch_sub(1, Ordering::SeqCst);
    }
}

/// The feed of one log.
pub(crate) struct Feed {
    folder: StateFolder,
    batches: broadcast::Sender<Batch>,
    state: watch::Receiver<Value>,
    pulse: Arc<Pulse>,
    reader: Mutex<Projection>,
    /// The number of the newest entry when it began.
    began_after: u64,
}

/// How far the log has come, and how fast.
#[derive(Debug, Default)]
struct Pulse {
    last: AtomicU64,
    many: AtomicBool,
    whole: AtomicUsize,
    brief: AtomicUsize,
    /// Who have ever watched.
    numbers: AtomicUsize,
}

impl Pulse {
    /// How many watch in this form.
    fn who_want(&self, form: Form) -> &AtomicUsize {
        match form {
            Form::Whole => &self.whole,
            Form::Brief => &self.brief,
        }
    }
}

impl Feed {
    pub(crate) fn start(state: &StateFolder, log: &Log) -> Result<Self, RecordError> {
        // Made, and brought up to date beside.
        let projection = Projection::open_as_it_is(state)?;
        let reader = Mutex::new(Projection::look(state)?);
        let (batches, _) = broadcast::channel(WAITING);
        let newest = log.newest()?;
        let pulse = Arc::new(Pulse::default());
        pulse.last.store(newest, Ordering::Release);
        let (told, state_now) = watch::channel(state_of(state));
        let follower = log.follow_after(newest)?;
        let feed = Self {
            folder: state.clone(),
            batches: batches.clone(),
            state: state_now,
            pulse: pulse.clone(),
            reader,
            began_after: newest,
        };
        let sending = Sending { folder: state.clone(), batches, told, pulse: pulse.clone() };
        let started = thread::Builder::new().name("feed".to_owned());
        let started = started.spawn(move || sending.send(follower));
        let (folder, log) = (state.clone(), log.clone());
        let inserting = thread::Builder::new().name("index".to_owned());
        let inserting = inserting.spawn(move || insert(&folder, &log, projection, &pulse, newest));
        let io = |source| RecordError::Io { what: "follow", path: state.path().to_owned(), source };
        started.and(inserting).map_err(io)?;
        Ok(feed)
    }

    /// The number of the newest entry that was sent on.
    pub(crate) fn last(&self) -> u64 {
        self.pulse.last.load(Ordering::Acquire)
    }

    /// Whether so much is recorded now that whoever watches may wait.
    pub(crate) fn is_busy(&self) -> bool {
        self.pulse.many.load(Ordering::Relaxed)
    }

    /// From now on, whatever comes.
    pub(crate) fn subscribe(&self, form: Form) -> Subscription {
        // Before anything can come: it is made in this form from now on.
        self.pulse.who_want(form).fetch_add(1, Ordering::SeqCst);
        let number = self.pulse.numbers.fetch_add(1, Ordering::Relaxed);
        Subscription { batches: self.batches.subscribe(), pulse: self.pulse.clone(), form, number }
    }

    /// How many watch.
    pub(crate) fn watchers(&self) -> usize {
        self.batches.receiver_count()
    }

    /// What waits and what is held, now and whenever that changes.
    pub(crate) fn state(&self) -> watch::Receiver<Value> {
        self.state.clone()
    }

    /// The database, once all is in it that the log had when this began.
    pub(crate) fn history(&self) -> Result<Option<MutexGuard<'_, Projection>>, RecordError> {
        let database = self.database();
        let is_whole = database.newest()? >= self.began_after;
        Ok(is_whole.then_some(database))
    }

    /// The database, to look: the one that is there now.
    pub(crate) fn database(&self) -> MutexGuard<'_, Projection> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        // Where the new one is not there yet, it is tried again next time.
        if reader.is_replaced()
            && let Ok(now) = Projection::look(&self.folder)
        {
            *reader = now;
        }
        reader
    }
}

/// Who sends on what is recorded.
struct Sending {
    folder: StateFolder,
    batches: broadcast::Sender<Batch>,
    told: watch::Sender<Value>,
    pulse: Arc<Pulse>,
}

impl Sending {
    fn send(&self, mut follower: Follower) {
        let mut rate = 0.0;
        let mut before = instant();
        loop {
            let lines = all_there_is(&mut follower);
            if let (Some(first), Some(end)) = (lines.first(), lines.last()) {
                self.pulse.last.store(end.seq, Ordering::Release);
                if self.batches.receiver_count() > 0 {
                    let made = |form: Form| {
                        let wanted = self.pulse.who_want(form).load(Ordering::SeqCst) > 0;
                        wanted.then(|| frames(&lines, form))
                    };
                    let (whole, brief) = (made(Form::Whole), made(Form::Brief));
                    // Where nobody watches any more, nothing is lost.
                    let _ =
                        self.batches.send(Batch { first: first.seq, last: end.seq, whole, brief });
                }
            }
            let now = state_of(&self.folder);
            self.told.send_if_modified(|before| {
                let changed = *before != now;
                if changed {
                    *before = now;
                }
                changed
            });
            if lines.len() < TOGETHER / 2 {
                let watchers = u32::try_from(self.batches.receiver_count()).unwrap_or_default();
                thread::sleep(PAUSE + PAUSE_FOR_EACH * watchers.min(1_000));
            }
            // Of about the last quarter of a second.
            let (now, count) = (instant(), lines.len() as f64);
            let passed = now.duration_since(before).as_secs_f64().max(1e-6);
            let weight = (passed / 0.25).min(1.0);
            rate += (count / passed - rate) * weight;
            before = now;
            self.pulse.many.store(rate > MANY_A_SECOND, Ordering::Relaxed);
        }
    }
}

/// Puts what is recorded into the database, or into the one that took its place.
/// `before`: the number of the newest entry that was there when it began.
fn insert(folder: &StateFolder, log: &Log, mut projection: Projection, pulse: &Pulse, before: u64) {
    let follow = |projection: &Projection| log.follow_after(projection.newest()?);
    let mut follower = follow(&projection).ok();
    loop {
        let began = instant();
        if projection.is_replaced() {
            // It was built anew, since something in it was not to stay.
            match Projection::open_as_it_is(folder) {
                Ok(now) => (projection, follower) = (now, None),
                Err(_) => thread::sleep(PAUSE),
            }
        }
        if follower.is_none() {
            follower = follow(&projection).ok();
        }
        let lines = follower.as_mut().and_then(|it| it.more(INSERTED).ok()).unwrap_or_default();
        if lines.is_empty() {
            thread::sleep(PAUSE);
        } else if projection.add(&lines).is_err() {
            // As far as it has come, once it can be written again.
            follower = None;
            thread::sleep(PAUSE);
        } else if pulse.many.load(Ordering::Relaxed) {
            // What waits to be found may wait.
            let is_old = lines.last().is_some_and(|line| line.seq < before);
            let share = if is_old { SHARE_AT_FIRST } else { SHARE };
            thread::sleep(began.elapsed() * (share - 1));
        }
    }
}

/// What has come since, as much as is sent together. What cannot be read now may be read later.
fn all_there_is(follower: &mut Follower) -> Vec<Followed> {
    let (mut lines, mut bytes) = (Vec::new(), 0);
    while let Some(more @ 1..) = TOGETHER.checked_sub(lines.len())
        && bytes < BYTES_TOGETHER
    {
        let found = follower.more(more).unwrap_or_default();
        if found.is_empty() {
            break;
        }
        bytes += found.iter().map(|it| it.line.len()).sum::<usize>();
        lines.extend(found);
    }
    lines
}

/// Lines as server-sent events: each as one, or all of them in brief as one.
pub(crate) fn frames(lines: &[Followed], form: Form) -> Bytes {
    let mut text = String::new();
    if form == Form::Brief {
        if let Some(last) = lines.last() {
            let data = brief::array(lines);
            text = format!("id: {}\nevent: brief\ndata: {data}\n\n", last.seq);
        }
        return Bytes::from(text);
    }
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
