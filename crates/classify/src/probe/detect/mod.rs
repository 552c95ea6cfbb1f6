//! Detectors: each looks for one way of talking to an agent past the person.

mod hidden;
mod imitation;
mod links;
mod markup;

use super::Finding;
use super::phrases;

/// What is found in one piece of a text. Spans are of the piece. `likely`: how likely the words of a part
/// of it are those of an instruction.
pub(super) fn detect(text: &str, likely: &dyn Fn(&str) -> f64) -> Vec<Finding> {
    let told = |[start, end]: [usize; 2]| {
        let part = text.get(start..end).unwrap_or_default();
        let surest = phrases::find(part).iter().map(|phrase| phrase.confidence).fold(0.0, f64::max);
        let by_words = likely(part);
        // Below that the words are those of anything.
        surest.max(if by_words >= 0.5 { by_words } else { 0.0 })
    };
    let mut found = hidden::find(text);
    found.extend(markup::find(text, &told));
    found.extend(imitation::find(text, &told));
    found.extend(links::find(text));
    found
}
