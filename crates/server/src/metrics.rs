//! Counts, for Prometheus.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds of the times that answers took, in microseconds.
const BOUNDS: [u64; 10] =
    [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 1_000_000, 10_000_000];

/// What was counted since the start.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// Messages of hooks that were answered, and that were left to the hook.
    pub(crate) answered: AtomicU64,
    pub(crate) left_to_hooks: AtomicU64,
    /// Actions that were decided, and that could not be.
    pub(crate) decided: AtomicU64,
    pub(crate) undecided: AtomicU64,
    /// Requests that were turned away.
    pub(crate) turned_away: AtomicU64,
    took: [AtomicU64; BOUNDS.len()],
    took_in_all: AtomicU64,
    took_us: AtomicU64,
}

impl Metrics {
    /// One more.
    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// How long an answer took.
    pub(crate) fn took(&self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        for (bound, count) in BOUNDS.iter().zip(&self.took) {
            if us <= *bound {
                Self::count(count);
            }
        }
        Self::count(&self.took_in_all);
        self.took_us.fetch_add(us, Ordering::Relaxed);
    }

    /// As Prometheus reads it; `gauges` are what is measured now.
    pub(crate) fn text(&self, gauges: &[(&str, &str, u64)]) -> String {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut text = String::new();
        let counters = [
            (
                "ringfence_hook_messages_answered_total",
                "Messages of hooks answered",
                &self.answered,
            ),
            (
                "ringfence_hook_messages_left_total",
                "Messages left to the hook",
                &self.left_to_hooks,
            ),
            ("ringfence_actions_decided_total", "Actions decided over the API", &self.decided),
            ("ringfence_actions_undecided_total", "Actions not decided", &self.undecided),
            ("ringfence_requests_turned_away_total", "Requests turned away", &self.turned_away),
        ];
        for (name, help, counter) in counters {
            let count = of(counter);
            text.push_str(&format!(
                "# HELP {name} {help}.\n# TYPE {name} counter\n{name} {count}\n"
            ));
        }
        for (name, help, value) in gauges {
            text.push_str(&format!("# HELP {name} {help}.\n# TYPE {name} gauge\n{name} {value}\n"));
        }
        let name = "ringfence_answer_seconds";
        text.push_str(&format!("# HELP {name} How long answers took.\n# TYPE {name} histogram\n"));
        for (bound, count) in BOUNDS.iter().zip(&self.took) {
            let seconds = Duration::from_micros(*bound).as_secs_f64();
            text.push_str(&format!("{name}_bucket{{le=\"{seconds}\"}} {}\n", of(count)));
        }
        let (all, sum) = (of(&self.took_in_all), Duration::from_micros(of(&self.took_us)));
        text.push_str(&format!(
            "{name}_bucket{{le=\"+Inf\"}} {all}\n{name}_sum {}\n{name}_count {all}\n",
            sum.as_secs_f64()
        ));
        text
    }
}
