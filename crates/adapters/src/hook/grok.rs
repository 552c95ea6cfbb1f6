//! Grok CLI's hooks: the messages of Claude Code, in which everything stands in camel case as well, and a flat
//! answer beside that of Claude Code.
//!
//! A failing hook is passed over. Where every prompt is approved beforehand a question is, too, so what should
//! be asked about is refused. An input is replaced whole, by an answer that ends well.

use ringfence_action::Action;
use serde_json::json;

use super::claude_like::Names;
use super::message::Message;
use super::{Answer, Dialect, HookAgent, HookEvent, HookInput, MalformedHook, Replacement, Reply};

pub(super) struct Grok;

/// Grok's own name of the event before a call.
const BEFORE: &str = "pre_tool_use";

const NAMES: Names = Names {
    before: &["PreToolUse", BEFORE],
    permission: &[],
    after: &["PostToolUse", "post_tool_use"],
    failed: &["PostToolUseFailure", "post_tool_use_failure"],
    prompt: &["UserPromptSubmit", "user_prompt_submit"],
    start: &["SessionStart", "session_start"],
    end: &["SessionEnd", "session_end"],
    has_session: true,
};

/// A message of Grok CLI that came to the gate of another agent, whose settings it runs the hooks of as well. It
/// keeps Grok's own name of the event, by which it is answered as Grok hears it.
pub(super) fn heard_as(agent: HookAgent, input: &[u8]) -> Option<Result<HookInput, MalformedHook>> {
    const FIELD: &[u8] = b"\"hookEventName\"";
    if !input.windows(FIELD.len()).any(|part| part == FIELD) {
        return None;
    }
    let name = Message::parse(agent, input).ok()?.text(&["hookEventName"])?;
    is_own(&name).then(|| {
        let heard = NAMES.read(agent, input)?;
        // A call that is to come is answered as one, whatever else it calls itself.
        let is_call = matches!(heard.event, HookEvent::Before { .. });
        Ok(HookInput { name: if is_call { BEFORE.to_owned() } else { name }, ..heard })
    })
}

/// Whether an event is called so by Grok CLI alone: agents that it took over from write capitals.
pub(super) fn is_own(event: &str) -> bool {
    event.contains('_') && event.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

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
                    "hookEventName": "PreToolUse",
                    "permissionDecision": decision,
                    "permissionDecisionReason": reason,
                },
            }))
        };
        let (before, has_run) = (self.decides(event), NAMES.after.contains(&event));
        match answer {
            Answer::Deny { reason } | Answer::Ask { reason } if before => {
                decision("deny", reason).refusing(reason)
            }
            Answer::Allow { reason } if before => decision("allow", reason),
            Answer::Rewrite { input, .. } if before => Reply::line(&json!({
                "hookSpecificOutput": {"hookEventName": "PreToolUse", "updatedInput": input},
            })),
            Answer::Context { text } if has_run => Reply::line(&json!({
                "hookSpecificOutput": {"hookEventName": "PostToolUse", "additionalContext": text},
            })),
            Answer::Replace(Replacement { response, note, .. }) if has_run => {
                Reply::line(&json!({"hookSpecificOutput": {
                    "hookEventName": "PostToolUse",
                    "updatedToolOutput": response,
                    "additionalContext": note,
                }}))
            }
            _ => Reply::silent(),
        }
    }

    fn decides(&self, event: &str) -> bool {
        NAMES.decides(event)
    }

    fn mark_of_tool_calls(&self) -> Option<&'static str> {
        Some("GROK_AGENT")
    }

    fn before_call(&self) -> &'static str {
        "PreToolUse"
    }

    /// It gives its shells another name.
    fn shell(&self) -> &'static str {
        "\"${BASH:-$0}\""
    }

    fn shell_code<'a>(&self, action: &'a Action) -> Option<&'a str> {
        let is_shell = action.tool == "run_terminal_command";
        is_shell.then(|| action.input.get("command")?.as_str()).flatten()
    }
}
