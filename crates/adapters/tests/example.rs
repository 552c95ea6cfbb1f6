//! The example session that comes with the product: read whole, every call understood.

#![expect(clippy::unwrap_used, reason = "a test says no by panicking")]

use ringfence_action::{Action, Call};
use ringfence_adapters::normalize;
use ringfence_adapters::transcript::claude_code::Reader;
use ringfence_adapters::transcript::{Decider, Entry, Event, merge};
use serde_json::json;

const SESSION: &[u8] = include_bytes!("../../../examples/session.jsonl");
const SUBAGENT: &[u8] = include_bytes!("../../../examples/session/subagents/agent-a4e07d9.jsonl");

fn entries() -> Vec<Entry> {
    merge([SESSION, SUBAGENT].map(Reader::new)).map(|(_, entry)| entry.unwrap()).collect()
}

#[test]
fn every_call_is_understood() {
    let mut calls = 0;
    for entry in entries() {
        assert!(!matches!(entry.event, Event::Skipped { .. }), "{entry:?}");
        let Event::Call { tool, input, .. } = entry.event else { continue };
        let action = json!({"agent": {"kind": "claude-code"}, "tool": tool, "input": input});
        let action: Action = serde_json::from_value(action).unwrap();
        let call = normalize(&action);
        assert!(!matches!(call, Call::Unknown { .. } | Call::Malformed { .. }), "{call:?}");
        calls += 1;
    }
    assert_eq!(calls, 27);
}

#[test]
fn the_person_speaks_at_prompts_in_the_queue_and_when_refusing() {
    let said: Vec<String> = entries()
        .into_iter()
        .filter_map(|entry| match entry.event {
            Event::User { text } => Some(text.split(['.', '?', '!']).next()?.to_owned()),
            _ => None,
        })
        .collect();
    assert_eq!(
        said,
        [
            "Parcels that are scanned shortly after midnight get an estimate for the day before",
            "No",
            "Very good",
            "There is a blank after that slash",
            "What",
            "staging, not production",
            "Certainly not",
        ]
    );
}

#[test]
fn the_subagent_works_while_its_task_runs() {
    let who: Vec<bool> = entries()
        .iter()
        .filter(|entry| matches!(entry.event, Event::Call { .. }))
        .map(|entry| entry.subagent.is_some())
        .collect();
    let first = who.iter().position(|subagent| *subagent).unwrap();
    assert_eq!((first, who.iter().filter(|subagent| **subagent).count()), (4, 4));
    assert!(who.iter().skip(first).take(4).all(|subagent| *subagent));
}

#[test]
fn refusals_and_approvals_are_told_apart() {
    let by_person = |accepted| {
        let is = |entry: &&Entry| match &entry.event {
            Event::Result { outcome: Some(outcome), .. } => {
                outcome.by == Decider::Person && outcome.accepted == accepted
            }
            _ => false,
        };
        entries().iter().filter(is).count()
    };
    assert_eq!((by_person(true), by_person(false)), (8, 3));
}
