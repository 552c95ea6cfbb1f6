//! Asks the kernel what it gives, by trying it in a process that ends at once.

use super::command::Command;
use super::helper::{self, Helper};
use super::sys::{self, Change, Signals};
use super::{Hold, host, message, namespaces};
use crate::plan::Plan;
use crate::profile::Profile;
use crate::refusal::Refusal;
use crate::request::{Kind, Look, Request};
use crate::support::{Missing, Support, Tier};
use crate::walls::Walls;

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// Landlock learned to keep signals and abstract sockets apart here.
const SCOPES: u32 = 6;
/// The first version of Landlock without a way around its files (truncation).
const FILES: u32 = 3;

/// What this system gives. The trial lays out a small plan as a run does, and executes nothing.
pub(crate) fn probe() -> Support {
    match trial() {
        Ok(()) => with_namespaces(false),
        Err(refusal) => match Helper::find().and_then(|it| helper::try_out(&it).map(|()| it)) {
            Ok(helper) => with_helper(&helper, false, false, &refusal),
            Err(helper) => without_namespaces(false, false, &refusal, &helper),
        },
    }
}

/// Whether a small plan can be laid out in namespaces of its own.
pub(super) fn trial() -> Result<(), Refusal> {
    let plan = small_plan()?;
    let step = |error: std::io::Error| namespaces::unsupported("a trial cannot be made", &error);
    if !host::has_one_thread() {
        return trial_elsewhere(&plan);
    }
    attempt(&plan, step)
}

/// With several threads, what is tried is no more than a fork may do then: nothing that allocates.
fn trial_elsewhere(_: &Plan) -> Result<(), Refusal> {
    let flags = libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWNET;
    let step = |error| namespaces::unsupported("namespaces of its own cannot be made", &error);
    match sys::fork_into(flags).map_err(step)? {
        0 => sys::exit_now(0),
        child => sys::wait_for(child).map(drop).map_err(step),
    }
}

fn attempt(plan: &Plan, step: impl Fn(std::io::Error) -> Refusal) -> Result<(), Refusal> {
    let command = Command::new(plan, &[], Hold::Own, None, None, &Walls::default())?;
    let signals = Signals::keep().map_err(&step)?;
    let (supervisor, inside) = sys::socket_pair().map_err(&step)?;
    let child = namespaces::try_out(&command, &inside)?;
    drop(inside);
    let end = sys::wait_for(child).map_err(&step)?;
    drop(signals);
    if end == Change::Exited(0) {
        return Ok(());
    }
    let mut buffer = [0; message::LONGEST];
    let length = sys::receive(supervisor.as_fd(), &mut buffer).map_err(&step)?.unwrap_or(0);
    match message::read(buffer.get(..length).unwrap_or_default()) {
        message::Message::Refused(refusal) => Err(refusal),
        message::Message::Begun
        | message::Message::Stopped
        | message::Message::Ended { .. }
        | message::Message::Settings { .. }
        | message::Message::Sockets { .. }
        | message::Message::Listener
        | message::Message::Unknown => {
            Err(step(std::io::Error::other("the trial ended without a word")))
        }
    }
}

/// Nothing but the system, read-only.
pub(super) fn small_plan() -> Result<Plan, Refusal> {
    let folder = PathBuf::from("/usr");
    let request = Request { workspace: vec![folder.clone()], cwd: folder, ..Request::default() };
    Plan::for_command(&Profile::plain()?, &request, &Unlooked)
}

/// The host, without a look into its folders: nothing runs in a trial.
struct Unlooked;

impl Look for Unlooked {
    fn kind(&self, path: &Path) -> Kind {
        host::Host.kind(path)
    }

    fn resolve(&self, path: &Path) -> Option<PathBuf> {
        host::Host.resolve(path)
    }

    fn has_other_names(&self, _: &Path) -> bool {
        false
    }

    fn entries(&self, _: &Path) -> Vec<(OsString, Kind)> {
        Vec::new()
    }

    fn git_folders(&self, _: &Path) -> Vec<PathBuf> {
        Vec::new()
    }

    fn sockets(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

/// What is held in tier A with the Landlock that is there.
pub(super) fn with_namespaces(network: bool) -> Support {
    let landlock = sys::landlock_version();
    Support { tier: Some(Tier::A), landlock, missing: with_mounts(network, landlock) }
}

/// What is held in tier B, and why it is not tier A.
pub(super) fn with_helper(
    helper: &Helper,
    network: bool,
    doors: bool,
    refusal: &Refusal,
) -> Support {
    let landlock = sys::landlock_version();
    let mut missing = vec![Missing {
        what: "namespaces of its own making".to_owned(),
        why: refusal.why().map_or_else(|| refusal.what().to_owned(), str::to_owned),
        remedy: refusal.remedy().to_owned(),
    }];
    let mut lacks = vec![
        "settings of a repository are put back after the run, and not kept from it",
        "protected symbolic links can be replaced, which is said after the run",
    ];
    if !helper.makes_ids() {
        lacks.push("its own empty folders have no limit of size");
    }
    if doors {
        lacks.push("hosts are reached through a proxy alone, by programs that heed its variables");
    }
    missing.extend(lacks.into_iter().map(|what| Missing {
        what: what.to_owned(),
        why: "bwrap does not lay that out".to_owned(),
        remedy: "reach tier A".to_owned(),
    }));
    missing.extend(with_mounts(network, landlock));
    Support { tier: Some(Tier::B), landlock, missing }
}

/// What a kernel lacks where there are mounts.
fn with_mounts(network: bool, landlock: u32) -> Vec<Missing> {
    let mut missing = Vec::new();
    if landlock < FILES {
        missing.push(Missing {
            what: "Landlock as a second wall".to_owned(),
            why: "this kernel has none, or an old one".to_owned(),
            remedy: "Linux 6.2 or newer, with `landlock` in the list of security modules"
                .to_owned(),
        });
    }
    if network && landlock < SCOPES {
        missing
            .push(scopes("abstract sockets of other programs", "Linux 6.12 or newer, or no --net"));
    }
    missing
}

fn scopes(what: &str, remedy: &str) -> Missing {
    let why = "Landlock does not keep them apart before its version 6".to_owned();
    Missing { what: what.to_owned(), why, remedy: remedy.to_owned() }
}

/// What is held without namespaces, and why there are none.
pub(super) fn without_namespaces(
    network: bool,
    doors: bool,
    refusal: &Refusal,
    helper: &Refusal,
) -> Support {
    let landlock = sys::landlock_version();
    let mut missing = vec![Missing {
        what: "namespaces".to_owned(),
        why: refusal.why().map_or_else(|| refusal.what().to_owned(), str::to_owned),
        remedy: refusal.remedy().to_owned(),
    }];
    missing.push(Missing {
        what: "namespaces made by bwrap".to_owned(),
        why: helper.why().map_or_else(|| helper.what().to_owned(), str::to_owned),
        remedy: helper.remedy().to_owned(),
    });
    let lacks = [
        "files in a workspace that other programs execute later stay writable",
        "names, sizes and dates of hidden files can be seen",
        "other processes of this user can be seen",
        "sockets with a path can be connected to",
        "what the command leaves running lives on if this process is killed",
    ];
    missing.extend(lacks.into_iter().map(|what| Missing {
        what: what.to_owned(),
        why: "only mounts and namespaces hold that".to_owned(),
        remedy: "reach tier A".to_owned(),
    }));
    let shared = [
        "hosts are reached through a proxy alone, by programs that heed its variables",
        "other programs of this machine can use the same way out while the run lasts",
        "no port can be listened on",
    ];
    missing.extend(shared.into_iter().filter(|_| doors).map(|what| Missing {
        what: what.to_owned(),
        why: "the network is shared".to_owned(),
        remedy: "reach tier A".to_owned(),
    }));
    if network {
        missing.push(Missing {
            what: "services of this machine can be reached".to_owned(),
            why: "the network is shared".to_owned(),
            remedy: "run without --net".to_owned(),
        });
    }
    if landlock < SCOPES {
        missing.push(scopes(
            "signals to other processes, and abstract sockets",
            "Linux 6.12 or newer",
        ));
    }
    let tier = (landlock >= FILES).then_some(Tier::C);
    if tier.is_none() {
        missing.push(Missing {
            what: "Landlock".to_owned(),
            why: "this kernel has none, or one that files can be truncated behind".to_owned(),
            remedy: "Linux 6.2 or newer, with `landlock` in the list of security modules"
                .to_owned(),
        });
    }
    Support { tier, landlock, missing }
}
