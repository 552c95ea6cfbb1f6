//! The words in which people ask for things, forbid them, and take that back.
//!
//! Consent needs a verb *and* the exact target. A word that is missing here costs a question; one that has
//! another use beside costs an accident, where its target was spoken of. So what people say of a dozen things
//! (`get in`, `leave`, `freeze`) is left out.

mod forbidding;
mod small;
mod verbs;

pub(crate) use forbidding::*;
pub(crate) use small::*;
pub(crate) use verbs::*;

use serde::{Deserialize, Serialize};

/// Words that ask for an operation, beside its verbs; see the head of the file.
const ASKED: &str = include_str!("asked.txt");

/// Each of these words, with what it asks for.
pub(crate) fn asked() -> impl Iterator<Item = (Operation, &'static str)> {
    let mut operation = None;
    ASKED.lines().filter(|line| !line.starts_with('#')).flat_map(move |line| {
        let words = line.strip_prefix("  ").and_then(|line| line.split_once(' '));
        if words.is_none() {
            operation = serde_json::from_value(line.trim().into()).ok();
        }
        // In front of them stands their language, for whoever reads the file.
        let (_, words) = words.unwrap_or_default();
        let words = words.split(',').map(str::trim).filter(|word| !word.is_empty());
        words.filter_map(move |word| Some((operation?, word)))
    })
}

/// What people name with one verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Operation {
    Push,
    ForcePush,
    Commit,
    /// Commits that exist become others.
    Rewrite,
    Merge,
    Delete,
    Discard,
    Install,
    Publish,
    Deploy,
    Send,
    Pay,
    Change,
    Run,
    Stop,
    Grant,
    Approve,
    Close,
    Create,
    /// Taking away and making again.
    Recreate,
    /// Opening something to others.
    Expose,
    /// Leaving something behind that starts by itself.
    Schedule,
    /// Leaving out a check.
    Skip,
    /// A change is put up for others to look at.
    Propose,
    /// Taking in what the project does not have: a package that it does not declare.
    Adopt,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_word_of_the_file_asks_for_something() {
        let written = ASKED.lines().filter_map(|line| line.strip_prefix("  "));
        let words = written.map(|line| line.split(',').count()).sum::<usize>();
        assert_eq!(asked().count(), words);
        let mut by_word: BTreeMap<_, Vec<_>> = BTreeMap::new();
        asked().for_each(|(operation, word)| by_word.entry(word).or_default().push(operation));
        assert_eq!(by_word.get("setz* zurück"), Some(&vec![Operation::Discard]));
        assert!(by_word.values().all(|all| all.len() <= 6), "{by_word:?}");
    }
}
