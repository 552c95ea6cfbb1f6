//! Calls that are to run contained, between the decision and the run.
//!
//! A hook that answers `contain` leaves a ticket; `ringfence run` takes it, once, and runs what it names and
//! nothing else. So a run that says it belongs to a session does, and the same answer does not serve twice.
//! Beside the ticket stands, after the run, the folder in which the command's shell ended.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::folder::write_whole;
use crate::{RecordError, StateFolder};

/// Nobody waits longer than this between a call and its run.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// What may run, for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The agent's kind.
    pub agent: String,
    /// The agent's id of the session.
    pub session: String,
    /// The agent's id of the call.
    pub call: Option<String>,
    /// The digest of the shell code, as [`digest_of`] makes it.
    pub code: String,
    /// The folder that it works in.
    pub workspace: PathBuf,
    /// What of that it may write.
    pub writes: Writes,
    /// The hosts that may be reached, each with its port if that is not a usual one.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// It installs packages.
    #[serde(default)]
    pub installs: bool,
    /// The paths that it was predicted to change, as far as they are known; a `*` stands for anything.
    #[serde(default)]
    pub changes: Vec<String>,
}

/// What of its workspace a contained call may write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Writes {
    /// All of it, and why: nobody could tell what it writes.
    Anything(String),
    /// These paths alone, and what is below them; `*` stands for anything in a last name.
    Paths(Vec<String>),
}

/// The digest of shell code.
pub fn digest_of(code: &OsStr) -> String {
    format!("sha256:{:x}", Sha256::digest(code.as_bytes()))
}

/// The tickets of one state folder.
#[derive(Debug, Clone)]
pub struct Tickets {
    folder: PathBuf,
}

impl Tickets {
    /// The tickets in this state folder, made where it is missing.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn open(state: &StateFolder) -> Result<Self, RecordError> {
        Ok(Self { folder: state.sub("tickets")? })
    }

    /// Leaves a ticket, and answers its name. `at` tells apart what is the same otherwise.
    ///
    /// # Errors
    /// When it is not on disk whole.
    pub fn issue(&self, ticket: &Ticket, at: &str) -> Result<String, RecordError> {
        let damaged =
            |path: &Path, problem: String| RecordError::Damaged { path: path.to_owned(), problem };
        let text = serde_json::to_string(ticket)
            .map_err(|error| damaged(&self.folder, error.to_string()))?;
        let mut name = format!("{:x}", Sha256::digest(format!("{at}\0{text}").as_bytes()));
        name.truncate(32);
        // Old ones are in nobody's way, so that this may fail.
        let _ = self.forget_old();
        write_whole(&self.path(&name), text.as_bytes())?;
        Ok(name)
    }

    /// Takes a ticket: whoever comes next finds none. `None` if there is none of this name.
    ///
    /// # Errors
    /// When it is there and is not what was left, or cannot be taken away.
    pub fn take(&self, name: &str) -> Result<Option<Ticket>, RecordError> {
        if !is_name(name) {
            return Ok(None);
        }
        let path = self.path(name);
        let taken = path.with_extension("taken");
        // Of two that come at once, one finds nothing to rename.
        match fs::rename(&path, &taken) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.map_err(RecordError::io("take", &path))?,
        }
        let text = fs::read(&taken).map_err(RecordError::io("read", &taken))?;
        fs::remove_file(&taken).map_err(RecordError::io("remove", &taken))?;
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| RecordError::Damaged { path, problem: error.to_string() })
    }

    /// Where the folder is written in which the command's shell ended.
    pub fn told(&self, name: &str) -> PathBuf {
        self.path(name).with_extension("folder")
    }

    /// Writes that folder.
    ///
    /// # Errors
    /// When it is not on disk whole.
    pub fn tell(&self, name: &str, folder: &Path) -> Result<(), RecordError> {
        write_whole(&self.told(name), folder.as_os_str().as_bytes())
    }

    /// Removes what nobody came for: calls that the user refused, shells that were killed.
    fn forget_old(&self) -> std::io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let age = entry.metadata()?.modified()?.elapsed();
            if age.is_ok_and(|age| age > KEPT) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn is_name(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_serves_once() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path().join("state")).unwrap();
        let tickets = Tickets::open(&state).unwrap();
        let ticket = Ticket {
            agent: "claude-code".to_owned(),
            session: "s".to_owned(),
            call: None,
            code: digest_of(OsStr::new("make")),
            workspace: "/p".into(),
            writes: Writes::Paths(vec!["/p/made".to_owned()]),
            installs: false,
            hosts: vec!["registry.test:443".to_owned()],
            changes: vec!["/p/made".to_owned()],
        };
        let name = tickets.issue(&ticket, "now").unwrap();
        assert_eq!(tickets.take("../audit/lock").unwrap(), None);
        assert_eq!(tickets.take(&name).unwrap(), Some(ticket));
        assert_eq!(tickets.take(&name).unwrap(), None);
        tickets.tell(&name, Path::new("/p/sub")).unwrap();
        assert_eq!(fs::read(tickets.told(&name)).unwrap(), b"/p/sub");
    }
}
