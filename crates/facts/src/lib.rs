//! Ground truth, gathered by Ringfence itself.
//!
//! What an agent says about the world is not a fact. This crate looks: read-only, following no
//! symbolic link to content, running nothing, and within bounds. What it cannot tell stays absent,
//! which means unknown.
//!
//! A repository is data of whoever made it. Its files are read (`git/`), by a parser that starts no
//! program, in a thread that is left behind when the deadline passes.

mod deadline;
mod git;
mod live;

use std::fmt::Debug;
use std::time::Duration;

use ringfence_action::{Action, Effect, Facts};

pub use crate::deadline::Deadline;
pub use crate::live::Live;

/// Where facts come from.
pub trait FactSource: Debug + Send + Sync {
    /// The moment until which facts for one action, asked for now, are gathered.
    fn deadline(&self) -> Deadline {
        Deadline::after(Duration::ZERO)
    }

    /// The content of a regular file of at most [`MAX_FILE_BYTES`], reached without a symbolic
    /// link; `None` where there is none such.
    fn read(&self, path: &str) -> Option<String>;

    /// Adds what can be told, until the deadline, about the targets of the action's effects and the
    /// repositories that they could matter to. What is there already stays.
    fn gather(&self, action: &Action, effects: &[Effect], facts: &mut Facts, deadline: Deadline);
}

/// The longest file that is read for analysis: 1 MiB.
pub const MAX_FILE_BYTES: u64 = 1 << 20;

/// Only what came with the action: this host is not looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Supplied;

impl FactSource for Supplied {
    fn read(&self, _path: &str) -> Option<String> {
        None
    }

    fn gather(&self, _: &Action, _: &[Effect], _: &mut Facts, _: Deadline) {}
}
