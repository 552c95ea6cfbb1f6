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
    /// Folders in which modules are looked for: those of the work are as good as its code.
    Modules,
    /// A command line.
    Command,
    /// A program in place of a tool of the compiler, with its options.
    Tool,
    /// Options of a compiler, some of which load or run something.
    Options,
    /// A file of shell code; its name is expanded first.
    ShellFile,
    /// A text whose substitutions run.
    Prompt,
    /// A library, module or option that a program loads.
    Load,
    /// What an agent reads in the place of the settings in which its guard stands.
    Agent,
    /// Switches off the check of who is at the other end.
    Check,
    /// Switches off a program's own hooks or safety checks.
    Safety,
    /// Where the shell keeps what was typed, and how much of it.
    History,
    /// Where requests go instead.
    Redirect,
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
                    "modules" => Some(Way::Modules),
                    "tool" => Some(Way::Tool),
                    "options" => Some(Way::Options),
                    "command" => Some(Way::Command),
                    "shell-file" => Some(Way::ShellFile),
                    "prompt" => Some(Way::Prompt),
                    "load" => Some(Way::Load),
                    "agent" => Some(Way::Agent),
                    "check" => Some(Way::Check),
                    "safety" => Some(Way::Safety),
                    "history" => Some(Way::History),
                    "redirect" => Some(Way::Redirect),
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
        Way::Search | Way::Modules => "search-path",
        Way::Command | Way::Tool => "command",
        Way::ShellFile => "shell-file",
        Way::Prompt => "prompt",
        Way::Load | Way::Options => "load",
        Way::Agent => "nested-agent",
        Way::Check => "trust-check",
        Way::Safety => "safety-switch",
        Way::History => "shell-history",
        Way::Redirect => "redirect",
    }
}

/// Whether a variable names a tool of the compiler, for `make` on its own command line too.
pub(crate) fn is_tool(name: &str) -> bool {
    ways().get(name) == Some(&Way::Tool)
}

/// Folders in which other users leave files.
const EXPOSED: [&str; 4] = ["/tmp", "/var/tmp", "/dev/shm", "/proc"];

/// What programs of a tool chain are called, behind the name of the target and before the version:
/// `aarch64-linux-gnu-gcc-13`.
const TOOLS: [&str; 22] = [
    "gcc", "g++", "cc", "c++", "cpp", "clang", "clang++", "clang-cl", "cl", "ccache", "sccache",
    "distcc", "tcc", "icx", "emcc", "em++", "gfortran", "ld", "lld", "ar", "as", "mold",
];

/// Parts of options with which a compiler loads or runs something.
const RUNNING: [&str; 7] = ["-toolexec", "-exec", "-fplugin", "-wrapper", "-load", "$(", "`"];

fn of_tool_chain(word: &str) -> bool {
    let name = word.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    let name = name.strip_prefix("/usr/bin/").unwrap_or(name);
    let ends = |tool: &&str| name.strip_suffix(*tool).is_some_and(|target| target.ends_with('-'));
    let known = TOOLS.contains(&name) || TOOLS.iter().any(ends);
    known && !name.contains('/')
}

/// Whether some of these options do more than compile.
fn runs(options: &str) -> bool {
    options.split_whitespace().any(|option| {
        let linker = option.split_once("linker=").is_some_and(|(_, name)| !of_tool_chain(name));
        // Where the compiler's own programs are; `-Bstatic` and the like are the linker's.
        let folder = option.strip_prefix("-B").is_some_and(|rest| !rest.starts_with(['s', 'd']));
        linker || folder || RUNNING.iter().any(|part| option.contains(part))
    })
}

/// Words with which programs name what overrides their safety checks.
const SAFETY_WORDS: [&str; 4] = ["DANGEROUSLY_", "BREAKGLASS", "BREAK_GLASS", "BYPASS_"];

fn is_safety_switch(name: &str) -> bool {
    SAFETY_WORDS.iter().any(|word| name.contains(word))
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
            None if name.ends_with("_BASE_URL") => Way::Redirect,
            None if is_safety_switch(name) => Way::Safety,
            None => return,
        };
        if self.harmless(name, way, value) {
            return;
        }
        match way {
            Way::Redirect => return self.sent_elsewhere(name, value, span),
            Way::History => return self.history_changed(name, span),
            _ => {}
        }
        let unknown = matches!(value, Value::Unknown) || *value == Value::Pattern("**".to_owned());
        if way == Way::Agent && unknown {
            // Mostly what it was, or where the settings always are.
            return self.opaque(span, OpaqueReason::EnvironmentCode, name);
        }
        let kind = match way {
            Way::Agent | Way::Check | Way::Safety => EffectKind::Guard,
            _ => EffectKind::EnvExec,
        };
        let effect = Effect::new(kind, Target::known(name))
            .with(Attr::Mechanism, mechanism(way))
            .with(Attr::Insecure, way == Way::Check);
        self.analyzer.effect(&self.frame, span, effect);
        match way {
            Way::Search | Way::Modules | Way::Load | Way::Options | Way::Agent => {}
            Way::Check | Way::Safety | Way::History | Way::Redirect => {}
            Way::Command | Way::Tool => {
                if value.listed().is_none() {
                    self.opaque(span, OpaqueReason::EnvironmentCode, name);
                }
                for mut code in value.listed().unwrap_or_default().to_vec() {
                    // The body of a function that has the rest of the variable's name.
                    if name.starts_with("BASH_FUNC_") {
                        code = format!("imported {code}\nimported");
                    }
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

    /// What was typed is kept no more, or is gone.
    pub(super) fn history_changed(&mut self, how: &str, span: Span) {
        let file = crate::paths::home(self.analyzer.action).concat(&Value::known("/.bash_history"));
        let attributes = [(Attr::By, "history".into()), (Attr::Op, how.into())];
        let kind = EffectKind::Metadata;
        crate::paths::effect(self.analyzer, &self.frame, span, kind, &file, &attributes);
    }

    /// Requests go to another host from here on.
    fn sent_elsewhere(&mut self, name: &str, value: &Value, span: Span) {
        let url = value.listed().unwrap_or_default().iter().find(|text| text.contains("://"));
        let Some(url) = url else { return };
        let effect = crate::hosts::connection(&Value::known(url.as_str()))
            .with(Attr::Op, "redirect")
            .with(Attr::By, name);
        self.analyzer.effect(&self.frame, span, effect);
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
            Way::Modules => value.listed().is_none_or(|all| {
                let folders = all.iter().flat_map(|text| text.split(':'));
                let mut exposed = EXPOSED.iter().flat_map(|temp| {
                    folders.clone().map(move |folder| path::is_within(temp, folder))
                });
                !exposed.any(|exposed| exposed)
            }),
            Way::Tool => value.listed().is_none_or(|all| {
                all.iter().flat_map(|text| text.split_whitespace()).all(|word| {
                    if word.starts_with('-') { !runs(word) } else { of_tool_chain(word) }
                })
            }),
            Way::Options => value.listed().is_none_or(|all| !all.iter().any(|text| runs(text))),
            Way::Command => value.listed().is_some_and(|all| {
                all.iter().all(|text| {
                    let program = text.split(' ').next().unwrap_or_default();
                    let options = text.split(' ').skip(1).all(|word| {
                        word.starts_with('-') && !word.contains(['=', '$', '`', ';', '|', '&'])
                    });
                    HARMLESS.contains(&program) && options
                })
            }),
            // `GIT_SSL_NO_VERIFY=1` and `PYTHONHTTPSVERIFY=0`: the name tells which of the two does it.
            Way::Check | Way::Safety => {
                let by_zero = name.contains("VERIFY") && !name.contains("NO_VERIFY")
                    || name.contains("REJECT")
                    || ["HUSKY", "LEFTHOOK", "OVERCOMMIT"].contains(&name);
                let off = |text: &String| {
                    let text = text.to_ascii_lowercase();
                    let no = ["0", "false", "no", "off"].contains(&text.as_str());
                    !text.is_empty() && no == by_zero
                };
                value.listed().is_none_or(|all| !all.iter().any(off))
            }
            Way::History => value.listed().is_none_or(|all| {
                !all.iter().any(|it| ["", "0", "/dev/null"].contains(&it.as_str()))
            }),
            Way::Redirect => false,
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
            // The unknown piece is the path as it was.
            folder == "**"
                || (folder.starts_with('/')
                    && !folder.contains("**")
                    && !EXPOSED.iter().any(|temp| path::is_within(temp, folder))
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
