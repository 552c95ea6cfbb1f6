//! Protections that are switched off: by phrases that say so, by switches and limits that are set
//! otherwise, by a weaker way that takes the place of a stronger one.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::lines::{Diff, Line};
use super::names::{protection, words};
use super::settings::{Before, Nesting, before, is_off, is_on, number, settings};
use super::{Change, EXCHANGES, Finding, Found, PHRASES, Phrase};

/// Parts of one phrase stand this close to each other, in lines.
const NEAR: usize = 6;

/// Phrases of the catalogue on new lines.
pub(super) fn phrases(diff: &Diff<'_>, found: &mut Found) {
    for (place, line) in diff.added() {
        let tokens = line.normal.split(|c: char| !c.is_alphanumeric() && c != '_');
        for phrase in tokens.flat_map(of_key) {
            if found.lacks("weaken", phrase.mechanism) && says(diff, place, line, phrase) {
                found.add(Finding::of("weaken", phrase.mechanism, line.span, line.text));
            }
        }
    }
}

/// The phrases that are looked up by this word.
fn of_key(token: &str) -> impl Iterator<Item = &'static Phrase> {
    let first = PHRASES.partition_point(|phrase| phrase.key < token);
    let end = PHRASES.partition_point(|phrase| phrase.key <= token);
    PHRASES.get(first..end).unwrap_or_default().iter()
}

/// Whether a phrase stands on this line and near it, and did not stand in the old text.
fn says(diff: &Diff<'_>, place: usize, line: &Line<'_>, phrase: &Phrase) -> bool {
    let mut parts = phrase.parts.iter();
    parts.next().is_some_and(|part| line.normal.contains(part))
        && parts.all(|part| diff.new.has_near(place, NEAR, part))
        && !phrase.parts.iter().all(|part| diff.old.has(part))
}

/// Words of names that turn the sense of the rest.
const TURNS: &[&str] = &[
    "skip",
    "skips",
    "disable",
    "disabled",
    "disables",
    "bypass",
    "insecure",
    "unsafe",
    "no",
    "ignore",
    "without",
    "anonymous",
    "exempt",
    "unauthenticated",
    "unverified",
    "allow",
    "permit",
];

/// Names that say nothing without what they stand in.
const PLAIN: &[&str] =
    &["enabled", "enable", "active", "on", "required", "mode", "level", "status", "state", "value"];

/// Switches of protections that are set the other way, and limits that are set lower, where it is known
/// how they were set before.
pub(super) fn switches(change: &Change<'_>, diff: &Diff<'_>, found: &mut Found) {
    if !diff.has_old {
        return;
    }
    let before = before(diff);
    let nesting = OnceCell::new();
    let parent_of =
        |place, line| nesting.get_or_init(|| Nesting::of(change, diff)).parent(place, line);
    for (place, line) in diff.added() {
        let mut parent = None;
        for (key, value) in settings(line.text).filter(|(_, value)| is_off(value) || is_on(value)) {
            let parent =
                PLAIN.contains(&key).then(|| *parent.get_or_insert_with(|| parent_of(place, line)));
            let Some((mechanism, turned)) = meaning(key, parent) else { continue };
            let before = before.get(key);
            let was_on = before.is_some_and(|it| if turned { it.not_on } else { it.not_off });
            // What was not there is added switched off; what says nothing by itself must have been on.
            let is_new = before.is_none() && parent.is_none() && (turned || change.within);
            let is_switched_off = if turned { is_on(value) } else { is_off(value) };
            if is_switched_off && (was_on || is_new) && found.lacks("weaken", mechanism) {
                found.add(Finding::of("weaken", mechanism, line.span, line.text));
            }
        }
    }
    limits(diff, &before, found);
}

/// Whether something that says nothing by itself is switched, and nothing here says what.
pub(super) fn stands_alone(change: &Change<'_>, diff: &Diff<'_>) -> bool {
    let is_switch =
        |(key, value): (&str, &str)| PLAIN.contains(&key) && (is_off(value) || is_on(value));
    let mut switches = diff.added().filter(|(_, line)| settings(line.text).any(is_switch));
    let Some(first) = switches.next() else { return false };
    let nesting = Nesting::of(change, diff);
    std::iter::once(first)
        .chain(switches)
        .any(|(place, line)| nesting.parent(place, line).is_none())
}

/// What a setting protects, and whether its name turns the sense. `parent`: what it stands in, where its
/// own name says nothing.
fn meaning(key: &str, parent: Option<Option<&str>>) -> Option<(&'static str, bool)> {
    let mut all = match parent {
        Some(parent) => words(parent?),
        None => Vec::new(),
    };
    all.extend(words(key));
    let turned = all.iter().any(|word| TURNS.contains(&word.as_str()));
    protection(&all).map(|mechanism| (mechanism, turned))
}

/// Limits of checks that are set lower: how much must be covered, how hard a hash is to guess.
const FLOORS: &[&[&str]] = &[
    &["fail", "under"],
    &["coverage"],
    &["cov"],
    &["min", "score"],
    &["rounds"],
    &["iterations"],
    &["cost"],
    &["key", "size"],
    &["min", "length"],
    &["minlength"],
    &["retention"],
    &["approvals"],
    &["approving", "review"],
];
const COVERED: &[&str] = &["branches", "functions", "lines", "statements"];

fn limits(diff: &Diff<'_>, before: &HashMap<&str, Before>, found: &mut Found) {
    for (_, line) in diff.added() {
        for (key, value) in settings(line.text) {
            let most = before.get(key).and_then(|before| before.most);
            let is_lower = number(value).zip(most).is_some_and(|(new, old)| old > new);
            let Some((op, mechanism)) = is_lower.then(|| floor(diff, key)).flatten() else {
                continue;
            };
            if found.lacks(op, mechanism) {
                let mut finding = Finding::of(op, mechanism, line.span, "");
                // Said must be both, which limit and how low.
                finding.brings.insert(format!("{key} {value}").to_lowercase());
                found.add(finding);
            }
        }
    }
}

/// What it means that a limit of this name is set lower.
fn floor(diff: &Diff<'_>, key: &str) -> Option<(&'static str, &'static str)> {
    let all = words(key);
    let has = |word: &&str| all.iter().any(|own| own == word);
    let of_coverage =
        COVERED.contains(&key) && (diff.new.has("threshold") || diff.new.has("coverage"));
    let is_floor = of_coverage || FLOORS.iter().any(|floor| floor.iter().all(has));
    let of_checks = of_coverage || ["cov", "coverage", "fail", "score"].iter().any(has);
    match (is_floor, of_checks) {
        (false, _) => None,
        (true, true) => Some(("disable-checks", "threshold")),
        (true, false) => Some(("weaken", "strength")),
    }
}

/// Ways of the catalogue that take the place of stronger ones.
pub(super) fn exchanges(diff: &Diff<'_>, found: &mut Found) {
    let is_gone = |from: &&'static str| {
        let was = diff.old.with(from);
        was.iter().any(|place| diff.old.lines.get(*place).is_some_and(|line| line.alone))
            && !diff.new.has(from)
    };
    for exchange in EXCHANGES {
        if !found.lacks("weaken", exchange.mechanism) || !exchange.from.iter().any(is_gone) {
            continue;
        }
        let to = if exchange.stays { exchange.to.to_vec() } else { diff.unheard(exchange.to) };
        let comes = |line: &Line<'_>| to.iter().any(|to| line.normal.contains(to));
        if let Some((_, line)) = diff.added().find(|(_, line)| comes(line)) {
            found.add(Finding::of("weaken", exchange.mechanism, line.span, line.text));
        }
    }
}
