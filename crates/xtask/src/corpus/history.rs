//! What else happened in a recorded session: what was said in the user's role, and how calls ended.

use std::collections::BTreeMap;

use ringfence_adapters::transcript;
use serde::Deserialize;
use serde_json::Value;

/// A session, in order.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) cwd: Option<String>,
    pub(crate) events: Vec<Event>,
}

/// What happened. Its place in the list is its number in the recording.
#[derive(Debug)]
pub(crate) enum Event {
    /// Something arrived in the user's role.
    Said { typed: Vec<String>, relayed: Vec<String> },
    /// A tool was called.
    Call { id: String, tool: String, input: Value },
    /// A call came back.
    Result { id: String, failed: bool, text: String },
}

#[derive(Debug, Deserialize)]
struct Raw {
    id: String,
    source: String,
    meta: Option<Meta>,
    events: Vec<RawEvent>,
}

#[derive(Debug, Deserialize)]
struct Meta {
    cwd: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RawEvent {
    t: String,
    id: Option<String>,
    text: Option<String>,
    tool: Option<String>,
    input: Option<Value>,
    is_error: Option<bool>,
    user_rejected: Option<bool>,
}

/// The sessions of these sources, by name.
pub(crate) fn of(text: &str, sources: &[&str]) -> BTreeMap<String, History> {
    let raw = text.lines().filter_map(|line| serde_json::from_str::<Raw>(line).ok());
    raw.filter(|raw| sources.contains(&raw.source.as_str()))
        .map(|raw| {
            let mut last = String::new();
            let events = raw.events.into_iter().enumerate();
            let events = events.map(|(index, event)| event.read(index, &mut last)).collect();
            let cwd = raw.meta.and_then(|meta| meta.cwd);
            (raw.id, History { cwd, events })
        })
        .collect()
}

impl RawEvent {
    fn read(self, index: usize, last: &mut String) -> Event {
        let text = self.text.unwrap_or_default();
        match self.t.as_str() {
            "call" => {
                // Where calls have no names, a result belongs to the call before it.
                *last = self.id.unwrap_or_else(|| index.to_string());
                let (tool, input) = (self.tool.unwrap_or_default(), self.input.unwrap_or_default());
                Event::Call { id: last.clone(), tool, input }
            }
            "result" => {
                let failed = self.is_error == Some(true) || self.user_rejected == Some(true);
                Event::Result { id: self.id.unwrap_or_else(|| last.clone()), failed, text }
            }
            "user" => {
                let messages = transcript::typed(&[text]);
                Event::Said { typed: messages.typed, relayed: messages.relayed }
            }
            _ => Event::Said { typed: Vec::new(), relayed: vec![text] },
        }
    }
}
