//! The second score: what something slower makes of the parts of a text that the first score likes most.
//!
//! It is asked where the first score does not taint, and can only add: a text that it does not speak about, for want
//! of time or of a model, is what the first score says that it is.

use std::fmt;

use super::{Finding, Kind, Model, Report, scan_with};

/// What reads the meaning of a text.
pub trait Second: fmt::Debug + Send + Sync {
    /// Reads the parts of a text that the first score likes most: [`Report::liked`] of `first`, which `model` made.
    /// Takes a bounded time, and says so where that was not enough.
    fn read(&self, model: Model<'_>, text: &str, first: &Report) -> Meaning;
}

/// What the second score came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Meaning {
    /// From 0 to 1, of both scores together: how much the text looks like one that was made to instruct an agent.
    /// Nothing where no window was read.
    pub score: Option<f64>,
    /// Whether the session that read this is to be trusted less.
    pub taints: bool,
    /// Where it looks most like it: byte offsets into the text, end-exclusive.
    pub span: [usize; 2],
    /// How many windows were read, and how many there were to read.
    pub windows: [usize; 2],
    /// Why not all of them were.
    pub problem: Option<String>,
}

impl Meaning {
    /// Nothing could be read.
    pub fn unread(problem: impl Into<String>) -> Self {
        let problem = Some(problem.into());
        Self { score: None, taints: false, span: [0, 0], windows: [0, 0], problem }
    }
}

/// In place of one that cannot be asked.
#[derive(Debug, Clone)]
pub struct Unavailable {
    /// Why it cannot.
    pub problem: String,
}

impl Second for Unavailable {
    fn read(&self, _: Model<'_>, _: &str, _: &Report) -> Meaning {
        Meaning::unread(&self.problem)
    }
}

/// Who reads a text.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// The first score.
    pub model: Model<'a>,
    /// The second, where the user has one.
    pub second: Option<&'a dyn Second>,
}

impl Default for Reader<'_> {
    fn default() -> Self {
        Self { model: Model::trained(), second: None }
    }
}

impl Reader<'_> {
    /// Looks at a whole text; the second score is asked where the first does not taint.
    pub fn read(&self, text: &str) -> Report {
        let mut report = scan_with(self.model, text);
        if !report.taints {
            self.ask(text, &mut report);
        }
        report
    }

    /// Looks at a whole text with both scores, to measure them.
    pub fn read_both(&self, text: &str) -> Report {
        let mut report = scan_with(self.model, text);
        self.ask(text, &mut report);
        report
    }

    fn ask(&self, text: &str, report: &mut Report) {
        let Some(second) = self.second.filter(|_| !text.trim().is_empty()) else { return };
        let meaning = second.read(self.model, text, report);
        if meaning.taints {
            let why = "it means what an instruction to an agent means".to_owned();
            let (span, confidence) = (meaning.span, meaning.score.unwrap_or_default());
            // It is the reason only where there is no other.
            let place = if report.taints { report.findings.len() } else { 0 };
            report.findings.insert(place, Finding { kind: Kind::Meaning, span, why, confidence });
            report.taints = true;
        }
        report.second = Some(meaning);
    }
}
