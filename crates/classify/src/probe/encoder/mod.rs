//! A sentence encoder as the second score: windows of a text as vectors, and one linear head over each.
//!
//! The model is the user's own file; what ships is the head, `weights/encoder.tsv`, which names by digest the model
//! that it was trained over. No other is taken. Of a text, the [`MOST`] windows are read that the first score likes
//! most, the best first, until the time is over.

mod tokens;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rten::{Model as Network, ModelOptions, NodeId, OpRegistry, RunOptions, ThreadPool, Value};

use self::tokens::Vocabulary;
use super::model::of_words;
use super::{Meaning, Model, Report, Second};

/// So many pieces of words are read together, the marks of a beginning and an end among them.
pub const PIECES: usize = 128;
/// So many lie between the beginnings of two windows.
const STEP: usize = 96;
/// So many windows of one text are read.
pub const MOST: usize = 8;

static TRAINED: &str = include_str!("../../../weights/encoder.tsv");

/// The linear part over the vectors, and what it means together with the first score.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// SHA-256 of the model that it was trained over, and of its vocabulary.
    pub digests: [String; 2],
    /// What the first score counts for, what this one, and what both are moved by.
    pub mix: [f32; 3],
    /// The sum from which a text taints.
    pub taints_from: f32,
    /// One for each number of a vector, then the score of none.
    pub weights: Vec<f32>,
}

impl Head {
    /// The head that was trained for this version.
    pub fn trained() -> Self {
        // A test reads it: what does not fit cannot be built.
        let none = || Self {
            digests: [const { String::new() }; 2],
            mix: [0.0; 3],
            taints_from: f32::INFINITY,
            weights: Vec::new(),
        };
        Self::read(TRAINED).unwrap_or_else(none)
    }

    /// Reads a file of it; nothing where it is not one.
    pub fn read(file: &str) -> Option<Self> {
        let mut lines = file.lines().filter(|line| !line.starts_with('#'));
        let mut named = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix('\t');
        let digests = [named("model")?.to_owned(), named("vocabulary")?.to_owned()];
        let mut number = |name| named(name)?.parse().ok();
        let mix = [number("words")?, number("meaning")?, number("offset")?];
        let taints_from = number("taints")?;
        let weights = lines.map(|line| line.parse().ok()).collect::<Option<Vec<f32>>>()?;
        Some(Self { digests, mix, taints_from, weights })
    }

    /// A file of it.
    pub fn write(&self) -> String {
        let Self { digests: [model, vocabulary], mix: [words, meaning, offset], .. } = self;
        let mut file = format!(
            "# The head of the probe's second score: docs/models.md. Written by `xtask train --only encoder`.\n\
             model\t{model}\nvocabulary\t{vocabulary}\nwords\t{words}\nmeaning\t{meaning}\noffset\t{offset}\n\
             taints\t{}\n",
            self.taints_from
        );
        self.weights.iter().for_each(|weight| file.push_str(&format!("{weight}\n")));
        file
    }

    /// The score of a window.
    pub fn score(&self, mean: &[f32]) -> f32 {
        let bias = self.weights.last().copied().unwrap_or_default();
        bias + self.weights.iter().zip(mean).map(|(weight, number)| weight * number).sum::<f32>()
    }

    /// What a window's score comes to with the first score of its text.
    fn together(&self, words: f32, meaning: f32) -> f32 {
        let [by_words, by_meaning, offset] = self.mix;
        by_words * words + by_meaning * meaning + offset
    }
}

/// A window of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// What the model reads.
    pub pieces: Vec<i32>,
    /// Byte offsets, end-exclusive.
    pub span: [usize; 2],
}

/// A model that was loaded, and stays so.
pub struct Encoder {
    network: Network,
    /// Pieces, which of them count, and of which sentence they are.
    inputs: [NodeId; 3],
    output: NodeId,
    /// One thread: what a result takes is not taken from the agent.
    options: RunOptions,
    vocabulary: Vocabulary,
    head: Head,
    patience: Duration,
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl Encoder {
    /// A model in the ONNX format, the pieces that it knows, one a line, and the head over it. `patience`: how long it
    /// reads one text. Whether these are the files that the head was trained over, is the caller's to check.
    ///
    /// # Errors
    /// In words for people, where the files are no such model.
    pub fn new(
        network: Vec<u8>,
        vocabulary: &str,
        head: Head,
        patience: Duration,
    ) -> Result<Self, String> {
        let vocabulary = Vocabulary::read(vocabulary)
            .ok_or("the vocabulary lacks [CLS], [SEP] or [UNK]: it is not that of the model")?;
        let load = || {
            let options = ModelOptions::with_ops(operators());
            options.load(network).map_err(|error| format!("it is no model: {error}"))
        };
        let network = catch_unwind(load).map_err(|_| "it is no model")??;
        let node = |name: &str| {
            network.node_id(name).map_err(|_| format!("the model has nothing called `{name}`"))
        };
        let inputs = [node("input_ids")?, node("attention_mask")?, node("token_type_ids")?];
        let output = node("last_hidden_state")?;
        let pool = Arc::new(ThreadPool::with_num_threads(1));
        let options = RunOptions::default().with_thread_pool(Some(pool));
        Ok(Self { network, inputs, output, options, vocabulary, head, patience })
    }

    /// The windows of a part of a text; offsets are those of the text.
    pub fn windows(&self, text: &str, [from, to]: [usize; 2]) -> Vec<Window> {
        let from = text.floor_char_boundary(from);
        let part = text.get(from..text.floor_char_boundary(to)).unwrap_or_default();
        let pieces = self.vocabulary.pieces(part);
        let starts = (0..pieces.len().saturating_sub(PIECES - STEP).max(1)).step_by(STEP);
        let window = |start: usize| {
            let of = pieces.get(start..pieces.len().min(start + PIECES - 2))?;
            let span = [of.first()?.word[0] + from, of.last()?.word[1] + from];
            let marks = |id: i32| std::iter::once(id);
            let inner = of.iter().map(|piece| piece.id);
            let pieces =
                marks(self.vocabulary.begin).chain(inner).chain(marks(self.vocabulary.end));
            Some(Window { pieces: pieces.collect(), span })
        };
        starts.filter_map(window).collect()
    }

    /// Of these windows the [`MOST`] that the first score likes most, the best first.
    pub fn liked(model: Model<'_>, text: &str, windows: Vec<Window>) -> Vec<Window> {
        let likes = |window: Window| {
            let [from, to] = window.span;
            (of_words(model, text.get(from..to).unwrap_or_default()), window)
        };
        let mut windows: Vec<(f32, Window)> = windows.into_iter().map(likes).collect();
        windows.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        windows.into_iter().map(|(_, window)| window).take(MOST).collect()
    }

    /// The mean of a window's vectors, of length one.
    ///
    /// # Errors
    /// In words for people, where the model cannot be run.
    pub fn mean(&self, window: &Window) -> Result<Vec<f32>, String> {
        let length = window.pieces.len();
        let run = || {
            let feed = |numbers: Vec<i32>| {
                Value::from_shape([1, length], numbers).map_err(|error| error.to_string())
            };
            let [pieces, counts, sentence] = self.inputs;
            let inputs = vec![
                (pieces, feed(window.pieces.clone())?.into()),
                (counts, feed(vec![1; length])?.into()),
                (sentence, feed(vec![0; length])?.into()),
            ];
            let [out] = self
                .network
                .run_n(inputs, [self.output], Some(self.options.clone()))
                .map_err(|error| error.to_string())?;
            out.into_shape_vec::<f32, 3>().map_err(|error| error.to_string())
        };
        let ran = catch_unwind(AssertUnwindSafe(run)).map_err(|_| "the model broke off")?;
        let ([_, rows, width], vectors) = ran?;
        if rows != length || width + 1 != self.head.weights.len() {
            return Err(format!(
                "the model answers with {width} numbers for each of {rows} pieces"
            ));
        }
        let mut mean = vec![0.0_f32; width];
        for vector in vectors.chunks_exact(width) {
            mean.iter_mut().zip(vector).for_each(|(sum, number)| *sum += number);
        }
        let size = mean.iter().map(|number| number * number).sum::<f32>().sqrt();
        if !size.is_normal() {
            return Err("the model answers with no numbers".to_owned());
        }
        mean.iter_mut().for_each(|number| *number /= size);
        Ok(mean)
    }
}

/// What a model of this kind is made of. No other operator becomes part of the binary.
fn operators() -> OpRegistry {
    rten::op_registry!(
        Add,
        And,
        Cast,
        Concat,
        DequantizeLinear,
        Div,
        DynamicQuantizeLinear,
        Erf,
        Expand,
        Gather,
        GatherND,
        GreaterOrEqual,
        IsNaN,
        LayerNormalization,
        MatMul,
        MatMulInteger,
        Max,
        Mul,
        Range,
        Reshape,
        Shape,
        Slice,
        Softmax,
        Squeeze,
        Transpose,
        Unsqueeze,
        Where
    )
}

impl Second for Encoder {
    fn read(&self, model: Model<'_>, text: &str, first: &Report) -> Meaning {
        #[expect(clippy::disallowed_methods, reason = "how long it may take is bounded")]
        let began = Instant::now();
        let windows = first.liked.iter().flat_map(|part| self.windows(text, *part)).collect();
        let windows = Self::liked(model, text, windows);
        let (mut read, mut problem) = (0, None);
        let mut best: Option<(f32, [usize; 2])> = None;
        for window in &windows {
            if began.elapsed() >= self.patience {
                problem = Some(format!("{} ms were over", self.patience.as_millis()));
                break;
            }
            match self.mean(window) {
                Ok(mean) => {
                    let score = self.head.score(&mean);
                    if best.is_none_or(|(most, _)| score > most) {
                        best = Some((score, window.span));
                    }
                    read += 1;
                }
                Err(error) => {
                    problem = Some(error);
                    break;
                }
            }
        }
        let windows = [read, windows.len()];
        let Some((meaning, span)) = best else {
            return Meaning { problem, windows, ..Meaning::unread("") };
        };
        let sum = self.head.together(first.words.score, meaning);
        let score = 1.0 / (1.0 + (-f64::from(sum)).exp());
        let taints = sum >= self.head.taints_from;
        Meaning { score: Some(score), taints, span, windows, problem }
    }
}

#[cfg(test)]
mod tests {
    use super::Head;

    #[test]
    fn the_head_that_ships_is_read_and_written_as_it_is() {
        let head = Head::trained();
        assert_eq!(head.weights.len(), 385);
        assert!(head.mix.iter().take(2).all(|part| *part > 0.0), "{:?}", head.mix);
        assert!(head.taints_from.is_finite());
        assert_eq!(head.write(), super::TRAINED);
    }
}
