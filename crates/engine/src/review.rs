//! What rules left open, put before a judge.
//!
//! A judge is asked last, and only about what would be allowed: it cannot lift what anybody else said. What it
//! answers comes back through [`Reviewer`], as facts come through their source, so that a decision can be made
//! again with the judgement that was recorded.

use ringfence_action::{
    Attr, DecidedBy, Decision, Effect, EffectKind, Facts, Opaque, Outcome, RuleHit, Verdict,
};
use ringfence_classify::judge::{Answer, Beside, Judgement, Known, Open, Seen};
use ringfence_policy::SessionFacts;

use crate::lexicon::{ENGLISH, Operation};
use crate::session::Session;

/// Whoever is asked about what rules leave open.
pub trait Reviewer {
    /// Hears of a call as far as a judge may see it, and judges it if it is `open` and it wants to. Nothing
    /// means that it was not judged, and stays as it is.
    fn review(&mut self, call: Seen, open: Option<LeftOpen>) -> Option<Judgement>;
}

/// An action that rules would allow without having spoken about all of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LeftOpen {
    /// In what way.
    pub how: Open,
    /// What is known of it, in words of ours.
    pub known: Known,
    /// What matters and is not shown.
    pub beside: Beside,
}

/// What was left open, while it is found out.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Unspoken {
    pub(crate) how: Open,
    /// Whether all that changes was made by this session; nothing where nothing changes.
    pub(crate) own: Option<bool>,
}

impl Unspoken {
    /// No rule spoke about this effect.
    pub(crate) fn effect(&mut self, effect: &Effect, own: bool) {
        self.how.unspoken |= matters(effect);
        if effect.kind.changes_state() {
            self.own = Some(self.own.unwrap_or(true) && own);
        }
    }

    /// What a judge is to know of the action, if anything of it is open.
    pub(crate) fn left_open(
        self,
        effects: &[Effect],
        opaque: &[Opaque],
        facts: &Facts,
        seen: &SessionFacts,
        session: &Session,
    ) -> Option<LeftOpen> {
        let Self { mut how, own } = self;
        if !(how.unspoken || how.opaque || how.subagent || how.flagged) {
            return None;
        }
        how.tainted = !seen.untrusted.is_empty() || !seen.private.is_empty();
        let mut known = Known {
            effects: effects.iter().map(|effect| effect.kind.as_str()).collect(),
            not_understood: opaque.iter().map(|opaque| opaque.reason.as_str()).collect(),
            read_untrusted: seen.untrusted.iter().map(|source| source_word(source)).collect(),
            read_private: !seen.private.is_empty(),
            ruled_out: session.boundaries().map(|it| word(it.operation)).collect(),
            made_by_session: own,
            ..Known::default()
        };
        for words in [
            &mut known.effects,
            &mut known.not_understood,
            &mut known.read_untrusted,
            &mut known.ruled_out,
        ] {
            words.sort_unstable();
            words.dedup();
        }
        Some(LeftOpen { how, known: known.of_repository(facts), beside: Beside::of(facts) })
    }
}

/// Whether anything could be lost, sent or started by it that rules would not have spoken about. Reading does
/// not, nor does running a program that is known and whose effects are listed beside it, nor an ordinary file of
/// the workspace.
fn matters(effect: &Effect) -> bool {
    if effect.is(Attr::Content) || effect.is(Attr::DryRun) || effect.is(Attr::ReadOnly) {
        return false;
    }
    let ordinary = |place: Option<&str>| {
        matches!(place, Some("workspace" | "temp"))
            && effect.text(Attr::Classes).is_none()
            && !effect.is(Attr::Critical)
    };
    match effect.kind {
        EffectKind::Read => false,
        EffectKind::Exec => !effect.text(Attr::By).is_some_and(ringfence_analysis::knows_program),
        EffectKind::Write | EffectKind::Create | EffectKind::Metadata => {
            !ordinary(effect.text(Attr::Place))
        }
        EffectKind::Net => !effect.attributes.contains(Attr::Classes, "localhost"),
        EffectKind::Delete
        | EffectKind::ExecCode
        | EffectKind::DownloadExec
        | EffectKind::Privilege
        | EffectKind::Credential
        | EffectKind::EnvExec
        | EffectKind::Persist
        | EffectKind::VcsLocal
        | EffectKind::VcsRemote
        | EffectKind::Package
        | EffectKind::Infra
        | EffectKind::Database
        | EffectKind::Process
        | EffectKind::Message
        | EffectKind::Payment
        | EffectKind::Browser
        | EffectKind::Guard => true,
    }
}

/// Sources by our own names; what else they are called stays out.
fn source_word(source: &str) -> &'static str {
    const KNOWN: [&str; 6] = ["web", "mcp", "browser", "file", "subagent", "unknown-session"];
    KNOWN.into_iter().find(|known| *known == source).unwrap_or("other")
}

fn word(operation: Option<Operation>) -> &'static str {
    let Some(operation) = operation else { return "any change" };
    let words = ENGLISH.iter().find(|(known, _)| *known == operation).map(|(_, words)| *words);
    words.and_then(|words| words.first().copied()).unwrap_or("an operation")
}

/// Makes a decision as strict as the judgement is, and says so. `verdict`: what the judgement comes to;
/// `enforced`: what of that is answered.
pub(crate) fn apply(
    decision: &mut Decision,
    judgement: &Judgement,
    verdict: Verdict,
    enforced: Verdict,
) {
    if let Some(score) = judgement.score() {
        decision.scores.insert("judge".to_owned(), score);
    }
    let (outcome, instead) = match verdict {
        Verdict::Allow | Verdict::Contain => return,
        Verdict::Ask => (Outcome::Ask, "have the user say that this is wanted, and on what"),
        Verdict::Deny => {
            (Outcome::Deny, "leave it, tell the user what you meant to do, and go on with the rest")
        }
    };
    let code = match &judgement.answer {
        Answer::Clear | Answer::Opinion(_) => "judge.objects",
        Answer::Unavailable(_) => "judge.unavailable",
    };
    decision.decided_by = DecidedBy::Classifier;
    code.clone_into(&mut decision.code);
    decision.verdict = decision.verdict.max(enforced);
    let hit = RuleHit {
        id: code.to_owned(),
        outcome,
        why: judgement.why(),
        instead: instead.to_owned(),
        evidence: Vec::new(),
    };
    decision.rules.insert(0, hit);
}
