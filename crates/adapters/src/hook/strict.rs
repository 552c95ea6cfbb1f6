//! JSON in which every name stands once.
//!
//! Where an object has a name twice, one reader takes the first value and another the last: what was
//! judged would not be what runs. Such a message is refused, and one that nests deeper than what is recorded
//! of it could be read again.

use std::fmt;

use ringfence_action::{Action, nests_deeper};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads JSON text.
pub(super) fn from_slice(text: &[u8]) -> Result<Value, serde_json::Error> {
    if nests_deeper(text, Action::MAX_DEPTH) {
        let problem = format!("it nests deeper than {} levels", Action::MAX_DEPTH);
        return Err(Error::custom(problem));
    }
    serde_json::from_slice::<Strict>(text).map(|Strict(value)| value)
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
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

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let Strict(value) = fields.next_value()?;
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("the name `{name}` stands twice")));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_once_is_read_as_ever() {
        for text in [
            r#"{"a":1,"b":[true,null,-2,1.5,18446744073709551615],"c":{"a":"x","é":"\u00e9"}}"#,
            "[]",
            "\"x\"",
        ] {
            let plain: Value = serde_json::from_str(text).unwrap();
            assert_eq!(from_slice(text.as_bytes()).unwrap(), plain, "{text}");
        }
    }

    #[test]
    fn what_is_too_deep_to_be_told_again_is_refused() {
        let nested = |levels| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(from_slice(nested(Action::MAX_DEPTH).as_bytes()).is_ok());
        let error = from_slice(nested(Action::MAX_DEPTH + 1).as_bytes()).unwrap_err().to_string();
        assert!(error.contains("deeper than 64 levels"), "{error}");
    }

    #[test]
    fn what_stands_twice_is_refused_however_deep_and_however_written() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"x":{"command":"ls","command":"rm"}}"#,
            r#"[{"a":1},{"a":1,"\u0061":2}]"#,
        ] {
            let error = from_slice(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("stands twice"), "{error}");
        }
    }
}
