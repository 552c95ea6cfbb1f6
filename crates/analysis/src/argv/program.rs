//! Which program a word names, and what is done about programs that the catalogue does not know.

use ringfence_action::{Attr, Effect, EffectKind, Target};

use crate::context::{Analyzer, Frame};
use crate::invocation::Invocation;
use crate::paths;
use crate::value::{Value, Word};

use super::project;
use super::spec::{self, Entry};
use super::{environment, script};

/// Folders whose programs are what their names say.
const SYSTEM: &[&str] = &[
    "/bin",
    "/sbin",
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/opt/homebrew/bin",
    "/opt/homebrew/sbin",
    "/home/linuxbrew/.linuxbrew/bin",
    "/snap/bin",
    "/usr/libexec",
    "/usr/games",
    "/run/current-system/sw/bin",
];

/// Ends of folders into which package managers put programs.
const INSTALLED: &[&str] = &[
    "/node_modules/.bin",
    "/.venv/bin",
    "/venv/bin",
    "/env/bin",
    "/.cargo/bin",
    "/go/bin",
    "/.local/bin",
    "/.bun/bin",
    "/.deno/bin",
    "/.nix-profile/bin",
    "/.venv/Scripts",
    "/.pyenv/shims",
    "/.asdf/shims",
    "/mise/shims",
];

/// The program that a word names.
#[derive(Debug)]
pub(crate) struct Program {
    /// Its base name; empty where it is computed.
    pub(crate) base: String,
    /// What the catalogue knows of it.
    pub(crate) entry: Option<(&'static str, &'static Entry)>,
    /// Found by name, or in a folder of installed programs: it is what its name says.
    pub(crate) trusted: bool,
}

impl Program {
    pub(crate) fn named(analyzer: &Analyzer<'_>, frame: &Frame, value: &Value) -> Self {
        let (Value::Known(text) | Value::Pattern(text)) = value else {
            return Self { base: String::new(), entry: None, trusted: true };
        };
        let (folder, base) = match text.rsplit_once('/') {
            Some((folder, base)) => (Some(folder), base),
            None => (None, text.as_str()),
        };
        if matches!(value, Value::Pattern(_)) && (base.is_empty() || base.contains(['*', '?', '[']))
        {
            return Self { base: String::new(), entry: None, trusted: true };
        }
        let mut base = base.replace('\\', "");
        if matches!(value, Value::Known(_)) && paths::is_guard(analyzer, frame, text) {
            base = "ringfence".to_owned();
        }
        let trusted = match folder {
            None => true,
            Some(folder) => {
                let absolute = paths::locate(analyzer, frame, &Value::known(folder));
                SYSTEM.contains(&folder) || installed(folder) || installed(&absolute.text())
            }
        };
        let in_bin = folder.is_some_and(|folder| folder.ends_with("/bin"));
        // Wherever it lies: agents are shown the path of the program that guards them.
        let own = base == "ringfence";
        // What a project brings along to fetch the very tool that it is named after.
        let wrapper = ["gradlew", "mvnw", "gradlew.bat", "mvnw.cmd"].contains(&base.as_str());
        let entry = spec::entry(&base).filter(|_| trusted || in_bin || own || wrapper);
        Self { base, entry, trusted }
    }
}

/// What a copy of a program does, as a script: the program, with the words that the copy is given.
pub(crate) fn stand_in(from: &Value) -> Option<String> {
    let (Value::Known(path) | Value::Pattern(path)) = from else { return None };
    let (folder, name) = path.rsplit_once('/')?;
    // A pattern is what `which` tells: wherever the program of that name is.
    let named = matches!(from, Value::Pattern(_)) && folder == "/**";
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b));
    let known = named || SYSTEM.contains(&folder) || installed(folder);
    let program = if named { name } else { path };
    let quoted = program.replace('\'', r"'\''");
    (known && plain && !name.is_empty()).then(|| format!("#!/bin/sh\nexec '{quoted}' \"$@\"\n"))
}

/// Whether a file lies among installed programs.
pub(crate) fn is_installed(path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(folder, _)| SYSTEM.contains(&folder) || installed(folder))
}

fn installed(folder: &str) -> bool {
    let rooted = format!("/{}", folder.trim_start_matches("./"));
    INSTALLED.iter().any(|known| folder.ends_with(known) || rooted.ends_with(known))
}

/// A program named by its path is code of its own: its content tells what it does.
pub(crate) fn run_by_path(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    invocation: &Invocation,
    program: &Program,
) {
    let Some(word) = invocation.argv.first() else { return };
    script::file(analyzer, frame, invocation, &program.base, "auto", &word.value, word.span);
    if program.entry.is_none() {
        overrides_safety(analyzer, frame, invocation);
        read_operands(analyzer, frame, invocation, program);
    }
}

/// A program that the catalogue does not know may read whatever looks like a path.
pub(crate) fn run_unknown(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    invocation: &Invocation,
    program: &Program,
) {
    project::run(analyzer, frame, invocation, program);
    if let Some(word) = invocation.argv.first()
        && script::is_attack_tool(analyzer, frame, &program.base)
    {
        let effect = Effect::new(EffectKind::ExecCode, Target::known(program.base.as_str()))
            .with(Attr::By, program.base.as_str())
            .with(Attr::Classes, [script::ATTACK_TOOL])
            .with(Attr::Source, "file");
        analyzer.effect(frame, word.span, effect);
    }
    read_operands(analyzer, frame, invocation, program);
    take_away(analyzer, frame, invocation, &program.base);
    overrides_safety(analyzer, frame, invocation);
    publish(analyzer, frame, invocation, &program.base);
}

/// Parts of options with which programs are told not to look before they leap.
const UNSAFE: &[&str] = &[
    "dangerously",
    "unsafe",
    "skip-check",
    "skip-verif",
    "skip-valid",
    "skip-safety",
    "no-verify",
    "no-safety",
    "ignore-check",
    "ignore-safety",
    "break-glass",
    "bypass",
    "disable-safety",
    "disable-check",
];

/// `./deploy --skip-checks`: the program's own checks are switched off.
fn overrides_safety(analyzer: &mut Analyzer<'_>, frame: &Frame, invocation: &Invocation) {
    for word in invocation.argv.iter().skip(1) {
        let Some(option) = word.value.as_known().filter(|text| text.starts_with("--")) else {
            continue;
        };
        let name = option.split('=').next().unwrap_or(option).replace('_', "-");
        if UNSAFE.iter().any(|part| name.contains(part)) {
            let effect = Effect::new(EffectKind::Guard, word.value.to_target())
                .with(Attr::Mechanism, "safety-switch");
            analyzer.effect(frame, word.span, effect);
        }
    }
}

/// `vsce publish`: what is here becomes what others install.
fn publish(analyzer: &mut Analyzer<'_>, frame: &Frame, invocation: &Invocation, program: &str) {
    let mut first = invocation.argv.iter().skip(1).take(2);
    let Some(verb) = first.find(|word| word.value.as_known() == Some("publish")) else { return };
    let effect = Effect::new(EffectKind::Package, Target::known("."))
        .with(Attr::By, program)
        .with(Attr::Op, "publish")
        .with(Attr::Publish, true);
    analyzer.effect(frame, verb.span, effect);
}

/// Verbs with which command lines of services take things away for good.
const TAKING: &[&str] = &[
    "delete",
    "destroy",
    "purge",
    "terminate",
    "drop",
    "wipe",
    "erase",
    "decommission",
    "deprovision",
    "teardown",
    "nuke",
    "remove",
];

/// `srv projects delete billing --yes`: a command line of subcommands, one of which takes away what
/// the next word names.
pub(crate) fn take_away(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    invocation: &Invocation,
    program: &str,
) {
    let words = || invocation.argv.iter().skip(1);
    let operands: Vec<&Word> = words()
        .filter(|word| word.value.as_known().is_none_or(|text| !text.starts_with('-')))
        .collect();
    let takes = |word: &&Word| {
        let text = word.value.as_known().unwrap_or_default();
        let verb = text.split([':', '-']).next_back();
        let first = text.split([':', '-']).next();
        [first, verb].into_iter().flatten().any(|verb| TAKING.contains(&verb))
    };
    // Subcommands stand in front, and say what kind of thing it is.
    let Some(at) = operands.iter().take(4).position(takes) else { return };
    let Some(object) = operands.get(at + 1) else { return };
    let named: Vec<&str> =
        operands.iter().take(at + 1).filter_map(|word| word.value.as_known()).collect();
    let span = operands.first().map_or(object.span, |first| first.span.cover(object.span));
    let mut effect = Effect::new(EffectKind::Infra, object.value.to_target())
        .with(Attr::By, program)
        .with(Attr::Provider, program)
        .with(Attr::Op, named.join(" "))
        .with(Attr::Destroy, true);
    let environments = words().filter_map(|word| word.value.as_known());
    if environments.filter_map(environment::of).any(|hint| hint == "production") {
        effect.attributes.set(Attr::Environment, "production");
    }
    analyzer.effect(frame, span, effect);
}

fn read_operands(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    invocation: &Invocation,
    program: &Program,
) {
    for word in invocation.argv.iter().skip(1) {
        let Some(path) = path_like(word) else { continue };
        let by = [(Attr::By, program.base.as_str().into())];
        if !matches!(paths::locate(analyzer, frame, &path), Target::Unknown) {
            paths::effect(analyzer, frame, word.span, EffectKind::Read, &path, &by);
        }
    }
}

/// The path in a word that looks as if it had one: `/etc/x`, `../y`, `--file=/z`.
fn path_like(word: &Word) -> Option<Value> {
    let text = word.value.as_known()?;
    let text = match text.strip_prefix('-') {
        Some(option) => option.split_once('=')?.1,
        None => text,
    };
    let looks = text.starts_with(['/', '~'])
        || text.starts_with("./")
        || text.starts_with("../")
        || text.starts_with('.') && text.len() > 2;
    (looks && !text.contains(char::is_whitespace)).then(|| Value::known(text))
}
