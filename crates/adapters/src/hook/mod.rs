//! Hooks: what an agent tells before and after a call, and the answer it understands.
//!
//! Each agent has a dialect of its own: names of events, shapes of answers, and above all what it
//! takes for *no answer*, which nearly every agent treats as permission. So a denial is written in
//! the one form that held on every failure measured: one line of the agent's own JSON on standard
//! output, the reason on standard error as well, exit code 2, and nothing else.

mod acp;
mod amp;
mod antigravity;
mod around;
mod canary;
mod claude_code;
mod claude_like;
mod cline;
mod codex;
mod copilot;
mod cursor;
mod droid;
mod gemini_cli;
mod grok;
mod heartbeat;
mod inside;
mod kimi;
mod kiro;
mod message;
mod opencode;
mod own_rules;
mod qwen_code;
mod returned;
mod strict;
mod windsurf;

use std::fmt;
use std::io::BufRead;

use ringfence_action::Action;
use serde_json::Value;

pub use self::around::says_yes;
pub use self::canary::{CANARY, CANARY_DENIED, is_canary};
pub use self::heartbeat::Ran;
pub use self::inside::Inside;
pub use self::returned::{Replacement, words_of};

/// An agent whose hooks are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HookAgent {
    /// Claude Code.
    ClaudeCode,
    /// Codex.
    Codex,
    /// GitHub Copilot, on the command line and in VS Code.
    Copilot,
    /// Gemini CLI.
    GeminiCli,
    /// Antigravity.
    Antigravity,
    /// Cursor, the editor and its command-line agent.
    Cursor,
    /// OpenCode, through a plugin.
    OpenCode,
    /// Qwen Code.
    QwenCode,
    /// Windsurf.
    Windsurf,
    /// Cline.
    Cline,
    /// Factory Droid.
    Droid,
    /// Grok CLI.
    Grok,
    /// Kiro.
    Kiro,
    /// Kimi Code.
    Kimi,
    /// Amp, through its delegate.
    Amp,
    /// Any agent of the Agent Client Protocol.
    Acp,
}

/// What an agent says first of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beginning {
    /// That it begins.
    Start,
    /// Also a prompt: nothing is said when it begins, or not in every version.
    Prompt,
    /// Also a prompt, with which it says at the same time that it begins.
    PromptBesideStart,
    /// Whatever happens first: it speaks of calls alone.
    Anything,
}

/// How one agent speaks to its hooks.
trait Dialect: Sync {
    /// What the agent wrote to the hook's standard input.
    fn read(&self, input: &[u8]) -> Result<HookInput, MalformedHook>;

    /// The message whole, where the agent says a part of it in variables.
    fn complete(&self, input: Vec<u8>, _variable: &dyn Fn(&str) -> Option<String>) -> Vec<u8> {
        input
    }

    /// An answer to this event, as the agent understands it.
    fn reply(&self, event: &str, answer: &Answer) -> Reply;

    /// Whether an answer to this event can stop a call.
    fn decides(&self, event: &str) -> bool;

    /// The event that comes before a call.
    fn before_call(&self) -> &'static str;

    /// What people typed, as this part of the transcript has it. Where the format is not known, nothing:
    /// then a prompt may forbid, and never permits.
    fn typed(
        &self,
        _transcript: &mut dyn BufRead,
        _session: &str,
        _call: Option<&str>,
        _scripted: bool,
    ) -> Typed {
        Typed::default()
    }

    /// Whether a file of this name, without its extension, is the transcript of this session.
    fn is_transcript(&self, stem: &str, session: &str) -> bool {
        stem == session
    }

    /// The environment variable that the agent gives to what its tool calls start, where it gives one.
    fn mark_of_tool_calls(&self) -> Option<&'static str> {
        None
    }

    /// What the first message of a session may be.
    fn beginning(&self) -> Beginning {
        Beginning::Start
    }

    /// Whether the folder in which a command ends is where the next one begins.
    fn keeps_folder(&self) -> bool {
        false
    }

    /// The shell that a call runs in, as its own code names it.
    fn shell(&self) -> &'static str {
        "\"$0\""
    }

    /// The shell code of a call that the agent lets be rewritten.
    fn shell_code<'a>(&self, _action: &'a Action) -> Option<&'a str> {
        None
    }
}

impl HookAgent {
    /// Every agent whose hooks are understood.
    pub const ALL: &'static [Self] = &[
        Self::ClaudeCode,
        Self::Codex,
        Self::Copilot,
        Self::GeminiCli,
        Self::Antigravity,
        Self::Cursor,
        Self::OpenCode,
        Self::QwenCode,
        Self::Windsurf,
        Self::Cline,
        Self::Droid,
        Self::Grok,
        Self::Kiro,
        Self::Kimi,
        Self::Amp,
        Self::Acp,
    ];

    /// The agent's kind, as on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::Copilot => "copilot",
            Self::GeminiCli => "gemini-cli",
            Self::Antigravity => "antigravity",
            Self::Cursor => "cursor",
            Self::OpenCode => "opencode",
            Self::QwenCode => "qwen-code",
            Self::Windsurf => "windsurf",
            Self::Cline => "cline",
            Self::Droid => "droid",
            Self::Grok => "grok",
            Self::Kiro => "kiro",
            Self::Kimi => "kimi",
            Self::Amp => "amp",
            Self::Acp => "acp",
        }
    }

    /// The agent's name, for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::Codex => "Codex",
            Self::Copilot => "Copilot",
            Self::GeminiCli => "Gemini CLI",
            Self::Antigravity => "Antigravity",
            Self::Cursor => "Cursor",
            Self::OpenCode => "OpenCode",
            Self::QwenCode => "Qwen Code",
            Self::Windsurf => "Windsurf",
            Self::Cline => "Cline",
            Self::Droid => "Droid",
            Self::Grok => "Grok",
            Self::Kiro => "Kiro",
            Self::Kimi => "Kimi Code",
            Self::Amp => "Amp",
            Self::Acp => "an agent of the Agent Client Protocol",
        }
    }

    const fn dialect(self) -> &'static dyn Dialect {
        match self {
            Self::ClaudeCode => &claude_code::ClaudeCode,
            Self::Codex => &codex::Codex,
            Self::Copilot => &copilot::Copilot,
            Self::GeminiCli => &gemini_cli::GeminiCli,
            Self::Antigravity => &antigravity::Antigravity,
            Self::Cursor => &cursor::Cursor,
            Self::OpenCode => &opencode::OpenCode,
            Self::QwenCode => &qwen_code::QwenCode,
            Self::Windsurf => &windsurf::Windsurf,
            Self::Cline => &cline::Cline,
            Self::Droid => &droid::Droid,
            Self::Grok => &grok::Grok,
            Self::Kiro => &kiro::Kiro,
            Self::Kimi => &kimi::Kimi,
            Self::Amp => &amp::Amp,
            Self::Acp => &acp::Acp,
        }
    }

    /// The agent of this kind.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|agent| agent.as_str() == name)
    }

    /// The message whole, as [`HookAgent::read`] takes it: some agents say a part of it in variables of the
    /// hook's environment.
    pub fn complete(self, input: Vec<u8>, variable: &dyn Fn(&str) -> Option<String>) -> Vec<u8> {
        self.dialect().complete(input, variable)
    }

    /// Understands what the agent wrote to the hook's standard input.
    ///
    /// # Errors
    /// When it is not what the agent documents: the caller must then answer as to a call that
    /// nobody can judge.
    pub fn read(self, input: &[u8]) -> Result<HookInput, MalformedHook> {
        self.dialect().read(input)
    }

    /// Writes an answer in the agent's dialect. `event` is the agent's own name of the event.
    pub fn reply(self, event: &str, answer: &Answer) -> Reply {
        self.dialect().reply(event, answer)
    }

    /// What people typed, as this part of the agent's transcript of the session has it. `call` is the
    /// call that is about to run.
    ///
    /// `scripted`: what a program handed to the agent counts as its user's.
    pub fn typed(
        self,
        mut transcript: impl BufRead,
        session: &str,
        call: Option<&str>,
        scripted: bool,
    ) -> Typed {
        self.dialect().typed(&mut transcript, session, call, scripted)
    }

    /// Whether a file of this name, without its extension, is the transcript of this session.
    pub fn is_transcript(self, stem: &str, session: &str) -> bool {
        self.dialect().is_transcript(stem, session)
    }

    /// The environment variable that the agent gives to what its tool calls start, where it gives one.
    pub fn mark_of_tool_calls(self) -> Option<&'static str> {
        self.dialect().mark_of_tool_calls()
    }

    /// Whether the first that is heard of a session may be this. Anything else comes in mid-run.
    pub fn may_begin_with(self, event: &HookEvent) -> bool {
        match (event, self.dialect().beginning()) {
            (_, Beginning::Anything) => true,
            (HookEvent::Start { source }, _) => matches!(source.as_str(), "startup" | "clear"),
            (HookEvent::Prompt { .. }, Beginning::Prompt | Beginning::PromptBesideStart) => true,
            (_, Beginning::Start | Beginning::Prompt | Beginning::PromptBesideStart) => false,
        }
    }

    /// Whether, of a session that begins with this, the agent still has to say that it begins.
    pub fn still_announces(self, event: &HookEvent) -> bool {
        let is_prompt = matches!(event, HookEvent::Prompt { .. });
        is_prompt && self.dialect().beginning() == Beginning::PromptBesideStart
    }

    /// Whether an answer to this event can stop a call.
    pub fn decides(self, event: &str) -> bool {
        self.dialect().decides(event)
    }

    /// Whether the agent asks its user when it is told to; otherwise what should be asked about is refused.
    pub fn asks(self, event: &str) -> bool {
        self.reply(event, &Answer::Ask { reason: "?".to_owned() }).code != 2
    }

    /// Whether the agent takes something else for what a call returned, told at this event.
    pub fn replaces(self, event: &str) -> bool {
        const OTHER: &str = "something else";
        let other = Replacement::withheld(&Value::from(""), OTHER, String::new());
        self.reply(event, &Answer::Replace(other)).stdout.contains(OTHER)
    }

    /// What runs past the hooks, in words that follow "when".
    pub const fn ways_around(self) -> &'static [&'static str] {
        match self {
            Self::ClaudeCode => &[
                "started with `--bare`, `--safe-mode`, `--settings` or `--setting-sources`",
                "started with `CLAUDE_CONFIG_DIR` or another `HOME`",
                "a file is named with `@`",
            ],
            Self::Codex => &[
                "its hooks are not trusted: `/hooks` in Codex shows and changes that",
                "input is written to a command that runs already",
                "the hook is killed, missing or too slow",
            ],
            Self::Copilot => &["the hook is too slow"],
            Self::GeminiCli => &["the hook is killed or too slow"],
            Self::Cursor => &["it runs in the cloud"],
            Self::OpenCode => &["the plugin does not load"],
            Self::Antigravity
            | Self::Windsurf
            | Self::QwenCode
            | Self::Droid
            | Self::Grok
            | Self::Kiro
            | Self::Kimi => &["the hook is killed, missing or too slow"],
            Self::Amp => &["a rule of `amp.permissions` before the delegate speaks first"],
            Self::Acp => &["it does not ask its editor"],
            Self::Cline => &[],
        }
    }

    /// The name of the event that comes before a call: what is assumed where the input does not
    /// even say what it is.
    pub fn before_call(self) -> &'static str {
        self.dialect().before_call()
    }
}

/// What a part of a transcript says of people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Typed {
    /// Their words, oldest first.
    pub words: Vec<String>,
    /// Whether the call that is about to run is there: then everything before it is too.
    pub has_call: bool,
    /// Calls that have come back, or were refused.
    pub done: Vec<String>,
}

/// One message of an agent to its hook.
#[derive(Debug, Clone, PartialEq)]
pub struct HookInput {
    /// The agent's own name of the event.
    pub name: String,
    /// The agent's own id of the session.
    pub session: String,
    /// The folder the agent works in.
    pub cwd: Option<String>,
    /// Where the agent keeps its transcript.
    pub transcript: Option<String>,
    /// The subagent's id, where one speaks.
    pub subagent: Option<String>,
    /// What happened.
    pub event: HookEvent,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum HookEvent {
    /// A call is about to run.
    Before {
        /// The call.
        action: Box<Action>,
        /// The agent's id of it.
        call: Option<String>,
    },
    /// The agent is about to ask its user about a call.
    Permission {
        /// The call.
        action: Box<Action>,
    },
    /// A call has run.
    After {
        /// The call as it ran.
        action: Box<Action>,
        /// The agent's id of it.
        call: Option<String>,
        /// What it returned, in the agent's own shape.
        response: Value,
        /// Whether it failed.
        failed: bool,
    },
    /// The user said something, or something arrived as if they had.
    Prompt {
        /// Words that a person typed, if the agent's transcript has them as such.
        said: Vec<String>,
        /// Words that came with them and are not a person's.
        relayed: Vec<String>,
    },
    /// The session begins, or goes on after a break.
    Start {
        /// `startup`, `resume`, `clear`, `compact`, `fork`.
        source: String,
    },
    /// The session is over.
    End,
    /// Somebody changed the agent's settings while it runs.
    ConfigChange {
        /// Whose settings, in the agent's own word.
        source: String,
        /// The file.
        path: Option<String>,
    },
    /// Something else that is only recorded.
    Other,
}

/// Why a message of an agent was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedHook {
    /// The event, where that much could be read.
    pub event: Option<String>,
    problem: String,
}

impl fmt::Display for MalformedHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for MalformedHook {}

/// What the agent is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Nothing: the agent's own rules and prompts apply.
    NoOpinion,
    /// Go ahead without asking.
    Allow {
        /// Why, in few words.
        reason: String,
    },
    /// Ask the user.
    Ask {
        /// About what.
        reason: String,
    },
    /// Go ahead with other input than was asked for.
    Rewrite {
        /// The whole new input.
        input: Value,
        /// Why.
        reason: String,
        /// Whether the agent may run it without asking its user.
        decided: bool,
    },
    /// No.
    Deny {
        /// Why, and what to do instead. Never empty.
        reason: String,
    },
    /// Beside what the agent reads next.
    Context {
        /// The words.
        text: String,
    },
    /// Instead of what the call returned, this. Where the agent takes nothing else for it, the note alone.
    Replace(Replacement),
}

/// What a hook process writes, and how it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The only bytes on standard output.
    pub stdout: String,
    /// For standard error.
    pub stderr: String,
    /// The exit code.
    pub code: u8,
}

impl Reply {
    const fn silent() -> Self {
        Self { stdout: String::new(), stderr: String::new(), code: 0 }
    }

    /// One line of JSON.
    fn line(output: &Value) -> Self {
        Self { stdout: format!("{output}\n"), ..Self::silent() }
    }

    /// The same, as a denial: the reason on standard error too, and exit code 2.
    fn refusing(self, reason: &str) -> Self {
        let reason = if reason.is_empty() { "ringfence: no" } else { reason };
        Self { stderr: format!("{reason}\n"), code: 2, ..self }
    }
}
