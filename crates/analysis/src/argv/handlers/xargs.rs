//! `xargs` and `parallel`: a program gets arguments that come on standard input.

use crate::argv::rules::Subject;
use crate::context::Analyzer;
use crate::invocation::{Data, Invocation};
use crate::value::{Span, Value, Word};

/// Runs the command with what standard input holds, as far as that is known.
pub(crate) fn handle(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) -> Data {
    let parsed = subject.parsed;
    let command: Vec<Word> = parsed.all("command").cloned().collect();
    let Some(first) = command.first() else { return subject.invocation.stdin.clone() };
    let span = first.span;
    let placeholder = parsed.last("replace").and_then(|word| word.value.as_known());
    let placeholder = placeholder.map(|text| if text.starts_with('-') { "{}" } else { text });
    // With a mark, each line is one argument.
    let lines = placeholder.is_some();
    // The list is another file's: nobody has read it.
    let listed = if parsed.given("file") { &Data::Unknown } else { &subject.invocation.stdin };
    let given = arguments(listed, parsed.given("null"), lines, span);
    let argv = match placeholder {
        Some(mark) => command.iter().flat_map(|word| replaced(word, mark, &given)).collect(),
        None => command.into_iter().chain(given).collect(),
    };
    let invocation = Invocation { argv, stdin: Data::None, ..subject.invocation.clone() };
    analyzer.run(subject.frame, &invocation)
}

fn arguments(stdin: &Data, null: bool, lines: bool, span: Span) -> Vec<Word> {
    match stdin {
        Data::Text(text, from) => {
            let separator = |c: char| match c {
                '\0' => null,
                '\n' => !null,
                c => !null && !lines && c.is_whitespace(),
            };
            let words =
                text.split(separator).map(|word| if lines { word.trim_start() } else { word });
            let words = words.filter(|word| !word.is_empty());
            words.map(|word| Word::known(word, *from)).collect()
        }
        Data::None => Vec::new(),
        Data::File(_) | Data::Network(_) | Data::Setup(_) | Data::Unknown => {
            let mut word = Word::new(Value::Unknown, span);
            word.splits = true;
            vec![word]
        }
    }
}

/// A word with the mark in it, once for every argument.
fn replaced(word: &Word, mark: &str, given: &[Word]) -> Vec<Word> {
    let Some(text) = word.value.as_known().filter(|text| text.contains(mark)) else {
        return vec![word.clone()];
    };
    let with = |value: &Value| {
        let pieces = text.split(mark).map(Value::known);
        pieces.reduce(|joined, piece| joined.concat(value).concat(&piece)).unwrap_or(Value::Unknown)
    };
    match given {
        [] => vec![word.clone()],
        [one] => vec![Word::new(with(&one.value), word.span)],
        many => {
            let all: Option<Vec<String>> =
                many.iter().map(|word| with(&word.value).as_known().map(str::to_owned)).collect();
            let value = all.map_or(Value::Unknown, Value::one_of);
            vec![Word::new(value, word.span)]
        }
    }
}
