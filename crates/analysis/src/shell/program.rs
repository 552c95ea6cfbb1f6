//! Shells as programs: `sh -c CODE`, `bash FILE`, code on standard input, scripts run by their path.

use std::rc::Rc;

use ringfence_action::{Attr, Dialect, Effect, EffectKind, OpaqueReason, Target, path};

use super::builtins::set_up;
use super::interpret::download_exec;
use super::{Inherited, interpret_with};
use crate::context::{Analyzer, Frame};
use crate::invocation::{Data, Invocation};
use crate::paths;
use crate::value::{Span, Value, Word};

/// Whether this base name is a shell whose code is interpreted here.
pub(crate) fn is_shell(name: &str) -> bool {
    dialect_of(name).is_some()
}

fn dialect_of(name: &str) -> Option<Dialect> {
    match name.strip_prefix('-').unwrap_or(name) {
        "bash" | "rbash" => Some(Dialect::Bash),
        "sh" | "dash" | "ash" | "ksh" | "mksh" | "ksh93" => Some(Dialect::Posix),
        "zsh" => Some(Dialect::Zsh),
        _ => None,
    }
}

/// What the options of a shell ask for.
#[derive(Default)]
struct Options<'i> {
    /// `-c`: the first operand is code.
    code: bool,
    /// Zsh's `-o shwordsplit`, `-y`: parameters are split.
    split_words: bool,
    /// `-s`: the code is on standard input, operands or not.
    stdin: bool,
    /// `-i`.
    interactive: bool,
    /// `--rcfile`, `--init-file`.
    startup: Option<&'i Word>,
    /// `--version`, `--help`.
    only_tells: bool,
    /// `-n` and nothing that could take it back: the code is read, not run.
    only_reads: bool,
    operands: &'i [Word],
}

/// A shell runs as a program: `sh -c CODE`, `bash FILE`, `sh` with code on standard input. The
/// caller has already recorded that the program runs; this follows what it would run.
pub(crate) fn run_shell_program(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    invocation: &Invocation,
) -> Data {
    let Some((program, arguments)) = invocation.argv.split_first() else { return Data::None };
    let name = program.value.as_known().map_or("sh", path::base_name);
    let dialect = dialect_of(name).unwrap_or(Dialect::Posix);
    let span = invocation.span();
    let Some(options) = options(arguments) else {
        analyzer.opaque(
            frame,
            span,
            OpaqueReason::DynamicCode,
            "the options of a shell are computed",
        );
        return Data::Unknown;
    };
    if options.only_tells || options.only_reads {
        return Data::Unknown;
    }
    if options.split_words && dialect == Dialect::Zsh {
        let why = "an option of zsh changes what its code means";
        analyzer.opaque(frame, span, OpaqueReason::UnsupportedSyntax, why);
    }
    let frame = &with_environment(frame, &invocation.env);
    let stdin = &invocation.stdin;
    // What was typed is written there when it ends.
    if options.interactive
        && let Some(file) = frame.inherited.variables.get("HISTFILE")
    {
        let attributes = [(Attr::By, name.into()), (Attr::Append, true.into())];
        paths::effect(analyzer, frame, span, EffectKind::Write, file, &attributes);
    }
    if let Some(startup) = options.startup {
        let mut perhaps = frame.clone();
        perhaps.conditional = true;
        run_file(analyzer, &perhaps, startup, name, dialect, stdin, &[]);
    }
    if options.code {
        let Some((code, rest)) = options.operands.split_first() else { return Data::None };
        let zero = rest.first().map(|word| word.value.clone());
        let positional = values(rest.get(1..).unwrap_or_default());
        return analyzer.each_code(frame, code, |analyzer, frame, text| {
            let (zero, positional) = (zero.clone(), positional.clone());
            interpret_with(analyzer, frame, text, dialect, stdin, zero, Some(positional))
        });
    }
    match options.operands.split_first() {
        Some((file, rest)) if !options.stdin => {
            run_file(analyzer, frame, file, name, dialect, stdin, rest)
        }
        _ => {
            let positional = values(options.operands);
            run_data(analyzer, frame, stdin.clone(), span, dialect, (None, positional))
        }
    }
}

fn values(words: &[Word]) -> Vec<Value> {
    words.iter().map(|word| word.value.clone()).collect()
}

/// Reads the options; `None` where they are not known.
fn options(arguments: &[Word]) -> Option<Options<'_>> {
    let mut options = Options::default();
    let (mut no_exec, mut others) = (false, false);
    let mut rest = arguments;
    while let [word, after @ ..] = rest {
        let Some(text) = word.value.as_known() else {
            // Something unknown: code or a file, unless it may be an option as well.
            let may_be_option = !matches!(&word.value, Value::Pattern(p) if !p.starts_with(['*', '-', '?', '[']))
                && word.splits;
            if may_be_option {
                return None;
            }
            break;
        };
        match text {
            "--" | "-" => {
                rest = after;
                break;
            }
            "--rcfile" | "--init-file" => {
                options.startup = after.first();
                rest = after.get(1..).unwrap_or_default();
            }
            "--version" | "--help" => {
                options.only_tells = true;
                rest = after;
            }
            flags if flags.starts_with("--") => {
                others = true;
                rest = after;
            }
            flags if flags.starts_with(['-', '+']) && flags.len() > 1 => {
                let on = flags.starts_with('-');
                // `-norc` is a long name, and no option of these alone.
                let simple =
                    on && flags.chars().skip(1).all(|c| matches!(c, 'n' | 'v' | 'x' | 'c'));
                no_exec |= simple && flags.contains('n');
                others |= !simple;
                options.code |= on && flags.contains('c');
                options.stdin |= on && flags.contains('s');
                options.interactive |= on && flags.contains('i');
                let named =
                    after.first().and_then(|word| word.value.as_known()).unwrap_or_default();
                let named = named.replace('_', "").to_ascii_lowercase();
                options.split_words |= flags.contains('y') || named == "shwordsplit";
                let values = flags.chars().filter(|c| matches!(c, 'o' | 'O')).count();
                rest = after.get(values..).unwrap_or_default();
            }
            _ => break,
        }
    }
    options.only_reads = no_exec && !others;
    options.operands = rest;
    Some(options)
}

/// The frame with the variables that the invocation sets for itself.
fn with_environment(frame: &Frame, env: &[(String, Value)]) -> Frame {
    let mut frame = frame.clone();
    if !env.is_empty() {
        let mut inherited = Inherited::clone(&frame.inherited);
        inherited.variables.extend(env.iter().cloned());
        frame.inherited = Rc::new(inherited);
    }
    frame
}

fn run_file(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    file: &Word,
    by: &str,
    dialect: Dialect,
    stdin: &Data,
    arguments: &[Word],
) -> Data {
    let span = file.span;
    let target = paths::locate(analyzer, frame, &file.value);
    if let Target::Known(path) = &target
        && matches!(path.as_str(), "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0")
    {
        let words = (Some(file.value.clone()), values(arguments));
        return run_data(analyzer, frame, stdin.clone(), span, dialect, words);
    }
    let known = target.as_known().map(str::to_owned);
    if !known.as_deref().is_some_and(|path| path.starts_with("/dev/fd/")) {
        let effect = Effect::new(EffectKind::ExecCode, target)
            .with(Attr::By, by)
            .with(Attr::Lang, "sh")
            .with(Attr::Source, "file");
        analyzer.effect(frame, span, effect);
    }
    let Some(path) = known else {
        analyzer.opaque(frame, span, OpaqueReason::UnseenFile, "which script is run is computed");
        return Data::Unknown;
    };
    let data = content(analyzer, &path, span);
    let words = (Some(file.value.clone()), values(arguments));
    run_data(analyzer, frame, data, span, dialect, words)
}

fn content(analyzer: &mut Analyzer<'_>, path: &str, span: Span) -> Data {
    let from = match analyzer.written(path) {
        // A copy of what another file held before.
        Some(Data::File(Value::Known(from))) => from.clone(),
        Some(data) => return data.clone(),
        None => path.to_owned(),
    };
    match analyzer.original(&from) {
        Some(text) => Data::Text(text.to_string(), span),
        None => Data::File(Value::Known(from)),
    }
}

/// Whatever it is, a shell runs it.
fn run_data(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    data: Data,
    span: Span,
    dialect: Dialect,
    words: (Option<Value>, Vec<Value>),
) -> Data {
    match data {
        Data::None => Data::None,
        Data::Text(text, at) => {
            let span = if at == Span::default() { span } else { at };
            let code = Word::known(text, span);
            analyzer.each_code(frame, &code, |analyzer, frame, text| {
                let (zero, positional) = words.clone();
                let stdin = &Data::Unknown;
                interpret_with(analyzer, frame, text, dialect, stdin, zero, Some(positional))
            })
        }
        Data::Network(from) => {
            download_exec(analyzer, frame, span, &from);
            Data::Unknown
        }
        Data::Setup(program) => {
            set_up(analyzer, frame, span, &program);
            Data::Unknown
        }
        Data::File(Value::Known(path)) => {
            match content(analyzer, &path, span) {
                // Not to be had: what is in it is not known.
                Data::File(_) => analyzer.opaque(frame, span, OpaqueReason::UnseenFile, path),
                data => return run_data(analyzer, frame, data, span, dialect, words),
            }
            Data::Unknown
        }
        Data::File(_) => {
            analyzer.opaque(frame, span, OpaqueReason::UnseenFile, "a script that is computed");
            Data::Unknown
        }
        Data::Unknown => {
            analyzer.opaque(frame, span, OpaqueReason::StdinCode, "");
            Data::Unknown
        }
    }
}
