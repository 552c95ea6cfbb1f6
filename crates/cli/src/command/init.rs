//! `ringfence init`: puts the gate in front of the agents of this user, and takes it away again.

mod trust;

use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use ringfence_adapters::hook::HookAgent;
use ringfence_adapters::install::codex_trust::without_trust;
use ringfence_adapters::install::{Registered, Registration};
use ringfence_record::StateFolder;
use ringfence_record::originals::{Original, Originals};
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use crate::exit::{Exit, Failure, Problem};
use crate::places;
use crate::render::color::{GREEN, RED, paint};
use crate::render::json;
use crate::render::text::printable;
use crate::rules;

/// Register the gate with the agents found here
///
/// Shows what would change and asks once. Everything else in the settings stays as it is, comments
/// and order included.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ringfence init\n  ringfence init --undo\n\nExits with 1 when nothing was changed: you said no, or somebody else changed the settings meanwhile."
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
}

impl File {
    /// What its original is kept under.
    const fn name(self, agent: HookAgent) -> &'static str {
        match self {
            Self::Hooks => agent.as_str(),
            Self::Trust => "codex-trust",
        }
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
    let agents = if init.agents.is_empty() { found(&home) } else { init.agents.clone() };
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
    for agent in agents.iter().copied() {
        let change = if init.undo {
            restored(agent, &home, &originals)?
        } else {
            registered(agent, &home, &state, &config, init.decide)?
        };
        changes.extend(change.filter(Change::is_one));
    }
    let codex = agents.contains(&HookAgent::Codex);
    if codex && init.undo {
        changes.extend(trust::withdrawn(&home, &originals)?.filter(Change::is_one));
    }
    let mut gone = Vec::new();
    if init.undo {
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
    if init.json {
        json::line(out, &Report { applied: true, changes: Vec::new() })?;
    } else {
        writeln!(out, "nothing to change")?;
        for agent in gone {
            writeln!(out, "the gate of {agent} was taken away already; it is not missed any more")?;
        }
    }
    Ok(Exit::Fine)
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
            show(change, init, out)?;
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
                (false, File::Trust) => "trusted",
            };
            writeln!(out, "{done}: {} ({})", change.agent.as_str(), change.path.display())?;
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

fn registered(
    agent: HookAgent,
    home: &Path,
    state: &Path,
    config: &Path,
    decide: bool,
) -> Result<Option<Change>, Failure> {
    let program =
        std::env::current_exe().and_then(|path| path.canonicalize()).map_err(|error| {
            Problem::new("cannot tell where this program is", "start it by its full path")
                .because(error)
        })?;
    let path = agent.settings_path(home);
    let before = read(&path)?;
    let gate = Registration {
        program,
        state: state.to_owned(),
        config: config.to_owned(),
        home: home.to_owned(),
        decide,
    };
    let after = agent.register(before.as_deref().unwrap_or_default(), &gate).map_err(|error| {
        Problem::new(format!("cannot change `{}`", path.display()), "see the cause").because(error)
    })?;
    Ok(Some(Change { agent, file: File::Hooks, path, before, after: Some(after) }))
}

/// The settings as they were before `init`. Where somebody changed them since, only what is ours is
/// taken out.
fn restored(
    agent: HookAgent,
    home: &Path,
    originals: &Originals,
) -> Result<Option<Change>, Failure> {
    let path = agent.settings_path(home);
    let before = read(&path)?;
    let Some(text) = &before else { return Ok(None) };
    let original = originals.load(agent.as_str()).map_err(failed)?;
    let after = match original {
        Some(original) if original.installed == *text => original.before,
        original => {
            let theirs = original.and_then(|original| original.before).unwrap_or_default();
            Some(agent.unregister(text, &theirs).map_err(|error| {
                let what = format!("cannot change `{}`", path.display());
                Problem::new(what, "see the cause").because(error)
            })?)
        }
    };
    Ok(Some(Change { agent, file: File::Hooks, path, before, after }))
}

/// The gist of a change, or all of it.
fn show(change: &Change, init: &Init, out: &mut impl Write) -> Result<(), Failure> {
    writeln!(out, "{}", printable(&change.path.display().to_string()))?;
    if init.diff {
        return show_lines(change, out);
    }
    if change.file == File::Trust {
        let line = "  codex runs hooks only if its user has trusted them: their hashes";
        writeln!(out, "{line}")?;
        return show_lines(change, out);
    }
    let (sign, style) = if init.undo { ('-', RED) } else { ('+', GREEN) };
    let with_gate = if init.undo { &change.before } else { &change.after };
    let with_gate = change.agent.registered(with_gate.as_deref().unwrap_or_default());
    let Registered { guarded, told, commands, .. } = with_gate.unwrap_or_default();
    for (what, events) in [("can stop a call", guarded), ("hear what happened", told)] {
        let line = format!("{sign} hooks that {what}: {}", events.join(", "));
        writeln!(out, "{}", paint(style, &line))?;
    }
    for command in commands {
        writeln!(out, "{}", paint(style, &format!("{sign}   {}", printable(&command))))?;
    }
    match (&change.before, &change.after) {
        (None, _) => writeln!(out, "  a new file (`--diff` shows it)")?,
        (_, None) => writeln!(out, "  the file goes: it was not there before")?,
        _ => writeln!(out, "  everything else stays as it is (`--diff` shows every line)")?,
    }
    writeln!(out)?;
    Ok(())
}

fn show_lines(change: &Change, out: &mut impl Write) -> Result<(), Failure> {
    let before = change.before.as_deref().unwrap_or_default();
    let after = change.after.as_deref().unwrap_or_default();
    let diff = TextDiff::from_lines(before, after);
    for group in diff.grouped_ops(2) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = printable(change.value().trim_end_matches('\n')).into_owned();
            match change.tag() {
                ChangeTag::Delete => writeln!(out, "{}", paint(RED, &format!("- {line}")))?,
                ChangeTag::Insert => writeln!(out, "{}", paint(GREEN, &format!("+ {line}")))?,
                ChangeTag::Equal => writeln!(out, "  {line}")?,
            }
        }
    }
    writeln!(out)?;
    Ok(())
}

impl Change {
    /// Whether anything is different after it.
    fn is_one(&self) -> bool {
        self.before != self.after
    }

    fn reported(&self) -> ReportedChange<'_> {
        let before = self.before.as_deref().unwrap_or_default();
        let diff = TextDiff::from_lines(before, self.after.as_deref().unwrap_or_default());
        let diff = diff.unified_diff().context_radius(2).to_string();
        ReportedChange { agent: self.agent.as_str(), path: &self.path, diff }
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
                    File::Hooks => without_gate(change.agent, before, &theirs)?,
                    File::Trust => without_trust(before),
                })
            }
            (_, None) => None,
        };
        let original = Original { before, installed: installed.clone(), made_folder };
        originals.save(name, &original).map_err(failed)?;
    }
    ringfence_record::originals::replace(&change.path, change.after.as_deref()).map_err(failed)?;
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
fn without_gate(agent: HookAgent, settings: &str, theirs: &str) -> Result<String, Failure> {
    let is_in = |settings| agent.registered(settings).is_ok_and(|it| !it.programs.is_empty());
    if !is_in(settings) {
        return Ok(settings.to_owned());
    }
    Ok(agent.unregister(settings, theirs).map_err(|error| {
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
