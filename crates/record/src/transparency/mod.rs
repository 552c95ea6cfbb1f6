//! What lets anyone check the audit log who never trusted this machine.
//!
//! The hash of every entry is a leaf of a Merkle tree ([`tree`]). A *checkpoint* is its size and root, signed
//! with a key of this state folder ([`note`]); the tree's hashes lie beside the log as files of a public layout
//! (C2SP *tlog-tiles*, *tlog-checkpoint*, *signed-note*), so that tools that are not ours can check them.
//!
//! ```text
//! audit/000001.jsonl  → leaf "17 sha256:9f3…"  → tlog/tile/…  → tlog/checkpoint
//! ```
//!
//! What a checkpoint says is for good: an entry can be shown to be in it by a few hashes ([`Proof`]), and a
//! later one can be shown to hold all of it. So a copy of an old checkpoint that was put elsewhere, or that a
//! *witness* of somebody else's has signed ([`Witness`]), finds every change of the past, whoever made it and
//! with whatever keys. Without such a copy, whoever can write the state folder can also sign a log of their own.
//!
//! A leaf holds the number and the hash of an entry, not its words. They can be taken out of the log, and
//! every proof still holds.

pub mod note;
pub mod tree;

mod checkpoint;
mod proof;
mod tiles;
mod verify;
mod witness;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use self::note::{Note, Role, Signer, Verifier};
use self::tiles::Tiles;
use crate::folder::{open_private, write_whole};
use crate::log::{Log, Receipt};
use crate::{RecordError, StateFolder};

pub use self::checkpoint::Checkpoint;
pub use self::proof::{Consistency, Proof};
pub use self::verify::Trust;
pub use self::witness::{Witness, WitnessError};

/// What keys of logs are named after.
const LOG: &str = "ringfence/audit";

/// Where the tree lies in a state folder.
const FOLDER: &str = "tlog";

/// The tree over the log of one state folder.
#[derive(Debug)]
pub struct Transparency {
    state: StateFolder,
    folder: PathBuf,
    key: PathBuf,
    log: Log,
}

impl Transparency {
    /// The tree over this log. Nothing is made before something is signed.
    pub fn of(state: &StateFolder, log: &Log) -> Self {
        let (folder, key) = (state.path().join(FOLDER), state.path().join("audit.key"));
        Self { state: state.clone(), folder, key, log: log.clone() }
    }

    /// Takes in what was recorded since the last checkpoint, and signs for all of it. The note is what
    /// others should keep. `None`: nothing was recorded yet.
    ///
    /// # Errors
    /// When files cannot be read or written, or the last checkpoint does not fit them.
    pub fn sign(&self) -> Result<Option<(Checkpoint, String)>, RecordError> {
        let lock = open_private(&self.state.sub(FOLDER)?.join("lock"), false)?;
        lock.lock().map_err(RecordError::io("lock", &self.folder))?;
        let signer = self.signer()?;
        let tiles = Tiles::new(self.folder.clone());
        let (before, note) = match self.newest()? {
            Some((checkpoint, note)) => {
                self.fits(&checkpoint, &note, &signer, &tiles)?;
                (checkpoint, Some(note))
            }
            None => (Checkpoint::of_nothing(&signer.verifier().name), None),
        };
        let new: Vec<_> = self.log.receipts_after(before.seq)?.collect::<Result<_, _>>()?;
        // The place of a leaf is the number of its entry: none can be left out.
        let follows = |(receipt, seq): (&Receipt, u64)| receipt.seq == seq;
        if let Some(at) = new.iter().zip(before.seq + 1..).position(|it| !follows(it)) {
            let missing = before.seq + 1 + at as u64;
            let problem = format!(
                "entry {missing} cannot be read, and nothing is signed for what follows it; \
                 `ringfence audit verify` says what is wrong"
            );
            return Err(damaged(&self.folder, &problem));
        }
        let Some(last) = new.last() else {
            return Ok(note.map(|note| (before, note)));
        };
        let leaves: Vec<String> = new.iter().map(checkpoint::leaf).collect();
        tiles.append(before.size, &leaves)?;
        let size = before.size + leaves.len() as u64;
        let root = tree::root(&tiles, size)?;
        let checkpoint = Checkpoint { size, root, seq: last.seq, ..before };
        let text = checkpoint.to_string();
        let note = format!("{text}\n{}", signer.sign(&text, 0));
        self.keep(&note)?;
        Ok(Some((checkpoint, note)))
    }

    /// The last checkpoint and the note that it came in.
    ///
    /// # Errors
    /// When it cannot be read, or is not a checkpoint.
    pub fn newest(&self) -> Result<Option<(Checkpoint, String)>, RecordError> {
        let path = self.checkpoint_path();
        let note = match fs::read_to_string(&path) {
            Ok(note) => note,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(RecordError::io("read", &path)(error)),
        };
        let text = Note::parse(&note).map(|note| note.text);
        let checkpoint = text.and_then(|text| text.parse().ok());
        let checkpoint = checkpoint.ok_or_else(|| damaged(&path, "it is no checkpoint"))?;
        Ok(Some((checkpoint, note)))
    }

    /// The key that the log is signed with, for others to keep; `None` if it never was.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn verifier(&self) -> Result<Option<Verifier>, RecordError> {
        if self.key.exists() { Ok(Some(self.signer()?.verifier().clone())) } else { Ok(None) }
    }

    /// A file of the tree by the path that C2SP *tlog-tiles* gives it, below `tile/`; `None` if there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn tile_file(&self, path: &str) -> Result<Option<Vec<u8>>, RecordError> {
        let is_part = |part: &str| {
            let letters = |it: u8| it.is_ascii_digit() || matches!(it, b'x' | b'p' | b'.');
            part == "entries" || (!part.starts_with('.') && part.bytes().all(letters))
        };
        if path.is_empty() || !path.split('/').all(|part| !part.is_empty() && is_part(part)) {
            return Ok(None);
        }
        let path = self.folder.join("tile").join(path);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(RecordError::io("read", &path)(error)),
        }
    }

    /// Puts the signatures of others under the last checkpoint.
    ///
    /// # Errors
    /// When there is no checkpoint, or what is given is no signature of it.
    pub fn add_signatures(&self, lines: &str, by: &Verifier) -> Result<(), RecordError> {
        let path = self.checkpoint_path();
        let (_, note) = self.newest()?.ok_or_else(|| damaged(&path, "nothing is signed yet"))?;
        let more = format!("{note}{}\n", lines.trim_end());
        let held = Note::parse(&more).is_some_and(|note| note.is_signed_by(by));
        if !held {
            return Err(damaged(&path, "what was given is no signature of it by that key"));
        }
        self.keep(&more)
    }

    /// That the last checkpoint is ours and that what is on disk is what it says: nothing is built on what
    /// somebody has changed.
    fn fits(
        &self,
        checkpoint: &Checkpoint,
        note: &str,
        signer: &Signer,
        tiles: &Tiles,
    ) -> Result<(), RecordError> {
        let path = self.checkpoint_path();
        if !Note::parse(note).is_some_and(|note| note.is_signed_by(signer.verifier())) {
            return Err(damaged(&path, "it is not signed with the key of this folder"));
        }
        if tree::root(tiles, checkpoint.size)? != checkpoint.root {
            return Err(damaged(&self.folder, "the tree is not the one that was signed"));
        }
        Ok(())
    }

    fn keep(&self, note: &str) -> Result<(), RecordError> {
        let path = self.checkpoint_path();
        let unfinished = path.with_extension("new");
        write_whole(&unfinished, note.as_bytes())?;
        fs::rename(&unfinished, &path).map_err(RecordError::io("write", &path))
    }

    fn checkpoint_path(&self) -> PathBuf {
        self.folder.join("checkpoint")
    }

    /// The key of this folder, made when it is first used.
    fn signer(&self) -> Result<Signer, RecordError> {
        read_key(&self.key, LOG, Role::Author)
    }
}

/// The key in a file, which is made where there is none.
fn read_key(path: &Path, name: &str, role: Role) -> Result<Signer, RecordError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = Signer::generate().ok_or_else(|| damaged(path, "no key could be made"))?;
            write_whole(path, &made)?;
            made
        }
        Err(error) => return Err(RecordError::io("read", path)(error)),
    };
    Signer::read(&bytes, name, role).ok_or_else(|| damaged(path, "it is no key"))
}

fn damaged(path: &Path, problem: &str) -> RecordError {
    RecordError::Damaged { path: path.to_owned(), problem: problem.to_owned() }
}
