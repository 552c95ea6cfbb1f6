//! What could not be read, on standard error.

use std::io::{self, Write};

use crate::recording::Trouble;
use crate::render::text::printable;

/// More troubles of one transcript than this are counted instead of shown.
const MOST: usize = 5;

/// Says what could not be read.
pub(crate) fn complain(troubles: &[Trouble]) {
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
