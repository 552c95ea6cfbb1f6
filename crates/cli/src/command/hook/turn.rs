//! What follows from one message, given a session's state: the new state, what is recorded, the answer.
//!
//! Nothing is written here, so that it can be worked out twice. What changes the session's state is in
//! the entries, in order: a session can be followed from its entries alone
//! (`ringfence audit replay`), and every decision comes out as it did.

mod held;
mod judging;
mod results;

use jiff::{SignedDuration, Timestamp};
use ringfence_action::{Action, Decision, Verdict};
use ringfence_adapters::hook::{Answer, HookEvent, HookInput};
use ringfence_adapters::normalize;
use ringfence_classify::judge::{Ended, History, Seen};
use ringfence_engine::{Explained, Heard, Options, Reviewer, Session};
use ringfence_record::cases::No;
use ringfence_record::holds::Hold;
use ringfence_record::log::Entry;
use serde_json::{Value, json};

pub(super) use self::held::only_looks;
use super::answer::{Desk, NoAnswer, object};
use super::origin::{self, Origin, StartedBy};
use super::overrule::{Refused, Standing};
use super::state::{self, Kept, Pending};
use crate::command::standing;
use crate::reviewing;

/// What follows from a message.
pub(super) struct Outcome {
    pub(super) kept: Kept,
    pub(super) entries: Vec<Entry>,
    /// What holds the session from now on.
    pub(super) hold: Option<Hold>,
    pub(super) answer: Answer,
}

pub(super) struct Turn<'d> {
    desk: &'d Desk<'d>,
    kept: Kept,
    /// Whether the session was known before this message.
    known: bool,
    missed: Option<&'d str>,
    entries: Vec<Entry>,
    hold: Option<Hold>,
}

/// A decision, and what it was made of beside the action and the facts.
struct Judged {
    explained: Explained,
    /// The digest of the session's state before it.
    state: String,
    /// Whether the session keeps what follows from it.
    remember: bool,
    options: Options,
    /// The call, as a judge sees it.
    seen: Option<Seen>,
}

/// What an agent is told of a call that failed inside.
const INSIDE: &str = "ringfence: this command ran contained: without network, without credentials, \
                      and able to write in the workspace only, or only what it was foreseen to \
                      write there. If it failed for that, say so to the user instead of working \
                      around it.";

/// What an agent is told where a person may let through what was refused.
const PERSON: &str = "If the user wants exactly this, only they can let it through once, by \
                      `ringfence allow-once` in a terminal of their own.";

/// A clock that goes back by less is a clock that is being set right.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(60);

impl<'d> Turn<'d> {
    pub(super) fn new(desk: &'d Desk<'d>, kept: Option<Kept>, missed: Option<&'d str>) -> Self {
        let known = kept.is_some();
        let kept = kept.unwrap_or_default();
        Self { desk, kept, known, missed, entries: Vec::new(), hold: None }
    }

    pub(super) fn take(mut self) -> Result<Outcome, NoAnswer> {
        let message = self.desk.message;
        let origin =
            origin::check(&mut self.kept.agents, self.desk.sender.as_ref(), &message.event);
        self.check_memory();
        self.inherit();
        self.check_clock();
        let answer = match origin {
            Origin::Foreign(problem) => self.refuse(&problem),
            Origin::Agent | Origin::NewAgent => self.answer()?,
            Origin::SecondAgent => {
                self.lose_trust("session.second-agent", "second-agent", json!(null));
                self.answer()?
            }
        };
        let Self { kept, entries, hold, .. } = self;
        Ok(Outcome { kept, entries, hold, answer })
    }

    fn answer(&mut self) -> Result<Answer, NoAnswer> {
        let message = self.desk.message;
        self.settle_in(message);
        match &message.event {
            HookEvent::Before { action, call } => {
                self.hear_what_was_typed(call.as_deref());
                self.before(action, call.as_deref())
            }
            HookEvent::Permission { action } => {
                self.hear_what_was_typed(None);
                self.permission(action)
            }
            HookEvent::After { action, call, response, failed } => {
                let told = self.hear_result(action, response);
                let answer = self.after(action, call.as_deref(), *failed);
                Ok(told.unwrap_or(answer))
            }
            HookEvent::Prompt { said, relayed } => Ok(self.prompt(said, relayed)),
            HookEvent::Start { source } => Ok(self.note("start", source)),
            HookEvent::ConfigChange { source, path } => {
                Ok(self.config_change(source, path.as_deref()))
            }
            HookEvent::End | HookEvent::Other => Ok(self.note(&message.name, "")),
        }
    }

    /// A session that appears in mid-run, or that something happened to unseen, has lost its memory: it
    /// goes on tainted, and nothing that was asked for before clears anything.
    fn check_memory(&mut self) {
        let (agent, event) = (self.desk.agent(), &self.desk.message.event);
        let is_lost = if self.known {
            // By its first call an agent has said that the session begins, if it does.
            let is_due = self.kept.unannounced;
            let has_come = !matches!(event, HookEvent::Prompt { .. } | HookEvent::Other);
            self.kept.unannounced &= !has_come;
            is_due && has_come && !agent.may_begin_with(event)
        } else {
            self.kept.unannounced = agent.still_announces(event);
            !agent.may_begin_with(event)
        };
        if is_lost {
            self.lose_trust("session.unknown-in-mid-run", "unknown-session", json!(null));
        }
        if let Some(problem) = self.missed {
            self.lose_trust("session.missed-event", "missed-event", json!(problem));
        }
    }

    /// An agent that another one started goes on with what that one was forbidden and has seen. Where it
    /// cannot be told what that is, it is not trusted.
    fn inherit(&mut self) {
        match (self.desk.started_by(), self.desk.handed_down()) {
            (StartedBy::Agent { kind, session }, Ok(handed_down)) => {
                let new = self.kept.session.inherit(handed_down);
                if !new.is_empty() {
                    let from = json!({"agent": kind, "session": session});
                    self.record("inheritance", [("from", from), ("inherits", json!(new))]);
                }
            }
            (_, Err(())) if !self.known => {
                self.lose_trust("session.unknown-parent", "unknown-parent", json!(null));
            }
            _ => {}
        }
    }

    fn check_clock(&mut self) {
        let now = self.desk.at;
        let before = self.kept.at.as_ref().and_then(|at| at.parse::<Timestamp>().ok());
        if let Some(before) = before.filter(|before| before.duration_since(now) > CLOCK_TOLERANCE) {
            self.finding([
                ("code", json!("record.clock-went-back")),
                ("problem", json!(format!("the session was last heard of at {before}"))),
            ]);
        }
        self.kept.at = Some(now.to_string());
    }

    /// What the first message says about the session stands for all of it.
    fn settle_in(&mut self, message: &HookInput) {
        if self.kept.workspace.is_none() {
            self.kept.workspace.clone_from(&message.cwd);
        }
        let (transcript, session) = (message.transcript.as_deref(), &message.session);
        self.kept.prompts.name(self.desk.agent(), transcript, session, self.desk.user);
    }

    /// A message of somebody else's: it forbids what it says, and nothing more.
    fn refuse(&mut self, problem: &str) -> Answer {
        self.kept.session.distrust("forged-event");
        self.finding([
            ("code", json!("session.foreign-event")),
            ("problem", json!(problem)),
            ("taints", json!("forged-event")),
        ]);
        if let HookEvent::Prompt { said, relayed } = &self.desk.message.event {
            said.iter().chain(relayed).for_each(|text| self.hear_relayed(text, "foreign"));
        }
        Answer::Deny {
            reason: format!(
                "ringfence: session.foreign-event: this did not come from the agent of the session \
                 ({problem}); if it should have, start the agent again"
            ),
        }
    }

    fn before(&mut self, asked: &Action, call: Option<&str>) -> Result<Answer, NoAnswer> {
        let action = self.prepared(asked);
        if let Some(held) = self.held(asked, &action, call)? {
            return Ok(held);
        }
        let memory = self.kept.session.clone();
        let mut judged = self.decide(&action, true, true)?;
        let mut stricter = self.as_it_runs(asked, &action, &memory, &judged)?;
        let mut inside = None;
        if stricter.is_none() && judged.explained.decision.verdict == Verdict::Contain {
            match self.desk.inside(&self.kept, asked, call, &judged.explained.decision) {
                Ok(way) => inside = Some(way.clone()),
                Err(obstacle) => {
                    self.kept.session = memory.clone();
                    judged = self.decide(&action, true, false)?;
                    stricter = self.as_it_runs(asked, &action, &memory, &judged)?;
                    self.record("note", [("not_contained", json!(obstacle))]);
                }
            }
        }
        let standing = match (&stricter, &inside) {
            (None, None) => self.standing(asked, &action, &judged),
            _ => Standing::Closed,
        };
        let let_through = matches!(standing, Standing::LetThrough(_));
        let ran = inside.as_ref().map(|way| self.redacted(&way.input));
        let decision = stricter.as_ref().unwrap_or(&judged.explained.decision);
        let refused = self.refused_for_now(decision, &standing);
        let pending = Pending {
            input: state::digest(ran.as_ref().unwrap_or(&action.input)),
            denied: (decision.verdict == Verdict::Deny || refused.is_some()) && !let_through,
            creates: judged.explained.would_create().collect(),
            ticket: inside.as_ref().map(|way| way.ticket.clone()),
            command: ran.as_ref().and_then(state::command_of),
            let_through,
        };
        self.kept.expect(call, pending);
        let answer = match (inside, refused) {
            (Some(way), _) => Answer::Rewrite {
                input: way.input,
                reason: self.reason(decision),
                decided: self.desk.hook.decide,
            },
            (None, _) if let_through => {
                self.as_decided("ringfence: the user let this through once")
            }
            (None, Some(reason)) => Answer::Deny { reason },
            (None, None) => self.in_words(decision, standing == Standing::Waits),
        };
        let ended = if let_through { Ended::LetGo } else { reviewing::ended(decision.verdict) };
        self.record_decision(&action, &judged);
        self.hold_from_now_on(stricter.as_ref().unwrap_or(&judged.explained.decision));
        if let Standing::LetThrough(receipt) = standing {
            self.record("override", [("call", json!(call)), ("approval", json!(receipt.seq))]);
        }
        if let (Some(history), Some(seen)) = (self.history(), judged.seen) {
            history.called(call, seen, ended);
        }
        Ok(answer)
    }

    /// The agent is about to ask its user: only a denial, or a decision that was wanted, speaks.
    fn permission(&mut self, asked_for: &Action) -> Result<Answer, NoAnswer> {
        let action = self.prepared(asked_for);
        if let Some(held) = self.held_before_asking(asked_for, &action)? {
            return Ok(held);
        }
        let asked = state::digest(&action.input);
        if let Some(settled) = self.kept.settled(&action.input) {
            // Decided already, and now in the words that Ringfence gave it.
            let reason = if settled.let_through {
                "ringfence: the user let this through once"
            } else {
                "ringfence: runs contained"
            };
            self.record("permission", [("input", json!(asked))]);
            return Ok(self.as_decided(reason));
        }
        let memory = self.kept.session.clone();
        let judged = self.decide(&action, false, true)?;
        let stricter = self.as_it_runs(asked_for, &action, &memory, &judged)?;
        self.record_decision(&action, &judged);
        let decision = stricter.as_ref().unwrap_or(&judged.explained.decision);
        Ok(match decision.verdict {
            Verdict::Deny | Verdict::Allow => self.in_words(decision, false),
            Verdict::Ask | Verdict::Contain => Answer::NoOpinion,
        })
    }

    /// What ran is compared with what was decided.
    fn after(&mut self, action: &Action, call: Option<&str>, failed: bool) -> Answer {
        let action = self.prepared(action);
        let ran = state::digest(&action.input);
        let mut created = Vec::new();
        let pending = self.kept.take(call.unwrap_or(&ran));
        let is_contained = pending.as_ref().is_some_and(|pending| pending.ticket.is_some());
        match pending {
            Some(pending) if pending.denied && !failed => {
                self.lose_trust("session.denied-call-ran", "denied-call-ran", json!(ran));
            }
            Some(pending) if pending.input == ran && !failed => created = pending.creates,
            Some(pending) if pending.input == ran => {}
            Some(_) => self.lose_trust("session.rewritten-call", "rewritten-call", json!(ran)),
            None => self.lose_trust("session.undecided-call", "undecided-call", json!(ran)),
        }
        created.iter().for_each(|path| self.kept.session.observe_created(path));
        if let (Some(history), Some(call)) = (self.history(), call) {
            history.came_back(call, if failed { Ended::Failed } else { Ended::Ran });
        }
        self.record(
            "result",
            [
                ("call", json!(call)),
                ("failed", json!(failed)),
                ("input", json!(ran)),
                ("created", json!(created)),
            ],
        );
        if is_contained && failed {
            Answer::Context { text: INSIDE.to_owned() }
        } else if self.has_strayed(&action) {
            Answer::Context { text: judging::STRAYED.to_owned() }
        } else {
            Answer::NoOpinion
        }
    }

    fn prompt(&mut self, said: &[String], relayed: &[String]) -> Answer {
        for text in relayed {
            self.hear_relayed(text, "relayed");
        }
        let standing = if said.is_empty() { "unconfirmed" } else { self.standing_of_a_prompt() };
        for text in said {
            self.hear_relayed(text, standing);
            if standing == "unconfirmed" {
                self.kept.prompts.expect(state::digest_of(text.trim()));
            }
        }
        if said.is_empty() && relayed.is_empty() {
            self.note(&self.desk.message.name, "");
        }
        Answer::NoOpinion
    }

    /// What a prompt may come to. What an agent types into another is not a person's; and while a call
    /// runs, the call could be what looks like the agent here.
    fn standing_of_a_prompt(&mut self) -> &'static str {
        if *self.desk.started_by() != StartedBy::Nobody {
            return "nested";
        }
        if !self.kept.running().is_empty() {
            // A call that was refused never comes back: the transcript has that.
            let done = self.kept.prompts.done(self.desk.agent(), &self.desk.message.session);
            done.iter().for_each(|call| while self.kept.take(call).is_some() {});
        }
        let during: Vec<String> = self.kept.running().into_iter().map(str::to_owned).collect();
        if during.is_empty() {
            return "unconfirmed";
        }
        self.finding([("code", json!("session.prompt-during-call")), ("during", json!(during))]);
        "during-call"
    }

    fn note(&mut self, event: &str, source: &str) -> Answer {
        self.record("session", [("event", json!(event)), ("source", json!(source))]);
        Answer::NoOpinion
    }

    /// Settings that change while a call runs were most likely changed by it.
    fn config_change(&mut self, source: &str, path: Option<&str>) -> Answer {
        let during: Vec<String> = self.kept.running().into_iter().map(str::to_owned).collect();
        let gate =
            self.desk.home.as_ref().map(|home| standing::gate_below(self.desk.agent(), home));
        let gone = gate.as_ref().and_then(|gate| gate.as_ref().err());
        let taints = (gone.is_some() || !during.is_empty()).then_some("settings-changed");
        if let Some(source) = taints {
            self.kept.session.distrust(source);
        }
        self.finding([
            ("code", json!("guard.settings-changed")),
            ("source", json!(source)),
            ("path", json!(path)),
            ("during", json!(during)),
            ("gate", json!(gone.map_or("stands", String::as_str))),
            ("taints", json!(taints)),
        ]);
        Answer::NoOpinion
    }

    /// Prompts that the transcript shows as typed by now.
    fn hear_what_was_typed(&mut self, call: Option<&str>) {
        if self.kept.prompts.digests.is_empty() {
            return;
        }
        let look = self.desk.look(&self.kept.prompts, call);
        for text in &look.typed.words {
            let digest = state::digest_of(text.trim());
            let Some(at) = self.kept.prompts.digests.iter().position(|it| *it == digest) else {
                continue;
            };
            self.kept.prompts.digests.remove(at);
            let heard = self.understood(text);
            self.kept.session.observe_heard(heard.clone());
            let words = self.desk.redactor.text(text).unwrap_or_else(|| text.clone());
            if let Some(history) = self.history() {
                reviewing::hear(history, &words);
            }
            let intent = json!(heard);
            self.record("prompt", [("standing", json!("confirmed")), ("intent", intent)]);
        }
        self.kept.prompts.offset = self.kept.prompts.offset.max(look.end);
    }

    /// Words that are not known to be the user's may forbid, never permit.
    fn hear_relayed(&mut self, text: &str, standing: &str) {
        let heard = self.understood(text);
        self.kept.session.observe_relayed_heard(heard.clone());
        self.record("prompt", [("standing", json!(standing)), ("intent", json!(heard))]);
    }

    fn understood(&self, text: &str) -> Heard {
        let redacted = self.desk.redactor.text(text);
        Heard::new(redacted.as_deref().unwrap_or(text))
    }

    fn lose_trust(&mut self, code: &str, taint: &str, problem: Value) {
        self.kept.session.distrust(taint);
        self.kept.session.lose_consent();
        self.kept.history.iter_mut().for_each(History::lose_consent);
        self.finding([
            ("code", json!(code)),
            ("problem", problem),
            ("taints", json!(taint)),
            ("consent", json!("lost")),
        ]);
    }

    fn redacted(&self, input: &Value) -> Value {
        let mut input = input.clone();
        self.desk.redactor.json(&mut input);
        input
    }

    /// The action with secrets replaced, and with the folders that it belongs to.
    fn prepared(&self, action: &Action) -> Action {
        let redactor = &self.desk.redactor;
        let mut action = self.placed(action);
        redactor.json(&mut action.input);
        redactor.string(&mut action.tool);
        action.cwd.iter_mut().chain(&mut action.workspace).for_each(|path| redactor.string(path));
        action
    }

    /// The action with the folders that it belongs to.
    fn placed(&self, action: &Action) -> Action {
        let mut action = action.clone();
        action.home.clone_from(&self.desk.home);
        action.facts.guards.clone_from(&self.desk.guards);
        action.workspace = self.kept.workspace.iter().cloned().collect();
        action
    }

    /// What is decided of the very text that runs, where it has secrets and is decided more strictly:
    /// something that looks like a secret must not hide what is done. What was decided of the text
    /// without them stays what is recorded and replayed.
    fn as_it_runs(
        &mut self,
        asked: &Action,
        action: &Action,
        memory: &Session,
        judged: &Judged,
    ) -> Result<Option<Decision>, NoAnswer> {
        let plain = self.in_plain(asked, action, memory, judged)?;
        let verdict = judged.explained.decision.verdict;
        let Some(decision) = plain.filter(|plain| plain.verdict > verdict) else {
            return Ok(None);
        };
        self.finding([
            ("code", json!("guard.hidden-by-secret")),
            ("problem", json!(format!("as it runs, it is decided by {}", decision.code))),
            ("verdict", json!(decision.verdict)),
        ]);
        Ok(Some(decision))
    }

    /// What is decided of the very text that runs; nothing where it is the text that was judged.
    fn in_plain(
        &self,
        asked: &Action,
        action: &Action,
        memory: &Session,
        judged: &Judged,
    ) -> Result<Option<Decision>, NoAnswer> {
        let plain = self.placed(asked);
        if plain == *action && !self.desk.facts.has_secrets() {
            return Ok(None);
        }
        let (engine, _) = self.desk.engine(judged.options.sandbox)?;
        let decide = || engine.decide(&plain, &normalize(&plain), &mut memory.clone());
        Ok(Some(self.desk.facts.in_plain(decide).decision))
    }

    fn decide(
        &mut self,
        action: &Action,
        remember: bool,
        sandbox: bool,
    ) -> Result<Judged, NoAnswer> {
        let (engine, options) = self.desk.engine(sandbox)?;
        let state = state::digest(&json!(self.kept.session));
        let call = normalize(action);
        let judging = self.judging();
        let owner = reviewing::session_of(action);
        let mut sitting = judging
            .as_ref()
            .map(|(chair, history)| chair.sit(history, &owner, engine.bundle().digest()));
        let reviewer = sitting.as_mut().map(|it| it as &mut dyn Reviewer);
        let explained = if remember {
            engine.decide_with(action, &call, &mut self.kept.session, reviewer)
        } else {
            engine.decide_with(action, &call, &mut self.kept.session.clone(), reviewer)
        };
        let seen = sitting.and_then(|sitting| sitting.seen);
        // The disk says what is in a file when it runs.
        self.kept.session.forget_contents();
        Ok(Judged { explained, state, remember, options: *options, seen })
    }

    fn record_decision(&mut self, action: &Action, judged: &Judged) {
        let Judged { explained, state, remember, options, seen: _ } = judged;
        self.record(
            "decision",
            [
                ("event", json!(self.desk.message.name)),
                ("action", json!(action)),
                ("facts", json!(explained.facts)),
                ("state", json!(state)),
                ("remembered", json!(remember)),
                ("preset", json!(options.preset)),
                ("sandbox", json!(options.sandbox)),
                ("drift", json!(explained.drift)),
                ("decision", json!(explained.decision)),
            ],
        );
        let entry = self.entries.last_mut().zip(explained.judgement.as_ref());
        if let Some((entry, judgement)) = entry {
            entry.fields.insert("judgement".to_owned(), json!(judgement));
        }
    }

    fn reason(&self, decision: &Decision) -> String {
        let rule = decision.rules.first();
        let instead = rule.map(|rule| rule.instead.as_str()).filter(|text| !text.is_empty());
        match instead {
            Some(instead) => format!("ringfence: {}: {instead}", decision.code),
            None => format!("ringfence: {}", decision.code),
        }
    }

    /// `waits`: whether a person may let it through.
    fn in_words(&self, decision: &Decision, waits: bool) -> Answer {
        let rule = decision.rules.first();
        let reason = self.reason(decision);
        let hint = |reason: String| if waits { format!("{reason} {PERSON}") } else { reason };
        match decision.verdict {
            Verdict::Allow => self.as_decided(&reason),
            Verdict::Deny => Answer::Deny { reason: hint(reason) },
            Verdict::Ask | Verdict::Contain => {
                let reason = rule.map_or(reason.clone(), |rule| format!("{reason} ({})", rule.why));
                // Where the agent asks, the person is there already.
                let asks = self.desk.agent().asks(&self.desk.message.name);
                Answer::Ask { reason: if asks { reason } else { hint(reason) } }
            }
        }
    }

    /// What the agent is told where nobody is asked at its own prompt: a person has said no, or is to come to
    /// the queue. Nothing where it is answered as it is decided.
    fn refused_for_now(&self, decision: &Decision, standing: &Standing) -> Option<String> {
        if decision.verdict != Verdict::Ask {
            return None;
        }
        match standing {
            Standing::Refused(No::Once | No::ForGood) => Some(format!(
                "ringfence: approval.refused: the user said no to exactly this ({}); do not try it again",
                decision.code
            )),
            Standing::Refused(No::Crowded) => Some(format!(
                "ringfence: approval.crowded: more waits than people answer with care, and this was refused for \
                 that ({}); go on without it",
                decision.code
            )),
            Standing::Waits if self.desk.queues() => Some(format!(
                "ringfence: approval.waiting: a person is asked about this ({}); go on with something \
                 else, and try exactly the same again in a minute or two",
                decision.code
            )),
            Standing::Waits | Standing::Closed | Standing::LetThrough(_) => None,
        }
    }

    /// What may run: the agent's own prompts are left to it, unless they are to be replaced.
    fn as_decided(&self, reason: &str) -> Answer {
        if self.desk.hook.decide {
            Answer::Allow { reason: reason.to_owned() }
        } else {
            Answer::NoOpinion
        }
    }

    /// How a call stands that is refused or asked about.
    fn standing(&self, asked: &Action, action: &Action, judged: &Judged) -> Standing {
        let Judged { explained, options, .. } = judged;
        if !explained.overridable {
            return Standing::Closed;
        }
        self.desk.standing(&Refused { asked, action, explained, options: *options })
    }

    fn finding<const N: usize>(&mut self, fields: [(&str, Value); N]) {
        self.record("finding", fields);
    }

    fn record<const N: usize>(&mut self, kind: &'static str, fields: [(&str, Value); N]) {
        let fields = self.addressed(object(fields));
        self.entries.push(Entry { kind, fields });
    }

    /// The fields, with whose they are in front.
    fn addressed(&self, fields: serde_json::Map<String, Value>) -> serde_json::Map<String, Value> {
        let message = self.desk.message;
        let mut addressed = object([
            ("agent", json!(self.desk.agent().as_str())),
            ("session", json!(message.session)),
        ]);
        if let Some(subagent) = &message.subagent {
            addressed.insert("subagent".to_owned(), json!(subagent));
        }
        addressed.extend(fields);
        addressed
    }
}
