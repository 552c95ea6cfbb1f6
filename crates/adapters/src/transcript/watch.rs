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

use std::collections::VecDeque;
use std::io::BufRead;

use serde_json::{Map, Value};

pub use self::claude_code::ClaudeCode;
pub use self::codex::Codex;
pub use self::gemini_cli::GeminiCli;
pub use self::row::{is_row, row};
use super::lines::{Line, Lines};
use super::reader::Format;
use super::{Event, TranscriptError};

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
#[derive(Debug)]
pub struct Watcher<R, W: Watch> {
    lines: Lines<R>,
    format: W::Events,
    watch: W,
    read: u64,
    known: u64,
    first: Option<String>,
    ready: VecDeque<Moment>,
    done: bool,
}

impl<R: BufRead, W: Watch> Watcher<R, W> {
    /// A reader of one file.
    pub fn new(input: R) -> Self {
        Self {
            lines: Lines::new(input),
            format: W::Events::default(),
            watch: W::default(),
            read: 0,
            known: 0,
            first: None,
            ready: VecDeque::new(),
            done: false,
        }
    }

    /// Reads one more line; false at the end.
    fn advance(&mut self) -> Result<bool, TranscriptError> {
        let read = match self.lines.next() {
            Ok(Some(Line::Text { text, .. })) if text.trim().is_empty() => return Ok(true),
            Ok(Some(Line::Text { text, .. })) => lean::object(text),
            Ok(Some(Line::Bad(why))) => Err(why),
            Ok(None) => return Ok(false),
            Err(source) => return Err(TranscriptError::Read { line: self.read, source }),
        };
        self.read += 1;
        let told = read.and_then(|line| Ok((self.format.read(&line)?, line)));
        match told {
            Ok((known, line)) => {
                self.known += 1;
                let (at, session) = (known.header.at, known.header.session);
                let subagent = known.header.subagent.is_some();
                let doings = self.watch.look(&line, known.events);
                self.ready.extend(doings.into_iter().map(|doing| Moment {
                    at: at.clone(),
                    session: session.clone(),
                    subagent,
                    doing: set_going(doing),
                }));
            }
            Err(why) => {
                self.first.get_or_insert_with(|| why.clone());
                let doing = Doing::Event(Event::Skipped { why });
                self.ready.push_back(Moment { at: None, session: None, subagent: false, doing });
            }
        }
        Ok(true)
    }

    fn verdict_on_the_whole(&self) -> Option<TranscriptError> {
        match (self.known, &self.first) {
            (0, None) => Some(TranscriptError::Empty),
            (0, Some(first)) => Some(TranscriptError::NothingKnown {
                agent: W::Events::AGENT,
                lines: self.read,
                first: first.clone(),
                example: W::Events::EXAMPLE,
            }),
            _ => None,
        }
    }
}

impl<R: BufRead, W: Watch> Iterator for Watcher<R, W> {
    type Item = Result<Moment, TranscriptError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(moment) = self.ready.pop_front() {
                return Some(Ok(moment));
            }
            if self.done {
                return None;
            }
            match self.advance() {
                Ok(true) => {}
                Ok(false) => {
                    self.done = true;
                    return self.verdict_on_the_whole().map(Err);
                }
                Err(error) => {
                    self.done = true;
                    return Some(Err(error));
                }
            }
        }
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
