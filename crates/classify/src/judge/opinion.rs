//! What a model says, against a schema, and how far it is believed.

use std::fmt;

use ringfence_action::Verdict;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::docket::Docket;

/// Characters of a rationale that are kept.
const RATIONALE: usize = 1_000;

/// Shorter quotes say nothing.
const SHORTEST_QUOTE: usize = 4;

macro_rules! words {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $each:literal])+ $variant:ident = $word:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[doc = $each])+ #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            fn words() -> Value {
                Self::ALL.iter().map(|it| it.as_str()).collect()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// How bad it would be if nobody wanted it.
    Risk {
        /// Nothing would be lost or given away.
        None = "none",
        /// Undone in a minute.
        Low = "low",
        /// Work is lost, or others notice.
        Medium = "medium",
        /// Cannot be undone, or reaches what others rely on.
        High = "high",
    }
}

words! {
    /// What kind of harm it would be.
    Category {
        /// None.
        None = "none",
        /// What is kept here leaves for somewhere it does not belong.
        Exfiltration = "exfiltration",
        /// Something is lost.
        Destruction = "destruction",
        /// Credentials are looked for, shown or used beyond the task.
        Credentials = "credentials",
        /// Code from elsewhere runs.
        ForeignCode = "foreign_code",
        /// A protection is taken away.
        Weakening = "weakening",
        /// Rights are given or taken.
        Rights = "rights",
        /// Something stays that acts later.
        Persistence = "persistence",
        /// What others use is changed.
        Shared = "shared",
        /// A check that people or machines would make is left out.
        Bypass = "bypass",
        /// People outside are written to, or money moves.
        Outward = "outward",
        /// More than what was asked for.
        Scope = "scope",
        /// What was refused is done another way.
        Evasion = "evasion",
    }
}

words! {
    /// What the user's words cover.
    Covers {
        /// Neither what is done nor to what.
        Nothing = "nothing",
        /// What is done, and not to what.
        Operation = "operation",
        /// Both.
        OperationAndTarget = "operation_and_target",
    }
}

/// What the user agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// What is covered.
    pub covers: Covers,
    /// By these words of the user.
    pub quote: String,
}

/// An opinion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opinion {
    /// Why, in the model's words. For people; it decides nothing.
    pub rationale: String,
    /// What kind of harm it would be.
    pub category: Category,
    /// How bad.
    pub risk: Risk,
    /// What the user agreed to.
    pub consent: Consent,
    /// What to do.
    pub verdict: Verdict,
    /// Its `allow` was not believed: the risk is not low, and the quoted consent is not in the user's words.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ungrounded: bool,
}

/// Characters of a rationale and of a quote that a model may write: a small one would not come to an end.
const WRITTEN: [usize; 2] = [300, 200];

/// The schema that an opinion has. The rationale comes first, so that it is written before the verdict.
/// `bounded`: texts have a longest length, where the endpoint knows what that is.
pub fn schema(bounded: bool) -> Value {
    let mut schema = whole_schema();
    if !bounded {
        return schema;
    }
    let texts = ["/properties/rationale", "/properties/consent/properties/quote"];
    for (pointer, most) in texts.into_iter().zip(WRITTEN) {
        if let Some(Value::Object(text)) = schema.pointer_mut(pointer) {
            text.insert("maxLength".to_owned(), json!(most));
        }
    }
    schema
}

fn whole_schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["rationale", "category", "risk", "consent", "verdict"],
        "properties": {
            "rationale": {"type": "string", "description": "at most three sentences"},
            "category": {"type": "string", "enum": Category::words()},
            "risk": {"type": "string", "enum": Risk::words()},
            "consent": {
                "type": "object",
                "additionalProperties": false,
                "required": ["covers", "quote"],
                "properties": {
                    "covers": {"type": "string", "enum": Covers::words()},
                    "quote": {"type": "string", "description": "the user's own words, letter by letter, or empty"},
                },
            },
            "verdict": {"type": "string", "enum": ["allow", "ask", "deny"]},
        },
    })
}

impl Opinion {
    /// Reads exactly one object of the schema: nothing before it, nothing after it, no name twice, no name
    /// that is not of the schema.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        // A list would be read as the same fields in order.
        let mut opinion: Self =
            serde_json::from_str(text.starts_with('{').then_some(text)?).ok()?;
        // `contain` is not the model's to give, and what is grounded is not its to say.
        if opinion.verdict == Verdict::Contain || opinion.ungrounded {
            return None;
        }
        if let Some((end, _)) = opinion.rationale.char_indices().nth(RATIONALE) {
            opinion.rationale.truncate(end);
        }
        Some(opinion)
    }

    /// The same, with an `allow` that rests on nothing turned into a question to a person.
    pub(super) fn grounded_in(mut self, docket: &Docket<'_>) -> Self {
        let quote = squeezed(&self.consent.quote);
        let quoted = quote.chars().count() >= SHORTEST_QUOTE
            && docket.said().any(|said| squeezed(said).contains(&quote));
        let consented = self.consent.covers == Covers::OperationAndTarget && quoted;
        if self.verdict == Verdict::Allow && self.risk > Risk::Low && !consented {
            self.verdict = Verdict::Ask;
            self.ungrounded = true;
        }
        self
    }

    pub(super) fn in_words(&self) -> String {
        let Self { category, risk, ungrounded, .. } = self;
        if *ungrounded {
            return format!(
                "the judge would let it pass, but its risk is {risk} and the user did not say what it quotes"
            );
        }
        let harm = match category {
            Category::None => "something that nobody asked for",
            Category::Exfiltration => "sending data where it does not belong",
            Category::Destruction => "losing something",
            Category::Credentials => "reaching for credentials",
            Category::ForeignCode => "running code from elsewhere",
            Category::Weakening => "taking a protection away",
            Category::Rights => "giving or taking rights",
            Category::Persistence => "leaving something behind that acts later",
            Category::Shared => "changing what others use",
            Category::Bypass => "leaving out a check",
            Category::Outward => "reaching people or money outside",
            Category::Scope => "doing more than was asked for",
            Category::Evasion => "doing another way what was refused",
        };
        format!("no rule speaks, and the judge sees a {risk} risk of {harm}")
    }
}

/// Without regard to case and white space.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}
