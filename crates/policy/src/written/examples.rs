//! The examples of a rule: commands that it is about, and commands that it is not about.

use ringfence_action::{Effect, EffectKind, Preset};

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
    pub(crate) when: Vec<Condition>,
    pub(crate) unless: Vec<Condition>,
    pub(crate) kinds: Vec<EffectKind>,
}

/// Runs every example through analysis and the rules; says which condition fails where one does
/// not come out as its author expects.
pub(crate) fn check(
    bundle: &Bundle,
    sources: &[Source],
    analyse: &dyn Fn(&str) -> Vec<Effect>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for rule in bundle.rules() {
        let examples = &rule.examples;
        for command in &examples.matching {
            let effects = analyse(command);
            if !effects.iter().any(|effect| applies(bundle, rule, effect)) {
                let message =
                    format!("rule `{}` does not apply to its example `{command}`", rule.id);
                problems.push(problem(
                    rule,
                    sources,
                    command,
                    message,
                    why_not(examples, &effects),
                ));
            }
        }
        for command in &examples.other {
            let found = analyse(command).into_iter().find(|effect| applies(bundle, rule, effect));
            if let Some(effect) = found {
                let message =
                    format!("rule `{}` applies to `{command}`, which it says it does not", rule.id);
                let help =
                    format!("because of the effect `{effect}`; narrow `when` or add `unless`");
                problems.push(problem(rule, sources, command, message, help));
            }
        }
    }
    problems
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
fn why_not(examples: &Examples, effects: &[Effect]) -> String {
    let fails = |effect: &Effect| {
        let when = examples.when.iter().filter(|it| !it.holds(effect)).map(|it| &it.written);
        let held = !examples.unless.is_empty() && examples.unless.iter().all(|it| it.holds(effect));
        let unless = examples.unless.iter().filter(|_| held).map(|it| &it.written);
        (when.cloned().collect::<Vec<String>>(), unless.cloned().collect::<Vec<String>>())
    };
    let closest = effects
        .iter()
        .filter(|effect| examples.kinds.contains(&effect.kind))
        .map(|effect| (fails(effect), effect))
        .min_by_key(|((when, unless), _)| when.len() + unless.len());
    match closest {
        None if effects.is_empty() => "analysis finds no effects in it".to_owned(),
        None => format!(
            "it has no effect of kind {}; what it does is: {}",
            listed(examples.kinds.iter().map(|kind| kind.as_str())),
            effects.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        ),
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
    let text = sources.iter().find(|it| it.name == rule.file).map_or("", |it| it.text.as_str());
    let [start, end] = rule.span;
    let found = text.get(start..end).and_then(|rule| rule.find(command));
    let (at, length) = found.map_or((start, end - start), |offset| (start + offset, command.len()));
    Problem::new(&rule.file, text, message).help(help).at(at, length)
}
