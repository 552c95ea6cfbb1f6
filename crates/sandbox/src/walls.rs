//! The walls by name, so that a test can take one away and show that it was the one that held.
//!
//! Nothing but tests of this crate does that: a run without a wall refuses to start, unless its witness is
//! taken away as well, and no command line leads here.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// One of the things that hold a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Wall {
    /// The system read-only, and what is hidden covered.
    Mounts,
    /// What exists and others execute is read-only.
    Held,
    /// Folders above that cannot be renamed.
    Pins,
    /// Secrets and sockets that cannot be opened.
    Masks,
    /// Settings of repositories are copies.
    Copies,
    /// What appears and others would execute is moved away.
    After,
    /// Only the run's own processes.
    Processes,
    /// Only the run's own shared memory and queues.
    Shared,
    /// Only the run's own network.
    Network,
    /// Landlock.
    Landlock,
    /// System calls are refused.
    Calls,
    /// No capabilities, and none to be gained.
    Privileges,
    /// Files that the caller has open are closed.
    Descriptors,
    /// Ids of its own. As another user than root, everything that needs them goes with them.
    Ids,
    /// Limits of resources.
    Limits,
    /// The proof, just before the command starts, that the others stand.
    Witness,
}

/// Which walls stand: all of them, unless a test says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walls {
    gone: BTreeSet<Wall>,
}

impl Walls {
    /// All but some.
    pub fn without(gone: impl IntoIterator<Item = Wall>) -> Self {
        Self { gone: gone.into_iter().collect() }
    }

    /// Whether one stands.
    pub(crate) fn stands(&self, wall: Wall) -> bool {
        !self.gone.contains(&wall)
    }
}
