//! The plan: what a command will see, decided before anything is touched.
//!
//! Planning is a pure function of a profile, a request and what the host looks like. The result is
//! plain data, the same for every tier: the launcher carries out as much of it as the kernel gives, and
//! says what it does not give. What is not in the plan is not reachable.
//!
//! The idea, in the order in which it is carried out: the whole system read-only; what must not be
//! seen covered by empty folders; what the command works with laid back on top; inside of that, what
//! others will execute later read-only again, and held in its place.

mod environment;
mod place;
mod places;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use place::Place;

use crate::names;
use crate::profile::{Profile, Workspace};
use crate::refusal::Refusal;
use crate::request::{Doors, Kind, Look, Request};
use crate::scan::{self, Memory, Reach};

/// What a command will see and be able to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Plan {
    /// The profile it comes from.
    pub profile: String,
    /// Where the command starts.
    pub cwd: PathBuf,
    /// Folders of the host that are covered by an empty, read-only one.
    pub hide: Vec<PathBuf>,
    /// Folders that are empty, writable and gone after the run.
    pub private: Vec<PathBuf>,
    /// What of the host is laid on top of that. The rest of the host is read-only where it is.
    pub show: Vec<Show>,
    /// Folders of a workspace in which some names alone can be written. Whatever else is there is among what is shown,
    /// read-only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<Open>,
    /// Folders that are empty and read-only in what was covered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub empty: Vec<PathBuf>,
    /// Symbolic links that are made again in a covered folder.
    pub links: Vec<Link>,
    /// What is read-only although it lies in something writable.
    pub protect: Vec<PathBuf>,
    /// Settings of repositories. The command sees a copy of its own, of which what is harmless goes back.
    pub settings: Vec<PathBuf>,
    /// What is moved away after the run if it appears.
    pub watch: Watch,
    /// Folders whose changes are kept apart until the run has ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strict: Vec<PathBuf>,
    /// Folders that cannot be renamed away from above what is protected.
    pub pin: Vec<PathBuf>,
    /// What cannot be opened although it lies in something shown.
    pub mask: Vec<Mask>,
    /// What should be protected and cannot be, and why.
    pub gaps: Vec<Gap>,
    /// What the command is told.
    pub environment: Vec<(String, String)>,
    /// Variables of the caller that it is not told.
    pub withheld: Vec<String>,
    /// Whether a sandbox of the command's own can be set up inside. Mounts then hold alone: Landlock would keep
    /// it from mounting, and so would the filter of system calls.
    pub nested: bool,
    /// Whether the network of the host is shared.
    pub network: bool,
    /// The ways out of a network of its own. If there are none and the host's is not shared, there is no
    /// network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doors: Option<Doors>,
    /// The socket of the gate outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<PathBuf>,
    /// Limits of each process, or of all of them.
    pub limits: PlanLimits,
    /// Readable places for a kernel without mounts of its own.
    pub read: Vec<PathBuf>,
}

/// A part of the host that is laid on top of what was covered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Show {
    /// Where it is, outside and inside.
    pub path: PathBuf,
    /// Whether it can be written.
    pub write: bool,
    /// Whether it is a folder.
    pub folder: bool,
}

/// A folder in which some names can be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// The folder.
    pub folder: PathBuf,
    /// The names; a `*` stands for anything. What is below them can be written as well.
    pub names: Vec<String>,
}

impl Open {
    /// Whether something in the folder is among what can be written.
    pub(crate) fn holds(&self, name: &OsStr) -> bool {
        let name = name.to_string_lossy();
        self.names.iter().any(|it| names::fits(it, &name))
    }
}

/// A symbolic link in a covered folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Where it is.
    pub at: PathBuf,
    /// Where it leads.
    pub to: PathBuf,
}

/// Something that cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mask {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it is a folder.
    pub folder: bool,
}

/// What does not exist yet, and others would execute or obey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Names, anywhere in a workspace.
    pub names: Vec<String>,
    /// Where they are looked for.
    pub folders: Vec<PathBuf>,
    /// Repositories that were there before.
    pub repositories: Vec<PathBuf>,
    /// Paths that do not exist and are obeyed by the command itself, at its next start.
    pub absent: Vec<PathBuf>,
    /// How many levels of folders were looked at before the run, all of them.
    pub levels: usize,
    /// What others execute or obey and was there before the run, whether or not the run can write it. Nothing of that is
    /// moved or changed when the run has ended, whatever else the plan says.
    #[serde(skip)]
    pub(crate) there: BTreeSet<PathBuf>,
    /// How it is told what is one.
    #[serde(skip)]
    pub(crate) profile: Workspace,
    /// What the folders held.
    #[serde(skip)]
    pub(crate) memory: Memory,
}

/// Something that should be protected and is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Where it is, or would be.
    pub path: PathBuf,
    /// Why it cannot be held.
    pub why: GapReason,
}

/// Why something cannot be held in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// It lies behind a symbolic link that can be replaced.
    Link,
    /// It has another name, by which it may be written.
    Names,
}

/// The limits of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanLimits {
    /// Processes and threads at a time.
    pub processes: u64,
    /// Address space of each process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Size of any file that is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_size: Option<u64>,
    /// Space of each private folder; of those in a hidden one together.
    pub private_bytes: u64,
}

impl Plan {
    /// Plans one command.
    pub fn for_command(
        profile: &Profile,
        request: &Request,
        look: &dyn Look,
    ) -> Result<Self, Refusal> {
        let hide = places::hidden(profile, request, look)?;
        let private = places::private(profile, request, look, &hide);
        let covered = places::Covered { hide: &hide, private: &private };
        let open = places::open(request, look);
        let (show, links) = places::shown(profile, request, look, &covered, &open)?;
        if covered.covers(&request.cwd) && !is_shown(&show, &request.cwd) {
            return Err(Refusal::new(
                format!("the command would start in {}, which is hidden", request.cwd.display()),
                "start in the workspace, or name the folder with --workspace or --read",
            ));
        }
        let Kept { protect, settings, gaps, secret, watch } = kept(profile, request, look, &show);
        let strict = if request.strict { kept_apart(&show, &watch) } else { Vec::new() };
        let pin = pins(protect.iter().chain(&settings), &show);
        let mask = masked(profile, request, look, &covered, &show, secret);
        let (environment, withheld) = environment::chosen(profile, request);
        let limits = request.limits;
        let empty = places::empty(request, look, &covered);
        let read = places::readable(profile, request, look, &hide);
        Ok(Self {
            profile: profile.name.clone(),
            cwd: request.cwd.clone(),
            hide,
            private,
            empty,
            show,
            open,
            links,
            protect,
            settings,
            watch,
            strict,
            pin,
            mask,
            gaps,
            environment,
            withheld,
            nested: profile.system.nested,
            network: request.network,
            doors: doors(request)?,
            gate: request.gate.clone(),
            limits: PlanLimits {
                processes: limits.processes.unwrap_or(profile.limits.processes),
                memory: limits.memory,
                file_size: limits.file_size,
                private_bytes: limits.private_bytes.unwrap_or(profile.limits.private_bytes),
            },
            read,
        })
    }
}

/// Every folder that can be written and in which something could appear that others execute.
fn kept_apart(show: &[Show], watch: &Watch) -> Vec<PathBuf> {
    let watched = || watch.folders.iter().chain(&watch.repositories).chain(&watch.absent);
    let holds = |it: &&Show| watched().any(|path| path.starts_with(&it.path));
    let folders = show.iter().filter(|it| it.write && it.folder).filter(holds);
    folders.map(|it| it.path.clone()).collect()
}

/// The ways out, if they can be held.
fn doors(request: &Request) -> Result<Option<Doors>, Refusal> {
    match &request.doors {
        Some(_) if request.network => {
            let what = "the network of the host and one of its own cannot both be had";
            Err(Refusal::new(what, "ask for one of them"))
        }
        Some(doors) if doors.ports.len() > Doors::MOST_PORTS => {
            let what =
                format!("hosts at more than {} ports cannot be told apart", Doors::MOST_PORTS);
            Err(Refusal::new(what, "name fewer ports"))
        }
        doors => Ok(doors.clone()),
    }
}

fn is_shown(show: &[Show], path: &Path) -> bool {
    show.iter().any(|it| path.starts_with(&it.path))
}

/// The innermost part of the host that holds a path, if that can be written.
fn writable_root<'a>(show: &'a [Show], path: &Path) -> Option<&'a Path> {
    let holding = show.iter().filter(|it| path.starts_with(&it.path));
    let inner = holding.max_by_key(|it| it.path.components().count())?;
    inner.write.then_some(inner.path.as_path())
}

/// What of everything that can be written is kept as it is.
struct Kept {
    protect: Vec<PathBuf>,
    settings: Vec<PathBuf>,
    gaps: Vec<Gap>,
    secret: BTreeSet<PathBuf>,
    watch: Watch,
}

/// Files of a repository that hold its settings.
pub(crate) const SETTINGS: [&str; 2] = ["config", "config.worktree"];

fn kept(profile: &Profile, request: &Request, look: &dyn Look, show: &[Show]) -> Kept {
    let (mut wanted, mut settings) = (BTreeSet::new(), BTreeSet::new());
    let (mut secret, mut repositories) = (BTreeSet::new(), BTreeSet::new());
    let mut levels = Reach::BEFORE.levels;
    let mut memory = Memory::read(&request.seen, &profile.workspace, Reach::BEFORE.folders);
    let folders: BTreeSet<&PathBuf> = request.workspace.iter().chain(&request.write).collect();
    for folder in &folders {
        let found = scan::workspace(&profile.workspace, folder, look, Reach::BEFORE, &mut memory);
        wanted.extend(found.protected);
        secret.extend(found.secret);
        repositories.extend(found.git);
        repositories.extend(look.git_folders(folder));
        levels = levels.min(found.levels);
    }
    for git in &repositories {
        wanted.extend(profile.workspace.protect_git.iter().map(|name| git.join(name)));
        settings.extend(SETTINGS.map(|name| git.join(name)));
    }
    // What an agent obeys at its next start, in what it keeps in the home folder.
    let homes = request.homes.iter();
    let obeyed = homes.flat_map(|home| profile.home.protect.iter().map(|name| home.join(name)));
    let obeyed: BTreeSet<PathBuf> = obeyed.filter(|it| writable_root(show, it).is_some()).collect();
    let absent = obeyed.iter().filter(|it| look.kind(it) == Kind::Absent).cloned().collect();
    wanted.extend(obeyed);
    // By its own name, and by what it leads to.
    let behind: Vec<PathBuf> = wanted.iter().filter_map(|it| look.resolve(it)).collect();
    wanted.extend(behind);
    let named = wanted.iter().chain(&settings);
    let mut there: BTreeSet<PathBuf> =
        named.filter(|it| look.kind(it) != Kind::Absent).cloned().collect();
    let mut gaps = Vec::new();
    let mut holds = |path: &PathBuf| {
        let Some(root) = writable_root(show, path) else { return false };
        let mut way = path.ancestors().skip(1).take_while(|it| it.starts_with(root) && *it != root);
        let there = look.kind(path) != Kind::Absent;
        let linked = way.any(|it| look.kind(it) == Kind::Link);
        if there && linked {
            gaps.push(Gap { path: path.clone(), why: GapReason::Link });
        }
        if there && look.has_other_names(path) {
            gaps.push(Gap { path: path.clone(), why: GapReason::Names });
        }
        there && !linked
    };
    wanted.retain(&mut holds);
    settings.retain(&mut holds);
    // Of what lies behind a link that the run can replace nobody knows what it is at the end.
    for gap in gaps.iter().filter(|it| it.why == GapReason::Link) {
        there.remove(&gap.path);
    }
    let (settings, odd): (Vec<_>, Vec<_>) =
        settings.into_iter().partition(|it| look.kind(it) == Kind::File);
    wanted.extend(odd);
    Kept {
        protect: wanted.into_iter().collect(),
        settings,
        gaps,
        secret,
        watch: Watch {
            names: profile.workspace.protect.clone(),
            folders: folders.into_iter().cloned().collect(),
            repositories: repositories.into_iter().collect(),
            absent,
            levels,
            there,
            profile: profile.workspace.clone(),
            memory,
        },
    }
}

/// Every folder between what is protected and the writable root above it. Without these the folder
/// above could be renamed away and built anew.
fn pins<'a>(protect: impl Iterator<Item = &'a PathBuf>, show: &[Show]) -> Vec<PathBuf> {
    let mut pins = BTreeSet::new();
    for path in protect {
        let Some(root) = writable_root(show, path) else { continue };
        let between = path.ancestors().skip(1).take_while(|it| it.starts_with(root) && *it != root);
        pins.extend(between.map(Path::to_path_buf));
    }
    pins.into_iter().collect()
}

/// Secrets and sockets in what is shown or was never covered.
fn masked(
    profile: &Profile,
    request: &Request,
    look: &dyn Look,
    covered: &places::Covered<'_>,
    show: &[Show],
    secret: BTreeSet<PathBuf>,
) -> Vec<Mask> {
    let system = profile.system.secret.iter().map(PathBuf::from);
    let homes = request.homes.iter();
    let home = homes.flat_map(|it| profile.home.secret.iter().map(|name| it.join(name)));
    let mut masks: Vec<Mask> = Vec::new();
    // A secret that was asked for by name is meant to be read.
    let named: BTreeSet<PathBuf> = request.read.iter().filter_map(|it| look.resolve(it)).collect();
    let here = secret.into_iter().filter(|it| !named.contains(it));
    let hide = request.hide.iter().cloned();
    let wanted: BTreeSet<PathBuf> =
        system.chain(home).chain(hide).chain(look.sockets()).chain(here).collect();
    for path in wanted {
        let Some(path) = look.resolve(&path) else { continue };
        let visible = !covered.covers(&path) || is_shown(show, &path);
        if request.gate.as_ref() == Some(&path) {
            continue;
        }
        let inside = masks.iter().any(|it| path.starts_with(&it.path));
        let folder = look.kind(&path) == Kind::Folder;
        if visible && !inside {
            masks.push(Mask { path, folder });
        }
    }
    masks
}
