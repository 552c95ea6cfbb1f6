//! How the gate stands with one agent: what `status` says in a line and `doctor` in full.
//!
//! That a gate stands in a file proves nothing. Its registration is compared with what `init` would write;
//! whatever could go around it is looked for; the agent itself is asked where it can be; and the gate is
//! started as the agent would start it, with a call that it must deny.

mod around;
mod canary;
mod gate;
mod heartbeat;
mod record;

use std::path::{Path, PathBuf};

use ringfence_adapters::hook::HookAgent;
use ringfence_adapters::install::Registered;
use serde::Serialize;

pub(super) use self::gate::gate_below;

/// One agent, looked at.
#[derive(Debug, Serialize)]
pub(super) struct Standing {
    pub(super) kind: &'static str,
    pub(super) state: State,
    /// Why, in a line.
    pub(super) reason: String,
    /// Ways around the gate that it cannot see.
    pub(super) unguarded: Vec<String>,
    /// What happened to the gate or to the record since `init`, newest last.
    pub(super) findings: Vec<String>,
    /// What was looked at, in order.
    pub(super) checks: Vec<Check>,
}

/// What becomes of an agent's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// The gate is called before every call.
    Enforced,
    /// The agent is here, and calls run unseen.
    Dead,
    /// It cannot be told.
    Unknown,
    /// The agent is not here.
    Absent,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// What.
    pub(super) what: &'static str,
    pub(super) outcome: Outcome,
    /// What was found, and what to do about it.
    pub(super) said: String,
}

/// What came of looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// It is as it should be.
    Holds,
    /// It should be looked at; calls are decided all the same.
    Warns,
    /// It cannot be told.
    Unknown,
    /// Calls run unseen.
    Fails,
}

/// What a check found: what is as it should be, or what is not.
type Found = Result<String, Fault>;

#[derive(Debug)]
struct Fault {
    outcome: Outcome,
    said: String,
}

fn fails(said: impl Into<String>) -> Fault {
    Fault { outcome: Outcome::Fails, said: said.into() }
}

fn warns(said: impl Into<String>) -> Fault {
    Fault { outcome: Outcome::Warns, said: said.into() }
}

fn unknown(said: impl Into<String>) -> Fault {
    Fault { outcome: Outcome::Unknown, said: said.into() }
}

/// Where everything is that is looked at.
pub(super) struct Scene {
    /// Where the settings of the system lie: `/`.
    pub(super) root: PathBuf,
    pub(super) home: PathBuf,
    /// The folder that agents are started in.
    pub(super) here: PathBuf,
}

impl Standing {
    /// Looks at everything that there is about this agent.
    pub(super) fn of(agent: HookAgent, scene: &Scene) -> Self {
        let kind = agent.as_str();
        let unguarded = Vec::new();
        if !agent.folder(&scene.home).is_dir() {
            let (state, reason) = (State::Absent, "no settings folder".to_owned());
            let (findings, checks) = (Vec::new(), Vec::new());
            return Self { kind, state, reason, unguarded, findings, checks };
        }
        let mut look = Look { checks: Vec::new() };
        let gate = gate::gate_of(agent, &scene.root, &scene.home, record::was_registered);
        look.note(
            "registration",
            gate.as_ref().map(gate::guards).map_err(|why| fails(why.clone())),
        );
        let mut findings = Vec::new();
        if let Ok(gate) = &gate {
            look.at_a_gate(agent, scene, gate);
            findings = record::findings(agent, gate);
        }
        let Look { checks } = look;
        let first = |outcome| checks.iter().find(|check| check.outcome == outcome);
        let said = |check: &Check| check.said.clone();
        let (state, reason) = if let Some(check) = first(Outcome::Fails) {
            (State::Dead, said(check))
        } else if let Some(check) = first(Outcome::Unknown) {
            (State::Unknown, said(check))
        } else if let Some(check) = first(Outcome::Warns) {
            (State::Enforced, said(check))
        } else {
            (State::Enforced, checks.first().map(said).unwrap_or_default())
        };
        let unguarded = match state {
            State::Enforced => agent.ways_around().iter().map(|way| (*way).to_owned()).collect(),
            State::Dead | State::Unknown | State::Absent => unguarded,
        };
        Self { kind, state, reason, unguarded, findings, checks }
    }

    /// Whether a check is not as it should be.
    pub(super) fn has(&self, outcome: Outcome) -> bool {
        self.checks.iter().any(|check| check.outcome == outcome)
    }
}

/// What has been looked at so far.
struct Look {
    checks: Vec<Check>,
}

impl Look {
    fn note(&mut self, what: &'static str, found: Found) {
        let (outcome, said) = match found {
            Ok(said) => (Outcome::Holds, said),
            Err(fault) => (fault.outcome, fault.said),
        };
        self.checks.push(Check { what, outcome, said });
    }

    fn at_a_gate(&mut self, agent: HookAgent, scene: &Scene, gate: &Registered) {
        let home: &Path = &scene.home;
        self.note("program", gate::is_this_program(gate));
        self.note("entries", gate::is_as_written(agent, scene, gate));
        self.note("place", gate::is_where_it_looks(agent, home, gate));
        self.note("switches", gate::is_not_switched_off(agent, scene));
        self.note("agent", gate::is_run(agent, &scene.here));
        self.note("environment", around::environment(agent));
        self.note("startup files", around::startup_files(agent, home));
        self.note("running agents", around::running(agent, home));
        self.note("other hooks", gate::runs_alone(agent, home));
        self.note("rules", record::rules(gate));
        self.note("record", record::can_be_kept(gate));
        for command in &gate.commands {
            self.note("canary", canary::denied(agent, command, &scene.here));
        }
        self.note("heartbeat", heartbeat::heard(agent, home, gate));
    }
}
