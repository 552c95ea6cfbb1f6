//! Two texts, line by line: what is new, what is gone, and what is code.
//!
//! Whatever is asked here again and again is answered from what was counted once, so that all of a change
//! is compared in a time that grows with its length and no faster.

use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;
use std::rc::Rc;

use super::MOST_BYTES;
use super::names::names;
use super::normal::normal;
use super::remarks::Remarks;
use crate::value::Span;

/// Longer lines are looked at in pieces of at most so many bytes.
const LONGEST_LINE: usize = 1 << 10;

/// So much of a piece, at least, stands at the beginning of the next one as well.
const OVERLAP: usize = 128;

/// Names that are made of more are made up.
const LONGEST_NAME: usize = 256;

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
        indent(self.text)
    }
}

/// Columns of white space in front.
pub(super) fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// One of the two texts.
#[derive(Debug)]
pub(super) struct Side<'t> {
    pub(super) lines: Vec<Line<'t>>,
    joined: OnceCell<Joined>,
    /// The lines with a phrase, as far as somebody asked.
    index: RefCell<HashMap<&'static str, Rc<[usize]>>>,
}

/// All lines in their normal spelling, one below the other.
#[derive(Debug)]
struct Joined {
    text: String,
    /// Where each line begins.
    starts: Vec<usize>,
}

impl<'t> Side<'t> {
    fn of(path: &str, text: &'t str) -> Self {
        let lines = lines(path, text.get(..text.floor_char_boundary(MOST_BYTES)).unwrap_or(text));
        Self { lines, joined: OnceCell::new(), index: RefCell::default() }
    }

    /// The places of the lines that have this phrase, in its normal spelling.
    pub(super) fn with(&self, phrase: &'static str) -> Rc<[usize]> {
        if let Some(found) = self.index.borrow().get(phrase) {
            return found.clone();
        }
        let joined = self.joined.get_or_init(|| Joined::of(&self.lines));
        let mut places: Vec<usize> = Vec::new();
        for (at, _) in joined.text.match_indices(phrase) {
            let place = joined.starts.partition_point(|start| *start <= at).saturating_sub(1);
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
        let found: Rc<[usize]> = places.into();
        self.index.borrow_mut().insert(phrase, found.clone());
        found
    }

    /// Whether a line has this phrase, in its normal spelling.
    pub(super) fn has(&self, phrase: &'static str) -> bool {
        !self.with(phrase).is_empty()
    }

    /// Whether a line at one of these places has this phrase.
    fn has_in(&self, places: &RangeInclusive<usize>, phrase: &'static str) -> bool {
        let with = self.with(phrase);
        let first = with.partition_point(|place| place < places.start());
        with.get(first).is_some_and(|place| place <= places.end())
    }

    /// Whether the line at this place or one that is so near has this phrase.
    pub(super) fn has_near(&self, place: usize, distance: usize, phrase: &'static str) -> bool {
        self.has_in(&(place.saturating_sub(distance)..=place + distance), phrase)
    }

    /// Whether one of these words stands at one of these places.
    pub(super) fn says_in(&self, places: &RangeInclusive<usize>, words: &[&'static str]) -> bool {
        words.iter().any(|word| self.has_in(places, word))
    }

    /// Whether one of these words stands there or near.
    pub(super) fn says(&self, place: usize, distance: usize, words: &[&'static str]) -> bool {
        self.says_in(&(place.saturating_sub(distance)..=place + distance), words)
    }

    /// The lines around this place.
    pub(super) fn around(&self, place: usize, distance: usize) -> &[Line<'t>] {
        let end = (place + distance + 1).min(self.lines.len());
        self.lines.get(place.saturating_sub(distance)..end).unwrap_or_default()
    }

    /// Lines that the other text does not have, with their places among all lines.
    fn alone(&self) -> impl Iterator<Item = (usize, &Line<'t>)> {
        self.lines.iter().enumerate().filter(|(_, line)| line.alone)
    }
}

impl Joined {
    fn of(lines: &[Line<'_>]) -> Self {
        let (mut text, mut starts) = (String::new(), Vec::with_capacity(lines.len()));
        for line in lines {
            starts.push(text.len());
            text.push_str(&line.normal);
            text.push('\n');
        }
        Self { text, starts }
    }
}

/// What stood there and what stands there now.
#[derive(Debug)]
pub(super) struct Diff<'t> {
    /// Whether it is known what stood there.
    pub(super) has_old: bool,
    pub(super) old: Side<'t>,
    pub(super) new: Side<'t>,
}

impl<'t> Diff<'t> {
    pub(super) fn of(path: &str, old: Option<&'t str>, new: &'t str) -> Self {
        let has_old = old.is_some();
        let mut old = Side::of(path, old.unwrap_or_default());
        let mut new = Side::of(path, new);
        mark(&mut new.lines, &old.lines);
        mark(&mut old.lines, &new.lines);
        Self { has_old, old, new }
    }

    /// Lines that are new, with their places among all lines.
    pub(super) fn added(&self) -> impl Iterator<Item = (usize, &Line<'t>)> {
        self.new.alone()
    }

    /// Lines that are gone.
    pub(super) fn removed(&self) -> impl Iterator<Item = (usize, &Line<'t>)> {
        self.old.alone()
    }

    /// Those of the phrases that the old text does not have.
    pub(super) fn unheard(&self, phrases: &[&'static str]) -> Vec<&'static str> {
        phrases.iter().copied().filter(|phrase| !self.old.has(phrase)).collect()
    }

    /// The names of the old text in their normal spelling: whole, and by what stands between their dots.
    pub(super) fn old_names(&self) -> HashSet<&str> {
        let mut known = HashSet::new();
        for name in self.old.lines.iter().flat_map(|line| names(&line.normal)) {
            known.insert(name);
            let short = name.len() <= LONGEST_NAME;
            for (dot, _) in name.match_indices('.').filter(|_| short) {
                known.insert(name.get(dot + 1..).unwrap_or_default());
                known.insert(name.get(..dot).unwrap_or_default());
            }
            known.extend(name.split('.'));
        }
        known
    }
}

fn lines<'t>(path: &str, text: &'t str) -> Vec<Line<'t>> {
    let mut remarks = Remarks::of(path);
    let mut at = 0;
    let mut found = Vec::new();
    for whole in text.split_inclusive('\n') {
        let start = at;
        at += whole.len();
        let whole = whole.trim_end();
        if remarks.has(whole.trim_start()) {
            continue;
        }
        for (offset, text) in pieces(whole) {
            let start = start + offset;
            let span = Span::new(start, start + text.len());
            found.push(Line { text, normal: normal(text), span, alone: true });
        }
    }
    found
}

/// A line as it is, or in pieces that overlap: they begin where words are told apart, as far as there is
/// such a place.
fn pieces(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let start = next?;
        let rest = line.get(start..)?;
        if rest.len() <= LONGEST_LINE {
            next = None;
            return Some((start, rest));
        }
        let piece = rest.get(..rest.floor_char_boundary(LONGEST_LINE))?;
        let half = rest.floor_char_boundary(LONGEST_LINE / 2);
        // What is cut in two stands whole at the beginning of the next piece.
        let cut = piece.get(..piece.floor_char_boundary(piece.len() - OVERLAP))?;
        let cut = cut.rfind([' ', ';', ',', '{', '}']).map_or(cut.len(), |cut| cut + 1);
        next = Some(start + if cut > half { cut } else { half.max(1) });
        Some((start, piece))
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_looked_at_in_pieces() {
        let long = format!("{}verify=False {}", "é".repeat(5_000), "x ".repeat(5_000));
        let text = format!("a\n{long}\nb");
        let side = Side::of("a.py", &text);
        assert!(side.lines.len() > 10);
        assert!(side.lines.iter().all(|line| line.text.len() <= LONGEST_LINE));
        for line in &side.lines {
            assert_eq!(text.get(line.span.start..line.span.end), Some(line.text));
        }
        assert!(side.has("verify=false"));
        assert_eq!(side.lines.last().map(|line| line.text), Some("b"));
    }

    #[test]
    fn what_is_near_is_found_by_its_line() {
        let side = Side::of("a.py", "one\ntwo\nthree\n# gap\nfour one");
        assert_eq!(*side.with("one"), [0, 3]);
        assert!(side.has_near(2, 1, "one") && !side.has_near(2, 0, "one"));
        assert!(side.has_near(1, 1, "one") && !side.has_near(9, 2, "one"));
    }
}
