//! Calls that were refused and that a person may let through, once.
//!
//! The gate leaves a case for each; a person who has shown to be one allows it, and the gate takes that when the
//! very same call comes again. A case is bound to a digest of all that led to the refusal, so that another
//! call, other rules or other facts find nothing. Both the case and what was allowed last for minutes.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::folder::write_whole;
use crate::log::Receipt;
use crate::{RecordError, StateFolder};

/// How long a case waits for a person, and what they allowed for its call.
pub const KEPT: Duration = Duration::from_secs(10 * 60);

/// More cases than these do not wait; the oldest are given up.
const MOST: usize = 32;

/// Letters and digits that are not taken for one another. As many as divide 256, so that all are equally likely.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A refused call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The short name by which a person picks it.
    pub code: String,
    /// What it is bound to, as `sha256:…`.
    pub digest: String,
    /// The agent's kind.
    pub agent: String,
    /// The agent's id of the session.
    pub session: String,
    /// The agent's own process, as [`crate::agents::Agents`] names it.
    pub process: Option<String>,
    /// The process namespace that the agent's messages came from.
    pub namespace: Option<String>,
    /// The tool.
    pub tool: String,
    /// What it would do, in the agent's words, secrets replaced.
    pub input: String,
    /// The folder that it would do it in.
    pub cwd: Option<String>,
    /// The rule that stood against it, and why.
    pub rule: String,
    /// Why, for people.
    pub why: String,
}

/// The cases of one state folder.
#[derive(Debug, Clone)]
pub struct Cases {
    folder: PathBuf,
}

impl Cases {
    /// The cases in this state folder, made where it is missing.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn open(state: &StateFolder) -> Result<Self, RecordError> {
        Ok(Self { folder: state.sub("cases")? })
    }

    /// Leaves a case. Whatever its code was, it gets one, or keeps the one that it had.
    ///
    /// # Errors
    /// When it is not on disk whole.
    pub fn leave(&self, case: &Case) -> Result<(), RecordError> {
        let path = self.waiting(&case.digest);
        let code = match self.read(&path) {
            Some(before) if before.digest == case.digest => before.code,
            _ => random_letters(4)?,
        };
        self.forget_old(&path);
        write_json(&path, &Case { code, ..case.clone() })
    }

    /// The cases that wait, newest first.
    ///
    /// # Errors
    /// When their folder cannot be read.
    pub fn pending(&self) -> Result<Vec<Case>, RecordError> {
        let mut found = Vec::new();
        for path in self.files()? {
            let waits = path.extension() == Some(OsStr::new("case"));
            if let (true, Some(age)) = (waits, age(&path))
                && age <= KEPT
            {
                found.extend(self.read(&path).map(|case| (age, case)));
            }
        }
        found.sort_by_key(|(age, _)| *age);
        Ok(found.into_iter().map(|(_, case)| case).collect())
    }

    /// Lets the call of this case through, once. `receipt` is the entry in the log that says who did.
    ///
    /// # Errors
    /// When it is not on disk whole.
    pub fn allow(&self, case: &Case, receipt: &Receipt) -> Result<(), RecordError> {
        let path = self.waiting(&case.digest);
        write_json(&path.with_extension("allowed"), receipt)?;
        fs::remove_file(&path).map_err(RecordError::io("remove", &path))
    }

    /// Takes what was allowed: whoever comes next finds nothing. `None` if nothing was, or too long ago.
    ///
    /// # Errors
    /// When it is there and cannot be taken away, or is not what was left.
    pub fn take(&self, digest: &str) -> Result<Option<Receipt>, RecordError> {
        let path = self.waiting(digest).with_extension("allowed");
        let fresh = age(&path).is_some_and(|age| age <= KEPT);
        let taken = path.with_extension("taken");
        match fs::rename(&path, &taken) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.map_err(RecordError::io("take", &path))?,
        }
        let text = fs::read(&taken).map_err(RecordError::io("read", &taken))?;
        fs::remove_file(&taken).map_err(RecordError::io("remove", &taken))?;
        if !fresh {
            return Ok(None);
        }
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| RecordError::Damaged { path, problem: error.to_string() })
    }

    fn waiting(&self, digest: &str) -> PathBuf {
        let hex: String =
            digest.chars().rev().take_while(char::is_ascii_hexdigit).take(32).collect();
        self.folder.join(hex).with_extension("case")
    }

    /// What is not whole, because it is being written, is not there yet.
    fn read(&self, path: &Path) -> Option<Case> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    fn files(&self) -> Result<Vec<PathBuf>, RecordError> {
        let entries = fs::read_dir(&self.folder).map_err(RecordError::io("list", &self.folder))?;
        Ok(entries.filter_map(Result::ok).map(|entry| entry.path()).collect())
    }

    /// Removes what nobody came for, and makes room for one more. Old ones are in nobody's way, so that this
    /// may fail.
    fn forget_old(&self, but: &Path) {
        let mut kept: Vec<(Duration, PathBuf)> = Vec::new();
        for path in self.files().unwrap_or_default().into_iter().filter(|path| path != but) {
            match age(&path) {
                Some(age) if age <= KEPT => kept.push((age, path)),
                _ => {
                    let _ = fs::remove_file(&path);
                }
            }
        }
        kept.sort();
        for (_, path) in kept.into_iter().skip(MOST - 1) {
            let _ = fs::remove_file(path);
        }
    }
}

/// How long ago a file was written. What comes from the future is of no age.
fn age(path: &Path) -> Option<Duration> {
    fs::symlink_metadata(path).ok()?.modified().ok()?.elapsed().ok()
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), RecordError> {
    let text = serde_json::to_vec(value).map_err(|error| RecordError::Damaged {
        path: path.to_owned(),
        problem: error.to_string(),
    })?;
    write_whole(path, &text)
}

/// So many letters that nobody can foresee.
///
/// # Errors
/// When the system has none.
pub fn random_letters(count: usize) -> Result<String, RecordError> {
    let path = Path::new("/dev/urandom");
    let mut bytes = vec![0; count];
    let read = File::open(path).and_then(|mut random| random.read_exact(&mut bytes));
    read.map_err(RecordError::io("read", path))?;
    let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).copied().map_or('a', char::from);
    Ok(bytes.iter().map(letter).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(digest: &str) -> Case {
        Case {
            code: String::new(),
            digest: format!("sha256:{digest:0>64}"),
            agent: "codex".to_owned(),
            session: "s".to_owned(),
            process: None,
            namespace: None,
            tool: "Bash".to_owned(),
            input: "make".to_owned(),
            cwd: None,
            rule: "x".to_owned(),
            why: "y".to_owned(),
        }
    }

    fn receipt() -> Receipt {
        Receipt { seq: 1, hash: "sha256:0".to_owned() }
    }

    fn cases() -> (tempfile::TempDir, Cases) {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path().join("state")).unwrap();
        (folder, Cases::open(&state).unwrap())
    }

    fn make_old(path: &Path, by: Duration) {
        let then = std::time::SystemTime::now() - by;
        File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
    }

    #[test]
    fn what_was_allowed_serves_once_and_for_this_call_alone() {
        let (_folder, cases) = cases();
        let (mine, other) = (case("a1"), case("b2"));
        cases.leave(&mine).unwrap();
        cases.leave(&other).unwrap();
        let waiting = cases.pending().unwrap();
        assert_eq!(waiting.len(), 2);
        assert_ne!(waiting[0].code, waiting[1].code);
        assert_eq!(cases.take(&mine.digest).unwrap(), None, "nobody allowed it");
        cases.allow(&mine, &receipt()).unwrap();
        assert_eq!(cases.pending().unwrap().len(), 1);
        assert_eq!(cases.take(&other.digest).unwrap(), None);
        assert_eq!(cases.take(&mine.digest).unwrap(), Some(receipt()));
        assert_eq!(cases.take(&mine.digest).unwrap(), None);
    }

    #[test]
    fn a_call_that_is_refused_again_is_the_same_case() {
        let (_folder, cases) = cases();
        cases.leave(&case("a1")).unwrap();
        let code = cases.pending().unwrap()[0].code.clone();
        cases.leave(&case("a1")).unwrap();
        assert_eq!(cases.pending().unwrap()[0].code, code);
    }

    #[test]
    fn neither_lasts() {
        let (_folder, cases) = cases();
        let case = case("a1");
        for age in [KEPT + Duration::from_secs(1), Duration::from_secs(60 * 60 * 24)] {
            cases.leave(&case).unwrap();
            cases.allow(&case, &receipt()).unwrap();
            make_old(&cases.waiting(&case.digest).with_extension("allowed"), age);
            assert_eq!(cases.take(&case.digest).unwrap(), None);
            cases.leave(&case).unwrap();
            make_old(&cases.waiting(&case.digest), age);
            assert_eq!(cases.pending().unwrap(), []);
        }
    }

    #[test]
    fn no_more_wait_than_a_person_reads() {
        let (_folder, cases) = cases();
        for number in 0..MOST + 9 {
            cases.leave(&case(&format!("{number}f"))).unwrap();
        }
        assert_eq!(cases.pending().unwrap().len(), MOST);
    }
}
