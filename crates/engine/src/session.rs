//! What one agent run has said, seen and made, kept in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use ringfence_action::{Attr, Call, Decision, Effect, EffectKind, Facts, Verdict};
use ringfence_policy::SessionFacts;

use crate::detour;
use crate::drift::Drift;
use crate::lexicon::Operation;
use crate::said::{self, Boundary, Intent, Request};
use crate::wishes::{Environment, Wish};
use serde::{Deserialize, Serialize};

/// State of one session. Cheap to make; grows with what the session does.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    /// What the user said, by digest of the message, in order.
    said: Vec<(u64, Intent)>,
    boundaries: BTreeSet<Boundary>,
    untrusted: BTreeSet<String>,
    private: BTreeSet<String>,
    created: BTreeSet<String>,
    destinations: BTreeSet<String>,
    /// Files that the session wrote, by absolute path: what they hold is known when they run.
    written: BTreeMap<String, String>,
    denials: Denials,
    /// What was denied (see [`crate::detour`]), and by which rule.
    denied: BTreeMap<String, String>,
    drift: Drift,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Denials {
    in_a_row: u64,
    total: u64,
}

/// Longer files, and more of them, are not remembered: running them is running something unseen.
const WRITTEN_BYTES: usize = 64 << 10;
const WRITTEN_FILES: usize = 64;

/// In front of the beginning of what the session no longer has.
pub(crate) const GONE: &str = "gone:";

/// In front of a rule and a target that a person was asked about, where the call ran.
pub(crate) const APPROVED: &str = "approved:";

/// "It" may have been named so many messages ago.
const REACHES_BACK: usize = 3;

/// More created things, and more destinations, are not remembered one by one: a session that runs for
/// days stays as quick as a new one.
const MOST_REMEMBERED: usize = 2_048;

/// Denials after which state-changing actions wait for a person.
const DENIALS_IN_A_ROW: u64 = 3;
const DENIALS_IN_TOTAL: u64 = 20;

/// What one message says: what it asks for and rules out, without its text. Kept and replayed in the
/// place of the message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    digest: u64,
    #[serde(flatten)]
    intent: Intent,
}

impl Heard {
    /// Reads a message.
    pub fn new(message: &str) -> Self {
        Self { digest: digest(message), intent: said::read(message) }
    }

    /// Reads a message that arrives in the user's role and is not the user's.
    pub fn relayed(message: &str) -> Self {
        Self { digest: digest(message), intent: said::read_relayed(message) }
    }
}

/// By which a message is known again.
fn digest(message: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(message)
}

/// What goes from one session to another, between an agent and the agents that it starts: what forbids and
/// what taints, and nothing that permits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inheritance {
    boundaries: BTreeSet<Boundary>,
    untrusted: BTreeSet<String>,
    private: BTreeSet<String>,
}

impl Inheritance {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Sessions by id.
#[derive(Debug, Clone, Default)]
pub struct Sessions {
    by_id: BTreeMap<String, Session>,
    anonymous: Session,
}

impl Sessions {
    /// No sessions yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The session of this id, new where it has not been seen. Without an id it is a fresh one.
    pub fn of(&mut self, id: Option<&str>) -> &mut Session {
        match id {
            Some(id) => self.by_id.entry(id.to_owned()).or_default(),
            None => {
                self.anonymous = Session::default();
                &mut self.anonymous
            }
        }
    }
}

impl Session {
    /// A session in which nothing has happened yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Hears a message of the user. The same message again changes nothing.
    pub fn observe_user(&mut self, message: &str) {
        // Reading takes long, and actions bring everything that was ever said.
        if !self.has_heard(message) {
            self.observe_heard(Heard::new(message));
        }
    }

    /// Whether the user has said this before.
    pub fn has_heard(&self, message: &str) -> bool {
        let digest = digest(message);
        self.said.iter().any(|(seen, _)| *seen == digest)
    }

    /// Hears a message of the user, as it was understood before. Returns whether it is a new one.
    pub fn observe_heard(&mut self, Heard { digest, mut intent }: Heard) -> bool {
        if self.said.iter().any(|(seen, _)| *seen == digest) {
            return false;
        }
        let mut before =
            self.said.iter().rev().filter(|(_, intent)| !intent.agrees).take(REACHES_BACK);
        if let Some(named) = before.find_map(|(_, intent)| intent.named.as_ref()) {
            intent.wishes.iter_mut().for_each(|wish| wish.complete(named));
        }
        if intent.retracts {
            // "Never mind": what was asked for last is not asked for any more, and this asks for nothing.
            let last = self.said.iter_mut().rev().find(|(_, said)| !said.wishes.is_empty());
            for taken_back in last.map(|(_, said)| said).into_iter().chain([&mut intent]) {
                taken_back.wishes.clear();
                taken_back.requests.clear();
            }
        }
        self.boundaries.retain(|boundary| !intent.lifts(boundary));
        self.boundaries.extend(intent.boundaries.iter().cloned());
        self.said.push((digest, intent));
        // A person is here and has seen what happened.
        self.denials.in_a_row = 0;
        true
    }

    /// Hears words that arrive in the user's role and are not the user's: they may forbid, never
    /// permit.
    pub fn observe_relayed(&mut self, message: &str) {
        self.observe_relayed_heard(Heard::relayed(message));
    }

    /// Hears relayed words, as they were understood before.
    pub fn observe_relayed_heard(&mut self, heard: Heard) {
        // A document tells a session that has heard its user nothing new: what it says of the user's
        // wishes was heard when it was said, and may have been taken back since.
        if !heard.intent.is_document || self.said.is_empty() {
            self.boundaries.extend(heard.intent.boundaries);
        }
    }

    /// Learns of something that is there, or is gone, by this session's doing (see
    /// [`would_create`](crate::Explained::would_create)).
    pub fn observe_created(&mut self, made: &str) {
        match made.strip_prefix(GONE) {
            Some(prefix) => self.created.retain(|made| !made.starts_with(prefix)),
            None => self.note_created(made.to_owned()),
        }
    }

    fn note_created(&mut self, key: String) {
        // What is forgotten counts as somebody else's: the stricter reading.
        if self.created.len() < MOST_REMEMBERED {
            self.created.insert(key);
        }
    }

    /// A person has looked at what was denied, and lets the session go on.
    pub fn release(&mut self) {
        self.denials = Denials::default();
        self.denied.clear();
    }

    /// Notes a source of text or events that is not to be trusted.
    pub fn distrust(&mut self, source: &str) {
        self.untrusted.insert(source.to_owned());
    }

    /// Notes that it is not known what happened in between: what was asked for before clears nothing
    /// any more, and what was ruled out stays so.
    pub fn lose_consent(&mut self) {
        self.said.clear();
    }

    /// What an agent that is started by this session's goes on with.
    pub fn handed_down(&self) -> Inheritance {
        Inheritance {
            boundaries: self.boundaries.clone(),
            untrusted: self.untrusted.clone(),
            private: self.private.clone(),
        }
    }

    /// What the session of the agent that started this one's learns from it: what it has seen.
    pub fn handed_up(&self) -> Inheritance {
        Inheritance { boundaries: BTreeSet::new(), ..self.handed_down() }
    }

    /// Takes over what is new to this session of that, and returns it.
    pub fn inherit(&mut self, from: &Inheritance) -> Inheritance {
        let new = Inheritance {
            boundaries: from.boundaries.difference(&self.boundaries).cloned().collect(),
            untrusted: from.untrusted.difference(&self.untrusted).cloned().collect(),
            private: from.private.difference(&self.private).cloned().collect(),
        };
        self.boundaries.extend(new.boundaries.iter().cloned());
        self.untrusted.extend(new.untrusted.iter().cloned());
        self.private.extend(new.private.iter().cloned());
        new
    }

    /// Forgets what written files hold. For sessions whose files are read from the disk when they run:
    /// it knows better.
    pub fn forget_contents(&mut self) {
        self.written.clear();
    }

    /// Takes note of a decision: what was let through taints, what was denied counts.
    pub(crate) fn remember(
        &mut self,
        call: &Call,
        decision: &Decision,
        written: BTreeMap<String, Option<String>>,
    ) {
        match decision.verdict {
            Verdict::Deny => {
                self.denials.in_a_row += 1;
                self.denials.total += 1;
                for thing in detour::things_denied(decision) {
                    if self.denied.len() < MOST_REMEMBERED {
                        self.denied.entry(thing).or_insert_with(|| decision.code.clone());
                    }
                }
                return;
            }
            Verdict::Allow => self.denials.in_a_row = 0,
            Verdict::Contain | Verdict::Ask => {}
        }
        match call {
            Call::Mcp { .. } => self.distrust("mcp"),
            Call::Browser { .. } => self.distrust("browser"),
            Call::Fetch { .. } | Call::WebSearch { .. } => self.distrust("web"),
            _ => {}
        }
        self.remember_written(written);
        for effect in &decision.effects {
            self.remember_effect(effect);
        }
    }

    /// Keeps what files hold now: written by a tool, or by a command that says what it writes.
    fn remember_written(&mut self, written: BTreeMap<String, Option<String>>) {
        for (path, content) in written {
            let room = self.written.len() < WRITTEN_FILES || self.written.contains_key(&path);
            match content.filter(|content| content.len() <= WRITTEN_BYTES && room) {
                Some(content) => drop(self.written.insert(path, content)),
                None => drop(self.written.remove(&path)),
            }
        }
    }

    /// What this session wrote into a file, where it is remembered.
    pub(crate) fn written(&self, path: &str) -> Option<&str> {
        self.written.get(path).map(String::as_str)
    }

    fn remember_effect(&mut self, effect: &Effect) {
        match effect.kind {
            EffectKind::Net => {
                let local = effect.attributes.contains(Attr::Classes, "localhost");
                if !effect.is(Attr::Listen) && !local {
                    self.distrust("web");
                }
                // What is forgotten is a new destination again: the stricter reading.
                if self.destinations.len() < MOST_REMEMBERED {
                    self.destinations.extend(effect.target.as_known().map(str::to_owned));
                }
            }
            EffectKind::Credential => {
                self.private.insert("credential".to_owned());
            }
            _ => {}
        }
    }

    /// What policy may know of the session, joined with what came with the action.
    pub(crate) fn facts(&self, supplied: &Facts) -> SessionFacts {
        let mut facts = SessionFacts {
            untrusted: self.untrusted.clone(),
            private: self.private.clone(),
            boundaries: supplied.boundaries.clone(),
            denials: self.denials.total,
        };
        for source in &supplied.taint {
            let private = matches!(source.as_str(), "credential" | "secret" | "private" | "pii");
            let set = if private { &mut facts.private } else { &mut facts.untrusted };
            set.insert(source.clone());
        }
        facts
    }

    pub(crate) fn requests(&self) -> impl Iterator<Item = &Request> {
        self.said.iter().flat_map(|(_, intent)| &intent.requests)
    }

    /// What was asked for last: by the newest message that does more than agree.
    pub(crate) fn recent_requests(&self) -> impl Iterator<Item = &Request> {
        let newest = self.said.iter().rposition(|(_, intent)| !intent.agrees).unwrap_or_default();
        self.said.iter().skip(newest).flat_map(|(_, intent)| &intent.requests)
    }

    /// Whether what was said last, beyond agreeing, names one place and does not speak of the whole.
    pub(crate) fn asks_narrowly(&self) -> bool {
        self.said.iter().rev().find(|(_, intent)| !intent.agrees).is_some_and(|(_, it)| it.narrow)
    }

    /// Whether what was said last, beyond agreeing, asks how many there are.
    pub(crate) fn asks_for_a_number(&self) -> bool {
        self.said.iter().rev().find(|(_, intent)| !intent.agrees).is_some_and(|(_, it)| it.counts)
    }

    pub(crate) fn wishes(&self) -> impl Iterator<Item = &Wish> {
        self.said.iter().flat_map(|(_, intent)| &intent.wishes)
    }

    /// Whether the user said anything.
    pub(crate) fn knows_its_user(&self) -> bool {
        !self.said.is_empty()
    }

    /// Whether the user asked for anything by which work gets to others, or let go on what was proposed.
    pub(crate) fn speaks_of_sharing(&self) -> bool {
        let shares = |operation: &Operation| {
            matches!(
                operation,
                Operation::Push
                    | Operation::ForcePush
                    | Operation::Merge
                    | Operation::Commit
                    | Operation::Publish
                    | Operation::Deploy
                    | Operation::Propose
                    | Operation::Send
            )
        };
        self.said.iter().any(|(_, intent)| {
            intent.agrees
                || intent.requests.iter().any(|request| shares(&request.operation))
                || intent.wishes.iter().any(|wish| wish.operations.iter().any(shares))
        })
    }

    /// Whether the user speaks of systems of this kind.
    pub(crate) fn speaks_of(&self, environment: Environment) -> bool {
        self.said.iter().any(|(_, intent)| intent.environments.contains(&environment))
    }

    /// How far it has moved from what was asked for.
    pub fn drift(&self) -> f64 {
        self.drift.share()
    }

    pub(crate) fn move_by(&mut self, more: Drift) {
        self.drift.add(more);
    }

    /// The same, in a word each.
    pub(crate) fn ruled_out(&self) -> BTreeSet<String> {
        let word = |boundary: &Boundary| match &boundary.operation {
            Some(operation) => serde_json::to_value(operation)
                .ok()
                .and_then(|it| it.as_str().map(|it| it.replace('_', " ")))
                .unwrap_or_default(),
            None => "change".to_owned(),
        };
        self.boundaries.iter().map(word).collect()
    }

    pub(crate) fn boundaries(&self) -> impl Iterator<Item = &Boundary> {
        self.boundaries.iter()
    }

    pub(crate) fn created(&self) -> impl Iterator<Item = &String> {
        self.created.iter()
    }

    pub(crate) fn has_created(&self, key: &str) -> bool {
        self.created.contains(key)
    }

    pub(crate) fn has_approved(&self, key: &str) -> bool {
        self.created.contains(&format!("{APPROVED}{key}"))
    }

    pub(crate) fn knows_destination(&self, place: &str) -> bool {
        self.destinations.contains(place)
    }

    /// The rule that denied the same before, by whatever program.
    pub(crate) fn denied_before(&self, effect: &Effect) -> Option<&str> {
        if self.denied.is_empty() {
            return None;
        }
        self.denied.get(&detour::thing(effect)?).map(String::as_str)
    }

    /// Whether so much was denied that a person must look first.
    pub(crate) fn is_halted(&self) -> bool {
        self.denials.in_a_row >= DENIALS_IN_A_ROW || self.denials.total >= DENIALS_IN_TOTAL
    }
}
