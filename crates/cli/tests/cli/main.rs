//! The `ringfence` binary as people, scripts and hostile input meet it.

mod approvals;
mod audit;
mod bad_input;
mod check;
mod daemon;
mod doctor;
mod encoder;
mod eval;
mod explain;
mod gate;
mod help;
mod holds;
mod home;
mod hook;
mod hostile;
mod init;
mod judge;
mod load;
mod nested;
mod policies;
mod policy;
mod replay;
mod serve;
mod setup;
mod terminal;

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// How a run ended.
#[derive(Debug)]
struct Run {
    code: i32,
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Run {
    fn out(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap()
    }

    fn err(&self) -> &str {
        std::str::from_utf8(&self.err).unwrap()
    }

    /// Standard output as one JSON value per line.
    fn lines(&self) -> Vec<Value> {
        self.out().lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// What a person sees, without what differs from run to run.
    fn shown(&self) -> String {
        let mut shown = String::new();
        for (name, text) in [("", self.out()), ("stderr:\n", self.err())] {
            if text.is_empty() {
                continue;
            }
            shown.push_str(name);
            for line in text.lines() {
                let steady = if line.starts_with("rules sha256:") { "rules …" } else { line };
                shown.push_str(steady.trim_end());
                shown.push('\n');
            }
        }
        format!("{shown}exit {}", self.code)
    }
}

/// The binary in an empty environment, as the user `u` would start it.
fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command
        .args(args)
        .env_clear()
        .env("HOME", "/home/u")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn spawn(args: &[&str]) -> Child {
    command(args).spawn().unwrap()
}

/// Runs it to the end with this on standard input.
fn ringfence(args: &[&str], stdin: impl AsRef<[u8]>) -> Run {
    finish(command(args), stdin.as_ref())
}

/// The same, in this folder.
fn ringfence_in(folder: &Path, args: &[&str], stdin: impl AsRef<[u8]>) -> Run {
    let mut command = command(args);
    command.current_dir(folder);
    finish(command, stdin.as_ref())
}

fn finish(mut command: Command, stdin: &[u8]) -> Run {
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let stdin = stdin.to_vec();
    // A command that does not read its input closes the pipe early; that is its right.
    let writer = std::thread::spawn(move || pipe.write_all(&stdin));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    Run { code: output.status.code().unwrap(), out: output.stdout, err: output.stderr }
}

/// An action of Claude Code in `/home/u/proj`.
fn action(tool: &str, input: Value) -> Value {
    serde_json::json!({
        "agent": {"kind": "claude-code"},
        "tool": tool,
        "input": input,
        "cwd": "/home/u/proj",
        "workspace": ["/home/u/proj"],
        "home": "/home/u",
    })
}

fn bash(command: &str) -> Value {
    action("Bash", serde_json::json!({"command": command}))
}

fn read(path: &str) -> Value {
    action("Read", serde_json::json!({"file_path": path}))
}

/// One value per line.
fn json_lines(values: &[Value]) -> String {
    values.iter().map(|value| format!("{value}\n")).collect()
}
