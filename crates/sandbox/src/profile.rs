//! What a kind of command needs: read from data, once, and then only looked at.
//!
//! A profile names places relative to what a request brings (a home folder, workspaces), so that it is
//! the same on every machine. It never says *how* something is kept away; that is the plan's business.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Deserialize;

use crate::names;
use crate::refusal::Refusal;

/// What a kind of command may see, write, reach and be told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// How people call it.
    pub name: String,
    /// Programs that it is for, where nobody names a profile.
    #[serde(default)]
    pub commands: Vec<String>,
    /// What may be reached without being asked for.
    #[serde(default)]
    pub network: ProfileNetwork,
    pub(crate) home: Home,
    pub(crate) system: System,
    pub(crate) workspace: Workspace,
    pub(crate) environment: Environment,
    pub(crate) limits: ProfileLimits,
}

/// What a kind of command reaches over the network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProfileNetwork {
    /// Hosts by name; `*.` stands for all below.
    pub hosts: Vec<String>,
    /// Classes of hosts of the catalogue.
    pub classes: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Home {
    pub(crate) read: Vec<String>,
    pub(crate) write: Vec<String>,
    /// Folders that can be written, and are made if they are not there.
    pub(crate) make: Vec<String>,
    /// What is obeyed or executed at the next start, in what can be written.
    pub(crate) protect: Vec<String>,
    pub(crate) programs: Vec<String>,
    /// What is the run's own, where the home folder is hidden.
    pub(crate) private: Vec<String>,
    pub(crate) secret: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct System {
    /// Whether programs that bring a sandbox of their own can set it up inside.
    pub(crate) nested: bool,
    /// Whether it is an agent's: its calls are decided by the gate outside.
    pub(crate) gate: bool,
    pub(crate) hide: Vec<String>,
    pub(crate) private: Vec<String>,
    pub(crate) read: Vec<String>,
    /// What can be written although it is in no home folder: absolute paths.
    pub(crate) write: Vec<String>,
    pub(crate) run: Vec<String>,
    pub(crate) secret: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields, default)]
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

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Environment {
    pub(crate) pass: Vec<String>,
    pub(crate) pass_with_network: Vec<String>,
    /// What is not passed although it has such a name.
    pub(crate) withhold: Vec<String>,
    /// What is told whatever the caller's environment says.
    pub(crate) set: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileLimits {
    pub(crate) processes: u64,
    pub(crate) private_bytes: u64,
}

/// A profile as it is written: what it adds to the plain one, or to another.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    extends: Option<String>,
    #[serde(default)]
    commands: Vec<String>,
    #[serde(default)]
    network: ProfileNetwork,
    #[serde(default)]
    home: Home,
    #[serde(default)]
    system: System,
    #[serde(default)]
    workspace: Workspace,
    #[serde(default)]
    environment: Environment,
    #[serde(default)]
    limits: WrittenLimits,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenLimits {
    processes: Option<u64>,
    private_bytes: Option<u64>,
}

impl Profile {
    /// Whether it is an agent's: what it asks of its hooks is answered by the gate outside.
    pub fn has_gate(&self) -> bool {
        self.system.gate
    }
}

/// The text of a profile that is part of the program. Each run reads one, and that of this format takes a tenth of the
/// time that it takes as it is written.
macro_rules! built_in {
    ($name:literal) => {
        include_str!(concat!(env!("OUT_DIR"), "/", $name, ".json"))
    };
}

/// The profiles that are part of the program, besides the plain one.
const BUILT_IN: [&str; 13] = [
    built_in!("aider"),
    built_in!("ci"),
    built_in!("claude-code"),
    built_in!("codex"),
    built_in!("copilot"),
    built_in!("cursor"),
    built_in!("gemini-cli"),
    built_in!("install"),
    built_in!("mcp"),
    built_in!("nested"),
    built_in!("opencode"),
    built_in!("qwen-code"),
    built_in!("shell"),
];

/// How far profiles extend each other.
const DEEPEST: usize = 8;

/// Profiles by name: those of the program, and a person's own, which come first.
#[derive(Debug)]
pub struct Profiles {
    own: Vec<Written>,
}

impl Profiles {
    /// Those of the program, and those of the texts.
    pub fn with<'a>(own: impl IntoIterator<Item = &'a str>) -> Result<Self, Refusal> {
        Ok(Self { own: own.into_iter().map(Written::read).collect::<Result<_, _>>()? })
    }

    /// Every name, in order.
    pub fn names(&self) -> Result<Vec<String>, Refusal> {
        let built_in =
            BUILT_IN.into_iter().map(Written::built_in).collect::<Result<Vec<_>, _>>()?;
        let written = self.own.iter().chain(&built_in).map(|it| it.name.clone());
        let mut names: Vec<String> = written.chain(["plain".to_owned()]).collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// The profile of a name.
    pub fn named(&self, name: &str) -> Result<Profile, Refusal> {
        self.at(name, DEEPEST)
    }

    /// The profile that a program is used with, by the name of its file.
    pub fn for_command(&self, program: &str) -> Result<Profile, Refusal> {
        let file = program.rsplit('/').next().unwrap_or(program);
        let found = self.find(file, |it| it.commands.iter().any(|name| name == file))?;
        found.map_or_else(Profile::plain, |it| self.named(&it.name))
    }

    /// The first that fits. Each run asks, so that a text without the word is not even read.
    fn find(
        &self,
        word: &str,
        fits: impl Fn(&Written) -> bool,
    ) -> Result<Option<Written>, Refusal> {
        if let Some(own) = self.own.iter().find(|it| fits(it)) {
            return Ok(Some(own.clone()));
        }
        let quoted = format!("\"{word}\"");
        for text in BUILT_IN.into_iter().filter(|it| it.contains(&quoted)) {
            let written = Written::built_in(text)?;
            if fits(&written) {
                return Ok(Some(written));
            }
        }
        Ok(None)
    }

    fn at(&self, name: &str, depth: usize) -> Result<Profile, Refusal> {
        let Some(written) = self.find(name, |it| it.name == name)? else {
            if name == "plain" {
                return Profile::plain();
            }
            let known = self.names()?.join(", ");
            let what = format!("there is no profile `{name}`");
            return Err(Refusal::new(what, format!("take one of {known}")));
        };
        if depth == 0 {
            let what = format!("the profile `{name}` extends too many others, or itself");
            return Err(Refusal::new(what, "correct the profile"));
        }
        let base = written.extends.as_deref().unwrap_or("plain");
        if base == name {
            // A person's own profile of a name that there is already.
            return Ok(written.on(Profile::plain()?));
        }
        Ok(written.on(self.at(base, depth - 1)?))
    }
}

impl Written {
    fn read(text: &str) -> Result<Self, Refusal> {
        toml::from_str(text).map_err(unreadable)
    }

    fn built_in(text: &str) -> Result<Self, Refusal> {
        serde_json::from_str(text).map_err(unreadable)
    }

    /// The same, with what it is built on.
    fn on(&self, mut base: Profile) -> Profile {
        let add = |to: &mut Vec<String>, from: &[String]| to.extend_from_slice(from);
        self.name.clone_into(&mut base.name);
        self.commands.clone_into(&mut base.commands);
        add(&mut base.network.hosts, &self.network.hosts);
        add(&mut base.network.classes, &self.network.classes);
        add(&mut base.home.read, &self.home.read);
        add(&mut base.home.write, &self.home.write);
        add(&mut base.home.make, &self.home.make);
        add(&mut base.home.protect, &self.home.protect);
        add(&mut base.home.programs, &self.home.programs);
        add(&mut base.home.private, &self.home.private);
        add(&mut base.home.secret, &self.home.secret);
        base.system.nested |= self.system.nested;
        base.system.gate |= self.system.gate;
        add(&mut base.system.hide, &self.system.hide);
        add(&mut base.system.private, &self.system.private);
        add(&mut base.system.read, &self.system.read);
        add(&mut base.system.write, &self.system.write);
        add(&mut base.system.run, &self.system.run);
        add(&mut base.system.secret, &self.system.secret);
        add(&mut base.workspace.protect, &self.workspace.protect);
        add(&mut base.workspace.protect_git, &self.workspace.protect_git);
        add(&mut base.workspace.secret, &self.workspace.secret);
        add(&mut base.workspace.not_secret, &self.workspace.not_secret);
        add(&mut base.workspace.examples, &self.workspace.examples);
        add(&mut base.workspace.skip, &self.workspace.skip);
        add(&mut base.environment.pass, &self.environment.pass);
        add(&mut base.environment.pass_with_network, &self.environment.pass_with_network);
        add(&mut base.environment.withhold, &self.environment.withhold);
        base.environment.set.extend(self.environment.set.clone());
        let limits = &mut base.limits;
        limits.processes = self.limits.processes.unwrap_or(limits.processes);
        limits.private_bytes = self.limits.private_bytes.unwrap_or(limits.private_bytes);
        base
    }
}

fn unreadable(error: impl fmt::Display) -> Refusal {
    Refusal::new("the profile cannot be read", "correct the profile").because(error)
}

impl Profile {
    /// The profile for any command of a developer.
    pub fn plain() -> Result<Self, Refusal> {
        serde_json::from_str(built_in!("plain")).map_err(unreadable)
    }
}

impl Profile {
    /// Folders below a home folder that a run has to find there: to be made before it is planned.
    pub fn made(&self) -> impl Iterator<Item = &str> {
        self.home.make.iter().map(String::as_str)
    }

    /// Whether a path below a home folder is a secret, or holds one: it is never shown.
    pub fn keeps(&self, below_home: &Path) -> bool {
        let mut secrets = self.home.secret.iter().map(Path::new);
        secrets.any(|it| it.starts_with(below_home) || below_home.starts_with(it))
    }
}

impl Environment {
    /// Whether a variable may be told to the command.
    pub(crate) fn passes(&self, name: &str, network: bool) -> bool {
        let matches = |pattern: &String| names::fits(pattern, name);
        if self.withhold.iter().any(matches) {
            return false;
        }
        self.pass.iter().any(matches) || (network && self.pass_with_network.iter().any(matches))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_can_be_read_and_is_found_by_its_command() {
        let profiles = Profiles::with([]).unwrap();
        for name in profiles.names().unwrap() {
            assert_eq!(profiles.named(&name).unwrap().name, name);
        }
        for (program, name) in [
            ("claude", "claude-code"),
            ("/usr/local/bin/codex", "codex"),
            ("cursor-agent", "cursor"),
            ("make", "plain"),
            ("bash", "plain"),
        ] {
            assert_eq!(profiles.for_command(program).unwrap().name, name);
        }
    }

    #[test]
    fn a_profile_of_ones_own_adds_to_another() {
        let own = "name = \"mine\"\nextends = \"claude-code\"\ncommands = [\"mine\"]\n[network]\nhosts = [\"x.example\"]\n";
        let profile = Profiles::with([own]).unwrap().for_command("mine").unwrap();
        assert!(profile.home.write.iter().any(|it| it == ".claude"));
        assert!(profile.network.hosts.iter().any(|it| it == "x.example"));
    }

    #[test]
    fn a_mistake_in_a_profile_is_said() {
        for text in [
            "name = \"a\"\nextends = \"b\"",
            "name = \"a\"\nwrites = []",
            "name = \"a\"\nextends = \"c\"\n",
        ] {
            let other = "name = \"c\"\nextends = \"a\"";
            let profile = Profiles::with([text, other]).and_then(|it| it.named("a"));
            assert!(profile.is_err(), "{text}");
        }
    }

    #[test]
    fn a_token_of_a_build_is_withheld() {
        let ci = Profiles::with([]).unwrap().named("ci").unwrap();
        assert!(ci.environment.passes("CI_COMMIT_SHA", false));
        assert!(!ci.environment.passes("CI_JOB_TOKEN", false));
        assert!(!ci.environment.passes("GITHUB_TOKEN", false));
    }
}
