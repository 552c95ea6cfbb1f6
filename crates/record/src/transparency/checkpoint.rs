//! What is signed: how many entries there are, and the root of the tree over them.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::tree::Hash;
use crate::log::Receipt;

/// The state of a log, in four lines (C2SP *tlog-checkpoint*, with the number of the last entry as an extension).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: the name of its key.
    pub origin: String,
    /// How many leaves its tree has.
    pub size: u64,
    /// The root of the tree.
    pub root: Hash,
    /// The number of the newest entry in it.
    pub seq: u64,
}

impl Checkpoint {
    pub(super) fn of_nothing(origin: &str) -> Self {
        Self { origin: origin.to_owned(), size: 0, root: Hash::default(), seq: 0 }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = BASE64.encode(self.root);
        write!(f, "{}\n{}\n{root}\nentry {}\n", self.origin, self.size, self.seq)
    }
}

impl FromStr for Checkpoint {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let read = || {
            let mut lines = text.strip_suffix('\n')?.split('\n');
            let checkpoint = Self {
                origin: lines.next()?.to_owned(),
                size: lines.next()?.parse().ok()?,
                root: BASE64.decode(lines.next()?).ok()?.try_into().ok()?,
                seq: lines.next()?.strip_prefix("entry ")?.parse().ok()?,
            };
            // One way to write it, so that a change of any byte is a change.
            (checkpoint.to_string() == text).then_some(checkpoint)
        };
        read().ok_or(())
    }
}

/// What stands in the tree for an entry.
pub(super) fn leaf(receipt: &Receipt) -> String {
    format!("{} {}", receipt.seq, receipt.hash)
}

/// The entry that a leaf stands for.
pub(super) fn receipt(leaf: &str) -> Option<Receipt> {
    let (seq, hash) = leaf.split_once(' ')?;
    Some(Receipt { seq: seq.parse().ok()?, hash: hash.to_owned() })
}
