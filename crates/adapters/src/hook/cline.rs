//! Cline's hooks: one executable file for each event, and `cancel` as the only answer.
//!
//! It takes failures for a denial, and silence for permission. What should be asked about is refused.

use serde_json::{Value, json};

use super::message::{About, Message, prompt, unpacked};
use super::{Answer, Dialect, HookAgent, HookEvent, HookInput, MalformedHook, Reply};

pub(super) struct Cline;

impl Dialect for Cline {
    fn read(&self, input: &[u8]) -> Result<HookInput, MalformedHook> {
        let mut message = Message::parse(HookAgent::Cline, input)?;
        let mut name = message.name(&["hookName"])?;
        // Its command line has names of its own for events; a call that is to come is one under any name.
        if message.value("preToolUse").is_some() {
            name = "PreToolUse".to_owned();
        }
        let session = message.need(&["taskId"])?;
        let roots = message.value("workspaceRoots").and_then(Value::as_array);
        let cwd = roots.and_then(|roots| roots.first()?.as_str()).map(str::to_owned);
        let part = |field: &str| message.value(field).cloned().unwrap_or(Value::Null);
        let call = |field: &str| {
            let call = part(field);
            let tool = call.get("toolName").and_then(Value::as_str).map(str::to_owned);
            let input = call.get("parameters").cloned().unwrap_or(Value::Null);
            let about =
                About { session: &session, cwd: cwd.as_deref(), call: None, subagent: None };
            let tool = tool.ok_or_else(|| message.missing(&["toolName"]))?;
            Ok(message.action(tool, unpacked(input), about))
        };
        let event = match name.as_str() {
            "PreToolUse" | "tool_call" => {
                HookEvent::Before { action: call("preToolUse")?, call: None }
            }
            "PostToolUse" | "tool_result" => HookEvent::After {
                action: call("postToolUse")?,
                call: None,
                response: Value::Null,
                failed: part("postToolUse").get("success") == Some(&Value::Bool(false)),
            },
            "UserPromptSubmit" => {
                let said = part("userPromptSubmit");
                prompt(said.get("prompt").and_then(Value::as_str).unwrap_or_default())
            }
            "TaskStart" => HookEvent::Start { source: "startup".to_owned() },
            "TaskResume" => HookEvent::Start { source: "resume".to_owned() },
            "TaskCancel" | "TaskComplete" => HookEvent::End,
            _ => HookEvent::Other,
        };
        Ok(HookInput { name, session, cwd, transcript: None, subagent: None, event })
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
        matches!(event, "PreToolUse" | "tool_call")
    }

    fn before_call(&self) -> &'static str {
        "PreToolUse"
    }
}
