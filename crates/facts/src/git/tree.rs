//! The work tree against the index and the last commit: what of it version control holds.
//!
//! Files are compared by what the index noted of them, and else by their hash. No filter is ever run:
//! where one would have to be, to tell whether a file changed, that is unknown.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::{BStr, ByteSlice};
use gix::index::entry::{Flags, Mode, stat};
use gix::index::extension::Tree as CachedTree;
use gix::index::{Entry, State};
use gix::objs::tree::EntryKind;

use super::open::Repository;
use super::{native, read_small};
use crate::deadline::Deadline;

/// The index, the last commit and the work tree of one repository.
pub(super) struct Tree<'r> {
    pub(super) repository: &'r Repository,
    pub(super) index: gix::worktree::Index,
    pub(super) top: PathBuf,
    pub(super) deadline: Deadline,
    committed: ObjectId,
}

/// How a tracked file compares to the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Same,
    Missing,
    Changed,
}

/// How a part of the index compares to the last commit.
#[derive(Debug, Default)]
struct Staged {
    /// Something is in the index that the commit does not have like this.
    added: bool,
    /// Something of the commit is no longer in the index.
    removed: bool,
}

/// Longer files are not hashed.
const HASHED_BYTES: u64 = 16 << 20;

const STAT: stat::Options =
    stat::Options { trust_ctime: true, check_stat: true, use_nsec: true, use_stdev: false };

impl<'r> Tree<'r> {
    pub(super) fn open(repository: &'r Repository, deadline: Deadline) -> Option<Self> {
        let top = repository.place.top.clone()?;
        let index = repository.git.index_or_empty().ok()?;
        if index.is_sparse() {
            return None;
        }
        let committed = repository.git.head_tree_id_or_empty().ok()?.detach();
        Some(Self { repository, index, top, deadline, committed })
    }

    /// Whether tracked files have changes that are not committed, staged or not.
    pub(super) fn dirty(&self) -> Option<bool> {
        let staged = self.staged(BStr::new(""), self.index.entries())?;
        if staged.added || staged.removed {
            return Some(true);
        }
        let mut unknown = false;
        for entry in self.index.entries() {
            if self.deadline.has_passed() {
                return None;
            }
            let expected = !entry.flags.contains(Flags::SKIP_WORKTREE);
            match self.content(entry) {
                _ if entry.mode.is_submodule() => {}
                Some(Content::Changed) => return Some(true),
                Some(Content::Missing) if expected => return Some(true),
                Some(Content::Same | Content::Missing) => {}
                None => unknown = true,
            }
        }
        (!unknown).then_some(false)
    }

    /// Whether the last commit holds all that these tracked files contain.
    pub(super) fn clean(&self, path: &BStr) -> Option<bool> {
        let entries = self.below(path);
        if self.staged(path, entries)?.added {
            return Some(false);
        }
        let mut unknown = false;
        for entry in entries {
            if self.deadline.has_passed() {
                return None;
            }
            match self.content(entry) {
                // What is in it is told by its own repository.
                _ if entry.mode.is_submodule() => unknown = true,
                Some(Content::Changed) => return Some(false),
                Some(Content::Same | Content::Missing) => {}
                None => unknown = true,
            }
        }
        (!unknown).then_some(true)
    }

    /// The index entries of a file, or of all files below a folder; of all for the empty path.
    pub(super) fn below(&self, path: &BStr) -> &[Entry] {
        let state: &State = &self.index;
        let entries = state.entries();
        if path.is_empty() {
            return entries;
        }
        let file = range(entries, |entry| entry.path(state).cmp(path));
        if !file.is_empty() {
            return file;
        }
        let mut folder = path.to_vec();
        folder.push(b'/');
        range(entries, |entry| {
            let name = entry.path(state);
            match name.starts_with(&folder) {
                true => std::cmp::Ordering::Equal,
                false => name.as_bytes().cmp(&folder),
            }
        })
    }

    fn content(&self, entry: &Entry) -> Option<Content> {
        if entry.stage_raw() != 0 || entry.flags.contains(Flags::INTENT_TO_ADD) {
            return Some(Content::Changed);
        }
        let path = self.top.join(native(entry.path(&self.index)));
        let metadata = match gix::index::fs::Metadata::from_path_no_follow(&path) {
            Ok(metadata) => metadata,
            Err(error) if is_absent(&error) => return Some(Content::Missing),
            Err(_) => return None,
        };
        let (is_link, executable) = match entry.mode {
            Mode::SYMLINK => (true, false),
            Mode::FILE => (false, false),
            Mode::FILE_EXECUTABLE => (false, true),
            _ => return Some(Content::Changed),
        };
        if metadata.is_symlink() != is_link || !(is_link || metadata.is_file()) {
            return Some(Content::Changed);
        }
        if cfg!(unix) && !is_link && metadata.is_executable() != executable && self.keeps_modes() {
            return Some(Content::Changed);
        }
        let found = gix::index::entry::Stat::from_fs(&metadata).ok()?;
        if entry.stat.matches(&found, STAT) && !entry.stat.is_racy(self.index.timestamp(), STAT) {
            return Some(Content::Same);
        }
        let bytes = if is_link { link_bytes(&path)? } else { file_bytes(&path, metadata.len())? };
        let is_same = |bytes: &[u8]| {
            let kind = gix::objs::Kind::Blob;
            let hash = gix::objs::compute_hash(self.repository.git.object_hash(), kind, bytes);
            hash.ok().map(|hash| hash == entry.id)
        };
        if is_same(&bytes)? || (!is_link && is_same(&bytes.replace("\r\n", "\n"))?) {
            return Some(Content::Same);
        }
        (is_link || !self.is_filtered(entry.path(&self.index))).then_some(Content::Changed)
    }

    fn keeps_modes(&self) -> bool {
        self.repository.git.config_snapshot().boolean("core.fileMode").unwrap_or(true)
    }

    /// Whether attributes may say that a file is stored otherwise than it lies in the work tree.
    fn is_filtered(&self, path: &BStr) -> bool {
        let path = self.top.join(native(path));
        let folders = path.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.top));
        let own = self.repository.place.common().join("info/attributes");
        folders.map(|folder| folder.join(".gitattributes")).chain([own]).any(|file| {
            let exists = fs::symlink_metadata(&file).is_ok();
            let text = read_small(&file);
            exists && text.is_none_or(|text| is_conversion(&text))
        })
    }

    /// Compares a part of the index to the last commit.
    fn staged(&self, path: &BStr, entries: &[Entry]) -> Option<Staged> {
        let mut staged = Staged::default();
        let cached = self.index.tree();
        if path.is_empty() {
            self.compare(self.committed, cached, entries, 0, &mut staged)?;
            return Some(staged);
        }
        let name = native(path);
        let tree = self.repository.git.find_tree(self.committed).ok()?;
        let committed = tree.lookup_entry_by_path(&name).ok()?;
        match (committed, entries) {
            (Some(committed), _) if committed.mode().is_tree() => {
                let cached = path.split_str("/").try_fold(cached?, |tree, name| {
                    tree.children.iter().find(|child| child.name.as_slice() == name)
                });
                let depth = path.len() + 1;
                self.compare(committed.object_id(), cached, entries, depth, &mut staged)?;
            }
            (Some(committed), [entry]) => {
                staged.added = !is_same(entry, committed.object_id(), committed.mode().kind());
            }
            (committed, entries) => {
                staged.added = !entries.is_empty();
                staged.removed = committed.is_some();
            }
        }
        Some(staged)
    }

    /// `entries` all lie below one folder, whose path with its slash has `depth` bytes.
    fn compare(
        &self,
        tree: ObjectId,
        cached: Option<&CachedTree>,
        entries: &[Entry],
        depth: usize,
        staged: &mut Staged,
    ) -> Option<()> {
        if self.deadline.has_passed() {
            return None;
        }
        if cached.is_some_and(|cached| cached.num_entries.is_some() && cached.id == tree) {
            return Some(());
        }
        let tree = self.repository.git.find_tree(tree).ok()?;
        let tree = tree.decode().ok()?;
        let mut committed: BTreeMap<&BStr, _> =
            tree.entries.iter().map(|entry| (entry.filename, entry)).collect();
        let mut rest = entries;
        while let [first, ..] = rest {
            let name = first.path(&self.index).get(depth..)?;
            let (name, is_folder) = match name.split_once_str("/") {
                Some((folder, _)) => (BStr::new(folder), true),
                None => (BStr::new(name), false),
            };
            let same = rest.iter().take_while(|entry| {
                let other = entry.path(&self.index).get(depth..).unwrap_or_default();
                let other = other.split_once_str("/").map_or(other, |(folder, _)| folder);
                other == name.as_bytes()
            });
            let (here, after) = rest.split_at(same.count().max(1));
            rest = after;
            match (committed.remove(name), is_folder) {
                (Some(folder), true) if folder.mode.is_tree() => {
                    let cached = cached.and_then(|cached| {
                        cached.children.iter().find(|child| child.name.as_slice() == &**name)
                    });
                    let depth = depth + name.len() + 1;
                    self.compare(folder.oid.to_owned(), cached, here, depth, staged)?;
                }
                (Some(file), false) if is_same(first, file.oid.to_owned(), file.mode.kind()) => {}
                _ => staged.added = true,
            }
        }
        staged.removed |= !committed.is_empty();
        Some(())
    }
}

fn is_same(entry: &Entry, id: ObjectId, kind: EntryKind) -> bool {
    let mode = match kind {
        EntryKind::Blob => Mode::FILE,
        EntryKind::BlobExecutable => Mode::FILE_EXECUTABLE,
        EntryKind::Link => Mode::SYMLINK,
        EntryKind::Commit => Mode::COMMIT,
        EntryKind::Tree => Mode::DIR,
    };
    entry.stage_raw() == 0 && entry.id == id && entry.mode == mode
}

/// The entries that a comparison finds equal; entries are sorted by it.
fn range(entries: &[Entry], compare: impl Fn(&Entry) -> std::cmp::Ordering) -> &[Entry] {
    let start = entries.partition_point(|entry| compare(entry).is_lt());
    let end = entries.partition_point(|entry| compare(entry).is_le());
    entries.get(start..end).unwrap_or_default()
}

/// Attributes by which what is stored is not what lies in the work tree.
fn is_conversion(attributes: &str) -> bool {
    ["filter", "ident", "working-tree-encoding"].iter().any(|name| attributes.contains(name))
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn link_bytes(path: &Path) -> Option<Vec<u8>> {
    let target = fs::read_link(path).ok()?;
    Some(gix::path::into_bstr(target).ok()?.into_owned().into())
}

fn file_bytes(path: &Path, length: u64) -> Option<Vec<u8>> {
    if length > HASHED_BYTES {
        return None;
    }
    #[expect(clippy::disallowed_methods, reason = "facts are gathered here, read-only")]
    let file = fs::File::open(path).ok()?;
    let mut bytes = Vec::new();
    file.take(HASHED_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
