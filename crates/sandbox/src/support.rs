//! What a system gives to hold a command, in tiers, and what is missing, in words.

use std::fmt;

use serde::Serialize;

/// How strong the walls are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Tier {
    /// Landlock and seccomp alone, where own namespaces are not allowed.
    C,
    /// The same walls as in tier A, with the namespaces and mounts made by the system's `bwrap`, where it alone may make
    /// them.
    B,
    /// Own user, mount, process, network, IPC and host name spaces, and Landlock and seccomp.
    A,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
        })
    }
}

/// Something that this system does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// What is not held.
    pub what: String,
    /// Why.
    pub why: String,
    /// What would give it.
    pub remedy: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.what, self.why, self.remedy)
    }
}

/// What holds the limits of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum LimitsBy {
    /// A control group: for all processes of the run together.
    Group {
        /// Which: `memory`, `processes`. Other limits are those of each process.
        held: Vec<String>,
    },
    /// Limits of each process.
    Process {
        /// Why there is no group.
        why: String,
    },
}

impl fmt::Display for LimitsBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group { held } if held.is_empty() => {
                f.write_str("of each process; a control group can be had, and limits nothing here")
            }
            Self::Group { held } => {
                write!(f, "of a control group for {}, else of each process", held.join(" and "))
            }
            Self::Process { why } => write!(f, "of each process; no control group: {why}"),
        }
    }
}

/// What this system gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Support {
    /// The best tier. None: no command can be held here.
    pub tier: Option<Tier>,
    /// The version of Landlock's interface; 0 = none.
    pub landlock: u32,
    /// What is not held in that tier, or what keeps from a better one.
    pub missing: Vec<Missing>,
}
