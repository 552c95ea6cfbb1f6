//! `npx`, `bunx`: the program of a package does what it does, however it is started.

use crate::argv::{self, rules::Subject};
use crate::context::Analyzer;
use crate::invocation::Invocation;
use crate::value::Word;

/// Runs the program as if it were installed, where the catalogue knows one of that name.
pub(crate) fn handle(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) {
    let parsed = subject.parsed;
    let Some(word) = parsed.last("program") else { return };
    let Some(package) = word.value.as_known() else { return };
    // `@scope/name@version`: mostly the program has the name without either.
    let bare = package.rsplit('/').next().unwrap_or(package);
    let name = bare.split('@').next().unwrap_or(bare);
    if !argv::knows(name) {
        return;
    }
    let program = Word::known(name, word.span);
    let argv = std::iter::once(program).chain(parsed.all("args").cloned()).collect();
    let invocation = Invocation { argv, ..subject.invocation.clone() };
    analyzer.run(subject.frame, &invocation);
}
