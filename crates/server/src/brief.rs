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

/// Of longer lists so many, nothing that lies deeper, and no more bytes of an entry than about so many.
const ITEMS: usize = 8;
const DEPTH: usize = 4;
const ROOM: usize = 2_500;

/// What an entry is found by: there is room for these first.
const HEAD: [&str; 5] = ["kind", "at", "agent", "session", "event"];

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
        action.tool = Cow::Owned(shortened(&action.tool));
        entry.seq = *seq;
        serde_json::to_string(&entry).ok()
    });
    if let Some(in_brief) = in_brief {
        return in_brief;
    }
    match serde_json::from_str::<Map<String, Value>>(line) {
        Ok(_) if line.len() <= SHORT => line.clone(),
        Ok(fields) => {
            let mut room = ROOM;
            let is_head = |name: &str| HEAD.contains(&name);
            let (head, rest): (Vec<_>, Vec<_>) =
                fields.into_iter().partition(|(name, _)| is_head(name));
            let told = head.into_iter().chain(rest);
            let mut told: Map<String, Value> =
                told.filter_map(|it| field(it, DEPTH, &mut room)).collect();
            told.insert("seq".to_owned(), json!(seq));
            Value::Object(told).to_string()
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
        other => {
            shortened(&cut(other.clone(), DEPTH, &mut { ROOM }).unwrap_or_default().to_string())
        }
    })
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LETTERS) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The same with what is long in it cut; nothing of what lies too deep, or of what there is no room for.
fn cut(value: Value, depth: usize, room: &mut usize) -> Option<Value> {
    let deeper = depth.checked_sub(1);
    Some(match value {
        Value::String(text) => {
            let text = shortened(&text);
            take(room, text.len())?;
            Value::String(text)
        }
        Value::Array(items) => {
            let deeper = deeper?;
            take(room, 0)?;
            items.into_iter().take(ITEMS).filter_map(|it| cut(it, deeper, room)).collect()
        }
        Value::Object(fields) => {
            let deeper = deeper?;
            take(room, 0)?;
            fields.into_iter().filter_map(|it| field(it, deeper, room)).collect()
        }
        other => {
            take(room, 0)?;
            other
        }
    })
}

/// A field with what it has; no other name stands in its place.
fn field(
    (name, value): (String, Value),
    depth: usize,
    room: &mut usize,
) -> Option<(String, Value)> {
    take(room, name.len())?;
    Some((name, cut(value, depth, room)?))
}

/// Takes the room for so many letters, with what stands around them; nothing where there is not so much.
fn take(room: &mut usize, letters: usize) -> Option<()> {
    /// Quotes, a colon and a comma, or a number.
    const AROUND: usize = 4;
    *room = room.checked_sub(letters.checked_add(AROUND)?)?;
    Some(())
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

    /// However many fields there are, and however long their names: who and what is told first.
    #[test]
    fn of_many_fields_and_of_long_names_there_is_no_more_than_of_long_lists() {
        let many: Map<String, Value> =
            (0..20_000).map(|it| (format!("a{it}"), json!({"b": [it, "c"]}))).collect();
        let mut wide = Value::Object(many.clone());
        wide["kind"] = json!("finding");
        wide["session"] = json!("s");
        wide["x".repeat(90_000).as_str()] = json!(1);
        let deep = json!({"kind": "finding", "session": "s", "about": many});
        let action = json!({"kind": "decision", "session": "s", "decision": {"verdict": "ask", "code": "c"},
                            "action": {"tool": "t".repeat(9_000), "input": wide}});
        for entry in [wide, deep, action] {
            let told = brief(&entry);
            assert!(told.to_string().len() < 4_000, "{}", told.to_string().len());
            assert_eq!((&told["kind"], &told["session"]), (&entry["kind"], &json!("s")));
        }
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
