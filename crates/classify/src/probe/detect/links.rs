//! Links that carry data away: an image whose address is to be filled in by whoever shows it.

use crate::probe::{Finding, Kind};

/// What a place to fill in looks like, within the query of an address.
const PLACEHOLDERS: [&str; 12] = [
    "{",
    "[",
    "<",
    "%7b",
    "$(",
    "secret",
    "password",
    "api_key",
    "apikey",
    "token=your",
    "conversation",
    "summary",
];

/// Words with which somebody is asked to fill it in.
const ASKED: [&str; 8] =
    ["replace", "fill in", "append", "insert", "substitute", "followed by", "encode", "render"];

/// So much around an image is looked at.
const AROUND: usize = 300;

pub(super) fn find(text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("](http").chain(text.match_indices("src=\"http")) {
        let rest = text.get(at..).unwrap_or_default();
        let address = rest.split([')', '"', ' ', '\n']).find(|part| part.contains("http"));
        let Some((_, query)) = address.and_then(|address| address.split_once('?')) else {
            continue;
        };
        let query = query.to_ascii_lowercase();
        if !PLACEHOLDERS.iter().any(|mark| query.contains(mark)) {
            continue;
        }
        let start = text.floor_char_boundary(at.saturating_sub(AROUND));
        let end = text.floor_char_boundary((at + AROUND).min(text.len()));
        let around = text.get(start..end).unwrap_or_default().to_ascii_lowercase();
        let is_asked = ASKED.iter().any(|word| around.contains(word));
        let confidence = if is_asked { 0.9 } else { 0.5 };
        let why = "a link would carry what is filled into its address to somebody".to_owned();
        found.push(Finding {
            kind: Kind::DataLink,
            span: [at, at + 2 + query.len()],
            why,
            confidence,
        });
    }
    found.iter_mut().for_each(|finding| finding.span[1] = finding.span[1].min(text.len()));
    found
}
