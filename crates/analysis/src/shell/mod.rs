//! Shell code: parsed, lowered into our own tree, and interpreted over abstract values.

use std::collections::BTreeMap;

use ringfence_action::{Dialect, OpaqueReason};

use crate::context::{Analyzer, Frame};
use crate::invocation::{Data, Invocation};
use crate::value::{Span, Value};

/// What a shell leaves to the programs it starts, and a shell among them takes over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Inherited {
    /// Exported variables, as far as the action itself sets them.
    pub(crate) variables: BTreeMap<String, Value>,
}

/// Whether this base name is a shell whose code is interpreted here.
pub(crate) fn is_shell(name: &str) -> bool {
    dialect_of(name).is_some()
}

fn dialect_of(name: &str) -> Option<Dialect> {
    match name.trim_start_matches('-') {
        "bash" | "rbash" => Some(Dialect::Bash),
        "sh" | "dash" | "ash" | "ksh" | "mksh" | "ksh93" => Some(Dialect::Posix),
        "zsh" => Some(Dialect::Zsh),
        _ => None,
    }
}

/// A shell runs as a program: `sh -c CODE`, `bash FILE`, `sh` with code on standard input. The
/// caller has already recorded that the program runs; this follows what it would run.
pub(crate) fn run_shell_program(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    invocation: &Invocation,
) -> Data {
    let mut words = invocation.argv.iter().skip(1);
    while let Some(word) = words.next() {
        if word.value.as_known().is_some_and(|text| text.starts_with('-') && text.ends_with('c'))
            && let Some(code) = words.next()
        {
            analyzer.shell(frame, code, Dialect::Bash, &invocation.stdin);
            return Data::Unknown;
        }
    }
    analyzer.opaque(frame, invocation.span(), OpaqueReason::StdinCode, "");
    Data::Unknown
}

/// Interprets shell code. Every program it would run goes through [`Analyzer::run`].
pub(crate) fn interpret(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    code: &str,
    _dialect: Dialect,
    _stdin: &Data,
) {
    analyzer.opaque(frame, Span::new(0, code.len()), OpaqueReason::UnsupportedDialect, "");
}
