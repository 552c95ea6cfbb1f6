//! An entry of the log in the words of one line, and in those of a page.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ringfence_action::Verdict;
use serde_json::Value;

use crate::render::text::{cut, printable};

/// An entry, as it is listed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) seq: u64,
    pub(super) time: String,
    /// The verdict; none where the entry is no decision.
    pub(super) verdict: Option<Verdict>,
    pub(super) kind: String,
    pub(super) session: Option<String>,
    /// What asked, or the agent.
    pub(super) who: String,
    /// What was asked for, or what happened. Harmless to show.
    pub(super) text: String,
    /// The code of the decision, unless nothing objected.
    pub(super) code: String,
    entry: Value,
}

/// More of a text is not kept.
const LONGEST: usize = 2_000;

/// The fields of an input that say most.
const TELLING: &[&str] =
    &["command", "cmd", "url", "file_path", "path", "query", "pattern", "prompt"];

impl Row {
    /// Reads a line of the log; `None` if it is not an entry.
    pub(super) fn read(line: &str, zone: &TimeZone) -> Option<Self> {
        let entry: Value = serde_json::from_str(line).ok()?;
        let word = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str);
        let verdict = word("/decision/verdict").and_then(verdict_of);
        let kind = word("/kind")?.to_owned();
        let agent = word("/agent").unwrap_or_default();
        let who = word("/action/tool").filter(|_| verdict.is_some()).unwrap_or(agent);
        let code = word("/decision/code").or(word("/code")).unwrap_or_default();
        Some(Self {
            seq: entry.get("seq")?.as_u64()?,
            time: word("/at").map(|at| clock(at, zone)).unwrap_or_default(),
            who: cut(who, LONGEST),
            text: cut(&told(&entry, &kind), LONGEST),
            code: cut(if code == "default" { "" } else { code }, LONGEST),
            session: word("/session").map(str::to_owned),
            verdict,
            kind: cut(&kind, LONGEST),
            entry,
        })
    }

    /// Whether somebody who watches wants to see it: not what went as decided.
    pub(super) fn matters(&self) -> bool {
        let is_routine = matches!(self.kind.as_str(), "result" | "session" | "note" | "usage");
        !is_routine || self.entry.get("failed") == Some(&Value::Bool(true))
    }

    /// Whether all of these words, in small letters, are in it.
    pub(super) fn has(&self, words: &str) -> bool {
        let session = self.session.as_deref().unwrap_or_default();
        let text = format!("{} {} {} {session} {}", self.who, self.text, self.code, self.kind);
        let text = text.to_lowercase();
        words.split_whitespace().all(|word| text.contains(word))
    }

    /// The entry in full, as a name and a text each. Harmless to show.
    pub(super) fn page(&self) -> Vec<(String, String)> {
        let mut page = Vec::new();
        let mut say = |name: &str, text: &str| {
            if !text.is_empty() {
                page.push((cut(name, 40), cut(text, LONGEST)));
            }
        };
        let word = |value: &Value, name: &str| -> String {
            value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        say("session", self.session.as_deref().unwrap_or_default());
        if let Some(action) = self.entry.get("action") {
            say("in", &word(action, "cwd"));
            let input = action.get("input");
            if let Some(Value::Object(fields)) = input {
                for (name, value) in fields {
                    say(name, &plain(value));
                }
            } else {
                say("input", &input.map(plain).unwrap_or_default());
            }
        }
        let Some(decision) = self.entry.get("decision") else {
            say("what", &self.text);
            say("code", &self.code);
            say("entry", &self.seq.to_string());
            return page;
        };
        for effect in list(decision, "effects") {
            let target = effect.get("target").map(target_of).unwrap_or_default();
            say("effect", &format!("{} {target}", word(effect, "kind")));
        }
        for opaque in list(decision, "opaque") {
            say(
                "cannot be told",
                &format!("{} {}", word(opaque, "reason"), word(opaque, "detail")),
            );
        }
        for rule in list(decision, "rules") {
            let (id, outcome, why) = (word(rule, "id"), word(rule, "outcome"), word(rule, "why"));
            say("rule", &format!("{id} says {outcome}: {why}"));
            say("instead", &word(rule, "instead"));
        }
        let verdict = format!("{}, by {}", word(decision, "verdict"), word(decision, "decided_by"));
        say("outcome", &verdict);
        say("entry", &self.seq.to_string());
        page
    }
}

fn verdict_of(word: &str) -> Option<Verdict> {
    serde_json::from_value(Value::from(word)).ok()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A value as text: a string as it is, anything else as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn target_of(target: &Value) -> String {
    let Value::Object(fields) = target else { return plain(target) };
    match fields.iter().next() {
        Some((name, _)) if name == "unknown" => "something unknown".to_owned(),
        Some((_, Value::Array(several))) => {
            several.iter().map(plain).collect::<Vec<_>>().join(" or ")
        }
        Some((_, value)) => plain(value),
        None => String::new(),
    }
}

/// What an entry tells in a line.
fn told(entry: &Value, kind: &str) -> String {
    let word = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    if let Some(input) = entry.pointer("/action/input") {
        let telling = TELLING.iter().find_map(|name| input.get(name)).unwrap_or(input);
        return plain(telling);
    }
    match kind {
        "session" => format!("{} {}", word("event"), word("source")),
        "prompt" => {
            let ruled_out = entry.pointer("/intent/boundaries").and_then(Value::as_array);
            let operations: Vec<&str> = ruled_out
                .into_iter()
                .flatten()
                .filter_map(|it| it.get("operation")?.as_str())
                .collect();
            if operations.is_empty() {
                "the user spoke".to_owned()
            } else {
                format!("the user spoke; not to do: {}", operations.join(", "))
            }
        }
        "result" if entry.get("failed") == Some(&Value::Bool(true)) => "failed".to_owned(),
        "result" => "done".to_owned(),
        "hold" | "release" => {
            let part = |name: &str| {
                entry.pointer(&format!("/hold/{name}")).and_then(Value::as_str).unwrap_or_default()
            };
            format!("{} {}", part("kind"), part("reason"))
        }
        "approval" => format!("a person let it through: {}", word("rule")),
        "refusal_by_person" => format!("a person refused it: {}", word("rule")),
        "review" => format!("{} said {}: {}", word("reviewer"), word("answer"), word("rule")),
        _ => ["problem", "why", "message", "text", "reason"]
            .into_iter()
            .map(word)
            .find(|it| !it.is_empty() && !it.starts_with("sha256:"))
            .map(str::to_owned)
            .or_else(|| Some(entry.pointer("/findings/0/why")?.as_str()?.to_owned()))
            .unwrap_or_default(),
    }
}

/// The time of day, where the person is.
fn clock(at: &str, zone: &TimeZone) -> String {
    let Ok(at) = at.parse::<Timestamp>() else { return printable(at).into_owned() };
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}
