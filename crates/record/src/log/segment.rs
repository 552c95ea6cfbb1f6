//! Segments as files: which there are, their lines, and where the last one ends.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::RecordError;

pub(super) fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:06}.jsonl"))
}

/// The numbers of the segments in a folder, in order.
pub(super) fn numbers(folder: &Path) -> Result<Vec<u64>, RecordError> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder).map_err(RecordError::io("list", folder))? {
        let entry = entry.map_err(RecordError::io("list", folder))?;
        let name = entry.file_name();
        let number: Option<u64> =
            name.to_str().and_then(|name| name.strip_suffix(".jsonl")?.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The complete lines of a file, without their newlines. Bytes that are not UTF-8 are replaced: such a
/// line does not fit its hash.
pub(super) fn lines(path: &Path) -> impl Iterator<Item = Result<String, RecordError>> + use<> {
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
                Some(Ok(String::from_utf8_lossy(&line).into_owned()))
            }
            // The end, or a torn line: who verifies or appends speaks of that.
            Ok(_) => None,
            Err(error) => Some(Err(RecordError::io("read", &path)(error))),
        }
    })
}

/// How many bytes stand after the last newline.
pub(super) fn torn_bytes(path: &Path) -> Result<u64, RecordError> {
    Ok(end_of(path)?.torn.len() as u64)
}

/// The last complete line.
pub(super) fn last_line(path: &Path) -> Result<Option<String>, RecordError> {
    Ok(end_of(path)?.line)
}

fn end_of(path: &Path) -> Result<End, RecordError> {
    let mut file = File::open(path).map_err(RecordError::io("open", path))?;
    End::of(&mut file).map_err(RecordError::io("read", path))
}

/// The end of a segment.
#[derive(Debug, Default)]
pub(super) struct End {
    /// The last complete line.
    pub(super) line: Option<String>,
    /// Where it ends.
    pub(super) length: u64,
    /// What stands after it: a line whose writer did not come to its end.
    pub(super) torn: Vec<u8>,
}

impl End {
    pub(super) fn of(file: &mut File) -> io::Result<Self> {
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
                let newline = before.iter().rposition(|byte| *byte == b'\n');
                newline.map(|at| at + 1).or((start == 0).then_some(0))
            });
            match (begin, end) {
                (Some(begin), Some(end)) => {
                    let line = tail.get(begin..end).unwrap_or_default();
                    return Ok(Self {
                        line: Some(String::from_utf8_lossy(line).into_owned()),
                        length: start + end as u64 + 1,
                        torn: tail.get(end + 1..).unwrap_or_default().to_vec(),
                    });
                }
                _ if start == 0 => return Ok(Self { line: None, length: 0, torn: tail }),
                _ => window *= 8,
            }
        }
    }
}
