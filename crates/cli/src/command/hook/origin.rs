//! Who sent an event: the agent's own process, or something that a tool call started.
//!
//! The hook's parents are walked up to the first that is not a shell running this very hook. The
//! first event of a session names the agent; a later one with other parents is foreign. This is
//! evidence, not prevention: a program of the same user that tries hard enough can look like a hook,
//! and is seen by what it runs before it gets there.

#![expect(clippy::disallowed_methods, reason = "the parents of this process are looked up")]

use std::fs;

use ringfence_adapters::hook::HookEvent;
use serde::{Deserialize, Serialize};

use super::state::Kept;

/// A process, told apart from a later one with the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    pid: u32,
    started: u64,
}

impl Process {
    /// The words that it was started with, if it is still there.
    pub(super) fn arguments(&self) -> Vec<String> {
        let same = stat(self.pid).is_some_and(|stat| stat.process == *self);
        same.then(|| arguments(self.pid)).flatten().unwrap_or_default()
    }
}

/// Compares the sender with the agent's process. `Some` says what does not fit.
pub(super) fn check(kept: &mut Kept, event: &HookEvent) -> Option<String> {
    // Without a process file system there is nothing to compare; `status` says so.
    let sender = sender()?;
    match &kept.agent {
        Some(agent) if *agent == sender => None,
        // A session that is resumed goes on in another process.
        Some(_) if matches!(event, HookEvent::Start { .. }) => {
            kept.agent = Some(sender);
            None
        }
        None => {
            kept.agent = Some(sender);
            None
        }
        Some(agent) => Some(format!(
            "sent by process {}, while the session's agent is process {}",
            sender.pid, agent.pid
        )),
    }
}

/// The process that started this hook, past at most one shell that does nothing else.
fn sender() -> Option<Process> {
    let parent = stat(std::os::unix::process::parent_id())?;
    let runs_only_us = is_shell(&parent.name)
        && arguments(parent.process.pid).is_some_and(|line| {
            line.get(1).is_some_and(|flag| flag == "-c")
                && line.get(2).is_some_and(|code| {
                    code.contains(" hook ") && !code.contains(['|', ';', '&', '<'])
                })
        });
    if runs_only_us { stat(parent.parent).map(|stat| stat.process) } else { Some(parent.process) }
}

struct Stat {
    process: Process,
    parent: u32,
    name: String,
}

/// `/proc/PID/stat`: `pid (name) state ppid … starttime …`, where the name may hold anything.
fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (before, after) = text.rsplit_once(") ")?;
    let name = before.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = after.split(' ').collect();
    let parent = fields.get(1)?.parse().ok()?;
    let started = fields.get(19)?.parse().ok()?;
    Some(Stat { process: Process { pid, started }, parent, name })
}

fn is_shell(name: &str) -> bool {
    matches!(name, "sh" | "bash" | "dash" | "zsh")
}

fn arguments(pid: u32) -> Option<Vec<String>> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Some(text.split('\0').map(str::to_owned).collect())
}
