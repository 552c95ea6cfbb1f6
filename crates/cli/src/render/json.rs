//! JSON for machines that is also safe to look at.
//!
//! JSON itself escapes the ASCII control characters. The others that [`text`](super::text) refuses
//! to show are written as `\uXXXX` too, which means the same to a parser.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::text::is_plain;

/// Writes one value as one line and flushes it.
pub(crate) fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(1024);
    value.serialize(&mut Serializer::with_formatter(&mut bytes, Safe))?;
    bytes.push(b'\n');
    out.write_all(&bytes)?;
    out.flush()
}

struct Safe;

impl Formatter for Safe {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut plain_from = 0;
        for (at, c) in fragment.char_indices().filter(|&(_, c)| !is_plain(c)) {
            writer.write_all(fragment.get(plain_from..at).unwrap_or_default().as_bytes())?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            plain_from = at + c.len_utf8();
        }
        writer.write_all(fragment.get(plain_from..).unwrap_or_default().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_escaped_and_mean_the_same() {
        let text = "a\u{1b}[31m \u{202e}b\u{9b} \u{e0041} 日本 \"q\"";
        let mut out = Vec::new();
        line(&mut out, &serde_json::json!({ "text": text })).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert_eq!(
            out,
            "{\"text\":\"a\\u001b[31m \\u202eb\\u009b \\udb40\\udc41 日本 \\\"q\\\"\"}\n"
        );
        let back: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(back["text"], text);
    }
}
