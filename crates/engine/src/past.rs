//! The past under other rules: what they would have decided otherwise.
//!
//! The audit log has everything that a decision was made of: the action and the facts as they stood, and, entry by
//! entry, what changed the state of its session. So a session can be lived through again ([`follow`], [`Recorded`]),
//! by the rules of today and by others ([`WhatIf`]), and the answers compared ([`Differences`]).

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use ringfence_action::{Action, Call, Decision, Facts, Preset, Verdict};
use ringfence_classify::judge::{Judgement, Seen};
use ringfence_facts::Supplied;
use ringfence_policy::Bundle;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::{Engine, Options};
use crate::review::{LeftOpen, Reviewer};
use crate::session::{Heard, Inheritance, Session};
use crate::stage_one::StageOne;

/// Calls that stand for all that changed in the same way.
const EXAMPLES: usize = 3;

/// Bytes of what is told of such a call.
const TEXT: usize = 200;

/// An entry of the log that says what was decided.
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct Recorded {
    /// What was asked.
    pub action: Action,
    /// What was true.
    pub facts: Facts,
    /// The digest of the session's state before it.
    pub state: String,
    /// Whether the session kept what followed from it.
    pub remembered: bool,
    /// What was assumed.
    pub preset: Preset,
    /// Whether a sandbox could start.
    pub sandbox: bool,
    /// What was decided.
    pub decision: Decision,
    /// What a judge said, who is not asked again.
    pub judgement: Option<Judgement>,
}

impl Recorded {
    /// Reads an entry; nothing where it is no decision, or one of another form.
    pub fn read(entry: &Value) -> Option<Self> {
        read(entry)
    }

    /// What the engine assumed.
    pub fn options(&self) -> Options {
        Options { preset: self.preset, sandbox: self.sandbox }
    }

    /// What stage 1 was for.
    pub fn stage_one(&self) -> StageOne {
        match self.decision.scores.contains_key("stage_one") {
            true => StageOne::Flags,
            false => StageOne::Off,
        }
    }
}

/// Answers with a judgement that was recorded.
#[derive(Debug)]
pub struct Judged(pub Option<Judgement>);

impl Reviewer for Judged {
    fn review(&mut self, _: Seen, open: Option<LeftOpen>) -> Option<Judgement> {
        open.and(self.0.take())
    }
}

/// The session that an entry of the log is of. Sessions of different agents, or of different runs of a command, are
/// different ones.
pub fn session_of(entry: &Value) -> String {
    let part = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    format!("{}\0{}\0{}", part("agent"), part("run"), part("session"))
}

/// What an entry other than a decision did to the state of its session.
pub fn follow(session: &mut Session, entry: &Value) {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    if let Some(source) = text("taints") {
        session.distrust(source);
    }
    if text("consent") == Some("lost") {
        session.lose_consent();
    }
    if let Some(heard) = entry.get("intent").and_then(read::<Heard>) {
        if text("standing") == Some("confirmed") {
            session.observe_heard(heard);
        } else {
            session.observe_relayed_heard(heard);
        }
    }
    if let Some(handed) = entry.get("inherits").and_then(read::<Inheritance>) {
        session.inherit(&handed);
    }
    let created = entry.get("created").and_then(Value::as_array);
    for path in created.into_iter().flatten().filter_map(Value::as_str) {
        session.observe_created(path);
    }
}

fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}

/// What is decided otherwise, the most frequent first.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Differences {
    /// Calls that were decided by both.
    pub actions: u64,
    /// Entries that could not be read: nobody knows what would have become of them.
    pub unreadable: u64,
    /// What changed.
    pub changed: Vec<Change>,
}

/// Calls of which a rule makes something else.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// The rule, or the layer, that makes the stricter of both answers.
    pub rule: String,
    /// The answer before.
    pub from: Verdict,
    /// The answer now.
    pub to: Verdict,
    /// How many.
    pub count: u64,
    /// Some of them.
    pub examples: Vec<Example>,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Example {
    /// Its session, as the agent names it.
    pub session: String,
    /// Its place among the session's calls, from zero.
    pub call: usize,
    /// The part of its input that says most. The agent's own words.
    pub text: String,
}

impl Differences {
    /// Compares two decisions about a call.
    pub fn add(
        &mut self,
        session: &str,
        call: usize,
        action: &Action,
        [before, now]: [&Decision; 2],
    ) {
        self.actions += 1;
        let (from, to) = (before.verdict, now.verdict);
        if from == to {
            return;
        }
        let rule = if to > from { &now.code } else { &before.code };
        let known =
            self.changed.iter_mut().find(|it| it.rule == *rule && (it.from, it.to) == (from, to));
        let example =
            || Example { session: session.to_owned(), call, text: telling_part(&action.input) };
        match known {
            Some(change) => {
                change.count += 1;
                if change.examples.len() < EXAMPLES {
                    change.examples.push(example());
                }
            }
            None => self.changed.push(Change {
                rule: rule.clone(),
                from,
                to,
                count: 1,
                examples: vec![example()],
            }),
        }
    }

    /// How many calls are decided otherwise.
    pub fn count(&self) -> u64 {
        self.changed.iter().map(|change| change.count).sum()
    }

    /// The most frequent first.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.changed.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.rule.cmp(&b.rule)));
        self
    }
}

/// The part of an input that says most.
fn telling_part(input: &Value) -> String {
    let named = ["command", "file_path", "path", "url", "pattern", "query"];
    let text = named.iter().find_map(|name| input.get(name)?.as_str().map(str::to_owned));
    let mut text = text.unwrap_or_else(|| input.to_string());
    text.truncate(text.floor_char_boundary(TEXT));
    text
}

/// The log, decided again by two sets of rules side by side, each in a session of its own.
pub struct WhatIf {
    bundles: [Arc<Bundle>; 2],
    normalize: fn(&Action) -> Call,
    engines: BTreeMap<(&'static str, bool, bool), [Engine; 2]>,
    sessions: HashMap<String, Lived>,
    found: Differences,
}

/// A session as it goes on under the one and under the other rules.
#[derive(Default)]
struct Lived {
    both: [Session; 2],
    calls: usize,
}

impl fmt::Debug for WhatIf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WhatIf").field("found", &self.found).finish_non_exhaustive()
    }
}

impl WhatIf {
    /// These rules, and those in their place. `normalize` is what reads calls: `ringfence_adapters::normalize`.
    pub fn new(
        before: impl Into<Arc<Bundle>>,
        now: impl Into<Arc<Bundle>>,
        normalize: fn(&Action) -> Call,
    ) -> Self {
        Self {
            bundles: [before.into(), now.into()],
            normalize,
            engines: BTreeMap::new(),
            sessions: HashMap::new(),
            found: Differences::default(),
        }
    }

    /// The next entry of the log, as it was recorded; oldest first.
    pub fn entry(&mut self, entry: &Value) {
        self.live(entry, true);
    }

    /// An entry from before what is compared: what follows from it for its session is kept, and nothing is counted.
    pub fn before(&mut self, entry: &Value) {
        self.live(entry, false);
    }

    fn live(&mut self, entry: &Value, counts: bool) {
        let lived = self.sessions.entry(session_of(entry)).or_default();
        if entry.get("kind").and_then(Value::as_str) != Some("decision") {
            lived.both.iter_mut().for_each(|session| follow(session, entry));
            return;
        }
        let Some(recorded) = Recorded::read(entry) else {
            self.found.unreadable += u64::from(counts);
            return;
        };
        let (options, stage_one) = (recorded.options(), recorded.stage_one());
        let Recorded { mut action, facts, remembered, judgement, .. } = recorded;
        action.facts = facts;
        let key = (options.preset.as_str(), options.sandbox, stage_one == StageOne::Flags);
        let engines = self.engines.entry(key).or_insert_with(|| {
            self.bundles.each_ref().map(|bundle| {
                let engine = Engine::new(Arc::clone(bundle), Box::new(Supplied), options);
                engine.with_stage_one(stage_one)
            })
        });
        let call = (self.normalize)(&action);
        let mut decided = Vec::new();
        for (engine, session) in engines.iter().zip(&mut lived.both) {
            let mut kept = session.clone();
            let mut judged = Judged(judgement.clone());
            let explained = engine.decide_with(&action, &call, &mut kept, Some(&mut judged));
            decided.push(explained.decision);
            if remembered {
                kept.forget_contents();
                *session = kept;
            }
        }
        if let ([before, now], true) = (decided.as_slice(), counts) {
            let name = entry.get("session").and_then(Value::as_str).unwrap_or_default();
            self.found.add(name, lived.calls, &action, [before, now]);
        }
        lived.calls += 1;
    }

    /// What would have been decided otherwise.
    pub fn found(self) -> Differences {
        self.found.sorted()
    }
}
