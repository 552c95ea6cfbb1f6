//! The way out of a sandbox: by name, as listed, and nothing else.
//!
//! A run has a network of its own in which every address leads here. This crate answers its questions
//! for names, takes its connections, asks the [`Rules`], and connects to exactly what it checked. It
//! neither knows nor cares how the sockets came to be: it is handed them ([`Sockets`]).
//!
//! The way of one connection: whatever the client says (an address that stands for a name, a proxy
//! request) becomes a [`Host`], once; rules and resolver see that host and nothing else; what the client
//! says next has to name the same host again, or it ends there.

mod address;
mod dial;
mod door;
mod event;
mod gate;
mod host;
mod http;
mod names;
mod relay;
mod rules;
mod secret;
mod serve;
mod socks;
mod tls;
mod vault;

pub use address::Kept;
pub use dial::{Resolver, system_resolver};
pub use event::{Denied, Event, EventKind, Line, Reason, Report};
pub use host::{Host, NotAName, Pattern};
pub use rules::{Allowed, BadRule, Rules};
pub use secret::Secret;
pub use serve::{Egress, Inbound, Inside, Sockets};
pub use vault::Vault;
