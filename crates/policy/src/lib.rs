//! What the rules say.
//!
//! A [`Bundle`] is a versioned set of Cedar policies with a digest. The engine asks it about one
//! effect (or one opaque remark) at a time, with the facts and session state that rules may read,
//! and gets an [`Evaluation`]: the strictest outcome of the rules that determined it, and which they
//! were. The bundle is sliced by effect kind, so that a question only costs the rules that could answer
//! it; of the default rules only those are ever read.
//!
//! *Invariant:* no I/O, no clock. Rule texts come in as strings (the default ones are compiled in).
//!
//! *Invariant:* a policy that errors at evaluation is a deny, and a bundle that does not validate
//! strictly against the schema does not load.

#[cfg(test)]
mod bless;
mod bundle;
mod context;
mod error;
mod evaluate;
mod library;
mod packs;
mod read;
mod request;
mod rule;
mod schema;
mod validated;
mod written;

pub use crate::bundle::{Bundle, Source};
pub use crate::error::{BundleError, Problem};
pub use crate::evaluate::unspoken;
pub use crate::packs::default_sources;
pub use crate::request::{
    Evaluation, Hit, RepositoryFacts, Request, SessionFacts, Subject, TargetFacts,
};
pub use crate::rule::{Layer, Rule};
pub use crate::schema::{SCHEMA, schema_text};
pub use crate::written::Tried;
