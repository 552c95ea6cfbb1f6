//! Effects in short words: `delete /home/u (recursive)`, `push origin/main (force)`.

use std::borrow::Cow;

use ringfence_action::path::is_within;
use ringfence_action::{Attr, AttrValue, Effect, EffectKind, Opaque, Scope, Target};

use super::text::printable;

/// From where a path is looked at, so that it can be written shorter.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Viewpoint<'a> {
    /// Paths below it are written relative to it.
    pub(crate) cwd: Option<&'a str>,
    /// Paths below it are written with `~`.
    pub(crate) home: Option<&'a str>,
}

impl Viewpoint<'_> {
    fn path<'p>(&self, path: &'p str) -> Cow<'p, str> {
        let below = |base: Option<&str>| {
            let base = base.filter(|base| base.len() > 1)?;
            is_within(base, path).then(|| path.strip_prefix(base)).flatten()
        };
        if let Some(rest) = below(self.cwd).and_then(|rest| rest.strip_prefix('/')) {
            return Cow::Borrowed(rest);
        }
        match below(self.home) {
            Some(rest) => Cow::Owned(format!("~{rest}")),
            None => Cow::Borrowed(path),
        }
    }
}

/// How telling a kind of effect is beside others on the same target: the least first.
pub(crate) const fn weight(kind: EffectKind) -> u8 {
    match kind {
        EffectKind::Guard => 0,
        EffectKind::DownloadExec | EffectKind::Payment | EffectKind::Infra => 1,
        EffectKind::VcsRemote | EffectKind::VcsLocal | EffectKind::Database => 2,
        EffectKind::Persist | EffectKind::Credential | EffectKind::Privilege => 3,
        EffectKind::EnvExec | EffectKind::Package | EffectKind::Message => 4,
        EffectKind::Process | EffectKind::Delete | EffectKind::Browser => 5,
        EffectKind::Net | EffectKind::Metadata | EffectKind::Write => 6,
        EffectKind::Create | EffectKind::ExecCode => 7,
        EffectKind::Read => 8,
        EffectKind::Exec => 9,
    }
}

/// One effect in words, safe to show.
pub(crate) fn words(effect: &Effect, from: Viewpoint<'_>) -> String {
    let mut words = deed(effect, from);
    let manner = manner(effect);
    if !manner.is_empty() {
        words.push_str(" (");
        words.push_str(&manner.join(", "));
        words.push(')');
    }
    match &effect.scope {
        Scope::Local => {}
        Scope::Container(name) => words.push_str(&place("in container", name)),
        Scope::Remote(name) => words.push_str(&place("on", name)),
        Scope::Cluster(name) => words.push_str(&place("in cluster", name)),
    }
    printable(&words).into_owned()
}

fn place(preposition: &str, name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(" {preposition} {name}") }
}

/// What happens, to what.
fn deed(effect: &Effect, from: Viewpoint<'_>) -> String {
    let target = target(effect, from);
    let text = |attr| effect.text(attr);
    match effect.kind {
        EffectKind::Read => format!("read {target}"),
        EffectKind::Write if effect.is(Attr::Append) => format!("append to {target}"),
        EffectKind::Write => format!("write {target}"),
        EffectKind::Create => match text(Attr::Link) {
            Some(link) => format!("link {target} to {link}"),
            None => format!("create {target}"),
        },
        EffectKind::Delete => format!("delete {target}"),
        EffectKind::Metadata => match text(Attr::Mode) {
            Some(mode) => format!("change {target} to {mode}"),
            None => format!("change the attributes of {target}"),
        },
        EffectKind::Exec => format!("run {target}"),
        EffectKind::ExecCode => match text(Attr::Lang) {
            Some(lang) if lang != target => format!("run {lang} code from {target}"),
            Some(lang) => format!("run {lang} code"),
            None => format!("run code from {target}"),
        },
        EffectKind::Net if effect.is(Attr::Listen) => format!("listen on {target}{}", port(effect)),
        EffectKind::Net if effect.is(Attr::Upload) => {
            let what = text(Attr::Payload).map_or(Cow::Borrowed("data"), |path| from.path(path));
            format!("send {what} to {target}{}", port(effect))
        }
        EffectKind::Net => format!("connect to {target}{}", port(effect)),
        EffectKind::DownloadExec => format!("download and run code from {target}"),
        EffectKind::Privilege => match text(Attr::Mechanism) {
            Some(means) => format!("gain rights of {target} through {means}"),
            None => format!("gain rights of {target}"),
        },
        EffectKind::Credential if effect.is(Attr::Shown) => format!("print the secret {target}"),
        EffectKind::Credential => format!("use the secret {target}"),
        EffectKind::EnvExec => format!("make other programs run code through {target}"),
        EffectKind::Persist => format!("leave code behind in {target}"),
        EffectKind::VcsLocal | EffectKind::VcsRemote => operation(effect, "change", &target),
        EffectKind::Package => format!("{} package {target}", text(Attr::Op).unwrap_or("install")),
        EffectKind::Infra => operation(effect, "change infrastructure", &target),
        EffectKind::Database => operation(effect, "change database", &target),
        EffectKind::Process => operation(effect, "signal", &target),
        EffectKind::Message => match text(Attr::Op) {
            Some(op) => format!("{op}: message to {target}"),
            None => format!("send a message to {target}"),
        },
        EffectKind::Payment => format!("pay {target}"),
        EffectKind::Browser => format!("browser: {}", operation(effect, "act on", &target)),
        EffectKind::Guard => match text(Attr::Op) {
            Some("weaken") => format!("weaken what protects its users: {target}"),
            Some("plant") => format!("put something hidden into {target}"),
            Some("disable-checks") => format!("make a check pass: {target}"),
            Some("loosen") => format!("tell agents to take less care: {target}"),
            _ => format!("change what guards the agent: {target}"),
        },
    }
}

fn operation(effect: &Effect, otherwise: &str, target: &str) -> String {
    format!("{} {target}", effect.text(Attr::Op).unwrap_or(otherwise))
}

fn port(effect: &Effect) -> String {
    match effect.attributes.get(Attr::Port) {
        Some(AttrValue::Count(port)) => format!(":{port}"),
        Some(AttrValue::Flag(_) | AttrValue::Text(_) | AttrValue::Set(_)) | None => String::new(),
    }
}

fn target(effect: &Effect, from: Viewpoint<'_>) -> String {
    let is_path = effect.kind.targets_path();
    let shown = |text: &str| {
        if is_path { from.path(text).into_owned() } else { text.to_owned() }
    };
    match &effect.target {
        Target::Known(text) | Target::Pattern(text) => shown(text),
        Target::OneOf(all) => {
            let all: Vec<String> = all.iter().map(|text| shown(text)).collect();
            all.join(" or ")
        }
        Target::Unknown if is_path => "an unknown file".to_owned(),
        Target::Unknown => "something unknown".to_owned(),
    }
}

/// How it happens: the attributes that the words above did not use, in the order of the list.
fn manner(effect: &Effect) -> Vec<String> {
    effect
        .attributes
        .iter()
        .filter_map(|(attr, value)| match attr {
            Attr::By
            | Attr::Op
            // Whatever comes after `&&` is: that would be said of nearly everything.
            | Attr::Conditional
            | Attr::Append
            | Attr::Link
            | Attr::Lang
            | Attr::Port
            | Attr::Listen
            | Attr::Upload
            | Attr::Payload
            | Attr::PayloadPlace
            | Attr::PayloadClasses
            | Attr::Shown
            | Attr::Args
            | Attr::Brings
            | Attr::Source
            | Attr::Place
            | Attr::Url
            | Attr::Resource
            | Attr::Remote
            | Attr::Branch
            | Attr::Dir
            | Attr::Pinned
            | Attr::Signal
            | Attr::Count => None,
            Attr::Role => Some(format!("as {value}")),
            Attr::Mode => (effect.kind != EffectKind::Metadata).then(|| format!("mode {value}")),
            Attr::Mechanism => (effect.kind != EffectKind::Privilege).then(|| value.to_string()),
            Attr::Classes => classes(effect),
            Attr::Ecosystem | Attr::Provider | Attr::Environment => {
                Some(value.to_string().replace(',', ", "))
            }
            Attr::Method => (value != &AttrValue::from("GET")).then(|| value.to_string()),
            Attr::Bind => Some(format!("at {value}")),
            Attr::Discards => Some(format!("loses {}", value.to_string().replace(',', ", "))),
            Attr::Version => Some(format!("version {value}")),
            Attr::Registry => Some(format!("from {value}")),
            Attr::Lease => Some("unless the remote has moved".to_owned()),
            Attr::DeleteRef => Some("deletes the ref".to_owned()),
            Attr::DryRun => Some("only shown".to_owned()),
            Attr::Content => Some("in content that would run later".to_owned()),
            Attr::NoVerify => Some("without checks".to_owned()),
            Attr::FromManifest => Some("as the project declares".to_owned()),
            Attr::ReadOnly => Some("read only".to_owned()),
            Attr::Unread => Some("not read".to_owned()),
            Attr::Unbounded => Some("without a condition".to_owned()),
            Attr::Force
            | Attr::Critical
            | Attr::Recursive
            | Attr::Tunnel
            | Attr::Insecure
            | Attr::All
            | Attr::Global
            | Attr::Scripts
            | Attr::Publish
            | Attr::Destroy
            | Attr::Grant
            | Attr::Public
            | Attr::Ddl => Some(attr.as_str().to_owned()),
        })
        .collect()
}

/// What the path is, unless the mechanism has said so already.
fn classes(effect: &Effect) -> Option<String> {
    let Some(AttrValue::Set(classes)) = effect.attributes.get(Attr::Classes) else { return None };
    let said = effect.text(Attr::Mechanism);
    let classes: Vec<&str> =
        classes.iter().map(String::as_str).filter(|class| Some(*class) != said).collect();
    (!classes.is_empty()).then(|| classes.join(", "))
}

/// What could not be told, in words, safe to show.
pub(crate) fn opaque_words(opaque: &Opaque) -> String {
    let mut words = opaque.reason.as_str().replace('_', " ");
    if !opaque.detail.is_empty() {
        words.push_str(": ");
        words.push_str(&opaque.detail);
    }
    printable(&words).into_owned()
}

/// Effects as a tree: below every program what it starts and what it does.
pub(crate) fn tree(effects: &[Effect]) -> Vec<String> {
    let parents: Vec<Option<usize>> =
        (0..effects.len()).map(|index| parent(effects, index)).collect();
    let mut lines = Vec::new();
    branch(effects, &parents, None, "", &mut lines);
    lines
}

fn branch(
    effects: &[Effect],
    parents: &[Option<usize>],
    above: Option<usize>,
    indent: &str,
    lines: &mut Vec<String>,
) {
    let children: Vec<usize> = parents
        .iter()
        .enumerate()
        .filter_map(|(index, parent)| (*parent == above).then_some(index))
        .collect();
    for (position, &index) in children.iter().enumerate() {
        let Some(effect) = effects.get(index) else { continue };
        let last = position + 1 == children.len();
        let (elbow, below) = match (above, last) {
            (None, _) => ("", ""),
            (Some(_), true) => ("└─ ", "   "),
            (Some(_), false) => ("├─ ", "│  "),
        };
        lines.push(format!("{indent}{elbow}{}", words(effect, Viewpoint::default())));
        branch(effects, parents, Some(index), &format!("{indent}{below}"), lines);
    }
}

/// The program that an effect belongs under: for a program, the smallest one whose words enclose
/// its words; for what a program does, the last one of that name up to there.
fn parent(effects: &[Effect], index: usize) -> Option<usize> {
    let effect = effects.get(index)?;
    let programs = effects
        .iter()
        .enumerate()
        .filter(|(other, program)| program.kind == EffectKind::Exec && *other != index);
    if effect.kind == EffectKind::Exec {
        return programs
            .filter(|(_, program)| encloses(program, effect))
            .min_by_key(|(_, program)| length(program))
            .map(|(other, _)| other);
    }
    let by = effect.text(Attr::By)?;
    let starts_at = start(effect);
    programs
        .filter(|(_, program)| program.text(Attr::By) == Some(by))
        .max_by_key(|(other, program)| {
            let before = start(program) <= starts_at;
            (before, if before { *other } else { usize::MAX - *other })
        })
        .map(|(other, _)| other)
}

/// Whether the words of `outer` hold those of `inner`, and more.
fn encloses(outer: &Effect, inner: &Effect) -> bool {
    let (Some(outer), Some(inner)) = (&outer.evidence, &inner.evidence) else { return false };
    let ([from, to], [start, end]) = (outer.span, inner.span);
    outer.pointer == inner.pointer && from <= start && end <= to && (end - start) < (to - from)
}

fn start(effect: &Effect) -> usize {
    effect.evidence.as_ref().map_or(0, |evidence| evidence.span[0])
}

fn length(effect: &Effect) -> usize {
    effect.evidence.as_ref().map_or(0, |evidence| evidence.span[1].saturating_sub(evidence.span[0]))
}

/// A path of an action, safe to show.
pub(crate) fn path_words(path: &str) -> String {
    printable(path).into_owned()
}
