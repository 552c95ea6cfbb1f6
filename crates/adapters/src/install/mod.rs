//! Registering the gate with an agent, and telling whether it is registered.
//!
//! Pure: settings text in, settings text out. What a person wrote stays as it is, comments and order
//! included; only entries that call `ringfence hook` are ours, and only those are added, replaced or
//! removed.

pub mod codex_trust;
mod json_hooks;
mod layouts;
mod managed;
mod plugin;
mod toml_hooks;
mod unprompted;

pub use self::unprompted::{Shell, with_aliases, without_aliases};

use std::fmt;
use std::path::{Path, PathBuf};

use self::json_hooks::Layout;
use crate::hook::HookAgent;

/// How the agent shall call the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The absolute path of the executable.
    pub program: PathBuf,
    /// The absolute path of the state folder.
    pub state: PathBuf,
    /// The absolute path of the configuration folder: the user's rules.
    pub config: PathBuf,
    /// The absolute path of the user's home folder.
    pub home: PathBuf,
    /// Answer in place of the agent's prompts.
    pub decide: bool,
    /// For every user of the machine: no folders are named, and the gate takes those of whoever runs it.
    pub managed: bool,
}

/// Why settings could not be changed, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallError(String);

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InstallError {}

/// What settings say about the gate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Registered {
    /// Events before a call on which the gate is registered, for every tool.
    pub guarded: Vec<String>,
    /// Events on which it should be and is not.
    pub missing: Vec<String>,
    /// Events on which the gate hears what happened.
    pub told: Vec<String>,
    /// The command lines of the entries.
    pub commands: Vec<String>,
    /// The executables that the entries call.
    pub programs: Vec<PathBuf>,
    /// The state folders that the entries name.
    pub states: Vec<PathBuf>,
    /// The configuration folders that the entries name.
    pub configs: Vec<PathBuf>,
    /// Settings that switch hooks off or around, in words.
    pub bypasses: Vec<String>,
}

/// How the gate is registered with an agent.
enum Way {
    /// Hooks in settings.
    Hooks(&'static Layout),
    /// Tables in TOML.
    Tables,
    /// A plugin of our own.
    Plugin,
    /// By hand.
    ByHand,
}

impl HookAgent {
    fn way(self) -> Way {
        match self {
            Self::ClaudeCode => Way::Hooks(&layouts::CLAUDE_CODE),
            Self::Codex => Way::Hooks(&layouts::CODEX),
            Self::Copilot => Way::Hooks(&layouts::COPILOT),
            Self::GeminiCli => Way::Hooks(&layouts::GEMINI_CLI),
            Self::Antigravity => Way::Hooks(&layouts::ANTIGRAVITY),
            Self::Cursor => Way::Hooks(&layouts::CURSOR),
            Self::QwenCode => Way::Hooks(&layouts::QWEN_CODE),
            Self::Windsurf => Way::Hooks(&layouts::WINDSURF),
            Self::Droid => Way::Hooks(&layouts::DROID),
            Self::Grok => Way::Hooks(&layouts::GROK),
            Self::OpenCode => Way::Plugin,
            Self::Kimi => Way::Tables,
            Self::Cline | Self::Kiro | Self::Amp | Self::Acp => Way::ByHand,
        }
    }

    /// The agent's own folder, below a home folder: where that is, the agent is.
    pub fn folder(self, home: &Path) -> PathBuf {
        home.join(match self {
            Self::ClaudeCode => ".claude",
            Self::Codex => ".codex",
            Self::Copilot => ".copilot",
            Self::GeminiCli => ".gemini",
            Self::Antigravity => ".gemini/config",
            Self::Cursor => ".cursor",
            Self::OpenCode => ".config/opencode",
            Self::QwenCode => ".qwen",
            Self::Windsurf => ".codeium/windsurf",
            Self::Cline => "Documents/Cline",
            Self::Droid => ".factory",
            Self::Grok => ".grok",
            Self::Kiro => ".kiro",
            Self::Kimi => ".kimi-code",
            Self::Amp => ".config/amp",
            Self::Acp => ".config/acp",
        })
    }

    /// The agent's user-level settings file that the gate is registered in, below a home folder.
    pub fn settings_path(self, home: &Path) -> PathBuf {
        self.folder(home).join(match self {
            Self::ClaudeCode | Self::GeminiCli | Self::QwenCode => "settings.json",
            Self::Codex | Self::Antigravity | Self::Cursor | Self::Windsurf | Self::Droid => {
                "hooks.json"
            }
            Self::Copilot | Self::Grok => "hooks/ringfence.json",
            Self::OpenCode => "plugin/ringfence.js",
            Self::Cline => "Rules/Hooks/PreToolUse",
            Self::Kiro => "agents",
            Self::Kimi => "config.toml",
            Self::Amp | Self::Acp => "settings.json",
        })
    }

    /// Whether `init` can register the gate with this agent.
    pub fn can_be_registered(self) -> bool {
        !matches!(self.way(), Way::ByHand)
    }

    /// The settings with the gate registered on every event it needs. Registering again changes
    /// nothing but the entries themselves.
    ///
    /// # Errors
    /// When the text is not settings of this agent: nothing is guessed at.
    pub fn register(self, settings: &str, gate: &Registration) -> Result<String, InstallError> {
        match self.way() {
            Way::Hooks(layout) => layout.register(settings, gate),
            Way::Tables => toml_hooks::register(settings, gate),
            Way::Plugin => plugin::register(gate),
            Way::ByHand => Err(self.by_hand()),
        }
    }

    /// The settings without the gate. What only held it goes too, unless it is in `theirs`, the
    /// settings as they were before.
    ///
    /// # Errors
    /// When the text is not settings of this agent.
    pub fn unregister(self, settings: &str, theirs: &str) -> Result<String, InstallError> {
        match self.way() {
            Way::Hooks(layout) => layout.unregister(settings, theirs),
            Way::Tables => Ok(toml_hooks::unregister(settings)),
            Way::Plugin => Ok(theirs.to_owned()),
            Way::ByHand => Err(self.by_hand()),
        }
    }

    /// What the settings say about the gate.
    ///
    /// # Errors
    /// When the text is not settings of this agent.
    pub fn registered(self, settings: &str) -> Result<Registered, InstallError> {
        match self.way() {
            Way::Hooks(layout) => layout.registered(settings),
            Way::Tables => toml_hooks::registered(settings),
            Way::Plugin => Ok(plugin::registered(settings)),
            Way::ByHand => Err(self.by_hand()),
        }
    }

    /// What is in the settings that [`HookAgent::register`] would not have written for this gate, in
    /// words. Empty: every event calls it, in just this way.
    ///
    /// # Errors
    /// When the text is not settings of this agent.
    pub fn deviations(
        self,
        settings: &str,
        gate: &Registration,
    ) -> Result<Vec<String>, InstallError> {
        match self.way() {
            Way::Hooks(layout) => layout.deviations(settings, gate),
            Way::Tables => toml_hooks::deviations(settings, gate),
            Way::Plugin => plugin::deviations(settings, gate),
            Way::ByHand => Err(self.by_hand()),
        }
    }

    /// What switches all hooks off in one of the agent's settings files, in words.
    ///
    /// # Errors
    /// When the text is not settings of this agent.
    pub fn switches(self, settings: &str) -> Result<Vec<String>, InstallError> {
        match self.way() {
            Way::Hooks(layout) => layout.switches(settings),
            Way::Tables | Way::Plugin | Way::ByHand => Ok(Vec::new()),
        }
    }

    /// Events before a call on which hooks of somebody else run as well: they may rewrite what was decided.
    ///
    /// # Errors
    /// When the text is not settings of this agent.
    pub fn shared(self, settings: &str) -> Result<Vec<String>, InstallError> {
        match self.way() {
            Way::Hooks(layout) => layout.shared(settings),
            Way::Tables | Way::Plugin | Way::ByHand => Ok(Vec::new()),
        }
    }

    /// The environment variable that moves the agent's own folder, where there is one.
    pub const fn moved_by(self) -> Option<&'static str> {
        match self {
            Self::ClaudeCode => Some("CLAUDE_CONFIG_DIR"),
            Self::Codex => Some("CODEX_HOME"),
            Self::Copilot => Some("COPILOT_HOME"),
            Self::GeminiCli => Some("GEMINI_CLI_HOME"),
            Self::OpenCode => Some("OPENCODE_CONFIG_DIR"),
            Self::QwenCode => Some("QWEN_HOME"),
            Self::Grok => Some("GROK_HOME"),
            Self::Antigravity
            | Self::Cursor
            | Self::Windsurf
            | Self::Cline
            | Self::Droid
            | Self::Kiro
            | Self::Kimi
            | Self::Amp
            | Self::Acp => None,
        }
    }

    /// Every settings file, beside the one that the gate is registered in, in which hooks could be switched
    /// off. `root` is where the system's own settings lie: `/`.
    pub fn other_settings(self, root: &Path, home: &Path, folders: &[&Path]) -> Vec<PathBuf> {
        let (system, names): (&[&str], &[&str]) = match self {
            Self::ClaudeCode => (
                &["etc/claude-code/managed-settings.json"],
                &["settings.json", "settings.local.json"],
            ),
            Self::GeminiCli => (&["etc/gemini-cli/settings.json"], &["settings.json"]),
            Self::QwenCode => (&["etc/qwen-code/settings.json"], &["settings.json"]),
            Self::Copilot => (&[], &["settings.json"]),
            Self::Grok => (&[], &["disabled-hooks"]),
            Self::Droid => (&[], &["settings.json", "settings.local.json", "hooks.json"]),
            Self::Codex
            | Self::Antigravity
            | Self::Cursor
            | Self::OpenCode
            | Self::Windsurf
            | Self::Cline
            | Self::Kiro
            | Self::Kimi
            | Self::Amp
            | Self::Acp => (&[], &[]),
        };
        let own = self.folder(home);
        let folders = folders.iter().map(|folder| self.folder(folder));
        let named =
            folders.chain([own]).flat_map(|folder| names.iter().map(move |it| folder.join(it)));
        system.iter().map(|path| root.join(path)).chain(named).collect()
    }

    fn by_hand(self) -> InstallError {
        let (name, kind) = (self.title(), self.as_str());
        InstallError(format!(
            "{name} is not registered with by itself; let its hooks call `ringfence hook {kind}`"
        ))
    }
}

impl Registration {
    /// The command line, quoted for a POSIX shell.
    fn command(&self, agent: HookAgent) -> String {
        let decide = if self.decide { " --decide" } else { "" };
        let [program, state, config, home] =
            [&self.program, &self.state, &self.config, &self.home].map(quote_path);
        let kind = agent.as_str();
        if self.managed {
            return format!("{program} hook {kind}{decide}");
        }
        format!("{program} hook {kind} --state {state} --config {config} --home {home}{decide}")
    }
}

fn quote_path(path: impl AsRef<Path>) -> String {
    quote(&path.as_ref().to_string_lossy())
}

pub(crate) fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+');
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// The executable of a command line of ours: `…/ringfence hook KIND …`.
fn program_of(command: &str, agent: HookAgent) -> Option<PathBuf> {
    let words = words(command);
    let at = words.windows(2).position(|pair| pair == ["hook", agent.as_str()])?;
    let path = PathBuf::from(words.get(at.checked_sub(1)?)?);
    let ours = path.file_stem().is_some_and(|name| name == "ringfence");
    ours.then_some(path)
}

/// The folder that a command line of ours names after this option.
fn folder_of(command: &str, option: &str) -> Option<PathBuf> {
    let mut words = words(command).into_iter();
    words.find(|word| word == option)?;
    words.next().map(PathBuf::from)
}

/// The words of a command line as a POSIX shell splits them, as far as quotes and backslashes go.
fn words(command: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), _) if c == open => quote = None,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for folder in ["/home/u/.state", "/home/u u/state", "/home/it's/'quoted'/x", "/a'"] {
            let gate = Registration {
                program: PathBuf::from(folder).join("ringfence"),
                state: folder.into(),
                config: "/c d".into(),
                home: folder.into(),
                decide: true,
                managed: false,
            };
            let command = gate.command(HookAgent::ClaudeCode);
            assert_eq!(program_of(&command, HookAgent::ClaudeCode), Some(gate.program.clone()));
            assert_eq!(folder_of(&command, "--state"), Some(gate.state.clone()), "{command}");
            assert_eq!(folder_of(&command, "--config"), Some(gate.config.clone()), "{command}");
            assert_eq!(folder_of(&command, "--home"), Some(gate.home.clone()), "{command}");
        }
    }
}
