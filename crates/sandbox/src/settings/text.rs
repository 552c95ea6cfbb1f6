//! The notation of git's settings: sections, variables, values with quotes and escapes.
//!
//! Read as git reads it, and where that is in doubt, not at all. What is written is in one form only.

use std::fmt;
use std::iter::Peekable;
use std::str::CharIndices;

/// A variable by its full name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Variable {
    /// In lower case.
    pub(super) section: String,
    pub(super) subsection: Option<String>,
    /// In lower case.
    pub(super) name: String,
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subsection {
            Some(sub) => write!(f, "{}.{sub}.{}", self.section, self.name),
            None => write!(f, "{}.{}", self.section, self.name),
        }
    }
}

/// One value of one variable, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) variable: Variable,
    pub(super) value: String,
    start: usize,
    end: usize,
}

/// The settings cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// Every entry, in order.
pub(super) fn entries(text: &str) -> Result<Vec<Entry>, Unreadable> {
    let text =
        text.strip_prefix('\u{feff}').map_or((text, 0), |rest| (rest, '\u{feff}'.len_utf8()));
    let (text, shift) = text;
    if text.contains('\0') || text.replace("\r\n", "").contains('\r') {
        return Err(Unreadable);
    }
    let mut reader = Reader { text, rest: text.char_indices().peekable() };
    let mut section: Option<(String, Option<String>)> = None;
    let mut entries = Vec::new();
    while let Some((start, letter)) = reader.rest.next() {
        match letter {
            ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' => {}
            '#' | ';' => reader.skip_line(),
            '[' => section = Some(reader.header()?),
            it if it.is_ascii_alphabetic() => {
                let (section, subsection) = section.clone().ok_or(Unreadable)?;
                let name = reader.name(it);
                let value = reader.assignment()?;
                let end = reader.at();
                let variable = Variable { section, subsection, name };
                entries.push(Entry { variable, value, start: start + shift, end: end + shift });
            }
            _ => return Err(Unreadable),
        }
    }
    Ok(entries)
}

struct Reader<'a> {
    text: &'a str,
    rest: Peekable<CharIndices<'a>>,
}

impl Reader<'_> {
    /// Where the next letter stands.
    fn at(&mut self) -> usize {
        self.rest.peek().map_or(self.text.len(), |(at, _)| *at)
    }

    fn skip_line(&mut self) {
        while self.rest.next_if(|(_, it)| *it != '\n').is_some() {}
    }

    fn take(&mut self, good: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some((_, it)) = self.rest.next_if(|(_, it)| good(*it)) {
            taken.push(it);
        }
        taken
    }

    /// `core]`, `remote "origin"]`, `remote.origin]`.
    fn header(&mut self) -> Result<(String, Option<String>), Unreadable> {
        let name = self.take(|it| it.is_ascii_alphanumeric() || it == '-' || it == '.');
        let name = name.to_ascii_lowercase();
        let space = !self.take(|it| it == ' ' || it == '\t').is_empty();
        match self.rest.next() {
            Some((_, ']')) if !name.is_empty() && !space => Ok(match name.split_once('.') {
                Some((section, sub)) => (section.to_owned(), Some(sub.to_owned())),
                None => (name, None),
            }),
            Some((_, '"')) if !name.is_empty() && !name.contains('.') && space => {
                let sub = self.quoted_name()?;
                match self.rest.next() {
                    Some((_, ']')) => Ok((name, Some(sub))),
                    _ => Err(Unreadable),
                }
            }
            _ => Err(Unreadable),
        }
    }

    fn quoted_name(&mut self) -> Result<String, Unreadable> {
        let mut name = String::new();
        loop {
            match self.rest.next().ok_or(Unreadable)?.1 {
                '"' => return Ok(name),
                '\n' => return Err(Unreadable),
                '\\' => match self.rest.next().ok_or(Unreadable)?.1 {
                    '\n' => return Err(Unreadable),
                    it => name.push(it),
                },
                it => name.push(it),
            }
        }
    }

    fn name(&mut self, first: char) -> String {
        let rest = self.take(|it| it.is_ascii_alphanumeric() || it == '-');
        format!("{first}{rest}").to_ascii_lowercase()
    }

    /// What follows a name, to the end of the line. A name alone stands for true.
    fn assignment(&mut self) -> Result<String, Unreadable> {
        self.take(|it| it == ' ' || it == '\t');
        match self.rest.next() {
            None | Some((_, '\n')) => Ok("true".to_owned()),
            Some((_, '\r')) if self.rest.next_if(|(_, it)| *it == '\n').is_some() => {
                Ok("true".to_owned())
            }
            Some((_, '=')) => self.value(),
            Some(_) => Err(Unreadable),
        }
    }

    fn value(&mut self) -> Result<String, Unreadable> {
        let (mut value, mut kept, mut quoted) = (String::new(), 0, false);
        loop {
            let letter = match self.rest.next() {
                Some((_, '\r')) if self.rest.peek().is_some_and(|(_, it)| *it == '\n') => continue,
                Some((_, letter)) => letter,
                None => '\n',
            };
            match letter {
                '\n' if quoted => return Err(Unreadable),
                '\n' => break,
                '#' | ';' if !quoted => {
                    self.skip_line();
                    self.rest.next();
                    break;
                }
                '"' => {
                    quoted = !quoted;
                    kept = value.len();
                }
                '\\' => {
                    match self.escaped()? {
                        Some(it) => value.push(it),
                        None => continue,
                    }
                    kept = value.len();
                }
                it if it.is_ascii_whitespace() && !quoted => {
                    // Leading blanks do not count, and trailing ones are cut off at the end.
                    if !value.is_empty() {
                        value.push(it);
                    }
                }
                it => {
                    value.push(it);
                    kept = value.len();
                }
            }
        }
        value.truncate(kept);
        Ok(value)
    }

    /// What a backslash stands for. None: the line goes on.
    fn escaped(&mut self) -> Result<Option<char>, Unreadable> {
        match self.rest.next().map(|(_, it)| it) {
            Some('\n') => Ok(None),
            Some('\r') if self.rest.next_if(|(_, it)| *it == '\n').is_some() => Ok(None),
            Some('t') => Ok(Some('\t')),
            Some('b') => Ok(Some('\u{8}')),
            Some('n') => Ok(Some('\n')),
            Some(it @ ('\\' | '"')) => Ok(Some(it)),
            _ => Err(Unreadable),
        }
    }
}

/// The text without some of its entries, and otherwise as it was.
pub(super) fn without(text: &str, gone: &[&Entry]) -> String {
    let mut kept = String::new();
    let mut at = 0;
    for entry in gone {
        let before = text.get(at..entry.start).unwrap_or_default();
        // With its indentation, if nothing else stands in front of it.
        let cut = before.trim_end_matches([' ', '\t']);
        let alone = cut.is_empty() || cut.ends_with('\n');
        kept.push_str(if alone { cut } else { before });
        at = entry.end;
        if !alone {
            kept.push('\n');
        }
    }
    kept.push_str(text.get(at..).unwrap_or_default());
    kept
}

/// Entries as text, in the one form that is written here.
pub(super) fn written(entries: &[(Variable, String)]) -> String {
    let mut text = String::new();
    let mut current: Option<(&str, Option<&str>)> = None;
    for (variable, value) in entries {
        let section = (variable.section.as_str(), variable.subsection.as_deref());
        if current != Some(section) {
            let sub = section
                .1
                .map(|it| format!(" \"{}\"", it.replace('\\', "\\\\").replace('"', "\\\"")));
            text.push_str(&format!("[{}{}]\n", section.0, sub.unwrap_or_default()));
            current = Some(section);
        }
        text.push_str(&format!("\t{} = {}\n", variable.name, value_written(value)));
    }
    text
}

fn value_written(value: &str) -> String {
    let plain = |it: char| !it.is_control() && !['"', '\\', '#', ';'].contains(&it);
    if value.chars().all(plain) && value.trim() == value && !value.is_empty() {
        return value.to_owned();
    }
    let mut text = String::from("\"");
    for letter in value.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            other => text.push(other),
        }
    }
    text.push('"');
    text
}
