//! Containers: what of this machine they may touch.

use ringfence_action::{Attr, EffectKind};

use crate::argv::rules::{Subject, effect};
use crate::context::Analyzer;
use crate::value::{Value, Word};

/// A bind mount lets the container write (or only read) a path of this machine.
pub(crate) fn handle(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) {
    let parsed = subject.parsed;
    for word in parsed.all("volume") {
        let (Value::Known(text) | Value::Pattern(text)) = &word.value else { continue };
        let mut parts = text.split(':');
        let (Some(source), Some(_)) = (parts.next(), parts.next()) else { continue };
        let read_only = parts.next().is_some_and(|mode| mode.split(',').any(|mode| mode == "ro"));
        mounted(analyzer, subject, word, source, read_only);
    }
    for word in parsed.all("mount") {
        let (Value::Known(text) | Value::Pattern(text)) = &word.value else { continue };
        let fields = || text.split(',').map(|field| field.split_once('=').unwrap_or((field, "")));
        let source = fields().find(|(key, _)| matches!(*key, "source" | "src"));
        let read_only =
            fields().any(|(key, value)| matches!(key, "readonly" | "ro") && value != "false");
        if let Some((_, source)) = source {
            mounted(analyzer, subject, word, source, read_only);
        }
    }
}

fn mounted(
    analyzer: &mut Analyzer<'_>,
    subject: &Subject<'_>,
    word: &Word,
    source: &str,
    read_only: bool,
) {
    // A name without a slash is a volume that the container engine keeps.
    if !source.contains(['/', '~', '*']) && source != "." {
        return;
    }
    let value = match &word.value {
        Value::Pattern(_) if source == "**" => Value::Unknown,
        Value::Pattern(_) if source.contains(['*', '?', '[']) => Value::Pattern(source.to_owned()),
        _ => Value::known(source),
    };
    if source.ends_with("docker.sock") {
        let mechanism = vec![(Attr::Mechanism, "docker-socket".into())];
        effect(
            analyzer,
            subject,
            EffectKind::Privilege,
            Value::known("root"),
            word.span,
            mechanism,
        );
    }
    let kind = if read_only { EffectKind::Read } else { EffectKind::Write };
    effect(analyzer, subject, kind, value, word.span, vec![(Attr::Recursive, true.into())]);
}
