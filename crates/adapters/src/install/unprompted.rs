//! Agents without their own prompts, behind the gate and behind walls: what people start them for, and how
//! they should.
//!
//! A person who starts an agent with its prompts off wants it to go on by itself. These shell functions do
//! that: every call is decided by the gate, and whatever gets past it is held by the walls of a run.

use super::{InstallError, quote_path};
use crate::hook::HookAgent;
use std::path::{Path, PathBuf};

const BEGIN: &str = "# ringfence: begin of agents without prompts, behind gate and walls\n";
const END: &str = "# ringfence: end of agents without prompts\n";

/// A shell that functions are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// Bash.
    Bash,
    /// Zsh.
    Zsh,
    /// Fish.
    Fish,
}

impl Shell {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Bash, Self::Zsh, Self::Fish];

    /// The shell of this program.
    pub fn of(program: &Path) -> Option<Self> {
        match program.file_name()?.to_str()? {
            "bash" => Some(Self::Bash),
            "zsh" => Some(Self::Zsh),
            "fish" => Some(Self::Fish),
            _ => None,
        }
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }

    /// What it reads when it starts, below a home folder.
    pub fn startup_file(self, home: &Path) -> PathBuf {
        home.join(match self {
            Self::Bash => ".bashrc",
            Self::Zsh => ".zshrc",
            Self::Fish => ".config/fish/conf.d/ringfence.fish",
        })
    }
}

impl HookAgent {
    /// The words that start this agent with its own prompts off, and the profile that holds it then; `None`
    /// where there is none of either.
    pub const fn unprompted(self) -> Option<&'static [&'static str]> {
        match self {
            Self::ClaudeCode => Some(&["claude", "--dangerously-skip-permissions"]),
            Self::Codex => Some(&["codex", "--dangerously-bypass-approvals-and-sandbox"]),
            Self::Copilot => Some(&["copilot", "--allow-all-tools"]),
            Self::GeminiCli => Some(&["gemini", "--yolo"]),
            Self::QwenCode => Some(&["qwen", "--yolo"]),
            Self::Cursor => Some(&["cursor-agent", "--force"]),
            Self::OpenCode => Some(&["opencode"]),
            Self::Antigravity
            | Self::Windsurf
            | Self::Cline
            | Self::Droid
            | Self::Grok
            | Self::Kiro
            | Self::Kimi
            | Self::Amp
            | Self::Acp => None,
        }
    }

    /// The shell function that starts it so, and its name.
    pub fn alias(self, program: &Path, shell: Shell) -> Option<(String, String)> {
        let words = self.unprompted()?;
        let name = format!("{}-fenced", words.first()?);
        let (program, kind, words) = (quote_path(program), self.as_str(), words.join(" "));
        // Claude Code refuses this to root unless it is told that it is in a sandbox, which it is.
        let told = match self {
            Self::ClaudeCode => ("env IS_SANDBOX=1 ", " --env IS_SANDBOX"),
            _ => ("", ""),
        };
        let run = format!(
            "{}{program} run --profile {kind} --require-tier A{} -- {words}",
            told.0, told.1
        );
        let function = match shell {
            Shell::Bash | Shell::Zsh => format!("{name}() {{ {run} \"$@\"; }}\n"),
            Shell::Fish => format!("function {name}; {run} $argv; end\n"),
        };
        Some((name, function))
    }
}

/// A startup file with these functions in one block at its end; everything else stays as it is.
///
/// # Errors
/// When a block of ours is there that does not end: it is not known then what is whose.
pub fn with_aliases(
    startup: &str,
    agents: &[HookAgent],
    program: &Path,
    shell: Shell,
) -> Result<String, InstallError> {
    let mut text = without_aliases(startup);
    if text.contains(BEGIN) {
        let problem = "a block of ringfence in it does not end; take it out by hand";
        return Err(InstallError(problem.to_owned()));
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(BEGIN);
    for agent in agents {
        text.extend(agent.alias(program, shell).map(|(_, function)| function));
    }
    text.push_str(END);
    Ok(text)
}

/// A startup file without our block.
pub fn without_aliases(startup: &str) -> String {
    let parts = startup.split_once(BEGIN).and_then(|(before, rest)| {
        rest.split_once(END).map(|(_, after)| format!("{before}{after}"))
    });
    parts.unwrap_or_else(|| startup.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_come_and_go_and_are_no_way_around_the_gate() {
        let program = Path::new("/opt/ring fence/ringfence");
        for theirs in ["", "# mine\nalias ll='ls -l'\n", "set -o vi"] {
            let with = with_aliases(theirs, HookAgent::ALL, program, Shell::Bash).unwrap();
            assert!(with.starts_with(theirs), "{with}");
            assert!(with.contains(
                "gemini-fenced() { '/opt/ring fence/ringfence' run --profile gemini-cli"
            ));
            assert_eq!(with_aliases(&with, HookAgent::ALL, program, Shell::Bash).unwrap(), with);
            assert_eq!(without_aliases(&with).trim_end(), theirs.trim_end());
            for (agent, line) in
                HookAgent::ALL.iter().flat_map(|it| with.lines().map(move |line| (it, line)))
            {
                assert_eq!(agent.line_around(line), None, "{agent:?}: {line}");
            }
        }
        assert!(with_aliases(BEGIN, &[], program, Shell::Bash).is_err());
    }
}
