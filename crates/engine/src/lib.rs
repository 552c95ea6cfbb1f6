//! The only place where a decision is made.
//!
//! [`Engine::decide`] takes an action and the call its adapter understood, and walks the layers in
//! order: analysis (what it would do), facts (what is true here), policy (what the rules say, one
//! question per effect), session (what this session has seen and been told), consent (what the user
//! named), and a judge where one is asked ([`Reviewer`]). The strictest answer stands; a layer below never widens what a layer above forbids.
//!
//! *Invariant:* no other crate makes a [`Decision`](ringfence_action::Decision).
//!
//! *Invariant:* same action, facts, session state and bundle: same decision. The clock is read for
//! `elapsed_us` alone.
//!
//! *Invariant:* there is no path from error to allow.

mod breadth;
mod consent;
mod database;
mod detour;
mod drift;
mod engine;
mod extent;
mod gather;
mod grants;
mod lexicon;
mod losses;
mod made;
mod means;
mod named;
mod names;
mod narrow;
mod operations;
pub mod past;
mod plan;
mod protections;
mod results;
mod review;
mod said;
mod session;
mod session_rules;
mod speech;
mod stage_one;
mod target_facts;
mod wishes;
mod words;

pub use crate::engine::{Engine, Explained, Options};
pub use crate::narrow::SessionRule;
pub use crate::results::{Came, INJECTION, UNREAD};
pub use crate::review::{LeftOpen, Reviewer};
pub use crate::session::{Heard, Inheritance, Session, Sessions};
pub use crate::stage_one::StageOne;
