//! From an action to a decision.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use ringfence_action::{
    Action, Attr, Call, DecidedBy, Decision, Effect, EffectKind, Evidence, Facts, Opaque, Outcome,
    Preset, RuleHit, Verdict,
};
use ringfence_analysis::Analysis;
use ringfence_classify::judge::{Judgement, Seen};
use ringfence_classify::stage_one::Feature;
use ringfence_facts::FactSource;
use ringfence_policy::{Bundle, Evaluation, Hit, RepositoryFacts, Request, Subject, TargetFacts};

use crate::drift::Drift;
use crate::gather;
use crate::means;
use crate::review::{self, Reviewer, Unspoken};
use crate::session::Session;
use crate::session_rules;
use crate::stage_one::{self, StageOne};
use crate::target_facts;

/// What an engine assumes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// What is assumed where no rule speaks.
    pub preset: Preset,
    /// Whether a sandbox can start for a call. Without one, `contain` becomes `ask`.
    pub sandbox: bool,
}

/// Decides actions against one bundle of rules.
#[derive(Debug)]
pub struct Engine {
    bundle: Arc<Bundle>,
    facts: Box<dyn FactSource>,
    options: Options,
    stage_one: StageOne,
}

/// A decision, with what it was based on.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Explained {
    /// The answer.
    pub decision: Decision,
    /// The ground truth that was used: supplied, gathered, and remembered by the session.
    pub facts: Facts,
    /// What the session had seen before it: sources of untrusted text and of private data.
    pub seen: BTreeSet<String>,
    /// What its user ruled out, in a word each.
    pub ruled_out: BTreeSet<String>,
    /// Whether a person may let this call through, once: no error stands against it, and no rule that is
    /// nobody's to lift.
    pub overridable: bool,
    /// What a judge said, where one was asked.
    pub judgement: Option<Judgement>,
    /// What stage 1 was told; nothing where it is off.
    pub features: BTreeSet<Feature>,
    /// How far the session has moved from what its user asked for, from 0 to 1; see `drift.rs`.
    pub drift: f64,
    /// What this call adds to it.
    moved: Drift,
    /// What a person would be asked about, as `RULE:TARGET`, and need not be asked about again in this
    /// session.
    pub(crate) asked: BTreeSet<String>,
    /// The rules that object, and to which effects; nothing where anything else objects as well.
    pub(crate) stands_against: Option<Objections>,
}

/// Rules, and the effects that they object to, without their evidence.
pub(crate) type Objections = (BTreeSet<String>, BTreeSet<Effect>);

impl Engine {
    /// An engine over these rules, which several may share. `facts` gathers ground truth beyond what an action brings.
    pub fn new(
        bundle: impl Into<Arc<Bundle>>,
        facts: Box<dyn FactSource>,
        options: Options,
    ) -> Self {
        Self { bundle: bundle.into(), facts, options, stage_one: StageOne::Off }
    }

    /// The same engine, in which stage 1 is asked about what rules leave open.
    #[must_use]
    pub fn with_stage_one(self, stage_one: StageOne) -> Self {
        Self { stage_one, ..self }
    }

    /// The rules.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// Decides one action, and remembers in `session` what follows from it. No judge is asked.
    pub fn decide(&self, action: &Action, call: &Call, session: &mut Session) -> Explained {
        self.decide_with(action, call, session, None)
    }

    /// The same, with a judge for what rules leave open.
    pub fn decide_with(
        &self,
        action: &Action,
        call: &Call,
        session: &mut Session,
        reviewer: Option<&mut dyn Reviewer>,
    ) -> Explained {
        #[expect(clippy::disallowed_methods, reason = "for `elapsed_us` alone")]
        let started = Instant::now();
        for message in &action.user_messages {
            session.observe_user(message);
        }
        let (mut explained, written) = match call {
            Call::Malformed { tool, problem } => {
                (self.refuse_malformed(action, tool, problem), BTreeMap::new())
            }
            _ => self.judge(action, call, session, reviewer),
        };
        if explained.decision.verdict < Verdict::Deny {
            session.move_by(explained.moved);
        }
        explained.drift = session.drift();
        session.remember(call, &explained.decision, written);
        explained.decision.elapsed_us =
            u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        explained
    }

    /// The answer to an action of a session that somebody holds.
    pub fn held(&self, action: &Action, verdict: Verdict, code: &str, why: &str) -> Decision {
        let mut decision = Decision::new(verdict, DecidedBy::Session, code, self.bundle.digest());
        decision.id.clone_from(&action.id);
        let outcome = if verdict == Verdict::Ask { Outcome::Ask } else { Outcome::Deny };
        decision.rules.push(RuleHit {
            id: code.to_owned(),
            outcome,
            why: format!("the session is held: {why}"),
            instead: "wait until a person releases it".to_owned(),
            evidence: Vec::new(),
        });
        decision
    }

    /// Input that its own tool would not accept is never let through: what the tool would make of
    /// it cannot be told.
    fn refuse_malformed(&self, action: &Action, tool: &str, problem: &str) -> Explained {
        let mut decision = Decision::new(
            self.enforced(Verdict::Deny),
            DecidedBy::Guard,
            "guard.malformed-input",
            self.bundle.digest(),
        );
        decision.id.clone_from(&action.id);
        decision.rules.push(RuleHit {
            id: "guard.malformed-input".to_owned(),
            outcome: Outcome::Deny,
            why: format!("the input of `{tool}` does not have its shape: {problem}"),
            instead: "send the call again with input of the tool's own shape".to_owned(),
            evidence: Vec::new(),
        });
        let (facts, asked, features) = (action.facts.clone(), BTreeSet::new(), BTreeSet::new());
        Explained {
            decision,
            facts,
            overridable: false,
            judgement: None,
            features,
            asked,
            drift: 0.0,
            moved: Drift::default(),
            ruled_out: BTreeSet::new(),
            seen: BTreeSet::new(),
            stands_against: None,
        }
    }

    /// The decision, and what files hold after it.
    fn judge(
        &self,
        action: &Action,
        call: &Call,
        session: &Session,
        reviewer: Option<&mut dyn Reviewer>,
    ) -> (Explained, BTreeMap<String, Option<String>>) {
        let (mut analysis, facts) = gather::analyse(self.facts.as_ref(), session, action, call);
        let session_facts = session.facts(&facts);
        let mut findings = Findings::default();
        let context = Question {
            agent: &action.agent.kind,
            preset: self.options.preset,
            session: &session_facts,
        };
        // The same thing done at another place in the text is the same question.
        let mut answered: HashMap<Effect, Rc<(TargetFacts, Evaluation)>> = HashMap::new();
        let mut named = vec![false; analysis.effects.len()];
        let mut asked_for = means::Asked::of(&analysis);
        for (place, effect) in means::last(&analysis.effects) {
            let mut all_named = true;
            for target in effect.target.alternatives() {
                let question = Effect { target, evidence: None, ..effect.clone() };
                let answer = match answered.get(&question) {
                    Some(answer) => Rc::clone(answer),
                    None => {
                        let repository = target_facts::repository(&question, action, &facts);
                        let known =
                            target_facts::about(&question, repository, action, &facts, session);
                        let repository = target_facts::for_rules(repository);
                        let subject = Subject::Effect(&question);
                        let evaluation = self.ask(&context, subject, &known, &repository);
                        let answer = Rc::new((known, evaluation));
                        answered.insert(question.clone(), Rc::clone(&answer));
                        answer
                    }
                };
                let (known, evaluation) = &*answer;
                all_named &= known.named_by_user;
                let concrete = Effect { evidence: effect.evidence.clone(), ..question };
                let carried = asked_for.carries(effect).then(|| known.asked_for());
                findings.add_effect(
                    &concrete,
                    carried.as_ref().unwrap_or(known),
                    evaluation,
                    session,
                );
            }
            asked_for.note(effect, all_named);
            if let Some(named) = named.get_mut(place) {
                *named = all_named;
            }
        }
        for opaque in &analysis.opaque {
            let (known, repository) = Default::default();
            let evaluation = self.ask(&context, Subject::Opaque(opaque), &known, &repository);
            findings.add_opaque(opaque, evaluation);
        }
        for finding in session_rules::findings(&analysis.effects, &session_facts, action, session) {
            findings.add_session(finding);
        }
        let moved = Drift::of(&analysis.effects, &named, session);
        let (mut features, mut score) = (BTreeSet::new(), None);
        if self.stage_one != StageOne::Off {
            let near = findings.spoken();
            features =
                stage_one::evidence(&analysis, &named, near, &session_facts, session, action);
            let (scored, objection) = stage_one::look(self.stage_one, &features);
            findings.open.how.flagged = stage_one::flags(self.stage_one, &scored);
            // As many digits as are read back as they were written: a decision is replayed.
            let probability = (scored.probability * 1e4).round() / 1e4;
            score = Some(("stage_one".to_owned(), probability));
            // A judge sees more: where there is one, it is the one to object.
            objection
                .filter(|_| reviewer.is_none())
                .into_iter()
                .for_each(|hit| findings.add_classifier(hit));
        }
        let written = std::mem::take(&mut analysis.written);
        let asked = std::mem::take(&mut findings.asked);
        let stands_against = findings.objections.take();
        let fixed = findings.fixed;
        let how = &mut findings.open.how;
        how.subagent |= matches!(call, Call::Subagent { .. })
            || (action.agent.subagent.is_some() && how.unspoken);
        let (allowed, unspoken) = (findings.outcome == Outcome::Allow, findings.open);
        let mut decision = self.conclude(action, analysis, findings);
        decision.scores.extend(score);
        let judgement = reviewer.and_then(|reviewer| {
            let Decision { effects, opaque, .. } = &decision;
            let seen = Seen::of(action, call, &written, effects);
            let open = || unspoken.left_open(effects, opaque, &facts, &session_facts, session);
            reviewer.review(seen, allowed.then(open).flatten())
        });
        // What nobody asked about is not judged, whatever comes back.
        let judgement = judgement.filter(|_| allowed);
        if let Some(judgement) = &judgement {
            let verdict = judgement.verdict(self.options.preset);
            review::apply(&mut decision, judgement, verdict, self.enforced(verdict));
        }
        let overridable = !fixed && decision.verdict >= Verdict::Ask;
        let drift = session.drift();
        let explained = Explained {
            decision,
            facts,
            overridable,
            judgement,
            features,
            drift,
            moved,
            asked,
            ruled_out: session.ruled_out(),
            seen: session_facts.untrusted.union(&session_facts.private).cloned().collect(),
            stands_against,
        };
        (explained, written)
    }

    fn ask(
        &self,
        question: &Question<'_>,
        subject: Subject<'_>,
        target: &TargetFacts,
        repository: &RepositoryFacts,
    ) -> Evaluation {
        self.bundle.evaluate(&Request {
            agent: question.agent,
            preset: question.preset,
            subject,
            target,
            repository,
            session: question.session,
        })
    }

    fn conclude(&self, action: &Action, analysis: Analysis, findings: Findings) -> Decision {
        let Findings { rules, outcome, decided_by, code, .. } = findings;
        let verdict = self.enforced(self.verdict(outcome));
        let mut rules: Vec<RuleHit> = rules.into_values().collect();
        rules.sort_by(|a, b| b.outcome.cmp(&a.outcome).then_with(|| a.id.cmp(&b.id)));
        let mut decision = Decision::new(verdict, decided_by, code, self.bundle.digest());
        decision.id.clone_from(&action.id);
        decision.rules = rules;
        decision.effects = analysis.effects;
        decision.opaque = analysis.opaque;
        decision
    }

    /// What leaves the engine: a rule that says `review` asks a person, since a judge lifts nothing, and
    /// `contain` is only answered where a sandbox can start.
    fn verdict(&self, outcome: Outcome) -> Verdict {
        match outcome {
            Outcome::Allow => Verdict::Allow,
            Outcome::Contain if self.options.sandbox => Verdict::Contain,
            Outcome::Contain | Outcome::Review | Outcome::Ask => Verdict::Ask,
            Outcome::Deny => Verdict::Deny,
        }
    }

    /// The `observe` preset records and never blocks: the rules that spoke stay in the decision.
    fn enforced(&self, verdict: Verdict) -> Verdict {
        match self.options.preset {
            Preset::Observe => Verdict::Allow,
            Preset::Guard | Preset::Lockdown => verdict,
        }
    }
}

/// What is the same for every question about one action.
struct Question<'a> {
    agent: &'a str,
    preset: Preset,
    session: &'a ringfence_policy::SessionFacts,
}

/// What the layers found, joined: the strictest outcome so far and who said so.
struct Findings {
    rules: BTreeMap<String, RuleHit>,
    outcome: Outcome,
    decided_by: DecidedBy,
    code: String,
    /// Whether something stands against it that no person lifts from here.
    fixed: bool,
    asked: BTreeSet<String>,
    /// Nothing as soon as something objects that is no rule about an effect.
    objections: Option<Objections>,
    /// About what no rule spoke.
    open: Unspoken,
}

impl Default for Findings {
    fn default() -> Self {
        Self {
            rules: BTreeMap::new(),
            outcome: Outcome::Allow,
            decided_by: DecidedBy::Default,
            code: "default".to_owned(),
            fixed: false,
            asked: BTreeSet::new(),
            objections: Some(Objections::default()),
            open: Unspoken::default(),
        }
    }
}

impl Findings {
    fn add_effect(
        &mut self,
        effect: &Effect,
        known: &TargetFacts,
        evaluation: &Evaluation,
        session: &Session,
    ) {
        let keys = approvable(effect, evaluation);
        let approved = !keys.is_empty() && keys.iter().all(|key| session.has_approved(key));
        let consented = (known.named_by_user || approved) && is_consentable(evaluation);
        self.asked.extend(keys);
        let evidence = effect.evidence.as_ref();
        if self.add_error(evaluation, evidence) {
            return;
        }
        if evaluation.hits.is_empty() {
            self.add_unspoken(effect, known, evaluation.outcome);
        } else if consented {
            self.keep(&evaluation.hits, evidence);
            self.raise(Outcome::Allow, DecidedBy::Consent, "consent");
        } else {
            let by =
                if effect.kind == EffectKind::Guard { DecidedBy::Guard } else { DecidedBy::Policy };
            self.object(effect, &evaluation.hits);
            self.add_hits(&evaluation.hits, evidence, by);
        }
    }

    fn add_opaque(&mut self, opaque: &Opaque, evaluation: Evaluation) {
        let evidence = opaque.evidence.as_ref();
        if self.add_error(&evaluation, evidence) {
            return;
        }
        self.object_otherwise(evaluation.outcome);
        if evaluation.hits.is_empty() {
            self.open.how.opaque = true;
            self.raise(evaluation.outcome, DecidedBy::Default, "default");
        } else {
            self.add_hits(&evaluation.hits, evidence, DecidedBy::Policy);
        }
    }

    fn add_session(&mut self, hit: RuleHit) {
        self.object_otherwise(hit.outcome);
        self.raise(hit.outcome, DecidedBy::Session, &hit.id);
        self.rules.insert(hit.id.clone(), hit);
    }

    /// Keeps what these rules object to.
    fn object(&mut self, effect: &Effect, hits: &[Hit]) {
        let mut objecting = hits.iter().filter(|hit| hit.outcome > Outcome::Allow).peekable();
        if let (Some((rules, effects)), Some(_)) = (&mut self.objections, objecting.peek()) {
            rules.extend(objecting.map(|hit| hit.id.clone()));
            effects.insert(Effect { evidence: None, ..effect.clone() });
        }
    }

    /// Something else than a rule about an effect says so.
    fn object_otherwise(&mut self, outcome: Outcome) {
        if outcome > Outcome::Allow {
            self.objections = None;
        }
    }

    /// Rules that spoke, whether or not something clears them.
    fn spoken(&self) -> BTreeSet<&str> {
        let rules = self.rules.values().filter(|rule| rule.outcome > Outcome::Allow);
        rules.map(|rule| rule.id.as_str()).collect()
    }

    fn add_classifier(&mut self, hit: RuleHit) {
        if hit.outcome > self.outcome {
            self.object_otherwise(hit.outcome);
            self.raise(hit.outcome, DecidedBy::Classifier, &hit.id);
            self.rules.insert(hit.id.clone(), hit);
        }
    }

    /// A policy that errors is a deny: nobody knows what it would have said.
    fn add_error(&mut self, evaluation: &Evaluation, evidence: Option<&Evidence>) -> bool {
        let Some(error) = &evaluation.error else { return false };
        let id = "policy.error";
        self.object_otherwise(Outcome::Deny);
        self.raise(Outcome::Deny, DecidedBy::Error, id);
        let hit = Hit {
            id: id.to_owned(),
            outcome: Outcome::Deny,
            why: format!("a rule failed while it was evaluated: {error}"),
            instead: "ask the owner of the rules to run `ringfence policy check`".to_owned(),
            consentable: false,
            overridable: false,
        };
        self.fixed = true;
        self.keep(&[hit], evidence);
        true
    }

    /// No rule spoke. Tampering with the guard is denied all the same: that floor does not depend
    /// on which rules were loaded.
    fn add_unspoken(&mut self, effect: &Effect, known: &TargetFacts, by_preset: Outcome) {
        let tampers = effect.kind == EffectKind::Guard
            && effect.text(Attr::Mechanism) != Some("agent-instructions")
            && !(effect.text(Attr::Mechanism) == Some("agent-transcripts") && known.created)
            && !effect.is(Attr::Content);
        if tampers {
            let hit = Hit {
                id: "guard.tamper".to_owned(),
                outcome: Outcome::Deny,
                why: format!("this would change what guards the agent: {}", effect.target),
                instead: "ask the user to make this change themselves".to_owned(),
                consentable: false,
                overridable: false,
            };
            self.object_otherwise(hit.outcome);
            self.add_hits(&[hit], effect.evidence.as_ref(), DecidedBy::Guard);
        } else {
            self.object_otherwise(by_preset);
            self.open.effect(effect, known.created);
            self.raise(by_preset, DecidedBy::Default, "default");
        }
    }

    fn add_hits(&mut self, hits: &[Hit], evidence: Option<&Evidence>, by: DecidedBy) {
        if let Some(strictest) = hits.iter().max_by_key(|hit| hit.outcome) {
            let by = if strictest.outcome == Outcome::Deny { by } else { DecidedBy::Policy };
            let (outcome, id) = (strictest.outcome, strictest.id.clone());
            self.raise(outcome, by, &id);
        }
        self.fixed |= hits.iter().any(|hit| hit.outcome > Outcome::Allow && !hit.overridable);
        self.keep(hits, evidence);
    }

    /// Keeps the rules for the record; one entry per rule, evidence collected.
    fn keep(&mut self, hits: &[Hit], evidence: Option<&Evidence>) {
        for hit in hits {
            let rule = self.rules.entry(hit.id.clone()).or_insert_with(|| RuleHit {
                id: hit.id.clone(),
                outcome: shown(hit.outcome),
                why: hit.why.clone(),
                instead: hit.instead.clone(),
                evidence: Vec::new(),
            });
            if let Some(evidence) = evidence
                && !rule.evidence.contains(evidence)
            {
                rule.evidence.push(evidence.clone());
            }
        }
    }

    /// Takes over a stricter outcome. Among equals, the layer that spoke first keeps its name,
    /// except that anything said beats the silence of the preset.
    fn raise(&mut self, outcome: Outcome, by: DecidedBy, code: &str) {
        let speaks_first = self.decided_by == DecidedBy::Default && by != DecidedBy::Default;
        if outcome > self.outcome || (outcome == self.outcome && speaks_first) {
            self.outcome = outcome;
            self.decided_by = by;
            code.clone_into(&mut self.code);
        }
    }
}

/// `review` never leaves the engine: a person is asked.
fn shown(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Review => Outcome::Ask,
        Outcome::Allow | Outcome::Contain | Outcome::Ask | Outcome::Deny => outcome,
    }
}

/// What a person who lets this run need not be asked about again: the same rule and the same target, for
/// what adds or changes. What takes something away takes something else each time.
fn approvable(effect: &Effect, evaluation: &Evaluation) -> Vec<String> {
    let adds = match effect.kind {
        EffectKind::Write | EffectKind::Create | EffectKind::Persist | EffectKind::Package => true,
        EffectKind::Guard => effect.text(Attr::Op) != Some("delete"),
        _ => false,
    };
    let Some(target) = effect.target.as_known().filter(|_| adds && is_consentable(evaluation))
    else {
        return Vec::new();
    };
    let objecting = evaluation.hits.iter().filter(|hit| hit.outcome > Outcome::Allow);
    objecting.map(|hit| format!("{}:{target}", hit.id)).collect()
}

/// Consent lowers what can be lowered: every rule that objects must be consentable, none may deny.
fn is_consentable(evaluation: &Evaluation) -> bool {
    evaluation.outcome > Outcome::Allow
        && evaluation.outcome < Outcome::Deny
        && evaluation.hits.iter().all(|hit| hit.outcome == Outcome::Allow || hit.consentable)
}
