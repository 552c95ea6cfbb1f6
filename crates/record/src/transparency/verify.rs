//! Whether the tree is the one that was signed, and the log the one in the tree.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use super::checkpoint::{self, Checkpoint};
use super::note::{Note, Verifier};
use super::tiles::{self, Tiles};
use super::tree::{self, Hash};
use super::{LOG, Transparency};
use crate::RecordError;
use crate::log::Receipt;

/// What a check may go by that was not kept with the log.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The key of the log, where it is known from elsewhere.
    pub key: Option<Verifier>,
    /// Checkpoints that were kept elsewhere, as notes.
    pub remembered: Vec<String>,
    /// Witnesses, each of which must have signed the last checkpoint.
    pub witnesses: Vec<Verifier>,
}

impl Transparency {
    /// What is wrong with the tree, its signature and the entries it stands for, from the files alone;
    /// empty is sound. Entries that came later are not signed for yet.
    ///
    /// # Errors
    /// When files cannot be read at all.
    pub fn verify(&self, trust: &Trust) -> Result<Vec<String>, RecordError> {
        let mut problems = Vec::new();
        let mut calm = self.while_nobody_signs();
        // Somebody may have signed for the first time, and is done once this is waited for.
        if calm.is_none() && self.folder.join("tile").exists() {
            calm = self.while_nobody_signs();
        }
        let (checkpoint, note) = match self.newest() {
            Ok(Some(newest)) => newest,
            Ok(None) if self.folder.join("tile").exists() => {
                return Ok(vec!["the checkpoint is missing".to_owned()]);
            }
            Ok(None) if !trust.remembered.is_empty() || !trust.witnesses.is_empty() => {
                return Ok(vec!["nothing is signed, and it was before".to_owned()]);
            }
            Ok(None) => return Ok(Vec::new()),
            Err(problem) => return Ok(vec![problem.to_string()]),
        };
        self.check_signatures(&checkpoint, &note, trust, &mut problems)?;
        let tiles = Tiles::new(self.folder.clone());
        let leaves = match tiles::leaves(&tiles, checkpoint.size) {
            Ok(leaves) => leaves,
            Err(problem) => {
                problems.push(problem.to_string());
                return Ok(problems);
            }
        };
        let hashes: Vec<Hash> = leaves.iter().map(|it| tree::leaf(it.as_bytes())).collect();
        if tiles::root_of(&hashes) != checkpoint.root {
            problems.push("the tree is not the one that was signed".to_owned());
        }
        problems.extend(tiles::check(&tiles, &hashes));
        for note in &trust.remembered {
            problems.extend(self.check_remembered(note, &checkpoint, &hashes, trust)?);
        }
        let receipts: Option<Vec<Receipt>> =
            leaves.iter().map(|it| checkpoint::receipt(it)).collect();
        match receipts {
            Some(receipts) => self.check_entries(&receipts, &checkpoint, &mut problems)?,
            None => problems.push("a leaf of the tree names no entry".to_owned()),
        }
        drop(calm);
        Ok(problems)
    }

    /// Waits until nobody signs, and keeps it so: leaves are written before the checkpoint that speaks of them.
    /// Nothing where nobody ever signed, or where the files are a copy without their lock.
    fn while_nobody_signs(&self) -> Option<File> {
        let lock = File::open(self.folder.join("lock")).ok()?;
        lock.lock_shared().ok().map(|()| lock)
    }

    fn check_signatures(
        &self,
        checkpoint: &Checkpoint,
        note: &str,
        trust: &Trust,
        problems: &mut Vec<String>,
    ) -> Result<(), RecordError> {
        let own = match &trust.key {
            Some(key) => Some(key.clone()),
            None => self.verifier()?,
        };
        let signed = |by: &Verifier| Note::parse(note).is_some_and(|note| note.is_signed_by(by));
        match own {
            None => problems.push("the key that the log was signed with is missing".to_owned()),
            Some(key) if !signed(&key) || checkpoint.origin != key.name => {
                problems.push(format!("the checkpoint is not signed by `{}`", key.name));
            }
            Some(_) => {}
        }
        for witness in trust.witnesses.iter().filter(|witness| !signed(witness)) {
            problems.push(format!("the checkpoint is not signed by witness `{}`", witness.name));
        }
        Ok(())
    }

    /// An old checkpoint is never outdated: the log has to begin with what it says.
    fn check_remembered(
        &self,
        note: &str,
        newest: &Checkpoint,
        leaves: &[Hash],
        trust: &Trust,
    ) -> Result<Option<String>, RecordError> {
        let key = match &trust.key {
            Some(key) => Some(key.clone()),
            None => self.verifier()?,
        };
        let read = Note::parse(note);
        let old = read.as_ref().and_then(|note| note.text.parse::<Checkpoint>().ok());
        let Some((note, old)) = read.zip(old) else {
            return Ok(Some("what was kept elsewhere is no checkpoint".to_owned()));
        };
        if !key.is_some_and(|key| note.is_signed_by(&key)) {
            let who = &old.origin;
            return Ok(Some(format!("the checkpoint that was kept is signed by another: `{who}`")));
        }
        let begin = usize::try_from(old.size).ok().and_then(|size| leaves.get(..size));
        Ok(match begin {
            None => Some(format!(
                "the log was rolled back: {} entries were signed for, and {} are left",
                old.size, newest.size
            )),
            Some(begin) if tiles::root_of(begin) != old.root => {
                Some("the log is not the one of the checkpoint that was kept".to_owned())
            }
            Some(_) => None,
        })
    }

    /// That the log holds the entries of the tree, and no other up to there.
    fn check_entries(
        &self,
        signed: &[Receipt],
        checkpoint: &Checkpoint,
        problems: &mut Vec<String>,
    ) -> Result<(), RecordError> {
        let mut there: BTreeMap<u64, String> = BTreeMap::new();
        for receipt in self.log.receipts_after(0)? {
            let receipt = receipt?;
            if receipt.seq <= checkpoint.seq {
                there.insert(receipt.seq, receipt.hash);
            }
        }
        let numbers: BTreeSet<u64> = signed.iter().map(|it| it.seq).collect();
        let pruned = self.log.pruned()?;
        for receipt in signed {
            match there.get(&receipt.seq) {
                None if pruned.as_ref().is_some_and(|last| last.seq > receipt.seq) => {}
                None if pruned.as_ref() == Some(receipt) => {}
                Some(hash) if *hash == receipt.hash => {}
                Some(_) => problems
                    .push(format!("entry {} is not the one that was signed for", receipt.seq)),
                None => problems.push(format!("entry {} was signed for and is gone", receipt.seq)),
            }
        }
        for seq in there.keys().filter(|seq| !numbers.contains(seq)) {
            problems.push(format!("entry {seq} is not among those that were signed for"));
        }
        if signed.last().is_some_and(|last| last.seq != checkpoint.seq) {
            problems.push(format!("the newest entry of `{LOG}` is another than was signed"));
        }
        Ok(())
    }
}
