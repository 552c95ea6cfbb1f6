//! OpenAI chat completions, which most servers speak. The opinion is constrained by the schema; of the first
//! letter the probability is asked for, where the server tells it.

use serde_json::{Value, json};

use super::{Ask, Dialect, OPINION_TOKENS, Reply, number, parsed, text};
use crate::judge::judgement::Fault;
use crate::judge::opinion::schema;

#[derive(Debug)]
pub(in crate::judge) struct OpenAi;

impl Dialect for OpenAi {
    fn name(&self) -> String {
        "openai".to_owned()
    }

    fn path(&self) -> &'static str {
        "/v1/chat/completions"
    }

    fn headers(&self, key: Option<&str>) -> Vec<(&'static str, String)> {
        key.map(|key| ("authorization", format!("Bearer {key}"))).into_iter().collect()
    }

    fn request(&self, ask: &Ask<'_>) -> Value {
        // OpenAI's own newer models have another name for the limit, one temperature, and no length of texts.
        let own = ask.endpoint.starts_with("https://api.openai.com");
        let mut request = json!({
            "model": ask.model,
            "messages": [
                {"role": "system", "content": ask.prompt.system},
                {"role": "user", "content": ask.prompt.docket},
                {"role": "user", "content": ask.prompt.question(ask.first)},
            ],
        });
        let more = if ask.first {
            json!({"logprobs": true, "top_logprobs": 5})
        } else {
            json!({
                "response_format": {"type": "json_schema", "json_schema": {
                    "name": "opinion", "strict": true, "schema": schema(!own),
                }},
            })
        };
        let most = if ask.first { 1 } else { OPINION_TOKENS };
        let limits = match own {
            true => json!({"max_completion_tokens": most}),
            false => json!({"max_tokens": most, "temperature": 0}),
        };
        if let Value::Object(request) = &mut request {
            for part in [more, limits] {
                request.extend(part.as_object().cloned().unwrap_or_default());
            }
        }
        request
    }

    fn read(&self, body: &[u8]) -> Result<Reply, Fault> {
        let body = parsed(body)?;
        let choice = body.pointer("/choices/0").ok_or(Fault::Protocol)?;
        let message = choice.get("message").filter(|it| it.is_object()).ok_or(Fault::Protocol)?;
        let declined = message.get("refusal").is_some_and(Value::is_string);
        let filtered = text(choice, "/finish_reason").as_deref() == Some("content_filter");
        let written = message.get("content").ok_or(Fault::Protocol)?;
        let cached = number(&body, "/usage/prompt_tokens_details/cached_tokens");
        Ok(Reply {
            text: match written {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                _ => return Err(Fault::Protocol),
            },
            clear: choice.pointer("/logprobs/content/0/top_logprobs").and_then(clear),
            refused: declined || filtered,
            input_tokens: number(&body, "/usage/prompt_tokens").saturating_sub(cached),
            cached_tokens: cached,
            output_tokens: number(&body, "/usage/completion_tokens"),
        })
    }
}

/// How probable the clear letter is among what the server names.
fn clear(tokens: &Value) -> Option<f64> {
    let tokens = tokens.as_array().filter(|tokens| !tokens.is_empty())?;
    let mut clear = 0.0;
    for token in tokens {
        if token.get("token")?.as_str()?.trim() == "A" {
            clear += token.get("logprob")?.as_f64()?.exp();
        }
    }
    Some(clear)
}
