//! What a test noted of the default rules when it last validated them: that they are valid, where
//! each stands, and what it can be asked.
//!
//! The notes carry a stamp, a hash of the rules, of the schema and of the notes themselves. Rules for
//! which it holds need not be validated again, nor read before they are needed; any change of a rule
//! makes it fail, and then everything is read and validated as if there were no notes.

use sha2::{Digest as _, Sha256};

use crate::schema::SCHEMA;

const NOTES: &str = include_str!("../../../policies/validated.txt");

/// Where a rule stands.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) id: &'a str,
    pub(crate) file: &'a str,
    /// In bytes, end-exclusive.
    pub(crate) span: [usize; 2],
}

/// Whether the rules that hash to this are those of the notes.
pub(crate) fn holds(digest: &str) -> bool {
    let (head, places) = split(NOTES);
    head.lines().any(|line| line.strip_prefix("stamp ") == Some(&stamp(digest, places)))
}

/// The rules that can answer a question.
pub(crate) fn places(question: &str) -> impl Iterator<Item = Place<'static>> {
    split(NOTES).1.lines().filter_map(move |line| {
        let mut words = line.split(' ');
        let (id, file) = (words.next()?, words.next()?);
        let span = [words.next()?.parse().ok()?, words.next()?.parse().ok()?];
        words.any(|asked| asked == question).then_some(Place { id, file, span })
    })
}

/// The stamp stands before the blank line, the places behind it.
fn split(notes: &str) -> (&str, &str) {
    notes.split_once("\n\n").unwrap_or((notes, ""))
}

fn stamp(digest: &str, places: &str) -> String {
    let mut hash = Sha256::new();
    for part in [digest, SCHEMA, places] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    format!("{:x}", hash.finalize())
}

/// The notes on rules that were just read and validated.
#[cfg(test)]
pub(crate) fn note(digest: &str, rules: &[crate::rule::Rule]) -> String {
    use std::fmt::Write as _;

    use crate::rule::questions;

    let mut places = String::new();
    for rule in rules {
        let [start, end] = rule.span;
        let asked: Vec<_> = questions().filter(|it| rule.asked.contains(it)).collect();
        let _ = writeln!(places, "{} {} {start} {end} {}", rule.id, rule.file, asked.join(" "));
    }
    let stamp = stamp(digest, &places);
    format!(
        "# Noted by a test when it last validated the default rules: where each stands, in bytes, and the questions\n\
         # that it can answer. After a change:\n\
         # RINGFENCE_BLESS=1 cargo nextest run --workspace --lib -E 'package(ringfence-policy)'\n\
         stamp {stamp}\n\n{places}"
    )
}
