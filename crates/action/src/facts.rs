//! Ground truth: what is so, gathered by Ringfence itself or supplied with a recorded action.
//!
//! Every field may be absent. Absent means unknown, never "no": rules decide what unknown is worth.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known of the world in which an action would run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Facts {
    /// The repository that the working folder belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<GitFacts>,
    /// Other repositories that the action reaches, by the top of their work tree.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub repositories: BTreeMap<String, GitFacts>,
    /// Facts by absolute path.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub paths: BTreeMap<String, PathFacts>,
    /// What this session itself made: absolute paths, branches as `branch:NAME`, containers as
    /// `container:NAME`, processes as `pid:N`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub created: BTreeSet<String>,
    /// Sources of untrusted or private text that the session has read, such as `web`, `mcp`,
    /// `credential`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub taint: BTreeSet<String>,
    /// What the user said not to do, as effect kinds or `kind.op`, such as `vcs_remote.push`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub boundaries: BTreeSet<String>,
    /// Environment variables that matter to analysis, as the action's shell would see them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Contents of files that analysis asked for, by absolute path. At most 1 MiB each.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// What guards the agent, wherever it was put: absolute paths of the gate's program and of its
    /// folders, which mean all that lies below.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub guards: BTreeSet<String>,
    /// The time of the action, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
}

/// What is known of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GitFacts {
    /// The branch checked out; absent when detached or unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The branch that the project treats as its trunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_branch: Option<String>,
    /// Where commits come from and go to by default, as `REMOTE/BRANCH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
    /// What is checked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<GitHead>,
    /// What kind of work tree this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_tree: Option<WorkTree>,
    /// What git is in the middle of: `merge`, `rebase`, `cherry-pick`, `revert`, `bisect`, `am`; empty
    /// when nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_progress: Option<String>,
    /// Whether tracked files have uncommitted changes, staged or not. Submodules are not looked into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dirty: Option<bool>,
    /// Untracked files that are not ignored, relative to the top of the work tree; at most
    /// [`GitFacts::MAX_UNTRACKED`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untracked: Option<Vec<String>>,
    /// Commits on the current branch that no remote has, as far as it was last seen; counted up to
    /// [`GitFacts::MAX_COMMITS`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unpushed: Option<u64>,
    /// Entries of the stash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stashes: Option<u64>,
    /// Whom forges know the user as: `github.com/alice`, as their command lines are logged in.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub accounts: BTreeSet<String>,
    /// Commits that no branch, tag or remote would hold any more, by what would lose them:
    /// `branch:NAME` deleted, or the current branch moved `to:REVISION`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub orphaned: BTreeMap<String, u64>,
    /// Commits that others made and that only this remote branch holds, by `REMOTE/BRANCH` as last
    /// seen: what a forced push could take from them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub foreign: BTreeMap<String, u64>,
    /// Remotes by name, with the URL that is pushed to, without credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remotes: Option<BTreeMap<String, String>>,
    /// The top of the work tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top: Option<String>,
}

impl GitFacts {
    /// No more untracked files than this are listed. A list of this length may be incomplete.
    pub const MAX_UNTRACKED: usize = 1_000;
    /// Commits are not counted further than this.
    pub const MAX_COMMITS: u64 = 1_000;
}

/// What is checked out.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum GitHead {
    /// A branch with commits.
    Branch,
    /// A branch that has no commit yet.
    Unborn,
    /// A commit, by no branch.
    Detached,
}

/// The kind of a work tree.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum WorkTree {
    /// The one that the repository was made with.
    Main,
    /// A further one of the same repository.
    Linked,
    /// A repository within another, which names its commit.
    Submodule,
    /// None: the repository is bare.
    Bare,
}

/// What is known of one path.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PathFacts {
    /// Whether something is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exists: Option<bool>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<PathKind>,
    /// Where it leads, when a component on the way is a symbolic link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved: Option<String>,
    /// Whether version control has it, or something below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracked: Option<bool>,
    /// Whether version control ignores it, and has nothing below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignored: Option<bool>,
    /// Whether the last commit holds all that tracked files at or below it contain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clean: Option<bool>,
    /// Whether untracked files that are not ignored are at or below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds_untracked: Option<bool>,
    /// SHA-256 of the content, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// The kind of thing at a path.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PathKind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Link,
    /// A device, socket or pipe.
    Special,
}
