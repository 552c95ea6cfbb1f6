//! A versioned set of rules, checked when it loads and sliced by the question that it answers.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use cedar_policy::{Authorizer, Entities, Entity, PolicySet};
use ringfence_action::{Effect, EffectKind};
use sha2::{Digest as _, Sha256};

use crate::context::{Keys, Names};
use crate::error::{BundleError, Problem};
use crate::library::Library;
use crate::packs::default_sources;
use crate::read::{read, validate};
use crate::rule::{Layer, Rule, questions};
use crate::schema::groups;
use crate::validated;
use crate::written::{self, Tried};

/// One file of rules.
#[derive(Debug, Clone)]
pub struct Source {
    /// Whose rules they are.
    pub layer: Layer,
    /// What to call the file in messages.
    pub name: String,
    /// Cedar text, or TOML where the name ends in `.toml`.
    pub text: Cow<'static, str>,
}

/// The rules that could answer one question, and the keys that they look at.
#[derive(Debug)]
pub(crate) struct Slice {
    rules: Vec<Rule>,
    pub(crate) policies: PolicySet,
    pub(crate) entities: Entities,
    pub(crate) keys: Keys,
}

impl Slice {
    pub(crate) fn new(question: &str, rules: Vec<Rule>, names: &Names) -> Result<Self, String> {
        let mut keys = Keys::default();
        rules.iter().for_each(|rule| keys.mention(&rule.text));
        let policies = PolicySet::from_policies(rules.iter().map(Rule::named));
        let policies = policies.map_err(|error| error.to_string())?;
        Ok(Self { rules, policies, entities: entities(question, names)?, keys })
    }

    /// The rule of this name, if it could answer the question.
    pub(crate) fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }
}

/// A versioned set of rules.
#[derive(Debug)]
pub struct Bundle {
    library: Library,
    /// Made when the question is first asked: a call asks few of them.
    slices: BTreeMap<&'static str, OnceLock<Result<Slice, String>>>,
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
        let digest = digest(sources);
        let library = if validated::holds(&digest) {
            Library::unread(sources)
        } else {
            Library::Read(strictly(sources)?)
        };
        Self::new(library, digest)
    }

    fn new(library: Library, digest: String) -> Result<Self, BundleError> {
        let names = Names::new().map_err(|message| BundleError {
            problems: vec![Problem::new("the bundle", "", message)],
        })?;
        Ok(Self {
            slices: questions().map(|question| (question, OnceLock::new())).collect(),
            authorizer: Authorizer::new(),
            library,
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
        let tried = bundle.try_examples(sources, analyse);
        let problems: Vec<Problem> = tried.into_iter().filter_map(|tried| tried.problem).collect();
        if problems.is_empty() { Ok(bundle) } else { Err(BundleError { problems }) }
    }

    /// Tries the examples of every rule. `sources` are those that it was loaded from.
    pub fn try_examples(
        &self,
        sources: &[Source],
        analyse: &dyn Fn(&str) -> Vec<Effect>,
    ) -> Vec<Tried> {
        written::check(self, sources, analyse)
    }

    /// What the rules hash to, as `sha256:…`. Changes with any rule.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Every rule, in the order in which it was loaded.
    pub fn rules(&self) -> &[Rule] {
        self.library.rules()
    }

    /// The rule of this name.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules().iter().find(|rule| rule.id == id)
    }

    /// The same rules but for one, under a digest of its own: what a test asks that must fail without
    /// a rule. They were validated when this bundle was loaded, and none needs another.
    ///
    /// # Errors
    /// As [`Bundle::load`]; never for a bundle that loaded.
    pub fn without(&self, id: &str) -> Result<Self, BundleError> {
        let rules = self.rules().iter().filter(|rule| rule.id != id).cloned().collect();
        Self::new(Library::Read(rules), format!("{} without {id}", self.digest))
    }

    /// The rules that could answer a question.
    pub(crate) fn slice(&self, question: &str) -> Result<&Slice, String> {
        let Some(slice) = self.slices.get(question) else {
            return Err(format!("the bundle has no slice for `{question}`"));
        };
        let made =
            slice.get_or_init(|| Slice::new(question, self.library.asked(question)?, &self.names));
        made.as_ref().map_err(String::clone)
    }
}

/// Reads and validates a set of files.
fn strictly(sources: &[Source]) -> Result<Vec<Rule>, BundleError> {
    let (rules, mut problems) = read(sources);
    if problems.is_empty() {
        validate(&rules, sources, &mut problems);
    }
    if problems.is_empty() { Ok(rules) } else { Err(BundleError { problems }) }
}

/// The kind of effect that is asked about with the groups it belongs to: what
/// `action in Action::"path"` looks at.
fn entities(question: &str, names: &Names) -> Result<Entities, String> {
    let groups: Vec<_> = EffectKind::from_name(question)
        .map(|kind| groups(kind).map(|group| names.action(group)).collect())
        .unwrap_or_default();
    let kind = Entity::new_no_attrs(names.action(question), groups.iter().cloned().collect());
    let groups = groups.into_iter().map(|group| Entity::new_no_attrs(group, Default::default()));
    Entities::from_entities(groups.chain([kind]), None).map_err(|error| error.to_string())
}

/// A hash over every file with its layer and name, in the order given.
pub(crate) fn digest(sources: &[Source]) -> String {
    let mut hash = Sha256::new();
    for source in sources {
        for part in [source.layer.as_str(), &source.name, &source.text] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
    }
    format!("sha256:{:x}", hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of the default rules read and validated now, whatever was validated before.
    fn read_now() -> Bundle {
        let sources = default_sources();
        let rules = strictly(&sources).unwrap_or_else(|error| panic!("{error}"));
        Bundle::new(Library::Read(rules), digest(&sources)).unwrap()
    }

    #[test]
    fn the_default_rules_validate_and_what_was_noted_of_them_is_fresh() {
        let bundle = read_now();
        let noted = validated::note(bundle.digest(), bundle.rules());
        crate::bless::compare("../../policies/validated.txt", &noted);
    }

    /// The default rules as they ship; `None` while the notes are stale, which the test above says.
    fn unread() -> Option<Bundle> {
        let bundle = Bundle::default_rules().unwrap();
        matches!(bundle.library, Library::Unread { .. }).then_some(bundle)
    }

    fn said(rule: &Rule) -> String {
        let Rule { id, outcome, why, instead, owner, maturity, maps_to, consentable, .. } = rule;
        let Rule { overridable, layer, file, span, text, asked, .. } = rule;
        format!(
            "{id} {outcome:?} {why} {instead} {owner} {maturity} {maps_to:?} {consentable} {overridable} \
             {layer} {file} {span:?} {asked:?} {text}"
        )
    }

    /// Reading a rule only when a question needs it must not change any answer: for each question
    /// the same rules, in the same words, stand in the same slice.
    #[test]
    fn rules_read_late_are_the_rules_read_at_once() {
        let (Some(late), at_once) = (unread(), read_now()) else { return };
        for question in questions() {
            let (late, at_once) = (late.slice(question).unwrap(), at_once.slice(question).unwrap());
            let meaning = |slice: &Slice| slice.policies.clone().to_json().unwrap();
            assert_eq!(meaning(late), meaning(at_once), "{question}");
            assert_eq!(late.rules.len(), at_once.rules.len(), "{question}");
            assert_eq!(format!("{:?}", late.keys), format!("{:?}", at_once.keys), "{question}");
            for (late, at_once) in late.rules.iter().zip(&at_once.rules) {
                assert_eq!(said(late), said(at_once));
            }
        }
        assert_eq!(late.rules().len(), at_once.rules().len());
    }

    /// What a hook process pays for rules is what its call asks about.
    #[test]
    fn a_call_reads_few_rules() {
        let Some(bundle) = unread() else { return };
        for (question, at_most) in [("exec", 5), ("read", 8), ("write", 30), ("vcs_remote", 30)] {
            let read = bundle.slice(question).unwrap().rules.len();
            assert!(read <= at_most, "{question}: {read} rules");
        }
        let asked = bundle.slices.values().filter(|slice| slice.get().is_some()).count();
        assert_eq!(asked, 4);
        assert!(matches!(&bundle.library, Library::Unread { all, .. } if all.get().is_none()));
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
                source.text = source.text.replace(&rule.text, "").into();
            }
            assert_ne!(before, digest(&fewer), "{}", rule.id);
        }
    }
}
