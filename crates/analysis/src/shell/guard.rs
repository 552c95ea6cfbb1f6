//! What is looked at before the text is parsed: characters that a reader does not see, or that a
//! shell reads otherwise than a reader.

use ringfence_action::OpaqueReason;

/// More blanks in a row than anybody types push the rest of the line out of sight.
const BLANKS: usize = 120;
/// More empty lines in a row than anybody types push the rest of the command out of sight.
const LINES: usize = 50;

/// What is wrong with a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// It must not be interpreted at all.
    Fatal(OpaqueReason, &'static str),
    /// It is interpreted, but a reader may not see what it does.
    Remark(usize, &'static str),
}

/// Expansions within expansions: the parser's scanner looks at each level twice as often as at the one
/// around it.
const EXPANSIONS_WITHIN: usize = 12;

/// How deep `${` and `$(` are within each other. A bracket next to a quote or a backslash may be text,
/// so it closes nothing: rather too deep than not deep enough.
fn expansions_within(bytes: &[u8]) -> usize {
    let quoted = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at)).is_some_and(|byte| b"'\"\\`".contains(byte))
    };
    let (mut open, mut deepest): (Vec<u8>, usize) = (Vec::new(), 0);
    let mut expansions = 0;
    for (at, byte) in bytes.iter().copied().enumerate() {
        match byte {
            b'(' | b'{' => {
                let expands = at.checked_sub(1).and_then(|at| bytes.get(at)) == Some(&b'$');
                expansions += usize::from(expands);
                open.push(if expands { b'$' } else { byte });
                deepest = deepest.max(expansions);
            }
            b')' | b'}' if !quoted(at.checked_sub(1)) && !quoted(Some(at + 1)) => {
                expansions -= usize::from(open.pop() == Some(b'$') && expansions > 0);
            }
            _ => {}
        }
    }
    deepest
}

/// Substitutions times bytes of the text: the parser reads a word again for each of them.
const SUBSTITUTED_BYTES: usize = 16 << 20;

/// Looks at the characters of a text.
pub(super) fn look(text: &str) -> Option<Finding> {
    let bytes = text.as_bytes();
    let substitutions = bytes.windows(2).filter(|pair| *pair == b"$(").count();
    if substitutions * bytes.len() > SUBSTITUTED_BYTES {
        return Some(Finding::Fatal(OpaqueReason::TooLarge, "substitutions by the thousand"));
    }
    if expansions_within(bytes) > EXPANSIONS_WITHIN {
        return Some(Finding::Fatal(OpaqueReason::TooDeep, "expansions within expansions"));
    }
    let (mut blanks, mut lines) = (0, 0);
    let mut ascii = true;
    for (at, byte) in bytes.iter().copied().enumerate() {
        match byte {
            b' ' | b'\t' => {
                blanks += 1;
                continue;
            }
            b'\n' => {
                lines += 1;
                // Blanks at the end of a line hide nothing.
                blanks = 0;
                continue;
            }
            0 => return Some(Finding::Fatal(OpaqueReason::InvalidText, "a NUL byte")),
            b'\r' => {
                if bytes.get(at + 1) != Some(&b'\n') {
                    return Some(Finding::Remark(at, "a carriage return in the middle of a line"));
                }
                continue;
            }
            1..=31 | 127 => return Some(Finding::Remark(at, "a control character")),
            128.. => ascii = false,
            _ => {}
        }
        if blanks > BLANKS {
            return Some(Finding::Remark(at, "a long run of blanks"));
        }
        if lines > LINES {
            return Some(Finding::Remark(at, "a long run of empty lines"));
        }
        (blanks, lines) = (0, 0);
    }
    if ascii { None } else { hidden(text) }
}

fn hidden(text: &str) -> Option<Finding> {
    let mut previous = ' ';
    for (at, c) in text.char_indices() {
        let what = match c {
            '\u{80}'..='\u{9f}' => Some("a control character"),
            '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{61c}' => Some("a character that changes the direction of text"),
            '\u{e0000}'..='\u{e007f}' => Some("an invisible tag character"),
            '\u{feff}' if at == 0 => None,
            // Joiners and selectors belong to emoji and to some scripts.
            '\u{200d}' | '\u{200c}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {
                let fits = !previous.is_ascii() || matches!(previous, '0'..='9' | '#' | '*');
                (!fits).then_some("an invisible character")
            }
            '\u{200b}'
            | '\u{2060}'..='\u{2064}'
            | '\u{206a}'..='\u{206f}'
            | '\u{feff}'
            | '\u{ad}'
            | '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180e}'
            | '\u{3164}'
            | '\u{ffa0}' => Some("an invisible character"),
            _ => None,
        };
        if let Some(what) = what {
            return Some(Finding::Remark(at, what));
        }
        previous = c;
    }
    None
}

/// What is wrong with the name of a program: it may look like another.
pub(super) fn look_at_name(name: &str) -> Option<&'static str> {
    (!name.is_ascii()).then_some("the name of the program has characters that look like others")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_passes() {
        for text in ["ls -la\n\techo x", "git commit -m 'fix ✔️ 👩‍💻 naïve'", "a\r\nb", "# ümlaut"]
        {
            assert_eq!(look(text), None, "{text:?}");
        }
    }

    #[test]
    fn expansions_within_expansions_end() {
        for text in ["$(${".repeat(30), "${a${'}'".repeat(30), "$(a $(b ".repeat(40)] {
            assert!(matches!(look(&text), Some(Finding::Fatal(..))), "{text}");
        }
        for text in [
            "echo $(a) ".repeat(50),
            "${a:-${b:-${c}}} ".repeat(50),
            "f() { echo \"$(x)\"; }\n".repeat(9),
        ] {
            assert_eq!(look(&text), None, "{text}");
        }
    }

    #[test]
    fn what_a_reader_does_not_see_is_remarked() {
        let padded = format!("grep x f{}; env", " ".repeat(200));
        for text in
            ["echo a\rrm x", "ls\u{200b}x", "x\u{202e}y", "\u{e0041}", "a\u{1b}[2K", &padded]
        {
            assert!(matches!(look(text), Some(Finding::Remark(..))), "{text:?}");
        }
        assert!(matches!(look("a\0b"), Some(Finding::Fatal(..))));
        assert!(look_at_name("ѕudo").is_some());
    }
}
