//! Codex' lines.
//!
//! What was approved is not written down as such. Where the policy puts calls to the user, one that asked to leave
//! the sandbox was put to them, and so was one that waited before it ran; if it was not refused, it was approved.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Asking, Doing, Watch, ends_in_question};
use crate::transcript::codex as format;
use crate::transcript::reader::{plain, string};
use crate::transcript::{Decider, Event, PersonOutcome};

/// A command that nobody is asked about starts within a few milliseconds.
const WAITED_MS: u64 = 300;

/// Rollouts of Codex.
#[derive(Debug, Default)]
pub struct Codex {
    /// Whether a person answers what a call asks for.
    asks_person: bool,
    /// Calls that were put to them.
    put: HashSet<String>,
}

impl Watch for Codex {
    type Events = format::Codex;
    const KIND: &'static str = "codex";

    fn look(&mut self, line: &Map<String, Value>, events: Vec<Event>) -> Vec<Doing> {
        let mut doings = Vec::new();
        let none = Map::new();
        let payload = line.get("payload").and_then(Value::as_object).unwrap_or(&none);
        match (string(line, "type"), string(payload, "type")) {
            (Some("session_meta"), _)
                if string(payload, "originator").is_some_and(|it| it.contains("exec")) =>
            {
                doings.push(Doing::Headless);
            }
            (Some("turn_context"), _) => self.turn(payload, &mut doings),
            (Some("response_item"), Some("message"))
                if string(payload, "role") == Some("assistant") =>
            {
                let text = plain(payload.get("content"));
                if !text.trim().is_empty() {
                    doings.push(Doing::Spoke { asks: ends_in_question(&text) });
                }
            }
            (Some("event_msg"), Some("item_completed")) => doings.extend(self.waited(payload)),
            _ => {}
        }
        doings.extend(events.into_iter().map(|event| Doing::Event(self.settled(event))));
        doings
    }
}

impl Codex {
    fn turn(&mut self, turn: &Map<String, Value>, doings: &mut Vec<Doing>) {
        doings.push(Doing::TellsProse);
        let reviewer = string(turn, "approvals_reviewer").unwrap_or("user");
        let asking = match string(turn, "approval_policy") {
            Some("never") => Asking::Never,
            Some(_) if reviewer != "user" => Asking::Classifier,
            Some(_) => Asking::Asks,
            None => return,
        };
        self.asks_person = asking == Asking::Asks;
        doings.push(Doing::Asking(asking));
        if self.asks_person {
            doings.push(Doing::TellsDecisions);
        }
    }

    /// From a call that was started to its end, without the time that it ran.
    fn waited(&mut self, payload: &Map<String, Value>) -> Option<Doing> {
        let item = payload.get("item")?.as_object()?;
        let id = string(item, "id")?;
        let number = |name: &str| payload.get(name).and_then(Value::as_u64);
        let whole = number("completed_at_ms")?.checked_sub(number("started_at_ms")?)?;
        let ran = item.get("duration")?;
        let part = |name: &str| ran.get(name).and_then(Value::as_u64);
        let ran = part("secs")? * 1_000 + part("nanos")? / 1_000_000;
        let ms = whole.saturating_sub(ran);
        if self.asks_person && ms >= WAITED_MS {
            self.put.insert(id.to_owned());
        }
        self.put.contains(id).then(|| Doing::Waited { id: id.to_owned(), ms })
    }

    fn settled(&mut self, event: Event) -> Event {
        match event {
            Event::Call { id: Some(id), tool, input, cwd } => {
                let asks = input.get("sandbox_permissions").and_then(Value::as_str);
                if self.asks_person && asks == Some("require_escalated") {
                    self.put.insert(id.clone());
                }
                Event::Call { id: Some(id), tool, input, cwd }
            }
            Event::Result { id: Some(id), text, is_error, outcome: None }
                if self.put.remove(&id) =>
            {
                let outcome = Some(PersonOutcome { accepted: true, by: Decider::Person });
                Event::Result { id: Some(id), text, is_error, outcome }
            }
            other => other,
        }
    }
}
