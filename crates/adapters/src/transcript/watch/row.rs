//! Rows of labelled transcripts: sessions without times, and without what the agent wrote.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Doing, Moment, claude_code, lean, set_going};
use crate::labelled::{Row, Subject};
use crate::transcript::Event;

#[derive(Deserialize)]
struct Probe {
    #[serde(rename = "events")]
    _events: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct About {
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    permission_modes: Option<BTreeMap<String, IgnoredAny>>,
}

/// Whether a line is such a row, which no line of an agent's own transcript is.
pub fn is_row(line: &str) -> bool {
    serde_json::from_str::<Probe>(line).is_ok()
}

/// What a row tells.
///
/// # Errors
/// When it is no row of a transcript; the message names the remedy.
pub fn row(line: &str) -> Result<Vec<Moment>, String> {
    let read = Row::parse(line).map_err(|error| error.to_string())?;
    let Subject::Transcript { events } = read.subject else {
        return Err("a row without `events` is not a transcript".to_owned());
    };
    let about: Option<About> = serde_json::from_str(line).ok();
    let modes = about.and_then(|about| about.meta?.permission_modes).unwrap_or_default();
    let modes = claude_code::modes(modes.keys().map(String::as_str));
    let told = events.into_iter().map(|(event, _)| Doing::Event(cut(event)));
    let moment = |doing| Moment {
        at: None,
        session: Some(read.id.clone()),
        subagent: false,
        doing: set_going(doing),
    };
    Ok(modes.chain(told).map(moment).collect())
}

fn cut(event: Event) -> Event {
    match event {
        Event::Call { id, tool, input, cwd } => {
            Event::Call { id, tool, input: lean::input(input), cwd }
        }
        other => other,
    }
}
