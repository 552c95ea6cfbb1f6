//! Matching of path patterns, component by component.

/// Whether a path matches: `*` and `?` within a component, `**` for any number of components.
/// `x/**` matches `x` too.
pub(super) fn matches(pattern: &[&str], path: &[&str]) -> bool {
    walk(pattern, path, &|pattern, part| component(pattern.as_bytes(), part.as_bytes()))
}

/// Whether a path that is itself a pattern is likely to mean a path that `pattern` matches: all that
/// it matches does, or it spells out enough of a literal name. `*` alone says nothing: it means
/// whatever is there, and that a folder *may* hold a key does not make every listing a theft.
pub(super) fn suggests(pattern: &[&str], path: &[&str]) -> bool {
    // An unknown start (`$DIR/x`, unknown working folder) stands for whatever leads there.
    let path = match path.split_first() {
        Some((&"**", rest)) if !rest.is_empty() => rest,
        _ => path,
    };
    walk(pattern, path, &part_suggests)
}

/// Whether all that a path pattern may mean matches `pattern`.
pub(super) fn contains(pattern: &[&str], path: &[&str]) -> bool {
    walk(pattern, path, &|pattern, part| covers(pattern, &tokens(part)))
}

fn walk(pattern: &[&str], path: &[&str], part: &dyn Fn(&str, &str) -> bool) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (None, Some(_)) => false,
        (Some((&"**", rest)), None) => walk(rest, path, part),
        (Some(_), None) => false,
        (Some((&"**", rest)), Some((_, below))) => {
            walk(rest, path, part) || walk(pattern, below, part)
        }
        (Some((first, rest)), Some((name, below))) => part(first, name) && walk(rest, below, part),
    }
}

/// A component with `*` and `?` against a plain one.
fn component(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || Some(&c) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    p = star + 1;
                    t = from + 1;
                    retry = Some((star, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|c| *c == b'*'))
}

/// One step of a pattern that comes from the agent.
#[derive(Clone, Copy, PartialEq)]
enum Token {
    Literal(char),
    /// `?` or `[…]`.
    One,
    /// `*` or `**`.
    Many,
}

fn tokens(part: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut chars = part.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => tokens.extend(chars.next().map(Token::Literal)),
            '*' if tokens.last() == Some(&Token::Many) => {}
            '*' => tokens.push(Token::Many),
            '?' => tokens.push(Token::One),
            '[' => {
                if !chars.by_ref().any(|c| c == ']') {
                    break;
                }
                tokens.push(Token::One);
            }
            c => tokens.push(Token::Literal(c)),
        }
    }
    tokens
}

fn part_suggests(pattern: &str, part: &str) -> bool {
    // `shadow*` is also the name `shadow`.
    let name = pattern.trim_end_matches('*');
    // Most components are plain names or stand for anything, and each is asked about hundreds of patterns.
    if !part.contains(['*', '?', '[', '\\']) {
        return part == name || component(pattern.as_bytes(), part.as_bytes());
    }
    if part.bytes().all(|byte| byte == b'*') {
        return pattern.contains(['*', '?']) && component(pattern.as_bytes(), STRANGE.as_bytes());
    }
    let tokens = tokens(part);
    if pattern.contains(['*', '?']) && (name.is_empty() || name.contains(['*', '?'])) {
        return covers(pattern, &tokens);
    }
    if name != pattern && covers(pattern, &tokens) {
        return true;
    }
    // `*.json` says what kind of file, not which.
    if let [Token::Many, Token::Literal('.'), ending @ ..] = tokens.as_slice()
        && ending.iter().all(|token| matches!(token, Token::Literal(c) if *c != '.'))
        && ending.len() + 1 < name.chars().count()
    {
        return false;
    }
    let literals = tokens.iter().filter(|token| matches!(token, Token::Literal(_))).count();
    let prefix = tokens.iter().take_while(|token| matches!(token, Token::Literal(_))).count();
    (prefix >= 2 || literals * 2 > name.chars().count()) && may_be(&tokens, name)
}

/// What a wildcard counts as where a pattern has to match everything that it may mean.
const STRANGE: &str = "\u{1}";

/// Whether everything that the tokens may mean matches: their wildcards count as strange characters.
fn covers(pattern: &str, tokens: &[Token]) -> bool {
    let mut strange = String::with_capacity(tokens.len());
    for token in tokens {
        match token {
            Token::Literal(c) => strange.push(*c),
            Token::One | Token::Many => strange.push_str(STRANGE),
        }
    }
    component(pattern.as_bytes(), strange.as_bytes())
}

fn may_be(tokens: &[Token], text: &str) -> bool {
    match tokens.split_first() {
        None => text.is_empty(),
        Some((Token::Many, rest)) => {
            let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            starts.into_iter().any(|at| may_be(rest, text.get(at..).unwrap_or_default()))
        }
        Some((token, rest)) => {
            let mut chars = text.chars();
            let Some(c) = chars.next() else { return false };
            (*token == Token::One || *token == Token::Literal(c)) && may_be(rest, chars.as_str())
        }
    }
}

/// Whether a component is nothing but wildcards: `*`, `.*`, `?*`, `.[!.]*`, `**`.
pub(super) fn is_bare(part: &str) -> bool {
    let tokens = tokens(part);
    tokens.contains(&Token::Many)
        && tokens.iter().all(|token| !matches!(token, Token::Literal(c) if *c != '.'))
}

/// Whether a pattern component may mean this name.
pub(super) fn may_mean(part: &str, name: &str) -> bool {
    may_be(&tokens(part), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_all_below() {
        assert!(matches(&[".ssh", "**"], &[".ssh"]));
        assert!(matches(&[".ssh", "**"], &[".ssh", "a", "b"]));
        assert!(!matches(&[".ssh", "**"], &[".sshx"]));
        assert!(matches(&["a", "**", "*.jsonl"], &["a", "x", "y.jsonl"]));
        assert!(!matches(&["*.pem"], &["a.pem.txt"]));
    }

    #[test]
    fn a_pattern_suggests_what_it_spells_out() {
        for part in ["id_*", "id_r?a", "*d_rsa", "[i]d_rsa", "id_rs*"] {
            assert!(suggests(&["id_rsa"], &[part]), "{part}");
        }
        for part in ["*", "?*", "*a", "i*x", "*.json"] {
            assert!(!suggests(&["id_rsa"], &[part]), "{part}");
        }
        assert!(!suggests(&["mcp.json"], &["*.json"]));
        assert!(suggests(&["mcp.json"], &["m*.json"]));
        assert!(suggests(&[".env"], &["*.env"]));
        assert!(suggests(&["*.pem"], &["server*.pem"]));
        assert!(!suggests(&["*.pem"], &["server*"]));
        assert!(suggests(&[".aws", "**"], &[".aws", "*"]));
        assert!(suggests(&[".aws", "**"], &["**", ".aws", "credentials"]));
    }
}
