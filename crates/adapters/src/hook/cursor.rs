//! Cursor's hooks, in the editor and in its command-line agent.
//!
//! Shell commands, MCP tools and reading are held at events of their own; everything else at
//! `preToolUse`, which leaves those three alone so that nothing is judged twice. Registered with
//! `failClosed`, it blocks where nothing is printed, so that every answer is a line: where Ringfence has
//! no opinion that is `allow`, which leaves Cursor's own prompts and lists as they are.

use serde_json::{Value, json};

use super::grok;
use super::message::{About, Message, prompt, unpacked};
use super::{Answer, Dialect, HookAgent, HookEvent, HookInput, MalformedHook, Reply};

pub(super) struct Cursor;

/// Events that can stop something.
const BEFORE: &[&str] =
    &["beforeShellExecution", "beforeMCPExecution", "beforeReadFile", "preToolUse"];

/// What `preToolUse` leaves to the other events.
const ELSEWHERE: &[&str] = &["Shell", "Read", "read_file", "run_terminal_cmd", "MCP"];

impl Dialect for Cursor {
    fn read(&self, input: &[u8]) -> Result<HookInput, MalformedHook> {
        if let Some(others) = grok::heard_as(HookAgent::Cursor, input) {
            return others;
        }
        let mut message = Message::parse(HookAgent::Cursor, input)?;
        let name = message.name(&["hook_event_name"])?;
        let session = message.need(&["conversation_id"])?;
        let roots = message.value("workspace_roots").and_then(Value::as_array);
        let root = roots.and_then(|roots| roots.first()?.as_str()).map(str::to_owned);
        let root = root.filter(|root| root.starts_with('/'));
        let cwd = message.folder(&["cwd"])?.or_else(|| root.clone());
        let call = message.text(&["tool_use_id"]);
        let about =
            About { session: &session, cwd: cwd.as_deref(), call: call.as_deref(), subagent: None };
        let field =
            |name: &str| message.value(name).cloned().ok_or_else(|| message.missing(&[name]));
        let action = |tool: &str, input: Value| message.action(tool.to_owned(), input, about);
        let command = || {
            Ok::<_, MalformedHook>(action(
                "beforeShellExecution",
                json!({"command": field("command")?}),
            ))
        };
        let event = match name.as_str() {
            "beforeShellExecution" => HookEvent::Before { action: command()?, call: call.clone() },
            "afterShellExecution" => HookEvent::After {
                action: command()?,
                call: call.clone(),
                response: message.value("output").cloned().unwrap_or(Value::Null),
                failed: false,
            },
            "beforeMCPExecution" => {
                let server = message.text(&["server_name", "url", "command"]).unwrap_or_default();
                let input = json!({
                    "server": if server.is_empty() { "unknown" } else { server.as_str() },
                    "tool_name": field("tool_name")?,
                    "arguments": unpacked(field("tool_input")?),
                });
                HookEvent::Before { action: action("CallMcpTool", input), call: call.clone() }
            }
            "beforeReadFile" => {
                let input = json!({"file_path": field("file_path")?});
                HookEvent::Before { action: action("beforeReadFile", input), call: call.clone() }
            }
            "preToolUse" | "postToolUse" => {
                let tool = message.need(&["tool_name"])?;
                let mut input = unpacked(field("tool_input")?);
                if ELSEWHERE.contains(&tool.as_str()) || tool.starts_with("MCP:") {
                    HookEvent::Other
                } else if name == "preToolUse" {
                    HookEvent::Before { action: action(&tool, input), call: call.clone() }
                } else {
                    HookEvent::After {
                        action: action(&tool, input.take()),
                        call: call.clone(),
                        response: message.value("tool_output").cloned().unwrap_or(Value::Null),
                        failed: false,
                    }
                }
            }
            "beforeSubmitPrompt" => prompt(&message.need(&["prompt"])?),
            "sessionStart" => HookEvent::Start { source: "startup".to_owned() },
            "sessionEnd" => HookEvent::End,
            _ => HookEvent::Other,
        };
        let transcript = message.text(&["transcript_path"]);
        Ok(HookInput { name, session, cwd: root.or(cwd), transcript, subagent: None, event })
    }

    fn reply(&self, event: &str, answer: &Answer) -> Reply {
        if grok::is_own(event) {
            return grok::Grok.reply(event, answer);
        }
        if event == "beforeSubmitPrompt" {
            return Reply::line(&json!({"continue": true}));
        }
        if !self.decides(event) {
            return Reply::silent();
        }
        let told = |permission: &str, reason: &str| {
            Reply::line(&json!({
                "permission": permission,
                "user_message": reason,
                "agent_message": reason,
            }))
        };
        match answer {
            Answer::Deny { reason } => told("deny", reason).refusing(reason),
            Answer::Ask { reason } if event == "preToolUse" => {
                // Asking is not honoured there.
                told("deny", reason).refusing(reason)
            }
            Answer::Ask { reason } => told("ask", reason),
            Answer::NoOpinion
            | Answer::Allow { .. }
            | Answer::Rewrite { .. }
            | Answer::Context { .. }
            | Answer::Replace(_) => Reply::line(&json!({"permission": "allow"})),
        }
    }

    fn decides(&self, event: &str) -> bool {
        BEFORE.contains(&event) || (grok::is_own(event) && grok::Grok.decides(event))
    }

    fn before_call(&self) -> &'static str {
        "beforeShellExecution"
    }
}
