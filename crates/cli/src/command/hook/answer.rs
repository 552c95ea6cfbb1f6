//! One message, one answer.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use ringfence_action::{Action, Decision, Preset, Verdict};
use ringfence_adapters::hook::{Answer, HookAgent, HookEvent, HookInput, Inside};
use ringfence_adapters::normalize;
use ringfence_engine::{Engine, Explained, Options, Session};
use ringfence_facts::Live;
use ringfence_policy::Bundle;
use ringfence_record::log::{Durability, Log};
use ringfence_record::redact::Redactor;
use ringfence_record::sessions::{LockedSession, SessionStore};
use ringfence_record::tickets::{Ticket, Tickets, digest_of};
use ringfence_record::{RecordError, StateFolder};
use serde_json::{Map, Value, json};

use super::Hook;
use super::contain;
use super::origin::{self, Process};
use super::state::{self, Kept, Pending};
use super::timing;

/// What an agent is told of a call that failed inside.
const INSIDE: &str = "ringfence: this command ran contained: without network, without credentials, \
                      and able to write in the workspace only. If it failed for that, say so to the \
                      user instead of working around it.";

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
    agent: HookAgent,
    folder: StateFolder,
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
            agent: hook.agent,
            folder,
            log,
            redactor,
            locked,
            kept: stored.unwrap_or_default(),
            at,
            decide: hook.decide,
        };
        if desk.kept.workspace.is_none() {
            desk.kept.workspace = message.cwd.as_deref().map(PathBuf::from);
        }
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
        let asked = action;
        let action = self.prepared(asked);
        let memory = self.kept.session.clone();
        let mut explained = self.decide_on(&action, true, true)?;
        let mut inside = None;
        if explained.decision.verdict == Verdict::Contain {
            match self.rewritten(message, asked, call, &explained.decision)? {
                Ok(way) => inside = Some(way),
                Err(obstacle) => {
                    self.kept.session = memory;
                    explained = self.decide_on(&action, true, false)?;
                    self.record(message, "note", [("not_contained", json!(obstacle))])?;
                }
            }
        }
        let ran = inside.as_ref().map(|(_, input)| self.redacted(input));
        let pending = Pending {
            input: state::digest(ran.as_ref().unwrap_or(&action.input)),
            creates: explained.would_create().map(str::to_owned).collect(),
            ticket: inside.as_ref().map(|(ticket, _)| ticket.clone()),
        };
        self.kept.expect(call, pending);
        timing::mark("decision");
        self.record_decision(message, &action, &explained)?;
        timing::mark("audit");
        self.save()?;
        timing::mark("state");
        Ok(match inside {
            Some((_, input)) => Answer::Rewrite {
                input,
                reason: self.reason(&explained.decision),
                decided: self.decide,
            },
            None => self.in_words(&explained.decision),
        })
    }

    /// The ticket and the input with which a call runs inside, or why it cannot.
    fn rewritten(
        &self,
        message: &HookInput,
        action: &Action,
        call: Option<&str>,
        decision: &Decision,
    ) -> Result<Result<(String, Value), String>, NoAnswer> {
        let Some(code) = self.agent.shell_code(action) else {
            return Ok(Err("not a shell command".to_owned()));
        };
        if contain::needs_network(decision) {
            return Ok(Err("it needs a network, and inside there is none".to_owned()));
        }
        let cwd = message.cwd.as_deref().map(Path::new);
        let Some(workspace) = self.kept.workspace.as_deref().or(cwd) else {
            return Ok(Err("the folder it works in is not known".to_owned()));
        };
        let flags = self.kept.agent.as_ref().map(Process::arguments).unwrap_or_default();
        if let Some(rule) = contain::own_rule(self.agent, message, &flags, workspace, code) {
            return Ok(Err(format!("the agent's own rule `{rule}` may speak about it")));
        }
        let tried = contain::program().and_then(|program| {
            contain::can_start(&program, workspace, cwd.unwrap_or(workspace)).map(|()| program)
        });
        let program = match tried {
            Ok(program) => program,
            Err(obstacle) => return Ok(Err(obstacle)),
        };
        let tickets = Tickets::open(&self.folder)?;
        let ticket = Ticket {
            agent: self.agent.as_str().to_owned(),
            session: message.session.clone(),
            call: call.map(str::to_owned),
            code: digest_of(OsStr::new(code)),
            workspace: workspace.to_owned(),
        };
        let name = tickets.issue(&ticket, &self.at)?;
        let way = Inside {
            program: &program,
            state: self.folder.path(),
            ticket: &name,
            told: &tickets.told(&name),
        };
        let input = self.agent.inside(action, &way);
        Ok(input.map(|input| (name, input)).ok_or_else(|| "a path that is not text".to_owned()))
    }

    /// The agent is about to ask its user: only a denial, or a decision that was wanted, speaks.
    fn permission(&mut self, message: &HookInput, action: &Action) -> Result<Answer, NoAnswer> {
        let action = self.prepared(action);
        let asked = state::digest(&action.input);
        if self.kept.rewritten(&asked).is_some() {
            // Decided already, and now in the words that Ringfence gave it.
            self.record(message, "permission", [("input", json!(asked))])?;
            let reason = "ringfence: runs contained".to_owned();
            return Ok(if self.decide { Answer::Allow { reason } } else { Answer::NoOpinion });
        }
        let explained = self.decide_on(&action, false, true)?;
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
        let pending = self.kept.take(call);
        let ticket = pending.as_ref().and_then(|pending| pending.ticket.clone());
        match pending {
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
        let contained = failed && ticket.is_some();
        Ok(if contained { Answer::Context { text: INSIDE.to_owned() } } else { Answer::NoOpinion })
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

    fn redacted(&self, input: &Value) -> Value {
        let mut input = input.clone();
        self.redactor.json(&mut input);
        input
    }

    /// The action with secrets replaced and the folder it belongs to filled in.
    fn prepared(&self, action: &Action) -> Action {
        let mut action = action.clone();
        self.redactor.json(&mut action.input);
        action.home = state::home();
        action
    }

    fn decide_on(
        &mut self,
        action: &Action,
        remember: bool,
        sandbox: bool,
    ) -> Result<Explained, NoAnswer> {
        timing::mark("state");
        let bundle =
            Bundle::default_rules().map_err(|error| NoAnswer::Bundle(error.to_string()))?;
        timing::mark("bundle");
        let options = Options { preset: Preset::Guard, sandbox };
        let engine = Engine::new(bundle, timing::facts(Box::new(Live::default())), options);
        let call = normalize(action);
        if remember {
            return Ok(engine.decide(action, &call, &mut self.kept.session));
        }
        let mut session: Session = self.kept.session.clone();
        Ok(engine.decide(action, &call, &mut session))
    }

    fn reason(&self, decision: &Decision) -> String {
        let rule = decision.rules.first();
        let instead = rule.map(|rule| rule.instead.as_str()).filter(|text| !text.is_empty());
        match instead {
            Some(instead) => format!("ringfence: {}: {instead}", decision.code),
            None => format!("ringfence: {}", decision.code),
        }
    }

    fn in_words(&self, decision: &Decision) -> Answer {
        let rule = decision.rules.first();
        let reason = self.reason(decision);
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
