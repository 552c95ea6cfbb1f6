//! What a change of a file puts in or takes out, beside what it says it does.
//!
//! Old text is compared with new, line by line, comments aside. Found is what others rely on and will not
//! see: a protection that is switched off or taken out, a way in for somebody, data of users that leaves,
//! a check that no longer counts, an order to agents to take less care. Words and names are data of
//! `catalog/content.toml`; what they mean together is said here.
//!
//! A finding is an effect of the kind `guard` on content: it comes true when the file is used.

mod checks;
mod guards;
mod lines;
mod names;
mod normal;
mod orders;
mod planted;
mod reach;
#[cfg(test)]
mod tests;
mod weakened;

use std::collections::BTreeSet;

use crate::value::Span;
use lines::Diff;

/// A protection: what code calls it, and what people do.
struct Protection {
    mechanism: &'static str,
    names: &'static [&'static str],
    said: &'static [&'static str],
}

/// A phrase that switches something off, wherever it stands: `parts`, the first of which has `key`.
struct Phrase {
    key: &'static str,
    mechanism: &'static str,
    parts: &'static [&'static str],
}

/// One way to do something that takes the place of another.
struct Exchange {
    mechanism: &'static str,
    from: &'static [&'static str],
    to: &'static [&'static str],
    /// What comes was there before; what goes made it strong.
    stays: bool,
}

include!(concat!(env!("OUT_DIR"), "/change_data.rs"));

/// What people call what a finding is about, in lower case.
pub fn called(mechanism: &str) -> &'static [&'static str] {
    let found = PROTECTIONS.iter().find(|protection| protection.mechanism == mechanism);
    found.map_or(&[], |protection| protection.said)
}

/// A change of one place in a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'t> {
    /// The file, as far as its path is known.
    pub(crate) path: &'t str,
    /// What it is.
    pub(crate) classes: &'t BTreeSet<&'static str>,
    /// What stood there; nothing where that is not known.
    pub(crate) old: Option<&'t str>,
    /// What stands there now.
    pub(crate) new: &'t str,
    /// What stands in the file before it.
    pub(crate) above: &'t str,
    /// What the same call puts elsewhere in the file: what only moves is not gone.
    pub(crate) elsewhere: &'t str,
    /// It is a part of a text that stays.
    pub(crate) within: bool,
}

/// What a change does beside what it says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// `weaken`, `plant`, `disable-checks`, `loosen`.
    pub(crate) op: &'static str,
    /// What is weakened, planted…: the words of `catalog/content.toml`.
    pub(crate) mechanism: &'static str,
    /// The line that says so; the whole text where something is gone.
    pub(crate) span: Span,
    /// The names and values that come with it; of those with blanks in them, all words.
    pub(crate) brings: BTreeSet<String>,
    /// Something is taken out.
    pub(crate) gone: bool,
}

impl Finding {
    fn of(op: &'static str, mechanism: &'static str, span: Span, line: &str) -> Self {
        Self { op, mechanism, span, brings: telling(line), gone: false }
    }
}

/// Words of a line that nobody says by accident: names by their form.
fn telling(line: &str) -> BTreeSet<String> {
    let is_telling = |name: &str| {
        let inner = name.get(1..).unwrap_or_default();
        name.len() > 3
            && (name.contains(['_', '.', '-'])
                || inner.contains(|c: char| c.is_uppercase())
                || (inner.contains(|c: char| c.is_ascii_digit())
                    && name.contains(|c: char| c.is_alphabetic())))
    };
    names::names(line).filter(|name| is_telling(name)).map(str::to_lowercase).collect()
}

/// Everything found, at most one of a kind.
pub(crate) fn findings(change: &Change<'_>) -> Vec<Finding> {
    if change.classes.contains("agent-instructions") {
        return orders::given(&Diff::of(change.old, change.new));
    }
    // What is written for people to read is no program.
    if change.classes.contains("docs") || is_prose(change.path) {
        return Vec::new();
    }
    let diff = Diff::of(change.old, change.new);
    let mut found = Vec::new();
    if change.classes.contains("test") {
        found.extend(checks::of_tests(change, &diff));
    } else {
        found.extend(planted::back_door(&diff));
        found.extend(planted::beacon(&diff));
        if !is_sample(change.path) {
            found.extend(weakened::phrases(&diff));
            found.extend(weakened::switches(change, &diff));
            found.extend(weakened::exchanges(&diff));
            found.extend(reach::widened(change, &diff));
            found.extend(guards::gone(change, &diff));
        }
    }
    found.extend(checks::of_settings(change, &diff));
    // A name that was there before names nothing of what comes, unless it is what goes.
    for finding in found.iter_mut().filter(|finding| finding.op == "weaken" && !finding.gone) {
        finding.brings.retain(|name| name.contains(' ') || !diff.had(name));
    }
    let mut known = BTreeSet::new();
    found.retain(|finding| known.insert((finding.op, finding.mechanism)));
    found
}

/// Whether what stood in the file before would tell more.
pub(crate) fn depends_on_old(path: &str, classes: &BTreeSet<&'static str>) -> bool {
    classes.contains("test") || names::protection(&names::words(path)).is_some()
}

/// Whether a switch is set off of which only what stands above it in the file tells what it switches.
pub(crate) fn depends_on_above(change: &Change<'_>) -> bool {
    change.old.is_some_and(|old| !old.is_empty())
        && weakened::stands_alone(change, &Diff::of(change.old, change.new))
}

fn is_prose(path: &str) -> bool {
    let lower = path.to_lowercase();
    [".md", ".mdx", ".rst", ".txt", ".adoc", ".svg", ".csv", ".lock"]
        .iter()
        .any(|ending| lower.ends_with(ending))
}

/// Examples and settings for one's own machine protect nobody.
fn is_sample(path: &str) -> bool {
    let is_one = |word: &String| {
        matches!(
            word.as_str(),
            "example"
                | "examples"
                | "sample"
                | "samples"
                | "demo"
                | "mock"
                | "mocks"
                | "stub"
                | "dev"
                | "development"
                | "local"
                | "testing"
                | "playground"
                | "storybook"
        )
    };
    names::words(path).iter().any(is_one)
}
