//! Files of labelled rows, read into what is decided together: a session, or an action on its own.

use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

use ringfence_action::Action;
use ringfence_adapters::labelled::{Label, Row, Subject, WorkTree, work_tree};
use ringfence_adapters::transcript::{Event, without_notes};
use ringfence_classify::probe::{Reader, Report, Second};

use crate::exit::Problem;
use crate::input::{Line, Lines, Source, is_blank};
use crate::recording::{LONGEST_ROW, Place, Recording, Step};

/// A row that could not be judged, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bad {
    /// The name of the file, without its folders.
    pub(crate) file: String,
    pub(crate) line: u64,
    pub(crate) message: String,
}

/// What a call is known as.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    pub(crate) label: Option<Label>,
    pub(crate) category: Option<String>,
    pub(crate) tier: Option<String>,
}

/// A session, or one action in a session of its own.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) source: String,
    /// Whether it comes from a transcript; else from rows of actions.
    pub(crate) is_transcript: bool,
    /// Of the session as a whole, for a transcript.
    pub(crate) label: Option<Label>,
    pub(crate) recording: Recording,
    /// What is known of each call, in order.
    pub(crate) known: Vec<Known>,
    /// The line of its first row, to name it.
    pub(crate) line: u64,
}

impl Unit {
    /// A session in which nothing has happened yet.
    pub(crate) fn empty(session: String) -> Self {
        let recording = Recording { session, ..Recording::default() };
        let (source, label, known) = Default::default();
        Self { source, is_transcript: false, label, recording, known, line: 0 }
    }

    /// Adds an action of which nothing is known.
    pub(crate) fn push(&mut self, action: Action) {
        self.recording.steps.push(Step::Call(Box::new(action)));
        self.known.push(Known::default());
    }
}

/// A tool output, and what the probe made of it.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) label: Option<Label>,
    pub(crate) report: Report,
    pub(crate) elapsed_us: u64,
}

/// What one file holds.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) name: String,
    pub(crate) rows: u64,
    pub(crate) units: Vec<Unit>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) bad: Vec<Bad>,
}

/// A row of an action, until its session is complete.
struct Part {
    sequence: Option<u64>,
    action: Box<Action>,
    known: Known,
}

/// A session of actions as it is read.
struct Open {
    source: String,
    session: String,
    line: u64,
    parts: Vec<Part>,
}

/// Reads a file. What is no row is named; what can be read is read all the same.
pub(crate) fn read(path: &Path, second: Option<&dyn Second>) -> Result<Contents, Problem> {
    let source = Source::named(Some(path));
    let name = path.file_name().map_or_else(|| "-".into(), |name| name.to_string_lossy());
    let reader = Reader { second, ..Reader::default() };
    let mut contents = Contents { name: name.into_owned(), ..Contents::default() };
    let mut open: Vec<Open> = Vec::new();
    let mut places: HashMap<(String, String), usize> = HashMap::new();
    let mut lines = Lines::new(source.open("labelled rows")?, LONGEST_ROW);
    while let Some((line, text)) = lines.next().map_err(|error| source.unreadable(&error))? {
        let row = match text {
            Line::Bytes(bytes) if is_blank(&bytes) => continue,
            Line::Bytes(bytes) => row(&bytes),
            Line::TooLong(length) => {
                Err(format!("a row of {length} bytes is over the limit of {LONGEST_ROW}; split it"))
            }
        };
        contents.rows += 1;
        match row {
            Ok(row) => contents.take(row, line, &reader, &mut open, &mut places),
            Err(message) => contents.bad.push(Bad { file: contents.name.clone(), line, message }),
        }
    }
    contents.units.extend(open.into_iter().map(Open::close));
    Ok(contents)
}

fn row(bytes: &[u8]) -> Result<Row, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        format!("not UTF-8 at byte {}; encode the row as UTF-8", error.valid_up_to())
    })?;
    Row::parse(text).map_err(|error| error.to_string())
}

impl Contents {
    fn take(
        &mut self,
        row: Row,
        line: u64,
        reader: &Reader<'_>,
        open: &mut Vec<Open>,
        places: &mut HashMap<(String, String), usize>,
    ) {
        let Row { id, source, label, subject } = row;
        match subject {
            Subject::ToolOutput { text, .. } => {
                let text = without_notes(&text);
                #[expect(clippy::disallowed_methods, reason = "how long it takes is reported")]
                let started = Instant::now();
                let report = reader.read_both(text);
                let elapsed = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
                self.outputs.push(Output { id, source, label, report, elapsed_us: elapsed });
            }
            Subject::Transcript { events } => {
                self.units.push(transcript(id, source, label, events, line));
            }
            Subject::Action { action, category, tier, session, sequence } => {
                let part = Part { sequence, action, known: Known { label, category, tier } };
                let Some(session) = session else {
                    let parts = vec![part];
                    open.push(Open { source, session: id, line, parts });
                    return;
                };
                let key = (source.clone(), session.clone());
                let at = *places.entry(key).or_insert_with(|| {
                    open.push(Open { source, session, line, parts: Vec::new() });
                    open.len() - 1
                });
                if let Some(open) = open.get_mut(at) {
                    open.parts.push(part);
                }
            }
        }
    }
}

fn transcript(
    id: String,
    source: String,
    label: Option<Label>,
    mut events: Vec<(Event, Option<Label>)>,
    line: u64,
) -> Unit {
    settle(&mut events);
    let known = events
        .iter()
        .filter(|(event, _)| matches!(event, Event::Call { .. }))
        .map(|(_, label)| Known { label: *label, ..Known::default() })
        .collect();
    let recording = Recording::of(id, events.into_iter().map(|(event, _)| event));
    Unit { source, is_transcript: true, label, recording, known, line }
}

/// Gives calls of which no folder is known the one that their session's paths tell.
fn settle(events: &mut [(Event, Option<Label>)]) {
    let is_placed = |(event, _): &(Event, _)| matches!(event, Event::Call { cwd: Some(_), .. });
    if events.iter().any(is_placed) {
        return;
    }
    let texts: Vec<String> = events
        .iter()
        .filter_map(|(event, _)| match event {
            Event::Call { input, .. } => Some(input.to_string()),
            _ => None,
        })
        .collect();
    let Some(tree) = work_tree(texts.iter().map(String::as_str)) else { return };
    for (event, _) in events {
        if let Event::Call { cwd, .. } = event {
            *cwd = Some(tree.folder.clone());
        }
    }
}

impl Open {
    fn close(mut self) -> Unit {
        self.parts.sort_by_key(|part| part.sequence);
        let texts: Vec<String> =
            self.parts.iter().map(|part| part.action.input.to_string()).collect();
        // An action on its own says nothing of where it ran but what it is out for.
        let told = work_tree(texts.iter().map(String::as_str)).filter(|_| texts.len() > 1);
        let tree = told.unwrap_or_else(usual);
        let mut recording = Recording { session: self.session.clone(), ..Recording::default() };
        let mut known = Vec::new();
        for part in self.parts {
            recording.steps.push(Step::Call(Box::new(placed(*part.action, &tree, &self.session))));
            known.push(part.known);
        }
        let Self { source, line, .. } = self;
        Unit { source, is_transcript: false, label: None, recording, known, line }
    }
}

/// A project like any other.
fn usual() -> WorkTree {
    WorkTree { folder: "/home/u/proj".to_owned(), home: "/home/u".to_owned() }
}

/// The action in its session, and in a folder where it names none.
fn placed(mut action: Action, tree: &WorkTree, session: &str) -> Action {
    action.session = Some(session.to_owned());
    if action.cwd.is_none() {
        action.cwd = Some(tree.folder.clone());
        action.home = action.home.or_else(|| Some(tree.home.clone()));
        action.platform = Place::of(Some(&tree.folder)).platform;
        if action.workspace.is_empty() {
            action.workspace = vec![tree.folder.clone()];
        }
    }
    action
}
