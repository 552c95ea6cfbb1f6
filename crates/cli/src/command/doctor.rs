//! `ringfence doctor`: proves for each agent that its gate is alive, and says what is wrong where it is not.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use ringfence_adapters::hook::HookAgent;
use serde::Serialize;

use super::standing::{Outcome, Standing, State};
use super::status::{headline, scene, word};
use crate::exit::{Exit, Failure, Problem};
use crate::render::color::{FAINT, GREEN, RED, YELLOW, paint};
use crate::render::json;
use crate::render::text::printable;

/// Prove that the gate of each agent is alive
///
/// Starts each gate as its agent would, with a call that must be denied; asks the agent itself where it can be
/// asked; looks for settings, variables, startup files and running agents that go around it; and compares the
/// agent's transcripts with what the gate has seen.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ringfence doctor\n  ringfence doctor --json claude-code\n\nExits with 0 when every agent here is guarded, 1 when something is not or was found, 2 when it cannot be told."
)]
pub(crate) struct Doctor {
    /// Only these agents [default: those found]
    #[arg(value_name = "AGENT", value_parser = agent)]
    agents: Vec<HookAgent>,
    /// Where the settings of an organisation lie, as for `init --managed`
    #[arg(long, value_name = "DIR", default_value = "/", hide_default_value = true)]
    root: PathBuf,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

fn agent(name: &str) -> Result<HookAgent, String> {
    HookAgent::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = HookAgent::ALL.iter().map(|agent| agent.as_str()).collect();
        format!("no agent of this kind; known are: {}", known.join(", "))
    })
}

#[derive(Debug, Serialize)]
struct Report {
    enforced: bool,
    agents: Vec<Standing>,
}

pub(crate) fn run(doctor: &Doctor, out: &mut impl Write) -> Result<Exit, Failure> {
    let scene = scene(&doctor.root)?;
    let named = !doctor.agents.is_empty();
    let agents = if named { &doctor.agents } else { HookAgent::ALL };
    let agents = agents.iter().map(|agent| Standing::of(*agent, &scene));
    let agents: Vec<Standing> =
        agents.filter(|standing| named || standing.state != State::Absent).collect();
    if agents.is_empty() {
        let help = "install one first, or name it: `ringfence doctor claude-code`";
        return Err(Problem::new("no agent was found in your home folder", help).into());
    }
    let exit = exit(&agents);
    let enforced = agents.iter().any(|agent| agent.state == State::Enforced);
    let report = Report { enforced, agents };
    if doctor.json {
        json::line(out, &report)?;
    } else {
        draw(&report, out)?;
    }
    Ok(exit)
}

/// The worst that was found: what runs unseen is worse than what cannot be told.
fn exit(agents: &[Standing]) -> Exit {
    let is_wrong = |agent: &Standing| {
        matches!(agent.state, State::Dead | State::Absent)
            || agent.has(Outcome::Warns)
            || !agent.findings.is_empty()
    };
    if agents.iter().any(is_wrong) {
        Exit::Found
    } else if agents.iter().any(|agent| agent.state == State::Unknown) {
        Exit::Usage
    } else {
        Exit::Fine
    }
}

fn draw(report: &Report, out: &mut impl Write) -> Result<(), Failure> {
    headline(report.enforced, out)?;
    for agent in &report.agents {
        writeln!(out, "\n{}  {}", agent.kind, word(agent.state))?;
        if agent.checks.is_empty() {
            writeln!(out, "  {}", printable(&agent.reason))?;
        }
        for check in &agent.checks {
            let (style, sign) = match check.outcome {
                Outcome::Holds => (GREEN, "ok  "),
                Outcome::Warns => (YELLOW, "look"),
                Outcome::Unknown => (YELLOW, "?   "),
                Outcome::Fails => (RED, "DEAD"),
            };
            let said = printable(&check.said);
            writeln!(out, "  {} {:<14} {said}", paint(style, sign), check.what)?;
        }
        for finding in &agent.findings {
            writeln!(out, "  {} {:<14} {}", paint(RED, "look"), "since init", printable(finding))?;
        }
        for way in &agent.unguarded {
            writeln!(out, "  {}", paint(FAINT, &format!("not guarded when {way}")))?;
        }
    }
    Ok(())
}
