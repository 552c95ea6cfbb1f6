//! A versioned set of rules, checked when it loads and sliced by the question that it answers.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr as _;

use cedar_policy::{
    Authorizer, Entities, Entity, Policy, PolicySet, Schema, ValidationMode, Validator,
};
use ringfence_action::{Effect, EffectKind};
use sha2::{Digest as _, Sha256};

use crate::context::{Keys, Names};
use crate::error::{BundleError, Problem};
use crate::packs::{VALIDATED, default_sources};
use crate::rule::{Layer, Origin, Rule, questions};
use crate::schema::{SCHEMA, groups};
use crate::written::{self, Examples, Written};

/// One file of rules.
#[derive(Debug, Clone)]
pub struct Source {
    /// Whose rules they are.
    pub layer: Layer,
    /// What to call the file in messages.
    pub name: String,
    /// Cedar text, or TOML where the name ends in `.toml`.
    pub text: String,
}

/// The rules that could answer one question, and the keys that they look at.
#[derive(Debug, Default)]
pub(crate) struct Slice {
    pub(crate) rules: PolicySet,
    pub(crate) keys: Keys,
}

impl Slice {
    pub(crate) fn add(&mut self, rule: &Rule) -> Result<(), String> {
        self.keys.mention(&rule.text);
        self.rules.add(rule.named()).map_err(|error| error.to_string())
    }
}

/// A versioned set of rules.
#[derive(Debug)]
pub struct Bundle {
    pub(crate) rules: Vec<Rule>,
    pub(crate) by_id: HashMap<String, usize>,
    pub(crate) slices: BTreeMap<&'static str, Slice>,
    pub(crate) entities: Entities,
    pub(crate) names: Names,
    pub(crate) authorizer: Authorizer,
    digest: String,
}

impl Bundle {
    /// The rules that are compiled in.
    ///
    /// # Errors
    /// Never for a released binary: a test loads them.
    pub fn default_rules() -> Result<Self, BundleError> {
        Self::load(&default_sources())
    }

    /// Loads a set of files of rules. Nothing is taken from a set in which anything is wrong.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place: text that does not parse, annotations that are
    /// missing or unknown, names used twice, rules that do not validate strictly against the schema.
    pub fn load(sources: &[Source]) -> Result<Self, BundleError> {
        let mut problems = Vec::new();
        let mut rules = Vec::new();
        for source in sources {
            read(source, &mut rules, &mut problems);
        }
        let by_id = index(&rules, sources, &mut problems);
        let digest = digest(sources);
        if problems.is_empty() && stamp(&digest) != VALIDATED.trim() {
            validate(&rules, sources, &mut problems);
        }
        if !problems.is_empty() {
            return Err(BundleError { problems });
        }
        let internal = |message: String| BundleError {
            problems: vec![Problem::new("the bundle", "", message)],
        };
        let names = Names::new().map_err(internal)?;
        Ok(Self {
            slices: slices(&rules).map_err(internal)?,
            entities: entities(&names).map_err(internal)?,
            authorizer: Authorizer::new(),
            rules,
            by_id,
            names,
            digest,
        })
    }

    /// Loads a set of files of rules and checks the examples in them. `analyse` says what a command
    /// would do: rules know nothing of commands.
    ///
    /// # Errors
    /// As [`Bundle::load`], and every example that does not come out as its rule says, with the
    /// condition that fails.
    pub fn load_checked(
        sources: &[Source],
        analyse: &dyn Fn(&str) -> Vec<Effect>,
    ) -> Result<Self, BundleError> {
        let bundle = Self::load(sources)?;
        let problems = written::check(&bundle, sources, analyse);
        if problems.is_empty() { Ok(bundle) } else { Err(BundleError { problems }) }
    }

    /// What the rules hash to, as `sha256:…`. Changes with any rule.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Every rule, in the order in which it was loaded.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule of this name.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.by_id.get(id).and_then(|index| self.rules.get(*index))
    }
}

/// Reads the rules of one file.
fn read(source: &Source, rules: &mut Vec<Rule>, problems: &mut Vec<Problem>) {
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
            examples: Examples::default(),
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

fn index(
    rules: &[Rule],
    sources: &[Source],
    problems: &mut Vec<Problem>,
) -> HashMap<String, usize> {
    let mut by_id = HashMap::with_capacity(rules.len());
    for (position, rule) in rules.iter().enumerate() {
        if let Some(first) = by_id.insert(rule.id.clone(), position)
            && let Some(first) = rules.get(first)
        {
            let text = sources.iter().find(|it| it.name == rule.file).map(|it| it.text.as_str());
            let problem = Problem::new(
                &rule.file,
                text.unwrap_or_default(),
                format!("the name `{}` is already taken, in {}", rule.id, first.file),
            );
            let [start, end] = rule.span;
            problems.push(problem.help("give this rule another @id").at(start, end - start));
        }
    }
    by_id
}

/// Checks every rule against the schema, strictly: a rule that passes cannot meet an attribute that
/// is not there or has another type.
fn validate(rules: &[Rule], sources: &[Source], problems: &mut Vec<Problem>) {
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
            _ => sources.iter().find(|it| it.name == file).map(|it| it.text.as_str()),
        };
        problems.push(Problem::from_cedar(file, text.unwrap_or_default(), error));
    }
}

/// For each question the rules that could answer it, so that a question costs only those.
fn slices(rules: &[Rule]) -> Result<BTreeMap<&'static str, Slice>, String> {
    let mut slices: BTreeMap<&'static str, Slice> =
        questions().map(|question| (question, Slice::default())).collect();
    for rule in rules {
        for question in &rule.asked {
            slices.entry(*question).or_default().add(rule)?;
        }
    }
    Ok(slices)
}

/// The kinds of effect with the groups they belong to: what `action in Action::"path"` looks at.
fn entities(names: &Names) -> Result<Entities, String> {
    let kinds = EffectKind::ALL.iter().map(|kind| {
        let parents = groups(*kind).map(|group| names.action(group)).collect();
        Entity::new_no_attrs(names.action(kind.as_str()), parents)
    });
    let groups = crate::schema::group_names()
        .map(|group| Entity::new_no_attrs(names.action(group), Default::default()));
    Entities::from_entities(kinds.chain(groups), None).map_err(|error| error.to_string())
}

/// A hash over every file with its layer and name, in the order given.
fn digest(sources: &[Source]) -> String {
    let mut hash = Sha256::new();
    for source in sources {
        for part in [source.layer.as_str(), &source.name, &source.text] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
    }
    format!("sha256:{}", hex(&hash.finalize()))
}

/// What a validated bundle is recognised by: its digest together with the schema's.
fn stamp(digest: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(digest.as_bytes());
    hash.update(SCHEMA.as_bytes());
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_rules_validate_and_their_stamp_is_fresh() {
        let sources = default_sources();
        let (mut rules, mut problems) = (Vec::new(), Vec::new());
        for source in &sources {
            read(source, &mut rules, &mut problems);
        }
        index(&rules, &sources, &mut problems);
        validate(&rules, &sources, &mut problems);
        assert!(problems.is_empty(), "{}", BundleError { problems });
        let stamp = format!("{}\n", stamp(&digest(&sources)));
        crate::bless::compare("../../policies/validated.sha256", &stamp);
    }

    #[test]
    fn the_digest_changes_with_any_rule() {
        let sources = default_sources();
        let before = digest(&sources);
        assert!(before.starts_with("sha256:") && before.len() == 71, "{before}");
        let bundle = Bundle::default_rules().unwrap();
        assert_eq!(before, bundle.digest());
        for rule in bundle.rules() {
            let mut fewer = sources.clone();
            for source in &mut fewer {
                source.text = source.text.replace(&rule.text, "");
            }
            assert_ne!(before, digest(&fewer), "{}", rule.id);
        }
    }
}
