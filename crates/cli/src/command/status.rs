//! `ringfence status`: whether anything is enforced, in one line, and why not.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use clap::Args;
use ringfence_adapters::hook::HookAgent;
use ringfence_record::originals;
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::places;
use crate::render::color::{FAINT, GREEN, RED, YELLOW, paint};
use crate::render::json;
use crate::render::text::printable;

/// Say whether the agents here are guarded
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence status --json\n\nExits with 1 when nothing is enforced."
)]
pub(crate) struct Status {
    /// Write JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    enforced: bool,
    /// What is promised: the agent runs as the same user, so tampering is seen, not prevented.
    promise: &'static str,
    agents: Vec<AgentStatus>,
}

#[derive(Debug, Serialize)]
struct AgentStatus {
    kind: &'static str,
    state: State,
    reason: String,
    /// Ways around the gate that it cannot see.
    unguarded: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// The gate is called before every call.
    Enforced,
    /// The agent is here, and calls run unseen.
    Dead,
    /// The agent is not here.
    Absent,
}

pub(crate) fn run(status: &Status, out: &mut impl Write) -> Result<Exit, Failure> {
    let home = places::home()?;
    let agents: Vec<AgentStatus> =
        HookAgent::ALL.iter().map(|agent| look_at(*agent, &home)).collect();
    let enforced = agents.iter().any(|agent| agent.state == State::Enforced);
    let report = Report { enforced, promise: "evidence", agents };
    if status.json {
        json::line(out, &report)?;
    } else {
        draw(&report, out)?;
    }
    Ok(if enforced { Exit::Fine } else { Exit::Found })
}

fn look_at(agent: HookAgent, home: &Path) -> AgentStatus {
    let path = agent.settings_path(home);
    let is_here = path.parent().is_some_and(Path::is_dir);
    let (state, reason) = match originals::read(&path) {
        _ if !is_here => (State::Absent, "no settings folder".to_owned()),
        Ok(None) => (State::Dead, "no gate is registered; run `ringfence init`".to_owned()),
        Ok(Some(settings)) => liveness(agent, &settings),
        Err(error) => (State::Dead, error.to_string()),
    };
    let unguarded = match (state, agent) {
        (State::Enforced, HookAgent::ClaudeCode) => {
            ["started with `--bare`", "started with `--safe-mode`", "a file is named with `@`"]
                .map(str::to_owned)
                .to_vec()
        }
        (State::Dead | State::Absent, _) => Vec::new(),
    };
    AgentStatus { kind: agent.as_str(), state, reason, unguarded }
}

/// A registered gate is alive if it is called for every tool, exists and can be started.
fn liveness(agent: HookAgent, settings: &str) -> (State, String) {
    let found = match agent.registered(settings) {
        Ok(found) => found,
        Err(error) => return (State::Dead, error.to_string()),
    };
    if let Some(bypass) = found.bypasses.first() {
        return (State::Dead, bypass.clone());
    }
    if !found.missing.is_empty() {
        let missing = found.missing.join(", ");
        return (State::Dead, format!("no gate on {missing}; run `ringfence init`"));
    }
    for program in &found.programs {
        let runs = std::fs::metadata(program)
            .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0);
        if !runs {
            let program = program.display();
            return (
                State::Dead,
                format!("`{program}` cannot be started; run `ringfence init` again"),
            );
        }
    }
    (State::Enforced, format!("registered on {}", found.guarded.join(", ")))
}

fn draw(report: &Report, out: &mut impl Write) -> Result<(), Failure> {
    if report.enforced {
        let line = "enforced: calls are decided before they run; tampering by the agent's own user is \
                    seen, not prevented";
        writeln!(out, "{}", paint(GREEN, line))?;
    } else {
        writeln!(out, "{}", paint(RED, "nothing is enforced"))?;
    }
    for agent in &report.agents {
        let (style, word) = match agent.state {
            State::Enforced => (GREEN, "enforced"),
            State::Dead => (RED, "dead"),
            State::Absent => (FAINT, "absent"),
        };
        let reason = printable(&agent.reason);
        writeln!(out, "  {:<12} {}  {reason}", agent.kind, paint(style, word))?;
        for way in &agent.unguarded {
            writeln!(out, "  {:<12} {}", "", paint(YELLOW, &format!("not guarded when {way}")))?;
        }
    }
    Ok(())
}
