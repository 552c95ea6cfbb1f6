//! Every figure, with what it is made of. The JSON report is this, as it stands.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::counts::{CALLS, Counts, PROMPTS, RUBBER_STAMP_MS, SESSIONS, add_in};
use crate::guard::Guard;
use crate::measure::{Percentiles, Share, number};
use crate::seen::Mode;

/// A share of one of several groups.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bucket {
    /// Which: `1`, `2–5`, `51+`.
    pub group: String,
    /// The share in it.
    #[serde(flatten)]
    pub share: Share,
}

/// What is known of oversight.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Transcript files that were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Lines that could not be read.
    pub unreadable: u64,
    /// Sessions with a prompt or a call.
    pub sessions: u64,
    /// Of these, started by a program, with nobody at a prompt.
    pub headless: u64,
    /// Turns in them.
    pub turns: u64,
    /// Calls in them.
    pub calls: u64,
    /// Answers of people at prompts that were yes; of sessions that record both.
    pub approval_rate: Share,
    /// Sessions that record both.
    pub sessions_that_tell_decisions: u64,
    /// Refusals in the others.
    pub refusals_elsewhere: u64,
    /// The same by the number of the prompt in its session.
    pub approval_by_prompt: Vec<Bucket>,
    /// How long answers took, where it can be told.
    pub approval_latency: Percentiles,
    /// Approvals within two seconds, of those of which the time is known.
    pub rubber_stamps: Share,
    /// Of approvals that came back with the result of the call: certainly within two seconds.
    pub rubber_stamps_at_least: Share,
    /// What was let run without a person, of what was let run.
    pub let_run_unasked: Share,
    /// Sessions in which everything ran unasked; a classifier that answers does not count.
    pub everything_unasked: Share,
    /// Sessions in which a classifier answered, or everything ran unasked.
    pub everything_or_classifier: Share,
    /// The first of these by the number of the session.
    pub everything_by_session: Vec<Bucket>,
    /// Sessions that do not say how they asked.
    pub sessions_without_mode: u64,
    /// How long turns took.
    pub turn_duration: Percentiles,
    /// Turns in which a person interrupted or refused a call.
    pub interrupt_rate: Share,
    /// Turns in which the agent stopped to ask; of sessions that hold what it wrote.
    pub clarification_rate: Share,
    /// The same by the number of calls in the turn.
    pub clarification_by_calls: Vec<Bucket>,
    /// How often a person stepped in.
    pub interventions: u64,
    /// Per session with a turn; `None` without one.
    pub interventions_per_session: Option<f64>,
    /// Sessions with a turn.
    pub sessions_with_turns: u64,
    /// Denied calls that ran later in the same session.
    pub denials_overridden: Share,
    /// Calls by what decided them in the agent.
    pub layers: BTreeMap<&'static str, u64>,
    /// Calls of which the transcript does not say what decided them.
    pub layers_not_told: u64,
    /// Calls of kinds that cannot be undone.
    pub irreversible: Share,
    /// Calls that the gate decided, of those since there is a gate.
    pub coverage: Share,
    /// From the first irreversible call of a turn to a person stepping in.
    pub time_to_intervene: Percentiles,
    /// What Ringfence's own log tells.
    pub guard: Guarded,
}

/// What Ringfence's own log tells.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Guarded {
    /// Actions that it decided.
    pub decisions: u64,
    /// By the layer that decided.
    pub layers: BTreeMap<String, u64>,
    /// By verdict.
    pub verdicts: BTreeMap<String, u64>,
    /// What it asked about and is known to have run.
    pub asked_and_ran: Share,
    /// From its question to the result, the call's own time included.
    pub asked_and_ran_within: Percentiles,
    /// What it denied and a person let through once.
    pub denials_overridden: Share,
    /// Answers in the queue of approvals that were yes.
    pub reviews_approved: Share,
    /// How long they took.
    pub review_latency: Percentiles,
    /// Approvals among them within two seconds.
    pub review_rubber_stamps: Share,
    /// From the first call of a session that was not simply allowed to a person's act.
    pub time_to_intervene: Percentiles,
    /// Planted dangerous requests that were caught.
    pub vigilance: Share,
    /// By reviewer, under a pseudonym.
    pub vigilance_by_reviewer: BTreeMap<String, Share>,
    /// The same over time: the weeks in which there was one, each by the Monday that it began with.
    pub vigilance_by_week: BTreeMap<String, Vec<Bucket>>,
}

impl Report {
    /// What was counted, as a report.
    pub fn new(counts: Counts, guard: &Guard) -> Self {
        let stamped = |times: &[u64]| {
            let quick = times.iter().filter(|ms| **ms < RUBBER_STAMP_MS).count();
            Share::new(quick as u64, times.len() as u64)
        };
        let rubber_stamps = stamped(&counts.approval_ms);
        let mut at_least = counts.bounded;
        at_least.merge(rubber_stamps);
        let modes = Modes::of(counts.modes, &counts.undated);
        let per_session =
            (counts.attended > 0).then(|| number(counts.interventions) / number(counts.attended));
        Self {
            files: 0,
            bytes: 0,
            unreadable: 0,
            sessions: counts.sessions,
            headless: counts.headless,
            turns: counts.turns,
            calls: counts.calls,
            approval_rate: counts.approved,
            sessions_that_tell_decisions: counts.telling,
            refusals_elsewhere: counts.refused_untold,
            approval_by_prompt: buckets(PROMPTS, &counts.approved_by_prompt),
            approval_latency: Percentiles::of(counts.latency_ms),
            rubber_stamps,
            rubber_stamps_at_least: at_least,
            let_run_unasked: counts.unattended,
            everything_unasked: modes.everything,
            everything_or_classifier: modes.or_classifier,
            everything_by_session: buckets(SESSIONS, &modes.by_session),
            sessions_without_mode: counts.modeless,
            turn_duration: Percentiles::of(counts.turn_ms),
            interrupt_rate: counts.interrupted,
            clarification_rate: counts.clarified,
            clarification_by_calls: buckets(CALLS, &counts.clarified_by_calls),
            interventions: counts.interventions,
            interventions_per_session: per_session,
            sessions_with_turns: counts.attended,
            denials_overridden: counts.overridden,
            layers: counts.layers.iter().map(|(by, count)| (by.as_str(), *count)).collect(),
            layers_not_told: counts.untold_calls,
            irreversible: counts.irreversible,
            coverage: counts.covered,
            time_to_intervene: Percentiles::of(counts.intervene_ms),
            guard: Guarded {
                decisions: guard.decisions,
                denials_overridden: guard.denials(),
                asked_and_ran: guard.let_run,
                asked_and_ran_within: Percentiles::of(guard.let_run_ms.clone()),
                reviews_approved: guard.reviews,
                review_rubber_stamps: stamped(&guard.review_approval_ms),
                review_latency: Percentiles::of(guard.review_ms.clone()),
                time_to_intervene: Percentiles::of(guard.intervene_ms.clone()),
                vigilance: guard.caught,
                vigilance_by_reviewer: guard.caught_by.clone(),
                vigilance_by_week: guard
                    .caught_in
                    .iter()
                    .map(|(reviewer, weeks)| (reviewer.clone(), by_week(weeks)))
                    .collect(),
                layers: guard.layers.clone(),
                verdicts: guard.verdicts.clone(),
            },
        }
    }
}

#[derive(Default)]
struct Modes {
    everything: Share,
    or_classifier: Share,
    by_session: Vec<Share>,
}

impl Modes {
    /// Sessions are numbered by when they began, whatever the agent: a person learns once.
    fn of(mut dated: Vec<(i64, Mode)>, undated: &[Mode]) -> Self {
        dated.sort_unstable();
        let mut modes = Self::default();
        for (index, (_, mode)) in dated.iter().enumerate() {
            let all = *mode == Mode::Everything;
            add_in(&mut modes.by_session, SESSIONS, index as u64 + 1, all);
        }
        for mode in dated.iter().map(|(_, mode)| mode).chain(undated) {
            modes.everything.add(*mode == Mode::Everything);
            modes.or_classifier.add(*mode >= Mode::Classifier);
        }
        modes
    }
}

fn by_week(weeks: &BTreeMap<String, Share>) -> Vec<Bucket> {
    let bucket = |(week, share): (&String, &Share)| Bucket { group: week.clone(), share: *share };
    weeks.iter().map(bucket).collect()
}

/// Groups that are told by their last, those alone that hold something.
fn buckets(lasts: &[u64], shares: &[Share]) -> Vec<Bucket> {
    let mut first = lasts.first().copied().unwrap_or_default().min(1);
    let mut buckets = Vec::new();
    for (index, share) in shares.iter().enumerate() {
        let group = match lasts.get(index) {
            Some(last) if *last == first => last.to_string(),
            Some(last) => format!("{first}–{last}"),
            None => format!("{first}+"),
        };
        if share.of > 0 {
            buckets.push(Bucket { group, share: *share });
        }
        first = lasts.get(index).map_or(first, |last| last + 1);
    }
    buckets
}
