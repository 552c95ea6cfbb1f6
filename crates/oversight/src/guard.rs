//! What Ringfence's own log tells: which calls it decided, by what, and what people did about it.

use std::borrow::Cow;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{Hash, Hasher};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer};

use crate::measure::Share;

/// The log, counted entry by entry.
#[derive(Debug, Clone, Default)]
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
    /// The same by the Monday that their weeks began with.
    pub(crate) caught_in: BTreeMap<String, BTreeMap<String, Share>>,
    unreadable: u64,
}

/// What is counted of an entry. The rest of its line is passed over: logs have a million of them.
#[derive(Debug, Deserialize)]
struct Logged<'l> {
    #[serde(borrow)]
    kind: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "or_empty")]
    at: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "or_empty")]
    agent: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "or_empty")]
    session: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "or_empty")]
    call: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "or_empty")]
    reviewer: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "or_empty")]
    answer: Cow<'l, str>,
    caught: Option<bool>,
    waited_ms: Option<u64>,
    remembered: Option<bool>,
    #[serde(borrow)]
    action: Option<Asked<'l>>,
    #[serde(borrow)]
    decision: Option<Decided<'l>>,
}

#[derive(Debug, Default, Deserialize)]
struct Asked<'l> {
    #[serde(borrow, default, deserialize_with = "or_empty")]
    id: Cow<'l, str>,
}

#[derive(Debug, Default, Deserialize)]
struct Decided<'l> {
    #[serde(borrow, default, deserialize_with = "or_empty")]
    verdict: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "or_empty")]
    decided_by: Cow<'l, str>,
}

/// A text; empty where an entry says that there is none.
fn or_empty<'de: 'l, 'l, D: Deserializer<'de>>(text: D) -> Result<Cow<'l, str>, D::Error> {
    // Alone in a type of its own it is borrowed.
    #[derive(Deserialize)]
    struct Text<'l>(#[serde(borrow)] Cow<'l, str>);
    Ok(Option::<Text<'l>>::deserialize(text)?.map_or_else(Cow::default, |it| it.0))
}

/// Kinds of entries that a person causes.
const BY_PEOPLE: &[&str] =
    &["approval", "refusal_by_person", "override", "release", "hold", "killed"];

impl Guard {
    /// The next line of the log, oldest first.
    pub fn see(&mut self, line: &str) {
        match serde_json::from_str::<Logged>(line) {
            Ok(entry) => self.count(&entry),
            Err(_) => self.unreadable += 1,
        }
    }

    /// Lines that are not even told apart: they say no number.
    pub const fn pass_over(&mut self, lines: u64) {
        self.unreadable += lines;
    }

    /// Lines that say nothing that could be counted.
    pub const fn unreadable(&self) -> u64 {
        self.unreadable
    }

    fn count(&mut self, entry: &Logged<'_>) {
        let time: Option<Timestamp> = entry.at.parse().ok();
        let at = time.map(Timestamp::as_millisecond);
        self.first = self.first.or(at);
        let (agent, session, kind) = (&*entry.agent, &*entry.session, &*entry.kind);
        let by_person = BY_PEOPLE.contains(&kind);
        match kind {
            "decision" => self.decided(entry, at),
            "result" => {
                let call = call_of(agent, session, &entry.call);
                if let Some(asked) = self.asked.remove(&call) {
                    self.let_run.count += 1;
                    let waited = at.zip(asked).map(|(at, asked)| at - asked);
                    self.let_run_ms.extend(waited.and_then(|it| u64::try_from(it).ok()));
                }
            }
            "override" => {
                let call = call_of(agent, session, &entry.call);
                self.asked.remove(&call);
                self.denied.remove(&call);
                self.overridden += 1;
            }
            "vigilance" => {
                if let Some(caught) = entry.caught {
                    self.caught.add(caught);
                    let reviewer = self.reviewer(&entry.reviewer);
                    if let Some(time) = time {
                        let weeks = self.caught_in.entry(reviewer.clone()).or_default();
                        weeks.entry(week_of(time)).or_default().add(caught);
                    }
                    self.caught_by.entry(reviewer).or_default().add(caught);
                }
            }
            "review" => {
                let approved = entry.answer == "approve";
                self.reviews.add(approved);
                self.review_ms.extend(entry.waited_ms);
                self.review_approval_ms.extend(entry.waited_ms.filter(|_| approved));
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

    fn decided(&mut self, entry: &Logged<'_>, at: Option<i64>) {
        let (agent, session) = (&*entry.agent, &*entry.session);
        let call = call_of(agent, session, entry.action.as_ref().map_or("", |it| &it.id));
        self.calls.insert(call);
        // The agent's own question about a call that was decided before is no further action.
        if entry.remembered == Some(false) {
            return;
        }
        self.decisions += 1;
        let (verdict, by) =
            entry.decision.as_ref().map_or(("", ""), |it| (&*it.verdict, &*it.decided_by));
        one_more(&mut self.layers, by);
        one_more(&mut self.verdicts, verdict);
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

fn one_more(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => drop(counts.insert(name.to_owned(), 1)),
    }
}

/// The Monday that its week began with, in UTC: `2026-11-16`.
fn week_of(time: Timestamp) -> String {
    let day = time.to_zoned(TimeZone::UTC).date();
    let since_monday = i64::from(day.weekday().to_monday_zero_offset());
    let monday = day.checked_sub(jiff::Span::new().days(since_monday));
    monday.unwrap_or(day).to_string()
}

/// One number for a call of a session of an agent.
pub fn call_of(agent: &str, session: &str, id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (agent, session, id).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn seen(guard: &mut Guard, at: i64, mut entry: Value) {
        let at = Timestamp::from_millisecond(at).unwrap();
        entry["at"] = json!(at.to_string());
        guard.see(&entry.to_string());
    }

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
            seen(&mut guard, at, entry);
        }
        assert_eq!((guard.decisions, guard.let_run), (5, Share::new(1, 2)));
        assert_eq!((guard.let_run_ms.clone(), guard.denials()), (vec![1_500], Share::new(1, 2)));
        assert_eq!((guard.intervene_ms.clone(), guard.caught), (vec![9_000], Share::new(1, 2)));
        assert_eq!(guard.layers.get("policy"), Some(&3));
        assert_eq!(guard.caught_by.keys().collect::<Vec<_>>(), ["reviewer 1"], "nobody is named");
        assert_eq!((guard.reviews, guard.review_approval_ms), (Share::new(1, 2), vec![900]));
    }

    /// Weeks begin on Monday, and each reviewer has their own.
    #[test]
    fn what_is_caught_is_counted_by_week() {
        let mut guard = Guard::default();
        for (day, reviewer, caught) in [
            ("2026-11-15T23:59:59Z", "ann", true),
            ("2026-11-16T00:00:00Z", "ann", false),
            ("2026-11-22T23:59:59Z", "ann", false),
            ("2026-11-22T12:00:00Z", "bob", true),
        ] {
            let entry =
                json!({"kind": "vigilance", "at": day, "reviewer": reviewer, "caught": caught});
            guard.see(&entry.to_string());
        }
        let weeks = |reviewer: &str| -> Vec<(&str, Share)> {
            guard.caught_in[reviewer].iter().map(|(week, share)| (&**week, *share)).collect()
        };
        let (before, after) = (Share::new(1, 1), Share::new(0, 2));
        assert_eq!(weeks("reviewer 1"), [("2026-11-09", before), ("2026-11-16", after)]);
        assert_eq!(weeks("reviewer 2"), [("2026-11-16", Share::new(1, 1))]);
    }

    /// A line that is none is said, and what follows it counts.
    #[test]
    fn what_cannot_be_read_is_counted_as_that() {
        let mut guard = Guard::default();
        guard.see("no json");
        guard.see(r#"{"kind": "decision", "action": 7}"#);
        seen(&mut guard, 10, decision("c1", "allow", "policy"));
        assert_eq!((guard.unreadable(), guard.decisions), (2, 1));
    }

    /// Actions without a session, and holds over all of them, say so in their fields.
    #[test]
    fn a_field_that_says_that_there_is_nothing_is_read() {
        let mut guard = Guard::default();
        let mut bare = decision("c1", "ask", "policy");
        bare["session"] = Value::Null;
        bare["action"]["id"] = Value::Null;
        seen(&mut guard, 0, bare);
        let result = json!({"kind": "result", "agent": "a", "session": null, "call": null});
        seen(&mut guard, 20, result);
        seen(&mut guard, 50, json!({"kind": "hold", "session": null, "call": null, "agent": null}));
        assert_eq!((guard.unreadable(), guard.decisions), (0, 1));
        assert_eq!((guard.let_run, guard.intervene_ms.clone()), (Share::new(1, 1), vec![50]));
        guard.pass_over(2);
        assert_eq!(guard.unreadable(), 2);
    }

    /// The agent's own question about a call is not a second action, and another session's call is another.
    #[test]
    fn a_call_is_covered_once_and_in_its_session() {
        let mut guard = Guard::default();
        assert_eq!(guard.saw(call_of("a", "s", "c1"), Some(5)), None, "there was no gate");
        seen(&mut guard, 10, decision("c1", "allow", "policy"));
        let mut again = decision("c1", "allow", "policy");
        again["remembered"] = json!(false);
        seen(&mut guard, 11, again);
        assert_eq!(guard.decisions, 1);
        assert_eq!(guard.saw(call_of("a", "s", "c1"), None), Some(true));
        assert_eq!(guard.saw(call_of("a", "other", "c1"), Some(20)), Some(false));
        assert_eq!(guard.saw(call_of("a", "other", "c1"), Some(9)), None, "before the gate");
        assert_eq!(guard.saw(call_of("a", "other", "c1"), None), None, "nobody knows when");
    }
}
