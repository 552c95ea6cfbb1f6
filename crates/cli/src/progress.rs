//! How far long work is, on standard error, and on a terminal only.

use std::io::{self, IsTerminal, Write};

/// A line that counts things of one kind.
pub(crate) struct Progress {
    what: &'static str,
    total: usize,
    is_shown: bool,
}

impl Progress {
    /// Nothing is shown for a single thing.
    pub(crate) fn new(what: &'static str, total: usize) -> Self {
        Self { what, total, is_shown: total > 1 && io::stderr().is_terminal() }
    }

    /// Says which one is at work now, counted from zero.
    pub(crate) fn at(&self, index: usize) {
        if self.is_shown {
            let (what, total) = (self.what, self.total);
            let _ = write!(io::stderr(), "\r\u{1b}[2K{what} {} of {total}", index + 1);
        }
    }

    /// Makes room for what comes next.
    pub(crate) fn clear(&self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\u{1b}[2K");
        }
    }
}
