//! The examples of a rule: commands that it is about, and commands that it is not about.

use ringfence_action::{Effect, Preset};

use super::condition::Condition;
use super::listed;
use crate::bundle::{Bundle, Source};
use crate::error::Problem;
use crate::request::{RepositoryFacts, Request, SessionFacts, Subject, TargetFacts};
use crate::rule::Rule;

/// What a rule's author expects of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Examples {
    pub(crate) matching: Vec<String>,
    pub(crate) other: Vec<String>,
    /// The conditions of a rule in TOML, to say which of them fails.
    pub(crate) when: Vec<Condition>,
    pub(crate) unless: Vec<Condition>,
}

impl Examples {
    /// Of a rule in Cedar: the lines of its `@match` and `@not_match`.
    pub(crate) fn annotated(matching: Option<&str>, other: Option<&str>) -> Self {
        let commands = |text: Option<&str>| {
            let lines = text.unwrap_or_default().lines().map(str::trim);
            lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
        };
        Self { matching: commands(matching), other: commands(other), ..Self::default() }
    }
}

/// An example of a rule, tried out.
#[derive(Debug, Clone)]
pub struct Tried {
    /// The rule's name.
    pub rule: String,
    /// The command.
    pub command: String,
    /// Whether the rule says that it is about the command.
    pub is_match: bool,
    /// Why it did not come out as its rule says.
    pub problem: Option<Problem>,
}

/// Runs every example through analysis and the rules; says which condition fails where one does
/// not come out as its author expects.
pub(crate) fn check(
    bundle: &Bundle,
    sources: &[Source],
    analyse: &dyn Fn(&str) -> Vec<Effect>,
) -> Vec<Tried> {
    let mut tried = Vec::new();
    for rule in bundle.rules() {
        let matching = rule.examples.matching.iter().map(|command| (command, true));
        let other = rule.examples.other.iter().map(|command| (command, false));
        for (command, is_match) in matching.chain(other) {
            let effects = analyse(command);
            let found = effects.iter().find(|effect| applies(bundle, rule, effect));
            let wrong = match (found, is_match) {
                (None, true) => Some((
                    format!("rule `{}` does not apply to its example `{command}`", rule.id),
                    why_not(rule, &effects),
                )),
                (Some(effect), false) => Some((
                    format!("rule `{}` applies to `{command}`, which it says it does not", rule.id),
                    format!("because of the effect `{effect}`; narrow `when` or add `unless`"),
                )),
                _ => None,
            };
            let problem =
                wrong.map(|(message, help)| problem(rule, sources, command, message, help));
            let (rule, command) = (rule.id.clone(), command.clone());
            tried.push(Tried { rule, command, is_match, problem });
        }
    }
    tried
}

/// Asks the rules themselves, supposing the facts that the rule wants.
fn applies(bundle: &Bundle, rule: &Rule, effect: &Effect) -> bool {
    let mut target = TargetFacts::default();
    for condition in &rule.examples.when {
        condition.suppose(&mut target);
    }
    effect.target.alternatives().into_iter().any(|one| {
        let effect = Effect { target: one, ..effect.clone() };
        bundle.applies(
            rule,
            &Request {
                agent: "example",
                preset: Preset::Guard,
                subject: Subject::Effect(&effect),
                target: &target,
                repository: &RepositoryFacts::default(),
                session: &SessionFacts::default(),
            },
        )
    })
}

/// The conditions that fail on the effect that comes closest.
fn why_not(rule: &Rule, effects: &[Effect]) -> String {
    let examples = &rule.examples;
    let fails = |effect: &Effect| {
        let when = examples.when.iter().filter(|it| !it.holds(effect)).map(|it| &it.written);
        let held = !examples.unless.is_empty() && examples.unless.iter().all(|it| it.holds(effect));
        let unless = examples.unless.iter().filter(|_| held).map(|it| &it.written);
        (when.cloned().collect::<Vec<String>>(), unless.cloned().collect::<Vec<String>>())
    };
    let closest = effects
        .iter()
        .filter(|effect| rule.asked.contains(&effect.kind.as_str()))
        .map(|effect| (fails(effect), effect))
        .min_by_key(|((when, unless), _)| when.len() + unless.len());
    match closest {
        None if effects.is_empty() => "analysis finds no effects in it".to_owned(),
        None => format!(
            "it has no effect of kind {}; what it does is: {}",
            listed(&rule.asked),
            effects.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        ),
        // What a rule in Cedar asks is not taken apart.
        Some((_, effect)) if examples.when.is_empty() => {
            format!("its conditions do not hold of the effect `{effect}`")
        }
        Some(((when, unless), effect)) if when.is_empty() && unless.is_empty() => {
            format!("the effect `{effect}` is a dry run, or content that would only run later")
        }
        Some(((when, unless), effect)) => {
            let mut reasons = Vec::new();
            if !when.is_empty() {
                reasons.push(format!("{} does not hold", listed(when)));
            }
            if !unless.is_empty() {
                reasons.push(format!("`unless` {} holds", listed(unless)));
            }
            format!("for the effect `{effect}`, {}", reasons.join(" and "))
        }
    }
}

fn problem(
    rule: &Rule,
    sources: &[Source],
    command: &str,
    message: String,
    help: String,
) -> Problem {
    let text = sources.iter().find(|it| it.name == rule.file).map_or("", |it| &*it.text);
    let [start, end] = rule.span;
    let found = text.get(start..end).and_then(|rule| rule.find(command));
    let (at, length) = found.map_or((start, end - start), |offset| (start + offset, command.len()));
    Problem::new(&rule.file, text, message).help(help).at(at, length)
}
