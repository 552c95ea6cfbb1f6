//! Whether people who watch agents still see anything.
//!
//! People approve nearly every prompt; so the question is not whether somebody was asked, but whether asking
//! still means something. This crate counts what tells: how often people say no and how long they look first,
//! how often they step in, how often the agent stops to ask, how much runs without anybody, and how much of it the
//! gate saw. The figures stand beside those that others have published ([`baseline`]).
//!
//! ```text
//! transcripts → Seen → Session → Counts ─┐
//!                                        ├→ Report → rows → text, Markdown, HTML
//! audit log   → entries → Guard ─────────┘
//! ```
//!
//! It is a pure counter over neutral observations ([`Seen`]): it opens nothing, and knows no agent's formats.
//!
//! *Invariant:* what a transcript cannot tell is *not known*, never zero; every figure has its n.

pub mod baseline;
pub mod chart;
mod counts;
mod guard;
pub mod html;
mod irreversible;
pub mod markdown;
mod measure;
mod report;
pub mod rows;
mod seen;
mod session;

pub use counts::Counts;
pub use guard::{Guard, call_of};
pub use irreversible::is_irreversible;
pub use measure::{Percentiles, Share, Unknown};
pub use report::{Bucket, Guarded, Report};
pub use seen::{By, Decided, Mode, Seen, What};
pub use session::Session;
