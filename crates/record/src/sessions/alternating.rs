//! The state of a session that one process alone changes, many times a second.
//!
//! Two files, written in turn and in place: whoever is killed in the middle of one leaves the other, with the state
//! before, which is the newest that anybody was told of. Each says how many bytes it has and what they hash to, and
//! has its number at both ends.
//!
//! ```text
//! sessions/4ae….0    18 2048 sha256:9f3…\n{"said":[…]…}\n18\n
//! sessions/4ae….1    17 2051 sha256:c41…\n{"said":[…]…}\n17\n
//! ```

use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{SessionStore, digest_of, read, stored};
use crate::RecordError;
use crate::folder::open_private;

/// Where the state of one session is kept.
#[derive(Debug)]
pub struct Alternating {
    /// As [`SessionStore::lock`] keeps it.
    path: PathBuf,
}

/// A state, and how many were written before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// Its number, from 1.
    pub number: u64,
    /// What was kept.
    pub state: String,
    /// What that hashes to, as `sha256:…`.
    pub digest: String,
}

impl SessionStore {
    /// Where the state of the session of this id is kept, for a process that is the only one to change it.
    pub fn alternating(&self, agent: &str, id: &str) -> Alternating {
        Alternating { path: self.path(agent, id) }
    }
}

impl Alternating {
    /// The newest state; `None` if none was ever kept.
    ///
    /// # Errors
    /// When something is there and none of it is what was written: never a fresh state.
    pub fn read(&self) -> Result<Option<Numbered>, RecordError> {
        let files = [read(&self.file(0))?, read(&self.file(1))?];
        let states = files.iter().flatten().filter_map(|text| numbered(text));
        if let Some(newest) = states.max_by_key(|it| it.number) {
            return Ok(Some(newest));
        }
        // A state that was kept by renaming is older than these.
        if let Some(state) = stored(&self.path)?.load::<Value>()? {
            let state = state.to_string();
            return Ok(Some(Numbered { number: 0, digest: digest_of(&state), state }));
        }
        // The writer of the first was stopped in the middle: nobody was told of it.
        if files.iter().flatten().count() < 2 {
            return Ok(None);
        }
        let problem = "it is not what was kept; remove it and the one beside it, and the session goes on \
                       without what it knew";
        Err(RecordError::Damaged { path: self.file(0), problem: problem.to_owned() })
    }

    /// What a state that was kept here says.
    ///
    /// # Errors
    /// When it does not say that.
    pub fn parse<T: DeserializeOwned>(&self, state: &str) -> Result<T, RecordError> {
        serde_json::from_str(state).map_err(|error| RecordError::Damaged {
            path: self.file(0),
            problem: format!("{error}; remove it and the one beside it, and the session goes on without what it knew"),
        })
    }

    /// Keeps a state, in place of the one before the newest. `number` is one more than that of the newest.
    ///
    /// # Errors
    /// When it is not written whole; the newest stands then.
    pub fn write(&self, number: u64, state: &str, digest: &str) -> Result<(), RecordError> {
        let path = self.file(number);
        let text = format!("{number} {} {digest}\n{state}\n{number}\n", state.len());
        open_private(&path, false)?
            .write_all_at(text.as_bytes(), 0)
            .map_err(RecordError::io("write", &path))
    }

    fn file(&self, number: u64) -> PathBuf {
        self.path.with_extension(if number.is_multiple_of(2) { "0" } else { "1" })
    }
}

/// What a file holds; nothing where that is not what was written. A longer one may have been there before.
fn numbered(text: &str) -> Option<Numbered> {
    let (head, rest) = text.split_once('\n')?;
    let mut head = head.split(' ');
    let number = head.next()?;
    let (state, end) = rest.split_at_checked(head.next()?.parse().ok()?)?;
    // Whoever was stopped has not come to the end.
    end.strip_prefix('\n')?.strip_prefix(number)?.strip_prefix('\n')?;
    let digest = head.next().filter(|digest| digest_of(state) == *digest)?;
    Some(Numbered {
        number: number.parse().ok()?,
        state: state.to_owned(),
        digest: digest.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::StateFolder;

    fn write(to: &Alternating, number: u64, state: &str) {
        to.write(number, state, &digest_of(state)).unwrap();
    }

    #[test]
    fn whoever_is_stopped_in_the_middle_leaves_the_state_before() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path().join("state")).unwrap();
        let sessions = SessionStore::open(&state).unwrap();
        let of = |id: &str| sessions.alternating("api x", id);
        let kept = of("s");
        assert_eq!(kept.read().unwrap(), None);
        for number in 1..=7 {
            // Longer and shorter ones in turn.
            write(&kept, number, &"x".repeat(100 - 10 * number as usize));
            let newest = of("s").read().unwrap().unwrap();
            assert_eq!((newest.number, newest.state.len() as u64), (number, 100 - 10 * number));
        }
        // Of the next one, every beginning.
        let whole = format!("8 20 {}\n{}\n8\n", digest_of(&"y".repeat(20)), "y".repeat(20));
        let old = fs::read(kept.file(8)).unwrap();
        for end in 0..whole.len() {
            let torn = [&whole.as_bytes()[..end], old.get(end..).unwrap_or_default()].concat();
            fs::write(kept.file(8), torn).unwrap();
            let newest = kept.read().unwrap().unwrap();
            assert_eq!((newest.number, newest.state.len()), (7, 30), "{end}");
        }
        assert_eq!(of("t").read().unwrap(), None, "every session has its own");
    }

    #[test]
    fn what_is_damaged_is_not_taken_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path().join("state")).unwrap();
        let sessions = SessionStore::open(&state).unwrap();
        let kept = sessions.alternating("api x", "s");
        write(&kept, 1, "{}");
        write(&kept, 2, "{\"a\":1}");
        for number in [1, 2] {
            fs::write(kept.file(number), "nonsense").unwrap();
        }
        assert!(kept.read().is_err());

        // What an older version kept is gone on with.
        let locked = sessions.lock("api x", "old").unwrap();
        locked.save(&serde_json::json!({"said": []})).unwrap();
        let kept = sessions.alternating("api x", "old");
        assert_eq!(kept.read().unwrap().map(|it| it.number), Some(0));
        write(&kept, 1, "{}");
        assert_eq!(kept.read().unwrap().map(|it| it.state), Some("{}".to_owned()));
    }
}
