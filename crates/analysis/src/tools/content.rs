//! What is written into files: secrets, settings that widen an agent's rights, and code that would run
//! later. The effects of such code carry [`Attr::Content`](ringfence_action::Attr::Content): they
//! happen when it runs, and then it is looked at again.

use std::collections::BTreeSet;

use ringfence_action::{Attr, Dialect, Effect, EffectKind, Scope, Target, Text};

use super::scripts::{self, Piece};
use super::whole;
use crate::context::{Analyzer, Frame};
use crate::invocation::Data;
use crate::paths;
use crate::value::{Span, Value, Word};

/// A secret of well-known shape.
struct Secret {
    name: &'static str,
    prefix: &'static str,
    length: usize,
    alphabet: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/content_data.rs"));

/// Looks at text that goes into a file: a whole file, or the new part of one.
pub(super) fn written(analyzer: &mut Analyzer<'_>, path: &Value, content: &Text) {
    let mut frame = analyzer.frame(content);
    let classes = paths::classes(analyzer, &frame, path);
    for (name, span) in secrets(&content.value) {
        let attributes = [(Attr::Op, "write".into()), (Attr::Mechanism, name.into())];
        paths::effect(analyzer, &frame, span, EffectKind::Credential, path, &attributes);
    }
    if classes.contains("agent-settings") {
        for mechanism in widenings(&content.value) {
            let attributes = [(Attr::Op, "widen".into()), (Attr::Mechanism, mechanism.into())];
            let span = whole(content);
            paths::effect(analyzer, &frame, span, EffectKind::Guard, path, &attributes);
        }
    }
    frame.content = true;
    code(analyzer, &frame, path, &content.value, &classes);
}

/// What in an agent's settings holds it back. White space is ignored.
const HOLDS_BACK: &[&str] = &[
    "ringfence",
    "\"deny\"",
    "\"ask\"",
    "PreToolUse",
    "PermissionRequest",
    "BeforeTool",
    "disallowed",
];

/// Looks at text that is replaced: settings lose what holds an agent back.
pub(super) fn removed(analyzer: &mut Analyzer<'_>, path: &Value, old: &Text, new: &Text) {
    let frame = analyzer.frame(new);
    let settings = paths::classes(analyzer, &frame, path).contains("agent-settings");
    let has = |text: &Text, word: &str| text.value.contains(word);
    if settings && HOLDS_BACK.iter().any(|word| has(old, word) && !has(new, word)) {
        let attributes =
            [(Attr::Op, "widen".into()), (Attr::Mechanism, "restriction-removed".into())];
        paths::effect(analyzer, &frame, whole(new), EffectKind::Guard, path, &attributes);
    }
}

/// Pieces of one file that are followed; what comes after them is looked at when it runs.
const MAX_PIECES: usize = 300;

fn code(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    path: &Value,
    content: &str,
    classes: &BTreeSet<&'static str>,
) {
    let Some(name) = path.as_known().map(ringfence_action::path::base_name) else { return };
    let pieces = scripts::pieces(name, content, classes);
    for Piece { language, code, span, scope } in pieces.into_iter().take(MAX_PIECES) {
        let mut frame = frame.clone();
        if scope != Scope::Local {
            frame.scope = scope;
            frame.cwd = Value::Unknown;
        }
        let word = Word::known(code, span);
        match language {
            "sh" => analyzer.shell(&frame, &word, Dialect::Bash, &Data::None),
            "zsh" => analyzer.shell(&frame, &word, Dialect::Zsh, &Data::None),
            language => {
                let runs = Effect::new(EffectKind::ExecCode, Target::known(name))
                    .with(Attr::Lang, language)
                    .with(Attr::Source, "file");
                analyzer.effect(&frame, span, runs);
                analyzer.code(&frame, language, &word);
            }
        }
    }
}

/// Where secrets of well-known shape stand, and what they are.
pub(crate) fn secrets(text: &str) -> Vec<(&'static str, Span)> {
    let mut found = Vec::new();
    for secret in SECRETS {
        for (at, _) in text.match_indices(secret.prefix) {
            let before = text.get(..at).unwrap_or_default().chars().next_back();
            if secret.prefix.starts_with(|c: char| c.is_ascii_alphanumeric())
                && secret.name != "private-key"
                && before.is_some_and(|c| c.is_ascii_alphanumeric())
            {
                continue;
            }
            let rest = text.get(at + secret.prefix.len()..).unwrap_or_default();
            let length = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && !secret.alphabet.contains(c))
                .unwrap_or(rest.len());
            let body = rest.get(..length).unwrap_or_default();
            if length >= secret.length && is_random(body) {
                found.push((secret.name, Span::new(at, at + secret.prefix.len() + length)));
                break;
            }
        }
    }
    found.dedup_by_key(|(name, _)| *name);
    found
}

/// Placeholders repeat themselves or say what they are.
fn is_random(body: &str) -> bool {
    let lower = body.to_ascii_lowercase();
    let says_so = [
        "example",
        "xxxx",
        "your",
        "placeholder",
        "dummy",
        "fake",
        "test_",
        "redacted",
        "changeme",
        "abcdefghij",
        "0123456789",
        "1234567890",
        "replace",
        "sample",
    ]
    .iter()
    .any(|word| lower.contains(word));
    let distinct: BTreeSet<char> = body.chars().collect();
    !says_so && distinct.len() >= 8
}

/// How settings widen what an agent may do.
fn widenings(text: &str) -> Vec<&'static str> {
    let compact: String = match serde_json::from_str::<serde_json::Value>(text) {
        // What is denied or asked about does not widen anything.
        Ok(mut settings) => {
            without_denials(&mut settings);
            settings.to_string()
        }
        Err(_) => text.to_owned(),
    };
    let compact: String = compact.chars().filter(|c| !c.is_whitespace()).collect();
    let has = |words: &&str| {
        let words: String = words.chars().filter(|c| !c.is_whitespace()).collect();
        compact.contains(&words)
    };
    WIDENINGS
        .iter()
        .filter(|(_, words)| words.iter().any(has))
        .map(|(mechanism, _)| *mechanism)
        .collect()
}

fn without_denials(settings: &mut serde_json::Value) {
    if let Some(fields) = settings.as_object_mut() {
        fields.remove("deny");
        fields.remove("ask");
        fields.values_mut().for_each(without_denials);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_by_their_shape() {
        let key = format!("key = \"{}{}\"", "AKIA", "Q7ZP2XWM4TB9KD6R");
        assert_eq!(secrets(&key).first().map(|(name, _)| *name), Some("aws-access-key"));
        for text in [
            "AKIAIOSFODNN7EXAMPLE",
            "AKIAXXXXXXXXXXXXXXXX",
            "ghp_your_token_here",
            "xAKIAQ7ZP2XWM4TB9KD6R",
        ] {
            assert!(secrets(text).is_empty(), "{text}");
        }
        let pem =
            format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n", "MIIEpAIBAAKCAQEA7bq0".repeat(8));
        assert_eq!(secrets(&pem).first().map(|(name, _)| *name), Some("private-key"));
        assert!(secrets("match on \"-----BEGIN PRIVATE KEY-----\" lines").is_empty());
    }

    #[test]
    fn settings_that_widen() {
        let widens = |text: &str| widenings(text);
        assert_eq!(
            widens(r#"{"permissions": {"defaultMode": "bypassPermissions"}}"#),
            ["bypass-permissions"]
        );
        assert_eq!(widens(r#"{"permissions": {"allow": ["Bash(*)"]}}"#), ["allow-everything"]);
        assert!(
            widens(r#"{"permissions": {"deny": ["Bash(rm:*)"], "allow": ["Bash(npm test)"]}}"#)
                .is_empty()
        );
    }
}
