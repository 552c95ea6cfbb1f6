//! Where in the agent's own words a conclusion comes from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A piece of the action's JSON that led to an effect, an opaque remark or a rule.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Evidence {
    /// JSON Pointer (RFC 6901) to the string in the action, such as `/input/command`.
    #[serde(rename = "in")]
    pub pointer: String,
    /// UTF-8 byte offsets into that string, end-exclusive.
    pub span: [usize; 2],
    /// The words themselves, cut after [`Evidence::MAX_TEXT`] bytes.
    pub text: String,
}

impl Evidence {
    /// Longer evidence is cut, at a character boundary, and ends in `…`.
    pub const MAX_TEXT: usize = 200;

    /// Evidence for `source[start..end]`. Offsets outside the text, or inside a character, are
    /// moved to the nearest boundary.
    pub fn new(pointer: impl Into<String>, source: &str, start: usize, end: usize) -> Self {
        let start = floor_boundary(source, start);
        let end = floor_boundary(source, end).max(start);
        let shown = floor_boundary(source, end.min(start + Self::MAX_TEXT)).max(start);
        let mut text = source.get(start..shown).unwrap_or_default().to_owned();
        if shown < end {
            text.push('…');
        }
        Self { pointer: pointer.into(), span: [start, end], text }
    }

    /// Evidence for a whole string.
    pub fn whole(pointer: impl Into<String>, source: &str) -> Self {
        Self::new(pointer, source, 0, source.len())
    }
}

fn floor_boundary(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}
