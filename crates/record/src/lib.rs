//! What happened, kept so that it can be checked.
//!
//! The truth is the audit log: append-only segments of JSON lines, each line with the hash of
//! its own content and of the line before ([`log`]). A database is a projection of it that can be thrown away and built again
//! ([`projection`]). Between the short lives of hook processes, what a session has said and seen is
//! kept in one file each ([`sessions`]). Secrets are replaced before anything is judged or written
//! ([`redact`]). A call that is to run contained leaves a ticket until it does ([`tickets`]), and one that a person
//! may let through a case ([`cases`]). What a person holds is in one file that every decision reads ([`holds`]).
//! What a run knew of its folders spares the next one the looking ([`scans`]).
//! For whoever was not there, the log is a signed Merkle tree, too ([`transparency`]).
//! What a judge was asked and what that cost is counted across processes ([`ledger`]).
//!
//! *Invariant:* only this crate persists.
//!
//! *Invariant:* an entry is on disk before [`log::Log::append`] returns; a torn line was never
//! acknowledged.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the crate that keeps files, and reads what it kept"
)]

pub mod agents;
pub mod cases;
pub mod desk;
pub mod given;
pub mod holds;
pub mod ledger;
pub mod log;
pub mod originals;
pub mod projection;
pub mod redact;
pub mod scans;
pub mod sessions;
pub mod tickets;
pub mod transparency;

mod folder;

pub use crate::folder::{RecordError, StateFolder};
