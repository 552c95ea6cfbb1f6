//! `git checkout`: a word may be a branch or a file. What looks like a file is one.

use ringfence_action::{Attr, AttrValue, EffectKind};

use crate::argv::rules::{Subject, effect};
use crate::context::Analyzer;
use crate::paths;
use crate::value::Word;

/// Files named without `--` in front lose their changes.
pub(crate) fn handle(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) {
    let parsed = subject.parsed;
    // `--ours` and `--theirs` pick a side of a conflict: what is overwritten is the mark-up of both.
    let settles = ["new", "reset_branch", "paths", "side"];
    if settles.iter().any(|name| parsed.given(name)) {
        return;
    }
    let things: Vec<&Word> = parsed.all("things").collect();
    if let [branch] = things.as_slice()
        && !names_file(analyzer, subject, branch)
    {
        let attributes = vec![(Attr::Op, AttrValue::from("switch"))];
        let value = branch.value.clone();
        return effect(analyzer, subject, EffectKind::VcsLocal, value, branch.span, attributes);
    }
    for (index, word) in things.iter().enumerate() {
        // Behind a commit, everything is a file.
        let is_file = index > 0 || names_file(analyzer, subject, word);
        if is_file {
            let located = paths::locate(analyzer, subject.frame, &word.value).to_string();
            let lost = AttrValue::from(["changes"]);
            let value = crate::value::Value::known(located);
            let attributes = vec![(Attr::Discards, lost)];
            effect(analyzer, subject, EffectKind::VcsLocal, value, word.span, attributes);
        }
    }
}

fn names_file(analyzer: &Analyzer<'_>, subject: &Subject<'_>, word: &Word) -> bool {
    let Some(text) = word.value.as_known() else { return false };
    let located = paths::locate(analyzer, subject.frame, &word.value);
    let known = located.as_known().and_then(|path| analyzer.action.facts.paths.get(path));
    if let Some(exists) = known.and_then(|facts| facts.exists) {
        return exists;
    }
    if matches!(text, "." | "..")
        || ["/", "./", "../", ":/", ":("].iter().any(|start| text.starts_with(start))
        || text.ends_with('/')
    {
        return true;
    }
    // `main.rs` and `.gitignore` have an extension; `v1.2` and `4.x` do not.
    let base = ringfence_action::path::base_name(text);
    base.rsplit_once('.').is_some_and(|(stem, extension)| {
        extension.starts_with(|c: char| c.is_ascii_alphabetic())
            && !extension.starts_with('x')
            && !stem.ends_with(|c: char| c.is_ascii_digit())
            && !extension.is_empty()
    })
}
