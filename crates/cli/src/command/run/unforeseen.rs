//! What a contained command tried that its prediction did not name, and its walls refused.
//!
//! A command is contained because nobody could tell all that it would do, so that what it does in its
//! workspace is no surprise. What it asks for beyond that and beyond the hosts that were granted, it was not
//! known to need: it fails inside, and becomes a finding of the session.

use std::path::Path;

use ringfence_egress::Report;
use ringfence_record::tickets::Ticket;
use ringfence_sandbox::{Ended, NoteKind, Sight};
use serde_json::{Map, Value, json};

/// The code of the finding.
const CODE: &str = "run.unforeseen";
/// More of them are only counted.
const MOST: usize = 20;

/// The finding of a run, if there is one.
pub(super) fn finding(
    ticket: &Ticket,
    ended: &Ended,
    egress: &Report,
) -> Option<Map<String, Value>> {
    let hosts = egress.denied().into_iter().map(|it| it.what);
    let sights = ended.observed.iter().flat_map(|it| it.refused());
    let sights = sights.filter(|it| it.deed.changes() && !is_named(ticket, &it.target));
    let sights =
        sights.map(|Sight { deed, target, .. }| format!("{} {}", deed.as_str(), target.display()));
    let left = ended.after.notes.iter().filter(|it| match it.kind {
        NoteKind::Moved { .. } | NoteKind::Kept { .. } | NoteKind::Left { .. } => {
            !is_named(ticket, &it.path)
        }
        NoteKind::Changed | NoteKind::Held { .. } => false,
    });
    let left = left.map(|it| format!("leave {}", it.path.display()));
    let all: Vec<String> = hosts.chain(sights).chain(left).collect();
    if all.is_empty() {
        return None;
    }
    let shown: Vec<&String> = all.iter().take(MOST).collect();
    let first = shown.first().map(|it| it.as_str()).unwrap_or_default();
    let more = match all.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let problem = format!("a contained command tried what was not foreseen: {first}{more}");
    Some(Map::from_iter([
        ("code".to_owned(), json!(CODE)),
        ("problem".to_owned(), json!(problem)),
        ("tried".to_owned(), json!(shown)),
        ("times".to_owned(), json!(all.len())),
    ]))
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
