//! The linear model: a weight for each place of [`grams`](super::grams), added up over windows of words.
//!
//! Weights are bytes, so that sums are exact and the same everywhere. The file has a head of six
//! little-endian numbers of four bytes: a magic number, the worth of one unit, the bias, the slope and
//! offset that make a probability of a score, and the score from which a text taints.

use std::collections::VecDeque;

use super::grams::{Grams, PLACES};
use super::words::{Word, Words};

/// How many words are looked at together.
pub const WINDOW: usize = 48;

/// Windows of fewer places count as this many: a few words alone are no evidence.
const FEWEST: u32 = 60;

/// Parts of a text, in bytes, of which those that score most are worth a second look.
pub const BLOCK: usize = 2_000;
/// So many of them.
const LIKED: usize = 4;
/// So much of what stands around them belongs to them.
const AROUND: usize = 200;

const MAGIC: u32 = u32::from_le_bytes(*b"RFP1");
const HEAD: usize = 24;

static TRAINED: &[u8] = include_bytes!("../../weights/probe.bin");

/// Weights, and what a score means.
#[derive(Debug, Clone, Copy)]
pub struct Model<'w> {
    weights: &'w [u8],
    unit: f32,
    bias: f32,
    slope: f32,
    offset: f32,
    taints_from: f32,
}

/// What a score means: the numbers of the head.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// What one unit of a weight is worth.
    pub unit: f32,
    /// The score of no words.
    pub bias: f32,
    /// Of the probability's logit.
    pub slope: f32,
    /// Of the probability's logit.
    pub offset: f32,
    /// The score from which a text taints.
    pub taints_from: f32,
}

impl Model<'static> {
    /// The weights that were trained for this version.
    pub fn trained() -> Self {
        // A test reads them: what does not fit cannot be built.
        Self::read(TRAINED).unwrap_or(Self::BLANK)
    }

    const BLANK: Self =
        Self { weights: &[], unit: 0.0, bias: 0.0, slope: 0.0, offset: 0.0, taints_from: 0.0 };
}

impl<'w> Model<'w> {
    /// Reads a file of weights; nothing where it is not one.
    pub fn read(file: &'w [u8]) -> Option<Self> {
        let (head, weights) = file.split_at_checked(HEAD)?;
        let mut numbers = head.chunks_exact(4).map(|bytes| <[u8; 4]>::try_from(bytes).ok());
        let magic = u32::from_le_bytes(numbers.next()??);
        if magic != MAGIC || weights.len() != PLACES {
            return None;
        }
        let mut number = || numbers.next()?.map(f32::from_le_bytes);
        let (unit, bias) = (number()?, number()?);
        let (slope, offset, taints_from) = (number()?, number()?, number()?);
        Some(Self { weights, unit, bias, slope, offset, taints_from })
    }

    /// A file of these weights.
    pub fn write(head: &Head, weights: &[i8]) -> Vec<u8> {
        let numbers = [head.unit, head.bias, head.slope, head.offset, head.taints_from];
        let mut file = MAGIC.to_le_bytes().to_vec();
        file.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        file.extend(weights.iter().map(|weight| weight.cast_unsigned()));
        file
    }

    fn weight(&self, place: usize) -> i64 {
        self.weights.get(place).map_or(0, |weight| i64::from(weight.cast_signed()))
    }

    /// The probability that a text of this score was made to instruct who reads it, among texts of which
    /// one in two was.
    pub fn probability(&self, score: f32) -> f64 {
        let logit = f64::from(self.slope) * f64::from(score) + f64::from(self.offset);
        1.0 / (1.0 + (-logit).exp())
    }

    /// The slope and offset of [`Model::probability`].
    pub fn meaning(&self) -> (f32, f32) {
        (self.slope, self.offset)
    }

    /// The score from which a text taints.
    pub fn taints_from(&self) -> f32 {
        self.taints_from
    }
}

/// A window of words, and what it comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Best {
    /// Higher is more like an instruction; see [`Model::probability`].
    pub score: f32,
    /// Byte offsets, end-exclusive.
    pub span: [usize; 2],
}

/// Scores a text word by word, in memory that does not grow with it.
#[derive(Debug)]
pub(crate) struct Windows<'w> {
    model: Model<'w>,
    grams: Grams,
    ring: VecDeque<Scored>,
    sum: i64,
    places: u32,
    best: Option<Best>,
    /// Blocks by number, with what their best window came to.
    liked: Vec<(usize, f32)>,
    /// Whether there were more words than a window has.
    is_long: bool,
}

#[derive(Debug, Clone, Copy)]
struct Scored {
    sum: i64,
    places: u32,
    span: [usize; 2],
}

impl<'w> Windows<'w> {
    pub(crate) fn new(model: Model<'w>) -> Self {
        let ring = VecDeque::with_capacity(WINDOW + 1);
        let grams = Grams::default();
        Self {
            model,
            grams,
            ring,
            sum: 0,
            places: 0,
            best: None,
            liked: Vec::new(),
            is_long: false,
        }
    }

    pub(crate) fn push(&mut self, word: &Word) {
        let (mut sum, mut places) = (0, 0);
        self.grams.next(word, |place| {
            sum += self.model.weight(place);
            places += 1;
        });
        self.sum += sum;
        self.places += places;
        self.ring.push_back(Scored { sum, places, span: word.span });
        if self.ring.len() > WINDOW
            && let Some(first) = self.ring.pop_front()
        {
            self.sum -= first.sum;
            self.places -= first.places;
            self.is_long = true;
        }
        if self.ring.len() == WINDOW {
            self.look();
        }
    }

    /// The window that scored most, and the parts of a text of this length that did.
    pub(crate) fn finish(mut self, length: usize) -> (Best, Vec<[usize; 2]>) {
        if !self.is_long && self.ring.len() < WINDOW {
            self.look();
        }
        self.liked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let part = |block: usize| {
            let start = block * BLOCK;
            [start.saturating_sub(AROUND), (start + BLOCK + AROUND).min(length)]
        };
        let liked = match length {
            0 => Vec::new(),
            _ if length <= LIKED * BLOCK => vec![[0, length]],
            _ => self.liked.iter().map(|(block, _)| part(*block)).collect(),
        };
        (self.best.unwrap_or(Best { score: self.model.bias, span: [0, 0] }), liked)
    }

    fn look(&mut self) {
        let (Some(first), Some(last)) = (self.ring.front(), self.ring.back()) else { return };
        #[expect(clippy::cast_precision_loss, reason = "sums of 48 words are small")]
        let (sum, places) = (self.sum as f32, self.places.max(FEWEST) as f32);
        let score = sum * self.model.unit / places.sqrt() + self.model.bias;
        if self.best.is_none_or(|best| score > best.score) {
            let ([start, _], [_, end]) = (first.span, last.span);
            self.best = Some(Best { score, span: [start, end.max(start)] });
        }
        self.like(first.span[0] / BLOCK, score);
    }

    /// Of the blocks seen so far, those that scored most. One that falls out scored less than all that are left, and
    /// comes back where it scores more further on.
    fn like(&mut self, block: usize, score: f32) {
        if let Some((_, most)) = self.liked.iter_mut().find(|(known, _)| *known == block) {
            *most = most.max(score);
            return;
        }
        if self.liked.len() < LIKED {
            self.liked.push((block, score));
            return;
        }
        let least = self.liked.iter_mut().min_by(|(_, a), (_, b)| a.total_cmp(b));
        if let Some(least) = least.filter(|(_, least)| *least < score) {
            *least = (block, score);
        }
    }
}

/// The score of a short text by its words alone.
pub(super) fn of_words(model: Model<'_>, text: &str) -> f32 {
    let (mut words, mut windows) = (Words::default(), Windows::new(model));
    for (at, c) in text.char_indices() {
        words.push(c, at, &mut |word| windows.push(word));
    }
    words.finish(&mut |word| windows.push(word));
    windows.finish(text.len()).0.score
}
