//! Gemini CLI's transcripts: `~/.gemini/tmp/<project>/chats/session-<time>-<id>.jsonl`.
//!
//! The first line describes the session; the others are records of messages. A message is written
//! again whenever it changes (`$set` holds whole lists of them), so calls and results are told by
//! their ids and come once: a call when it first appears, its result when it is final. What was
//! rewound (`$rewindTo`) has happened all the same.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::reader::{Format, Header, Known, plain, string};
use super::said::{self, Said};
use super::{Decider, Event, PersonOutcome};

/// Reads a chat of Gemini CLI.
pub type Reader<R> = super::Reader<R, GeminiCli>;

/// The format of Gemini CLI's transcripts.
#[derive(Debug, Default)]
pub struct GeminiCli {
    session: Option<String>,
    /// Ids of messages, calls and results that have been told.
    told: HashSet<(Told, String)>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum Told {
    Message,
    Call,
    Result,
}

impl Format for GeminiCli {
    const AGENT: &'static str = "Gemini CLI";
    const EXAMPLE: &'static str = "~/.gemini/tmp/PROJECT/chats/session-….jsonl";

    fn read(&mut self, fields: &Map<String, Value>) -> Result<Known, String> {
        let mut events = Vec::new();
        if let Some(changes) = fields.get("$set") {
            let messages = changes.get("messages").and_then(Value::as_array);
            for message in messages.into_iter().flatten().filter_map(Value::as_object) {
                self.message(message, &mut events)?;
            }
        } else if fields.contains_key("projectHash") && fields.contains_key("sessionId") {
            self.session = string(fields, "sessionId").map(str::to_owned);
        } else if !fields.contains_key("$rewindTo") {
            self.message(fields, &mut events)?;
        }
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

impl GeminiCli {
    fn message(
        &mut self,
        message: &Map<String, Value>,
        events: &mut Vec<Event>,
    ) -> Result<(), String> {
        match string(message, "type") {
            Some("user") => {
                if self.is_new(Told::Message, string(message, "id")) {
                    prompt(message, events);
                }
            }
            Some("gemini") => {
                let calls = message.get("toolCalls").and_then(Value::as_array);
                for call in calls.into_iter().flatten().filter_map(Value::as_object) {
                    self.call(call, events)?;
                }
            }
            Some("info" | "error" | "warning") => {}
            Some(kind) => return Err(format!("messages of type `{kind}` are not known")),
            None => {
                return Err("a line without a `type`; it is of another program or a newer version"
                    .to_owned());
            }
        }
        Ok(())
    }

    fn call(&mut self, call: &Map<String, Value>, events: &mut Vec<Event>) -> Result<(), String> {
        let id = string(call, "id");
        if self.is_new(Told::Call, id) {
            let tool = string(call, "name").ok_or("a call without a name; it was not judged")?;
            events.push(Event::Call {
                id: id.map(str::to_owned),
                tool: tool.to_owned(),
                input: call.get("args").cloned().unwrap_or_default(),
                cwd: None,
            });
        }
        let status = string(call, "status").unwrap_or_default();
        if matches!(status, "success" | "error" | "cancelled") && self.is_new(Told::Result, id) {
            let text = response(call);
            let by = match status {
                "cancelled" => Some(Decider::Person),
                "error" if text.starts_with("Tool execution blocked:") => Some(Decider::Hook),
                "error" if text.contains("denied by policy") => Some(Decider::Rule),
                _ => None,
            };
            events.push(Event::Result {
                id: id.map(str::to_owned),
                text,
                is_error: status != "success",
                outcome: by.map(|by| PersonOutcome { accepted: false, by }),
            });
        }
        Ok(())
    }

    /// Without an id, nobody can tell: it counts.
    fn is_new(&mut self, what: Told, id: Option<&str>) -> bool {
        id.is_none_or(|id| self.told.insert((what, id.to_owned())))
    }
}

/// Responses of functions are in the user's role too; they are told with their call.
fn prompt(message: &Map<String, Value>, events: &mut Vec<Event>) {
    let text = plain(message.get("content"));
    events.extend(said::take_apart(&text).into_iter().map(|part| match part {
        Said::User(text) => Event::User { text },
        Said::Meta(text) => Event::Meta { text },
        Said::Summary(text) => Event::Summary { text },
        Said::Interrupted => Event::Interrupted,
    }));
}

/// What the model got to read: the output or the error of each response.
fn response(call: &Map<String, Value>) -> String {
    let results = call.get("result").and_then(Value::as_array);
    let texts = results.into_iter().flatten().filter_map(|result| {
        let response = result.pointer("/functionResponse/response")?;
        response.get("error").or_else(|| response.get("output"))?.as_str()
    });
    texts.collect::<Vec<_>>().join("\n")
}
