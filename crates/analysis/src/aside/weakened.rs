//! Protections that are switched off: by phrases that say so, by switches and limits that are set
//! otherwise, by a weaker way that takes the place of a stronger one.

use super::lines::{Diff, Line};
use super::names::{names, protection, words};
use super::{Change, EXCHANGES, Finding, PHRASES};

/// Parts of one phrase stand this close to each other, in lines.
const NEAR: usize = 6;

/// Phrases of the catalogue on new lines.
pub(super) fn phrases(diff: &Diff<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (place, line) in diff.added() {
        let tokens = line.normal.split(|c: char| !c.is_alphanumeric() && c != '_');
        for token in tokens.filter(|token| token.len() > 1) {
            let first = PHRASES.partition_point(|phrase| phrase.key < token);
            let of_key = PHRASES.iter().skip(first).take_while(|phrase| phrase.key == token);
            for phrase in of_key {
                let mut parts = phrase.parts.iter();
                let is_here = parts.next().is_some_and(|part| line.normal.contains(part));
                let is_near = |part: &&str| {
                    diff.around(place, NEAR).iter().any(|line| line.normal.contains(*part))
                };
                let is_new = || !phrase.parts.iter().all(|part| diff.had(part));
                if is_here && parts.all(is_near) && is_new() {
                    found.push(Finding::of("weaken", phrase.mechanism, line.span, line.text));
                }
            }
        }
    }
    found
}

/// Values that say no.
const OFF: &[&str] =
    &["false", "off", "no", "disabled", "disable", "none", "0", "never", "optional"];
const ON: &[&str] = &["true", "on", "yes", "enabled", "enable", "1", "always", "required"];

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
pub(super) fn switches(change: &Change<'_>, diff: &Diff<'_>) -> Vec<Finding> {
    if !diff.has_old {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (place, line) in diff.added() {
        for (key, value) in settings(line) {
            let Some((mechanism, turned)) = meaning(change, diff, place, &key) else { continue };
            let (off, on) = if turned { (ON, OFF) } else { (OFF, ON) };
            let before = diff.removed().flat_map(|(_, line)| settings(line));
            let before: Vec<String> =
                before.filter(|(before, _)| *before == key).map(|(_, value)| value).collect();
            let was_on = before.iter().any(|value| !off.contains(&value.as_str()));
            // What was not there is added switched off; what says nothing by itself must have been on.
            let is_new =
                before.is_empty() && !PLAIN.contains(&key.as_str()) && (turned || change.within);
            if off.contains(&value.as_str()) && (was_on || is_new) && !on.contains(&value.as_str())
            {
                found.push(Finding::of("weaken", mechanism, line.span, line.text));
            }
        }
    }
    found.extend(limits(diff));
    found
}

/// Whether something that says nothing by itself is set off, and nothing here says what.
pub(super) fn stands_alone(change: &Change<'_>, diff: &Diff<'_>) -> bool {
    diff.added().any(|(place, line)| {
        settings(line).iter().any(|(key, value)| {
            PLAIN.contains(&key.as_str())
                && OFF.contains(&value.as_str())
                && parent(change, diff, place).is_none()
        })
    })
}

/// What a setting protects, and whether its name turns the sense.
fn meaning(
    change: &Change<'_>,
    diff: &Diff<'_>,
    place: usize,
    key: &str,
) -> Option<(&'static str, bool)> {
    let mut all = words(key);
    if PLAIN.contains(&key) {
        all.splice(0..0, words(&parent(change, diff, place)?));
    }
    let turned = all.iter().any(|word| TURNS.contains(&word.as_str()));
    protection(&all).map(|mechanism| (mechanism, turned))
}

/// The name of what a setting stands in: on its line, or above it and less indented.
fn parent(change: &Change<'_>, diff: &Diff<'_>, place: usize) -> Option<String> {
    let line = diff.new.get(place)?;
    if let Some((before, _)) =
        line.text.split_once(['{', '[']).filter(|(before, _)| !before.trim().is_empty())
    {
        return names(before).last().map(str::to_owned);
    }
    let indent = line.indent();
    let above = diff.new.iter().take(place).rev().find(|above| opens(above.text, indent));
    let above = above.map(|above| above.text);
    let above = above.or_else(|| change.above.lines().rev().find(|above| opens(above, indent)));
    above.and_then(|above| names(above).last().map(str::to_owned))
}

/// Whether a line opens what a line of this indent stands in.
fn opens(line: &str, indent: usize) -> bool {
    let own = line.len() - line.trim_start().len();
    let section = line.starts_with('[') && line.ends_with(']');
    (own < indent && line.trim_end().ends_with([':', '{', '('])) || section
}

/// What is set on a line: names and plain values, as `name: value`, `name = value`, `name(value)`.
fn settings(line: &Line<'_>) -> Vec<(String, String)> {
    let text = line.text;
    let mut found = Vec::new();
    for (at, _) in text.match_indices([':', '=', '(']) {
        let name = text.get(..at).unwrap_or_default().trim_end_matches(['"', '\'', ' ', ':', '?']);
        let name = names(name).last().unwrap_or_default();
        let is_last = text.get(..at).is_some_and(|before| {
            before.trim_end_matches(['"', '\'', ' ', ':', '?', ']']).ends_with(name)
        });
        let value = text.get(at + 1..).unwrap_or_default();
        let value = value.trim_start_matches(['=', ' ', '"', '\'', '>']);
        let end = value
            .find(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '-' | '%'))
            .unwrap_or(value.len());
        let value = value.get(..end).unwrap_or_default();
        if is_last && !name.is_empty() && !value.is_empty() {
            let name = name.rsplit('.').next().unwrap_or(name);
            found.push((name.to_owned(), value.to_lowercase()));
        }
    }
    found
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

fn limits(diff: &Diff<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let of_coverage = |diff: &Diff<'_>| diff.has("threshold") || diff.has("coverage");
    for (_, line) in diff.added() {
        for (key, value) in settings(line) {
            let number = |value: &str| value.trim_end_matches('%').parse::<f64>().ok();
            let Some(new) = number(&value) else { continue };
            let all = words(&key);
            let has = |word: &&str| all.iter().any(|own| own == word);
            let is_floor = FLOORS.iter().any(|floor| floor.iter().all(has))
                || (COVERED.contains(&key.as_str()) && of_coverage(diff));
            let before = diff.removed().flat_map(|(_, line)| settings(line));
            let mut before = before.filter(|(before, _)| *before == key);
            if is_floor && before.any(|(_, old)| number(&old).is_some_and(|old| old > new)) {
                let checks = has(&"cov") || has(&"coverage") || has(&"fail") || has(&"score");
                let (op, mechanism) = if checks || COVERED.contains(&key.as_str()) {
                    ("disable-checks", "threshold")
                } else {
                    ("weaken", "strength")
                };
                let mut finding = Finding::of(op, mechanism, line.span, "");
                // Said must be both, which limit and how low.
                finding.brings.insert(format!("{} {value}", key.to_lowercase()));
                found.push(finding);
            }
        }
    }
    found
}

/// Ways of the catalogue that take the place of stronger ones.
pub(super) fn exchanges(diff: &Diff<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for exchange in EXCHANGES {
        let goes = |from: &&str| {
            diff.removed().any(|(_, line)| line.normal.contains(*from)) && !diff.has(from)
        };
        if !exchange.from.iter().any(goes) {
            continue;
        }
        let comes = |line: &&Line<'_>| {
            let is_to = |to: &&str| line.normal.contains(*to) && (exchange.stays || !diff.had(to));
            exchange.to.iter().any(is_to)
        };
        if let Some(line) = diff.added().map(|(_, line)| line).find(comes) {
            found.push(Finding::of("weaken", exchange.mechanism, line.span, line.text));
        }
    }
    found
}
