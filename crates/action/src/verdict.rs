//! Answers, from mildest to strictest.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer to an action. Ordered: a stricter answer is greater.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Go ahead.
    Allow,
    /// Go ahead inside the sandbox.
    Contain,
    /// A person must say.
    Ask,
    /// No.
    Deny,
}

/// What a rule says. Like [`Verdict`], with `review` between: hand it to the classifier. `review`
/// never leaves the engine.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing against it.
    Allow,
    /// Only inside the sandbox, which stops the harm that the rule names.
    Contain,
    /// Rules cannot tell: the classifier judges.
    Review,
    /// A person must say.
    Ask,
    /// Never.
    Deny,
}

impl Outcome {
    /// Every outcome, mildest first.
    pub const ALL: [Self; 5] = [Self::Allow, Self::Contain, Self::Review, Self::Ask, Self::Deny];

    /// The word for it, as in rules and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Contain => "contain",
            Self::Review => "review",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }

    /// The outcome that this word names.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Verdict {
    /// The word for it, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Contain => "contain",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What is assumed where no rule speaks.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Record, never block.
    Observe,
    /// Rules block; what no rule names is allowed.
    #[default]
    Guard,
    /// What no rule permits is denied.
    Lockdown,
}

impl Preset {
    /// Every preset, mildest first.
    pub const ALL: [Self; 3] = [Self::Observe, Self::Guard, Self::Lockdown];

    /// The word for it, as in JSON and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Guard => "guard",
            Self::Lockdown => "lockdown",
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
