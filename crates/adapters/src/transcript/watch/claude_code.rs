//! Claude Code's lines.

use serde_json::{Map, Value};

use super::{Asking, Doing, Watch, ends_in_question};
use crate::transcript::Event;
use crate::transcript::claude_code as format;
use crate::transcript::reader::{flag, string};

/// Transcripts of Claude Code.
#[derive(Debug, Default)]
pub struct ClaudeCode;

impl Watch for ClaudeCode {
    type Events = format::ClaudeCode;
    const KIND: &'static str = "claude-code";

    fn look(&mut self, line: &Map<String, Value>, events: Vec<Event>) -> Vec<Doing> {
        let mut doings = Vec::new();
        match string(line, "type") {
            Some("user") => {
                if string(line, "entrypoint").is_some_and(|it| it.starts_with("sdk")) {
                    doings.push(Doing::Headless);
                }
                doings.extend(string(line, "permissionMode").and_then(asking).map(Doing::Asking));
                if line.contains_key("permissionDecision") {
                    doings.push(Doing::TellsDecisions);
                }
            }
            Some("assistant") => {
                doings.push(Doing::TellsProse);
                if !flag(line, "isApiErrorMessage") {
                    doings.extend(spoken(line).map(|asks| Doing::Spoke { asks }));
                }
            }
            _ => {}
        }
        let has_result = events.iter().any(|event| matches!(event, Event::Result { .. }));
        // What is typed with a refusal steers the turn that it is in.
        let begins = |event: &Event| !(has_result && matches!(event, Event::User { .. }));
        doings.extend(events.into_iter().filter(begins).map(Doing::Event));
        doings
    }
}

fn asking(mode: &str) -> Option<Asking> {
    match mode {
        "default" | "plan" | "dontAsk" | "manual" => Some(Asking::Asks),
        "acceptEdits" => Some(Asking::Edits),
        "auto" => Some(Asking::Classifier),
        "bypassPermissions" => Some(Asking::Never),
        _ => None,
    }
}

/// The modes by their names, as corpora of sessions list them.
pub(super) fn modes<'n>(names: impl Iterator<Item = &'n str>) -> impl Iterator<Item = Doing> {
    names.filter_map(asking).map(Doing::Asking)
}

/// Whether the last words of a line end in a question; `None` without words.
fn spoken(line: &Map<String, Value>) -> Option<bool> {
    let content = line.get("message").and_then(|message| message.get("content"));
    let text = match content? {
        Value::String(text) => Some(text.as_str()),
        Value::Array(blocks) => {
            let texts =
                blocks.iter().filter(|block| block.get("type").is_some_and(|it| it == "text"));
            texts
                .filter_map(|block| block.get("text")?.as_str())
                .rfind(|text| !text.trim().is_empty())
        }
        _ => None,
    };
    text.filter(|text| !text.trim().is_empty()).map(ends_in_question)
}
