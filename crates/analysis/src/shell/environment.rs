//! Variables that make programs run code, or agents do without their guard: `PATH`, `PAGER`, `LD_PRELOAD`, `PROMPT_COMMAND`…
//!
//! The list is data, `catalog/environment.toml`: a table per way in which the value becomes code.

use std::collections::HashMap;
use std::sync::OnceLock;

use ringfence_action::{Attr, Effect, EffectKind, OpaqueReason, Target, path};

use super::Shell;
use crate::value::{Span, Value};

/// How the value of a variable becomes code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Folders in which programs are looked for.
    Search,
    /// A command line.
    Command,
    /// A file of shell code; its name is expanded first.
    ShellFile,
    /// A text whose substitutions run.
    Prompt,
    /// A library, module or option that a program loads.
    Load,
    /// What an agent reads in the place of the settings in which its guard stands.
    Agent,
}

const TABLE: &str = include_str!("../../../../catalog/environment.toml");

fn ways() -> &'static HashMap<&'static str, Way> {
    static WAYS: OnceLock<HashMap<&'static str, Way>> = OnceLock::new();
    WAYS.get_or_init(|| {
        let mut ways = HashMap::new();
        let mut way = None;
        for line in TABLE.lines() {
            let line = line.trim();
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                way = match name {
                    "search" => Some(Way::Search),
                    "command" => Some(Way::Command),
                    "shell-file" => Some(Way::ShellFile),
                    "prompt" => Some(Way::Prompt),
                    "load" => Some(Way::Load),
                    "agent" => Some(Way::Agent),
                    _ => None,
                };
            } else if let (Some(way), Some((name, _))) = (way, line.split_once('='))
                && !line.starts_with('#')
            {
                ways.insert(name.trim(), way);
            }
        }
        ways
    })
}

/// The word for a way, as the mechanism of the effect.
fn mechanism(way: Way) -> &'static str {
    match way {
        Way::Search => "search-path",
        Way::Command => "command",
        Way::ShellFile => "shell-file",
        Way::Prompt => "prompt",
        Way::Load => "load",
        Way::Agent => "nested-agent",
    }
}

/// Programs that show or do nothing, as values of `PAGER`, `EDITOR` and the like.
const HARMLESS: [&str; 10] = ["", "cat", "less", "more", "true", ":", "false", "vi", "vim", "nano"];

impl Shell<'_, '_> {
    /// A variable is set: if it makes programs run code, that is an effect, and the code is followed.
    pub(super) fn environment(&mut self, name: &str, value: &Value, span: Span) {
        if !name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return;
        }
        let way = match ways().get(name) {
            Some(way) => *way,
            None if name.starts_with("BASH_FUNC_") => Way::Command,
            None if name.starts_with("GIT_CONFIG_VALUE_") => Way::Load,
            None => return,
        };
        if self.harmless(name, way, value) {
            return;
        }
        let unknown = matches!(value, Value::Unknown) || *value == Value::Pattern("**".to_owned());
        if way == Way::Agent && unknown {
            // Mostly what it was, or where the settings always are.
            return self.opaque(span, OpaqueReason::EnvironmentCode, name);
        }
        let kind = if way == Way::Agent { EffectKind::Guard } else { EffectKind::EnvExec };
        let effect = Effect::new(kind, Target::known(name)).with(Attr::Mechanism, mechanism(way));
        self.analyzer.effect(&self.frame, span, effect);
        match way {
            Way::Search | Way::Load | Way::Agent => {}
            Way::Command => {
                if value.listed().is_none() {
                    self.opaque(span, OpaqueReason::EnvironmentCode, name);
                }
                for code in value.listed().unwrap_or_default().to_vec() {
                    self.perhaps(|shell| shell.subshell(|shell| shell.run_text(&code, span)));
                }
            }
            Way::Prompt => self.expanded_again(value, span),
            Way::ShellFile => {
                self.expanded_again(value, span);
                if let Value::Known(path) = value {
                    let word = crate::value::Word::known(path.as_str(), span);
                    self.perhaps(|shell| shell.subshell(|shell| shell.source(&word, Vec::new())));
                } else {
                    self.opaque(span, OpaqueReason::EnvironmentCode, name);
                }
            }
        }
    }

    /// The texts are expanded as if they stood in double quotes.
    pub(super) fn expanded_again(&mut self, value: &Value, span: Span) {
        for text in value.listed().unwrap_or_default().to_vec() {
            if text.contains("$(") || text.contains('`') || text.contains("${") {
                let text = format!(": \"{}\"", text.replace('"', "\\\""));
                self.perhaps(|shell| shell.subshell(|shell| shell.run_text(&text, span)));
            }
        }
    }

    fn harmless(&self, name: &str, way: Way, value: &Value) -> bool {
        match way {
            Way::Search if name == "PATH" => self.trusted_search(value),
            Way::Search | Way::Load => value.as_known() == Some(""),
            Way::Agent => value.listed().is_some_and(|all| all.iter().all(|it| self.own_place(it))),
            Way::Command => value.listed().is_some_and(|all| {
                all.iter().all(|text| {
                    let program = text.split(' ').next().unwrap_or_default();
                    let options = text.split(' ').skip(1).all(|word| {
                        word.starts_with('-') && !word.contains(['=', '$', '`', ';', '|', '&'])
                    });
                    HARMLESS.contains(&program) && options
                })
            }),
            Way::ShellFile | Way::Prompt => value.listed().is_some_and(|all| {
                all.iter().all(|text| {
                    let plain = !text.contains("$(") && !text.contains('`') && !text.contains("${");
                    plain && (way == Way::Prompt || matches!(text.as_str(), "" | "/dev/null"))
                })
            }),
        }
    }

    /// Whether an agent looks there anyway: `CODEX_HOME` is often set to what it stands for.
    fn own_place(&self, folder: &str) -> bool {
        let home = self.analyzer.action.home.as_deref();
        home.and_then(|home| folder.strip_prefix(home)).is_some_and(|below| {
            ["/.claude", "/.codex", "/.gemini", "/.cursor", "/.copilot", "/.config/opencode"]
                .contains(&below)
        })
    }

    /// Whether every folder that is put on the path is an absolute one in which neither the work nor
    /// other users leave files: not the workspace, not a folder for temporary files.
    fn trusted_search(&self, value: &Value) -> bool {
        let text = match value {
            Value::Known(text) | Value::Pattern(text) => text,
            Value::OneOf(_) | Value::Unknown => return false,
        };
        text.split(':').all(|folder| {
            let exposed = ["/tmp", "/var/tmp", "/dev/shm", "/proc"];
            // The unknown piece is the path as it was.
            folder == "**"
                || (folder.starts_with('/')
                    && !folder.contains("**")
                    && !exposed.iter().any(|temp| path::is_within(temp, folder))
                    && !self
                        .analyzer
                        .action
                        .workspace_roots()
                        .any(|root| path::is_within(root, folder)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_in_full() {
        let table = TABLE.parse::<toml::Table>().unwrap();
        let names = table.values().map(|section| section.as_table().unwrap().len()).sum::<usize>();
        assert_eq!(ways().len(), names);
        assert_eq!(ways().get("PATH"), Some(&Way::Search));
        assert_eq!(ways().get("GIT_SSH_COMMAND"), Some(&Way::Command));
    }
}
