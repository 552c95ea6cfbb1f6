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

    /// Says how many there were, where nobody knows how many there will be.
    pub(crate) fn counted(&self, count: usize) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\u{1b}[2K{} {count}", self.what);
        }
    }

    /// Makes room for what comes next.
    pub(crate) fn clear(&self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\u{1b}[2K");
        }
    }
}

/// A bar that fills with bytes.
pub(crate) struct Bar {
    what: &'static str,
    total: u64,
    is_shown: bool,
}

impl Bar {
    /// Nothing is shown of what is read at once.
    pub(crate) fn new(what: &'static str, total: u64) -> Self {
        Self { what, total, is_shown: total > 4 << 20 && io::stderr().is_terminal() }
    }

    /// Says how far it is.
    pub(crate) fn at(&self, done: u64) {
        const WIDTH: u64 = 30;
        if self.is_shown {
            let filled = (done * WIDTH).checked_div(self.total).unwrap_or(WIDTH).min(WIDTH);
            let filled = usize::try_from(filled).unwrap_or_default();
            let bar: String = (0..30).map(|at| if at < filled { '█' } else { '░' }).collect();
            let (done, total) = (done >> 20, self.total >> 20);
            let _ = write!(io::stderr(), "\r\u{1b}[2K{} {bar} {done} of {total} MiB", self.what);
        }
    }

    /// Makes room for what comes next.
    pub(crate) fn clear(&self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\u{1b}[2K");
        }
    }
}
