//! What is kept of a session between hook processes, and where.

#![expect(clippy::disallowed_methods, reason = "the home folder is looked up in the user database")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use ringfence_engine::Session;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::origin::Process;

/// One session, as it is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    pub(super) session: Session,
    /// The agent's process, as the first event showed it.
    pub(super) agent: Option<Process>,
    /// An event came from elsewhere than the agent's process.
    pub(super) foreign_event: bool,
    /// The folder that the session began in: what a contained call may write.
    pub(super) workspace: Option<PathBuf>,
    /// Calls that were decided and have not come back.
    pending: BTreeMap<String, Pending>,
}

/// A call that was decided.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Pending {
    /// The digest of the input that is to run.
    pub(super) input: String,
    /// Paths that would be new.
    pub(super) creates: Vec<String>,
    /// The ticket with which it runs inside, if it does.
    pub(super) ticket: Option<String>,
}

/// More calls than this do not run at once; older ones were refused by the user and never came back.
const MAX_PENDING: usize = 256;

impl Kept {
    pub(super) fn expect(&mut self, call: Option<&str>, pending: Pending) {
        if self.pending.len() >= MAX_PENDING {
            self.pending.pop_first();
        }
        if let Some(call) = call {
            self.pending.insert(call.to_owned(), pending);
        }
    }

    /// The call that was rewritten to exactly this, if it has not run yet.
    pub(super) fn rewritten(&self, input: &str) -> Option<&Pending> {
        self.pending.values().find(|pending| pending.ticket.is_some() && pending.input == input)
    }

    pub(super) fn take(&mut self, call: Option<&str>) -> Option<Pending> {
        self.pending.remove(call?)
    }
}

/// The digest of a call's input.
pub(super) fn digest(input: &Value) -> String {
    format!("sha256:{:x}", Sha256::digest(input.to_string().as_bytes()))
}

/// The home folder, from the user database: a repository can set `HOME`.
pub(super) fn home() -> Option<String> {
    let me = fs::metadata("/proc/self").ok()?.uid().to_string();
    let users = fs::read_to_string("/etc/passwd").ok()?;
    users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        (fields.get(2) == Some(&me.as_str()))
            .then(|| fields.get(5).map(|home| (*home).to_owned()))?
    })
}

/// The state folder where `init` wrote none.
pub(super) fn default_folder() -> Result<PathBuf, String> {
    home().map(|home| PathBuf::from(home).join(".local/state/ringfence")).ok_or_else(|| {
        "the user database does not name a home folder; run `ringfence init` to name the state \
         folder in the hook itself"
            .to_owned()
    })
}
