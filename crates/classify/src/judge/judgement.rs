//! What came of asking, with what it cost.

use std::fmt;
use std::time::Duration;

use ringfence_action::{Preset, Verdict};
use serde::{Deserialize, Serialize};

use super::opinion::{Opinion, Risk};
use super::provider::Reply;

/// A judgement, as it is recorded and replayed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// What was answered.
    pub answer: Answer,
    /// Whose way of speaking was used.
    pub provider: String,
    /// The model, as the endpoint names it.
    pub model: String,
    /// The digest of rules in prose, model and endpoint.
    pub rules: String,
    /// The digest of what was seen.
    pub docket: String,
    /// What it took.
    pub cost: Cost,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The first pass found nothing to look at.
    Clear,
    /// An opinion with reasons.
    Opinion(Opinion),
    /// There is none.
    Unavailable(Fault),
}

/// Why there is no opinion. Words of ours alone: what an endpoint says of its errors is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It took too long.
    Timeout,
    /// The endpoint could not be reached, or the connection broke.
    Connection,
    /// The endpoint answered with this status.
    Status {
        /// The number.
        code: u16,
        /// How many seconds it wants to be left alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
    },
    /// The endpoint wants to send the question elsewhere.
    Redirect,
    /// The answer has no end.
    AnswerTooLong,
    /// The answer is not what the provider's protocol says.
    Protocol,
    /// The model's answer is not of the schema.
    Shape,
    /// The model would not answer.
    Refused,
    /// The session has spent what it may.
    SessionBudget,
    /// The day's budget is spent.
    DayBudget,
    /// It failed too often; nobody is asked for a while.
    Circuit,
    /// What was spent cannot be counted.
    Ledger,
    /// The action is too long to be shown whole.
    TooLong,
    /// Words in the action are meant for whoever judges it.
    Addressed,
    /// The settings or the key cannot be used.
    Settings,
}

impl Fault {
    /// Whether it says something about the endpoint, so that the next question may meet it again.
    pub(super) const fn is_the_endpoints(self) -> bool {
        match self {
            Self::Timeout
            | Self::Connection
            | Self::Status { .. }
            | Self::Redirect
            | Self::AnswerTooLong
            | Self::Protocol => true,
            Self::Shape
            | Self::Refused
            | Self::SessionBudget
            | Self::DayBudget
            | Self::Circuit
            | Self::Ledger
            | Self::TooLong
            | Self::Addressed
            | Self::Settings => false,
        }
    }

    /// How long to wait before trying again, where that may help.
    pub(super) fn pause(self, attempt: u32) -> Option<Duration> {
        let backoff = Duration::from_millis(150).saturating_mul(1 << attempt.min(5));
        match self {
            Self::Connection => Some(backoff),
            Self::Status { code: 408 | 409 | 429 | 500..=599, after } => {
                Some(after.map_or(backoff, Duration::from_secs))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "it did not answer in time",
            Self::Connection => "it could not be reached, or the connection broke",
            Self::Status { code: 401 | 403, .. } => "it does not accept the key",
            Self::Status { code, .. } => return write!(f, "it answered with status {code}"),
            Self::Redirect => "it wants the question to be sent elsewhere",
            Self::AnswerTooLong => "its answer is too long",
            Self::Protocol => "its answer is not what its protocol says",
            Self::Shape => "the model's answer does not have the shape that was asked for",
            Self::Refused => "the model refused to answer",
            Self::SessionBudget => "the session has spent its budget",
            Self::DayBudget => "the budget of the day is spent",
            Self::Circuit => "it failed too often, and is left alone for a while",
            Self::Ledger => "what was spent cannot be counted",
            Self::TooLong => "the action is too long to be shown whole",
            Self::Addressed => "words in the action are meant for whoever judges it",
            Self::Settings => "its settings cannot be used",
        })
    }
}

/// What it took.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Cost {
    /// Requests sent.
    pub calls: u64,
    /// Tokens read for the first time.
    pub input_tokens: u64,
    /// Tokens that the provider had in its cache.
    pub cached_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// In the currency of the settings, where they have prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<f64>,
    /// Milliseconds waited.
    pub latency_ms: u64,
    /// The answer was there from before.
    pub cached: bool,
}

impl Cost {
    pub(super) fn add(&mut self, reply: &Reply) {
        self.input_tokens += reply.input_tokens;
        self.cached_tokens += reply.cached_tokens;
        self.output_tokens += reply.output_tokens;
    }

    /// All of them.
    pub fn tokens(&self) -> u64 {
        self.input_tokens + self.cached_tokens + self.output_tokens
    }
}

impl Judgement {
    /// A judgement that could not be sought.
    pub fn unavailable(fault: Fault) -> Self {
        Self {
            answer: Answer::Unavailable(fault),
            provider: String::new(),
            model: String::new(),
            rules: String::new(),
            docket: String::new(),
            cost: Cost::default(),
        }
    }

    /// What it comes to. No opinion is the stricter outcome.
    pub fn verdict(&self, preset: Preset) -> Verdict {
        match &self.answer {
            Answer::Clear => Verdict::Allow,
            Answer::Opinion(opinion) => opinion.verdict,
            Answer::Unavailable(_) => match preset {
                Preset::Observe | Preset::Guard => Verdict::Ask,
                Preset::Lockdown => Verdict::Deny,
            },
        }
    }

    /// How risky it looks, from 0 to 1; none where there is no opinion.
    pub fn score(&self) -> Option<f64> {
        match &self.answer {
            Answer::Clear => Some(0.0),
            Answer::Opinion(opinion) => Some(match opinion.risk {
                Risk::None => 0.0,
                Risk::Low => 0.25,
                Risk::Medium => 0.6,
                Risk::High => 1.0,
            }),
            Answer::Unavailable(_) => None,
        }
    }

    /// Why it objects, in words of ours: what a model writes is for those who ask for it.
    pub fn why(&self) -> String {
        match &self.answer {
            Answer::Clear => "nothing to look at".to_owned(),
            Answer::Opinion(opinion) => opinion.in_words(),
            Answer::Unavailable(fault) => {
                format!("no rule speaks, and the judge cannot be heard: {fault}")
            }
        }
    }
}
