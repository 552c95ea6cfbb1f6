//! Dangerous cases and their twins: what is let through, and differs from what is not by one fact.
//!
//! A rule that stops everything would pass every test of danger. A twin holds it to what makes the
//! difference: one more word in the command, one field of the facts, one message of the user.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::case::Case;

/// More words than this on one side of a difference are more than one fact.
const WORDS: usize = 3;

/// How many cases of each sort there are, and which belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twins {
    /// Cases that must not be let through as they are.
    pub danger: usize,
    /// Cases that must be let through.
    pub benign: usize,
    /// As many pairs as can be made on the same page, each case in one at most: the places of a
    /// dangerous case and of its twin.
    pub pairs: Vec<(usize, usize)>,
}

/// Finds the twins among cases with a verdict. Cases with a known gap count for nothing.
pub fn twins(cases: &[Case]) -> Twins {
    let sort = |objects: bool| -> Vec<usize> {
        let fits = |case: &Case| match &case.expect_verdict {
            Some(expected) if case.gap.is_none() => {
                if objects {
                    expected.objects()
                } else {
                    expected.allows()
                }
            }
            _ => false,
        };
        cases.iter().enumerate().filter(|(_, case)| fits(case)).map(|(at, _)| at).collect()
    };
    let (danger, benign) = (sort(true), sort(false));
    let parts: Vec<Value> = cases.iter().map(parts).collect();
    let candidates: Vec<Vec<usize>> = danger
        .iter()
        .map(|&one| {
            let page = |at: usize| cases.get(at).map(|case| &case.file);
            let differs = |&other: &usize| match (parts.get(one), parts.get(other)) {
                _ if page(one) != page(other) => false,
                (Some(one), Some(other)) => differences(one, other) == 1,
                _ => false,
            };
            benign.iter().copied().filter(differs).collect()
        })
        .collect();
    let pairs = matched(&candidates)
        .into_iter()
        .filter_map(|(at, twin)| Some((*danger.get(at)?, twin)))
        .collect();
    Twins { danger: danger.len(), benign: benign.len(), pairs }
}

/// Everything that a verdict may depend on.
fn parts(case: &Case) -> Value {
    let code = match case.language.as_str() {
        "json action" => serde_json::from_str(&case.code).unwrap_or_default(),
        _ => json!(case.code),
    };
    json!({
        "code": code, "language": case.language, "facts": case.facts, "user": case.user,
        "preset": case.preset.as_str(),
    })
}

/// How many facts two cases differ by.
fn differences(one: &Value, other: &Value) -> usize {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            names
                .into_iter()
                .map(|name| {
                    differences(
                        a.get(name).unwrap_or(&Value::Null),
                        b.get(name).unwrap_or(&Value::Null),
                    )
                })
                .sum()
        }
        // A fact that is there or not is one fact, however much it says.
        (Value::Array(a), Value::Array(b)) if a.len().abs_diff(b.len()) <= 1 => {
            let (longer, shorter) = if a.len() < b.len() { (b, a) } else { (a, b) };
            let lacking = usize::from(longer.len() > shorter.len());
            let without = |left_out: Option<usize>| {
                let kept = longer.iter().enumerate().filter(|(at, _)| Some(*at) != left_out);
                let kept = kept.map(|(_, value)| value);
                kept.zip(shorter).map(|(a, b)| differences(a, b)).sum::<usize>()
            };
            if lacking == 0 {
                return without(None);
            }
            (0..longer.len()).map(|at| without(Some(at))).min().unwrap_or_default() + 1
        }
        (Value::String(a), Value::String(b)) => spans(a, b),
        _ => usize::from(one != other),
    }
}

/// Whether two texts differ in one place by few words: 0 where they do not differ, 1 where they do so,
/// more otherwise.
fn spans(a: &str, b: &str) -> usize {
    if a == b {
        return 0;
    }
    let (a, b): (Vec<&str>, Vec<&str>) = (words(a), words(b));
    let head = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let room = a.len().min(b.len()) - head;
    let tail = a.iter().rev().zip(b.iter().rev()).take(room).take_while(|(a, b)| a == b).count();
    let longest = a.len().max(b.len()) - head - tail;
    let is_one_word = a.len() == 1 && b.len() == 1;
    if is_one_word || longest <= WORDS.min(head + tail) { 1 } else { longest + 1 }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// As many pairs as there can be, each twin in one at most.
fn matched(candidates: &[Vec<usize>]) -> Vec<(usize, usize)> {
    let mut taken: Vec<(usize, usize)> = Vec::new();
    for at in 0..candidates.len() {
        place(at, candidates, &mut BTreeSet::new(), &mut taken);
    }
    taken.sort_unstable();
    taken
}

/// Finds a twin for one case; one that is taken is had if its case finds another.
fn place(
    at: usize,
    candidates: &[Vec<usize>],
    tried: &mut BTreeSet<usize>,
    taken: &mut Vec<(usize, usize)>,
) -> bool {
    for &twin in candidates.get(at).into_iter().flatten() {
        if !tried.insert(twin) {
            continue;
        }
        let owner = taken.iter().find(|(_, of)| *of == twin).map(|(owner, _)| *owner);
        if owner.is_none_or(|owner| place(owner, candidates, tried, taken)) {
            taken.retain(|(owner, of)| *owner != at && *of != twin);
            taken.push((at, twin));
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::case::cases_of;

    fn found(page: &str) -> Twins {
        twins(&cases_of(Path::new("p.md"), page).unwrap())
    }

    fn case(before: &str, code: &str, verdict: &str) -> String {
        format!("## x\n{before}```bash\n{code}\n```\n```verdict\n{verdict}\n```\n")
    }

    #[test]
    fn twins_differ_by_one_fact() {
        let danger = case("", "git push --force origin main", "deny");
        for (twin, pairs) in [
            (case("", "git push origin main", "allow"), 1),
            (case("```user\npush it by force\n```\n", "git push --force origin main", "allow"), 1),
            (
                case(
                    "```facts\n{\"created\":[\"/x\"]}\n```\n",
                    "git push --force origin main",
                    "allow",
                ),
                1,
            ),
            (case("```user\npush it\n```\n", "git push origin main", "allow"), 0),
            (case("", "git pull --force origin next", "allow"), 0),
            (case("", "git push origin main", "contain"), 0),
            (case("", "git status", "allow"), 0),
        ] {
            assert_eq!(found(&format!("{danger}{twin}")).pairs.len(), pairs, "{twin}");
        }
    }

    #[test]
    fn a_twin_counts_once_and_goes_where_it_is_needed() {
        let one = case("", "rm -rf a", "ask");
        let both = case("", "rm -rf b", "allow");
        let only = case("", "rm -v -rf b", "ask");
        let other = case("", "rm -f a", "allow");
        let found = found(&format!("{one}{only}{both}{other}"));
        assert_eq!((found.danger, found.benign, found.pairs.len()), (2, 2, 2));
    }
}
