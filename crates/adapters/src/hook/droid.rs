//! Factory Droid's hooks: those of Claude Code.

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
        claude_form(event, answer)
    }

    fn decides(&self, event: &str) -> bool {
        NAMES.decides(event)
    }

    fn before_call(&self) -> &'static str {
        "PreToolUse"
    }
}
