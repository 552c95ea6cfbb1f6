//! The file tools.

use ringfence_action::{Attr, AttrValue, EffectKind, OpaqueReason, Replacement, Target, Text};

use super::{content, values, whole};
use crate::context::{Analyzer, limits};
use crate::invocation::Data;
use crate::paths;
use crate::value::Value;

/// A file is read into the agent's context.
pub(super) fn read(analyzer: &mut Analyzer<'_>, path: &Text) {
    touch(analyzer, path, EffectKind::Read, &[(Attr::Shown, true.into())]);
}

/// A whole file is written.
pub(super) fn write(analyzer: &mut Analyzer<'_>, path: &Text, content: &Text) {
    touch(analyzer, path, EffectKind::Write, &[]);
    content::written(analyzer, &value(path), None, content);
    content::rewritten(analyzer, &value(path), content);
    let frame = analyzer.frame(path);
    if let Target::Known(path) = paths::locate(analyzer, &frame, &value(path)) {
        analyzer.wrote(&path, Data::Text(content.value.clone(), whole(content)));
    }
}

/// Parts of a file are replaced; only the new parts are looked at.
pub(super) fn edit(analyzer: &mut Analyzer<'_>, path: &Text, replacements: &[Replacement]) {
    let frame = analyzer.frame(path);
    let seen = replacements.iter().all(|replacement| replacement.old.is_some());
    let op = if seen && paths::classes(analyzer, &frame, &value(path)).contains("agent-settings") {
        Some("edit")
    } else {
        values::are_all(replacements).then_some("set values")
    };
    let op = op.map(|op| (Attr::Op, AttrValue::from(op)));
    touch(analyzer, path, EffectKind::Write, op.as_slice());
    let looked_at = replacements.get(..limits::REPLACEMENTS).unwrap_or(replacements);
    if looked_at.len() < replacements.len() {
        let detail = "more replacements than are looked at";
        analyzer.opaque(&frame, whole(path), OpaqueReason::TooLarge, detail);
    }
    for replacement in looked_at {
        let old = replacement.old.as_ref().map(|old| old.value.as_str());
        content::written(analyzer, &value(path), old, &replacement.new);
        if let Some(old) = &replacement.old {
            content::removed(analyzer, &value(path), old, &replacement.new);
        }
    }
    content::replaced(analyzer, &value(path), looked_at);
    let frame = analyzer.frame(path);
    if let Target::Known(path) = paths::locate(analyzer, &frame, &value(path)) {
        analyzer.wrote(&path, Data::Unknown);
    }
}

/// A file or folder is removed.
pub(super) fn delete(analyzer: &mut Analyzer<'_>, path: &Text) {
    // File tools take folders along with all that is in them.
    touch(analyzer, path, EffectKind::Delete, &[(Attr::Recursive, true.into())]);
}

/// A file gets another name: gone here, there with its old content.
pub(super) fn rename(analyzer: &mut Analyzer<'_>, from: &Text, to: &Text) {
    touch(analyzer, from, EffectKind::Delete, &[(Attr::Op, "move".into())]);
    touch(analyzer, to, EffectKind::Write, &[(Attr::Op, "move".into())]);
}

/// Names or contents below a folder are searched.
pub(super) fn search(analyzer: &mut Analyzer<'_>, path: Option<&Text>, pattern: Option<&Text>) {
    let here = Text::new("/input", ".");
    let mut place = path.filter(|path| !path.value.is_empty()).unwrap_or(&here).clone();
    // A glob that says where to look: the fixed folders in front of its first wildcard.
    if let Some(pattern) = pattern
        && path.is_none()
        && pattern.value.starts_with(['/', '~'])
        && let Some((folders, _)) = pattern.value.split_once(['*', '?', '{', '['])
        && let Some((folder, _)) = folders.rsplit_once('/')
    {
        place = Text::new(pattern.pointer.clone(), if folder.is_empty() { "/" } else { folder });
    }
    let attributes = [(Attr::Recursive, true.into()), (Attr::Shown, true.into())];
    touch(analyzer, &place, EffectKind::Read, &attributes);
}

fn touch(
    analyzer: &mut Analyzer<'_>,
    path: &Text,
    kind: EffectKind,
    attributes: &[(Attr, AttrValue)],
) {
    let frame = analyzer.frame(path);
    paths::effect(analyzer, &frame, whole(path), kind, &value(path), attributes);
}

fn value(path: &Text) -> Value {
    Value::known(path.value.strip_prefix("file://").unwrap_or(&path.value))
}
