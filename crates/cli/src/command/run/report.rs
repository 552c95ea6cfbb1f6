//! What the walls held back, for people: what it was, which wall of the plan, and how to allow it.
//!
//! Only what is known is said. The way out knows who was asked for; which files were refused is known of a
//! run that was observed, and of no other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ringfence_egress::Report;
use ringfence_sandbox::{Deed, Ended, Observed, Place, Plan, RefusedCall, Sight, Why};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::later::{self, Later};
use super::learn::Proposal;
use super::say;

/// Something that was held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Blocked {
    /// What was asked for.
    what: String,
    /// Which part of the plan holds it: `network`, or where a path lies.
    by: String,
    /// The same in words.
    why: String,
    times: u64,
    /// What would allow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    allow: Option<String>,
    /// The same as a line of a profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
}

impl std::fmt::Display for Blocked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}", self.what, self.why)?;
        if self.times > 1 {
            write!(f, ", {} times", self.times)?;
        }
        f.write_str(")")?;
        self.allow.iter().try_for_each(|it| write!(f, ": {it}"))
    }
}

/// What was held back in a run.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) blocked: Vec<Blocked>,
    /// How much more there was.
    more: u64,
    /// What of it is not known.
    unknown: Option<&'static str>,
}

/// More lines than this are only counted, for people.
const MOST_LINES: usize = 12;

impl Held {
    pub(super) fn of(
        plan: &Plan,
        egress: &Report,
        observed: Option<&Observed>,
        home: &[PathBuf],
    ) -> Self {
        let network = egress.denied().into_iter().map(|it| Blocked {
            what: it.what,
            by: "network".to_owned(),
            why: it.why,
            times: it.times,
            allow: it.allow,
            profile: it.profile,
        });
        let files = observed.map(|it| files(it, home)).unwrap_or_default();
        let calls = observed.iter().flat_map(|it| &it.calls).map(|it| call(it, plan));
        let nobody_at_the_door = plan.network || plan.doors.is_none();
        let unknown = match observed {
            Some(_) => None,
            None if nobody_at_the_door => Some(
                "which files, hosts and system calls were refused is not known without --observe",
            ),
            None => {
                Some("which files and system calls were refused is not known without --observe")
            }
        };
        Self { blocked: network.chain(files).chain(calls).collect(), more: egress.more, unknown }
    }

    /// Says it, where there is something to say.
    pub(super) fn tell(&self, code: u8) {
        for line in self.blocked.iter().take(MOST_LINES) {
            say(&format!("blocked: {line}"));
        }
        let more = self.more + self.blocked.len().saturating_sub(MOST_LINES) as u64;
        if more > 0 {
            say(&format!("blocked: {more} more"));
        }
        if code == 0 {
            return;
        }
        let unknown = self.unknown.map(|it| format!("; {it}")).unwrap_or_default();
        say(&format!("ended with exit code {code}{unknown}"));
    }

    /// The same for machines.
    pub(super) fn to_json(&self) -> Value {
        json!({"blocked": self.blocked, "more": self.more, "unknown": self.unknown})
    }
}

/// A system call that was refused.
fn call(refused: &RefusedCall, plan: &Plan) -> Blocked {
    let nests = refused.why == Why::Nesting && !plan.nested;
    Blocked {
        what: format!("call {}", refused.call),
        by: "calls".to_owned(),
        why: refused.why.to_string(),
        times: refused.times,
        allow: nests.then(|| "for a sandbox of its own, allow with --profile nested".to_owned()),
        profile: nests.then(|| "[system] nested = true".to_owned()),
    }
}

/// What was refused of files, one line for all that the same thing would allow.
fn files(observed: &Observed, home: &[PathBuf]) -> Vec<Blocked> {
    let mut lines: BTreeMap<(Place, bool, &Path), Vec<&Sight>> = BTreeMap::new();
    for sight in observed.refused() {
        let Some(place) = sight.place else { continue };
        let path = to_allow(&sight.target, home);
        lines.entry((place, sight.deed.changes(), path)).or_default().push(sight);
    }
    lines.into_iter().filter_map(|(at, sights)| line(at, &sights, home)).collect()
}

/// The folder something is in, unless that is a whole home folder or one at the top of the system: more
/// than anything needs.
fn to_allow<'a>(target: &'a Path, home: &[PathBuf]) -> &'a Path {
    let folder = target.parent().unwrap_or(target);
    let whole = home.iter().any(|it| it.starts_with(folder)) || folder.components().count() <= 2;
    if whole { target } else { folder }
}

fn line(
    (place, changes, path): (Place, bool, &Path),
    sights: &[&Sight],
    home: &[PathBuf],
) -> Option<Blocked> {
    let first = sights.first()?;
    let others = match sights.len() - 1 {
        0 => String::new(),
        1 => " and another there".to_owned(),
        more => format!(" and {more} others there"),
    };
    let what = format!("{} {}{others}", first.deed.as_str(), first.target.display());
    let (allow, profile) = remedy(place, changes, path, first, home);
    Some(Blocked {
        what,
        by: serde_json::to_value(place).ok()?.as_str()?.to_owned(),
        why: place.to_string(),
        times: sights.iter().map(|it| it.times).sum(),
        allow,
        profile,
    })
}

/// What would allow it: as a flag, and as a line of a profile.
fn remedy(
    place: Place,
    changes: bool,
    path: &Path,
    first: &Sight,
    home: &[PathBuf],
) -> (Option<String>, Option<String>) {
    let below = home.iter().find_map(|it| path.strip_prefix(it).ok());
    let (flag, name) = if changes { ("--write", "write") } else { ("--read", "read") };
    let line = match below {
        Some(below) => Some(format!("[home] {name} = [\"{}\"]", below.display())),
        None if changes => Some(format!("[system] write = [\"{}\"]", path.display())),
        None => None,
    };
    match place {
        Place::Writable | Place::Own => (None, None),
        Place::ReadOnly | Place::Hidden if path.symlink_metadata().is_ok() => {
            (Some(format!("allow with {flag} {}", path.display())), line)
        }
        Place::ReadOnly | Place::Hidden => {
            (Some(format!("make {} first, then allow it with {flag}", path.display())), line)
        }
        Place::Protected | Place::Held => (Some("change it outside of the run".to_owned()), None),
        Place::Masked if first.deed == Deed::Connect => (None, None),
        Place::Masked => {
            let allow = format!("if it is no secret, allow with --read {}", first.target.display());
            (Some(allow), None)
        }
    }
}

/// What is told of a run that has ended.
pub(super) struct Outcome<'a> {
    pub(super) held: Held,
    pub(super) later: Vec<Later>,
    pub(super) proposal: Option<Proposal>,
    pub(super) ended: &'a Ended,
}

impl Outcome<'_> {
    /// What the last entry of the run says.
    pub(super) fn entry(&self, egress: &Report) -> Map<String, Value> {
        let mut entry = ended(self.ended);
        entry.insert("egress".into(), json!(egress));
        entry.insert("report".into(), self.held.to_json());
        entry.insert("later".into(), json!(self.later));
        if let Some(proposal) = &self.proposal {
            entry.insert("proposal".into(), json!(proposal.to_string()));
        }
        entry
    }

    /// For people.
    pub(super) fn tell(&self, here: &Path) {
        self.held.tell(self.ended.code);
        let after = &self.ended.after;
        after.notes.iter().for_each(|note| say(&note.to_string()));
        for it in after.vanished() {
            say(&format!(
                "{} was there {} ms after the start and is gone: what looked at the workspace then may have obeyed it",
                it.path.display(),
                it.after_ms
            ));
        }
        if after.incomplete {
            say("the workspace holds more than is looked at after a run");
        }
        later::tell(&self.later, here);
    }

    /// For machines.
    pub(super) fn to_json(&self) -> Value {
        let Ended { code, tier, after, observed, .. } = self.ended;
        json!({"exit": code, "tier": tier, "after": after, "later": self.later,
               "report": self.held.to_json(), "observed": observed,
               "proposal": self.proposal.as_ref().map(ToString::to_string)})
    }
}

/// How a run ended, for its last entry.
pub(super) fn ended(ended: &Ended) -> Map<String, Value> {
    let mut entry = Map::new();
    let mut add = |name: &str, value: Value| entry.insert(name.to_owned(), value);
    add("tier", json!(ended.tier));
    add("exit", json!(ended.code));
    add("left_running", json!(ended.left_running));
    add("after", json!(ended.after));
    entry
}
