//! The state folder: private, and checked to be ours before anything in it is believed.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Why something could not be recorded, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A file or folder could not be used.
    #[error("cannot {what} `{}`: {source}; check that it is on a writable disk with free space", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others could have written what is in the folder.
    #[error("`{}` is open to other users (mode {mode:o}); run `chmod 700` on it if you trust its content", path.display())]
    Exposed {
        /// The folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The folder belongs to somebody else.
    #[error("`{}` belongs to user {owner}, not to user {me}; point the state folder at one of your own", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Who runs.
        me: u32,
    },
    /// What is in a file is not what was written there.
    #[error("`{}` is damaged: {problem}; see `ringfence audit verify`", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file is not text of a size that is read.
    #[error("`{}` cannot be used: {problem}; repair the file", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// It is not done, and why.
    #[error("{0}")]
    Refused(String),
    /// The database would not do what was asked.
    #[error("the search database failed: {0}; `ringfence audit reindex` builds it again")]
    Database(#[from] rusqlite::Error),
}

impl RecordError {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}

/// A private folder for everything that is kept.
#[derive(Debug, Clone)]
pub struct StateFolder {
    path: PathBuf,
    owner: u32,
}

impl StateFolder {
    /// Opens the folder, making it (mode 0700) where it is missing.
    ///
    /// # Errors
    /// When it cannot be made, belongs to another user, or is open to others.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, RecordError> {
        let path = path.into();
        make_private(&path)?;
        let metadata = fs::metadata(&path).map_err(RecordError::io("read", &path))?;
        let mode = metadata.permissions().mode() & 0o777;
        let me = me(&path)?;
        if metadata.uid() != me {
            return Err(RecordError::Foreign { path, owner: metadata.uid(), me });
        }
        if mode & 0o077 != 0 {
            return Err(RecordError::Exposed { path, mode });
        }
        Ok(Self { path, owner: me })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of the user that it belongs to, who is the one that runs.
    pub fn owner(&self) -> u32 {
        self.owner
    }

    /// A private folder below it for something that is not kept, made where it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&self, name: &str) -> Result<PathBuf, RecordError> {
        self.sub(name)
    }

    /// A folder below it, made where it is missing.
    pub(crate) fn sub(&self, name: &str) -> Result<PathBuf, RecordError> {
        let path = self.path.join(name);
        make_private(&path)?;
        Ok(path)
    }
}

/// Who runs. Where the system does not show processes as files, whoever makes a file is who we are.
fn me(folder: &Path) -> Result<u32, RecordError> {
    if let Ok(own) = fs::metadata("/proc/self") {
        return Ok(own.uid());
    }
    let probe = folder.join(format!("probe-{}", std::process::id()));
    let made = open_private(&probe, false)?;
    let uid = made.metadata().map_err(RecordError::io("read", &probe))?.uid();
    fs::remove_file(&probe).map_err(RecordError::io("remove", &probe))?;
    Ok(uid)
}

fn make_private(path: &Path) -> Result<(), RecordError> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(RecordError::io("make", path))
}

/// Opens a file for reading and writing, mode 0600, never through a symbolic link.
pub(crate) fn open_private(path: &Path, append: bool) -> Result<File, RecordError> {
    /// `O_NOFOLLOW`, `O_CLOEXEC` is set by the standard library.
    const NO_FOLLOW: i32 = if cfg!(target_os = "macos") { 0x100 } else { 0o400_000 };
    let no_follow =
        if cfg!(all(target_os = "linux", target_arch = "aarch64")) { 0o100_000 } else { NO_FOLLOW };
    let mut options = OpenOptions::new();
    options.read(true).create(true).mode(0o600).custom_flags(no_follow);
    if append {
        options.append(true);
    } else {
        options.write(true).truncate(false);
    }
    options.open(path).map_err(RecordError::io("open", path))
}

/// Writes a private file, in place of what it held.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), RecordError> {
    let mut file = open_private(path, false)?;
    file.set_len(0).and_then(|()| file.write_all(bytes)).map_err(RecordError::io("write", path))
}
