//! The gate for many messages: what `ringfence serve` answers with.
//!
//! It decides as a hook does, by the same code and with the same files. What it has read of the user's choice and
//! rules it keeps, until any of those files is another.

#![expect(clippy::disallowed_methods, reason = "it is looked whether the user's files changed")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use ringfence_action::{Action, Preset, Verdict};
use ringfence_adapters::hook::{HookAgent, HookEvent};
use ringfence_engine::{Engine, Options, Session};
use ringfence_facts::Supplied;
use ringfence_policy::Bundle;
use ringfence_record::given;
use ringfence_record::holds::{Hold, HoldKind, Holds};
use ringfence_record::log::{Entry, Log};
use ringfence_record::sessions::SessionStore;
use ringfence_server::Refused;
use serde_json::json;

use super::Hook;
use super::answer::{self, Premises};
use super::daemon::{Folders, is_same};
use super::origin::Sender;
use super::turn::only_looks;
use crate::command::run::Told;
use crate::{processes, recorded, rules};

/// Whose sessions are those of agents that ask by themselves, in front of the agent's kind.
const API: &str = "api";

/// The gate of one state folder.
pub(crate) struct Gatehouse {
    state: PathBuf,
    config: PathBuf,
    home: PathBuf,
    premises: Mutex<Option<(Vec<Stamp>, Arc<Premises>)>>,
    /// How many actions came without a session.
    alone: AtomicU64,
    writer: Writer,
}

/// Entries of many that wait together are written together, each before its asker is answered: whoever comes
/// while somebody writes waits, and the next to write takes all that have come.
#[derive(Default)]
struct Writer {
    waiting: Mutex<Vec<Waits>>,
    writing: Mutex<()>,
}

/// What is to be written, and whom to tell how that went.
type Waits = (Vec<Entry>, Arc<OnceLock<Result<(), String>>>);

impl Writer {
    /// Returns once these are in the log, or why they are not.
    fn keep(&self, log: &Log, entries: Vec<Entry>) -> Result<(), Refused> {
        let told = Arc::new(OnceLock::new());
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((entries, told.clone()));
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever wrote meanwhile may have written this.
        if told.get().is_none() {
            let all =
                std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            let (entries, tell): (Vec<Vec<Entry>>, Vec<_>) = all.into_iter().unzip();
            let at = answer::now().to_string();
            let written = log.append_all(&at, entries.concat()).map(drop);
            let written = written.map_err(|error| error.to_string());
            for told in tell {
                // Nobody else tells.
                let _ = told.set(written.clone());
            }
        }
        drop(writing);
        let told = told.get().cloned();
        told.unwrap_or_else(|| Err("it was not recorded".to_owned())).map_err(undecided)
    }
}

/// A file as it was when it was read.
type Stamp = (PathBuf, Option<(u64, u64, i64, i64, u32)>);

impl Gatehouse {
    /// The gate that works with these folders.
    pub(crate) fn of(state: PathBuf, config: PathBuf, home: PathBuf) -> Self {
        Self {
            state,
            config,
            home,
            premises: Mutex::new(None),
            alone: AtomicU64::new(0),
            writer: Writer::default(),
        }
    }

    /// A hook as `init` writes it, of this agent.
    fn hook(&self, agent: HookAgent, decide: bool) -> Hook {
        Hook {
            agent,
            state: Some(self.state.clone()),
            config: Some(self.config.clone()),
            home: Some(self.home.clone()),
            decide,
            inside: None,
            timing: false,
        }
    }

    /// What was read, if it still stands as it was.
    fn premises(&self) -> Result<Arc<Premises>, Refused> {
        let stamps = stamps(&self.config);
        let mut kept = self.premises.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((then, premises)) = kept.as_ref()
            && *then == stamps
        {
            return Ok(premises.clone());
        }
        let me = given::own_user().ok_or_else(|| undecided("it is not known whose this is"))?;
        let chosen = rules::settings_in(&self.config, me);
        // Which agent it is for says nothing here.
        let hook = self.hook(HookAgent::ClaudeCode, false);
        let premises = Arc::new(Premises::with(&hook, chosen).map_err(undecided)?);
        *kept = Some((stamps, premises.clone()));
        Ok(premises)
    }

    /// The rules that hold, and what is assumed where none speaks.
    pub(crate) fn rules(&self) -> Result<(Arc<Bundle>, Preset), Refused> {
        self.premises()?.rules().map_err(undecided)
    }

    /// What the user has chosen.
    pub(crate) fn chosen(&self) -> Result<rules::Settings, String> {
        self.premises().map_err(|refused| refused.problem)?.chosen.clone()
    }

    /// The answer to a message that this process, a hook, has handed on.
    pub(crate) fn answer(&self, agent: &str, hook: u32, asked: &[u8]) -> Result<Told, Refused> {
        let agent = HookAgent::from_name(agent)
            .ok_or_else(|| Refused::wrong("no agent of this kind is known"))?;
        let end = asked.iter().position(|byte| *byte == b'\n');
        let (first, message) = asked.split_at_checked(end.unwrap_or(0)).unwrap_or_default();
        let message = message.strip_prefix(b"\n").unwrap_or_default();
        let folders: Folders = serde_json::from_slice(first)
            .map_err(|error| Refused::wrong(format!("the first line names no folders: {error}")))?;
        let are_ours = is_same(folders.state.as_ref(), &self.state)
            && is_same(folders.config.as_ref(), &self.config)
            && is_same(folders.home.as_ref(), &self.home);
        if !are_ours {
            return Err(undecided("this serves other folders"));
        }
        let sender =
            Sender::of_hook(hook).ok_or_else(|| undecided("that is no hook of this program"))?;
        let hook = self.hook(agent, folders.decide);
        let message = agent.read(message).map_err(undecided)?;
        let premises = self.premises()?;
        let decide = || answer::answer_with(&premises, &hook, &message, Some(sender));
        let answer = catch_unwind(AssertUnwindSafe(decide))
            .map_err(|_| undecided("ringfence stopped unexpectedly"))?
            .map_err(undecided)?;
        let reply = agent.reply(&message.name, &answer);
        if matches!(message.event, HookEvent::End) {
            // What the session left behind is signed for; nobody waits for that.
            let _ = thread::Builder::new().spawn(move || answer::sign_as(&hook, &premises.chosen));
        }
        Ok(Told { stdout: reply.stdout, stderr: reply.stderr, code: reply.code })
    }

    /// The decision on an action of an agent that asks by itself: as JSON, recorded. It knows this host not at
    /// all, and that nothing can run contained, since the asker runs it.
    pub(crate) fn decide(&self, action: &[u8]) -> Result<Vec<u8>, Refused> {
        let action =
            Action::from_json(action).map_err(|error| Refused::wrong(error.to_string()))?;
        let premises = self.premises()?;
        let (bundle, preset) = premises.rules().map_err(undecided)?;
        let options = Options { preset, sandbox: false };
        let engine = Engine::new(bundle, Box::new(Supplied), options);
        let (folder, log, redactor) = premises.records();
        let session = action.session.clone();
        // One without a session is a session of its own.
        let run = match &session {
            Some(_) => API.to_owned(),
            None => {
                let number = self.alone.fetch_add(1, Ordering::Relaxed);
                format!("{API} {} {number}", answer::now())
            }
        };
        let whose = json!({"agent": action.agent.kind, "run": run, "session": session});
        let hold = Holds::of(folder).strictest_on(|| session.iter().cloned().collect());
        let hold = hold.map_err(undecided)?;
        let sessions = SessionStore::open(folder).map_err(undecided)?;
        let name = format!("{API} {}", action.agent.kind);
        let locked = session.as_ref().map(|id| sessions.lock(&name, id)).transpose();
        let locked = locked.map_err(undecided)?;
        let known = locked.as_ref().map(|locked| locked.read()?.load::<Session>()).transpose();
        let mut memory = known.map_err(undecided)?.flatten().unwrap_or_default();
        let decide = |action: &Action, session: &mut Session| {
            let call = ringfence_adapters::normalize(action);
            catch_unwind(AssertUnwindSafe(|| engine.decide(action, &call, session)))
                .map_err(|_| "ringfence stopped unexpectedly".to_owned())
        };
        let case = recorded::Case { event: "decide", whose: &whose, options, redactor };
        let before = memory.clone();
        let (mut explained, mut entries) =
            case.decide(&decide, action.clone(), &mut memory).map_err(undecided)?;
        if let Some(hold) = hold
            && let Some(verdict) = raised(&hold, &explained.decision)
        {
            let code = hold.kind.code();
            explained.decision = engine.held(&action, verdict, code, &hold.reason);
            memory = before;
            let fields = json!({"hold": hold.id, "tool": action.tool, "call": action.id,
                                "verdict": verdict, "code": code, "event": "decide"});
            entries = vec![recorded::entry("held", &whose, fields)];
        }
        self.writer.keep(log, entries)?;
        if let Some(locked) = locked {
            locked.save(&memory).map_err(undecided)?;
        }
        serde_json::to_vec(&explained.decision).map_err(undecided)
    }

    /// The sessions whose agents are alive.
    pub(crate) fn alive(&self) -> BTreeSet<String> {
        let Ok(premises) = self.premises() else { return BTreeSet::new() };
        let agents = premises.agents();
        let names = agents.all().unwrap_or_default();
        let alive = names.iter().filter(|name| processes::Process::alive(name).is_some());
        alive.filter_map(|name| agents.session_of(name)).map(|(_, session)| session).collect()
    }

    /// Ends the agents of a session, or of all.
    pub(crate) fn end(&self, session: Option<&str>) -> usize {
        self.premises().map_or(0, |premises| crate::ending::end(premises.agents(), session))
    }
}

/// What a hold makes of a decision; nothing where that is as strict already.
fn raised(hold: &Hold, decision: &ringfence_action::Decision) -> Option<Verdict> {
    let verdict = match hold.kind {
        HoldKind::Pause | HoldKind::Kill => Verdict::Deny,
        HoldKind::DenyAll if only_looks(decision) => return None,
        HoldKind::DenyAll => Verdict::Deny,
        HoldKind::AskAll => Verdict::Ask,
    };
    (verdict > decision.verdict).then_some(verdict)
}

fn undecided(problem: impl std::fmt::Display) -> Refused {
    Refused::undecided(problem.to_string())
}

/// The files of a configuration folder, as they are now.
fn stamps(config: &Path) -> Vec<Stamp> {
    let mut files = vec![config.to_owned(), config.join("config.toml"), config.join("rules")];
    let rules = fs::read_dir(config.join("rules")).into_iter().flatten();
    files.extend(rules.filter_map(|entry| Some(entry.ok()?.path())));
    files.sort();
    let stamp = |path: PathBuf| {
        let seen = fs::metadata(&path).ok().map(|it| {
            (it.ino(), it.len(), it.ctime(), it.ctime_nsec(), it.mode() ^ it.uid().rotate_left(16))
        });
        (path, seen)
    };
    files.into_iter().map(stamp).collect()
}
