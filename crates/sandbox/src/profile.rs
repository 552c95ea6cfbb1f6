//! What a kind of command needs: read from data, once, and then only looked at.
//!
//! A profile names places relative to what a request brings (a home folder, workspaces), so that it is
//! the same on every machine. It never says *how* something is kept away; that is the plan's business.

use serde::Deserialize;

use crate::names;
use crate::refusal::Refusal;

/// What a kind of command may see, write and be told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// How people call it.
    pub name: String,
    pub(crate) home: Home,
    pub(crate) system: System,
    pub(crate) workspace: Workspace,
    pub(crate) environment: Environment,
    pub(crate) limits: ProfileLimits,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Home {
    pub(crate) read: Vec<String>,
    pub(crate) write: Vec<String>,
    pub(crate) programs: Vec<String>,
    pub(crate) secret: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct System {
    /// Whether programs that bring a sandbox of their own can set it up inside.
    #[serde(default)]
    pub(crate) nested: bool,
    pub(crate) hide: Vec<String>,
    pub(crate) private: Vec<String>,
    pub(crate) read: Vec<String>,
    pub(crate) run: Vec<String>,
    pub(crate) secret: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Workspace {
    /// What others execute or obey: a name in any folder, or a path below one.
    pub(crate) protect: Vec<String>,
    /// The same, below the folder of a repository.
    pub(crate) protect_git: Vec<String>,
    /// Names of files that hold secrets, and of such as only look like it.
    pub(crate) secret: Vec<String>,
    pub(crate) not_secret: Vec<String>,
    /// Folders whose secrets are made up.
    pub(crate) examples: Vec<String>,
    /// Folders that are not looked into.
    pub(crate) skip: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Environment {
    pub(crate) pass: Vec<String>,
    pub(crate) pass_with_network: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileLimits {
    pub(crate) processes: u64,
    pub(crate) private_bytes: u64,
}

impl Profile {
    /// The profile for any command of a developer.
    pub fn plain() -> Result<Self, Refusal> {
        Self::parse(include_str!("../profiles/plain.toml"))
    }

    /// The same, for a command that brings a sandbox of its own.
    pub fn nested() -> Result<Self, Refusal> {
        let mut profile = Self::plain()?;
        "nested".clone_into(&mut profile.name);
        profile.system.nested = true;
        Ok(profile)
    }

    /// A profile from its text.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        toml::from_str(text).map_err(|error| {
            Refusal::new("the profile cannot be read", "correct the profile").because(error)
        })
    }
}

impl Environment {
    /// Whether a variable may be told to the command.
    pub(crate) fn passes(&self, name: &str, network: bool) -> bool {
        let matches = |pattern: &String| names::fits(pattern, name);
        self.pass.iter().any(matches) || (network && self.pass_with_network.iter().any(matches))
    }
}
