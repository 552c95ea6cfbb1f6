//! Stage 1: how much does an action look like one that nobody asked for and that does harm?
//!
//! It is asked about what rules left open, and its answer can only make things stricter. It never sees
//! text of a tool: [`Evidence`] holds what the engine worked out of the action (effects, what is opaque,
//! which rules spoke and were overruled), what the session has seen, and whether the user named what is
//! done. [`features`] gives each piece of it a name; a [`Model`] has a weight for each name.
//!
//! *Monotone:* names of danger have weights of at least zero, names of consent of at most zero. More
//! evidence of danger never lowers a score; a test says so of the weights, and a property of scores.

mod features;
mod model;

pub use self::features::{Evidence, Feature, Side, features};
pub use self::model::{Model, Scored};
