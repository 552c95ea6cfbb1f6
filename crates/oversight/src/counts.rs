//! What was counted, of one session or of many.

use std::collections::BTreeMap;

use crate::measure::Share;
use crate::seen::{By, Mode};

/// Prompts for permission are numbered in each session; these are the last of each group.
pub(crate) const PROMPTS: &[u64] = &[1, 5, 10, 20, 50];

/// Sessions are numbered by when they began; these are the last of each group.
pub(crate) const SESSIONS: &[u64] = &[10, 50, 200, 750];

/// Calls within a turn, as a measure of how much was asked for.
pub(crate) const CALLS: &[u64] = &[0, 5, 20, 50];

/// Answers within this many milliseconds were given without reading: a rubber stamp.
pub(crate) const RUBBER_STAMP_MS: u64 = 2_000;

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    /// Sessions with a prompt or a call.
    pub(crate) sessions: u64,
    /// Of these, started by a program.
    pub(crate) headless: u64,
    /// Sessions that record who let each call run.
    pub(crate) telling: u64,
    pub(crate) calls: u64,
    pub(crate) turns: u64,
    /// Turns whose length can be told.
    pub(crate) turn_ms: Vec<u64>,
    pub(crate) interrupted: Share,
    /// Turns of sessions that hold what the agent wrote.
    pub(crate) clarified: Share,
    /// The same, by how many calls the turn had.
    pub(crate) clarified_by_calls: Vec<Share>,
    pub(crate) interventions: u64,
    /// Sessions with a turn, which a person could step into.
    pub(crate) attended: u64,
    pub(crate) approved: Share,
    pub(crate) approved_by_prompt: Vec<Share>,
    /// Refusals in sessions that do not tell what was approved.
    pub(crate) refused_untold: u64,
    /// How long people took, where it can be told.
    pub(crate) latency_ms: Vec<u64>,
    /// Of the approvals alone.
    pub(crate) approval_ms: Vec<u64>,
    /// Approvals of which only a bound is known: the call's own time is within.
    pub(crate) bounded: Share,
    /// Calls that were let run, by a person or not, where that is told.
    pub(crate) unattended: Share,
    pub(crate) layers: BTreeMap<By, u64>,
    pub(crate) untold_calls: u64,
    pub(crate) overridden: Share,
    pub(crate) irreversible: Share,
    pub(crate) covered: Share,
    pub(crate) intervene_ms: Vec<u64>,
    /// When sessions began, and how they asked; of those that tell both.
    pub(crate) modes: Vec<(i64, Mode)>,
    /// Sessions that do not say how they asked, or not when.
    pub(crate) modeless: u64,
    /// Modes of sessions that do not say when they began.
    pub(crate) undated: Vec<Mode>,
}

impl Counts {
    /// What other sessions came to, too.
    pub fn merge(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.headless += other.headless;
        self.telling += other.telling;
        self.calls += other.calls;
        self.turns += other.turns;
        self.turn_ms.extend(other.turn_ms);
        self.interrupted.merge(other.interrupted);
        self.clarified.merge(other.clarified);
        merge_all(&mut self.clarified_by_calls, other.clarified_by_calls);
        self.interventions += other.interventions;
        self.attended += other.attended;
        self.approved.merge(other.approved);
        merge_all(&mut self.approved_by_prompt, other.approved_by_prompt);
        self.refused_untold += other.refused_untold;
        self.latency_ms.extend(other.latency_ms);
        self.approval_ms.extend(other.approval_ms);
        self.bounded.merge(other.bounded);
        self.unattended.merge(other.unattended);
        for (by, count) in other.layers {
            *self.layers.entry(by).or_default() += count;
        }
        self.untold_calls += other.untold_calls;
        self.overridden.merge(other.overridden);
        self.irreversible.merge(other.irreversible);
        self.covered.merge(other.covered);
        self.intervene_ms.extend(other.intervene_ms);
        self.modes.extend(other.modes);
        self.modeless += other.modeless;
        self.undated.extend(other.undated);
    }
}

/// Adds to the group of a number, groups being told by their last.
pub(crate) fn add_in(groups: &mut Vec<Share>, lasts: &[u64], number: u64, counted: bool) {
    let group = lasts.iter().position(|last| number <= *last).unwrap_or(lasts.len());
    groups.resize(lasts.len() + 1, Share::default());
    if let Some(share) = groups.get_mut(group) {
        share.add(counted);
    }
}

fn merge_all(into: &mut Vec<Share>, from: Vec<Share>) {
    into.resize(into.len().max(from.len()), Share::default());
    for (into, from) in into.iter_mut().zip(from) {
        into.merge(from);
    }
}
