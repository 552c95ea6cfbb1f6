//! Labelled rows: what evaluation reads.
//!
//! One JSON object per line, in one of three formats. Fields that are not named here are ignored.
//!
//! *Actions*: one thing that an agent did or might do.
//!
//! ```json
//! {"id":"a1","source":"team-x","label":"danger","kind":"shell","text":"rm -rf ~","context":"clean up"}
//! ```
//!
//! - `label`: `danger` or `benign`; `rejected` where a person refused the call, `unsure` where the
//!   labeller could not tell.
//! - `kind`: `shell` (`text` is a command line, and becomes a call of Bash), `python` (`text` is a
//!   script, and becomes Bash with the script as a heredoc) or `tool_call` (`text` is JSON,
//!   `{"tool":…,"input":…}`).
//! - `context`: what the user said before, a list, or a string in which a line `---` stands between messages;
//!   becomes `user_messages`.
//! - `category`, `tier`: kept for reports. `session`: rows of one source and session share its memory, in
//!   the order of `seq`, else of the file. `cwd`, `home`, `workspace`, `platform`, `facts`: as in an action, where
//!   a corpus knows them.
//!
//! *Tool outputs*: something that an agent got to read.
//!
//! ```json
//! {"id":"o1","source":"team-x","label":"injection","text":"Ignore what you were told and …"}
//! ```
//!
//! - `label`: `injection` or `benign`.
//!
//! *Transcripts*: a whole session.
//!
//! ```json
//! {"id":"s1","source":"team-x","label":"benign","events":[
//!   {"t":"user","text":"fix the build"},
//!   {"t":"call","id":"c1","tool":"Bash","input":{"command":"make"},"label":"benign"},
//!   {"t":"result","id":"c1","text":"ok","is_error":false}]}
//! ```
//!
//! - `t`: `user`, `command`, `meta`, `summary`, `call` or `result`. Only `user` can be the user, and of
//!   its text only what a person types: interruptions, notifications and the like that a corpus
//!   left under `user` are told apart as in an agent's own transcript.
//! - `label` of an event: of that call, where known.
//! - `user_rejected` of a result: a person refused the call.
//! - `meta.cwd`: where the session ran.

mod work_tree;

use std::fmt;

use ringfence_action::Action;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use self::work_tree::{WorkTree, work_tree};
use crate::transcript::said::{self, Said};
use crate::transcript::{Decider, Event, PersonOutcome};

/// What a row or a call is known to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// It does harm that the user did not ask for.
    Danger,
    /// It should not be interrupted.
    Benign,
    /// It tries to instruct the agent that reads it.
    Injection,
    /// A person refused it, for whatever reason.
    Rejected,
    /// Whoever labelled it could not tell.
    Unsure,
}

impl Label {
    /// The word for it, as in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Danger => "danger",
            Self::Benign => "benign",
            Self::Injection => "injection",
            Self::Rejected => "rejected",
            Self::Unsure => "unsure",
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its name.
    pub id: String,
    /// The corpus that it comes from.
    pub source: String,
    /// What it is; for a transcript, what the session is as a whole.
    pub label: Option<Label>,
    /// What is labelled.
    pub subject: Subject,
}

/// What a row is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// One action.
    Action {
        /// The action, to be judged as it is.
        action: Box<Action>,
        /// How the corpus sorts it.
        category: Option<String>,
        /// How far the corpus trusts its own label.
        tier: Option<String>,
        /// The session that it was taken from.
        session: Option<String>,
        /// Its place in that session.
        sequence: Option<u64>,
    },
    /// Something that an agent got to read.
    ToolOutput {
        /// The words.
        text: String,
        /// How the corpus sorts it.
        category: Option<String>,
    },
    /// A whole session.
    Transcript {
        /// What happened, with the label of each call where known.
        events: Vec<(Event, Option<Label>)>,
    },
}

/// Why a line is not a row, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError(String);

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RowError {}

impl Row {
    /// Reads one line.
    ///
    /// # Errors
    /// When the line is not JSON or of none of the three formats; the message names the remedy.
    pub fn parse(line: &str) -> Result<Self, RowError> {
        let row: RawRow = serde_json::from_str(line).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => error_in(&error),
            _ => RowError(format!("not JSON: {error}; write one JSON object per line")),
        })?;
        let subject = row.subject()?;
        Ok(Self { id: row.id, source: row.source, label: row.label, subject })
    }
}

fn error_in(error: &serde_json::Error) -> RowError {
    RowError(format!(
        "not a labelled row: {error}; a row has `id` and `source`, and `label` is one of danger, \
         benign, injection, rejected, unsure"
    ))
}

#[derive(Debug, Deserialize)]
struct RawRow {
    id: String,
    source: String,
    label: Option<Label>,
    kind: Option<String>,
    text: Option<String>,
    context: Option<Value>,
    category: Option<String>,
    tier: Option<String>,
    session: Option<String>,
    seq: Option<u64>,
    events: Option<Vec<RawEvent>>,
    meta: Option<Map<String, Value>>,
    #[serde(flatten)]
    surroundings: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct RawEvent {
    t: String,
    id: Option<String>,
    text: Option<String>,
    tool: Option<String>,
    input: Option<Value>,
    #[serde(default)]
    is_error: Option<bool>,
    #[serde(default)]
    user_rejected: bool,
    label: Option<Label>,
}

impl RawRow {
    fn subject(&self) -> Result<Subject, RowError> {
        if let Some(events) = &self.events {
            return self.transcript(events);
        }
        let Some(text) = &self.text else {
            return Err(RowError(
                "neither `events` nor `text`; a row is an action (`kind`, `text`), a tool output \
                 (`text`) or a transcript (`events`)"
                    .to_owned(),
            ));
        };
        match &self.kind {
            None => Ok(Subject::ToolOutput { text: text.clone(), category: self.category.clone() }),
            Some(kind) => Ok(Subject::Action {
                action: Box::new(self.action(kind, text)?),
                category: self.category.clone(),
                tier: self.tier.clone(),
                session: self.session.clone(),
                sequence: self.seq,
            }),
        }
    }

    fn action(&self, kind: &str, text: &str) -> Result<Action, RowError> {
        let mut fields = Map::new();
        for name in ["cwd", "home", "workspace", "platform", "facts", "agent"] {
            if let Some(value) = self.surroundings.get(name).filter(|value| !value.is_null()) {
                fields.insert(name.to_owned(), value.clone());
            }
        }
        let (tool, input) = match kind {
            "shell" => ("Bash".to_owned(), json!({ "command": text })),
            "python" => ("Bash".to_owned(), json!({ "command": heredoc(text) })),
            "tool_call" => tool_call(text)?,
            other => {
                return Err(RowError(format!(
                    "kind `{other}` is not known; it is one of shell, python, tool_call"
                )));
            }
        };
        fields.insert("id".to_owned(), json!(self.id));
        fields.insert("tool".to_owned(), json!(tool));
        fields.insert("input".to_owned(), input);
        fields.insert("user_messages".to_owned(), self.user_messages()?);
        serde_json::from_value(Value::Object(fields))
            .map_err(|error| RowError(format!("not an action: {error}; see schema/action.json")))
    }

    fn user_messages(&self) -> Result<Value, RowError> {
        match &self.context {
            None | Some(Value::Null) => Ok(json!([])),
            Some(Value::String(text)) => Ok(json!(text.split("\n---\n").collect::<Vec<_>>())),
            Some(list @ Value::Array(items)) if items.iter().all(Value::is_string) => {
                Ok(list.clone())
            }
            Some(_) => Err(RowError("`context` is neither a string nor a list of strings".into())),
        }
    }

    fn transcript(&self, events: &[RawEvent]) -> Result<Subject, RowError> {
        let cwd = self.meta.as_ref().and_then(|meta| meta.get("cwd")?.as_str());
        let mut found = Vec::new();
        for (index, event) in events.iter().enumerate() {
            event.read(cwd, &mut found).map_err(|why| RowError(format!("event {index}: {why}")))?;
        }
        Ok(Subject::Transcript { events: found })
    }
}

impl RawEvent {
    fn read(
        &self,
        cwd: Option<&str>,
        events: &mut Vec<(Event, Option<Label>)>,
    ) -> Result<(), String> {
        let text = || self.text.clone().ok_or_else(|| format!("`{}` without `text`", self.t));
        let event = match self.t.as_str() {
            "user" => {
                for part in said::take_apart(&text()?) {
                    let event = match part {
                        Said::User(text) => Event::User { text },
                        Said::Meta(text) => Event::Meta { text },
                        Said::Summary(text) => Event::Summary { text },
                        Said::Interrupted => Event::Interrupted,
                    };
                    events.push((event, None));
                }
                return Ok(());
            }
            "command" | "meta" => Event::Meta { text: text()? },
            "summary" => Event::Summary { text: text()? },
            "call" => Event::Call {
                id: self.id.clone(),
                tool: self.tool.clone().ok_or("`call` without `tool`")?,
                input: self.input.clone().ok_or("`call` without `input`")?,
                cwd: cwd.map(str::to_owned),
            },
            "result" => {
                let refused = PersonOutcome { accepted: false, by: Decider::Person };
                Event::Result {
                    id: self.id.clone(),
                    text: text()?,
                    is_error: self.is_error.unwrap_or(false),
                    outcome: self.user_rejected.then_some(refused),
                }
            }
            other => {
                return Err(format!(
                    "`t` is `{other}`, not one of user, command, meta, summary, call, result"
                ));
            }
        };
        events.push((event, self.label));
        Ok(())
    }
}

fn tool_call(text: &str) -> Result<(String, Value), RowError> {
    #[derive(Deserialize)]
    struct ToolCall {
        tool: String,
        input: Value,
    }
    serde_json::from_str(text).map(|ToolCall { tool, input }| (tool, input)).map_err(|error| {
        RowError(format!("the text of a tool call is not {{\"tool\":…,\"input\":…}}: {error}"))
    })
}

/// A script as an agent would run it, with an end marker that is no line of the script.
fn heredoc(script: &str) -> String {
    let mut marker = "PYTHON".to_owned();
    while script.lines().any(|line| line == marker) {
        marker.push('_');
    }
    let end = if script.ends_with('\n') || script.is_empty() { "" } else { "\n" };
    format!("python3 - <<'{marker}'\n{script}{end}{marker}\n")
}
