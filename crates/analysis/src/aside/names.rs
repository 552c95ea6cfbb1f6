//! Names in code: the words they are made of, and what a name says it protects.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::PROTECTIONS;

/// The names of a line: letters, digits, `_`, `-` and `.` between them.
pub(super) fn names(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !is_of_name(c))
        .map(|name| name.trim_matches(['-', '.']))
        .filter(|name| !name.is_empty())
}

pub(super) fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// The words of a name in lower case: `requireAuth`, `require_auth` and `HTTPAuth` have `auth`.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut word = String::new();
    let chars: Vec<char> = name.chars().collect();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let next = chars.get(at + 1);
        let begins = c.is_uppercase()
            && (before.is_some_and(|before| !before.is_uppercase())
                || next.is_some_and(|next| next.is_lowercase()));
        if (!c.is_alphanumeric() || begins) && !word.is_empty() {
            found.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

/// The words that follow, and the rank of what all of them together protect.
type Rest = (Vec<&'static str>, usize);

/// The catalogue by the first word of each name.
static BY_FIRST_WORD: LazyLock<HashMap<&'static str, Vec<Rest>>> = LazyLock::new(|| {
    let mut found: HashMap<&str, Vec<Rest>> = HashMap::new();
    for (rank, protection) in PROTECTIONS.iter().enumerate() {
        for name in protection.names {
            let mut words = name.split(' ');
            let first = words.next().unwrap_or_default();
            found.entry(first).or_default().push((words.collect(), rank));
        }
    }
    found
});

/// What names of these words protect: what the catalogue names first.
pub(super) fn protection(words: &[String]) -> Option<&'static str> {
    let begins = |at: usize, word: &String| {
        let after = words.get(at + 1..).unwrap_or_default();
        let all = BY_FIRST_WORD.get(word.as_str()).map(Vec::as_slice).unwrap_or_default();
        let follows = |rest: &[&str]| {
            after.len() >= rest.len() && rest.iter().zip(after).all(|(rest, word)| rest == word)
        };
        all.iter().filter(|(rest, _)| follows(rest)).map(|(_, rank)| *rank).min()
    };
    let rank = words.iter().enumerate().filter_map(|(at, word)| begins(at, word)).min()?;
    PROTECTIONS.get(rank).map(|protection| protection.mechanism)
}

/// What the first of a line's names that protects anything protects.
pub(super) fn protection_of(line: &str) -> Option<&'static str> {
    names(line).find_map(|name| protection(&words(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_words() {
        for (name, expected) in [
            ("requireAuth", vec!["require", "auth"]),
            ("csrf_protect", vec!["csrf", "protect"]),
            ("HTTPSOnly", vec!["https", "only"]),
            ("rate-limit", vec!["rate", "limit"]),
            ("X509", vec!["x509"]),
        ] {
            assert_eq!(words(name), expected, "{name}");
        }
        assert_eq!(protection_of("router.use(requireAuth)"), Some("authentication"));
        assert_eq!(protection_of("author = authority"), None);
    }
}
