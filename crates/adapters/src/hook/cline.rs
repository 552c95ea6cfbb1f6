//! Cline's hooks: one executable file for each event, and `cancel` as the only answer.
//!
//! It takes failures for a denial, and silence for permission. What should be asked about is refused. Its
//! command line has names of its own for events, and says a call twice: once as the tool takes it, and once
//! as the editor does, with every value as text.

use serde_json::{Map, Value, json};

use super::message::{About, Message, prompt};
use super::{Answer, Dialect, HookAgent, HookEvent, HookInput, MalformedHook, Reply, strict};

pub(super) struct Cline;

/// Before a call, in the editor and on the command line.
const BEFORE: &[&str] = &["PreToolUse", "tool_call"];

/// Events that are known to come beside calls. What is not known may be the next name of a call: it is
/// refused.
const BESIDE: &[&str] = &[
    "PostToolUse",
    "tool_result",
    "UserPromptSubmit",
    "prompt_submit",
    "TaskStart",
    "agent_start",
    "TaskResume",
    "agent_resume",
    "TaskCancel",
    "TaskComplete",
    "session_shutdown",
    "agent_abort",
    "agent_end",
    "agent_error",
    "PreCompact",
    "pre_compact",
    "Notification",
];

impl Dialect for Cline {
    fn read(&self, input: &[u8]) -> Result<HookInput, MalformedHook> {
        let mut message = Message::parse(HookAgent::Cline, input)?;
        let mut name = message.name(&["hookName"])?;
        // A call that is to come is one under any name.
        if message.value("preToolUse").is_some() || message.value("tool_call").is_some() {
            name = "PreToolUse".to_owned();
            message.event = Some(name.clone());
        }
        let session = message.need(&["taskId"])?;
        let roots = message.value("workspaceRoots").and_then(Value::as_array);
        let cwd = roots.and_then(|roots| roots.first()?.as_str()).map(str::to_owned);
        let subagent = message.text(&["parent_agent_id"]).and(message.text(&["agent_id"]));
        let part = |field: &str| message.value(field).cloned().unwrap_or(Value::Null);
        let call = |own: &str, editors: &str| {
            let told = Told::of(&message, own, editors)?;
            let about = About {
                session: &session,
                cwd: cwd.as_deref(),
                call: told.id.as_deref(),
                subagent: subagent.as_deref(),
            };
            let action = message.action(told.tool, told.input, about);
            Ok::<_, MalformedHook>((action, told.id))
        };
        let event = match name.as_str() {
            "PreToolUse" | "tool_call" => {
                let (action, call) = call("tool_call", "preToolUse")?;
                HookEvent::Before { action, call }
            }
            "PostToolUse" | "tool_result" => {
                let (action, call) = call("tool_result", "postToolUse")?;
                let (own, editors) = (part("tool_result"), part("postToolUse"));
                let response = own.get("output").or_else(|| editors.get("result")).cloned();
                let failed = own.get("error").is_some_and(|error| !error.is_null())
                    || editors.get("success") == Some(&Value::Bool(false));
                let response = response.unwrap_or(Value::Null);
                HookEvent::After { action, call, response, failed }
            }
            "UserPromptSubmit" | "prompt_submit" => {
                let said = part("userPromptSubmit");
                prompt(said.get("prompt").and_then(Value::as_str).unwrap_or_default())
            }
            "TaskStart" | "agent_start" => HookEvent::Start { source: "startup".to_owned() },
            "TaskResume" | "agent_resume" => HookEvent::Start { source: "resume".to_owned() },
            "TaskCancel" | "TaskComplete" | "session_shutdown" => HookEvent::End,
            known if BESIDE.contains(&known) => HookEvent::Other,
            _ => return Err(message.malformed(format!("`{name}` is no event that is known"))),
        };
        Ok(HookInput { name, session, cwd, transcript: None, subagent, event })
    }

    fn reply(&self, event: &str, answer: &Answer) -> Reply {
        match answer {
            Answer::Deny { reason } | Answer::Ask { reason } if self.decides(event) => {
                Reply::line(&json!({"cancel": true, "errorMessage": reason})).refusing(reason)
            }
            Answer::Context { text } => {
                Reply::line(&json!({"cancel": false, "contextModification": text}))
            }
            _ => Reply::line(&json!({"cancel": false})),
        }
    }

    fn decides(&self, event: &str) -> bool {
        BEFORE.contains(&event) || !BESIDE.contains(&event)
    }

    fn before_call(&self) -> &'static str {
        "PreToolUse"
    }
}

/// What is told of one call.
struct Told {
    tool: String,
    input: Value,
    id: Option<String>,
}

impl Told {
    /// As the tool takes it, where that is told; else as the editor's form has it.
    fn of(message: &Message, own: &str, editors: &str) -> Result<Self, MalformedHook> {
        let text = |part: &Value, name: &str| {
            part.get(name).and_then(Value::as_str).filter(|it| !it.is_empty()).map(str::to_owned)
        };
        let editors = message.value(editors);
        let Some(own) = message.value(own) else {
            let part = editors.unwrap_or(&Value::Null);
            let tool = text(part, "toolName").ok_or_else(|| message.missing(&["toolName"]))?;
            let input = part.get("parameters").cloned().unwrap_or(Value::Null);
            return Ok(Self { tool, input: out_of_text(input), id: None });
        };
        let tool = text(own, "name").ok_or_else(|| message.missing(&["name"]))?;
        if editors.and_then(|part| text(part, "toolName")).is_some_and(|other| other != tool) {
            return Err(message.malformed("two different tools are named".to_owned()));
        }
        let input = own.get("input").cloned().ok_or_else(|| message.missing(&["input"]))?;
        Ok(Self { tool, input, id: text(own, "id") })
    }
}

/// Parameters whose lists and objects were made text, as lists and objects again.
fn out_of_text(parameters: Value) -> Value {
    let unpacked = |value: Value| match &value {
        Value::String(text) => match strict::from_slice(text.as_bytes()) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => inner,
            _ => value,
        },
        _ => value,
    };
    match unpacked(parameters) {
        Value::Object(fields) => {
            let fields: Map<String, Value> =
                fields.into_iter().map(|(name, value)| (name, unpacked(value))).collect();
            Value::Object(fields)
        }
        other => other,
    }
}
