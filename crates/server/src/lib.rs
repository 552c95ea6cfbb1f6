//! One process that decides for many agents, shows what they do, and lets people step in.
//!
//! It holds nothing that matters: the log, the sessions and the holds are files that every hook reads and writes
//! as well, so that it may be there or not, and be killed at any moment. What it is for is speed (rules stay
//! read), sight (everything that is recorded is sent on to who watches, in order and without gaps, whoever
//! recorded it), and a place where a person answers and holds, with a proof that an agent cannot give.
//!
//! How a call is decided it does not know: that is the [`Gate`]'s, which is given to it.

mod api;
mod approvals;
mod assets;
mod auth;
mod brief;
mod door;
mod enrol;
mod feed;
mod gate;
mod intervene;
mod limits;
mod live;
mod metrics;
mod passkey;
mod policies;
mod problem;
#[cfg(test)]
mod tests;
mod vigilance;
mod words;

use std::net::SocketAddr;
use std::sync::Arc;

use ringfence_record::StateFolder;
use ringfence_record::desk::Desk;
use ringfence_record::holds::Holds;
use ringfence_record::log::Log;

use crate::approvals::Office;
use crate::auth::Auth;
pub use crate::auth::bearer_of;
pub use crate::door::ServeError;
pub use crate::enrol::{CODE_SERVES, ShowCode};
use crate::feed::Feed;
pub use crate::gate::{ApprovalTerms, Gate, Refused, Then};
use crate::limits::Limits;
use crate::metrics::Metrics;
pub use crate::words::{cost_of_no, effect_in_words, session_rule_in_words};

/// What is served, and where.
pub struct Terms {
    /// The state folder; the socket lies in it.
    pub state: StateFolder,
    /// Its log.
    pub log: Log,
    /// Where browsers reach it; port 0 is any.
    pub listen: SocketAddr,
    /// Whether something in front of it speaks TLS to whoever is not on this machine.
    pub behind_tls: bool,
    /// Shows a code for enrolling a passkey, where a person sits at the terminal.
    pub show_code: ShowCode,
    /// Who decides.
    pub gate: Arc<dyn Gate>,
}

/// Where a person finds it, once it listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The address with the token that opens it once.
    pub url: String,
}

/// Serves until it is told to end. `announce` is told where, once it listens.
///
/// # Errors
/// When it cannot listen, or another one serves the same folder.
pub fn serve(terms: Terms, announce: impl FnOnce(&Address)) -> Result<(), ServeError> {
    let desk = Desk::of(&terms.state);
    let _only = desk.take_place()?.ok_or(ServeError::Taken)?;
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // The others are for those who decide: what is asked and told waits for them, and not they for it.
        .worker_threads((processors / 2).max(1))
        .max_blocking_threads(64)
        .enable_all()
        .build()
        .map_err(ServeError::Listen)?;
    runtime.block_on(async {
        let listeners = door::Listeners::bind(&terms).await?;
        let auth = Auth::new(desk, listeners.address, terms.show_code)?;
        let address = auth.address();
        let server = Arc::new(Server {
            holds: Holds::of(&terms.state),
            feed: Feed::start(&terms.state, &terms.log)?,
            state: terms.state,
            log: terms.log,
            gate: terms.gate,
            auth,
            limits: Limits::default(),
            person_limits: Limits::default(),
            metrics: Metrics::default(),
            office: Office::default(),
        });
        announce(&address);
        if server.auth.passkeys().is_ok_and(|known| known.is_empty()) {
            // Where nobody is there, who announced has said so.
            let _ = server.auth.codes.renew();
        }
        approvals::keep_to_budget(server.clone());
        listeners.serve(api::routes(server)).await
    })
}

/// What every request is answered with.
struct Server {
    state: StateFolder,
    log: Log,
    holds: Holds,
    gate: Arc<dyn Gate>,
    feed: Feed,
    auth: Auth,
    limits: Limits,
    /// Of the person at the console: no process takes their turn.
    person_limits: Limits,
    metrics: Metrics,
    office: Office,
}
