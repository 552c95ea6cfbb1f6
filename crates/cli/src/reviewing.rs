//! A judge beside the engine: whom the user's configuration names, what it has heard of a session, and what it
//! is asked.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ringfence_action::{Action, Verdict};
use ringfence_classify::judge::{
    Beside, Docket, Ended, Fault, History, Judge, Judgement, Key, Mode, Said, Seen, Settings,
    Subject, mark,
};
use ringfence_engine::{LeftOpen, Reviewer};
use ringfence_record::ledger::Ledger;

use crate::exit::Problem;
use crate::{places, rules};

/// A judge that is to be asked, or why it cannot be.
#[derive(Debug)]
pub(crate) struct Chair {
    mode: Mode,
    judge: Result<Judge, String>,
    /// How long an answer is waited for at most.
    patience: Duration,
    /// What was asked in this process: a decision may be worked out more than once.
    asked: Mutex<HashMap<String, Judgement>>,
}

/// A judge in front of one action.
pub(crate) struct Sitting<'a> {
    chair: &'a Chair,
    history: &'a History,
    session: &'a str,
    policy: &'a str,
    /// The call, as it was seen.
    pub(crate) seen: Option<Seen>,
    /// What it was shown, where it was asked.
    pub(crate) shown: Option<String>,
}

impl Chair {
    /// The judge of these settings; nobody where none is wanted. What is wrong with them is said with each
    /// action that is left open, and is never permission.
    pub(crate) fn of(settings: &Settings, me: u32, ledger: Result<Ledger, String>) -> Option<Self> {
        if settings.mode == Mode::Off {
            return None;
        }
        let judge = ledger.and_then(|ledger| judge(settings, me, ledger));
        Some(Self { mode: settings.mode, judge, patience: PATIENCE, asked: Mutex::default() })
    }

    /// The same, with as much time as the settings give: no agent waits.
    pub(crate) fn patient(self) -> Self {
        Self { patience: Duration::MAX, ..self }
    }

    /// The judge, in front of one action of a session. `policy`: the digest of the rules.
    pub(crate) fn sit<'a>(
        &'a self,
        history: &'a History,
        session: &'a str,
        policy: &'a str,
    ) -> Sitting<'a> {
        Sitting { chair: self, history, session, policy, seen: None, shown: None }
    }

    /// Why it cannot be asked.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.judge.as_ref().err().map(String::as_str)
    }

    /// What it makes of this.
    pub(crate) fn ask(&self, docket: &Docket<'_>, session: &str, policy: &str) -> Judgement {
        let Ok(judge) = &self.judge else { return Judgement::unavailable(Fault::Settings) };
        let shown = judge.shown(docket);
        if let Some(known) = self.asked().get(&shown) {
            return known.clone();
        }
        let judgement = judge.judge(docket, session, policy, now(), self.patience);
        self.asked().insert(shown, judgement.clone());
        judgement
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<String, Judgement>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// So long an answer is waited for at most, whatever the settings say: the agent waits too.
const PATIENCE: Duration = Duration::from_secs(6);

impl Reviewer for Sitting<'_> {
    fn review(&mut self, call: Seen, open: Option<LeftOpen>) -> Option<Judgement> {
        let asked = open.filter(|open| self.chair.mode.wants(open.how)).map(|open| {
            let subject = Subject::Call(&call, &open.known);
            let docket = Docket::new(self.history, subject, &open.beside);
            if let Ok(judge) = &self.chair.judge {
                self.shown = Some(judge.shown(&docket));
            }
            self.chair.ask(&docket, self.session, self.policy)
        });
        self.seen = Some(call);
        asked
    }
}

/// A record of a session in which nothing happened yet.
pub(crate) fn history() -> History {
    // A mark that can be guessed is still one: what stands in the record cannot end a line.
    History::new(mark().unwrap_or_else(|| format!("{:x}", now())))
}

/// What the user typed, into the record.
pub(crate) fn hear(history: &mut History, typed: &str) {
    history.hear(&Said::typed_by_the_user(typed));
}

/// How a call stands once it is decided.
pub(crate) fn ended(verdict: Verdict) -> Ended {
    match verdict {
        Verdict::Allow | Verdict::Contain => Ended::LetGo,
        Verdict::Ask => Ended::Asked,
        Verdict::Deny => Ended::Refused,
    }
}

/// What subagents did since this call started them.
pub(crate) fn returned(chair: &Chair, history: &History, action: &Action) -> Judgement {
    let call = ringfence_adapters::normalize(action);
    let seen = Seen::of(action, &call, &std::collections::BTreeMap::new(), &[]);
    let beside = Beside::default();
    let session = session_of(action);
    chair.ask(&Docket::new(history, Subject::Return(&seen), &beside), &session, "")
}

/// Whose budget it is.
pub(crate) fn session_of(action: &Action) -> String {
    format!("{} {}", action.agent.kind, action.session.as_deref().unwrap_or_default())
}

/// A judge as the settings say.
pub(crate) fn judge(settings: &Settings, me: u32, ledger: Ledger) -> Result<Judge, String> {
    let (key, authorities) = (key(settings, me)?, authorities(settings, me)?);
    Judge::trusting(settings, key, authorities.as_deref(), ledger)
        .map_err(|error| error.to_string())
}

/// What the endpoint's certificate must lead to, where the settings say so.
fn authorities(settings: &Settings, me: u32) -> Result<Option<String>, String> {
    let Some(path) = &settings.ca_file else { return Ok(None) };
    let shown = path.display();
    if !path.is_absolute() {
        return Err(format!("`judge.ca_file` is `{shown}`; name it from the root"));
    }
    let text = rules::private_text(path, me)?;
    text.map(Some).ok_or_else(|| format!("`{shown}` of `judge.ca_file` is not there"))
}

/// The settings of the user's configuration folder.
pub(crate) fn settings() -> Result<Settings, Problem> {
    let folder = places::config_folder()?;
    rules::settings_in(&folder, me()).map(|settings| settings.judge).map_err(|error| {
        Problem::new("the settings of the judge cannot be read", "see the cause").because(error)
    })
}

/// The number of the user who runs.
pub(crate) fn me() -> u32 {
    ringfence_record::given::own_user().unwrap_or_default()
}

/// The key, from where the settings say that it is.
fn key(settings: &Settings, me: u32) -> Result<Option<Key>, String> {
    let key = |text: &str, whence: &str| {
        Key::new(text).map(Some).map_err(|error| format!("{whence}: {error}"))
    };
    if let Some(name) = &settings.key_env {
        let text = std::env::var(name)
            .map_err(|_| format!("the variable `{name}` of `judge.key_env` is not set"))?;
        return key(&text, &format!("`{name}`"));
    }
    let Some(path) = &settings.key_file else { return Ok(None) };
    let shown = path.display();
    if !path.is_absolute() {
        return Err(format!("`judge.key_file` is `{shown}`; name it from the root"));
    }
    let text = rules::private_text(path, me)?;
    let text = text.ok_or_else(|| format!("`{shown}` of `judge.key_file` is not there"))?;
    if is_readable_by_others(path) {
        return Err(format!("`{shown}` can be read by others; run `chmod 600` on it"));
    }
    key(&text, &format!("`{shown}`"))
}

fn is_readable_by_others(path: &Path) -> bool {
    std::fs::metadata(path).map_or(true, |it| it.permissions().mode() & 0o077 != 0)
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "budgets are of a day, and answers expire")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
