//! `ringfence audit replay`: every recorded decision, decided again from what was recorded.
//!
//! The log has everything that a decision was made of: the action and the facts as they stood, and, entry
//! by entry, what changed the state of its session. So the state is followed along, the digest of it is
//! compared before each decision, and the decision is made again with the rules of today.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use ringfence_action::{Decision, Preset};
use ringfence_adapters::normalize;
use ringfence_engine::past::{self, Recorded};
use ringfence_engine::{Engine, Session, StageOne};
use ringfence_facts::Supplied;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::failed;
use crate::exit::{Exit, Failure};
use crate::places;
use crate::render::json;
use crate::render::text::printable;
use crate::rules;

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// Add the rules of this file to the built-in ones; may be given several times [default: those of
    /// the configuration folder]
    #[arg(long, value_name = "FILE")]
    policy: Vec<PathBuf>,
    /// Write each difference, and at the end a summary, as JSON
    #[arg(long)]
    json: bool,
}

/// What replaying found.
#[derive(Debug, Default)]
struct Tally {
    decisions: u64,
    same: u64,
    /// Decided under other rules, and decided otherwise.
    other_rules: u64,
    unreadable: u64,
    /// Made after something of their session was taken out of the log: what was known then is not known now.
    lost: u64,
    differences: Vec<Value>,
}

pub(super) fn run(replay: &Replay, out: &mut impl Write) -> Result<Exit, Failure> {
    let log = places::existing_log()?;
    let owner = log.as_ref().map(|(folder, _)| folder.owner());
    let bundle = || -> Result<_, Failure> {
        if replay.policy.is_empty() {
            let me = owner.or_else(ringfence_record::given::own_user).unwrap_or_default();
            let configured = rules::configured(&places::config_folder()?, me);
            return configured.map(|it| it.bundle).map_err(|error| {
                crate::exit::Problem::new("your own rules do not load", "see the cause")
                    .because(error)
                    .into()
            });
        }
        rules::load(&replay.policy)
    };
    let mut engines: Vec<((Preset, bool, StageOne), Engine)> = Vec::new();
    let mut sessions: HashMap<String, Session> = HashMap::new();
    let mut tally = Tally::default();
    let pruned = log.as_ref().map(|(_, log)| log.pruned()).transpose().map_err(failed)?;
    let (begins_late, mut lost) = (pruned.flatten().is_some(), HashSet::new());
    for entry in
        log.iter().map(|(_, log)| log.entries()).collect::<Result<Vec<_>, _>>().map_err(failed)?
    {
        for entry in entry {
            let entry = entry.map_err(failed)?;
            let name = past::session_of(&entry);
            let kind = entry.get("kind").and_then(Value::as_str);
            // Content that was taken out, or a session of which the beginning was kept long enough.
            let begins =
                kind == Some("session") && entry.get("event").is_some_and(|it| it == "start");
            if kind == Some("redacted") || begins_late && !begins && !sessions.contains_key(&name) {
                lost.insert(name.clone());
            }
            let is_lost = lost.contains(&name);
            let session = sessions.entry(name).or_default();
            if kind != Some("decision") {
                past::follow(session, &entry);
                continue;
            }
            tally.decisions += 1;
            if is_lost {
                tally.lost += 1;
                continue;
            }
            let Some(recorded) = Recorded::read(&entry) else {
                tally.unreadable += 1;
                continue;
            };
            let key = (recorded.preset, recorded.sandbox, recorded.stage_one());
            if !engines.iter().any(|(known, _)| *known == key) {
                let engine = Engine::new(bundle()?, Box::new(Supplied), recorded.options());
                engines.push((key, engine.with_stage_one(key.2)));
            }
            let engine = engines.iter().find(|(known, _)| *known == key).map(|(_, engine)| engine);
            if let Some(engine) = engine {
                compare(engine, session, &entry, recorded, &mut tally);
            }
        }
    }
    show(replay, &tally, out)?;
    let all_same = tally.differences.is_empty() && tally.unreadable == 0;
    Ok(if all_same { Exit::Fine } else { Exit::Found })
}

fn compare(
    engine: &Engine,
    session: &mut Session,
    entry: &Value,
    recorded: Recorded,
    tally: &mut Tally,
) {
    let Recorded { mut action, facts, state, remembered, decision: before, judgement, .. } =
        recorded;
    let mut judge = past::Judged(judgement);
    action.facts = facts;
    let digest = format!("sha256:{:x}", Sha256::digest(json!(session).to_string().as_bytes()));
    let mut kept = session.clone();
    let call = normalize(&action);
    let now = engine.decide_with(&action, &call, &mut kept, Some(&mut judge)).decision;
    if remembered {
        kept.forget_contents();
        *session = kept;
    }
    let same_rules = before.bundle == now.bundle;
    let same = now.verdict == before.verdict
        && (!same_rules || (is_same(&now, &before) && digest == state));
    if same {
        tally.same += 1;
        return;
    }
    if !same_rules {
        tally.other_rules += 1;
    }
    tally.differences.push(json!({
        "seq": entry.get("seq"),
        "session": entry.get("session"),
        "tool": action.tool,
        "was": {"verdict": before.verdict, "code": before.code},
        "now": {"verdict": now.verdict, "code": now.code},
        "same_rules": same_rules,
        "same_state": digest == state,
    }));
}

/// Everything but the time that it took.
fn is_same(now: &Decision, before: &Decision) -> bool {
    let mut now = now.clone();
    now.elapsed_us = before.elapsed_us;
    now == *before
}

fn show(replay: &Replay, tally: &Tally, out: &mut impl Write) -> Result<(), Failure> {
    let Tally { decisions, same, other_rules, unreadable, lost, differences } = tally;
    if replay.json {
        for difference in differences {
            json::line(out, difference)?;
        }
        let summary = json!({"summary": {"decisions": decisions, "same": same,
            "different": differences.len(), "other_rules": other_rules, "unreadable": unreadable, "lost": lost}});
        return Ok(json::line(out, &summary)?);
    }
    for difference in differences {
        let text =
            |pointer: &str| difference.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let seq = difference.get("seq").and_then(Value::as_u64).unwrap_or_default();
        let [was, now] = ["/was", "/now"].map(|at| {
            format!("{} {}", text(&format!("{at}/verdict")), text(&format!("{at}/code")))
        });
        writeln!(out, "{}", printable(&format!("{seq:>5}  {}  {was} -> {now}", text("/tool"))))?;
    }
    writeln!(out, "{decisions} decisions: {same} the same, {} not", differences.len())?;
    if *lost > 0 {
        writeln!(
            out,
            "{lost} cannot be decided again: what came before them was taken out of the log"
        )?;
    }
    if *unreadable > 0 {
        writeln!(out, "{unreadable} could not be read")?;
    }
    Ok(())
}
