//! Characters that are not drawn, and marks that turn the order of what is drawn.

use crate::probe::words::{is_invisible, tag_letter};
use crate::probe::{Finding, Kind};

/// Letters written as tags in a row: a text of its own.
const TAGS: usize = 4;
/// Selectors of variants in a row: bytes of something else.
const SELECTORS: usize = 6;
/// Other invisible characters in a row, or within words.
const IN_A_ROW: usize = 4;
const IN_WORDS: usize = 6;

pub(super) fn find(text: &str) -> Vec<Finding> {
    if text.is_ascii() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let (mut run, mut before) = (Run::default(), ' ');
    let (mut in_words, mut first, mut last) = (0, None, 0);
    let mut direction: Option<[usize; 2]> = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let end = at + c.len_utf8();
        match c {
            '\u{202d}' | '\u{202e}' => {
                direction = Some([direction.map_or(at, |span| span[0]), end]);
            }
            _ if is_invisible(c) => run.add(c, at, end),
            _ => {
                let is_within = before.is_ascii_alphanumeric() && c.is_ascii_alphanumeric();
                if run.all > 0 && is_within {
                    in_words += run.all;
                    first = first.or(Some(run.span[0]));
                    last = run.span[1];
                }
                found.extend(std::mem::take(&mut run).finding());
                before = c;
            }
        }
    }
    if let (IN_WORDS.., Some(first)) = (in_words, first) {
        found.push(finding(
            [first, last],
            "words are cut up by characters that are not drawn",
            0.7,
        ));
    }
    if let Some(span) = direction {
        let why = "marks of direction show the text in another order than it is read".to_owned();
        found.push(Finding { kind: Kind::Direction, span, why, confidence: 0.75 });
    }
    found
}

/// Invisible characters in a row.
#[derive(Default)]
struct Run {
    all: usize,
    tags: usize,
    selectors: usize,
    span: [usize; 2],
}

impl Run {
    fn add(&mut self, c: char, at: usize, end: usize) {
        if self.all == 0 {
            self.span[0] = at;
        }
        self.all += 1;
        self.tags += usize::from(tag_letter(c).is_some());
        let is_selector = matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}');
        self.selectors += usize::from(is_selector);
        self.span[1] = end;
    }

    fn finding(&self) -> Option<Finding> {
        if self.tags >= TAGS {
            Some(finding(self.span, "letters that are not drawn make up a text", 0.97))
        } else if self.selectors >= SELECTORS {
            Some(finding(self.span, "selectors of variants in a row carry something else", 0.9))
        } else if self.all >= IN_A_ROW {
            Some(finding(self.span, "characters that are not drawn stand in a row", 0.6))
        } else {
            None
        }
    }
}

fn finding(span: [usize; 2], why: &str, confidence: f64) -> Finding {
    Finding { kind: Kind::HiddenCharacters, span, why: why.to_owned(), confidence }
}
