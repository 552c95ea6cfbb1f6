//! What is kept of a session between hook processes, and where.

#![expect(clippy::disallowed_methods, reason = "the home folder is looked up in the user database")]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ringfence_classify::judge::History;
use ringfence_engine::Session;
use ringfence_record::log::Receipt;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::processes::Process;

/// One session, as it is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    pub(super) session: Session,
    /// The agent's processes: one, unless the session was opened a second time.
    pub(super) agents: Vec<Process>,
    /// The folder that the session began in: where it is meant to work.
    pub(super) workspace: Option<String>,
    /// Prompts that the agent's transcript has not shown yet.
    pub(super) prompts: Unconfirmed,
    /// Calls that were decided and have not come back, oldest first.
    pending: Vec<(String, Pending)>,
    /// The newest entry of this session in the log.
    pub(super) receipt: Option<Receipt>,
    /// When the last message came, as the clock said.
    pub(super) at: Option<String>,
    /// How many calls were asked about.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) calls: u64,
    /// The agent has not said yet that the session begins, and will before its first call.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) unannounced: bool,
    /// What a judge may see of the session, where one is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) history: Option<History>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Prompts that wait to be seen in the transcript.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Unconfirmed {
    /// Digests of the words, oldest first.
    pub(super) digests: Vec<String>,
    /// The transcript, once its first event named it.
    pub(super) transcript: Option<PathBuf>,
    /// Where in it the next look begins.
    pub(super) offset: u64,
}

/// A call that was decided.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Pending {
    /// The digest of the input that is to run.
    pub(super) input: String,
    /// Whether it was denied: it must not come back at all.
    pub(super) denied: bool,
    /// Paths that would be new.
    pub(super) creates: Vec<String>,
    /// The ticket with which it runs inside, if it does.
    pub(super) ticket: Option<String>,
    /// The digest of the command that runs it inside. It names the ticket, so that there is only one like it.
    pub(super) command: Option<String>,
    /// Whether a person let it through.
    pub(super) let_through: bool,
}

/// More calls than this do not run at once; older ones were refused by the user and never came back.
const MAX_PENDING: usize = 64;

impl Kept {
    /// Where the agent has no id for a call, what it does stands for it.
    pub(super) fn expect(&mut self, call: Option<&str>, pending: Pending) {
        if self.pending.len() >= MAX_PENDING {
            self.pending.remove(0);
        }
        let id = call.unwrap_or(&pending.input).to_owned();
        self.pending.push((id, pending));
    }

    /// The call of this id, or of this digest where the agent has no ids.
    pub(super) fn take(&mut self, call: &str) -> Option<Pending> {
        let at = self.pending.iter().position(|(id, _)| id == call)?;
        Some(self.pending.remove(at).1)
    }

    /// A call that has not run yet and was rewritten to exactly this, or let through as this by a person.
    pub(super) fn settled(&self, input: &Value) -> Option<&Pending> {
        let (whole, command) = (digest(input), command_of(input));
        let pending = self.pending.iter().map(|(_, pending)| pending);
        let mut settled = pending.filter(|it| it.ticket.is_some() || it.let_through);
        // Not every agent asks its user with all of the input.
        settled.find(|it| it.input == whole || (command.is_some() && it.command == command))
    }

    /// The calls that may be running now.
    pub(super) fn running(&self) -> Vec<&str> {
        let running = self.pending.iter().filter(|(_, pending)| !pending.denied);
        running.map(|(id, _)| id.as_str()).collect()
    }
}

/// The digest of the command in an input.
pub(super) fn command_of(input: &Value) -> Option<String> {
    input.get("command").and_then(Value::as_str).map(digest_of)
}

/// What can be told apart of a call's input.
pub(super) fn digest(input: &Value) -> String {
    digest_of(&input.to_string())
}

pub(super) fn digest_of(text: &str) -> String {
    format!("sha256:{:x}", Sha256::digest(text.as_bytes()))
}

/// The home folder of this user, from the user database: a repository can set `HOME`. Where accounts
/// are kept elsewhere, `init` has written it into the hook.
pub(super) fn home_of(user: u32) -> Option<String> {
    let me = user.to_string();
    let users = fs::read_to_string("/etc/passwd").ok()?;
    users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        (fields.get(2) == Some(&me.as_str()))
            .then(|| fields.get(5).map(|home| (*home).to_owned()))?
    })
}

/// The state folder where `init` wrote none.
pub(super) fn default_folder(home: Option<&Path>) -> Result<PathBuf, String> {
    let own = || fs::metadata("/proc/self").ok().and_then(|own| home_of(own.uid()));
    let home = home.map(Path::to_owned).or_else(|| own().map(PathBuf::from));
    home.map(|home| home.join(".local/state/ringfence")).ok_or_else(|| {
        "the user database does not name a home folder; run `ringfence init` to name the folders \
         in the hook itself"
            .to_owned()
    })
}
