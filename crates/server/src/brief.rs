//! An entry in brief: as much of it as stands in a row of a list that somebody watches. Who wants more asks for the
//! entry by its number.
//!
//! It has the form of the entry, so that whoever reads entries reads these: of a decision it has when, whose, what
//! was asked in a line, and what was said; other entries are short already, and where they are not, what is long in
//! them is cut.

use std::borrow::Cow;

use ringfence_record::log::Followed;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// More letters of one text stand in no row.
const LETTERS: usize = 160;

/// Entries that are no decisions are told whole up to so many bytes.
const SHORT: usize = 700;

/// Of longer lists so many, and nothing that lies deeper.
const ITEMS: usize = 8;
const DEPTH: usize = 4;

/// The fields of an input that say most, in the order in which they are looked for.
const TELLING: [&str; 9] =
    ["command", "cmd", "url", "file_path", "path", "query", "pattern", "prompt", "content"];

#[derive(Deserialize, Serialize)]
struct Entry<'l> {
    #[serde(default)]
    seq: u64,
    #[serde(borrow, default)]
    at: Cow<'l, str>,
    #[serde(borrow)]
    kind: Cow<'l, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    action: Option<Action<'l>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    decision: Option<Decision<'l>>,
}

#[derive(Deserialize, Serialize)]
struct Action<'l> {
    #[serde(borrow)]
    tool: Cow<'l, str>,
    #[serde(default)]
    input: Value,
}

#[derive(Deserialize, Serialize)]
struct Decision<'l> {
    #[serde(borrow)]
    verdict: Cow<'l, str>,
    #[serde(borrow)]
    code: Cow<'l, str>,
}

/// These entries, one after the other, as a JSON array.
pub(crate) fn array(lines: &[Followed]) -> String {
    let mut text = String::with_capacity(lines.len() * 256 + 2);
    text.push('[');
    for (place, line) in lines.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(&of(line));
    }
    text.push(']');
    text
}

fn of(Followed { seq, line }: &Followed) -> String {
    let in_brief = serde_json::from_str::<Entry<'_>>(line).ok().and_then(|mut entry| {
        let action = entry.action.as_mut().filter(|_| entry.decision.is_some())?;
        action.input = Value::String(told(&action.input));
        entry.seq = *seq;
        serde_json::to_string(&entry).ok()
    });
    if let Some(in_brief) = in_brief {
        return in_brief;
    }
    match serde_json::from_str::<Map<String, Value>>(line) {
        Ok(_) if line.len() <= SHORT => line.clone(),
        Ok(fields) => {
            let fields = fields.into_iter().filter_map(|(name, it)| Some((name, cut(it, DEPTH)?)));
            let mut fields: Map<String, Value> = fields.collect();
            fields.insert("seq".to_owned(), json!(seq));
            Value::Object(fields).to_string()
        }
        // Whoever looks is told that there is one; what is wrong with it `audit verify` says.
        Err(_) => json!({"seq": seq, "kind": "damaged"}).to_string(),
    }
}

/// What an input asks for, in a line.
fn told(input: &Value) -> String {
    let telling = TELLING.iter().find_map(|name| match input.get(name)? {
        Value::String(text) => Some(shortened(text)),
        Value::Array(words) => {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).take(LETTERS).collect();
            Some(shortened(&words.join(" ")))
        }
        _ => None,
    });
    telling.unwrap_or_else(|| match input {
        Value::String(text) => shortened(text),
        other => shortened(&cut(other.clone(), DEPTH).unwrap_or_default().to_string()),
    })
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LETTERS) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The same with what is long in it cut; nothing of what lies too deep.
fn cut(value: Value, depth: usize) -> Option<Value> {
    let deeper = depth.checked_sub(1);
    Some(match value {
        Value::String(text) => Value::String(shortened(&text)),
        Value::Array(items) => {
            let deeper = deeper?;
            items.into_iter().take(ITEMS).filter_map(|it| cut(it, deeper)).collect()
        }
        Value::Object(fields) => {
            let deeper = deeper?;
            let cut = |(name, it)| Some((name, cut(it, deeper)?));
            fields.into_iter().filter_map(cut).collect()
        }
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief(line: &Value) -> Value {
        let lines = [Followed { seq: 7, line: line.to_string() }];
        let text = array(&lines);
        let mut told: Vec<Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(told.len(), 1);
        told.remove(0)
    }

    #[test]
    fn a_decision_is_what_stands_in_its_row() {
        let entry = json!({
            "seq": 7, "prev": "sha256:0", "at": "2026-01-01T00:00:00Z", "kind": "decision",
            "agent": "codex", "session": "s", "event": "decide",
            "action": {"tool": "Bash", "input": {"command": "ls -la", "description": "x"}},
            "facts": {"git": {"branch": "main"}},
            "decision": {"verdict": "ask", "code": "fs.x", "rules": [{"id": "fs.x"}], "effects": []},
            "hash": "sha256:1",
        });
        assert_eq!(
            brief(&entry),
            json!({
                "seq": 7, "at": "2026-01-01T00:00:00Z", "kind": "decision", "agent": "codex",
                "session": "s", "event": "decide", "action": {"tool": "Bash", "input": "ls -la"},
                "decision": {"verdict": "ask", "code": "fs.x"},
            })
        );
        let input = |input: Value| {
            let mut entry = entry.clone();
            entry["action"]["input"] = input;
            brief(&entry)["action"]["input"].as_str().unwrap().to_owned()
        };
        assert_eq!(input(json!({"argv": 1, "cmd": ["git", "push"]})), "git push");
        assert_eq!(input(json!("as \"it\" is")), "as \"it\" is");
        assert_eq!(input(json!({"x": [1, 2]})), "{\"x\":[1,2]}");
        assert_eq!(input(json!({"command": "é".repeat(500)})).chars().count(), LETTERS + 1);
    }

    #[test]
    fn what_is_short_is_told_whole_and_what_is_long_is_cut() {
        let hold = json!({"seq": 7, "kind": "hold", "hold": {"kind": "pause", "reason": "x"}});
        assert_eq!(brief(&hold), hold);
        let long = json!({"seq": 7, "kind": "finding", "problem": "x".repeat(9_000),
                          "findings": vec![json!({"why": "y".repeat(9_000)}); 40]});
        let told = brief(&long);
        assert!(told.to_string().len() < 3_000, "{told}");
        assert_eq!(told["kind"], "finding");
        assert!(told["findings"][0]["why"].as_str().unwrap().starts_with("yyy"));
    }

    #[test]
    fn what_cannot_be_read_is_there_all_the_same() {
        let lines = ["nonsense", "[1]", "{\"kind\":\"decision\",\"action\":1}"];
        let lines: Vec<Followed> =
            lines.iter().map(|line| Followed { seq: 3, line: (*line).to_owned() }).collect();
        let told: Vec<Value> = serde_json::from_str(&array(&lines)).unwrap();
        assert_eq!((&told[0]["kind"], &told[1]["kind"]), (&json!("damaged"), &json!("damaged")));
        assert_eq!(told[2]["kind"], "decision");
        assert_eq!(array(&[]), "[]");
    }
}
