//! Codex' transcripts: `$CODEX_HOME/sessions/YYYY/MM/DD/rollout-<time>-<thread>.jsonl`.
//!
//! Each line is `{timestamp, type, payload}`. What the model saw and asked for are `response_item`s:
//! prompts, calls, outputs. Newer versions say of each piece of a prompt where it comes from. Who
//! let a call run is not written down; what is left are the words of a refusal.

use serde_json::{Map, Value, json};

use super::reader::{Format, Header, Known, plain, string};
use super::said::{self, Said};
use super::{Decider, Event, PersonOutcome};

/// Reads a rollout of Codex.
pub type Reader<R> = super::Reader<R, Codex>;

/// The format of Codex' transcripts.
#[derive(Debug, Default)]
pub struct Codex {
    session: Option<String>,
    cwd: Option<String>,
}

impl Format for Codex {
    const AGENT: &'static str = "Codex";
    const EXAMPLE: &'static str = "~/.codex/sessions/2026/11/21/rollout-….jsonl";

    fn read(&mut self, fields: &Map<String, Value>) -> Result<Known, String> {
        let none = Map::new();
        let payload = fields.get("payload").and_then(Value::as_object).unwrap_or(&none);
        let kind = string(fields, "type")
            .ok_or("a line without a `type`; it is of another program or a newer version")?;
        let events = match kind {
            "session_meta" => {
                self.session = string(payload, "id").map(str::to_owned);
                self.moved(payload);
                Vec::new()
            }
            "turn_context" => {
                self.moved(payload);
                Vec::new()
            }
            "response_item" => self.item(payload)?,
            "event_msg" if string(payload, "type") == Some("turn_aborted") => {
                vec![Event::Interrupted]
            }
            "compacted" => vec![Event::Summary { text: plain(payload.get("message")) }],
            "event_msg" | "world_state" | "token_usage_record" => Vec::new(),
            _ => return Err(format!("lines of type `{kind}` are not known")),
        };
        Ok(Known {
            header: Header {
                at: string(fields, "timestamp").map(str::to_owned),
                session: self.session.clone(),
                subagent: None,
            },
            events,
        })
    }
}

impl Codex {
    fn moved(&mut self, payload: &Map<String, Value>) {
        if let Some(cwd) = string(payload, "cwd") {
            self.cwd = Some(cwd.to_owned());
        }
    }

    fn item(&self, item: &Map<String, Value>) -> Result<Vec<Event>, String> {
        let call = |tool: Option<&str>, input: Value| {
            let tool = tool.ok_or("a call without a name; it was not judged")?.to_owned();
            let id = string(item, "call_id").map(str::to_owned);
            Ok(vec![Event::Call { id, tool, input, cwd: self.cwd.clone() }])
        };
        match string(item, "type").unwrap_or_default() {
            "message" if string(item, "role") == Some("user") => Ok(prompt(item)),
            "function_call" => {
                let arguments = string(item, "arguments").unwrap_or_default();
                // Kept as it is where it is no JSON: the call is malformed, and says so.
                let input = serde_json::from_str(arguments).unwrap_or_else(|_| json!(arguments));
                call(string(item, "name"), input)
            }
            "custom_tool_call" => {
                call(string(item, "name"), item.get("input").cloned().unwrap_or_default())
            }
            "local_shell_call" => {
                call(Some("local_shell"), json!({ "action": item.get("action") }))
            }
            "web_search_call" => {
                call(Some("web_search"), item.get("action").cloned().unwrap_or_default())
            }
            "function_call_output" | "custom_tool_call_output" => Ok(vec![output(item)]),
            _ => Ok(Vec::new()),
        }
    }
}

fn prompt(item: &Map<String, Value>) -> Vec<Event> {
    let content = item.get("content").and_then(Value::as_array);
    let origins = item
        .get("internal_chat_message_metadata_passthrough")
        .and_then(|metadata| metadata.get("content_item_metadata"));
    let mut events = Vec::new();
    for (index, piece) in content.into_iter().flatten().enumerate() {
        let Some(text) = piece.get("text").and_then(Value::as_str) else { continue };
        // Where an origin is told, only `user` is the user.
        let origin = origins.map(|origins| origins.pointer(&format!("/{index}/provenance/type")));
        let by_person = origin.is_none_or(|origin| origin.and_then(Value::as_str) == Some("user"));
        if text.trim_start().starts_with("<turn_aborted>") {
            events.push(Event::Interrupted);
            continue;
        }
        events.extend(said::take_apart(text).into_iter().map(|part| match part {
            Said::User(text) if by_person => Event::User { text },
            Said::User(text) | Said::Meta(text) => Event::Meta { text },
            Said::Summary(text) => Event::Summary { text },
            Said::Interrupted => Event::Interrupted,
        }));
    }
    events
}

fn output(item: &Map<String, Value>) -> Event {
    let output = item.get("output");
    let text = match output {
        Some(Value::Object(fields)) => plain(fields.get("content").or(fields.get("output"))),
        other => plain(other),
    };
    let outcome = refusal(&text).map(|by| PersonOutcome { accepted: false, by });
    let success = output.and_then(|output| output.get("success")).and_then(Value::as_bool);
    let failed = success == Some(false) || text.starts_with("exec_command failed:");
    Event::Result {
        id: string(item, "call_id").map(str::to_owned),
        is_error: failed || outcome.is_some(),
        text,
        outcome,
    }
}

/// What the words of a refusal tell. Good enough to count, not to trust.
fn refusal(text: &str) -> Option<Decider> {
    let failed = text.strip_prefix("exec_command failed:");
    if text.starts_with("Command blocked by PreToolUse hook:") {
        Some(Decider::Hook)
    } else if text.starts_with("aborted by user")
        || failed.is_some_and(|why| {
            why.contains("(\\\"rejected by user") || why.contains("(\"rejected by user")
        })
    {
        Some(Decider::Person)
    } else if failed.is_some_and(|why| why.contains("Rejected(") && why.contains("` rejected: ")) {
        Some(Decider::Rule)
    } else {
        None
    }
}
