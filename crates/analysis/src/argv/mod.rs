//! Programs and their options: a catalogue entry says what an invocation would do.
//!
//! [`run`] looks a program up by its base name, reads its words by the grammar of its entry
//! ([`grammar`]), and applies the entry's rules ([`rules`]). What rules cannot say is said by one of
//! a few named functions in [`handlers`]. The format of entries is described in `catalog/README.md`;
//! `build.rs` compiles them into the types of [`spec`].
//!
//! *Invariant:* an option that the entry does not know is opaque, never ignored, unless the entry
//! says that its options are of no consequence.

mod environment;
mod git;
mod grammar;
mod handlers;
mod package;
mod program;
mod project;
mod rules;
mod script;
mod settings;
mod spec;
mod told;
mod url;

use ringfence_action::{Attr, Effect, EffectKind, OpaqueReason};

use crate::context::{Analyzer, Frame};
use crate::invocation::{Data, Invocation};
use crate::shell;
use crate::value::{Span, Value, Word};

use git::repository;
use program::Program;
use rules::Subject;
use spec::Entry;

pub(crate) use rules::like;

/// Whether options do nothing but what the catalogue leaves without a consequence: those of a variable
/// whose words stand in front of the program's own.
pub(crate) fn are_of_no_consequence(program: &str, options: &str) -> bool {
    let Some(entry) = spec::entry(program) else { return false };
    let mut argv = vec![Word::known(program, Span::default())];
    for (index, word) in options.split_whitespace().enumerate() {
        // The first word of `MAKEFLAGS` may be letters without a dash.
        let bare = index == 0 && entry.0 == "make" && !word.starts_with('-') && !word.contains('=');
        let word = if bare { format!("-{word}") } else { word.to_owned() };
        argv.push(Word::known(word, Span::default()));
    }
    let parsed = grammar::parse(entry, &argv, false);
    parsed.problems.is_empty()
        && parsed.operands.is_empty()
        && parsed.values.iter().all(|(slot, _)| *slot == spec::OP)
}

/// Whether the catalogue has an entry for a program of this name.
pub(crate) fn knows(name: &str) -> bool {
    spec::entry(name).is_some()
}

pub use environment::of as environment_of;
pub(crate) use program::{is_installed, stand_in};

/// Resolves one invocation into effects. Returns what it writes to standard output.
pub(crate) fn run(analyzer: &mut Analyzer<'_>, frame: &Frame, invocation: &Invocation) -> Data {
    let Some(program) = invocation.argv.first() else { return Data::None };
    if !analyzer.step(frame, program.span) {
        return Data::Unknown;
    }
    if let Some(alternatives) = ambiguous(invocation) {
        let mut frame = frame.clone();
        frame.conditional = true;
        for alternative in alternatives {
            run(analyzer, &frame, &alternative);
        }
        return Data::Unknown;
    }
    let program = Program::named(analyzer, frame, &program.value);
    announce(analyzer, frame, invocation, &program);
    let before = analyzer.effects_since(0).len();
    if shell::is_shell(&program.base) && program.trusted {
        let output = shell::run_shell_program(analyzer, frame, invocation);
        told::tell(analyzer, frame, invocation, &program, before);
        return output;
    }
    if !program.trusted {
        program::run_by_path(analyzer, frame, invocation, &program);
    }
    let output = match program.entry {
        Some(entry) => known(analyzer, frame, invocation, entry),
        None => {
            if program.trusted {
                program::run_unknown(analyzer, frame, invocation, &program);
            }
            Data::Unknown
        }
    };
    told::tell(analyzer, frame, invocation, &program, before);
    output
}

/// Records that the program runs.
fn announce(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    invocation: &Invocation,
    program: &Program,
) {
    let Some(word) = invocation.argv.first() else { return };
    let arguments = i64::try_from(invocation.argv.len() - 1).unwrap_or(i64::MAX);
    let mut exec =
        Effect::new(EffectKind::Exec, word.value.to_target()).with(Attr::Args, arguments);
    if !program.base.is_empty() {
        exec = exec.with(Attr::By, program.entry.map_or(program.base.as_str(), |(name, _)| name));
    }
    analyzer.effect(frame, word.span, exec);
    if program.base.is_empty() {
        analyzer.opaque(frame, word.span, OpaqueReason::DynamicProgram, "");
    }
}

/// A program of the catalogue.
fn known(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    invocation: &Invocation,
    entry: (&'static str, &'static Entry),
) -> Data {
    let stdin = invocation.stdin != Data::None;
    let mut words = None;
    if entry.0 == "tar" {
        words = handlers::old_style(&invocation.argv);
    }
    let mut parsed = grammar::parse(entry, words.as_deref().unwrap_or(&invocation.argv), stdin);
    if parsed.help {
        return Data::Unknown;
    }
    parsed.rehomed =
        rules::is_rehomed(analyzer.action, &Subject { frame, invocation, parsed: &parsed });
    let moved =
        if entry.0 == "git" { repository::enter(analyzer, frame, &mut parsed) } else { None };
    let outer = frame;
    let frame = moved.as_ref().unwrap_or(frame);
    let subject = Subject { frame, invocation, parsed: &parsed };
    if entry.0 == "git" && git::follow(analyzer, outer, &subject) {
        return Data::Unknown;
    }
    if entry.0 == "cargo" && handlers::cargo::follow(analyzer, &subject) {
        return Data::Unknown;
    }
    let found = analyzer.found();
    rules::report(analyzer, &subject);
    let output = rules::apply(analyzer, &subject);
    let handled = parsed
        .chain
        .iter()
        .filter_map(|node| node.body.handler)
        .fold(None, |output, handler| handlers::handle(analyzer, &subject, handler).or(output));
    // A subcommand of which the entry says nothing may still say what it does.
    let root = entry.1.root.get();
    let subcommands =
        root.body.grammar == spec::Grammar::Subcommand || root.exact.len() + root.wild.len() > 0;
    if subcommands && analyzer.found() == found {
        program::take_away(analyzer, frame, invocation, entry.0);
    }
    handled.or(output).unwrap_or(Data::Unknown)
}

/// Where one word may or may not be an option, or the program one of several, each case is judged
/// on its own.
fn ambiguous(invocation: &Invocation) -> Option<Vec<Invocation>> {
    let at = invocation.argv.iter().enumerate().position(|(index, word)| match &word.value {
        Value::OneOf(all) => index == 0 || all.iter().any(|text| text.starts_with('-')),
        Value::Known(_) | Value::Pattern(_) | Value::Unknown => false,
    })?;
    let word = invocation.argv.get(at)?;
    let cases = word.value.listed()?.iter().map(|text| {
        let mut case = invocation.clone();
        if let Some(slot) = case.argv.get_mut(at) {
            *slot = Word::known(text.clone(), word.span);
        }
        case
    });
    Some(cases.collect())
}
