//! Where the time of one answer goes, for `cargo xtask hook-bench`.
//!
//! Told on standard error, after the answer, and only where a flag on the command line asks for it:
//! nothing that a repository can set does.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ringfence_action::{Action, Effect, Facts};
use ringfence_facts::{Deadline, FactSource};
use serde_json::{Map, Value, json};

/// The parts so far, where they are asked for.
static CLOCK: Mutex<Option<Clock>> = Mutex::new(None);

struct Clock {
    began: SystemTime,
    /// The end of the last part.
    last: Instant,
    /// What within the present part is a part of its own.
    aside: Duration,
    parts: Vec<(&'static str, Duration)>,
}

impl Clock {
    fn add(&mut self, part: &'static str, time: Duration) {
        match self.parts.iter_mut().find(|(known, _)| *known == part) {
            Some((_, sum)) => *sum += time,
            None => self.parts.push((part, time)),
        }
    }
}

fn clock() -> MutexGuard<'static, Option<Clock>> {
    CLOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::disallowed_methods, reason = "for the timing alone")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "for the timing alone")]
fn since_1970() -> (SystemTime, f64) {
    let now = SystemTime::now();
    (now, microseconds(now.duration_since(UNIX_EPOCH).unwrap_or_default()))
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Starts, if it is asked for.
pub(super) fn begin(asked: bool) {
    if asked {
        let (began, _) = since_1970();
        let clock = Clock { began, last: now(), aside: Duration::ZERO, parts: Vec::new() };
        *self::clock() = Some(clock);
    }
}

/// What was done since the last mark was this part.
pub(super) fn mark(part: &'static str) {
    if let Some(clock) = clock().as_mut() {
        let now = now();
        let time = (now - clock.last).saturating_sub(std::mem::take(&mut clock.aside));
        clock.add(part, time);
        clock.last = now;
    }
}

/// Says what was measured.
pub(super) fn tell() {
    let Some(clock) = clock().take() else { return };
    let parts: Map<String, Value> = clock
        .parts
        .iter()
        .map(|(part, time)| ((*part).to_owned(), json!(microseconds(*time))))
        .collect();
    let began = clock.began.duration_since(UNIX_EPOCH).unwrap_or_default();
    let told = json!({
        "began_us": microseconds(began), "ended_us": since_1970().1, "parts_us": parts,
    });
    let _ = writeln!(io::stderr(), "timing: {told}");
}

/// A source of facts whose time is a part of its own.
pub(super) fn facts(source: Box<dyn FactSource>) -> Box<dyn FactSource> {
    if clock().is_some() { Box::new(Timed(source)) } else { source }
}

#[derive(Debug)]
struct Timed(Box<dyn FactSource>);

impl Timed {
    fn timed<T>(&self, work: impl FnOnce(&dyn FactSource) -> T) -> T {
        let started = now();
        let done = work(self.0.as_ref());
        if let Some(clock) = clock().as_mut() {
            let time = now() - started;
            clock.aside += time;
            clock.add("facts", time);
        }
        done
    }
}

impl FactSource for Timed {
    fn deadline(&self) -> Deadline {
        self.0.deadline()
    }

    fn read(&self, path: &str) -> Option<String> {
        self.timed(|source| source.read(path))
    }

    fn gather(&self, action: &Action, effects: &[Effect], facts: &mut Facts, deadline: Deadline) {
        self.timed(|source| source.gather(action, effects, facts, deadline));
    }
}
