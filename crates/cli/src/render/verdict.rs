//! Verdicts as a mark and a word.

use anstyle::Style;
use ringfence_action::{Outcome, Verdict};

use super::color::{BLUE, FAINT, GREEN, RED, YELLOW, paint};

/// The mark, which tells verdicts apart without colour too.
pub(crate) const fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "✓",
        Verdict::Contain => "◇",
        Verdict::Ask => "?",
        Verdict::Deny => "✗",
    }
}

/// The colour.
pub(crate) const fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Allow => GREEN,
        Verdict::Contain => BLUE,
        Verdict::Ask => YELLOW,
        Verdict::Deny => RED,
    }
}

/// Mark and word, coloured.
pub(crate) fn badge(verdict: Verdict) -> String {
    paint(style(verdict), &format!("{} {verdict}", mark(verdict)))
}

/// The mark of what a rule says.
pub(crate) const fn outcome_mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allow => mark(Verdict::Allow),
        Outcome::Contain => mark(Verdict::Contain),
        Outcome::Review | Outcome::Ask => mark(Verdict::Ask),
        Outcome::Deny => mark(Verdict::Deny),
    }
}

/// The colour of what a rule says.
pub(crate) const fn outcome_style(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Allow => GREEN,
        Outcome::Contain => BLUE,
        Outcome::Review => FAINT,
        Outcome::Ask => YELLOW,
        Outcome::Deny => RED,
    }
}
