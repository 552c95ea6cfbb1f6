//! `ringfence init`: puts the gate in front of the agents of this user, and takes it away again.

mod alias;
mod show;
mod trust;

use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use ringfence_adapters::hook::HookAgent;
use ringfence_adapters::install::codex_trust::without_trust;
use ringfence_adapters::install::{Registration, Shell, without_aliases};
use ringfence_record::StateFolder;
use ringfence_record::originals::{Original, Originals, replace_as};
use serde::Serialize;
use similar::TextDiff;

use crate::exit::{Exit, Failure, Problem};
use crate::places;
use crate::render::json;
use crate::render::text::printable;
use crate::rules;

/// Register the gate with the agents found here
///
/// Shows what would change and asks once. Everything else in the settings stays as it is, comments
/// and order included.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ringfence init\n  ringfence init --undo\n  ringfence init --alias\n  sudo ringfence init --managed claude-code codex\n\nExits with 1 when nothing was changed: you said no, or somebody else changed the settings meanwhile."
)]
pub(crate) struct Init {
    /// Only these agents [default: those found]
    #[arg(value_name = "AGENT", value_parser = agent)]
    agents: Vec<HookAgent>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Take the gate away and restore the settings byte for byte
    #[arg(long)]
    undo: bool,
    /// Let Ringfence answer in place of the agent's own prompts
    #[arg(long, conflicts_with = "undo")]
    decide: bool,
    /// Write the settings of an organisation, which hold for every user of this machine
    #[arg(long)]
    managed: bool,
    /// Where those lie
    #[arg(
        long,
        value_name = "DIR",
        requires = "managed",
        default_value = "/",
        hide_default_value = true
    )]
    root: PathBuf,
    /// Write shell functions that start agents without prompts, behind the gate and behind walls
    #[arg(long, conflicts_with_all = ["managed", "decide"])]
    alias: bool,
    /// Show every line that changes, not the gist
    #[arg(long)]
    diff: bool,
    /// Write JSON, with every line that changes
    #[arg(long)]
    json: bool,
}

fn agent(name: &str) -> Result<HookAgent, String> {
    HookAgent::from_name(name).filter(|agent| agent.can_be_registered()).ok_or_else(|| {
        let known = HookAgent::ALL.iter().filter(|agent| agent.can_be_registered());
        let known: Vec<&str> = known.map(|agent| agent.as_str()).collect();
        format!("no gate for this agent; there is one for: {}", known.join(", "))
    })
}

/// Which of an agent's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum File {
    /// Its hooks.
    Hooks,
    /// What Codex trusts.
    Trust,
    /// The organisation's settings for it.
    Managed,
    /// The startup file of a shell: whoever is named is one of several.
    Alias(Shell),
}

impl File {
    /// What its original is kept under.
    const fn name(self, agent: HookAgent) -> &'static str {
        match self {
            Self::Hooks => agent.as_str(),
            Self::Trust => "codex-trust",
            Self::Managed => managed_name(agent),
            Self::Alias(Shell::Bash) => "alias-bash",
            Self::Alias(Shell::Zsh) => "alias-zsh",
            Self::Alias(Shell::Fish) => "alias-fish",
        }
    }
}

/// What an organisation's settings are kept under.
const fn managed_name(agent: HookAgent) -> &'static str {
    match agent {
        HookAgent::ClaudeCode => "managed-claude-code",
        HookAgent::Codex => "managed-codex",
        HookAgent::Copilot => "managed-copilot",
        HookAgent::GeminiCli => "managed-gemini-cli",
        HookAgent::QwenCode => "managed-qwen-code",
        HookAgent::Cursor => "managed-cursor",
        HookAgent::Windsurf => "managed-windsurf",
        _ => "managed",
    }
}

/// One settings file that would change.
struct Change {
    agent: HookAgent,
    file: File,
    path: PathBuf,
    before: Option<String>,
    after: Option<String>,
}

/// What `--json` says.
#[derive(Debug, Serialize)]
struct Report<'a> {
    applied: bool,
    changes: Vec<ReportedChange<'a>>,
}

#[derive(Debug, Serialize)]
struct ReportedChange<'a> {
    agent: &'static str,
    path: &'a Path,
    /// As `diff -u` would show it.
    diff: String,
}

pub(crate) fn run(init: &Init, out: &mut impl Write) -> Result<Exit, Failure> {
    let home = places::home()?;
    let state = places::state_folder()?;
    let config = places::config_folder()?;
    let mut agents = if init.agents.is_empty() { found(&home) } else { init.agents.clone() };
    if init.managed && init.agents.is_empty() {
        agents.retain(|agent| agent.managed_path(&init.root).is_some());
    }
    if agents.is_empty() {
        let help = "install one first, or name it: `ringfence init claude-code`";
        return Err(Problem::new("no agent was found in your home folder", help).into());
    }
    let folder = StateFolder::open(&state).map_err(failed)?;
    let originals = Originals::open(&folder).map_err(failed)?;
    if !init.undo {
        rules::configured(&config, folder.owner()).map_err(|error| {
            let help = "a gate with rules that do not load denies every call; put them right first";
            Problem::new("your own rules do not load", help).because(error)
        })?;
    }
    let mut changes = Vec::new();
    if init.alias && !init.undo {
        changes.extend(alias::written(&home, &agents, &init.agents)?.filter(Change::is_one));
        return match changes.is_empty() {
            true => nothing_to_change(init, out).map(|()| Exit::Fine),
            false => make(&changes, init, &originals, out),
        };
    }
    let place = Place { home: &home, state: &state, config: &config, root: &init.root };
    for agent in agents.iter().copied().filter(|_| !init.alias) {
        let change = match (init.undo, init.managed) {
            (true, false) => restored(agent, File::Hooks, agent.settings_path(&home), &originals)?,
            (true, true) => match agent.managed_path(&init.root) {
                Some(path) => restored(agent, File::Managed, path, &originals)?,
                None => None,
            },
            (false, _) => Some(registered(agent, &place, init)?),
        };
        changes.extend(change.filter(Change::is_one));
    }
    let codex = agents.contains(&HookAgent::Codex) && !init.managed && !init.alias;
    if codex && init.undo {
        changes.extend(trust::withdrawn(&home, &originals)?.filter(Change::is_one));
    }
    // Without an agent's name everything is undone.
    if init.undo && !init.managed && (init.alias || init.agents.is_empty()) {
        changes.extend(alias::taken_away(&home, &originals)?.into_iter().filter(Change::is_one));
    }
    let mut gone = Vec::new();
    if init.undo && !init.managed && !init.alias {
        let unchanged = |agent: &HookAgent| !changes.iter().any(|change| change.agent == *agent);
        for agent in agents.into_iter().filter(unchanged) {
            let name = agent.as_str();
            if originals.load(name).map_err(failed)?.is_some() {
                originals.forget(name).map_err(failed)?;
                gone.push(name);
            }
        }
    }
    let mut exit =
        if changes.is_empty() { None } else { Some(make(&changes, init, &originals, out)?) };
    if codex && !init.undo && exit != Some(Exit::Found) {
        let trust: Vec<Change> = trust::granted(&home)?.into_iter().collect();
        if !trust.is_empty() {
            exit = Some(make(&trust, init, &originals, out)?);
        }
    }
    if let Some(exit) = exit {
        return Ok(exit);
    }
    nothing_to_change(init, out)?;
    for agent in gone.into_iter().filter(|_| !init.json) {
        writeln!(out, "the gate of {agent} was taken away already; it is not missed any more")?;
    }
    Ok(Exit::Fine)
}

fn nothing_to_change(init: &Init, out: &mut impl Write) -> Result<(), Failure> {
    if init.json {
        json::line(out, &Report { applied: true, changes: Vec::new() })?;
    } else {
        writeln!(out, "nothing to change")?;
    }
    Ok(())
}

/// Shows changes, asks once, and makes them.
fn make(
    changes: &[Change],
    init: &Init,
    originals: &Originals,
    out: &mut impl Write,
) -> Result<Exit, Failure> {
    if !init.json {
        for change in changes {
            show::change(change, init, out)?;
        }
        out.flush()?;
    }
    let mut applied = init.yes || confirmed()?;
    if applied && let Some(path) = edited(changes)? {
        let text = printable(&path.display().to_string()).into_owned();
        let mut notice = std::io::stderr();
        writeln!(notice, "{text} was changed meanwhile; run the same command again")?;
        applied = false;
    }
    if applied {
        for change in changes {
            apply(change, init.undo, originals)?;
        }
    }
    if init.json {
        let changes = changes.iter().map(Change::reported).collect();
        json::line(out, &Report { applied, changes })?;
    } else if applied {
        for change in changes {
            let done = match (init.undo, change.file) {
                (true, _) => "restored",
                (false, File::Hooks) => "guarded",
                (false, File::Managed) => "guarded for every user",
                (false, File::Trust) => "trusted",
                (false, File::Alias(_)) => "written",
            };
            writeln!(out, "{done}: {} ({})", change.whose(), change.path.display())?;
        }
    } else {
        writeln!(out, "nothing was changed")?;
    }
    Ok(if applied { Exit::Fine } else { Exit::Found })
}

fn found(home: &Path) -> Vec<HookAgent> {
    let is_there = |agent: &HookAgent| agent.can_be_registered() && agent.folder(home).is_dir();
    HookAgent::ALL.iter().copied().filter(is_there).collect()
}

/// This program, as settings and startup files are to name it.
fn this_program() -> Result<PathBuf, Problem> {
    std::env::current_exe().and_then(|path| path.canonicalize()).map_err(|error| {
        Problem::new("cannot tell where this program is", "start it by its full path")
            .because(error)
    })
}

/// Where a gate is registered, and what it works with.
struct Place<'p> {
    home: &'p Path,
    state: &'p Path,
    config: &'p Path,
    /// Where the settings of the system lie.
    root: &'p Path,
}

fn registered(agent: HookAgent, place: &Place<'_>, init: &Init) -> Result<Change, Failure> {
    let gate = Registration {
        program: this_program()?,
        state: place.state.to_owned(),
        config: place.config.to_owned(),
        home: place.home.to_owned(),
        decide: init.decide,
        managed: init.managed,
    };
    let (file, path) = if init.managed {
        (File::Managed, managed_path(agent, place)?)
    } else {
        (File::Hooks, agent.settings_path(place.home))
    };
    let before = read(&path)?;
    let text = before.as_deref().unwrap_or_default();
    let after = match file {
        File::Managed => agent.register_managed(text, &gate),
        _ => agent.register(text, &gate),
    };
    let after = after.map_err(|error| {
        let help = "nothing was changed; to leave this agent out, name the others: `ringfence init AGENT…`";
        Problem::new(format!("cannot change `{}`", path.display()), help).because(error)
    })?;
    Ok(Change { agent, file, path, before, after: Some(after) })
}

/// The organisation's settings for an agent, unless this user has a gate of their own: two gates would both
/// hear of every call, and each would take the other's answers for a finding.
fn managed_path(agent: HookAgent, place: &Place<'_>) -> Result<PathBuf, Failure> {
    let name = agent.as_str();
    let path = agent.managed_path(place.root).ok_or_else(|| {
        let what = format!("{} has no settings for an organisation", agent.title());
        Problem::new(what, format!("register its gate for each user: `ringfence init {name}`"))
    })?;
    let own = read(&agent.settings_path(place.home))?.unwrap_or_default();
    if agent.registered(&own).is_ok_and(|it| !it.programs.is_empty()) {
        let what = format!("the gate of {name} is registered for this user already");
        let help = format!("take it away first: `ringfence init --undo {name}`");
        return Err(Problem::new(what, help).into());
    }
    Ok(path)
}

/// The settings as they were before `init`. Where somebody changed them since, only what is ours is
/// taken out.
fn restored(
    agent: HookAgent,
    file: File,
    path: PathBuf,
    originals: &Originals,
) -> Result<Option<Change>, Failure> {
    let before = read(&path)?;
    let Some(text) = &before else { return Ok(None) };
    let original = originals.load(file.name(agent)).map_err(failed)?;
    let after = match original {
        Some(original) if original.installed == *text => original.before,
        original => {
            let theirs = original.and_then(|original| original.before).unwrap_or_default();
            let without = match file {
                File::Managed => agent.unregister_managed(text, &theirs),
                _ => agent.unregister(text, &theirs),
            };
            Some(without.map_err(|error| {
                let what = format!("cannot change `{}`", path.display());
                Problem::new(what, "see the cause").because(error)
            })?)
        }
    };
    Ok(Some(Change { agent, file, path, before, after }))
}

impl Change {
    /// Whether anything is different after it.
    fn is_one(&self) -> bool {
        self.before != self.after
    }

    /// Whose it is, in a word.
    fn whose(&self) -> &'static str {
        match self.file {
            File::Hooks | File::Trust | File::Managed => self.agent.as_str(),
            File::Alias(shell) => shell.as_str(),
        }
    }

    fn reported(&self) -> ReportedChange<'_> {
        let before = self.before.as_deref().unwrap_or_default();
        let diff = TextDiff::from_lines(before, self.after.as_deref().unwrap_or_default());
        let diff = diff.unified_diff().context_radius(2).to_string();
        ReportedChange { agent: self.whose(), path: &self.path, diff }
    }
}

fn confirmed() -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        let help = "run it on a terminal, or with `--yes` once you have read the change";
        return Err(Problem::new("nobody is there to confirm the change", help).into());
    }
    let mut prompt = std::io::stderr();
    write!(prompt, "make this change? [y/N] ")?;
    prompt.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// The settings that are not what they were when the change was shown, if any.
fn edited(changes: &[Change]) -> Result<Option<&Path>, Failure> {
    for change in changes {
        if read(&change.path)? != change.before {
            return Ok(Some(&change.path));
        }
    }
    Ok(None)
}

fn apply(change: &Change, undo: bool, originals: &Originals) -> Result<(), Failure> {
    let name = change.file.name(change.agent);
    if !undo && let Some(installed) = &change.after {
        let earlier = originals.load(name).map_err(failed)?;
        let made_folder = match &earlier {
            Some(earlier) => earlier.made_folder,
            None => !change.path.parent().is_some_and(Path::is_dir),
        };
        let before = match (earlier, &change.before) {
            // Registering again over our own entries keeps the first original.
            (Some(earlier), Some(before)) if earlier.installed == *before => earlier.before,
            // What somebody changed since is theirs; what is ours is not a part of the original.
            (earlier, Some(before)) => {
                let theirs = earlier.and_then(|earlier| earlier.before).unwrap_or_default();
                Some(match change.file {
                    File::Hooks | File::Managed => without_gate(change, before, &theirs)?,
                    File::Trust => without_trust(before),
                    File::Alias(_) => without_aliases(before),
                })
            }
            (_, None) => None,
        };
        let original = Original { before, installed: installed.clone(), made_folder };
        originals.save(name, &original).map_err(failed)?;
    }
    // What an organisation sets, every user's agent has to read.
    let mode = if change.file == File::Managed { 0o644 } else { 0o600 };
    replace_as(&change.path, change.after.as_deref(), mode).map_err(failed)?;
    if undo {
        let earlier = originals.load(name).map_err(failed)?;
        let folder = change.path.parent().filter(|_| change.after.is_none());
        if let (Some(folder), Some(Original { made_folder: true, .. })) = (folder, earlier) {
            // Whatever else lies there keeps it.
            let _ = fs::remove_dir(folder);
        }
        originals.forget(name).map_err(failed)?;
    }
    Ok(())
}

/// Settings of somebody's own, byte for byte if the gate is not in them.
fn without_gate(change: &Change, settings: &str, theirs: &str) -> Result<String, Failure> {
    let (agent, managed) = (change.agent, change.file == File::Managed);
    let found =
        if managed { agent.registered_managed(settings) } else { agent.registered(settings) };
    if !found.is_ok_and(|it| !it.programs.is_empty()) {
        return Ok(settings.to_owned());
    }
    let without = if managed {
        agent.unregister_managed(settings, theirs)
    } else {
        agent.unregister(settings, theirs)
    };
    Ok(without.map_err(|error| {
        Problem::new("cannot take the gate out of the settings", "see the cause").because(error)
    })?)
}

fn read(path: &Path) -> Result<Option<String>, Problem> {
    ringfence_record::originals::read(path).map_err(failed)
}

fn failed(error: ringfence_record::RecordError) -> Problem {
    let help = "nothing was changed; see the cause";
    Problem::new("the settings cannot be changed safely", help).because(error)
}
