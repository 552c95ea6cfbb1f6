//! Shell functions that start agents without prompts, behind the gate and behind walls.

use std::path::{Path, PathBuf};

use ringfence_adapters::hook::HookAgent;
use ringfence_adapters::install::{Shell, with_aliases, without_aliases};
use ringfence_record::originals::Originals;

use super::{Change, File, failed, read, this_program};
use crate::command::standing;
use crate::exit::{Failure, Problem};

/// The functions of the agents here, in the startup file of the user's shell. Only of those that have a gate:
/// behind walls alone nobody decides about their calls.
pub(super) fn written(
    home: &Path,
    found: &[HookAgent],
    named: &[HookAgent],
) -> Result<Option<Change>, Failure> {
    let shell = std::env::var_os("SHELL").map(PathBuf::from);
    let shell = shell.as_deref().and_then(Shell::of).ok_or_else(|| {
        let known = Shell::ALL.map(Shell::as_str).join(", ");
        let help = format!("set `SHELL` to one of {known}");
        Problem::new("for your shell no functions can be written", help)
    })?;
    let home_text = home.to_string_lossy();
    let mut agents = Vec::new();
    for agent in found.iter().copied() {
        let gate = standing::gate_below(agent, &home_text);
        match (agent.unprompted(), gate) {
            (Some(_), Ok(())) => agents.push(agent),
            (_, gate) if named.contains(&agent) => {
                let name = agent.as_str();
                let why = gate.err().unwrap_or_else(|| "it has no mode without prompts".to_owned());
                let what = format!("{name} cannot be started without prompts behind a gate");
                let help = format!("register its gate first: `ringfence init {name}`");
                return Err(Problem::new(what, help).because(why).into());
            }
            _ => {}
        }
    }
    let agent = *agents.first().ok_or_else(|| {
        let help = "register a gate first: `ringfence init`";
        Problem::new("no agent here could be started behind a gate", help)
    })?;
    let path = shell.startup_file(home);
    let before = read(&path)?;
    let text = before.as_deref().unwrap_or_default();
    let after = with_aliases(text, &agents, &this_program()?, shell).map_err(|error| {
        Problem::new(format!("cannot change `{}`", path.display()), "see the cause").because(error)
    })?;
    Ok(Some(Change { agent, file: File::Alias(shell), path, before, after: Some(after) }))
}

/// The startup files without them, as they were before.
pub(super) fn taken_away(home: &Path, originals: &Originals) -> Result<Vec<Change>, Failure> {
    let mut changes = Vec::new();
    for shell in Shell::ALL {
        let (path, file) = (shell.startup_file(home), File::Alias(shell));
        let Some(text) = read(&path)? else { continue };
        let agent = HookAgent::ClaudeCode;
        let original = originals.load(file.name(agent)).map_err(failed)?;
        let after = match original {
            Some(original) if original.installed == text => original.before,
            _ => Some(without_aliases(&text)),
        };
        changes.push(Change { agent, file, path, before: Some(text), after });
    }
    Ok(changes)
}
