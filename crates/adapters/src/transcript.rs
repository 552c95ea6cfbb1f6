//! What agents keep on disk about their sessions, as one stream of events.
//!
//! A reader takes anything that gives lines and yields [`Entry`]s, one line in memory at a time. Whose
//! words a line holds is decided here, once, and strictly: only what a person typed is
//! [`Event::User`]. Much else arrives in the user's role — results, command output, notifications,
//! hook feedback, summaries, plans handed over, a subagent's task — and is [`Event::Meta`] or
//! [`Event::Summary`]. Such text may bind an agent but never clears anything.
//!
//! Formats of transcripts are internal to the agents and change. A line that cannot be read becomes
//! [`Event::Skipped`] and says why; a file in which no line is known is an error.

pub mod claude_code;
pub mod codex;
pub mod gemini_cli;
mod lines;
mod merge;
mod notes;
mod reader;
pub(crate) mod said;
pub mod watch;

use std::fmt;
use std::io;

use serde_json::Value;

pub use merge::{Merged, merge};
pub use notes::without_notes;
pub use reader::{Format, Known, Reader};

/// One event and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The line, counted from one.
    pub line: u64,
    /// When, RFC 3339, as the transcript has it.
    pub at: Option<String>,
    /// The session that the line belongs to.
    pub session: Option<String>,
    /// The subagent that speaks, if it is one.
    pub subagent: Option<String>,
    /// What happened.
    pub event: Event,
}

/// What happened in a session.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A person typed this.
    User {
        /// The words.
        text: String,
    },
    /// Text in the user's role that no person typed as a prompt: command output, notifications,
    /// caveats, hooks, plans, slash commands, a subagent's task.
    Meta {
        /// The words.
        text: String,
    },
    /// What is left of a conversation that was compacted.
    Summary {
        /// The words.
        text: String,
    },
    /// The person stopped the agent.
    Interrupted,
    /// The agent called a tool.
    Call {
        /// The agent's name for this call.
        id: Option<String>,
        /// The tool.
        tool: String,
        /// Its input, in the agent's own shape.
        input: Value,
        /// The working folder.
        cwd: Option<String>,
    },
    /// A call came back.
    Result {
        /// Of this call.
        id: Option<String>,
        /// What the agent got to read.
        text: String,
        /// Whether the call failed or was refused.
        is_error: bool,
        /// Who let it run or stopped it, where the transcript tells.
        outcome: Option<PersonOutcome>,
    },
    /// A line that could not be read, and why.
    Skipped {
        /// What is wrong, and what to do about it.
        why: String,
    },
}

/// Whether a call was let run, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PersonOutcome {
    /// It was let run.
    pub accepted: bool,
    /// By whom or what.
    pub by: Decider,
}

/// Who or what answered when a call asked for permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Decider {
    /// A person, at a prompt.
    Person,
    /// A permission rule.
    Rule,
    /// A hook.
    Hook,
    /// The agent's own classifier.
    Classifier,
    /// The agent's settings or mode: nobody was asked.
    Config,
    /// Not told.
    Unknown,
}

impl Decider {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Rule => "rule",
            Self::Hook => "hook",
            Self::Classifier => "classifier",
            Self::Config => "config",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Decider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Messages in the user's role, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Messages {
    /// What a person typed, in order.
    pub typed: Vec<String>,
    /// The rest: summaries, plans handed over, output, notifications.
    pub relayed: Vec<String>,
}

/// Takes messages in the user's role apart, as those of a transcript are.
pub fn typed(messages: &[String]) -> Messages {
    let mut found = Messages::default();
    for part in messages.iter().flat_map(|message| said::take_apart(message)) {
        match part {
            said::Said::User(text) => found.typed.push(text),
            said::Said::Meta(text) | said::Said::Summary(text) => found.relayed.push(text),
            said::Said::Interrupted => {}
        }
    }
    found
}

/// Why a transcript cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    /// Reading failed.
    #[error("reading stopped after line {line}: {source}; check the file and its disk")]
    Read {
        /// The last line that was read.
        line: u64,
        /// Why.
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("the transcript is empty; name one with a session in it")]
    Empty,
    /// No line is of a known kind.
    #[error(
        "none of its {lines} lines is one of a {agent} transcript (the first: {first}); name a file \
         such as {example}"
    )]
    NothingKnown {
        /// Whose transcript was expected.
        agent: &'static str,
        /// How many lines there are.
        lines: u64,
        /// What is wrong with the first.
        first: String,
        /// What a file is called that would do.
        example: &'static str,
    },
}
