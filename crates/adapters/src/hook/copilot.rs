//! GitHub Copilot's hooks, on the command line and in VS Code.
//!
//! Registered in capital letters, they come as Claude Code's do; a request for permission comes in camel
//! case all the same. The command line reads a flat answer and VS Code a nested one, so both are given; but
//! a denial is flat alone, since with exit code 2 the command line loses the reason of one that has both.

use ringfence_action::Action;
use serde_json::json;

use super::claude_like::Names;
use super::{Answer, Beginning, Dialect, HookAgent, HookInput, MalformedHook, Replacement, Reply};

pub(super) struct Copilot;

const NAMES: Names = Names {
    before: &["PreToolUse", "preToolUse"],
    permission: &["PermissionRequest", "permissionRequest"],
    after: &["PostToolUse", "postToolUse"],
    failed: &["PostToolUseFailure", "postToolUseFailure"],
    prompt: &["UserPromptSubmit", "userPromptSubmitted"],
    start: &["SessionStart", "sessionStart"],
    end: &["SessionEnd", "sessionEnd"],
    has_session: true,
};

impl Dialect for Copilot {
    fn read(&self, input: &[u8]) -> Result<HookInput, MalformedHook> {
        NAMES.read(HookAgent::Copilot, input)
    }

    fn reply(&self, event: &str, answer: &Answer) -> Reply {
        let decision = |decision: &str, reason: &str| {
            Reply::line(&json!({
                "permissionDecision": decision,
                "permissionDecisionReason": reason,
                "hookSpecificOutput": {
                    "hookEventName": event,
                    "permissionDecision": decision,
                    "permissionDecisionReason": reason,
                },
            }))
        };
        let before = NAMES.before.contains(&event);
        let permission = NAMES.permission.contains(&event);
        match answer {
            Answer::Deny { reason } if before => Reply::line(&json!({
                "permissionDecision": "deny",
                "permissionDecisionReason": reason,
            }))
            .refusing(reason),
            Answer::Ask { reason } if before => decision("ask", reason),
            Answer::Rewrite { input, reason, decided } if before => Reply::line(&if *decided {
                json!({
                    "permissionDecision": "allow",
                    "permissionDecisionReason": reason,
                    "modifiedArgs": input,
                })
            } else {
                json!({"modifiedArgs": input})
            }),
            Answer::Allow { reason } if before => decision("allow", reason),
            Answer::Deny { reason } if permission => {
                Reply::line(&json!({"behavior": "deny", "message": reason})).refusing(reason)
            }
            Answer::Replace(Replacement { text, .. }) if NAMES.after.contains(&event) => {
                Reply::line(&json!({
                    "modifiedResult": {"resultType": "success", "textResultForLlm": text},
                }))
            }
            Answer::Allow { .. } if permission => Reply::line(&json!({"behavior": "allow"})),
            _ => Reply::silent(),
        }
    }

    fn decides(&self, event: &str) -> bool {
        NAMES.decides(event)
    }

    /// It does not wait for the hook that says that a session begins: a prompt may be here first.
    fn beginning(&self) -> Beginning {
        Beginning::PromptBesideStart
    }

    fn keeps_folder(&self) -> bool {
        true
    }

    /// On the command line alone: it asks about a call whose changed input also stands where VS Code reads it.
    fn shell_code<'a>(&self, action: &'a Action) -> Option<&'a str> {
        let is_shell = matches!(action.tool.as_str(), "Bash" | "bash");
        is_shell.then(|| action.input.get("command")?.as_str()).flatten()
    }

    fn mark_of_tool_calls(&self) -> Option<&'static str> {
        Some("COPILOT_AGENT_SESSION_ID")
    }

    fn before_call(&self) -> &'static str {
        "PreToolUse"
    }
}
