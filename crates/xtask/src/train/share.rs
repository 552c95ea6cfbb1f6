//! Shares with their intervals.

/// A share with its 95 % Wilson interval, in percent, as words.
pub(super) fn wilson(hits: usize, of: usize) -> String {
    const Z: f64 = 1.959_964;
    if of == 0 {
        return "–".to_owned();
    }
    let (k, n) = (number(hits), number(of));
    let (p, z2) = (k / n, Z * Z);
    let center = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z * ((p * (1.0 - p) + z2 / (4.0 * n)) / n).sqrt() / (1.0 + z2 / n);
    let percent = |x: f64| (x * 100.0).clamp(0.0, 100.0);
    format!("{:.1} ({:.1}–{:.1})", percent(p), percent(center - half), percent(center + half))
}

#[expect(clippy::cast_precision_loss, reason = "counts of a corpus are far below 2^52")]
pub(super) fn number(count: usize) -> f64 {
    count as f64
}

/// The value that this share of the values is above: a threshold.
pub(super) fn threshold(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    let above = (number(sorted.len()) * share) as usize;
    sorted.get(above).or(sorted.last()).copied().unwrap_or_default()
}
