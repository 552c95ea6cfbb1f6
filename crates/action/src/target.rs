//! What an effect is aimed at, as precisely as analysis could tell.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The object of an effect: a path, a host, a branch, a package, a process…
///
/// Known targets are canonical: paths are absolute and lexically normalised, hosts are lower-case.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Exactly this.
    Known(String),
    /// One of these, at most [`Target::MAX_ALTERNATIVES`].
    OneOf(Vec<String>),
    /// Anything that matches: `?` and `[…]` as in a shell, `*` any run within one path component,
    /// `**` anything at all (an unknown piece).
    Pattern(String),
    /// Could be anything.
    Unknown,
}

impl Target {
    /// More alternatives than this collapse into [`Target::Unknown`].
    pub const MAX_ALTERNATIVES: usize = 16;

    /// A known target.
    pub fn known(text: impl Into<String>) -> Self {
        Self::Known(text.into())
    }

    /// The mildest target that covers every alternative: duplicates are removed, one alternative is
    /// known, too many (or none) are unknown.
    pub fn one_of(mut alternatives: Vec<String>) -> Self {
        alternatives.sort();
        alternatives.dedup();
        match alternatives.len() {
            1 => alternatives.pop().map_or(Self::Unknown, Self::Known),
            2..=Self::MAX_ALTERNATIVES => Self::OneOf(alternatives),
            _ => Self::Unknown,
        }
    }

    /// The exact text, where there is just one.
    pub fn as_known(&self) -> Option<&str> {
        match self {
            Self::Known(text) => Some(text),
            Self::OneOf(_) | Self::Pattern(_) | Self::Unknown => None,
        }
    }

    /// Each way this target could turn out, one at a time: what policy is asked about in turn.
    pub fn alternatives(&self) -> Vec<Self> {
        match self {
            Self::OneOf(all) => all.iter().cloned().map(Self::Known).collect(),
            Self::Known(_) | Self::Pattern(_) | Self::Unknown => vec![self.clone()],
        }
    }

    /// The target with every text in it replaced by `f` of that text.
    pub fn map(&self, f: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Known(text) => Self::Known(f(text)),
            Self::OneOf(all) => Self::OneOf(all.iter().map(|text| f(text)).collect()),
            Self::Pattern(text) => Self::Pattern(f(text)),
            Self::Unknown => Self::Unknown,
        }
    }

    /// The name of the variant as policies see it: `known`, `one_of`, `pattern`, `unknown`.
    pub fn precision(&self) -> &'static str {
        match self {
            Self::Known(_) => "known",
            Self::OneOf(_) => "one_of",
            Self::Pattern(_) => "pattern",
            Self::Unknown => "unknown",
        }
    }

    /// The text as policies see it: empty when unknown, alternatives joined by a space.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Known(text) | Self::Pattern(text) => Cow::Borrowed(text),
            Self::OneOf(all) => Cow::Owned(all.join(" ")),
            Self::Unknown => Cow::Borrowed(""),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(text) | Self::Pattern(text) => f.write_str(text),
            Self::OneOf(all) => write!(f, "{{{}}}", all.join(",")),
            Self::Unknown => f.write_str("?"),
        }
    }
}
