//! What a run writes, kept apart until it has ended: the workspace is below, a folder of the run's own above.
//!
//! Inside, both are one. Outside nothing has changed until the end; then what others would execute is taken out of
//! what was written, and only the rest goes into the workspace. So a name that means something to other
//! programs is never there, not even for a moment, however deep it lies and however it came about.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::after::Settle;
use super::host::Host;
use super::sys::{self, About, Attributes};
use crate::after::NoteKind;
use crate::plan::Plan;
use crate::refusal::{Refusal, RefusalKind};
use crate::request::{Kind, Look};
use crate::scan::{self, Memory, Reach};

/// Labels by which the kernel knows what lies above what. Outside they mean nothing.
const LABELS: [&CStr; 6] = [
    c"user.overlay.opaque",
    c"user.overlay.origin",
    c"user.overlay.impure",
    c"user.overlay.nlink",
    c"user.overlay.redirect",
    c"user.overlay.uuid",
];
/// Folders below the one of a run.
const UPPER: &str = "upper";
const WORK: &str = "work";

/// One folder whose changes are kept apart.
#[derive(Debug, Clone)]
pub(super) struct Overlay {
    root: PathBuf,
    place: PathBuf,
}

impl Overlay {
    /// Makes the folders that are needed. `quarantine`: the folder of this run.
    pub(super) fn ready(plan: &Plan, quarantine: Option<&Path>) -> Result<Vec<Self>, Refusal> {
        if plan.strict.is_empty() {
            return Ok(Vec::new());
        }
        let remedy = "run without --strict-protect, or see that the state folder can be written";
        let refusal = || Refusal::new("what the run writes cannot be kept apart", remedy);
        let folder = quarantine.ok_or_else(|| refusal().because("there is no place for it"))?;
        let below = mounted_below(&plan.strict).map_err(|error| refusal().because(error))?;
        if let Some(path) = below {
            let why = format!("another file system is mounted at {}", path.display());
            return Err(refusal().because(why));
        }
        let ready = |(number, root): (usize, &PathBuf)| -> io::Result<Self> {
            let place = folder.join("apart").join(number.to_string());
            for name in [UPPER, WORK] {
                DirBuilder::new().recursive(true).mode(0o700).create(place.join(name))?;
            }
            let about = root.metadata()?;
            let mode = std::fs::Permissions::from_mode(about.mode() & 0o777 | 0o700);
            std::fs::set_permissions(place.join(UPPER), mode)?;
            Ok(Self { root: root.clone(), place: place.canonicalize()? })
        };
        let all = plan.strict.iter().enumerate().map(ready).collect::<Result<_, _>>();
        all.map_err(|error| refusal().because(error))
    }

    /// Lays one over the other, where the lower is. By descriptor, so that no path is read twice.
    pub(super) fn lay(&self) -> io::Result<()> {
        let at = sys::open_path(&self.root)?;
        let (upper, work) =
            (sys::open_path(&self.place.join(UPPER))?, sys::open_path(&self.place.join(WORK))?);
        let name = |fd: &OwnedFd| CString::new(format!("/proc/self/fd/{}", fd.as_raw_fd()));
        let (below, above, work) = (name(&at)?, name(&upper)?, name(&work)?);
        let options: [(&CStr, &CStr); 4] = [
            (c"lowerdir", &below),
            (c"upperdir", &above),
            (c"workdir", &work),
            (c"userxattr", c""),
        ];
        let open = Attributes(Attributes::NO_SETUID | Attributes::NO_DEVICES);
        sys::attach(sys::new_tree(c"overlay", &options, open)?.as_fd(), at.as_fd())
    }

    fn upper(&self) -> PathBuf {
        self.place.join(UPPER)
    }

    /// Where something of the workspace would be above it.
    fn above(&self, path: &Path) -> Option<PathBuf> {
        path.strip_prefix(&self.root).ok().map(|below| self.upper().join(below))
    }
}

/// When nothing can be laid over anything.
pub(super) fn impossible(error: &io::Error) -> Refusal {
    let remedy = "run without --strict-protect, or keep Ringfence's state folder on another file system (`--state`)";
    Refusal::new("what the run writes cannot be kept apart", remedy)
        .because(format!("the kernel lays nothing over it here: {error}"))
        .kind(RefusalKind::Request)
}

/// The first place below one of these folders where something else is mounted.
#[expect(clippy::disallowed_methods, reason = "the kernel lists mounts in a file")]
fn mounted_below(roots: &[PathBuf]) -> io::Result<Option<PathBuf>> {
    let table = std::fs::read_to_string("/proc/self/mountinfo")?;
    let at = |line: &str| Some(PathBuf::from(unescaped(line.split(' ').nth(4)?)));
    let inside = |path: &PathBuf| roots.iter().any(|it| path != it && path.starts_with(it));
    Ok(table.lines().filter_map(at).find(inside))
}

/// The kernel writes a blank as `\040`, and so on.
fn unescaped(text: &str) -> String {
    let known = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    known.into_iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// What was written goes into the workspace, but for what others would execute or obey.
pub(super) fn bring_back(overlays: &[Overlay], settle: &mut Settle<'_>) {
    for overlay in overlays {
        let first = settle.after.notes.len();
        hold_back(overlay, settle);
        for note in settle.after.notes.iter_mut().skip(first) {
            if let Ok(below) = note.path.strip_prefix(overlay.upper()) {
                note.path = overlay.root.join(below);
            }
        }
        let opened = sys::open_path(&overlay.root)
            .and_then(|_| Ok((folder(&overlay.upper())?, folder(&overlay.root)?)));
        let merged = opened.and_then(|(from, to)| merge(from.as_fd(), to.as_fd()));
        match merged {
            Ok(()) => clear(&overlay.place),
            Err(error) => {
                let (at, why) = (overlay.upper(), error.to_string());
                settle.note(&overlay.root, NoteKind::Kept { at, why });
            }
        }
    }
}

/// Of a run that was not started.
pub(super) fn forget(overlays: &[Overlay]) {
    overlays.iter().for_each(|it| clear(&it.place));
}

/// Moves what others would execute out of what was written.
fn hold_back(overlay: &Overlay, settle: &mut Settle<'_>) {
    let (plan, upper) = (settle.plan, overlay.upper());
    let profile = &plan.watch.profile;
    let found = scan::workspace(profile, &upper, &Host, Reach::AFTER, &mut Memory::default());
    settle.after.incomplete |= !found.complete;
    for path in found.protected.iter().filter(|it| !it.ends_with(".git")) {
        settle.move_away(path);
    }
    let known = plan.watch.repositories.iter().filter_map(|it| overlay.above(it));
    let repositories: Vec<PathBuf> = known.chain(found.git).collect();
    for git in repositories {
        settle.repository(&git, true);
    }
    for path in plan.watch.absent.iter().filter_map(|it| overlay.above(it)) {
        if Host.kind(&path) != Kind::Absent {
            settle.move_away(&path);
        }
    }
}

fn folder(path: &Path) -> io::Result<OwnedFd> {
    let (parent, name) = path.parent().zip(path.file_name()).ok_or(io::ErrorKind::InvalidInput)?;
    let parent = sys::open_path(parent)?;
    sys::open_in(parent.as_fd(), name, libc::O_RDONLY | libc::O_DIRECTORY, 0)
}

/// Everything in a folder goes to the same place in another. What cannot is left where it is, and said.
fn merge(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> io::Result<()> {
    let mut failed = None;
    for name in names(from)? {
        if let Err(error) = merge_one(from, to, &name) {
            failed = failed.or(Some(error));
        }
    }
    failed.map_or(Ok(()), Err)
}

fn merge_one(from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    let about = sys::about_in(from, name)?;
    let there = sys::about_in(to, name).ok();
    if about.is(libc::S_IFCHR) && about.device == 0 {
        // It stands for what was removed.
        remove_all(to, name, there)?;
        return sys::remove_in(from, name);
    }
    if !about.is(libc::S_IFDIR) {
        if there.is_some_and(|it| it.is(libc::S_IFDIR)) {
            remove_all(to, name, there)?;
        }
        return put(from, to, name, about);
    }
    let inner = open_folder(from, name)?;
    let whole = sys::is_labelled(inner.as_fd(), c"user.overlay.opaque", b'y');
    if whole || there.is_some_and(|it| !it.is(libc::S_IFDIR)) {
        remove_all(to, name, there)?;
    }
    if whole || there.is_none_or(|it| !it.is(libc::S_IFDIR)) {
        sys::make_folder_in(to, name)?;
    }
    let outer = open_folder(to, name)?;
    let merged = merge(inner.as_fd(), outer.as_fd());
    sys::allow(outer.as_fd(), about.mode)?;
    merged?;
    sys::remove_folder_in(from, name)
}

/// A folder of one's own, even if it allows nothing.
fn open_folder(at: BorrowedFd<'_>, name: &OsStr) -> io::Result<OwnedFd> {
    const ALL: libc::mode_t = 0o700;
    let about = sys::about_in(at, name)?;
    if about.is(libc::S_IFDIR) && about.mode & ALL != ALL {
        sys::allow_in(at, name, about.mode & 0o7777 | ALL)?;
    }
    sys::open_in(at, name, libc::O_RDONLY | libc::O_DIRECTORY, 0)
}

/// What is no folder replaces what is there.
fn put(from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &OsStr, about: About) -> io::Result<()> {
    if about.is(libc::S_IFREG)
        && let Ok(file) = sys::open_in(from, name, libc::O_RDONLY, 0)
    {
        LABELS.iter().for_each(|it| sys::remove_label(file.as_fd(), it));
    }
    match sys::rename_in((from, name), (to, name), true) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
        other => return other,
    }
    // Under a name of its own first, so that nobody meets half of it.
    let mut draft = OsString::from(".ringfence-");
    draft.push(std::process::id().to_string());
    let _ = sys::remove_in(to, &draft);
    if about.is(libc::S_IFREG) {
        copy(from, to, name, &draft, about)?;
    } else if about.is(libc::S_IFLNK) {
        let at = |folder: BorrowedFd<'_>, name: &OsStr| {
            Path::new(&format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name)
        };
        symlink(std::fs::read_link(at(from, name))?, at(to, &draft))?;
    } else {
        // Sockets and pipes ended with the run.
        return sys::remove_in(from, name);
    }
    sys::rename_in((to, &draft), (to, name), true)?;
    sys::remove_in(from, name)
}

fn copy(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    name: &OsStr,
    draft: &OsStr,
    about: About,
) -> io::Result<()> {
    let mut old = File::from(sys::open_in(from, name, libc::O_RDONLY, 0)?);
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL;
    let mut new = File::from(sys::open_in(to, draft, flags, 0o600)?);
    io::copy(&mut old, &mut new)?;
    sys::allow(new.as_fd(), about.mode)?;
    let known = old.metadata()?;
    let times = std::fs::FileTimes::new().set_modified(known.modified()?);
    new.set_times(times.set_accessed(known.accessed()?))
}

/// Removes something and all that is in it.
fn remove_all(at: BorrowedFd<'_>, name: &OsStr, about: Option<About>) -> io::Result<()> {
    let Some(about) = about else { return Ok(()) };
    if !about.is(libc::S_IFDIR) {
        return sys::remove_in(at, name);
    }
    let inner = open_folder(at, name)?;
    for entry in names(inner.as_fd())? {
        let about = sys::about_in(inner.as_fd(), &entry).ok();
        remove_all(inner.as_fd(), &entry, about)?;
    }
    sys::remove_folder_in(at, name)
}

/// Removes the folder of a run that nothing is left in. What stays does no harm.
fn clear(place: &Path) {
    let parent = place.parent().and_then(|it| sys::open_path(it).ok());
    if let Some((parent, name)) = parent.zip(place.file_name()) {
        let about = sys::about_in(parent.as_fd(), name).ok();
        let _ = remove_all(parent.as_fd(), name, about);
    }
    // The folders above, if nothing was moved away.
    let above = place.ancestors().skip(1).take(2);
    above.for_each(|it| drop(std::fs::remove_dir(it)));
}

#[expect(clippy::disallowed_methods, reason = "looks at what the run has written")]
fn names(folder: BorrowedFd<'_>) -> io::Result<Vec<OsString>> {
    let entries = std::fs::read_dir(format!("/proc/self/fd/{}", folder.as_raw_fd()))?;
    entries.map(|it| it.map(|it| it.file_name())).collect()
}

#[cfg(test)]
mod tests {
    use super::unescaped;

    #[test]
    fn a_blank_in_a_path_is_one() {
        assert_eq!(unescaped("/a\\040b\\134c"), "/a b\\c");
    }
}
