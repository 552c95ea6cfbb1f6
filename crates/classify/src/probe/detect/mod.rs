//! Detectors: each looks for one way of talking to an agent past the person.

mod hidden;
mod imitation;
mod links;
mod markup;

use super::Finding;
use super::phrases;

/// What is found in one piece of a text. Spans are of the piece.
pub(super) fn detect(text: &str) -> Vec<Finding> {
    let told = |span| surest_within(text, span);
    let mut found = hidden::find(text);
    found.extend(markup::find(text, &told));
    found.extend(imitation::find(text, &told));
    found.extend(links::find(text));
    found
}

/// How sure the surest phrase in a part of the text is.
fn surest_within(text: &str, [start, end]: [usize; 2]) -> f64 {
    let part = text.get(start..end).unwrap_or_default();
    phrases::find(part).iter().map(|phrase| phrase.confidence).fold(0.0, f64::max)
}
