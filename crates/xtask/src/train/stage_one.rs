//! Stage 1's weights: what the engine worked out of recorded and collected actions, with a weight for
//! each name whose sign is given: evidence of danger is never below zero, that of consent never above.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use ringfence_action::Verdict;
use ringfence_classify::stage_one::{Feature, Model, Side};
use ringfence_testkit::{Corpora, Row};

use super::SEED;
use super::share::{number, threshold, wilson};
use crate::Failure;
use crate::corpus::{history, measure};
use crate::fuzz::random::Random;

/// Real traffic: thresholds are set on it, and what is held out never trains.
const TRAFFIC: [&str; 2] = ["entire_cli", "minsky_cursor"];
/// What is dangerous, and of which tiers. The tests of two other guards are one family.
const DANGER: [(&str, &[&str]); 5] = [
    ("atomic_red_team", &["strong"]),
    ("dcg_tests", &["author_policy"]),
    ("safety_net_tests", &["author_policy"]),
    ("gtfobins", &["strong"]),
    ("redcode", &["strong"]),
];
const GUARDS: [&str; 2] = ["dcg_tests", "safety_net_tests"];
/// Harmless, and trained on where not held out.
const HARMLESS: [&str; 7] = [
    "entire_cli",
    "minsky_cursor",
    "swe_mini_gemini3",
    "dcg_tests",
    "safety_net_tests",
    "agentbench_os",
    "intercode_bash",
];
/// Large sources: one of so many sessions is enough, chosen by its name.
const SAMPLED: [&str; 3] = ["entire_cli", "minsky_cursor", "swe_mini_gemini3"];
const ONE_OF: u32 = 4;
/// How much more of the traffic is interrupted.
const MORE: [f64; 6] = [0.0003, 0.001, 0.004, 0.01, 0.05, 0.085];
/// The share of the traffic that a judge is to look at.
const FLAGGED: f64 = 0.05;
const EPOCHS: usize = 12;
const STEP: f64 = 0.1;
const SHRINK: f64 = 1e-3;
/// Names in fewer actions are no evidence.
const FEWEST: usize = 4;

/// An action, as evidence.
struct Seen {
    source: String,
    danger: bool,
    /// Stopped by rules and session alone.
    stopped: bool,
    features: BTreeSet<Feature>,
}

pub(super) struct Trained {
    pub(super) file: String,
    pub(super) page: String,
}

pub(super) fn train(corpora: &Corpora) -> Result<Trained, Failure> {
    let seen = look(corpora)?;
    let mut folds = Vec::new();
    for (held_out, _) in DANGER {
        let family: Vec<&str> =
            if GUARDS.contains(&held_out) { GUARDS.to_vec() } else { vec![held_out] };
        let of_traffic = |seen: &Seen| TRAFFIC.contains(&seen.source.as_str());
        let known: Vec<&Seen> = seen
            .iter()
            .filter(|it| !family.contains(&it.source.as_str()) && !of_traffic(it))
            .collect();
        let model = learn(&known);
        let score = |seen: &&Seen| (seen.stopped, model.score(&seen.features));
        let attacks: Vec<_> = seen.iter().filter(|it| it.danger && it.source == held_out).collect();
        let traffic: Vec<_> = seen.iter().filter(|it| of_traffic(it)).collect();
        folds.push(Fold {
            source: held_out,
            attacks: attacks.iter().map(score).collect(),
            traffic: traffic.iter().map(score).collect(),
        });
        eprintln!("stage 1 without {}: done", family.join(", "));
    }
    let (slope, offset) = calibrate(&folds);
    let all: Vec<&Seen> = seen.iter().collect();
    let model = learn(&all).meaning(slope, offset, flags_from(&folds, slope, offset));
    Ok(Trained { file: model.write(), page: page(&folds, &model, slope, offset) })
}

/// Decides every action of these sources, real traffic in its sessions.
fn look(corpora: &Corpora) -> Result<Vec<Seen>, Failure> {
    let mut rows = corpora.actions()?;
    rows.retain(wanted);
    let histories = history::of(&corpora.text("transcripts")?, &TRAFFIC);
    let mut seen = Vec::new();
    measure::each(rows, &histories, &mut |row, explained| {
        seen.push(Seen {
            source: row.source.clone(),
            danger: row.danger,
            stopped: explained.decision.verdict >= Verdict::Ask,
            features: explained.features.clone(),
        });
    })?;
    Ok(seen)
}

fn wanted(row: &Row) -> bool {
    if !row.danger {
        let session = row.session.as_deref().unwrap_or(&row.id);
        let sum = session
            .bytes()
            .fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
        return HARMLESS.contains(&row.source.as_str())
            && (!SAMPLED.contains(&row.source.as_str()) || sum.is_multiple_of(ONE_OF));
    }
    let tier = row.tier.as_deref().unwrap_or_default();
    DANGER.iter().any(|(source, tiers)| *source == row.source && tiers.contains(&tier))
}

/// Logistic regression by stochastic gradients; after each step a weight is put back on its side.
fn learn(known: &[&Seen]) -> Model {
    let mut counts: BTreeMap<&Feature, usize> = BTreeMap::new();
    for feature in known.iter().flat_map(|seen| &seen.features) {
        *counts.entry(feature).or_default() += 1;
    }
    let names: Vec<&Feature> =
        counts.into_iter().filter(|(_, count)| *count >= FEWEST).map(|(name, _)| name).collect();
    let places: BTreeMap<&Feature, usize> = names.iter().copied().zip(0..).collect();
    let examples: Vec<(Vec<usize>, bool, f64)> = weighed(known)
        .into_iter()
        .map(|(seen, weight)| {
            let places = seen.features.iter().filter_map(|name| places.get(name).copied());
            (places.collect(), seen.danger, weight)
        })
        .collect();
    let mut weights = vec![0.0; names.len()];
    let mut moved = vec![1e-2; names.len()];
    let (mut bias, mut bias_moved) = (-2.0, 1e-2);
    let mut random = Random::new(SEED);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    for _ in 0..EPOCHS {
        for at in (1..order.len()).rev() {
            order.swap(at, random.below(at + 1));
        }
        for (places, danger, weight) in order.iter().filter_map(|at| examples.get(*at)) {
            let sum: f64 = places.iter().filter_map(|at| weights.get(*at)).sum();
            let probability = 1.0 / (1.0 + (-(bias + sum)).exp());
            let error = (probability - f64::from(u8::from(*danger))) * weight;
            for at in places {
                let (Some(value), Some(moved), Some(name)) =
                    (weights.get_mut(*at), moved.get_mut(*at), names.get(*at))
                else {
                    continue;
                };
                let gradient = error + SHRINK * *value;
                *moved += gradient * gradient;
                let stepped = *value - STEP * gradient / f64::sqrt(*moved);
                *value = match name.side {
                    Side::Danger => stepped.max(0.0),
                    Side::Consent => stepped.min(0.0),
                };
            }
            bias_moved += error * error;
            bias -= STEP * error / f64::sqrt(bias_moved);
        }
    }
    let named = names.into_iter().cloned().zip(weights);
    Model::new(named.filter(|(_, weight)| weight.abs() >= 0.01), bias)
}

/// Danger weighs as much as everything else, each source by the root of its size.
fn weighed<'s>(known: &[&'s Seen]) -> Vec<(&'s Seen, f64)> {
    let mut sizes: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    for seen in known {
        *sizes.entry((&seen.source, seen.danger)).or_default() += 1;
    }
    let sum = |danger: bool| -> f64 {
        sizes
            .iter()
            .filter(|((_, it), _)| *it == danger)
            .map(|(_, size)| number(*size).sqrt())
            .sum()
    };
    let sums = [sum(false), sum(true)];
    let weigh = |seen: &&'s Seen| {
        let size = sizes.get(&(seen.source.as_str(), seen.danger)).copied().unwrap_or(1);
        let [harmless, danger] = sums;
        let of = if seen.danger { danger } else { harmless };
        (*seen, number(known.len()) / (2.0 * of * number(size).sqrt()))
    };
    known.iter().map(weigh).collect()
}

/// A source that was held out, with the traffic: whether rules stop it, and the score.
struct Fold {
    source: &'static str,
    attacks: Vec<(bool, f64)>,
    traffic: Vec<(bool, f64)>,
}

fn calibrate(folds: &[Fold]) -> (f64, f64) {
    let (mut slope, mut offset) = (1.0, 0.0);
    for _ in 0..3_000 {
        let (mut by_slope, mut by_offset) = (0.0, 0.0);
        for fold in folds {
            for (scores, truth) in [(&fold.attacks, 1.0), (&fold.traffic, 0.0)] {
                let weight = 0.5 / number(scores.len().max(1) * folds.len());
                for (_, score) in scores {
                    let error = 1.0 / (1.0 + f64::exp(-(slope * score + offset))) - truth;
                    by_slope += weight * error * score;
                    by_offset += weight * error;
                }
            }
        }
        slope -= 0.2 * by_slope;
        offset -= 0.2 * by_offset;
    }
    (slope, offset)
}

/// The probability that so much of the unseen traffic comes to as a judge is to look at.
fn flags_from(folds: &[Fold], slope: f64, offset: f64) -> f64 {
    let open = folds.iter().flat_map(|fold| &fold.traffic).filter(|(stopped, _)| !stopped);
    let scores: Vec<f64> = open.map(|(_, score)| *score).collect();
    1.0 / (1.0 + f64::exp(-(slope * threshold(&scores, FLAGGED) + offset)))
}

fn page(folds: &[Fold], model: &Model, slope: f64, offset: f64) -> String {
    let mut page = String::from(ABOUT);
    page.push_str("| held out | n | rules alone |");
    for more in MORE {
        let _ = write!(page, " +{:.2} % |", more * 100.0);
    }
    page.push_str("\n|---|--:|---|---|---|---|---|---|---|\n");
    for fold in folds {
        let of = fold.attacks.len();
        let by_rules = fold.attacks.iter().filter(|(stopped, _)| *stopped).count();
        let _ = write!(page, "| {} | {of} | {} |", fold.source, wilson(by_rules, of));
        // What rules stop anyway is no further interruption.
        let open: Vec<f64> =
            fold.traffic.iter().filter(|(stopped, _)| !stopped).map(|(_, score)| *score).collect();
        for more in MORE {
            let share = more * number(fold.traffic.len()) / number(open.len().max(1));
            let from = threshold(&open, share);
            let caught =
                fold.attacks.iter().filter(|(stopped, score)| *stopped || *score > from).count();
            let _ = write!(page, " {} |", wilson(caught, of));
        }
        page.push('\n');
    }
    let traffic = folds.first().map(|fold| fold.traffic.as_slice()).unwrap_or_default();
    let stopped = traffic.iter().filter(|(stopped, _)| *stopped).count();
    let _ = writeln!(
        page,
        "\nRules alone interrupt {stopped} of {} actions of traffic: {} %.",
        traffic.len(),
        wilson(stopped, traffic.len())
    );
    page.push_str("\n## Calibration\n\nOf unseen actions with a probability in each tenth, the share that are dangerous, were half of all dangerous.\n\n| probability | dangerous | traffic | share |\n|---|--:|--:|---|\n");
    let tenth_of = |score: f64| {
        let probability = 1.0 / (1.0 + (-(slope * score + offset)).exp());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a tenth")]
        let tenth = (probability * 10.0).min(9.0) as usize;
        tenth
    };
    let mut tenths = [[0_usize; 2]; 10];
    for (side, scores) in folds.iter().flat_map(|it| [(0, &it.attacks), (1, &it.traffic)]) {
        for (_, score) in scores {
            if let Some(count) = tenths.get_mut(tenth_of(*score)).and_then(|it| it.get_mut(side)) {
                *count += 1;
            }
        }
    }
    let [attacks, harmless] = tenths.iter().fold([0, 0], |[a, b], [c, d]| [a + c, b + d]);
    for (tenth, [a, b]) in tenths.iter().enumerate() {
        let (x, y) = (number(*a) / number(attacks.max(1)), number(*b) / number(harmless.max(1)));
        let share =
            if x + y > 0.0 { format!("{:.0} %", 100.0 * x / (x + y)) } else { "–".to_owned() };
        let _ =
            writeln!(page, "| 0.{tenth}–{:.1} | {a} | {b} | {share} |", number(tenth + 1) / 10.0);
    }
    let names = model.write().lines().count();
    let _ = writeln!(
        page,
        "\nThe model that ships was trained on all of them and has {names} names. Where a judge is asked about what is \
         flagged, it is from a probability of {:.3}, which {:.0} % of unseen traffic comes to.",
        model.flags_from(),
        FLAGGED * 100.0
    );
    page
}

const ABOUT: &str = "# What stage 1 adds

Generated by `cargo xtask train`. Each row is of weights that have seen neither its source nor any real traffic (the tests of two
other guards, `dcg_tests` and `safety_net_tests`, are held out together). *Rules alone*: what rules and session stop of it, in %. Then what they
and stage 1 stop together, where the threshold lets stage 1 interrupt so much more of real traffic (lived through, with its sessions) as the column says. In
brackets: Wilson intervals of 95 %. Of real traffic and of autonomous runs one session of four was taken.

";
