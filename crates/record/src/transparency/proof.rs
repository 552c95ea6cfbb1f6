//! That an entry is in the log, and that a log has only grown: a few hashes that anybody can check.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::checkpoint::{self, Checkpoint};
use super::note::{Note, Verifier};
use super::tiles::{self, Tiles};
use super::tree::{self, Hash};
use super::{Transparency, damaged};
use crate::RecordError;
use crate::log::Receipt;

/// That an entry is in a signed log (C2SP *tlog-proof*).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The leaf that stands for the entry.
    pub receipt: Receipt,
    /// Which leaf of the tree, from 0.
    pub index: u64,
    /// The hashes beside the way to the root.
    pub hashes: Vec<Hash>,
    /// The checkpoint with its signatures.
    pub note: String,
}

const PROOF: &str = "c2sp.org/tlog-proof@v1";

impl Proof {
    /// Whether the entry is in the log of this key.
    pub fn holds(&self, key: &Verifier) -> bool {
        let Some(note) = Note::parse(&self.note) else { return false };
        let Ok(checkpoint) = note.text.parse::<Checkpoint>() else { return false };
        let leaf = tree::leaf(checkpoint::leaf(&self.receipt).as_bytes());
        note.is_signed_by(key)
            && checkpoint.origin == key.name
            && tree::is_included(&leaf, self.index, checkpoint.size, &self.hashes, &checkpoint.root)
    }

    /// Reads a proof as it is passed around; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let (head, note) = text.split_once("\n\n")?;
        let mut lines = head.lines();
        let receipt = match (lines.next()?, lines.next()?.strip_prefix("extra ")?) {
            (PROOF, leaf) => String::from_utf8(BASE64.decode(leaf).ok()?).ok()?,
            _ => return None,
        };
        let receipt = checkpoint::receipt(&receipt)?;
        let index = lines.next()?.strip_prefix("index ")?.parse().ok()?;
        let hashes = lines.map(|line| BASE64.decode(line).ok()?.try_into().ok());
        Some(Self { receipt, index, hashes: hashes.collect::<Option<_>>()?, note: note.to_owned() })
    }
}

impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let leaf = BASE64.encode(checkpoint::leaf(&self.receipt));
        writeln!(f, "{PROOF}\nextra {leaf}\nindex {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", BASE64.encode(hash))?;
        }
        write!(f, "\n{}", self.note)
    }
}

/// That one checkpoint of a log holds all of an older one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    /// The size of the older one.
    pub old_size: u64,
    /// The hashes that lead from it to the new one.
    pub hashes: Vec<Hash>,
    /// The new checkpoint with its signatures.
    pub note: String,
}

impl Consistency {
    /// Reads what is sent to a witness (C2SP *tlog-witness*); `None` if it is not that.
    pub fn parse(text: &str) -> Option<Self> {
        let (head, note) = text.split_once("\n\n")?;
        let mut lines = head.lines();
        let old_size = lines.next()?.strip_prefix("old ")?.parse().ok()?;
        let hashes = lines.map(|line| BASE64.decode(line).ok()?.try_into().ok());
        Some(Self { old_size, hashes: hashes.collect::<Option<_>>()?, note: note.to_owned() })
    }
}

impl std::fmt::Display for Consistency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        for hash in &self.hashes {
            writeln!(f, "{}", BASE64.encode(hash))?;
        }
        write!(f, "\n{}", self.note)
    }
}

impl Transparency {
    /// That entry `seq` is in the last checkpoint; `None` if it is not.
    ///
    /// # Errors
    /// When files cannot be read.
    pub fn prove(&self, seq: u64) -> Result<Option<Proof>, RecordError> {
        let Some((checkpoint, note)) = self.newest()? else { return Ok(None) };
        let tiles = Tiles::new(self.folder.clone());
        let leaves = tiles::leaves(&tiles, checkpoint.size)?;
        let found = leaves.iter().enumerate().find_map(|(index, leaf)| {
            let receipt = checkpoint::receipt(leaf).filter(|receipt| receipt.seq == seq)?;
            Some((index as u64, receipt))
        });
        let Some((index, receipt)) = found else { return Ok(None) };
        let hashes = tree::inclusion(&tiles, index, checkpoint.size)?;
        Ok(Some(Proof { receipt, index, hashes, note }))
    }

    /// That the last checkpoint holds all of the one of this size.
    ///
    /// # Errors
    /// When files cannot be read, or the log was never as large.
    pub fn prove_growth(&self, old_size: u64) -> Result<Consistency, RecordError> {
        let path = self.checkpoint_path();
        let (checkpoint, note) =
            self.newest()?.ok_or_else(|| damaged(&path, "nothing is signed yet"))?;
        if old_size > checkpoint.size {
            return Err(damaged(&path, "it holds fewer entries than were signed before"));
        }
        let tiles = Tiles::new(self.folder.clone());
        let hashes = tree::consistency(&tiles, old_size, checkpoint.size)?;
        Ok(Consistency { old_size, hashes, note })
    }
}
