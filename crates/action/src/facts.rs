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
    /// Whether tracked files have uncommitted changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dirty: Option<bool>,
    /// Untracked files that are not ignored, relative to the top of the work tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untracked: Option<Vec<String>>,
    /// Commits on the current branch that no remote has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unpushed: Option<u64>,
    /// Remotes by name, with their URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remotes: Option<BTreeMap<String, String>>,
    /// The top of the work tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top: Option<String>,
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
    /// Whether version control has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracked: Option<bool>,
    /// Whether version control ignores it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignored: Option<bool>,
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
