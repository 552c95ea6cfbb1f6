//! `parallel`: a line of shell code for each argument, from behind `:::` or from standard input.

use ringfence_action::{Dialect, OpaqueReason};

use crate::argv::rules::Subject;
use crate::context::Analyzer;
use crate::invocation::Data;
use crate::value::{Span, Value, Word};

/// Lines that are followed one by one; of more, none is.
const MOST: usize = 32;

/// Runs every line as far as it is known.
pub(crate) fn handle(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) {
    let words: Vec<&Word> = subject.parsed.all("command").collect();
    let is_mark = |word: &&Word| {
        word.value.as_known().is_some_and(|text| text.trim_end_matches('+').starts_with(":::"))
    };
    let at = words.iter().position(is_mark).unwrap_or(words.len());
    let (command, given) = words.split_at(at);
    let span = subject.invocation.span();
    let line = Value::words(command.iter().map(|word| &word.value));
    let (Some(groups), Some(line)) = (arguments(subject, given, is_mark), line.as_known()) else {
        return unknown(analyzer, subject, command, span);
    };
    for row in rows(&groups) {
        let code = filled(line, &row);
        let word = Word::known(code, span);
        analyzer.shell(subject.frame, &word, Dialect::Posix, &Data::Unknown);
    }
}

/// What comes behind each mark, or line by line on standard input; `None` where that is not known.
fn arguments<'w>(
    subject: &Subject<'_>,
    given: &[&'w Word],
    is_mark: impl Fn(&&'w Word) -> bool,
) -> Option<Vec<Vec<String>>> {
    if subject.parsed.given("file") {
        return None;
    }
    if given.is_empty() {
        let Data::Text(text, _) = &subject.invocation.stdin else { return None };
        return Some(vec![text.lines().map(str::to_owned).collect()]);
    }
    // Behind four colons stand files that have the arguments in them.
    if given.iter().any(|word| word.value.as_known().is_some_and(|text| text.starts_with("::::"))) {
        return None;
    }
    let text = |word: &Word| word.value.as_known().map(str::to_owned);
    let groups = given.split(|word| is_mark(word)).skip(1);
    groups.map(|group| group.iter().map(|word| text(word)).collect()).collect()
}

/// Every combination of one argument of each group.
fn rows(groups: &[Vec<String>]) -> Vec<Vec<&str>> {
    let mut rows: Vec<Vec<&str>> = vec![Vec::new()];
    for group in groups {
        let longer = rows.iter().flat_map(|row| {
            group.iter().map(move |one| row.iter().copied().chain([one.as_str()]).collect())
        });
        rows = longer.take(MOST).collect();
    }
    rows
}

/// The line with its marks replaced; without a mark the arguments go to its end.
fn filled(line: &str, row: &[&str]) -> String {
    if line.is_empty() {
        return row.join(" ");
    }
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
    let all = row.iter().map(|one| quoted(one)).collect::<Vec<_>>().join(" ");
    let mut filled = line.replace("{}", &all);
    for (index, one) in row.iter().enumerate() {
        filled = filled.replace(&format!("{{{}}}", index + 1), &quoted(one));
    }
    if filled == line { format!("{line} {all}") } else { filled }
}

/// The command runs with arguments that nobody has seen, or is one of them.
fn unknown(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>, command: &[&Word], span: Span) {
    match Value::words(command.iter().map(|word| &word.value)).as_known() {
        Some(line) if !line.is_empty() => {
            let code = if line.contains('{') {
                line.replace("{}", "\"$_\"")
            } else {
                format!("{line} \"$_\"")
            };
            let word = Word::known(code, span);
            analyzer.shell(subject.frame, &word, Dialect::Posix, &Data::Unknown);
        }
        _ => {
            let why = "parallel: the arguments are the commands";
            analyzer.opaque(subject.frame, span, OpaqueReason::DynamicCode, why);
        }
    }
}
