//! Checking the whole log.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::Value;

use super::line::{self, GENESIS};
use super::{Log, Receipt, keep, segment};
use crate::RecordError;

/// What a check of the whole log found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verification {
    /// Entries that are what they were when they were written, linked as they were.
    pub entries: u64,
    /// The hash of the last of them.
    pub head: String,
    /// Of these, entries whose content was taken out, and the log says by whom.
    pub redacted: u64,
    /// The number of the last entry that was removed since it had been kept long enough; 0 if none was.
    pub pruned: u64,
    /// What is wrong, with file and line; empty is sound.
    pub problems: Vec<String>,
    /// What is worth knowing and takes nothing away.
    pub notes: Vec<String>,
}

impl Log {
    /// Checks every entry and every link, from the files alone, and that each of these receipts is for
    /// an entry that is still there.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn verify(&self, receipts: &[Receipt]) -> Result<Verification, RecordError> {
        let mut found = Verification { head: GENESIS.to_owned(), ..Verification::default() };
        let mut owed: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
        let head = self.read_head();
        for receipt in receipts.iter().chain(head.as_ref().ok().and_then(Option::as_ref)) {
            owed.entry(receipt.seq).or_default().push(&receipt.hash);
        }
        let numbers = segment::numbers(&self.folder)?;
        let recorded = keep::Recorded::of(&self.folder, &numbers)?;
        let begin = recorded.begin(&numbers);
        if let Some((_, last)) = &begin {
            found.pruned = last.seq;
            found.head.clone_from(&last.hash);
            found
                .notes
                .push(format!("entries 1 to {} were kept long enough and removed", last.seq));
            owed.retain(|seq, _| *seq > last.seq);
        }
        found.notes.extend(recorded.unfinished(&numbers));
        let mut stubs = Vec::new();
        let (mut expected, mut seq) = begin.map_or((1, 0), |(number, last)| (number, last.seq));
        for number in numbers {
            let path = segment::path(&self.folder, number);
            if number != expected {
                found.problems.push(format!("segment {expected} is missing"));
            }
            expected = number + 1;
            for (line_number, text) in segment::lines(&path).enumerate() {
                let line = line::open(&text?);
                let place = format!("{}:{}", path.display(), line_number + 1);
                let mut line = line;
                if line.kind.as_deref() == Some(keep::STUB) && line.problem.take().is_some() {
                    let stub = line.receipt.clone().zip(line.made_of.clone());
                    stubs.push((place.clone(), stub));
                }
                let problems = problems_of(&line, seq, &found.head);
                if problems.is_empty() {
                    found.entries += 1;
                }
                found.problems.extend(problems.iter().map(|what| format!("{place}: {what}")));
                seq = line.receipt.as_ref().map_or(seq + 1, |receipt| receipt.seq);
                if let Some(receipt) = line.receipt {
                    for hash in owed.remove(&receipt.seq).unwrap_or_default() {
                        if hash != receipt.hash {
                            let what = "is not the entry that was acknowledged under its number";
                            found.problems.push(format!("{place}: {what}"));
                        }
                    }
                    found.head = receipt.hash;
                }
            }
            if segment::torn_bytes(&path)? > 0 {
                found.notes.push(format!(
                    "{}: a line without an end, of a writer that was stopped; it was never acknowledged, \
                     and the next entry sets it aside",
                    path.display()
                ));
            }
        }
        for (place, stub) in stubs {
            match stub {
                Some((receipt, made_of)) if recorded.redacts(&receipt, &made_of) => found.redacted += 1,
                _ => found.problems.push(format!(
                    "{place}: it claims that its content was taken out, and no entry of the log says so"
                )),
            }
        }
        for seq in owed.keys() {
            found.problems.push(format!("entry {seq} was acknowledged and is not there"));
        }
        match head {
            Err(problem) => found.problems.push(problem.to_string()),
            Ok(None) if seq > 0 => {
                found.problems.push(format!("`{}` is missing", self.head.display()));
            }
            Ok(_) => {}
        }
        Ok(found)
    }

    /// The numbers of entries at the end that were acknowledged, here or by these receipts, and are not
    /// there; `None` if the log ends no earlier than it should. Cheap: only the end is read.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn cut_off(
        &self,
        receipts: &[Receipt],
    ) -> Result<Option<RangeInclusive<u64>>, RecordError> {
        let head = self.read_head()?;
        let newest = receipts.iter().chain(&head).map(|receipt| receipt.seq).max().unwrap_or(0);
        let mut last = 0;
        // The newest segment may be empty.
        for number in segment::numbers(&self.folder)?.into_iter().rev() {
            let line = segment::last_line(&segment::path(&self.folder, number))?;
            if let Some(line) = line {
                // A line that does not say its number is for `verify` to report.
                last = line::open(&line).receipt.map_or(newest, |receipt| receipt.seq);
                break;
            }
        }
        Ok((last < newest).then(|| last + 1..=newest))
    }

    /// The entry of this receipt and all that came after it, oldest first; empty unless it is among the
    /// newest (in the last two segments) and everything from there on is as it was written.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn since(&self, receipt: &Receipt) -> Result<Vec<Value>, RecordError> {
        self.since_first_of(std::slice::from_ref(receipt))
    }

    /// The same from the oldest on of those of these receipts that are among the newest: read once for all of them.
    ///
    /// # Errors
    /// As [`Log::since`].
    pub fn since_first_of(&self, receipts: &[Receipt]) -> Result<Vec<Value>, RecordError> {
        if receipts.is_empty() {
            return Ok(Vec::new());
        }
        let numbers = segment::numbers(&self.folder)?;
        let newest = numbers.get(numbers.len().saturating_sub(2)..).unwrap_or_default();
        let mut entries = Vec::new();
        for number in newest {
            for text in segment::lines(&segment::path(&self.folder, *number)) {
                let text = text?;
                // Opening a line takes its hash: only from the one on that can be this.
                if entries.is_empty() && !receipts.iter().any(|it| text.contains(&it.hash)) {
                    continue;
                }
                let line = line::open(&text);
                let is_one = |found: &Receipt| receipts.contains(found);
                if entries.is_empty() && !line.receipt.as_ref().is_some_and(is_one) {
                    continue;
                }
                match serde_json::from_str(&text) {
                    Ok(entry) if line.problem.is_none() => entries.push(entry),
                    _ => return Ok(Vec::new()),
                }
            }
        }
        Ok(entries)
    }
}

fn problems_of(line: &line::Line, before: u64, head: &str) -> Vec<String> {
    let mut problems: Vec<String> = line.problem.clone().into_iter().collect();
    if let Some(receipt) = &line.receipt
        && receipt.seq != before + 1
    {
        problems.push(format!("it has number {}, and {} was to come", receipt.seq, before + 1));
    }
    if line.prev.as_deref() != Some(head) {
        problems.push("the line before it is not the one that it was linked to".to_owned());
    }
    problems
}
