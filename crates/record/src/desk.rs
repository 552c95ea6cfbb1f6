//! What a person's own desk keeps: the key that its cookies are made with, and the passkeys by which changes are
//! made.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::folder::open_private;
use crate::{RecordError, StateFolder};

/// Bytes of the key.
pub const KEY_BYTES: usize = 32;

/// What a person may do who holds a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look.
    Viewer,
    /// Answer what is asked, and hold sessions.
    Approver,
    /// Change the rules as well.
    Admin,
}

impl Role {
    /// The word for it, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }
}

/// A passkey that was enrolled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// The name of its credential, base64url.
    pub id: String,
    /// The point of its public key on P-256, uncompressed, base64url.
    pub key: String,
    /// The count of its last signature.
    pub count: u32,
    /// Whose it is, for the log: no name. One person may have several.
    pub person: String,
    /// Who that is, for colleagues.
    #[serde(default)]
    pub owner: String,
    /// What the person calls it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it was enrolled, RFC 3339.
    pub at: String,
    /// The person who said that this one is somebody else; nobody did of the first.
    #[serde(default)]
    pub vouched_by: Option<String>,
}

/// The desk of one state folder.
#[derive(Debug, Clone)]
pub struct Desk {
    key: PathBuf,
    passkeys: PathBuf,
    place: PathBuf,
}

impl Desk {
    /// The desk in this state folder.
    pub fn of(state: &StateFolder) -> Self {
        let path = |name: &str| state.path().join(name);
        Self { key: path("serve.key"), passkeys: path("passkeys.json"), place: path("serve.lock") }
    }

    /// Takes the place of the one who serves, until what is returned is dropped or this process ends; `None`
    /// where somebody has it.
    ///
    /// # Errors
    /// When it cannot be told.
    pub fn take_place(&self) -> Result<Option<File>, RecordError> {
        let place = open_private(&self.place, false)?;
        match place.try_lock() {
            Ok(()) => Ok(Some(place)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(RecordError::io("lock", &self.place)(error)),
        }
    }

    /// The key, made where there is none.
    ///
    /// # Errors
    /// When it can be neither read nor made.
    pub fn key(&self) -> Result<[u8; KEY_BYTES], RecordError> {
        let mut key = [0; KEY_BYTES];
        if let Some(kept) = read(&self.key)? {
            key = kept.try_into().map_err(|_| damaged(&self.key, "it is no key; remove it"))?;
            return Ok(key);
        }
        random(&mut key)?;
        write(&self.key, &key)?;
        Ok(key)
    }

    /// The passkeys, oldest first.
    ///
    /// # Errors
    /// When they are there and cannot be read.
    pub fn passkeys(&self) -> Result<Vec<Passkey>, RecordError> {
        let Some(text) = read(&self.passkeys)? else { return Ok(Vec::new()) };
        serde_json::from_slice(&text).map_err(|error| damaged(&self.passkeys, &error.to_string()))
    }

    /// Changes them, while nobody else does; as they were, where that fails.
    ///
    /// # Errors
    /// Those of the change; and when they cannot be read, or are not on disk whole.
    pub fn change<T, E: From<RecordError>>(
        &self,
        work: impl FnOnce(&mut Vec<Passkey>) -> Result<T, E>,
    ) -> Result<T, E> {
        let lock = open_private(&self.passkeys.with_extension("lock"), false)?;
        lock.lock().map_err(RecordError::io("lock", &self.passkeys))?;
        let mut passkeys = self.passkeys()?;
        let done = work(&mut passkeys)?;
        let text = serde_json::to_vec_pretty(&passkeys)
            .map_err(|error| damaged(&self.passkeys, &error.to_string()))?;
        write(&self.passkeys, &text)?;
        Ok(done)
    }
}

/// Fills this with what nobody can foresee.
///
/// # Errors
/// When the system has none.
pub fn random(bytes: &mut [u8]) -> Result<(), RecordError> {
    let path = Path::new("/dev/urandom");
    let filled = File::open(path).and_then(|mut random| random.read_exact(bytes));
    filled.map_err(RecordError::io("read", path))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, RecordError> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(mut file) => {
            file.read_to_end(&mut bytes).map_err(RecordError::io("read", path))?;
            Ok(Some(bytes))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(RecordError::io("open", path)(error)),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), RecordError> {
    let new = path.with_extension("new");
    let mut file = open_private(&new, false)?;
    file.set_len(0)
        .and_then(|()| file.write_all(bytes))
        .and_then(|()| std::fs::rename(&new, path))
        .map_err(RecordError::io("write", path))
}

fn damaged(path: &Path, problem: &str) -> RecordError {
    RecordError::Damaged { path: path.to_owned(), problem: problem.to_owned() }
}
