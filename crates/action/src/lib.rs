//! The vocabulary of Ringfence.
//!
//! An agent asks for an [`Action`]: a tool, its input, and where it would run. Analysis turns it into
//! [`Effect`]s (what the world would look like afterwards) and [`Opaque`] remarks (what could not be
//! told). The engine answers with a [`Decision`]. Every other crate speaks in these words, so this
//! one stays small: it does no I/O, reads no clock, spawns nothing, and depends on nothing of ours.
//!
//! *Invariant:* everything here is plain data with a stable JSON form; the schemas in `schema/` are
//! generated from these types.

mod action;
mod attribute;
mod call;
mod decision;
mod effect;
mod evidence;
mod facts;
mod nesting;
mod notation;
mod opaque;
pub mod path;
mod target;
mod verdict;

pub use crate::action::{Action, Agent, MalformedAction, Platform};
pub use crate::attribute::{Attr, AttrType, AttrValue, Attributes};
pub use crate::call::{Call, Dialect, Replacement, Text};
pub use crate::decision::{DecidedBy, Decision, RuleHit};
pub use crate::effect::{Effect, EffectKind, Scope};
pub use crate::evidence::Evidence;
pub use crate::facts::{Facts, GitFacts, GitHead, PathFacts, PathKind, WorkTree};
pub use crate::nesting::nests_deeper;
pub use crate::notation::{EffectPattern, NotationError};
pub use crate::opaque::{Opaque, OpaqueReason};
pub use crate::target::Target;
pub use crate::verdict::{Outcome, Preset, Verdict};
