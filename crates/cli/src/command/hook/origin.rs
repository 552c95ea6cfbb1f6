//! Who sent an event: the agent's own process, or something that a tool call started.
//!
//! The hook's parents are walked up to the first that is not a shell running this very hook. The
//! first event of a session names the agent; what comes from another process later is foreign, and is
//! refused. A session that is opened again goes on in a new process, which says so with a start event:
//! it is believed if the old process is gone, or if it is not one of the old one's own children.
//!
//! This is evidence, not prevention: a program of the same user that tries hard enough can look like a
//! hook, and is seen by what it runs before it gets there.

#![expect(clippy::disallowed_methods, reason = "the parents of this process are looked up")]

use std::fs;

use ringfence_adapters::hook::{HookAgent, HookEvent};
use ringfence_record::RecordError;
use ringfence_record::agents::Agents;
use serde::{Deserialize, Serialize};

/// A process, told apart from a later one with the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    pid: u32,
    started: u64,
}

impl Process {
    /// As it is known among all agents.
    fn name(&self) -> String {
        format!("{}-{}", self.pid, self.started)
    }

    /// The words that it was started with, if it is still there.
    pub(super) fn arguments(&self) -> Vec<String> {
        let same = stat(self.pid).is_some_and(|stat| stat.process == *self);
        same.then(|| arguments(self.pid)).flatten().unwrap_or_default()
    }
}

/// Who sent the message at hand.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) process: Process,
    /// Its parents, nearest first.
    ancestors: Vec<Process>,
}

/// What a sender is to a session.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Its agent.
    Agent,
    /// Its agent from now on; the one before is gone.
    NewAgent,
    /// One more agent that has opened the same session.
    SecondAgent,
    /// Neither; what does not fit.
    Foreign(String),
}

/// More processes than these do not hold one session.
const MAX_AGENTS: usize = 8;

/// Compares the sender with the session's agents, and keeps in `agents` who they are.
pub(super) fn check(
    agents: &mut Vec<Process>,
    sender: Option<&Sender>,
    event: &HookEvent,
) -> Origin {
    // Without a process file system there is nothing to compare; `status` says so.
    let Some(sender) = sender else { return Origin::Agent };
    if agents.contains(&sender.process) {
        return Origin::Agent;
    }
    let alive: Vec<Process> = agents
        .iter()
        .filter(|agent| stat(agent.pid).is_some_and(|it| it.process == **agent))
        .cloned()
        .collect();
    let is_start = matches!(event, HookEvent::Start { .. });
    let is_child = sender.ancestors.iter().any(|parent| alive.contains(parent));
    let foreign = |agent: &Process| {
        Origin::Foreign(format!(
            "sent by process {}, while the session's agent is process {}",
            sender.process.pid, agent.pid
        ))
    };
    let origin = match (agents.first(), alive.first()) {
        (None, _) => Origin::Agent,
        (Some(agent), _) if !is_start || is_child => return foreign(agent),
        (Some(_), None) => Origin::NewAgent,
        (Some(agent), Some(_)) if alive.len() >= MAX_AGENTS => return foreign(agent),
        (Some(_), Some(_)) => Origin::SecondAgent,
    };
    *agents = alive;
    agents.push(sender.process.clone());
    origin
}

impl Sender {
    /// Keeps that this is an agent, for those that it may start.
    pub(super) fn register(&self, agents: &Agents) -> Result<(), RecordError> {
        let name = self.process.name();
        if agents.knows(&name) {
            return Ok(());
        }
        agents.add(&name, |other| {
            let pid = other.split('-').next().and_then(|pid| pid.parse().ok());
            pid.and_then(stat).is_some_and(|it| it.process.name() == other)
        })
    }

    /// Whether it was started by a tool call of an agent: its words are that agent's then.
    pub(super) fn is_nested(&self, agents: &Agents) -> bool {
        self.ancestors.iter().any(|parent| agents.knows(&parent.name()))
    }

    /// Whether the environment that it was started with is that of a tool call, even if whoever started
    /// it is gone.
    pub(super) fn was_started_by(&self, agent: HookAgent) -> bool {
        let Some(mark) = agent.mark_of_tool_calls().map(str::as_bytes) else { return false };
        let environment = fs::read(format!("/proc/{}/environ", self.process.pid));
        environment.is_ok_and(|text| {
            text.split(|byte| *byte == 0)
                .any(|it| it.strip_prefix(mark).is_some_and(|rest| rest.first() == Some(&b'=')))
        })
    }

    /// The process that started this hook, past at most one shell that does nothing else.
    pub(super) fn of_this_hook() -> Option<Self> {
        let parent = stat(std::os::unix::process::parent_id())?;
        let runs_only_us = is_shell(&parent.name)
            && arguments(parent.process.pid).is_some_and(|line| {
                line.get(1).is_some_and(|flag| matches!(flag.as_str(), "-c" | "-lc"))
                    && line.get(2).is_some_and(|code| {
                        code.contains(" hook ") && !code.contains(['|', ';', '&', '<', '\n'])
                    })
            });
        let sender = if runs_only_us { stat(parent.parent)? } else { parent };
        let mut ancestors = Vec::new();
        let mut next = sender.parent;
        while let Some(parent) = stat(next)
            && ancestors.len() < 64
        {
            next = parent.parent;
            ancestors.push(parent.process);
        }
        Some(Self { process: sender.process, ancestors })
    }
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
    // A process that has ended and was not waited for is gone.
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
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
