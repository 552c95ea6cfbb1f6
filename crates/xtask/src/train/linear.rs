//! Logistic regression over hashed places, by stochastic gradients whose steps shrink for places that
//! were moved often (Adagrad).

use ringfence_classify::probe::PLACES;

use crate::fuzz::random::Random;

const EPOCHS: usize = 4;
const STEP: f32 = 0.15;
const SHRINK: f32 = 1e-5;
/// As in the product: shorter windows count as this many places.
const FEWEST: usize = 60;

/// An example: its places, and which class with how much weight.
pub(super) struct Example<'p> {
    pub(super) places: &'p [u32],
    pub(super) positive: bool,
    pub(super) weight: f32,
}

/// What was learnt.
pub(super) struct Weights {
    pub(super) weights: Vec<f32>,
    pub(super) bias: f32,
}

impl Weights {
    fn weight(&self, place: u32) -> f32 {
        self.weights.get(place as usize).copied().unwrap_or_default()
    }

    pub(super) fn sum(&self, places: &[u32]) -> f32 {
        places.iter().map(|place| self.weight(*place)).sum()
    }

    pub(super) fn score(&self, sum: f32, places: usize) -> f32 {
        sum * norm(places) + self.bias
    }

    /// The weights as bytes, and what one unit of them is worth. The few that are larger than the others
    /// are cut.
    pub(super) fn quantised(&self) -> (Vec<i8>, f32) {
        let mut sizes: Vec<f32> = self.weights.iter().map(|weight| weight.abs()).collect();
        sizes.sort_by(f32::total_cmp);
        let largest = sizes.get(sizes.len().saturating_sub(PLACES / 4_000)).copied().unwrap_or(1.0);
        let unit = largest.max(f32::MIN_POSITIVE) / 127.0;
        #[expect(clippy::cast_possible_truncation, reason = "clamped to a byte")]
        let byte = |weight: &f32| (weight / unit).round().clamp(-127.0, 127.0) as i8;
        (self.weights.iter().map(byte).collect(), unit)
    }
}

fn norm(places: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "places of one window")]
    let places = places.max(FEWEST) as f32;
    1.0 / places.sqrt()
}

/// Learns from examples.
pub(super) fn train(examples: &[Example<'_>], random: &mut Random) -> Weights {
    let mut learnt = Weights { weights: vec![0.0; PLACES], bias: -2.0 };
    let mut moved = vec![1e-3_f32; PLACES];
    let mut bias_moved = 1e-3_f32;
    let mut order: Vec<usize> = (0..examples.len()).collect();
    for _ in 0..EPOCHS {
        for at in (1..order.len()).rev() {
            order.swap(at, random.below(at + 1));
        }
        for example in order.iter().filter_map(|at| examples.get(*at)) {
            let step = norm(example.places.len());
            let score = learnt.score(learnt.sum(example.places), example.places.len());
            let probability = 1.0 / (1.0 + (-score).exp());
            let error = (probability - f32::from(u8::from(example.positive))) * example.weight;
            if error.abs() < 1e-4 {
                continue;
            }
            for place in example.places {
                let place = *place as usize;
                let (Some(weight), Some(moved)) =
                    (learnt.weights.get_mut(place), moved.get_mut(place))
                else {
                    continue;
                };
                let gradient = error * step + SHRINK * *weight;
                *moved += gradient * gradient;
                *weight -= STEP * gradient / moved.sqrt();
            }
            bias_moved += error * error;
            learnt.bias -= STEP * 0.5 * error / bias_moved.sqrt();
        }
    }
    learnt
}
