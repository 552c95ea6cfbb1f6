//! Following the log as it grows, whoever writes it.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;

use super::{Log, line, segment};
use crate::RecordError;

/// So much is read at once for each line that is wanted, and at most so much, unless a line is longer.
const A_LINE: u64 = 8 << 10;
const AT_ONCE: u64 = 1 << 20;

/// A place in the log, from where on it is read.
#[derive(Debug)]
pub struct Follower {
    log: Log,
    segment: u64,
    offset: u64,
    seq: u64,
    /// The file that the offset is in: where content is taken out of a segment, another takes its place.
    file: Option<u64>,
    /// Lines that say no number, of the segments before and of this one.
    left_out: [u64; 2],
}

/// A line of the log that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// Its number.
    pub seq: u64,
    /// It, without its newline.
    pub line: String,
}

impl Log {
    /// Whoever reads the entries after number `seq`, those that are to come included.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn follow_after(&self, seq: u64) -> Result<Follower, RecordError> {
        let numbers = segment::numbers(&self.folder)?;
        let begins = |number: &u64| {
            let first = segment::lines(&segment::path(&self.folder, *number)).next();
            number_of(&first?.ok()?)
        };
        // From the last segment that begins no later than what is looked for.
        let from = numbers
            .iter()
            .rev()
            .find(|it| begins(it).is_some_and(|first| first <= seq.saturating_add(1)));
        let segment = from.or(numbers.first()).copied().unwrap_or(1);
        Ok(Follower { log: self.clone(), segment, offset: 0, seq, file: None, left_out: [0, 0] })
    }

    /// The number of the oldest entry that is left; `None` while there is none.
    ///
    /// # Errors
    /// When files cannot be read.
    pub fn oldest(&self) -> Result<Option<u64>, RecordError> {
        let Some(first) = segment::numbers(&self.folder)?.first().copied() else { return Ok(None) };
        let line = segment::lines(&segment::path(&self.folder, first)).next().transpose()?;
        Ok(line.as_deref().and_then(number_of))
    }

    /// The number of the newest entry, as it is kept beside the log. Cheap.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn newest(&self) -> Result<u64, RecordError> {
        Ok(self.read_head()?.map_or(0, |receipt| receipt.seq))
    }
}

impl Follower {
    /// What is there by now and was not read before, at most so many lines or about 1 MiB; nothing where there
    /// is nothing more yet. Lines that do not say their number are left out and counted ([`Self::left_out`]);
    /// [`Log::verify`] speaks of those.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn more(&mut self, most: usize) -> Result<Vec<Followed>, RecordError> {
        self.more_within(most, AT_ONCE)
    }

    /// The same, of at most about so many bytes, unless a line is longer.
    ///
    /// # Errors
    /// As [`Follower::more`].
    pub fn more_within(&mut self, most: usize, bytes: u64) -> Result<Vec<Followed>, RecordError> {
        loop {
            // What is not acknowledged may be taken back. It says nothing where it is not there or damaged.
            let last = self.log.read_head().ok().flatten().map_or(u64::MAX, |head| head.seq);
            // Listed before it is read: what comes after a full segment comes after its last line.
            let next =
                segment::numbers(&self.log.folder)?.into_iter().find(|it| *it > self.segment);
            match (self.read(most, bytes, last)?, next) {
                (Beyond::Lines(found), _) => return Ok(found),
                (Beyond::NoMore, Some(next)) => {
                    (self.segment, self.offset) = (next, 0);
                    self.left_out = [self.left_out.iter().sum(), 0];
                }
                (Beyond::NoMore | Beyond::NotYet, _) => return Ok(Vec::new()),
            }
        }
    }

    /// Lines that were passed over, since they do not say their number.
    pub fn left_out(&self) -> u64 {
        self.left_out.iter().sum()
    }

    /// New lines of this segment, up to this number.
    fn read(&mut self, most: usize, most_bytes: u64, last: u64) -> Result<Beyond, RecordError> {
        let path = segment::path(&self.log.folder, self.segment);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Beyond::NoMore),
            Err(error) => return Err(RecordError::io("open", &path)(error)),
        };
        let this = file.metadata().map_err(RecordError::io("read", &path))?.ino();
        if self.file.replace(this).is_some_and(|before| before != this) {
            self.offset = 0;
            self.left_out[1] = 0;
        }
        let mut window = (A_LINE * most as u64).min(most_bytes);
        loop {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(self.offset))
                .and_then(|_| file.by_ref().take(window).read_to_end(&mut bytes))
                .map_err(RecordError::io("read", &path))?;
            let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else {
                if (bytes.len() as u64) < window {
                    return Ok(Beyond::NoMore);
                }
                window *= 8;
                continue;
            };
            let (mut found, mut used) = (Vec::new(), 0);
            for bytes in bytes.get(..=end).unwrap_or_default().split_inclusive(|it| *it == b'\n') {
                let line = String::from_utf8_lossy(bytes.strip_suffix(b"\n").unwrap_or(bytes));
                let number = number_of(&line);
                let new = number.filter(|seq| *seq > self.seq);
                let is_next = new.is_none_or(|seq| seq <= last);
                used += bytes.len() as u64;
                let is_full = found.len() == most || (!found.is_empty() && used > most_bytes);
                if is_full || !is_next {
                    return Ok(if found.is_empty() {
                        Beyond::NotYet
                    } else {
                        Beyond::Lines(found)
                    });
                }
                self.offset += bytes.len() as u64;
                self.left_out[1] += u64::from(number.is_none());
                if let Some(seq) = new {
                    self.seq = seq;
                    found.push(Followed { seq, line: line.into_owned() });
                }
            }
            if !found.is_empty() {
                return Ok(Beyond::Lines(found));
            }
        }
    }
}

/// What is in a segment beyond what was read.
enum Beyond {
    Lines(Vec<Followed>),
    /// No whole line.
    NoMore,
    /// What nobody was told of yet.
    NotYet,
}

/// The number that a line begins with, or else says anywhere.
fn number_of(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("{\"seq\":").and_then(|rest| rest.split(',').next());
    let first = digits.and_then(|digits| digits.parse().ok());
    first.or_else(|| Some(line::open(text).receipt?.seq))
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use std::io::Write;

    use super::*;
    use crate::StateFolder;
    use crate::log::{Durability, Entry};

    #[test]
    fn a_line_without_a_number_is_counted_once() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path().join("state")).unwrap();
        let log = Log::open(&state, Durability::Process).unwrap();
        log.append("note", "now", Map::new()).unwrap();
        let path = segment::path(&log.folder, 1);
        let mut file = File::options().append(true).open(path).unwrap();
        file.write_all(b"no entry\n").unwrap();
        let mut follower = log.follow_after(0).unwrap();
        assert_eq!(follower.more(10).unwrap().len(), 1);
        assert_eq!(follower.more(10).unwrap(), []);
        assert_eq!((follower.more(10).unwrap(), follower.left_out()), (Vec::new(), 1));
    }

    #[test]
    fn whoever_follows_sees_every_entry_once_across_segments() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path().join("state")).unwrap();
        let log = Log::open(&state, Durability::Process).unwrap();
        let append = |count: usize, padding: usize| {
            for _ in 0..count {
                let mut fields = Map::new();
                fields.insert("padding".to_owned(), "x".repeat(padding).into());
                log.append_all("now", vec![Entry { kind: "note", fields }]).unwrap();
            }
        };
        let mut follower = log.follow_after(0).unwrap();
        assert_eq!(follower.more(10).unwrap(), []);
        append(25, 10);
        let mut seen: Vec<u64> = Vec::new();
        let mut read = |follower: &mut Follower| {
            loop {
                let more = follower.more(10).unwrap();
                if more.is_empty() {
                    break;
                }
                seen.extend(more.iter().map(|it| it.seq));
            }
        };
        read(&mut follower);
        // More than a segment, in lines longer than what is read at once, written together.
        let mut fields = Map::new();
        fields.insert("padding".to_owned(), "x".repeat(100 << 10).into());
        let entry = Entry { kind: "note", fields };
        let receipt = log.append_all("now", vec![entry; 12]).unwrap();
        assert_eq!(receipt.map(|it| it.seq), Some(37));
        read(&mut follower);
        append(3, 10);
        read(&mut follower);
        assert_eq!(seen, (1..=40).collect::<Vec<_>>());
        assert!(segment::numbers(&log.folder).unwrap().len() > 1);

        // However many lines are wanted, no more than so many bytes, but one line always.
        let within = |after: u64, bytes: u64| {
            let lines = log.follow_after(after).unwrap().more_within(10, bytes).unwrap();
            lines.iter().map(|it| it.seq).collect::<Vec<_>>()
        };
        assert_eq!(within(25, 250 << 10), [26, 27]);
        assert_eq!(within(25, 64 << 10), [26]);
        assert_eq!(within(37, 64 << 10), [38, 39, 40]);

        let again: Vec<_> = log.follow_after(38).unwrap().more(10).unwrap();
        assert_eq!(again.iter().map(|it| it.seq).collect::<Vec<_>>(), [39, 40]);
        assert_eq!(log.newest().unwrap(), 40);
        assert_eq!(log.verify(&[]).unwrap().problems, Vec::<String>::new());
    }

    #[test]
    fn what_nobody_was_told_of_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path().join("state")).unwrap();
        let log = Log::open(&state, Durability::Process).unwrap();
        let append = || log.append("note", "now", Map::new()).unwrap();
        append();
        let before = std::fs::read(&log.head).unwrap();
        append();
        let after = std::fs::read(&log.head).unwrap();
        // As it is while it is written, and may still be taken back.
        std::fs::write(&log.head, before).unwrap();
        let mut follower = log.follow_after(0).unwrap();
        let seqs = |lines: Vec<Followed>| lines.iter().map(|it| it.seq).collect::<Vec<_>>();
        assert_eq!(seqs(follower.more(10).unwrap()), [1]);
        assert_eq!(seqs(follower.more(10).unwrap()), [] as [u64; 0]);
        std::fs::write(&log.head, after).unwrap();
        assert_eq!(seqs(follower.more(10).unwrap()), [2]);
    }
}
