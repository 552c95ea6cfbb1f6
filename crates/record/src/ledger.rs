//! What asking a judge has cost, whether it answers at all, and what it said lately.
//!
//! A hook lives for milliseconds, so what must hold across many of them is kept here: calls and tokens of
//! each session and of the day, a circuit that stays open for a while after failures, and answers that may be
//! used again until they expire. What commands without a state folder ask is counted in memory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::folder::open_private;
use crate::{RecordError, StateFolder};

/// Failures in a row after which nobody is asked for a while.
const FAILURES: u32 = 3;

/// Seconds for which nobody is asked after that; twice as long for each further failure.
const PAUSE: u64 = 30;
const LONGEST_PAUSE: u64 = 600;

/// Seconds that the one who tries whether it works again is given.
const TRIAL: u64 = 10;

/// Sessions that are counted apart; the one heard of longest ago is forgotten first.
const SESSIONS: usize = 512;

/// Answers kept at once. More are not kept.
const ANSWERS: usize = 4_096;

const DAY: u64 = 24 * 60 * 60;

/// Calls and tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spent {
    /// Requests sent.
    pub calls: u64,
    /// Tokens in and out, as the provider counts them.
    pub tokens: u64,
}

/// What may be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// By one session.
    pub session: Spent,
    /// In one day (UTC), by all of them.
    pub day: Spent,
}

/// Why nobody is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The session has spent what it may.
    Session,
    /// The day's budget is spent.
    Day,
    /// It failed too often; asked again after this moment, in seconds since 1970.
    Circuit(u64),
}

/// The ledger of one state folder, or of one process.
#[derive(Debug)]
pub struct Ledger {
    place: Place,
}

#[derive(Debug)]
enum Place {
    Folder(PathBuf),
    Memory(Mutex<(Book, BTreeMap<String, Answer>)>),
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Book {
    /// Days since 1970.
    day: u64,
    today: Spent,
    /// By the hash of agent and session: what was spent, and when last.
    sessions: BTreeMap<String, (u64, Spent)>,
    failures: u32,
    open_until: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Answer {
    until: u64,
    text: String,
}

impl Ledger {
    /// The ledger in this state folder, made where it is missing.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn open(state: &StateFolder) -> Result<Self, RecordError> {
        let folder = state.sub("judge")?;
        state.sub("judge/answers")?;
        Ok(Self { place: Place::Folder(folder) })
    }

    /// A ledger that ends with the process.
    pub fn in_memory() -> Self {
        Self { place: Place::Memory(Mutex::default()) }
    }

    /// Counts one request of a session before it is sent, or says why it must not be. `now`: seconds since
    /// 1970.
    ///
    /// # Errors
    /// When what was spent cannot be told or kept.
    pub fn begin(
        &self,
        session: &str,
        now: u64,
        limits: &Limits,
    ) -> Result<Option<Closed>, RecordError> {
        self.with_book(|book| {
            book.turn_to(now);
            if book.failures >= FAILURES {
                if now < book.open_until {
                    return Some(Closed::Circuit(book.open_until));
                }
                // One tries; the others wait for what comes of it.
                book.open_until = now + TRIAL;
            }
            let of_session = book.sessions.get(&key_of(session)).map(|(_, spent)| *spent);
            if is_spent(of_session.unwrap_or_default(), limits.session) {
                return Some(Closed::Session);
            }
            if is_spent(book.today, limits.day) {
                return Some(Closed::Day);
            }
            book.add(session, now, Spent { calls: 1, tokens: 0 });
            None
        })
    }

    /// Counts what a question of a session came to, once it is over.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn end(
        &self,
        session: &str,
        now: u64,
        tokens: u64,
        worked: bool,
    ) -> Result<(), RecordError> {
        self.with_book(|book| {
            book.turn_to(now);
            book.add(session, now, Spent { calls: 0, tokens });
            if worked {
                (book.failures, book.open_until) = (0, 0);
                return;
            }
            book.failures = book.failures.saturating_add(1);
            if let Some(further) = book.failures.checked_sub(FAILURES) {
                let pause = PAUSE.checked_shl(further).unwrap_or(LONGEST_PAUSE);
                book.open_until = now + pause.clamp(PAUSE, LONGEST_PAUSE);
            }
        })
    }

    /// What was spent by a session and today.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn spent(&self, session: &str, now: u64) -> Result<(Spent, Spent), RecordError> {
        self.with_book(|book| {
            book.turn_to(now);
            let of_session = book.sessions.get(&key_of(session)).map(|(_, spent)| *spent);
            (of_session.unwrap_or_default(), book.today)
        })
    }

    /// What was answered to this, if it has not expired. `key` is hexadecimal.
    pub fn recall(&self, key: &str, now: u64) -> Option<String> {
        let answer = match &self.place {
            Place::Memory(memory) => {
                let (_, answers) = &*memory.lock().unwrap_or_else(PoisonError::into_inner);
                answers.get(key).cloned()
            }
            Place::Folder(folder) => {
                let text = read(&answer_path(folder, key)?).ok()?;
                let (hash, text) = text.split_once('\n')?;
                if hash != hash_of(text) {
                    return None;
                }
                serde_json::from_str(text).ok()
            }
        };
        answer.filter(|answer: &Answer| now < answer.until).map(|answer| answer.text)
    }

    /// Keeps an answer until then. What cannot be kept is asked again.
    pub fn keep(&self, key: &str, now: u64, until: u64, text: &str) {
        let answer = Answer { until, text: text.to_owned() };
        match &self.place {
            Place::Memory(memory) => {
                let (_, answers) = &mut *memory.lock().unwrap_or_else(PoisonError::into_inner);
                answers.retain(|_, answer| now < answer.until);
                if answers.len() < ANSWERS {
                    answers.insert(key.to_owned(), answer);
                }
            }
            Place::Folder(folder) => drop(keep_in(folder, key, now, &answer)),
        }
    }

    fn with_book<T>(&self, work: impl FnOnce(&mut Book) -> T) -> Result<T, RecordError> {
        let folder = match &self.place {
            Place::Memory(memory) => {
                let (book, _) = &mut *memory.lock().unwrap_or_else(PoisonError::into_inner);
                return Ok(work(book));
            }
            Place::Folder(folder) => folder,
        };
        let path = folder.join("spent.json");
        let mut file = open_private(&path, false)?;
        file.lock().map_err(RecordError::io("lock", &path))?;
        let damaged = |problem: String| RecordError::Damaged {
            path: path.clone(),
            problem: format!("{problem}; remove it, and counting begins anew"),
        };
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(RecordError::io("read", &path))?;
        let mut book = match text.is_empty() {
            true => Book::default(),
            false => serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?,
        };
        let done = work(&mut book);
        let text = serde_json::to_string(&book).map_err(|error| damaged(error.to_string()))?;
        file.rewind()
            .and_then(|()| file.set_len(0))
            .and_then(|()| file.write_all(text.as_bytes()))
            .map_err(RecordError::io("write", &path))?;
        Ok(done)
    }
}

impl Book {
    fn turn_to(&mut self, now: u64) {
        let day = now / DAY;
        // A clock that goes back gives nothing back.
        if day > self.day {
            (self.day, self.today) = (day, Spent::default());
        }
    }

    fn add(&mut self, session: &str, now: u64, more: Spent) {
        let key = key_of(session);
        if self.sessions.len() >= SESSIONS && !self.sessions.contains_key(&key) {
            let oldest = self.sessions.iter().min_by_key(|(_, (at, _))| *at);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.sessions.remove(&oldest);
            }
        }
        let (at, spent) = self.sessions.entry(key).or_default();
        *at = now;
        for spent in [spent, &mut self.today] {
            spent.calls = spent.calls.saturating_add(more.calls);
            spent.tokens = spent.tokens.saturating_add(more.tokens);
        }
    }
}

fn is_spent(spent: Spent, limit: Spent) -> bool {
    spent.calls >= limit.calls || spent.tokens >= limit.tokens
}

fn key_of(session: &str) -> String {
    let mut key = format!("{:x}", Sha256::digest(session.as_bytes()));
    key.truncate(32);
    key
}

fn hash_of(text: &str) -> String {
    format!("{:x}", Sha256::digest(text.as_bytes()))
}

fn answer_path(folder: &Path, key: &str) -> Option<PathBuf> {
    let is_name = key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_name.then(|| folder.join("answers").join(key))
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(1 << 20).read_to_string(&mut text)?;
    Ok(text)
}

/// Writes an answer beside and moves it there, so that nobody reads half of one; and forgets what expired.
fn keep_in(folder: &Path, key: &str, now: u64, answer: &Answer) -> Option<()> {
    let path = answer_path(folder, key)?;
    let mut kept = 0_usize;
    for entry in fs::read_dir(folder.join("answers")).ok()?.flatten() {
        let text = read(&entry.path()).unwrap_or_default();
        let answer = text.split_once('\n').map(|(_, text)| serde_json::from_str::<Answer>(text));
        match answer {
            Some(Ok(answer)) if now < answer.until => kept += 1,
            _ => match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != ErrorKind::NotFound => kept += 1,
                _ => {}
            },
        }
    }
    if kept >= ANSWERS {
        return None;
    }
    let text = serde_json::to_string(answer).ok()?;
    let new = path.with_extension(format!("new{}", std::process::id()));
    let mut file = open_private(&new, false).ok()?;
    file.set_len(0).and_then(|()| writeln!(file, "{}", hash_of(&text))).ok()?;
    file.write_all(text.as_bytes()).ok()?;
    fs::rename(&new, &path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { session: Spent { calls: 2, tokens: 100 }, day: Spent { calls: 4, tokens: 1_000 } };

    /// In memory, and in a folder that is opened anew each time, as short-lived processes do.
    fn both(story: impl Fn(&dyn Fn() -> std::sync::Arc<Ledger>)) {
        let memory = std::sync::Arc::new(Ledger::in_memory());
        story(&|| memory.clone());
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path().join("state")).unwrap();
        story(&|| std::sync::Arc::new(Ledger::open(&state).unwrap()));
    }

    #[test]
    fn budgets_are_of_a_session_and_of_a_day() {
        both(|ledger| {
            let begin = |session, now| ledger().begin(session, now, &LIMITS).unwrap();
            assert_eq!(begin("a", 100), None);
            assert_eq!(begin("a", 101), None);
            assert_eq!(begin("a", 102), Some(Closed::Session));
            assert_eq!(begin("b", 103), None);
            ledger().end("b", 104, 100, true).unwrap();
            assert_eq!(begin("b", 105), Some(Closed::Session), "its tokens are spent");
            assert_eq!(begin("c", 106), None);
            assert_eq!(begin("d", 107), Some(Closed::Day));
            assert_eq!(begin("d", 107 + DAY), None, "another day");
            assert_eq!(begin("a", 108 + DAY), Some(Closed::Session), "a session has no days");
            let (session, today) = ledger().spent("b", 109 + DAY).unwrap();
            assert_eq!((session, today.calls), (Spent { calls: 1, tokens: 100 }, 1));
        });
    }

    #[test]
    fn after_failures_nobody_is_asked_and_then_one_tries() {
        both(|ledger| {
            let limits = Limits { session: MANY, day: MANY };
            const MANY: Spent = Spent { calls: 1_000, tokens: 1_000 };
            let begin = |now| ledger().begin("s", now, &limits).unwrap();
            for now in 0..3 {
                assert_eq!(begin(now), None);
                ledger().end("s", now, 0, false).unwrap();
            }
            assert_eq!(begin(3), Some(Closed::Circuit(32)));
            assert_eq!(begin(32), None, "one tries");
            assert_eq!(begin(33), Some(Closed::Circuit(42)), "the others wait");
            ledger().end("s", 34, 0, false).unwrap();
            assert_eq!(begin(90), Some(Closed::Circuit(94)), "twice as long");
            assert_eq!(begin(94), None);
            ledger().end("s", 95, 5, true).unwrap();
            assert_eq!(begin(96), None);
        });
    }

    #[test]
    fn answers_expire_and_are_not_believed_when_changed() {
        both(|ledger| {
            let key = "a".repeat(64);
            assert_eq!(ledger().recall(&key, 0), None);
            ledger().keep(&key, 0, 100, "yes");
            assert_eq!(ledger().recall(&key, 99).as_deref(), Some("yes"));
            assert_eq!(ledger().recall(&key, 100), None);
            assert_eq!(ledger().recall("../spent.json", 0), None);
        });
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path().join("state")).unwrap();
        let ledger = Ledger::open(&state).unwrap();
        let (key, other) = ("a".repeat(64), "b".repeat(64));
        ledger.keep(&key, 0, 100, "no");
        let path = folder.path().join("state/judge/answers").join(&key);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("no", "yes")).unwrap();
        assert_eq!(ledger.recall(&key, 1), None);
        ledger.keep(&other, 1, 100, "x");
        ledger.keep(&other, 200, 300, "x");
        assert!(!path.exists(), "what expired is gone");
        fs::write(folder.path().join("state/judge/spent.json"), "{").unwrap();
        assert!(ledger.begin("s", 0, &LIMITS).is_err(), "what cannot be counted is not spent");
    }
}
