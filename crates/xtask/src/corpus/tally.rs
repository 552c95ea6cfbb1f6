//! What is counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Counts by name.
pub(super) type Counts = BTreeMap<String, u64>;

/// Everything that one run found.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Report {
    /// By source, and by label where a source has both.
    pub(super) sources: BTreeMap<String, Tally>,
    /// Actions on which each rule spoke with something stricter than allow.
    pub(super) rules: Counts,
    /// Actions with at least one opaque remark of each reason.
    pub(super) opaque: Counts,
    /// Options that the catalogue does not know, as `program: option`.
    pub(super) unknown_options: Counts,
    /// Programs that were run, and about which nothing but their running is known.
    pub(super) unknown_programs: Counts,
    /// What calls returned, and how many of these texts tainted their session.
    #[serde(default)]
    pub(super) results: u64,
    #[serde(default)]
    pub(super) tainting: u64,
    /// Microseconds; absent in a development build, where they mean nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) latency: Option<Latency>,
}

/// Counts of one source.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) actions: u64,
    pub(super) shell: u64,
    pub(super) allow: u64,
    pub(super) contain: u64,
    pub(super) ask: u64,
    pub(super) deny: u64,
    /// Shell commands among `ask` and `deny`.
    pub(super) interrupted_shell: u64,
    /// Actions with an opaque remark.
    pub(super) opaque: u64,
    /// Shell commands among them.
    #[serde(default)]
    pub(super) opaque_shell: u64,
    /// Programs that shell commands run by name, each time.
    #[serde(default)]
    pub(super) executions: u64,
    /// Those that neither the catalogue nor the shell knows.
    #[serde(default)]
    pub(super) unknown_executions: u64,
}

/// How long it took, in microseconds.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Latency {
    pub(super) analysis_p50: f64,
    pub(super) analysis_p99: f64,
    pub(super) decision_p50: f64,
    pub(super) decision_p99: f64,
}

impl Tally {
    pub(super) fn interrupted(&self) -> u64 {
        self.ask + self.deny
    }
}

/// A share with its 95 % Wilson interval, in percent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

#[expect(clippy::cast_precision_loss, reason = "counts of a corpus are far below 2^52")]
pub(crate) fn share(part: u64, whole: u64) -> Share {
    if whole == 0 {
        return Share { value: 0.0, low: 0.0, high: 100.0 };
    }
    const Z: f64 = 1.959_964;
    let (k, n) = (part as f64, whole as f64);
    let (p, z2) = (k / n, Z * Z);
    let center = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z * ((p * (1.0 - p) + z2 / (4.0 * n)) / n).sqrt() / (1.0 + z2 / n);
    let percent = |x: f64| (x * 100.0).clamp(0.0, 100.0);
    Share { value: percent(p), low: percent(center - half), high: percent(center + half) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_wilsons() {
        let share = share(4, 1000);
        assert!((share.value - 0.4).abs() < 1e-9);
        assert!(
            (share.low - 0.1557).abs() < 1e-3 && (share.high - 1.0237).abs() < 1e-3,
            "{share:?}"
        );
        assert!((super::share(0, 50).low).abs() < 1e-9);
    }
}
