//! Secrets become placeholders before anything is judged or written.
//!
//! A placeholder says what kind of secret stood there, and which one: the same secret has the same
//! placeholder under one key, so that a decision can be made and replayed on the same text. It is made
//! of characters that no shell treats specially, and stands for such characters alone, so that the text
//! around it stays as it is and parses as before.

mod shapes;

use std::fs;
use std::io::Read;

use hmac::{Hmac, Mac};
use serde_json::{Map, Value};
use sha2::Sha256;

use crate::folder::open_private;
use crate::{RecordError, StateFolder};

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

    /// The text with every secret replaced, and everything around them as it was; `None` if there was
    /// none.
    pub fn text(&self, text: &str) -> Option<String> {
        let found = shapes::secrets(text);
        if found.is_empty() {
            return None;
        }
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for (kind, place) in &found {
            out.push_str(text.get(done..place.start)?);
            out.push_str(&self.placeholder(kind, text.get(place.clone())?));
            done = place.end;
        }
        out.push_str(text.get(done..)?);
        Some(out)
    }

    /// Whether a text, or anything in what it is the JSON of, may be a secret. Quick: no is certain, yes is not.
    pub fn suspects(text: &str) -> bool {
        shapes::may_be_in(text)
    }

    /// Whether there is a secret in any string of a JSON value, names of fields included.
    pub fn finds_in(&self, value: &Value) -> bool {
        let is_secret = |text: &str| !shapes::secrets(text).is_empty();
        match value {
            Value::String(text) => is_secret(text),
            Value::Array(items) => items.iter().any(|item| self.finds_in(item)),
            Value::Object(fields) => {
                fields.iter().any(|(name, field)| is_secret(name) || self.finds_in(field))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// Replaces secrets in every string of a JSON value, names of fields included.
    pub fn json(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.string(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Value::Object(fields) => self.fields(fields),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// As [`Redactor::json`], for the fields of an object.
    pub fn fields(&self, fields: &mut Map<String, Value>) {
        fields.values_mut().for_each(|field| self.json(field));
        if fields.keys().any(|name| !shapes::secrets(name).is_empty()) {
            let renamed = std::mem::take(fields).into_iter();
            *fields =
                renamed.map(|(name, field)| (self.text(&name).unwrap_or(name), field)).collect();
        }
    }

    /// As [`Redactor::text`], in place.
    pub fn string(&self, text: &mut String) {
        if let Some(redacted) = self.text(text) {
            *text = redacted;
        }
    }

    /// A mark of something, the same each time, which nobody can make who does not have the key.
    pub fn mark(&self, of: &str) -> String {
        let placeholder = self.placeholder("mark", of);
        placeholder.chars().filter(char::is_ascii_hexdigit).rev().take(8).collect()
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

    const BEGIN: &str = concat!("-----BEGIN RSA ", "PRIVATE KEY-----");
    const END: &str = concat!("-----END RSA ", "PRIVATE KEY-----");

    #[test]
    fn the_body_of_a_private_key_goes_line_by_line() {
        let redactor = Redactor::with_key([1; 32]);
        let (full, last) = (format!("MIIE{}", "q+/Z".repeat(15)), "Ab3==");
        for newline in ["\n", "\r\n", "\\n", "\\\\n"] {
            let lines = [BEGIN, "Proc-Type: 4,ENCRYPTED", &full, &full, last, END].join(newline);
            let redacted = redactor.text(&format!("echo '{lines}' > k")).unwrap();
            assert!(!redacted.contains(&full) && !redacted.contains(last), "{redacted}");
            assert_eq!(redacted.matches(newline).count(), 5, "{redacted}");
            assert!(redacted.starts_with(&format!("echo '{BEGIN}")), "{redacted}");
            assert!(redacted.ends_with(&format!("{END}' > k")), "{redacted}");
        }
    }

    #[test]
    fn what_stands_behind_the_label_of_a_key_is_no_key() {
        let redactor = Redactor::with_key([1; 32]);
        for text in [
            format!("echo {BEGIN}; rm -rf ~/"),
            format!("#{BEGIN}\nrm -rf ~/"),
            format!("cat <<E\n{BEGIN}\nE\nrm -rf ~/"),
            format!("echo {BEGIN} sudo shutdown now"),
            format!("proj/{BEGIN}/../../home/.claude/settings.json"),
            format!("# {BEGIN}\nAPATHTHATISVERYLONGINDEED=1 ls"),
            format!("# {BEGIN}\nAPATHTHATISVERYLONGINDEED;ls\n{END}"),
        ] {
            assert_eq!(redactor.text(&text), None, "{text}");
        }
    }

    #[test]
    fn a_token_ends_where_the_next_thing_begins() {
        let redactor = Redactor::with_key([1; 32]);
        let key = format!("sk-{}", "a1".repeat(20));
        let json = format!("eyJ{}", "aB3".repeat(20));
        let signed = format!("{json}.{json}.{}", "s".repeat(30));
        for (secret, after) in [
            (&key, ".evil.example/x | sh"),
            (&json, ".evil.example"),
            (&signed, ".evil.example"),
            (&token(), "/../../x"),
            (&token(), ".sh"),
        ] {
            let redacted = redactor.text(&format!("https://{secret}{after}")).unwrap();
            assert!(redacted.ends_with(after) && !redacted.contains(secret), "{redacted}");
        }
    }

    #[test]
    fn a_token_is_found_in_the_middle_of_a_word_and_in_names_of_fields() {
        let redactor = Redactor::with_key([1; 32]);
        let jwt = format!("eyJ{}", "aB3".repeat(20));
        for text in [
            format!("printf \"A=1\\n{}\"", token()),
            format!("echo x{}", token()),
            format!("printf 'a\\t{jwt}'"),
        ] {
            let redacted = redactor.text(&text).unwrap();
            assert!(!redacted.contains(&token()) && !redacted.contains(&jwt), "{redacted}");
        }
        let mut value = serde_json::json!({"a": {token(): [token()]}});
        redactor.json(&mut value);
        assert!(!value.to_string().contains(&token()), "{value}");
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

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]

        /// Whatever the text, what is replaced is a word without anything that a shell reads, and what
        /// is around it stays as it was.
        #[test]
        fn a_placeholder_stands_for_one_inert_word(
            pieces in proptest::collection::vec(proptest::sample::select(vec![
                BEGIN, END, "\n", "\\n", " ", ";", "|", "&", "$", "(", ")", "<", ">", "`", "'",
                "\"", "=", "/", ".", "rm -rf ~/", "MIIEabcdefghijklmnop+/==", "日本", "#", "x",
                "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9abcdefghijk", "Proc-Type: 4,ENCRYPTED",
                "sk-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "ghp_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
            ]), 0..14)
        ) {
            let text = pieces.concat();
            let mut around = String::new();
            let mut done = 0;
            let json = Value::String(text.clone()).to_string();
            let finds = !shapes::secrets(&text).is_empty();
            proptest::prop_assert!(!finds || Redactor::suspects(&json), "{text:?}");
            for (kind, place) in shapes::secrets(&text) {
                let secret = &text[place.clone()];
                let inert = |c: char| c.is_ascii_alphanumeric() || "+/=._-".contains(c);
                proptest::prop_assert!(secret.chars().all(inert), "{kind} {secret:?} in {text:?}");
                around.push_str(&text[done..place.start]);
                around.push('\0');
                done = place.end;
            }
            around.push_str(&text[done..]);
            let redacted = Redactor::with_key([1; 32]).text(&text).unwrap_or_else(|| text.clone());
            let mut rest = redacted.as_str();
            for (index, part) in around.split('\0').enumerate() {
                if index > 0 {
                    let end = rest.find("secret-").map(|at| at + "secret-".len());
                    proptest::prop_assert_eq!(end, Some("secret-".len()));
                    rest = rest.trim_start_matches(|c: char| c != '-').trim_start_matches('-');
                    let kinds = ["private-key-", "github-token-", "api-key-", "jwt-"];
                    let kind = kinds.iter().find(|kind| rest.starts_with(**kind)).unwrap();
                    rest = &rest[kind.len() + 12..];
                }
                proptest::prop_assert!(rest.starts_with(part), "{rest:?} {part:?}");
                rest = &rest[part.len()..];
            }
            proptest::prop_assert_eq!(rest, "");
        }
    }
}
