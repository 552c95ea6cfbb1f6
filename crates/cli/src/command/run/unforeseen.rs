//! What a contained command tried that its prediction did not name, and its walls refused.
//!
//! Where nobody could tell all that a command would do, what it does in its workspace is no surprise; where all that it
//! writes is known, anything else is. What it asks for beyond that, and beyond the hosts that were granted, it was not
//! known to need: it fails inside, becomes a finding of the session, and who sent it is told.

use std::path::Path;

use ringfence_egress::Report;
use ringfence_record::tickets::{Ticket, Writes};
use ringfence_sandbox::{Ended, NoteKind, Sight};
use serde_json::{Map, Value, json};

use super::say;

/// The code of the finding.
const CODE: &str = "run.unforeseen";
/// More of them are only counted.
const MOST: usize = 20;
/// More of them are not told to who sent the call.
const TOLD: usize = 6;

/// What a contained run tried, and was refused, that nobody foresaw.
pub(super) struct Unforeseen {
    all: Vec<String>,
    /// Whether something in its own workspace is among it.
    within: bool,
}

impl Unforeseen {
    /// None: there was nothing.
    pub(super) fn of(ticket: &Ticket, ended: &Ended, egress: &Report) -> Option<Self> {
        let hosts = egress.denied().into_iter().map(|it| it.what);
        let sights = ended.observed.iter().flat_map(|it| it.refused());
        let sights = sights.filter(|it| it.deed.changes() && !is_named(ticket, &it.target));
        let sights: Vec<&Sight> = sights.collect();
        let left = ended.after.notes.iter().filter(|it| match it.kind {
            NoteKind::Moved { .. }
            | NoteKind::Kept { .. }
            | NoteKind::Left { .. }
            | NoteKind::Unnamed { .. } => !is_named(ticket, &it.path),
            NoteKind::Changed | NoteKind::Held { .. } => false,
        });
        let left: Vec<&Path> = left.map(|it| it.path.as_path()).collect();
        let calls = ended.observed.iter().flat_map(|it| &it.calls);
        let here = |path: &Path| path.starts_with(&ticket.workspace);
        let within = sights.iter().any(|it| here(&it.target)) || left.iter().any(|it| here(it));
        let changes =
            sights.iter().map(|it| format!("{} {}", it.deed.as_str(), it.target.display()));
        let left = left.iter().map(|it| format!("leave {}", it.display()));
        let calls = calls.map(|it| format!("call {}", it.call));
        let all: Vec<String> = hosts.chain(changes).chain(left).chain(calls).collect();
        (!all.is_empty()).then_some(Self { all, within })
    }

    /// The same as an entry of the log.
    pub(super) fn finding(&self) -> Map<String, Value> {
        let shown: Vec<&String> = self.all.iter().take(MOST).collect();
        let first = shown.first().map(|it| it.as_str()).unwrap_or_default();
        let more = match self.all.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let problem = format!("a contained command tried what was not foreseen: {first}{more}");
        Map::from_iter([
            ("code".to_owned(), json!(CODE)),
            ("problem".to_owned(), json!(problem)),
            ("tried".to_owned(), json!(shown)),
            ("times".to_owned(), json!(self.all.len())),
        ])
    }

    /// Says it to who sent the call, where it may be what the call failed for: what was refused, by what rule, and how to go
    /// on.
    pub(super) fn tell(&self, ticket: &Ticket, code: u8) {
        if code == 0 && !self.within {
            return;
        }
        let shown: Vec<&str> = self.all.iter().take(TOLD).map(String::as_str).collect();
        let more = match self.all.len().saturating_sub(TOLD) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        say(&format!("refused in this contained command ({CODE}): {}{more}", shown.join(", ")));
        say(match ticket.writes {
            Writes::Anything(_) => {
                "it may write in its workspace, and reach the hosts that it names. Do what goes beyond that in a call of its own: it is decided by itself"
            }
            Writes::Paths(_) => {
                "it may write what its words and its install say, and nothing else of its workspace. Make another change in a call of its own: it is decided by itself"
            }
        });
    }
}

/// Whether the prediction names a path, or a folder that it is in.
fn is_named(ticket: &Ticket, path: &Path) -> bool {
    ticket.changes.iter().any(|it| {
        let known = it.split('*').next().unwrap_or(it);
        let known = Path::new(if known.len() < it.len() {
            known.rsplit_once('/').map_or("/", |it| it.0)
        } else {
            known
        });
        path.starts_with(known)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prediction_names_a_path_its_folder_or_a_pattern() {
        let ticket: Ticket = serde_json::from_value(json!({
            "agent": "a", "session": "s", "call": null, "code": "c", "workspace": "/p",
            "writes": {"paths": []},
            "changes": ["/home/u/out", "/var/log/app-*"],
        }))
        .unwrap();
        for named in ["/home/u/out", "/home/u/out/a/b", "/var/log/app-1", "/var/log/other"] {
            assert!(is_named(&ticket, Path::new(named)), "{named}");
        }
        for other in ["/home/u/output", "/home/u", "/var/lib/x"] {
            assert!(!is_named(&ticket, Path::new(other)), "{other}");
        }
    }
}
