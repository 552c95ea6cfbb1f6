//! Ollama's own protocol. The opinion is constrained by the schema as `format`.

use serde_json::{Value, json};

use super::{Ask, Dialect, OPINION_TOKENS, Reply, number, parsed, text};
use crate::judge::judgement::Fault;
use crate::judge::opinion::schema;

#[derive(Debug)]
pub(in crate::judge) struct Ollama;

impl Dialect for Ollama {
    fn name(&self) -> String {
        "ollama".to_owned()
    }

    fn path(&self) -> &'static str {
        "/api/chat"
    }

    fn headers(&self, key: Option<&str>) -> Vec<(&'static str, String)> {
        key.map(|key| ("authorization", format!("Bearer {key}"))).into_iter().collect()
    }

    fn request(&self, ask: &Ask<'_>) -> Value {
        let most = if ask.first { 1 } else { OPINION_TOKENS };
        let mut request = json!({
            "model": ask.model,
            "stream": false,
            "think": false,
            "options": {"temperature": 0, "num_predict": most},
            "messages": [
                {"role": "system", "content": ask.prompt.system},
                {"role": "user", "content": ask.prompt.docket},
                {"role": "user", "content": ask.prompt.question(ask.first)},
            ],
        });
        if let Value::Object(request) = &mut request
            && !ask.first
        {
            request.insert("format".to_owned(), schema(true));
        }
        request
    }

    fn read(&self, body: &[u8]) -> Result<Reply, Fault> {
        let body = parsed(body)?;
        if body.get("done").and_then(Value::as_bool) != Some(true) {
            return Err(Fault::Protocol);
        }
        Ok(Reply {
            text: text(&body, "/message/content").ok_or(Fault::Protocol)?,
            clear: None,
            refused: false,
            input_tokens: number(&body, "/prompt_eval_count"),
            cached_tokens: 0,
            output_tokens: number(&body, "/eval_count"),
        })
    }
}
