//! HTML and Markdown that keep words from being seen: comments, and styles that show nothing.
//!
//! Hiding is common and harmless; it counts for as much as what is hidden speaks to an agent.

use crate::probe::{Finding, Kind};

/// A beginning, its end, and what hides there.
const HIDING: [(&str, &str, &str); 3] = [
    ("<!--", "-->", "a comment of HTML speaks to an agent"),
    ("[//]: #", "\n", "a comment of Markdown speaks to an agent"),
    ("[comment]:", "\n", "a comment of Markdown speaks to an agent"),
];

/// Styles with which an element is not seen.
const STYLES: [&str; 9] = [
    "display:none",
    "display: none",
    "visibility:hidden",
    "visibility: hidden",
    "font-size:0",
    "font-size: 0",
    "opacity:0",
    "opacity: 0",
    "color:transparent",
];

/// So much after a style is taken for its element.
const ELEMENT: usize = 600;

pub(super) fn find(text: &str, told: &dyn Fn([usize; 2]) -> f64) -> Vec<Finding> {
    let mut found = Vec::new();
    for (begin, end, why) in HIDING {
        for (at, _) in text.match_indices(begin) {
            let inner = at + begin.len();
            let rest = text.get(inner..).unwrap_or_default();
            let length = rest.find(end).unwrap_or(rest.len());
            found.extend(hidden([inner, inner + length], why, told));
        }
    }
    let lower = text.to_ascii_lowercase();
    if !lower.contains("style") && !lower.contains('{') {
        return found;
    }
    for style in STYLES {
        for (at, _) in lower.match_indices(style) {
            let end = text.floor_char_boundary((at + ELEMENT).min(text.len()));
            let element = text.get(at..end).unwrap_or_default();
            let length = element.find("</").unwrap_or(element.len());
            let why = "an element that is not shown speaks to an agent";
            found.extend(hidden([at, at + length], why, told));
        }
    }
    found
}

fn hidden(span: [usize; 2], why: &str, told: &dyn Fn([usize; 2]) -> f64) -> Option<Finding> {
    let sure = told(span);
    // What is hidden and speaks to an agent was not meant for the person.
    let confidence = sure + (1.0 - sure) * 0.6;
    (sure >= 0.3).then(|| Finding {
        kind: Kind::HiddenMarkup,
        span,
        why: why.to_owned(),
        confidence,
    })
}
