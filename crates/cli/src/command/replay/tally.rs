//! What a replay adds up to.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_action::{OpaqueReason, Verdict};
use serde::Serialize;

use super::judge::Judged;
use crate::exit::Exit;
use crate::recording::{Person, Recording};

/// Counts over all sessions. Also the `summary` of `--json`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Tally {
    /// Sessions with at least one call.
    pub(crate) sessions: u64,
    /// Sessions in which something was asked or denied.
    pub(crate) sessions_interrupted: u64,
    /// What people typed.
    pub(crate) prompts: u64,
    pub(crate) calls: u64,
    pub(crate) verdicts: BTreeMap<Verdict, u64>,
    /// Calls that were not allowed, by the code that settled it.
    pub(crate) rules: BTreeMap<String, ByRule>,
    /// Verdicts by what the person did, as far as transcripts tell.
    pub(crate) person: BTreeMap<Person, BTreeMap<Verdict, u64>>,
    /// Calls of which some part was not understood.
    pub(crate) opaque: u64,
    /// Calls by why they were not understood; one can have several reasons.
    pub(crate) opaque_reasons: BTreeMap<OpaqueReason, u64>,
    /// Lines that could not be read.
    pub(crate) unreadable: u64,
}

/// How often one rule settled a call, and what the person had done there.
#[derive(Debug, Default, Serialize)]
pub(crate) struct ByRule {
    pub(crate) verdicts: BTreeMap<Verdict, u64>,
    pub(crate) person: BTreeMap<Person, u64>,
}

impl Tally {
    /// Adds a session.
    pub(crate) fn add(&mut self, recording: &Recording, calls: &[Judged<'_>]) {
        self.unreadable += recording.troubles.len() as u64;
        self.prompts += recording.prompts().count() as u64;
        if calls.is_empty() {
            return;
        }
        self.sessions += 1;
        self.calls += calls.len() as u64;
        let interrupted = calls.iter().any(|call| call.decision().verdict >= Verdict::Ask);
        self.sessions_interrupted += u64::from(interrupted);
        for judged in calls {
            self.add_call(judged);
        }
    }

    fn add_call(&mut self, judged: &Judged<'_>) {
        let decision = judged.decision();
        let verdict = decision.verdict;
        *self.verdicts.entry(verdict).or_default() += 1;
        if let Some(person) = judged.person {
            *self.person.entry(person).or_default().entry(verdict).or_default() += 1;
        }
        if verdict != Verdict::Allow {
            let rule = self.rules.entry(decision.code.clone()).or_default();
            *rule.verdicts.entry(verdict).or_default() += 1;
            if let Some(person) = judged.person {
                *rule.person.entry(person).or_default() += 1;
            }
        }
        let reasons: BTreeSet<OpaqueReason> =
            decision.opaque.iter().map(|opaque| opaque.reason).collect();
        self.opaque += u64::from(!reasons.is_empty());
        for reason in reasons {
            *self.opaque_reasons.entry(reason).or_default() += 1;
        }
    }

    /// How many calls got this verdict.
    pub(crate) fn of(&self, verdict: Verdict) -> u64 {
        self.verdicts.get(&verdict).copied().unwrap_or_default()
    }

    /// What the exit code says about all of it.
    pub(crate) fn exit(&self) -> Exit {
        if self.unreadable > 0 {
            Exit::Usage
        } else if self.of(Verdict::Ask) + self.of(Verdict::Deny) > 0 {
            Exit::Found
        } else {
            Exit::Fine
        }
    }
}
