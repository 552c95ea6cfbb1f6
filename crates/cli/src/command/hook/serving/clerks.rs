//! Actions of agents that ask by themselves, thousands a second.
//!
//! As many threads as there are processors take what waits, a few at a time. What they have decided they put
//! beside each other, and one of them writes all of it: the entries with one write, then the sessions that they
//! belong to. Only then is anybody answered. So the disk is asked once for many, and nobody is told of a decision
//! that is not in the log.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;

use ringfence_action::{Action, Decision, Verdict};
use ringfence_engine::{Engine, Options, Session};
use ringfence_facts::Supplied;
use ringfence_record::holds::{self, Hold, HoldKind, Holds};
use ringfence_record::log::{Log, Prepared};
use ringfence_server::{Refused, Then};
use serde_json::json;

use super::memory::{Memory, Messages, Saved};
use super::{Gatehouse, undecided};
use crate::command::hook::answer::{self, Premises};
use crate::command::hook::turn::only_looks;
use crate::recorded::{Case, Whose};

/// Whose sessions are those of agents that ask by themselves, in front of the agent's kind.
const API: &str = "api";

/// More do not wait; whoever comes then is told to come back.
const MOST_WAITING: usize = 4_096;

/// So many are taken by one at a time: they are answered together.
const TOGETHER: usize = 8;

/// Those who decide.
pub(crate) struct Clerks {
    office: Arc<Office>,
}

/// What they share.
struct Office {
    house: Arc<Gatehouse>,
    log: Log,
    asked: Mutex<VecDeque<(Vec<u8>, Then)>>,
    somebody_asks: Condvar,
    clerks: usize,
    memory: Memory,
    messages: Messages,
    /// How many actions came without a session.
    alone: AtomicU64,
    /// What is decided, in the order in which it is to be written.
    decided: Mutex<Vec<Decided>>,
    /// Held by the one who writes.
    writing: Mutex<()>,
}

/// What holds for several actions.
struct Standing {
    premises: Arc<Premises>,
    engine: Engine,
    options: Options,
    holds: Vec<Hold>,
}

/// A decision that nobody was told of.
struct Decided {
    entries: Vec<Prepared>,
    session: Option<Saved>,
    /// See [`Memory::age`].
    age: u64,
    answer: Vec<u8>,
    then: Then,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Clerks {
    /// Starts them.
    ///
    /// # Errors
    /// When there cannot be a thread more.
    pub(crate) fn start(house: &Arc<Gatehouse>, log: &Log) -> io::Result<Self> {
        let clerks = thread::available_parallelism().map_or(2, usize::from);
        let office = Arc::new(Office {
            house: house.clone(),
            log: log.clone(),
            asked: Mutex::default(),
            somebody_asks: Condvar::new(),
            clerks,
            memory: Memory::default(),
            messages: Messages::default(),
            alone: AtomicU64::new(0),
            decided: Mutex::default(),
            writing: Mutex::default(),
        });
        for _ in 0..clerks {
            let office = office.clone();
            thread::Builder::new().name("decide".to_owned()).spawn(move || office.work())?;
        }
        Ok(Self { office })
    }

    /// Has an action decided; `then` is told.
    pub(crate) fn ask(&self, action: Vec<u8>, then: Then) {
        let mut asked = lock(&self.office.asked);
        if asked.len() >= MOST_WAITING {
            drop(asked);
            return then(Err(Refused::too_much("too many actions wait; try again in a moment")));
        }
        asked.push_back((action, then));
        drop(asked);
        self.office.somebody_asks.notify_one();
    }
}

impl Office {
    fn work(&self) {
        loop {
            let taken = self.take();
            // Read once they are here: what a person changed or held before they came is in it.
            let standing = self.standing();
            for (action, then) in taken {
                let mut then = Some(then);
                let decide =
                    || self.decide(standing.as_ref().map_err(Clone::clone)?, &action, &mut then);
                // Whatever goes wrong with one action, the clerk is there for the next.
                let decided = catch_unwind(AssertUnwindSafe(decide)).unwrap_or_else(|_| {
                    self.forget();
                    Err(Refused::undecided("deciding failed; nothing was let through"))
                });
                if let Err(refused) = decided
                    && let Some(then) = then
                {
                    then(Err(refused));
                }
            }
            self.write_decided();
        }
    }

    /// What waits: this one's share of it, at least one.
    fn take(&self) -> Vec<(Vec<u8>, Then)> {
        let mut asked = lock(&self.asked);
        while asked.is_empty() {
            asked = self.somebody_asks.wait(asked).unwrap_or_else(PoisonError::into_inner);
        }
        let share = asked.len().div_ceil(self.clerks).min(TOGETHER);
        asked.drain(..share).collect()
    }

    /// What holds for whatever is taken together. It knows this host not at all, and that nothing can run contained,
    /// since the asker runs it.
    fn standing(&self) -> Result<Standing, Refused> {
        let premises = self.house.premises()?;
        let (bundle, preset) = premises.rules().map_err(undecided)?;
        let options = Options { preset, sandbox: false };
        let engine = Engine::new(bundle, Box::new(Supplied), options);
        let (folder, ..) = premises.records();
        let holds = Holds::of(folder).all().map_err(undecided)?;
        Ok(Standing { premises, engine, options, holds })
    }

    /// Decides an action, and puts the decision beside those that are to be written.
    fn decide(
        &self,
        standing: &Standing,
        action: &[u8],
        then: &mut Option<Then>,
    ) -> Result<(), Refused> {
        let Standing { premises, engine, options, holds } = standing;
        let action =
            Action::from_json(action).map_err(|error| Refused::wrong(error.to_string()))?;
        let (_, _, redactor) = premises.records();
        let session = action.session.clone();
        let at = answer::now().to_string();
        // One without a session is a session of its own.
        let run = match &session {
            Some(_) => API.to_owned(),
            None => format!("{API} {at} {}", self.alone.fetch_add(1, Ordering::Relaxed)),
        };
        let agent = action.agent.kind.clone();
        let whose = Whose { agent: &agent, run: &run, session: session.as_deref() };
        let hold = holds::strictest(holds, session.as_slice());
        let name = format!("{API} {agent}");
        let place = session.as_ref().map(|id| self.memory.place(premises.sessions(), &name, id));
        // Others of this session wait until this one is in its place among those that are to be written.
        let newest = place.as_ref().map(|it| it.newest(&self.memory)).transpose();
        let mut newest = newest.map_err(undecided)?;
        let age = newest.as_ref().and_then(|it| it.as_ref()).map(|it| it.age);
        let age = age.unwrap_or_else(|| self.memory.age());
        let mut known = newest.as_deref_mut().and_then(Option::take);
        let state = known.as_mut().and_then(|it| it.digest.take());
        let mut alone = Session::default();
        let memory = known.as_mut().map_or(&mut alone, |it| &mut it.session);
        let before = hold.map(|_| (action.clone(), memory.clone()));
        let decide = |action: &Action, session: &mut Session| {
            let call = ringfence_adapters::normalize(action);
            catch_unwind(AssertUnwindSafe(|| engine.decide(action, &call, session)))
                .map_err(|_| "ringfence stopped unexpectedly".to_owned())
        };
        let (event, state) = ("decide", state.as_deref());
        let case = Case {
            event,
            whose: &whose,
            at: &at,
            options: *options,
            redactor,
            log: &self.log,
            hear: &|message| self.messages.hear(message),
            state,
        };
        let decided = case.decide(&decide, action, memory);
        let (mut explained, mut entries) = decided.map_err(|problem| {
            // What it left of the session is not what anybody was told.
            self.forget();
            undecided(problem)
        })?;
        if let Some((hold, (action, before))) = hold.zip(before)
            && let Some(verdict) = raised(hold, &explained.decision)
        {
            let code = hold.kind.code();
            explained.decision = engine.held(&action, verdict, code, &hold.reason);
            *memory = before;
            let fields = json!({"hold": hold.id, "tool": action.tool, "call": action.id,
                                "verdict": verdict, "code": code, "event": "decide"});
            let held = case.entry("held", fields).inspect_err(|_| self.forget());
            entries = vec![held.map_err(undecided)?];
        }
        let mut prepare = || {
            let saved = known.as_mut().zip(place.as_ref());
            let session = saved.map(|(known, place)| known.saved(place)).transpose()?;
            Ok((session, serde_json::to_vec(&explained.decision)?))
        };
        let (session, answer) =
            prepare().inspect_err(|_: &serde_json::Error| self.forget()).map_err(undecided)?;
        if let Some(newest) = &mut newest {
            **newest = known;
        }
        let Some(then) = then.take() else { return Ok(()) };
        lock(&self.decided).push(Decided { entries, session, age, answer, then });
        drop(newest);
        Ok(())
    }

    /// Nothing is being written then, and what waits to be is of another age.
    fn forget(&self) {
        let _writing = lock(&self.writing);
        self.memory.forget();
    }

    /// Writes what is decided, whoever decided it, and answers. Whoever comes while somebody writes goes on: the
    /// one who writes looks again before it is done.
    fn write_decided(&self) {
        while !lock(&self.decided).is_empty() {
            let writing = match self.writing.try_lock() {
                Ok(writing) => writing,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            let all = std::mem::take(&mut *lock(&self.decided));
            self.write(all);
            drop(writing);
        }
    }

    fn write(&self, all: Vec<Decided>) {
        let age = self.memory.age();
        let (mut all, stale): (Vec<_>, Vec<_>) = all.into_iter().partition(|it| it.age == age);
        let recorded = self.record(&mut all);
        if recorded.is_err() {
            self.memory.forget();
        }
        for Decided { answer, then, .. } in all {
            then(recorded.clone().map(|()| answer));
        }
        for Decided { then, .. } in stale {
            then(Err(undecided("what was decided before it could not be recorded; try again")));
        }
    }

    fn record(&self, all: &mut [Decided]) -> Result<(), Refused> {
        let entries: Vec<Prepared> =
            all.iter_mut().flat_map(|it| std::mem::take(&mut it.entries)).collect();
        self.log.append_prepared(&answer::now().to_string(), &entries).map_err(undecided)?;
        // Of each session the newest.
        let mut written = HashSet::new();
        for saved in all.iter().rev().filter_map(|it| it.session.as_ref()) {
            if written.insert(saved.whose()) {
                saved.write().map_err(undecided)?;
            }
        }
        Ok(())
    }
}

/// What a hold makes of a decision; nothing where that is as strict already.
fn raised(hold: &Hold, decision: &Decision) -> Option<Verdict> {
    let verdict = match hold.kind {
        HoldKind::Pause | HoldKind::Kill => Verdict::Deny,
        HoldKind::DenyAll if only_looks(decision) => return None,
        HoldKind::DenyAll => Verdict::Deny,
        HoldKind::AskAll => Verdict::Ask,
    };
    (verdict > decision.verdict).then_some(verdict)
}
