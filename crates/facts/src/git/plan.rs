//! What of which repository is worth knowing for an action.
//!
//! Reading a repository costs milliseconds, and most actions cannot lose anything that is in one. So
//! nothing is asked unless some effect could: then only what bears on it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use ringfence_action::{Action, Attr, Effect, EffectKind, Scope};

/// Questions about one repository, next to what is always told of one that is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Changed and untracked files of the whole work tree.
    pub(super) status: bool,
    /// Commits that no remote has.
    pub(super) unpushed: bool,
    /// How much is stashed.
    pub(super) stashes: bool,
    /// What would be lost with these branches.
    pub(super) branches: BTreeSet<String>,
    /// What would be lost if the current branch moved to these revisions.
    pub(super) moves: BTreeSet<String>,
    /// What others have pushed to these branches: remote and branch; no branch is the current one.
    pub(super) pushes: BTreeSet<(String, Option<String>)>,
}

impl Wanted {
    pub(super) fn join(&mut self, other: Self) {
        self.status |= other.status;
        self.unpushed |= other.unpushed;
        self.stashes |= other.stashes;
        self.branches.extend(other.branches);
        self.moves.extend(other.moves);
        self.pushes.extend(other.pushes);
    }
}

/// Whose repository a path is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Of what holds it: it may go, and its own repository with it.
    FromOutside,
    /// Of the work tree that it is in, or is.
    FromInside,
}

/// All questions of one action.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    /// By the folder whose repository is meant.
    pub(super) repositories: BTreeMap<PathBuf, Wanted>,
    /// By absolute path.
    pub(super) paths: BTreeMap<String, Seen>,
    /// Where the user's own git settings are.
    pub(super) home: Option<PathBuf>,
    /// The working folder.
    pub(super) cwd: Option<PathBuf>,
}

impl Plan {
    pub(super) fn of(action: &Action, effects: &[Effect]) -> Self {
        let mut plan = Self {
            home: action.home.as_ref().map(PathBuf::from),
            cwd: action.cwd.as_ref().map(PathBuf::from),
            ..Self::default()
        };
        for effect in effects.iter().filter(|effect| effect.scope == Scope::Local) {
            match effect.kind {
                EffectKind::VcsLocal => plan.local(effect),
                EffectKind::VcsRemote => plan.push(effect),
                // Elsewhere, no repository makes a deletion any better.
                EffectKind::Delete
                    if !matches!(effect.text(Attr::Place), Some("temp" | "device" | "system")) =>
                {
                    plan.path(effect, Seen::FromOutside);
                }
                // Whether a destination is one that the project already has.
                EffectKind::Net | EffectKind::Message => plan.at_cwd(),
                _ => {}
            }
        }
        plan
    }

    pub(super) fn is_empty(&self) -> bool {
        self.repositories.is_empty() && self.paths.is_empty()
    }

    fn local(&mut self, effect: &Effect) {
        let lost = |what: &str| effect.attributes.contains(Attr::Discards, what);
        let op = effect.text(Attr::Op).unwrap_or_default();
        let named_files = matches!(op, "checkout" | "restore" | "clean");
        if lost("changes") || lost("untracked") || lost("ignored") {
            self.path(effect, Seen::FromInside);
        }
        let deleted = (effect.is(Attr::DeleteRef) && effect.is(Attr::Force))
            .then(|| effect.target.as_known().map(branch_name))
            .flatten();
        let moved = (lost("commits") && op.starts_with("reset"))
            .then(|| effect.text(Attr::Branch).and_then(literal))
            .flatten();
        let Some(wanted) = self.repository(effect) else { return };
        wanted.status |= lost("changes") && !named_files;
        wanted.unpushed |= lost("commits");
        wanted.stashes |= lost("stash");
        wanted.branches.extend(deleted);
        wanted.moves.extend(moved);
    }

    fn push(&mut self, effect: &Effect) {
        let remote = effect.text(Attr::Remote).and_then(literal);
        let branch = effect.text(Attr::Branch).and_then(literal);
        let forced = effect.is(Attr::Force);
        if let Some(wanted) = self.repository(effect)
            && let Some(remote) = remote.filter(|_| forced)
        {
            wanted.pushes.insert((remote, branch));
        }
    }

    fn repository(&mut self, effect: &Effect) -> Option<&mut Wanted> {
        let other = effect.text(Attr::Op).is_some_and(|op| op.starts_with("worktree"));
        let folder = if other { effect.target.as_known()? } else { effect.text(Attr::Dir)? };
        if !folder.starts_with('/') {
            return None;
        }
        Some(self.repositories.entry(PathBuf::from(folder)).or_default())
    }

    fn at_cwd(&mut self) {
        if let Some(cwd) = &self.cwd {
            self.repositories.entry(cwd.clone()).or_default();
        }
    }

    fn path(&mut self, effect: &Effect, seen: Seen) {
        for path in effect.target.alternatives().iter().filter_map(|target| target.as_known()) {
            if path.starts_with('/') {
                let known = self.paths.entry(path.to_owned()).or_insert(seen);
                if seen == Seen::FromOutside {
                    *known = seen;
                }
            }
        }
    }
}

/// A name as it stands, unless parts of it are unknown.
fn literal(text: &str) -> Option<String> {
    (!text.is_empty() && !text.contains(['*', '?', '['])).then(|| text.to_owned())
}

fn branch_name(target: &str) -> String {
    target.strip_prefix("refs/heads/").unwrap_or(target).to_owned()
}
