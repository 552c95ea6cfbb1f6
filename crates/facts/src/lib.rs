//! Ground truth, gathered by Ringfence itself.
//!
//! What an agent says about the world is not a fact. This crate looks: read-only, following no
//! symbolic link to content, running nothing, and within bounds. What it cannot tell stays absent,
//! which means unknown.

mod live;

use std::fmt::Debug;

use ringfence_action::{Action, Effect, Facts};

pub use crate::live::Live;

/// Where facts come from.
pub trait FactSource: Debug + Send + Sync {
    /// The content of a regular file of at most [`MAX_FILE_BYTES`], reached without a symbolic
    /// link; `None` where there is none such.
    fn read(&self, path: &str) -> Option<String>;

    /// Adds what can be told about the action's folder and the targets of its effects. What is
    /// there already stays.
    fn gather(&self, action: &Action, effects: &[Effect], facts: &mut Facts);
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

    fn gather(&self, _action: &Action, _effects: &[Effect], _facts: &mut Facts) {}
}
