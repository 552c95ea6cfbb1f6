//! The audit log: segments of JSON lines, each with the hash of its own content and of the one before.
//!
//! ```text
//! audit/000001.jsonl   {"seq":1,"prev":"sha256:000…","at":"…","kind":"decision",…,"hash":"sha256:9f3…"}
//!                      {"seq":2,"prev":"sha256:9f3…","at":"…","kind":"result",…,"hash":"sha256:c41…"}
//! audit/000002.jsonl   {"seq":3,"prev":"sha256:c41…",…
//! audit.head           00000000000000000003 sha256:77a…
//! ```
//!
//! `hash` is the SHA-256 of the line's bytes before `,"hash":`, so a change of any line is found in that
//! line alone, the newest included. `prev` is the hash of the line before; the first has all zeroes. The
//! number and hash of the newest line are kept apart from the log as well, here and by every session
//! for its own newest entry: where lines were cut off the end, one of them says so.
//!
//! Writers take a lock for the few microseconds of an append, so any number of processes may write.
//! What was kept long enough is removed segment by segment, and the content of an entry can be taken out
//! ([`Log::prune`], [`Log::redact`]). Both are entries themselves, and what is left is linked as it was.
//!
//! `seq` orders entries; `at` is what the clock said and may go back. What a writer finds wrong with the
//! end of the log becomes an entry itself, and the log goes on after it: [`Log::verify`] keeps saying so.

mod follow;
mod keep;
mod line;
mod segment;
mod verify;

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ringfence_action::nests_deeper;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use self::follow::{Followed, Follower};
pub use self::keep::{Keep, Pruned, Redacted};
use self::line::GENESIS;
use self::segment::End;
pub use self::verify::Verification;
use crate::folder::open_private;
use crate::redact::Redactor;
use crate::{RecordError, StateFolder};

/// How much must survive an acknowledged append.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The end of the process, however sudden.
    #[default]
    Process,
    /// The loss of power: every append waits for the disk.
    Power,
}

/// A segment is closed once it is longer: 16 MiB. Tests do with less.
const SEGMENT_BYTES: u64 = if cfg!(test) { 256 << 10 } else { 16 << 20 };

/// The audit log of one state folder.
#[derive(Debug, Clone)]
pub struct Log {
    folder: PathBuf,
    head: PathBuf,
    state: StateFolder,
    durability: Durability,
    redactor: Arc<OnceLock<Redactor>>,
    /// Where the log ended when this process wrote last, so that it need not be read to be gone on with.
    ended: Arc<Mutex<Option<Ended>>>,
}

/// What is to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// `decision`, `prompt`, `result`, `session`, `finding`…
    pub kind: &'static str,
    /// What there is to say. `seq`, `prev`, `at`, `kind` and `hash` are the log's own.
    pub fields: Map<String, Value>,
}

/// An entry as it will stand in the log, but for its number and its links: without secrets, and written out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared(String);

impl Prepared {
    /// The same with one field more, which is a number and has no name that is there already.
    pub fn add(&mut self, name: &'static str, number: u64) {
        self.0.push_str(&format!(",\"{name}\":{number}"));
    }
}

/// Proof that an entry is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Its number, from 1.
    pub seq: u64,
    /// The hash of its line.
    pub hash: String,
}

/// Where the next line goes.
#[derive(Debug)]
struct Place {
    after: Receipt,
    segment: u64,
    length: u64,
    /// How many bytes the last line has, where this process wrote it.
    line: u64,
}

/// Where the log ended, and in which file.
#[derive(Debug)]
struct Ended {
    place: Place,
    file: u64,
}

impl Log {
    /// The log in this state folder, made where it is missing.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn open(state: &StateFolder, durability: Durability) -> Result<Self, RecordError> {
        let head = state.path().join("audit.head");
        let folder = state.sub("audit")?;
        let (redactor, ended) = Default::default();
        Ok(Self { folder, head, state: state.clone(), durability, redactor, ended })
    }

    /// Appends one entry.
    ///
    /// # Errors
    /// As [`Log::append_all`].
    pub fn append(
        &self,
        kind: &'static str,
        at: &str,
        fields: Map<String, Value>,
    ) -> Result<Option<Receipt>, RecordError> {
        self.append_all(at, vec![Entry { kind, fields }])
    }

    /// Appends these entries, one after the other with nothing in between, each with `seq`, `prev`,
    /// `at` and `kind` in front and `hash` at the end. Returns the receipt of the last. Whatever looks
    /// like a secret in them is replaced, wherever it came from.
    ///
    /// # Errors
    /// When they are not safely on disk. Then none of those that one segment takes is in the log.
    pub fn append_all(
        &self,
        at: &str,
        entries: Vec<Entry>,
    ) -> Result<Option<Receipt>, RecordError> {
        // Before the others have to wait.
        let prepared = self.prepare(at, entries)?;
        self.append_prepared(at, &prepared)
    }

    /// Entries that are ready to be appended: what takes time, and nobody has to wait for.
    ///
    /// # Errors
    /// When it is not known what to put in place of secrets.
    pub fn prepare(&self, at: &str, entries: Vec<Entry>) -> Result<Vec<Prepared>, RecordError> {
        let redactor = match self.redactor.get() {
            Some(redactor) => redactor,
            None => {
                let redactor = Redactor::open(&self.state)?;
                self.redactor.get_or_init(|| redactor)
            }
        };
        let prepare = |Entry { kind, mut fields }: Entry| {
            redactor.fields(&mut fields);
            self.readable(line::content(at, kind, fields))
        };
        entries.into_iter().map(prepare).collect()
    }

    /// The same, of one entry whose fields are written out as they are told: none has a name of the log's own.
    ///
    /// # Errors
    /// When they are not an object, or it is not known what to put in place of secrets.
    pub fn prepare_as(
        &self,
        at: &str,
        kind: &'static str,
        fields: &impl Serialize,
    ) -> Result<Prepared, RecordError> {
        let problem = |problem: String| damaged(&self.folder, problem);
        let text = serde_json::to_string(fields).map_err(|error| problem(error.to_string()))?;
        if Redactor::suspects(&text) {
            let fields = serde_json::from_str(&text).map_err(|error| problem(error.to_string()))?;
            let prepared = self.prepare(at, vec![Entry { kind, fields }])?.pop();
            return prepared.ok_or_else(|| problem("an entry was lost".to_owned()));
        }
        debug_assert!(line::is_free(&text), "a field has a name of the log's own: {text}");
        let content = line::content_of(at, kind, &text);
        let no_object = || problem("what is to be recorded is no object".to_owned());
        self.readable(content.ok_or_else(no_object)?)
    }

    /// What can be read again when it stands in a line: readers give up where JSON nests too deep.
    fn readable(&self, content: String) -> Result<Prepared, RecordError> {
        if nests_deeper(content.as_bytes(), line::MAX_DEPTH) {
            let problem =
                format!("what is to be recorded nests deeper than {} levels", line::MAX_DEPTH);
            return Err(damaged(&self.folder, problem));
        }
        Ok(Prepared(content))
    }

    /// As [`Log::append_all`]; `at` is the time of what is found wrong with the end of the log.
    ///
    /// # Errors
    /// As [`Log::append_all`].
    pub fn append_prepared(
        &self,
        at: &str,
        entries: &[Prepared],
    ) -> Result<Option<Receipt>, RecordError> {
        let _lock = self.lock()?;
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let place = match ended.take().filter(|it| self.still_ends(it)) {
            Some(Ended { place, .. }) => place,
            None => self.end(at)?,
        };
        let before = place.after.seq;
        let place = self.append_at(place, entries)?;
        let last = (place.after.seq > before).then(|| place.after.clone());
        let file = segment::path(&self.folder, place.segment).metadata();
        *ended = file.ok().map(|file| Ended { place, file: file.ino() });
        Ok(last)
    }

    /// The entries, oldest first, as they stand in the files.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn entries(&self) -> Result<impl Iterator<Item = Result<Value, RecordError>>, RecordError> {
        let segments = segment::numbers(&self.folder)?;
        let folder = self.folder.clone();
        Ok(segments.into_iter().flat_map(move |number| {
            let path = segment::path(&folder, number);
            segment::lines(&path).map(move |line| {
                serde_json::from_str(&line?).map_err(|error| damaged(&path, error.to_string()))
            })
        }))
    }

    /// The receipts of the entries after number `seq`, oldest first, as they stand in the files. Lines
    /// that do not say what they are are left out: [`Log::verify`] speaks of those.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn receipts_after(
        &self,
        seq: u64,
    ) -> Result<impl Iterator<Item = Result<Receipt, RecordError>> + use<>, RecordError> {
        let numbers = segment::numbers(&self.folder)?;
        let begins = |number: &u64| {
            let first = segment::lines(&segment::path(&self.folder, *number)).next();
            let receipt = line::open(&first?.ok()?).receipt;
            receipt.map(|receipt| receipt.seq)
        };
        // From the last segment that begins no later than what is looked for.
        let from = numbers
            .iter()
            .rposition(|it| begins(it).is_some_and(|first| first <= seq.saturating_add(1)));
        let paths: Vec<_> = numbers
            .iter()
            .skip(from.unwrap_or(0))
            .map(|number| segment::path(&self.folder, *number))
            .collect();
        let receipts = paths.into_iter().flat_map(|path| segment::lines(&path)).filter_map(
            |line| match line {
                Ok(line) => line::open(&line).receipt.map(Ok),
                Err(error) => Some(Err(error)),
            },
        );
        Ok(receipts.filter(move |it| it.as_ref().map_or(true, |receipt| receipt.seq > seq)))
    }

    /// Held by whoever changes the files.
    fn lock(&self) -> Result<File, RecordError> {
        let lock = open_private(&self.folder.join("lock"), false)?;
        lock.lock().map_err(RecordError::io("lock", &self.folder))?;
        Ok(lock)
    }

    /// Whether nobody has written since: the same file is the newest, as long as it was, with the same last
    /// line, and what is kept beside the log names that.
    fn still_ends(&self, Ended { place, file }: &Ended) -> bool {
        let last = || {
            let newest = File::open(segment::path(&self.folder, place.segment)).ok()?;
            let metadata = newest.metadata().ok()?;
            let mut line = vec![0; usize::try_from(place.line).ok()?];
            newest.read_exact_at(&mut line, place.length.checked_sub(place.line)?).ok()?;
            let is_same = metadata.ino() == *file && metadata.len() == place.length;
            Some(is_same && line::ends_in(&line, &place.after.hash))
        };
        last() == Some(true)
            && !segment::path(&self.folder, place.segment + 1).exists()
            && self.read_head().is_ok_and(|head| head.as_ref() == Some(&place.after))
    }

    /// Appends entries: all that one segment takes with one write, and one more for what is kept beside it.
    fn append_at(&self, mut place: Place, entries: &[Prepared]) -> Result<Place, RecordError> {
        let mut entries = entries.iter().peekable();
        while entries.peek().is_some() {
            if place.length >= SEGMENT_BYTES {
                place = Place { segment: place.segment + 1, length: 0, ..place };
            }
            let (mut lines, mut after, mut line) = (String::new(), place.after, 0);
            while place.length + (lines.len() as u64) < SEGMENT_BYTES
                && let Some(Prepared(content)) = entries.next()
            {
                line = lines.len();
                after = line::seal(&after, content, &mut lines);
            }
            self.write(
                &segment::path(&self.folder, place.segment),
                lines.as_bytes(),
                place.length,
            )?;
            self.write_head(&after)?;
            let (length, line) = (place.length + lines.len() as u64, (lines.len() - line) as u64);
            place = Place { after, length, line, ..place };
        }
        Ok(place)
    }

    /// The same, for one that needs nothing replaced.
    fn append_one(&self, place: Place, at: &str, entry: Entry) -> Result<Place, RecordError> {
        self.append_at(place, &[Prepared(line::content(at, entry.kind, entry.fields))])
    }

    /// Writes whole lines or nothing.
    fn write(&self, path: &Path, lines: &[u8], length: u64) -> Result<(), RecordError> {
        let mut file = open_private(path, true)?;
        let written = file.write_all(lines).and_then(|()| match self.durability {
            Durability::Process => Ok(()),
            Durability::Power => file.sync_data(),
        });
        written.map_err(|source| {
            // Half a line must not stay: the next entry would be glued to it.
            let undone = file.set_len(length);
            let what = if undone.is_ok() { "append to" } else { "append to (and undo in)" };
            RecordError::Io { what, path: path.to_owned(), source }
        })
    }

    /// The end of the log, whatever was left there. What is not as it should be is said in an entry, and
    /// the log goes on after that.
    fn end(&self, at: &str) -> Result<Place, RecordError> {
        let head = self.read_head();
        let segment = segment::numbers(&self.folder)?.pop().unwrap_or(1);
        let path = segment::path(&self.folder, segment);
        let mut file = open_private(&path, false)?;
        let end = End::of(&mut file).map_err(RecordError::io("read", &path))?;
        let mut found = Vec::new();
        if !end.torn.is_empty() {
            found.push(self.set_aside(segment, &mut file, &end)?);
        }
        let last = match (&end.line, segment) {
            (Some(line), _) => Some(line.clone()),
            (None, 1) => None,
            // An empty segment after a full one: the log ends in the one before.
            (None, _) => {
                let before = segment::path(&self.folder, segment - 1);
                let mut file = open_private(&before, false)?;
                End::of(&mut file).map_err(RecordError::io("read", &before))?.line
            }
        };
        let after = match (last.as_deref().map(line::open), head) {
            (None, Ok(None)) => Receipt { seq: 0, hash: GENESIS.to_owned() },
            // Nothing else was kept, or it lags behind by entries whose writers were stopped.
            (Some(line::Line { receipt: Some(last), problem: None, .. }), head) => match head {
                Ok(Some(head)) if head.seq > last.seq => {
                    found.push(missing(last.seq + 1, head.seq));
                    head
                }
                Ok(_) => last,
                Err(problem) => {
                    found.push(finding("record.head-damaged", &problem.to_string()));
                    last
                }
            },
            (None, Ok(Some(head))) => {
                found.push(missing(1, head.seq));
                head
            }
            (Some(line), Ok(Some(head))) => {
                let problem = line.problem.unwrap_or_default();
                found.push(finding("record.damaged-entry", &problem));
                head
            }
            (Some(line), Ok(None)) => {
                let problem = line.problem.unwrap_or_default();
                return Err(damaged(&path, format!("in its last line, {problem}")));
            }
            (_, Err(problem)) => return Err(problem),
        };
        let mut place = Place { after, segment, length: end.length, line: 0 };
        for entry in found {
            place = self.append_one(place, at, entry)?;
        }
        Ok(place)
    }

    /// Moves a torn line out of the log.
    fn set_aside(&self, segment: u64, file: &mut File, end: &End) -> Result<Entry, RecordError> {
        let aside = self.folder.join(format!("torn-{segment:06}-{}", end.length));
        open_private(&aside, false)?
            .write_all(&end.torn)
            .map_err(RecordError::io("write", &aside))?;
        let path = segment::path(&self.folder, segment);
        file.set_len(end.length).map_err(RecordError::io("repair", &path))?;
        let mut fields = Map::new();
        fields.insert("bytes".into(), json!(end.torn.len()));
        Ok(Entry { kind: "recovered", fields })
    }

    /// The newest receipt, as it is kept beside the log; `None` if none ever was.
    fn read_head(&self) -> Result<Option<Receipt>, RecordError> {
        let mut text = String::new();
        match File::open(&self.head) {
            Ok(mut file) => {
                file.read_to_string(&mut text).map_err(RecordError::io("read", &self.head))?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(RecordError::io("open", &self.head)(error)),
        }
        // Made, and its writer was stopped before the first receipt.
        if text.is_empty() {
            return Ok(None);
        }
        let receipt = text.trim_end().split_once(' ').and_then(|(seq, hash)| {
            let receipt = Receipt { seq: seq.parse().ok()?, hash: hash.to_owned() };
            (head_line(&receipt) == text && hash.len() == GENESIS.len()).then_some(receipt)
        });
        receipt.map(Some).ok_or_else(|| damaged(&self.head, "it does not name an entry"))
    }

    /// One write of always the same length, over what was there.
    fn write_head(&self, receipt: &Receipt) -> Result<(), RecordError> {
        open_private(&self.head, false)?
            .write_all_at(head_line(receipt).as_bytes(), 0)
            .map_err(RecordError::io("write", &self.head))
    }
}

fn head_line(receipt: &Receipt) -> String {
    format!("{:020} {}\n", receipt.seq, receipt.hash)
}

fn finding(code: &str, problem: &str) -> Entry {
    let mut fields = Map::new();
    fields.insert("code".into(), json!(code));
    fields.insert("problem".into(), json!(problem));
    Entry { kind: "finding", fields }
}

fn missing(first: u64, last: u64) -> Entry {
    let problem = format!("entries {first} to {last} were acknowledged and are not there");
    finding("record.entries-missing", &problem)
}

fn damaged(path: &Path, problem: impl Into<String>) -> RecordError {
    RecordError::Damaged { path: path.to_owned(), problem: problem.into() }
}
