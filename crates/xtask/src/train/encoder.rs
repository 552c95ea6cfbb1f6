//! The head of the probe's second score: a logistic regression over the vectors that a sentence encoder makes of
//! windows of text. The encoder is frozen; what is measured is measured on the folds of the probe itself, so that
//! both scores can be compared, and added.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use ringfence_classify::probe::{BLOCK, Encoder, EncoderHead, MOST, Model, SURE, Window};
use sha2::{Digest as _, Sha256};

use super::SEED;
use super::injections::Seeds;
use super::probe::{
    ALARMS, BEFORE, Document, FAMILIES, REAL, Seen, TAINTED, TRAFFIC, learn, look, own, read,
};
use super::regression;
use super::share::{number, threshold, wilson};
use crate::fuzz::random::Random;
use crate::{Failure, files};

/// The numbers of a vector.
const WIDTH: usize = 384;
/// Vectors that were made before, by what they were made of.
const KEPT: &str = "target/encoder/means.bin";
const KEY: usize = 16;
/// So much of a text is read, as at work.
const BYTES: usize = 4 * BLOCK;
/// How much instructions weigh in all, against everything else.
const POSITIVE: f64 = 0.4;
/// Windows of each text without an instruction, beside the one that scores most.
const WINDOWS: usize = 3;
const ROUNDS: usize = 3;
/// What the scores of a text are of, in this order.
const SCORES: [&str; 3] = ["built in", "encoder", "both"];

pub(super) struct Trained {
    pub(super) file: String,
    pub(super) page: String,
}

/// `folder`: where `model.onnx` and `vocab.txt` are.
pub(super) fn train(rows: &str, seeds: &Seeds, folder: &Path) -> Result<Trained, Failure> {
    let [network, vocabulary] =
        ["model.onnx", "vocab.txt"].map(|name| files::read_bytes(&folder.join(name)));
    let (network, vocabulary) = (network?, vocabulary?);
    let digests = [digest(&network), digest(&vocabulary)];
    let blank = EncoderHead {
        digests: digests.clone(),
        mix: [0.0; 3],
        taints_from: f32::INFINITY,
        weights: vec![0.0; WIDTH + 1],
    };
    let encoder = Encoder::new(network, &String::from_utf8(vocabulary)?, blank, Duration::MAX)?;
    let mut documents = read(rows);
    let tested = documents.len();
    let every: Vec<&Document> = documents.iter().collect();
    let own = own(&every, seeds, &mut Random::new(SEED));
    documents.extend(own);
    let texts = texts(&encoder, &documents)?;
    let mut folds = Vec::new();
    for family in FAMILIES {
        for real in REAL {
            let held_out: BTreeSet<&str> = family.iter().copied().chain([real]).collect();
            let known = documents.get(..tested).unwrap_or_default();
            let file = learn(known, &held_out, seeds).file(BEFORE, f32::MAX);
            let model = Model::read(&file).ok_or("the weights of a fold cannot be read")?;
            let head = head(&texts, &held_out);
            let rows = texts.iter().take(tested).filter(|text| match text.document.positive {
                true => family.contains(&text.document.source.as_str()),
                false => text.document.source == real,
            });
            let rows = rows.map(|text| text.measure(model, &head)).collect();
            folds.push(Fold { real, rows });
            eprintln!("without {} and {real}: done", family.join(", "));
        }
    }
    let [a, b] = [0, 1].map(|score| calibrated(&folds, score));
    for row in folds.iter_mut().flat_map(|fold| &mut fold.rows) {
        let [words, meaning, both] = &mut row.scores;
        *both = f64::midpoint(a.0 * *words + a.1, b.0 * *meaning + b.1);
    }
    let c = calibrated(&folds, 2);
    // What is at work is one sum of the two scores as they come.
    let mix = [c.0 * a.0 / 2.0, c.0 * b.0 / 2.0, c.0 * f64::midpoint(a.1, b.1) + c.1];
    for row in folds.iter_mut().flat_map(|fold| &mut fold.rows) {
        let [words, meaning, both] = row.scores;
        row.scores = [a.0 * words + a.1, b.0 * meaning + b.1, c.0 * both + c.1];
    }
    let harmless: Vec<f64> = traffic(&folds)
        .flat_map(|fold| fold.rows.iter().filter(|row| !row.attack).map(|row| row.scores[2]))
        .collect();
    let taints_from = threshold(&harmless, TAINTED);
    let weights = head(&texts, &BTreeSet::new());
    let [words, meaning, offset] = mix.map(rounded);
    let taints_from = rounded(taints_from);
    let head = EncoderHead { digests, mix: [words, meaning, offset], taints_from, weights };
    Ok(Trained { file: head.write(), page: page(&folds, &head) })
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Four places: what is committed does not hang on the last bits of a sum.
fn rounded(number: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "a number of a head")]
    let rounded = ((number * 1e4).round() / 1e4) as f32;
    rounded
}

/// A text as its windows, and their vectors.
struct Text<'d> {
    document: &'d Document,
    windows: Vec<Window>,
    means: Vec<Vec<f32>>,
}

/// The vectors of all texts. Those that were made before are taken from a file beside the build, and new ones are added.
fn texts<'d>(encoder: &Encoder, documents: &'d [Document]) -> Result<Vec<Text<'d>>, Failure> {
    let kept = files::read_bytes(Path::new(KEPT)).unwrap_or_default();
    let mut known: HashMap<[u8; KEY], Vec<f32>> = HashMap::new();
    for entry in kept.chunks_exact(KEY + 4 * WIDTH) {
        let Some((key, mean)) = entry.split_first_chunk::<KEY>() else { continue };
        let numbers = mean.chunks_exact(4).filter_map(|bytes| bytes.try_into().ok());
        known.insert(*key, numbers.map(f32::from_le_bytes).collect());
    }
    let mut file = kept;
    let (mut texts, mut made, mut same) = (Vec::new(), 0_usize, Agreement::default());
    for (at, document) in documents.iter().enumerate() {
        let text = document.text.as_str();
        let windows = encoder.windows(text, [0, BYTES]);
        let mut means = Vec::with_capacity(windows.len());
        for window in &windows {
            let key = key(window);
            let mean = match known.get(&key) {
                Some(mean) => {
                    if at % 199 == 0 {
                        same.add(mean, &encoder.mean(window)?);
                    }
                    mean.clone()
                }
                None => {
                    let mean = encoder.mean(window)?;
                    file.extend(key);
                    mean.iter().for_each(|number| file.extend(number.to_le_bytes()));
                    known.insert(key, mean.clone());
                    made += 1;
                    mean
                }
            };
            means.push(mean);
        }
        texts.push(Text { document, windows, means });
        if at % 500 == 499 {
            eprintln!("{} of {} texts, {made} windows made", at + 1, documents.len());
            if made > 0 {
                files::write_bytes(KEPT, &file)?;
            }
        }
    }
    files::write_bytes(KEPT, &file)?;
    eprintln!(
        "{made} windows made; of those known, {} made again: cosine at least {}",
        same.of, same.least
    );
    Ok(texts)
}

fn key(window: &Window) -> [u8; KEY] {
    let bytes: Vec<u8> = window.pieces.iter().flat_map(|id| id.to_le_bytes()).collect();
    let mut key = [0; KEY];
    key.iter_mut().zip(Sha256::digest(&bytes)).for_each(|(to, from)| *to = from);
    key
}

/// How far vectors that were made twice agree.
struct Agreement {
    of: usize,
    least: f32,
}

impl Default for Agreement {
    fn default() -> Self {
        Self { of: 0, least: 1.0 }
    }
}

impl Agreement {
    fn add(&mut self, a: &[f32], b: &[f32]) {
        self.of += 1;
        self.least = self.least.min(a.iter().zip(b).map(|(a, b)| a * b).sum());
    }
}

/// What a text came to, unseen.
struct Row<'d> {
    source: &'d str,
    attack: bool,
    surest: f64,
    /// As [`SCORES`].
    scores: [f64; 3],
    /// Whether the first score taints as it is set.
    tainted: bool,
}

impl<'d> Text<'d> {
    /// As at work: the windows that the first score likes most.
    fn measure(&self, model: Model<'_>, head: &[f32]) -> Row<'d> {
        let Document { source, positive, text, .. } = self.document;
        let Seen { words, surest } = look(model, self.document);
        let liked = if self.windows.len() <= MOST {
            self.windows.clone()
        } else {
            Encoder::liked(model, text, self.windows.clone())
        };
        let all = self.windows.iter().zip(&self.means);
        let of_liked = all.filter(|(window, _)| liked.contains(window));
        let most = of_liked.map(|(_, mean)| regression::score(head, mean)).fold(-9.0, f32::max);
        let tainted = words >= f64::from(Model::trained().taints_from()) || surest >= SURE;
        let scores = [words, f64::from(most), 0.0];
        Row { source, attack: *positive, surest, scores, tainted }
    }
}

struct Fold<'d> {
    real: &'static str,
    rows: Vec<Row<'d>>,
}

fn traffic<'f, 'd>(folds: &'f [Fold<'d>]) -> impl Iterator<Item = &'f Fold<'d>> {
    folds.iter().filter(|fold| REAL.iter().take(TRAFFIC).any(|real| *real == fold.real))
}

/// The slope and offset with which a score of unseen sources is a log-odds, were half of the texts attacks.
fn calibrated(folds: &[Fold<'_>], score: usize) -> (f64, f64) {
    let rows = || traffic(folds).flat_map(|fold| &fold.rows);
    let of = |row: &Row<'_>| row.scores.get(score).copied().unwrap_or_default();
    let attacks: Vec<f64> = rows().filter(|row| row.attack).map(of).collect();
    let harmless: Vec<f64> = rows().filter(|row| !row.attack).map(of).collect();
    regression::meaning(&attacks, &harmless)
}

/// A head over all texts but those of these sources: at first from whole texts, then from the window of each that
/// scores most.
fn head(texts: &[Text<'_>], held_out: &BTreeSet<&str>) -> Vec<f32> {
    let mut random = Random::new(SEED);
    let is_out = |source: &str| held_out.contains(source);
    let used: Vec<&Text<'_>> = texts
        .iter()
        .filter(|text| !text.means.is_empty() && !is_out(&text.document.source))
        .filter(|text| !text.document.host.as_deref().is_some_and(is_out))
        .collect();
    let mut learnt: Option<Vec<f32>> = None;
    for _ in 0..ROUNDS {
        let mut examples: Vec<(&str, bool, f64, &[f32])> = Vec::new();
        for text in &used {
            let Document { source, positive, host, .. } = text.document;
            let many = text.means.len() > 1;
            let best = learnt.as_ref().map(|head| {
                let scores = text.means.iter().map(|mean| regression::score(head, mean));
                let best = scores.enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
                best.map_or(0, |(at, _)| at)
            });
            let mut add = |at: usize, weight: f64| {
                if let Some(mean) = text.means.get(at) {
                    examples.push((source, *positive, weight, mean));
                }
            };
            if *positive {
                // An instruction within a document of another kind: where it is, is not known at first.
                let is_hidden = source == "bipia" || host.is_some();
                match best {
                    Some(best) => add(best, 1.0),
                    None if is_hidden && many => {}
                    None => add(0, 1.0),
                }
            } else {
                for _ in 0..text.means.len().min(WINDOWS) {
                    add(random.below(text.means.len()), 1.0);
                }
                if let Some(best) = best.filter(|_| many) {
                    add(best, 2.0);
                }
            }
        }
        learnt = Some(regression::train(&weighed(&examples), WIDTH));
    }
    learnt.unwrap_or_default().into_iter().map(|weight| rounded(f64::from(weight))).collect()
}

/// Every source of attacks counts, large ones more, and all attacks together for a share of the rest.
fn weighed<'m>(examples: &[(&str, bool, f64, &'m [f32])]) -> Vec<regression::Example<'m>> {
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    let mut harmless = 0.0;
    for (source, positive, weight, _) in examples {
        if *positive {
            *sums.entry(source).or_default() += weight;
        } else {
            harmless += weight;
        }
    }
    let roots: f64 = sums.values().map(|sum| sum.sqrt()).sum();
    let example = |(source, positive, weight, mean): &(&str, bool, f64, &'m [f32])| {
        let factor = match sums.get(source).filter(|_| *positive) {
            Some(sum) => POSITIVE * harmless * sum.sqrt() / roots / sum,
            None => 1.0,
        };
        regression::Example { mean, positive: *positive, weight: weight * factor }
    };
    examples.iter().map(example).collect()
}

fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

fn page(folds: &[Fold<'_>], head: &EncoderHead) -> String {
    let mut page = String::from(ABOUT);
    for with_detectors in [true, false] {
        let title = if with_detectors { "With detectors" } else { "Without detectors" };
        let _ = write!(
            page,
            "\n## {title}\n\n| score | 0.1 % | 0.4 % | 1 % | 5 % | mean of the rows at 1 % |\n|---|---|---|---|---|---|\n"
        );
        for (at, name) in SCORES.iter().enumerate() {
            let _ = write!(page, "| {name} |");
            let mut rows = Vec::new();
            for share in ALARMS {
                let (mut found, mut of) = (0, 0);
                for fold in traffic(folds) {
                    for (hits, all, _) in fold.found(at, with_detectors, share) {
                        found += hits;
                        of += all;
                        if share == 0.01 {
                            rows.push(number(hits) / number(all));
                        }
                    }
                }
                // Each attack is met by three models: the interval is that of a third as many.
                let _ = write!(page, " {} |", wilson(found / TRAFFIC, of / TRAFFIC));
            }
            let mean = 100.0 * rows.iter().sum::<f64>() / number(rows.len().max(1));
            let _ = writeln!(page, " {mean:.1} |");
        }
    }
    page.push_str("\n## At 1 % false alarms, with detectors\n\n| attacks of | n | false alarms on | built in | encoder | both |\n|---|--:|---|---|---|---|\n");
    for fold in folds {
        let [first, second, both] = [0, 1, 2].map(|at| fold.found(at, true, 0.01));
        for (((a, of, source), (b, ..)), (c, ..)) in first.into_iter().zip(second).zip(both) {
            let [a, b, c] = [a, b, c].map(|hits| wilson(hits, of));
            let _ = writeln!(page, "| {source} | {of} | {} | {a} | {b} | {c} |", fold.real);
        }
    }
    at_work(&mut page, folds, head.taints_from);
    page
}

impl Fold<'_> {
    /// Of each source of attacks, how many are found at this share of false alarms, and of how many.
    fn found(&self, score: usize, with_detectors: bool, share: f64) -> Vec<(usize, usize, &str)> {
        let of = |row: &Row<'_>| {
            let score = row.scores.get(score).copied().map(probability).unwrap_or_default();
            if with_detectors { score.max(row.surest) } else { score }
        };
        let harmless: Vec<f64> = self.rows.iter().filter(|row| !row.attack).map(of).collect();
        let from = threshold(&harmless, share);
        let mut found: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.attack) {
            let entry = found.entry(row.source).or_default();
            entry.0 += usize::from(of(row) > from);
            entry.1 += 1;
        }
        found.into_iter().map(|(source, (hits, all))| (hits, all, source)).collect()
    }
}

/// What taints as it is set: by the first score or a detector, and where the second is asked too.
fn at_work(page: &mut String, folds: &[Fold<'_>], taints_from: f32) {
    let _ = write!(
        page,
        "\n## As it is set\n\nThe second score is asked where the first does not taint, and taints from a sum of {taints_from:.3}.\n\n| texts | of | first score and detectors | with the second |\n|---|--:|---|---|\n"
    );
    let mut rows: BTreeMap<(u8, &str), [usize; 3]> = BTreeMap::new();
    for fold in folds {
        for row in &fold.rows {
            let counts = rows.entry((u8::from(!row.attack), row.source)).or_default();
            counts[0] += 1;
            counts[1] += usize::from(row.tainted);
            counts[2] += usize::from(row.tainted || row.scores[2] >= f64::from(taints_from));
        }
    }
    // Every text was met by the models of four folds.
    for ((kind, source), counts) in rows {
        let [of, first, both] = counts.map(|count| count / 4);
        let what = if kind == 0 { "attacks" } else { "harmless" };
        let _ = writeln!(
            page,
            "| {source}, {what} | {of} | {first}: {} % | {both}: {} % |",
            wilson(first, of),
            wilson(both, of)
        );
    }
}

const ABOUT: &str = "# What a sentence encoder adds to the probe

Generated by `cargo xtask train --only encoder`: MiniLM-L6 (frozen, int8, 22.8 MB), windows of 128 pieces of words, a logistic head over the mean of each. The eight windows are read that the model that is built in likes
most, and the score of a text is that of its highest. The folds are those of [probe.md](probe.md): neither model has seen the family of attacks or the source of real results of its row. *Built in* is the
model that ships; *both* is the mean of the two log-odds, in equal parts, which nobody chose by these figures. In brackets: Wilson intervals of 95 %; each attack is met by three sources of results, so that the interval is that of a
third as many. *Mean of the rows*: each source of attacks with each source of results counts the same.
";
