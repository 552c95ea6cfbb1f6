//! What is written into files: secrets, settings that widen an agent's rights, and code that would run
//! later. The effects of such code carry [`Attr::Content`](ringfence_action::Attr::Content): they
//! happen when it runs, and then it is looked at again.

use std::collections::BTreeSet;

use ringfence_action::{
    Attr, AttrValue, Dialect, Effect, EffectKind, OpaqueReason, Replacement, Scope, Target, Text,
};

use super::scripts::{self, Piece};
use super::whole;
use crate::aside::{self, Change, Elsewhere, Finding};
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
/// `old` is what it takes the place of, where that is known.
pub(super) fn written(
    analyzer: &mut Analyzer<'_>,
    path: &Value,
    old: Option<&str>,
    content: &Text,
) {
    let mut frame = analyzer.frame(content);
    let classes = paths::classes(analyzer, &frame, path);
    for (name, span) in secrets(&content.value) {
        let secret = content.value.get(span.start..span.end).unwrap_or_default();
        if old.is_some_and(|old| old.contains(secret)) {
            continue;
        }
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

/// Looks at a whole file for what it puts in or takes out beside what it says.
pub(super) fn rewritten(analyzer: &mut Analyzer<'_>, path: &Value, content: &Text) {
    let frame = analyzer.frame(content);
    rewritten_in(analyzer, &frame, path, &content.value, None);
}

/// The same, where the file is written by a command: `span` are the words that say what into.
fn rewritten_in(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    path: &Value,
    content: &str,
    span: Option<Span>,
) {
    let Some((path_text, classes)) = subject(analyzer, frame, path) else { return };
    if aside::is_for_people(&path_text, &classes) && !classes.contains("agent-instructions") {
        return;
    }
    if !analyzer.compares(frame, span.unwrap_or_default(), content.len()) {
        return;
    }
    let mut change = Change::of(&path_text, &classes, content);
    let mut found = aside::findings(&change);
    if found.is_empty() && !aside::depends_on_old(&path_text, &classes) {
        return;
    }
    // What was there before is no news, and what is not there any more may be.
    let old = analyzer.original(&path_text);
    if let Some(old) = &old {
        change.old = Some(old);
        found = aside::findings(&change);
    }
    tell(analyzer, frame, path, &found, span);
}

/// How much of files is searched for what is replaced in them, in bytes.
const MOST_SEARCHED: usize = 16 << 20;

/// Looks at the parts of a file that are replaced.
pub(super) fn replaced(analyzer: &mut Analyzer<'_>, path: &Value, replacements: &[Replacement]) {
    let Some(first) = replacements.first() else { return };
    let frame = analyzer.frame(&first.new);
    let Some((path_text, classes)) = subject(analyzer, &frame, path) else { return };
    // What one part loses another one may have.
    let parts: Vec<Elsewhere> = match replacements {
        [_] => Vec::new(),
        several => several.iter().map(|it| Elsewhere::of(&it.new.value)).collect(),
    };
    let all = Elsewhere::sum(parts.iter());
    let (mut file, mut searched) = (None, 0);
    for (at, replacement) in replacements.iter().enumerate() {
        let frame = analyzer.frame(&replacement.new);
        let old = replacement.old.as_ref().map(|old| old.value.as_str());
        let bytes = replacement.new.value.len() + old.map_or(0, str::len);
        if !analyzer.compares(&frame, whole(&replacement.new), bytes) {
            return;
        }
        let mut change = Change {
            old,
            elsewhere: parts.get(at).map(|own| all.without(own)).unwrap_or_default(),
            within: true,
            ..Change::of(&path_text, &classes, &replacement.new.value)
        };
        let depends = aside::depends_on_above(&change);
        if depends && file.is_none() {
            file = analyzer.original(&path_text);
        }
        if let (true, Some(file), Some(old)) = (depends, &file, old) {
            searched += file.len();
            if searched > MOST_SEARCHED {
                let detail = "more parts of a long file are switched than are looked for in it";
                analyzer.opaque(&frame, whole(&replacement.new), OpaqueReason::TooLarge, detail);
                return;
            }
            change.above = file.split_once(old).map(|(above, _)| above).unwrap_or_default();
        }
        let found = aside::findings(&change);
        tell(analyzer, &frame, path, &found, None);
    }
}

/// Looks at what a command has put into files: what it wrote letter by letter, and what `sed` replaced.
pub(super) fn by_command(analyzer: &mut Analyzer<'_>, command: &Text) {
    let frame = analyzer.frame(command);
    for (path, content, span) in analyzer.texts_written() {
        rewritten_in(analyzer, &frame, &Value::Known(path), &content, Some(span));
    }
    let substitutions = analyzer.substitutions();
    if substitutions.is_empty() {
        return;
    }
    for path in analyzer.edited_by("sed") {
        let Some((path_text, classes)) = subject(analyzer, &frame, &path) else { continue };
        for (old, new) in &substitutions {
            let change =
                Change { old: Some(old), within: true, ..Change::of(&path_text, &classes, new) };
            let found = aside::findings(&change);
            tell(analyzer, &frame, &path, &found, Some(whole(command)));
        }
    }
}

/// The path as far as it is known, and what it is; nothing for places where nothing is protected.
fn subject(
    analyzer: &Analyzer<'_>,
    frame: &Frame,
    path: &Value,
) -> Option<(String, BTreeSet<&'static str>)> {
    let target = paths::locate(analyzer, frame, path);
    let text = match target {
        Target::Known(text) | Target::Pattern(text) => text,
        Target::OneOf(_) | Target::Unknown => return None,
    };
    let is_scratch = paths::place(analyzer, frame, &text) == "temp";
    let classes = paths::classes(analyzer, frame, path);
    (!is_scratch).then_some((text, classes))
}

fn tell(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    path: &Value,
    found: &[Finding],
    span: Option<Span>,
) {
    let mut frame = frame.clone();
    frame.content = true;
    for finding in found {
        let mut attributes: Vec<(Attr, AttrValue)> =
            vec![(Attr::Op, finding.op.into()), (Attr::Mechanism, finding.mechanism.into())];
        if !finding.brings.is_empty() {
            attributes.push((Attr::Brings, finding.brings.clone().into()));
        }
        let span = span.unwrap_or(finding.span);
        paths::effect(analyzer, &frame, span, EffectKind::Guard, path, &attributes);
    }
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
        let runs_at_install =
            scripts::runs_at_install(name, content.get(span.start..).unwrap_or_default());
        let before = analyzer.found();
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
        if runs_at_install && analyzer.fetches_code_since(before) {
            let attributes =
                [(Attr::Op, "plant".into()), (Attr::Mechanism, "install-script".into())];
            paths::effect(analyzer, &frame, span, EffectKind::Guard, path, &attributes);
        }
    }
}

/// So much of a secret tells that it is one, in bytes.
const LONGEST_SECRET: usize = 512;

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
            let start = at + secret.prefix.len();
            let end = text.floor_char_boundary(start + LONGEST_SECRET);
            let rest = text.get(start..end).unwrap_or_default();
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
