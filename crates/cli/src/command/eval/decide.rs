//! Sessions decided, several at a time, and what is counted of each action.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{iter, thread};

use ringfence_action::{Call, DecidedBy, Decision, Outcome, Verdict};
use ringfence_adapters::labelled::Label;
use ringfence_engine::Came;
use serde::Serialize;

use super::judging::Judged;
use super::rows::{Bad, Unit};
use super::stages::Stage;
use super::walls::{Inside, inside};
use crate::command::replay::{self, judge};
use crate::progress::Progress;
use crate::render::json;
use crate::wiring::Judge;

/// So many sessions are decided before their decisions are written.
const AT_ONCE: usize = 512;

/// A decision, and what it is about.
#[derive(Debug, Serialize)]
struct Placed<'a> {
    #[serde(flatten)]
    decision: &'a Decision,
    source: &'a str,
    label: Option<Label>,
    session: &'a str,
    call: usize,
}

/// What is counted of an action, or of a session as a whole.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) source: String,
    pub(super) is_transcript: bool,
    /// Whether this is a whole session, of which it is not known which of its calls did it.
    pub(super) is_session: bool,
    pub(super) label: Label,
    pub(super) id: String,
    pub(super) session: String,
    pub(super) category: Option<String>,
    pub(super) tier: Option<String>,
    /// The same for the same action.
    pub(super) what: u64,
    pub(super) is_shell: bool,
    pub(super) verdict: Verdict,
    /// For `contain`: what becomes of it inside.
    pub(super) inside: Option<Inside>,
    pub(super) code: String,
    /// Whether the one rule (or layer) of the code alone makes it an `ask` or `deny`.
    pub(super) is_alone: bool,
    /// For what was let through: what came nearest to an objection.
    pub(super) near: String,
    pub(super) elapsed_us: u64,
    /// Which layer stopped it, if any.
    pub(super) stage: Option<Stage>,
    /// What stage 1 said, where it was asked.
    pub(super) stage_one: Option<f64>,
    /// What a judge said, and what that took.
    pub(super) judged: Option<Judged>,
    /// What the probe made of what it returned.
    pub(super) returned: Option<Came>,
    /// How far the session had moved from what was asked for, from 0 to 1.
    pub(super) drift: f64,
}

/// What came of one session.
#[derive(Debug, Default)]
struct Done {
    seen: Vec<Seen>,
    /// Decisions as JSON lines.
    lines: Vec<u8>,
    bad: Option<Bad>,
}

/// Decides sessions. `write` gets the decisions as JSON lines, in order.
pub(super) fn all<E>(
    judge: &Judge,
    file: &str,
    units: &[Unit],
    wants_lines: bool,
    write: &mut dyn FnMut(&[u8]) -> Result<(), E>,
) -> Result<(Vec<Seen>, Vec<Bad>), E> {
    let progress = Progress::new("session", units.len());
    let (mut seen, mut bad) = (Vec::new(), Vec::new());
    for (chunk, units) in units.chunks(AT_ONCE).enumerate() {
        progress.at(chunk * AT_ONCE);
        for done in together(judge, file, units, wants_lines) {
            write(&done.lines)?;
            seen.extend(done.seen);
            bad.extend(done.bad);
        }
    }
    progress.clear();
    Ok((seen, bad))
}

/// Decides some sessions on as many threads as there are processors, and keeps their order.
fn together(judge: &Judge, file: &str, units: &[Unit], wants_lines: bool) -> Vec<Done> {
    let next = AtomicUsize::new(0);
    let done: Vec<Mutex<Done>> = iter::repeat_with(Mutex::default).take(units.len()).collect();
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let (Some(unit), Some(slot)) = (units.get(at), done.get(at)) else { return };
            let finished = decide(judge, file, unit, wants_lines);
            if let Ok(mut slot) = slot.lock() {
                *slot = finished;
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    done.into_iter().map(|slot| slot.into_inner().unwrap_or_default()).collect()
}

fn decide(by: &Judge, file: &str, unit: &Unit, wants_lines: bool) -> Done {
    let judged = match judge(by, &unit.recording) {
        Ok(judged) => judged,
        Err(problem) => {
            let (file, line) = (file.to_owned(), unit.line);
            let bad = Some(Bad { file, line, message: problem.to_string() });
            return Done { bad, ..Done::default() };
        }
    };
    let mut done = Done::default();
    let mut unlabelled = Vec::new();
    for (call, known) in judged.iter().zip(&unit.known) {
        let label = known.label.or(unit.label);
        if wants_lines {
            let placed = Placed {
                decision: call.decision(),
                source: &unit.source,
                label,
                session: &unit.recording.session,
                call: call.call,
            };
            // Writing to memory does not fail.
            let _ = json::line(&mut done.lines, &placed);
        }
        let counted = |label| Seen {
            category: known.category.clone(),
            tier: known.tier.clone(),
            ..seen(unit, call, label)
        };
        match (known.label, unit.label) {
            (Some(label), _) | (None, Some(label @ Label::Benign)) => {
                done.seen.push(counted(label));
            }
            // Some call of the session is it; nobody says which.
            (None, Some(label)) => unlabelled.push(counted(label)),
            (None, None) => {}
        }
    }
    let strictest = unlabelled.into_iter().max_by_key(|seen| (seen.verdict, seen.inside));
    done.seen.extend(strictest.map(|seen| Seen {
        is_session: true,
        is_shell: false,
        id: unit.recording.session.clone(),
        what: hash(&unit.recording.session),
        ..seen
    }));
    done
}

fn seen(unit: &Unit, judged: &replay::Judged<'_>, label: Label) -> Seen {
    let (action, decision) = (judged.action, judged.decision());
    let call = ringfence_adapters::normalize(action);
    let session = &unit.recording.session;
    let id = match (&action.id, unit.is_transcript) {
        (Some(id), false) => id.clone(),
        _ => format!("{session}#{}", judged.call),
    };
    let (category, tier) = (None, None);
    Seen {
        source: unit.source.clone(),
        is_transcript: unit.is_transcript,
        is_session: false,
        label,
        id,
        session: session.clone(),
        category,
        tier,
        what: hash(&(&action.tool, action.input.to_string())),
        is_shell: matches!(call, Call::Shell { .. } | Call::Exec { .. }),
        verdict: decision.verdict,
        inside: (decision.verdict == Verdict::Contain).then(|| inside(&call, decision)),
        code: decision.code.clone(),
        is_alone: objections(decision) <= 1,
        near: near(decision),
        elapsed_us: decision.elapsed_us,
        stage: Stage::of(decision),
        stage_one: decision.scores.get("stage_one").copied(),
        judged: judged.explained.judgement.as_ref().map(Judged::of),
        returned: judged.returned.clone(),
        drift: judged.drift,
    }
}

fn hash(what: &impl std::hash::Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(what)
}

/// How many rules asked for or denied it.
fn objections(decision: &Decision) -> usize {
    decision.rules.iter().filter(|rule| rule.outcome >= Outcome::Ask).count()
}

/// What came nearest to an objection to what was let through.
fn near(decision: &Decision) -> String {
    let rules: BTreeSet<&str> = decision
        .rules
        .iter()
        .filter(|rule| rule.outcome > Outcome::Allow)
        .map(|rule| rule.id.as_str())
        .collect();
    let rules = rules.into_iter().collect::<Vec<_>>().join(", ");
    match (decision.verdict, decision.decided_by) {
        (Verdict::Contain, _) => format!("contained by {}", decision.code),
        (_, DecidedBy::Consent) => format!("consent cleared {rules}"),
        _ if !rules.is_empty() => format!("overruled: {rules}"),
        _ => {
            let changes: BTreeSet<&str> = decision
                .effects
                .iter()
                .filter(|effect| effect.kind.changes_state())
                .map(|effect| effect.kind.as_str())
                .collect();
            match (changes.is_empty(), decision.effects.is_empty()) {
                (false, _) => {
                    let changes = changes.into_iter().collect::<Vec<_>>().join(", ");
                    format!("no rule spoke about: {changes}")
                }
                (true, false) => "no rule spoke: nothing but looking and running".to_owned(),
                (true, true) => "no rule spoke: no effect seen".to_owned(),
            }
        }
    }
}
