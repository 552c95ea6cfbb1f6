//! One thing that an agent asks to do.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Facts, nests_deeper};

/// A tool call, with what is needed to judge it. Only `tool` and `input` are required; unknown
/// fields are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Action {
    /// The caller's name for this action; echoed in the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Who asks.
    #[serde(default)]
    pub agent: Agent,
    /// The agent run it belongs to. Equal ids share memory; none is a session of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The agent's own name of the tool: `Bash`, `Edit`, `mcp__server__tool`…
    pub tool: String,
    /// The tool's input, in the agent's own shape.
    pub input: Value,
    /// The absolute folder in which it would run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The absolute folders that the agent is meant to work in. Empty: the working folder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workspace: Vec<String>,
    /// The user's home folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
    /// The operating system.
    #[serde(default)]
    pub platform: Platform,
    /// Everything the user said before this action, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_messages: Vec<String>,
    /// Ground truth that came with the action.
    #[serde(default)]
    pub facts: Facts,
}

/// The agent that asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Agent {
    /// `claude-code`, `codex`, `gemini-cli`…
    pub kind: String,
    /// The subagent's own id, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subagent: Option<String>,
}

impl Default for Agent {
    fn default() -> Self {
        Self { kind: "unknown".to_owned(), subagent: None }
    }
}

/// The operating system an action would run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// Linux and what is like it.
    #[default]
    Linux,
    /// macOS.
    #[serde(alias = "darwin")]
    Macos,
    /// Windows.
    #[serde(alias = "win32")]
    Windows,
}

/// Why a text is not an action, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedAction {
    message: String,
}

impl fmt::Display for MalformedAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for MalformedAction {}

impl Action {
    /// Longer actions are refused unread: 32 MiB.
    pub const MAX_BYTES: usize = 32 << 20;

    /// Arrays and objects of an action, or of the message that tells of it, stand at most so deep within
    /// each other: what is recorded of it nests deeper, and must be read again.
    pub const MAX_DEPTH: usize = 64;

    /// Reads one action from JSON.
    ///
    /// # Errors
    /// When the text is too long, is not JSON, or lacks `tool` or `input`; the message names the
    /// remedy.
    pub fn from_json(text: &[u8]) -> Result<Self, MalformedAction> {
        let malformed = |message: String| MalformedAction { message };
        if text.len() > Self::MAX_BYTES {
            return Err(malformed(format!(
                "an action of {} bytes is over the limit of {}; send the command itself, not its data",
                text.len(),
                Self::MAX_BYTES
            )));
        }
        let text = std::str::from_utf8(text).map_err(|error| {
            malformed(format!(
                "not UTF-8 at byte {}; encode the line as UTF-8",
                error.valid_up_to()
            ))
        })?;
        if nests_deeper(text.as_bytes(), Self::MAX_DEPTH) {
            return Err(malformed(format!(
                "it nests deeper than {} levels; send the command itself, not its data",
                Self::MAX_DEPTH
            )));
        }
        let value: Value = serde_json::from_str(text).map_err(|error| {
            malformed(format!("not JSON: {error}; write one JSON object per line"))
        })?;
        let Some(fields) = value.as_object() else {
            return Err(malformed(
                "not a JSON object; an action looks like {\"tool\":\"Bash\",\"input\":{\"command\":\"ls\"}}"
                    .to_owned(),
            ));
        };
        for required in ["tool", "input"] {
            if !fields.contains_key(required) {
                return Err(malformed(format!(
                    "`{required}` is missing; an action needs at least `tool` and `input`"
                )));
            }
        }
        let action: Self = serde_json::from_value(value).map_err(|error| {
            malformed(format!("not an action: {error}; see schema/action.json"))
        })?;
        let folders = action.cwd.iter().chain(&action.home).chain(&action.workspace);
        for folder in folders {
            if !is_absolute(folder) {
                return Err(malformed(format!(
                    "`{folder}` is not an absolute folder; write `cwd`, `home` and `workspace` from the root"
                )));
            }
        }
        Ok(action)
    }

    /// The string of the input that a JSON Pointer such as `/input/command` names.
    pub fn text_at(&self, pointer: &str) -> Option<&str> {
        self.input.pointer(pointer.strip_prefix("/input")?)?.as_str()
    }

    /// The folders the agent is meant to work in: `workspace`, or else the working folder.
    pub fn workspace_roots(&self) -> impl Iterator<Item = &str> {
        let fallback = if self.workspace.is_empty() { self.cwd.as_deref() } else { None };
        self.workspace.iter().map(String::as_str).chain(fallback)
    }
}

/// From the root, from a drive, or on a share.
fn is_absolute(folder: &str) -> bool {
    let drive = folder.get(1..3).is_some_and(|text| matches!(text, ":\\" | ":/"));
    folder.starts_with(['/', '\\']) || drive
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nests_deeper_than_is_told_again_is_refused() {
        let nested = |levels: usize| {
            let value = format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
            Action::from_json(format!(r#"{{"tool":"X","input":{{"x":{value}}}}}"#).as_bytes())
        };
        assert!(nested(Action::MAX_DEPTH - 2).is_ok());
        let error = nested(Action::MAX_DEPTH - 1).unwrap_err().to_string();
        assert!(error.contains("deeper than 64 levels"), "{error}");
    }

    #[test]
    fn folders_are_absolute() {
        for (folder, fits) in
            [("/p", true), ("C:\\p", true), ("p", false), ("~", false), ("", false)]
        {
            let line = serde_json::json!({"tool": "Bash", "input": {}, "cwd": folder});
            let read = Action::from_json(line.to_string().as_bytes());
            assert_eq!(read.is_ok(), fits, "{folder}");
        }
    }
}
