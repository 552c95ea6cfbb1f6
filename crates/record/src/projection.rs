//! The audit log as a database, for questions.
//!
//! Everything in it comes from the log and can be built again from it; nothing is written here alone.

mod sessions;

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde_json::{Value, json};

use crate::folder::open_private;
use crate::log::{Followed, Log};
use crate::{RecordError, StateFolder};

/// Changes whenever the tables do: a database of another version is thrown away and built again.
const SCHEMA_VERSION: i64 = 4;

/// So long whoever else writes is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
    CREATE TABLE entry (
        seq INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        kind TEXT NOT NULL,
        session TEXT,
        verdict TEXT,
        code TEXT,
        tool TEXT,
        line TEXT NOT NULL
    ) STRICT;
    CREATE INDEX entry_kind ON entry (kind, seq);
    CREATE INDEX entry_session ON entry (session, seq);
    CREATE INDEX entry_verdict ON entry (verdict, seq);
    CREATE INDEX entry_code ON entry (code, seq);
    CREATE TABLE session (
        agent TEXT NOT NULL,
        id TEXT NOT NULL,
        title TEXT,
        started TEXT NOT NULL,
        last TEXT NOT NULL,
        last_seq INTEGER NOT NULL,
        calls INTEGER NOT NULL,
        asked INTEGER NOT NULL,
        denied INTEGER NOT NULL,
        contained INTEGER NOT NULL,
        taint TEXT NOT NULL DEFAULT '[]',
        boundaries TEXT NOT NULL DEFAULT '[]',
        PRIMARY KEY (agent, id)
    ) STRICT;
    CREATE INDEX session_last ON session (last_seq);
    CREATE VIRTUAL TABLE entry_text USING fts5 (line, content='entry', content_rowid='seq');
    INSERT INTO entry_text (entry_text, rank) VALUES ('secure-delete', 1);
";

pub use self::sessions::SessionRow;

/// In so many entries words are looked for first, in so many times as many next, and never in more at once.
const WINDOW: u64 = 4_096;
const WIDER: u64 = 4;
const WIDEST: u64 = 1 << 16;

/// A session with fewer entries is looked through entry by entry.
const FEW: i64 = 2_000;

/// The kind under which a line is found that could not be read.
const DAMAGED: &str = "damaged";

/// The database beside the log.
#[derive(Debug)]
pub struct Projection {
    connection: Connection,
    path: PathBuf,
    /// The file that was opened.
    file: u64,
}

/// Which entries are wanted; `None` is any.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Of this kind: `decision`, `finding`…
    pub kind: Option<String>,
    /// Of this session.
    pub session: Option<String>,
    /// With this verdict.
    pub verdict: Option<String>,
    /// With this code.
    pub code: Option<String>,
    /// With these words in them.
    pub text: Option<String>,
    /// With a number greater than this. Then the oldest of them are given, else the newest.
    pub after: Option<u64>,
    /// With a number less than this.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
}

impl Projection {
    /// Opens the database and brings it up to date with the log.
    ///
    /// # Errors
    /// When it can be neither opened nor built.
    pub fn open(state: &StateFolder, log: &Log) -> Result<Self, RecordError> {
        let mut projection = Self::open_as_it_is(state)?;
        projection.catch_up(log)?;
        Ok(projection)
    }

    /// Opens the database to add to it, as far as it has come.
    ///
    /// # Errors
    /// When it can be neither opened nor made.
    pub fn open_as_it_is(state: &StateFolder) -> Result<Self, RecordError> {
        let _turn = turn(state)?;
        Self::made(state)
    }

    /// The same, by whoever has the turn.
    fn made(state: &StateFolder) -> Result<Self, RecordError> {
        let path = path(state);
        // Made by us first: what SQLite makes, others may read.
        drop(open_private(&path, false)?);
        let mut projection = Self::opened(path)?;
        projection.connection.pragma_update(None, "journal_mode", "WAL")?;
        projection.connection.pragma_update(None, "synchronous", "NORMAL")?;
        // What is removed is written over: it may have been removed for what it says.
        projection.connection.pragma_update(None, "secure_delete", true)?;
        if projection.version()? != SCHEMA_VERSION {
            projection.clear()?;
        }
        Ok(projection)
    }

    /// Opens the database as it is, to look. Whoever follows the log keeps it up to date.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn look(state: &StateFolder) -> Result<Self, RecordError> {
        let _turn = turn(state)?;
        let projection = Self::opened(path(state))?;
        projection.connection.pragma_update(None, "query_only", true)?;
        Ok(projection)
    }

    fn opened(path: PathBuf) -> Result<Self, RecordError> {
        // Before it is opened: where another takes its place in between, it is opened once more.
        let file = fs::metadata(&path).map_err(RecordError::io("read", &path))?.ino();
        let connection = Connection::open(&path)?;
        connection.busy_timeout(PATIENCE)?;
        Ok(Self { connection, path, file })
    }

    /// Whether somebody has built it anew since it was opened: what is open here is what there was before.
    pub fn is_replaced(&self) -> bool {
        fs::metadata(&self.path).map_or(true, |now| now.ino() != self.file)
    }

    /// Removes what is about entries up to this number, where there is a database: the log has them no more.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget(state: &StateFolder, last: u64) -> Result<(), RecordError> {
        if !path(state).exists() {
            return Ok(());
        }
        let mut projection = Self::open_as_it_is(state)?;
        let last = i64::try_from(last).unwrap_or(i64::MAX);
        let transaction =
            projection.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute(
            "INSERT INTO entry_text (entry_text, rowid, line)
             SELECT 'delete', seq, line FROM entry WHERE seq <= ?1",
            [last],
        )?;
        transaction.execute("DELETE FROM entry WHERE seq <= ?1", [last])?;
        // Of sessions that went on, the counts stay.
        transaction.execute("DELETE FROM session WHERE last_seq <= ?1", [last])?;
        transaction.commit()?;
        // What was changed is written where it belongs. Whoever looks meanwhile puts it off.
        projection.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// How many lines could not be read.
    ///
    /// # Errors
    /// When the database fails.
    pub fn damaged(&self) -> Result<u64, RecordError> {
        let question = "SELECT count(*) FROM entry WHERE kind = ?1";
        let count: i64 = self.connection.query_row(question, [DAMAGED], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    fn version(&self) -> Result<i64, RecordError> {
        Ok(self.connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
    }

    /// Throws the database away, whatever is in it, and builds it again. Returns how many entries there
    /// are.
    ///
    /// # Errors
    /// When the log cannot be read, or the database neither removed nor written.
    pub fn reindex(state: &StateFolder, log: &Log) -> Result<u64, RecordError> {
        let path = path(state);
        // Until the new one is there: whoever opened it in between would lose the files beside it, and spoil it.
        let turn = turn(state)?;
        for name in ["", "-wal", "-shm", "-journal"] {
            let mut file = path.clone().into_os_string();
            file.push(name);
            let file = PathBuf::from(file);
            match fs::remove_file(&file) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(RecordError::io("remove", &file)(error));
                }
                _ => {}
            }
        }
        let mut projection = Self::made(state)?;
        drop(turn);
        projection.catch_up(log)?;
        projection.newest()
    }

    /// The entries that were asked for, oldest first, as they stand in the log.
    ///
    /// Words are looked for in the newest entries first (in the oldest, with `after`), and further only while the page
    /// is not full: a word that stands everywhere is found at once.
    ///
    /// # Errors
    /// When the words are not a search expression, or the database fails.
    pub fn find(&self, query: &Query) -> Result<Vec<Value>, RecordError> {
        let limit = query.limit as usize;
        let mut lines = Vec::new();
        if query.text.is_none() || self.is_of_few(query)? {
            lines = self.lines(query, limit, None)?;
        } else {
            // Between these two, and both are left out.
            let mut low = query.after.unwrap_or(0);
            let mut high = query.before.unwrap_or(u64::MAX).min(self.newest()?.saturating_add(1));
            let mut window = WINDOW;
            while low.saturating_add(1) < high && lines.len() < limit {
                let within = match query.after {
                    Some(_) => (low, high.min(low.saturating_add(window))),
                    None => (low.max(high.saturating_sub(window)), high),
                };
                let left = limit - lines.len();
                lines.extend(self.lines(query, left, Some(within))?);
                match query.after {
                    Some(_) => low = within.1 - 1,
                    None => high = within.0 + 1,
                }
                window = window.saturating_mul(WIDER).min(WIDEST);
            }
        }
        let entries = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut entries: Vec<Value> = entries.collect();
        if query.after.is_none() {
            entries.reverse();
        }
        Ok(entries)
    }

    /// Whether only entries of a session are asked for that has few: each is looked into then, whatever stands in all
    /// others.
    fn is_of_few(&self, query: &Query) -> Result<bool, RecordError> {
        let Some(session) = &query.session else { return Ok(false) };
        let few = "SELECT count(*) FROM (SELECT 1 FROM entry WHERE session = ?1 LIMIT ?2)";
        let count: i64 = self.connection.query_row(few, params![session, FEW], |row| row.get(0))?;
        Ok(count < FEW)
    }

    /// So many lines at most, the newest or the oldest first. Words are looked for between two numbers, where they are
    /// given; else in each entry that all else is true of.
    fn lines(
        &self,
        query: &Query,
        limit: usize,
        within: Option<(u64, u64)>,
    ) -> Result<Vec<String>, RecordError> {
        let Query { kind, session, verdict, code, text, after, before, .. } = query;
        let words = text.as_ref().map(|text| format!("\"{}\"", text.replace('"', "\"\"")));
        let number = |seq: u64| SqlValue::Integer(i64::try_from(seq).unwrap_or(i64::MAX));
        let text = |it: &Option<String>| it.clone().map(SqlValue::Text);
        let (low, high) = within.map_or((*after, *before), |(low, high)| (Some(low), Some(high)));
        // Only what is asked for stands in the question, so that an index can answer it.
        let contains = match within {
            Some(_) => {
                "seq IN (SELECT rowid FROM entry_text
                         WHERE entry_text MATCH ? AND rowid > ? AND rowid < ?)"
            }
            None => {
                "EXISTS (SELECT 1 FROM entry_text WHERE entry_text MATCH ? AND rowid = entry.seq)"
            }
        };
        let words = text(&words).map(|words| {
            let within = within.into_iter().flat_map(|(low, high)| [number(low), number(high)]);
            [words].into_iter().chain(within).collect()
        });
        let one = |it: Option<SqlValue>| it.map(|it| vec![it]);
        let conditions: Vec<(&str, Vec<SqlValue>)> = [
            ("kind = ?", one(text(kind))),
            ("session = ?", one(text(session))),
            ("verdict = ?", one(text(verdict))),
            ("code = ?", one(text(code))),
            ("seq > ?", one(low.map(number))),
            ("seq < ?", one(high.map(number))),
            (contains, words),
        ]
        .into_iter()
        .filter_map(|(condition, values)| Some((condition, values?)))
        .collect();
        let mut question = "SELECT line FROM entry WHERE 1".to_owned();
        conditions
            .iter()
            .for_each(|(condition, _)| question.push_str(&format!(" AND {condition}")));
        let order = if after.is_some() { "ASC" } else { "DESC" };
        question.push_str(&format!(" ORDER BY seq {order} LIMIT {limit}"));
        let mut statement = self.connection.prepare_cached(&question)?;
        let values = conditions.into_iter().flat_map(|(_, values)| values);
        let values = rusqlite::params_from_iter(values);
        let rows = statement.query_map(values, |row| row.get::<_, String>(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One entry by number.
    ///
    /// # Errors
    /// When the database fails.
    pub fn get(&self, seq: u64) -> Result<Option<Value>, RecordError> {
        let seq = i64::try_from(seq).unwrap_or(i64::MAX);
        let line: Option<String> = self
            .connection
            .query_row("SELECT line FROM entry WHERE seq = ?1", [seq], |row| row.get(0))
            .optional()?;
        Ok(line.and_then(|line| serde_json::from_str(&line).ok()))
    }

    fn clear(&mut self) -> Result<(), RecordError> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Whoever was waited for may have done it, and begun to fill it.
        let version: i64 =
            transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version == SCHEMA_VERSION {
            return Ok(());
        }
        transaction.execute_batch(
            "DROP TABLE IF EXISTS entry_text; DROP TABLE IF EXISTS entry;
                 DROP TABLE IF EXISTS session;",
        )?;
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        Ok(transaction.commit()?)
    }

    fn catch_up(&mut self, log: &Log) -> Result<(), RecordError> {
        let mut follower = log.follow_after(self.newest()?)?;
        loop {
            let lines = follower.more(2_000)?;
            if lines.is_empty() {
                return Ok(());
            }
            self.add(&lines)?;
        }
    }

    /// The number of the newest entry in it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn newest(&self) -> Result<u64, RecordError> {
        let last = "SELECT coalesce(max(seq), 0) FROM entry";
        let last: i64 = self.connection.query_row(last, [], |row| row.get(0))?;
        Ok(u64::try_from(last).unwrap_or_default())
    }

    /// Adds lines of the log, all or none. What is there already stays. A line that cannot be read is found as
    /// damaged: what comes after it is worth finding all the same, and it is worth seeing.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add(&mut self, lines: &[Followed]) -> Result<(), RecordError> {
        let transaction = self.connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO entry (seq, at, kind, session, verdict, code, tool, line)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
            )?;
            let mut index = transaction
                .prepare_cached("INSERT INTO entry_text (rowid, line) VALUES (?1, ?2)")?;
            for Followed { seq, line } in lines {
                let (entry, line) = match serde_json::from_str::<Value>(line) {
                    Ok(entry) => (entry, Cow::Borrowed(line)),
                    Err(error) => {
                        let entry = damaged(*seq, line, &error);
                        let line = entry.to_string();
                        (entry, Cow::Owned(line))
                    }
                };
                let seq = i64::try_from(*seq).unwrap_or(i64::MAX);
                let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str);
                // A number that stands there twice is for `verify` to report.
                let inserted = insert.execute(params![
                    seq,
                    text("/at").unwrap_or_default(),
                    text("/kind").unwrap_or_default(),
                    text("/session"),
                    text("/decision/verdict").or_else(|| text("/verdict")),
                    text("/decision/code").or_else(|| text("/code")),
                    text("/action/tool").or_else(|| text("/tool")),
                    line,
                ])?;
                if inserted > 0 {
                    index.execute(params![seq, line])?;
                    sessions::follow(&transaction, seq, &entry)?;
                }
            }
        }
        Ok(transaction.commit()?)
    }
}

/// What stands for a line that cannot be read.
fn damaged(seq: u64, line: &str, error: &serde_json::Error) -> Value {
    let problem = format!("it cannot be read: {error}; `ringfence audit verify` says more");
    let beginning: String = line.chars().take(1_000).collect();
    json!({"seq": seq, "kind": DAMAGED, "problem": problem, "begins": beginning})
}

/// Held while the database is opened, and while another takes its place.
fn turn(state: &StateFolder) -> Result<File, RecordError> {
    let path = state.path().join("audit.sqlite.lock");
    let turn = open_private(&path, false)?;
    turn.lock().map_err(RecordError::io("lock", &path))?;
    Ok(turn)
}

fn path(state: &StateFolder) -> PathBuf {
    state.path().join("audit.sqlite")
}
