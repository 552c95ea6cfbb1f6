//! `git push`: which refs of which remote change, and how.

use ringfence_action::{Attr, AttrValue, EffectKind};

use crate::argv::rules::{Subject, effect};
use crate::context::Analyzer;
use crate::value::{Span, Value};

/// One effect for each ref that is pushed.
pub(crate) fn handle(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) {
    let parsed = subject.parsed;
    let whole = subject.invocation.span();
    let remote = parsed.last("remote").or_else(|| parsed.last("repo"));
    let remote = remote.map_or_else(|| Value::known("origin"), |word| word.value.clone());
    let refspecs: Vec<_> = parsed.all("refspecs").collect();
    let current = analyzer.action.facts.git.as_ref().and_then(|git| git.branch.clone());
    let current = current.map_or(Value::Unknown, Value::Known);
    let everything = parsed.given("all") || parsed.given("mirror");
    if refspecs.is_empty() {
        let branch = match everything || parsed.given("tags") && !parsed.given("follow") {
            true => Value::Pattern("*".to_owned()),
            false => current,
        };
        let branch = Ref { branch, source: None, forced: false, deleted: false };
        return push(analyzer, subject, &remote, branch, whole);
    }
    let mut words = refspecs.into_iter();
    while let Some(word) = words.next() {
        // `tag v1` is short for refs/tags/v1.
        let word = match word.value.as_known() {
            Some("tag") => words.next().unwrap_or(word),
            _ => word,
        };
        let mut branch = Ref::parse(&word.value);
        branch.deleted |= parsed.given("delete");
        if branch.branch.as_known() == Some("HEAD") {
            branch.branch = current.clone();
        }
        push(analyzer, subject, &remote, branch, word.span);
    }
}

struct Ref {
    branch: Value,
    /// What goes there, where that has another name.
    source: Option<String>,
    forced: bool,
    deleted: bool,
}

impl Ref {
    /// `+src:dst`, `:dst`, `branch`.
    fn parse(value: &Value) -> Self {
        let (Value::Known(text) | Value::Pattern(text)) = value else {
            return Self { branch: value.clone(), source: None, forced: false, deleted: false };
        };
        let (forced, text) = match text.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, text.as_str()),
        };
        let (source, target) = match text.rsplit_once(':') {
            Some((source, target)) => (Some(source), target),
            None => (None, text),
        };
        let name = target.strip_prefix("refs/heads/").or_else(|| target.strip_prefix("refs/tags/"));
        let name = name.unwrap_or(target);
        let branch = match value {
            Value::Pattern(_) if name == "**" => Value::Unknown,
            Value::Pattern(_) if name.contains(['*', '?', '[']) => Value::Pattern(name.to_owned()),
            _ => Value::known(name),
        };
        let short = source.map(|source| source.strip_prefix("refs/heads/").unwrap_or(source));
        let other = short.filter(|short| !short.is_empty() && *short != name);
        Self { branch, source: other.map(str::to_owned), forced, deleted: source == Some("") }
    }
}

fn push(
    analyzer: &mut Analyzer<'_>,
    subject: &Subject<'_>,
    remote: &Value,
    branch: Ref,
    span: Span,
) {
    let parsed = subject.parsed;
    let flag = |attr: Attr, set: bool| (attr, AttrValue::Flag(set));
    let text = |value: &Value| AttrValue::Text(value.to_target().to_string());
    let mirror = parsed.given("mirror");
    let mut attributes = vec![
        (Attr::Remote, text(remote)),
        (Attr::Branch, text(&branch.branch)),
        flag(
            Attr::Force,
            parsed.given("force") || parsed.given("leased") || mirror || branch.forced,
        ),
        flag(Attr::Lease, parsed.given("leased") && !parsed.given("force") && !branch.forced),
        flag(Attr::DeleteRef, branch.deleted || mirror || parsed.given("prune")),
        flag(Attr::All, parsed.given("all") || mirror),
        flag(Attr::NoVerify, parsed.given("no_verify")),
        flag(Attr::DryRun, parsed.given("dry_run")),
    ];
    attributes.extend(branch.source.map(|source| (Attr::Payload, AttrValue::Text(source))));
    let target = remote.concat(&Value::known("/")).concat(&branch.branch);
    effect(analyzer, subject, EffectKind::VcsRemote, target, span, attributes);
}
