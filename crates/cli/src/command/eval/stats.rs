//! Shares with honest intervals.
//!
//! What one session does is alike: forty pushes of one session say less than forty pushes of forty
//! sessions. So each share has two intervals of 95 %: Wilson's, which takes every action for one of its
//! own, and Wilson's over the effective number of actions, which is the number divided by the design
//! effect (the variance between sessions over the variance that independent actions would have).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Rate {
    pub(super) hits: u64,
    pub(super) of: u64,
    /// From 0 to 1.
    pub(super) share: f64,
    /// Wilson's interval.
    pub(super) wilson: [f64; 2],
    /// Sessions, or single actions, that the actions are from.
    pub(super) clusters: u64,
    /// At least 1; 1 too where nothing or everything is a hit, and it cannot be told.
    pub(super) design_effect: f64,
    /// Wilson's interval over the effective number of actions.
    pub(super) clustered: [f64; 2],
}

impl Rate {
    /// Of what did or did not happen, each on its own.
    pub(super) fn single(all: impl Iterator<Item = bool>) -> Self {
        let names: Vec<(String, bool)> =
            all.enumerate().map(|(at, hit)| (at.to_string(), hit)).collect();
        Self::of(names.iter().map(|(name, hit)| (name.as_str(), *hit)))
    }

    /// Of what did or did not happen, each in its cluster.
    pub(super) fn of<'a>(all: impl Iterator<Item = (&'a str, bool)>) -> Self {
        let mut clusters: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for (cluster, hit) in all {
            let (hits, of) = clusters.entry(cluster).or_default();
            *hits += u64::from(hit);
            *of += 1;
        }
        let hits = clusters.values().map(|(hits, _)| hits).sum();
        let of = clusters.values().map(|(_, of)| of).sum();
        let design_effect = design_effect(&clusters, number(hits), number(of));
        Self {
            hits,
            of,
            share: if of == 0 { 0.0 } else { rounded(number(hits) / number(of)) },
            wilson: wilson(number(hits), number(of)),
            clusters: clusters.len() as u64,
            design_effect: rounded(design_effect),
            clustered: wilson(number(hits) / design_effect, number(of) / design_effect),
        }
    }
}

/// How much more a share varies between clusters than it would if every action were on its own.
fn design_effect(clusters: &BTreeMap<&str, (u64, u64)>, hits: f64, of: f64) -> f64 {
    let (share, groups) = (hits / of, number(clusters.len() as u64));
    let independent = share * (1.0 - share) / of;
    if groups < 2.0 || independent.is_nan() || independent <= 0.0 {
        return 1.0;
    }
    let squares: f64 =
        clusters.values().map(|(hits, of)| (number(*hits) - share * number(*of)).powi(2)).sum();
    let between = groups / (groups - 1.0) * squares / of.powi(2);
    (between / independent).max(1.0)
}

fn wilson(hits: f64, of: f64) -> [f64; 2] {
    const Z: f64 = 1.959_964;
    if of <= 0.0 {
        return [0.0, 1.0];
    }
    let (share, squared) = (hits / of, Z * Z);
    let center = (share + squared / (2.0 * of)) / (1.0 + squared / of);
    let spread = (share * (1.0 - share) / of + squared / (4.0 * of * of)).sqrt();
    let half = Z * spread / (1.0 + squared / of);
    [(center - half).clamp(0.0, 1.0), (center + half).clamp(0.0, 1.0)].map(rounded)
}

/// More digits than these say nothing.
fn rounded(share: f64) -> f64 {
    (share * 1e6).round() / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "counts of actions are far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}

/// What half, and all but one of a hundred, stay below.
pub(super) fn percentiles(mut values: Vec<u64>) -> [u64; 2] {
    values.sort_unstable();
    let at = |hundredths: usize| {
        let index = (values.len() * hundredths).div_ceil(100).saturating_sub(1);
        values.get(index).copied().unwrap_or_default()
    };
    [at(50), at(99)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(clusters: &[(&str, u64, u64)]) -> Rate {
        let each = clusters
            .iter()
            .flat_map(|(name, hits, of)| (0..*of).map(move |index| (*name, index < *hits)));
        Rate::of(each)
    }

    #[test]
    fn intervals_are_wilsons() {
        let names: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        let rate = Rate::of(names.iter().enumerate().map(|(n, name)| (name.as_str(), n < 4)));
        assert!((rate.share - 0.004).abs() < 1e-9);
        assert!((rate.wilson[0] - 0.001557).abs() < 1e-5, "{rate:?}");
        assert!((rate.wilson[1] - 0.010237).abs() < 1e-5, "{rate:?}");
        // Each on its own: clusters change next to nothing.
        assert!((rate.design_effect - 1.0).abs() < 0.01, "{rate:?}");
    }

    #[test]
    fn what_one_session_does_says_less() {
        let together = rate(&[("a", 20, 20), ("b", 0, 20), ("c", 0, 20), ("d", 0, 20)]);
        let spread = rate(&[("a", 5, 20), ("b", 5, 20), ("c", 5, 20), ("d", 5, 20)]);
        assert_eq!((together.hits, together.of), (spread.hits, spread.of));
        assert!(together.design_effect > 10.0, "{together:?}");
        assert!((spread.design_effect - 1.0).abs() < 1e-9, "{spread:?}");
        assert!(together.clustered[1] > 2.0 * spread.clustered[1]);
    }

    #[test]
    fn nothing_is_known_of_nothing() {
        assert_eq!(rate(&[]).wilson, [0.0, 1.0]);
        assert!(rate(&[("a", 0, 50)]).clustered[1] < 0.08);
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        assert_eq!(percentiles((1..=200).rev().collect()), [100, 198]);
        assert_eq!(percentiles(vec![]), [0, 0]);
    }
}
