//! Kimi Code's hooks: those of Claude Code, of which only two kinds of event stop anything.
//!
//! It cannot ask from here, and only tells when it asks its user: what should be asked about is refused.

use serde_json::json;

use super::claude_like::Names;
use super::{Answer, Dialect, HookAgent, HookInput, MalformedHook, Reply};

pub(super) struct Kimi;

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

impl Dialect for Kimi {
    fn read(&self, input: &[u8]) -> Result<HookInput, MalformedHook> {
        NAMES.read(HookAgent::Kimi, input)
    }

    fn reply(&self, event: &str, answer: &Answer) -> Reply {
        match answer {
            Answer::Deny { reason } | Answer::Ask { reason } if self.decides(event) => {
                Reply::line(&json!({"hookSpecificOutput": {
                    "hookEventName": event,
                    "permissionDecision": "deny",
                    "permissionDecisionReason": reason,
                }}))
                .refusing(reason)
            }
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
