//! Stage 1 within a decision: evidence put together from what the other layers worked out, and what its
//! score comes to. It can only make a decision stricter.

use std::collections::BTreeSet;

use ringfence_action::{Action, Outcome, RuleHit};
use ringfence_analysis::Analysis;
use ringfence_classify::stage_one::{Evidence, Feature, Model, Scored, features};
use ringfence_policy::SessionFacts;

use crate::session::Session;

/// What stage 1 is for.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum StageOne {
    /// Nothing: it is not asked.
    #[default]
    Off,
    /// Its score stands in the decision, and changes nothing.
    Scores,
    /// Its score stands in the decision; from the probability that its weights were trained to flag from, a judge
    /// that is asked about what is flagged hears of what rules left open.
    Flags,
    /// From this probability, what rules left open is asked about.
    Asks(f64),
}

/// The code of a decision that it made stricter.
pub(crate) const CODE: &str = "classifier.stage-one";

/// What is known of the action, as names.
pub(crate) fn evidence(
    analysis: &Analysis,
    named: &[bool],
    near: BTreeSet<&str>,
    facts: &SessionFacts,
    session: &Session,
    action: &Action,
) -> BTreeSet<Feature> {
    let length = action
        .input
        .as_object()
        .map_or(0, |fields| fields.values().filter_map(|value| value.as_str()).map(str::len).sum());
    features(&Evidence {
        effects: analysis.effects.iter().zip(named.iter().copied()).collect(),
        opaque: &analysis.opaque,
        near,
        untrusted: facts.untrusted.len(),
        private: facts.private.len(),
        boundaries: facts.boundaries.len() + session.boundaries().count(),
        denials: facts.denials,
        has_requests: session.wishes().next().is_some(),
        length,
    })
}

/// Whether a judge is to look at an action of this score.
pub(crate) fn flags(mode: StageOne, scored: &Scored) -> bool {
    mode == StageOne::Flags && scored.probability >= Model::trained().flags_from()
}

/// The score, and the objection that follows from it where it is wanted.
pub(crate) fn look(mode: StageOne, features: &BTreeSet<Feature>) -> (Scored, Option<RuleHit>) {
    let scored = Model::trained().judge(features);
    let objects = matches!(mode, StageOne::Asks(from) if scored.probability >= from);
    let hit = objects.then(|| RuleHit {
        id: CODE.to_owned(),
        outcome: Outcome::Ask,
        why: format!(
            "it looks like something that nobody asked for ({})",
            scored.reasons.join(", ")
        ),
        instead: "tell the user what this is for, and ask".to_owned(),
        evidence: Vec::new(),
    });
    (scored, hit)
}
