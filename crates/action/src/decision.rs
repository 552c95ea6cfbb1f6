//! The answer, with everything that led to it.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Evidence, Opaque, Outcome, Verdict};

/// Which layer settled the verdict.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// Malformed input, or tampering with the guard itself.
    Guard,
    /// A rule.
    Policy,
    /// What the session has seen: taint, boundaries, caps.
    Session,
    /// The user named this operation and this target.
    Consent,
    /// A model.
    Classifier,
    /// No rule spoke: the preset.
    Default,
    /// Something went wrong; the answer is the strict one.
    Error,
}

impl DecidedBy {
    /// The word for it, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Guard => "guard",
            Self::Policy => "policy",
            Self::Session => "session",
            Self::Consent => "consent",
            Self::Classifier => "classifier",
            Self::Default => "default",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for DecidedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A rule that spoke, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleHit {
    /// The rule's stable name, such as `fs.delete-critical-path`.
    pub id: String,
    /// What the rule says.
    pub outcome: Outcome,
    /// Why, for people.
    pub why: String,
    /// What to do instead, for the agent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub instead: String,
    /// The words that the rule is about.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
}

/// The answer to one action.
///
/// *Invariant:* only the `engine` crate makes one; `xtask tidy` looks for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Decision {
    /// The action's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The answer.
    pub verdict: Verdict,
    /// The layer that settled it.
    pub decided_by: DecidedBy,
    /// A short stable code for the agent: the id of the strictest rule, or the layer's own code.
    pub code: String,
    /// Every rule that determined the verdict or was overruled by a stricter one, strictest first.
    pub rules: Vec<RuleHit>,
    /// What the action would do.
    pub effects: Vec<Effect>,
    /// What could not be told.
    pub opaque: Vec<Opaque>,
    /// Scores of models, by name.
    #[serde(default)]
    pub scores: BTreeMap<String, f64>,
    /// The digest of the rules, as `sha256:…`.
    pub bundle: String,
    /// How long it took, in microseconds.
    #[serde(default)]
    pub elapsed_us: u64,
}

impl Decision {
    /// A decision without rules, effects or timing; the engine fills in the rest.
    pub fn new(
        verdict: Verdict,
        decided_by: DecidedBy,
        code: impl Into<String>,
        bundle: impl Into<String>,
    ) -> Self {
        Self {
            id: None,
            verdict,
            decided_by,
            code: code.into(),
            rules: Vec::new(),
            effects: Vec::new(),
            opaque: Vec::new(),
            scores: BTreeMap::new(),
            bundle: bundle.into(),
            elapsed_us: 0,
        }
    }
}
