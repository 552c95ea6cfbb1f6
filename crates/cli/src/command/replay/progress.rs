//! What goes to standard error while a replay runs.

use std::io::{self, IsTerminal, Write};

use crate::recording::Trouble;
use crate::render::text::printable;

/// More troubles of one transcript than this are counted instead of shown.
const MOST: usize = 5;

/// A line that counts transcripts, on a terminal only.
pub(super) struct Progress {
    total: usize,
    is_shown: bool,
}

impl Progress {
    pub(super) fn new(total: usize) -> Self {
        Self { total, is_shown: total > 1 && io::stderr().is_terminal() }
    }

    /// Says which transcript is read now.
    pub(super) fn at(&self, index: usize) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\u{1b}[2Ktranscript {} of {}", index + 1, self.total);
        }
    }

    /// Makes room for what comes next.
    pub(super) fn clear(&self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\u{1b}[2K");
        }
    }
}

/// Says what could not be read.
pub(super) fn complain(troubles: &[Trouble]) {
    let mut err = io::stderr().lock();
    for trouble in troubles.iter().take(MOST) {
        let _ = writeln!(err, "{}", printable(&trouble.to_string()));
    }
    let more = troubles.len().saturating_sub(MOST);
    if let (Some(first), true) = (troubles.first(), more > 0) {
        let file = first.file.display().to_string();
        let _ = writeln!(err, "{}: {more} more could not be read", printable(&file));
    }
}
