//! From the text of rules to rules, with everything that is wrong with it.

use std::collections::HashMap;
use std::str::FromStr as _;

use cedar_policy::{Policy, PolicySet, Schema, ValidationMode, Validator};

use crate::bundle::Source;
use crate::error::Problem;
use crate::rule::{Origin, Rule};
use crate::schema::SCHEMA;
use crate::written::{self, Examples, Written};

/// Reads a set of files: their rules, in order, and everything that is wrong with them short of
/// what validation finds.
pub(crate) fn read(sources: &[Source]) -> (Vec<Rule>, Vec<Problem>) {
    let (mut rules, mut problems) = (Vec::new(), Vec::new());
    for source in sources {
        read_file(source, &mut rules, &mut problems);
    }
    check_names(&rules, sources, &mut problems);
    (rules, problems)
}

fn read_file(source: &Source, rules: &mut Vec<Rule>, problems: &mut Vec<Problem>) {
    if source.name.ends_with(".toml") {
        read_toml(source, rules, problems);
    } else {
        read_cedar(source, rules, problems);
    }
}

fn read_toml(source: &Source, rules: &mut Vec<Rule>, problems: &mut Vec<Problem>) {
    let written = match written::compile(source) {
        Ok(written) => written,
        Err(found) => return problems.extend(found),
    };
    for Written { cedar, span, examples } in written {
        let policy = match Policy::parse(None, &cedar) {
            Ok(policy) => policy,
            Err(errors) => {
                problems
                    .extend(errors.iter().map(|it| Problem::from_cedar(&source.name, &cedar, it)));
                continue;
            }
        };
        let origin = Origin {
            layer: source.layer,
            file: &source.name,
            source: &source.text,
            span,
            text: &cedar,
            examples,
        };
        match Rule::new(&policy, &origin) {
            Ok(rule) => rules.push(rule),
            Err(found) => problems.extend(found),
        }
    }
}

fn read_cedar(source: &Source, rules: &mut Vec<Rule>, problems: &mut Vec<Problem>) {
    let policies = match PolicySet::from_str(&source.text) {
        Ok(policies) => policies,
        Err(errors) => {
            problems.extend(
                errors.iter().map(|it| Problem::from_cedar(&source.name, &source.text, it)),
            );
            return;
        }
    };
    if let Some(template) = policies.templates().next() {
        let problem = Problem::new(
            &source.name,
            &source.text,
            format!("{} is a template: rules cannot have slots", template.id()),
        );
        problems.push(problem.help("write the principal or resource out"));
    }
    let mut placed: Vec<([usize; 2], &Policy)> =
        policies.policies().map(|policy| (locate(policy, &source.text), policy)).collect();
    placed.sort_by_key(|(span, _)| *span);
    for (span, policy) in placed {
        let [start, end] = span;
        let origin = Origin {
            layer: source.layer,
            file: &source.name,
            source: &source.text,
            span,
            text: source.text.get(start..end).unwrap_or_default(),
            examples: Examples::annotated(
                policy.annotation("match"),
                policy.annotation("not_match"),
            ),
        };
        match Rule::new(policy, &origin) {
            Ok(rule) => rules.push(rule),
            Err(found) => problems.extend(found),
        }
    }
}

/// Where a policy stands in its file: Cedar keeps the text it was parsed from.
fn locate(policy: &Policy, text: &str) -> [usize; 2] {
    let written = policy.to_cedar().unwrap_or_default();
    let start = text.find(&written).unwrap_or_default();
    [start, (start + written.len()).min(text.len())]
}

/// A name is taken once.
fn check_names(rules: &[Rule], sources: &[Source], problems: &mut Vec<Problem>) {
    let mut taken: HashMap<&str, &Rule> = HashMap::with_capacity(rules.len());
    for rule in rules {
        if let Some(first) = taken.insert(&rule.id, rule) {
            let text = sources.iter().find(|it| it.name == rule.file).map(|it| &*it.text);
            let problem = Problem::new(
                &rule.file,
                text.unwrap_or_default(),
                format!("the name `{}` is already taken, in {}", rule.id, first.file),
            );
            let [start, end] = rule.span;
            problems.push(problem.help("give this rule another @id").at(start, end - start));
        }
    }
}

/// Checks every rule against the schema, strictly: a rule that passes cannot meet an attribute that
/// is not there or has another type.
pub(crate) fn validate(rules: &[Rule], sources: &[Source], problems: &mut Vec<Problem>) {
    let schema = match Schema::from_cedarschema_str(SCHEMA) {
        Ok((schema, _)) => schema,
        Err(error) => {
            problems.push(Problem::from_cedar("policies/schema.cedarschema", SCHEMA, &error));
            return;
        }
    };
    let policies = rules.iter().map(Rule::named);
    let set = match PolicySet::from_policies(policies) {
        Ok(set) => set,
        Err(error) => {
            problems.push(Problem::new("the bundle", "", error.to_string()));
            return;
        }
    };
    let result = Validator::new(schema).validate(&set, ValidationMode::Strict);
    for error in result.validation_errors() {
        let id: &str = error.policy_id().as_ref();
        let rule = rules.iter().find(|rule| rule.id == id);
        let file = rule.map(|rule| rule.file.as_str()).unwrap_or("the bundle");
        // Places in a rule that was compiled from TOML are places in what it was compiled to.
        let text = match rule {
            Some(rule) if file.ends_with(".toml") => Some(rule.text.as_str()),
            _ => sources.iter().find(|it| it.name == file).map(|it| &*it.text),
        };
        problems.push(Problem::from_cedar(file, text.unwrap_or_default(), error));
    }
}
