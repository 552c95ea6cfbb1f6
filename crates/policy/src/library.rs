//! The rules of a bundle: all of them, or those that a question needs.

use std::sync::OnceLock;

use crate::bundle::Source;
use crate::read::read;
use crate::rule::Rule;
use crate::validated::{self, Place};

#[derive(Debug)]
pub(crate) enum Library {
    /// Every rule, read and validated when the bundle was loaded.
    Read(Vec<Rule>),
    /// Rules that were validated before this program was built. Reading them all takes longer than
    /// everything else that a hook does, so each is read when something asks for it.
    Unread { sources: Vec<Source>, all: OnceLock<Vec<Rule>> },
}

impl Library {
    /// The rules of a set for which [`validated::holds`].
    pub(crate) fn unread(sources: &[Source]) -> Self {
        Self::Unread { sources: sources.to_vec(), all: OnceLock::new() }
    }

    /// Every rule.
    pub(crate) fn rules(&self) -> &[Rule] {
        match self {
            Self::Read(rules) => rules,
            Self::Unread { sources, all } => all.get_or_init(|| read(sources).0),
        }
    }

    /// The rules that could answer a question.
    pub(crate) fn asked(&self, question: &str) -> Result<Vec<Rule>, String> {
        match self {
            Self::Read(rules) => {
                let asked = rules.iter().filter(|rule| rule.asked.contains(&question));
                Ok(asked.cloned().collect())
            }
            Self::Unread { sources, .. } => pick(sources, question),
        }
    }
}

/// Reads the rules for one question out of their files, in one go: starting the parser costs more
/// than a rule does.
fn pick(sources: &[Source], question: &str) -> Result<Vec<Rule>, String> {
    let mut picked: Vec<Source> = Vec::new();
    let mut places = Vec::new();
    for place in validated::places(question) {
        let (source, text) = find(sources, &place)
            .ok_or_else(|| format!("the rule `{}` is not where it was noted", place.id))?;
        match picked.first_mut() {
            Some(all) => {
                let all = all.text.to_mut();
                all.push('\n');
                all.push_str(text);
            }
            None => picked.push(Source { text: text.to_owned().into(), ..source.clone() }),
        }
        places.push((place, source));
    }
    let (mut rules, problems) = read(&picked);
    if let Some(problem) = problems.first() {
        return Err(problem.to_string());
    }
    if rules.len() != places.len() {
        return Err(format!("{} rules stand where {} were noted", rules.len(), places.len()));
    }
    for (rule, (place, source)) in rules.iter_mut().zip(places) {
        if rule.id != place.id || !rule.asked.contains(&question) {
            return Err(format!("`{}` stands where `{}` was noted", rule.id, place.id));
        }
        rule.layer = source.layer;
        rule.file.clone_from(&source.name);
        rule.span = place.span;
    }
    Ok(rules)
}

fn find<'a>(sources: &'a [Source], place: &Place<'_>) -> Option<(&'a Source, &'a str)> {
    let source = sources.iter().find(|source| source.name == place.file)?;
    let [start, end] = place.span;
    Some((source, source.text.get(start..end)?))
}
