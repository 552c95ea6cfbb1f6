//! Claude Code's hooks.
//!
//! A denial is exit code 2 with the dialect's JSON on standard output and the reason on standard
//! error: measured to block even where one of the three is lost. An `ask` is only JSON. Whatever
//! happens to a `PermissionRequest`, its denial must be JSON: exit code 2 is not honoured there.

use std::io::BufRead;

use ringfence_action::Action;
use serde_json::{Value, json};

use super::claude_like::{self, Names};
use super::grok;
use super::{Answer, Dialect, HookAgent, HookInput, MalformedHook, Replacement, Reply, Typed};
use crate::transcript::claude_code;

pub(super) struct ClaudeCode;

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

impl Dialect for ClaudeCode {
    fn read(&self, input: &[u8]) -> Result<HookInput, MalformedHook> {
        let others = grok::heard_as(HookAgent::ClaudeCode, input);
        others.unwrap_or_else(|| NAMES.read(HookAgent::ClaudeCode, input))
    }

    fn reply(&self, event: &str, answer: &Answer) -> Reply {
        match event {
            _ if grok::is_own(event) => grok::Grok.reply(event, answer),
            "PreToolUse" => before(event, answer),
            "PermissionRequest" => permission(event, answer),
            _ => beside(event, answer),
        }
    }

    fn decides(&self, event: &str) -> bool {
        NAMES.decides(event) || (grok::is_own(event) && grok::Grok.decides(event))
    }

    fn before_call(&self) -> &'static str {
        "PreToolUse"
    }

    fn typed(
        &self,
        transcript: &mut dyn BufRead,
        session: &str,
        call: Option<&str>,
        scripted: bool,
    ) -> Typed {
        let counts = |line: &[u8]| scripted || !is_scripted(line);
        claude_like::typed::<claude_code::ClaudeCode>(transcript, session, call, counts)
    }

    fn mark_of_tool_calls(&self) -> Option<&'static str> {
        Some("CLAUDECODE")
    }

    fn keeps_folder(&self) -> bool {
        true
    }

    fn shell_code<'a>(&self, action: &'a Action) -> Option<&'a str> {
        if action.tool == "Bash" { action.input.get("command")?.as_str() } else { None }
    }
}

/// Whether a line of a transcript is a prompt that a program handed over, as `claude -p` takes it.
fn is_scripted(line: &[u8]) -> bool {
    let fields = serde_json::from_slice::<Value>(line).unwrap_or_default();
    ["promptSource", "turnOrigin", "origin"].iter().any(|name| {
        let origin = fields.get(*name);
        let kind = origin.and_then(|origin| origin.get("kind")).or(origin);
        kind.and_then(Value::as_str) == Some("sdk")
    })
}

fn before(event: &str, answer: &Answer) -> Reply {
    let decision = |decision: &str, reason: &str| {
        json!({
            "hookEventName": event,
            "permissionDecision": decision,
            "permissionDecisionReason": reason,
        })
    };
    match answer {
        Answer::NoOpinion => Reply::silent(),
        Answer::Allow { reason } => line(decision("allow", reason)),
        Answer::Ask { reason } => line(decision("ask", reason)),
        Answer::Rewrite { input, reason, decided } => {
            // Without a decision the rewritten call goes through the agent's own rules.
            let mut output =
                if *decided { decision("allow", reason) } else { json!({"hookEventName": event}) };
            if let Some(fields) = output.as_object_mut() {
                fields.insert("updatedInput".to_owned(), input.clone());
            }
            line(output)
        }
        Answer::Deny { reason } => line(decision("deny", reason)).refusing(reason),
        Answer::Context { text } | Answer::Replace(Replacement { note: text, .. }) => {
            line(json!({"hookEventName": event, "additionalContext": text}))
        }
    }
}

fn permission(event: &str, answer: &Answer) -> Reply {
    let decision = |decision: Value| line(json!({"hookEventName": event, "decision": decision}));
    match answer {
        Answer::Allow { .. } => decision(json!({"behavior": "allow"})),
        Answer::Rewrite { input, decided: true, .. } => {
            decision(json!({"behavior": "allow", "updatedInput": input}))
        }
        Answer::Deny { reason } => Reply {
            stderr: format!("{reason}\n"),
            ..decision(json!({"behavior": "deny", "message": reason}))
        },
        // The user is about to be asked anyway.
        Answer::NoOpinion
        | Answer::Ask { .. }
        | Answer::Rewrite { decided: false, .. }
        | Answer::Context { .. }
        | Answer::Replace(_) => Reply::silent(),
    }
}

/// Events that cannot stop a call: they never fail, and at most add words, or put others in place of those that
/// came back.
fn beside(event: &str, answer: &Answer) -> Reply {
    match answer {
        Answer::Replace(Replacement { response, note, .. }) if event == "PostToolUse" => {
            line(json!({
                "hookEventName": event,
                "updatedToolOutput": response,
                "additionalContext": note,
            }))
        }
        Answer::Context { text } | Answer::Replace(Replacement { note: text, .. }) => {
            line(json!({"hookEventName": event, "additionalContext": text}))
        }
        Answer::NoOpinion
        | Answer::Allow { .. }
        | Answer::Ask { .. }
        | Answer::Rewrite { .. }
        | Answer::Deny { .. } => Reply::silent(),
    }
}

fn line(output: Value) -> Reply {
    Reply::line(&json!({"hookSpecificOutput": output}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::HookEvent;

    fn read(input: &[u8]) -> Result<HookInput, MalformedHook> {
        ClaudeCode.read(input)
    }

    fn reply(event: &str, answer: &Answer) -> Reply {
        ClaudeCode.reply(event, answer)
    }

    fn input(event: &str) -> Value {
        json!({"session_id": "s", "cwd": "/p", "hook_event_name": event, "tool_name": "Bash",
               "tool_input": {"command": "ls"}, "tool_use_id": "t"})
    }

    #[test]
    fn a_call_is_an_action() {
        let read = read(input("PreToolUse").to_string().as_bytes()).unwrap();
        let HookEvent::Before { action, call } = read.event else { panic!("{:?}", read.event) };
        assert_eq!((action.tool.as_str(), call.as_deref()), ("Bash", Some("t")));
        assert_eq!(action.session.as_deref(), Some("s"));
    }

    #[test]
    fn what_is_missing_is_named() {
        for field in ["session_id", "hook_event_name", "tool_name", "tool_input"] {
            let mut input = input("PreToolUse");
            input.as_object_mut().unwrap().remove(field);
            let error = read(input.to_string().as_bytes()).unwrap_err();
            assert!(error.to_string().contains(field), "{error}");
        }
        assert!(read(b"\xff").is_err());
        assert!(read(b"[]").is_err());
    }

    #[test]
    fn a_denial_is_said_three_ways() {
        let reply = reply("PreToolUse", &Answer::Deny { reason: "no".to_owned() });
        assert_eq!(reply.code, 2);
        assert_eq!(reply.stderr, "no\n");
        assert_eq!(
            reply.stdout,
            "{\"hookSpecificOutput\":{\"hookEventName\":\"PreToolUse\",\
             \"permissionDecision\":\"deny\",\"permissionDecisionReason\":\"no\"}}\n"
        );
    }

    #[test]
    fn events_beside_a_call_never_fail() {
        for event in ["PostToolUse", "Stop", "UserPromptSubmit", "SomethingNew"] {
            let reply = reply(event, &Answer::Deny { reason: "no".to_owned() });
            assert_eq!(reply, Reply::silent(), "{event}");
        }
    }
}
