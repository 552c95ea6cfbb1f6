//! Consequences of an action.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Attr, AttrValue, Attributes, Evidence, Target};

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// The closed list of consequences.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum EffectKind {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl EffectKind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it, as in policies, the catalogue and JSON.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The kind that this word names.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// One sentence for people and for the reference page.
            pub const fn description(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+),)+
                }
            }
        }
    };
}

kinds! {
    /// The content of a file or directory is read.
    Read = "read",
    /// An existing or new file gets other content.
    Write = "write",
    /// A file or directory that is not there comes into being, empty or as a link.
    Create = "create",
    /// A file or directory goes away.
    Delete = "delete",
    /// Mode, owner, times or other attributes of a file change.
    Metadata = "metadata",
    /// A program runs. The target is its name or path.
    Exec = "exec",
    /// Code in some language runs inside an interpreter. The target is the file, or the language.
    ExecCode = "exec_code",
    /// A connection is made or a port listened on. The target is the host.
    Net = "net",
    /// Code that comes from the network runs. The target is where it comes from.
    DownloadExec = "download_exec",
    /// More rights than the user started with: sudo, setuid, capabilities, other users.
    Privilege = "privilege",
    /// A secret is read, used, printed or sent. The target is where it is kept.
    Credential = "credential",
    /// A variable is set that makes other programs run code. The target is the variable.
    EnvExec = "env_exec",
    /// Something is left behind that will run later: rc files, cron, units, hooks.
    Persist = "persist",
    /// The local repository loses or rewrites something.
    VcsLocal = "vcs_local",
    /// A remote repository or its forge changes: pushes, pull requests, releases.
    VcsRemote = "vcs_remote",
    /// A package is installed, removed or published.
    Package = "package",
    /// Infrastructure changes: cloud resources, clusters, infrastructure as code, deployments.
    Infra = "infra",
    /// A database is read, written or restructured.
    Database = "database",
    /// A process is signalled, or a service is controlled.
    Process = "process",
    /// A message reaches people or systems outside: mail, chat, issues, comments.
    Message = "message",
    /// Money or goods move.
    Payment = "payment",
    /// A browser acts for the user.
    Browser = "browser",
    /// Ringfence, its hooks, an agent's own permissions or instructions are tampered with.
    Guard = "guard",
}

impl EffectKind {
    /// Whether the target is a path in a file system.
    pub const fn targets_path(self) -> bool {
        matches!(
            self,
            Self::Read
                | Self::Write
                | Self::Create
                | Self::Delete
                | Self::Metadata
                | Self::Credential
                | Self::Persist
                | Self::Guard
        )
    }

    /// Whether a state somewhere is other than before. Reads, connections and running a program are
    /// not changes in themselves: what the program does is an effect of its own.
    pub const fn changes_state(self) -> bool {
        !matches!(self, Self::Read | Self::Net | Self::Exec | Self::ExecCode)
    }
}

impl fmt::Display for EffectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whose files, processes and network the effect is on.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// This machine.
    #[default]
    Local,
    /// Inside a container of this name or image.
    Container(String),
    /// On another host.
    Remote(String),
    /// In a cluster, by context name; empty for the current one.
    Cluster(String),
}

impl Scope {
    /// The name of the variant as policies see it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Container(_) => "container",
            Self::Remote(_) => "remote",
            Self::Cluster(_) => "cluster",
        }
    }

    /// Which container, host or cluster; empty for this machine.
    pub fn place(&self) -> &str {
        match self {
            Self::Local => "",
            Self::Container(name) | Self::Remote(name) | Self::Cluster(name) => name,
        }
    }
}

/// One consequence of an action.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Effect {
    /// What happens.
    pub kind: EffectKind,
    /// To what.
    pub target: Target,
    /// How, in attributes of the closed list [`Attr`].
    #[serde(flatten)]
    pub attributes: Attributes,
    /// Where.
    #[serde(default)]
    pub scope: Scope,
    /// The words that say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

impl Effect {
    /// An effect on this machine, without attributes.
    pub fn new(kind: EffectKind, target: Target) -> Self {
        Self {
            kind,
            target,
            attributes: Attributes::default(),
            scope: Scope::Local,
            evidence: None,
        }
    }

    /// The same effect with one more attribute.
    pub fn with(mut self, attr: Attr, value: impl Into<AttrValue>) -> Self {
        self.attributes.set(attr, value);
        self
    }

    /// The same effect, elsewhere.
    pub fn in_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// The same effect, pointing at the words.
    pub fn at(mut self, evidence: Evidence) -> Self {
        self.evidence = Some(evidence);
        self
    }

    /// Whether a yes-or-no attribute is set.
    pub fn is(&self, attr: Attr) -> bool {
        self.attributes.is(attr)
    }

    /// The text of an attribute, if it is set.
    pub fn text(&self, attr: Attr) -> Option<&str> {
        self.attributes.text(attr)
    }
}
