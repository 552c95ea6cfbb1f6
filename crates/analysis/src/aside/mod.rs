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
mod remarks;
mod settings;
#[cfg(test)]
mod tests;
mod weakened;

use std::collections::{BTreeMap, BTreeSet};

use crate::value::Span;
use lines::Diff;

/// Longer texts are looked at as far as this; whoever gives them says so.
pub(crate) const MOST_BYTES: usize = 1 << 20;

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
#[derive(Debug, Clone)]
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
    /// What the same call puts elsewhere in the file.
    pub(crate) elsewhere: Elsewhere,
    /// It is a part of a text that stays.
    pub(crate) within: bool,
}

impl<'t> Change<'t> {
    /// A whole file of which nothing else is known.
    pub(crate) fn of(path: &'t str, classes: &'t BTreeSet<&'static str>, new: &'t str) -> Self {
        let elsewhere = Elsewhere::default();
        Self { path, classes, old: None, new, above: "", elsewhere, within: false }
    }
}

/// What other texts have: what only moves there is not gone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Elsewhere {
    /// In how many of them something is named that protects, by what it does.
    protections: BTreeMap<&'static str, usize>,
    /// How many have calls that make a test fail.
    asserting: usize,
}

impl Elsewhere {
    /// What is in this text.
    pub(crate) fn of(text: &str) -> Self {
        let text = text.get(..text.floor_char_boundary(MOST_BYTES)).unwrap_or(text);
        let protections = text.lines().filter_map(names::protection_of);
        Self {
            protections: protections.map(|mechanism| (mechanism, 1)).collect(),
            asserting: usize::from(checks::asserts(&text.to_lowercase())),
        }
    }

    /// What is in these texts together.
    pub(crate) fn sum<'e>(all: impl Iterator<Item = &'e Self>) -> Self {
        let mut sum = Self::default();
        for one in all {
            for (mechanism, texts) in &one.protections {
                *sum.protections.entry(mechanism).or_default() += texts;
            }
            sum.asserting += one.asserting;
        }
        sum
    }

    /// What is left without one of the texts that were counted.
    pub(crate) fn without(&self, one: &Self) -> Self {
        let mut left = self.clone();
        for (mechanism, texts) in &one.protections {
            left.protections.entry(mechanism).and_modify(|all| *all -= texts);
        }
        left.protections.retain(|_, texts| *texts > 0);
        left.asserting -= one.asserting;
        left
    }
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

/// What was found so far: of each kind, what comes first.
#[derive(Debug, Default)]
struct Found(Vec<Finding>);

impl Found {
    /// Whether nothing of the kind was found yet.
    fn lacks(&self, op: &str, mechanism: &str) -> bool {
        !self.0.iter().any(|finding| finding.op == op && finding.mechanism == mechanism)
    }

    fn add(&mut self, finding: Finding) {
        if self.lacks(finding.op, finding.mechanism) {
            self.0.push(finding);
        }
    }
}

/// Everything found, at most one of a kind.
pub(crate) fn findings(change: &Change<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    if change.classes.contains("agent-instructions") {
        found.0.extend(orders::given(&Diff::of(change.path, change.old, change.new)));
        return found.0;
    }
    if is_for_people(change.path, change.classes) {
        return found.0;
    }
    let diff = Diff::of(change.path, change.old, change.new);
    if change.classes.contains("test") {
        checks::of_tests(change, &diff, &mut found);
    } else {
        found.0.extend(planted::back_door(&diff));
        found.0.extend(planted::beacon(&diff));
        if !is_sample(change.path) {
            weakened::phrases(&diff, &mut found);
            weakened::switches(change, &diff, &mut found);
            weakened::exchanges(&diff, &mut found);
            reach::widened(change, &diff, &mut found);
            guards::gone(change, &diff, &mut found);
        }
    }
    found.0.extend(checks::of_settings(change, &diff));
    // A name that was there before names nothing of what comes, unless it is what goes.
    let is_coming = |finding: &Finding| finding.op == "weaken" && !finding.gone;
    if found.0.iter().any(is_coming) {
        let known = diff.old_names();
        for finding in found.0.iter_mut().filter(|finding| is_coming(finding)) {
            finding.brings.retain(|name| name.contains(' ') || !known.contains(name.as_str()));
        }
    }
    found.0
}

/// Whether what stood in the file before would tell more.
pub(crate) fn depends_on_old(path: &str, classes: &BTreeSet<&'static str>) -> bool {
    classes.contains("test") || names::protection(&names::words(path)).is_some()
}

/// Whether a switch is set off of which only what stands above it in the file tells what it switches.
pub(crate) fn depends_on_above(change: &Change<'_>) -> bool {
    change.old.is_some_and(|old| !old.is_empty())
        && weakened::stands_alone(change, &Diff::of(change.path, change.old, change.new))
}

/// What is written for people to read is no program.
pub(crate) fn is_for_people(path: &str, classes: &BTreeSet<&'static str>) -> bool {
    classes.contains("docs") || is_prose(path)
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
