//! Recorded commands to measure against. They are not part of the repository: `RINGFENCE_DATA`
//! names their folder, and without it whoever asks says `skipped: no corpora`.

use std::fmt;
use std::path::PathBuf;

use ringfence_action::Action;
use serde_json::{Value, json};

/// The folder of the corpora.
#[derive(Debug, Clone)]
pub struct Corpora {
    folder: PathBuf,
}

/// One line of `actions.jsonl`.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its name.
    pub id: String,
    /// Where it comes from.
    pub source: String,
    /// Whether it is labelled dangerous.
    pub danger: bool,
    /// `shell`, `tool_call` or `python`.
    pub kind: String,
    /// The command, or the JSON of a tool call.
    pub text: String,
    /// What the user said before.
    pub context: Vec<String>,
    /// The agent run it belongs to, where known.
    pub session: Option<String>,
    /// Its place in the run.
    pub sequence: u64,
    /// What its label is worth, in its source's words.
    pub tier: Option<String>,
}

impl Row {
    /// A shell command that comes from nowhere in particular.
    pub(crate) fn shell(text: &str) -> Self {
        Self {
            id: String::new(),
            source: String::new(),
            danger: false,
            kind: "shell".to_owned(),
            text: text.to_owned(),
            context: Vec::new(),
            session: None,
            sequence: 0,
            tier: None,
        }
    }

    /// The action that the row records, in these folders; `None` where the text of a tool call is
    /// not one.
    pub fn action(&self, cwd: &str, home: &str) -> Option<Action> {
        let (tool, input) = match self.kind.as_str() {
            "shell" => ("Bash".to_owned(), json!({"command": self.text})),
            "python" => {
                let command = format!("python3 - <<'PYTHON'\n{}\nPYTHON\n", self.text);
                ("Bash".to_owned(), json!({"command": command}))
            }
            _ => {
                let call: Value = serde_json::from_str(&self.text).ok()?;
                (call.get("tool")?.as_str()?.to_owned(), call.get("input")?.clone())
            }
        };
        let value = json!({
            "id": self.id, "tool": tool, "input": input, "session": self.session,
            "cwd": cwd, "workspace": [cwd], "home": home, "user_messages": self.context,
        });
        serde_json::from_value(value).ok()
    }
}

/// Why a corpus cannot be read.
#[derive(Debug)]
pub struct CorpusError(String);

impl fmt::Display for CorpusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CorpusError {}

impl Corpora {
    /// The folder that `RINGFENCE_DATA` names; `None`, after saying so, if it names none.
    pub fn from_env() -> Option<Self> {
        let folder = std::env::var_os("RINGFENCE_DATA").map(PathBuf::from);
        let folder = folder.filter(|folder| folder.is_dir());
        if folder.is_none() {
            eprintln!("skipped: no corpora");
        }
        folder.map(|folder| Self { folder })
    }

    /// The text of `NAME.jsonl`, or of `NAME.jsonl.xz` unpacked.
    ///
    /// # Errors
    /// When neither file can be read.
    pub fn text(&self, name: &str) -> Result<String, CorpusError> {
        let plain = self.folder.join(format!("{name}.jsonl"));
        let packed = self.folder.join(format!("{name}.jsonl.xz"));
        let unreadable = |error: &dyn fmt::Display| {
            CorpusError(format!("{} cannot be read: {error}", packed.display()))
        };
        #[expect(clippy::disallowed_methods, reason = "corpora are files")]
        if let Ok(text) = std::fs::read_to_string(&plain) {
            return Ok(text);
        }
        #[expect(clippy::disallowed_methods, reason = "corpora are files")]
        let packed_bytes = std::fs::read(&packed).map_err(|error| unreadable(&error))?;
        let mut bytes = Vec::new();
        lzma_rs::xz_decompress(&mut packed_bytes.as_slice(), &mut bytes)
            .map_err(|error| unreadable(&format!("{error:?}")))?;
        String::from_utf8(bytes).map_err(|error| unreadable(&error))
    }

    /// The labelled actions.
    ///
    /// # Errors
    /// When the file cannot be read or a line is not of its shape.
    pub fn actions(&self) -> Result<Vec<Row>, CorpusError> {
        let text = self.text("actions")?;
        let rows = text.lines().zip(1..).map(|(line, number)| {
            row(line).ok_or_else(|| {
                CorpusError(format!("actions.jsonl:{number}: not a labelled action"))
            })
        });
        rows.collect()
    }
}

fn row(line: &str) -> Option<Row> {
    let value: Value = serde_json::from_str(line).ok()?;
    let field = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let texts = |value: &Value| match value {
        Value::String(text) => text.split("\n---\n").map(str::to_owned).collect(),
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    Some(Row {
        id: field("id")?,
        source: field("source")?,
        danger: field("label")? == "danger",
        kind: field("kind")?,
        text: field("text").or_else(|| value.get("text").map(Value::to_string))?,
        context: value.get("context").map(texts).unwrap_or_default(),
        session: field("session"),
        tier: field("tier"),
        sequence: value.get("seq").and_then(Value::as_u64).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read() {
        let row = row(
            r#"{"id":"1","source":"s","label":"danger","kind":"shell","text":"ls","context":["hi"]}"#,
        );
        let row = row.unwrap();
        assert!(row.danger);
        let action = row.action("/w", "/h").unwrap();
        assert_eq!((action.tool.as_str(), &action.input), ("Bash", &json!({"command": "ls"})));
        assert_eq!(action.user_messages, ["hi"]);
    }
}
