//! The words in which people ask for things, forbid them, and take that back.
//!
//! Deliberately small: consent needs a verb *and* the exact target, so a word that is missing here
//! costs a question, never an accident.

mod forbidding;
mod small;
mod verbs;

pub(crate) use forbidding::*;
pub(crate) use small::*;
pub(crate) use verbs::*;

use serde::{Deserialize, Serialize};

/// What people name with one verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Operation {
    Push,
    ForcePush,
    Commit,
    /// Commits that exist become others.
    Rewrite,
    Merge,
    Delete,
    Discard,
    Install,
    Publish,
    Deploy,
    Send,
    Pay,
    Change,
    Run,
    Stop,
    Grant,
    Approve,
    Close,
    Create,
    /// Taking away and making again.
    Recreate,
    /// Opening something to others.
    Expose,
    /// Leaving something behind that starts by itself.
    Schedule,
    /// Leaving out a check.
    Skip,
    /// A change is put up for others to look at.
    Propose,
}
