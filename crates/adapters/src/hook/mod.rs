//! Hooks: what an agent tells before and after a call, and the answer it understands.
//!
//! Each agent has a dialect of its own: names of events, shapes of answers, and above all what it
//! takes for *no answer*, which nearly every agent treats as permission. So a denial is written in
//! the one form that held on every failure measured: one line of the agent's own JSON on standard
//! output, the reason on standard error as well, exit code 2, and nothing else.

mod claude_code;
mod inside;
mod own_rules;
mod strict;

use std::fmt;
use std::io::BufRead;

use ringfence_action::Action;
use serde_json::Value;

pub use self::inside::Inside;

/// An agent whose hooks are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HookAgent {
    /// Claude Code.
    ClaudeCode,
}

impl HookAgent {
    /// Every agent whose hooks are understood.
    pub const ALL: &'static [Self] = &[Self::ClaudeCode];

    /// The agent's kind, as on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
        }
    }

    /// The agent of this kind.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|agent| agent.as_str() == name)
    }

    /// Understands what the agent wrote to the hook's standard input.
    ///
    /// # Errors
    /// When it is not what the agent documents: the caller must then answer as to a call that
    /// nobody can judge.
    pub fn read(self, input: &[u8]) -> Result<HookInput, MalformedHook> {
        match self {
            Self::ClaudeCode => claude_code::read(input),
        }
    }

    /// Writes an answer in the agent's dialect. `event` is the agent's own name of the event.
    pub fn reply(self, event: &str, answer: &Answer) -> Reply {
        match self {
            Self::ClaudeCode => claude_code::reply(event, answer),
        }
    }

    /// What people typed, as this part of the agent's transcript of the session has it. `call` is the
    /// call that is about to run.
    ///
    /// `scripted`: what a program handed to the agent counts as its user's.
    pub fn typed(
        self,
        transcript: impl BufRead,
        session: &str,
        call: Option<&str>,
        scripted: bool,
    ) -> Typed {
        match self {
            Self::ClaudeCode => claude_code::typed(transcript, session, call, scripted),
        }
    }

    /// The environment variable that the agent gives to what its tool calls start.
    pub fn mark_of_tool_calls(self) -> &'static str {
        match self {
            Self::ClaudeCode => "CLAUDECODE",
        }
    }

    /// Whether an answer to this event can stop a call.
    pub fn decides(self, event: &str) -> bool {
        match self {
            Self::ClaudeCode => matches!(event, "PreToolUse" | "PermissionRequest"),
        }
    }

    /// The name of the event that comes before a call: what is assumed where the input does not
    /// even say what it is.
    pub const fn before_call(self) -> &'static str {
        match self {
            Self::ClaudeCode => "PreToolUse",
        }
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
}
