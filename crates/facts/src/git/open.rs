//! Finding a repository and opening it without believing it.
//!
//! A repository that belongs to somebody else, says that its work tree is another folder, or has
//! something else than plain files where git keeps its own, is not opened: what it would tell is its
//! author's word. Its configuration is read as data; nothing in it, in the user's settings or in the
//! environment makes the reader start a program or follow an include.

use std::fs;
use std::path::{Path, PathBuf};

use gix::open::Options;
use gix::sec::Trust;
use gix::sec::identity::is_path_owned_by_current_user;

use super::{native, read_small};

/// Where the parts of a repository are. All paths are without symbolic links, except `dot`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The top of the work tree; none where the folder is itself the repository.
    pub(super) top: Option<PathBuf>,
    /// What marks the top: a folder, a link to one, or a file that names one.
    dot: PathBuf,
    git: PathBuf,
    common: PathBuf,
}

/// An opened repository.
pub(super) struct Repository {
    pub(super) git: gix::Repository,
    pub(super) place: Place,
    pub(super) submodule: bool,
}

/// The largest files that are read.
const INDEX_BYTES: u64 = 64 << 20;
const REFS_BYTES: u64 = 32 << 20;
const SMALL_BYTES: u64 = 1 << 20;

impl Place {
    /// The repository that a folder (without symbolic links) belongs to, found as git finds it. None
    /// where there is none, or what marks it cannot be read: git would then go on or fail, and
    /// neither is worth telling.
    pub(super) fn of(folder: &Path) -> Option<Self> {
        for top in folder.ancestors() {
            let dot = top.join(".git");
            if fs::symlink_metadata(&dot).is_ok() {
                return Self::marked(top, dot);
            }
            if is_bare(top) {
                return Self::new(None, top.to_owned(), top.to_owned());
            }
        }
        None
    }

    fn marked(top: &Path, dot: PathBuf) -> Option<Self> {
        let git = if fs::metadata(&dot).ok()?.is_dir() {
            dot.canonicalize().ok()?
        } else {
            let text = read_small(&dot)?;
            top.join(text.trim_end().strip_prefix("gitdir: ")?).canonicalize().ok()?
        };
        Self::new(Some(top.to_owned()), dot, git)
    }

    fn new(top: Option<PathBuf>, dot: PathBuf, git: PathBuf) -> Option<Self> {
        let common = match read_small(&git.join("commondir")) {
            Some(text) => git.join(text.trim_end()).canonicalize().ok()?,
            None => git.clone(),
        };
        Some(Self { top, dot, git, common })
    }

    pub(super) fn is_linked(&self) -> bool {
        self.git != self.common
    }

    pub(super) fn common(&self) -> &Path {
        &self.common
    }

    /// Whether the user owns all of it, and nothing in it would block or flood a reader.
    fn is_sound(&self) -> bool {
        let folders = [self.dot.as_path(), &self.git, &self.common];
        let owned = folders
            .into_iter()
            .chain(self.top.as_deref())
            .all(|folder| is_path_owned_by_current_user(folder).unwrap_or(false));
        owned
            && [
                (self.git.join("HEAD"), SMALL_BYTES),
                (self.git.join("index"), INDEX_BYTES),
                (self.git.join("config.worktree"), SMALL_BYTES),
                (self.common.join("config"), SMALL_BYTES),
                (self.common.join("packed-refs"), REFS_BYTES),
                (self.common.join("shallow"), SMALL_BYTES),
                (self.common.join("info/exclude"), SMALL_BYTES),
                (self.common.join("info/attributes"), SMALL_BYTES),
                (self.common.join("objects/info/alternates"), SMALL_BYTES),
            ]
            .iter()
            .all(|(file, limit)| is_plain(file, *limit))
    }
}

impl Repository {
    /// None where the repository cannot be opened, or what it tells would not be worth believing.
    pub(super) fn open(place: Place) -> Option<Self> {
        if !place.is_sound() {
            return None;
        }
        // Less than full trust: settings that name programs or files are not taken from it.
        let options = Options::isolated().with(Trust::Reduced).open_path_as_is(true);
        let mut git: gix::Repository = gix::open_opts(&place.git, options).ok()?;
        let config = git.config_snapshot();
        if config.string("extensions.refStorage").is_some_and(|storage| storage != "files") {
            return None;
        }
        let elsewhere = config.string("core.worktree");
        let submodule = elsewhere.is_some() && place.dot.is_file();
        if let Some(named) = elsewhere {
            let named = place.git.join(native(named.as_ref())).canonicalize().ok()?;
            if place.top.as_deref() != Some(named.as_path()) {
                return None;
            }
        }
        // Where history is cut off, or that cannot be told.
        git.shallow_commits().ok()?;
        let bare = config.boolean("core.bare").unwrap_or(false) && !place.is_linked();
        let place = Place { top: place.top.filter(|_| !bare), ..place };
        git.set_workdir(place.top.clone()).ok()?;
        Some(Self { git, place, submodule })
    }

    /// One setting of the repository's own configuration, by section, subsection and name.
    pub(super) fn settings(&self, section: &str, name: &str) -> Vec<(String, String)> {
        let config = self.git.config_snapshot();
        let sections = config.plumbing().sections_by_name(section);
        sections
            .into_iter()
            .flatten()
            .filter_map(|section| {
                let value = section.value(name)?;
                let subsection = section.header().subsection_name()?.to_string();
                Some((subsection, value.to_string()))
            })
            .collect()
    }
}

/// What git takes for a repository without a work tree.
fn is_bare(folder: &Path) -> bool {
    fs::symlink_metadata(folder.join("HEAD")).is_ok()
        && folder.join("objects").is_dir()
        && folder.join("refs").is_dir()
}

/// A regular file of bounded size, or nothing at all.
fn is_plain(file: &Path, limit: u64) -> bool {
    match fs::metadata(file) {
        Ok(metadata) => metadata.is_file() && metadata.len() <= limit,
        Err(_) => fs::symlink_metadata(file).is_err(),
    }
}
