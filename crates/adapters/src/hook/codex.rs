//! Codex' hooks.
//!
//! Its answers are checked against a schema: one field too many, or an empty reason, and the call runs.
//! It cannot ask from here, so what should be asked about is refused; where it asks its user on its
//! own account, `PermissionRequest` says so and only a denial or a decision that was wanted speaks.

use std::io::BufRead;

use ringfence_action::Action;
use serde_json::{Value, json};

use super::claude_like::{self, Names};
use super::{Answer, Dialect, HookAgent, HookInput, MalformedHook, Replacement, Reply, Typed};
use crate::transcript::codex;

pub(super) struct Codex;

const NAMES: Names = Names {
    before: &["PreToolUse"],
    permission: &["PermissionRequest"],
    after: &["PostToolUse"],
    failed: &[],
    prompt: &["UserPromptSubmit"],
    start: &["SessionStart"],
    end: &["SessionEnd"],
    has_session: true,
};

impl Dialect for Codex {
    fn read(&self, input: &[u8]) -> Result<HookInput, MalformedHook> {
        NAMES.read(HookAgent::Codex, input)
    }

    fn reply(&self, event: &str, answer: &Answer) -> Reply {
        let line = |output: Value| Reply::line(&json!({"hookSpecificOutput": output}));
        match (event, answer) {
            ("PreToolUse", Answer::Deny { reason } | Answer::Ask { reason }) => line(json!({
                "hookEventName": event,
                "permissionDecision": "deny",
                "permissionDecisionReason": reason,
            }))
            .refusing(reason),
            ("PermissionRequest", Answer::Deny { reason }) => line(json!({
                "hookEventName": event,
                "decision": {"behavior": "deny", "message": reason},
            }))
            .refusing(reason),
            ("PermissionRequest", Answer::Allow { .. }) => {
                line(json!({"hookEventName": event, "decision": {"behavior": "allow"}}))
            }
            // Changed input is taken from an approval alone. It is given only where Codex would not have asked.
            ("PreToolUse", Answer::Rewrite { input, .. }) => line(json!({
                "hookEventName": event,
                "permissionDecision": "allow",
                "updatedInput": input,
            })),
            // What the call returned gives way to the reason.
            ("PostToolUse", Answer::Replace(Replacement { text, .. })) => {
                Reply::line(&json!({"decision": "block", "reason": text}))
            }
            (
                "PreToolUse" | "PostToolUse" | "UserPromptSubmit" | "SessionStart",
                Answer::Context { text },
            ) => line(json!({"hookEventName": event, "additionalContext": text})),
            _ => Reply::silent(),
        }
    }

    fn decides(&self, event: &str) -> bool {
        NAMES.decides(event)
    }

    fn mark_of_tool_calls(&self) -> Option<&'static str> {
        Some("CODEX_THREAD_ID")
    }

    fn before_call(&self) -> &'static str {
        "PreToolUse"
    }

    fn shell_code<'a>(&self, action: &'a Action) -> Option<&'a str> {
        let is_shell = action.tool == "Bash";
        is_shell.then(|| action.input.get("command")?.as_str()).flatten()
    }

    fn typed(
        &self,
        transcript: &mut dyn BufRead,
        session: &str,
        call: Option<&str>,
        _: bool,
    ) -> Typed {
        claude_like::typed::<codex::Codex>(transcript, session, call, |_| true)
    }

    /// `rollout-<time>-<session>.jsonl`.
    fn is_transcript(&self, stem: &str, session: &str) -> bool {
        stem.strip_suffix(session).is_some_and(|rest| rest.starts_with("rollout-"))
    }
}
