//! Detectors: each looks for one way of talking to an agent past the person.

mod hidden;
mod imitation;
mod links;
mod markup;

use super::phrases::{self, Phrase};
use super::{Finding, Kind};

/// What is found in one piece of a text. Spans are of the piece.
pub(super) fn detect(text: &str) -> Vec<Finding> {
    let mut found = hidden::find(text);
    let (folded, phrases) = phrases::find(text);
    let told = |span: [usize; 2]| surest_within(text, span);
    found.extend(markup::find(text, &told));
    found.extend(imitation::find(text, &told));
    found.extend(links::find(text));
    found.extend(instructions(text, &folded, &phrases));
    found
}

/// Phrases are found in the folded text: the place in the text itself is about the same share of it.
fn instructions(text: &str, folded: &str, phrases: &[Phrase]) -> Option<Finding> {
    let surest = phrases.iter().max_by(|a, b| a.confidence.total_cmp(&b.confidence))?;
    // Two kinds of phrases together are rarely an accident.
    let others = phrases.iter().filter(|other| other.why != surest.why && other.confidence >= 0.4);
    let confidence =
        others.fold(surest.confidence, |sure, other| sure + (1.0 - sure) * other.confidence * 0.8);
    let share = |at: usize| {
        let at = at * text.len() / folded.len().max(1);
        text.floor_char_boundary(at)
    };
    let span = [share(surest.span[0]), share(surest.span[1]).min(text.len())];
    Some(Finding { kind: Kind::Instruction, span, why: surest.why.to_owned(), confidence })
}

/// How sure the surest phrase in a part of the text is.
fn surest_within(text: &str, [start, end]: [usize; 2]) -> f64 {
    let part = text.get(start..end).unwrap_or_default();
    phrases::find(part).1.iter().map(|phrase| phrase.confidence).fold(0.0, f64::max)
}
