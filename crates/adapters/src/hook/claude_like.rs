//! Agents that took over the messages of Claude Code: the same object, in which names differ.
//!
//! What they take for an answer differs more than what they send, so each has answers of its own.

use std::io::{self, BufRead};

use serde_json::Value;

use super::message::{About, Message, prompt, unpacked};
use super::{HookAgent, HookEvent, HookInput, MalformedHook, Typed};
use crate::transcript::{Entry, Event, Format, Reader};

/// The names of one agent.
pub(super) struct Names {
    /// Before a call: the event that can stop it.
    pub(super) before: &'static [&'static str],
    /// The agent is about to ask its user.
    pub(super) permission: &'static [&'static str],
    /// A call has run.
    pub(super) after: &'static [&'static str],
    /// A call has run and failed.
    pub(super) failed: &'static [&'static str],
    /// The user said something.
    pub(super) prompt: &'static [&'static str],
    /// The session begins.
    pub(super) start: &'static [&'static str],
    /// The session ends.
    pub(super) end: &'static [&'static str],
    /// Whether every message names its session.
    pub(super) has_session: bool,
}

/// Fields, as written with underscores and in camel case: agents mix them, even in one session.
const EVENT: &[&str] = &["hook_event_name", "hookEventName", "hookName"];
const SESSION: &[&str] = &["session_id", "sessionId"];
const FOLDER: &[&str] = &["cwd", "workspaceRoot"];
const TRANSCRIPT: &[&str] = &["transcript_path", "transcriptPath"];
const SUBAGENT: &[&str] = &["agent_id", "agentId"];
const TOOL: &[&str] = &["tool_name", "toolName"];
const INPUT: &[&str] = &["tool_input", "toolInput", "toolArgs"];
const CALL: &[&str] = &["tool_use_id", "toolUseId", "tool_call_id"];
const RESPONSE: &[&str] =
    &["tool_response", "toolResponse", "tool_result", "toolResult", "tool_output"];

impl Names {
    pub(super) fn read(&self, agent: HookAgent, input: &[u8]) -> Result<HookInput, MalformedHook> {
        let mut message = Message::parse(agent, input)?;
        let name = message.name(EVENT)?;
        let cwd = message.folder(FOLDER)?;
        let session = match message.text(SESSION).filter(|id| !id.is_empty()) {
            Some(session) => session,
            // One folder is one session where the agent tells no more.
            None if !self.has_session => cwd.clone().ok_or_else(|| message.missing(&["cwd"]))?,
            None => return Err(message.missing(SESSION)),
        };
        let event = self.event(&name, &session, cwd.as_deref(), &message)?;
        Ok(HookInput {
            session,
            cwd,
            transcript: message.text(TRANSCRIPT),
            subagent: message.text(SUBAGENT),
            name,
            event,
        })
    }

    fn event(
        &self,
        name: &str,
        session: &str,
        cwd: Option<&str>,
        message: &Message,
    ) -> Result<HookEvent, MalformedHook> {
        let call = message.text(CALL);
        let action = || {
            let tool = message.need(TOOL)?;
            let input = INPUT.iter().find_map(|field| message.value(field)).cloned();
            let input = input.ok_or_else(|| message.missing(INPUT))?;
            let subagent = message.text(SUBAGENT);
            let about =
                About { session, cwd, call: call.as_deref(), subagent: subagent.as_deref() };
            Ok(message.action(tool, unpacked(input), about))
        };
        let is = |names: &[&str]| names.contains(&name);
        Ok(if is(self.before) {
            HookEvent::Before { action: action()?, call: call.clone() }
        } else if is(self.permission) {
            HookEvent::Permission { action: action()? }
        } else if is(self.after) || is(self.failed) {
            let response = RESPONSE.iter().find_map(|field| message.value(field)).cloned();
            HookEvent::After {
                action: action()?,
                call: call.clone(),
                response: response.unwrap_or(Value::Null),
                failed: is(self.failed),
            }
        } else if is(self.prompt) {
            prompt(&message.said("prompt")?)
        } else if is(self.start) {
            let source = message.text(&["source"]).unwrap_or_default();
            HookEvent::Start { source: if source == "new" { "startup".to_owned() } else { source } }
        } else if is(self.end) {
            HookEvent::End
        } else if name == "ConfigChange" {
            HookEvent::ConfigChange {
                source: message.text(&["source"]).unwrap_or_default(),
                path: message.text(&["file_path"]),
            }
        } else {
            HookEvent::Other
        })
    }

    pub(super) fn decides(&self, event: &str) -> bool {
        self.before.contains(&event) || self.permission.contains(&event)
    }
}

/// What people typed, as lines of a transcript in this format have it. `counts`: which lines are looked at.
/// Not every format names the session in each line; the file's name has it then.
pub(super) fn typed<F: Format + Default>(
    transcript: &mut dyn BufRead,
    session: &str,
    call: Option<&str>,
    counts: impl Fn(&[u8]) -> bool,
) -> Typed {
    let mut typed = Typed::default();
    let lines = transcript.split(b'\n').map_while(Result::ok);
    let counted: Vec<Vec<u8>> = lines.filter(|line| counts(line)).collect();
    // What cannot be read says nothing.
    let reader: Reader<_, F> = Reader::new(io::Cursor::new(counted.join(&b'\n')));
    let entries = reader.filter_map(Result::ok);
    let is_of_session = |it: &Entry| it.session.as_deref().is_none_or(|named| named == session);
    for Entry { event, .. } in entries.filter(is_of_session) {
        match event {
            Event::User { text } => typed.words.push(text),
            Event::Result { id: Some(id), .. } => typed.done.push(id),
            Event::Call { id, .. } => typed.has_call |= call.is_some() && id.as_deref() == call,
            _ => {}
        }
    }
    typed
}
