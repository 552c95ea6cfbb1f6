//! Names of files as a profile gives them: `*` stands for any letters, and nothing else is special.

/// Whether a name is as a pattern says.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == name };
    let Some(rest) = name.strip_prefix(head) else { return false };
    if !tail.contains('*') {
        return rest.ends_with(tail);
    }
    rest.char_indices()
        .map(|(at, _)| at)
        .chain([rest.len()])
        .any(|at| rest.get(at..).is_some_and(|rest| fits(tail, rest)))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_any_letters() {
        assert!(fits(".env.*", ".env.local"));
        assert!(!fits(".env.*", ".env"));
        assert!(fits("*key*.pem", "my-key-1.pem"));
        assert!(!fits("*key*.pem", "my-cert.pem"));
        assert!(!fits("a*a", "a"));
    }
}
