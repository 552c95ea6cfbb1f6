//! Shell patterns against known texts: `case`, `${x#p}`, `${x/p/r}`.

/// Whether a pattern matches a whole text. `None` where the pattern uses more than is modelled.
pub(super) fn matches(pattern: &str, text: &str) -> Option<bool> {
    let pattern = compile(pattern)?;
    let text = text.chars().collect::<Vec<_>>();
    affordable(&pattern, text.len(), 0).then_some(())?;
    Some(lengths(&pattern, &text).contains(&text.len()))
}

/// Steps of one matching.
const STEPS: usize = 1 << 20;

/// Whether a pattern is tried on a text as long as this at as many places.
fn affordable(pattern: &[Atom], text: usize, places: usize) -> bool {
    pattern.len().saturating_mul(text + 1).saturating_mul(places + 1) <= STEPS
}

/// The text without its shortest (or longest) prefix that matches.
pub(super) fn trim_prefix(pattern: &str, text: &str, longest: bool) -> Option<String> {
    let pattern = compile(pattern)?;
    let chars = text.chars().collect::<Vec<_>>();
    affordable(&pattern, chars.len(), 0).then_some(())?;
    let lengths = lengths(&pattern, &chars);
    let cut = if longest { lengths.iter().max() } else { lengths.iter().min() };
    Some(chars.iter().skip(cut.copied().unwrap_or(0)).collect())
}

/// The text without its shortest (or longest) suffix that matches.
pub(super) fn trim_suffix(pattern: &str, text: &str, longest: bool) -> Option<String> {
    let pattern = compile(pattern)?;
    let chars = text.chars().collect::<Vec<_>>();
    affordable(&pattern, chars.len(), chars.len()).then_some(())?;
    let starts = (0..=chars.len()).filter(|start| {
        lengths(&pattern, chars.get(*start..).unwrap_or_default()).contains(&(chars.len() - start))
    });
    let start = if longest { starts.min() } else { starts.max() };
    Some(chars.iter().take(start.unwrap_or(chars.len())).collect())
}

/// The text with the first match (or all) replaced.
pub(super) fn replace(pattern: &str, text: &str, with: &str, all: bool) -> Option<String> {
    let (anchored_start, anchored_end, pattern) = match pattern.chars().next() {
        Some('#') => (true, false, pattern.strip_prefix('#')?),
        Some('%') => (false, true, pattern.strip_prefix('%')?),
        _ => (false, false, pattern),
    };
    let pattern = compile(pattern)?;
    if pattern.is_empty() && !anchored_start && !anchored_end {
        return Some(text.to_owned());
    }
    let chars = text.chars().collect::<Vec<_>>();
    affordable(&pattern, chars.len(), chars.len()).then_some(())?;
    let mut replaced = String::with_capacity(text.len());
    let mut at = 0;
    while at <= chars.len() {
        let rest = chars.get(at..).unwrap_or_default();
        let length = lengths(&pattern, rest)
            .into_iter()
            .filter(|length| !anchored_end || at + length == chars.len())
            .max();
        match length {
            Some(length) if length > 0 || anchored_start || anchored_end => {
                replaced.push_str(with);
                at += length;
                if !all || length == 0 {
                    break;
                }
            }
            _ => {
                let Some(c) = rest.first() else { break };
                replaced.push(*c);
                at += 1;
            }
        }
        if anchored_start {
            break;
        }
    }
    replaced.extend(chars.get(at..).unwrap_or_default());
    Some(replaced)
}

enum Atom {
    Char(char),
    Any,
    Run,
    Class(bool, Vec<(char, char)>),
}

fn compile(pattern: &str) -> Option<Vec<Atom>> {
    let mut atoms = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        atoms.push(match c {
            '\\' => Atom::Char(chars.next().unwrap_or('\\')),
            '?' => Atom::Any,
            '*' => Atom::Run,
            '[' => {
                let negated = chars.next_if(|c| matches!(c, '!' | '^')).is_some();
                let mut ranges = Vec::new();
                let mut first = true;
                loop {
                    let c = chars.next()?;
                    match c {
                        ']' if !first => break,
                        // `[:alpha:]` and its kin.
                        '[' if matches!(chars.peek(), Some(':' | '.' | '=')) => return None,
                        '\\' => {
                            let c = chars.next()?;
                            ranges.push((c, c));
                        }
                        start => {
                            let mut ahead = chars.clone();
                            let end = match (ahead.next(), ahead.next()) {
                                (Some('-'), Some(end)) if end != ']' => {
                                    chars = ahead;
                                    end
                                }
                                _ => start,
                            };
                            ranges.push((start, end));
                        }
                    }
                    first = false;
                }
                Atom::Class(negated, ranges)
            }
            // An extended glob.
            '@' | '!' | '+' if chars.peek() == Some(&'(') => return None,
            c => Atom::Char(c),
        });
    }
    Some(atoms)
}

/// Every length of a prefix of the text that the pattern matches.
fn lengths(pattern: &[Atom], text: &[char]) -> Vec<usize> {
    let mut reached = vec![false; text.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    for atom in pattern {
        let mut next = vec![false; text.len() + 1];
        for (at, _) in reached.iter().enumerate().filter(|(_, reached)| **reached) {
            match atom {
                Atom::Run => {
                    next.iter_mut().skip(at).for_each(|slot| *slot = true);
                    break;
                }
                Atom::Any | Atom::Char(_) | Atom::Class(..) => {
                    if text.get(at).is_some_and(|c| accepts(atom, *c))
                        && let Some(slot) = next.get_mut(at + 1)
                    {
                        *slot = true;
                    }
                }
            }
        }
        reached = next;
    }
    reached.iter().enumerate().filter(|(_, reached)| **reached).map(|(at, _)| at).collect()
}

fn accepts(atom: &Atom, c: char) -> bool {
    match atom {
        Atom::Char(expected) => *expected == c,
        Atom::Any | Atom::Run => true,
        Atom::Class(negated, ranges) => {
            ranges.iter().any(|(start, end)| (*start..=*end).contains(&c)) != *negated
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_do_what_bash_does() {
        assert_eq!(matches("*.t?t", "a.txt"), Some(true));
        assert_eq!(matches("[a-c]x", "dx"), Some(false));
        assert_eq!(matches("[!a-c]x", "dx"), Some(true));
        assert_eq!(matches(r"\*", "*"), Some(true));
        assert_eq!(trim_prefix("*/", "a/b/c", false).unwrap(), "b/c");
        assert_eq!(trim_prefix("*/", "a/b/c", true).unwrap(), "c");
        assert_eq!(trim_suffix("/*", "a/b/c", false).unwrap(), "a/b");
        assert_eq!(trim_suffix("/*", "a/b/c", true).unwrap(), "a");
        assert_eq!(trim_suffix("x", "abc", true).unwrap(), "abc");
        assert_eq!(replace("b", "abcb", "X", false).unwrap(), "aXcb");
        assert_eq!(replace("b", "abcb", "", true).unwrap(), "ac");
        assert_eq!(replace("#a", "aba", "X", false).unwrap(), "Xba");
        assert_eq!(replace("%a", "aba", "X", false).unwrap(), "abX");
        assert_eq!(matches("[[:alpha:]]", "a"), None);
    }
}
