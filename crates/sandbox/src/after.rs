//! What is found when a run has ended: what it left that somebody else would execute later.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// What a run left, and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct After {
    /// One for each thing that a person should know.
    pub notes: Vec<Note>,
    /// What appeared while the run lasted and would be executed or obeyed, in that order, even if it was gone before the
    /// end. Of a run of some milliseconds nothing is noticed here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub appeared: Vec<Appeared>,
    /// Whether there was more than could be looked at.
    pub incomplete: bool,
    /// Files of the workspace that were made or changed while it ran, by whomever, if that was asked for. What of that
    /// matters depends on what they are to others.
    #[serde(skip)]
    pub touched: Vec<Touched>,
}

/// A file that was made or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it was made, and not only changed.
    pub new: bool,
    /// Whether it can be executed now.
    pub executable: bool,
}

/// A name that others would execute or obey, when it was seen first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Appeared {
    /// Where.
    pub path: PathBuf,
    /// Milliseconds after the start of the run.
    pub after_ms: u64,
}

impl After {
    /// What appeared and is not told of in a note: it was gone again before the end.
    pub fn vanished(&self) -> impl Iterator<Item = &Appeared> {
        let told = |it: &&Appeared| !self.notes.iter().any(|note| note.path == it.path);
        self.appeared.iter().filter(told)
    }
}

/// One thing that a run left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Where it is, or was.
    pub path: PathBuf,
    /// What about it.
    #[serde(flatten)]
    pub kind: NoteKind,
}

/// What about something that a run left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum NoteKind {
    /// It did not exist before, and others would execute or obey it: it was moved away.
    Moved {
        /// Where to.
        to: PathBuf,
    },
    /// It appeared in a folder in which only some names may be written, and is not one of them.
    Unnamed {
        /// Where it was moved to, if it was the run that made it.
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<PathBuf>,
    },
    /// It is to be moved away, and could not be.
    Left {
        /// Why not.
        why: String,
    },
    /// What was written and could not be brought into the workspace.
    Kept {
        /// Where it is.
        at: PathBuf,
        /// Why it could not.
        why: String,
    },
    /// It was there, and others execute or obey it: it was changed.
    Changed,
    /// Settings of a repository that were not let out.
    Held {
        /// Names of variables.
        names: Vec<String>,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.kind {
            NoteKind::Moved { to } => write!(
                f,
                "{path} was made by this run and would be executed or obeyed later: moved to {}",
                to.display()
            ),
            NoteKind::Unnamed { to: Some(to) } => write!(
                f,
                "{path} was made by this run, and is not among what it may write there: moved to {}",
                to.display()
            ),
            NoteKind::Unnamed { to: None } => write!(
                f,
                "{path} appeared during this run, and is not among what it may write there: look at it"
            ),
            NoteKind::Left { why } => write!(
                f,
                "{path} was made by this run and should not be there; it could not be moved away ({why}): look at it"
            ),
            NoteKind::Kept { at, why } => write!(
                f,
                "{path}: not all that was written there could be brought back ({why}): the rest is in {}",
                at.display()
            ),
            NoteKind::Changed => {
                write!(
                    f,
                    "{path} was changed during this run and is executed or obeyed by others: look at it"
                )
            }
            NoteKind::Held { names } => {
                write!(
                    f,
                    "{path}: not taken over, since it can execute or redirect: {}",
                    names.join(", ")
                )
            }
        }
    }
}
