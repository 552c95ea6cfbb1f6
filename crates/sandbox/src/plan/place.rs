//! Where a path lies, as a plan has it: what of a run's doings its walls refuse.
//!
//! This is what the plan says, not what the kernel answered; what is told of a run says so.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::Plan;

/// Where a path lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// What the run works with.
    Writable,
    /// What belongs to the run alone and is gone after it.
    Own,
    /// Read-only, as everything is that nobody asked for.
    ReadOnly,
    /// Read-only inside of what can be written: others execute or obey it.
    Protected,
    /// Cannot be renamed or removed, for what lies below it.
    Held,
    /// Cannot be opened: a secret, or a socket of this machine.
    Masked,
    /// Not there, for the run.
    Hidden,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Writable => "can be written",
            Self::Own => "is the run's own",
            Self::ReadOnly => "read only, since nobody asked for it",
            Self::Protected => "read only, since others execute or obey it",
            Self::Held => "held in its place, for what lies below it",
            Self::Masked => "a secret, or a socket of this machine",
            Self::Hidden => "hidden from the run",
        })
    }
}

/// Places that every run has of its own, besides its private folders.
const OWN: [&str; 3] = ["/dev", "/proc", "/run"];

impl Plan {
    /// Where a path lies: absolute, without links.
    pub fn place(&self, path: &Path) -> Place {
        let within = |outer: &Path| path.starts_with(outer);
        if self.mask.iter().any(|it| within(&it.path)) {
            return Place::Masked;
        }
        if self.protect.iter().any(|it| within(it)) {
            return Place::Protected;
        }
        // The innermost decides; of two at the same path, what is shown.
        let depth = |it: &Path| it.components().count();
        let shown = self.show.iter().filter(|it| within(&it.path));
        let shown = shown.map(|it| {
            (depth(&it.path), 1, if it.write { Place::Writable } else { Place::ReadOnly })
        });
        // A folder that is covered is there, and so is what leads to something shown in it.
        let there = self.show.iter().map(|it| &it.path).chain(&self.empty);
        let leads = there.into_iter().any(|it| it.starts_with(path));
        let hidden = self.hide.iter().filter(|it| !leads && within(it) && path != it.as_path());
        let hidden = hidden.map(|it| (depth(it), 0, Place::Hidden));
        let own = self.private.iter().map(|it| it.as_path()).chain(OWN.map(Path::new));
        let own = own.filter(|it| within(it)).map(|it| (depth(it), 0, Place::Own));
        let innermost =
            shown.chain(hidden).chain(own).max_by_key(|(depth, shown, _)| (*depth, *shown));
        innermost.map_or(Place::ReadOnly, |(_, _, place)| place)
    }

    /// Whether the run could make or change something at a path of a workspace, if nothing else protects it there. What
    /// nothing is laid on is read-only, as most of a workspace is where it is known what a run changes.
    pub(crate) fn is_writable(&self, path: &Path) -> bool {
        let shown = self.show.iter().filter(|it| path.starts_with(&it.path));
        let inner = shown.max_by_key(|it| it.path.components().count());
        inner.is_some_and(|it| it.write)
    }

    /// The same for something that is renamed or removed, with its name.
    pub fn place_of_name(&self, path: &Path) -> Place {
        let root = self.show.iter().any(|it| it.path == path);
        let pinned = self.pin.iter().chain(&self.settings).any(|it| it == path);
        match self.place(path) {
            Place::Writable if root || pinned => Place::Held,
            place => place,
        }
    }
}
