//! A home folder with a gate, for tests that drive `hook`, `init`, `status` and `audit` as commands.
//! The test process is the agent: it starts the hooks, and tool calls as its other children.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::{Run, finish};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_ringfence");

/// Denied by rule, and harmless if run.
pub(crate) const DENIED: &str = "git push --force origin main";

/// Asked about, unless the user named it.
pub(crate) const ASKED: &str = "git push --force origin feature-x";

pub(crate) struct Gate {
    folder: tempfile::TempDir,
}

impl Gate {
    pub(crate) fn new() -> Self {
        let gate = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(gate.path("proj")).unwrap();
        fs::create_dir_all(gate.path(".claude")).unwrap();
        gate
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn settings(&self) -> PathBuf {
        self.path(".claude/settings.json")
    }

    /// Any command of the binary, as the user would start it.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = super::command(args);
        command
            .env("HOME", self.path(""))
            .env("RINGFENCE_STATE", self.path("state"))
            .env("RINGFENCE_CONFIG", self.path("config"));
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        finish(self.command(args), b"")
    }

    /// The hook as `init` writes it.
    pub(crate) fn hook_command(&self) -> Command {
        let [state, config, home] = ["state", "config", ""].map(|name| self.text(name));
        super::command(&[
            "hook",
            "claude-code",
            "--state",
            &state,
            "--config",
            &config,
            "--home",
            &home,
        ])
    }

    pub(crate) fn send(&self, event: &Value) -> Run {
        finish(self.hook_command(), event.to_string().as_bytes())
    }

    /// A message of this session, with what every message has.
    pub(crate) fn event(&self, session: &str, name: &str, more: Value) -> Value {
        let mut event = json!({
            "session_id": session,
            "hook_event_name": name,
            "cwd": self.path("proj"),
            "transcript_path": self.transcript(session),
        });
        for (name, value) in more.as_object().unwrap() {
            event[name] = value.clone();
        }
        event
    }

    pub(crate) fn start(&self, session: &str) {
        let run = self.send(&self.event(session, "SessionStart", json!({"source": "startup"})));
        assert_eq!((run.code, run.out()), (0, ""), "{}", run.err());
    }

    pub(crate) fn bash(&self, session: &str, call: &str, command: &str) -> Value {
        let input = json!({"command": command});
        let call = json!({"tool_name": "Bash", "tool_input": input, "tool_use_id": call});
        self.event(session, "PreToolUse", call)
    }

    /// What the gate says of a shell command: `allow`, `ask` or `deny`, and its reason.
    pub(crate) fn asked(&self, session: &str, call: &str, command: &str) -> (String, String) {
        answer_of(&self.send(&self.bash(session, call, command)))
    }

    /// The user types something, and the agent writes it down.
    pub(crate) fn say(&self, session: &str, text: &str) {
        let run = self.send(&self.event(session, "UserPromptSubmit", json!({"prompt": text})));
        assert_eq!((run.code, run.out()), (0, ""), "{}", run.err());
        self.write_down(session, text);
    }

    pub(crate) fn transcript(&self, session: &str) -> PathBuf {
        self.path(".claude/projects/proj").join(format!("{session}.jsonl"))
    }

    pub(crate) fn write_down(&self, session: &str, text: &str) {
        let path = self.transcript(session);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut lines = fs::read_to_string(&path).unwrap_or_default();
        let line = json!({"type": "user", "sessionId": session, "promptSource": "typed",
                          "message": {"role": "user", "content": text}});
        lines.push_str(&format!("{line}\n"));
        fs::write(&path, lines).unwrap();
    }

    /// The transcript shows that a call came back, or was refused by the user.
    pub(crate) fn done(&self, session: &str, call: &str) {
        let result = json!({"type": "tool_result", "tool_use_id": call, "content": "done"});
        let line = json!({"type": "user", "sessionId": session,
                          "message": {"role": "user", "content": [result]}});
        let path = self.transcript(session);
        let lines = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, format!("{lines}{line}\n")).unwrap();
    }

    /// The log, oldest first.
    pub(crate) fn entries(&self) -> Vec<Value> {
        self.run(&["audit", "tail", "-n", "100000", "--json"]).lines()
    }

    /// The codes of the findings in the log.
    pub(crate) fn findings(&self) -> Vec<String> {
        let entries = self.entries();
        let findings = entries.iter().filter(|entry| entry["kind"] == "finding");
        findings.map(|entry| entry["code"].as_str().unwrap().to_owned()).collect()
    }

    /// The log is sound, and every decision in it comes out again as it did.
    pub(crate) fn assert_sound(&self) {
        let verify = self.run(&["audit", "verify"]);
        assert_eq!(verify.code, 0, "{}{}", verify.out(), verify.err());
        let replay = self.run(&["audit", "replay"]);
        assert_eq!(replay.code, 0, "{}{}", replay.out(), replay.err());
    }
}

pub(crate) fn answer_of(run: &Run) -> (String, String) {
    if run.out().is_empty() {
        assert_eq!(run.code, 0, "{}", run.err());
        return ("allow".to_owned(), String::new());
    }
    let output = &run.lines()[0]["hookSpecificOutput"];
    let verdict = output["permissionDecision"].as_str().unwrap().to_owned();
    assert_eq!(run.code == 2, verdict == "deny", "a denial is also an exit code");
    (verdict, output["permissionDecisionReason"].as_str().unwrap().to_owned())
}

pub(crate) fn write(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}
