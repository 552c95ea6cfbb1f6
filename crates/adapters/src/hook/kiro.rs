//! Kiro's hooks.
//!
//! They know no answer but an exit code, and name no session: all that happens in one folder is one.
//! What should be asked about is refused.

use super::claude_like::Names;
use super::{Answer, Dialect, HookAgent, HookInput, MalformedHook, Reply};

pub(super) struct Kiro;

const NAMES: Names = Names {
    before: &["preToolUse", "PreToolUse"],
    permission: &[],
    after: &["postToolUse", "PostToolUse"],
    failed: &[],
    prompt: &["userPromptSubmit", "UserPromptSubmit"],
    start: &["agentSpawn", "AgentSpawn"],
    end: &["stop", "Stop"],
    has_session: false,
};

impl Dialect for Kiro {
    fn read(&self, input: &[u8]) -> Result<HookInput, MalformedHook> {
        NAMES.read(HookAgent::Kiro, input)
    }

    fn reply(&self, event: &str, answer: &Answer) -> Reply {
        match answer {
            Answer::Deny { reason } | Answer::Ask { reason } if NAMES.before.contains(&event) => {
                Reply::silent().refusing(reason)
            }
            _ => Reply::silent(),
        }
    }

    fn decides(&self, event: &str) -> bool {
        NAMES.decides(event)
    }

    fn before_call(&self) -> &'static str {
        "preToolUse"
    }
}
