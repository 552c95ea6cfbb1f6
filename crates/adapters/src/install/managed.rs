//! The locations of an organisation: settings that a user of the machine cannot change.
//!
//! One entry serves every user, so it names no folders: the gate takes those of whoever runs it, from the
//! user database. Most agents read the same form there; Codex reads TOML.

use std::path::{Path, PathBuf};

use super::{InstallError, Registered, Registration, Way, layouts, program_of};
use crate::hook::HookAgent;

const BEGIN: &str = "# ringfence: begin of its hooks\n";
const END: &str = "# ringfence: end of its hooks\n";

impl HookAgent {
    /// Where an organisation's settings for this agent lie, below the root of the file system.
    pub fn managed_path(self, root: &Path) -> Option<PathBuf> {
        let path = match self {
            Self::ClaudeCode => "etc/claude-code/managed-settings.json",
            Self::Codex => "etc/codex/requirements.toml",
            Self::Copilot => "etc/github-copilot/policy.d/ringfence.json",
            Self::GeminiCli => "etc/gemini-cli/settings.json",
            Self::QwenCode => "etc/qwen-code/settings.json",
            Self::Cursor => "etc/cursor/hooks.json",
            Self::Windsurf => "etc/windsurf/hooks.json",
            Self::Antigravity
            | Self::OpenCode
            | Self::Cline
            | Self::Droid
            | Self::Grok
            | Self::Kiro
            | Self::Kimi
            | Self::Amp
            | Self::Acp => return None,
        };
        Some(root.join(path))
    }

    /// As [`HookAgent::register`], in the organisation's settings.
    ///
    /// # Errors
    /// When the text is not settings of this agent.
    pub fn register_managed(self, text: &str, gate: &Registration) -> Result<String, InstallError> {
        match self {
            Self::Codex => with_hooks(text, gate),
            _ => self.register(text, gate),
        }
    }

    /// As [`HookAgent::unregister`], in the organisation's settings.
    ///
    /// # Errors
    /// When the text is not settings of this agent.
    pub fn unregister_managed(self, text: &str, theirs: &str) -> Result<String, InstallError> {
        match self {
            Self::Codex => Ok(without_hooks(text)),
            _ => self.unregister(text, theirs),
        }
    }

    /// As [`HookAgent::registered`], in the organisation's settings.
    ///
    /// # Errors
    /// When the text is not settings of this agent.
    pub fn registered_managed(self, text: &str) -> Result<Registered, InstallError> {
        match self {
            Self::Codex => codex_registered(text),
            _ => self.registered(text),
        }
    }

    /// As [`HookAgent::deviations`], in the organisation's settings.
    ///
    /// # Errors
    /// When the text is not settings of this agent.
    pub fn deviations_managed(
        self,
        text: &str,
        gate: &Registration,
    ) -> Result<Vec<String>, InstallError> {
        if self != Self::Codex {
            return self.deviations(text, gate);
        }
        let same = with_hooks(text, gate)? == text;
        let problem = || "the hooks are not as `ringfence init --managed` writes them".to_owned();
        Ok(if same { Vec::new() } else { vec![problem()] })
    }
}

fn with_hooks(text: &str, gate: &Registration) -> Result<String, InstallError> {
    let mut with = without_hooks(text);
    if !with.is_empty() && !with.ends_with('\n') {
        with.push('\n');
    }
    with.push_str(BEGIN);
    let command = toml::Value::from(gate.command(HookAgent::Codex));
    let layout = &layouts::CODEX;
    for event in layout.deciding.iter().chain(layout.telling) {
        with.push_str(&format!(
            "[[hooks.{event}]]\n[[hooks.{event}.hooks]]\ntype = \"command\"\ncommand = {command}\ntimeout = 10\n"
        ));
    }
    with.push_str(END);
    toml::from_str::<toml::Table>(&with).map(|_| with).map_err(|error| {
        let problem = error.message().to_owned();
        InstallError(format!(
            "the requirements are not TOML, or list hooks in another way ({problem})"
        ))
    })
}

fn without_hooks(text: &str) -> String {
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| {
        // Without its end it is not known what is ours.
        rest.split_once(END).map(|(_, after)| format!("{before}{after}"))
    });
    parts.unwrap_or_else(|| text.to_owned())
}

fn codex_registered(text: &str) -> Result<Registered, InstallError> {
    let table = toml::from_str::<toml::Table>(text).map_err(|error| {
        InstallError(format!("the requirements are not TOML: {}", error.message()))
    })?;
    let Way::Hooks(layout) = HookAgent::Codex.way() else { return Ok(Registered::default()) };
    let commands = |event: &str| -> Vec<String> {
        let groups = table.get("hooks").and_then(|hooks| hooks.get(event)?.as_array());
        let groups = groups.into_iter().flatten().filter(|group| group.get("matcher").is_none());
        let hooks = groups.filter_map(|group| group.get("hooks")?.as_array()).flatten();
        let commands = hooks.filter_map(|hook| hook.get("command")?.as_str());
        let ours = commands.filter(|command| program_of(command, HookAgent::Codex).is_some());
        ours.map(str::to_owned).collect()
    };
    let mut found = Registered::default();
    for event in layout.deciding {
        let ours = commands(event);
        let list = if ours.is_empty() { &mut found.missing } else { &mut found.guarded };
        list.push((*event).to_owned());
        found.programs.extend(ours.iter().filter_map(|it| program_of(it, HookAgent::Codex)));
        found.commands.extend(ours);
    }
    found.programs.dedup();
    found.commands.dedup();
    let told = layout.telling.iter().filter(|event| !commands(event).is_empty());
    found.told = told.map(|event| (*event).to_owned()).collect();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_managed_location_is_written_read_and_left_as_it_was() {
        let gate = Registration {
            program: "/usr/bin/ringfence".into(),
            state: "/s".into(),
            config: "/c".into(),
            home: "/h".into(),
            decide: false,
            managed: true,
        };
        let managed =
            HookAgent::ALL.iter().copied().filter(|it| it.managed_path(Path::new("/")).is_some());
        for agent in managed {
            let theirs = match agent {
                HookAgent::Codex => "# ours\nallowed_sandbox_modes = [\"read-only\"]\n",
                HookAgent::GeminiCli | HookAgent::QwenCode => {
                    "{\n  // the company's\n  \"x\": 1\n}\n"
                }
                _ => "{\n\t\"x\" :1\n\n}\n",
            };
            let with = agent.register_managed(theirs, &gate).unwrap();
            let found = agent.registered_managed(&with).unwrap();
            assert!(found.missing.is_empty() && !found.guarded.is_empty(), "{agent:?}: {with}");
            assert_eq!(found.programs, [PathBuf::from("/usr/bin/ringfence")]);
            assert_eq!(found.states, Vec::<PathBuf>::new(), "one entry serves every user");
            assert_eq!(agent.deviations_managed(&with, &gate).unwrap(), Vec::<String>::new());
            assert_eq!(agent.register_managed(&with, &gate).unwrap(), with);
            let without = agent.unregister_managed(&with, theirs).unwrap();
            assert!(!without.contains("ringfence hook"), "{without}");
            assert!(agent.registered_managed(theirs).unwrap().guarded.is_empty());
        }
        assert!(HookAgent::Codex.register_managed("hooks = 1\n", &gate).is_err());
    }
}
