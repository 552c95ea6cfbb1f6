//! A message of an agent, as far as all dialects agree: one JSON object, in which every name stands once.

use std::path::Path;

use ringfence_action::{Action, Agent};
use serde_json::{Map, Value};

use super::{HookAgent, HookEvent, MalformedHook, strict};
use crate::transcript::said::{Said, take_apart};

pub(super) struct Message {
    agent: HookAgent,
    fields: Map<String, Value>,
    /// The agent's own name of the event, once it is known: what is wrong is then said of it.
    pub(super) event: Option<String>,
}

impl Message {
    pub(super) fn parse(agent: HookAgent, input: &[u8]) -> Result<Self, MalformedHook> {
        let problem = match strict::from_slice(input) {
            Ok(Value::Object(fields)) => return Ok(Self { agent, fields, event: None }),
            Ok(_) => format!("what {} sent is not a JSON object", agent.title()),
            Err(error) => format!("what {} sent is not a JSON object: {error}", agent.title()),
        };
        Err(MalformedHook { event: None, problem })
    }

    pub(super) fn malformed(&self, problem: String) -> MalformedHook {
        MalformedHook { event: self.event.clone(), problem }
    }

    /// The name of the event, in the first of these fields that is there; what follows is about it.
    pub(super) fn name(&mut self, fields: &[&str]) -> Result<String, MalformedHook> {
        let name = self.need(fields)?;
        self.event = Some(name.clone());
        Ok(name)
    }

    pub(super) fn value(&self, field: &str) -> Option<&Value> {
        self.fields.get(field)
    }

    /// The text in the first of these fields that is there.
    pub(super) fn text(&self, fields: &[&str]) -> Option<String> {
        let value = fields.iter().find_map(|field| self.fields.get(*field))?;
        value.as_str().map(str::to_owned)
    }

    /// The same, where nothing can be told without it.
    pub(super) fn need(&self, fields: &[&str]) -> Result<String, MalformedHook> {
        self.text(fields).filter(|text| !text.is_empty()).ok_or_else(|| self.missing(fields))
    }

    /// What somebody said, in this field: a text, or parts, of which some are texts.
    pub(super) fn said(&self, field: &str) -> Result<String, MalformedHook> {
        let words = |part: &Value| part.get("text").and_then(Value::as_str).map(str::to_owned);
        match self.fields.get(field) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Array(parts)) => {
                Ok(parts.iter().filter_map(words).collect::<Vec<_>>().join("\n"))
            }
            _ => Err(self.missing(&[field])),
        }
    }

    pub(super) fn missing(&self, fields: &[&str]) -> MalformedHook {
        self.malformed(format!("`{}` is missing", fields.join("` or `")))
    }

    /// A folder: the first of these fields that is there and not empty, and it must be absolute.
    pub(super) fn folder(&self, fields: &[&str]) -> Result<Option<String>, MalformedHook> {
        let Some(folder) = self.text(fields).filter(|folder| !folder.is_empty()) else {
            return Ok(None);
        };
        if Path::new(&folder).is_absolute() {
            return Ok(Some(folder));
        }
        let field = fields.first().unwrap_or(&"cwd");
        Err(self.malformed(format!("`{field}` is `{folder}`, which is not an absolute folder")))
    }

    /// The call of a tool.
    pub(super) fn action(&self, tool: String, input: Value, about: About<'_>) -> Box<Action> {
        Box::new(Action {
            id: about.call.map(str::to_owned),
            agent: Agent {
                kind: self.agent.as_str().to_owned(),
                subagent: about.subagent.map(str::to_owned),
            },
            session: Some(about.session.to_owned()),
            tool,
            input,
            cwd: about.cwd.map(str::to_owned),
            workspace: Vec::new(),
            home: None,
            platform: Default::default(),
            user_messages: Vec::new(),
            facts: Default::default(),
        })
    }
}

/// Whose call it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) session: &'a str,
    pub(super) cwd: Option<&'a str>,
    pub(super) call: Option<&'a str>,
    pub(super) subagent: Option<&'a str>,
}

/// An input that some versions send as an object and others as its JSON text.
pub(super) fn unpacked(input: Value) -> Value {
    match &input {
        Value::String(text) => match strict::from_slice(text.as_bytes()) {
            Ok(object @ Value::Object(_)) => object,
            _ => input,
        },
        _ => input,
    }
}

/// What arrives as a prompt is taken apart as it is in the transcript.
pub(super) fn prompt(text: &str) -> HookEvent {
    let (mut said, mut relayed) = (Vec::new(), Vec::new());
    for part in take_apart(text) {
        match part {
            Said::User(text) => said.push(text),
            Said::Meta(text) | Said::Summary(text) => relayed.push(text),
            Said::Interrupted => {}
        }
    }
    HookEvent::Prompt { said, relayed }
}
