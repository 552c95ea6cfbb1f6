//! A value of the input, and where it stands.

use std::fmt;

use ringfence_action::Text;
use serde_json::Value;

/// What is wrong with an input, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem(String);

impl Problem {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether two names are the same but for case, `_`, `-` and blanks.
pub(crate) fn same_name(a: &str, b: &str) -> bool {
    let folded = |name| {
        str::bytes(name)
            .filter(|byte| !matches!(byte, b'_' | b'-' | b' '))
            .map(|byte| byte.to_ascii_lowercase())
    };
    folded(a).eq(folded(b))
}

/// A value of the input with its JSON Pointer.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    value: &'a Value,
    pointer: String,
    /// How the value is called in messages.
    name: &'a str,
    /// The length of the string that the value was decoded from, if it was.
    embedded: Option<usize>,
}

impl<'a> Node<'a> {
    /// The input itself.
    pub(crate) fn root(value: &'a Value) -> Self {
        Self { value, pointer: "/input".to_owned(), name: "input", embedded: None }
    }

    /// The input, decoded from a string of this many bytes.
    pub(crate) fn embedded(value: &'a Value, bytes: usize) -> Self {
        Self { embedded: Some(bytes), ..Self::root(value) }
    }

    pub(crate) fn value(&self) -> &'a Value {
        self.value
    }

    /// The pointer of the value; of the whole input where that is a string.
    pub(crate) fn pointer(&self) -> &str {
        &self.pointer
    }

    /// The field of this meaning, under whichever of its names it comes. Null is as good as absent.
    /// Two names with different values are a problem: nobody can tell which one counts.
    pub(crate) fn field(&self, names: &[&str]) -> Result<Option<Node<'a>>, Problem> {
        let Value::Object(fields) = self.value else {
            return Err(self.not_an_object());
        };
        let mut found: Option<Node<'a>> = None;
        for (key, value) in fields {
            if value.is_null() || !names.iter().any(|name| same_name(name, key)) {
                continue;
            }
            match &found {
                Some(other) if other.value != value => {
                    return Err(Problem(format!(
                        "`{}` and `{key}` are both given and differ; send one of them",
                        other.name
                    )));
                }
                Some(_) => {}
                None => found = Some(self.child(key, value)),
            }
        }
        Ok(found)
    }

    /// The field of this meaning, or the problem that it is missing.
    pub(crate) fn need(&self, names: &[&str]) -> Result<Node<'a>, Problem> {
        self.field(names)?.ok_or_else(|| {
            Problem(format!("`{}` is missing", names.first().copied().unwrap_or_default()))
        })
    }

    /// The string of a field that must be there.
    pub(crate) fn need_text(&self, names: &[&str]) -> Result<Text, Problem> {
        self.need(names)?.text()
    }

    /// The string of a field that must be there and say something.
    pub(crate) fn need_words(&self, names: &[&str]) -> Result<Text, Problem> {
        let node = self.need(names)?;
        let text = node.text()?;
        if text.value.trim().is_empty() {
            return Err(Problem(format!("`{}` is empty", node.name)));
        }
        Ok(text)
    }

    /// The string of a field that may be absent. An empty one is absent.
    pub(crate) fn optional_text(&self, names: &[&str]) -> Result<Option<Text>, Problem> {
        let text = self.field(names)?.map(|node| node.text()).transpose()?;
        Ok(text.filter(|text| !text.value.is_empty()))
    }

    /// The string or number of a field that may be absent, as a string.
    pub(crate) fn optional_id(&self, names: &[&str]) -> Result<Option<String>, Problem> {
        match self.field(names)? {
            None => Ok(None),
            Some(Node { value: Value::Number(number), .. }) => Ok(Some(number.to_string())),
            Some(node) => Ok(Some(node.text()?.value).filter(|id| !id.is_empty())),
        }
    }

    /// This value as a string.
    pub(crate) fn text(&self) -> Result<Text, Problem> {
        match self.value {
            Value::String(text) => Ok(match self.embedded {
                Some(bytes) => Text::part(self.pointer.clone(), text.clone(), 0, bytes),
                None => Text::new(self.pointer.clone(), text.clone()),
            }),
            other => Err(self.wrong(other, "a string")),
        }
    }

    /// The elements of this array.
    pub(crate) fn items(&self) -> Result<Vec<Node<'a>>, Problem> {
        match self.value {
            Value::Array(items) => Ok(items
                .iter()
                .enumerate()
                .map(|(index, value)| Node {
                    value,
                    pointer: self.pointer_of(&index.to_string()),
                    name: self.name,
                    embedded: self.embedded,
                })
                .collect()),
            other => Err(self.wrong(other, "an array")),
        }
    }

    /// The strings of this array, or this string alone.
    pub(crate) fn texts(&self) -> Result<Vec<Text>, Problem> {
        match self.value {
            Value::String(_) => Ok(vec![self.text()?]),
            _ => self.items()?.iter().map(Node::text).collect(),
        }
    }

    /// The problem that this is no object.
    pub(crate) fn not_an_object(&self) -> Problem {
        self.wrong(self.value, "an object")
    }

    fn wrong(&self, value: &Value, expected: &str) -> Problem {
        let is = match value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        Problem(format!("`{}` is {is}, not {expected}", self.name))
    }

    fn child(&self, key: &'a str, value: &'a Value) -> Self {
        Node { value, pointer: self.pointer_of(key), name: key, embedded: self.embedded }
    }

    /// Values decoded from a string have no pointer of their own: they keep the string's.
    fn pointer_of(&self, key: &str) -> String {
        match self.embedded {
            Some(_) => self.pointer.clone(),
            None => format!("{}/{}", self.pointer, key.replace('~', "~0").replace('/', "~1")),
        }
    }
}
