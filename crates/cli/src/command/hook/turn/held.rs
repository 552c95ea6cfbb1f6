//! Sessions that somebody holds: what is said to their calls, and what makes a rule or a cap hold one.

use ringfence_action::{Action, Decision, EffectKind, Verdict};
use ringfence_adapters::hook::Answer;
use ringfence_record::holds::{Hold, HoldKind};
use serde_json::json;

use super::Turn;
use crate::command::hook::answer::NoAnswer;
use crate::command::hook::state::{self, Pending};

impl Turn<'_> {
    /// The answer to a call of a session that is held, where that says anything about it.
    pub(super) fn held(
        &mut self,
        asked: &Action,
        action: &Action,
        call: Option<&str>,
    ) -> Result<Option<Answer>, NoAnswer> {
        let Some(hold) = self.desk.hold()? else { return Ok(None) };
        let Some(verdict) = self.verdict_under(&hold, (asked, action), true)? else {
            return Ok(None);
        };
        let (input, denied) = (state::digest(&action.input), verdict == Verdict::Deny);
        self.kept.expect(call, Pending { input, denied, ..Pending::default() });
        Ok(Some(self.stop(&hold, action, call, verdict)))
    }

    /// The same, where the agent is about to ask its user.
    pub(super) fn held_before_asking(
        &mut self,
        asked: &Action,
        action: &Action,
    ) -> Result<Option<Answer>, NoAnswer> {
        let Some(hold) = self.desk.hold()? else { return Ok(None) };
        Ok(match self.verdict_under(&hold, (asked, action), false)? {
            Some(Verdict::Deny) => Some(self.stop(&hold, action, None, Verdict::Deny)),
            // Its user is asked already.
            Some(_) => Some(Answer::NoOpinion),
            None => None,
        })
    }

    /// What a hold makes of a call; `None` where it makes nothing of it. Of a call that is denied the session
    /// keeps nothing; of one that may run after all it does, where it is to `remember` it.
    fn verdict_under(
        &mut self,
        hold: &Hold,
        (asked, action): (&Action, &Action),
        remember: bool,
    ) -> Result<Option<Verdict>, NoAnswer> {
        match hold.kind {
            HoldKind::Pause | HoldKind::Kill => Ok(Some(Verdict::Deny)),
            HoldKind::DenyAll => {
                let memory = self.kept.session.clone();
                let judged = self.decide(action, false, true)?;
                let decision = &judged.explained.decision;
                // What hides behind something that looks like a secret is looked at, too.
                let plain = self.in_plain(asked, action, &memory, &judged)?;
                let looks = only_looks(decision)
                    && plain.is_none_or(|it| only_looks(&it) && it.verdict < Verdict::Deny);
                let denies = decision.verdict < Verdict::Deny && !looks;
                Ok(denies.then_some(Verdict::Deny))
            }
            HoldKind::AskAll => {
                let memory = self.kept.session.clone();
                let mut judged = self.decide(action, remember, true)?;
                // What is refused as it runs is not to be asked about.
                let stricter = self.as_it_runs(asked, action, &memory, &judged)?;
                if stricter.is_some() || judged.explained.decision.verdict >= Verdict::Ask {
                    self.kept.session = memory;
                    return Ok(None);
                }
                // Whoever says yes would have it run, and not contained.
                let denies = judged.explained.decision.verdict == Verdict::Contain;
                if denies {
                    self.kept.session = memory;
                    judged.remember = false;
                }
                self.record_decision(action, &judged);
                if denies {
                    return Ok(Some(Verdict::Deny));
                }
                Ok(Some(Verdict::Ask))
            }
        }
    }

    fn stop(
        &mut self,
        hold: &Hold,
        action: &Action,
        call: Option<&str>,
        verdict: Verdict,
    ) -> Answer {
        let code = hold.kind.code();
        self.record(
            "held",
            [
                ("hold", json!(hold.id)),
                ("event", json!(self.desk.message.name)),
                ("tool", json!(action.tool)),
                ("call", json!(call)),
                ("input", json!(state::digest(&action.input))),
                ("verdict", json!(verdict)),
                ("code", json!(code)),
            ],
        );
        let who = match hold.by.as_str() {
            "rule" => "a rule",
            "cap" => "a limit",
            _ => "a person",
        };
        let (does, then) = match hold.kind {
            HoldKind::Pause => ("paused this session", "wait until a person releases it"),
            HoldKind::Kill => ("ended this session", "stop"),
            HoldKind::DenyAll => {
                ("lets this session only look", "change nothing until a person releases it")
            }
            HoldKind::AskAll if verdict == Verdict::Deny => (
                "wants to be asked about everything, which cannot be done of what has to run contained",
                "do it another way, or wait until a person releases it",
            ),
            HoldKind::AskAll => ("wants to be asked about everything", "wait for the answer"),
        };
        let reason = format!("ringfence: {code}: {who} {does} ({}); {then}", hold.reason);
        if verdict == Verdict::Ask { Answer::Ask { reason } } else { Answer::Deny { reason } }
    }

    /// Holds the session from the next call on, where the user wants that of a rule or of so many calls.
    pub(super) fn hold_from_now_on(&mut self, decision: &Decision) {
        self.kept.calls = self.kept.calls.saturating_add(1);
        let Some(settings) = self.desk.settings().map(|settings| &settings.hold) else { return };
        let stands_against = decision.verdict >= Verdict::Ask;
        let rule = decision.rules.iter().find(|hit| settings.rules.contains(&hit.id));
        // Once: who releases it after that knows how many there were.
        let cap = settings.calls.filter(|cap| self.kept.calls == *cap);
        let (by, reason) = match (rule.filter(|_| stands_against), cap) {
            (Some(hit), _) => ("rule", hit.id.clone()),
            (None, Some(cap)) => ("cap", format!("{cap} calls")),
            (None, None) => return,
        };
        self.hold = Some(Hold {
            id: String::new(),
            kind: HoldKind::Pause,
            session: Some(self.desk.message.session.clone()),
            by: by.to_owned(),
            reason,
            at: self.desk.at.to_string(),
        });
    }
}

/// Whether nothing is other than before, as far as it can be told: what cannot be told may change anything,
/// and what goes out over the network does not only look.
pub(in super::super) fn only_looks(decision: &Decision) -> bool {
    let looks = |kind: EffectKind| matches!(kind, EffectKind::Read | EffectKind::Exec);
    decision.opaque.is_empty() && decision.effects.iter().all(|effect| looks(effect.kind))
}
