//! What an agent ran, by its own account: calls that a gate must have seen.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use super::HookAgent;
use crate::transcript::{self, Entry, Event, TranscriptError};

/// A call that came back well, as the agent's transcript has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The agent's own id of the call, where it tells its hooks of that as well.
    pub id: Option<String>,
    /// The tool.
    pub tool: String,
    /// The session.
    pub session: Option<String>,
    /// When it was called, RFC 3339.
    pub at: Option<String>,
}

impl HookAgent {
    /// The folder below which its transcripts lie, where they can be read.
    pub fn history(self, home: &Path) -> Option<PathBuf> {
        let below = match self {
            Self::ClaudeCode => "projects",
            Self::Codex => "sessions",
            Self::GeminiCli => "tmp",
            Self::Copilot
            | Self::Antigravity
            | Self::Cursor
            | Self::OpenCode
            | Self::QwenCode
            | Self::Windsurf
            | Self::Cline
            | Self::Droid
            | Self::Grok
            | Self::Kiro
            | Self::Kimi
            | Self::Amp
            | Self::Acp => return None,
        };
        Some(self.folder(home).join(below))
    }

    /// The calls in a transcript that came back and did not fail, and that this agent tells its hooks of.
    /// What cannot be read is passed over.
    pub fn ran(self, text: impl BufRead) -> Vec<Ran> {
        match self {
            Self::ClaudeCode => {
                came_back(transcript::claude_code::Reader::new(text), |_| true, true)
            }
            // Others change nothing, and it tells no hook of them.
            Self::Codex => came_back(
                transcript::codex::Reader::new(text),
                |tool| {
                    tool.starts_with("mcp__")
                        || ["apply_patch", "exec_command", "local_shell", "shell", "shell_command"]
                            .contains(&tool)
                },
                true,
            ),
            Self::GeminiCli => {
                came_back(transcript::gemini_cli::Reader::new(text), |_| true, false)
            }
            _ => Vec::new(),
        }
    }
}

fn came_back(
    entries: impl Iterator<Item = Result<Entry, TranscriptError>>,
    is_told: impl Fn(&str) -> bool,
    ids_are_told: bool,
) -> Vec<Ran> {
    let mut called = BTreeMap::new();
    let mut ran = Vec::new();
    for entry in entries.map_while(Result::ok) {
        match entry.event {
            Event::Call { id: Some(id), tool, .. } if is_told(&tool) => {
                let call = Ran {
                    id: ids_are_told.then(|| id.clone()),
                    tool,
                    session: entry.session,
                    at: entry.at,
                };
                called.insert(id, call);
            }
            Event::Result { id: Some(id), is_error: false, outcome, .. }
                if outcome.is_none_or(|outcome| outcome.accepted) =>
            {
                ran.extend(called.remove(&id));
            }
            _ => {}
        }
    }
    ran
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_back_well_ran() {
        let claude = r#"{"type":"assistant","sessionId":"s","timestamp":"2026-11-21T10:00:00Z","message":{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"Bash","input":{"command":"ls"}},{"type":"tool_use","id":"b","name":"Bash","input":{"command":"x"}}]}}
{"type":"user","sessionId":"s","timestamp":"2026-11-21T10:00:01Z","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"done"},{"type":"tool_result","tool_use_id":"b","is_error":true,"content":"no"}]}}
"#;
        let ran = HookAgent::ClaudeCode.ran(claude.as_bytes());
        assert_eq!(ran.len(), 1, "{ran:?}");
        assert_eq!((ran[0].id.as_deref(), ran[0].session.as_deref()), (Some("a"), Some("s")));
        assert_eq!(HookAgent::Cursor.ran(claude.as_bytes()), []);
    }
}
