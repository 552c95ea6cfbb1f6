//! OpenCode's plugin: a file of our own that asks the gate before each call.
//!
//! A plugin that does not load is dropped without a word, and then calls run: it is kept to what needs no
//! package, and `ringfence status` compares it to the letter.

use super::{InstallError, Registered, Registration, folder_of, program_of};
use crate::hook::HookAgent;

const TEMPLATE: &str = include_str!("opencode-plugin.js");

/// The line that names the gate.
const START: &str = "const GATE = ";

pub(super) fn register(gate: &Registration) -> Result<String, InstallError> {
    let command = serde_json::to_string(&gate.command(HookAgent::OpenCode))
        .map_err(|error| InstallError(error.to_string()))?;
    Ok(TEMPLATE.replace("\"GATE\"", &command))
}

pub(super) fn registered(plugin: &str) -> Registered {
    let line = plugin.lines().find_map(|line| line.strip_prefix(START)?.strip_suffix(';'));
    let command = line.and_then(|text| serde_json::from_str::<String>(text).ok());
    let program = command.as_deref().and_then(|text| program_of(text, HookAgent::OpenCode));
    let (Some(command), Some(program)) = (command, program) else {
        return Registered {
            missing: vec!["tool.execute.before".to_owned()],
            ..Registered::default()
        };
    };
    Registered {
        guarded: vec!["tool.execute.before".to_owned()],
        told: vec!["tool.execute.after".to_owned(), "chat.message".to_owned()],
        programs: vec![program],
        states: folder_of(&command, "--state").into_iter().collect(),
        configs: folder_of(&command, "--config").into_iter().collect(),
        commands: vec![command],
        ..Registered::default()
    }
}

pub(super) fn deviations(plugin: &str, gate: &Registration) -> Result<Vec<String>, InstallError> {
    let same = register(gate)? == plugin;
    let problem = || "the plugin is not as `ringfence init` writes it".to_owned();
    Ok(if same { Vec::new() } else { vec![problem()] })
}
