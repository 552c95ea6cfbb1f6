//! What lines set: names and plain values, and the names of what they stand in.

use std::collections::HashMap;

use super::Change;
use super::lines::{Diff, Line, indent};
use super::names::{is_of_name, names};

/// The name and the value of a setting stand so near to the sign between them, in bytes.
const REACH: usize = 128;

/// What is set on a line: names and plain values, as `name: value`, `name = value`, `name(value)`.
pub(super) fn settings(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.match_indices([':', '=', '(']).filter_map(|(at, _)| {
        let before = line.get(line.floor_char_boundary(at.saturating_sub(REACH))..at)?;
        let before = before.trim_end_matches(['"', '\'', ' ', ':', '?', ']']);
        let name = last_name(before)?;
        let after = line.get(at + 1..line.floor_char_boundary(at + 1 + REACH))?;
        let after = after.trim_start_matches(['=', ' ', '"', '\'', '>']);
        let is_of_value = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '%');
        let end = after.find(|c| !is_of_value(c)).unwrap_or(after.len());
        let value = after.get(..end).filter(|value| !value.is_empty())?;
        Some((name.rsplit('.').next().unwrap_or(name), value))
    })
}

/// The name that a text ends with.
fn last_name(text: &str) -> Option<&str> {
    let name = text.rsplit(|c: char| !is_of_name(c)).next()?.trim_start_matches(['-', '.']);
    (!name.is_empty() && !name.ends_with(['-', '.'])).then_some(name)
}

/// Values that say no.
const OFF: &[&str] =
    &["false", "off", "no", "disabled", "disable", "none", "0", "never", "optional"];
const ON: &[&str] = &["true", "on", "yes", "enabled", "enable", "1", "always", "required"];

fn is_one_of(words: &[&str], value: &str) -> bool {
    words.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Whether a value says no.
pub(super) fn is_off(value: &str) -> bool {
    is_one_of(OFF, value)
}

/// Whether a value says yes.
pub(super) fn is_on(value: &str) -> bool {
    is_one_of(ON, value)
}

/// A number, in per cent or not.
pub(super) fn number(value: &str) -> Option<f64> {
    value.trim_end_matches('%').parse().ok()
}

/// What lines that are gone set a name to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Before {
    /// To something that is not a no.
    pub(super) not_off: bool,
    /// To something that is not a yes.
    pub(super) not_on: bool,
    /// The highest number.
    pub(super) most: Option<f64>,
}

/// What lines that are gone set, by name.
pub(super) fn before<'d>(diff: &'d Diff<'_>) -> HashMap<&'d str, Before> {
    let mut found: HashMap<&str, Before> = HashMap::new();
    for (key, value) in diff.removed().flat_map(|(_, line)| settings(line.text)) {
        let before = found.entry(key).or_default();
        before.not_off |= !is_off(value);
        before.not_on |= !is_on(value);
        let most = before.most.unwrap_or(f64::NEG_INFINITY);
        before.most = number(value).map(|number| number.max(most)).or(before.most);
    }
    found
}

/// Lines that others may stand in, each further in than the one before.
#[derive(Debug, Default)]
struct Open<'t>(Vec<(Depth, &'t str)>);

/// How far in a line stands; `None` for the head of a section, which holds all that follows.
type Depth = Option<usize>;

impl<'t> Open<'t> {
    fn push(&mut self, line: &'t str) {
        let is_section = line.starts_with('[') && line.ends_with(']');
        if is_section || line.trim_end().ends_with([':', '{', '(']) {
            let depth = (!is_section).then(|| indent(line));
            while self.0.last().is_some_and(|(other, _)| *other >= depth) {
                self.0.pop();
            }
            self.0.push((depth, line));
        }
    }

    /// The last of them that stands less far in.
    fn last_above(&self, indent: usize) -> Option<&'t str> {
        let end = self.0.partition_point(|(depth, _)| *depth < Some(indent));
        end.checked_sub(1).and_then(|last| self.0.get(last)).map(|(_, line)| *line)
    }
}

/// What the new lines stand in.
pub(super) struct Nesting<'t> {
    /// For each line, the one that it stands in.
    parents: Vec<Option<&'t str>>,
}

impl<'t> Nesting<'t> {
    pub(super) fn of(change: &Change<'t>, diff: &Diff<'t>) -> Self {
        let mut open = Open::default();
        change.above.lines().for_each(|line| open.push(line));
        let parents = diff.new.lines.iter().map(|line| {
            let parent = open.last_above(line.indent());
            open.push(line.text);
            parent
        });
        Self { parents: parents.collect() }
    }

    /// The name of what a setting stands in: on its line, or above it and less indented.
    pub(super) fn parent(&self, place: usize, line: &Line<'t>) -> Option<&'t str> {
        let here = line.text.split_once(['{', '[']).map(|(before, _)| before);
        let here = here.filter(|before| !before.trim().is_empty());
        let parent = here.or_else(|| self.parents.get(place).copied().flatten());
        parent.and_then(|parent| names(parent).last())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_with_plain_values() {
        let all = |line| settings(line).collect::<Vec<_>>();
        assert_eq!(all("tls: { enabled: false }"), [("enabled", "false")]);
        assert_eq!(all("app.config['auth'] = 'off'"), [("auth", "off")]);
        assert_eq!(all("x.setSecure(True)"), [("setSecure", "True")]);
        assert_eq!(all("\"rounds\":12,"), [("rounds", "12")]);
        assert_eq!(all("a ="), []);
    }

    #[test]
    fn a_line_stands_in_the_last_one_that_is_less_far_in() {
        let classes = BTreeSet::new();
        let new =
            "[old]\naudit:\n  x: 1\n  log:\n    enabled: false\n  enabled: false\n[rate]\non = 1";
        let change = Change::of("a.yml", &classes, new);
        let diff = Diff::of("a.yml", None, new);
        let nesting = Nesting::of(&change, &diff);
        let lines = diff.new.lines.iter().enumerate();
        let parents: Vec<_> =
            lines.map(|(place, line)| nesting.parent(place, line).unwrap_or("-")).collect();
        assert_eq!(parents, ["-", "old", "audit", "audit", "log", "audit", "old", "rate"]);
    }
}
