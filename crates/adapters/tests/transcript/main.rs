//! Transcripts on disk, read as events.

#![expect(clippy::unwrap_used, reason = "a test says no by panicking")]

mod claude_code;
mod codex;
mod damaged;
mod gemini_cli;
mod merged;

use ringfence_adapters::transcript::claude_code::Reader;
use ringfence_adapters::transcript::{Entry, Event};

fn entries(transcript: &[u8]) -> Vec<Entry> {
    Reader::new(transcript).collect::<Result<_, _>>().unwrap()
}

/// An event on one line, for tables.
fn short(event: &Event) -> String {
    match event {
        Event::User { text } => format!("user: {}", text.trim()),
        Event::Meta { text } => format!("meta: {}", text.trim()),
        Event::Summary { text } => format!("summary: {text}"),
        Event::Interrupted => "interrupted".to_owned(),
        Event::Call { id, tool, input, cwd } => format!(
            "call {}: {tool} {input} in {}",
            id.as_deref().unwrap_or("-"),
            cwd.as_deref().unwrap_or("-")
        ),
        Event::Result { id, text, is_error, outcome } => format!(
            "result {}{}{}: {}",
            id.as_deref().unwrap_or("-"),
            if *is_error { " failed" } else { "" },
            outcome.map_or(String::new(), |outcome| {
                let verb = if outcome.accepted { "accepted" } else { "rejected" };
                format!(", {verb} by {}", outcome.by)
            }),
            text.lines().last().unwrap_or_default()
        ),
        Event::Skipped { why } => format!("skipped: {why}"),
    }
}
