//! Recorded traffic of real agents: every row is read, every tool known or said to be unknown.

#![expect(clippy::unwrap_used, reason = "a test says no by panicking")]

use std::collections::BTreeMap;

use ringfence_action::{Action, Call};
use ringfence_adapters::labelled::{Row, Subject};
use ringfence_adapters::normalize;
use ringfence_adapters::transcript::Event;
use ringfence_testkit::Corpora;
use serde_json::json;

/// Every row; a corpus that cut long texts has rows which end in the middle of their JSON.
fn rows(name: &str) -> Vec<Row> {
    let Some(corpora) = Corpora::from_env() else { return Vec::new() };
    let mut rows = Vec::new();
    for line in corpora.text(name).unwrap().lines() {
        match Row::parse(line) {
            Ok(row) => rows.push(row),
            Err(error) => assert!(error.to_string().contains("EOF while parsing"), "{error}"),
        }
    }
    rows
}

/// How often each tool of a source was malformed or unknown.
fn not_understood<'a>(
    actions: impl Iterator<Item = (&'a str, Action)>,
) -> BTreeMap<(String, String), usize> {
    let mut found = BTreeMap::new();
    for (source, action) in actions {
        if let Call::Malformed { .. } | Call::Unknown { .. } = normalize(&action) {
            *found.entry((source.to_owned(), action.tool)).or_default() += 1;
        }
    }
    found
}

#[test]
fn labelled_actions() {
    let rows = rows("actions");
    let actions = rows.iter().filter_map(|row| match &row.subject {
        Subject::Action { action, .. } => Some((row.source.as_str(), (**action).clone())),
        Subject::ToolOutput { .. } | Subject::Transcript { .. } => None,
    });
    assert_eq!(not_understood(actions), BTreeMap::new());
}

#[test]
fn tool_outputs() {
    for row in rows("toolout") {
        assert!(matches!(row.subject, Subject::ToolOutput { .. }), "{}", row.id);
    }
}

/// Coding agents' tools are all known; the simulated offices of `toolemu` have tools of their own.
#[test]
fn transcripts() {
    let rows = rows("transcripts");
    let calls = rows.iter().filter(|row| row.source != "toolemu").flat_map(|row| {
        let Subject::Transcript { events } = &row.subject else { return Vec::new() };
        let calls = events.iter().filter_map(|(event, _)| match event {
            Event::Call { tool, input, .. } => {
                let action = json!({"tool": tool, "input": input});
                Some((row.source.as_str(), serde_json::from_value(action).unwrap()))
            }
            _ => None,
        });
        calls.collect()
    });
    assert_eq!(not_understood(calls), BTreeMap::new());
}
