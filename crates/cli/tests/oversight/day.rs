//! Written sessions in which all that is counted happens.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// Twelve sessions of Claude Code, each on a day of its own, and one of Codex.
pub(crate) fn write(folder: &Path) -> Vec<PathBuf> {
    std::fs::create_dir_all(folder).unwrap();
    let mut files = Vec::new();
    for number in 0..12 {
        let mut session = Session {
            name: format!("s{number}"),
            day: number + 1,
            ms: 0,
            lines: Vec::new(),
            calls: 0,
        };
        session.live(number);
        let file = folder.join(format!("{}.jsonl", session.name));
        let lines: Vec<String> = session.lines.iter().map(Value::to_string).collect();
        std::fs::write(&file, lines.join("\n")).unwrap();
        files.push(file);
    }
    let file = folder.join("rollout-x.jsonl");
    let lines: Vec<String> = codex().iter().map(Value::to_string).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    files.push(file);
    files
}

struct Session {
    name: String,
    day: u32,
    ms: u64,
    lines: Vec<Value>,
    calls: u32,
}

impl Session {
    fn live(&mut self, number: u32) {
        let mode = ["default", "acceptEdits", "auto", "bypassPermissions"][number as usize % 4];
        for turn in 0..=number {
            self.person(mode, "go on");
            for call in 0..(number * turn) % 7 {
                let command = ["ls", "rm -rf build", "git push --force origin main", "cargo test"]
                    [call as usize % 4];
                let id = self.call(command, 900);
                match (number + turn + call) % 5 {
                    0 => self.result(
                        &id,
                        1_500,
                        json!({"decision": "accept", "source": "user_temporary"}),
                    ),
                    1 => self.result(
                        &id,
                        40_000,
                        json!({"decision": "accept", "source": "user_permanent"}),
                    ),
                    2 => self.result(&id, 30, json!({"decision": "accept", "source": "config"})),
                    3 => self.result(&id, 30, json!({"decision": "reject", "source": "hook"})),
                    _ => self.result(
                        &id,
                        1_900,
                        json!({"decision": "reject", "source": "user_reject"}),
                    ),
                }
            }
            match (number + turn) % 6 {
                0 => self.says("Shall I go on?"),
                1 => self.user(json!("[Request interrupted by user]")),
                2 => self.user(json!(
                    "<task-notification>\n<task-id>b1</task-id>\n</task-notification>"
                )),
                3 => self.user(json!("<command-name>/review</command-name>")),
                _ => {
                    self.says("Half way.");
                    self.says("Done.");
                }
            }
        }
    }

    fn line(&mut self, after: u64, mut line: Value) {
        self.ms += after;
        let (hours, minutes) = (self.ms / 3_600_000, self.ms / 60_000 % 60);
        let (seconds, ms) = (self.ms / 1_000 % 60, self.ms % 1_000);
        let day = self.day;
        line["timestamp"] =
            json!(format!("2026-11-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{ms:03}Z"));
        line["sessionId"] = json!(self.name);
        line["cwd"] = json!("/home/u/proj");
        line["entrypoint"] = json!(if self.day == 12 { "sdk-cli" } else { "cli" });
        self.lines.push(line);
    }

    fn person(&mut self, mode: &str, text: &str) {
        let line = json!({"type": "user", "permissionMode": mode, "message": {"role": "user", "content": text}});
        self.line(60_000, line);
    }

    fn user(&mut self, content: Value) {
        self.line(2_500, json!({"type": "user", "message": {"role": "user", "content": content}}));
    }

    fn says(&mut self, text: &str) {
        let content = json!([{"type": "text", "text": text}]);
        self.line(
            4_000,
            json!({"type": "assistant", "message": {"role": "assistant", "content": content}}),
        );
    }

    fn call(&mut self, command: &str, after: u64) -> String {
        self.calls += 1;
        let id = format!("{}-{}", self.name, self.calls);
        let content =
            json!([{"type": "tool_use", "id": id, "name": "Bash", "input": {"command": command}}]);
        self.line(
            after,
            json!({"type": "assistant", "message": {"role": "assistant", "content": content}}),
        );
        id
    }

    fn result(&mut self, id: &str, after: u64, decision: Value) {
        let content = json!([{"type": "tool_result", "tool_use_id": id, "content": "…", "is_error": decision["decision"] == "reject"}]);
        let message = json!({"role": "user", "content": content});
        self.line(
            after,
            json!({"type": "user", "message": message, "permissionDecision": decision}),
        );
    }
}

/// One call that was approved after a while, one at once, one refused, and one that nobody was asked about.
fn codex() -> Vec<Value> {
    let mut second = 0;
    let mut line = |kind: &str, payload: Value| {
        second += 3;
        json!({"timestamp": format!("2026-11-20T09:00:{second:02}.000Z"), "type": kind, "payload": payload})
    };
    let call = |id: &str, escalated: bool| {
        let sandbox =
            if escalated { ", \"sandbox_permissions\": \"require_escalated\"" } else { "" };
        let arguments = format!("{{\"cmd\": \"touch {id}\"{sandbox}}}");
        json!({"type": "function_call", "name": "exec_command", "arguments": arguments, "call_id": id})
    };
    let ended = |id: &str, waited: u64| {
        let item = json!({"type": "CommandExecution", "id": id, "duration": {"secs": 1, "nanos": 5_000_000}});
        json!({"type": "item_completed", "item": item, "started_at_ms": 10_000, "completed_at_ms": 11_005 + waited})
    };
    let output = |id: &str, text: &str| json!({"type": "function_call_output", "call_id": id, "output": text});
    let rejected =
        "exec_command failed: CreateProcess { message: \"Rejected(\\\"rejected by user\\\")\" }";
    let message = |role: &str, text: &str| json!({"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]});
    vec![
        line("session_meta", json!({"id": "c1", "cwd": "/home/u/proj", "originator": "codex_cli"})),
        line(
            "turn_context",
            json!({"cwd": "/home/u/proj", "approval_policy": "on-request", "approvals_reviewer": "user"}),
        ),
        line("response_item", message("user", "make the files")),
        line("response_item", call("a", true)),
        line("event_msg", ended("a", 5_200)),
        line("response_item", output("a", "ok")),
        line("response_item", call("b", false)),
        line("event_msg", ended("b", 1_200)),
        line("response_item", output("b", "ok")),
        line("response_item", call("c", true)),
        line("response_item", output("c", rejected)),
        line("response_item", call("d", false)),
        line("event_msg", ended("d", 3)),
        line("response_item", output("d", "ok")),
        line(
            "response_item",
            message("assistant", "Three of four are there. Shall I try the third again?"),
        ),
        line("event_msg", json!({"type": "turn_aborted"})),
    ]
}
