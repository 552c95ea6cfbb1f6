//! Effects as one line of text, for people and for tests.
//!
//! ```text
//! delete /home/u recursive force
//! net api.example.com method=POST upload
//! write /etc/hosts @remote(web-1)
//! vcs_remote origin/main force by=git
//! ```
//!
//! The kind, the target (`?` unknown, `{a,b}` one of, globs as they are, quoted if it has spaces),
//! the attributes (a bare word is a flag, sets are joined by commas), and `@scope(place)` unless it
//! is this machine. A test writes the same line with only the attributes it cares about.

use std::fmt;

use crate::{Attr, AttrType, AttrValue, Effect, EffectKind, Scope, Target};

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, quoted(&self.target.to_string()))?;
        for (attr, value) in self.attributes.iter() {
            match value {
                AttrValue::Flag(_) => write!(f, " {attr}")?,
                value => write!(f, " {attr}={}", quoted(&value.to_string()))?,
            }
        }
        match &self.scope {
            Scope::Local => Ok(()),
            scope => write!(f, " @{}({})", scope.name(), scope.place()),
        }
    }
}

fn quoted(text: &str) -> String {
    let plain = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '"');
    if plain {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
    }
}

/// An expectation about an effect: a kind, and optionally a target, attributes and a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectPattern {
    kind: EffectKind,
    target: Option<String>,
    attributes: Vec<(Attr, AttrValue)>,
    scope: Option<String>,
}

/// Why a line is not an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotationError(String);

impl fmt::Display for NotationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotationError {}

impl EffectPattern {
    /// Reads one line: `KIND [TARGET] [ATTR|ATTR=VALUE]… [@SCOPE[(PLACE)]]`. A target that is left
    /// out, or `_`, stands for any.
    ///
    /// # Errors
    /// When a word is not a kind, an attribute, or a value of the attribute's type.
    pub fn parse(line: &str) -> Result<Self, NotationError> {
        let mut words = words(line)?.into_iter();
        let kind = words.next().unwrap_or_default();
        let kind = EffectKind::from_name(&kind)
            .ok_or_else(|| NotationError(format!("`{kind}` is not a kind of effect")))?;
        let mut pattern = Self { kind, target: None, attributes: Vec::new(), scope: None };
        for (index, word) in words.enumerate() {
            if let Some(scope) = word.strip_prefix('@') {
                pattern.scope = Some(scope.to_owned());
            } else if let Some((name, value)) = attribute(&word)? {
                if !name.fits(kind) {
                    return Err(NotationError(format!("`{name}` is no attribute of `{kind}`")));
                }
                pattern.attributes.push((name, value));
            } else if index == 0 {
                pattern.target = (word != "_").then_some(word);
            } else {
                return Err(NotationError(format!("`{word}` is not an attribute")));
            }
        }
        Ok(pattern)
    }

    /// Whether the effect is of this kind, has this target and at least these attributes.
    pub fn matches(&self, effect: &Effect) -> bool {
        self.kind == effect.kind
            && self.target.as_ref().is_none_or(|target| *target == effect.target.to_string())
            && self.attributes.iter().all(|(attr, expected)| {
                match (expected, effect.attributes.get(*attr)) {
                    (AttrValue::Set(expected), Some(AttrValue::Set(actual))) => {
                        expected.is_subset(actual)
                    }
                    (AttrValue::Flag(false), actual) => actual.is_none(),
                    (expected, actual) => Some(expected) == actual,
                }
            })
            && self.scope.as_ref().is_none_or(|scope| {
                let (name, place) = (effect.scope.name(), effect.scope.place());
                scope == name || *scope == format!("{name}({place})")
            })
    }
}

/// `force` and `mode=755` are attributes; `/force` and `x=1` are not. `!force` says "not force".
fn attribute(word: &str) -> Result<Option<(Attr, AttrValue)>, NotationError> {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    };
    if let Some(attr) = name.strip_prefix('!').and_then(Attr::from_name) {
        return Ok(Some((attr, AttrValue::Flag(false))));
    }
    let Some(attr) = Attr::from_name(name) else { return Ok(None) };
    let value = match (attr.value_type(), value) {
        (AttrType::Flag, None) => AttrValue::Flag(true),
        (AttrType::Text, Some(text)) => AttrValue::Text(text.to_owned()),
        (AttrType::Set, Some(text)) => AttrValue::Set(text.split(',').map(str::to_owned).collect()),
        (AttrType::Count, Some(text)) => AttrValue::Count(
            text.parse().map_err(|_| NotationError(format!("`{text}` is not a number")))?,
        ),
        (AttrType::Flag, Some(_)) => {
            return Err(NotationError(format!("`{attr}` takes no value")));
        }
        // A bare word that is also the name of an attribute with a value is a target.
        (_, None) => return Ok(None),
    };
    Ok(Some((attr, value)))
}

/// Splits at blanks; `"…"` keeps blanks, with `\"`, `\\` and `\n` inside.
fn words(line: &str) -> Result<Vec<String>, NotationError> {
    let mut words = Vec::new();
    let mut current = String::new();
    let mut started = false;
    let mut chars = line.trim().chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                started = true;
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => match chars.next() {
                            Some('n') => current.push('\n'),
                            Some(c) => current.push(c),
                            None => return Err(NotationError("unfinished quote".to_owned())),
                        },
                        Some(c) => current.push(c),
                        None => return Err(NotationError("unfinished quote".to_owned())),
                    }
                }
            }
            c if c.is_whitespace() => {
                if started {
                    words.push(std::mem::take(&mut current));
                    started = false;
                }
            }
            c => {
                started = true;
                current.push(c);
            }
        }
    }
    if started {
        words.push(current);
    }
    Ok(words)
}

impl Target {
    /// The target in the notation of effects, for messages.
    pub fn notation(&self) -> String {
        quoted(&self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_round_trips() {
        let effect = Effect::new(EffectKind::Delete, Target::known("/home/u/my files"))
            .with(Attr::Recursive, true)
            .with(Attr::Force, true)
            .with(Attr::Classes, ["vcs", "secret"])
            .in_scope(Scope::Remote("web-1".to_owned()));
        let line = effect.to_string();
        assert_eq!(
            line,
            "delete \"/home/u/my files\" force classes=secret,vcs recursive @remote(web-1)"
        );
        assert!(EffectPattern::parse(&line).unwrap().matches(&effect));
    }

    #[test]
    fn a_test_names_only_what_it_cares_about() {
        let effect = Effect::new(EffectKind::VcsRemote, Target::known("origin/main"))
            .with(Attr::Force, true)
            .with(Attr::Op, "push");
        for line in
            ["vcs_remote", "vcs_remote origin/main", "vcs_remote _ op=push", "vcs_remote force"]
        {
            assert!(EffectPattern::parse(line).unwrap().matches(&effect), "{line}");
        }
        for line in
            ["vcs_local", "vcs_remote origin/dev", "vcs_remote !force", "vcs_remote @remote"]
        {
            assert!(!EffectPattern::parse(line).unwrap().matches(&effect), "{line}");
        }
        assert!(EffectPattern::parse("vcs_remote signal=KILL").is_err());
        assert!(EffectPattern::parse("remove /x").is_err());
    }
}
