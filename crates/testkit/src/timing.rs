//! How long each of many things takes. Criterion measures one thing well; a bar such as "99 of 100
//! commands in 500 µs" is about a distribution.

use std::fmt;
use std::time::Instant;

/// Microseconds that most items, and nearly all items, stay below.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Percentiles {
    /// How many items there were.
    pub count: usize,
    /// Half of them.
    pub p50: f64,
    /// All but one of a hundred.
    pub p99: f64,
    /// All of them.
    pub max: f64,
}

impl Percentiles {
    /// Of these microseconds.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |hundredths: usize| {
            let index = (values.len() * hundredths).div_ceil(100).saturating_sub(1);
            values.get(index).copied().unwrap_or_default()
        };
        Self { count: values.len(), p50: at(50), p99: at(99), max: at(100) }
    }
}

impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, p50, p99, max } = self;
        write!(f, "{count} items: p50 {p50:.1} µs, p99 {p99:.1} µs, max {max:.0} µs")
    }
}

/// Runs `f` on each item `rounds` times and takes the median of each.
pub fn each<T>(items: &[T], rounds: usize, mut f: impl FnMut(&T)) -> Percentiles {
    let medians = items.iter().map(|item| {
        let rounds = (0..rounds).map(|_| timed(|| f(item)).1).collect();
        Percentiles::of(rounds).p50
    });
    Percentiles::of(medians.collect())
}

/// Runs something and says how many microseconds it took.
#[expect(clippy::disallowed_methods, reason = "benchmarks take the time")]
pub fn timed<T>(run: impl FnOnce() -> T) -> (T, f64) {
    let started = Instant::now();
    let result = run();
    (result, started.elapsed().as_secs_f64() * 1e6)
}

/// Runs something and says for how many microseconds this thread had a processor: what else the machine
/// does meanwhile is not counted. Where the kernel does not tell, it is the time that passed.
pub fn timed_alone<T>(run: impl FnOnce() -> T) -> (T, f64) {
    let before = on_processor();
    let (result, passed) = timed(run);
    let spent = before.zip(on_processor()).map(|(before, after)| (after - before) / 1e3);
    (result, spent.unwrap_or(passed))
}

/// Nanoseconds that this thread has had a processor. Giving it up for a moment brings the count up to date.
fn on_processor() -> Option<f64> {
    std::thread::yield_now();
    #[expect(clippy::disallowed_methods, reason = "what the kernel tells of this thread")]
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let all = Percentiles::of((1..=200).rev().map(f64::from).collect());
        assert_eq!(all, Percentiles { count: 200, p50: 100.0, p99: 198.0, max: 200.0 });
        assert_eq!(Percentiles::of(vec![]).max, 0.0);
    }
}
