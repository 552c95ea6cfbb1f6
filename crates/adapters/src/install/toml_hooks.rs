//! Kimi Code's `config.toml`: one table for each hook, in one block of ours between two comments, so that
//! nothing else in the file is touched.

use super::{InstallError, Registered, Registration, folder_of, program_of};
use crate::hook::HookAgent;

const BEGIN: &str = "# ringfence: begin of its hooks\n";
const END: &str = "# ringfence: end of its hooks\n";

/// The event that can stop a call.
const DECIDING: &str = "PreToolUse";
const TELLING: [&str; 5] =
    ["PostToolUse", "PostToolUseFailure", "UserPromptSubmit", "SessionStart", "SessionEnd"];

pub(super) fn register(settings: &str, gate: &Registration) -> Result<String, InstallError> {
    let mut text = unregister(settings);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&block(gate));
    table(&text).map(|_| text)
}

pub(super) fn unregister(settings: &str) -> String {
    let Some((before, rest)) = settings.split_once(BEGIN) else { return settings.to_owned() };
    match rest.split_once(END) {
        Some((_, after)) => format!("{before}{after}"),
        // Without its end it is not known what is ours.
        None => settings.to_owned(),
    }
}

pub(super) fn registered(settings: &str) -> Result<Registered, InstallError> {
    let table = table(settings)?;
    let hooks = table.get("hooks").and_then(toml::Value::as_array);
    let mut found = Registered::default();
    for hook in hooks.into_iter().flatten() {
        let text = |name: &str| hook.get(name).and_then(toml::Value::as_str);
        let (Some(event), Some(command)) = (text("event"), text("command")) else { continue };
        let Some(program) = program_of(command, HookAgent::Kimi) else { continue };
        let for_all = text("matcher").is_none_or(str::is_empty);
        match event {
            DECIDING if for_all => found.guarded.push(event.to_owned()),
            DECIDING => {}
            _ => found.told.push(event.to_owned()),
        }
        found.commands.push(command.to_owned());
        found.programs.push(program);
        found.states.extend(folder_of(command, "--state"));
        found.configs.extend(folder_of(command, "--config"));
    }
    if found.guarded.is_empty() {
        found.missing.push(DECIDING.to_owned());
    }
    Ok(found)
}

pub(super) fn deviations(settings: &str, gate: &Registration) -> Result<Vec<String>, InstallError> {
    table(settings)?;
    let problem = "the hooks are not as `ringfence init` writes them";
    Ok(if settings.contains(&block(gate)) { Vec::new() } else { vec![problem.to_owned()] })
}

/// Of a hook it knows these words and no other: one more, and it refuses the file whole.
fn block(gate: &Registration) -> String {
    let command = toml::Value::from(gate.command(HookAgent::Kimi));
    let mut text = BEGIN.to_owned();
    for event in [DECIDING].iter().chain(&TELLING) {
        text.push_str(&format!(
            "[[hooks]]\nevent = \"{event}\"\ncommand = {command}\ntimeout = 10\n"
        ));
    }
    text.push_str(END);
    text
}

fn table(text: &str) -> Result<toml::Table, InstallError> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        InstallError(format!("the settings are not TOML that takes hooks: {}", error.message()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Registration {
        Registration {
            program: "/opt/my tools/ringfence".into(),
            state: "/s".into(),
            config: "/c".into(),
            home: "/h".into(),
            decide: false,
            managed: false,
        }
    }

    #[test]
    fn hooks_come_and_go_and_leave_the_rest() {
        let own = "[[hooks]]\nevent = \"PreToolUse\"\ncommand = \"mine\" # mine\n";
        for theirs in ["", "# mine\ndefault_model = \"x\"\n[a]\nb = 'c'\n", own, "a = 1"] {
            let with = register(theirs, &gate()).unwrap();
            let found = registered(&with).unwrap();
            assert_eq!(found.guarded, ["PreToolUse"]);
            assert_eq!(found.programs[0], gate().program);
            assert_eq!(deviations(&with, &gate()).unwrap(), Vec::<String>::new());
            assert_eq!(register(&with, &gate()).unwrap(), with);
            assert_eq!(unregister(&with).trim_end(), theirs.trim_end());
        }
        assert!(register("hooks = []", &gate()).is_err());
        assert!(register("[", &gate()).is_err());
        assert_eq!(registered("").unwrap().missing, ["PreToolUse"]);
    }
}
