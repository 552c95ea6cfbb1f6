//! Notices names that others would execute or obey in the moment in which they appear, while a run lasts.
//!
//! It changes nothing: what appears is moved away when the run ends. But it tells of what was there in between,
//! and of what was gone again before the end.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::host::Host;
use super::sys;
use crate::after::Appeared;
use crate::names;
use crate::plan::Plan;
use crate::request::{Kind, Look};
use crate::scan::{self, Memory, Reach};

/// What ends sooner is looked at afterwards alone: to watch a few hundred folders, and to let go of them, takes as
/// long as some commands do.
const SOON: Duration = Duration::from_millis(150);
/// The most that is told: names can be made up without end.
const MOST: usize = 1000;

/// A run that is watched once it has lasted for a while.
pub(super) struct Eyes<'a> {
    plan: &'a Plan,
    started: Duration,
    lookout: Option<Lookout<'a>>,
    /// Whether it is too early.
    waits: bool,
}

impl<'a> Eyes<'a> {
    /// Of what is kept apart until the end nothing appears before.
    pub(super) fn open(plan: &'a Plan, started: Duration) -> Self {
        let waits = plan.strict.is_empty() && !plan.watch.folders.is_empty();
        Self { plan, started, lookout: None, waits }
    }

    /// How long may be waited at most.
    pub(super) fn until(&self, left: Option<Duration>) -> Option<Duration> {
        let soon = self.waits.then_some(SOON);
        left.into_iter().chain(soon).min()
    }

    pub(super) fn events(&self) -> Option<BorrowedFd<'_>> {
        self.lookout.as_ref().map(|it| it.events.as_fd())
    }

    /// Looks at what was told; the first time after a while, at everything.
    pub(super) fn look(&mut self) {
        if let Some(lookout) = &mut self.lookout {
            lookout.look();
        } else if self.waits && since(self.started) >= SOON {
            self.waits = false;
            self.lookout = Lookout::over(self.plan, self.started);
        }
    }

    pub(super) fn told(self) -> Vec<Appeared> {
        self.lookout.map(Lookout::told).unwrap_or_default()
    }
}

/// How long ago something was, by the clock of files.
fn since(started: Duration) -> Duration {
    sys::clock_of_files().map_or(Duration::ZERO, |now| now.saturating_sub(started))
}

/// Folders that are watched.
struct Lookout<'a> {
    plan: &'a Plan,
    /// When the run started, by the clock of files.
    started: Duration,
    events: OwnedFd,
    folders: HashMap<i32, (PathBuf, usize)>,
    watched: HashSet<PathBuf>,
    /// What the folders held.
    memory: Memory,
    known: BTreeSet<PathBuf>,
    appeared: Vec<Appeared>,
}

impl<'a> Lookout<'a> {
    /// Watches the folders that are looked at before a run. None: the kernel has no room for that.
    fn over(plan: &'a Plan, started: Duration) -> Option<Self> {
        let events = sys::changes_of_folders().ok()?;
        let mut lookout = Self {
            plan,
            started,
            events,
            folders: HashMap::new(),
            watched: HashSet::new(),
            memory: plan.watch.memory.clone(),
            known: BTreeSet::new(),
            appeared: Vec::new(),
        };
        for folder in &plan.watch.folders {
            lookout.add(folder, 0);
        }
        Some(lookout)
    }

    /// Takes what was told since.
    fn look(&mut self) {
        for (watch, name) in sys::read_changes(self.events.as_fd()) {
            let Some((folder, level)) = self.folders.get(&watch).cloned() else { continue };
            self.meet(&folder, &name, level);
        }
    }

    /// The kernel takes some milliseconds to let go of what is watched, and there is other work until then.
    fn told(mut self) -> Vec<Appeared> {
        self.look();
        let Self { events, appeared, .. } = self;
        // Without a thread it is let go of here.
        let _ = thread::Builder::new().spawn(move || drop(events));
        appeared
    }

    /// A folder and what is below it. Twice, for what appears between a look and a watch.
    fn add(&mut self, root: &Path, level: usize) {
        let profile = &self.plan.watch.profile;
        let levels = Reach::BEFORE.levels.saturating_sub(level);
        for _ in 0..2 {
            let left = Reach::BEFORE.folders.saturating_sub(self.watched.len());
            let reach = Reach { levels, folders: left.max(1) };
            let found = scan::workspace(profile, root, &Host, reach, &mut self.memory);
            for (folder, below) in found.folders {
                let full = self.watched.len() >= Reach::BEFORE.folders;
                if full || self.watched.contains(&folder) {
                    continue;
                }
                if let Ok(watch) = sys::watch_folder(self.events.as_fd(), &folder) {
                    self.folders.insert(watch, (folder.clone(), level + below));
                    self.watched.insert(folder);
                }
            }
            // Where a repository is, is work.
            let named = found.protected.into_iter().filter(|path| !path.ends_with(".git"));
            named.for_each(|path| self.notice(path));
        }
    }

    fn meet(&mut self, folder: &Path, name: &OsStr, level: usize) {
        let path = folder.join(name);
        if self.is_protected(name) {
            self.notice(path);
        } else if level < Reach::BEFORE.levels
            && Host.kind(&path) == Kind::Folder
            && !self.is_skipped(name)
        {
            // One of this name may have been watched before, and be gone.
            self.watched.retain(|it| !it.starts_with(&path));
            self.add(&path, level + 1);
        }
    }

    fn notice(&mut self, path: PathBuf) {
        let there = self.plan.protect.contains(&path) || !self.plan.is_writable(&path);
        if there || self.appeared.len() >= MOST || !self.known.insert(path.clone()) {
            return;
        }
        let after_ms = u64::try_from(since(self.started).as_millis()).unwrap_or(u64::MAX);
        self.appeared.push(Appeared { path, after_ms });
    }

    fn is_protected(&self, name: &OsStr) -> bool {
        let Some(name) = name.to_str() else { return false };
        let mut wanted = self.plan.watch.names.iter().filter(|it| !it.contains('/'));
        wanted.any(|it| names::fits(it, name))
    }

    fn is_skipped(&self, name: &OsStr) -> bool {
        let text = name.to_string_lossy();
        text == ".git" || self.plan.watch.profile.skip.iter().any(|it| *it == text)
    }
}
