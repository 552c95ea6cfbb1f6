//! Facts that are looked up once for one message.
//!
//! A decision is worked out before the session's lock is taken, and again under it where somebody else
//! was faster. The second time nothing is looked up: it must be quick, and it must see the same world.
//! What files hold has its secrets replaced, like everything else that is judged and recorded.

use std::collections::BTreeMap;
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
}

#[derive(Debug, Default)]
struct Seen {
    files: BTreeMap<String, Option<String>>,
    facts: Facts,
}

impl Remembered {
    pub(super) fn new(redactor: Redactor) -> Self {
        Self { live: Live::default(), redactor, seen: Arc::default() }
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
            let content = self.live.read(path)?;
            Some(self.redactor.text(&content).unwrap_or(content))
        };
        self.seen().files.entry(path.to_owned()).or_insert_with(read).clone()
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
