//! One question, one answer.

use ringfence_action::{Outcome, Preset};

use crate::bundle::{Bundle, Slice};
use crate::request::{Evaluation, Hit, Request, Subject};
use crate::rule::Rule;
use crate::schema::OPAQUE;

impl Bundle {
    /// What the rules say about one effect or opaque remark: the strictest outcome among the rules
    /// that determined Cedar's answer, or the preset's where no rule spoke.
    ///
    /// Cedar leaves out a policy that errors. Here any error is a deny: a rule that could not be
    /// evaluated might have been the one that forbids.
    pub fn evaluate(&self, request: &Request<'_>) -> Evaluation {
        let question = match request.subject {
            Subject::Effect(effect) => effect.kind.as_str(),
            Subject::Opaque(_) => OPAQUE,
        };
        match self.slice(question) {
            Ok(slice) => self.authorize(request, slice),
            Err(error) => failed(error),
        }
    }

    /// Whether one rule speaks about something, whatever the others say.
    pub(crate) fn applies(&self, rule: &Rule, request: &Request<'_>) -> bool {
        let asked = match request.subject {
            Subject::Effect(effect) => effect.kind.as_str(),
            Subject::Opaque(_) => OPAQUE,
        };
        rule.asked.contains(&asked)
            && Slice::new(asked, vec![rule.clone()], &self.names)
                .is_ok_and(|alone| !self.authorize(request, &alone).hits.is_empty())
    }

    fn authorize(&self, request: &Request<'_>, slice: &Slice) -> Evaluation {
        let cedar_request = match self.names.request(request, &slice.keys) {
            Ok(cedar_request) => cedar_request,
            Err(error) => return failed(error),
        };
        let response =
            self.authorizer.is_authorized(&cedar_request, &slice.policies, &slice.entities);
        let errors: Vec<String> =
            response.diagnostics().errors().map(|error| error.to_string()).collect();
        if !errors.is_empty() {
            return failed(errors.join("; "));
        }
        let mut hits = Vec::new();
        for id in response.diagnostics().reason() {
            match slice.rule(id.as_ref()) {
                Some(rule) => hits.push(hit(rule)),
                None => return failed(format!("the rule `{id}` is not in the bundle")),
            }
        }
        hits.sort_by(|a, b| b.outcome.cmp(&a.outcome).then_with(|| a.id.cmp(&b.id)));
        let outcome = hits.first().map_or(unspoken(request.preset), |hit| hit.outcome);
        Evaluation { outcome, hits, error: None }
    }
}

/// What is assumed where no rule speaks.
pub fn unspoken(preset: Preset) -> Outcome {
    match preset {
        Preset::Observe | Preset::Guard => Outcome::Allow,
        Preset::Lockdown => Outcome::Deny,
    }
}

fn hit(rule: &Rule) -> Hit {
    Hit {
        id: rule.id.clone(),
        outcome: rule.outcome,
        why: rule.why_for_agents().to_owned(),
        instead: rule.instead_for_agents().to_owned(),
        consentable: rule.consentable,
        overridable: rule.overridable,
    }
}

fn failed(error: String) -> Evaluation {
    Evaluation { outcome: Outcome::Deny, hits: Vec::new(), error: Some(error) }
}
