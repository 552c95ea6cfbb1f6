//! Somebody else who remembers: signs for a log only what holds all that it has signed for before.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::note::{Note, Role, Signer, Verifier};
use super::proof::Consistency;
use super::tree;
use super::{Checkpoint, read_key};
use crate::folder::{open_private, write_whole};
use crate::{RecordError, StateFolder};

/// A witness of one folder: its key, and the last checkpoint of each log that it has seen.
#[derive(Debug)]
pub struct Witness {
    folder: PathBuf,
    signer: Signer,
}

/// Why a witness does not sign.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// It could not look or remember.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// It will not.
    #[error("{0}")]
    Refused(String),
}

impl Witness {
    /// The witness in this folder, made where it is missing.
    ///
    /// # Errors
    /// When its folder or key cannot be read or made.
    pub fn open(state: &StateFolder) -> Result<Self, RecordError> {
        let folder = state.sub("witness")?;
        let signer = read_key(&folder.join("key"), "ringfence/witness", Role::Witness)?;
        Ok(Self { folder, signer })
    }

    /// The key that it signs with.
    pub fn verifier(&self) -> &Verifier {
        self.signer.verifier()
    }

    /// The size of the log of this key when it was last signed for; 0 if it never was.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn last_size(&self, log: &Verifier) -> Result<u64, RecordError> {
        Ok(self.last(&self.path(log))?.map_or(0, |checkpoint| checkpoint.size))
    }

    /// Signs for a log's new checkpoint, and remembers it. `at` is in seconds since 1970. Returns the line
    /// to put under it.
    ///
    /// # Errors
    /// When it is not signed by that log, does not hold all of the last one, or cannot be remembered.
    pub fn sign(
        &self,
        asked: &Consistency,
        log: &Verifier,
        at: u64,
    ) -> Result<String, WitnessError> {
        let refused = |why: &str| WitnessError::Refused(why.to_owned());
        // Two who ask at once, each with another log that begins alike, must not both be signed for.
        let lock = open_private(&self.folder.join("lock"), false)?;
        lock.lock().map_err(RecordError::io("lock", &self.folder))?;
        let note = Note::parse(&asked.note).filter(|note| note.is_signed_by(log));
        let note = note.ok_or_else(|| refused("it is not signed with the key of that log"))?;
        let new: Checkpoint = note.text.parse().map_err(|()| refused("it is no checkpoint"))?;
        if new.origin != log.name {
            return Err(refused("it speaks of another log than its key"));
        }
        let path = self.path(log);
        let last = self.last(&path)?;
        let old = last.unwrap_or_else(|| Checkpoint::of_nothing(&log.name));
        if asked.old_size != old.size {
            return Err(WitnessError::Refused(format!(
                "it was last signed for {} entries; the proof has to begin there",
                old.size
            )));
        }
        if !tree::is_consistent((old.size, &old.root), (new.size, &new.root), &asked.hashes) {
            let why =
                "it does not hold all that was signed for before: the past of the log was changed";
            return Err(refused(why));
        }
        let unfinished = path.with_extension("new");
        write_whole(&unfinished, note.text.as_bytes())?;
        fs::rename(&unfinished, &path).map_err(RecordError::io("write", &path))?;
        Ok(self.signer.sign(&note.text, at))
    }

    fn last(&self, path: &Path) -> Result<Option<Checkpoint>, RecordError> {
        match fs::read_to_string(path) {
            Ok(text) => {
                let read = text.parse();
                Ok(Some(read.map_err(|()| super::damaged(path, "it is no checkpoint"))?))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(RecordError::io("read", path)(error)),
        }
    }

    /// Named after the whole key: what a log calls itself is its own choice.
    fn path(&self, log: &Verifier) -> PathBuf {
        self.folder.join(format!("log-{:x}", Sha256::digest(log.to_string())))
    }
}
