//! Registering the gate with an agent, and telling whether it is registered.
//!
//! Pure: settings text in, settings text out. What a person wrote stays as it is, comments and order
//! included; only entries that call `ringfence hook` are ours, and only those are added, replaced or
//! removed.

mod claude_code;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::hook::HookAgent;

/// How the agent shall call the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The absolute path of the executable.
    pub program: PathBuf,
    /// The absolute path of the state folder.
    pub state: PathBuf,
    /// Answer in place of the agent's prompts.
    pub decide: bool,
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
    /// The executables that the entries call.
    pub programs: Vec<PathBuf>,
    /// Settings that switch hooks off or around, in words.
    pub bypasses: Vec<String>,
}

impl HookAgent {
    /// The agent's user-level settings file, below a home folder.
    pub fn settings_path(self, home: &Path) -> PathBuf {
        match self {
            Self::ClaudeCode => home.join(".claude/settings.json"),
        }
    }

    /// The settings with the gate registered on every event it needs. Registering again changes
    /// nothing but the entries themselves.
    ///
    /// # Errors
    /// When the text is not settings of this agent: nothing is guessed at.
    pub fn register(self, settings: &str, gate: &Registration) -> Result<String, InstallError> {
        match self {
            Self::ClaudeCode => claude_code::register(settings, gate),
        }
    }

    /// The settings without the gate.
    ///
    /// # Errors
    /// When the text is not settings of this agent.
    pub fn unregister(self, settings: &str) -> Result<String, InstallError> {
        match self {
            Self::ClaudeCode => claude_code::unregister(settings),
        }
    }

    /// What the settings say about the gate.
    ///
    /// # Errors
    /// When the text is not settings of this agent.
    pub fn registered(self, settings: &str) -> Result<Registered, InstallError> {
        match self {
            Self::ClaudeCode => claude_code::registered(settings),
        }
    }
}

impl Registration {
    /// The command line, quoted for a POSIX shell.
    fn command(&self, agent: HookAgent) -> String {
        let quote = |path: &Path| quote(&path.to_string_lossy());
        let decide = if self.decide { " --decide" } else { "" };
        let (program, state) = (quote(&self.program), quote(&self.state));
        format!("{program} hook {} --state {state}{decide}", agent.as_str())
    }
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
    let (program, _) = command.split_once(&format!(" hook {}", agent.as_str()))?;
    let program = program.trim();
    let program = match program.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        Some(quoted) => quoted.replace("'\\''", "'"),
        None => program.to_owned(),
    };
    let path = PathBuf::from(program);
    let ours = path.file_stem().is_some_and(|name| name == "ringfence");
    ours.then_some(path)
}
