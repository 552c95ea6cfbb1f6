//! Claude Code's transcripts: `~/.claude/projects/<folder>/<session>.jsonl`, and for each subagent
//! `<session>/subagents/agent-<id>.jsonl` beside it.
//!
//! One JSON object per line. `user` lines hold prompts and results, `assistant` lines hold calls;
//! `attachment` lines hold, among much else, prompts that were typed while the agent worked. Newer
//! versions record with each result who let the call run (`permissionDecision`); older ones leave
//! only the text that the agent got to read.

mod outcome;

use serde_json::{Map, Value};

use self::outcome::outcome;
use super::reader::{Format, Header, Known, flag, plain, string};
use super::said::{self, Said};
use super::{Decider, Event};

/// Types of lines that say nothing about what the agent did or was told.
const SILENT: &[&str] = &[
    "agent-color",
    "agent-name",
    "agent-setting",
    "ai-title",
    "attribution-snapshot",
    "bridge-session",
    "content-replacement",
    "cost-state",
    "custom-title",
    "file-history-snapshot",
    "frame-link",
    "last-prompt",
    "marble-origami-commit",
    "mode",
    "permission-mode",
    "pr-link",
    "progress",
    "queue-operation",
    "speculation-accept",
    "summary",
    "system",
    "tag",
    "task-summary",
    "worktree-state",
];

/// Where a prompt may come from and still be a person's. Anything else named there is not.
const PEOPLE: &[&str] = &[
    "cli",
    "desktop",
    "human",
    "ide",
    "interactive",
    "keyboard",
    "mobile",
    "paste",
    "prompt",
    "queued",
    "remote",
    "repl",
    "sdk",
    "suggestion",
    "suggestion_accepted",
    "typed",
    "user",
    "voice",
    "vscode",
    "web",
];

/// Reads a transcript of Claude Code: a session's own or a subagent's.
pub type Reader<R> = super::Reader<R, ClaudeCode>;

/// The format of Claude Code's transcripts.
#[derive(Debug, Default)]
pub struct ClaudeCode;

impl Format for ClaudeCode {
    const AGENT: &'static str = "Claude Code";
    const EXAMPLE: &'static str = "~/.claude/projects/PROJECT/SESSION.jsonl";

    fn read(&mut self, fields: &Map<String, Value>) -> Result<Known, String> {
        let kind = string(fields, "type")
            .ok_or("a line without a `type`; it is of another program or a newer version")?;
        let events = match kind {
            "user" => user(fields),
            "assistant" => assistant(fields)?,
            "attachment" => attachment(fields),
            _ if SILENT.contains(&kind) || kind.starts_with("api-request") => Vec::new(),
            _ => {
                let version = string(fields, "version").unwrap_or("not named");
                return Err(format!("lines of type `{kind}` are not known (version {version})"));
            }
        };
        let is_subagent = flag(fields, "isSidechain") || fields.contains_key("agentId");
        let subagent =
            is_subagent.then(|| string(fields, "agentId").unwrap_or("subagent").to_owned());
        Ok(Known {
            header: Header {
                at: string(fields, "timestamp").map(str::to_owned),
                session: string(fields, "sessionId").map(str::to_owned),
                subagent,
            },
            events,
        })
    }
}

fn user(fields: &Map<String, Value>) -> Vec<Event> {
    let content = fields.get("message").and_then(|message| message.get("content"));
    let mut events = Vec::new();
    match content {
        Some(Value::String(text)) => prompt(fields, text, &mut events),
        Some(Value::Array(blocks)) => {
            for block in blocks.iter().filter_map(Value::as_object) {
                match string(block, "type") {
                    Some("text") => {
                        prompt(fields, string(block, "text").unwrap_or_default(), &mut events);
                    }
                    Some("tool_result") => result(fields, block, &mut events),
                    // Pictures and documents.
                    _ => {}
                }
            }
        }
        _ => {}
    }
    events
}

/// Text in the user's role, outside of results.
fn prompt(fields: &Map<String, Value>, text: &str, events: &mut Vec<Event>) {
    if text.trim().is_empty() {
        return;
    }
    if flag(fields, "isCompactSummary") {
        return events.push(Event::Summary { text: text.to_owned() });
    }
    let by_person = !flag(fields, "isMeta")
        && !flag(fields, "isSidechain")
        && !fields.contains_key("agentId")
        && !fields.contains_key("planContent")
        && comes_from_a_person(fields);
    for part in said::take_apart(text) {
        events.push(match part {
            Said::User(text) if by_person => Event::User { text },
            Said::User(text) | Said::Meta(text) => Event::Meta { text },
            Said::Summary(text) => Event::Summary { text },
            Said::Interrupted => Event::Interrupted,
        });
    }
}

/// Newer versions say where a prompt comes from, in one field or another. Absent is a person.
fn comes_from_a_person(fields: &Map<String, Value>) -> bool {
    ["promptSource", "turnOrigin", "origin"].iter().all(|field| {
        let origin = match fields.get(*field) {
            None | Some(Value::Null) => return true,
            Some(Value::Object(origin)) => string(origin, "kind"),
            Some(other) => other.as_str(),
        };
        origin.is_some_and(|origin| PEOPLE.contains(&origin))
    })
}

fn result(fields: &Map<String, Value>, block: &Map<String, Value>, events: &mut Vec<Event>) {
    let text = plain(block.get("content"));
    let is_error = flag(block, "is_error");
    let outcome = outcome(fields, &text, is_error);
    events.push(Event::Result {
        id: string(block, "tool_use_id").map(str::to_owned),
        text: text.clone(),
        is_error,
        outcome: outcome.map(|(outcome, _)| outcome),
    });
    // A refusal may carry what the person typed. It is theirs for sure only where the transcript
    // records that a person refused: a tool can print the same words.
    let Some((outcome, recorded)) = outcome else { return };
    if let Some(words) = outcome::words_of_refusal(&text) {
        let text = words.to_owned();
        let refused_by_person = !outcome.accepted && outcome.by == Decider::Person;
        events.push(if recorded && refused_by_person {
            Event::User { text }
        } else {
            Event::Meta { text }
        });
    }
}

fn assistant(fields: &Map<String, Value>) -> Result<Vec<Event>, String> {
    let content = fields.get("message").and_then(|message| message.get("content"));
    let Some(Value::Array(blocks)) = content else { return Ok(Vec::new()) };
    let mut events = Vec::new();
    for block in blocks.iter().filter_map(Value::as_object) {
        if !matches!(string(block, "type"), Some("tool_use" | "server_tool_use" | "mcp_tool_use")) {
            continue;
        }
        let (Some(tool), Some(input)) = (string(block, "name"), block.get("input")) else {
            return Err("a tool call without a name or an input; it was not judged".to_owned());
        };
        events.push(Event::Call {
            id: string(block, "id").map(str::to_owned),
            tool: tool.to_owned(),
            input: input.clone(),
            cwd: string(fields, "cwd").map(str::to_owned),
        });
    }
    Ok(events)
}

/// Prompts that waited in the queue while the agent worked, and what hooks added.
fn attachment(fields: &Map<String, Value>) -> Vec<Event> {
    let Some(attachment) = fields.get("attachment").and_then(Value::as_object) else {
        return Vec::new();
    };
    let mut events = Vec::new();
    match string(attachment, "type") {
        Some("queued_command") => {
            let text = plain(attachment.get("prompt"));
            let mode = string(attachment, "commandMode").unwrap_or("prompt");
            let typed = mode == "prompt" && comes_from_a_person(attachment);
            if typed && !flag(attachment, "isMeta") {
                prompt(fields, &text, &mut events);
            } else if !text.trim().is_empty() {
                events.push(Event::Meta { text });
            }
        }
        Some("hook_additional_context" | "hook_blocking_error" | "hook_stopped_continuation") => {
            let text = plain(attachment.get("content"));
            if !text.trim().is_empty() {
                events.push(Event::Meta { text });
            }
        }
        _ => {}
    }
    events
}
