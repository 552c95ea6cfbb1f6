//! Carries out what is done when a run has ended: harmless settings go back, and what others would execute
//! is moved away. Everything is reached without following a symbolic link, for it lies where the run
//! could write.

use std::ffi::{OsStr, OsString};
use std::fs::DirBuilder;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::host::Host;
use super::settings::{Held, Settings};
use super::{sys, touched};
use crate::after::{After, Note, NoteKind};
use crate::observe::Observed;
use crate::plan::{Plan, SETTINGS};
use crate::request::{Kind, Look};
use crate::scan::{self, Found, Reach};
use crate::settings::{self, Settled};

/// Looks at what a run has left.
pub(super) struct Settle<'a> {
    pub(super) plan: &'a Plan,
    /// By the clock that files are stamped with.
    pub(super) started: Duration,
    /// Whether settings were copies.
    pub(super) copied: bool,
    /// What is protected and could be changed all the same.
    pub(super) loose: Vec<PathBuf>,
    /// Where what is moved away goes. None: it stays in its folder, under another name.
    pub(super) quarantine: Option<&'a Path>,
    /// Whether every file is asked whether it was changed.
    pub(super) touched: bool,
    /// What it was seen to do, if somebody watched.
    pub(super) observed: Option<&'a Observed>,
    pub(super) after: After,
}

impl Settle<'_> {
    /// `copies`: what the command made of each file of settings, where it did. Answers too what the next run
    /// need not look at again, if there is more of it than before.
    pub(super) fn all(
        mut self,
        settings: &[Settings],
        copies: &[Option<Vec<u8>>],
    ) -> (After, Option<Vec<u8>>) {
        for (number, it) in settings.iter().enumerate() {
            if self.copied {
                if let Some(Some(copy)) = copies.get(number) {
                    self.carry_over(it, copy);
                }
            } else {
                self.put_back(it);
            }
        }
        let watch = &self.plan.watch;
        let mut memory = watch.memory.clone();
        memory.begin_again();
        let mut files = Vec::new();
        for folder in &watch.folders {
            let mut found =
                scan::workspace(&watch.profile, folder, &Host, Reach::AFTER, &mut memory);
            self.after.incomplete |= !found.complete;
            files.append(&mut found.files);
            self.folder(folder, &found);
            if !self.touched {
                continue;
            }
            // What is held here may have been written by another name.
            let held = found.protected.iter().filter(|it| Host.kind(it) == Kind::Folder);
            files.extend(held.flat_map(|it| touched::files_below(it)));
        }
        for git in self.plan.watch.repositories.iter().filter(|it| self.plan.is_writable(it)) {
            self.repository(git, false);
        }
        for path in &self.plan.watch.absent {
            if Host.kind(path) != Kind::Absent {
                self.move_away(path);
            }
        }
        self.beside();
        if self.touched {
            let (touched, complete) = touched::since(&files, self.started);
            self.after.touched = touched;
            self.after.incomplete |= !complete;
        }
        for path in std::mem::take(&mut self.loose) {
            if self.is_touched(&path) {
                self.note(&path, NoteKind::Changed);
            }
        }
        let seen = memory.text(&watch.profile);
        (self.after, seen)
    }

    pub(super) fn note(&mut self, path: &Path, kind: NoteKind) {
        self.after.notes.push(Note { path: path.to_path_buf(), kind });
    }

    /// What the run changed in its copy goes into the file, as far as it is harmless.
    fn carry_over(&mut self, settings: &Settings, copy: &[u8]) {
        let done = Held::open(&settings.path).and_then(|held| {
            let now = held.read()?;
            let settled = settled(&settings.before, copy, &now)?;
            if let Some(text) = &settled.text {
                held.replace(text.as_bytes())?;
            }
            Ok(settled.held)
        });
        match done {
            Ok(names) if names.is_empty() => {}
            Ok(names) => self.note(&settings.path, NoteKind::Held { names }),
            Err(error) => {
                let names = vec![format!("everything ({error})")];
                self.note(&settings.path, NoteKind::Held { names });
            }
        }
    }

    /// Without a copy the file itself was changed: what is not harmless in that is undone.
    fn put_back(&mut self, settings: &Settings) {
        let done = Held::open(&settings.path).and_then(|held| {
            let now = held.read()?;
            if now == settings.before {
                return Ok(Vec::new());
            }
            match settled(&settings.before, &now, &settings.before) {
                Ok(settled) if settled.held.is_empty() => Ok(Vec::new()),
                Ok(settled) => {
                    let text = settled.text.map_or(settings.before.clone(), String::into_bytes);
                    held.replace(&text).map(|()| settled.held)
                }
                Err(error) => {
                    let name = format!("everything ({error})");
                    held.replace(&settings.before).map(|()| vec![name])
                }
            }
        });
        match done {
            Ok(names) if names.is_empty() => {}
            Ok(names) => self.note(&settings.path, NoteKind::Held { names }),
            Err(_) => self.note(&settings.path, NoteKind::Changed),
        }
    }

    /// What appeared beside what may be written. Who made it is known only of what was seen; a person may have saved a
    /// file meanwhile.
    fn beside(&mut self) {
        let plan = self.plan;
        let shown = |path: &Path| plan.show.iter().any(|it| it.path == path);
        for open in &plan.open {
            for (name, _) in Host.entries(&open.folder) {
                let path = open.folder.join(&name);
                if open.holds(&name) || shown(&path) {
                    continue;
                }
                let resolve = |it: &Path| Host.resolve(it);
                let made = self.observed.is_some_and(|it| it.may_have_made(&path, resolve));
                if !made {
                    self.note(&path, NoteKind::Unnamed { to: None });
                    continue;
                }
                match self.away(&path) {
                    Ok(to) => self.note(&path, NoteKind::Unnamed { to: Some(to) }),
                    Err(error) => self.note(&path, NoteKind::Left { why: error.to_string() }),
                }
            }
        }
    }

    fn folder(&mut self, root: &Path, found: &Found) {
        let plan = self.plan;
        for path in found.protected.iter().filter(|it| plan.is_writable(it)) {
            if plan.protect.contains(path) || plan.gaps.iter().any(|it| it.path == *path) {
                continue;
            }
            if path.ends_with(".git") {
                // Where a repository is, is work; what executes lies in that.
                continue;
            }
            if self.is_new(root, path) {
                self.move_away(path);
            } else if self.is_touched(path) {
                self.note(path, NoteKind::Changed);
            }
        }
        for git in found.git.iter().filter(|it| plan.is_writable(it)) {
            if !plan.watch.repositories.contains(git) {
                let new = self.is_new(root, git);
                self.repository(git, new);
            }
        }
    }

    /// Whether something was not there before the run.
    fn is_new(&self, root: &Path, path: &Path) -> bool {
        if self.plan.watch.there.contains(path) {
            return false;
        }
        let below = path.strip_prefix(root).map_or(0, |it| it.components().count());
        // Everything down to that level was looked at.
        if below.saturating_sub(1) <= self.plan.watch.levels {
            return true;
        }
        let born = path.symlink_metadata().and_then(|it| it.created().or_else(|_| it.modified()));
        let since = born.map(|it| it.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
        since.is_ok_and(|it| it >= self.started)
    }

    /// Whether something, or what is in it, was changed since the run started. Nobody can set that time.
    fn is_touched(&self, path: &Path) -> bool {
        let Ok(about) = path.symlink_metadata() else { return false };
        let changed = Duration::new(
            about.ctime().try_into().unwrap_or(0),
            about.ctime_nsec().try_into().unwrap_or(0),
        );
        if changed >= self.started {
            return true;
        }
        about.is_dir() && Host.entries(path).iter().any(|(it, _)| self.is_touched(&path.join(it)))
    }

    /// What git would execute for a repository, and was not protected for not being there.
    pub(super) fn repository(&mut self, git: &Path, new: bool) {
        let known = self.plan.watch.repositories.iter().any(|it| it == git);
        for name in &self.plan.watch.profile.protect_git.clone() {
            let path = git.join(name);
            let held = self.stays(&path);
            if held || Host.kind(&path) == Kind::Absent || !known && !new && !self.is_touched(&path)
            {
                continue;
            }
            match name.as_str() {
                "hooks" if Host.kind(&path) == Kind::Folder => self.hooks(&path),
                // A second work tree says there where the first one is.
                "commondir" if is_second_work_tree(git) => {}
                _ => self.move_away(&path),
            }
        }
        for name in SETTINGS {
            let path = git.join(name);
            match Host.kind(&path) {
                Kind::Absent => {}
                _ if self.stays(&path) || self.plan.settings.contains(&path) => {}
                Kind::File if known || new => self.clean(&path),
                Kind::File if self.is_touched(&path) => self.note(&path, NoteKind::Changed),
                Kind::File => {}
                Kind::Folder | Kind::Link | Kind::Other => self.move_away(&path),
            }
        }
    }

    /// Whether something is left as it is: it was held, or was there before the run.
    fn stays(&self, path: &Path) -> bool {
        self.plan.protect.iter().any(|it| it == path) || self.plan.watch.there.contains(path)
    }

    /// What is not an example is executed.
    fn hooks(&mut self, folder: &Path) {
        for (name, _) in Host.entries(folder) {
            let path = folder.join(&name);
            let example = Path::new(&name).extension().is_some_and(|it| it == "sample");
            if !example {
                self.move_away(&path);
            }
        }
    }

    /// Settings that the run has made keep what is harmless.
    fn clean(&mut self, path: &Path) {
        let done = Held::open(path).and_then(|held| {
            let text = held.read()?;
            let settled = settings::of_new(as_text(&text)?).map_err(|_| unreadable())?;
            if let Some(text) = &settled.text {
                held.replace(text.as_bytes())?;
            }
            Ok(settled.held)
        });
        match done {
            Ok(names) if names.is_empty() => {}
            Ok(names) => self.note(path, NoteKind::Held { names }),
            Err(_) => self.move_away(path),
        }
    }

    /// Moves something out of its place. Where to.
    fn away(&self, path: &Path) -> io::Result<PathBuf> {
        let number = self.after.notes.len();
        let moved = self.quarantine.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound));
        moved.and_then(|to| into(to, number, path)).or_else(|_| aside(path))
    }

    pub(super) fn move_away(&mut self, path: &Path) {
        match self.away(path) {
            Ok(to) => self.note(path, NoteKind::Moved { to }),
            Err(error) => self.note(path, NoteKind::Left { why: error.to_string() }),
        }
    }
}

fn settled(before: &[u8], after: &[u8], now: &[u8]) -> io::Result<Settled> {
    settings::carried_over(as_text(before)?, as_text(after)?, as_text(now)?)
        .map_err(|_| unreadable())
}

fn as_text(text: &[u8]) -> io::Result<&str> {
    std::str::from_utf8(text).map_err(|_| unreadable())
}

fn unreadable() -> io::Error {
    io::Error::other("it cannot be understood")
}

fn is_second_work_tree(git: &Path) -> bool {
    git.parent().is_some_and(|it| it.ends_with("worktrees"))
        && super::settings::read(&git.join("commondir")).is_ok_and(|it| it.trim_ascii() == b"../..")
}

/// Moves something into a folder of its own in the quarantine.
fn into(quarantine: &Path, number: usize, path: &Path) -> io::Result<PathBuf> {
    let place = quarantine.join(number.to_string());
    DirBuilder::new().recursive(true).mode(0o700).create(&place)?;
    let place = place.canonicalize()?;
    let held = Held::open(path)?;
    let folder = sys::open_path(&place)?;
    sys::rename_in((held.folder.as_fd(), held.name()), (folder.as_fd(), held.name()), false)?;
    Ok(place.join(held.name()))
}

/// Gives something another name in its folder, which nobody executes.
fn aside(path: &Path) -> io::Result<PathBuf> {
    const TRIALS: u32 = 1000;
    let held = Held::open(path)?;
    let folder = held.folder.as_fd();
    for number in 1..TRIALS {
        let mut name = OsString::from(held.name());
        name.push(OsStr::new(&format!(".quarantined-{number}")));
        match sys::rename_in((folder, held.name()), (folder, &name), false) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(()) => return Ok(path.with_file_name(name)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
