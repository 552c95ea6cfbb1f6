//! The layers put together: an adapter reads the call, the engine decides it with these rules, these
//! facts and this session.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use ringfence_action::{Action, Agent, Facts, Platform, Preset};
use ringfence_analysis::Analysis;
use ringfence_classify::judge::{History, Settings};
use ringfence_engine::{Engine, Explained, Options, Session, Sessions, StageOne};
use ringfence_facts::{FactSource, Live, Supplied};
use ringfence_policy::Bundle;
use ringfence_record::ledger::Ledger;
use serde_json::json;

use crate::exit::{Failure, Problem};
use crate::reviewing::{self, Chair};
use crate::rules;

/// What decisions are made with. The same options for every command that decides.
#[derive(Debug, Clone, Args)]
pub(crate) struct Rules {
    /// What is assumed where no rule speaks
    #[arg(long, value_name = "NAME", default_value_t, value_parser = preset)]
    pub(crate) preset: Preset,
    /// Assume that no sandbox can start: `contain` becomes `ask`
    #[arg(long)]
    pub(crate) no_sandbox: bool,
    /// Add the rules of this file to the built-in ones; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Vec<PathBuf>,
}

impl Rules {
    /// What an engine assumes with these.
    pub(crate) fn options(&self) -> Options {
        Options { preset: self.preset, sandbox: !self.no_sandbox }
    }
}

/// The preset of this name, or which there are.
pub(crate) fn preset(name: &str) -> Result<Preset, String> {
    Preset::ALL.into_iter().find(|preset| preset.as_str() == name).ok_or_else(|| {
        let names = Preset::ALL.map(Preset::as_str).join(", ");
        format!("the presets are: {names}")
    })
}

/// Decides actions, session by session.
pub(crate) struct Judge {
    engine: Engine,
    sessions: Sessions,
    reviewing: Option<Reviewing>,
}

/// A judge of what rules leave open, and what it has heard by session.
struct Reviewing {
    chair: Chair,
    histories: BTreeMap<String, History>,
}

impl Judge {
    /// A judge with no memory yet. `live` lets it look at this host.
    pub(crate) fn new(rules: &Rules, live: bool) -> Result<Self, Failure> {
        let facts: Box<dyn FactSource> =
            if live { Box::new(Live::default()) } else { Box::new(Supplied) };
        let options = rules.options();
        let bundle = rules::load(&rules.policy)?;
        let engine = Engine::new(bundle, facts, options);
        Ok(Self { engine, sessions: Sessions::new(), reviewing: None })
    }

    /// A judge over these rules that knows this host not at all.
    pub(crate) fn over(bundle: impl Into<Arc<Bundle>>, options: Options) -> Self {
        let engine = Engine::new(bundle, Box::new(Supplied), options);
        Self { engine, sessions: Sessions::new(), reviewing: None }
    }

    /// The same, with stage 1 for what rules leave open.
    pub(crate) fn with_stage_one(self, stage_one: StageOne) -> Self {
        Self { engine: self.engine.with_stage_one(stage_one), ..self }
    }

    /// The digest of the rules.
    pub(crate) fn bundle(&self) -> &str {
        self.engine.bundle().digest()
    }

    /// The same, with the judge of the user's configuration, as far as one is named there. Nothing that it is
    /// asked is kept.
    ///
    /// # Errors
    /// When the configuration names none.
    pub(crate) fn with_judge(self) -> Result<Self, Failure> {
        self.with_judge_of(&reviewing::settings()?)
    }

    /// The same, with the judge that these settings name.
    ///
    /// # Errors
    /// When they name none, or one that cannot be asked.
    pub(crate) fn with_judge_of(self, settings: &Settings) -> Result<Self, Failure> {
        let chair =
            Chair::of(settings, reviewing::me(), Ok(Ledger::in_memory())).ok_or_else(|| {
                Problem::new(
                    "no judge is configured",
                    "set `mode` and an endpoint in the section `[judge]` of config.toml; \
                 `ringfence judge --help` has an example",
                )
            })?;
        if let Some(problem) = chair.problem() {
            let what = "the judge of the configuration cannot be asked";
            return Err(Problem::new(what, "see the cause").because(problem).into());
        }
        let engine = self.engine.with_stage_one(StageOne::Flags);
        let reviewing = Some(Reviewing { chair: chair.patient(), histories: BTreeMap::new() });
        Ok(Self { engine, reviewing, ..self })
    }

    /// Whether there is a judge that wants to hear what is said and done.
    pub(crate) fn listens(&self) -> bool {
        self.reviewing.is_some()
    }

    /// Decides an action, and tells what a judge was shown, where one was asked.
    ///
    /// # Errors
    /// As [`Judge::decide`].
    pub(crate) fn decide_and_tell(
        &mut self,
        action: &Action,
    ) -> Result<(Explained, Option<String>), Undecided> {
        let Self { engine, sessions, reviewing } = self;
        let session = sessions.of(action.session.as_deref());
        match reviewing {
            None => decide(engine, action, session).map(|explained| (explained, None)),
            Some(reviewing) => {
                let mut fresh = reviewing::history();
                let history = match &action.session {
                    Some(id) => reviewing.histories.entry(id.clone()).or_insert(fresh),
                    None => &mut fresh,
                };
                let decide = || judged(&reviewing.chair, engine, action, session, history);
                catch_unwind(AssertUnwindSafe(decide)).map_err(|_| Undecided)
            }
        }
    }

    /// Decides an action, in the session that it names.
    ///
    /// # Errors
    /// When deciding itself broke down. Nothing was decided then, least of all in favour.
    pub(crate) fn decide(&mut self, action: &Action) -> Result<Explained, Undecided> {
        self.decide_and_tell(action).map(|(explained, _)| explained)
    }

    /// Decides an action in a session that the caller keeps.
    ///
    /// # Errors
    /// As [`Judge::decide`].
    pub(crate) fn decide_in(
        &self,
        action: &Action,
        session: &mut Session,
    ) -> Result<Explained, Undecided> {
        decide(&self.engine, action, session)
    }

    /// The same, with what a judge may see of that session, where there is one.
    ///
    /// # Errors
    /// As [`Judge::decide`].
    pub(crate) fn decide_heard(
        &self,
        action: &Action,
        session: &mut Session,
        history: &mut History,
    ) -> Result<Explained, Undecided> {
        let Some(Reviewing { chair, .. }) = &self.reviewing else {
            return self.decide_in(action, session);
        };
        let decide = || judged(chair, &self.engine, action, session, history).0;
        catch_unwind(AssertUnwindSafe(decide)).map_err(|_| Undecided)
    }
}

/// Decides with a judge, and tells what it was shown.
fn judged(
    chair: &Chair,
    engine: &Engine,
    action: &Action,
    session: &mut Session,
    history: &mut History,
) -> (Explained, Option<String>) {
    let action = heard(action, session);
    action.user_messages.iter().for_each(|said| reviewing::hear(history, said));
    let (owner, before) = (reviewing::session_of(&action), history.clone());
    let mut sitting = chair.sit(&before, &owner, engine.bundle().digest());
    let call = ringfence_adapters::normalize(&action);
    let explained = engine.decide_with(&action, &call, session, Some(&mut sitting));
    if let Some(seen) = sitting.seen {
        let ended = reviewing::ended(explained.decision.verdict);
        history.called(action.id.as_deref(), seen, ended);
    }
    (explained, sitting.shown)
}

fn decide(engine: &Engine, action: &Action, session: &mut Session) -> Result<Explained, Undecided> {
    catch_unwind(AssertUnwindSafe(|| {
        let action = heard(action, session);
        engine.decide(&action, &ringfence_adapters::normalize(&action), session)
    }))
    .map_err(|_| Undecided)
}

/// The action with what the user typed alone: what agents put into the user's role may forbid, never
/// permit.
fn heard<'a>(action: &'a Action, session: &mut Session) -> Cow<'a, Action> {
    let typed = ringfence_adapters::transcript::typed(&action.user_messages);
    if typed.typed == action.user_messages {
        return Cow::Borrowed(action);
    }
    typed.relayed.iter().for_each(|text| session.observe_relayed(text));
    Cow::Owned(Action { user_messages: typed.typed, ..action.clone() })
}

/// Deciding broke down.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("deciding this action failed unexpectedly; treat it as denied, and report the action")]
pub(crate) struct Undecided;

/// What an action would do, with nothing known but what it says.
pub(crate) fn effects_of(action: &Action) -> Analysis {
    ringfence_analysis::analyze(action, &ringfence_adapters::normalize(action))
}

/// A shell command as an action of nobody in particular, nowhere in particular.
pub(crate) fn shell_action(command: &str) -> Action {
    Action {
        id: None,
        agent: Agent::default(),
        session: None,
        tool: "Bash".to_owned(),
        input: json!({ "command": command }),
        cwd: None,
        workspace: Vec::new(),
        home: None,
        platform: Platform::Linux,
        user_messages: Vec::new(),
        facts: Facts::default(),
    }
}

/// A shell command in a project like any other, on no machine in particular: where the examples and
/// tests of rules run, so that a rule means the same everywhere.
pub(crate) fn project_action(command: &str) -> Action {
    let project = "/home/u/proj";
    Action {
        agent: Agent { kind: "claude-code".to_owned(), subagent: None },
        cwd: Some(project.to_owned()),
        workspace: vec![project.to_owned()],
        home: Some("/home/u".to_owned()),
        ..shell_action(command)
    }
}
