//! One message, one answer.
//!
//! Everything slow comes first and once: folders, rules, facts, the transcript. What follows from the
//! message is then worked out from the session's state as it stands ([`Turn`]), before the session's
//! lock is taken. If another message was faster, it is worked out again with the lock given back, the
//! last time under the lock; then it is recorded, kept and answered, in this order.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use ringfence_action::{Action, Decision, Preset, Verdict};
use ringfence_adapters::hook::{Answer, CANARY_DENIED, HookAgent, HookEvent, HookInput, is_canary};
use ringfence_adapters::normalize;
use ringfence_classify::judge::Mode;
use ringfence_classify::probe::{
    self, Meaning, Model, Reader, Report, Second, Treatment, Unavailable,
};
use ringfence_engine::{Engine, Inheritance, Options, Session, StageOne};
use ringfence_policy::Bundle;
use ringfence_record::agents::Agents;
use ringfence_record::holds::{Hold, Holds};
use ringfence_record::ledger::Ledger;
use ringfence_record::log::{Durability, Entry, Log, Prepared};
use ringfence_record::projection::Projection;
use ringfence_record::redact::Redactor;
use ringfence_record::sessions::{SessionStore, Stored};
use ringfence_record::transparency::Transparency;
use ringfence_record::{RecordError, StateFolder, given};
use serde_json::{Map, Value, json};

use super::Hook;
use super::contain::{self, WayInside};
use super::facts::Remembered;
use super::origin::{Sender, StartedBy};
use super::overrule::{self, Refused, Standing};
use super::prompts::Look;
use super::state::{self, Kept, Unconfirmed};
use super::timing;
use super::turn::{Outcome, Turn};
use crate::reviewing::Chair;
use crate::{rules, second};

/// Why there is no answer but no.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAnswer {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("the rules do not load: {0}")]
    Rules(String),
    #[error("{0}")]
    Account(String),
    #[error("it is not known which process inside of the run asks")]
    Inside,
    #[error("what a person let through once was let through already")]
    Used,
}

/// Everything that is the same whatever the session's state turns out to be.
pub(super) struct Desk<'h> {
    pub(super) hook: &'h Hook,
    pub(super) message: &'h HookInput,
    premises: &'h Premises,
    pub(super) folder: StateFolder,
    pub(super) redactor: Redactor,
    pub(super) facts: Remembered,
    /// Decides, where a sandbox can start and where none can; for messages that ask for a decision.
    engines: [OnceCell<(Engine, Options)>; 2],
    pub(super) sender: Option<Sender>,
    /// When the message came.
    pub(super) at: Timestamp,
    pub(super) home: Option<String>,
    /// The gate's own program and folders.
    pub(super) guards: BTreeSet<String>,
    /// Whose folders these are.
    pub(super) user: u32,
    pub(super) log: Log,
    sessions: SessionStore,
    /// The agents of all sessions.
    agents: Agents,
    started_by: OnceCell<StartedBy>,
    handed_down: OnceCell<Result<Inheritance, ()>>,
    look: OnceCell<Look>,
    inside: OnceCell<Result<WayInside, String>>,
    /// The refused call that was settled, and how.
    settled: OnceCell<(String, Standing)>,
    /// Whom to ask about what rules leave open, if anybody.
    chair: OnceCell<Option<Chair>>,
    /// The second score of the probe, and what it said of the result at hand.
    second: OnceCell<Option<Heard>>,
}

/// What the second score says of one result: asked once, however often what follows is worked out.
#[derive(Debug)]
struct Heard {
    second: Arc<dyn Second>,
    said: OnceLock<Meaning>,
}

impl Second for Heard {
    fn read(&self, model: Model<'_>, text: &str, first: &Report) -> Meaning {
        self.said.get_or_init(|| self.second.read(model, text, first)).clone()
    }
}

/// So long the second score reads a result at most, whatever the settings say.
const LONGEST_READING_MS: u64 = 2_000;

/// What follows from a message, ready to be recorded: nobody waits for that while the session is locked.
struct Ready {
    kept: Kept,
    entries: Vec<Prepared>,
    hold: Option<Hold>,
    answer: Answer,
}

/// How often an answer is worked out outside the lock, when other messages of the session are faster.
const TRIES: usize = 6;

pub(super) fn answer(hook: &Hook, message: &HookInput) -> Result<Answer, NoAnswer> {
    let sender = match hook.inside {
        None => Sender::of_this_hook(),
        Some(asks) => Some(Sender::of_hook_inside(asks).ok_or(NoAnswer::Inside)?),
    };
    answer_with(&Premises::open(hook)?, hook, message, sender)
}

/// The same, on premises that may serve many messages, where it is known who sent this one.
pub(super) fn answer_with(
    premises: &Premises,
    hook: &Hook,
    message: &HookInput,
    sender: Option<Sender>,
) -> Result<Answer, NoAnswer> {
    let desk = Desk::open(premises, hook, message, sender)?;
    if let HookEvent::Before { action, .. } = &message.event
        && is_canary(action)
    {
        return desk.deny_canary(action);
    }
    let kind = hook.agent.as_str();
    let mut seen = desk.sessions.peek(kind, &message.session)?;
    let mut outcome = desk.ready(&seen)?;
    timing::mark("decision");
    let (mut tries, mut waited) = (0, Duration::ZERO);
    let locked = loop {
        let locked = desk.sessions.lock(kind, &message.session)?;
        waited += locked.waited;
        let stored = locked.read()?;
        if stored == seen {
            break locked;
        }
        tries += 1;
        if tries == TRIES {
            outcome = desk.ready(&stored)?;
            break locked;
        }
        drop(locked);
        seen = stored;
        outcome = desk.ready(&seen)?;
    };
    desk.check_once()?;
    let Ready { mut kept, mut entries, hold, answer } = outcome;
    let at = desk.at.to_string();
    if let Some(sender) = desk.sender.as_ref().filter(|it| kept.agents.contains(&it.process)) {
        sender.register(&desk.agents, kind, &message.session)?;
    }
    if let Some(last) = entries.last_mut() {
        let waited = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        last.add("waited_us", waited);
    }
    if let Some(hold) = hold {
        let hold = Holds::of(&desk.folder).place(hold)?;
        let fields = object([
            ("agent", json!(kind)),
            ("session", json!(message.session)),
            ("hold", json!(hold)),
        ]);
        entries.extend(desk.log.prepare(&at, vec![Entry { kind: "hold", fields }])?);
    }
    timing::mark("state");
    kept.receipt = desk.log.append_prepared(&at, &entries)?.or(kept.receipt);
    timing::mark("audit");
    locked.save(&kept)?;
    drop(locked);
    timing::mark("state");
    desk.hand_up(&kept.session)?;
    Ok(answer)
}

/// Leaves word of a message that could not be answered: in the log, and, where the agent goes on
/// regardless, with the session. Whatever fails here has no one left to tell.
pub(super) fn leave_word(hook: &Hook, event: &str, session: Option<&str>, problem: &str) {
    mark_missed(hook, event, session, problem);
    let fields = object([
        ("agent", json!(hook.agent.as_str())),
        ("session", json!(session)),
        ("event", json!(event)),
        ("problem", json!(problem)),
    ]);
    let entry = Entry { kind: "refusal", fields };
    let _ = state_folder(hook)
        .and_then(|folder| Ok(Log::open(&folder, Durability::Process)?))
        .and_then(|log| Ok(log.append_all(&now().to_string(), vec![entry])?));
}

/// Signs for all that is recorded, and removes what was kept long enough. A log that cannot be signed or kept so
/// says so itself.
pub(super) fn sign(hook: &Hook) {
    sign_as(hook, chosen(hook));
}

/// The same, where what the user has chosen may have been read again.
pub(super) fn sign_as(hook: &Hook, chosen: &Result<rules::Settings, String>) {
    let Ok(folder) = state_folder(hook) else { return };
    let Ok(log) = Log::open(&folder, Durability::Process) else { return };
    let signed = Transparency::of(&folder, &log).sign().map(drop);
    let kept = match chosen {
        Ok(settings) => settings.audit.apply(&log, now()).and_then(|pruned| match pruned {
            Some(pruned) => Projection::forget(&folder, pruned.last.seq),
            None => Ok(()),
        }),
        // What the user wants is not known: everything stays.
        Err(_) => Ok(()),
    };
    for (code, done) in [("record.not-signed", signed), ("record.not-pruned", kept)] {
        if let Err(problem) = done {
            let fields = object([("code", json!(code)), ("problem", json!(problem.to_string()))]);
            let _ = log.append_all(&now().to_string(), vec![Entry { kind: "finding", fields }]);
        }
    }
}

/// An event that cannot stop anything was missed: its session must know.
fn mark_missed(hook: &Hook, event: &str, session: Option<&str>, problem: &str) {
    let Some(session) = session.filter(|_| !hook.agent.decides(event)) else { return };
    let problem = format!("{event}: {problem}");
    let _ = state_folder(hook)
        .and_then(|folder| Ok(SessionStore::open(&folder)?))
        .and_then(|store| Ok(store.mark_missed(hook.agent.as_str(), session, &problem)?));
}

/// What the user has chosen, or why it cannot be told. Read once, before anything else.
static CHOSEN: OnceLock<Result<rules::Settings, String>> = OnceLock::new();

/// Reads what the user has chosen.
pub(super) fn chosen(hook: &Hook) -> &'static Result<rules::Settings, String> {
    CHOSEN.get_or_init(|| {
        let folder = || state_folder(hook).map(|folder| folder.owner());
        let me = given::own_user().map_or_else(folder, Ok).map_err(|error| error.to_string())?;
        let own_home = || state::home_of(me);
        let home =
            hook.home.as_ref().and_then(|home| home.to_str().map(str::to_owned)).or_else(own_home);
        config_folder(hook, home.as_deref()).map_or_else(
            || Ok(rules::Settings::default()),
            |folder| rules::settings_in(&folder, me),
        )
    })
}

/// Whether the user has chosen that nothing is ever blocked, not even for an error. Reads nothing: what
/// is not known by now is not so.
pub(super) fn only_observes() -> bool {
    matches!(CHOSEN.get(), Some(Ok(rules::Settings { preset: Preset::Observe, .. })))
}

fn config_folder(hook: &Hook, home: Option<&str>) -> Option<PathBuf> {
    let by_home = || home.map(|home| PathBuf::from(home).join(".config/ringfence"));
    hook.config.clone().or_else(by_home)
}

/// What is the same for every message: where things are, what the user has chosen, the rules.
pub(super) struct Premises {
    folder: StateFolder,
    redactor: Redactor,
    home: Option<String>,
    /// The gate's own program and folders.
    guards: BTreeSet<String>,
    config: Option<PathBuf>,
    pub(super) chosen: Result<rules::Settings, String>,
    /// Read when the first call is to be decided.
    rules: OnceLock<Result<(Arc<Bundle>, Preset), String>>,
    log: Log,
    sessions: SessionStore,
    agents: Agents,
    /// The second score of the probe, once it was loaded.
    second: OnceLock<Arc<dyn Second>>,
}

impl Premises {
    pub(super) fn open(hook: &Hook) -> Result<Self, NoAnswer> {
        Self::with(hook, chosen(hook).clone())
    }

    /// The same, with what the user has chosen read by now.
    pub(super) fn with(
        hook: &Hook,
        chosen: Result<rules::Settings, String>,
    ) -> Result<Self, NoAnswer> {
        let folder = state_folder(hook)?;
        let home = match &hook.home {
            Some(home) => home.to_str().map(str::to_owned),
            None => state::home_of(folder.owner()),
        };
        Ok(Self {
            redactor: Redactor::open(&folder)?,
            guards: guards(hook, &folder, home.as_deref()),
            config: config_folder(hook, home.as_deref()),
            home,
            chosen,
            rules: OnceLock::new(),
            log: Log::open(&folder, Durability::Process)?,
            sessions: SessionStore::open(&folder)?,
            agents: Agents::open(&folder)?,
            second: OnceLock::new(),
            folder,
        })
    }

    /// Where it is recorded, and what secrets are replaced by.
    pub(super) fn records(&self) -> (&StateFolder, &Log, &Redactor) {
        (&self.folder, &self.log, &self.redactor)
    }

    pub(super) fn sessions(&self) -> &SessionStore {
        &self.sessions
    }

    pub(super) fn agents(&self) -> &Agents {
        &self.agents
    }

    /// The second score of the probe, where the user has chosen one. What is loaded stays loaded; what cannot be is
    /// tried again with the next result, and said.
    fn second(&self) -> Option<Arc<dyn Second>> {
        let settings = &self.chosen.as_ref().ok()?.probe;
        settings.encoder.as_ref()?;
        if let Some(loaded) = self.second.get() {
            return Some(loaded.clone());
        }
        // The event itself has a deadline.
        let encoder_timeout_ms = settings.encoder_timeout_ms.min(LONGEST_READING_MS);
        let settings = probe::Settings { encoder_timeout_ms, ..settings.clone() };
        Some(match second::load(&settings, self.folder.owner()) {
            Ok(loaded) => self.second.get_or_init(|| loaded).clone(),
            Err(problem) => Arc::new(Unavailable { problem }),
        })
    }

    /// The user's rules, and what is assumed where none speaks.
    pub(super) fn rules(&self) -> Result<(Arc<Bundle>, Preset), NoAnswer> {
        let read = || {
            let preset = self.chosen.as_ref().map(|it| it.preset).map_err(Clone::clone)?;
            let configured = match &self.config {
                Some(folder) => rules::configured_with(folder, self.folder.owner(), preset),
                None => rules::Configured::built_in(preset),
            }?;
            Ok((Arc::new(configured.bundle), configured.preset))
        };
        self.rules.get_or_init(read).clone().map_err(NoAnswer::Rules)
    }
}

/// Where the gate itself lies, as it is named and as it is found.
fn guards(hook: &Hook, state: &StateFolder, home: Option<&str>) -> BTreeSet<String> {
    let program = std::env::current_exe().ok();
    let folders = [Some(state.path().to_owned()), config_folder(hook, home), program];
    let named = folders.into_iter().flatten().filter(|path| path.is_absolute());
    let both = named.flat_map(|path| [path.canonicalize().ok(), Some(path)]).flatten();
    both.filter_map(|path| path.into_os_string().into_string().ok()).collect()
}

fn state_folder(hook: &Hook) -> Result<StateFolder, NoAnswer> {
    let path = match &hook.state {
        Some(path) => path.clone(),
        None => state::default_folder(hook.home.as_deref()).map_err(NoAnswer::Account)?,
    };
    Ok(StateFolder::open(path)?)
}

pub(crate) fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "an entry says when it was made")]
    let now = SystemTime::now();
    Timestamp::try_from(now).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(super) fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

impl<'h> Desk<'h> {
    fn open(
        premises: &'h Premises,
        hook: &'h Hook,
        message: &'h HookInput,
        sender: Option<Sender>,
    ) -> Result<Self, NoAnswer> {
        let decides =
            matches!(message.event, HookEvent::Before { .. } | HookEvent::Permission { .. });
        let desk = Self {
            hook,
            message,
            premises,
            facts: Remembered::new(premises.redactor.clone()),
            redactor: premises.redactor.clone(),
            engines: [OnceCell::new(), OnceCell::new()],
            sender,
            at: now(),
            guards: premises.guards.clone(),
            home: premises.home.clone(),
            user: premises.folder.owner(),
            log: premises.log.clone(),
            sessions: premises.sessions.clone(),
            agents: premises.agents.clone(),
            folder: premises.folder.clone(),
            started_by: OnceCell::new(),
            handed_down: OnceCell::new(),
            look: OnceCell::new(),
            inside: OnceCell::new(),
            settled: OnceCell::new(),
            chair: OnceCell::new(),
            second: OnceCell::new(),
        };
        if decides {
            timing::mark("state");
            // Read before the lock is taken.
            desk.engine(true)?;
        }
        Ok(desk)
    }

    /// The answer to `ringfence doctor`: decided by the same rules as any call, with the state written and
    /// the log appended to, and without anything that stays with a session.
    fn deny_canary(&self, action: &Action) -> Result<Answer, NoAnswer> {
        let (engine, _) = self.engine(true)?;
        let mut action = action.clone();
        action.home.clone_from(&self.home);
        action.facts.guards.clone_from(&self.guards);
        let decided = engine.decide(&action, &normalize(&action), &mut Session::default());
        let Decision { verdict, code, .. } = decided.decision;
        let kind = self.hook.agent.as_str();
        let locked = self.sessions.lock(kind, "ringfence-canary")?;
        locked.read()?;
        let fields =
            object([("agent", json!(kind)), ("verdict", json!(verdict)), ("code", json!(code))]);
        self.log.append_all(&self.at.to_string(), vec![Entry { kind: "canary", fields }])?;
        locked.save(&Kept::default())?;
        Ok(match verdict {
            Verdict::Deny => Answer::Deny { reason: format!("{CANARY_DENIED}{code}") },
            Verdict::Allow | Verdict::Contain | Verdict::Ask => Answer::NoOpinion,
        })
    }

    /// What follows from the message, as far as it can be done before anybody has to wait.
    fn ready(&self, stored: &Stored) -> Result<Ready, NoAnswer> {
        let Outcome { kept, entries, hold, answer } = self.work_out(stored)?;
        let entries = self.log.prepare(&self.at.to_string(), entries)?;
        Ok(Ready { kept, entries, hold, answer })
    }

    fn work_out(&self, stored: &Stored) -> Result<Outcome, NoAnswer> {
        let kept = stored.load::<Kept>()?;
        let turn = Turn::new(self, kept, stored.missed.as_deref());
        turn.take()
    }

    pub(super) fn agent(&self) -> HookAgent {
        self.hook.agent
    }

    /// The user's rules over this host. `sandbox` is whether one can start.
    pub(super) fn engine(&self, sandbox: bool) -> Result<&(Engine, Options), NoAnswer> {
        let [without, with] = &self.engines;
        let cell = if sandbox { with } else { without };
        if let Some(engine) = cell.get() {
            return Ok(engine);
        }
        let (bundle, preset) = self.premises.rules()?;
        let options = Options { preset, sandbox };
        timing::mark("bundle");
        let facts = timing::facts(Box::new(self.facts.clone()));
        // Without a judge nobody would hear of what stage 1 flags.
        let stage_one = self.chair().map_or(StageOne::Off, |_| StageOne::Flags);
        let engine = Engine::new(bundle, facts, options).with_stage_one(stage_one);
        Ok(cell.get_or_init(|| (engine, options)))
    }

    /// What the user has chosen, where it can be told.
    pub(super) fn settings(&self) -> Option<&rules::Settings> {
        self.premises.chosen.as_ref().ok()
    }

    /// Whether what is asked about waits in the queue, and not at the agent's own prompt.
    pub(super) fn queues(&self) -> bool {
        self.settings().is_some_and(|settings| settings.approvals.mode == rules::Asks::Queue)
    }

    /// The strictest hold on this session or one of those above it, as it is now.
    pub(super) fn hold(&self) -> Result<Option<Hold>, NoAnswer> {
        let sessions = || {
            let sender = self.sender.as_ref();
            let above = sender.map(|sender| sender.sessions_above(&self.agents));
            let own = std::iter::once(self.message.session.clone());
            own.chain(above.into_iter().flatten()).collect()
        };
        Ok(Holds::of(&self.folder).strictest_on(sessions)?)
    }

    /// The judge that the user's configuration names, if any. Its answer takes longer than anything else here.
    pub(super) fn chair(&self) -> Option<&Chair> {
        let chair = self.chair.get_or_init(|| {
            let settings = self.settings()?;
            let ledger = || Ledger::open(&self.folder).map_err(|error| error.to_string());
            (settings.judge.mode != Mode::Off)
                .then(|| Chair::of(&settings.judge, self.user, ledger()))?
        });
        chair.as_ref()
    }

    /// What becomes of a result that looks as if it was made to instruct the agent. What cannot be read is as
    /// strict as it could be.
    pub(super) fn treatment(&self) -> Treatment {
        self.premises.chosen.as_ref().map_or(Treatment::Quarantine, |it| it.probe.injection)
    }

    /// Who reads what calls return.
    pub(super) fn reader(&self) -> Reader<'_> {
        let second = self.second.get_or_init(|| {
            let second = self.premises.second()?;
            Some(Heard { second, said: OnceLock::new() })
        });
        let second = second.as_ref().map(|heard| heard as &dyn Second);
        Reader { second, ..Reader::default() }
    }

    /// Who started the agent that sent this message. Looked up once.
    pub(super) fn started_by(&self) -> &StartedBy {
        self.started_by.get_or_init(|| {
            let sender = self.sender.as_ref();
            sender.map_or(StartedBy::Nobody, |sender| sender.started_by(&self.agents))
        })
    }

    /// What the agent that started this one's hands down to it, as its session stands now; an error where
    /// that session cannot be told.
    pub(super) fn handed_down(&self) -> &Result<Inheritance, ()> {
        self.handed_down.get_or_init(|| match self.started_by() {
            StartedBy::Nobody => Ok(Inheritance::default()),
            StartedBy::UnknownAgent => Err(()),
            StartedBy::Agent { kind, session } => {
                let stored = self.sessions.peek(kind, session).map_err(drop)?;
                let kept = stored.load::<Kept>().map_err(drop)?.ok_or(())?;
                Ok(kept.session.handed_down())
            }
        })
    }

    /// What this session has seen, its agent's own parent has seen: it reads what comes back.
    fn hand_up(&self, session: &Session) -> Result<(), NoAnswer> {
        let StartedBy::Agent { kind, session: parent } = self.started_by() else { return Ok(()) };
        let up = session.handed_up();
        let is_new = |kept: &mut Kept| kept.session.inherit(&up);
        let seen = self.sessions.peek(kind, parent)?.load::<Kept>()?;
        if seen.is_none_or(|mut kept| is_new(&mut kept).is_empty()) {
            return Ok(());
        }
        let locked = self.sessions.lock(kind, parent)?;
        let Some(mut kept) = locked.read()?.load::<Kept>()? else { return Ok(()) };
        let new = is_new(&mut kept);
        let from = json!({"agent": self.hook.agent.as_str(), "session": self.message.session});
        let fields = object([
            ("agent", json!(kind)),
            ("session", json!(parent)),
            ("from", from),
            ("inherits", json!(new)),
        ]);
        let entry = Entry { kind: "inheritance", fields };
        kept.receipt = self.log.append_all(&self.at.to_string(), vec![entry])?.or(kept.receipt);
        Ok(locked.save(&kept)?)
    }

    /// How the call runs inside, or why it cannot. Tried once.
    pub(super) fn inside(
        &self,
        kept: &Kept,
        action: &Action,
        call: Option<&str>,
        decision: &Decision,
    ) -> &Result<WayInside, String> {
        self.inside.get_or_init(|| match self.hook.inside {
            // No walls can be built inside of these.
            Some(_) => Err("the agent runs inside already".to_owned()),
            None => contain::way_inside(self, kept, action, call, decision),
        })
    }

    /// How a refused call stands. What a person allowed is taken once, for the call that it was allowed for.
    pub(super) fn standing(&self, refused: &Refused<'_>) -> Standing {
        let digest = refused.digest();
        let settle = || refused.settle(self, &digest).unwrap_or(Standing::Closed);
        let (settled, standing) = self.settled.get_or_init(|| (digest.clone(), settle()));
        if *settled == digest { standing.clone() } else { Standing::Closed }
    }

    /// What a person let through is not let through a second time. A permission is for one session, whose
    /// lock is held here: nobody else records a use of it now.
    fn check_once(&self) -> Result<(), NoAnswer> {
        match self.settled.get() {
            Some((_, Standing::LetThrough(receipt)))
                if !overrule::is_open(self, receipt, |_| true)? =>
            {
                Err(NoAnswer::Used)
            }
            _ => Ok(()),
        }
    }

    /// What the transcript says. Looked at once.
    pub(super) fn look(&self, prompts: &Unconfirmed, call: Option<&str>) -> &Look {
        self.look.get_or_init(|| {
            let (agent, session) = (self.agent(), &self.message.session);
            let scripted = !self.sender.as_ref().is_some_and(|it| it.was_started_by(agent));
            prompts.look(agent, session, call, scripted)
        })
    }
}
