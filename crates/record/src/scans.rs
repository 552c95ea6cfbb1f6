//! What a run knew of its folders, for the next one in the same: it need not read again what has not changed.
//!
//! It may be taken away at any time. It is believed, as all that lies in the state folder is: no run can write
//! there.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::folder::open_private;
use crate::{RecordError, StateFolder};

/// More than is known of any folder that is looked through.
const LONGEST: u64 = 16 << 20;

/// As many as are kept. The one that was not used for longest goes first.
const MOST: usize = 200;

/// What is known of folders, by their paths.
#[derive(Debug, Clone)]
pub struct Scans {
    folder: PathBuf,
}

impl Scans {
    /// Those of a state folder, made where they are missing.
    ///
    /// # Errors
    /// When their folder cannot be made.
    pub fn open(state: &StateFolder) -> Result<Self, RecordError> {
        Ok(Self { folder: state.sub("scans")? })
    }

    /// What is known of these folders; nothing, if it cannot be read.
    pub fn load<'a>(&self, folders: impl IntoIterator<Item = &'a PathBuf>) -> Vec<u8> {
        let mut text = Vec::new();
        let read = fs::File::open(self.place(folders))
            .and_then(|file| file.take(LONGEST).read_to_end(&mut text));
        if read.is_ok_and(|length| (length as u64) < LONGEST) { text } else { Vec::new() }
    }

    /// Puts it in the place of what was known before.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save<'a>(
        &self,
        folders: impl IntoIterator<Item = &'a PathBuf>,
        text: &[u8],
    ) -> Result<(), RecordError> {
        let place = self.place(folders);
        let new = place.with_extension(format!("new-{}", std::process::id()));
        let mut file = open_private(&new, false)?;
        file.write_all(text)
            .and_then(|()| fs::rename(&new, &place))
            .map_err(RecordError::io("write", &place))?;
        self.make_room();
        Ok(())
    }

    fn place<'a>(&self, folders: impl IntoIterator<Item = &'a PathBuf>) -> PathBuf {
        let mut hasher = Sha256::new();
        for folder in folders {
            hasher.update(folder.as_os_str().as_bytes());
            hasher.update([0]);
        }
        self.folder.join(format!("{:x}", hasher.finalize()))
    }

    fn make_room(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let dated = |it: fs::DirEntry| Some((it.metadata().ok()?.modified().ok()?, it.path()));
        let mut kept: Vec<(SystemTime, PathBuf)> =
            entries.filter_map(Result::ok).filter_map(dated).collect();
        kept.sort();
        let over = kept.len().saturating_sub(MOST);
        for (_, path) in kept.iter().take(over) {
            // Whatever stays goes the next time.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_there_for_the_same_folders_alone() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path().join("state")).unwrap();
        let scans = Scans::open(&state).unwrap();
        let (here, there) = ([PathBuf::from("/a"), "/b".into()], [PathBuf::from("/a/b")]);
        scans.save(&here, b"one").unwrap();
        scans.save(&here, b"two").unwrap();
        assert_eq!(scans.load(&here), b"two");
        assert_eq!(scans.load(&there), b"");
    }

    #[test]
    fn there_are_never_too_many() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path().join("state")).unwrap();
        let scans = Scans::open(&state).unwrap();
        for number in 0..MOST + 9 {
            scans.save(&[PathBuf::from(number.to_string())], b"x").unwrap();
        }
        assert_eq!(fs::read_dir(state.path().join("scans")).unwrap().count(), MOST);
    }
}
