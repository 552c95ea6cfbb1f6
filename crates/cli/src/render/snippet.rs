//! The agent's own words with some of them underlined.
//!
//! What an agent sent can be megabytes on one line and full of escape sequences. It is cut around
//! the words that matter and escaped before [`miette`] draws it; line numbers stay true.

use std::fmt;

use miette::{Diagnostic, GraphicalReportHandler, LabeledSpan, NamedSource, Severity, SourceCode};

use super::color::theme;
use super::text;

/// Longer lines are cut.
const LINE: usize = 160;
/// What is kept around the words that matter, in bytes.
const AROUND: usize = 48;
/// What is kept of a long piece of evidence at its beginning, in bytes.
const HEAD: usize = 96;

/// Words to underline, and what to say about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Byte offsets into the source, end-exclusive.
    pub(crate) span: [usize; 2],
    /// Safe to show.
    pub(crate) label: String,
}

/// A message about a piece of text. Its words must be safe to show; the source need not be.
#[derive(Debug)]
pub(crate) struct Snippet {
    severity: Severity,
    message: String,
    help: Option<String>,
    source: Option<NamedSource<String>>,
    labels: Vec<LabeledSpan>,
}

impl Snippet {
    /// A message.
    pub(crate) fn new(severity: Severity, message: String, help: Option<String>) -> Self {
        Self { severity, message, help, source: None, labels: Vec::new() }
    }

    /// The same message, pointing into a text.
    pub(crate) fn with_source(mut self, name: &str, source: &str, marks: &[Mark]) -> Self {
        let (shown, labels) = excerpt(source, marks);
        self.source = Some(NamedSource::new(text::printable(name), shown));
        self.labels = labels;
        self
    }

    /// As many lines of text as it takes, coloured.
    pub(crate) fn render(&self, width: usize) -> String {
        report(self, width)
    }
}

/// Draws any diagnostic the way all of them are drawn here.
pub(crate) fn report(diagnostic: &dyn Diagnostic, width: usize) -> String {
    let mut drawn = String::new();
    let handler = GraphicalReportHandler::new_themed(theme())
        .with_width(width)
        .with_links(false)
        .with_context_lines(1)
        .without_syntax_highlighting();
    // Writing to a string cannot fail, and a diagnostic whose snippet cannot be read still says
    // what it is about.
    if handler.render_report(&mut drawn, diagnostic).is_err() {
        drawn = format!("{diagnostic}\n");
    }
    drawn
}

impl fmt::Display for Snippet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Snippet {}

impl Diagnostic for Snippet {
    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty())
            .then(|| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}

/// The source as it can be shown, and the marks where they are then.
fn excerpt(source: &str, marks: &[Mark]) -> (String, Vec<LabeledSpan>) {
    let mut offsets: Vec<(usize, usize)> =
        marks.iter().flat_map(|mark| mark.span).map(|offset| (offset, 0)).collect();
    offsets.sort_unstable();
    let mut pending = offsets.iter_mut().peekable();
    let mut shown = String::new();
    let mut at = 0;
    for line in source.split_inclusive('\n') {
        let is_long = line.len() > LINE && line.chars().count() > LINE;
        let mut was_cut = false;
        for (offset, c) in line.char_indices() {
            let here = at + offset;
            while let Some((_, mapped)) = pending.next_if(|(wanted, _)| *wanted <= here) {
                *mapped = shown.len();
            }
            if c == '\n' {
                shown.push('\n');
            } else if is_long && offset > AROUND && !matters(here, marks) {
                if !was_cut {
                    shown.push('…');
                }
                was_cut = true;
                continue;
            } else if c == '\t' {
                shown.push(' ');
            } else {
                text::push(&mut shown, c);
            }
            was_cut = false;
        }
        at += line.len();
    }
    for (_, mapped) in pending {
        *mapped = shown.len();
    }
    let place = |wanted: usize| {
        offsets.iter().find(|(offset, _)| *offset == wanted).map_or(shown.len(), |(_, new)| *new)
    };
    let labels = marks
        .iter()
        .map(|mark| {
            let (start, end) = (place(mark.span[0]), place(mark.span[1]));
            let label = Some(mark.label.clone()).filter(|label| !label.is_empty());
            LabeledSpan::new(label, start, end.saturating_sub(start))
        })
        .collect();
    (shown, labels)
}

/// Whether a byte of a long line is near enough to a mark.
fn matters(at: usize, marks: &[Mark]) -> bool {
    marks.iter().any(|mark| {
        let [start, end] = mark.span;
        (start.saturating_sub(AROUND)..start + HEAD).contains(&at) && at < end + AROUND
            || (end.saturating_sub(AROUND)..end + AROUND).contains(&at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str, words: &str) -> (String, String) {
        let start = source.find(words).unwrap();
        let mark = Mark { span: [start, start + words.len()], label: "this".to_owned() };
        let (shown, labels) = excerpt(source, &[mark]);
        let (from, to) = (labels[0].offset(), labels[0].offset() + labels[0].len());
        let underlined = shown.get(from..to).unwrap().to_owned();
        (shown, underlined)
    }

    #[test]
    fn short_text_is_shown_whole_and_escaped() {
        assert_eq!(
            shown("a\u{1b}[31m rm -rf ~/\n\tb", "rm -rf ~/"),
            ("a\\u{1b}[31m rm -rf ~/\n b".to_owned(), "rm -rf ~/".to_owned())
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_words_that_matter() {
        let source = format!(
            "first line\necho {} && rm -rf / && echo {}",
            "x".repeat(9_000_000),
            "y".repeat(900)
        );
        let (shown, underlined) = shown(&source, "rm -rf /");
        assert_eq!(underlined, "rm -rf /");
        assert!(shown.len() < 400, "{shown}");
        assert!(shown.starts_with("first line\necho xxx"), "{shown}");
        assert_eq!(shown.matches('…').count(), 2, "{shown}");
    }

    #[test]
    fn evidence_as_long_as_the_command_keeps_both_ends() {
        let source = format!("python3 -c '{}' last", "z".repeat(5_000));
        let (shown, underlined) = shown(&source, &source);
        assert!(underlined.starts_with("python3 -c"), "{underlined}");
        assert!(underlined.ends_with("last"), "{underlined}");
        assert!(shown.len() < 400, "{shown}");
    }

    #[test]
    fn offsets_beyond_the_text_do_not_fail() {
        let mark = Mark { span: [90, 99], label: String::new() };
        assert_eq!(excerpt("abc", &[mark]).0, "abc");
    }
}
