//! What Codex itself says of its hooks.
//!
//! That a hook stands in a file does not mean that Codex runs it: it runs what its user has trusted. So it
//! is asked, through the interface that it offers to editors, and nothing is believed but its answer.

#![expect(clippy::disallowed_methods, reason = "codex is started and asked about its hooks")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ringfence_adapters::install::codex_trust::{ListedHook, our_hooks};
use serde_json::{Value, json};

/// Codex answers within two seconds; one that takes this long is not waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// The number of the question about hooks.
const QUESTION: u64 = 2;

/// Our hooks, as Codex lists them for this folder.
pub(super) fn listed_hooks(folder: &Path) -> Result<Vec<ListedHook>, String> {
    let mut codex = Command::new("codex")
        .arg("app-server")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("`codex` cannot be started: {error}"))?;
    let answer = ask(&mut codex, folder);
    let _ = codex.kill();
    let _ = codex.wait();
    our_hooks(&answer?).map_err(|error| error.to_string())
}

fn ask(codex: &mut Child, folder: &Path) -> Result<Value, String> {
    let silent = || "codex did not say which hooks it runs".to_owned();
    let (mut input, output) = (codex.stdin.take(), codex.stdout.take());
    let (Some(input), Some(output)) = (&mut input, output) else { return Err(silent()) };
    let version = env!("CARGO_PKG_VERSION");
    let messages = [
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize",
               "params": {"clientInfo": {"name": "ringfence", "version": version}}}),
        json!({"jsonrpc": "2.0", "method": "initialized"}),
        json!({"jsonrpc": "2.0", "id": QUESTION, "method": "hooks/list",
               "params": {"cwds": [folder]}}),
    ];
    for message in messages {
        writeln!(input, "{message}").map_err(|_| silent())?;
    }
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        let mut answers = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        // Its own questions may have the same number; they name a method.
        let answer = answers.find(|it| {
            it.get("id").and_then(Value::as_u64) == Some(QUESTION) && it.get("method").is_none()
        });
        let _ = send.send(answer);
    });
    receive.recv_timeout(PATIENCE).ok().flatten().ok_or_else(silent)
}
