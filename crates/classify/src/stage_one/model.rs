//! A weight for each name of evidence, and what a score means.
//!
//! The file is text, so that a change of it can be read: `bias`, `slope`, `offset` and `flags_from`, then a line for
//! each name: the side, the name, the weight, with tabs between.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use super::features::{Feature, Side};

static TRAINED: LazyLock<Model> = LazyLock::new(|| {
    // A test reads them: what cannot be read cannot be built.
    Model::read(include_str!("../../weights/stage-one.tsv")).unwrap_or_default()
});

/// Weights by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    weights: HashMap<Feature, f64>,
    bias: f64,
    slope: f64,
    offset: f64,
    flags_from: f64,
}

impl Default for Model {
    fn default() -> Self {
        // Nothing is flagged by weights that say nothing.
        Self { weights: HashMap::new(), bias: 0.0, slope: 1.0, offset: 0.0, flags_from: 2.0 }
    }
}

/// How much an action looks like harm that nobody asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The probability, were every second action harm.
    pub probability: f64,
    /// What speaks for it most, strongest first.
    pub reasons: Vec<String>,
}

impl Model {
    /// The weights that were trained for this version.
    pub fn trained() -> &'static Self {
        &TRAINED
    }

    /// Weights as they were learnt; what is on the wrong side of zero counts as zero.
    pub fn new(weights: impl IntoIterator<Item = (Feature, f64)>, bias: f64) -> Self {
        let weights = weights.into_iter().map(|(feature, weight)| {
            let weight = match feature.side {
                Side::Danger => weight.max(0.0),
                Side::Consent => weight.min(0.0),
            };
            (feature, weight)
        });
        let weights = weights.filter(|(_, weight)| *weight != 0.0).collect();
        Self { weights, bias, ..Self::default() }
    }

    /// With this meaning of a score; `flags_from`: the probability from which a judge is to look.
    pub fn meaning(self, slope: f64, offset: f64, flags_from: f64) -> Self {
        Self { slope, offset, flags_from, ..self }
    }

    /// The probability from which a judge is to look.
    pub fn flags_from(&self) -> f64 {
        self.flags_from
    }

    /// Reads a file of weights; nothing where it is not one.
    pub fn read(file: &str) -> Option<Self> {
        let mut model = Self::default();
        for line in file.lines() {
            let mut cells = line.split('\t');
            let (side, name, number) = (cells.next()?, cells.next()?, cells.next()?);
            let number: f64 = number.parse().ok()?;
            let side = match (side, name) {
                ("head", "bias") => {
                    model.bias = number;
                    continue;
                }
                ("head", "slope") => {
                    model.slope = number;
                    continue;
                }
                ("head", "offset") => {
                    model.offset = number;
                    continue;
                }
                ("head", "flags_from") => {
                    model.flags_from = number;
                    continue;
                }
                ("danger", _) if number >= 0.0 => Side::Danger,
                ("consent", _) if number <= 0.0 => Side::Consent,
                _ => return None,
            };
            model.weights.insert(Feature { side, name: name.to_owned() }, number);
        }
        Some(model)
    }

    /// A file of these weights.
    pub fn write(&self) -> String {
        let head = [
            ("bias", self.bias),
            ("slope", self.slope),
            ("offset", self.offset),
            ("flags_from", self.flags_from),
        ];
        let mut lines: Vec<String> =
            head.into_iter().map(|(name, number)| format!("head\t{name}\t{number:.4}")).collect();
        let mut weights: Vec<_> = self.weights.iter().collect();
        weights.sort_by(|a, b| a.0.cmp(b.0));
        for (Feature { side, name }, weight) in weights {
            let side = match side {
                Side::Danger => "danger",
                Side::Consent => "consent",
            };
            lines.push(format!("{side}\t{name}\t{weight:.4}"));
        }
        lines.join("\n") + "\n"
    }

    /// The sum of the weights.
    pub fn score(&self, features: &BTreeSet<Feature>) -> f64 {
        let weight = |feature| self.weights.get(feature).copied().unwrap_or_default();
        self.bias + features.iter().map(weight).sum::<f64>()
    }

    /// How much an action with this evidence looks like harm.
    pub fn judge(&self, features: &BTreeSet<Feature>) -> Scored {
        const MOST: usize = 5;
        let logit = self.slope * self.score(features) + self.offset;
        let weighed =
            |feature: &Feature| self.weights.get(feature).copied().filter(|weight| *weight > 0.0);
        let mut reasons: Vec<(f64, &str)> = features
            .iter()
            .filter_map(|feature| Some((weighed(feature)?, feature.name.as_str())))
            .collect();
        reasons.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        let reasons = reasons.into_iter().take(MOST).map(|(_, name)| name.to_owned()).collect();
        Scored { probability: 1.0 / (1.0 + (-logit).exp()), reasons }
    }
}
