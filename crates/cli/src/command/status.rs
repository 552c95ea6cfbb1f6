//! `ringfence status`: whether anything is enforced, in one line, and why not.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use ringfence_adapters::hook::HookAgent;
use ringfence_classify::judge::{self, Mode};
use ringfence_record::ledger::Ledger;
use serde::Serialize;

use super::standing::{Outcome, Scene, Standing, State};
use crate::exit::{Exit, Failure};
use crate::render::color::{FAINT, GREEN, RED, YELLOW, paint};
use crate::render::json;
use crate::render::text::printable;
use crate::{places, reviewing, rules, second};

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
    judge: JudgeStatus,
    /// What becomes of results that look as if they were made to instruct: `note`, `wrap` or `quarantine`.
    #[serde(skip_serializing_if = "Option::is_none")]
    probe: Option<&'static str>,
    /// The second score of the probe, where there is to be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoder: Option<EncoderStatus>,
}

/// How it stands with the second score of the probe.
#[derive(Debug, Serialize)]
struct EncoderStatus {
    folder: PathBuf,
    /// Why it cannot be asked: the first score stands alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// How it stands with whoever judges what rules leave open.
#[derive(Debug, Serialize)]
struct JudgeStatus {
    /// `off`, `flagged` or `all`.
    mode: Mode,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    /// Why it cannot be asked: what it would judge is asked about instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl JudgeStatus {
    /// As the settings have it. Nobody is asked.
    fn of(settings: Result<judge::Settings, String>) -> Self {
        let settings = match settings {
            Ok(settings) => settings,
            Err(problem) => {
                let (mode, problem) = (Mode::Off, Some(problem));
                return Self { mode, model: None, endpoint: None, problem };
            }
        };
        let me = reviewing::me();
        let is_on = settings.mode != Mode::Off;
        let asked = is_on.then(|| reviewing::judge(&settings, me, Ledger::in_memory()));
        let problem = asked.and_then(Result::err);
        let judge::Settings { mode, model, endpoint, .. } = settings;
        Self { mode, model: model.filter(|_| is_on), endpoint: endpoint.filter(|_| is_on), problem }
    }
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
    let report = Report::now()?;
    if status.json {
        json::line(out, &report)?;
    } else {
        draw(&report, out)?;
    }
    Ok(if report.enforced { Exit::Fine } else { Exit::Found })
}

/// What is printed as JSON.
pub(super) fn report() -> Result<serde_json::Value, Failure> {
    Ok(serde_json::json!(Report::now()?))
}

impl Report {
    fn now() -> Result<Self, Failure> {
        let scene = scene(Path::new("/"))?;
        let agents: Vec<AgentStatus> = HookAgent::ALL
            .iter()
            .map(|agent| AgentStatus::from(Standing::of(*agent, &scene)))
            .collect();
        let enforced = agents.iter().any(|agent| agent.state == State::Enforced);
        let settings = places::config_folder()
            .map_err(|problem| problem.to_string())
            .and_then(|folder| rules::settings_in(&folder, reviewing::me()));
        let probe = settings.as_ref().ok().map(|it| it.probe.injection.as_str());
        let encoder = settings.as_ref().ok().and_then(|it| {
            let folder = it.probe.encoder.clone()?;
            Some(EncoderStatus { folder, problem: second::load(&it.probe, reviewing::me()).err() })
        });
        let judge = JudgeStatus::of(settings.map(|settings| settings.judge));
        Ok(Self { enforced, promise: "evidence", agents, judge, probe, encoder })
    }
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
    draw_judge(&report.judge, out)?;
    let Some(EncoderStatus { folder, problem }) = &report.encoder else { return Ok(()) };
    let folder = folder.display().to_string();
    match problem {
        None => {
            writeln!(out, "  {:<12} reads results too, from {}", "encoder", printable(&folder))?
        }
        Some(problem) => {
            let line = format!("cannot be asked: {}", printable(problem));
            writeln!(out, "  {:<12} {}", "encoder", paint(RED, &line))?;
        }
    }
    Ok(())
}

/// A judge that is off is nothing to tell.
fn draw_judge(judge: &JudgeStatus, out: &mut impl Write) -> Result<(), Failure> {
    let JudgeStatus { mode, model, endpoint, problem } = judge;
    let about = match mode {
        Mode::Off => None,
        Mode::Flagged => Some("is asked about what is flagged"),
        Mode::All => Some("is asked about all that rules leave open"),
    };
    if let Some(about) = about {
        let [model, endpoint] = [model, endpoint].map(|it| it.as_deref().unwrap_or("nothing"));
        let line = format!("{model} at {endpoint} {about}");
        writeln!(out, "  {:<12} {}", "judge", printable(&line))?;
    }
    if let Some(problem) = problem {
        let line = format!("cannot be asked, so that you are: {}", printable(problem));
        writeln!(out, "  {:<12} {}", "judge", paint(RED, &line))?;
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
