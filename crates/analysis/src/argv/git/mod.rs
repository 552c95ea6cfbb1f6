//! What git runs besides itself: aliases, hooks, and the programs that its settings name.
//!
//! Settings on the command line are the action's own: they are an effect like that of a variable, and
//! followed. Those of files were there before: what they name is followed as something that may run.

pub(super) mod repository;
mod settings;
mod table;

use ringfence_action::{Attr, Dialect, Effect, EffectKind, OpaqueReason, Scope, Target, path};

use crate::context::{Analyzer, Frame};
use crate::invocation::{Data, Invocation};
use crate::paths;
use crate::value::{Span, Value, Word};

use super::grammar::Problem;
use super::rules::Subject;
use super::script;
use settings::{Given, Repository, Settings};
use table::Way;

/// Follows what this command of git runs besides itself. True where the command is an alias, and all of
/// it was followed.
pub(super) fn follow(analyzer: &mut Analyzer<'_>, outer: &Frame, subject: &Subject<'_>) -> bool {
    let given = settings::given(subject);
    for setting in &given {
        on_command_line(analyzer, subject, setting);
    }
    if subject.frame.scope != Scope::Local {
        return false;
    }
    let known = settings::collect(analyzer, subject);
    let mut perhaps = subject.frame.clone();
    perhaps.conditional = true;
    let frame = &perhaps;
    for file in &known.unseen {
        let attributes = [(Attr::By, "git".into()), (Attr::Source, "file".into())];
        let span = subject.invocation.span();
        paths::effect(analyzer, frame, span, EffectKind::ExecCode, file, &attributes);
    }
    if alias(analyzer, outer, subject, &given, &known) {
        return true;
    }
    let op = subject.parsed.op().unwrap_or_default();
    let command = op.split(' ').next().unwrap_or_default();
    for setting in &known.known {
        let way = table::way(&setting.key).filter(|_| table::is_read(&setting.key, command));
        if let Some(way) = way {
            let shown = subject.invocation.stdout_shown;
            if way == Way::Pager && !shown {
                continue;
            }
            let value = Value::known(setting.value());
            run(analyzer, frame, way, &value, subject.invocation.span());
        }
    }
    hooks(analyzer, frame, subject, command, &known);
    false
}

/// A setting that the action brings along.
fn on_command_line(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>, given: &Given) {
    let frame = subject.frame;
    let Given { key, value, span } = given;
    let Some(way) = table::way(key) else {
        // The address of `url.ext::CMD.insteadOf` is a command.
        // Where a remote leads, for this one command.
        if leads_elsewhere(key) {
            let effect = Effect::new(EffectKind::VcsLocal, Target::known(key.as_str()))
                .with(Attr::By, "git")
                .with(Attr::Op, "config");
            analyzer.effect(frame, *span, effect);
        }
        if key.starts_with("url.ext::") || key.contains("**") {
            let detail = "git: a setting that runs code";
            analyzer.opaque(frame, *span, OpaqueReason::EnvironmentCode, detail);
        }
        return;
    };
    if key.starts_with("alias.") || harmless(way, value) {
        return;
    }
    let effect = Effect::new(EffectKind::EnvExec, Target::known(key.as_str()))
        .with(Attr::Mechanism, "git-config");
    analyzer.effect(frame, *span, effect);
    let followed = matches!(
        way,
        Way::Command | Way::Program | Way::Pager | Way::Monitor | Way::Helper | Way::Update
    );
    if !followed || value.as_known().is_none() {
        let detail = "git: a setting that runs code";
        analyzer.opaque(frame, *span, OpaqueReason::EnvironmentCode, detail);
    }
    let mut perhaps = frame.clone();
    perhaps.conditional = true;
    run(analyzer, &perhaps, way, value, *span);
}

/// Whether this setting makes the name of a remote mean another place.
fn leads_elsewhere(key: &str) -> bool {
    let is = |end: &str| key.len() > end.len() && key.to_ascii_lowercase().ends_with(end);
    (key.starts_with("remote.") && (is(".url") || is(".pushurl")))
        || (key.starts_with("url.") && (is(".insteadof") || is(".pushinsteadof")))
}

/// Whether a value runs nothing, or only what shows a text.
fn harmless(way: Way, value: &Value) -> bool {
    let Some(text) = value.as_known() else { return false };
    match way {
        Way::Command | Way::Pager | Way::Monitor if is_truth(text) => true,
        Way::Command | Way::Pager => shows_only(text),
        Way::Program | Way::Helper | Way::Monitor => text.is_empty(),
        Way::Update => !text.starts_with('!'),
        Way::Protocol => text == "never",
        Way::Hooks | Way::Include => false,
    }
}

fn is_truth(text: &str) -> bool {
    matches!(text, "true" | "false" | "yes" | "no" | "on" | "off" | "0" | "1")
}

/// Pagers and editors that run nothing else, with options of no consequence.
fn shows_only(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let program = words.next().unwrap_or(":");
    matches!(program, "cat" | "less" | "more" | "true" | ":" | "head" | "vi" | "vim" | "nano")
        && words.all(|word| word.starts_with('-') && !word.contains(['$', '`', ';', '|', '&', '=']))
}

/// What a value runs is followed.
fn run(analyzer: &mut Analyzer<'_>, frame: &Frame, way: Way, value: &Value, span: Span) {
    let Some(text) = value.as_known() else { return };
    let code = match way {
        Way::Command => Some(text.to_owned()),
        Way::Pager if is_truth(text) => None,
        Way::Pager => Some(text.to_owned()),
        Way::Monitor => (!is_truth(text)).then(|| text.to_owned()),
        Way::Program => Some(quoted(text)),
        Way::Helper => Some(match text.strip_prefix('!') {
            Some(code) => code.to_owned(),
            None if text.starts_with(['/', '~']) => text.to_owned(),
            None => format!("git-credential-{text}"),
        }),
        Way::Update => text.strip_prefix('!').map(str::to_owned),
        Way::Hooks | Way::Protocol | Way::Include => None,
    };
    if let Some(code) = code.filter(|code| !code.trim().is_empty() && code != "git-credential-") {
        let word = Word::known(code, span);
        analyzer.shell(frame, &word, Dialect::Posix, &Data::Unknown);
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The command is no command of git, but an alias of this name is known: it runs in its place.
fn alias(
    analyzer: &mut Analyzer<'_>,
    outer: &Frame,
    subject: &Subject<'_>,
    given: &[Given],
    known: &Settings,
) -> bool {
    let problems = subject.parsed.problems.iter();
    let mut unknown = problems.filter_map(|(span, problem)| match problem {
        Problem::Subcommand(name) => Some((*span, name.as_str())),
        Problem::Option(_) | Problem::ComputedOption | Problem::ComputedSubcommand => None,
    });
    let Some((span, name)) = unknown.next() else { return false };
    let key = format!("alias.{}", name.to_ascii_lowercase());
    let on_line =
        given.iter().rev().find(|given| given.key == key).map(|given| given.value.clone());
    let Some(value) =
        on_line.or_else(|| known.get(&key).map(|setting| Value::known(setting.value())))
    else {
        return false;
    };
    let argv = &subject.invocation.argv;
    let Some(at) = argv.iter().position(|word| word.span == span) else { return false };
    let (before, rest) = argv.split_at_checked(at).unwrap_or((argv, &[]));
    let rest = rest.get(1..).unwrap_or_default();
    let Some(value) = value.as_known() else {
        let detail = format!("git: the alias `{name}`");
        analyzer.opaque(subject.frame, span, OpaqueReason::DynamicCode, detail);
        return true;
    };
    let mut invocation = subject.invocation.clone();
    let frame = match value.strip_prefix('!') {
        Some(code) => {
            let word = |text: &str| Word::known(text, span);
            let code = code.trim();
            invocation.argv =
                vec![word("sh"), word("-c"), word(&format!("{code} \"$@\"")), word(code)];
            invocation.argv.extend_from_slice(rest);
            at_top(subject.frame, known.repository.as_ref())
        }
        None => {
            let words = split(value).into_iter().map(|text| Word::known(text, span));
            invocation.argv =
                before.iter().cloned().chain(words).chain(rest.iter().cloned()).collect();
            outer.clone()
        }
    };
    analyzer.run(&frame, &invocation);
    true
}

/// Git runs what is not its own at the top of the work tree.
fn at_top(frame: &Frame, repository: Option<&Repository>) -> Frame {
    let mut frame = frame.clone();
    if let Some(repository) = repository {
        frame.cwd = Value::known(repository.top.as_str());
    }
    frame
}

/// The words of an alias: blanks between them, quotes around them.
fn split(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            open = false;
            continue;
        }
        if !std::mem::replace(&mut open, true) {
            words.push(String::new());
        }
        let Some(word) = words.last_mut() else { continue };
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(end), c) if c == end => quote = None,
            (None | Some('"'), '\\') => word.extend(chars.next()),
            (_, c) => word.push(c),
        }
    }
    words
}

/// The hooks of a command, where the repository has them.
fn hooks(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    subject: &Subject<'_>,
    command: &str,
    known: &Settings,
) {
    let Some(repository) = &known.repository else { return };
    let folder = match known.get("core.hookspath") {
        Some(setting) => path::absolute(&repository.top, &setting.value()),
        None => path::absolute(&settings::common(&repository.folder), "hooks"),
    };
    let frame = at_top(frame, Some(repository));
    let skipped = subject.parsed.given("no_verify");
    for hook in table::hooks(command) {
        if skipped && (hook.starts_with("pre-") || hook == "commit-msg") {
            continue;
        }
        let file = path::absolute(&folder, hook);
        if analyzer.file(&file).is_none() && analyzer.written(&file).is_none() {
            continue;
        }
        let span = subject.invocation.span();
        let name = Word::known(file.as_str(), span);
        let rest = Word { value: Value::Unknown, span, splits: true };
        let invocation = Invocation {
            argv: vec![name.clone(), rest],
            env: subject.invocation.env.clone(),
            stdin: Data::Unknown,
            stdout_shown: true,
        };
        script::file(analyzer, &frame, &invocation, "git", "auto", &name.value, span);
    }
}
