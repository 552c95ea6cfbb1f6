//! The parser, behind one function. This file and `lower` are the only ones that know its types.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ringfence_action::{Dialect, OpaqueReason};
use shuck_ast::File;
use shuck_parser::parser::{ParseStatus, Parser};
use shuck_parser::{ShellDialect, ShellProfile};

/// Nesting of constructs. Real commands stay under ten; each level costs stack in every later pass.
const DEPTH: usize = 40;

/// Brackets within brackets, of whatever meaning: the parser counts its depth in most of its recursions,
/// not in all.
const BRACKETS: usize = 400;

/// Here-documents that begin in one line: for each the parser looks through all that follows.
const HEREDOCS: usize = 40;

/// Parser operations, about one for a word and three for a command: what takes more takes too long.
const OPERATIONS: usize = 16_000;

/// The syntax tree of a shell program, or why there is none. Recovered trees are refused: the parts
/// they drop may be the parts that matter.
pub(super) fn parse(text: &str, dialect: Dialect) -> Result<File, (OpaqueReason, String)> {
    let dialect = match dialect {
        // Sh is dash on one machine and bash on another. The bash grammar is the larger one, and
        // what dash would reject it reads as a command: more effects, never fewer.
        Dialect::Bash | Dialect::Posix => ShellDialect::Bash,
        Dialect::Zsh => ShellDialect::Zsh,
        Dialect::PowerShell | Dialect::Cmd => {
            return Err((OpaqueReason::UnsupportedDialect, String::new()));
        }
    };
    if text.lines().any(|line| line.matches("<<").count() > HEREDOCS) {
        return Err((OpaqueReason::TooDeep, "here-documents in one line".to_owned()));
    }
    if brackets(text) > BRACKETS || prefixes(text) > DEPTH {
        return Err((OpaqueReason::TooDeep, "brackets within brackets".to_owned()));
    }
    let parsed = catch_unwind(AssertUnwindSafe(|| {
        let profile = ShellProfile::native(dialect);
        Parser::with_limits_and_profile(text, DEPTH, OPERATIONS, profile).parse()
    }));
    let Ok(parsed) = parsed else {
        return Err((OpaqueReason::Panicked, "the parser stopped unexpectedly".to_owned()));
    };
    match parsed.status {
        ParseStatus::Clean => Ok(parsed.file),
        ParseStatus::Recovered | ParseStatus::Fatal => {
            let message = parsed.diagnostics.first().map(|d| d.message.clone());
            let message = message.unwrap_or_else(|| "not a shell program".to_owned());
            let reason = if message.contains("too deep") {
                OpaqueReason::TooDeep
            } else if message.contains("fuel") {
                OpaqueReason::OutOfFuel
            } else {
                OpaqueReason::ParseError
            };
            Err((reason, message))
        }
    }
}

/// How many words in a row each take what follows for a command: the parser does not count them.
fn prefixes(text: &str) -> usize {
    let (mut row, mut most) = (0, 0);
    for word in text.split([' ', '\t', '\n', '\\', ';']).filter(|word| !word.is_empty()) {
        row = if matches!(word, "time" | "coproc" | "!" | "-p" | "--") { row + 1 } else { 0 };
        most = most.max(row);
    }
    most
}

/// How many brackets are open at once, quotes or not.
fn brackets(text: &str) -> usize {
    let (mut open, mut most) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'{' | b'[' => {
                open += 1;
                most = most.max(open);
            }
            b')' | b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    most
}
