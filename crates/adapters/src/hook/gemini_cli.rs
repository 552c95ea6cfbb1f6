//! Gemini CLI's hooks.
//!
//! A question waits for an answer for ever where nobody sits in front of it, and the message does not say
//! whether somebody does. So what should be asked about is refused, with a reason that tells how to go on.

use std::io::BufRead;

use ringfence_action::Action;
use serde_json::json;

use super::claude_like::{self, Names};
use super::{Answer, Dialect, HookAgent, HookInput, MalformedHook, Replacement, Reply, Typed};
use crate::transcript::gemini_cli;

pub(super) struct GeminiCli;

const NAMES: Names = Names {
    before: &["BeforeTool"],
    permission: &[],
    after: &["AfterTool"],
    failed: &[],
    prompt: &["BeforeAgent"],
    start: &["SessionStart"],
    end: &["SessionEnd"],
    has_session: true,
};

impl Dialect for GeminiCli {
    fn read(&self, input: &[u8]) -> Result<HookInput, MalformedHook> {
        NAMES.read(HookAgent::GeminiCli, input)
    }

    fn reply(&self, event: &str, answer: &Answer) -> Reply {
        match (event, answer) {
            ("BeforeTool", Answer::Deny { reason } | Answer::Ask { reason }) => {
                Reply::line(&json!({"decision": "deny", "reason": reason})).refusing(reason)
            }
            ("BeforeTool", Answer::Rewrite { input, reason, decided }) => {
                let changed = json!({"hookEventName": event, "tool_input": input});
                Reply::line(&if *decided {
                    json!({"decision": "allow", "reason": reason, "hookSpecificOutput": changed})
                } else {
                    json!({"hookSpecificOutput": changed})
                })
            }
            ("BeforeTool", Answer::Allow { reason }) => {
                Reply::line(&json!({"decision": "allow", "reason": reason}))
            }
            // What the call returned gives way to the reason.
            ("AfterTool", Answer::Replace(Replacement { text, .. })) => {
                Reply::line(&json!({"decision": "deny", "reason": text}))
            }
            ("AfterTool" | "BeforeAgent" | "SessionStart", Answer::Context { text }) => {
                Reply::line(&json!({
                    "hookSpecificOutput": {"hookEventName": event, "additionalContext": text},
                }))
            }
            _ => Reply::silent(),
        }
    }

    fn decides(&self, event: &str) -> bool {
        NAMES.decides(event)
    }

    fn mark_of_tool_calls(&self) -> Option<&'static str> {
        Some("GEMINI_CLI")
    }

    fn before_call(&self) -> &'static str {
        "BeforeTool"
    }

    fn shell_code<'a>(&self, action: &'a Action) -> Option<&'a str> {
        let is_shell = action.tool == "run_shell_command";
        is_shell.then(|| action.input.get("command")?.as_str()).flatten()
    }

    fn typed(
        &self,
        transcript: &mut dyn BufRead,
        session: &str,
        call: Option<&str>,
        _: bool,
    ) -> Typed {
        claude_like::typed::<gemini_cli::GeminiCli>(transcript, session, call, |_| true)
    }

    /// `session-<time>-<the first part of the session>.jsonl`.
    fn is_transcript(&self, stem: &str, session: &str) -> bool {
        let part = session.split('-').next().unwrap_or_default();
        part.len() >= 8 && stem.starts_with("session-") && stem.ends_with(part)
    }
}
