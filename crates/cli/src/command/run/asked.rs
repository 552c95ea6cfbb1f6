//! What is asked of the sandbox: the command line, the profile that the command has, and what this machine says of
//! folders and variables.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use ringfence_record::given;
use ringfence_sandbox::{Host, Limits, Plan, Profile, Profiles, Refusal, Request, Snapshot};

use super::gate::Door;
use super::network::Reach;
use super::{Run, known, learn};
use crate::places;

/// Where a command works.
pub(super) struct Places<'a> {
    pub(super) workspace: &'a [PathBuf],
    /// What of that it may write. None: all of it.
    pub(super) only: Option<Vec<PathBuf>>,
}

impl Run {
    /// Where the command line has it work.
    pub(super) fn places(&self) -> Places<'_> {
        let only = self.only_write.iter().map(PathBuf::from);
        let only = (!self.only_write.is_empty()).then(|| only.collect());
        Places { workspace: &self.workspace, only }
    }

    /// The plan of a command in these folders.
    pub(super) fn planned_for(
        &self,
        profile: &Profile,
        places: &Places<'_>,
        reach: &Reach,
        door: Option<&Door>,
    ) -> Result<Plan, Refusal> {
        let mut request = self.request(places, reach)?;
        if let Some(door) = door {
            request.gate = Some(door.path.clone());
            request.read.push(door.program().to_owned());
            request.hide.extend(door.path.ancestors().nth(2).map(Path::to_owned));
        }
        Plan::for_command(profile, &request, &Snapshot::default())
    }

    /// The profile that was named, or that the command has.
    pub(super) fn chosen_profile(&self) -> Result<Profile, Refusal> {
        let own = own_profiles()?;
        let own = own.iter().map(String::as_str);
        if let Some(file) = self.profile_file() {
            let (written, text) = file?;
            let name = written.get("name").and_then(|it| it.as_str()).unwrap_or_default();
            return Profiles::with([text.as_str()].into_iter().chain(own))?.named(name);
        }
        let profiles = Profiles::with(own)?;
        if self.profile != "auto" {
            return profiles.named(&self.profile);
        }
        let program = self.command.first().and_then(|it| it.to_str()).unwrap_or_default();
        profiles.for_command(program)
    }

    /// The profile in the file that was named, if one was, as it is written.
    pub(super) fn profile_file(&self) -> Option<Result<(toml::Table, String), Refusal>> {
        let path = Path::new(&self.profile);
        path.extension().is_some_and(|it| it == "toml").then(|| profile_in(path))
    }

    /// What the command line and the profile let it reach. The network of the host is all of it.
    pub(super) fn reach(&self, profile: &Profile) -> Result<Reach, Refusal> {
        if self.net {
            return self.network.reach(&[], &[]);
        }
        let reach = self.network.reach(&profile.network.hosts, &profile.network.classes)?;
        Ok(if self.observes() { reach.watched() } else { reach })
    }

    fn request(&self, places: &Places<'_>, reach: &Reach) -> Result<Request, Refusal> {
        let workspace = places.workspace;
        let cwd = env::current_dir().map_err(|error| {
            let remedy = "change to a folder that exists";
            Refusal::of_request("the current folder cannot be told", remedy).because(error)
        })?;
        let workspace =
            if workspace.is_empty() { vec![cwd.clone()] } else { absolute(&cwd, workspace)? };
        // Without a folder of its own it starts in the first workspace, unless it is in one.
        let inside = workspace.iter().any(|it| cwd.starts_with(it));
        let cwd = if inside { Some(cwd.clone()) } else { workspace.first().cloned() };
        let here = env::current_dir().unwrap_or_default();
        let known = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let write = absolute(&here, &self.write)?;
        let folders: BTreeSet<PathBuf> = workspace.iter().chain(&write).cloned().collect();
        let mut request = Request {
            workspace,
            cwd: cwd.unwrap_or_default(),
            homes: Host::homes(),
            environment: env::vars_os().filter_map(known).collect(),
            pass: self.env.clone(),
            read: absolute(&here, &self.read)?,
            write,
            changes: places.only.as_ref().map(|all| {
                let named = all.iter().filter(|it| !it.as_os_str().is_empty());
                named.map(|it| placed(&here.join(it))).collect()
            }),
            hide: state_folders().chain(self.state_folder()).collect(),
            empty: if self.learn.is_some() { learn::shelves(&Host::homes()) } else { Vec::new() },
            network: self.net,
            doors: reach.doors(),
            gate: None,
            strict: self.strict_protect,
            limits: Limits {
                processes: self.processes,
                memory: self.memory,
                file_size: self.file_size,
                ..Limits::default()
            },
            seen: known::load(self.state_folder(), &folders),
        };
        reach.equip(&mut request);
        Ok(request)
    }
}

fn profile_in(path: &Path) -> Result<(toml::Table, String), Refusal> {
    let unreadable = |why: String| {
        let what = format!("the profile {} cannot be read", path.display());
        Refusal::of_request(what, "correct it, or name another").because(why)
    };
    let (text, _) = given::text(path).map_err(|error| unreadable(error.to_string()))?;
    let written = toml::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    Ok((written, text))
}

/// Makes the folders that a run finds in the home folder because its profile says so.
pub(super) fn make_folders(profile: &Profile) -> Result<(), Refusal> {
    let Some(home) = Host::homes().pop() else { return Ok(()) };
    for name in profile.made() {
        let folder = home.join(name);
        let private = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        private.map_err(|error| {
            let what = format!("{} cannot be made", folder.display());
            Refusal::of_request(what, "make it, or leave it out of the profile").because(error)
        })?;
    }
    Ok(())
}

/// A person's own profiles: `profiles/*.toml` in the configuration folder.
#[expect(clippy::disallowed_methods, reason = "a person's own profiles are read")]
fn own_profiles() -> Result<Vec<String>, Refusal> {
    let Ok(folder) = places::config_folder() else { return Ok(Vec::new()) };
    let Ok(entries) = fs::read_dir(folder.join("profiles")) else { return Ok(Vec::new()) };
    let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|it| it.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|it| it == "toml"));
    paths.sort();
    let read = |path: &PathBuf| {
        given::text(path).map(|(text, _)| text).map_err(|error| {
            let what = format!("the profile {} cannot be read", path.display());
            Refusal::of_request(what, "correct it, or move it away").because(error)
        })
    };
    paths.iter().map(read).collect()
}

/// Where Ringfence keeps what a command must not see, if that is not below the home folder.
fn state_folders() -> impl Iterator<Item = PathBuf> {
    let names = ["RINGFENCE_STATE", "RINGFENCE_CONFIG"];
    names.into_iter().filter_map(env::var_os).map(PathBuf::from)
}

/// A path that need not be there, with what is there above it as the system knows it. Its last name is not looked at.
fn placed(path: &Path) -> PathBuf {
    let mut above = path.ancestors().skip(1);
    let known = above.find_map(|it| Some((it, it.canonicalize().ok()?)));
    known.map_or_else(
        || path.to_path_buf(),
        |(above, real)| path.strip_prefix(above).map_or(real.clone(), |rest| real.join(rest)),
    )
}

/// Paths as the system knows them: absolute, and without links.
fn absolute(here: &Path, paths: &[PathBuf]) -> Result<Vec<PathBuf>, Refusal> {
    let resolve = |path: &PathBuf| {
        here.join(path).canonicalize().map_err(|error| {
            let what = format!("{} cannot be used", path.display());
            Refusal::of_request(what, "make it first, or leave it out").because(error)
        })
    };
    paths.iter().map(resolve).collect()
}
