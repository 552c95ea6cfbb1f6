//! What an action and a text look like.
//!
//! Rules say what an action does; this crate says how likely it is that nobody asked for it, and how likely a
//! text that came in talks to the agent instead of to the person. It may only make things stricter.

pub mod judge;
pub mod probe;
pub mod stage_one;
