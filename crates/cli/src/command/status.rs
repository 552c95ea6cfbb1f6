//! `ringfence status`: whether anything is enforced, in one line, and why not.

use std::io::Write;
use std::path::Path;

use clap::Args;
use ringfence_adapters::hook::HookAgent;
use serde::Serialize;

use super::standing::{Outcome, Scene, Standing, State};
use crate::exit::{Exit, Failure};
use crate::places;
use crate::render::color::{FAINT, GREEN, RED, YELLOW, paint};
use crate::render::json;
use crate::render::text::printable;

/// Say whether the agents here are guarded
///
/// Looks at what `ringfence doctor` looks at, and says less.
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
    /// `enforced`, `dead` or `absent`: what cannot be told is not enforced.
    state: State,
    reason: String,
    /// Ways around the gate that it cannot see.
    unguarded: Vec<String>,
    /// What happened to the gate or to the record since `init`, newest last, and what should be looked at.
    findings: Vec<String>,
}

pub(crate) fn run(status: &Status, out: &mut impl Write) -> Result<Exit, Failure> {
    let scene = scene(Path::new("/"))?;
    let agents: Vec<AgentStatus> = HookAgent::ALL
        .iter()
        .map(|agent| AgentStatus::from(Standing::of(*agent, &scene)))
        .collect();
    let enforced = agents.iter().any(|agent| agent.state == State::Enforced);
    let report = Report { enforced, promise: "evidence", agents };
    if status.json {
        json::line(out, &report)?;
    } else {
        draw(&report, out)?;
    }
    Ok(if enforced { Exit::Fine } else { Exit::Found })
}

/// This machine, as its user stands in it. `root` is where the settings of the system lie.
pub(super) fn scene(root: &Path) -> Result<Scene, Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    Ok(Scene { root: root.to_owned(), home: places::home()?, here })
}

impl From<Standing> for AgentStatus {
    fn from(standing: Standing) -> Self {
        let Standing { kind, state, reason, unguarded, mut findings, checks } = standing;
        let state = if state == State::Unknown { State::Dead } else { state };
        let warns = |outcome| state == State::Enforced && outcome == Outcome::Warns;
        let warned =
            checks.into_iter().filter(|check| warns(check.outcome) && check.said != reason);
        findings.extend(warned.map(|check| check.said));
        Self { kind, state, reason, unguarded, findings }
    }
}

fn draw(report: &Report, out: &mut impl Write) -> Result<(), Failure> {
    headline(report.enforced, out)?;
    let (absent, here): (Vec<_>, Vec<_>) =
        report.agents.iter().partition(|agent| agent.state == State::Absent);
    for agent in here {
        let state = word(agent.state);
        let reason = printable(&agent.reason);
        writeln!(out, "  {:<12} {state}  {reason}", agent.kind)?;
        for way in &agent.unguarded {
            writeln!(out, "  {:<12} {}", "", paint(YELLOW, &format!("not guarded when {way}")))?;
        }
        for finding in &agent.findings {
            writeln!(out, "  {:<12} {}", "", paint(RED, &format!("found {}", printable(finding))))?;
        }
    }
    let absent: Vec<&str> = absent.iter().map(|agent| agent.kind).collect();
    if !absent.is_empty() {
        writeln!(out, "{}", paint(FAINT, &format!("  not here: {}", absent.join(", "))))?;
    }
    Ok(())
}

/// Whether anything is enforced at all.
pub(super) fn headline(enforced: bool, out: &mut impl Write) -> Result<(), Failure> {
    if enforced {
        let line = "enforced: calls are decided before they run; tampering by the agent's own user is \
                    seen, not prevented";
        writeln!(out, "{}", paint(GREEN, line))?;
    } else {
        writeln!(out, "{}", paint(RED, "nothing is enforced"))?;
    }
    Ok(())
}

/// A state, in its colour.
pub(super) fn word(state: State) -> String {
    let (style, word) = match state {
        State::Enforced => (GREEN, "enforced"),
        State::Dead => (RED, "dead"),
        State::Unknown => (YELLOW, "unknown"),
        State::Absent => (FAINT, "absent"),
    };
    paint(style, word).to_string()
}
