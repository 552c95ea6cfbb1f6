//! Whether the gate saw what the agent ran: the agent's own transcripts, compared with the log by call.

#![expect(
    clippy::disallowed_methods,
    reason = "transcripts are looked for where the agent keeps them"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use ringfence_adapters::hook::{HookAgent, Ran};
use ringfence_adapters::install::Registered;
use ringfence_record::log::{Durability, Log};
use ringfence_record::originals::Originals;
use ringfence_record::projection::{Projection, Query};
use ringfence_record::redact::Redactor;
use ringfence_record::{RecordError, StateFolder};
use serde_json::Value;

use super::{Found, warns};

/// How many transcripts are looked at, the newest first, and how long each may be.
const MOST_TRANSCRIPTS: usize = 40;
const LONGEST: u64 = 32 << 20;
const DEPTH: usize = 8;

/// Whether the log has every call that the agent's transcripts show as run since `init`.
pub(super) fn heard(agent: HookAgent, home: &Path, gate: &Registered) -> Found {
    let Some(folder) = agent.history(home) else {
        return Ok(format!("transcripts of {} cannot be read", agent.title()));
    };
    let Some(state) = gate.states.first().filter(|path| path.join("audit").is_dir()) else {
        return Ok("nothing recorded yet".to_owned());
    };
    let (since, record) = open(agent, state).map_err(|error| warns(error.to_string()))?;
    let Some(since) = since else {
        return Ok("it is not known since when the gate is registered".to_owned());
    };
    let Ok(from) = Timestamp::try_from(since) else {
        return Ok("it is not known since when the gate is registered".to_owned());
    };
    let mut files = Vec::new();
    walk(&folder, DEPTH, since, &mut files);
    files.sort_by_key(|(written, _)| std::cmp::Reverse(*written));
    files.truncate(MOST_TRANSCRIPTS);
    let (mut calls, mut missed) = (0, Vec::new());
    for (_, path) in &files {
        let Ok(file) = File::open(path) else { continue };
        let ran = agent.ran(BufReader::new(file));
        let after = |call: &Ran| {
            call.at.as_ref().and_then(|at| at.parse::<Timestamp>().ok()).is_some_and(|at| at > from)
        };
        let ran: Vec<Ran> = ran.into_iter().filter(after).collect();
        calls += ran.len();
        let unseen = record.unseen(&ran).map_err(|error| warns(error.to_string()))?;
        if let Some(first) = unseen.first() {
            let at = first.at.as_deref().unwrap_or("?");
            let what = format!("{} of {}: {} at {at}", unseen.len(), path.display(), first.tool);
            missed.push(what);
        }
    }
    if missed.is_empty() {
        return Ok(format!("the gate saw all {calls} calls of {} transcripts", files.len()));
    }
    let more = if missed.len() > 1 {
        format!(" (and {} more files)", missed.len() - 1)
    } else {
        String::new()
    };
    let first = missed.first().map_or("", String::as_str);
    Err(warns(format!(
        "missed heartbeat: calls ran that the gate never saw: {first}{more}; the session was started \
         before `ringfence init`, or past the gate"
    )))
}

fn open(agent: HookAgent, state: &Path) -> Result<(Option<SystemTime>, Record), RecordError> {
    let folder = StateFolder::open(state)?;
    let since = Originals::open(&folder)?.kept_at(agent.as_str());
    let log = Log::open(&folder, Durability::Process)?;
    let projection = Projection::open(&folder, &log)?;
    let redactor = Redactor::open(&folder)?;
    Ok((since, Record { agent: agent.as_str(), projection, redactor }))
}

/// What the gate has decided about.
struct Record {
    agent: &'static str,
    projection: Projection,
    redactor: Redactor,
}

impl Record {
    /// Those of the calls that the gate has not decided about.
    fn unseen<'r>(&self, ran: &'r [Ran]) -> Result<Vec<&'r Ran>, RecordError> {
        let sessions: BTreeSet<&str> = ran.iter().filter_map(|it| it.session.as_deref()).collect();
        let mut ids = BTreeSet::new();
        let mut tools: BTreeMap<(String, String), usize> = BTreeMap::new();
        for session in sessions {
            let query = Query {
                kind: Some("decision".to_owned()),
                session: Some(session.to_owned()),
                limit: u32::MAX,
                ..Query::default()
            };
            for entry in self.projection.find(&query)? {
                let text = |at: &str| entry.pointer(at).and_then(Value::as_str).map(str::to_owned);
                if text("/agent").as_deref() != Some(self.agent) {
                    continue;
                }
                ids.extend(text("/action/id"));
                let tool = text("/action/tool").unwrap_or_default();
                *tools.entry((session.to_owned(), tool)).or_default() += 1;
            }
        }
        let mut unseen = Vec::new();
        for call in ran {
            let is_seen = match &call.id {
                Some(id) => {
                    let id = self.redactor.text(id).unwrap_or_else(|| id.clone());
                    ids.contains(&id) || self.is_anywhere(&id)?
                }
                // Without an id for the gate: as many of this tool as it saw.
                None => {
                    let session = call.session.clone().unwrap_or_default();
                    match tools.get_mut(&(session, call.tool.clone())) {
                        Some(left) if *left > 0 => {
                            *left -= 1;
                            true
                        }
                        _ => false,
                    }
                }
            };
            if !is_seen {
                unseen.push(call);
            }
        }
        Ok(unseen)
    }

    /// A subagent may be a session of its own.
    fn is_anywhere(&self, id: &str) -> Result<bool, RecordError> {
        let query = Query {
            kind: Some("decision".to_owned()),
            text: Some(id.to_owned()),
            limit: 1,
            ..Query::default()
        };
        Ok(!self.projection.find(&query)?.is_empty())
    }
}

/// Transcripts that were written to since then.
fn walk(folder: &Path, depth: usize, since: SystemTime, files: &mut Vec<(SystemTime, PathBuf)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        if kind.is_dir() && depth > 0 {
            walk(&path, depth - 1, since, files);
        } else if kind.is_file()
            && path.extension().is_some_and(|it| it == "jsonl")
            && let Ok(about) = entry.metadata()
            && let Ok(written) = about.modified()
            && written >= since
            && about.len() <= LONGEST
        {
            files.push((written, path));
        }
    }
}
