//! The command line of PowerShell itself: `-Command`, `-EncodedCommand`, `-File`, each by any prefix.

use ringfence_action::{Dialect, OpaqueReason};

use crate::argv::rules::Subject;
use crate::argv::script;
use crate::code::decode_powershell;
use crate::context::Analyzer;
use crate::invocation::Data;
use crate::value::{Value, Word};

/// Switches that take a value and run nothing.
const VALUES: &[&str] = &[
    "executionpolicy",
    "ep",
    "ex",
    "version",
    "windowstyle",
    "outputformat",
    "inputformat",
    "workingdirectory",
    "wd",
    "psconsolefile",
    "custompipename",
    "settingsfile",
];

/// Finds what is to run among the words.
pub(super) fn handle(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) {
    let words: Vec<Word> = subject.invocation.argv.iter().skip(1).cloned().collect();
    let mut rest = words.as_slice();
    while let Some((word, after)) = rest.split_first() {
        let Some(text) = word.value.as_known() else {
            return opaque(analyzer, subject, word, "which script is computed");
        };
        let switch = text.strip_prefix(['-', '/']).map(str::to_lowercase);
        match switch.as_deref() {
            None if text == "-" => return standard_input(analyzer, subject),
            None => return file(analyzer, subject, word),
            Some("") => return standard_input(analyzer, subject),
            Some(name) if is_prefix(name, "command", 1) || name == "cwa" => {
                return command(analyzer, subject, after);
            }
            Some(name) if is_prefix(name, "encodedcommand", 1) || name == "ec" => {
                return encoded(analyzer, subject, word, after);
            }
            Some(name) if is_prefix(name, "file", 1) => {
                return after.first().map_or((), |word| file(analyzer, subject, word));
            }
            Some(name) if VALUES.iter().any(|value| is_prefix(name, value, 2)) => {
                rest = after.get(1..).unwrap_or_default();
            }
            Some(_) => rest = after,
        }
    }
    if words.is_empty() {
        standard_input(analyzer, subject);
    }
}

/// `-enc` for `-EncodedCommand`.
fn is_prefix(given: &str, name: &str, least: usize) -> bool {
    given.len() >= least && name.starts_with(given)
}

fn opaque(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>, word: &Word, detail: &str) {
    analyzer.opaque(subject.frame, word.span, OpaqueReason::DynamicCode, detail);
}

fn command(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>, words: &[Word]) {
    let Some(first) = words.first() else { return };
    let code = Value::words(words.iter().map(|word| &word.value));
    if code.as_known() == Some("-") {
        return standard_input(analyzer, subject);
    }
    let span = words.iter().map(|word| word.span).fold(first.span, crate::value::Span::cover);
    let word = Word::new(code, span);
    analyzer.shell(subject.frame, &word, Dialect::PowerShell, &Data::None);
}

fn encoded(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>, switch: &Word, after: &[Word]) {
    let word = after.first().unwrap_or(switch);
    match word.value.as_known().and_then(decode_powershell) {
        Some(code) => {
            let word = Word::known(code, word.span);
            analyzer.shell(subject.frame, &word, Dialect::PowerShell, &Data::None);
        }
        None => opaque(analyzer, subject, word, "encoded code that cannot be read"),
    }
}

fn file(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>, word: &Word) {
    let (frame, invocation) = (subject.frame, subject.invocation);
    let by = subject.parsed.name;
    script::file(analyzer, frame, invocation, by, "powershell", &word.value, word.span);
}

fn standard_input(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) {
    script::stdin(analyzer, subject, "powershell");
}
