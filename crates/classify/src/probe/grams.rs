//! Words as numbers: pieces of three to five characters, the word, and the word with the one before it,
//! each hashed to one of 2^18 places.

use super::words::Word;

/// How many places there are.
pub const PLACES: usize = 1 << 18;

/// So many words are remembered: what is said over and over counts once.
const REMEMBERED: usize = 32;

/// The words of a text, one after the other, as places.
#[derive(Debug, Clone)]
pub(crate) struct Grams {
    before: u64,
    words: [u64; REMEMBERED],
    pairs: [u64; REMEMBERED],
    next: usize,
}

impl Default for Grams {
    fn default() -> Self {
        Self { before: 0, words: [0; REMEMBERED], pairs: [0; REMEMBERED], next: 0 }
    }
}

impl Grams {
    /// Calls `each` with the places of the next word. None are left where the same was said just before.
    pub(crate) fn next(&mut self, word: &Word, mut each: impl FnMut(usize)) {
        let own = digest(word);
        let pair = mix(self.before ^ 0x5bd1_e995, own);
        self.before = own;
        let is_new = !self.words.contains(&own);
        if !self.pairs.contains(&pair) {
            each(place(pair));
        }
        let at = self.next % REMEMBERED;
        if let (Some(word), Some(last)) = (self.words.get_mut(at), self.pairs.get_mut(at)) {
            (*word, *last) = (own, pair);
        }
        self.next += 1;
        if is_new {
            each(place(own));
            pieces(word, each);
        }
    }
}

/// The places of the pieces of a word.
fn pieces(word: &Word, mut each: impl FnMut(usize)) {
    if word.text().len() < 2 {
        return;
    }
    let bounded = ['\u{2}'].into_iter().chain(word.text().iter().copied()).chain(['\u{3}']);
    let mut last = [0_u64; 5];
    for (index, c) in bounded.enumerate() {
        let c = u64::from(u32::from(c));
        let [_, b, d, e, f] = last;
        last = [b, d, e, f, c];
        // Each piece that ends here.
        let mut piece = mix(3, c);
        for (length, earlier) in (2..).zip([f, e, d, b]) {
            if length > index + 1 {
                break;
            }
            piece = mix(piece, earlier);
            if length >= 3 {
                each(place(mix(piece, length as u64)));
            }
        }
    }
}

/// A word as one number.
pub(crate) fn digest(word: &Word) -> u64 {
    word.text().iter().fold(17, |hash, c| mix(hash, u64::from(u32::from(*c))))
}

fn mix(hash: u64, more: u64) -> u64 {
    let mixed = (hash ^ more).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

fn place(hash: u64) -> usize {
    // Fewer than 2^18: fits.
    usize::try_from(hash.wrapping_mul(0xd6e8_feb8_6659_fd93) >> 46).unwrap_or_default()
}
