//! What a transcript tells about the people beside an agent: when they typed, what they let run, when they
//! stopped it, and whether it asked.
//!
//! Whose words a line holds and who decided a call is told by the readers of [`super`], in one place for all
//! that is made of it. What is read here beside them: when the agent wrote to its user, how it asks for permission, and
//! how long calls waited. Of each line only what is needed is kept ([`lean`]): results and file contents are
//! most of a transcript, and nobody counts them.

mod claude_code;
mod codex;
mod gemini_cli;
pub(crate) mod lean;
mod row;

use serde_json::{Map, Value};

pub use self::claude_code::ClaudeCode;
pub use self::codex::Codex;
pub use self::gemini_cli::GeminiCli;
pub use self::row::{is_row, row};
use super::Event;
use super::reader::{Format, Telling, Told};

/// One thing, when it happened, and whose it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// When, RFC 3339, as the transcript has it.
    pub at: Option<String>,
    /// The session that the line belongs to.
    pub session: Option<String>,
    /// Whether a subagent speaks.
    pub subagent: bool,
    /// What happened.
    pub doing: Doing,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Doing {
    /// What every reader of transcripts tells.
    Event(Event),
    /// A person set the agent going by a command, not by words.
    Commanded,
    /// Something else than a person set the agent going: a task that ended, another agent.
    Woken,
    /// The agent wrote to its user; whether what it wrote ends in a question.
    Spoke {
        /// It does.
        asks: bool,
    },
    /// How long a call waited for a person, in milliseconds.
    Waited {
        /// The call.
        id: String,
        /// Milliseconds.
        ms: u64,
    },
    /// How the agent asks for permission, from here on.
    Asking(Asking),
    /// Nobody is at a prompt: a program started the session.
    Headless,
    /// The transcript records who let each call run.
    TellsDecisions,
    /// The transcript holds what the agent writes to its user.
    TellsProse,
}

/// How an agent asks for permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// Before what its rules do not allow.
    Asks,
    /// Not for edits of files.
    Edits,
    /// A classifier answers.
    Classifier,
    /// Everything runs.
    Never,
}

/// How one agent's transcripts tell it.
pub trait Watch: Default {
    /// Its events.
    type Events: Format;

    /// The word for the agent.
    const KIND: &'static str;

    /// What a line tells: its events as they were read, and what stands beside them.
    fn look(&mut self, line: &Map<String, Value>, events: Vec<Event>) -> Vec<Doing>;
}

/// Reads a transcript for the people beside the agent. Lines that cannot be read are
/// [`Event::Skipped`]; a transcript without a known line ends in an error.
pub type Watcher<R, W> = Told<R, Moments<W>>;

/// What a transcript tells about people, line by line.
#[derive(Debug, Default)]
pub struct Moments<W: Watch> {
    format: W::Events,
    watch: W,
}

impl<W: Watch> Telling for Moments<W> {
    type Format = W::Events;
    type Item = Moment;

    fn tell(&mut self, text: &str, _: bool, _: u64) -> Result<Vec<Moment>, String> {
        let line = lean::object(text)?;
        let known = self.format.read(&line)?;
        let (at, session) = (known.header.at, known.header.session);
        let subagent = known.header.subagent.is_some();
        let doings = self.watch.look(&line, known.events).into_iter().map(set_going);
        let moment = |doing| Moment { at: at.clone(), session: session.clone(), subagent, doing };
        Ok(doings.map(moment).collect())
    }

    fn skipped(_: u64, why: String) -> Moment {
        let doing = Doing::Event(Event::Skipped { why });
        Moment { at: None, session: None, subagent: false, doing }
    }
}

/// Tools by which agents put a question to their user.
const QUESTIONS: &[&str] = &[
    "AskUserQuestion",
    "ask_followup_question",
    "ask_user",
    "ask_user_question",
    "request_user_input",
];

/// Whether a tool puts a question to the user.
pub fn is_question(tool: &str) -> bool {
    QUESTIONS.contains(&tool)
}

/// Starts of what stands in the user's role where a person gave a command.
const COMMANDS: &[&str] = &["<command-name>", "<command-message>", "<bash-input>"];

/// And where the agent goes on by itself.
const WAKES: &[&str] = &[
    "<task-notification",
    "<teammate-message",
    "Another Claude session sent a message:",
    "[SYSTEM NOTIFICATION",
];

/// Text that no person typed may still have set the agent going.
pub(crate) fn set_going(doing: Doing) -> Doing {
    let Doing::Event(Event::Meta { text }) = &doing else { return doing };
    let start = text.trim_start();
    if COMMANDS.iter().any(|it| start.starts_with(it)) {
        Doing::Commanded
    } else if WAKES.iter().any(|it| start.starts_with(it)) {
        Doing::Woken
    } else {
        doing
    }
}

/// Whether words to a person end in a question.
fn ends_in_question(text: &str) -> bool {
    let end = text.trim_end().trim_end_matches(['*', '_', '"', '`', ')', '”', '’']);
    end.ends_with(['?', '？'])
}
