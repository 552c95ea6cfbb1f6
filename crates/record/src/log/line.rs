//! The form of one line, and what makes it check itself.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::Receipt;

/// What the first line is linked to.
pub(super) const GENESIS: &str =
    "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// Names that the log itself gives to fields; an entry's own cannot take them.
const RESERVED: &[&str] = &["seq", "prev", "at", "kind", "hash"];

/// How deep the fields of an entry may nest: readers of JSON read 128 levels, and the line is one.
pub(super) const MAX_DEPTH: usize = 120;

/// Stands between what is hashed and the hash.
const SEAL: &str = ",\"hash\":\"";

/// What a line says of an entry, but for its number, its links and the braces.
pub(super) fn content(at: &str, kind: &str, fields: Map<String, Value>) -> String {
    let mut entry = Map::new();
    entry.insert("at".into(), json!(at));
    entry.insert("kind".into(), json!(kind));
    entry.extend(fields.into_iter().filter(|(name, _)| !RESERVED.contains(&name.as_str())));
    let text = Value::Object(entry).to_string();
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    inner.unwrap_or_default().to_owned()
}

/// The same, of fields that are written out already.
pub(super) fn content_of(at: &str, kind: &str, fields: &str) -> Option<String> {
    let inner = fields.strip_prefix('{').and_then(|text| text.strip_suffix('}'))?;
    let comma = if inner.is_empty() { "" } else { "," };
    Some(format!("\"at\":{},\"kind\":{}{comma}{inner}", json!(at), json!(kind)))
}

/// Whether none of these fields has a name that is the log's own.
pub(super) fn is_free(fields: &str) -> bool {
    let fields = serde_json::from_str::<Map<String, Value>>(fields);
    !fields.is_ok_and(|fields| RESERVED.iter().any(|name| fields.contains_key(*name)))
}

/// Adds a line with its newline, and returns the receipt for it.
pub(super) fn seal(before: &Receipt, content: &str, lines: &mut String) -> Receipt {
    let seq = before.seq + 1;
    let begin = lines.len();
    let head = format!("{{\"seq\":{seq},\"prev\":{},", json!(before.hash));
    lines.reserve(head.len() + content.len() + 2 * GENESIS.len());
    lines.push_str(&head);
    lines.push_str(content);
    let hash = digest(lines.get(begin..).unwrap_or_default());
    for part in [SEAL, &hash, "\"}\n"] {
        lines.push_str(part);
    }
    Receipt { seq, hash }
}

/// A line with its newline, of this content and with this hash, whatever the content hashes to.
pub(super) fn sealed_as(content: &str, hash: &str) -> String {
    format!("{content}{SEAL}{hash}\"}}\n")
}

/// Whether this is a whole line, with its newline, that this is the hash of.
pub(super) fn ends_in(line: &[u8], hash: &str) -> bool {
    let end = format!("{SEAL}{hash}\"}}\n");
    let content = line.strip_suffix(end.as_bytes());
    content.is_some_and(|content| format!("sha256:{:x}", Sha256::digest(content)) == hash)
}

pub(super) fn digest(content: &str) -> String {
    format!("sha256:{:x}", Sha256::digest(content.as_bytes()))
}

/// A line that was read back.
#[derive(Debug)]
pub(super) struct Line {
    /// What it says about itself, where that much can be read.
    pub(super) receipt: Option<Receipt>,
    /// The hash that it names as the one before.
    pub(super) prev: Option<String>,
    /// Its kind, where that can be read.
    pub(super) kind: Option<String>,
    /// What its content hashes to.
    pub(super) made_of: Option<String>,
    /// What is wrong with it by itself.
    pub(super) problem: Option<String>,
}

/// Reads a line back, without its newline.
pub(super) fn open(line: &str) -> Line {
    let mut made_of = None;
    let sealed = line.rsplit_once(SEAL).and_then(|(content, hash)| {
        let hash = hash.strip_suffix("\"}")?;
        let made = made_of.insert(digest(content));
        let holds = made == hash;
        Some((hash.to_owned(), holds))
    });
    let entry: Option<Map<String, Value>> = serde_json::from_str(line).ok();
    let seq = entry.as_ref().and_then(|entry| entry.get("seq")?.as_u64());
    let prev = entry.as_ref().and_then(|entry| Some(entry.get("prev")?.as_str()?.to_owned()));
    let kind = entry.as_ref().and_then(|entry| Some(entry.get("kind")?.as_str()?.to_owned()));
    let problem = match (&sealed, seq) {
        (Some((_, true)), Some(_)) => None,
        (Some((_, false)), _) => Some("its content is not what its hash was made of".to_owned()),
        (None, _) => Some("it does not end in its hash".to_owned()),
        (Some((_, true)), None) => Some("it has no number".to_owned()),
    };
    let receipt = seq.zip(sealed).map(|(seq, (hash, _))| Receipt { seq, hash });
    Line { receipt, prev, kind, made_of, problem }
}
