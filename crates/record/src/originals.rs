//! Files of others that Ringfence changes, as they were before, so that it can be undone.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::folder::open_private;
use crate::{RecordError, StateFolder, given};

/// One file, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    /// What was there; `None` if there was no file.
    pub before: Option<String>,
    /// What was put there.
    pub installed: String,
    /// Whether its folder was made for it.
    #[serde(default)]
    pub made_folder: bool,
}

/// The originals in one state folder, by name.
#[derive(Debug, Clone)]
pub struct Originals {
    folder: PathBuf,
}

impl Originals {
    /// The originals in this state folder, made where it is missing.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn open(state: &StateFolder) -> Result<Self, RecordError> {
        Ok(Self { folder: state.sub("originals")? })
    }

    /// What was kept under this name.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn load(&self, name: &str) -> Result<Option<Original>, RecordError> {
        let path = self.path(name);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(RecordError::io("read", &path)(error)),
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| RecordError::Damaged { path, problem: error.to_string() })
    }

    /// Keeps an original under this name.
    ///
    /// # Errors
    /// When it is not on disk whole.
    pub fn save(&self, name: &str, original: &Original) -> Result<(), RecordError> {
        let path = self.path(name);
        let text = serde_json::to_string(original).map_err(|error| RecordError::Damaged {
            path: path.clone(),
            problem: error.to_string(),
        })?;
        let mut file = open_private(&path, false)?;
        file.set_len(0)
            .and_then(|()| file.write_all(text.as_bytes()))
            .and_then(|()| file.sync_all())
            .map_err(RecordError::io("write", &path))
    }

    /// Forgets what was kept under this name: it was put back.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub fn forget(&self, name: &str) -> Result<(), RecordError> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(RecordError::io("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }

    /// When something was last kept under this name.
    pub fn kept_at(&self, name: &str) -> Option<SystemTime> {
        fs::metadata(self.path(name)).and_then(|metadata| metadata.modified()).ok()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }
}

/// A text file of at most 1 MiB; `None` if there is none.
///
/// # Errors
/// When it is there and cannot be read, or is not text.
pub fn read(path: &Path) -> Result<Option<String>, RecordError> {
    match given::text(path) {
        Ok((text, _)) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(RecordError::NotText { path: path.to_owned(), problem: error.to_string() })
        }
        Err(error) => Err(RecordError::io("read", path)(error)),
    }
}

/// Puts this text there, or removes the file. A symbolic link is followed to the file it stands for;
/// the mode stays; a half-written file is never seen.
///
/// # Errors
/// When it cannot be done; the file is as it was then.
pub fn replace(path: &Path, text: Option<&str>) -> Result<(), RecordError> {
    replace_as(path, text, 0o600)
}

/// The same, with the mode that a file gets which was not there.
///
/// # Errors
/// As [`replace`].
pub fn replace_as(path: &Path, text: Option<&str>, new: u32) -> Result<(), RecordError> {
    put(path, text.map(str::as_bytes), new)
}

/// Puts these bytes there, in a file that nobody else may read; as [`replace`].
///
/// # Errors
/// As [`replace`].
pub fn replace_bytes(path: &Path, bytes: &[u8]) -> Result<(), RecordError> {
    put(path, Some(bytes), 0o600)
}

fn put(path: &Path, bytes: Option<&[u8]>, new: u32) -> Result<(), RecordError> {
    let real = match path.canonicalize() {
        Ok(real) => real,
        // A link that leads nowhere must not be replaced by a file: it is somebody's arrangement.
        Err(error) if path.is_symlink() => {
            return Err(RecordError::io("follow the link", path)(error));
        }
        Err(_) => path.to_owned(),
    };
    let Some(bytes) = bytes else {
        return fs::remove_file(&real).map_err(RecordError::io("remove", &real));
    };
    if let Some(folder) = real.parent() {
        fs::create_dir_all(folder).map_err(RecordError::io("make", folder))?;
    }
    let mode = fs::metadata(&real).map_or(new, |metadata| metadata.permissions().mode() & 0o7777);
    let fresh = real.with_extension("ringfence-new");
    // What an earlier attempt left when it was stopped.
    let _ = fs::remove_file(&fresh);
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&fresh)
        .and_then(|mut file| {
            // The mask of the process was taken from the mode.
            file.set_permissions(fs::Permissions::from_mode(mode))?;
            file.write_all(bytes).and_then(|()| file.sync_all())
        })
        .and_then(|()| fs::rename(&fresh, &real));
    written.map_err(|error| {
        // Whatever was begun is taken away again; that this failed too is not the news.
        let _ = fs::remove_file(&fresh);
        RecordError::io("replace", &real)(error)
    })
}
