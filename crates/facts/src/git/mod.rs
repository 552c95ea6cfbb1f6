//! What repositories hold, and what they do not: read from their files, without running git.
//!
//! [`gather`] asks only what an effect of the action makes worth knowing ([`plan`]). A thread of its
//! own opens what is found ([`open`]), and tells of it piece by piece, cheapest first: branches and
//! remotes, commits that only one branch holds ([`history`]), then files ([`tree`], [`untracked`]).
//! When the deadline passes, what has been told so far stands, and the thread is left to notice. So
//! does a thread that a repository has brought to a stop or to panic.

mod history;
mod open;
mod plan;
mod tree;
mod untracked;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};

use gix::bstr::{BStr, ByteSlice};
use ringfence_action::{Action, Effect, Facts, GitFacts, PathFacts};

use crate::deadline::Deadline;
use crate::live::resolved;
use history::{accounts, own_addresses};
use open::{Place, Repository};
use plan::{Plan, Seen, Wanted};
use tree::Tree;
use untracked::Untracked;

/// Adds what repositories tell about the action. What is there already stays.
pub(crate) fn gather(action: &Action, effects: &[Effect], facts: &mut Facts, deadline: Deadline) {
    let plan = Plan::of(action, effects).without(facts);
    if plan.is_empty() || deadline.has_passed() {
        return;
    }
    let (told, hears) = channel();
    let look = move || Look { deadline, told, found: Found::default(), plan }.run();
    if std::thread::Builder::new().name("facts".to_owned()).spawn(look).is_err() {
        return;
    }
    let mut found = Found::default();
    while let Ok(more) = hears.recv_timeout(deadline.left()) {
        found = more;
    }
    found.enter(facts);
}

/// What was found so far.
#[derive(Debug, Clone, Default)]
struct Found {
    /// The repository of the working folder.
    here: Option<GitFacts>,
    /// Others, by the top of their work tree.
    others: BTreeMap<String, GitFacts>,
    paths: BTreeMap<String, PathFacts>,
}

impl Found {
    fn enter(self, facts: &mut Facts) {
        if facts.git.is_none() {
            facts.git = self.here;
        }
        for (top, other) in self.others {
            facts.repositories.entry(top).or_insert(other);
        }
        for (path, found) in self.paths {
            let known = facts.paths.entry(path).or_default();
            known.tracked = known.tracked.or(found.tracked);
            known.ignored = known.ignored.or(found.ignored);
            known.clean = known.clean.or(found.clean);
            known.holds_untracked = known.holds_untracked.or(found.holds_untracked);
        }
    }
}

impl Plan {
    /// Leaves out what is known already.
    fn without(mut self, facts: &Facts) -> Self {
        self.paths.retain(|path, _| {
            facts.paths.get(path).is_none_or(|known| {
                known.exists != Some(false) && known.tracked.is_none() && known.clean.is_none()
            })
        });
        if let (Some(cwd), Some(_)) = (&self.cwd, &facts.git) {
            self.repositories.remove(cwd);
        }
        self.repositories
            .retain(|folder, _| !facts.repositories.keys().any(|top| folder.starts_with(top)));
        self
    }
}

/// The thread that looks.
struct Look {
    plan: Plan,
    deadline: Deadline,
    told: Sender<Found>,
    found: Found,
}

/// A repository that is asked about, by what marks it.
struct Asked {
    place: Place,
    wanted: Wanted,
    paths: Vec<(String, PathBuf)>,
    here: bool,
    told: bool,
}

impl Look {
    fn run(mut self) {
        let mut repositories: Vec<(Asked, Repository)> = Vec::new();
        for asked in self.asked() {
            if let Some(repository) = Repository::open(asked.place.clone()) {
                repositories.push((asked, repository));
            }
        }
        for (asked, repository) in &repositories {
            if let Some(basics) = repository.basics() {
                self.tell(asked, |facts| *facts = basics);
            }
        }
        for (asked, repository) in &repositories {
            self.commits(asked, repository);
        }
        for (asked, repository) in &repositories {
            self.files(asked, repository);
        }
    }

    /// The repositories that the questions are about, each once.
    fn asked(&self) -> Vec<Asked> {
        let here = self.plan.cwd.as_deref().and_then(resolved).and_then(|cwd| Place::of(&cwd));
        let mut all: Vec<Asked> = Vec::new();
        let mut of = |place: Place| -> usize {
            if let Some(at) = all.iter().position(|asked| asked.place == place) {
                return at;
            }
            let here = here.as_ref() == Some(&place);
            let wanted = Wanted::default();
            all.push(Asked { place, wanted, paths: Vec::new(), here, told: false });
            all.len() - 1
        };
        let mut repositories = Vec::new();
        for (folder, wanted) in &self.plan.repositories {
            let place = resolved(folder).and_then(|folder| Place::of(&folder));
            repositories.extend(place.map(|place| (of(place), wanted.clone())));
        }
        let mut paths = Vec::new();
        for (name, seen) in &self.plan.paths {
            if let Some((place, path)) = place_of(Path::new(name), *seen) {
                paths.push((of(place), (name.clone(), path)));
            }
        }
        for (at, wanted) in repositories {
            if let Some(asked) = all.get_mut(at) {
                asked.wanted.join(wanted);
                asked.told = true;
            }
        }
        for (at, path) in paths {
            if let Some(asked) = all.get_mut(at) {
                asked.paths.push(path);
            }
        }
        all
    }

    /// Tells one more thing of a repository that was asked for as such.
    fn tell(&mut self, asked: &Asked, change: impl FnOnce(&mut GitFacts)) {
        if !asked.told {
            return;
        }
        if asked.here {
            change(self.found.here.get_or_insert_default());
        } else if let Some(top) = asked.place.top.as_deref().and_then(Path::to_str) {
            change(self.found.others.entry(top.to_owned()).or_default());
        }
        self.send();
    }

    fn send(&self) {
        // Nobody listens any more after the deadline; the next look at the clock ends this.
        let _ = self.told.send(self.found.clone());
    }

    fn commits(&mut self, asked: &Asked, repository: &Repository) {
        let (wanted, deadline) = (&asked.wanted, self.deadline);
        if wanted.stashes {
            let stashes = repository.stashes();
            self.tell(asked, |facts| facts.stashes = stashes);
        }
        for branch in &wanted.branches {
            if let Some(count) = repository.orphaned_by_deleting(branch, deadline) {
                let key = format!("branch:{branch}");
                self.tell(asked, |facts| facts.orphaned.extend([(key, count)]));
            }
        }
        for revision in &wanted.moves {
            if let Some(count) = repository.orphaned_by_moving(revision, deadline) {
                let key = format!("to:{revision}");
                self.tell(asked, |facts| facts.orphaned.extend([(key, count)]));
            }
        }
        if !wanted.pushes.is_empty() {
            self.pushes(asked, repository);
        }
        if wanted.unpushed {
            let unpushed = repository.unpushed(deadline);
            self.tell(asked, |facts| facts.unpushed = unpushed);
        }
    }

    fn pushes(&mut self, asked: &Asked, repository: &Repository) {
        if !asked.wanted.pushes.is_empty()
            && let Some(home) = self.plan.home.as_deref()
        {
            let accounts = accounts(home);
            self.tell(asked, |facts| facts.accounts = accounts);
        }
        let mut own: BTreeSet<String> = repository.own_address().into_iter().collect();
        own.extend(self.plan.home.as_deref().map(own_addresses).unwrap_or_default());
        if own.is_empty() {
            return;
        }
        let current = repository.basics().and_then(|facts| facts.branch);
        for (remote, branch) in &asked.wanted.pushes {
            let Some(branch) = branch.as_ref().or(current.as_ref()) else { continue };
            if let Some(count) = repository.foreign(remote, branch, &own, self.deadline) {
                let key = format!("{remote}/{branch}");
                self.tell(asked, |facts| facts.foreign.extend([(key, count)]));
            }
        }
    }

    fn files(&mut self, asked: &Asked, repository: &Repository) {
        if !asked.wanted.status && asked.paths.is_empty() {
            return;
        }
        let Some(tree) = Tree::open(repository, self.deadline) else { return };
        let home = self.plan.home.clone();
        let Some(mut untracked) = Untracked::new(&tree, home.as_deref()) else { return };
        for (name, path) in &asked.paths {
            let Ok(path) = path.strip_prefix(&tree.top) else { continue };
            let Ok(path) = gix::path::into_bstr(path) else { continue };
            let path = gix::path::to_unix_separators_on_windows(path);
            if self.deadline.has_passed() || is_internal(path.as_bstr()) {
                continue;
            }
            let mut facts = PathFacts::default();
            untracked.about(path.as_bstr(), &mut facts);
            self.found.paths.insert(name.clone(), facts);
            self.send();
        }
        if asked.wanted.status {
            let dirty = tree.dirty();
            self.tell(asked, |facts| facts.dirty = dirty);
            let files = untracked.files();
            self.tell(asked, |facts| facts.untracked = files);
        }
    }
}

/// The repository that holds a path, and the path without symbolic links above its last component.
fn place_of(path: &Path, seen: Seen) -> Option<(Place, PathBuf)> {
    let parent = resolved(path.parent()?)?;
    let path = parent.join(path.file_name()?);
    let is_folder = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
    let place = match seen {
        Seen::FromInside if is_folder => Place::of(&path),
        Seen::FromInside | Seen::FromOutside => Place::of(&parent),
    };
    Some((place?, path))
}

/// Inside of what git keeps for itself.
fn is_internal(path: &BStr) -> bool {
    path.split_str("/").next().is_some_and(|first| first.eq_ignore_ascii_case(b".git"))
}

/// A path of a repository as one of this system.
fn native(path: &BStr) -> PathBuf {
    gix::path::from_bstr(path).map(Cow::into_owned).unwrap_or_default()
}

/// A small regular file as text.
fn read_small(path: &Path) -> Option<String> {
    const BYTES: u64 = 1 << 20;
    let metadata = fs::metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > BYTES {
        return None;
    }
    #[expect(clippy::disallowed_methods, reason = "facts are gathered here, read-only")]
    let file = fs::File::open(path).ok()?;
    let mut text = String::new();
    file.take(BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}
