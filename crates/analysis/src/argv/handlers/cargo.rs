//! What cargo runs besides the compiler: aliases, and the programs that its settings name.
//!
//! As with git: settings on the command line are an effect of their own and followed; those of files were
//! there before, and what they name is followed as something that may run.

use ringfence_action::{Attr, Dialect, Effect, EffectKind, OpaqueReason, Scope, Target, path};

use crate::argv::grammar::Problem;
use crate::argv::rules::{Subject, like};
use crate::argv::settings::{self, Setting};
use crate::context::{Analyzer, Frame};
use crate::invocation::Data;
use crate::paths;
use crate::value::{Span, Value, Word};

/// Settings that name a program, with the commands that run it; `*` is any that builds.
const PROGRAMS: [(&str, &str); 12] = [
    ("build.rustc", "*"),
    ("build.rustc-wrapper", "*"),
    ("build.rustc-workspace-wrapper", "*"),
    ("build.rustdoc", "doc d test t rustdoc"),
    ("target.*.linker", "*"),
    ("target.*.runner", "run r test t bench nextest"),
    ("doc.browser", "doc d"),
    ("registry.credential-provider", "publish login logout yank owner install add update fetch"),
    (
        "registry.global-credential-providers",
        "publish login logout yank owner install add update fetch",
    ),
    (
        "registries.*.credential-provider",
        "publish login logout yank owner install add update fetch",
    ),
    ("credential-alias.*", "publish login logout yank owner install add update fetch"),
    ("net.ssh", ""),
];

/// Commands that build nothing.
const LOOKS: [&str; 12] = [
    "tree", "metadata", "search", "version", "help", "fmt", "clean", "new", "init", "add",
    "remove", "info",
];

/// Folders above the working folder in which settings are looked for.
const ABOVE: usize = 8;

/// Follows them. True where the command is an alias, and all of it was followed.
pub(in crate::argv) fn follow(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) -> bool {
    if subject.frame.scope != Scope::Local {
        return false;
    }
    let given = given(analyzer, subject);
    let known = of_files(analyzer, subject);
    if alias(analyzer, subject, given.iter().rev().chain(known.iter().rev())) {
        return true;
    }
    let op = subject.parsed.op().unwrap_or_default();
    let command = op.split(' ').find(|word| !word.starts_with('+')).unwrap_or_default();
    let mut perhaps = subject.frame.clone();
    perhaps.conditional = true;
    let span = subject.invocation.span();
    for setting in &known {
        if names_a_program(&setting.key, command) {
            run(analyzer, &perhaps, setting, span);
        }
    }
    if matches!(command, "run" | "r") {
        own_program(analyzer, subject, span);
    }
    false
}

fn names_a_program(key: &str, command: &str) -> bool {
    let builds = !LOOKS.contains(&command);
    PROGRAMS.iter().any(|(pattern, commands)| {
        let runs = *commands == "*" && builds || commands.split(' ').any(|one| one == command);
        runs && like(pattern, key)
    })
}

/// `--config KEY=VALUE`: settings of the action itself.
fn given(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) -> Vec<Setting> {
    let mut found = Vec::new();
    for word in subject.parsed.all("config") {
        let opaque = |analyzer: &mut Analyzer<'_>, reason: OpaqueReason, detail: &str| {
            analyzer.opaque(subject.frame, word.span, reason, format!("cargo: {detail}"));
        };
        let Some(text) = word.value.as_known() else {
            // The name may be known where the value is not.
            let key = match &word.value {
                Value::Pattern(text) => text.split('=').next().unwrap_or_default(),
                _ => "*",
            };
            if key.contains(['*', '?']) || is_code(key) {
                opaque(analyzer, OpaqueReason::EnvironmentCode, "a setting that is computed");
            }
            continue;
        };
        let settings = if text.contains('=') {
            settings::toml(text)
        } else {
            let target = paths::locate(analyzer, subject.frame, &word.value);
            match target.as_known().and_then(|path| analyzer.file(path)) {
                Some(content) => settings::toml(&content),
                None => {
                    opaque(analyzer, OpaqueReason::UnseenFile, "settings in a file");
                    continue;
                }
            }
        };
        for setting in &settings {
            let key = setting.key.as_str();
            if is_code(key) && !key.starts_with("alias.") {
                let effect = Effect::new(EffectKind::EnvExec, Target::known(key))
                    .with(Attr::Mechanism, "cargo-config");
                analyzer.effect(subject.frame, word.span, effect);
                let mut perhaps = subject.frame.clone();
                perhaps.conditional = true;
                run(analyzer, &perhaps, setting, word.span);
            }
            if key.ends_with("rustflags") || key.starts_with("env.") {
                opaque(analyzer, OpaqueReason::EnvironmentCode, "a setting that runs code");
            }
        }
        found.extend(settings);
    }
    found
}

/// Whether a setting of this name, for some command, runs something.
fn is_code(key: &str) -> bool {
    PROGRAMS.iter().any(|(pattern, _)| like(pattern, key)) || key.starts_with("alias.")
}

/// What the work tree's files of settings say, and the user's where an alias may be meant.
fn of_files(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) -> Vec<Setting> {
    let mut folders = Vec::new();
    let home = match subject.variable("CARGO_HOME") {
        Some(home) => home.as_known().map(str::to_owned),
        None => analyzer.action.home.as_deref().map(|home| path::absolute(home, ".cargo")),
    };
    let own = home.filter(|_| unknown_command(subject).is_some());
    let given = subject.parsed.last("folder").map(|word| &word.value);
    let start = given.map_or_else(
        || subject.frame.cwd.as_known().map(str::to_owned),
        |folder| paths::locate(analyzer, subject.frame, folder).as_known().map(str::to_owned),
    );
    if let Some(mut folder) = start {
        let root = analyzer.action.workspace_roots().find(|root| path::is_within(root, &folder));
        let root = root.map(str::to_owned);
        for _ in 0..ABOVE {
            folders.push(path::absolute(&folder, ".cargo"));
            let parent = path::parent(&folder).to_owned();
            if root.as_deref() == Some(folder.as_str()) || parent == folder || parent == "/" {
                break;
            }
            folder = parent;
        }
    }
    folders.reverse();
    let mut found = Vec::new();
    for folder in own.into_iter().chain(folders) {
        for name in ["config.toml", "config"] {
            if let Some(text) = analyzer.file(&path::absolute(&folder, name)) {
                found.extend(settings::toml(&text));
            }
        }
    }
    found
}

/// The word that is no command of cargo.
fn unknown_command<'s>(subject: &'s Subject<'_>) -> Option<(Span, &'s str)> {
    subject.parsed.problems.iter().find_map(|(span, problem)| match problem {
        Problem::Subcommand(name) => Some((*span, name.as_str())),
        Problem::Option(_) | Problem::ComputedOption | Problem::ComputedSubcommand => None,
    })
}

/// The command is an alias: its words take its place. The first setting counts.
fn alias<'s>(
    analyzer: &mut Analyzer<'_>,
    subject: &Subject<'_>,
    settings: impl Iterator<Item = &'s Setting>,
) -> bool {
    let Some((span, name)) = unknown_command(subject) else { return false };
    let key = format!("alias.{name}");
    let variable = format!("CARGO_ALIAS_{}", name.to_ascii_uppercase().replace('-', "_"));
    let mut settings = settings;
    let words = match subject.variable(&variable) {
        Some(Value::Known(text)) => Some(text),
        Some(_) => {
            let detail = format!("cargo: the alias `{name}`");
            analyzer.opaque(subject.frame, span, OpaqueReason::DynamicCode, detail);
            return true;
        }
        None => settings.find(|setting| setting.key == key).map(Setting::value),
    };
    let Some(words) = words else { return false };
    let argv = &subject.invocation.argv;
    let Some(at) = argv.iter().position(|word| word.span == span) else { return false };
    let (before, rest) = argv.split_at_checked(at).unwrap_or((argv, &[]));
    let words = words.split_whitespace().map(|text| Word::known(text, span));
    let mut invocation = subject.invocation.clone();
    invocation.argv =
        before.iter().cloned().chain(words).chain(rest.iter().skip(1).cloned()).collect();
    analyzer.run(subject.frame, &invocation);
    true
}

/// The program of a setting, with its words.
fn run(analyzer: &mut Analyzer<'_>, frame: &Frame, setting: &Setting, span: Span) {
    let quoted = |text: &String| format!("'{}'", text.replace('\'', r"'\''"));
    let code = match setting.values.as_slice() {
        [one] => one.clone(),
        several => several.iter().map(quoted).collect::<Vec<_>>().join(" "),
    };
    // Providers that are part of cargo.
    if code.is_empty() || code.starts_with("cargo:") {
        return;
    }
    // A runner is given the program that was built, a wrapper the compiler.
    let code = match setting.key.as_str() {
        key if key.ends_with(".runner") => format!("{code} \"$_\""),
        key if key.ends_with("wrapper") => format!("{code} rustc"),
        _ => code,
    };
    analyzer.shell(frame, &Word::known(code, span), Dialect::Posix, &Data::None);
}

/// `cargo run` starts a program that the work makes.
fn own_program(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>, span: Span) {
    let named = subject.parsed.last("bin").map(|word| word.value.clone());
    let example = subject.parsed.last("example").map(|word| &word.value);
    let example = example.map(|name| Value::known("examples/").concat(name));
    let name = named.or(example).unwrap_or_else(|| default_program(analyzer, subject));
    let folder = if subject.parsed.given("release") { "release" } else { "debug" };
    let target = match subject.parsed.last("target_dir") {
        Some(word) => word.value.clone(),
        None => Value::known("target"),
    };
    let file = target.concat(&Value::known(format!("/{folder}/"))).concat(&name);
    let attributes = [
        (Attr::By, "cargo".into()),
        (Attr::Op, "run".into()),
        (Attr::Lang, "rust".into()),
        (Attr::Source, "task".into()),
    ];
    paths::effect(analyzer, subject.frame, span, EffectKind::ExecCode, &file, &attributes);
}

/// The only program of the package, or the one that its manifest says.
fn default_program(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) -> Value {
    let any = Value::Pattern("*".to_owned());
    if subject.parsed.given("package") {
        return any;
    }
    let manifest =
        subject.parsed.last("manifest").map_or(Value::known("Cargo.toml"), |w| w.value.clone());
    let target = paths::locate(analyzer, subject.frame, &manifest);
    let Some(text) = target.as_known().and_then(|path| analyzer.file(path)) else { return any };
    let settings = settings::toml(&text);
    let of = |key: &str| {
        let found = settings.iter().filter(|setting| setting.key == key);
        found.map(Setting::value).collect::<Vec<_>>()
    };
    if let [name] = of("package.default-run").as_slice() {
        return Value::known(name);
    }
    match (of("bin.name").as_slice(), of("package.name").as_slice()) {
        ([name], _) | ([], [name]) => Value::known(name),
        _ => any,
    }
}
