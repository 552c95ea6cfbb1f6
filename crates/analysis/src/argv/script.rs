//! Files and streams that are run as code.

use ringfence_action::{Attr, Dialect, Effect, EffectKind, OpaqueReason, Target};

use crate::context::{Analyzer, Frame};
use crate::invocation::{Data, Invocation};
use crate::paths;
use crate::value::{Span, Value, Word};

use super::rules::Subject;
use super::url;

/// The class of files that are known to be written for breaking into machines.
pub(crate) const ATTACK_TOOL: &str = "attack-tool";

/// Whether a file of this name is one of them.
pub(crate) fn is_attack_tool(analyzer: &Analyzer<'_>, frame: &Frame, path: &str) -> bool {
    paths::classes(analyzer, frame, &Value::known(path)).contains(ATTACK_TOOL)
}

/// A file is run as code in a language; `auto` asks its first line, then its name. Where the
/// content is known, it is analysed in turn.
pub(crate) fn file(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    invocation: &Invocation,
    by: &str,
    language: &str,
    path: &Value,
    span: Span,
) {
    let target = paths::locate(analyzer, frame, path);
    if language != "auto"
        && let Some(named) = target.as_known()
        && is_stdin(named)
    {
        return stream(analyzer, frame, invocation, by, language, span);
    }
    let content = match target.as_known() {
        Some(known) if frame.scope == ringfence_action::Scope::Local => analyzer.file(known),
        _ => None,
    };
    let written = target.as_known().and_then(|known| analyzer.written(known)).cloned();
    let argv = started_with(invocation, path, span);
    let language = match language {
        "auto" => detect(&target.text(), content.as_deref()),
        language => Some(language),
    };
    let mut effect = Effect::new(EffectKind::ExecCode, target.clone())
        .with(Attr::By, by)
        .with(Attr::Source, "file");
    if let Some(language) = language {
        effect = effect.with(Attr::Lang, language);
    }
    if let Some(known) = target.as_known() {
        // A copy is judged by where it comes from.
        let origin = match &written {
            Some(Data::File(Value::Known(from))) => from.as_str(),
            _ => known,
        };
        effect = effect.with(Attr::Place, paths::place(analyzer, frame, origin));
        if is_attack_tool(analyzer, frame, known) {
            effect.attributes.insert(Attr::Classes, ATTACK_TOOL);
        }
        if analyzer.renamed(known).is_some_and(interprets) {
            effect.attributes.set(Attr::Source, "renamed");
        }
    }
    effect.attributes.set(Attr::Unread, content.is_none());
    analyzer.effect(frame, span, effect);
    match (content, written) {
        (Some(content), _) => {
            let word = Word::known(content.as_ref(), span);
            run_text(analyzer, frame, language, &word, &invocation.stdin, &argv);
        }
        // A copy is as good as what it is a copy of.
        (None, Some(Data::File(Value::Known(_)))) => {}
        (None, Some(Data::Network(from))) => download(analyzer, frame, by, language, &from, span),
        (None, Some(_)) => {
            let detail = format!("{} was changed before it is run", target.text());
            analyzer.opaque(frame, span, OpaqueReason::UnseenFile, detail);
        }
        (None, None) => {}
    }
}

/// The words that a script is started with: a program that is run by its path gets those of the command.
fn started_with(invocation: &Invocation, path: &Value, span: Span) -> Vec<Word> {
    match invocation.argv.first() {
        Some(first) if first.span == span && first.value == *path => invocation.argv.clone(),
        // What an interpreter is given behind the script is not told apart from its own options.
        _ => {
            let rest = Word { value: Value::Unknown, span, splits: true };
            vec![Word::new(path.clone(), span), rest]
        }
    }
}

/// Code arrives on standard input.
pub(crate) fn stdin(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>, language: &str) {
    let (invocation, by) = (subject.invocation, subject.parsed.name);
    stream(analyzer, subject.frame, invocation, by, language, invocation.span());
}

/// Whether a path is another name of standard input.
pub(crate) fn is_stdin(path: &str) -> bool {
    matches!(path, "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0")
}

fn stream(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    invocation: &Invocation,
    by: &str,
    language: &str,
    span: Span,
) {
    let inline = |target: Target, source: &str| {
        Effect::new(EffectKind::ExecCode, target)
            .with(Attr::By, by)
            .with(Attr::Lang, language)
            .with(Attr::Source, source)
    };
    match &invocation.stdin {
        Data::None => {}
        // A table of jobs is kept and not run; what nobody saw of it is as it was.
        Data::File(_) | Data::Setup(_) | Data::Unknown if language == "crontab" => {}
        Data::Text(text, from) => {
            analyzer.code(frame, language, &Word::known(text.clone(), *from));
        }
        // Standard input that is read from itself is whatever it was before.
        Data::File(path) if path.as_known().is_some_and(|path| !is_stdin(path)) => {
            file(analyzer, frame, invocation, by, language, path, span);
        }
        Data::Network(from) => download(analyzer, frame, by, Some(language), from, span),
        Data::File(_) | Data::Setup(_) | Data::Unknown => {
            analyzer.effect(frame, span, inline(Target::Unknown, "stdin"));
            analyzer.opaque(frame, span, OpaqueReason::StdinCode, by);
        }
    }
}

fn download(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    by: &str,
    language: Option<&str>,
    from: &Value,
    span: Span,
) {
    let found = url::locate(from);
    let mut effect = Effect::new(EffectKind::DownloadExec, found.host)
        .with(Attr::By, by)
        .with(Attr::Source, "network");
    if let Some(language) = language {
        effect = effect.with(Attr::Lang, language);
    }
    if let Some(url) = from.as_known() {
        effect = effect.with(Attr::Url, url);
    }
    analyzer.effect(frame, span, effect);
}

fn run_text(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    language: Option<&str>,
    word: &Word,
    stdin: &Data,
    argv: &[Word],
) {
    match language {
        Some("sh") => analyzer.shell_script(frame, word, Dialect::Posix, stdin, argv),
        Some("bash") => analyzer.shell_script(frame, word, Dialect::Bash, stdin, argv),
        Some("zsh") => analyzer.shell_script(frame, word, Dialect::Zsh, stdin, argv),
        Some(language) => analyzer.code(frame, language, word),
        None => {
            analyzer.opaque(frame, word.span, OpaqueReason::UnseenFile, "a program without source");
        }
    }
}

/// The language of a script, by its first line or its name.
pub(crate) fn detect(path: &str, content: Option<&str>) -> Option<&'static str> {
    let shebang = content.and_then(|content| content.lines().next()?.strip_prefix("#!"));
    let interpreter = shebang.and_then(|line| {
        let mut words = line.split_whitespace();
        let first = words.next()?;
        let name = ringfence_action::path::base_name(first);
        if name == "env" { words.find(|word| !word.starts_with('-')) } else { Some(name) }
    });
    let by_name = interpreter.and_then(language_of_program);
    by_name.or_else(|| {
        let name = ringfence_action::path::base_name(path);
        let (_, extension) = name.rsplit_once('.')?;
        language_of(extension)
    })
}

/// Whether a program runs code of a language: `/bin/sh`, `python3.12`.
pub(crate) fn interprets(program: &str) -> bool {
    language_of_program(ringfence_action::path::base_name(program)).is_some()
}

fn language_of_program(name: &str) -> Option<&'static str> {
    language_of(name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'))
}

fn language_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "sh" | "dash" | "ash" | "ksh" => "sh",
        "bash" => "bash",
        "zsh" => "zsh",
        "python" | "py" | "uv" => "python",
        "node" | "js" | "mjs" | "cjs" | "ts" | "mts" | "tsx" | "jsx" | "deno" | "bun"
        | "tsx-node" => "javascript",
        "perl" | "pl" => "perl",
        "ruby" | "rb" => "ruby",
        "php" => "php",
        "lua" => "lua",
        "awk" | "gawk" => "awk",
        "sql" => "sql",
        "ps1" | "pwsh" => "powershell",
        "bat" | "cmd" => "cmd",
        _ => return None,
    })
}
