//! What is counted: one thing that happened in a session, whoever's session it was.

use serde::Serialize;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// When, in milliseconds since 1970, where the transcript tells.
    pub at: Option<i64>,
    /// Whether a subagent did it.
    pub subagent: bool,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A person typed something to the agent, words or a command.
    Prompt,
    /// Something else set the agent going: what it does now is nobody's turn.
    Woken,
    /// The agent wrote to its user.
    Spoke {
        /// What it wrote ends in a question.
        asks: bool,
    },
    /// The agent called a tool.
    Call {
        /// Its own name for the call.
        id: Option<String>,
        /// The same for the same tool with the same input.
        print: u64,
        /// The tool puts a question to the user.
        asks: bool,
        /// Whether it is of a kind that cannot be undone, where that was looked at.
        irreversible: Option<bool>,
        /// Whether the gate decided it; `None` where there was no gate yet.
        guarded: Option<bool>,
    },
    /// A call came back.
    Result {
        /// Of this call; the last one, if absent.
        id: Option<String>,
        /// Who let it run or stopped it, where the transcript tells.
        decided: Option<Decided>,
        /// How long the tool itself took, where the transcript tells.
        ran_ms: Option<u64>,
    },
    /// The agent's own record of how long a call waited for a person.
    Waited {
        /// The call.
        id: String,
        /// Milliseconds.
        ms: u64,
    },
    /// A person stopped the agent.
    Interrupted,
    /// How the agent asks, from here on.
    Mode(Mode),
    /// Nobody was at a prompt: the session was started by a program.
    Headless,
    /// The transcript records who let each call run, not only who stopped one.
    TellsDecisions,
    /// The transcript holds what the agent wrote to its user.
    TellsProse,
}

/// How a call was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// It was let run.
    pub accepted: bool,
    /// By whom or what.
    pub by: By,
}

/// Who or what decided a call, in the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A person at a prompt.
    Person,
    /// A permission rule.
    Rule,
    /// A hook.
    Hook,
    /// The agent's own classifier.
    Classifier,
    /// Settings or mode: nobody was asked.
    Config,
    /// Not told.
    Unknown,
}

impl By {
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

/// How an agent asks for permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Asks before what its rules do not allow.
    Asks,
    /// Edits files unasked, asks for the rest.
    Edits,
    /// A classifier answers in the person's place.
    Classifier,
    /// Everything runs unasked.
    Everything,
}
