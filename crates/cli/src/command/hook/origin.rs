//! Who sent an event: the agent's own process, or something that a tool call started.
//!
//! The hook's parents are walked up to the first that is not a shell running this very hook. The
//! first event of a session names the agent; what comes from another process later is foreign, and is
//! refused. A session that is opened again goes on in a new process, which says so with a start event:
//! it is believed if the old process is gone, or if it is not one of the old one's own children.
//!
//! This is evidence, not prevention: a program of the same user that tries hard enough can look like a
//! hook, and is seen by what it runs before it gets there.

use std::fs;
use std::os::unix::fs::MetadataExt;

use ringfence_adapters::hook::{HookAgent, HookEvent};
use ringfence_record::RecordError;
use ringfence_record::agents::Agents;

use crate::processes::{Process, arguments, environment, lineage, stat};

/// Who sent the message at hand.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) process: Process,
    /// Its parents, nearest first.
    ancestors: Vec<Process>,
}

/// Who started an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StartedBy {
    /// No agent that can be told.
    Nobody,
    /// A tool call of this agent, in this session.
    Agent {
        /// The agent's kind.
        kind: String,
        /// Its own id of the session.
        session: String,
    },
    /// A tool call of an agent, it cannot be told in which session.
    UnknownAgent,
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
    let alive: Vec<Process> = agents.iter().filter(|agent| agent.is_alive()).cloned().collect();
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
    /// Keeps that this is an agent, and whose session it works on, for those that it may start.
    pub(super) fn register(
        &self,
        agents: &Agents,
        kind: &str,
        session: &str,
    ) -> Result<(), RecordError> {
        let name = self.process.name();
        let is_known = |(known, of): (String, String)| known == kind && of == session;
        if agents.session_of(&name).is_some_and(is_known) {
            return Ok(());
        }
        agents.add(&name, kind, session, |other| Process::alive(other).is_some())
    }

    /// Who started it: its words are that agent's then.
    pub(super) fn started_by(&self, agents: &Agents) -> StartedBy {
        let mut parents = self.ancestors.iter().filter(|parent| agents.knows(&parent.name()));
        match parents.next().map(|parent| agents.session_of(&parent.name())) {
            Some(Some((kind, session))) => StartedBy::Agent { kind, session },
            Some(None) => StartedBy::UnknownAgent,
            None if self.is_marked() => StartedBy::UnknownAgent,
            None => StartedBy::Nobody,
        }
    }

    /// The sessions of all agents above it, nearest first.
    pub(super) fn sessions_above(&self, agents: &Agents) -> Vec<String> {
        let sessions = self.ancestors.iter().map(|parent| agents.session_of(&parent.name()));
        sessions.flatten().map(|(_, session)| session).collect()
    }

    /// Whether the environment that it was started with is that of any agent's tool call. It stays when
    /// whoever started it is gone.
    fn is_marked(&self) -> bool {
        self.has_mark(HookAgent::ALL)
    }

    /// The same, of the tool calls of this agent.
    pub(super) fn was_started_by(&self, agent: HookAgent) -> bool {
        self.has_mark(&[agent])
    }

    fn has_mark(&self, agents: &[HookAgent]) -> bool {
        let marks = agents.iter().filter_map(|agent| agent.mark_of_tool_calls());
        let marks: Vec<&[u8]> = marks.map(str::as_bytes).collect();
        let is_mark = |variable: &Vec<u8>| {
            marks.iter().any(|mark| {
                variable.strip_prefix(*mark).is_some_and(|rest| rest.first() == Some(&b'='))
            })
        };
        environment(self.process.pid).is_some_and(|variables| variables.iter().any(is_mark))
    }

    /// The process that started this hook, past at most one shell that does nothing else.
    pub(super) fn of_this_hook() -> Option<Self> {
        Self::that_started(std::os::unix::process::parent_id())
    }

    /// The same, of a hook that asks the daemon: a process that runs this very program.
    pub(super) fn of_hook(hook: u32) -> Option<Self> {
        is_this_program(hook).then(|| Self::that_started(stat(hook)?.parent))?
    }

    /// The same, of a hook inside of a run. Only the supervisor of that run may name it: this very program,
    /// which started this process, and from which the hook inside comes.
    pub(super) fn of_hook_inside(hook: u32) -> Option<Self> {
        let supervisor = std::os::unix::process::parent_id();
        if !is_this_program(supervisor) {
            return None;
        }
        let sender = Self::that_started(stat(hook)?.parent)?;
        let supervisor = stat(supervisor)?.process;
        sender.ancestors.contains(&supervisor).then_some(sender)
    }

    fn that_started(parent: u32) -> Option<Self> {
        let parent = stat(parent)?;
        let runs_only_us = is_shell(&parent.name)
            && arguments(parent.process.pid).is_some_and(|line| {
                line.get(1).is_some_and(|flag| matches!(flag.as_str(), "-c" | "-lc"))
                    && line.get(2).is_some_and(|code| {
                        code.contains(" hook ") && !code.contains(['|', ';', '&', '<', '\n'])
                    })
            });
        let sender = if runs_only_us { stat(parent.parent)? } else { parent };
        let ancestors = lineage(sender.parent).into_iter().map(|parent| parent.process).collect();
        Some(Self { process: sender.process, ancestors })
    }
}

/// Whether a process runs the very file that this one does.
pub(super) fn is_this_program(pid: u32) -> bool {
    let program = |path: String| fs::metadata(path).ok().map(|it| (it.dev(), it.ino()));
    let own = program("/proc/self/exe".to_owned());
    own.is_some() && program(format!("/proc/{pid}/exe")) == own
}

fn is_shell(name: &str) -> bool {
    matches!(name, "sh" | "bash" | "dash" | "zsh")
}
