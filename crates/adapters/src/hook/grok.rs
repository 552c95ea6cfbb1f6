//! Grok CLI's hooks: the messages of Claude Code in camel case, and a flat answer.

use serde_json::json;

use super::claude_like::Names;
use super::{Answer, Dialect, HookAgent, HookInput, MalformedHook, Reply};

pub(super) struct Grok;

const NAMES: Names = Names {
    before: &["PreToolUse"],
    permission: &[],
    after: &["PostToolUse"],
    failed: &["PostToolUseFailure"],
    prompt: &["UserPromptSubmit"],
    start: &["SessionStart"],
    end: &["SessionEnd"],
    has_session: true,
};

impl Dialect for Grok {
    fn read(&self, input: &[u8]) -> Result<HookInput, MalformedHook> {
        NAMES.read(HookAgent::Grok, input)
    }

    fn reply(&self, event: &str, answer: &Answer) -> Reply {
        let decision = |decision: &str, reason: &str| {
            Reply::line(&json!({
                "decision": decision,
                "reason": reason,
                "hookSpecificOutput": {
                    "hookEventName": event,
                    "permissionDecision": decision,
                    "permissionDecisionReason": reason,
                },
            }))
        };
        match (event, answer) {
            ("PreToolUse", Answer::Deny { reason }) => decision("deny", reason).refusing(reason),
            ("PreToolUse", Answer::Ask { reason }) => decision("ask", reason),
            ("PreToolUse", Answer::Allow { reason }) => decision("allow", reason),
            _ => Reply::silent(),
        }
    }

    fn decides(&self, event: &str) -> bool {
        NAMES.decides(event)
    }

    fn before_call(&self) -> &'static str {
        "PreToolUse"
    }
}
