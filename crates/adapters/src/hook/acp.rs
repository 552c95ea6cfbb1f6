//! The Agent Client Protocol: an agent asks its editor (`session/request_permission`), and whoever stands
//! between the two answers in the editor's place.
//!
//! One JSON-RPC message comes in. A refusal is the response to it, by the agent's own option for just this
//! once; where Ringfence has no opinion nothing is written, and the message goes on to the editor, which asks
//! its user. What belongs to the request (its id and options) is part of the event's name here, since an answer
//! needs it. Prompts and results of calls are read off the messages that pass by.

use serde_json::{Value, json};

use super::message::{About, Message, prompt};
use super::{Answer, Beginning, Dialect, HookAgent, HookEvent, HookInput, MalformedHook, Reply};

pub(super) struct Acp;

const REQUEST: &str = "session/request_permission";

impl Dialect for Acp {
    fn read(&self, input: &[u8]) -> Result<HookInput, MalformedHook> {
        let mut message = Message::parse(HookAgent::Acp, input)?;
        let method = message.name(&["method"])?;
        let params = message.value("params").cloned().unwrap_or(Value::Null);
        let name = if method == REQUEST { named(message.value("id"), &params) } else { method };
        message.event = Some(name.clone());
        let text = |value: &Value, field: &str| Some(value.get(field)?.as_str()?.to_owned());
        let cwd = text(&params, "cwd").filter(|cwd| cwd.starts_with('/'));
        let session = text(&params, "sessionId").filter(|id| !id.is_empty());
        // A session is named in the response to this, which does not pass here.
        if name == "session/new" {
            return Ok(HookInput {
                session: session.or_else(|| cwd.clone()).unwrap_or_default(),
                cwd,
                transcript: None,
                subagent: None,
                event: HookEvent::Other,
                name,
            });
        }
        let session = session.ok_or_else(|| message.missing(&["sessionId"]))?;
        let about = |call| About { session: &session, cwd: cwd.as_deref(), call, subagent: None };
        let event = if name.starts_with(REQUEST) {
            let call = params.get("toolCall").ok_or_else(|| message.missing(&["toolCall"]))?;
            let id = text(call, "toolCallId");
            let (tool, input) = asked(call);
            HookEvent::Before {
                action: message.action(tool, input, about(id.as_deref())),
                call: id,
            }
        } else if name == "session/prompt" {
            let blocks = params.get("prompt").and_then(Value::as_array);
            let blocks = blocks.into_iter().flatten();
            let typed: Vec<String> = blocks.filter_map(|block| text(block, "text")).collect();
            prompt(&typed.join("\n"))
        } else {
            HookEvent::Other
        };
        Ok(HookInput { name, session, cwd, transcript: None, subagent: None, event })
    }

    fn reply(&self, event: &str, answer: &Answer) -> Reply {
        if !self.decides(event) {
            return Reply::silent();
        }
        let asked = event.strip_prefix(REQUEST).unwrap_or_default().trim_start();
        let asked: Value = serde_json::from_str(asked).unwrap_or(Value::Null);
        let response = |option: &str| {
            let id = asked.get("id").cloned().unwrap_or(Value::Null);
            // An agent that offers no such option takes a request that was called off for a refusal.
            let outcome = match asked.get(option).filter(|it| it.is_string()) {
                Some(option) => json!({"outcome": "selected", "optionId": option}),
                None => json!({"outcome": "cancelled"}),
            };
            json!({"jsonrpc": "2.0", "id": id, "result": {"outcome": outcome}})
        };
        match answer {
            // A response has no room for a reason beside what is not part of the protocol.
            Answer::Deny { reason } | Answer::Rewrite { reason, .. } => {
                let mut response = response("reject");
                if let Some(result) = response.get_mut("result").and_then(Value::as_object_mut) {
                    result.insert("_meta".to_owned(), json!({"reason": reason}));
                }
                Reply::line(&response).refusing(reason)
            }
            Answer::Allow { .. } if asked.get("allow").is_some_and(Value::is_string) => {
                Reply::line(&response("allow"))
            }
            // The editor is about to ask its user.
            Answer::Ask { reason } => Reply { stderr: format!("{reason}\n"), ..Reply::silent() },
            Answer::NoOpinion
            | Answer::Allow { .. }
            | Answer::Context { .. }
            | Answer::Replace(_) => Reply::silent(),
        }
    }

    fn decides(&self, event: &str) -> bool {
        event.starts_with(REQUEST)
    }

    fn before_call(&self) -> &'static str {
        REQUEST
    }

    fn beginning(&self) -> Beginning {
        Beginning::Anything
    }
}

/// The event's name, with what an answer to it must name.
fn named(id: Option<&Value>, params: &Value) -> String {
    let options = params.get("options").and_then(Value::as_array);
    let options = options.into_iter().flatten();
    let option = |kind: &str| {
        let found = options.clone().find(|it| it.get("kind").and_then(Value::as_str) == Some(kind));
        found.and_then(|it| it.get("optionId")).filter(|it| it.is_string()).cloned()
    };
    let (allow, reject) = (option("allow_once"), option("reject_once"));
    match (id, &allow, &reject) {
        (None | Some(Value::Null), None, None) => REQUEST.to_owned(),
        _ => format!("{REQUEST} {}", json!({"id": id, "allow": allow, "reject": reject})),
    }
}

/// The tool and its input: what the agent would run, where it says so; else what it shows of it.
fn asked(call: &Value) -> (String, Value) {
    let text = |field: &str| call.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = text("kind");
    let tool = if kind.is_empty() { "other".to_owned() } else { kind };
    let contents = call.get("content").and_then(Value::as_array).into_iter().flatten();
    let mut diffs = contents.filter(|it| it.get("type").and_then(Value::as_str) == Some("diff"));
    let diff = diffs.next().map(|diff| {
        let old = diff.get("oldText").filter(|it| it.is_string());
        let (path, new) = (diff.get("path"), diff.get("newText"));
        match old {
            Some(old) => json!({"file_path": path, "old_string": old, "new_string": new}),
            None => json!({"file_path": path, "content": new}),
        }
    });
    let is_new = diff.as_ref().is_some_and(|it| it.get("content").is_some());
    // Several files at once are more than one call can say.
    if diffs.next().is_some() {
        return ("other".to_owned(), call.clone());
    }
    match diff {
        Some(input) if is_new => ("write".to_owned(), input),
        Some(input) => ("edit".to_owned(), input),
        None => (tool, call.get("rawInput").cloned().unwrap_or(Value::Null)),
    }
}

#[cfg(test)]
mod tests {
    use ringfence_action::Call;

    use super::*;
    use crate::normalize;

    fn request(call: Value) -> Value {
        json!({"jsonrpc": "2.0", "id": 7, "method": REQUEST, "params": {
            "sessionId": "s", "toolCall": call, "options": [
                {"optionId": "yes", "name": "Allow", "kind": "allow_once"},
                {"optionId": "always", "name": "Always", "kind": "allow_always"},
                {"optionId": "no", "name": "Reject", "kind": "reject_once"}]}})
    }

    fn read(message: &Value) -> HookInput {
        Acp.read(message.to_string().as_bytes()).unwrap()
    }

    fn call(message: &HookInput) -> Call {
        let HookEvent::Before { action, .. } = &message.event else { panic!("{message:?}") };
        normalize(action)
    }

    #[test]
    fn a_refusal_is_the_response_to_this_request() {
        let run = json!({"toolCallId": "c", "kind": "execute", "rawInput": {"command": "ls"}});
        let message = read(&request(run));
        assert!(matches!(call(&message), Call::Shell { .. }));
        let denied = Acp.reply(&message.name, &Answer::Deny { reason: "no".to_owned() });
        let told: Value = serde_json::from_str(&denied.stdout).unwrap();
        assert_eq!((&told["id"], denied.code), (&json!(7), 2));
        assert_eq!(told["result"]["outcome"], json!({"outcome": "selected", "optionId": "no"}));
        let allowed = Acp.reply(&message.name, &Answer::Allow { reason: String::new() });
        assert!(allowed.stdout.contains("\"yes\"") && !allowed.stdout.contains("always"));
        assert_eq!(Acp.reply(&message.name, &Answer::NoOpinion), Reply::silent());
        let ask = Acp.reply(&message.name, &Answer::Ask { reason: "?".to_owned() });
        assert_eq!((ask.stdout.as_str(), ask.code), ("", 0));
    }

    #[test]
    fn what_would_be_written_is_in_the_request() {
        let diff = |old: Value| {
            json!({"kind": "edit", "content": [
            {"type": "diff", "path": "/p/a", "oldText": old, "newText": "b"}]})
        };
        assert!(matches!(call(&read(&request(diff(json!("a"))))), Call::Edit { .. }));
        assert!(matches!(call(&read(&request(diff(Value::Null)))), Call::Write { .. }));
        let nothing = call(&read(&request(json!({"kind": "execute", "title": "rm x"}))));
        assert!(matches!(nothing, Call::Malformed { .. }), "{nothing:?}");
    }
}
