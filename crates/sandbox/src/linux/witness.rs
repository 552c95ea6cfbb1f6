//! Proof, by the command's own process and just before it becomes the command, that the walls stand.
//!
//! Configuration says what should be; this tries it. A wall that is not there ends the start, whatever
//! the reason: a kernel that ignores a flag, a mount that something undid, a mistake of ours.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Hold, network, sys};
use crate::plan::{Mask, Plan};

/// Landlock keeps signals within a run from this version on.
const SIGNALS: u32 = 6;

/// What the host looked like before: to be compared with what is seen inside.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Witness {
    /// Hidden folders, as what they are on the host.
    folders: Vec<(PathBuf, u64, u64)>,
    /// Something that really is in a hidden folder.
    canaries: Vec<PathBuf>,
    network: Option<PathBuf>,
    /// Settings of repositories, as what they are on the host.
    settings: Vec<(PathBuf, u64, u64)>,
    /// Names of the caller's own spaces.
    spaces: Vec<(String, PathBuf)>,
    /// What is mounted by name: what each is on the host.
    named: Vec<(PathBuf, u64, u64)>,
}

/// Each kind of space that is the run's own. Without a network of the host, that too.
const SPACES: [&str; 5] = ["user", "mnt", "pid", "ipc", "uts"];

impl Witness {
    /// Looks at the host.
    pub(super) fn before(plan: &Plan, hold: Hold<'_>) -> Self {
        let folders = plan.hide.iter().chain(&plan.private).filter_map(|it| identity(it));
        let canaries = plan.hide.iter().filter_map(|path| canary(plan, path));
        let settings = plan.settings.iter().filter_map(|it| identity(it));
        // By another's hands these are not copies, and ids may be those of the caller.
        let (copied, ids) = match hold {
            Hold::Helped(helper) => (false, helper.makes_ids()),
            Hold::Own | Hold::Alone(_) => (true, true),
        };
        let own = (!plan.network).then_some("net");
        let spaces = SPACES.into_iter().filter(|it| ids || *it != "user").chain(own);
        let shown = plan.show.iter().map(|it| &it.path);
        let named = shown.chain(&plan.protect).chain(&plan.pin).filter(|_| !copied);
        Self {
            folders: folders.collect(),
            canaries: canaries.collect(),
            settings: settings.filter(|_| copied).collect(),
            named: named.filter_map(|it| identity(it)).collect(),
            network: network::current(),
            spaces: spaces.filter_map(|it| Some((it.to_owned(), space(it)?))).collect(),
        }
    }

    /// Says which wall does not stand. None: all of them do.
    pub(super) fn falls(&self, plan: &Plan, mounted: bool) -> Option<String> {
        if let Some(fault) = status() {
            return Some(fault);
        }
        if let Some(path) = self.canaries.iter().find(|path| can_see(path, mounted)) {
            return Some(format!("{} can be read", path.display()));
        }
        if mounted && let Some(fault) = self.mounts(plan) {
            return Some(fault);
        }
        if let Some(fd) = open_files().into_iter().find(|fd| *fd > 2 && sys::stays_open(*fd)) {
            return Some(format!("file {fd} of the caller stays open"));
        }
        if sys::landlock_version() >= SIGNALS && !sys::cannot_signal_parent() {
            return Some("processes outside can be signalled".to_owned());
        }
        let nests = plan.nested && mounted;
        if !nests && !sys::cannot_unshare_user() {
            return Some("a new user namespace can be made".to_owned());
        }
        let closed = match plan.doors {
            // Every address is a local one, so that only the network itself can be looked at.
            Some(_) if mounted => network::is_closed(self.network.as_deref()),
            Some(_) => match sys::why_sockets_are_free() {
                None => sys::cannot_connect(),
                Some(why) => return Some(why.to_owned()),
            },
            None => plan.network || sys::cannot_connect(),
        };
        if !closed {
            return Some("the network can be reached".to_owned());
        }
        None
    }

    fn mounts(&self, plan: &Plan) -> Option<String> {
        for (path, dev, ino) in &self.folders {
            let same = |it: std::fs::Metadata| (it.dev(), it.ino()) == (*dev, *ino);
            let shown = plan.show.iter().any(|it| it.path == *path);
            if !shown && path.symlink_metadata().is_ok_and(same) {
                return Some(format!("{} is that of the host", path.display()));
            }
        }
        for (path, dev, ino) in &self.settings {
            let same = |it: std::fs::Metadata| (it.dev(), it.ino()) == (*dev, *ino);
            if path.metadata().is_ok_and(same) {
                return Some(format!("{} is that of the host", path.display()));
            }
        }
        // What was swapped between a look and a mount is another thing now.
        let other = |(path, dev, ino): &&(PathBuf, u64, u64)| {
            identity(path).is_none_or(|(_, at, it)| (at, it) != (*dev, *ino))
        };
        if let Some((path, ..)) = self.named.iter().find(other) {
            return Some(format!("{} is not what it was when this was planned", path.display()));
        }
        if let Some((name, _)) =
            self.spaces.iter().find(|(name, own)| space(name).as_ref() == Some(own))
        {
            return Some(format!("the {name} namespace is that of the caller"));
        }
        let open = |mask: &&Mask| can_open(&mask.path, mask.folder);
        if let Some(mask) = plan.mask.iter().find(open) {
            return Some(format!("{} can be opened", mask.path.display()));
        }
        for path in &plan.pin {
            // It holds something, so that this fails in any case; the question is why.
            let loose = [0, libc::ENOTEMPTY, libc::EEXIST];
            if sys::why_folder_stays(path).is_ok_and(|why| loose.contains(&why)) {
                return Some(format!("{} is not held in place", path.display()));
            }
        }
        let held = plan.show.iter().filter(|it| !it.write).map(|it| &it.path);
        let held = held.filter(|it| !plan.open.is_empty() && !it.is_symlink());
        let sealed = plan.protect.iter().chain(&plan.hide).chain(held).map(PathBuf::as_path);
        for path in sealed.chain([Path::new("/")]) {
            let shown = plan.show.iter().any(|it| it.write && it.path == path);
            if !shown && !sys::is_read_only(path).unwrap_or(false) {
                return Some(format!("{} can be written", path.display()));
            }
        }
        let trial = std::fs::DirBuilder::new().create("/.ringfence-witness");
        let refused = trial.err().and_then(|error| error.raw_os_error());
        (refused != Some(libc::EROFS)).then(|| "/ is not read-only".to_owned())
    }
}

/// What is at a path, reached without any symbolic link.
fn identity(path: &Path) -> Option<(PathBuf, u64, u64)> {
    let at = sys::open_path(path).ok()?;
    let about = std::fs::File::from(at).metadata().ok()?;
    Some((path.to_path_buf(), about.dev(), about.ino()))
}

/// Something in a hidden folder that is not shown again.
#[expect(clippy::disallowed_methods, reason = "looks at the host to compare it with the inside")]
fn canary(plan: &Plan, folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    let entries = entries.filter_map(Result::ok).map(|it| it.path());
    let again = |path: &Path| {
        let shows = plan.show.iter().map(|it| &it.path);
        let links = plan.links.iter().map(|it| &it.at);
        let hides = plan.hide.iter().chain(&plan.private).chain(&plan.empty);
        shows
            .chain(links)
            .chain(hides)
            .any(|it| it.starts_with(path) || path.starts_with(it) && it != folder)
    };
    entries.into_iter().find(|it| !again(it))
}

/// The name of a space of this process.
fn space(name: &str) -> Option<PathBuf> {
    std::fs::read_link(Path::new("/proc/self/ns").join(name)).ok()
}

#[expect(clippy::disallowed_methods, reason = "looks at what this process has open")]
fn open_files() -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return Vec::new() };
    let number = |it: std::fs::DirEntry| it.file_name().to_str()?.parse().ok();
    entries.filter_map(Result::ok).filter_map(number).collect()
}

#[expect(clippy::disallowed_methods, reason = "tries whether the wall holds")]
fn can_open(path: &Path, folder: bool) -> bool {
    if folder {
        std::fs::read_dir(path).is_ok_and(|it| it.count() > 0)
    } else {
        std::fs::File::open(path).is_ok()
    }
}

#[expect(clippy::disallowed_methods, reason = "tries whether the wall holds")]
fn can_see(path: &Path, mounted: bool) -> bool {
    if mounted {
        return path.symlink_metadata().is_ok();
    }
    // Landlock lets names be seen, and nothing else.
    std::fs::File::open(path).is_ok()
}

/// What the kernel says about this process.
#[expect(clippy::disallowed_methods, reason = "reads what the kernel says about this process")]
fn status() -> Option<String> {
    let text = match std::fs::read_to_string("/proc/self/status") {
        Ok(text) => text,
        Err(error) => return Some(format!("/proc/self/status cannot be read: {error}")),
    };
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(str::trim).unwrap_or_default()
    };
    let none = |text: &str| !text.is_empty() && text.chars().all(|it| it == '0');
    if value("Seccomp") != "2" {
        return Some("system calls are not filtered".to_owned());
    }
    if value("NoNewPrivs") != "1" {
        return Some("new privileges can be gained".to_owned());
    }
    let sets = ["CapPrm", "CapEff", "CapInh", "CapAmb"];
    let held = sets.into_iter().find(|name| !none(value(name)));
    held.map(|name| format!("capabilities are left in {name}"))
}

/// Whether an error means that this system does not allow something, rather than that it went wrong.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    let codes = [libc::EPERM, libc::EACCES, libc::ENOSPC, libc::ENOSYS, libc::EINVAL, libc::EUSERS];
    error.raw_os_error().is_some_and(|it| codes.contains(&it))
}
