//! What a session has said and seen, between the short lives of hook processes.
//!
//! One JSON file per session, named by the hash of its id: an id comes from outside and never names
//! anything on disk by itself. What a process is about to do it works out from what it reads without
//! waiting ([`SessionStore::peek`]); it then holds the session's lock from looking again to writing, so
//! parallel calls of one session see each other's doings and wait for each other only that long. A new
//! state replaces the old one by renaming, so a killed writer leaves the old one whole. In front of the
//! JSON stands its hash: a state that was damaged is not taken for one with less in it.
//!
//! A message that could not be taken in leaves a mark beside the state. Whoever comes next finds it.

mod alternating;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use self::alternating::{Alternating, Numbered};
use crate::folder::open_private;
use crate::log::Receipt;
use crate::{RecordError, StateFolder};

/// The sessions of one state folder.
#[derive(Debug, Clone)]
pub struct SessionStore {
    folder: PathBuf,
}

/// What is kept of one session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stored {
    state: Option<String>,
    path: PathBuf,
    /// Why something that happened in the session could not be taken in.
    pub missed: Option<String>,
}

/// One session, locked until dropped.
#[derive(Debug)]
pub struct LockedSession {
    path: PathBuf,
    _lock: File,
    /// How long the others had to be waited for.
    pub waited: Duration,
}

impl SessionStore {
    /// The sessions in this state folder, made where it is missing.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn open(state: &StateFolder) -> Result<Self, RecordError> {
        Ok(Self { folder: state.sub("sessions")? })
    }

    /// What is kept of the session of this id, without waiting for anybody.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn peek(&self, agent: &str, id: &str) -> Result<Stored, RecordError> {
        stored(&self.path(agent, id))
    }

    /// Waits for the session of this id to be free, and takes it.
    ///
    /// # Errors
    /// When the lock file cannot be made.
    pub fn lock(&self, agent: &str, id: &str) -> Result<LockedSession, RecordError> {
        let path = self.path(agent, id);
        let lock_path = path.with_extension("lock");
        let lock = open_private(&lock_path, false)?;
        let started = Instant::now();
        lock.lock().map_err(RecordError::io("lock", &lock_path))?;
        Ok(LockedSession { path, _lock: lock, waited: started.elapsed() })
    }

    /// Leaves the mark that something which happened in this session could not be taken in.
    ///
    /// # Errors
    /// When even that cannot be written.
    pub fn mark_missed(&self, agent: &str, id: &str, why: &str) -> Result<(), RecordError> {
        let mark = self.path(agent, id).with_extension("missed");
        let mut file = open_private(&mark, false)?;
        file.set_len(0)
            .and_then(|()| file.write_all(why.as_bytes()))
            .map_err(RecordError::io("write", &mark))
    }

    /// For each session, the receipt of its newest entry in the log: evidence of what was there.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn receipts(&self) -> Result<Vec<Receipt>, RecordError> {
        let mut receipts = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(RecordError::io("list", &self.folder))? {
            let path = entry.map_err(RecordError::io("list", &self.folder))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let state: Option<Value> = stored(&path)?.load().unwrap_or_default();
                let receipt = state.as_ref().and_then(|state| state.get("receipt").cloned());
                receipts.extend(receipt.and_then(|it| serde_json::from_value(it).ok()));
            }
        }
        Ok(receipts)
    }

    fn path(&self, agent: &str, id: &str) -> PathBuf {
        let mut digest = Sha256::new();
        digest.update(agent.as_bytes());
        digest.update([0]);
        digest.update(id.as_bytes());
        self.folder.join(format!("{:x}.json", digest.finalize()))
    }
}

impl Stored {
    /// The state as it was last saved; `None` if it never was.
    ///
    /// # Errors
    /// When it is not what was written: never a fresh state.
    pub fn load<T: DeserializeOwned>(&self) -> Result<Option<T>, RecordError> {
        let Some(text) = &self.state else { return Ok(None) };
        let damaged = |problem: &str| RecordError::Damaged {
            path: self.path.clone(),
            problem: format!("{problem}; remove it, and the session goes on without what it knew"),
        };
        let state = text.split_once('\n').filter(|(hash, state)| digest_of(state) == *hash);
        let (_, state) = state.ok_or_else(|| damaged("it is not what was kept"))?;
        serde_json::from_str(state).map(Some).map_err(|error| damaged(&error.to_string()))
    }
}

impl LockedSession {
    /// Where the state is kept.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is kept, now that nobody else changes it.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn read(&self) -> Result<Stored, RecordError> {
        stored(&self.path)
    }

    /// Replaces the state; a mark of something missed has been taken in with it.
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
            .and_then(|()| file.write_all(format!("{}\n{text}", digest_of(&text)).as_bytes()))
            .map_err(RecordError::io("write", &new))?;
        fs::rename(&new, &self.path).map_err(RecordError::io("replace", &self.path))?;
        let mark = self.path.with_extension("missed");
        match fs::remove_file(&mark) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(RecordError::io("remove", &mark)(error))
            }
            _ => Ok(()),
        }
    }
}

/// What a state hashes to, as `sha256:…`.
pub fn digest_of(state: &str) -> String {
    format!("sha256:{:x}", Sha256::digest(state.as_bytes()))
}

fn stored(path: &Path) -> Result<Stored, RecordError> {
    let state = read(path)?;
    let missed = read(&path.with_extension("missed"))?;
    Ok(Stored { state, path: path.to_owned(), missed })
}

/// A small file of ours; `None` if there is none. What is not text is damaged, and shows when it is
/// loaded.
fn read(path: &Path) -> Result<Option<String>, RecordError> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(mut file) => {
            file.read_to_end(&mut bytes).map_err(RecordError::io("read", path))?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(RecordError::io("open", path)(error)),
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
