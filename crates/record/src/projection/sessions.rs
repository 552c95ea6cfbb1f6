//! One row for each session: how often what was said to it, and what it has seen.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Value, json};

use super::Projection;
use crate::RecordError;

/// A session, as its entries add up.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRow {
    /// The agent's id of it.
    pub id: String,
    /// The agent's kind.
    pub agent: String,
    /// The folder in which it was first seen at work.
    pub title: Option<String>,
    /// When its first entry was made, RFC 3339.
    pub started: String,
    /// When its newest was.
    pub last: String,
    /// The number of its newest entry.
    pub last_seq: u64,
    /// Calls that were decided.
    pub calls: u64,
    /// Those of them that a person was asked about.
    pub asked: u64,
    /// Those that were denied.
    pub denied: u64,
    /// Those that ran contained.
    pub contained: u64,
    /// What it has seen, each `{kind, why, since}`, oldest first.
    pub taint: Value,
    /// What its user ruled out, in words.
    pub boundaries: Value,
}

/// More of what a session has seen, or was told not to do, is not listed.
const MOST: usize = 32;

const COLUMNS: &str = "agent, id, title, started, last, last_seq, calls, asked, denied, contained, \
                       taint, boundaries";

impl Projection {
    /// The sessions with the newest entries, newest first, at most so many, of those whose newest entry has a
    /// number less than `before`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn sessions(
        &self,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<SessionRow>, RecordError> {
        let before = before.map_or(i64::MAX, |it| i64::try_from(it).unwrap_or(i64::MAX));
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM session WHERE last_seq < ?1 ORDER BY last_seq DESC LIMIT ?2"
        ))?;
        let rows = statement.query_map(params![before, limit], row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The session of this id; the newest, where agents of different kinds have the same.
    ///
    /// # Errors
    /// When the database fails.
    pub fn session(&self, id: &str) -> Result<Option<SessionRow>, RecordError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM session WHERE id = ?1 ORDER BY last_seq DESC LIMIT 1"
        ))?;
        Ok(statement.query_row([id], row).optional()?)
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<SessionRow> {
    let count = |index: usize| {
        row.get::<_, i64>(index).map(|count| u64::try_from(count).unwrap_or_default())
    };
    let list = |index: usize| {
        let text = row.get::<_, String>(index);
        text.map(|text| serde_json::from_str(&text).unwrap_or_else(|_| json!([])))
    };
    Ok(SessionRow {
        agent: row.get(0)?,
        id: row.get(1)?,
        title: row.get(2)?,
        started: row.get(3)?,
        last: row.get(4)?,
        last_seq: count(5)?,
        calls: count(6)?,
        asked: count(7)?,
        denied: count(8)?,
        contained: count(9)?,
        taint: list(10)?,
        boundaries: list(11)?,
    })
}

/// Adds an entry to the row of its session.
pub(super) fn follow(database: &Connection, seq: i64, entry: &Value) -> rusqlite::Result<()> {
    let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str);
    let Some(session) = text("/session") else { return Ok(()) };
    let agent = text("/agent").unwrap_or("unknown");
    let verdict = match text("/kind") {
        // What an agent's own prompt is about was counted when the call was decided.
        Some("decision") if entry.get("remembered") != Some(&json!(false)) => {
            text("/decision/verdict")
        }
        Some("held") if entry.get("call") != Some(&Value::Null) => text("/verdict"),
        _ => None,
    };
    let is = |wanted: &str| i64::from(verdict == Some(wanted));
    let mut statement = database.prepare_cached(
        "INSERT INTO session (agent, id, title, started, last, last_seq, calls, asked, denied, contained)
         VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (agent, id) DO UPDATE SET
            title = coalesce(title, excluded.title), last = excluded.last,
            last_seq = excluded.last_seq, calls = calls + excluded.calls,
            asked = asked + excluded.asked, denied = denied + excluded.denied,
            contained = contained + excluded.contained",
    )?;
    statement.execute(params![
        agent,
        session,
        text("/action/cwd"),
        text("/at").unwrap_or_default(),
        seq,
        i64::from(verdict.is_some()),
        is("ask"),
        is("deny"),
        is("contain"),
    ])?;
    if let Some(taint) = text("/taints") {
        let why = text("/problem").or_else(|| text("/code")).unwrap_or_default();
        let seen = json!({"kind": taint, "why": why, "since": text("/at")});
        add(database, agent, session, "taint", |list| {
            let is_known = list.iter().any(|it| it.get("kind") == seen.get("kind"));
            (!is_known).then_some(seen)
        })?;
    }
    let boundaries = entry.pointer("/intent/boundaries").and_then(Value::as_array);
    for boundary in boundaries.into_iter().flatten().map(in_words) {
        add(database, agent, session, "boundaries", |list| {
            (!list.contains(&json!(boundary))).then(|| json!(boundary))
        })?;
    }
    Ok(())
}

/// Adds to a list of a session's row what is new there.
fn add(
    database: &Connection,
    agent: &str,
    session: &str,
    column: &'static str,
    new: impl FnOnce(&[Value]) -> Option<Value>,
) -> rusqlite::Result<()> {
    let question = format!("SELECT {column} FROM session WHERE agent = ?1 AND id = ?2");
    let text: String = database.query_row(&question, [agent, session], |row| row.get(0))?;
    let mut list: Vec<Value> = serde_json::from_str(&text).unwrap_or_default();
    if list.len() < MOST
        && let Some(new) = new(&list)
    {
        list.push(new);
        let change = format!("UPDATE session SET {column} = ?3 WHERE agent = ?1 AND id = ?2");
        database.execute(&change, params![agent, session, json!(list).to_string()])?;
    }
    Ok(())
}

fn in_words(boundary: &Value) -> String {
    let operation = boundary.get("operation").and_then(Value::as_str);
    let objects = boundary.get("objects").and_then(Value::as_array).into_iter().flatten();
    let objects: Vec<&str> = objects.filter_map(Value::as_str).collect();
    match (operation, objects.is_empty()) {
        (Some(operation), true) => format!("no {operation}"),
        (Some(operation), false) => format!("no {operation} of {}", objects.join(", ")),
        (None, _) => "only look".to_owned(),
    }
}
