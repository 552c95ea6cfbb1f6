//! What version control does not hold: untracked files, and ignored ones.

use std::fs;
use std::path::{Path, PathBuf};

use gix::AttributeStack;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::entry::Mode;
use gix::worktree::stack::state::ignore::Source;
use ringfence_action::{GitFacts, PathFacts};

use super::tree::Tree;
use super::{native, read_small};

/// Finds files of a work tree that are not in its index.
pub(super) struct Untracked<'t, 'r> {
    tree: &'t Tree<'r>,
    ignored: AttributeStack<'r>,
    own: gix::ignore::Search,
}

impl<'t, 'r> Untracked<'t, 'r> {
    /// `home` has the user's own list of what is ignored in every repository.
    pub(super) fn new(tree: &'t Tree<'r>, home: Option<&Path>) -> Option<Self> {
        let source = Source::WorktreeThenIdMappingIfNotSkipped;
        let ignored = tree.repository.git.excludes(&tree.index, None, source).ok()?;
        let text = home.and_then(|home| read_small(&home.join(".config/git/ignore")));
        let lines: Vec<String> =
            text.iter().flat_map(|text| text.lines().map(str::to_owned)).collect();
        let own = gix::ignore::Search::from_overrides(lines, Default::default());
        Some(Self { tree, ignored, own })
    }

    /// All untracked files that are not ignored, by their path from the top.
    pub(super) fn files(&mut self) -> Option<Vec<String>> {
        let mut found = Vec::new();
        self.walk(BStr::new(""), GitFacts::MAX_UNTRACKED, &mut found)?;
        found.sort();
        Some(found)
    }

    /// Adds to `facts` what is known of a path, given from the top.
    pub(super) fn about(&mut self, path: &BStr, facts: &mut PathFacts) {
        let metadata = fs::symlink_metadata(self.absolute(path));
        let is_folder = metadata.as_ref().is_ok_and(fs::Metadata::is_dir);
        let entries = self.tree.below(path);
        let tracked = !entries.is_empty();
        facts.tracked = Some(tracked);
        if is_folder && !path.is_empty() && self.is_repository(path) {
            // Another repository: what it holds is its own, and nothing here has a copy.
            facts.holds_untracked = (!tracked).then_some(true);
            return;
        }
        let ignored = match tracked || path.is_empty() {
            true => Some(false),
            false => self.is_ignored(path, is_folder),
        };
        facts.ignored = ignored;
        facts.clean = self.tree.clean(path);
        facts.holds_untracked = match (ignored, metadata.is_ok()) {
            (Some(true), _) | (_, false) => Some(false),
            (None, true) => None,
            (Some(false), true) if !is_folder => Some(!tracked),
            (Some(false), true) => {
                let mut found = Vec::new();
                self.walk(path, 1, &mut found).map(|()| !found.is_empty())
            }
        };
    }

    /// Collects untracked files below a folder until there are `limit` of them. None past the deadline,
    /// or where a folder cannot be read.
    fn walk(&mut self, folder: &BStr, limit: usize, found: &mut Vec<String>) -> Option<()> {
        #[expect(clippy::disallowed_methods, reason = "facts are gathered here, read-only")]
        let listing = fs::read_dir(self.absolute(folder)).ok()?;
        for entry in listing {
            if self.tree.deadline.has_passed() {
                return None;
            }
            if found.len() >= limit {
                return Some(());
            }
            let entry = entry.ok()?;
            if entry.file_name() == ".git" {
                continue;
            }
            let name = gix::path::into_bstr(PathBuf::from(entry.file_name())).ok()?.into_owned();
            let path = joined(folder, name.as_bstr());
            let is_folder = entry.file_type().ok()?.is_dir();
            let entries = self.tree.below(path.as_bstr());
            match entries {
                // A submodule.
                [entry] if entry.mode.is_submodule() => {}
                [] if self.is_ignored(path.as_bstr(), is_folder)? => {}
                [] if !is_folder => found.push(path.to_string()),
                [] if self.is_repository(path.as_bstr()) => found.push(format!("{path}/")),
                [..] if is_folder => self.walk(path.as_bstr(), limit, found)?,
                [..] => {}
            }
        }
        Some(())
    }

    fn is_ignored(&mut self, path: &BStr, is_folder: bool) -> Option<bool> {
        let mode = if is_folder { Mode::DIR } else { Mode::FILE };
        let platform = self.ignored.at_entry(path, Some(mode)).ok()?;
        if let Some(found) = platform.matching_exclude_pattern() {
            return Some(!found.pattern.is_negative());
        }
        let case = gix::glob::pattern::Case::Sensitive;
        let own = self.own.pattern_matching_relative_path(path, Some(is_folder), case);
        Some(own.is_some_and(|found| !found.pattern.is_negative()))
    }

    fn is_repository(&self, path: &BStr) -> bool {
        fs::symlink_metadata(self.absolute(path).join(".git")).is_ok()
    }

    fn absolute(&self, path: &BStr) -> PathBuf {
        self.tree.top.join(native(path))
    }
}

fn joined(folder: &BStr, name: &BStr) -> BString {
    match folder.is_empty() {
        true => name.to_owned(),
        false => [folder.as_bytes(), b"/", name.as_bytes()].concat().into(),
    }
}
