//! One line of `when` or `unless`.

use std::collections::BTreeSet;

use ringfence_action::{Attr, AttrType, AttrValue, Effect, EffectKind};
use toml::Value;

use super::{listed, quoted};
use crate::error::did_you_mean;
use crate::request::TargetFacts;
use crate::schema::attributes;

/// What must hold of an effect.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    /// As it was written: `branch = "main" or "release/*"`.
    pub(crate) written: String,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Kind(Vec<EffectKind>),
    Target(Vec<String>),
    Scope(Vec<String>),
    Flag(Attr, bool),
    Text(Attr, Vec<String>),
    Set(Attr, Vec<String>),
    Count(Attr, i64),
    Fact(&'static str, bool),
}

/// Facts about the target that a line can ask for.
const FACTS: [&str; 8] = [
    "exists",
    "created",
    "tracked",
    "ignored",
    "holds_untracked",
    "default_branch",
    "current_branch",
    "known_destination",
];

impl Condition {
    /// Reads one line. A line about facts may hold several.
    pub(crate) fn read(
        key: &str,
        value: &Value,
        kinds: &[EffectKind],
    ) -> Result<Vec<Self>, (String, String)> {
        let one = |test| Ok(vec![Self { written: format!("{key} = {value}"), test }]);
        match key {
            "effect" => {
                let words = texts(key, value)?;
                let found: Vec<EffectKind> =
                    words.iter().filter_map(|word| EffectKind::from_name(word)).collect();
                if found.len() == words.len() {
                    one(Test::Kind(found))
                } else {
                    Err(("that is not a kind of effect".to_owned(), "see `when.effect`".to_owned()))
                }
            }
            "target" | "host" => one(Test::Target(patterns(key, value)?)),
            "scope" => one(Test::Scope(texts(key, value)?)),
            "facts" => facts(value),
            "program" => one(Test::Text(Attr::By, patterns(key, value)?)),
            _ => one(attribute(key, value, kinds)?),
        }
    }

    /// Whether it is about dry runs or content that would run later, which rules leave out unless
    /// they say otherwise.
    pub(crate) fn is_about_liveness(&self) -> bool {
        matches!(self.test, Test::Flag(Attr::DryRun | Attr::Content, true))
    }

    /// The same in Cedar.
    pub(crate) fn cedar(&self) -> String {
        match &self.test {
            Test::Kind(kinds) => {
                any(kinds.iter().map(|kind| format!("action == Action::\"{kind}\"")))
            }
            Test::Target(patterns) => like("context.target.text", patterns),
            Test::Scope(names) => like("context.scope.name", names),
            Test::Flag(attr, true) => format!("context.{attr}"),
            Test::Flag(attr, false) => format!("!context.{attr}"),
            Test::Text(attr, patterns) => like(&format!("context.{attr}"), patterns),
            Test::Set(attr, words) => {
                any(words.iter().map(|word| format!("context.{attr}.contains({})", quoted(word))))
            }
            Test::Count(attr, count) => {
                format!("(context has {attr} && context.{attr} == {count})")
            }
            Test::Fact("created", value) => format!("context.facts.created == {value}"),
            Test::Fact(name, value) => {
                format!("(context.facts has {name} && context.facts.{name} == {value})")
            }
        }
    }

    /// Whether it holds of an effect. Facts are taken to be as the rule wants them.
    pub(crate) fn holds(&self, effect: &Effect) -> bool {
        match &self.test {
            Test::Kind(kinds) => kinds.contains(&effect.kind),
            Test::Target(patterns) => {
                patterns.iter().any(|pattern| is_like(&effect.target.text(), pattern))
            }
            Test::Scope(names) => names.iter().any(|name| name == effect.scope.name()),
            Test::Flag(attr, value) => effect.is(*attr) == *value,
            Test::Text(attr, patterns) => {
                let text = effect.text(*attr).unwrap_or_default();
                patterns.iter().any(|pattern| is_like(text, pattern))
            }
            Test::Set(attr, words) => {
                words.iter().any(|word| effect.attributes.contains(*attr, word))
            }
            Test::Count(attr, count) => {
                effect.attributes.get(*attr) == Some(&AttrValue::Count(*count))
            }
            Test::Fact(..) => true,
        }
    }

    /// Makes the facts such that the condition holds.
    pub(crate) fn suppose(&self, facts: &mut TargetFacts) {
        let Test::Fact(name, value) = self.test else { return };
        let slot = match name {
            "exists" => &mut facts.exists,
            "tracked" => &mut facts.tracked,
            "ignored" => &mut facts.ignored,
            "holds_untracked" => &mut facts.holds_untracked,
            "default_branch" => &mut facts.default_branch,
            "current_branch" => &mut facts.current_branch,
            "known_destination" => &mut facts.known_destination,
            _ => {
                facts.created = value;
                return;
            }
        };
        *slot = Some(value);
    }
}

fn attribute(key: &str, value: &Value, kinds: &[EffectKind]) -> Result<Test, (String, String)> {
    let Some(attr) = Attr::from_name(key) else {
        let known: BTreeSet<&str> = kinds
            .iter()
            .flat_map(|kind| attributes(*kind))
            .map(Attr::as_str)
            .chain(["effect", "target", "host", "scope", "facts", "program"])
            .collect();
        let help = did_you_mean(key, known.iter().copied())
            .unwrap_or_else(|| format!("known here are {}", listed(&known)));
        return Err((format!("unknown attribute `{key}`"), help));
    };
    if let Some(kind) = kinds.iter().find(|kind| !attr.fits(**kind)) {
        let help =
            format!("only these have it: {}", listed(attr.kinds().iter().map(|it| it.as_str())));
        return Err((format!("`{key}` is no attribute of `{kind}`"), help));
    }
    match (attr.value_type(), value) {
        (AttrType::Flag, Value::Boolean(value)) => Ok(Test::Flag(attr, *value)),
        (AttrType::Flag, _) => {
            Err((format!("`{key}` is a flag"), format!("write `{key} = true` or `{key} = false`")))
        }
        (AttrType::Count, Value::Integer(value)) => Ok(Test::Count(attr, *value)),
        (AttrType::Count, _) => Err((format!("`{key}` is a number"), format!("write `{key} = 1`"))),
        (AttrType::Set, value) => Ok(Test::Set(attr, texts(key, value)?)),
        (AttrType::Text, value) => Ok(Test::Text(attr, patterns(key, value)?)),
    }
}

fn facts(value: &Value) -> Result<Vec<Condition>, (String, String)> {
    let Value::Table(table) = value else {
        return Err((
            "`facts` is not a table".to_owned(),
            "write `facts.tracked = false`".to_owned(),
        ));
    };
    table
        .iter()
        .map(|(key, value)| {
            let name = FACTS.into_iter().find(|name| name == key).ok_or_else(|| {
                let help = did_you_mean(key, FACTS)
                    .unwrap_or_else(|| format!("known are {}", listed(FACTS)));
                (format!("unknown fact `{key}`"), help)
            })?;
            let value = value.as_bool().ok_or_else(|| {
                (format!("the fact `{key}` is yes or no"), format!("write `facts.{key} = true`"))
            })?;
            let written = format!("facts.{key} = {value}");
            Ok(Condition { written, test: Test::Fact(name, value) })
        })
        .collect()
}

fn texts(key: &str, value: &Value) -> Result<Vec<String>, (String, String)> {
    let values = match value {
        Value::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    let found: Option<Vec<String>> =
        values.iter().map(|value| value.as_str().map(str::to_owned)).collect();
    found.filter(|found| !found.is_empty()).ok_or_else(|| {
        (format!("`{key}` is not a text or a list of texts"), format!("write `{key} = \"…\"`"))
    })
}

fn patterns(key: &str, value: &Value) -> Result<Vec<String>, (String, String)> {
    let patterns = texts(key, value)?;
    match patterns.iter().find(|pattern| pattern.contains(['?', '['])) {
        Some(pattern) => Err((
            format!("`{pattern}` has `?` or `[`"),
            "`*` is the one wildcard here, and stands for any text".to_owned(),
        )),
        None => Ok(patterns),
    }
}

/// `subject` is one of these, where `*` stands for any text.
fn like(subject: &str, patterns: &[String]) -> String {
    any(patterns.iter().map(|pattern| {
        if pattern.contains('*') {
            format!("{subject} like {}", quoted(&single_stars(pattern)))
        } else {
            format!("{subject} == {}", quoted(pattern))
        }
    }))
}

/// People write `**` for "any depth"; one star is that already.
fn single_stars(pattern: &str) -> String {
    let mut text = pattern.to_owned();
    while text.contains("**") {
        text = text.replace("**", "*");
    }
    text
}

fn any(tests: impl Iterator<Item = String>) -> String {
    format!("({})", tests.collect::<Vec<_>>().join(" || "))
}

fn is_like(text: &str, pattern: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text() {
        for (text, pattern) in [
            ("release/1", "release/*"),
            ("a/b/c", "a/*/c"),
            ("x", "*"),
            ("", "*"),
            ("aXbXc", "a*b*c"),
        ] {
            assert!(is_like(text, pattern), "{text} {pattern}");
        }
        for (text, pattern) in [("release", "release/*"), ("main2", "main"), ("ab", "ab*b")] {
            assert!(!is_like(text, pattern), "{text} {pattern}");
        }
    }
}
