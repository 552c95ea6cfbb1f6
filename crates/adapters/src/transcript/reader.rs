//! What all readers have in common: line by line, each line by itself, trouble told and passed over.

use std::collections::VecDeque;
use std::io::BufRead;

use serde_json::{Map, Value};

use super::lines::{Line, Lines};
use super::{Entry, Event, TranscriptError};

/// The format of one agent's transcripts: JSON objects, one a line.
pub trait Format: Default {
    /// Whose transcripts.
    const AGENT: &'static str;
    /// What such a file is called.
    const EXAMPLE: &'static str;

    /// What a line says, or why it says nothing that could be understood.
    ///
    /// # Errors
    /// When the line is of no known type.
    fn read(&mut self, fields: &Map<String, Value>) -> Result<Known, String>;
}

/// A line of a known type.
#[derive(Debug)]
pub struct Known {
    pub(super) header: Header,
    pub(super) events: Vec<Event>,
}

/// What a line says about itself.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) at: Option<String>,
    pub(super) session: Option<String>,
    pub(super) subagent: Option<String>,
}

impl Header {
    fn entry(&self, line: u64, event: Event) -> Entry {
        Entry {
            line,
            at: self.at.clone(),
            session: self.session.clone(),
            subagent: self.subagent.clone(),
            event,
        }
    }
}

/// What is made of each line of a transcript.
pub trait Telling: Default {
    /// The format of the lines.
    type Format: Format;
    /// What a line tells, one of several.
    type Item;

    /// What a line tells; `last` where it has no line end.
    ///
    /// # Errors
    /// When the line is no JSON object, or of no known type.
    fn tell(&mut self, text: &str, last: bool, line: u64) -> Result<Vec<Self::Item>, String>;

    /// What is said of a line that was passed over.
    fn skipped(line: u64, why: String) -> Self::Item;
}

/// Reads a transcript.
///
/// Yields what it tells in the order of the file. The last item is an error where no line was known.
#[derive(Debug)]
pub struct Told<R, T: Telling> {
    lines: Lines<R>,
    telling: T,
    line: u64,
    known: u64,
    first: Option<String>,
    ready: VecDeque<T::Item>,
    done: bool,
}

impl<R: BufRead, T: Telling> Told<R, T> {
    /// A reader of one file.
    pub fn new(input: R) -> Self {
        Self {
            lines: Lines::new(input),
            telling: T::default(),
            line: 0,
            known: 0,
            first: None,
            ready: VecDeque::new(),
            done: false,
        }
    }

    /// Reads one more line into `ready`; false at the end.
    fn advance(&mut self) -> Result<bool, TranscriptError> {
        let line = self.line + 1;
        let told = match self.lines.next() {
            Ok(Some(Line::Text { text, .. })) if text.trim().is_empty() => Ok(None),
            Ok(Some(Line::Text { text, last })) => self.telling.tell(text, last, line).map(Some),
            Ok(Some(Line::Bad(why))) => Err(why),
            Ok(None) => return Ok(false),
            Err(source) => return Err(TranscriptError::Read { line: self.line, source }),
        };
        self.line = line;
        match told {
            Ok(None) => {}
            Ok(Some(items)) => {
                self.known += 1;
                self.ready.extend(items);
            }
            Err(why) => {
                self.first.get_or_insert_with(|| why.clone());
                self.ready.push_back(T::skipped(line, why));
            }
        }
        Ok(true)
    }

    fn verdict_on_the_whole(&self) -> Option<TranscriptError> {
        match (self.known, &self.first) {
            (0, None) => Some(TranscriptError::Empty),
            (0, Some(first)) => Some(TranscriptError::NothingKnown {
                agent: T::Format::AGENT,
                lines: self.line,
                first: first.clone(),
                example: T::Format::EXAMPLE,
            }),
            _ => None,
        }
    }
}

impl<R: BufRead, T: Telling> Iterator for Told<R, T> {
    type Item = Result<T::Item, TranscriptError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(Ok(item));
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

/// Reads a transcript for what happened in it.
pub type Reader<R, F> = Told<R, Entries<F>>;

/// The events of a transcript, each with its line.
#[derive(Debug, Default)]
pub struct Entries<F>(F);

impl<F: Format> Telling for Entries<F> {
    type Format = F;
    type Item = Entry;

    fn tell(&mut self, text: &str, last: bool, line: u64) -> Result<Vec<Entry>, String> {
        let Known { header, events } = self.0.read(&object(text, last)?)?;
        Ok(events.into_iter().map(|event| header.entry(line, event)).collect())
    }

    fn skipped(line: u64, why: String) -> Entry {
        Header::default().entry(line, Event::Skipped { why })
    }
}

fn object(text: &str, last: bool) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| {
        if last && error.is_eof() {
            "cut off at the end of the file; the agent was stopped while writing, or still runs"
                .to_owned()
        } else {
            format!("not a JSON object: {error}")
        }
    })
}

/// The text of content: a string, or the text blocks of a list.
pub(super) fn plain(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(blocks)) => blocks
            .iter()
            .filter_map(|block| block.as_str().or_else(|| block.get("text")?.as_str()))
            .collect::<Vec<_>>()
            .join("\n"),
        _ => String::new(),
    }
}

pub(super) fn string<'v>(fields: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    fields.get(name)?.as_str()
}

pub(super) fn flag(fields: &Map<String, Value>, name: &str) -> bool {
    fields.get(name).and_then(Value::as_bool) == Some(true)
}
