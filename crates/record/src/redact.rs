//! Secrets become placeholders before anything is judged or written.
//!
//! A placeholder says what kind of secret stood there, and which one: the same secret has the same
//! placeholder under one key, so that a decision can be made and replayed on the same text. It is made
//! of characters that no shell treats specially, so that the text around it parses as before.

use std::fs;
use std::io::Read;

use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::folder::open_private;
use crate::{RecordError, StateFolder};

/// A secret that is told by how it begins.
struct Shape {
    kind: &'static str,
    prefix: &'static str,
    /// How many characters must follow the prefix.
    at_least: usize,
}

/// Prefixes that vendors document for their tokens.
const SHAPES: &[Shape] = &[
    Shape { kind: "github-token", prefix: "ghp_", at_least: 30 },
    Shape { kind: "github-token", prefix: "gho_", at_least: 30 },
    Shape { kind: "github-token", prefix: "ghu_", at_least: 30 },
    Shape { kind: "github-token", prefix: "ghs_", at_least: 30 },
    Shape { kind: "github-token", prefix: "ghr_", at_least: 30 },
    Shape { kind: "github-token", prefix: "github_pat_", at_least: 30 },
    Shape { kind: "gitlab-token", prefix: "glpat-", at_least: 18 },
    Shape { kind: "anthropic-key", prefix: "sk-ant-", at_least: 20 },
    Shape { kind: "openai-key", prefix: "sk-proj-", at_least: 20 },
    Shape { kind: "api-key", prefix: "sk-", at_least: 32 },
    Shape { kind: "stripe-key", prefix: "sk_live_", at_least: 16 },
    Shape { kind: "stripe-key", prefix: "rk_live_", at_least: 16 },
    Shape { kind: "aws-access-key", prefix: "AKIA", at_least: 16 },
    Shape { kind: "aws-access-key", prefix: "ASIA", at_least: 16 },
    Shape { kind: "google-key", prefix: "AIza", at_least: 30 },
    Shape { kind: "google-token", prefix: "ya29.", at_least: 20 },
    Shape { kind: "slack-token", prefix: "xoxb-", at_least: 20 },
    Shape { kind: "slack-token", prefix: "xoxp-", at_least: 20 },
    Shape { kind: "slack-token", prefix: "xoxa-", at_least: 20 },
    Shape { kind: "slack-token", prefix: "xapp-", at_least: 20 },
    Shape { kind: "npm-token", prefix: "npm_", at_least: 30 },
    Shape { kind: "pypi-token", prefix: "pypi-AgEI", at_least: 30 },
    Shape { kind: "huggingface-token", prefix: "hf_", at_least: 30 },
    Shape { kind: "jwt", prefix: "eyJ", at_least: 40 },
];

const PRIVATE_KEY_BEGIN: &str = "-----BEGIN ";
const PRIVATE_KEY_END: &str = "-----END ";

/// Replaces secrets under one key.
#[derive(Clone)]
pub struct Redactor {
    key: [u8; 32],
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// A redactor with the key of this state folder, made where it is missing.
    ///
    /// # Errors
    /// When the key can be neither read nor made: a guard that cannot hide secrets must not write.
    pub fn open(state: &StateFolder) -> Result<Self, RecordError> {
        let path = state.path().join("redaction.key");
        let file = open_private(&path, false)?;
        file.lock().map_err(RecordError::io("lock", &path))?;
        let mut key = Vec::new();
        (&file).read_to_end(&mut key).map_err(RecordError::io("read", &path))?;
        if key.is_empty() {
            key = vec![0; 32];
            fs::File::open("/dev/urandom")
                .and_then(|mut random| random.read_exact(&mut key))
                .and_then(|()| std::io::Write::write_all(&mut &file, &key))
                .map_err(RecordError::io("make", &path))?;
        }
        let key = key.try_into().map_err(|key: Vec<u8>| RecordError::Damaged {
            path: path.clone(),
            problem: format!("{} bytes instead of 32; remove it to have a new one made", key.len()),
        })?;
        Ok(Self { key })
    }

    /// A redactor with a given key.
    pub fn with_key(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// The text with every secret replaced; `None` if there was none.
    pub fn text(&self, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        let mut before = None;
        while !rest.is_empty() {
            if let Some((kind, length)) = secret_at(rest, before) {
                let (secret, after) = rest.split_at_checked(length)?;
                out.push_str(&self.placeholder(kind, secret));
                before = secret.chars().next_back();
                rest = after;
            } else {
                let c = rest.chars().next()?;
                out.push(c);
                before = Some(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
        (out != text).then_some(out)
    }

    /// Replaces secrets in every string of a JSON value, keys left alone.
    pub fn json(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(redacted) = self.text(text) {
                    *text = redacted;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.json(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn placeholder(&self, kind: &str, secret: &str) -> String {
        let digest = match Hmac::<Sha256>::new_from_slice(&self.key) {
            Ok(mut mac) => {
                mac.update(secret.as_bytes());
                mac.finalize().into_bytes()
            }
            // Keys of any length are accepted; without one every secret looks the same.
            Err(_) => Default::default(),
        };
        let short: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        format!("secret-{kind}-{short}")
    }
}

/// The kind and length of a secret at the beginning of the text.
fn secret_at(text: &str, before: Option<char>) -> Option<(&'static str, usize)> {
    if let Some(length) = private_key_at(text) {
        return Some(("private-key", length));
    }
    if before.is_some_and(is_token_char) {
        return None;
    }
    SHAPES.iter().find_map(|shape| {
        let rest = text.strip_prefix(shape.prefix)?;
        let length = rest.find(|c| !is_token_char(c)).unwrap_or(rest.len());
        (length >= shape.at_least).then_some((shape.kind, shape.prefix.len() + length))
    })
}

/// A whole PEM block of a private key, to its last line.
fn private_key_at(text: &str) -> Option<usize> {
    let label = text.strip_prefix(PRIVATE_KEY_BEGIN)?;
    let (label, _) = label.split_once("-----")?;
    if !label.ends_with("PRIVATE KEY") {
        return None;
    }
    let end = text.find(PRIVATE_KEY_END).map_or(text.len(), |at| {
        let tail = text.get(at + PRIVATE_KEY_END.len()..).unwrap_or_default();
        let close = tail.find("-----").map_or(tail.len(), |close| close + 5);
        at + PRIVATE_KEY_END.len() + close
    });
    Some(end)
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Assembled here so that no scanner takes this file for a leak.
    fn token() -> String {
        format!("ghp_{}", "a1B2c3D4".repeat(5))
    }

    #[test]
    fn the_same_secret_has_the_same_placeholder_and_another_key_another_one() {
        let text = format!("curl -H 'Authorization: token {}' https://x", token());
        let redacted = Redactor::with_key([1; 32]).text(&text).unwrap();
        assert!(!redacted.contains(&token()));
        assert!(redacted.starts_with("curl -H 'Authorization: token secret-github-token-"));
        assert!(redacted.ends_with("' https://x"));
        assert_eq!(Redactor::with_key([1; 32]).text(&text).unwrap(), redacted);
        assert_ne!(Redactor::with_key([2; 32]).text(&text).unwrap(), redacted);
    }

    #[test]
    fn a_private_key_goes_as_a_whole() {
        let block =
            ["-----BEGIN RSA ", "PRIVATE KEY-----\nMIIE\nabcd\n-----END RSA ", "PRIVATE KEY-----"]
                .concat();
        let redacted = Redactor::with_key([1; 32]).text(&format!("echo '{block}' > k")).unwrap();
        assert!(redacted.starts_with("echo 'secret-private-key-"), "{redacted}");
        assert!(redacted.ends_with("' > k"), "{redacted}");
    }

    #[test]
    fn ordinary_words_stay() {
        let redactor = Redactor::with_key([1; 32]);
        for text in [
            "ghp_short",
            "task-list",
            "sk-learn",
            "mask-AKIA",
            "-----BEGIN CERTIFICATE-----\nx",
            "日本語",
        ] {
            assert_eq!(redactor.text(text), None, "{text}");
        }
    }
}
