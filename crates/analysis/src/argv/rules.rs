//! Rules of an entry applied to a parsed invocation: conditions, templates, effects.

use ringfence_action::{Action, Attr, AttrValue, Effect, EffectKind, OpaqueReason, Scope, Target};

use crate::context::{Analyzer, Frame};
use crate::invocation::{Data, Invocation};
use crate::paths;
use crate::shell;
use crate::value::{Span, Value, Word};

use super::git::repository;
use super::grammar::{self, Parsed};
use super::spec::{
    Cond, Filter, OP, Output, Piece, Rule, ScopeKind, Setting, Slot, Template, What,
};
use super::{environment, package, script, url};

/// One invocation in the course of being judged.
pub(crate) struct Subject<'i> {
    pub(crate) frame: &'i Frame,
    pub(crate) invocation: &'i Invocation,
    pub(crate) parsed: &'i Parsed,
}

impl Subject<'_> {
    /// A variable that this action sets for the command.
    pub(crate) fn variable(&self, name: &str) -> Option<Value> {
        let own = self.invocation.env.iter().rev().find(|(known, _)| known == name);
        let own = own.map(|(_, value)| value.clone());
        own.or_else(|| self.frame.inherited.variables.get(name).cloned())
    }
}

/// Whether the program looks for what is the user's own in another home folder than the user's. One of
/// which nothing is known is another one: what would be the user's needs no variable.
pub(crate) fn is_rehomed(action: &Action, subject: &Subject<'_>) -> bool {
    let home = action.home.as_deref().map(|home| home.trim_end_matches('/'));
    let is_own = |value: &Value, below: &str| {
        let own = |text: &String| {
            let text = text.trim_end_matches('/');
            home.is_some_and(|home| text.strip_prefix(home) == Some(below))
        };
        value.listed().is_some_and(|all| all.iter().all(own))
    };
    let differs = |(name, below): (&str, &str)| {
        subject.variable(name).is_some_and(|value| !is_own(&value, below))
    };
    [("HOME", ""), ("XDG_CONFIG_HOME", "/.config")].into_iter().any(differs)
}

/// Applies every rule from the program down to the subcommand. Returns what is written to standard
/// output, where a rule says so.
pub(crate) fn apply(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) -> Option<Data> {
    let mut output = None;
    for node in &subject.parsed.chain {
        for rule in node.body.rules {
            if rule.when.as_ref().is_none_or(|when| holds(when, subject.parsed)) {
                output = apply_one(analyzer, subject, rule).or(output);
            }
        }
    }
    output
}

fn apply_one(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>, rule: &Rule) -> Option<Data> {
    let parsed = subject.parsed;
    let mut moved =
        rule.scope.as_ref().map(|(kind, place)| elsewhere(analyzer, subject, *kind, place));
    if rule.what.leads_on()
        && let Some(hinted) =
            environment::hinted(subject.frame, parsed, &Value::Unknown, &subject.invocation.env)
    {
        let frame = moved.get_or_insert_with(|| subject.frame.clone());
        frame.environment = environment::stricter(frame.environment, Some(hinted));
    }
    let moved_subject;
    let subject = match &moved {
        Some(frame) => {
            moved_subject = Subject { frame, ..*subject };
            &moved_subject
        }
        None => subject,
    };
    match &rule.what {
        What::Effect { kind, target, settings } => {
            for (value, span) in values(analyzer, subject, target) {
                let attributes = attributes(analyzer, subject, settings);
                effect(analyzer, subject, *kind, value, span, attributes);
            }
        }
        What::Run(slot) => return run(analyzer, subject, *slot),
        What::Shell(code) => {
            if let Some(word) = joined(analyzer, subject, code) {
                // What an option starts is fed by the program: data that nobody has seen.
                let stdin = match &subject.invocation.stdin {
                    Data::None => Data::Unknown,
                    stdin => stdin.clone(),
                };
                analyzer.shell(subject.frame, &word, ringfence_action::Dialect::Posix, &stdin);
            }
        }
        What::Code(language, code) => {
            for (value, span) in values(analyzer, subject, code) {
                analyzer.code(subject.frame, language, &Word::new(value, span));
            }
        }
        What::Script(language, file) => {
            for (value, span) in values(analyzer, subject, file) {
                if value.as_known() == Some("-") {
                    script::stdin(analyzer, subject, language);
                } else {
                    let by = parsed.name;
                    script::file(
                        analyzer,
                        subject.frame,
                        subject.invocation,
                        by,
                        language,
                        &value,
                        span,
                    );
                }
            }
        }
        What::Stdin(language) => script::stdin(analyzer, subject, language),
        What::Out(output, from) => return Some(written(analyzer, subject, *output, from)),
        What::Opaque(reason, detail) => {
            let detail = format!("{}: {detail}", parsed.name);
            analyzer.opaque(subject.frame, subject.invocation.span(), *reason, detail);
        }
    }
    None
}

/// The frame of something that happens in a container, on a host, in a cluster.
fn elsewhere(
    analyzer: &Analyzer<'_>,
    subject: &Subject<'_>,
    kind: ScopeKind,
    place: &Template,
) -> Frame {
    let place = values(analyzer, subject, place).into_iter().next();
    let place = place.map_or_else(String::new, |(value, _)| value.to_target().to_string());
    let mut frame = subject.frame.clone();
    frame.cwd = Value::Unknown;
    frame.scope = match kind {
        ScopeKind::Container => Scope::Container(place),
        ScopeKind::Remote => Scope::Remote(place),
        ScopeKind::Cluster => Scope::Cluster(place),
    };
    frame
}

/// Records one effect with what its kind adds: hosts of URLs, names and versions of packages,
/// environments, places of paths.
pub(crate) fn effect(
    analyzer: &mut Analyzer<'_>,
    subject: &Subject<'_>,
    kind: EffectKind,
    value: Value,
    span: Span,
    mut attributes: Vec<(Attr, AttrValue)>,
) {
    let parsed = subject.parsed;
    let set = |attributes: &mut Vec<(Attr, AttrValue)>, attr: Attr, value: AttrValue| {
        if attr.fits(kind) && !attributes.iter().any(|(given, _)| *given == attr) {
            attributes.push((attr, value));
        }
    };
    set(&mut attributes, Attr::By, parsed.name.into());
    if let Some(op) = parsed.op() {
        set(&mut attributes, Attr::Op, op.into());
    }
    let folder = match kind {
        EffectKind::Package => installed_in(analyzer, subject),
        EffectKind::Infra => project_folder(analyzer, subject),
        _ => repository::folder(subject).map(str::to_owned),
    };
    if let Some(folder) = folder {
        set(&mut attributes, Attr::Dir, folder.into());
    }
    // `gh -R owner/name`: the repository on the forge.
    let named = parsed.last("repo").filter(|_| kind == EffectKind::VcsRemote);
    if let Some(repository) = named.and_then(|word| word.value.as_known()) {
        set(&mut attributes, Attr::Remote, repository.into());
    }
    let is_path = |value: &Value| match value {
        Value::Known(text) => text != "-",
        _ => true,
    };
    if kind.targets_path() && kind_names_path(kind, &value) {
        if is_path(&value) {
            let value = from_home(analyzer, value);
            if kind == EffectKind::Create && parsed.name == "git" {
                cloned(analyzer, subject, &value);
            }
            paths::effect(analyzer, subject.frame, span, kind, &value, &attributes);
        }
        return;
    }
    let target = match kind {
        EffectKind::Net | EffectKind::DownloadExec => {
            let found = url::locate(&value);
            for (attr, value) in found.attributes {
                set(&mut attributes, attr, value);
            }
            found.host
        }
        EffectKind::Package => {
            let ecosystem = attributes.iter().find(|(attr, _)| *attr == Attr::Ecosystem);
            let ecosystem = match ecosystem {
                Some((_, AttrValue::Text(name))) => name.clone(),
                _ => String::new(),
            };
            let found = package::locate(&ecosystem, &value);
            for (attr, value) in found.attributes {
                set(&mut attributes, attr, value);
            }
            found.name
        }
        EffectKind::ExecCode => {
            if let Some(path) = value.as_known().filter(|text| text.starts_with('/')) {
                let place = paths::place(analyzer, subject.frame, path);
                set(&mut attributes, Attr::Place, place.into());
            }
            value.to_target()
        }
        EffectKind::Infra | EffectKind::Database => {
            if let Some(environment) =
                environment::hinted(subject.frame, parsed, &value, &subject.invocation.env)
            {
                set(&mut attributes, Attr::Environment, environment.into());
            }
            value.to_target()
        }
        _ => value.to_target(),
    };
    let mut effect = Effect::new(kind, target);
    for (attr, value) in attributes {
        effect.attributes.set(attr, value);
    }
    analyzer.effect(subject.frame, span, effect);
}

/// The folder that a package manager works in: the one that it is told, or where it starts.
fn installed_in(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) -> Option<String> {
    if subject.frame.scope != Scope::Local {
        return None;
    }
    match subject.parsed.last("folder") {
        Some(word) => {
            paths::locate(analyzer, subject.frame, &word.value).as_known().map(str::to_owned)
        }
        None => subject.frame.cwd.as_known().map(str::to_owned),
    }
}

/// Remembers where a repository of somebody else arrives: code in it may run in the same breath.
fn cloned(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>, folder: &Value) {
    let parsed = subject.parsed;
    if !parsed.op().is_some_and(|op| op == "clone" || op == "submodule add") {
        return;
    }
    let Some(url) = parsed.last("url") else { return };
    let host = url::locate(&url.value).host;
    let target = paths::locate(analyzer, subject.frame, folder);
    if let (Some(host), Some(folder)) = (host.as_known(), target.as_known()) {
        analyzer.clones_into(folder, Value::known(host));
    }
}

/// Secrets, persistence and guards may also be things without a path: a keychain, a daemon.
fn kind_names_path(kind: EffectKind, value: &Value) -> bool {
    let loose = matches!(kind, EffectKind::Credential | EffectKind::Persist | EffectKind::Guard);
    !loose
        || value
            .as_known()
            .is_none_or(|text| text.starts_with(['/', '~', '.']) || text.contains('/'))
}

/// `~/` in the catalogue is the user's home.
fn from_home(analyzer: &Analyzer<'_>, value: Value) -> Value {
    let expand = |text: &str| {
        let rest = text.strip_prefix("~/")?;
        Some(format!("{}/{rest}", analyzer.action.home.as_deref()?))
    };
    match &value {
        Value::Known(text) => expand(text).map_or(value, Value::Known),
        Value::Pattern(text) => expand(text).map_or(value, Value::Pattern),
        Value::OneOf(_) | Value::Unknown => value,
    }
}

fn attributes(
    analyzer: &Analyzer<'_>,
    subject: &Subject<'_>,
    settings: &[(Attr, Setting)],
) -> Vec<(Attr, AttrValue)> {
    let mut attributes = Vec::with_capacity(settings.len() + 2);
    for (attr, setting) in settings {
        let text = |template: &Template| {
            let first = values(analyzer, subject, template).into_iter().next();
            first
                .map(|(value, _)| value.to_target().text().into_owned())
                .filter(|text| !text.is_empty())
        };
        let value = match setting {
            Setting::Flag => Some(AttrValue::Flag(true)),
            Setting::FlagIf(when) => holds(when, subject.parsed).then_some(AttrValue::Flag(true)),
            Setting::Text(template) => text(template).map(AttrValue::Text),
            Setting::Set(elements) => {
                Some(AttrValue::Set(elements.iter().map(ToString::to_string).collect()))
            }
            Setting::Count(template) => {
                text(template).and_then(|text| text.parse().ok()).map(AttrValue::Count)
            }
        };
        attributes.extend(value.map(|value| (*attr, value)));
    }
    attributes
}

/// The words of a slot as a program of their own.
fn run(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>, slot: Slot) -> Option<Data> {
    let argv: Vec<Word> = subject.parsed.words(slot).cloned().collect();
    if argv.is_empty() {
        return None;
    }
    let mut env = subject.invocation.env.clone();
    for word in subject.parsed.all("assignments") {
        let Some((name, value)) = grammar::assignment(word) else { continue };
        shell::started_with(analyzer, subject.frame, &name, &value, word.span);
        env.push((name, value));
    }
    let invocation = Invocation {
        argv,
        env,
        stdin: subject.invocation.stdin.clone(),
        stdout_shown: subject.invocation.stdout_shown,
    };
    let Some(folder) = subject.parsed.last("chdir") else {
        return Some(analyzer.run(subject.frame, &invocation));
    };
    let mut frame = subject.frame.clone();
    frame.cwd = match paths::locate(analyzer, subject.frame, &folder.value) {
        Target::Known(path) => Value::Known(path),
        Target::OneOf(all) => Value::OneOf(all),
        Target::Pattern(pattern) => Value::Pattern(pattern),
        Target::Unknown => Value::Unknown,
    };
    Some(analyzer.run(&frame, &invocation))
}

/// The folder whose project a program works on: where it runs, or where it was told to go.
fn project_folder(analyzer: &Analyzer<'_>, subject: &Subject<'_>) -> Option<String> {
    if subject.frame.scope != Scope::Local {
        return None;
    }
    match subject.parsed.last("chdir") {
        Some(folder) => match paths::locate(analyzer, subject.frame, &folder.value) {
            Target::Known(path) => Some(path),
            Target::OneOf(_) | Target::Pattern(_) | Target::Unknown => None,
        },
        None => subject.frame.cwd.as_known().map(str::to_owned),
    }
}

/// All the words of a code template as one piece of code.
fn joined(analyzer: &Analyzer<'_>, subject: &Subject<'_>, code: &Template) -> Option<Word> {
    let words = values(analyzer, subject, code);
    let span = words.iter().map(|(_, span)| *span).reduce(Span::cover)?;
    Some(Word::new(Value::words(words.iter().map(|(value, _)| value)), span))
}

fn written(
    analyzer: &Analyzer<'_>,
    subject: &Subject<'_>,
    output: Output,
    from: &Template,
) -> Data {
    match output {
        Output::None => Data::None,
        Output::Stdin => subject.invocation.stdin.clone(),
        Output::Filtered => match &subject.invocation.stdin {
            Data::None => Data::Unknown,
            Data::Text(..) | Data::File(_) | Data::Setup(_) | Data::Unknown => Data::Unknown,
            Data::Network(from) => Data::Network(from.clone()),
        },
        Output::Setup => Data::Setup(subject.parsed.name.to_owned()),
        Output::Text => match joined(analyzer, subject, from) {
            Some(Word { value: Value::Known(text), span, .. }) => Data::Text(text, span),
            Some(_) | None => Data::Unknown,
        },
        Output::Network => {
            let first = values(analyzer, subject, from).into_iter().next();
            Data::Network(first.map_or(Value::Unknown, |(value, _)| value))
        }
        Output::File => {
            let mut files = values(analyzer, subject, from);
            match (files.pop(), files.is_empty()) {
                (Some((value, _)), true) if value.as_known() == Some("-") => {
                    subject.invocation.stdin.clone()
                }
                (Some((value, _)), true) => Data::File(value),
                (None, _) => subject.invocation.stdin.clone(),
                (Some(_), false) => Data::Unknown,
            }
        }
    }
}

/// What a template stands for: one value for each word of the name in it, none where the name was
/// not given and has no default.
pub(crate) fn values(
    analyzer: &Analyzer<'_>,
    subject: &Subject<'_>,
    template: &Template,
) -> Vec<(Value, Span)> {
    let whole = subject.invocation.span();
    let mut found: Vec<(Value, Option<Span>)> = vec![(Value::known(""), None)];
    for piece in template.0 {
        let pieces: Vec<(Value, Option<Span>)> = match piece {
            Piece::Text(text) => vec![(Value::known(text.as_str()), None)],
            Piece::Anything => vec![(Value::Unknown, None)],
            Piece::Slot { slot, filter, default } => {
                let words = subject.parsed.words(*slot).skip(match filter {
                    Filter::Object => before_object(subject.parsed.words(*slot)),
                    _ => 0,
                });
                let mut given: Vec<_> = words
                    .map(|word| {
                        (filtered(analyzer, subject, *filter, &word.value), Some(word.span))
                    })
                    .collect();
                if *slot == OP {
                    given.iter_mut().for_each(|(_, span)| *span = None);
                }
                match default.as_deref() {
                    Some("?") if given.is_empty() => vec![(Value::Unknown, None)],
                    Some(text) if given.is_empty() => {
                        let value = Value::known(text);
                        vec![(filtered(analyzer, subject, *filter, &value), None)]
                    }
                    _ => given,
                }
            }
        };
        let product = found.iter().flat_map(|(left, left_span)| {
            pieces.iter().map(move |(right, right_span)| {
                let span = match (left_span, right_span) {
                    (Some(left), Some(right)) => Some(left.cover(*right)),
                    (left, right) => left.or(*right),
                };
                let value =
                    if left.as_known() == Some("") { right.clone() } else { left.concat(right) };
                (value, span)
            })
        });
        found = product.take(64).collect();
    }
    found.into_iter().map(|(value, span)| (value, span.unwrap_or(whole))).collect()
}

/// How many words go before what a verb is done to: `sql instances delete`, `iam roles create`.
fn before_object<'w>(words: impl Iterator<Item = &'w Word>) -> usize {
    const VERBS: [&str; 30] = [
        "add",
        "attach",
        "create",
        "delete",
        "deploy",
        "destroy",
        "detach",
        "disable",
        "enable",
        "export",
        "failover",
        "grant",
        "import",
        "move",
        "patch",
        "purge",
        "remove",
        "replace",
        "reset",
        "resize",
        "restart",
        "revoke",
        "rm",
        "rotate",
        "set",
        "start",
        "stop",
        "terminate",
        "undelete",
        "update",
    ];
    let (mut after, mut count) = (0, 0);
    for (at, word) in words.enumerate() {
        count = at + 1;
        let verb = word.value.as_known().and_then(|text| text.split('-').next());
        if after == 0 && verb.is_some_and(|verb| VERBS.contains(&verb)) {
            after = at + 1;
        }
    }
    if after < count { after } else { 0 }
}

fn filtered(
    analyzer: &Analyzer<'_>,
    subject: &Subject<'_>,
    filter: Filter,
    value: &Value,
) -> Value {
    let map = |f: &dyn Fn(&str) -> String| match value {
        Value::Known(text) => Value::known(f(text)),
        Value::OneOf(all) => Value::one_of(all.iter().map(|text| f(text)).collect()),
        Value::Pattern(text) => Value::Pattern(f(text)),
        Value::Unknown => Value::Unknown,
    };
    match filter {
        Filter::None | Filter::Object => value.clone(),
        Filter::Host => match url::locate(value).host {
            Target::Known(host) => Value::Known(host),
            Target::OneOf(hosts) => Value::OneOf(hosts),
            Target::Pattern(host) => Value::Pattern(host),
            Target::Unknown => Value::Unknown,
        },
        Filter::Path => match paths::locate(analyzer, subject.frame, value) {
            Target::Known(path) => Value::Known(path),
            Target::OneOf(paths) => Value::OneOf(paths),
            Target::Pattern(path) => Value::Pattern(path),
            Target::Unknown => Value::Unknown,
        },
        Filter::Environment => map(&|text| environment::of(text).unwrap_or_default().to_owned()),
        Filter::Upper => map(&|text| text.to_ascii_uppercase()),
        Filter::File => map(&|text| {
            let path =
                text.strip_prefix("file:").map(|rest| rest.split('?').next().unwrap_or(rest));
            path.unwrap_or(text).to_owned()
        }),
        Filter::Base => map(&|text| ringfence_action::path::base_name(text).to_owned()),
        Filter::Repository => map(&|text| {
            let text = text.trim_end_matches('/');
            let name = text.rsplit(['/', ':']).next().unwrap_or(text);
            name.strip_suffix(".git").unwrap_or(name).to_owned()
        }),
    }
}

/// The first name in a template.
pub(crate) fn first_slot(template: &Template) -> Option<Slot> {
    template.0.iter().find_map(|piece| match piece {
        Piece::Slot { slot, .. } => Some(*slot),
        Piece::Text(_) | Piece::Anything => None,
    })
}

/// Whether a condition may hold. A computed value may be anything.
pub(crate) fn holds(when: &Cond, parsed: &Parsed) -> bool {
    may(when, parsed, true)
}

/// Whether `when` may turn out as `wanted`.
fn may(when: &Cond, parsed: &Parsed, wanted: bool) -> bool {
    let compared = |slot: Slot, head: &str, test: &dyn Fn(&str) -> bool| {
        let mut outcomes =
            parsed.words(slot).map(|word| match (word.value.listed(), &word.value) {
                (Some(all), _) => {
                    (all.iter().any(|text| test(text)), all.iter().any(|text| !test(text)))
                }
                // What is known of its beginning may be enough.
                (None, Value::Pattern(pattern)) => (may_begin(pattern, head), true),
                (None, _) => (true, true),
            });
        if wanted { outcomes.any(|(yes, _)| yes) } else { outcomes.all(|(_, no)| no) }
    };
    match when {
        Cond::Has(slot) => parsed.has(*slot) == wanted,
        Cond::Is(slot, expected) => compared(*slot, expected, &|text| text == expected.as_str()),
        Cond::Like(slot, pattern) => {
            let head = pattern.split('*').next().unwrap_or_default();
            compared(*slot, head, &|text| like(pattern, text))
        }
        Cond::Stdin => parsed.stdin == wanted,
        Cond::Rehomed => parsed.rehomed == wanted,
        Cond::Not(inner) => may(inner, parsed, !wanted),
        Cond::All(terms) if wanted => terms.iter().all(|term| may(term, parsed, true)),
        Cond::All(terms) => terms.iter().any(|term| may(term, parsed, false)),
        Cond::Any(terms) if wanted => terms.iter().any(|term| may(term, parsed, true)),
        Cond::Any(terms) => terms.iter().all(|term| may(term, parsed, false)),
    }
}

/// Whether a text of this pattern may begin, or be, like that.
fn may_begin(pattern: &str, head: &str) -> bool {
    let literal = pattern.split(['*', '?', '[', '\\']).next().unwrap_or_default();
    literal.starts_with(head) || head.starts_with(literal)
}

/// Whether a text has the form of a pattern in which `*` stands for any run of characters.
pub(crate) fn like(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut rest) = text.strip_prefix(head) else { return false };
    let mut pieces: Vec<&str> = tail.split('*').collect();
    let Some(last) = pieces.pop() else { return true };
    for piece in pieces {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Says what the grammar did not know.
pub(crate) fn report(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) {
    use super::grammar::Problem;
    let name = subject.parsed.name;
    for (span, problem) in &subject.parsed.problems {
        let (reason, detail) = match problem {
            Problem::Option(option) => (OpaqueReason::UnknownOption, format!("{name} {option}")),
            Problem::Subcommand(word) => (OpaqueReason::UnknownOption, format!("{name} {word}")),
            Problem::ComputedOption => {
                (OpaqueReason::DynamicCode, format!("{name}: an option may be computed"))
            }
            Problem::ComputedSubcommand => {
                (OpaqueReason::DynamicProgram, format!("{name}: the subcommand is computed"))
            }
        };
        analyzer.opaque(subject.frame, *span, reason, detail);
    }
}
