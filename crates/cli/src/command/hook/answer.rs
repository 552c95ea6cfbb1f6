//! One message, one answer.

use std::time::SystemTime;

use jiff::Timestamp;
use ringfence_action::{Action, Decision, Preset, Verdict};
use ringfence_adapters::hook::{Answer, HookEvent, HookInput};
use ringfence_adapters::normalize;
use ringfence_engine::{Engine, Explained, Options, Session};
use ringfence_facts::Live;
use ringfence_policy::Bundle;
use ringfence_record::log::{Durability, Log};
use ringfence_record::redact::Redactor;
use ringfence_record::sessions::{LockedSession, SessionStore};
use ringfence_record::{RecordError, StateFolder};
use serde_json::{Map, Value, json};

use super::Hook;
use super::origin;
use super::state::{self, Kept, Pending};

/// Why there is no answer but no.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAnswer {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("the rules do not load: {0}")]
    Bundle(String),
    #[error("{0}")]
    Account(String),
}

/// Everything that is open while one message is answered.
struct Desk {
    log: Log,
    redactor: Redactor,
    locked: LockedSession,
    kept: Kept,
    at: String,
    decide: bool,
}

pub(super) fn answer(hook: &Hook, message: &HookInput) -> Result<Answer, NoAnswer> {
    let mut desk = Desk::open(hook, message)?;
    match &message.event {
        HookEvent::Before { action, call } => desk.before(message, action, call.as_deref()),
        HookEvent::Permission { action } => desk.permission(message, action),
        HookEvent::After { action, call, failed, .. } => {
            desk.after(message, action, call.as_deref(), *failed)
        }
        HookEvent::Prompt { text } => desk.prompt(message, text),
        HookEvent::Start { source } => desk.start(message, source),
        HookEvent::End | HookEvent::ConfigChange | HookEvent::Other => desk.note(message),
    }
}

impl Desk {
    fn open(hook: &Hook, message: &HookInput) -> Result<Self, NoAnswer> {
        let path = match &hook.state {
            Some(path) => path.clone(),
            None => state::default_folder().map_err(NoAnswer::Account)?,
        };
        let folder = StateFolder::open(path)?;
        let log = Log::open(&folder, Durability::Process)?;
        let redactor = Redactor::open(&folder)?;
        let locked = SessionStore::open(&folder)?.lock(hook.agent.as_str(), &message.session)?;
        #[expect(clippy::disallowed_methods, reason = "an entry says when it was made")]
        let now = SystemTime::now();
        let at = Timestamp::try_from(now).unwrap_or(Timestamp::UNIX_EPOCH).to_string();
        let stored = locked.load::<Kept>()?;
        let known = stored.is_some();
        let mut desk = Self {
            log,
            redactor,
            locked,
            kept: stored.unwrap_or_default(),
            at,
            decide: hook.decide,
        };
        // A session that appears in mid-run has lost its memory: it starts tainted, without consent.
        if !known && !matches!(message.event, HookEvent::Start { .. }) {
            desk.kept.session.distrust("unknown-session");
            desk.record(message, "finding", [("code", json!("session.unknown-in-mid-run"))])?;
        }
        if let Some(problem) = origin::check(&mut desk.kept, &message.event) {
            desk.kept.session.distrust("forged-event");
            let fields = [("code", json!("session.foreign-event")), ("problem", json!(problem))];
            desk.record(message, "finding", fields)?;
            desk.kept.foreign_event = true;
        }
        Ok(desk)
    }

    fn before(
        &mut self,
        message: &HookInput,
        action: &Action,
        call: Option<&str>,
    ) -> Result<Answer, NoAnswer> {
        let action = self.prepared(action);
        let explained = self.decide_on(&action, true)?;
        let pending = Pending {
            input: state::digest(&action.input),
            creates: explained.would_create().map(str::to_owned).collect(),
        };
        self.kept.expect(call, pending);
        self.record_decision(message, &action, &explained)?;
        self.save()?;
        Ok(self.in_words(&explained.decision))
    }

    /// The agent is about to ask its user: only a denial, or a decision that was wanted, speaks.
    fn permission(&mut self, message: &HookInput, action: &Action) -> Result<Answer, NoAnswer> {
        let action = self.prepared(action);
        let explained = self.decide_on(&action, false)?;
        self.record_decision(message, &action, &explained)?;
        self.save()?;
        Ok(match explained.decision.verdict {
            Verdict::Deny | Verdict::Allow => self.in_words(&explained.decision),
            Verdict::Ask | Verdict::Contain => Answer::NoOpinion,
        })
    }

    /// What ran is compared with what was decided.
    fn after(
        &mut self,
        message: &HookInput,
        action: &Action,
        call: Option<&str>,
        failed: bool,
    ) -> Result<Answer, NoAnswer> {
        let action = self.prepared(action);
        let ran = state::digest(&action.input);
        match self.kept.take(call) {
            Some(pending) if pending.input == ran => {
                if !failed {
                    pending.creates.iter().for_each(|path| self.kept.session.observe_created(path));
                }
            }
            Some(_) => {
                self.kept.session.distrust("rewritten-call");
                let fields = [("code", json!("session.rewritten-call")), ("input", json!(ran))];
                self.record(message, "finding", fields)?;
            }
            None => self.record(message, "finding", [("code", json!("session.undecided-call"))])?,
        }
        let fields = [("call", json!(call)), ("failed", json!(failed)), ("input", json!(ran))];
        self.record(message, "result", fields)?;
        self.save()?;
        Ok(Answer::NoOpinion)
    }

    fn prompt(&mut self, message: &HookInput, text: &str) -> Result<Answer, NoAnswer> {
        let text = self.redactor.text(text).unwrap_or_else(|| text.to_owned());
        // Words that did not come from the agent itself may forbid, never permit.
        if self.kept.foreign_event {
            self.kept.session.observe_relayed(&text);
        } else {
            self.kept.session.observe_user(&text);
        }
        self.record(message, "prompt", [("intent", json!(self.kept.session.intent_of(&text)))])?;
        self.save()?;
        Ok(Answer::NoOpinion)
    }

    fn start(&mut self, message: &HookInput, source: &str) -> Result<Answer, NoAnswer> {
        self.record(message, "session", [("event", json!("start")), ("source", json!(source))])?;
        self.save()?;
        Ok(Answer::NoOpinion)
    }

    fn note(&mut self, message: &HookInput) -> Result<Answer, NoAnswer> {
        self.record(message, "session", [("event", json!(message.name))])?;
        self.save()?;
        Ok(Answer::NoOpinion)
    }

    /// The action with secrets replaced and the folder it belongs to filled in.
    fn prepared(&self, action: &Action) -> Action {
        let mut action = action.clone();
        self.redactor.json(&mut action.input);
        action.home = state::home();
        action
    }

    fn decide_on(&mut self, action: &Action, remember: bool) -> Result<Explained, NoAnswer> {
        let bundle =
            Bundle::default_rules().map_err(|error| NoAnswer::Bundle(error.to_string()))?;
        let options = Options { preset: Preset::Guard, sandbox: false };
        let engine = Engine::new(bundle, Box::new(Live::default()), options);
        let call = normalize(action);
        if remember {
            return Ok(engine.decide(action, &call, &mut self.kept.session));
        }
        let mut session: Session = self.kept.session.clone();
        Ok(engine.decide(action, &call, &mut session))
    }

    fn in_words(&self, decision: &Decision) -> Answer {
        let rule = decision.rules.first();
        let instead = rule.map(|rule| rule.instead.as_str()).filter(|text| !text.is_empty());
        let reason = match instead {
            Some(instead) => format!("ringfence: {}: {instead}", decision.code),
            None => format!("ringfence: {}", decision.code),
        };
        match decision.verdict {
            Verdict::Allow if self.decide => Answer::Allow { reason },
            Verdict::Allow => Answer::NoOpinion,
            Verdict::Deny => Answer::Deny { reason },
            Verdict::Ask | Verdict::Contain => Answer::Ask {
                reason: rule.map_or(reason.clone(), |rule| format!("{reason} ({})", rule.why)),
            },
        }
    }

    fn record_decision(
        &self,
        message: &HookInput,
        action: &Action,
        explained: &Explained,
    ) -> Result<(), NoAnswer> {
        let fields = [
            ("event", json!(message.name)),
            ("action", json!(action)),
            ("facts", json!(explained.facts)),
            ("decision", json!(explained.decision)),
        ];
        self.record(message, "decision", fields)
    }

    fn record<const N: usize>(
        &self,
        message: &HookInput,
        kind: &str,
        fields: [(&str, Value); N],
    ) -> Result<(), NoAnswer> {
        let mut entry = Map::new();
        entry.insert("session".to_owned(), json!(message.session));
        if let Some(subagent) = &message.subagent {
            entry.insert("subagent".to_owned(), json!(subagent));
        }
        entry.extend(fields.map(|(name, value)| (name.to_owned(), value)));
        self.log.append(kind, &self.at, entry)?;
        Ok(())
    }

    fn save(&self) -> Result<(), NoAnswer> {
        Ok(self.locked.save(&self.kept)?)
    }
}
