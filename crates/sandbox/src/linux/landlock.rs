//! The second wall: the same limits on files once more, by path, in the kernel's own words.
//!
//! Where there are mounts of our own this catches a mistake in them that would let something be changed. Where there are
//! none it is the wall.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath,
    PathFd, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
};

use super::settings;
use crate::plan::Plan;

/// The newest interface whose rights are known here.
const NEWEST: ABI = ABI::V6;

/// Restricts this process, as far as the kernel can. `mounted`: the plan's mounts are in place.
/// `proxy`: the one port that may be connected to.
pub(super) fn restrict(plan: &Plan, mounted: bool, proxy: Option<u16>) -> Result<(), RulesetError> {
    let files = if mounted { changing() } else { AccessFs::from_all(NEWEST) };
    let scopes = Scope::AbstractUnixSocket | Scope::Signal;
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
    if plan.nested && mounted {
        // With any limit on files nothing can be mounted.
        return ruleset.scope(scopes)?.create()?.restrict_self().map(drop);
    }
    let ruleset = ruleset.handle_access(files)?.scope(scopes)?;
    let ruleset = match proxy {
        Some(_) => ruleset
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessNet::from_all(ABI::V4))?
            .set_compatibility(CompatLevel::BestEffort),
        None => ruleset,
    };
    let mut ruleset = ruleset.create()?;
    if let Some(port) = proxy {
        ruleset = ruleset.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
    }
    if !mounted {
        let shown = plan.show.iter().filter(|it| !it.write).map(|it| &it.path);
        for path in plan.read.iter().chain(shown) {
            ruleset = add(ruleset, path, AccessFs::from_read(NEWEST))?;
        }
    }
    for show in plan.show.iter().filter(|it| it.write) {
        ruleset = add(ruleset, &show.path, files)?;
    }
    // Private folders are private only where they are ours.
    let own: &[&str] =
        if mounted { &["/dev", "/proc", settings::PLACE] } else { &["/dev", "/dev/shm"] };
    let own = own.iter().map(PathBuf::from);
    let private = plan.private.iter().filter(|_| mounted).cloned();
    for path in own.chain(private) {
        ruleset = add(ruleset, &path, files)?;
    }
    for standard in 0..3 {
        if let Some((path, access)) = standard_file(standard) {
            ruleset = add(ruleset, &path, access & files)?;
        }
    }
    ruleset.restrict_self().map(drop)
}

/// What Landlock looks at where mounts decide what is seen: everything that changes something by opening, making,
/// removing or renaming it. Reading was allowed everywhere in any case, and for each right that may be asked of an
/// open file (reading it, cutting it short, requests to a device) every open walks up its whole path.
fn changing() -> BitFlags<AccessFs> {
    AccessFs::from_write(NEWEST) & !(AccessFs::Truncate | AccessFs::IoctlDev)
}

/// A file that the caller handed over as standard input, output or error. It may be opened again by its
/// number, as programs do with `/dev/stdout`, for what it is open for already.
#[expect(clippy::disallowed_methods, reason = "looks at the files that this process was given")]
fn standard_file(number: i32) -> Option<(PathBuf, BitFlags<AccessFs>)> {
    let path = PathBuf::from(format!("/proc/self/fd/{number}"));
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let about = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}")).ok()?;
    let flags = about.lines().find_map(|line| line.strip_prefix("flags:"))?.trim();
    let access = match i32::from_str_radix(flags, 8).ok()? & libc::O_ACCMODE {
        libc::O_RDONLY => AccessFs::ReadFile.into(),
        libc::O_WRONLY => AccessFs::WriteFile | AccessFs::Truncate,
        _ => AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate,
    };
    Some((path, access))
}

fn add(
    ruleset: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    // What is not there needs no rule: nothing is allowed by leaving one out.
    let Ok(fd) = PathFd::new(path) else { return Ok(ruleset) };
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(NEWEST) };
    if access.is_empty() {
        return Ok(ruleset);
    }
    ruleset.add_rule(PathBeneath::new(fd, access))
}
