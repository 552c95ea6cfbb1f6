//! Which repository a version control command is about.

use ringfence_action::{Scope, Target};

use crate::context::{Analyzer, Frame};
use crate::paths;
use crate::value::Value;

use crate::argv::grammar::Parsed;
use crate::argv::rules::Subject;

/// Variables that make git work on another repository than that of its working folder.
const ELSEWHERE: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_NAMESPACE",
];

/// Where git goes before it does anything: each `-C` counts from the one before.
pub(in crate::argv) fn enter(
    analyzer: &Analyzer<'_>,
    frame: &Frame,
    parsed: &mut Parsed,
) -> Option<Frame> {
    let slot = parsed.slot("dir").filter(|slot| parsed.has(*slot))?;
    let mut frame = frame.clone();
    for word in parsed.words(slot) {
        frame.cwd = match paths::locate(analyzer, &frame, &word.value) {
            Target::Known(path) => Value::Known(path),
            Target::OneOf(paths) => Value::OneOf(paths),
            Target::Pattern(path) => Value::Pattern(path),
            Target::Unknown => Value::Unknown,
        };
    }
    parsed.values.retain(|(given, _)| *given != slot);
    Some(frame)
}

/// The folder whose repository is meant, where the command and what it inherits do not name another.
pub(in crate::argv) fn folder<'s>(subject: &'s Subject<'_>) -> Option<&'s str> {
    let named = ["gitdir", "worktree"].iter().any(|name| subject.parsed.given(name));
    let set = |name: &str| ELSEWHERE.contains(&name);
    let inherited = &subject.frame.inherited.variables;
    let redirected = named
        || subject.invocation.env.iter().any(|(name, _)| set(name))
        || inherited.keys().any(|name| set(name));
    let here = !redirected && subject.frame.scope == Scope::Local;
    subject.frame.cwd.as_known().filter(|_| here)
}
