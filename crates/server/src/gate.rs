//! Who decides. The server knows no agent, no rule and no session: it is given this.

use std::collections::BTreeSet;

use serde_json::Value;

/// Why there is no answer, for whoever asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The status of HTTP that says what kind of failure it is.
    pub status: u16,
    /// What happened, why, what to do.
    pub problem: String,
}

impl Refused {
    /// Something that the asker can put right.
    pub fn wrong(problem: impl Into<String>) -> Self {
        Self { status: 400, problem: problem.into() }
    }

    /// Something that is not the asker's fault. A hook decides by itself then.
    pub fn undecided(problem: impl Into<String>) -> Self {
        Self { status: 503, problem: problem.into() }
    }

    /// Too much is asked at once.
    pub fn too_much(problem: impl Into<String>) -> Self {
        Self { status: 429, problem: problem.into() }
    }
}

/// Who is told of a decision.
pub type Then = Box<dyn FnOnce(Result<Vec<u8>, Refused>) + Send>;

/// What is wanted of the queue of those that wait for a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApprovalTerms {
    /// What a person answers in an hour with care.
    pub per_hour: u32,
    /// Rules; what they stand against takes two people.
    pub needs_two: Vec<String>,
    /// How many requests may be made up in a day; none where nobody wants that.
    pub probes_per_day: Option<u32>,
}

/// The gate, as the server needs it. Every call but [`Gate::decide`] may block.
pub trait Gate: Send + Sync + 'static {
    /// The answer to a message of an agent's hook, as JSON. `hook` is the process that asks, as the kernel
    /// names it; `asked` says in its first line with which folders it works, and the message follows.
    ///
    /// # Errors
    /// When the hook is to decide by itself.
    fn answer(&self, agent: &str, hook: u32, asked: &[u8]) -> Result<Vec<u8>, Refused>;

    /// Has an action decided, and may return before it is. `then` gets the decision, both as JSON, once it is
    /// recorded; or why the action could not be read, decided or recorded: nothing is permitted then. It does not
    /// block, and where it is dropped there is no decision.
    fn decide(&self, action: Vec<u8>, then: Then);

    /// The digest of the rules.
    ///
    /// # Errors
    /// When they do not load.
    fn bundle(&self) -> Result<String, String>;

    /// Whether the agents here are guarded, as `ringfence status --json` has it.
    ///
    /// # Errors
    /// When it cannot be told.
    fn status(&self) -> Result<Value, String>;

    /// The rules that hold here: `{bundle, preset, packs, own}`.
    ///
    /// # Errors
    /// When they do not load.
    fn policies(&self) -> Result<Value, String>;

    /// What is wrong with a draft of the user's own rules: `{diagnostics}`.
    ///
    /// # Errors
    /// When it cannot be told.
    fn check_rules(&self, name: &str, text: &str) -> Result<Value, String>;

    /// What is decided of an action, by the rules that hold and by a draft: `{before, now}`, each a decision. Nothing
    /// is recorded.
    ///
    /// # Errors
    /// When the draft does not load, or that is no action.
    fn try_rules(&self, name: &str, text: &str, action: &Value) -> Result<Value, String>;

    /// What a draft would have decided otherwise in the last days: `{actions, unreadable, changed}`.
    ///
    /// # Errors
    /// When it does not load, or the log cannot be read.
    fn replay_rules(&self, name: &str, text: &str, days: u32) -> Result<Value, String>;

    /// Keeps a draft: it holds from the next call on.
    ///
    /// # Errors
    /// When it does not load, or cannot be written.
    fn keep_rules(&self, name: &str, text: &str) -> Result<(), String>;

    /// What people who watch still see, as `ringfence oversight --json` has it.
    ///
    /// # Errors
    /// When it cannot be told.
    fn oversight(&self) -> Result<Value, String>;

    /// What is wanted of the queue.
    ///
    /// # Errors
    /// When the user's choice cannot be read.
    fn approvals(&self) -> Result<ApprovalTerms, String>;

    /// Why a rule is there, for people, and what it tells agents to do instead.
    fn rule(&self, id: &str) -> Option<(String, String)>;

    /// The sessions whose agents are alive.
    fn alive(&self) -> BTreeSet<String>;

    /// Ends the agents of a session, or of all, with what they started. Returns how many processes that were.
    fn end(&self, session: Option<&str>) -> usize;
}
