//! The processes of agents that speak to the gate: one small file each, which says whose session it is.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::folder::open_private;
use crate::{RecordError, StateFolder};

/// The agents that one state folder knows.
#[derive(Debug, Clone)]
pub struct Agents {
    folder: PathBuf,
}

impl Agents {
    /// The agents of this state folder, made where it is missing.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn open(state: &StateFolder) -> Result<Self, RecordError> {
        Ok(Self { folder: state.sub("agents")? })
    }

    /// Whether this process, named as it was when it was added, is an agent's.
    pub fn knows(&self, process: &str) -> bool {
        fs::symlink_metadata(self.folder.join(process)).is_ok()
    }

    /// Every process that was added and not forgotten.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn all(&self) -> Result<Vec<String>, RecordError> {
        let entries = fs::read_dir(&self.folder).map_err(RecordError::io("list", &self.folder))?;
        let names = entries.filter_map(Result::ok).map(|entry| entry.file_name());
        Ok(names.filter_map(|name| name.into_string().ok()).collect())
    }

    /// The agent's kind and its session, of a process that was added; `None` where it was not, or cannot be
    /// read.
    pub fn session_of(&self, process: &str) -> Option<(String, String)> {
        let text = fs::read_to_string(self.folder.join(process)).ok()?;
        let (kind, session) = text.split_once('\n')?;
        Some((kind.to_owned(), session.to_owned()))
    }

    /// Adds a process with the session that it works on, and forgets those that are not `alive` any more. One
    /// that was added already works on another session from now on.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn add(
        &self,
        process: &str,
        kind: &str,
        session: &str,
        alive: impl Fn(&str) -> bool,
    ) -> Result<(), RecordError> {
        let path = self.folder.join(process);
        let mut file = open_private(&path, false)?;
        file.set_len(0)
            .and_then(|()| file.write_all(format!("{kind}\n{session}").as_bytes()))
            .map_err(RecordError::io("write", &path))?;
        for entry in fs::read_dir(&self.folder).map_err(RecordError::io("list", &self.folder))? {
            let path = entry.map_err(RecordError::io("list", &self.folder))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            if name.is_some_and(|name| name == process || alive(name)) {
                continue;
            }
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(RecordError::io("remove", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
