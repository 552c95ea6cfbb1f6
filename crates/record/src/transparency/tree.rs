//! The Merkle tree over a list of entries, as certificate transparency defines it (RFC 9162, section 2.1).
//!
//! A tree is never held as a whole: whoever has its hashes gives the one that is asked for. The root of
//! any size, and the proofs between them, are put together from those.

use sha2::{Digest, Sha256};

use crate::RecordError;

/// The SHA-256 of a leaf, or of two nodes.
pub type Hash = [u8; 32];

/// What the leaf of this content is called.
pub fn leaf(content: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(content).finalize().into()
}

/// What the node above these two is called.
pub fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Where the hashes of complete subtrees are.
pub trait Hashes {
    /// The hash of the complete subtree of 2^`level` leaves that begins at leaf `index` · 2^`level`.
    ///
    /// # Errors
    /// When it cannot be read.
    fn at(&self, level: u32, index: u64) -> Result<Hash, RecordError>;
}

/// The root of the tree of the first `size` leaves.
///
/// # Errors
/// When a hash cannot be read.
pub fn root(hashes: &impl Hashes, size: u64) -> Result<Hash, RecordError> {
    if size == 0 { Ok(Sha256::digest([]).into()) } else { range(hashes, 0, size) }
}

/// That leaf `index` is in the tree of this size: the hashes beside the way from it to the root.
///
/// # Errors
/// When a hash cannot be read.
pub fn inclusion(hashes: &impl Hashes, index: u64, size: u64) -> Result<Vec<Hash>, RecordError> {
    let (mut begin, mut end) = (0, size);
    let mut proof = Vec::new();
    while end - begin > 1 {
        let middle = begin + split(end - begin);
        if index < middle {
            proof.push(range(hashes, middle, end)?);
            end = middle;
        } else {
            proof.push(range(hashes, begin, middle)?);
            begin = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// That the tree of size `new` begins with all of the tree of size `old`.
///
/// # Errors
/// When a hash cannot be read.
pub fn consistency(hashes: &impl Hashes, old: u64, new: u64) -> Result<Vec<Hash>, RecordError> {
    let (mut begin, mut end, mut whole) = (0, new, true);
    let mut proof = Vec::new();
    if old == 0 {
        return Ok(proof);
    }
    while old != end {
        let middle = begin + split(end - begin);
        if old <= middle {
            proof.push(range(hashes, middle, end)?);
            end = middle;
        } else {
            proof.push(range(hashes, begin, middle)?);
            begin = middle;
            whole = false;
        }
    }
    if !whole {
        proof.push(range(hashes, begin, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Whether the proof leads from this leaf to this root.
pub fn is_included(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for beside in proof {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node(beside, &hash);
            let skipped = at.trailing_zeros().min(u64::BITS - 1);
            (at, last) = (at >> skipped, last >> skipped);
        } else {
            hash = node(&hash, beside);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && hash == *root
}

/// Whether the proof shows that the tree of the new root begins with all of the tree of the old one.
pub fn is_consistent(old: (u64, &Hash), new: (u64, &Hash), proof: &[Hash]) -> bool {
    let ((old, old_root), (new, new_root)) = (old, new);
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    if old == 0 || old > new {
        return old == 0 && proof.is_empty();
    }
    let mut hashes = proof.iter();
    let start = if old.is_power_of_two() { Some(old_root) } else { hashes.next() };
    let Some(start) = start else { return false };
    let skipped = (old - 1).trailing_ones();
    let (mut at, mut last) = ((old - 1) >> skipped, (new - 1) >> skipped);
    let (mut old_hash, mut new_hash) = (*start, *start);
    for beside in hashes {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            old_hash = node(beside, &old_hash);
            new_hash = node(beside, &new_hash);
            let skipped = at.trailing_zeros().min(u64::BITS - 1);
            (at, last) = (at >> skipped, last >> skipped);
        } else {
            new_hash = node(&new_hash, beside);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}

/// The hash of the leaves from `begin` up to `end`, as they stand in a tree.
fn range(hashes: &impl Hashes, begin: u64, end: u64) -> Result<Hash, RecordError> {
    let count = end - begin;
    if count.is_power_of_two() && begin.is_multiple_of(count) {
        let level = count.trailing_zeros();
        return hashes.at(level, begin >> level);
    }
    let middle = begin + split(count);
    Ok(node(&range(hashes, begin, middle)?, &range(hashes, middle, end)?))
}

/// How many of so many leaves, two at least, are in the left subtree.
fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

/// The hash above as many as there are, two to the power of something.
pub(super) fn fold(hashes: &[Hash]) -> Option<Hash> {
    match hashes {
        [] => None,
        [one] => Some(*one),
        several => {
            let (left, right) = several.split_at_checked(several.len() / 2)?;
            Some(node(&fold(left)?, &fold(right)?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All leaves at hand, and nothing else.
    struct Leaves(Vec<Hash>);

    impl Hashes for Leaves {
        fn at(&self, level: u32, index: u64) -> Result<Hash, RecordError> {
            let (begin, count) = ((index << level) as usize, 1 << level);
            Ok(fold(&self.0[begin..begin + count]).unwrap())
        }
    }

    fn leaves(count: u64) -> Leaves {
        Leaves((0..count).map(|it| leaf(it.to_string().as_bytes())).collect())
    }

    /// The definition, word for word.
    fn defined(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [one] => *one,
            several => {
                let mut split = 1;
                while split * 2 < several.len() {
                    split *= 2;
                }
                node(&defined(&several[..split]), &defined(&several[split..]))
            }
        }
    }

    #[test]
    fn a_root_is_what_the_standard_defines() {
        for size in 0..70 {
            let leaves = leaves(size);
            assert_eq!(root(&leaves, size).unwrap(), defined(&leaves.0), "{size}");
        }
    }

    #[test]
    fn every_leaf_is_proved_and_no_other() {
        for size in 1..40 {
            let leaves = leaves(size);
            let root = root(&leaves, size).unwrap();
            for index in 0..size {
                let proof = inclusion(&leaves, index, size).unwrap();
                for (other, hash) in leaves.0.iter().enumerate() {
                    let holds = is_included(hash, index, size, &proof, &root);
                    assert_eq!(holds, other as u64 == index, "{index} of {size}, as {other}");
                }
                let short = proof.split_last().map(|(_, rest)| rest);
                assert!(short.is_none_or(|it| !is_included(
                    &leaves.0[index as usize],
                    index,
                    size,
                    it,
                    &root
                )));
            }
        }
    }

    #[test]
    fn a_tree_grows_and_is_never_another() {
        for new in 1..40 {
            let leaves = leaves(new);
            let new_root = root(&leaves, new).unwrap();
            for old in 0..=new {
                let old_root = root(&leaves, old).unwrap();
                let proof = consistency(&leaves, old, new).unwrap();
                let holds = |root: &Hash| is_consistent((old, root), (new, &new_root), &proof);
                assert!(holds(&old_root), "{old} in {new}");
                // Nothing is said of the empty tree.
                assert_eq!(holds(&leaf(b"another")), old == 0, "{old} in {new}");
            }
        }
    }
}
