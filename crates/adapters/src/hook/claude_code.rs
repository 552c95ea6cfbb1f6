//! Claude Code's hooks.
//!
//! A denial is exit code 2 with the dialect's JSON on standard output and the reason on standard
//! error: measured to block even where one of the three is lost. An `ask` is only JSON. Whatever
//! happens to a `PermissionRequest`, its denial must be JSON: exit code 2 is not honoured there.

use std::io::{self, BufRead};

use ringfence_action::{Action, Agent};
use serde_json::{Map, Value, json};

use super::{Answer, HookEvent, HookInput, MalformedHook, Reply, Typed, strict};
use crate::transcript::claude_code::Reader;
use crate::transcript::said::{Said, take_apart};
use crate::transcript::{Entry, Event};

pub(super) fn read(input: &[u8]) -> Result<HookInput, MalformedHook> {
    let fields = match strict::from_slice(input) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => {
            return Err(malformed(None, "what Claude Code sent is not a JSON object".to_owned()));
        }
        Err(error) => {
            let problem = format!("what Claude Code sent is not a JSON object: {error}");
            return Err(malformed(None, problem));
        }
    };
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    let name = text("hook_event_name")
        .ok_or_else(|| malformed(None, "`hook_event_name` is missing".to_owned()))?;
    let session = text("session_id")
        .filter(|id| !id.is_empty())
        .ok_or_else(|| malformed(Some(&name), "`session_id` is missing".to_owned()))?;
    let cwd = text("cwd");
    if let Some(cwd) = cwd.as_ref().filter(|cwd| !std::path::Path::new(cwd).is_absolute()) {
        let problem = format!("`cwd` is `{cwd}`, which is not an absolute folder");
        return Err(malformed(Some(&name), problem));
    }
    let event = event(&name, &session, &fields)?;
    Ok(HookInput {
        session,
        cwd,
        transcript: text("transcript_path"),
        subagent: text("agent_id"),
        name,
        event,
    })
}

fn event(
    name: &str,
    session: &str,
    fields: &Map<String, Value>,
) -> Result<HookEvent, MalformedHook> {
    let text = |field: &str| fields.get(field).and_then(Value::as_str).map(str::to_owned);
    let call = text("tool_use_id");
    Ok(match name {
        "PreToolUse" => HookEvent::Before { action: action(name, session, fields)?, call },
        "PermissionRequest" => HookEvent::Permission { action: action(name, session, fields)? },
        "PostToolUse" | "PostToolUseFailure" => HookEvent::After {
            action: action(name, session, fields)?,
            call,
            response: fields.get("tool_response").cloned().unwrap_or(Value::Null),
            failed: name == "PostToolUseFailure",
        },
        "UserPromptSubmit" => prompt(
            &text("prompt")
                .ok_or_else(|| malformed(Some(name), "`prompt` is missing".to_owned()))?,
        ),
        "SessionStart" => HookEvent::Start { source: text("source").unwrap_or_default() },
        "SessionEnd" => HookEvent::End,
        "ConfigChange" => HookEvent::ConfigChange {
            source: text("source").unwrap_or_default(),
            path: text("file_path"),
        },
        _ => HookEvent::Other,
    })
}

/// What arrives as a prompt is taken apart as it is in the transcript.
fn prompt(text: &str) -> HookEvent {
    let (mut said, mut relayed) = (Vec::new(), Vec::new());
    for part in take_apart(text) {
        match part {
            Said::User(text) => said.push(text),
            Said::Meta(text) | Said::Summary(text) => relayed.push(text),
            Said::Interrupted => {}
        }
    }
    HookEvent::Prompt { said, relayed }
}

pub(super) fn typed(
    transcript: impl BufRead,
    session: &str,
    call: Option<&str>,
    scripted: bool,
) -> Typed {
    let mut typed = Typed::default();
    let lines = transcript.split(b'\n').map_while(Result::ok);
    let counted: Vec<Vec<u8>> = lines.filter(|line| scripted || !is_scripted(line)).collect();
    // What cannot be read says nothing.
    let entries = Reader::new(io::Cursor::new(counted.join(&b'\n'))).filter_map(Result::ok);
    for Entry { event, .. } in entries.filter(|it| it.session.as_deref() == Some(session)) {
        match event {
            Event::User { text } => typed.words.push(text),
            Event::Result { id: Some(id), .. } => typed.done.push(id),
            Event::Call { id, .. } => typed.has_call |= call.is_some() && id.as_deref() == call,
            _ => {}
        }
    }
    typed
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

fn action(
    event: &str,
    session: &str,
    fields: &Map<String, Value>,
) -> Result<Box<Action>, MalformedHook> {
    let tool = fields.get("tool_name").and_then(Value::as_str);
    let tool = tool.ok_or_else(|| malformed(Some(event), "`tool_name` is missing".to_owned()))?;
    let input = fields.get("tool_input").cloned();
    let input =
        input.ok_or_else(|| malformed(Some(event), "`tool_input` is missing".to_owned()))?;
    let cwd = fields.get("cwd").and_then(Value::as_str).map(str::to_owned);
    Ok(Box::new(Action {
        id: fields.get("tool_use_id").and_then(Value::as_str).map(str::to_owned),
        agent: Agent {
            kind: "claude-code".to_owned(),
            subagent: fields.get("agent_id").and_then(Value::as_str).map(str::to_owned),
        },
        session: Some(session.to_owned()),
        tool: tool.to_owned(),
        input,
        cwd,
        workspace: Vec::new(),
        home: None,
        platform: Default::default(),
        user_messages: Vec::new(),
        facts: Default::default(),
    }))
}

fn malformed(event: Option<&str>, problem: String) -> MalformedHook {
    MalformedHook { event: event.map(str::to_owned), problem }
}

pub(super) fn reply(event: &str, answer: &Answer) -> Reply {
    match event {
        "PreToolUse" => before(event, answer),
        "PermissionRequest" => permission(event, answer),
        _ => beside(event, answer),
    }
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
        Answer::Deny { reason } => {
            Reply { stderr: format!("{reason}\n"), code: 2, ..line(decision("deny", reason)) }
        }
        Answer::Context { text } => {
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
        | Answer::Context { .. } => Reply::silent(),
    }
}

/// Events that cannot stop a call: they never fail, and at most add words.
fn beside(event: &str, answer: &Answer) -> Reply {
    match answer {
        Answer::Context { text } => {
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
    Reply { stdout: format!("{}\n", json!({"hookSpecificOutput": output})), ..Reply::silent() }
}

#[cfg(test)]
mod tests {
    use super::*;

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
