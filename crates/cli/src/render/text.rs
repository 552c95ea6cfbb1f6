//! Untrusted text on a terminal.
//!
//! What an agent writes may hold escape sequences that move the cursor or recolour a verdict, and
//! characters that turn or hide what a person reads. They are shown as `\u{…}` instead.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text on one line, with nothing in it that acts on the terminal or hides from the reader.
/// A line break becomes `⏎`, a tab a space.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => shown.push('⏎'),
            '\t' => shown.push(' '),
            c => push(&mut shown, c),
        }
    }
    Cow::Owned(shown)
}

/// Adds one character, escaped if need be.
pub(crate) fn push(shown: &mut String, c: char) {
    if is_plain(c) {
        shown.push(c);
    } else {
        // Writing to a string cannot fail.
        let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
    }
}

/// Whether a character can be shown as it is.
pub(crate) fn is_plain(c: char) -> bool {
    !c.is_control() && !is_invisible(c)
}

/// Characters that a reader does not see, or that change the order of others: bidirectional
/// controls, zero-width and filler characters, tags, and separators that break lines.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0e}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Printable text of at most `width` columns, ending in `…` where it was cut.
pub(crate) fn cut(text: &str, width: usize) -> String {
    // More characters than this cannot fit: a long text is not escaped in full to be thrown away.
    let bounded: String = text.chars().take(width.saturating_add(1)).collect();
    let shown = printable(&bounded);
    if bounded.len() == text.len() && shown.width() <= width {
        return shown.into_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in shown.chars() {
        let columns = c.width().unwrap_or(0);
        if used + columns + 1 > width {
            break;
        }
        used += columns;
        kept.push(c);
    }
    kept.push('…');
    kept
}

/// `1 call`, `2 calls`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        assert_eq!(printable("rm \u{1b}[2K\u{9b}31m"), "rm \\u{1b}[2K\\u{9b}31m");
        assert_eq!(printable("a\nb\tc\r\0"), "a⏎b c\\u{d}\\u{0}");
    }

    #[test]
    fn what_a_reader_would_not_see_is_shown_instead() {
        assert_eq!(printable("x\u{202e}y\u{200b}z\u{e0041}"), "x\\u{202e}y\\u{200b}z\\u{e0041}");
        assert_eq!(printable("naïve 日本 🙂"), "naïve 日本 🙂");
    }

    #[test]
    fn a_cut_counts_columns_not_bytes() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer", 5), "long…");
        assert_eq!(cut("日本語です", 5), "日本…");
        assert_eq!(cut(&"x".repeat(10_000_000), 4), "xxx…");
    }
}
