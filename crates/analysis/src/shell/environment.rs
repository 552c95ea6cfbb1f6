//! Variables that make programs run code, or agents do without their guard: `PATH`, `PAGER`, `LD_PRELOAD`, `PROMPT_COMMAND`…
//!
//! The list is data, `catalog/environment.toml`: a table per way in which the value becomes code.

use std::collections::HashMap;
use std::sync::OnceLock;

use ringfence_action::{Attr, Effect, EffectKind, OpaqueReason, Target, path};

use super::Shell;
use crate::argv;
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
    /// Options in front of those of a program of the catalogue.
    Arguments(&'static str),
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

/// The way of each name, and of each pattern of names.
type Ways = (HashMap<&'static str, Way>, Vec<(&'static str, Way)>);

fn ways() -> &'static Ways {
    static WAYS: OnceLock<Ways> = OnceLock::new();
    WAYS.get_or_init(|| {
        let (mut ways, mut patterns) = (HashMap::new(), Vec::new());
        let mut way = None;
        for line in TABLE.lines() {
            let line = line.trim();
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                way = match name {
                    "search" => Some(Way::Search),
                    "modules" => Some(Way::Modules),
                    "tool" => Some(Way::Tool),
                    "options" => Some(Way::Options),
                    "arguments" => Some(Way::Arguments("")),
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
            } else if let (Some(way), Some((name, text))) = (way, line.split_once('='))
                && !line.starts_with('#')
            {
                let text = text.trim().trim_matches('"');
                let way = match way {
                    Way::Arguments(_) => {
                        Way::Arguments(text.split_once(':').map_or(text, |(program, _)| program))
                    }
                    way => way,
                };
                let name = name.trim().trim_matches('"');
                match name.contains('*') {
                    true => patterns.push((name, way)),
                    false => drop(ways.insert(name, way)),
                }
            }
        }
        (ways, patterns)
    })
}

fn way_of(name: &str) -> Option<Way> {
    let (names, patterns) = ways();
    // npm takes its own in any case.
    let upper = name.to_ascii_uppercase();
    let name = if upper.starts_with("NPM_CONFIG_") { upper.as_str() } else { name };
    let by_pattern = || patterns.iter().find(|(pattern, _)| argv::like(pattern, name));
    names.get(name).or_else(|| by_pattern().map(|(_, way)| way)).copied()
}

/// The word for a way, as the mechanism of the effect.
fn mechanism(way: Way) -> &'static str {
    match way {
        Way::Search | Way::Modules => "search-path",
        Way::Command | Way::Tool => "command",
        Way::ShellFile => "shell-file",
        Way::Prompt => "prompt",
        Way::Load | Way::Options | Way::Arguments(_) => "load",
        Way::Agent => "nested-agent",
        Way::Check => "trust-check",
        Way::Safety => "safety-switch",
        Way::History => "shell-history",
        Way::Redirect => "redirect",
    }
}

/// Whether a variable names a tool of the compiler, for `make` on its own command line too.
pub(crate) fn is_tool(name: &str) -> bool {
    way_of(name) == Some(Way::Tool)
}

/// Folders in which other users leave files.
const EXPOSED: [&str; 4] = ["/tmp", "/var/tmp", "/dev/shm", "/proc"];

/// What programs of a tool chain are called, behind the name of the target and before the version:
/// `aarch64-linux-gnu-gcc-13`.
const TOOLS: [&str; 25] = [
    "gcc",
    "g++",
    "cc",
    "c++",
    "cpp",
    "clang",
    "clang++",
    "clang-cl",
    "cl",
    "ccache",
    "sccache",
    "distcc",
    "tcc",
    "icx",
    "emcc",
    "em++",
    "gfortran",
    "ld",
    "lld",
    "ar",
    "as",
    "mold",
    "rustc",
    "rustdoc",
    "clippy-driver",
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

/// The texts that a value is made of. An unknown piece within is what the variable held before, as in
/// `CFLAGS="$CFLAGS -O2"`; a value of which nothing is known may be anything.
fn pieces(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::Known(text) => Some(vec![text]),
        Value::OneOf(all) => Some(all.iter().map(String::as_str).collect()),
        Value::Pattern(text) if text != "**" => Some(text.split("**").collect()),
        Value::Pattern(_) | Value::Unknown => None,
    }
}

/// `ssh` by its name, with a key, a port, a user and the like.
fn plain_ssh(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let program = words.next().unwrap_or("ssh");
    let mut plain = matches!(program, "ssh" | "/usr/bin/ssh");
    while let Some(word) = words.next() {
        match word {
            "-i" | "-p" | "-l" | "-b" | "-c" | "-m" => plain &= words.next().is_some(),
            "-o" => plain &= words.next().is_some_and(is_quiet_setting),
            "-4" | "-6" | "-a" | "-C" | "-q" | "-T" | "-x" | "-v" => {}
            other => plain &= other.strip_prefix("-o").is_some_and(is_quiet_setting),
        }
    }
    plain && !text.contains(['$', '`', ';', '|', '&', '<', '>', '(', '\\'])
}

/// Settings of ssh that neither run a program nor trust a machine that is not known.
fn is_quiet_setting(setting: &str) -> bool {
    const QUIET: [&str; 7] = [
        "identitiesonly=",
        "identityfile=",
        "batchmode=",
        "connecttimeout=",
        "serveralive",
        "port=",
        "user=",
    ];
    let setting = setting.to_ascii_lowercase();
    QUIET.iter().any(|quiet| setting.starts_with(quiet))
        || setting == "stricthostkeychecking=yes"
        || setting == "stricthostkeychecking=accept-new"
}

/// Programs that show or do nothing, as values of `PAGER`, `EDITOR` and the like.
const HARMLESS: [&str; 10] = ["", "cat", "less", "more", "true", ":", "false", "vi", "vim", "nano"];

impl Shell<'_, '_> {
    /// A variable is set: if it makes programs run code, that is an effect, and the code is followed.
    pub(super) fn environment(&mut self, name: &str, value: &Value, span: Span) {
        let is_npms = name.get(..11).is_some_and(|start| start.eq_ignore_ascii_case("npm_config_"));
        if !is_npms && !name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return;
        }
        let way = match way_of(name) {
            Some(way) => way,
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
            Way::Search
            | Way::Modules
            | Way::Load
            | Way::Options
            | Way::Arguments(_)
            | Way::Agent
            | Way::Check
            | Way::Safety
            | Way::History
            | Way::Redirect => {}
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
            Way::Tool => pieces(value).is_some_and(|pieces| {
                pieces.iter().flat_map(|text| text.split_whitespace()).all(|word| {
                    if word.starts_with('-') { !runs(word) } else { of_tool_chain(word) }
                })
            }),
            Way::Options => pieces(value).is_some_and(|all| !all.iter().any(|text| runs(text))),
            Way::Arguments(program) => {
                value.sample().is_some_and(|text| argv::are_of_no_consequence(program, &text))
            }
            Way::Command if name.contains("SSH") || name.contains("RSH") => {
                value.listed().is_some_and(|all| all.iter().all(|text| plain_ssh(text)))
            }
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
        assert_eq!(ways().0.len() + ways().1.len(), names);
        assert_eq!(way_of("PATH"), Some(Way::Search));
        assert_eq!(way_of("GIT_SSH_COMMAND"), Some(Way::Command));
        assert_eq!(way_of("NODE_OPTIONS"), Some(Way::Arguments("node")));
        assert_eq!(way_of("CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUNNER"), Some(Way::Command));
    }
}
