//! Ways to start an agent so that its hooks are not run, or are not those that were registered.

use super::HookAgent;

/// How an agent is started, and what takes its hooks away then.
struct Start {
    programs: &'static [&'static str],
    /// Words of the command line, whole or up to a `=`; a second one that has to follow.
    flags: &'static [(&'static str, &'static [&'static str])],
    /// Variables that take hooks away unless they are empty or say no.
    variables: &'static [&'static str],
}

const fn start(programs: &'static [&'static str]) -> Start {
    Start { programs, flags: &[], variables: &[] }
}

impl HookAgent {
    const fn start(self) -> Start {
        match self {
            Self::ClaudeCode => Start {
                programs: &["claude"],
                flags: &[
                    ("--bare", &[]),
                    ("--safe-mode", &[]),
                    ("--settings", &[]),
                    ("--setting-sources", &[]),
                ],
                variables: &["CLAUDE_CODE_SIMPLE", "CLAUDE_CODE_SAFE_MODE"],
            },
            Self::Codex => Start {
                programs: &["codex"],
                flags: &[
                    ("--ignore-user-config", &[]),
                    ("--disable", &["hooks", "codex_hooks"]),
                    ("-c", &["features.hooks=false", "features.codex_hooks=false"]),
                    ("--config", &["features.hooks=false", "features.codex_hooks=false"]),
                ],
                variables: &[],
            },
            Self::QwenCode => {
                Start { programs: &["qwen"], flags: &[("--bare", &[])], variables: &[] }
            }
            Self::Copilot => start(&["copilot"]),
            Self::GeminiCli => start(&["gemini"]),
            Self::Antigravity => start(&["agy", "antigravity"]),
            Self::Cursor => start(&["cursor-agent", "cursor"]),
            Self::OpenCode => Start {
                programs: &["opencode"],
                flags: &[("--pure", &[])],
                variables: &["OPENCODE_PURE", "OPENCODE_DISABLE_DEFAULT_PLUGINS"],
            },
            Self::Windsurf => start(&["windsurf"]),
            Self::Cline => start(&["cline"]),
            Self::Droid => start(&["droid"]),
            Self::Grok => start(&["grok"]),
            Self::Kiro => start(&["kiro-cli", "q"]),
            Self::Kimi => start(&["kimi"]),
            Self::Amp => start(&["amp"]),
            Self::Acp => start(&[]),
        }
    }

    /// The names of its programs.
    pub const fn programs(self) -> &'static [&'static str] {
        self.start().programs
    }

    /// Variables that take its hooks away; those that only move its settings are told by
    /// [`HookAgent::moved_by`].
    pub const fn variables_around(self) -> &'static [&'static str] {
        self.start().variables
    }

    /// The word after the program's own that takes the hooks away, if these start it so.
    pub fn flag_around(self, words: &[String]) -> Option<String> {
        let start = self.start();
        let at = words.iter().position(|word| {
            let name = word.rsplit('/').next().unwrap_or(word);
            start.programs.contains(&name)
        })?;
        let words = words.get(at + 1..).unwrap_or_default();
        words.iter().enumerate().find_map(|(index, word)| {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (word.as_str(), None),
            };
            let (flag, values) = start.flags.iter().find(|(flag, _)| *flag == name)?;
            let value = value.or_else(|| words.get(index + 1).map(String::as_str));
            // With all of the person's own settings it is as without the flag.
            if *flag == "--setting-sources"
                && value.is_some_and(|it| it.split(',').any(|it| it == "user"))
            {
                return None;
            }
            if values.is_empty() {
                return Some((*flag).to_owned());
            }
            let value = value.filter(|value| values.contains(&value.trim_matches(['"', '\''])))?;
            Some(format!("{flag} {value}"))
        })
    }

    /// What takes its hooks away in a line of a shell's startup file: an alias, a function, a variable.
    pub fn line_around(self, line: &str) -> Option<String> {
        let line = line.trim_start();
        if line.starts_with('#') {
            return None;
        }
        let words: Vec<String> = line
            .split(|c: char| c.is_whitespace() || ";|&(){}'\"`".contains(c))
            .filter(|word| !word.is_empty())
            .map(|word| match word.split_once('=') {
                // `alias claude='claude …`: the name, and what it stands for.
                Some((_, value)) if self.programs().contains(&value) => value.to_owned(),
                _ => word.to_owned(),
            })
            .collect();
        let flag = self.flag_around(&words);
        let moved = self.moved_by();
        let variables = self.variables_around().iter().copied().chain(moved);
        let sets = |name: &&str| {
            words.iter().enumerate().any(|(index, word)| {
                let value = match word.split_once('=') {
                    Some((left, value)) if left == *name => Some(value),
                    // fish: `set -gx NAME value`.
                    None if word == name && words.first().is_some_and(|it| it == "set") => {
                        words.get(index + 1).map(String::as_str)
                    }
                    _ => None,
                };
                value.is_some_and(says_yes)
            })
        };
        flag.or_else(|| variables.clone().find(sets).map(|name| format!("{name}=")))
    }
}

/// Whether a variable of this value is set for a program that looks at it.
pub fn says_yes(value: &str) -> bool {
    !matches!(value.trim_matches(['"', '\'']), "" | "0" | "false" | "no" | "off")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_startup_files() {
        for (agent, line, around) in [
            (HookAgent::ClaudeCode, "alias claude='claude --bare'", true),
            (HookAgent::ClaudeCode, "alias cc=\"/opt/bin/claude --safe-mode\"", true),
            (HookAgent::ClaudeCode, "cc() { command claude --settings ./x.json \"$@\"; }", true),
            (HookAgent::ClaudeCode, "export CLAUDE_CODE_SIMPLE=1", true),
            (HookAgent::ClaudeCode, "export CLAUDE_CODE_SIMPLE=0", false),
            (HookAgent::ClaudeCode, "set -gx CLAUDE_CONFIG_DIR /tmp/x", true),
            (HookAgent::ClaudeCode, "# alias claude='claude --bare'", false),
            (HookAgent::ClaudeCode, "alias claude='claude --setting-sources user,project'", false),
            (HookAgent::ClaudeCode, "alias c='claude --dangerously-skip-permissions'", false),
            (HookAgent::ClaudeCode, "git config --bare; claude", false),
            (HookAgent::Codex, "alias codex='codex --disable hooks'", true),
            (HookAgent::Codex, "alias codex='codex -c features.hooks=false'", true),
            (HookAgent::Codex, "alias codex='codex --disable apps'", false),
            (HookAgent::QwenCode, "function qwen { command qwen --bare }", true),
        ] {
            assert_eq!(agent.line_around(line).is_some(), around, "{line}");
        }
    }
}
