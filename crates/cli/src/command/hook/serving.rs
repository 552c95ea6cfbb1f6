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
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use ringfence_action::Preset;
use ringfence_adapters::hook::{HookAgent, HookEvent};
use ringfence_policy::Bundle;
use ringfence_record::given;
use ringfence_server::Refused;

use super::Hook;
use super::answer::{self, Premises};
use super::daemon::{Folders, is_same};
use super::origin::Sender;
use crate::command::run::Told;
use crate::{processes, rules};

mod clerks;
mod memory;

pub(crate) use self::clerks::Clerks;

/// The gate of one state folder.
pub(crate) struct Gatehouse {
    state: PathBuf,
    config: PathBuf,
    home: PathBuf,
    premises: Mutex<Option<(Vec<Stamp>, Arc<Premises>)>>,
}

/// A file as it was when it was read.
type Stamp = (PathBuf, Option<(u64, u64, i64, i64, u32)>);

impl Gatehouse {
    /// The gate that works with these folders.
    pub(crate) fn of(state: PathBuf, config: PathBuf, home: PathBuf) -> Self {
        Self { state, config, home, premises: Mutex::new(None) }
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
