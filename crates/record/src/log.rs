//! The audit log: segments of JSON lines, each naming the hash of the one before.
//!
//! ```text
//! audit/000001.jsonl   {"seq":1,"prev":"sha256:000…","at":"…","kind":"decision",…}
//!                      {"seq":2,"prev":"sha256:9f3…","at":"…","kind":"result",…}
//! audit/000002.jsonl   {"seq":3,"prev":"sha256:c41…",…
//! ```
//!
//! `prev` is the SHA-256 of the previous line's bytes without its newline; the first is all zeroes.
//! Writers take a lock for the few microseconds of an append, so any number of processes may write.
//! `seq` orders entries; `at` is what the clock said and may go back.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::folder::open_private;
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

/// A segment is closed once it is longer: 16 MiB.
const SEGMENT_BYTES: u64 = 16 << 20;
const GENESIS: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// The audit log of one state folder.
#[derive(Debug, Clone)]
pub struct Log {
    folder: PathBuf,
    durability: Durability,
}

/// Proof that an entry is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its number, from 1.
    pub seq: u64,
    /// The hash of its line.
    pub hash: String,
}

/// What a check of the whole log found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verification {
    /// Entries that are linked as they should be.
    pub entries: u64,
    /// The hash of the last of them.
    pub head: String,
    /// What is wrong, with file and line; empty is sound.
    pub problems: Vec<String>,
}

/// The last line of the log.
struct Head {
    seq: u64,
    hash: String,
    segment: u64,
    length: u64,
}

impl Log {
    /// The log in this state folder, made where it is missing.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn open(state: &StateFolder, durability: Durability) -> Result<Self, RecordError> {
        Ok(Self { folder: state.sub("audit")?, durability })
    }

    /// Appends one entry: `fields`, with `seq`, `prev`, `at` and `kind` in front.
    ///
    /// # Errors
    /// When it is not safely on disk. Nothing of it is left in the log then.
    pub fn append(
        &self,
        kind: &str,
        at: &str,
        fields: Map<String, Value>,
    ) -> Result<Receipt, RecordError> {
        let lock = open_private(&self.folder.join("lock"), false)?;
        lock.lock().map_err(RecordError::io("lock", &self.folder))?;
        let head = self.recovered_head(at)?;
        self.append_after(&head, kind, at, fields)
    }

    /// The entries, oldest first, as they stand in the files.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn entries(&self) -> Result<impl Iterator<Item = Result<Value, RecordError>>, RecordError> {
        let segments = self.segments()?;
        let folder = self.folder.clone();
        Ok(segments.into_iter().flat_map(move |number| {
            let path = segment_path(&folder, number);
            lines(&path).map(move |line| parse(&path, &line?))
        }))
    }

    /// Checks every link of the log, from the files alone.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn verify(&self) -> Result<Verification, RecordError> {
        let mut found = Verification { head: GENESIS.to_owned(), ..Verification::default() };
        let mut seq = 0;
        for (index, number) in self.segments()?.into_iter().enumerate() {
            let path = segment_path(&self.folder, number);
            if number != index as u64 + 1 {
                found.problems.push(format!("segment {} is missing", index + 1));
            }
            for (line_number, line) in lines(&path).enumerate() {
                let line = line?;
                let place = format!("{}:{}", path.display(), line_number + 1);
                match check_line(&line, seq, &found.head) {
                    Ok(()) => found.entries += 1,
                    Err(problem) => found.problems.push(format!("{place}: {problem}")),
                }
                seq += 1;
                found.head = hash(line.as_bytes());
            }
            if !ends_with_newline(&path)? {
                found.problems.push(format!(
                    "{}: the last line is torn; it was never acknowledged, and the next append sets it aside",
                    path.display()
                ));
            }
        }
        Ok(found)
    }

    fn append_after(
        &self,
        head: &Head,
        kind: &str,
        at: &str,
        fields: Map<String, Value>,
    ) -> Result<Receipt, RecordError> {
        let seq = head.seq + 1;
        let mut entry = Map::new();
        entry.insert("seq".into(), json!(seq));
        entry.insert("prev".into(), json!(head.hash));
        entry.insert("at".into(), json!(at));
        entry.insert("kind".into(), json!(kind));
        entry.extend(fields);
        let mut line = Value::Object(entry).to_string();
        let hash = hash(line.as_bytes());
        line.push('\n');
        let full = head.length >= SEGMENT_BYTES;
        let (segment, length) =
            if full { (head.segment + 1, 0) } else { (head.segment, head.length) };
        self.write(&segment_path(&self.folder, segment), line.as_bytes(), length)?;
        Ok(Receipt { seq, hash })
    }

    /// Writes a whole line or nothing.
    fn write(&self, path: &Path, line: &[u8], length: u64) -> Result<(), RecordError> {
        let mut file = open_private(path, true)?;
        let written = file.write_all(line).and_then(|()| match self.durability {
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

    /// The head of the log. A torn last line, left by a writer that was killed, is set aside first.
    fn recovered_head(&self, at: &str) -> Result<Head, RecordError> {
        let Some(segment) = self.segments()?.pop() else {
            return Ok(Head { seq: 0, hash: GENESIS.to_owned(), segment: 1, length: 0 });
        };
        let path = segment_path(&self.folder, segment);
        let mut file = open_private(&path, false)?;
        let (line, end, torn) = last_line(&mut file).map_err(RecordError::io("read", &path))?;
        if torn.is_empty() {
            return self.head_at(segment, &path, line, end);
        }
        let aside = self.folder.join(format!("torn-{segment:06}-{end}"));
        open_private(&aside, false)?.write_all(&torn).map_err(RecordError::io("write", &aside))?;
        file.set_len(end).map_err(RecordError::io("repair", &path))?;
        let head = self.head_at(segment, &path, line, end)?;
        let mut fields = Map::new();
        fields.insert("bytes".into(), json!(torn.len()));
        self.append_after(&head, "recovered", at, fields)?;
        let (line, end, _) = last_line(&mut file).map_err(RecordError::io("read", &path))?;
        self.head_at(segment, &path, line, end)
    }

    fn head_at(
        &self,
        segment: u64,
        path: &Path,
        line: Option<String>,
        length: u64,
    ) -> Result<Head, RecordError> {
        match line {
            Some(line) => {
                let entry = parse(path, &line)?;
                let seq = entry
                    .get("seq")
                    .and_then(Value::as_u64)
                    .ok_or_else(|| damaged(path, "the last line has no `seq`"))?;
                Ok(Head { seq, hash: hash(line.as_bytes()), segment, length })
            }
            None if segment == 1 => Ok(Head { seq: 0, hash: GENESIS.to_owned(), segment, length }),
            // An empty segment after a full one: the head is the end of the one before.
            None => {
                let before = segment_path(&self.folder, segment - 1);
                let mut file = open_private(&before, false)?;
                let (line, _, _) =
                    last_line(&mut file).map_err(RecordError::io("read", &before))?;
                let line =
                    line.ok_or_else(|| damaged(&before, "an empty segment in the middle"))?;
                let head = self.head_at(1, &before, Some(line), 0)?;
                Ok(Head { segment, length, ..head })
            }
        }
    }

    fn segments(&self) -> Result<Vec<u64>, RecordError> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(RecordError::io("list", &self.folder))? {
            let entry = entry.map_err(RecordError::io("list", &self.folder))?;
            let name = entry.file_name();
            let number: Option<u64> =
                name.to_str().and_then(|name| name.strip_suffix(".jsonl")?.parse().ok());
            numbers.extend(number);
        }
        numbers.sort_unstable();
        Ok(numbers)
    }
}

fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:06}.jsonl"))
}

fn hash(line: &[u8]) -> String {
    format!("sha256:{:x}", Sha256::digest(line))
}

fn damaged(path: &Path, problem: impl Into<String>) -> RecordError {
    RecordError::Damaged { path: path.to_owned(), problem: problem.into() }
}

fn parse(path: &Path, line: &str) -> Result<Value, RecordError> {
    serde_json::from_str(line).map_err(|error| damaged(path, error.to_string()))
}

fn check_line(line: &str, before: u64, head: &str) -> Result<(), String> {
    let entry: Value = serde_json::from_str(line).map_err(|error| format!("not JSON: {error}"))?;
    if entry.to_string().as_bytes() != line.as_bytes() {
        return Err("not in the form in which it was written".to_owned());
    }
    if entry.get("seq").and_then(Value::as_u64) != Some(before + 1) {
        return Err(format!("`seq` is not {}", before + 1));
    }
    if entry.get("prev").and_then(Value::as_str) != Some(head) {
        return Err("the line before it is not the one that it was linked to".to_owned());
    }
    Ok(())
}

/// The complete lines of a file, without their newlines. Bytes that are not UTF-8 are an error of
/// that line.
fn lines(path: &Path) -> impl Iterator<Item = Result<String, RecordError>> + use<> {
    let path = path.to_owned();
    let mut reader = match File::open(&path) {
        Ok(file) => Ok(BufReader::new(file)),
        Err(error) => Err(Some(RecordError::io("open", &path)(error))),
    };
    std::iter::from_fn(move || {
        let reader = match &mut reader {
            Ok(reader) => reader,
            Err(error) => return error.take().map(Err),
        };
        let mut line = Vec::new();
        match reader.read_until(b'\n', &mut line) {
            Ok(_) if line.last() == Some(&b'\n') => {
                line.pop();
                Some(
                    String::from_utf8(line).map_err(|_| damaged(&path, "bytes that are not UTF-8")),
                )
            }
            // The end, or a torn line: `verify` and `recovered_head` speak of that.
            Ok(_) => None,
            Err(error) => Some(Err(RecordError::io("read", &path)(error))),
        }
    })
}

fn ends_with_newline(path: &Path) -> Result<bool, RecordError> {
    let mut file = File::open(path).map_err(RecordError::io("open", path))?;
    let length = file.metadata().map_err(RecordError::io("read", path))?.len();
    if length == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))
        .and_then(|_| file.read_exact(&mut last))
        .map_err(RecordError::io("read", path))?;
    Ok(last == [b'\n'])
}

/// The last complete line, where it ends, and the bytes after it.
fn last_line(file: &mut File) -> io::Result<(Option<String>, u64, Vec<u8>)> {
    let length = file.metadata()?.len();
    let mut window = 8_192;
    loop {
        let start = length.saturating_sub(window);
        file.seek(SeekFrom::Start(start))?;
        let mut tail = Vec::new();
        file.take(length - start).read_to_end(&mut tail)?;
        let end = tail.iter().rposition(|byte| *byte == b'\n');
        let begin = end.and_then(|end| {
            let before = tail.get(..end)?;
            before
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map(|at| at + 1)
                .or((start == 0).then_some(0))
        });
        match (begin, end) {
            (Some(begin), Some(end)) => {
                let line = tail.get(begin..end).unwrap_or_default().to_vec();
                let torn = tail.get(end + 1..).unwrap_or_default().to_vec();
                let line = String::from_utf8(line).map_err(io::Error::other)?;
                return Ok((Some(line), start + end as u64 + 1, torn));
            }
            _ if start == 0 => return Ok((None, 0, tail)),
            _ => window *= 8,
        }
    }
}
