//! What of a Perl program is code.
//!
//! A word in a text, a pattern or a comment does nothing. Where it cannot be told whether something is
//! one of these, it counts as code: at worst a word too many is looked at.

/// Texts without an end that are looked for; a program has none.
const MAX_UNENDED: usize = 20;

/// How far what is between `<` and `>` reaches.
const MAX_GLOB: usize = 200;

/// The program with its texts, patterns and comments blanked; every byte keeps its place. With it, where
/// the result of a replacement runs as code: `s/…/…/ee`.
pub(super) fn code_only(code: &str) -> (String, Option<usize>) {
    let bytes = code.as_bytes();
    let mut runs = None;
    let mut unended = 0;
    let mut kept = bytes.to_vec();
    let mut at = 0;
    // The last thing before that was no space.
    let mut before = 0u8;
    while let Some(&byte) = bytes.get(at) {
        // The lines of a text that follows are not told from code.
        if unended > MAX_UNENDED || is_here_document(bytes.get(at..).unwrap_or_default()) {
            break;
        }
        let starts = match byte {
            b'"' | b'\'' => true,
            b'/' => pattern_may_start(bytes, at, before),
            b'q' | b'm' | b's' | b't' | b'y' => word_starts(bytes, at),
            _ => false,
        };
        let end = match byte {
            b'#' if before_is_space(bytes, at) => line_end(bytes, at),
            b'"' | b'\'' if !name_before(bytes, at) => {
                quoted(bytes, at, 1).filter(|_| before != b'$')
            }
            b'/' if starts => quoted(bytes, at, 1).map(|end| flags(bytes, end)),
            b'q' | b'm' | b's' | b't' | b'y' if starts => quote_like(bytes, at),
            _ => None,
        };
        if let Some(end) = end {
            let text = bytes.get(at..end).unwrap_or_default();
            if byte == b's' && flags_of(text).iter().filter(|flag| **flag == b'e').count() > 1 {
                runs.get_or_insert(at);
            }
            if byte == b'\'' || byte == b'#' || !holds_code(text) {
                kept.iter_mut()
                    .take(end)
                    .skip(at)
                    .filter(|it| **it != b'\n')
                    .for_each(|it| *it = b' ');
            } else if byte == b's' {
                // The replacement is code; its delimiters are not.
                let ends = kept.iter_mut().take(end).skip(at);
                ends.filter(|it| matches!(**it, b'/')).for_each(|it| *it = b' ');
                kept.iter_mut().skip(at).take(1).for_each(|it| *it = b' ');
            }
            before = b'"';
            at = end;
            continue;
        }
        unended += usize::from(starts);
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
        at += 1;
    }
    (String::from_utf8(kept).unwrap_or_else(|_| code.to_owned()), runs)
}

fn is_here_document(rest: &[u8]) -> bool {
    rest.strip_prefix(b"<<").and_then(|rest| rest.first()).is_some_and(|byte| {
        matches!(byte, b'"' | b'\'' | b'`' | b'~' | b'_') || byte.is_ascii_uppercase()
    })
}

fn before_is_space(bytes: &[u8], at: usize) -> bool {
    at.checked_sub(1)
        .and_then(|at| bytes.get(at))
        .is_none_or(|b| b.is_ascii_whitespace() || *b == b';')
}

/// Whether a name ends right here: the `'` of `it's` in old package names, `$"`.
fn name_before(bytes: &[u8], at: usize) -> bool {
    at.checked_sub(1)
        .and_then(|at| bytes.get(at))
        .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

fn line_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    Some(at + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len()))
}

/// A word of its own starts here: no part of a name, a variable or a key.
fn word_starts(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| bytes.get(at)).copied().unwrap_or(b' ');
    !(before.is_ascii_alphanumeric()
        || matches!(before, b'_' | b'$' | b'@' | b'%' | b'&' | b'>' | b'{' | b':' | b'-'))
        || (before == b'{' && bytes.get(at + 1).is_some_and(|b| *b == b'/'))
}

/// Where a `/` divides nothing, it starts a pattern.
fn pattern_may_start(bytes: &[u8], at: usize, before: u8) -> bool {
    if matches!(
        before,
        0 | b'(' | b',' | b'=' | b'~' | b'!' | b'&' | b'|' | b';' | b'{' | b'?' | b':' | b'['
    ) {
        return true;
    }
    let ahead = bytes.get(..at).unwrap_or_default().trim_ascii_end();
    let start = ahead.iter().rposition(|b| !b.is_ascii_alphabetic()).map_or(0, |at| at + 1);
    matches!(
        ahead.get(start..).unwrap_or_default(),
        b"if"
            | b"unless"
            | b"and"
            | b"or"
            | b"not"
            | b"split"
            | b"grep"
            | b"map"
            | b"return"
            | b"print"
            | b"while"
            | b"until"
            | b"x"
    ) && start
        .checked_sub(1)
        .and_then(|at| bytes.get(at))
        .is_none_or(|b| !matches!(b, b'$' | b'@' | b'%'))
}

/// `qw(…)`, `q{…}`, `m!…!`, `s/…/…/`, `tr/…/…/`, `y/…/…/`: where it ends.
fn quote_like(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let (name, parts) = [
        (&b"qw"[..], 1),
        (b"qq", 1),
        (b"qr", 1),
        (b"tr", 2),
        (b"q", 1),
        (b"m", 1),
        (b"s", 2),
        (b"y", 2),
    ]
    .into_iter()
    .find(|(name, _)| {
        rest.starts_with(name)
            && rest.get(name.len()).is_some_and(|b| !b.is_ascii_alphanumeric() && *b != b'_')
    })?;
    let mut open = at + name.len();
    while bytes.get(open).is_some_and(u8::is_ascii_whitespace) {
        open += 1;
    }
    let delimiter = *bytes.get(open)?;
    if delimiter.is_ascii_alphanumeric()
        || matches!(
            delimiter,
            b'=' | b','
                | b';'
                | b')'
                | b'}'
                | b']'
                | b'>'
                | b'_'
                | b'$'
                | b'@'
                | b'-'
                | b'+'
                | b'.'
                | b'*'
        )
        || delimiter >= 0x80
    {
        return None;
    }
    let end = quoted(bytes, open, parts)?;
    Some(if matches!(name, b"qw" | b"qq" | b"q") { end } else { flags(bytes, end) })
}

/// Behind the end of `parts` texts that the delimiter at `open` starts; brackets nest.
fn quoted(bytes: &[u8], open: usize, parts: usize) -> Option<usize> {
    let (mut at, mut start) = (open, open);
    for part in 0..parts {
        let delimiter = *bytes.get(start)?;
        let close = match delimiter {
            b'(' => b')',
            b'[' => b']',
            b'{' => b'}',
            b'<' => b'>',
            other => other,
        };
        let mut depth = 1usize;
        at = start + 1;
        loop {
            match *bytes.get(at)? {
                b'\\' => at += 1,
                byte if byte == close => depth -= 1,
                byte if byte == delimiter => depth += 1,
                _ => {}
            }
            at += 1;
            if depth == 0 {
                break;
            }
        }
        if part + 1 < parts {
            start = at - 1;
            if close != delimiter {
                start = at;
                while bytes.get(start).is_some_and(u8::is_ascii_whitespace) {
                    start += 1;
                }
            }
        }
    }
    Some(at)
}

fn flags(bytes: &[u8], end: usize) -> usize {
    let rest = bytes.get(end..).unwrap_or_default();
    end + rest.iter().position(|b| !b.is_ascii_lowercase()).unwrap_or(rest.len())
}

/// Whether a text or pattern holds code: `"@{[ … ]}"`, `/(?{ … })/`, `s/…/…/e`.
fn holds_code(text: &[u8]) -> bool {
    let has = |part: &[u8]| text.windows(part.len()).any(|it| it == part);
    has(b"@{") || has(b"${\\") || has(b"(?{") || has(b"(??{") || replaces_with_code(text)
}

fn replaces_with_code(text: &[u8]) -> bool {
    text.starts_with(b"s") && flags_of(text).contains(&b'e')
}

fn flags_of(text: &[u8]) -> &[u8] {
    let at = text.iter().rposition(|b| !b.is_ascii_lowercase()).map_or(0, |at| at + 1);
    text.get(at..).unwrap_or_default()
}

/// What runs something whose name or text a scan cannot see; where, and why.
pub(super) fn hidden(code: &str, kept: &str) -> Option<(usize, &'static str)> {
    if let Some((at, _)) = kept.match_indices("<<`").next() {
        return Some((at, "lines that run as a command"));
    }
    for (at, _) in kept.match_indices('&') {
        let rest = kept.get(at + 1..).unwrap_or_default();
        let doubled = kept.get(..at).is_some_and(|before| before.ends_with('&'));
        if !doubled
            && rest.starts_with(['{', '$'])
            && kept.get(..at).is_none_or(|it| !it.ends_with(['$', '@', '%']))
        {
            return Some((at, "a function whose name is computed"));
        }
    }
    let named = ["CORE::", "POSIX::"].into_iter().find_map(|name| {
        let (at, _) = code
            .match_indices(name)
            .find(|(at, _)| kept.get(*at..*at + name.len()) != Some(name))?;
        Some(at)
    });
    if let Some(at) = named {
        return Some((at, "a function is called by its name in a text"));
    }
    let strict = kept.contains("use strict") || kept.contains("sub");
    if !strict
        && let Some((at, _)) = kept.match_indices("->(").find(|(at, _)| {
            kept.get(..*at)
                .is_some_and(|it| it.ends_with(|c: char| c.is_alphanumeric() || c == ' '))
        })
    {
        return Some((at, "a function whose name is computed"));
    }
    // `<touch x|>` opens what it names.
    kept.match_indices('<').find_map(|(at, _)| {
        let rest = kept.get(at + 1..)?;
        let length = rest.bytes().take(MAX_GLOB).position(|byte| byte == b'>')?;
        let inside = rest.get(..length)?;
        (inside.trim_end().ends_with('|') && !inside.contains(['<', '\n', ';']))
            .then_some((at, "a file name that is a command"))
    })
}

/// Words behind which a name stands that is no call: `use open …`, `sub exec {…}`.
const DECLARE: &[&str] = &["use", "no", "sub", "package"];

/// Words that go on with what is before them: `open or die`, `eval if $x`.
const JOIN: &[&str] = &[
    "if", "unless", "and", "or", "x", "eq", "ne", "lt", "gt", "le", "ge", "cmp", "while", "until",
    "for", "foreach",
];

/// Whether the word at `at` of the code proper is called: with parentheses, or with what follows it.
pub(super) fn called(code: &str, kept: &str, at: usize, word: &str) -> bool {
    let (Some(before), Some(_)) =
        (kept.get(..at), kept.get(at..).and_then(|it| it.strip_prefix(word)))
    else {
        return false;
    };
    let rest = code.get(at + word.len()..).unwrap_or_default();
    let named = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '@' | '%' | '>' | '-');
    if before.ends_with(named)
        || (before.ends_with(':') && !before.ends_with("::"))
        || rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':'))
    {
        return false;
    }
    let ahead = before.trim_end();
    let name = ahead.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    if DECLARE.contains(&ahead.get(name.len()..).unwrap_or_default()) {
        return false;
    }
    let after = rest.trim_start_matches([' ', '\t', '\n']);
    let end = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
    let next = after.get(..end).unwrap_or_default();
    match (word, after.chars().next()) {
        ("eval", None | Some(';' | '}')) => !before.ends_with('{'),
        ("eval", Some('{')) | ("qx", _) | (_, None) => false,
        ("do" | "require", Some(c)) => matches!(c, '$' | '(' | '"' | '\''),
        (_, Some('(' | '$' | '@' | '<' | '\\' | '~' | '`' | '{' | '"' | '\'')) => true,
        (_, Some(_)) => !next.is_empty() && !JOIN.contains(&next),
    }
}

/// Whether `open` may start any command: all that it is told is computed.
pub(super) fn opens_anything(after: &str, texts: &[Option<String>]) -> bool {
    let moded = ["\"<", "\">", "\"+<", "\"+>"].iter().any(|mode| after.contains(mode));
    !texts.is_empty() && texts.iter().all(Option::is_none) && !moded
}
