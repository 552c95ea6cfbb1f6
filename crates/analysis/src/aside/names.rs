//! Names in code: the words they are made of, and what a name says it protects.

use super::PROTECTIONS;

/// The names of a line: letters, digits, `_`, `-` and `.` between them.
pub(super) fn names(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.'))
        .map(|name| name.trim_matches(['-', '.']))
        .filter(|name| !name.is_empty())
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

/// What names of these words protect.
pub(super) fn protection(words: &[String]) -> Option<&'static str> {
    let is_there = |phrase: &&str| {
        let parts: Vec<&str> = phrase.split(' ').collect();
        words.windows(parts.len()).any(|window| window == parts.as_slice())
    };
    PROTECTIONS
        .iter()
        .find(|protection| protection.names.iter().any(is_there))
        .map(|protection| protection.mechanism)
}

/// What a line's names protect.
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
