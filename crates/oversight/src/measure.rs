//! Shares and percentiles that say what they are made of.

use serde::{Serialize, Serializer};

/// Why a figure is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Unknown {
    /// In words.
    pub unknown: &'static str,
}

/// So many of so many. Of nothing, it is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// How many.
    pub count: u64,
    /// Of how many.
    pub of: u64,
}

impl Share {
    /// So many of so many.
    pub const fn new(count: u64, of: u64) -> Self {
        Self { count, of }
    }

    /// One more, which is or is not counted.
    pub fn add(&mut self, counted: bool) {
        self.count += u64::from(counted);
        self.of += 1;
    }

    /// Both together.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.of += other.of;
    }

    /// From 0 to 1; `None` of nothing.
    pub fn value(self) -> Option<f64> {
        (self.of > 0).then(|| number(self.count) / number(self.of))
    }

    /// Wilson's interval of 95 %; `None` of nothing.
    pub fn wilson(self) -> Option<(f64, f64)> {
        const Z: f64 = 1.959_963_984_540_054;
        let share = self.value()?;
        let n = number(self.of);
        let (z2, spread) = (Z * Z, share * (1.0 - share) / n + Z * Z / (4.0 * n * n));
        let middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = Z * spread.sqrt() / (1.0 + z2 / n);
        let low = if self.count == 0 { 0.0 } else { middle - half };
        let high = if self.count == self.of { 1.0 } else { middle + half };
        Some((low, high))
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Known {
            count: u64,
            n: u64,
            share: f64,
            low: f64,
            high: f64,
        }
        match (self.value(), self.wilson()) {
            (Some(share), Some((low, high))) => {
                Known { count: self.count, n: self.of, share, low, high }.serialize(serializer)
            }
            _ => Unknown { unknown: "n is 0" }.serialize(serializer),
        }
    }
}

/// Times in milliseconds, and how they are spread. Of none, nothing is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Percentiles {
    sorted: Vec<u64>,
}

impl Percentiles {
    /// Of these times.
    pub fn of(mut times: Vec<u64>) -> Self {
        times.sort_unstable();
        Self { sorted: times }
    }

    /// How many.
    pub fn n(&self) -> usize {
        self.sorted.len()
    }

    /// The time that this many of a thousand do not exceed (nearest rank); `None` where there are too few
    /// for one of them to be longer.
    pub fn at(&self, per_mille: usize) -> Option<u64> {
        let longer = self.sorted.len() * 1_000_usize.saturating_sub(per_mille);
        if per_mille > 500 && longer < 1_000 {
            return None;
        }
        let rank = (self.sorted.len() * per_mille).div_ceil(1_000);
        self.sorted.get(rank.max(1) - 1).copied()
    }

    /// All of them, the shortest first.
    pub fn times(&self) -> &[u64] {
        &self.sorted
    }
}

impl Serialize for Percentiles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Known {
            n: usize,
            p50_ms: Option<u64>,
            p90_ms: Option<u64>,
            p99_ms: Option<u64>,
            p999_ms: Option<u64>,
        }
        if self.sorted.is_empty() {
            return Unknown { unknown: "n is 0" }.serialize(serializer);
        }
        let [p50_ms, p90_ms, p99_ms, p999_ms] = [500, 900, 990, 999].map(|it| self.at(it));
        Known { n: self.n(), p50_ms, p90_ms, p99_ms, p999_ms }.serialize(serializer)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of what people do are below 2^52")]
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_nothing_is_not_known() {
        assert_eq!(Share::default().value(), None);
        assert_eq!(serde_json::to_string(&Share::default()).unwrap(), r#"{"unknown":"n is 0"}"#);
        assert_eq!(Percentiles::default().at(500), None);
        assert_eq!(
            serde_json::to_string(&Percentiles::default()).unwrap(),
            r#"{"unknown":"n is 0"}"#
        );
    }

    /// The published example: 9 of 52, about 9 to 30 %.
    #[test]
    fn wilson_is_wilsons() {
        let (low, high) = Share::new(9, 52).wilson().unwrap();
        assert!((low - 0.0938).abs() < 0.0005 && (high - 0.2973).abs() < 0.0005, "{low} {high}");
        assert_eq!(Share::new(0, 5).wilson().unwrap().0, 0.0);
    }

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let ten = Percentiles::of((1..=10).rev().collect());
        assert_eq!((ten.at(500), ten.at(900)), (Some(5), Some(9)));
        assert_eq!(Percentiles::of(vec![7]).at(500), Some(7));
    }

    /// Of ten, nobody can tell what one in a hundred exceeds.
    #[test]
    fn too_few_have_no_tail() {
        assert_eq!(Percentiles::of(vec![1; 9]).at(900), None);
        assert_eq!(Percentiles::of(vec![1; 999]).at(999), None);
        assert_eq!(Percentiles::of((1..=1_000).collect()).at(999), Some(999));
    }
}
