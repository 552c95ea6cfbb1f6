//! `find`: an expression says which names below the starting points are meant.

use ringfence_action::{Attr, AttrValue, EffectKind, Target};

use crate::argv::rules::{Subject, effect};
use crate::argv::script;
use crate::context::Analyzer;
use crate::invocation::Invocation;
use crate::paths;
use crate::value::{Span, Value, Word};

/// Deletions and programs of the expression, aimed at the names that the expression selects.
pub(crate) fn handle(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) {
    let parsed = subject.parsed;
    let selected = selected(subject);
    searched(analyzer, subject);
    if let Some(word) = parsed.last("delete") {
        for (value, span) in &selected {
            let recursive = (Attr::Recursive, AttrValue::Flag(true));
            let span = span.cover(word.span);
            effect(analyzer, subject, EffectKind::Delete, value.clone(), span, vec![recursive]);
        }
    }
    for name in ["exec", "execdir"] {
        let words: Vec<&Word> = parsed.all(name).collect();
        let is_end = |word: &Word| matches!(word.value.as_known(), Some(";" | "+" | r"\;"));
        for command in words.split(|word| is_end(word)).filter(|command| !command.is_empty()) {
            run(analyzer, subject, command, &selected);
        }
    }
}

/// Who looks all over the machine for the names of keys and passwords is looking for secrets.
fn searched(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) {
    let parsed = subject.parsed;
    for start in parsed.all("start") {
        let Target::Known(place) = paths::locate(analyzer, subject.frame, &start.value) else {
            continue;
        };
        if matches!(paths::place(analyzer, subject.frame, &place), "workspace" | "temp") {
            continue;
        }
        for mode in parsed.all("mode").filter(|mode| is_setuid(mode)) {
            let op = vec![
                (Attr::Op, AttrValue::from("search")),
                (Attr::Mechanism, AttrValue::from("setuid")),
            ];
            let span = start.span.cover(mode.span);
            effect(analyzer, subject, EffectKind::Privilege, Value::known(&*place), span, op);
        }
        for name in parsed.all("name") {
            let Some(text) = name.value.as_known() else { continue };
            // Any folder may be somebody's home.
            let below = Value::Pattern(format!("**{}/**/{text}", place.trim_end_matches('/')));
            if paths::is_secret(analyzer, subject.frame, &below) {
                let op = vec![(Attr::Op, AttrValue::from("search"))];
                let span = start.span.cover(name.span);
                effect(analyzer, subject, EffectKind::Credential, below, span, op);
            }
        }
    }
}

/// Whether a condition on the mode asks for programs that run with their owner's or group's rights.
fn is_setuid(mode: &Word) -> bool {
    let Some(text) = mode.value.as_known() else { return false };
    let text = text.trim_start_matches(['-', '/', '+']);
    let octal = text.len() >= 4 && text.bytes().all(|digit| digit.is_ascii_digit());
    (octal && matches!(text.trim_start_matches('0').as_bytes(), [b'2' | b'4' | b'6', _, _, _]))
        || (text.contains('=') && text.contains('s'))
}

/// What the expression selects: below every starting point, the names it asks for.
fn selected(subject: &Subject<'_>) -> Vec<(Value, Span)> {
    let parsed = subject.parsed;
    let whole = subject.invocation.span();
    let starts: Vec<Word> = parsed.all("start").cloned().collect();
    let starts = if starts.is_empty() { vec![Word::known(".", whole)] } else { starts };
    // Alternatives and negations select other names too: then anything below is meant.
    let narrow = !parsed.given("either") && !parsed.given("not");
    let names: Vec<&Word> = if narrow { parsed.all("name").collect() } else { Vec::new() };
    let bounded = !names.is_empty() || parsed.given("condition") || parsed.given("mode");
    let mut selected = Vec::new();
    for start in &starts {
        let below = start.value.concat(&Value::Pattern("/**".to_owned()));
        // Whatever else it must be, a file anywhere on the machine is the machine.
        let anywhere = start.value.as_known() == Some("/");
        match names.as_slice() {
            [] if bounded && !anywhere => selected.push((below, start.span)),
            [] => selected.push((start.value.clone(), start.span)),
            names => {
                for name in names {
                    // The name is a pattern already, in find's own notation, which is the same.
                    let name = match &name.value {
                        Value::Known(text) => Value::Pattern(format!("/{text}")),
                        _ => Value::Pattern("/*".to_owned()),
                    };
                    selected.push((below.concat(&name), start.span));
                }
            }
        }
    }
    selected
}

fn run(
    analyzer: &mut Analyzer<'_>,
    subject: &Subject<'_>,
    command: &[&Word],
    selected: &[(Value, Span)],
) {
    let mut argv = Vec::new();
    for (at, word) in command.iter().enumerate() {
        match word.value.as_known() {
            // A name that is found is a program, or code: nobody has seen it.
            Some("{}") if is_run(command.get(..at).unwrap_or_default()) => {
                argv.push(Word::new(Value::Unknown, word.span));
            }
            Some("{}") => {
                argv.extend(selected.iter().map(|(value, _)| Word::new(value.clone(), word.span)));
            }
            Some(text) if text.contains("{}") => {
                let (before, after) = text.split_once("{}").unwrap_or((text, ""));
                let value =
                    Value::known(before).concat(&Value::Unknown).concat(&Value::known(after));
                argv.push(Word::new(value, word.span));
            }
            _ => argv.push((*word).clone()),
        }
    }
    let outer = subject.invocation;
    // Without a copy of all the words of the expression.
    let invocation = Invocation {
        argv,
        env: outer.env.clone(),
        stdin: outer.stdin.clone(),
        stdout_shown: outer.stdout_shown,
    };
    analyzer.run(subject.frame, &invocation);
}

/// Whether what follows these words is run: nothing stands before it, or the option of an
/// interpreter that takes code.
fn is_run(before: &[&Word]) -> bool {
    let Some((last, others)) = before.split_last() else { return true };
    let is_code = |text: &str| text.starts_with('-') && text.ends_with(['c', 'e']);
    last.value.as_known().is_some_and(is_code)
        && others.iter().filter_map(|word| word.value.as_known()).any(script::interprets)
}
