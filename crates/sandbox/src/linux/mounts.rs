//! Carries out the plan's mounts, by file descriptor: what is checked is what is mounted.
//!
//! The order is the point. First copies are taken of what will be shown, then the folders above what is
//! protected are made mount points where nobody will look any more, so that the kernel refuses to
//! rename them. Then everything is sealed in one call, covered, and laid back on top.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use super::host;
use super::overlay::{self, Overlay};
use super::settings::{self, Settings};
use super::sys::{self, Attributes};
use super::witness;
use crate::plan::{Mask, Plan};
use crate::refusal::Refusal;
use crate::walls::{Wall, Walls};

const SEALED: u64 = Attributes::READ_ONLY | Attributes::NO_SETUID | Attributes::NO_DEVICES;
const OPEN: u64 = Attributes::NO_SETUID | Attributes::NO_DEVICES;

const DEV: &str = "/dev";

/// Devices that every program may need, and that give nothing away.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Parts of /proc that are the kernel's own settings. Root could write them without any capability.
const KERNEL: [&str; 7] = ["acpi", "bus", "fs", "irq", "sys", "sysrq-trigger", "scsi"];

/// The kernel takes nothing smaller for the largest number of a process.
const LEAST_LARGEST: u64 = 301;

/// A step that failed, in words.
pub(super) struct Failed {
    pub(super) doing: String,
    pub(super) error: io::Error,
    /// Whether the system does not allow it, whatever the paths are.
    pub(super) environment: bool,
    /// What is said instead.
    pub(super) refusal: Option<Refusal>,
}

impl Failed {
    fn of_environment(mut self) -> Self {
        self.environment = witness::is_refusal(&self.error);
        self
    }
}

trait Doing<T> {
    fn doing(self, words: impl FnOnce() -> String) -> Result<T, Failed>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, words: impl FnOnce() -> String) -> Result<T, Failed> {
        self.map_err(|error| Failed { doing: words(), error, environment: false, refusal: None })
    }
}

/// Lays out what the command will see. Afterwards this process sees it too.
pub(super) fn lay_out(
    plan: &Plan,
    overlays: &[Overlay],
    settings: &[Settings],
    walls: &Walls,
) -> Result<(), Failed> {
    // The first thing that is not allowed where namespaces are allowed in name only.
    let root = sys::open_path(Path::new("/")).doing(|| "opening /".to_owned())?;
    sys::set_attributes(root.as_fd(), Attributes(0))
        .doing(|| "mounting".to_owned())
        .map_err(Failed::of_environment)?;
    let stands = |wall| walls.stands(wall);
    // What is laid out from here on lies over what is written.
    for it in overlays {
        it.lay().map_err(|error| Failed {
            doing: String::new(),
            refusal: Some(overlay::impossible(&error)),
            error,
            environment: false,
        })?;
    }
    let shown = copies(plan)?;
    let devices = device_copies()?;
    let null = devices.get(Path::new("null"));
    for path in plan.pin.iter().filter(|_| stands(Wall::Pins)) {
        pin(path).doing(|| format!("holding {} in place", path.display()))?;
    }
    if stands(Wall::Mounts) {
        sys::set_attributes(root.as_fd(), Attributes(SEALED))
            .doing(|| "making the system read-only".to_owned())?;
        cover(plan)?;
        // Before what is shown, for that may lie in /dev/shm.
        lay_out_devices(&devices)?;
        show(plan, &shown)?;
    }
    for path in plan.protect.iter().filter(|_| stands(Wall::Held)) {
        bind_again(path, SEALED).doing(|| format!("protecting {}", path.display()))?;
    }
    if stands(Wall::Copies) && stands(Wall::Mounts) {
        copy_settings(settings)?;
    }
    for mask in plan.mask.iter().filter(|_| stands(Wall::Masks)) {
        match cover_up(mask, null) {
            // Sockets come and go; what is not there any more needs no mask.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other.doing(|| format!("masking {}", mask.path.display()))?,
        }
    }
    if stands(Wall::Mounts) {
        seal_alone(Path::new(DEV)).doing(|| "sealing /dev".to_owned())?;
        if stands(Wall::Processes) {
            lay_out_processes(plan, stands(Wall::Limits))?;
        }
        for path in plan.hide.iter().map(PathBuf::as_path).chain([Path::new("/run")]) {
            seal_alone(path).doing(|| format!("sealing {}", path.display()))?;
        }
    }
    std::env::set_current_dir(&plan.cwd).doing(|| format!("going to {}", plan.cwd.display()))
}

/// Lays what is shown on top of what was covered.
fn show(plan: &Plan, shown: &[OwnedFd]) -> Result<(), Failed> {
    // The devices of the host are none of what a run works with.
    let all = plan.show.iter().zip(shown).filter(|(it, _)| it.path != Path::new(DEV));
    for (show, tree) in all {
        let words = || format!("showing {}", show.path.display());
        if covered(plan, &show.path) {
            make_place(&show.path, show.folder).doing(words)?;
        }
        let attributes = Attributes(if show.write { OPEN } else { SEALED });
        sys::set_attributes(tree.as_fd(), attributes).doing(words)?;
        put(tree, &show.path).doing(words)?;
    }
    for folder in plan.empty.iter().filter(|it| it.symlink_metadata().is_err()) {
        make_place(folder, true).doing(|| format!("making {}", folder.display()))?;
    }
    for link in &plan.links {
        make_parents(&link.at)
            .and_then(|()| make_link(&link.to, &link.at))
            .doing(|| format!("linking {}", link.at.display()))?;
    }
    Ok(())
}

/// Lays a symbolic link over each file of settings, that leads to a copy of it. What replaces the file
/// replaces what the link leads to, as git does; the link itself cannot be replaced, for it is a mount.
fn copy_settings(settings: &[Settings]) -> Result<(), Failed> {
    if settings.is_empty() {
        return Ok(());
    }
    let place = Path::new(settings::PLACE);
    let words = || "copying settings of repositories".to_owned();
    make_place(place, true).doing(words)?;
    put(&memory(c"0700", c"16m", OPEN).doing(words)?, place).doing(words)?;
    for (number, settings) in settings.iter().enumerate() {
        let words = || format!("copying {}", settings.path.display());
        let copy = settings::copy_of(number);
        make_parents(&copy).doing(words)?;
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o644).open(&copy).doing(words)?;
        file.write_all(&settings.before).doing(words)?;
        let link = copy.with_file_name("link");
        make_link(&copy, &link).doing(words)?;
        let tree = sys::open_path(&link).and_then(|it| sys::clone_tree(it.as_fd())).doing(words)?;
        put(&tree, &settings.path).doing(words)?;
    }
    Ok(())
}

/// Copies of what will be shown, taken before anything is covered.
fn copies(plan: &Plan) -> Result<Vec<OwnedFd>, Failed> {
    let copy = |path: &Path| sys::clone_tree(sys::open_path(path)?.as_fd());
    let shows = plan.show.iter();
    shows.map(|it| copy(&it.path).doing(|| format!("opening {}", it.path.display()))).collect()
}

fn device_copies() -> Result<BTreeMap<PathBuf, OwnedFd>, Failed> {
    let mut copies = BTreeMap::new();
    for name in DEVICES {
        let path = Path::new("/dev").join(name);
        let copy = sys::open_path(&path).and_then(|it| sys::clone_tree(it.as_fd()));
        copies.insert(PathBuf::from(name), copy.doing(|| format!("opening {}", path.display()))?);
    }
    // The terminal of the caller keeps a name, so that programs that ask for it find one.
    if let Ok(path) = std::fs::read_link("/proc/self/fd/0")
        && path.starts_with("/dev/pts")
        && let Ok(at) = sys::open_path(&path)
    {
        let copy = sys::clone_tree(at.as_fd()).doing(|| "opening the terminal".to_owned())?;
        copies.insert(PathBuf::from("console"), copy);
    }
    Ok(copies)
}

/// Makes a folder a mount point below what will cover it.
fn pin(path: &Path) -> io::Result<()> {
    let at = sys::open_path(path)?;
    let tree = sys::clone_tree(at.as_fd())?;
    sys::attach(tree.as_fd(), at.as_fd())
}

/// Covers what is hidden, and what is the run's own. What is the run's own in a hidden folder is a part of what covers
/// that, and stays writable when the rest is sealed: a file system for each takes its time to be made.
fn cover(plan: &Plan) -> Result<(), Failed> {
    let size = CString::new(plan.limits.private_bytes.to_string());
    let size = size.map_err(io::Error::other).doing(|| "reading the limits".to_owned())?;
    let within = |path: &Path| covered_by_other(plan, path);
    let holds_own = |hidden: &Path| plan.private.iter().any(|it| it.starts_with(hidden));
    let room = |hidden: &Path| if holds_own(hidden) { size.as_c_str() } else { c"1m" };
    let hide = plan.hide.iter().map(|it| (it.as_path(), c"0755", room(it)));
    let private = plan.private.iter().map(|it| (it.as_path(), c"1777", size.as_c_str()));
    let run = [(Path::new("/run"), c"0755", c"1m")];
    let mut covers: Vec<_> = hide.chain(private).chain(run).collect();
    covers.sort_by_key(|(path, ..)| path.components().count());
    for (path, mode, size) in covers {
        let words = || format!("covering {}", path.display());
        if within(path) {
            make_place(path, true).doing(words)?;
        }
        if within(path) && !plan.hide.iter().any(|it| it == path) {
            bind_again(path, OPEN).doing(words)?;
        } else {
            put(&memory(mode, size, OPEN).doing(words)?, path).doing(words)?;
        }
    }
    Ok(())
}

/// Lays something over a path that cannot be opened, so that programs get an error and no empty file.
fn cover_up(mask: &Mask, null: Option<&OwnedFd>) -> io::Result<()> {
    let tree = match null {
        Some(null) if !mask.folder => {
            let copy = sys::clone_tree(null.as_fd())?;
            sys::set_attributes(copy.as_fd(), Attributes(SEALED))?;
            copy
        }
        _ => memory(c"000", c"4k", SEALED)?,
    };
    put(&tree, &mask.path)
}

fn covered_by_other(plan: &Plan, path: &Path) -> bool {
    let covers = plan.hide.iter().chain(&plan.private);
    covers.map(PathBuf::as_path).any(|it| it != path && path.starts_with(it))
}

fn covered(plan: &Plan, path: &Path) -> bool {
    let covers = plan.hide.iter().chain(&plan.private).map(PathBuf::as_path);
    covers.chain([Path::new("/run"), Path::new(DEV)]).any(|it| path.starts_with(it))
}

fn memory(mode: &CStr, size: &CStr, attributes: u64) -> io::Result<OwnedFd> {
    sys::new_tree(c"tmpfs", &[(c"mode", mode), (c"size", size)], Attributes(attributes))
}

fn put(tree: &OwnedFd, path: &Path) -> io::Result<()> {
    sys::attach(tree.as_fd(), sys::open_path(path)?.as_fd())
}

/// Lays a path over itself with other attributes.
fn bind_again(path: &Path, attributes: u64) -> io::Result<()> {
    let at = sys::open_path(path)?;
    let tree = sys::clone_tree(at.as_fd())?;
    sys::set_attributes(tree.as_fd(), Attributes(attributes))?;
    sys::attach(tree.as_fd(), at.as_fd())
}

/// Seals one file system of ours without what is mounted in it.
fn seal_alone(path: &Path) -> io::Result<()> {
    sys::set_attributes_here(sys::open_path(path)?.as_fd(), Attributes(SEALED))
}

/// An empty file or folder in a file system of ours, to lay something on.
fn make_place(path: &Path, folder: bool) -> io::Result<()> {
    make_parents(path)?;
    let made = if folder {
        DirBuilder::new().mode(0o755).create(path)
    } else {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o644).open(path).map(drop)
    };
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // What lies in something shown is there already, whatever that may be written.
        Err(error) if path.symlink_metadata().is_ok() => drop_error(error),
        other => other,
    }
}

fn drop_error(_: io::Error) -> io::Result<()> {
    Ok(())
}

fn make_parents(path: &Path) -> io::Result<()> {
    let Some(parent) = path.parent() else { return Ok(()) };
    if parent.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o755).create(parent)
}

fn make_link(to: &Path, at: &Path) -> io::Result<()> {
    match symlink(to, at) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// A /dev with nothing in it but what every program may need.
fn lay_out_devices(devices: &BTreeMap<PathBuf, OwnedFd>) -> Result<(), Failed> {
    let words = || "laying out /dev".to_owned();
    let dev = Path::new(DEV);
    let tree = memory(c"0755", c"1m", Attributes::NO_SETUID).doing(words)?;
    put(&tree, dev).doing(words)?;
    for (name, device) in devices {
        let path = dev.join(name);
        make_place(&path, false).doing(words)?;
        let quiet = Attributes(Attributes::NO_SETUID | Attributes::NO_EXEC);
        sys::set_attributes(device.as_fd(), quiet).doing(words)?;
        put(device, &path).doing(words)?;
    }
    make_place(&dev.join("pts"), true).doing(words)?;
    let options = [(c"ptmxmode", c"0666"), (c"mode", c"0620")];
    let quiet = Attributes(Attributes::NO_SETUID | Attributes::NO_EXEC);
    let terminals = sys::new_tree(c"devpts", &options.map(|(a, b)| (a, b)), quiet);
    put(&terminals.doing(|| "making terminals".to_owned())?, &dev.join("pts")).doing(words)?;
    make_place(&dev.join("shm"), true).doing(words)?;
    let shared = memory(c"1777", c"50%", OPEN).doing(words)?;
    put(&shared, &dev.join("shm")).doing(words)?;
    let links = [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
    ];
    for (name, to) in links {
        make_link(Path::new(to), &dev.join(name)).doing(words)?;
    }
    Ok(())
}

/// A /proc that shows this run's processes alone, with the kernel's settings read-only.
#[expect(clippy::disallowed_methods, reason = "the kernel takes a limit as a file")]
fn lay_out_processes(plan: &Plan, limited: bool) -> Result<(), Failed> {
    let quiet = Attributes(OPEN | Attributes::NO_EXEC);
    let tree = sys::new_tree(c"proc", &[], quiet)
        .doing(|| "making a /proc of its own".to_owned())
        .map_err(Failed::of_environment)?;
    put(&tree, Path::new("/proc")).doing(|| "laying out /proc".to_owned())?;
    let root = sys::ids().0 == 0;
    if root && limited && host::kernel_is_at_least(6, 14) {
        // The limit of processes is not one for root; the largest number of a process is, and it belongs to
        // the run from that version on. Before, it is that of the host.
        let most = plan.limits.processes.max(LEAST_LARGEST);
        let _ = std::fs::write("/proc/sys/kernel/pid_max", most.to_string());
    }
    // Something over a part of it would keep a sandbox inside from a /proc of its own. Without root outside,
    // nothing of that can be written in any case.
    let bare = plan.nested && !root;
    for name in KERNEL.iter().filter(|_| !bare) {
        let path = Path::new("/proc").join(name);
        if path.symlink_metadata().is_ok() {
            bind_again(&path, SEALED | Attributes::NO_EXEC)
                .doing(|| format!("sealing {}", path.display()))?;
        }
    }
    Ok(())
}
