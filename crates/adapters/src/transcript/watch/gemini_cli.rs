//! Gemini CLI's records. They do not say how it asks, nor who let a call run.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Doing, Watch, ends_in_question};
use crate::transcript::Event;
use crate::transcript::gemini_cli as format;
use crate::transcript::reader::{plain, string};

/// Chats of Gemini CLI.
#[derive(Debug, Default)]
pub struct GeminiCli {
    /// Messages whose words were told: a message is written again with each of its calls.
    spoken: HashSet<String>,
}

impl Watch for GeminiCli {
    type Events = format::GeminiCli;
    const KIND: &'static str = "gemini-cli";

    fn look(&mut self, line: &Map<String, Value>, events: Vec<Event>) -> Vec<Doing> {
        let mut doings = Vec::new();
        if string(line, "type") == Some("gemini") {
            doings.push(Doing::TellsProse);
            let text = plain(line.get("content"));
            let id = string(line, "id").unwrap_or_default();
            if !text.trim().is_empty() && self.spoken.insert(id.to_owned()) {
                doings.push(Doing::Spoke { asks: ends_in_question(&text) });
            }
        }
        doings.extend(events.into_iter().map(Doing::Event));
        doings
    }
}
