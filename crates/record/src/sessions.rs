//! What a session has said and seen, between the short lives of hook processes.
//!
//! One JSON file per session, named by the hash of its id: an id comes from outside and never names
//! anything on disk by itself. A process holds the file's lock from reading to writing, so parallel
//! calls of one session see each other's doings. A new state replaces the old one by renaming, so a
//! killed writer leaves the old one whole.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::folder::open_private;
use crate::{RecordError, StateFolder};

/// The sessions of one state folder.
#[derive(Debug, Clone)]
pub struct SessionStore {
    folder: PathBuf,
}

/// One session, locked until dropped.
#[derive(Debug)]
pub struct LockedSession {
    path: PathBuf,
    _lock: File,
}

impl SessionStore {
    /// The sessions in this state folder, made where it is missing.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn open(state: &StateFolder) -> Result<Self, RecordError> {
        Ok(Self { folder: state.sub("sessions")? })
    }

    /// Waits for the session of this id to be free, and takes it.
    ///
    /// # Errors
    /// When the lock file cannot be made.
    pub fn lock(&self, agent: &str, id: &str) -> Result<LockedSession, RecordError> {
        let mut digest = Sha256::new();
        digest.update(agent.as_bytes());
        digest.update([0]);
        digest.update(id.as_bytes());
        let name = format!("{:x}", digest.finalize());
        let lock_path = self.folder.join(format!("{name}.lock"));
        let lock = open_private(&lock_path, false)?;
        lock.lock().map_err(RecordError::io("lock", &lock_path))?;
        Ok(LockedSession { path: self.folder.join(format!("{name}.json")), _lock: lock })
    }
}

impl LockedSession {
    /// Where the state is kept.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// The state as it was last saved; `None` if it never was.
    ///
    /// # Errors
    /// When there is a file that cannot be read or is not what was written: never a fresh state.
    pub fn load<T: DeserializeOwned>(&self) -> Result<Option<T>, RecordError> {
        let mut text = String::new();
        match File::open(&self.path) {
            Ok(mut file) => {
                file.read_to_string(&mut text).map_err(RecordError::io("read", &self.path))?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(RecordError::io("open", &self.path)(error)),
        }
        serde_json::from_str(&text).map(Some).map_err(|error| RecordError::Damaged {
            path: self.path.clone(),
            problem: error.to_string(),
        })
    }

    /// Replaces the state.
    ///
    /// # Errors
    /// When it is not on disk whole; the old state stands then.
    pub fn save<T: Serialize>(&self, state: &T) -> Result<(), RecordError> {
        let text = serde_json::to_string(state).map_err(|error| RecordError::Damaged {
            path: self.path.clone(),
            problem: format!("the state cannot be written as JSON: {error}"),
        })?;
        let new = self.path.with_extension("new");
        let mut file = open_private(&new, false)?;
        file.set_len(0)
            .and_then(|()| file.write_all(text.as_bytes()))
            .map_err(RecordError::io("write", &new))?;
        fs::rename(&new, &self.path).map_err(RecordError::io("replace", &self.path))
    }
}
