//! Builtins that print: `echo`, `print`, `printf`.

use std::fmt::Write as _;

use ringfence_action::Dialect;

use super::super::Shell;
use crate::invocation::Data;
use crate::value::{Span, Value, Word};

impl Shell<'_, '_> {
    pub(super) fn printf(&mut self, arguments: &[Word], span: Span) -> Data {
        let mut arguments = arguments;
        let mut variable = None;
        if let [flag, name, rest @ ..] = arguments
            && flag.value.as_known() == Some("-v")
        {
            variable = Some(name);
            arguments = rest;
        }
        if let [dashes, rest @ ..] = arguments
            && dashes.value.as_known() == Some("--")
        {
            arguments = rest;
        }
        let text = known_texts(arguments).and_then(|texts| format_printf(&texts));
        match variable {
            Some(name) => {
                let value = text.map_or(Value::Unknown, Value::Known);
                self.fill(name, value);
                Data::None
            }
            None => text.map_or(Data::Unknown, |text| Data::Text(text, span)),
        }
    }
}

fn known_texts(words: &[Word]) -> Option<Vec<&str>> {
    words.iter().map(|word| word.value.as_known().filter(|_| !word.splits)).collect()
}

/// How `print` puts its words together.
pub(super) struct Print {
    pub(super) raw: bool,
    pub(super) between: &'static str,
    pub(super) end: &'static str,
}

impl Default for Print {
    fn default() -> Self {
        Self { raw: false, between: " ", end: "\n" }
    }
}

pub(super) fn print(arguments: &[Word], shape: &Print, span: Span) -> Data {
    let Some(texts) = known_texts(arguments) else { return Data::Unknown };
    let text = texts.join(shape.between);
    let text = if shape.raw { text } else { unescape(&text) };
    Data::Text(text + shape.end, span)
}

pub(super) fn echo(arguments: &[Word], span: Span, dialect: Dialect) -> Data {
    let Some(texts) = known_texts(arguments) else { return Data::Unknown };
    let printed = match dialect {
        Dialect::Zsh => echo_text(&texts, true),
        Dialect::Posix => {
            // With escapes in one `sh`, without in another; options are words in some.
            let plain = echo_text(&texts, false);
            let option = texts.first().is_some_and(|text| text.starts_with('-') && *text != "-n");
            if option || plain != echo_text(&texts, true) {
                return Data::Unknown;
            }
            plain
        }
        Dialect::Bash | Dialect::PowerShell | Dialect::Cmd => echo_text(&texts, false),
    };
    Data::Text(printed, span)
}

/// The words, with a newline unless `-n`; `escapes` unless `-E`, or with `-e`.
fn echo_text(texts: &[&str], escapes: bool) -> String {
    let mut newline = true;
    let mut escapes = escapes;
    let mut texts = texts;
    while let [flag, rest @ ..] = texts {
        let letters = flag.strip_prefix('-').filter(|letters| !letters.is_empty());
        let Some(letters) = letters.filter(|l| l.chars().all(|c| "neE".contains(c))) else { break };
        for letter in letters.chars() {
            match letter {
                'n' => newline = false,
                'e' => escapes = true,
                _ => escapes = false,
            }
        }
        texts = rest;
    }
    let mut text = texts.join(" ");
    if escapes {
        text = unescape(&text);
    }
    if newline {
        text.push('\n');
    }
    text
}

/// What `printf` prints; `None` for directives that are not modelled.
fn format_printf(texts: &[&str]) -> Option<String> {
    let (format, mut arguments) = texts.split_first()?;
    let mut printed = String::new();
    loop {
        let mut used = false;
        let mut chars = format.chars().peekable();
        let mut literal = String::new();
        while let Some(c) = chars.next() {
            if c == '\\' {
                literal.push(c);
                literal.extend(chars.next());
                continue;
            }
            if c != '%' {
                literal.push(c);
                continue;
            }
            printed.push_str(&unescape(&std::mem::take(&mut literal)));
            let mut directive = chars.next()?;
            if directive == '%' {
                printed.push('%');
                continue;
            }
            while matches!(directive, '-' | '0'..='9' | '.' | ' ' | '+') {
                // Padding changes blanks only where the text is shorter; keep to the plain case.
                if directive != '0' && directive != '-' {
                    return None;
                }
                directive = chars.next()?;
            }
            let argument = match arguments.split_first() {
                Some((first, rest)) => {
                    arguments = rest;
                    used = true;
                    *first
                }
                None => "",
            };
            match directive {
                's' => printed.push_str(argument),
                'b' => printed.push_str(&unescape(argument)),
                'd' | 'i' | 'u' => {
                    let number =
                        argument.parse::<i64>().ok().or(argument.is_empty().then_some(0))?;
                    write!(printed, "{number}").ok()?;
                }
                'x' => write!(printed, "{:x}", argument.parse::<i64>().ok()?).ok()?,
                'o' => write!(printed, "{:o}", argument.parse::<i64>().ok()?).ok()?,
                'c' => printed.extend(argument.chars().next()),
                _ => return None,
            }
        }
        printed.push_str(&unescape(&literal));
        if arguments.is_empty() || !used {
            return Some(printed);
        }
    }
}

/// Backslash escapes as `echo -e` and `printf` know them.
pub(in super::super) fn unescape(text: &str) -> String {
    let mut plain = Vec::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut buffer = [0; 4];
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
            continue;
        }
        let Some(next) = chars.next() else {
            plain.push(b'\\');
            break;
        };
        match next {
            'n' => plain.push(b'\n'),
            't' => plain.push(b'\t'),
            'r' => plain.push(b'\r'),
            'a' => plain.push(7),
            'b' => plain.push(8),
            'v' => plain.push(11),
            'f' => plain.push(12),
            'e' | 'E' => plain.push(27),
            '\\' => plain.push(b'\\'),
            'c' => break,
            'x' => {
                let mut code = 0;
                for _ in 0..2 {
                    let Some(digit) = chars.peek().and_then(|c| c.to_digit(16)) else { break };
                    code = code * 16 + digit;
                    chars.next();
                }
                plain.push(u8::try_from(code).unwrap_or(b'?'));
            }
            'u' | 'U' => {
                let mut code = 0;
                for _ in 0..(if next == 'u' { 4 } else { 8 }) {
                    let Some(digit) = chars.peek().and_then(|c| c.to_digit(16)) else { break };
                    code = code * 16 + digit;
                    chars.next();
                }
                let c = char::from_u32(code).unwrap_or('\u{fffd}');
                plain.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
            }
            '0'..='7' => {
                let mut code = next.to_digit(8).unwrap_or(0);
                let more = if next == '0' { 3 } else { 2 };
                for _ in 0..more {
                    let Some(digit) = chars.peek().and_then(|c| c.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    chars.next();
                }
                plain.push(u8::try_from(code & 0xff).unwrap_or(b'?'));
            }
            other => {
                plain.push(b'\\');
                plain.extend_from_slice(other.encode_utf8(&mut buffer).as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}
