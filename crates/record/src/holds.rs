//! What people hold: sessions that are paused, must ask, or are to end.
//!
//! One small file, read anew by every decision, whoever makes it: a hold is there from the next action on. It is
//! replaced by renaming under a lock of its own. Where there is none, nothing is held; one that cannot be
//! read holds everything, for it may have held this.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::cases::random_letters;
use crate::folder::open_private;
use crate::{RecordError, StateFolder};

/// How a session is held, from mildest to strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldKind {
    /// Everything that would be let through is asked about.
    AskAll,
    /// Everything that changes a state is denied; looking stays possible.
    DenyAll,
    /// Everything is denied.
    Pause,
    /// Everything is denied, and the agent's processes were ended.
    Kill,
}

impl HoldKind {
    /// Every kind, mildest first.
    pub const ALL: [Self; 4] = [Self::AskAll, Self::DenyAll, Self::Pause, Self::Kill];

    /// The word for it, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AskAll => "ask_all",
            Self::DenyAll => "deny_all",
            Self::Pause => "pause",
            Self::Kill => "kill",
        }
    }

    /// The code that the agent is told.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AskAll => "session.ask-all",
            Self::DenyAll => "session.deny-all",
            Self::Pause => "session.paused",
            Self::Kill => "session.killed",
        }
    }
}

/// One hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// By which it is released.
    pub id: String,
    /// How.
    pub kind: HoldKind,
    /// The agent's id of the session, with all that it started; every session where there is none.
    pub session: Option<String>,
    /// Who holds: a person by a pseudonym or a terminal, `rule`, or `cap`.
    pub by: String,
    /// Why, for people and the agent.
    pub reason: String,
    /// Since when, RFC 3339.
    pub at: String,
}

/// The strictest of these holds that is on any of these sessions.
pub fn strictest<'h>(holds: &'h [Hold], sessions: &[String]) -> Option<&'h Hold> {
    let is_meant =
        |hold: &&Hold| hold.session.as_ref().is_none_or(|session| sessions.contains(session));
    holds.iter().filter(is_meant).max_by_key(|hold| hold.kind)
}

/// The holds of one state folder.
#[derive(Debug, Clone)]
pub struct Holds {
    path: PathBuf,
}

impl Holds {
    /// The holds in this state folder. Nothing is made by looking.
    pub fn of(state: &StateFolder) -> Self {
        Self { path: state.path().join("holds.json") }
    }

    /// Every hold, oldest first.
    ///
    /// # Errors
    /// When there are some and they cannot be read: then everything is held.
    pub fn all(&self) -> Result<Vec<Hold>, RecordError> {
        let mut text = Vec::new();
        match File::open(&self.path) {
            Ok(mut file) => {
                file.read_to_end(&mut text).map_err(RecordError::io("read", &self.path))?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(RecordError::io("open", &self.path)(error)),
        }
        serde_json::from_slice(&text).map_err(|error| RecordError::Damaged {
            path: self.path.clone(),
            problem: format!("{error}; while it is, every session is held"),
        })
    }

    /// The strictest hold on any of these sessions, where there is one.
    ///
    /// # Errors
    /// As [`Holds::all`].
    pub fn strictest_on(
        &self,
        sessions: impl FnOnce() -> Vec<String>,
    ) -> Result<Option<Hold>, RecordError> {
        let holds = self.all()?;
        if holds.is_empty() {
            return Ok(None);
        }
        Ok(strictest(&holds, &sessions()).cloned())
    }

    /// Holds, under an id of its own. Whoever holds the same session in the same way already keeps that hold.
    ///
    /// # Errors
    /// When it is not on disk whole.
    pub fn place(&self, hold: Hold) -> Result<Hold, RecordError> {
        self.change(|holds| {
            let same = |it: &&Hold| it.kind == hold.kind && it.session == hold.session;
            if let Some(same) = holds.iter().find(same) {
                return Ok(same.clone());
            }
            let hold = Hold { id: random_letters(6)?, ..hold };
            holds.push(hold.clone());
            Ok(hold)
        })
    }

    /// Takes a hold away; `None` if there is none of this id.
    ///
    /// # Errors
    /// When what is left is not on disk whole.
    pub fn release(&self, id: &str) -> Result<Option<Hold>, RecordError> {
        self.change(|holds| {
            let at = holds.iter().position(|hold| hold.id == id);
            Ok(at.map(|at| holds.remove(at)))
        })
    }

    fn change<T>(
        &self,
        work: impl FnOnce(&mut Vec<Hold>) -> Result<T, RecordError>,
    ) -> Result<T, RecordError> {
        let lock = open_private(&self.path.with_extension("lock"), false)?;
        lock.lock().map_err(RecordError::io("lock", &self.path))?;
        let mut holds = self.all()?;
        let done = work(&mut holds)?;
        let text = serde_json::to_vec(&holds).map_err(|error| RecordError::Damaged {
            path: self.path.clone(),
            problem: error.to_string(),
        })?;
        let new = self.path.with_extension("new");
        let mut file = open_private(&new, false)?;
        file.set_len(0)
            .and_then(|()| file.write_all(&text))
            .map_err(RecordError::io("write", &new))?;
        fs::rename(&new, &self.path).map_err(RecordError::io("replace", &self.path))?;
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds() -> (tempfile::TempDir, Holds) {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path().join("state")).unwrap();
        (folder, Holds::of(&state))
    }

    fn hold(kind: HoldKind, session: Option<&str>) -> Hold {
        Hold {
            id: String::new(),
            kind,
            session: session.map(str::to_owned),
            by: "test".to_owned(),
            reason: "because".to_owned(),
            at: "2026-01-01T00:00:00Z".to_owned(),
        }
    }

    #[test]
    fn the_strictest_of_all_that_are_meant_holds_until_it_is_released() {
        let (_folder, holds) = holds();
        let on = |session: &str| {
            let found = holds.strictest_on(|| vec![session.to_owned()]).unwrap();
            found.map(|hold| hold.kind)
        };
        assert_eq!(on("s"), None);
        let all = holds.place(hold(HoldKind::AskAll, None)).unwrap();
        let one = holds.place(hold(HoldKind::Pause, Some("s"))).unwrap();
        assert_eq!((on("s"), on("t")), (Some(HoldKind::Pause), Some(HoldKind::AskAll)));
        assert_eq!(holds.place(hold(HoldKind::Pause, Some("s"))).unwrap().id, one.id);
        assert_eq!(holds.release(&one.id).unwrap().map(|hold| hold.id), Some(one.id.clone()));
        assert_eq!(holds.release(&one.id).unwrap(), None);
        assert_eq!(on("s"), Some(HoldKind::AskAll));
        holds.release(&all.id).unwrap();
        assert_eq!((on("s"), holds.all().unwrap().len()), (None, 0));
    }

    #[test]
    fn holds_that_cannot_be_read_hold() {
        let (_folder, holds) = holds();
        holds.place(hold(HoldKind::Pause, Some("s"))).unwrap();
        for damage in ["", "[", "{}", "[{\"kind\":\"nap\"}]"] {
            fs::write(&holds.path, damage).unwrap();
            assert!(holds.strictest_on(Vec::new).is_err(), "{damage}");
            assert!(holds.release("x").is_err(), "{damage}");
        }
    }
}
