//! OpenCode's plugin, which speaks to the gate in messages of our own making: those of Claude Code.
//!
//! A plugin can only throw, so what should be asked about is refused.

use ringfence_action::Action;
use serde_json::json;

use super::claude_like::Names;
use super::{Answer, Beginning, Dialect, HookAgent, HookInput, MalformedHook, Replacement, Reply};

pub(super) struct OpenCode;

const NAMES: Names = Names {
    before: &["PreToolUse"],
    permission: &[],
    after: &["PostToolUse"],
    failed: &[],
    prompt: &["UserPromptSubmit"],
    start: &["SessionStart"],
    end: &["SessionEnd"],
    has_session: true,
};

impl Dialect for OpenCode {
    fn read(&self, input: &[u8]) -> Result<HookInput, MalformedHook> {
        NAMES.read(HookAgent::OpenCode, input)
    }

    /// The plugin goes on only where it reads `allow`.
    fn reply(&self, event: &str, answer: &Answer) -> Reply {
        match answer {
            Answer::Deny { reason } | Answer::Ask { reason } if self.decides(event) => {
                Reply::line(&json!({"decision": "deny", "reason": reason})).refusing(reason)
            }
            Answer::Rewrite { input, .. } => {
                Reply::line(&json!({"decision": "allow", "args": input}))
            }
            Answer::Replace(Replacement { text, .. }) if !self.decides(event) => {
                Reply::line(&json!({"decision": "allow", "output": text}))
            }
            // The plugin then answers what OpenCode asks its user about this call.
            Answer::Allow { .. } if self.decides(event) => {
                Reply::line(&json!({"decision": "approve"}))
            }
            _ => Reply::line(&json!({"decision": "allow"})),
        }
    }

    fn decides(&self, event: &str) -> bool {
        NAMES.decides(event)
    }

    fn shell_code<'a>(&self, action: &'a Action) -> Option<&'a str> {
        let is_shell = action.tool == "bash";
        is_shell.then(|| action.input.get("command")?.as_str()).flatten()
    }

    fn before_call(&self) -> &'static str {
        "PreToolUse"
    }

    fn beginning(&self) -> Beginning {
        Beginning::Prompt
    }
}
