//! Windsurf's hooks: events before and after each kind of action, and no answer but an exit code.
//!
//! What should be asked about is refused.

use serde_json::Value;

use super::message::{About, Message, prompt, unpacked};
use super::{Answer, Beginning, Dialect, HookAgent, HookEvent, HookInput, MalformedHook, Reply};

pub(super) struct Windsurf;

/// Before an action; the tools of Windsurf are known by these names, too.
const BEFORE: &[&str] = &["pre_run_command", "pre_write_code", "pre_read_code", "pre_mcp_tool_use"];

impl Dialect for Windsurf {
    fn read(&self, input: &[u8]) -> Result<HookInput, MalformedHook> {
        let mut message = Message::parse(HookAgent::Windsurf, input)?;
        let name = message.name(&["agent_action_name"])?;
        let session = message.need(&["trajectory_id"])?;
        let call = message.text(&["execution_id"]);
        let info = message.value("tool_info").cloned().unwrap_or(Value::Null);
        let folder = info.get("cwd").and_then(Value::as_str).filter(|cwd| cwd.starts_with('/'));
        let cwd = folder.map(str::to_owned);
        let about = About { session: &session, cwd: cwd.as_deref(), call: None, subagent: None };
        let event = if BEFORE.contains(&name.as_str()) {
            let action = message.action(name.clone(), unpacked(info), about);
            HookEvent::Before { action, call }
        } else if name == "pre_user_prompt" {
            prompt(info.get("user_prompt").and_then(Value::as_str).unwrap_or_default())
        } else {
            HookEvent::Other
        };
        Ok(HookInput { name, session, cwd, transcript: None, subagent: None, event })
    }

    fn reply(&self, event: &str, answer: &Answer) -> Reply {
        match answer {
            Answer::Deny { reason } | Answer::Ask { reason } if self.decides(event) => {
                Reply::silent().refusing(reason)
            }
            _ => Reply::silent(),
        }
    }

    fn decides(&self, event: &str) -> bool {
        BEFORE.contains(&event)
    }

    fn before_call(&self) -> &'static str {
        "pre_run_command"
    }

    fn beginning(&self) -> Beginning {
        Beginning::Prompt
    }
}
