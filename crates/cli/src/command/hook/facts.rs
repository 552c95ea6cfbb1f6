//! Facts that are looked up once for one message.
//!
//! A decision is worked out before the session's lock is taken, and again under it where somebody else
//! was faster. The second time nothing is looked up: it must be quick, and it must see the same world.
//! What files hold has its secrets replaced, like everything else that is recorded, unless the text as
//! it runs is asked for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringfence_action::{Action, Effect, Facts};
use ringfence_facts::{Deadline, FactSource, Live};
use ringfence_record::redact::Redactor;

/// This host, remembered by all clones together.
#[derive(Debug, Clone)]
pub(super) struct Remembered {
    live: Live,
    redactor: Redactor,
    seen: Arc<Mutex<Seen>>,
    /// Whether files are given with their secrets.
    plain: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Seen {
    files: BTreeMap<String, Option<Content>>,
    facts: Facts,
}

#[derive(Debug, Clone)]
struct Content {
    plain: String,
    /// With its secrets replaced; `None` where it has none.
    redacted: Option<String>,
}

impl Remembered {
    pub(super) fn new(redactor: Redactor) -> Self {
        let (seen, plain) = (Arc::default(), Arc::default());
        Self { live: Live::default(), redactor, seen, plain }
    }

    /// Whether a file that was read had a secret in it.
    pub(super) fn has_secrets(&self) -> bool {
        self.seen().files.values().flatten().any(|content| content.redacted.is_some())
    }

    /// What this does, with files as they are on the disk.
    pub(super) fn in_plain<T>(&self, work: impl FnOnce() -> T) -> T {
        self.plain.store(true, Ordering::SeqCst);
        let result = work();
        self.plain.store(false, Ordering::SeqCst);
        result
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FactSource for Remembered {
    fn deadline(&self) -> Deadline {
        self.live.deadline()
    }

    fn read(&self, path: &str) -> Option<String> {
        let read = || {
            let plain = self.live.read(path)?;
            let redacted = self.redactor.text(&plain);
            Some(Content { plain, redacted })
        };
        let content = self.seen().files.entry(path.to_owned()).or_insert_with(read).clone()?;
        let is_plain = self.plain.load(Ordering::SeqCst);
        content.redacted.filter(|_| !is_plain).or(Some(content.plain))
    }

    fn gather(&self, action: &Action, effects: &[Effect], facts: &mut Facts, deadline: Deadline) {
        let mut seen = self.seen();
        if facts.git.is_none() {
            facts.git.clone_from(&seen.facts.git);
        }
        for (path, known) in &seen.facts.paths {
            facts.paths.entry(path.clone()).or_insert_with(|| known.clone());
        }
        for (top, known) in &seen.facts.repositories {
            facts.repositories.entry(top.clone()).or_insert_with(|| known.clone());
        }
        self.live.gather(action, effects, facts, deadline);
        seen.facts.git.clone_from(&facts.git);
        seen.facts.paths.clone_from(&facts.paths);
        seen.facts.repositories.clone_from(&facts.repositories);
    }
}
