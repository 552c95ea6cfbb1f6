//! A call that every gate must deny, in each agent's own words: how it is found out whether one answers.
//!
//! A gate that stands in a file may be killed, slow, missing, or another program that only looks like it. So
//! it is started as the agent would start it, told of this call, and believed if it says no just as the agent
//! would hear it.

use ringfence_action::{Action, Call};
use serde_json::{Value, json};

use super::{Answer, HookAgent, Reply};
use crate::normalize;

/// The command of the canary. A gate denies it by the same rules as any other, and keeps nothing of it in a
/// session. It is never run by anybody but an agent whose gate is dead.
pub const CANARY: &str = "ringfence init --undo --yes # the canary of ringfence doctor";

/// What the reason of a gate begins with that decided about the canary.
pub const CANARY_DENIED: &str = "ringfence: canary: ";

/// Whether an action is the canary.
pub fn is_canary(action: &Action) -> bool {
    // Nearly no action has the words, and those that have are few.
    action.input.to_string().contains(CANARY)
        && matches!(normalize(action), Call::Shell { command, .. } if command.value == CANARY)
}

impl HookAgent {
    /// What this agent writes to its hook before it runs the canary in this folder.
    pub fn canary(self, folder: &str) -> String {
        let session = "ringfence-canary";
        let claude_like = |event: &str, tool: &str| {
            json!({
                "session_id": session, "cwd": folder, "hook_event_name": event, "tool_name": tool,
                "tool_input": {"command": CANARY}, "tool_use_id": "canary",
            })
        };
        let message: Value = match self {
            Self::ClaudeCode | Self::Codex | Self::Copilot => claude_like("PreToolUse", "Bash"),
            Self::OpenCode => claude_like("PreToolUse", "bash"),
            Self::GeminiCli => claude_like("BeforeTool", "run_shell_command"),
            Self::QwenCode => claude_like("PreToolUse", "run_shell_command"),
            Self::Droid => claude_like("PreToolUse", "Execute"),
            Self::Kiro => claude_like("preToolUse", "execute_bash"),
            Self::Kimi => claude_like("PreToolUse", "Bash"),
            Self::Amp => json!({
                "tool": "Bash", "thread": session, "cwd": folder, "input": {"cmd": CANARY},
            }),
            Self::Acp => json!({
                "jsonrpc": "2.0", "id": null, "method": "session/request_permission",
                "params": {"sessionId": session, "cwd": folder, "options": [], "toolCall": {
                    "toolCallId": "canary", "kind": "execute", "rawInput": {"command": CANARY},
                }},
            }),
            Self::Antigravity => json!({
                "conversationId": session, "workspacePaths": [folder], "stepIdx": 0,
                "toolCall": {"name": "run_command", "args": {"CommandLine": CANARY, "Cwd": folder}},
            }),
            Self::Cursor => json!({
                "conversation_id": session, "hook_event_name": "beforeShellExecution",
                "workspace_roots": [folder], "command": CANARY, "cwd": folder,
            }),
            Self::Windsurf => json!({
                "agent_action_name": "pre_run_command", "trajectory_id": session,
                "execution_id": "canary", "tool_info": {"command_line": CANARY, "cwd": folder},
            }),
            Self::Cline => json!({
                "hookName": "PreToolUse", "taskId": session, "workspaceRoots": [folder],
                "preToolUse": {"toolName": "execute_command", "parameters": {"command": CANARY}},
            }),
            Self::Grok => json!({
                "sessionId": session, "workspaceRoot": folder, "hookEventName": "PreToolUse",
                "toolName": "run_terminal_command", "toolInput": {"command": CANARY},
            }),
        };
        message.to_string()
    }

    /// The shell that this agent hands a hook's command line to, and its flag.
    pub const fn hook_shell(self) -> [&'static str; 2] {
        match self {
            Self::Codex => ["bash", "-lc"],
            Self::Copilot | Self::GeminiCli | Self::QwenCode => ["bash", "-c"],
            Self::ClaudeCode
            | Self::Antigravity
            | Self::Cursor
            | Self::OpenCode
            | Self::Windsurf
            | Self::Cline
            | Self::Droid
            | Self::Grok
            | Self::Kiro
            | Self::Kimi
            | Self::Amp
            | Self::Acp => ["sh", "-c"],
        }
    }

    /// The reason, if this is a denial of a call to the last byte: anything before, after or missing is
    /// taken for permission by one agent or another.
    pub fn reason_of_denial(self, reply: &Reply) -> Option<String> {
        let reason = reply.stderr.strip_suffix('\n').filter(|reason| !reason.is_empty())?;
        let denial = Answer::Deny { reason: reason.to_owned() };
        (*reply == self.reply(self.before_call(), &denial)).then(|| reason.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::HookEvent;

    #[test]
    fn every_agent_says_it_and_hears_the_denial() {
        for agent in HookAgent::ALL.iter().copied() {
            let message = agent.read(agent.canary("/p").as_bytes()).unwrap();
            let HookEvent::Before { action, .. } = message.event else {
                panic!("{agent:?}: {:?}", message.event);
            };
            assert!(is_canary(&action), "{agent:?}");
            let denial = Answer::Deny { reason: "no: \"a\"".to_owned() };
            let reply = agent.reply(&message.name, &denial);
            assert_eq!(agent.reason_of_denial(&reply).as_deref(), Some("no: \"a\""), "{agent:?}");
            for damaged in [
                Reply { stderr: String::new(), ..reply.clone() },
                Reply { code: 0, ..reply.clone() },
                Reply { stdout: format!("{}x", reply.stdout), ..reply.clone() },
                Reply { stdout: format!("log\n{}", reply.stdout), ..reply },
            ] {
                assert_eq!(agent.reason_of_denial(&damaged), None, "{agent:?}: {damaged:?}");
            }
        }
    }

    #[test]
    fn what_only_mentions_it_is_not_the_canary() {
        let text = json!({"session_id": "s", "cwd": "/p", "hook_event_name": "PreToolUse",
            "tool_name": "Bash", "tool_input": {"command": format!("echo x; {CANARY}")}});
        let message = HookAgent::ClaudeCode.read(text.to_string().as_bytes()).unwrap();
        let HookEvent::Before { action, .. } = message.event else { panic!() };
        assert!(!is_canary(&action));
    }
}
