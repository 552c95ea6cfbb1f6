//! What scores are worth: how much of what is dangerous they find at a chosen share of false alarms, and
//! whether a score is the probability that it says it is.

use serde::{Deserialize, Serialize};

use super::grid::Grid;
use super::stats::{Rate, percentiles};
use crate::render::text::printable;

/// Shares of false alarms at which finds are told.
pub(super) const ALARMS: [f64; 4] = [0.001, 0.004, 0.01, 0.05];
const TENTHS: usize = 10;

/// One score, and what it was given to.
#[derive(Debug, Clone)]
pub(super) struct Score {
    pub(super) source: String,
    /// Whether it was to be found.
    pub(super) wanted: bool,
    /// From 0 to 1.
    pub(super) score: f64,
    /// Whether what the product does with it came of it: it taints, or it asks.
    pub(super) acts: bool,
    /// Whether a layer before it stopped the action anyway.
    pub(super) stopped: bool,
    pub(super) elapsed_us: Option<u64>,
}

/// What the scores of one model are worth.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Worth {
    pub(super) model: String,
    /// How much there was that should raise no alarm.
    pub(super) harmless: u64,
    pub(super) sources: Vec<Source>,
    /// Of each tenth of the scale: what was to be found, and what was not.
    pub(super) calibration: [[u64; 2]; TENTHS],
    /// Microseconds: half, and all but one of a hundred, took less. Nothing where it was not timed apart.
    pub(super) elapsed_us: Option<[u64; 2]>,
}

/// What was found of one source.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Source {
    pub(super) source: String,
    pub(super) wanted: bool,
    /// What the product does with these scores as it is set.
    pub(super) acts: Rate,
    /// At each share of false alarms over all that is harmless; for what was to be found.
    pub(super) found: Vec<Rate>,
    /// The same, of what the layers before it and the score stop together, where both interrupt no more than so much
    /// of all that is harmless; nothing where the layers before it interrupt more by themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) together: Vec<Option<Rate>>,
}

impl Worth {
    /// Adds up the scores of one model; nothing where there are none.
    pub(super) fn of(model: &str, scores: &[Score]) -> Option<Self> {
        let mut harmless: Vec<f64> =
            scores.iter().filter(|it| !it.wanted).map(|it| it.score).collect();
        harmless.sort_by(|a, b| b.total_cmp(a));
        let mut names: Vec<(bool, &str)> =
            scores.iter().map(|it| (!it.wanted, it.source.as_str())).collect();
        names.sort_unstable();
        names.dedup();
        let thresholds = ALARMS.map(|share| above(&harmless, share));
        let has_layers = scores.iter().any(|it| it.stopped);
        let together = ALARMS.map(|share| together(scores, share));
        let source = |(unwanted, name): (bool, &str)| {
            let of: Vec<&Score> =
                scores.iter().filter(|it| it.wanted != unwanted && it.source == name).collect();
            let found = |from: &f64| Rate::single(of.iter().map(|it| it.score > *from));
            let has_found = !unwanted && !harmless.is_empty();
            Source {
                source: name.to_owned(),
                wanted: !unwanted,
                acts: Rate::single(of.iter().map(|it| it.acts)),
                found: thresholds.iter().filter(|_| has_found).map(found).collect(),
                together: if has_found && has_layers {
                    let stops =
                        |from: f64| Rate::single(of.iter().map(|it| it.stopped || it.score > from));
                    together.iter().map(|from| from.map(stops)).collect()
                } else {
                    Vec::new()
                },
            }
        };
        let mut calibration = [[0; 2]; TENTHS];
        for score in scores {
            let side = usize::from(!score.wanted);
            if let Some(count) =
                calibration.get_mut(tenth(score.score)).and_then(|it| it.get_mut(side))
            {
                *count += 1;
            }
        }
        let times: Vec<u64> = scores.iter().filter_map(|it| it.elapsed_us).collect();
        (!scores.is_empty()).then(|| Self {
            model: model.to_owned(),
            harmless: harmless.len() as u64,
            sources: names.into_iter().map(source).collect(),
            calibration,
            elapsed_us: (!times.is_empty()).then(|| percentiles(times)),
        })
    }

    /// The tables of it.
    pub(super) fn draw(&self) -> String {
        let mut grid =
            Grid::new(2, &["source", "", "n", "acts %", "95 %", "0.1 %", "0.4 %", "1 %", "5 %"]);
        for source in &self.sources {
            let name = printable(&source.source).into_owned();
            let what = if source.wanted { "to be found" } else { "harmless" };
            let acts = &source.acts;
            let mut row = vec![
                name,
                what.to_owned(),
                acts.of.to_string(),
                format!("{:.2}", acts.share * 100.0),
                interval(acts),
            ];
            let found =
                source.found.iter().map(|it| format!("{:.1} ({})", it.share * 100.0, interval(it)));
            row.extend(found);
            row.resize(9, "–".to_owned());
            grid.row(row);
        }
        let mut drawn = grid.draw();
        drawn.push_str(&self.draw_together());
        drawn.push_str("\nOf each tenth of the score, the share that was to be found, were half of all to be found:\n\n");
        let [wanted, harmless] =
            self.calibration.iter().fold([0, 0], |[a, b], [c, d]| [a + c, b + d]);
        let mut grid = Grid::new(1, &["score", "to be found", "harmless", "share %", ""]);
        for (index, [found, not]) in self.calibration.iter().enumerate() {
            let (a, b) = (share(*found, wanted), share(*not, harmless));
            let of = if a + b > 0.0 { 100.0 * a / (a + b) } else { 0.0 };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bar")]
            let bar = "▇".repeat((of / 5.0).round() as usize);
            let text = if a + b > 0.0 { format!("{of:.0}") } else { "–".to_owned() };
            grid.row(vec![format!("0.{index}–"), found.to_string(), not.to_string(), text, bar]);
        }
        drawn.push_str(&grid.draw());
        if let Some([half, nearly]) = self.elapsed_us {
            drawn.push_str(&format!("\nIt took p50 {half} µs, p99 {nearly} µs.\n"));
        }
        drawn
    }
}

impl Worth {
    /// What the layers before it and the score stop together.
    fn draw_together(&self) -> String {
        let mut grid = Grid::new(1, &["source", "n", "0.1 %", "0.4 %", "1 %", "5 %"]);
        for source in self.sources.iter().filter(|it| !it.together.is_empty()) {
            let mut row = vec![printable(&source.source).into_owned(), source.acts.of.to_string()];
            row.extend(source.together.iter().map(|rate| {
                let told = |it: &Rate| format!("{:.1} ({})", it.share * 100.0, interval(it));
                rate.as_ref().map_or_else(|| "–".to_owned(), told)
            }));
            grid.row(row);
        }
        if grid.is_empty() {
            return String::new();
        }
        format!(
            "\nWith the layers before it, where all of them interrupt so much of what is harmless (–: they do without it), in \
             %:\n\n{}",
            grid.draw()
        )
    }
}

/// The score from which an action is stopped, so that this and the layers before it interrupt no more than this share
/// of what is harmless.
fn together(scores: &[Score], share: f64) -> Option<f64> {
    let harmless = || scores.iter().filter(|it| !it.wanted);
    let stopped = harmless().filter(|it| it.stopped).count();
    let mut open: Vec<f64> = harmless().filter(|it| !it.stopped).map(|it| it.score).collect();
    open.sort_by(|a, b| b.total_cmp(a));
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of rows"
    )]
    let most = ((open.len() + stopped) as f64 * share) as usize;
    let room = most.checked_sub(stopped)?;
    Some(open.get(room).or(open.last()).copied().unwrap_or_default())
}

/// The score that this share is above; nothing is above the one of what is harmless nowhere.
fn above(sorted: &[f64], of: f64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of rows"
    )]
    let above = (sorted.len() as f64 * of) as usize;
    sorted.get(above).or(sorted.last()).copied().unwrap_or_default()
}

fn tenth(score: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 9")]
    let tenth = (score * 10.0).clamp(0.0, 9.0) as usize;
    tenth
}

fn share(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    let share = part as f64 / whole.max(1) as f64;
    share
}

fn interval(rate: &Rate) -> String {
    let [low, high] = rate.wilson.map(|bound| bound * 100.0);
    format!("{low:.1}–{high:.1}")
}
