//! `env -S 'rm -f' x`: a text that is a program and its first arguments, with the others behind it.

use ringfence_action::{Dialect, OpaqueReason};

use crate::argv::rules::Subject;
use crate::context::Analyzer;
use crate::invocation::Invocation;
use crate::value::Word;

/// Runs the text with the words behind it.
pub(crate) fn handle(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) {
    let Some(code) = subject.parsed.last("code") else { return };
    let outer = subject.invocation;
    // Whatever looks like an option there is one of the program's.
    let rest = outer.argv.iter().skip_while(|word| word.span != code.span).skip(1);
    let Some(text) = code.value.as_known() else {
        let detail = "what `env -S` runs is computed";
        return analyzer.opaque(subject.frame, code.span, OpaqueReason::DynamicCode, detail);
    };
    if text.contains(['\'', '"', '\\', '$', '#', '=']) {
        // It has quotes, variables and comments, much as a shell has.
        let quoted = |word: &Word| match word.value.as_known() {
            Some(word) => format!(" '{}'", word.replace('\'', r"'\''")),
            None => " \"$_\"".to_owned(),
        };
        let line = format!("{text}{}", rest.map(quoted).collect::<String>());
        let line = Word::known(line, outer.span());
        analyzer.shell(subject.frame, &line, Dialect::Posix, &outer.stdin);
        return;
    }
    let first = text.split_whitespace().map(|word| Word::known(word, code.span));
    let invocation = Invocation { argv: first.chain(rest.cloned()).collect(), ..outer.clone() };
    if !invocation.argv.is_empty() {
        analyzer.run(subject.frame, &invocation);
    }
}
