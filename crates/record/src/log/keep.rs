//! What does not stay: segments that were kept long enough, and content that must not be kept.
//!
//! Nothing leaves without an entry that says so, and the entry comes first: whoever is stopped between the two
//! leaves a log that is sound and says what is still to be done, and the next one does it.
//!
//! ```text
//! {"seq":90,"kind":"pruned","segments":[{"number":1,"last":{"seq":40,"hash":"sha256:…"}}],…}
//! {"seq":91,"kind":"redaction","entry":57,"of":"sha256:9f3…","stub":"sha256:c41…","reason":"…","by":"…"}
//! {"seq":57,"prev":"…","at":"…","kind":"redacted","was":"decision","reason":"…","by":"…","hash":"sha256:9f3…"}
//! ```
//!
//! A *stub* has the number and the hash of the entry that it stands for, so that the links and the tree hold. What
//! it says is not what its hash was made of; its own hash is in the entry that took the content out.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::{Entry, Log, Receipt, damaged, line, segment};
use crate::RecordError;
use crate::folder::open_private;
use crate::redact::Redactor;
use crate::sessions::SessionStore;
use crate::transparency::Transparency;

/// The kind of what stands for an entry without content.
pub(super) const STUB: &str = "redacted";
/// The kind of an entry that takes the content of another out.
const REDACTION: &str = "redaction";
/// The kind of an entry that removes segments.
const PRUNED: &str = "pruned";

/// What may go. Of both, what goes first by either.
pub struct Keep<'k> {
    /// Whether an entry of this time was kept long enough.
    pub is_old: Option<&'k dyn Fn(&str) -> bool>,
    /// More bytes than this are not kept; the newest segment always is.
    pub most_bytes: Option<u64>,
}

/// What went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// How many segments.
    pub segments: u64,
    /// The last entry in them.
    pub last: Receipt,
    /// Their bytes.
    pub bytes: u64,
}

/// What was taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    /// Of which entry.
    pub entry: Receipt,
    /// Its kind.
    pub was: String,
    /// The entry that says so.
    pub by: Receipt,
}

impl Log {
    /// Closes the newest segment: what comes next goes into another. Returns whether there was anything in it.
    ///
    /// # Errors
    /// When files cannot be read or made.
    pub fn rotate(&self) -> Result<bool, RecordError> {
        let _lock = self.lock()?;
        let newest = segment::numbers(&self.folder)?.pop();
        let Some(newest) = newest else { return Ok(false) };
        let path = segment::path(&self.folder, newest);
        if segment::last_line(&path)?.is_none() || segment::torn_bytes(&path)? > 0 {
            return Ok(false);
        }
        open_private(&segment::path(&self.folder, newest + 1), false)?;
        Ok(true)
    }

    /// When the newest segment began, as its first entry says.
    ///
    /// # Errors
    /// When files cannot be read.
    pub fn began(&self) -> Result<Option<String>, RecordError> {
        let Some(newest) = segment::numbers(&self.folder)?.pop() else { return Ok(None) };
        let first = segment::lines(&segment::path(&self.folder, newest)).next().transpose()?;
        Ok(first.and_then(|first| at_of(&first)))
    }

    /// Removes segments that were kept long enough, the oldest first, never the newest. All of it is signed for
    /// before, so that the tree still shows what was there.
    ///
    /// # Errors
    /// When the log is not sound (nothing is removed then), or files cannot be read, written or removed.
    pub fn prune(
        &self,
        keep: &Keep<'_>,
        at: &str,
        by: &str,
    ) -> Result<Option<Pruned>, RecordError> {
        // Cheap, for whoever looks at every end of a session: only the ends of segments are read.
        if self.to_prune(keep, u64::MAX)?.is_empty() {
            return Ok(None);
        }
        self.settle()?;
        let tree = Transparency::of(&self.state, self);
        let signed = tree.sign()?.map_or(0, |(checkpoint, _)| checkpoint.seq);
        // What sessions were told is evidence, too, and is gone with the entries that it speaks of.
        let receipts = SessionStore::open(&self.state)?.receipts()?;
        let mut problems = self.verify(&receipts)?.problems;
        problems.extend(tree.verify(&crate::transparency::Trust::default())?);
        if let Some(problem) = problems.first() {
            return Err(damaged(&self.folder, format!("{problem}; nothing was removed")));
        }
        let lock = self.lock()?;
        let old = self.to_prune(keep, signed)?;
        let Some((_, last, _)) = old.last().cloned() else { return Ok(None) };
        let segments: Vec<Value> = old
            .iter()
            .map(|(number, last, _)| json!({"number": number, "last": {"seq": last.seq, "hash": last.hash}}))
            .collect();
        let bytes = old.iter().map(|(_, _, bytes)| bytes).sum();
        let fields = [("segments", json!(segments)), ("bytes", json!(bytes)), ("by", json!(by))];
        let place = self.end(at)?;
        self.append_one(place, at, entry(PRUNED, fields))?;
        self.remove(old.iter().map(|(number, _, _)| *number))?;
        drop(lock);
        Ok(Some(Pruned { segments: old.len() as u64, last, bytes }))
    }

    /// The oldest segments that need not be kept, with the last entry of each and its bytes.
    fn to_prune(
        &self,
        keep: &Keep<'_>,
        signed: u64,
    ) -> Result<Vec<(u64, Receipt, u64)>, RecordError> {
        let numbers = segment::numbers(&self.folder)?;
        let length = |number: u64| -> Result<u64, RecordError> {
            let path = segment::path(&self.folder, number);
            Ok(fs::metadata(&path).map_err(RecordError::io("read", &path))?.len())
        };
        let mut left: u64 = numbers.iter().map(|number| length(*number)).sum::<Result<_, _>>()?;
        let mut old = Vec::new();
        let Some((_, but_newest)) = numbers.split_last() else { return Ok(old) };
        for number in but_newest {
            let path = segment::path(&self.folder, *number);
            let Some(text) = segment::last_line(&path)? else { break };
            let is_old = match keep.is_old {
                Some(is_old) => at_of(&text).is_some_and(|at| is_old(&at)),
                None => false,
            };
            let too_many = keep.most_bytes.is_some_and(|most| left > most);
            let last = line::open(&text).receipt.filter(|last| last.seq <= signed);
            let (true, Some(last)) = (is_old || too_many, last) else { break };
            let bytes = length(*number)?;
            left -= bytes;
            old.push((*number, last, bytes));
        }
        Ok(old)
    }

    fn remove(&self, numbers: impl Iterator<Item = u64>) -> Result<(), RecordError> {
        for number in numbers {
            let path = segment::path(&self.folder, number);
            fs::remove_file(&path).map_err(RecordError::io("remove", &path))?;
        }
        sync(&self.folder)
    }

    /// The last entry that was removed since it had been kept long enough, as the log says; `None` if it begins
    /// with its first.
    ///
    /// # Errors
    /// When files cannot be read.
    pub fn pruned(&self) -> Result<Option<Receipt>, RecordError> {
        let numbers = segment::numbers(&self.folder)?;
        let recorded = Recorded::of(&self.folder, &numbers)?;
        Ok(recorded.begin(&numbers).map(|(_, last)| last))
    }

    /// Takes the content of an entry out of the log, for good. What is left says that it was there, when, of what kind
    /// it was, and why, when and by whom it was taken out.
    ///
    /// # Errors
    /// When there is no such entry, it is not what was recorded, it says what was taken out or removed, or files
    /// cannot be read or written.
    pub fn redact(
        &self,
        seq: u64,
        reason: &str,
        at: &str,
        by: &str,
    ) -> Result<Redacted, RecordError> {
        self.settle()?;
        let redactor = Redactor::open(&self.state)?;
        let clean = |text: &str| redactor.text(text).unwrap_or_else(|| text.to_owned());
        let _lock = self.lock()?;
        let (number, text) = self.find(seq)?;
        let opened = line::open(&text);
        let (Some(receipt), Some(was)) = (opened.receipt, opened.kind) else {
            return Err(RecordError::Refused(format!(
                "entry {seq} cannot be read; see `ringfence audit verify`"
            )));
        };
        if [STUB, REDACTION, PRUNED].contains(&was.as_str()) {
            let what = if was == STUB {
                "has no content left"
            } else {
                "says what was taken out, and stays"
            };
            return Err(RecordError::Refused(format!("entry {seq} {what}; nothing was done")));
        }
        if opened.problem.is_some() {
            let why = "is not what was recorded; it is evidence, and stays (see `ringfence audit verify`)";
            return Err(RecordError::Refused(format!("entry {seq} {why}")));
        }
        let why = Why { reason: clean(reason), by: clean(by), at: at.to_owned() };
        let stub = stub(&text, &why)
            .ok_or_else(|| damaged(&self.folder, format!("entry {seq} cannot be read")))?;
        let fields = [
            ("entry", json!(seq)),
            ("was", json!(was)),
            ("of", json!(receipt.hash)),
            ("stub", json!(line::digest(&stub))),
            ("reason", json!(why.reason)),
            ("by", json!(why.by)),
        ];
        let place = self.end(at)?;
        let after = self.append_one(place, at, entry(REDACTION, fields))?.after;
        self.replace(number, &text, &line::sealed_as(&stub, &receipt.hash))?;
        Ok(Redacted { entry: receipt, was, by: after })
    }

    /// Does what is recorded as done and is not: whoever did it was stopped.
    ///
    /// # Errors
    /// When files cannot be read, written or removed.
    pub fn settle(&self) -> Result<(), RecordError> {
        let _lock = self.lock()?;
        let numbers = segment::numbers(&self.folder)?;
        let recorded = Recorded::of(&self.folder, &numbers)?;
        self.remove(recorded.left_over(&numbers).into_iter())?;
        for (seq, redaction) in &recorded.redactions {
            let Ok((number, text)) = self.find(*seq) else { continue };
            let opened = line::open(&text);
            let is_whole = opened.problem.is_none();
            if !is_whole || opened.receipt.is_none_or(|receipt| receipt.hash != redaction.of) {
                continue;
            }
            let made =
                stub(&text, &redaction.why).filter(|made| line::digest(made) == redaction.stub);
            if let Some(made) = made {
                self.replace(number, &text, &line::sealed_as(&made, &redaction.of))?;
            }
        }
        Ok(())
    }

    /// The segment and the line of an entry.
    fn find(&self, seq: u64) -> Result<(u64, String), RecordError> {
        let named = format!("{{\"seq\":{seq},");
        for number in segment::numbers(&self.folder)? {
            for text in segment::lines(&segment::path(&self.folder, number)) {
                let text = text?;
                if text.starts_with(&named) {
                    return Ok((number, text));
                }
            }
        }
        Err(RecordError::Refused(format!(
            "there is no entry {seq}; `ringfence audit tail` shows the newest"
        )))
    }

    /// Writes a segment anew with another line in place of one, beside it and then over it.
    fn replace(&self, number: u64, text: &str, by: &str) -> Result<(), RecordError> {
        let path = segment::path(&self.folder, number);
        let whole = fs::read(&path).map_err(RecordError::io("read", &path))?;
        let old = format!("{text}\n");
        let at = whole.windows(old.len()).position(|window| window == old.as_bytes());
        let (before, rest) = at
            .and_then(|at| whole.split_at_checked(at))
            .ok_or_else(|| damaged(&path, "an entry is not where it was read"))?;
        let after = rest.get(old.len()..).unwrap_or_default();
        let unfinished = path.with_extension("new");
        let mut file = open_private(&unfinished, false)?;
        file.set_len(0)
            .and_then(|()| file.write_all(before))
            .and_then(|()| file.write_all(by.as_bytes()))
            .and_then(|()| file.write_all(after))
            .and_then(|()| file.sync_all())
            .map_err(RecordError::io("write", &unfinished))?;
        fs::rename(&unfinished, &path).map_err(RecordError::io("write", &path))?;
        sync(&self.folder)
    }
}

/// Why, by whom and when content was taken out.
#[derive(Debug)]
struct Why {
    reason: String,
    by: String,
    at: String,
}

#[derive(Debug)]
struct Redaction {
    of: String,
    stub: String,
    why: Why,
}

/// What the log says of what is not in it any more. Only lines that are what they were when they were written
/// are believed.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    /// The last entry of each segment that was removed.
    removed: BTreeMap<u64, Receipt>,
    redactions: BTreeMap<u64, Redaction>,
}

impl Recorded {
    pub(super) fn of(folder: &Path, numbers: &[u64]) -> Result<Self, RecordError> {
        let mut recorded = Self::default();
        for number in numbers {
            for text in segment::lines(&segment::path(folder, *number)) {
                let text = text?;
                // Opening a line takes its hash: only where it can be one of these.
                let may = [PRUNED, REDACTION]
                    .iter()
                    .any(|kind| text.contains(&format!("\"kind\":\"{kind}\"")));
                if !may {
                    continue;
                }
                let opened = line::open(&text);
                let entry: Option<Value> = serde_json::from_str(&text).ok();
                let (None, Some(entry)) = (opened.problem, entry) else { continue };
                match opened.kind.as_deref() {
                    Some(PRUNED) => recorded.removed.extend(removed(&entry)),
                    Some(REDACTION) => recorded.redactions.extend(redaction(&entry)),
                    _ => {}
                }
            }
        }
        Ok(recorded)
    }

    /// The first segment, and the last entry before it, where what was before was removed and that is recorded.
    pub(super) fn begin(&self, numbers: &[u64]) -> Option<(u64, Receipt)> {
        let first = *numbers.first()?;
        self.removed.get(&first.checked_sub(1)?).map(|last| (first, last.clone()))
    }

    /// Segments that are recorded as removed and are still there.
    fn left_over(&self, numbers: &[u64]) -> Vec<u64> {
        numbers.iter().copied().filter(|number| self.removed.contains_key(number)).collect()
    }

    pub(super) fn unfinished(&self, numbers: &[u64]) -> Option<String> {
        let left = self.left_over(numbers).len();
        (left > 0).then(|| {
            format!("{left} segments are recorded as removed and still there; `ringfence audit prune` goes on with it")
        })
    }

    /// Whether the log says that the content of this entry was taken out, and that this stands in its place.
    pub(super) fn redacts(&self, receipt: &Receipt, made_of: &str) -> bool {
        self.redactions
            .get(&receipt.seq)
            .is_some_and(|it| it.of == receipt.hash && it.stub == made_of)
    }
}

fn removed(entry: &Value) -> Vec<(u64, Receipt)> {
    let segments = entry.get("segments").and_then(Value::as_array);
    let read = |segment: &Value| {
        let last = segment.get("last")?;
        let (seq, hash) = (last.get("seq")?.as_u64()?, last.get("hash")?.as_str()?.to_owned());
        Some((segment.get("number")?.as_u64()?, Receipt { seq, hash }))
    };
    segments.into_iter().flatten().filter_map(read).collect()
}

fn redaction(entry: &Value) -> Option<(u64, Redaction)> {
    let text = |name: &str| Some(entry.get(name)?.as_str()?.to_owned());
    let why = Why { reason: text("reason")?, by: text("by")?, at: text("at")? };
    Some((entry.get("entry")?.as_u64()?, Redaction { of: text("of")?, stub: text("stub")?, why }))
}

/// What stands for an entry without its content, up to its hash.
fn stub(text: &str, why: &Why) -> Option<String> {
    let entry: Map<String, Value> = serde_json::from_str(text).ok()?;
    let mut stub = Map::new();
    for name in ["seq", "prev", "at"] {
        stub.insert(name.to_owned(), entry.get(name)?.clone());
    }
    stub.insert("kind".to_owned(), json!(STUB));
    // Whose it was, so that it keeps its place in its session.
    for name in ["agent", "session", "run"] {
        stub.extend(entry.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    stub.insert("was".to_owned(), entry.get("kind")?.clone());
    stub.insert("reason".to_owned(), json!(why.reason));
    stub.insert("by".to_owned(), json!(why.by));
    stub.insert("redacted_at".to_owned(), json!(why.at));
    let text = Value::Object(stub).to_string();
    text.strip_suffix('}').map(str::to_owned)
}

fn at_of(text: &str) -> Option<String> {
    let entry: Value = serde_json::from_str(text).ok()?;
    Some(entry.get("at")?.as_str()?.to_owned())
}

fn entry<const N: usize>(kind: &'static str, fields: [(&str, Value); N]) -> Entry {
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Entry { kind, fields }
}

/// What was removed or renamed in a folder stays so without power, too.
fn sync(folder: &Path) -> Result<(), RecordError> {
    File::open(folder).and_then(|it| it.sync_all()).map_err(RecordError::io("sync", folder))
}
