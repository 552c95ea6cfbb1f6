//! What sessions of agents that ask by themselves know, kept between their actions.
//!
//! The newest state of each is here, and on disk before anybody is told of the decision that led to it. Where
//! something could not be kept, all of it is forgotten: it is read again from the disk, and what was decided on
//! it and not written is not answered.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringfence_engine::{Heard, Session};
use ringfence_record::RecordError;
use ringfence_record::sessions::{Alternating, SessionStore, digest_of};

/// More sessions are not kept at hand.
const MOST: usize = 1_024;

/// The sessions at hand.
#[derive(Default)]
pub(super) struct Memory {
    known: Mutex<HashMap<(String, String), Arc<Place>>>,
    age: AtomicU64,
}

/// What messages ask for, kept since to read one takes longer than to decide: many agents are given the same task,
/// and each action brings all that was said.
#[derive(Default)]
pub(super) struct Messages {
    known: Mutex<HashMap<String, Heard>>,
}

/// More messages, and longer ones, are read again.
const MOST_MESSAGES: usize = 512;
const LONGEST_MESSAGE: usize = 4 << 10;

impl Messages {
    /// What this very message asks for and rules out.
    pub(super) fn hear(&self, message: &str) -> Heard {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(heard) = known().get(message) {
            return heard.clone();
        }
        let heard = Heard::new(message);
        if message.len() <= LONGEST_MESSAGE {
            let mut known = known();
            if known.len() >= MOST_MESSAGES {
                known.clear();
            }
            known.insert(message.to_owned(), heard.clone());
        }
        heard
    }
}

/// One session.
pub(super) struct Place {
    kept: Alternating,
    /// The number of the newest state on disk.
    number: AtomicU64,
    newest: Mutex<Option<Newest>>,
}

/// What a session knows by now.
pub(super) struct Newest {
    pub(super) session: Session,
    /// What its state on disk hashes to, once it is there.
    pub(super) digest: Option<String>,
    /// In which it was read.
    pub(super) age: u64,
}

/// A state that is to be on disk before anybody is told what it follows from.
pub(super) struct Saved {
    place: Arc<Place>,
    state: String,
    digest: String,
}

impl Memory {
    /// Changes whenever everything is forgotten: what was decided before is of another age.
    pub(super) fn age(&self) -> u64 {
        self.age.load(Ordering::SeqCst)
    }

    /// What is known is not what is on disk. Nobody writes meanwhile.
    pub(super) fn forget(&self) {
        self.age.fetch_add(1, Ordering::SeqCst);
    }

    /// The session of this id.
    pub(super) fn place(&self, sessions: &SessionStore, agent: &str, id: &str) -> Arc<Place> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that somebody has are about to be written: they are not yet to be read again.
        if known.len() >= MOST {
            known.retain(|_, place| Arc::strong_count(place) > 1);
        }
        let new = || {
            let (number, newest) = Default::default();
            Arc::new(Place { kept: sessions.alternating(agent, id), number, newest })
        };
        known.entry((agent.to_owned(), id.to_owned())).or_insert_with(new).clone()
    }
}

impl Place {
    /// What is known of the session, for whoever decides next; kept from all others until it is dropped.
    pub(super) fn newest(
        &self,
        memory: &Memory,
    ) -> Result<MutexGuard<'_, Option<Newest>>, RecordError> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        // Now, since those before may have been of the age before.
        let age = memory.age();
        if newest.as_ref().is_none_or(|it| it.age != age) {
            *newest = None;
            let kept = self.kept.read()?;
            self.number.store(kept.as_ref().map_or(0, |it| it.number), Ordering::SeqCst);
            let (session, digest) = match kept {
                Some(kept) => (self.kept.parse(&kept.state)?, Some(kept.digest)),
                None => (Session::default(), None),
            };
            *newest = Some(Newest { session, digest, age });
        }
        Ok(newest)
    }
}

impl Newest {
    /// What is to be on disk of this.
    pub(super) fn saved(&mut self, place: &Arc<Place>) -> Result<Saved, serde_json::Error> {
        let state = serde_json::to_string(&self.session)?;
        let digest = digest_of(&state);
        self.digest = Some(digest.clone());
        Ok(Saved { place: place.clone(), state, digest })
    }
}

impl Saved {
    /// By which it is told from those of other sessions.
    pub(super) fn whose(&self) -> *const Place {
        Arc::as_ptr(&self.place)
    }

    /// Writes it. Only one at a time does, and only the newest of a session is written.
    pub(super) fn write(&self) -> Result<(), RecordError> {
        let number = self.place.number.load(Ordering::SeqCst) + 1;
        self.place.kept.write(number, &self.state, &self.digest)?;
        self.place.number.store(number, Ordering::SeqCst);
        Ok(())
    }
}
