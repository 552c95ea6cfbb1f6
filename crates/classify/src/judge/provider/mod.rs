//! How endpoints speak: a question as a request, an answer as a reply.
//!
//! Nothing here sends anything. What an endpoint answers is read strictly, and what is not there is a
//! [`Fault::Protocol`].

mod anthropic;
mod ollama;
mod openai;

use std::fmt::Debug;

use serde_json::Value;

pub(super) use self::anthropic::Anthropic;
pub(super) use self::ollama::Ollama;
pub(super) use self::openai::OpenAi;
use super::judgement::Fault;
use super::prompt::Prompt;

/// Tokens of an opinion.
const OPINION_TOKENS: u32 = 500;

/// How sure the first pass must be, where that can be told.
const SURE: f64 = 0.9;

/// A question.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) model: &'a str,
    /// Where it goes: some want to be asked in newer words.
    pub(super) endpoint: &'a str,
    pub(super) prompt: &'a Prompt<'a>,
    /// Whether one letter is wanted, and not an opinion.
    pub(super) first: bool,
}

/// One way of speaking.
pub(super) trait Dialect: Debug + Sync {
    /// Its name, as in settings.
    fn name(&self) -> String;

    /// The path below the endpoint.
    fn path(&self) -> &'static str;

    /// Headers beside the type of the content.
    fn headers(&self, key: Option<&str>) -> Vec<(&'static str, String)>;

    /// A question as a request.
    fn request(&self, ask: &Ask<'_>) -> Value;

    /// An answer as a reply.
    fn read(&self, body: &[u8]) -> Result<Reply, Fault>;
}

/// What a model answered.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Reply {
    pub(super) text: String,
    /// How probable the answer of one letter was that is clear, where it is told.
    pub(super) clear: Option<f64>,
    /// It would not answer.
    pub(super) refused: bool,
    pub(super) input_tokens: u64,
    pub(super) cached_tokens: u64,
    pub(super) output_tokens: u64,
}

impl Reply {
    /// Whether the first pass found nothing to look at: the one letter, with next to no doubt.
    pub(super) fn is_clear(&self) -> bool {
        self.text.trim() == "A" && self.clear.is_none_or(|clear| clear >= SURE)
    }
}

/// The answer as JSON. What is not UTF-8 is not JSON.
fn parsed(body: &[u8]) -> Result<Value, Fault> {
    serde_json::from_slice(body).map_err(|_| Fault::Protocol)
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer)?.as_str().map(str::to_owned)
}

fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

#[cfg(test)]
mod tests;
