//! How agents speak: foreign payloads and transcripts to actions, and back.
//!
//! Each agent names its tools and fields in its own way. [`normalize`] turns what any of them sent
//! into a [`Call`](ringfence_action::Call), the one shape that analysis reads; [`transcript`] reads
//! what agents keep on disk about their sessions, and [`labelled`] the rows of evaluation corpora,
//! into one stream of events.
//!
//! *Invariant:* only this crate knows the shape of a foreign payload, and nothing foreign is ever
//! guessed at in a way that would be milder: what is not understood is `Unknown` or `Malformed`.

mod agents;

pub mod hook;
pub mod install;
pub mod labelled;
mod normalize;
pub mod transcript;

pub use crate::normalize::normalize;
