//! How long looking may take.

#![expect(clippy::disallowed_methods, reason = "facts are gathered by a deadline")]

use std::time::{Duration, Instant};

/// A moment after which what is not known yet stays unknown.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    at: Instant,
}

impl Deadline {
    /// This long from now.
    pub fn after(budget: Duration) -> Self {
        Self { at: Instant::now() + budget }
    }

    pub(crate) fn has_passed(self) -> bool {
        Instant::now() >= self.at
    }

    pub(crate) fn left(self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }
}
