//! A line of a transcript without what nobody counts.
//!
//! Results and pictures are most of a transcript. They are passed over while parsing, or cut to their beginning and
//! end, and so are long texts of a call. What was cut of a text leaves a hash, so that two texts are still told
//! apart. A text is not cut where analysis would read it: half a script is not what would happen.

use std::fmt;
use std::hash::{DefaultHasher, Hasher};

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Longer texts are cut: 16 KiB.
const LONG: usize = 16 << 10;

/// What stays of the end of a text.
const END: usize = 64;

/// Fields that hold much and tell nothing here.
const PASSED_OVER: &[&str] = &[
    "aggregated_output",
    "base_instructions",
    "data",
    "encrypted_content",
    "formatted_output",
    "instructions",
    "normalizedMessages",
    "originalFile",
    "resultDisplay",
    "signature",
    "snapshot",
    "structuredPatch",
    "thinking",
    "thoughts",
    "toolUseResult",
    "usage",
];

/// Fields that hold what a tool was given.
const INPUTS: &[&str] = &["input", "args"];

/// The fields of a line.
pub(super) fn object(text: &str) -> Result<Map<String, Value>, String> {
    let mut parser = serde_json::Deserializer::from_str(text);
    let read = Lean { within_input: false }.deserialize(&mut parser);
    let read = read.and_then(|value| parser.end().map(|()| value));
    match read {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err("not a JSON object".to_owned()),
        Err(error) => Err(format!("not a JSON object: {error}")),
    }
}

/// The same input, as it is kept of a line.
pub(crate) fn input(value: Value) -> Value {
    Lean { within_input: true }.deserialize(value).unwrap_or_default()
}

#[derive(Clone, Copy)]
struct Lean {
    within_input: bool,
}

impl Lean {
    fn text(text: &str) -> String {
        if text.len() <= LONG {
            return text.to_owned();
        }
        let begin = text.get(..text.floor_char_boundary(LONG)).unwrap_or_default();
        let end = text.get(text.ceil_char_boundary(text.len() - END)..).unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        hasher.write(text.as_bytes());
        format!("{begin}…{:016x}…{end}", hasher.finish())
    }

    fn below(self, key: &str) -> Self {
        Self { within_input: self.within_input || INPUTS.contains(&key) }
    }
}

impl<'de> DeserializeSeed<'de> for Lean {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Lean {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(Self::text(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut kept = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            kept.push(item);
        }
        Ok(Value::Array(kept))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            if !self.within_input && PASSED_OVER.contains(&key.as_str()) {
                fields.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = fields.next_value_seed(self.below(&key))?;
            kept.insert(key, value);
        }
        Ok(Value::Object(kept))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_keeps_what_is_counted() {
        let long = "x".repeat(LONG + 1);
        let line = json!({"type": "user", "toolUseResult": {"stdout": long}, "message": {"content": [
            {"type": "tool_result", "content": format!("{long}?")},
            {"type": "tool_use", "input": {"command": "ls", "data": "kept", "new_string": "y".repeat(300)}},
        ]}});
        let kept = object(&line.to_string()).unwrap();
        assert_eq!(kept.get("toolUseResult"), None);
        let kept = Value::Object(kept);
        let text = |pointer: &str| kept.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        assert!(text("/message/content/0/content").ends_with("xx?"));
        assert_eq!(text("/message/content/1/input/data"), "kept");
        assert_eq!(text("/message/content/1/input/new_string").len(), 300, "a script is whole");
        assert_eq!(object("{} {}").unwrap_err().split(':').next(), Some("not a JSON object"));
        assert!(object("[]").is_err());
    }

    /// What differs in its middle differs still, and what is cut is never cut within a character.
    #[test]
    fn a_cut_text_is_told_from_others() {
        let text = |middle: &str| {
            let text = format!("{}{middle}{}", "é".repeat(LONG), "é".repeat(LONG));
            input(json!({"command": text}))
        };
        assert_eq!(text("a"), text("a"));
        assert_ne!(text("a"), text("b"));
    }
}
