//! Logistic regression over vectors, by Nesterov's gradients: no chance, one answer.

const STEPS: usize = 300;
const SMOOTH: f32 = 1e-4;
/// Vectors have length one, and a bias beside: the gradient changes by at most half of that.
const STEP: f32 = 4.0;

/// A vector of length one, and which class with how much weight.
pub(super) struct Example<'m> {
    pub(super) mean: &'m [f32],
    pub(super) positive: bool,
    pub(super) weight: f64,
}

/// The score of a vector; the last weight is that of none.
pub(super) fn score(weights: &[f32], mean: &[f32]) -> f32 {
    let bias = weights.get(mean.len()).copied().unwrap_or_default();
    // Eight sums side by side.
    let mut sums = [0.0_f32; 8];
    for (weights, numbers) in weights.chunks_exact(8).zip(mean.chunks_exact(8)) {
        for ((sum, weight), number) in sums.iter_mut().zip(weights).zip(numbers) {
            *sum += weight * number;
        }
    }
    bias + sums.iter().sum::<f32>()
}

/// Weights, one for each of `width` numbers, and one for none.
pub(super) fn train(examples: &[Example<'_>], width: usize) -> Vec<f32> {
    let all: f64 = examples.iter().map(|example| example.weight).sum();
    #[expect(clippy::cast_possible_truncation, reason = "shares of one")]
    let shares: Vec<f32> = examples.iter().map(|example| (example.weight / all) as f32).collect();
    let (mut weights, mut ahead) = (vec![0.0_f32; width + 1], vec![0.0_f32; width + 1]);
    let mut pace = 1.0_f32;
    for _ in 0..STEPS {
        let mut gradient: Vec<f32> = ahead.iter().map(|weight| SMOOTH * weight).collect();
        for (example, share) in examples.iter().zip(&shares) {
            let odds = score(&ahead, example.mean);
            let error = 1.0 / (1.0 + (-odds).exp()) - f32::from(u8::from(example.positive));
            let part = share * error;
            let (last, numbers) = match gradient.split_last_mut() {
                Some(split) => split,
                None => return weights,
            };
            *last += part;
            for (sum, number) in numbers.iter_mut().zip(example.mean) {
                *sum += part * number;
            }
        }
        let faster = f32::midpoint(1.0, (1.0 + 4.0 * pace * pace).sqrt());
        for ((weight, ahead), slope) in weights.iter_mut().zip(&mut ahead).zip(&gradient) {
            let next = *ahead - STEP * slope;
            *ahead = next + (pace - 1.0) / faster * (next - *weight);
            *weight = next;
        }
        pace = faster;
    }
    weights
}

/// The slope and offset with which a score is a log-odds, were half of all attacks.
pub(super) fn meaning(attacks: &[f64], harmless: &[f64]) -> (f64, f64) {
    let count = super::share::number;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / count(values.len().max(1));
    let middle = f64::midpoint(mean(attacks), mean(harmless));
    let spread = |values: &[f64]| {
        values.iter().map(|value| (value - middle).powi(2)).sum::<f64>()
            / count(values.len().max(1))
    };
    let spread = f64::midpoint(spread(attacks), spread(harmless)).sqrt().max(1e-9);
    let (mut slope, mut offset) = (1.0_f64, 0.0_f64);
    for _ in 0..2_000 {
        let (mut by_slope, mut by_offset) = (0.0, 0.0);
        for (scores, truth) in [(attacks, 1.0), (harmless, 0.0)] {
            let weight = 0.5 / count(scores.len().max(1));
            for score in scores {
                let score = (score - middle) / spread;
                let error = 1.0 / (1.0 + (-(slope * score + offset)).exp()) - truth;
                by_slope += weight * error * score;
                by_offset += weight * error;
            }
        }
        slope -= by_slope;
        offset -= by_offset;
    }
    (slope / spread, offset - slope * middle / spread)
}
