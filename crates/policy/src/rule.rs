//! One rule: a Cedar policy with annotations that say what it means for people and agents.

use std::collections::BTreeMap;
use std::fmt;

use cedar_policy::{ActionConstraint, Effect as CedarEffect, EntityUid, Policy, PolicyId};
use ringfence_action::{EffectKind, Outcome};
use sha2::{Digest as _, Sha256};

use crate::error::{Problem, did_you_mean};
use crate::schema::{OPAQUE, groups};
use crate::written::Examples;

/// Whose rules they are, from the top down. Nobody can widen what a layer above forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// Compiled in.
    Default,
    /// The organisation's.
    Organisation,
    /// The team's.
    Team,
    /// The user's own.
    User,
    /// Found in the repository: may only forbid, and its texts never reach an agent, because
    /// whoever writes to the repository writes them.
    Repository,
}

impl Layer {
    /// The word for it, in listings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Organisation => "org",
            Self::Team => "team",
            Self::User => "user",
            Self::Repository => "repository",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A rule as it was loaded.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its stable name, such as `fs.delete-critical-path`. For a rule of the repository a code made
    /// from the name it gave itself.
    pub id: String,
    /// What it says when it applies.
    pub outcome: Outcome,
    /// Why, for people.
    pub why: String,
    /// What to do instead, for the agent. May be empty.
    pub instead: String,
    /// Who answers for it.
    pub owner: String,
    /// `stable`, `new` or `trial`.
    pub maturity: String,
    /// Identifiers of catalogues of threats, such as `ASI02` or `AML.T0101`.
    pub maps_to: Vec<String>,
    /// Whether the user's naming operation and target clears it.
    pub consentable: bool,
    /// Whether a person may let through, once, what it stands against.
    pub overridable: bool,
    /// Whose it is.
    pub layer: Layer,
    /// The file it comes from, as named when the bundle was loaded.
    pub file: String,
    /// Where in that file it stands, in bytes, end-exclusive.
    pub span: [usize; 2],
    /// The Cedar text, annotations included; for a rule in TOML what it was compiled to.
    pub text: String,
    /// The questions that it can answer: kinds of effect, or `opaque`.
    pub asked: Vec<&'static str>,
    pub(crate) policy: Policy,
    pub(crate) examples: Examples,
}

const ANNOTATIONS: [&str; 11] = [
    "id",
    "outcome",
    "why",
    "instead",
    "owner",
    "maturity",
    "maps_to",
    "consent",
    "override",
    "match",
    "not_match",
];
const MATURITIES: [&str; 3] = ["stable", "new", "trial"];
const CONSENTS: [&str; 2] = ["operation-and-target", "never"];
const OVERRIDES: [&str; 2] = ["person", "never"];

/// Where a policy was found.
pub(crate) struct Origin<'a> {
    pub(crate) layer: Layer,
    pub(crate) file: &'a str,
    pub(crate) source: &'a str,
    pub(crate) span: [usize; 2],
    /// The Cedar text.
    pub(crate) text: &'a str,
    pub(crate) examples: Examples,
}

impl Rule {
    /// Reads the annotations of a policy.
    pub(crate) fn new(policy: &Policy, origin: &Origin<'_>) -> Result<Self, Vec<Problem>> {
        let [start, end] = origin.span;
        let mut problems = Vec::new();
        let mut wrong = |message: String, help: String| {
            let problem = Problem::new(origin.file, origin.source, message).help(help);
            problems.push(problem.at(start, end - start));
        };
        // Looked up here: Cedar starts a parser for each name that it is asked for.
        let annotations: BTreeMap<&str, &str> = policy.annotations().collect();
        for &name in annotations.keys() {
            if !ANNOTATIONS.contains(&name) {
                let help = did_you_mean(name, ANNOTATIONS)
                    .unwrap_or_else(|| format!("known are @{}", ANNOTATIONS.join(", @")));
                wrong(format!("unknown annotation @{name}"), help);
            }
        }
        let text = |name| annotations.get(name).copied().unwrap_or_default().to_owned();
        let id = text("id");
        if !is_name(&id) {
            wrong(
                format!("the rule has no usable @id{}", shown(&id)),
                "write @id(\"family.what-it-stops\"): small letters, digits, `.`, `-` and `_`, \
                 at most 80"
                    .to_owned(),
            );
        }
        if text("why").trim().is_empty() {
            wrong(
                format!("rule `{id}` has no @why"),
                "write @why(\"…\"): one sentence for the person who meets it".to_owned(),
            );
        }
        let allowed: &[Outcome] = match policy.effect() {
            CedarEffect::Permit => &[Outcome::Allow],
            CedarEffect::Forbid => {
                &[Outcome::Contain, Outcome::Review, Outcome::Ask, Outcome::Deny]
            }
        };
        let outcome = Outcome::from_name(&text("outcome")).filter(|it| allowed.contains(it));
        if outcome.is_none() {
            let words = allowed.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", ");
            let verb = match policy.effect() {
                CedarEffect::Permit => "permit",
                CedarEffect::Forbid => "forbid",
            };
            wrong(
                format!("rule `{id}` has no usable @outcome{}", shown(&text("outcome"))),
                format!("the outcome of a {verb} is one of: {words}"),
            );
        }
        let consent = text("consent");
        if !consent.is_empty() && !CONSENTS.contains(&consent.as_str()) {
            wrong(
                format!("rule `{id}` has an unknown @consent{}", shown(&consent)),
                format!("it is one of: {}", CONSENTS.join(", ")),
            );
        }
        let consentable = consent == "operation-and-target";
        if consentable && outcome == Some(Outcome::Deny) {
            wrong(
                format!("rule `{id}` denies, yet would be cleared by consent"),
                "make its outcome `ask`, or its consent `never`".to_owned(),
            );
        }
        let overrides = text("override");
        if !overrides.is_empty() && !OVERRIDES.contains(&overrides.as_str()) {
            wrong(
                format!("rule `{id}` has an unknown @override{}", shown(&overrides)),
                format!("it is one of: {}", OVERRIDES.join(", ")),
            );
        }
        let maturity = text("maturity");
        if !maturity.is_empty() && !MATURITIES.contains(&maturity.as_str()) {
            wrong(
                format!("rule `{id}` has an unknown @maturity{}", shown(&maturity)),
                format!("it is one of: {}", MATURITIES.join(", ")),
            );
        }
        if origin.layer == Layer::Repository && policy.effect() == CedarEffect::Permit {
            wrong(
                format!("rule `{id}` of the repository permits"),
                "rules of a repository may only forbid; put it into your own rules".to_owned(),
            );
        }
        let asked = asked(policy);
        match outcome {
            Some(outcome) if problems.is_empty() => Ok(Self {
                id: name(origin.layer, &id),
                outcome,
                why: text("why"),
                instead: text("instead"),
                owner: text("owner"),
                maturity: if maturity.is_empty() { "new".to_owned() } else { maturity },
                maps_to: text("maps_to").split_whitespace().map(str::to_owned).collect(),
                consentable,
                overridable: overrides != "never",
                layer: origin.layer,
                file: origin.file.to_owned(),
                span: origin.span,
                text: origin.text.to_owned(),
                asked,
                policy: policy.clone(),
                examples: origin.examples.clone(),
            }),
            _ => Err(problems),
        }
    }

    /// The policy under the rule's own name, which is what Cedar reports back.
    pub(crate) fn named(&self) -> Policy {
        self.policy.new_id(PolicyId::new(&self.id))
    }

    /// Commands that its author says it is about.
    pub fn matching(&self) -> &[String] {
        &self.examples.matching
    }

    /// Commands that its author says it is not about.
    pub fn not_matching(&self) -> &[String] {
        &self.examples.other
    }

    /// What an agent may be told about why: nothing that the repository wrote.
    pub fn why_for_agents(&self) -> &str {
        if self.layer == Layer::Repository { "a rule of the repository" } else { &self.why }
    }

    /// What an agent may be told to do instead: nothing that the repository wrote.
    pub fn instead_for_agents(&self) -> &str {
        if self.layer == Layer::Repository { "" } else { &self.instead }
    }
}

/// The name that leaves the bundle. A repository's own words do not: even a name can carry a message.
fn name(layer: Layer, id: &str) -> String {
    if layer != Layer::Repository {
        return id.to_owned();
    }
    let digest = Sha256::digest(id.as_bytes());
    let code: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("repository.{code}")
}

fn shown(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" (`{text}`)") }
}

fn is_name(id: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
    (1..=80).contains(&id.len()) && id.chars().all(fits)
}

/// The questions that the policy's head lets through. Names that the schema does not know are left
/// to validation.
fn asked(policy: &Policy) -> Vec<&'static str> {
    let named = |uid: &EntityUid| uid.id().unescaped().to_owned();
    let names: Vec<String> = match policy.action_constraint() {
        ActionConstraint::Any => return questions().collect(),
        ActionConstraint::In(uids) => uids.iter().map(named).collect(),
        ActionConstraint::Eq(uid) => vec![named(&uid)],
    };
    let holds = |word: &str| names.iter().any(|name| name == word);
    let kinds = EffectKind::ALL
        .iter()
        .filter(|kind| holds(kind.as_str()) || groups(**kind).any(holds))
        .map(|kind| kind.as_str());
    kinds.chain(holds(OPAQUE).then_some(OPAQUE)).collect()
}

/// Every question.
pub(crate) fn questions() -> impl Iterator<Item = &'static str> {
    EffectKind::ALL.iter().map(|kind| kind.as_str()).chain([OPAQUE])
}
