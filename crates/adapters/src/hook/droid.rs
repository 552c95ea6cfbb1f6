//! Factory Droid's hooks: those of Claude Code.
//!
//! A question is taken for no answer, whatever the agent would do then, so what should be asked about is
//! refused. A failing hook and one that is too slow are passed over; exit code 3 ends the agent.

use ringfence_action::Action;
use serde_json::json;

use super::claude_like::Names;
use super::qwen_code::claude_form;
use super::{Answer, Dialect, HookAgent, HookInput, MalformedHook, Reply};

pub(super) struct Droid;

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

impl Dialect for Droid {
    fn read(&self, input: &[u8]) -> Result<HookInput, MalformedHook> {
        NAMES.read(HookAgent::Droid, input)
    }

    fn reply(&self, event: &str, answer: &Answer) -> Reply {
        match answer {
            Answer::Ask { reason } if self.decides(event) => {
                claude_form(event, &Answer::Deny { reason: reason.clone() })
            }
            // What is not named stays as it was. Without a decision its own prompts apply.
            Answer::Rewrite { input, reason, decided } if self.decides(event) => {
                Reply::line(&json!({"hookSpecificOutput": if *decided {
                    json!({
                        "hookEventName": event,
                        "permissionDecision": "allow",
                        "permissionDecisionReason": reason,
                        "updatedInput": input,
                    })
                } else {
                    json!({"hookEventName": event, "updatedInput": input})
                }}))
            }
            _ => claude_form(event, answer),
        }
    }

    fn decides(&self, event: &str) -> bool {
        NAMES.decides(event)
    }

    fn before_call(&self) -> &'static str {
        "PreToolUse"
    }

    fn shell_code<'a>(&self, action: &'a Action) -> Option<&'a str> {
        let is_shell = action.tool == "Execute";
        is_shell.then(|| action.input.get("command")?.as_str()).flatten()
    }
}
