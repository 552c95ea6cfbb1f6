//! What the gate needs to decide, and what it has left in the record.

#![expect(clippy::disallowed_methods, reason = "the clock is looked at, and a file's time")]

use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use ringfence_action::Preset;
use ringfence_adapters::hook::HookAgent;
use ringfence_adapters::install::Registered;
use ringfence_record::StateFolder;
use ringfence_record::log::{Durability, Log};
use ringfence_record::originals::Originals;
use ringfence_record::projection::{Projection, Query};
use serde_json::Value;

use super::{Found, fails, warns};
use crate::places;
use crate::rules as own_rules;

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

/// A clock that is off by less is being set right.
const TOLERANCE: Duration = Duration::from_secs(60);

/// No clock that is right is before this: 2025, in seconds.
const LONG_AGO: u64 = 1_735_689_600;

/// Whether `init` was here and was not undone.
pub(super) fn was_registered(agent: HookAgent) -> bool {
    let state = places::state_folder().ok().filter(|path| path.is_dir());
    state.is_some_and(|path| {
        StateFolder::open(path)
            .and_then(|folder| Originals::open(&folder))
            .and_then(|originals| originals.load(agent.as_str()))
            .is_ok_and(|original| original.is_some())
    })
}

/// Whether the rules load, and whether they are enforced at all.
pub(super) fn rules(gate: &Registered) -> Found {
    for state in &gate.states {
        // A gate without its state denies everything; that is said of the record.
        let Ok(folder) = StateFolder::open(state) else { continue };
        for config in &gate.configs {
            match own_rules::configured(config, folder.owner()) {
                Ok(configured) if configured.preset == Preset::Observe => {
                    return Err(fails("observes only: the preset is `observe`"));
                }
                Ok(_) => {}
                Err(problem) => {
                    let what = format!("every call is denied: the rules do not load: {problem}");
                    return Err(warns(what));
                }
            }
        }
    }
    Ok("the rules load, and are enforced".to_owned())
}

/// Whether the state folder is private and the clock one that entries can be dated with.
pub(super) fn can_be_kept(gate: &Registered) -> Found {
    let now = SystemTime::now();
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    for state in &gate.states {
        StateFolder::open(state)
            .map_err(|problem| warns(format!("every call is denied: {problem}")))?;
        if let Some(ahead) = ahead_of(&state.join("audit.head"), now) {
            return Err(warns(format!(
                "the clock went back: the newest entry of the log is {} s ahead of it",
                ahead.as_secs()
            )));
        }
    }
    if since.as_secs() < LONG_AGO {
        return Err(warns("the clock is wrong: it stands before 2025; set it"));
    }
    Ok("the state folder is private, and the clock is plausible".to_owned())
}

/// How far a file was written after now.
fn ahead_of(path: &Path, now: SystemTime) -> Option<Duration> {
    let written = std::fs::metadata(path).and_then(|it| it.modified()).ok()?;
    written.duration_since(now).ok().filter(|ahead| *ahead > TOLERANCE)
}

/// What the log has about the gate since `init`.
pub(super) fn findings(agent: HookAgent, gate: &Registered) -> Vec<String> {
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
