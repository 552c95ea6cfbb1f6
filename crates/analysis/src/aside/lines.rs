//! Two texts, line by line: what is new, what is gone, and what is code.

use std::collections::HashMap;

use super::normal::normal;
use crate::value::Span;

/// Longer texts are looked at as far as this.
const MOST_BYTES: usize = 256 << 10;

/// Longer lines are no lines that a person wrote.
const LONGEST_LINE: usize = 4 << 10;

/// A line of code: comments and blank lines are left out.
#[derive(Debug)]
pub(super) struct Line<'t> {
    pub(super) text: &'t str,
    pub(super) normal: String,
    pub(super) span: Span,
    /// Only this one of the two texts has it.
    pub(super) alone: bool,
}

impl Line<'_> {
    /// Columns of white space in front.
    pub(super) fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start().len()
    }
}

/// What stood there and what stands there now.
#[derive(Debug)]
pub(super) struct Diff<'t> {
    /// Whether it is known what stood there.
    pub(super) has_old: bool,
    pub(super) old: Vec<Line<'t>>,
    pub(super) new: Vec<Line<'t>>,
}

impl<'t> Diff<'t> {
    pub(super) fn of(old: Option<&'t str>, new: &'t str) -> Self {
        let has_old = old.is_some();
        let (mut old, mut new) = (lines(old.unwrap_or_default()), lines(new));
        mark(&mut new, &old);
        mark(&mut old, &new);
        Self { has_old, old, new }
    }

    /// Lines that are new, with their places among all lines.
    pub(super) fn added(&self) -> impl Iterator<Item = (usize, &Line<'t>)> {
        self.new.iter().enumerate().filter(|(_, line)| line.alone)
    }

    /// Lines that are gone.
    pub(super) fn removed(&self) -> impl Iterator<Item = (usize, &Line<'t>)> {
        self.old.iter().enumerate().filter(|(_, line)| line.alone)
    }

    /// Whether the old text has this, in its normal spelling.
    pub(super) fn had(&self, phrase: &str) -> bool {
        self.old.iter().any(|line| line.normal.contains(phrase))
    }

    /// Whether the new text has this, in its normal spelling.
    pub(super) fn has(&self, phrase: &str) -> bool {
        self.new.iter().any(|line| line.normal.contains(phrase))
    }

    /// The new lines around this place.
    pub(super) fn around(&self, place: usize, distance: usize) -> &[Line<'t>] {
        let end = (place + distance + 1).min(self.new.len());
        self.new.get(place.saturating_sub(distance)..end).unwrap_or_default()
    }
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut at = 0;
    let mut found = Vec::new();
    for whole in text.split_inclusive('\n') {
        let start = at;
        at += whole.len();
        if at > MOST_BYTES {
            break;
        }
        let text = whole.trim_end();
        if text.len() <= LONGEST_LINE && !is_remark(text.trim_start()) {
            let span = Span::new(start, start + text.len());
            found.push(Line { text, normal: normal(text), span, alone: true });
        }
    }
    found
}

/// A comment, or nothing.
fn is_remark(line: &str) -> bool {
    let attribute = line.starts_with("#[") || line.starts_with("#!");
    line.is_empty()
        || (line.starts_with('#') && !attribute)
        || ["//", "/*", "* ", "*/", "<!--", "-- ", "; ", "\"\"\"", "'''"]
            .iter()
            .any(|mark| line.starts_with(mark))
}

/// Marks as common what both have, each line as often as the other text has it.
fn mark(lines: &mut [Line<'_>], others: &[Line<'_>]) {
    let mut there: HashMap<&str, usize> = HashMap::new();
    for line in others {
        *there.entry(line.normal.as_str()).or_default() += 1;
    }
    for line in lines {
        if let Some(left) = there.get_mut(line.normal.as_str()).filter(|left| **left > 0) {
            *left -= 1;
            line.alone = false;
        }
    }
}
