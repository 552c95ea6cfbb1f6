//! A session as a transcript tells it, whoever wrote the transcript.

use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use ringfence_action::path::is_within;
use ringfence_action::{Action, Agent, Facts, Platform};
use ringfence_adapters::labelled::{Row, Subject};
use ringfence_adapters::transcript::{
    Decider, Event, Format, PersonOutcome, Reader, claude_code, codex, gemini_cli, merge,
    without_notes,
};
use serde::Deserialize;
use serde::Serialize;
use serde::de::IgnoredAny;

use crate::exit::Failure;
use crate::input::{Line, Lines, Source, is_blank};

/// One session: what people said, what the agent asked for, how it ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recording {
    /// Its id.
    pub(crate) session: String,
    /// The folder in which it began.
    pub(crate) project: Option<String>,
    /// When it began, RFC 3339.
    pub(crate) started: Option<String>,
    /// In the order in which it happened.
    pub(crate) steps: Vec<Step>,
    /// What could not be read.
    pub(crate) troubles: Vec<Trouble>,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// The person typed something.
    Prompt(String),
    /// Something arrived in the person's role that the person did not type.
    Relayed(String),
    /// The agent called a tool.
    Call(Box<Action>),
    /// A call came back.
    Result { id: Option<String>, text: String, is_error: bool, person: Option<Person> },
}

/// What the person did about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Person {
    /// Was asked and said yes.
    Approved,
    /// Was asked and said no.
    Refused,
    /// Was not asked; the call ran.
    NotAsked,
    /// Was not asked; settings or a hook stopped the call.
    Blocked,
}

impl Person {
    /// The words for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::NotAsked => "not asked",
            Self::Blocked => "blocked",
        }
    }
}

impl Person {
    /// What was done, told to the person.
    pub(crate) const fn did(self) -> &'static str {
        match self {
            Self::Approved => "you approved",
            Self::Refused => "you refused",
            Self::NotAsked => "not asked",
            Self::Blocked => "blocked",
        }
    }
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A line that could not be read, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) file: PathBuf,
    /// Nothing where the whole file is meant.
    pub(crate) line: Option<u64>,
    pub(crate) message: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl Recording {
    /// What people typed.
    pub(crate) fn prompts(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Prompt(text) => Some(text.as_str()),
            Step::Relayed(_) | Step::Call(_) | Step::Result { .. } => None,
        })
    }

    /// A recording of a file in which nothing could be read.
    fn failed(file: &Path, message: String) -> Self {
        let trouble = Trouble { file: file.to_owned(), line: None, message };
        Self { troubles: vec![trouble], ..Self::default() }
    }
}

/// What is done with each recording.
type Each<'e> = dyn FnMut(&Recording) -> Result<(), Failure> + 'e;

/// Lines of labelled transcripts that are longer are not read: 64 MiB.
pub(crate) const LONGEST_ROW: usize = 64 << 20;

/// Reads the sessions of a transcript: one, or one for each row of labelled transcripts. What cannot
/// be read is a trouble of its recording; the rest is read all the same.
pub(crate) fn read(main: &Path, subagents: &[PathBuf], each: &mut Each<'_>) -> Result<(), Failure> {
    match is_labelled(main) {
        Ok(true) => labelled(main, each),
        Ok(false) => each(&session(main, subagents)),
        Err(message) => each(&Recording::failed(main, message)),
    }
}

#[expect(clippy::disallowed_methods, reason = "transcripts are what the user named")]
fn open(path: &Path) -> Result<BufReader<File>, String> {
    let unreadable = |error| format!("cannot be read: {error}; check its name and permissions");
    File::open(path).map(BufReader::new).map_err(unreadable)
}

/// Whether the first line is a row with `events`, which no agent's own transcript has.
fn is_labelled(path: &Path) -> Result<bool, String> {
    #[derive(Deserialize)]
    struct Probe {
        #[serde(rename = "events")]
        _events: Vec<IgnoredAny>,
    }
    let mut lines = Lines::new(open(path)?, LONGEST_ROW);
    while let Some((_, line)) = lines.next().map_err(|error| format!("cannot be read: {error}"))? {
        match line {
            Line::Bytes(line) if is_blank(&line) => {}
            Line::Bytes(line) => return Ok(serde_json::from_slice::<Probe>(&line).is_ok()),
            Line::TooLong(_) => return Ok(false),
        }
    }
    Ok(false)
}

/// The session of a transcript, in the first format that knows any of its lines.
fn session(main: &Path, subagents: &[PathBuf]) -> Recording {
    let as_claude_code = session_of::<claude_code::ClaudeCode>("claude-code", main, subagents);
    if as_claude_code.is_foreign() {
        let others = [
            session_of::<codex::Codex>("codex", main, &[]),
            session_of::<gemini_cli::GeminiCli>("gemini-cli", main, &[]),
        ];
        if let Some(other) = others.into_iter().find(|other| !other.is_foreign()) {
            return other;
        }
    }
    as_claude_code
}

fn session_of<F: Format>(agent: &str, main: &Path, subagents: &[PathBuf]) -> Recording {
    let mut files = Vec::new();
    let mut readers = Vec::new();
    let mut recording = Recording::default();
    for path in std::iter::once(main).chain(subagents.iter().map(PathBuf::as_path)) {
        match open(path) {
            Ok(file) => {
                files.push(path);
                readers.push(Reader::<_, F>::new(file));
            }
            Err(message) => {
                recording.troubles.push(Trouble { file: path.to_owned(), line: None, message });
            }
        }
    }
    recording.session = main.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut is_named = false;
    for (index, entry) in merge(readers) {
        let file = files.get(index).map_or(main, |file| file).to_owned();
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let message = error.to_string();
                // It says what its lines would say one by one.
                recording.troubles.retain(|trouble| trouble.file != file || trouble.line.is_none());
                recording.troubles.push(Trouble { file, line: None, message });
                continue;
            }
        };
        if let (false, Some(session)) = (is_named, entry.session) {
            recording.session = session;
            is_named = true;
        }
        recording.started = recording.started.or(entry.at);
        if let Event::Skipped { why: message } = entry.event {
            recording.troubles.push(Trouble { file, line: Some(entry.line), message });
        } else {
            recording.push(agent, entry.subagent, entry.event);
        }
    }
    recording
}

fn labelled(path: &Path, each: &mut Each<'_>) -> Result<(), Failure> {
    let source = Source::File(path.to_owned());
    let file = match open(path) {
        Ok(file) => file,
        Err(message) => return each(&Recording::failed(path, message)),
    };
    let mut lines = Lines::new(file, LONGEST_ROW);
    while let Some((number, line)) = lines.next().map_err(|error| source.unreadable(&error))? {
        let row = match line {
            Line::Bytes(line) if is_blank(&line) => continue,
            Line::Bytes(line) => row(&line),
            Line::TooLong(length) => {
                Err(format!("a row of {length} bytes is over the limit of {LONGEST_ROW}; split it"))
            }
        };
        match row {
            Ok(recording) => each(&recording)?,
            Err(message) => {
                let file = path.to_owned();
                let troubles = vec![Trouble { file, line: Some(number), message }];
                each(&Recording { troubles, ..Recording::default() })?;
            }
        }
    }
    Ok(())
}

fn row(line: &[u8]) -> Result<Recording, String> {
    let text = std::str::from_utf8(line).map_err(|error| {
        format!("not UTF-8 at byte {}; encode the row as UTF-8", error.valid_up_to())
    })?;
    let row = Row::parse(text).map_err(|error| error.to_string())?;
    let Subject::Transcript { events } = row.subject else {
        return Err(
            "a row without `events` is not a transcript; give actions to `ringfence check`"
                .to_owned(),
        );
    };
    Ok(Recording::of(row.id, events.into_iter().map(|(event, _)| event)))
}

impl Recording {
    /// A session of which these events are known.
    pub(crate) fn of(session: String, events: impl Iterator<Item = Event>) -> Self {
        let mut recording = Self { session, ..Self::default() };
        events.for_each(|event| recording.push("unknown", None, event));
        recording
    }

    /// Whether nothing in it was understood.
    fn is_foreign(&self) -> bool {
        self.steps.is_empty() && self.troubles.iter().any(|trouble| trouble.line.is_none())
    }

    fn push(&mut self, agent: &str, subagent: Option<String>, event: Event) {
        let step = match event {
            Event::User { text } => Step::Prompt(text),
            Event::Meta { text } | Event::Summary { text } => Step::Relayed(text),
            Event::Interrupted | Event::Skipped { .. } => return,
            Event::Call { id, tool, input, cwd } => {
                self.project = self.project.take().or_else(|| cwd.clone());
                let place = Place::of(cwd.as_deref().or(self.project.as_deref()));
                Step::Call(Box::new(Action {
                    id,
                    agent: Agent { kind: agent.to_owned(), subagent },
                    session: Some(self.session.clone()),
                    tool,
                    input,
                    cwd,
                    workspace: self.project.iter().cloned().collect(),
                    home: place.home,
                    platform: place.platform,
                    user_messages: Vec::new(),
                    facts: Facts::default(),
                }))
            }
            Event::Result { id, text, is_error, outcome } => {
                let text = without_notes(&text).to_owned();
                Step::Result { id, text, is_error, person: outcome.and_then(Person::of) }
            }
        };
        self.steps.push(step);
    }
}

impl Person {
    fn of(outcome: PersonOutcome) -> Option<Self> {
        match (outcome.by, outcome.accepted) {
            (Decider::Person, true) => Some(Self::Approved),
            (Decider::Person, false) => Some(Self::Refused),
            (Decider::Rule | Decider::Hook | Decider::Classifier | Decider::Config, true) => {
                Some(Self::NotAsked)
            }
            (Decider::Rule | Decider::Hook | Decider::Classifier | Decider::Config, false) => {
                Some(Self::Blocked)
            }
            (Decider::Unknown, _) => None,
        }
    }
}

/// Where a session ran, as far as the folder tells: transcripts do not say whose home it was.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) home: Option<String>,
    pub(crate) platform: Platform,
}

impl Place {
    /// What the working folder tells.
    pub(crate) fn of(cwd: Option<&str>) -> Self {
        let Some(cwd) = cwd else { return Self::default() };
        let under = |root: &str| {
            let rest = cwd.strip_prefix(root)?;
            let name = rest.split(['/', '\\']).next().filter(|name| !name.is_empty())?;
            Some(format!("{root}{name}"))
        };
        let is_drive = cwd.get(1..3) == Some(":\\");
        let (home, platform) = if is_drive {
            let drive = cwd.get(..3).unwrap_or_default();
            (under(&format!("{drive}Users\\")), Platform::Windows)
        } else if let Some(home) = under("/Users/") {
            (Some(home), Platform::Macos)
        } else if is_within("/root", cwd) {
            (Some("/root".to_owned()), Platform::Linux)
        } else {
            (under("/home/"), Platform::Linux)
        };
        Self { home, platform }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_tells_whose_home_it_was() {
        let home = |cwd| {
            let Place { home, platform } = Place::of(Some(cwd));
            (home.unwrap_or_default(), platform)
        };
        assert_eq!(home("/home/u/proj/x"), ("/home/u".to_owned(), Platform::Linux));
        assert_eq!(home("/Users/ann"), ("/Users/ann".to_owned(), Platform::Macos));
        assert_eq!(home("/root"), ("/root".to_owned(), Platform::Linux));
        assert_eq!(home("/rooty/x"), (String::new(), Platform::Linux));
        assert_eq!(home("/workspace"), (String::new(), Platform::Linux));
        assert_eq!(home("C:\\Users\\ann\\p"), ("C:\\Users\\ann".to_owned(), Platform::Windows));
    }
}
