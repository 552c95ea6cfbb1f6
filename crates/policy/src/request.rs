//! The question that the engine asks, and the answer it gets.

use std::collections::BTreeSet;

use ringfence_action::{Effect, Opaque, Outcome, PathKind, Preset};

/// What is judged: one effect with one concrete target, or one opaque remark.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// A consequence. Its target is not [`ringfence_action::Target::OneOf`]: the engine asks about
    /// each alternative in turn.
    Effect(&'a Effect),
    /// Something that analysis could not tell.
    Opaque(&'a Opaque),
}

/// One question to the bundle.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The kind of agent: the Cedar principal.
    pub agent: &'a str,
    /// What is assumed where no rule speaks.
    pub preset: Preset,
    /// What is judged.
    pub subject: Subject<'a>,
    /// Ground truth about the target.
    pub target: &'a TargetFacts,
    /// Ground truth about the repository that the subject is about.
    pub repository: &'a RepositoryFacts,
    /// What the session has seen and been told.
    pub session: &'a SessionFacts,
}

/// Ground truth about one target. Absent is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetFacts {
    /// Whether something is there.
    pub exists: Option<bool>,
    /// What is there.
    pub kind: Option<PathKind>,
    /// Whether this session made it.
    pub created: bool,
    /// Whether version control has it.
    pub tracked: Option<bool>,
    /// Whether version control ignores it.
    pub ignored: Option<bool>,
    /// Whether untracked, not ignored files are at or below it.
    pub holds_untracked: Option<bool>,
    /// Whether the last commit holds all that tracked files at or below it contain.
    pub clean: Option<bool>,
    /// Commits that nothing would hold any more afterwards.
    pub orphaned: Option<u64>,
    /// For a change of infrastructure: how much the largest plan that was shown would take away.
    pub plan_takes: Option<u64>,
    /// Commits of others that only the remote branch holds, as far as it was last seen.
    pub foreign: Option<u64>,
    /// For a branch or ref: whether it is the default branch of its remote.
    pub default_branch: Option<bool>,
    /// For a branch or ref: whether it is the one checked out.
    pub current_branch: Option<bool>,
    /// For a remote: whether it is the project that this repository was forked from.
    pub upstream: Option<bool>,
    /// For a destination (host, remote, registry, recipient): whether it was seen before in the
    /// session, the user's words or the configuration.
    pub known_destination: Option<bool>,
    /// Whether the user named exactly this target together with this operation.
    pub named_by_user: bool,
}

impl TargetFacts {
    /// The same, where the user asked for it together with something else.
    #[must_use]
    pub fn asked_for(&self) -> Self {
        Self { named_by_user: true, ..self.clone() }
    }
}

/// Ground truth about the repository that the effect is about. Absent is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RepositoryFacts {
    /// The branch checked out.
    pub branch: Option<String>,
    /// The trunk.
    pub default_branch: Option<String>,
    /// Uncommitted changes to tracked files.
    pub dirty: Option<bool>,
    /// Whether there are untracked files that are not ignored.
    pub has_untracked: Option<bool>,
    /// Commits that no remote has.
    pub unpushed: Option<u64>,
    /// Entries of the stash.
    pub stashes: Option<u64>,
}

/// What the session has seen and been told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionFacts {
    /// Sources of untrusted text read so far: `web`, `mcp`, `browser`, `injection`…
    pub untrusted: BTreeSet<String>,
    /// Sources of private data read so far: `credential`, `secret`, `private`…
    pub private: BTreeSet<String>,
    /// What the user said not to do: effect kinds, or `kind.op`.
    pub boundaries: BTreeSet<String>,
    /// Denials so far.
    pub denials: u64,
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// The strictest outcome among the determining rules, or the preset's.
    pub outcome: Outcome,
    /// The rules that spoke, strictest first; empty where the preset decided.
    pub hits: Vec<Hit>,
    /// What went wrong, if a policy errored: then `outcome` is deny.
    pub error: Option<String>,
}

/// A rule that spoke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Its stable name.
    pub id: String,
    /// What it says.
    pub outcome: Outcome,
    /// Why, for people.
    pub why: String,
    /// What to do instead, for the agent.
    pub instead: String,
    /// Whether the user's naming operation and target lowers `ask` to `allow`.
    pub consentable: bool,
    /// Whether a person may let through, once, what it stands against.
    pub overridable: bool,
}
