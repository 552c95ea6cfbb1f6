//! What Ringfence's own log tells: which calls it decided, by what, and what people did about it.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{Hash, Hasher};

use serde_json::Value;

use crate::measure::Share;

/// The log, counted entry by entry.
#[derive(Debug, Default)]
pub struct Guard {
    /// When its first entry was made, in milliseconds since 1970.
    first: Option<i64>,
    calls: HashSet<u64>,
    pub(crate) decisions: u64,
    pub(crate) layers: BTreeMap<String, u64>,
    pub(crate) verdicts: BTreeMap<String, u64>,
    /// Calls that Ringfence asked about, and when; taken out once they are known to have run.
    asked: HashMap<u64, Option<i64>>,
    pub(crate) let_run: Share,
    pub(crate) let_run_ms: Vec<u64>,
    denied: HashSet<u64>,
    pub(crate) overridden: u64,
    /// When something in a session was not simply allowed, until a person stepped in.
    raised: HashMap<String, i64>,
    pub(crate) intervene_ms: Vec<u64>,
    pub(crate) reviews: Share,
    pub(crate) review_ms: Vec<u64>,
    pub(crate) review_approval_ms: Vec<u64>,
    /// In the order in which they first answered.
    reviewers: Vec<String>,
    pub(crate) caught: Share,
    pub(crate) caught_by: BTreeMap<String, Share>,
}

/// Kinds of entries that a person causes.
const BY_PEOPLE: &[&str] =
    &["approval", "refusal_by_person", "override", "release", "hold", "killed"];

impl Guard {
    /// The next entry, oldest first, and when it was made in milliseconds since 1970.
    pub fn see(&mut self, entry: &Value, at: Option<i64>) {
        self.first = self.first.or(at);
        let text = |name: &str| entry.pointer(name).and_then(Value::as_str).unwrap_or_default();
        let (agent, session, kind) = (text("/agent"), text("/session"), text("/kind"));
        let by_person = BY_PEOPLE.contains(&kind);
        match kind {
            "decision" => self.decided(entry, at),
            "result" => {
                let call = call_of(agent, session, text("/call"));
                if let Some(asked) = self.asked.remove(&call) {
                    self.let_run.count += 1;
                    let waited = at.zip(asked).map(|(at, asked)| at - asked);
                    self.let_run_ms.extend(waited.and_then(|it| u64::try_from(it).ok()));
                }
            }
            "override" => {
                let call = call_of(agent, session, text("/call"));
                self.asked.remove(&call);
                self.denied.remove(&call);
                self.overridden += 1;
            }
            "vigilance" => {
                let caught = entry.get("caught").and_then(Value::as_bool);
                if let Some(caught) = caught {
                    self.caught.add(caught);
                    let reviewer = self.reviewer(text("/reviewer"));
                    self.caught_by.entry(reviewer).or_default().add(caught);
                }
            }
            "review" => {
                let approved = text("/answer") == "approve";
                let waited = entry.get("waited_ms").and_then(Value::as_u64);
                self.reviews.add(approved);
                self.review_ms.extend(waited);
                self.review_approval_ms.extend(waited.filter(|_| approved));
            }
            _ => {}
        }
        if by_person && let Some((at, since)) = at.zip(self.raised.remove(session)) {
            self.intervene_ms.push(u64::try_from(at - since).unwrap_or(0));
        }
    }

    /// A report names nobody: reviewers are numbered as they come.
    fn reviewer(&mut self, name: &str) -> String {
        let known = self.reviewers.iter().position(|it| it == name);
        let number = known.unwrap_or_else(|| {
            self.reviewers.push(name.to_owned());
            self.reviewers.len() - 1
        });
        format!("reviewer {}", number + 1)
    }

    fn decided(&mut self, entry: &Value, at: Option<i64>) {
        let text = |name: &str| entry.pointer(name).and_then(Value::as_str).unwrap_or_default();
        let (agent, session) = (text("/agent"), text("/session"));
        let call = call_of(agent, session, text("/action/id"));
        self.calls.insert(call);
        // The agent's own question about a call that was decided before is no further action.
        if entry.get("remembered").and_then(Value::as_bool) == Some(false) {
            return;
        }
        self.decisions += 1;
        let verdict = text("/decision/verdict");
        *self.layers.entry(text("/decision/decided_by").to_owned()).or_default() += 1;
        *self.verdicts.entry(verdict.to_owned()).or_default() += 1;
        match verdict {
            "ask" => {
                self.let_run.of += 1;
                self.asked.insert(call, at);
            }
            "deny" => {
                self.denied.insert(call);
            }
            _ => return,
        }
        if let Some(at) = at {
            self.raised.entry(session.to_owned()).or_insert(at);
        }
    }

    /// Whether a call was decided; `None` where it was made before there was a gate, or nobody knows when.
    pub fn saw(&self, call: u64, at: Option<i64>) -> Option<bool> {
        if self.calls.contains(&call) {
            return Some(true);
        }
        (at? >= self.first?).then_some(false)
    }

    /// Denials, and how many of them a person let through after all.
    pub(crate) fn denials(&self) -> Share {
        Share::new(self.overridden, self.denied.len() as u64 + self.overridden)
    }
}

/// One number for a call of a session of an agent.
pub fn call_of(agent: &str, session: &str, id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (agent, session, id).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decision(call: &str, verdict: &str, by: &str) -> Value {
        json!({"kind": "decision", "agent": "a", "session": "s", "remembered": true, "action": {"id": call},
               "decision": {"verdict": verdict, "decided_by": by}})
    }

    #[test]
    fn the_log_tells_what_was_asked_and_what_came_of_it() {
        let mut guard = Guard::default();
        let entries = [
            (0, decision("c1", "allow", "policy")),
            (10, decision("c2", "ask", "policy")),
            (1_510, json!({"kind": "result", "agent": "a", "session": "s", "call": "c2"})),
            (2_000, decision("c3", "ask", "session")),
            (3_000, decision("c4", "deny", "guard")),
            (4_000, decision("c5", "deny", "policy")),
            (9_010, json!({"kind": "override", "agent": "a", "session": "s", "call": "c5"})),
            (9_020, json!({"kind": "vigilance", "reviewer": "r1", "caught": false})),
            (9_030, json!({"kind": "vigilance", "reviewer": "r1", "caught": true})),
            (
                9_040,
                json!({"kind": "review", "reviewer": "r1", "answer": "approve", "waited_ms": 900}),
            ),
            (
                9_050,
                json!({"kind": "review", "reviewer": "r1", "answer": "deny", "waited_ms": 9_000}),
            ),
        ];
        for (at, entry) in entries {
            guard.see(&entry, Some(at));
        }
        assert_eq!((guard.decisions, guard.let_run), (5, Share::new(1, 2)));
        assert_eq!((guard.let_run_ms.clone(), guard.denials()), (vec![1_500], Share::new(1, 2)));
        assert_eq!((guard.intervene_ms.clone(), guard.caught), (vec![9_000], Share::new(1, 2)));
        assert_eq!(guard.layers.get("policy"), Some(&3));
        assert_eq!(guard.caught_by.keys().collect::<Vec<_>>(), ["reviewer 1"], "nobody is named");
        assert_eq!((guard.reviews, guard.review_approval_ms), (Share::new(1, 2), vec![900]));
    }

    /// The agent's own question about a call is not a second action, and another session's call is another.
    #[test]
    fn a_call_is_covered_once_and_in_its_session() {
        let mut guard = Guard::default();
        assert_eq!(guard.saw(call_of("a", "s", "c1"), Some(5)), None, "there was no gate");
        guard.see(&decision("c1", "allow", "policy"), Some(10));
        let mut again = decision("c1", "allow", "policy");
        again["remembered"] = json!(false);
        guard.see(&again, Some(11));
        assert_eq!(guard.decisions, 1);
        assert_eq!(guard.saw(call_of("a", "s", "c1"), None), Some(true));
        assert_eq!(guard.saw(call_of("a", "other", "c1"), Some(20)), Some(false));
        assert_eq!(guard.saw(call_of("a", "other", "c1"), Some(9)), None, "before the gate");
        assert_eq!(guard.saw(call_of("a", "other", "c1"), None), None, "nobody knows when");
    }
}
