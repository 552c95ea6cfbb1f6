//! `ringfence status`: whether anything is enforced, in one line, and why not.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use ringfence_action::Preset;
use ringfence_adapters::hook::HookAgent;
use ringfence_adapters::install::{Registered, Registration};
use ringfence_record::StateFolder;
use ringfence_record::log::{Durability, Log};
use ringfence_record::originals::{self, Originals};
use ringfence_record::projection::{Projection, Query};
use serde::Serialize;
use serde_json::Value;

use crate::command::codex;
use crate::exit::{Exit, Failure, Problem};
use crate::places;
use crate::render::color::{FAINT, GREEN, RED, YELLOW, paint};
use crate::render::json;
use crate::render::text::printable;
use crate::rules;

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
    /// What happened to the gate or to the record since `init`, newest last.
    findings: Vec<String>,
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

/// Findings that concern the gate itself; others are in `ringfence audit tail`.
const ABOUT_THE_GATE: &[&str] = &[
    "guard.settings-changed",
    "record.damaged-entry",
    "record.entries-missing",
    "record.head-damaged",
    "session.denied-call-ran",
    "session.foreign-event",
    "session.rewritten-call",
];

/// How many findings are shown.
const MOST_FINDINGS: usize = 5;

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
    let is_here = agent.folder(home).is_dir();
    let gate = gate_of(agent, home, was_registered).and_then(|gate| {
        is_as_written(agent, home, &gate)?;
        Ok(gate)
    });
    let findings = match &gate {
        Ok(gate) => findings(agent, gate),
        Err(_) => Vec::new(),
    };
    let gate = gate.and_then(|gate| is_run(agent).map(|()| gate));
    let (state, reason) = match gate {
        _ if !is_here => (State::Absent, "no settings folder".to_owned()),
        Ok(gate) => match standing(&gate) {
            Ok(reason) => (State::Enforced, reason),
            Err(reason) => (State::Dead, reason),
        },
        Err(reason) => (State::Dead, reason),
    };
    let unguarded = match state {
        State::Enforced => agent.ways_around().iter().map(|way| (*way).to_owned()).collect(),
        State::Dead | State::Absent => Vec::new(),
    };
    AgentStatus { kind: agent.as_str(), state, reason, unguarded, findings }
}

/// Whether the agent itself says that it runs our hooks, where it can be asked.
fn is_run(agent: HookAgent) -> Result<(), String> {
    if agent != HookAgent::Codex {
        return Ok(());
    }
    let here = std::env::current_dir().map_err(|error| error.to_string())?;
    let hooks = codex::listed_hooks(&here)?;
    if hooks.is_empty() {
        return Err("codex does not list the gate among its hooks".to_owned());
    }
    if hooks.iter().all(|hook| hook.runs) {
        return Ok(());
    }
    let how = "run `ringfence init codex`, or `/hooks` in codex";
    Err(format!("codex does not run the hooks: its user has not trusted them; {how}"))
}

/// Whether the gate stands in the agent's settings below this home folder; why not, if it does not.
pub(super) fn gate_below(agent: HookAgent, home: &str) -> Result<(), String> {
    gate_of(agent, Path::new(home), |_| true).map(drop)
}

/// A registered gate is alive if it is called for every tool, exists and can be started.
fn gate_of(
    agent: HookAgent,
    home: &Path,
    was_registered: fn(HookAgent) -> bool,
) -> Result<Registered, String> {
    let settings =
        originals::read(&agent.settings_path(home)).map_err(|error| error.to_string())?;
    let found = match settings {
        Some(settings) => agent.registered(&settings).map_err(|error| error.to_string())?,
        None => Registered::default(),
    };
    if let Some(bypass) = found.bypasses.first() {
        return Err(bypass.clone());
    }
    if found.guarded.is_empty() {
        return Err(if was_registered(agent) {
            "the gate was registered and is gone; run `ringfence init` again".to_owned()
        } else {
            "no gate is registered; run `ringfence init`".to_owned()
        });
    }
    if !found.missing.is_empty() {
        let missing = found.missing.join(", ");
        return Err(format!("no gate on {missing}; run `ringfence init`"));
    }
    for program in &found.programs {
        let runs = std::fs::metadata(program)
            .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0);
        if !runs {
            let program = program.display();
            return Err(format!("`{program}` cannot be started; run `ringfence init` again"));
        }
    }
    Ok(found)
}

/// Whether `init` was here and was not undone.
fn was_registered(agent: HookAgent) -> bool {
    let state = places::state_folder().ok().filter(|path| path.is_dir());
    state.is_some_and(|path| {
        StateFolder::open(path)
            .and_then(|folder| Originals::open(&folder))
            .and_then(|originals| originals.load(agent.as_str()))
            .is_ok_and(|original| original.is_some())
    })
}

/// Whether every entry is as `init` would write it now, for this program and these folders, and nothing
/// else switches it off. An entry that only looks like ours does whatever it does.
fn is_as_written(agent: HookAgent, home: &Path, found: &Registered) -> Result<(), String> {
    let again = "run `ringfence init` again";
    let own = std::env::current_exe().and_then(std::fs::metadata).map_err(|it| it.to_string())?;
    for program in &found.programs {
        let is_own = std::fs::metadata(program)
            .is_ok_and(|it| (it.dev(), it.ino()) == (own.dev(), own.ino()));
        if !is_own {
            return Err(format!("`{}` is not this program; {again}", program.display()));
        }
    }
    let program = found.programs.first().ok_or("no gate is registered; run `ringfence init`")?;
    let folder = |place: Result<PathBuf, Problem>| place.map_err(|problem| problem.to_string());
    let [state, config] = [folder(places::state_folder())?, folder(places::config_folder())?];
    let read = |path: &Path| originals::read(path).map_err(|error| error.to_string());
    let settings = read(&agent.settings_path(home))?.unwrap_or_default();
    let mut deviations = Vec::new();
    for decide in [false, true] {
        let (program, state, config) = (program.clone(), state.clone(), config.clone());
        let gate = Registration { program, state, config, home: home.to_owned(), decide };
        let these = agent.deviations(&settings, &gate).map_err(|error| error.to_string())?;
        if these.is_empty() {
            deviations.clear();
            break;
        }
        deviations = these;
    }
    if let Some(deviation) = deviations.first() {
        return Err(format!("{deviation}; {again}"));
    }
    let folder = agent.folder(home);
    let moved = agent.moved_by().and_then(|name| Some((name, std::env::var_os(name)?)));
    if let Some((variable, moved)) = moved.filter(|(_, it)| Path::new(it) != folder) {
        let moved = Path::new(&moved).display();
        return Err(format!("`{variable}` names `{moved}`, where no gate is registered"));
    }
    let here = std::env::current_dir().unwrap_or_default();
    for path in agent.rule_files(Some(home), None, &[&here]) {
        if path.is_dir() {
            continue;
        }
        let Some(settings) = read(&path)? else { continue };
        let switches = agent.switches(&settings).unwrap_or_default();
        if let Some(switch) = switches.first() {
            return Err(format!("`{}`: {switch}", path.display()));
        }
    }
    Ok(())
}

/// What a gate that stands does: decide, or deny everything for want of what it needs. An error where it
/// only looks on.
fn standing(gate: &Registered) -> Result<String, String> {
    for folder in &gate.states {
        let me = match StateFolder::open(folder) {
            Ok(folder) => folder.owner(),
            Err(problem) => return Ok(format!("every call is denied: {problem}")),
        };
        for folder in &gate.configs {
            match rules::configured(folder, me) {
                Ok(configured) if configured.preset == Preset::Observe => {
                    return Err("observes only: the preset is `observe`".to_owned());
                }
                Ok(_) => {}
                Err(problem) => {
                    return Ok(format!("every call is denied: the rules do not load: {problem}"));
                }
            }
        }
    }
    Ok(format!("registered on {}", gate.guarded.join(", ")))
}

/// What the log has about the gate since `init`.
fn findings(agent: HookAgent, gate: &Registered) -> Vec<String> {
    let mut found = Vec::new();
    for path in gate.states.iter().filter(|path| path.join("audit").is_dir()) {
        let entries = StateFolder::open(path).and_then(|folder| {
            let since = Originals::open(&folder)?.kept_at(agent.as_str());
            let since = since.and_then(|at| Timestamp::try_from(at).ok());
            let log = Log::open(&folder, Durability::Process)?;
            let query = Query { kind: Some("finding".into()), limit: 1_000, ..Query::default() };
            Ok((since, Projection::open(&folder, &log)?.find(&query)?))
        });
        match entries {
            Ok((since, entries)) => {
                found.extend(entries.iter().filter_map(|entry| described(entry, since)));
            }
            Err(problem) => found.push(problem.to_string()),
        }
    }
    let first = found.len().saturating_sub(MOST_FINDINGS);
    found.split_off(first)
}

fn described(entry: &Value, since: Option<Timestamp>) -> Option<String> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let (code, at) = (text("code")?, text("at")?);
    let is_old = at.parse::<Timestamp>().is_ok_and(|at| since.is_some_and(|it| at < it));
    if !ABOUT_THE_GATE.contains(&code) || is_old {
        return None;
    }
    let during = entry.get("during").and_then(Value::as_array).is_some_and(|it| !it.is_empty());
    let what = match (text("path"), text("problem")) {
        (Some(path), _) if during => format!(": {path}, while a call ran"),
        (Some(what), _) | (None, Some(what)) => format!(": {what}"),
        (None, None) => String::new(),
    };
    Some(format!("{at} {code}{what}"))
}

fn draw(report: &Report, out: &mut impl Write) -> Result<(), Failure> {
    if report.enforced {
        let line = "enforced: calls are decided before they run; tampering by the agent's own user is \
                    seen, not prevented";
        writeln!(out, "{}", paint(GREEN, line))?;
    } else {
        writeln!(out, "{}", paint(RED, "nothing is enforced"))?;
    }
    let (absent, here): (Vec<_>, Vec<_>) =
        report.agents.iter().partition(|agent| agent.state == State::Absent);
    for agent in here {
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
