//! Anthropic Messages. The opinion is the input of a tool that must be used; the tool stands in both requests,
//! so that rules and tool are in the provider's cache for the second.

use serde_json::{Value, json};

use super::{Ask, Dialect, OPINION_TOKENS, Reply, number, parsed, text};
use crate::judge::judgement::Fault;
use crate::judge::opinion::schema;

/// The tool whose input is the opinion.
const TOOL: &str = "give_opinion";

#[derive(Debug)]
pub(in crate::judge) struct Anthropic;

impl Dialect for Anthropic {
    fn name(&self) -> String {
        "anthropic".to_owned()
    }

    fn path(&self) -> &'static str {
        "/v1/messages"
    }

    fn headers(&self, key: Option<&str>) -> Vec<(&'static str, String)> {
        let mut headers = vec![("anthropic-version", "2023-06-01".to_owned())];
        headers.extend(key.map(|key| ("x-api-key", key.to_owned())));
        headers
    }

    fn request(&self, ask: &Ask<'_>) -> Value {
        let kept = json!({"type": "ephemeral"});
        let (most, choice) = match ask.first {
            true => (1, json!({"type": "none"})),
            false => (OPINION_TOKENS, json!({"type": "tool", "name": TOOL})),
        };
        json!({
            "model": ask.model,
            "max_tokens": most,
            "temperature": 0,
            "tools": [{
                "name": TOOL,
                "description": "Gives the opinion on the action.",
                "input_schema": schema(true),
            }],
            "tool_choice": choice,
            "system": [{"type": "text", "text": ask.prompt.system, "cache_control": kept}],
            "messages": [{"role": "user", "content": [
                {"type": "text", "text": ask.prompt.docket, "cache_control": kept},
                {"type": "text", "text": ask.prompt.question(ask.first)},
            ]}],
        })
    }

    fn read(&self, body: &[u8]) -> Result<Reply, Fault> {
        let body = parsed(body)?;
        if text(&body, "/type").as_deref() != Some("message") {
            return Err(Fault::Protocol);
        }
        let blocks = body.get("content").and_then(Value::as_array).ok_or(Fault::Protocol)?;
        let mut written = String::new();
        let mut used = Vec::new();
        for block in blocks {
            match block.get("type").and_then(Value::as_str) {
                Some("text") => written.push_str(&text(block, "/text").ok_or(Fault::Protocol)?),
                Some("tool_use") => used.push(block),
                // Thoughts are not the answer.
                _ => {}
            }
        }
        let text_of_tool = match used.as_slice() {
            [] => None,
            [block] if text(block, "/name").as_deref() == Some(TOOL) => {
                block.get("input").map(Value::to_string)
            }
            _ => return Err(Fault::Protocol),
        };
        let uncached = number(&body, "/usage/input_tokens");
        Ok(Reply {
            text: text_of_tool.unwrap_or(written),
            clear: None,
            refused: text(&body, "/stop_reason").as_deref() == Some("refusal"),
            input_tokens: uncached + number(&body, "/usage/cache_creation_input_tokens"),
            cached_tokens: number(&body, "/usage/cache_read_input_tokens"),
            output_tokens: number(&body, "/usage/output_tokens"),
        })
    }
}
