//! Qwen Code's hooks: those of Claude Code, without a word when a session begins.
//!
//! A timeout below 1,000 is read as milliseconds by some versions, and a hook that is cut off lets the
//! call run: the registration must not say ten and mean seconds.

use serde_json::{Value, json};

use super::claude_like::Names;
use super::{Answer, Beginning, Dialect, HookAgent, HookInput, MalformedHook, Reply};

pub(super) struct QwenCode;

const NAMES: Names = Names {
    before: &["PreToolUse"],
    permission: &["PermissionRequest"],
    after: &["PostToolUse"],
    failed: &["PostToolUseFailure"],
    prompt: &["UserPromptSubmit"],
    start: &["SessionStart"],
    end: &["SessionEnd"],
    has_session: true,
};

impl Dialect for QwenCode {
    fn read(&self, input: &[u8]) -> Result<HookInput, MalformedHook> {
        NAMES.read(HookAgent::QwenCode, input)
    }

    fn reply(&self, event: &str, answer: &Answer) -> Reply {
        claude_form(event, answer)
    }

    fn decides(&self, event: &str) -> bool {
        NAMES.decides(event)
    }

    fn mark_of_tool_calls(&self) -> Option<&'static str> {
        Some("QWEN_CODE")
    }

    fn before_call(&self) -> &'static str {
        "PreToolUse"
    }

    fn beginning(&self) -> Beginning {
        Beginning::Prompt
    }
}

/// Answers in the form of Claude Code, for agents that take it and rewrite nothing.
pub(super) fn claude_form(event: &str, answer: &Answer) -> Reply {
    let line = |output: Value| Reply::line(&json!({"hookSpecificOutput": output}));
    let decision = |decision: &str, reason: &str| {
        line(json!({
            "hookEventName": event,
            "permissionDecision": decision,
            "permissionDecisionReason": reason,
        }))
    };
    match (event, answer) {
        ("PreToolUse", Answer::Deny { reason }) => decision("deny", reason).refusing(reason),
        ("PreToolUse", Answer::Ask { reason }) => decision("ask", reason),
        ("PreToolUse", Answer::Allow { reason }) => decision("allow", reason),
        ("PermissionRequest", Answer::Deny { reason }) => line(json!({
            "hookEventName": event,
            "decision": {"behavior": "deny", "message": reason},
        }))
        .refusing(reason),
        ("PermissionRequest", Answer::Allow { .. }) => {
            line(json!({"hookEventName": event, "decision": {"behavior": "allow"}}))
        }
        _ => Reply::silent(),
    }
}
