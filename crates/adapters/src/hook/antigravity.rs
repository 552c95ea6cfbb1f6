//! Antigravity's hooks: camel case, the call in one object, and a decision that it waits for.
//!
//! Without a decision it asks its user, so that silence is the cautious answer.

use serde_json::{Value, json};

use super::message::{About, Message, unpacked};
use super::{Answer, Beginning, Dialect, HookAgent, HookEvent, HookInput, MalformedHook, Reply};

pub(super) struct Antigravity;

impl Dialect for Antigravity {
    fn read(&self, input: &[u8]) -> Result<HookInput, MalformedHook> {
        let mut message = Message::parse(HookAgent::Antigravity, input)?;
        // The name of the event is not in every version's message; a call is before it has a result.
        let named = message.text(&["hookEventName", "hook_event_name"]);
        let name = named.unwrap_or_else(|| self.before_call().to_owned());
        message.event = Some(name.clone());
        let session = message.need(&["conversationId"])?;
        let roots = message.value("workspacePaths").and_then(Value::as_array);
        let root = roots.and_then(|roots| roots.first()?.as_str()).map(str::to_owned);
        let call = message.value("toolCall").cloned().unwrap_or(Value::Null);
        let step = message.value("stepIdx").map(Value::to_string);
        let action = || {
            let tool = call.get("name").and_then(Value::as_str).map(str::to_owned);
            let tool = tool.ok_or_else(|| message.missing(&["toolCall"]))?;
            let input = unpacked(call.get("args").cloned().unwrap_or(Value::Null));
            let folder = input.get("Cwd").and_then(Value::as_str).map(str::to_owned);
            let cwd = folder.filter(|cwd| cwd.starts_with('/')).or_else(|| root.clone());
            let about = About {
                session: &session,
                cwd: cwd.as_deref(),
                call: step.as_deref(),
                subagent: None,
            };
            Ok(message.action(tool, input, about))
        };
        let event = match name.as_str() {
            "PreToolUse" => HookEvent::Before { action: action()?, call: step.clone() },
            _ => HookEvent::Other,
        };
        let transcript = message.text(&["transcriptPath"]);
        Ok(HookInput { name, session, cwd: root, transcript, subagent: None, event })
    }

    fn reply(&self, event: &str, answer: &Answer) -> Reply {
        let decision = |decision: &str, reason: &str| {
            Reply::line(&json!({"decision": decision, "reason": reason}))
        };
        match answer {
            Answer::Deny { reason } if self.decides(event) => {
                decision("deny", reason).refusing(reason)
            }
            Answer::Ask { reason } if self.decides(event) => decision("force_ask", reason),
            Answer::Allow { reason } if self.decides(event) => decision("auto_approve", reason),
            _ => Reply::silent(),
        }
    }

    fn decides(&self, event: &str) -> bool {
        event == self.before_call()
    }

    fn before_call(&self) -> &'static str {
        "PreToolUse"
    }

    fn beginning(&self) -> Beginning {
        Beginning::Anything
    }
}
