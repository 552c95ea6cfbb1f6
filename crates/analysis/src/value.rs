//! Abstract values: what is known of a string before the program runs.

use ringfence_action::Target;

use crate::context::limits::VALUE_BYTES;

/// The pattern of a number whose value is not known.
const NUMBER: &str = "[0-9]*";

/// A set of strings that a word may turn out to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Value {
    /// Exactly this.
    Known(String),
    /// One of these, at most [`Target::MAX_ALTERNATIVES`], sorted.
    OneOf(Vec<String>),
    /// Anything that matches, in the notation of [`Target::Pattern`]: `*`, `?`, `[…]` within a path
    /// component, `**` for an unknown piece, `\` in front of a character that stands for itself.
    Pattern(String),
    /// Anything.
    Unknown,
}

impl Value {
    pub(crate) fn known(text: impl Into<String>) -> Self {
        Self::Known(text.into())
    }

    /// The exact text, where there is just one.
    pub(crate) fn as_known(&self) -> Option<&str> {
        match self {
            Self::Known(text) => Some(text),
            Self::OneOf(_) | Self::Pattern(_) | Self::Unknown => None,
        }
    }

    /// Every text it may be, where they can be listed.
    pub(crate) fn listed(&self) -> Option<&[String]> {
        match self {
            Self::Known(text) => Some(std::slice::from_ref(text)),
            Self::OneOf(all) => Some(all),
            Self::Pattern(_) | Self::Unknown => None,
        }
    }

    pub(crate) fn one_of(mut all: Vec<String>) -> Self {
        all.sort();
        all.dedup();
        let bytes: usize = all.iter().map(String::len).sum();
        match all.len() {
            1 => all.pop().map_or(Self::Unknown, Self::Known),
            2..=Target::MAX_ALTERNATIVES if bytes <= VALUE_BYTES => Self::OneOf(all),
            _ => Self::Unknown,
        }
    }

    /// Some whole number.
    pub(crate) fn number() -> Self {
        Self::Pattern(NUMBER.to_owned())
    }

    /// Whether it is certainly a whole number.
    pub(crate) fn is_number(&self) -> bool {
        let digits = |text: &str| {
            let digits = text.strip_prefix('-').unwrap_or(text);
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        };
        match self {
            Self::Known(text) => digits(text),
            Self::OneOf(all) => all.iter().all(|text| digits(text)),
            Self::Pattern(pattern) => pattern == NUMBER,
            Self::Unknown => false,
        }
    }

    /// The exact text, where there is just one, with numbers that are not known standing as one that is:
    /// for readers to whom one number is as good as another.
    pub(crate) fn sample(&self) -> Option<String> {
        match self {
            Self::Known(text) => Some(text.clone()),
            Self::Pattern(pattern) => {
                let text = pattern.replace(NUMBER, "1");
                (!text.contains(['*', '?', '[', '\\'])).then_some(text)
            }
            Self::OneOf(_) | Self::Unknown => None,
        }
    }

    /// This or that: what a variable is after a branch.
    pub(crate) fn join(self, other: Self) -> Self {
        if self == other {
            return self;
        }
        match (self.listed(), other.listed()) {
            (Some(a), Some(b)) if a.len() + b.len() <= Target::MAX_ALTERNATIVES => {
                Self::one_of(a.iter().chain(b).cloned().collect())
            }
            _ if self.is_number() && other.is_number() => Self::number(),
            _ => Self::Unknown,
        }
    }

    /// This followed by that: `$a$b`. Unknown pieces become `**` so that a known prefix or suffix
    /// is kept.
    pub(crate) fn concat(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Unknown, Self::Unknown) => Self::Unknown,
            (Self::Pattern(_) | Self::Unknown, _) | (_, Self::Pattern(_) | Self::Unknown) => {
                let joined = format!("{}{}", self.as_pattern(), other.as_pattern());
                if joined.len() > VALUE_BYTES {
                    return Self::Unknown;
                }
                Self::Pattern(joined.replace("****", "**"))
            }
            (a, b) => {
                let (a, b) = (a.listed().unwrap_or_default(), b.listed().unwrap_or_default());
                let longest = |all: &[String]| all.iter().map(String::len).max().unwrap_or(0);
                if longest(a) + longest(b) > VALUE_BYTES {
                    return Self::Unknown;
                }
                if a.len() * b.len() > Target::MAX_ALTERNATIVES {
                    return Self::Unknown;
                }
                Self::one_of(
                    a.iter().flat_map(|a| b.iter().map(move |b| format!("{a}{b}"))).collect(),
                )
            }
        }
    }

    /// All of these, one after the other: as [`Value::concat`] makes of them, in one go.
    pub(crate) fn concat_all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::known("");
        for part in parts {
            all.append(part);
        }
        all
    }

    /// Grows by what follows: as [`Value::concat`], without a copy of what is there.
    pub(crate) fn append(&mut self, part: Self) {
        if self.size() + part.size() <= VALUE_BYTES {
            match (&mut *self, &part) {
                (Self::Known(all), Self::Known(part)) => return all.push_str(part),
                (Self::Pattern(all), Self::Known(part)) => {
                    return all.push_str(&escape_pattern(part));
                }
                (Self::Pattern(all), Self::Pattern(_) | Self::Unknown) => {
                    let part = part.as_pattern();
                    let twice = all.ends_with("**") && part.starts_with("**");
                    return all.push_str(if twice { part.get(2..).unwrap_or("") } else { &part });
                }
                _ => {}
            }
        }
        *self = self.concat(&part);
    }

    /// A text with all that is `old` in it made `new`, unless that is more than a value holds.
    pub(crate) fn replaced(text: &str, old: &str, new: &str) -> Self {
        let longer = new.len().saturating_sub(old.len());
        let grown = text.matches(old).count().saturating_mul(longer);
        if text.len().saturating_add(grown) > VALUE_BYTES {
            return Self::Unknown;
        }
        Self::Known(text.replace(old, new))
    }

    /// How many bytes it holds.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Known(text) | Self::Pattern(text) => text.len(),
            Self::OneOf(all) => all.iter().map(String::len).sum(),
            Self::Unknown => 0,
        }
    }

    /// Words with a blank between them: what `eval` runs.
    pub(crate) fn words<'v>(all: impl Iterator<Item = &'v Self> + Clone) -> Self {
        let known: Option<Vec<&str>> = all.clone().map(Self::as_known).collect();
        if let Some(known) = known {
            return Self::Known(known.join(" "));
        }
        let blank = Self::known(" ");
        let mut all = all.cloned();
        let first = all.next().unwrap_or_else(|| Self::known(""));
        all.fold(first, |words, word| words.concat(&blank).concat(&word))
    }

    /// The value in pattern notation, literal texts escaped.
    pub(crate) fn as_pattern(&self) -> String {
        match self {
            Self::Known(text) => escape_pattern(text),
            Self::Pattern(pattern) => pattern.clone(),
            Self::OneOf(_) | Self::Unknown => "**".to_owned(),
        }
    }

    /// As the target of an effect that is not a path (paths go through `paths::locate`).
    pub(crate) fn to_target(&self) -> Target {
        match self {
            Self::Known(text) => Target::Known(text.clone()),
            Self::OneOf(all) => Target::OneOf(all.clone()),
            Self::Pattern(pattern) if pattern == "**" => Target::Unknown,
            Self::Pattern(pattern) => Target::Pattern(pattern.clone()),
            Self::Unknown => Target::Unknown,
        }
    }
}

/// Puts `\` in front of what a pattern would read as more than itself.
pub(crate) fn escape_pattern(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Byte offsets into the source that is being analysed (see `context::Source`), end-exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The smallest span over both.
    pub(crate) fn cover(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// One argument of a command after expansion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// What it may be.
    pub(crate) value: Value,
    /// Where it stands.
    pub(crate) span: Span,
    /// Whether it may turn into no word, or more than one (unquoted unknown, glob, `"$@"`).
    pub(crate) splits: bool,
}

impl Word {
    pub(crate) fn new(value: Value, span: Span) -> Self {
        Self { value, span, splits: false }
    }

    pub(crate) fn known(text: impl Into<String>, span: Span) -> Self {
        Self::new(Value::known(text), span)
    }
}
