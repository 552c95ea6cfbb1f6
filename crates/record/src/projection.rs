//! The audit log as a database, for questions.
//!
//! Everything in it comes from the log and can be built again from it; nothing is written here alone.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use crate::folder::open_private;
use crate::log::Log;
use crate::{RecordError, StateFolder};

/// Changes whenever the tables do: a database of another version is thrown away and built again.
const SCHEMA_VERSION: i64 = 2;

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
    CREATE INDEX entry_session ON entry (session, seq);
    CREATE INDEX entry_verdict ON entry (verdict, seq);
    CREATE INDEX entry_code ON entry (code, seq);
    CREATE VIRTUAL TABLE entry_text USING fts5 (line, content='entry', content_rowid='seq');
";

/// The database beside the log.
#[derive(Debug)]
pub struct Projection {
    connection: Connection,
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
    /// At most so many, the newest.
    pub limit: u32,
}

impl Projection {
    /// Opens the database and brings it up to date with the log.
    ///
    /// # Errors
    /// When it can be neither opened nor built.
    pub fn open(state: &StateFolder, log: &Log) -> Result<Self, RecordError> {
        let path = path(state);
        // Made by us first: what SQLite makes, others may read.
        drop(open_private(&path, false)?);
        let mut projection = Self { connection: Connection::open(path)? };
        projection.connection.pragma_update(None, "journal_mode", "WAL")?;
        let version: i64 =
            projection.connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version != SCHEMA_VERSION {
            projection.clear()?;
        }
        projection.catch_up(log)?;
        Ok(projection)
    }

    /// Throws the database away, whatever is in it, and builds it again. Returns how many entries there
    /// are.
    ///
    /// # Errors
    /// When the log cannot be read, or the database neither removed nor written.
    pub fn reindex(state: &StateFolder, log: &Log) -> Result<u64, RecordError> {
        let path = path(state);
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
        let last = "SELECT coalesce(max(seq), 0) FROM entry";
        let projection = Self::open(state, log)?;
        let last: i64 = projection.connection.query_row(last, [], |row| row.get(0))?;
        Ok(u64::try_from(last).unwrap_or_default())
    }

    /// The entries that were asked for, oldest first, as they stand in the log.
    ///
    /// # Errors
    /// When the words are not a search expression, or the database fails.
    pub fn find(&self, query: &Query) -> Result<Vec<Value>, RecordError> {
        let mut statement = self.connection.prepare(
            "SELECT line FROM entry
             WHERE (?1 IS NULL OR session = ?1) AND (?2 IS NULL OR verdict = ?2)
               AND (?3 IS NULL OR code = ?3)
               AND (?4 IS NULL OR seq IN (SELECT rowid FROM entry_text WHERE entry_text MATCH ?4))
               AND (?6 IS NULL OR kind = ?6)
             ORDER BY seq DESC LIMIT ?5",
        )?;
        let words = query.text.as_ref().map(|text| format!("\"{}\"", text.replace('"', "\"\"")));
        let rows = statement.query_map(
            params![query.session, query.verdict, query.code, words, query.limit, query.kind],
            |row| row.get::<_, String>(0),
        )?;
        let mut entries = Vec::new();
        for line in rows {
            entries.extend(serde_json::from_str::<Value>(&line?).ok());
        }
        entries.reverse();
        Ok(entries)
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
        let transaction = self.connection.transaction()?;
        transaction
            .execute_batch("DROP TABLE IF EXISTS entry_text; DROP TABLE IF EXISTS entry;")?;
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        Ok(transaction.commit()?)
    }

    fn catch_up(&mut self, log: &Log) -> Result<(), RecordError> {
        let transaction = self.connection.transaction()?;
        let known: i64 =
            transaction
                .query_row("SELECT coalesce(max(seq), 0) FROM entry", [], |row| row.get(0))?;
        {
            let mut insert = transaction.prepare(
                "INSERT INTO entry (seq, at, kind, session, verdict, code, tool, line)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
            )?;
            let mut index =
                transaction.prepare("INSERT INTO entry_text (rowid, line) VALUES (?1, ?2)")?;
            for entry in log.entries()? {
                let entry = entry?;
                let seq = entry.get("seq").and_then(Value::as_i64).unwrap_or_default();
                if seq <= known {
                    continue;
                }
                let line = entry.to_string();
                let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str);
                // A number that stands there twice is for `verify` to report.
                let inserted = insert.execute(params![
                    seq,
                    text("/at").unwrap_or_default(),
                    text("/kind").unwrap_or_default(),
                    text("/session"),
                    text("/decision/verdict"),
                    text("/decision/code").or_else(|| text("/code")),
                    text("/action/tool"),
                    line,
                ])?;
                if inserted > 0 {
                    index.execute(params![seq, line])?;
                }
            }
        }
        Ok(transaction.commit()?)
    }
}

fn path(state: &StateFolder) -> PathBuf {
    state.path().join("audit.sqlite")
}
