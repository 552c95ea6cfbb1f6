//! The report as rows that people read: name, value, n, and what others published.

use crate::baseline;
use crate::measure::{Percentiles, Share};
use crate::report::{Bucket, Report};

/// Rows under one heading.
#[derive(Debug, Clone)]
pub struct Section {
    /// The heading.
    pub title: &'static str,
    /// The rows.
    pub rows: Vec<Row>,
}

/// One figure.
#[derive(Debug, Clone)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// The figure, or `not known`.
    pub value: String,
    /// What it is made of: `n = 12`, with the interval.
    pub made_of: String,
    /// What others published.
    pub baseline: &'static str,
    /// Whether it belongs to the row above.
    pub is_part: bool,
}

/// What is shown for what a transcript cannot tell.
pub const NOT_KNOWN: &str = "not known";

/// So many weeks of each reviewer are told, the newest; all of them are in the JSON form and in the plots.
const WEEKS: usize = 6;

/// Every figure, in the order in which it is read.
pub fn sections(report: &Report) -> Vec<Section> {
    vec![
        Section { title: "Are people still reading?", rows: reading(report) },
        Section { title: "Who decides?", rows: deciding(report) },
        Section { title: "Can people step in?", rows: stepping_in(report) },
        Section { title: "What Ringfence's own log tells", rows: guarded(report) },
    ]
}

fn reading(report: &Report) -> Vec<Row> {
    let untold = report.sessions.saturating_sub(report.sessions_that_tell_decisions);
    let mut rows = vec![share("prompts approved", report.approval_rate, baseline::APPROVAL)];
    if untold > 0 {
        let text = format!(
            "{untold} sessions do not record what was approved; {} refusals in them",
            report.refusals_elsewhere
        );
        rows.push(part("not counted in it", text));
    }
    rows.extend(groups("approved, prompt", &report.approval_by_prompt));
    rows.extend(times(
        "time to answer a prompt",
        &report.approval_latency,
        &[("", 500), ("p90", 900)],
        &[],
    ));
    rows.push(share("approved within 2 s", report.rubber_stamps, ""));
    let least = report.rubber_stamps_at_least;
    rows.push(share("at least, the call's own time included", least, "").into_part());
    rows.push(share("planted dangers caught", report.guard.vigilance, baseline::CAUGHT));
    for (reviewer, caught) in &report.guard.vigilance_by_reviewer {
        rows.push(share(&format!("by {reviewer}"), *caught, "").into_part());
        let weeks = report.guard.vigilance_by_week.get(reviewer).map_or(&[][..], Vec::as_slice);
        // One week alone says what the line above does.
        let newest = weeks.len().saturating_sub(WEEKS);
        if weeks.len() > 1 {
            rows.extend(groups("week of", weeks.get(newest..).unwrap_or_default()));
        }
    }
    rows
}

fn deciding(report: &Report) -> Vec<Row> {
    let mut rows = vec![
        share("sessions with everything unasked", report.everything_unasked, baseline::EVERYTHING),
        share("or answered by a classifier", report.everything_or_classifier, "").into_part(),
    ];
    rows.extend(groups("unasked, session", &report.everything_by_session));
    rows.push(share("calls let run without a person", report.let_run_unasked, ""));
    let told: u64 = report.layers.values().sum();
    for (layer, count) in &report.layers {
        rows.push(share(&format!("decided by {layer}"), Share::new(*count, told), "").into_part());
    }
    if report.layers_not_told > 0 {
        rows.push(part("not told", format!("{} calls", report.layers_not_told)));
    }
    rows.push(share("calls that cannot be undone", report.irreversible, baseline::IRREVERSIBLE));
    rows.push(share("calls that the gate decided", report.coverage, ""));
    rows.push(share("denied, and run later", report.denials_overridden, ""));
    rows
}

fn stepping_in(report: &Report) -> Vec<Row> {
    let mut rows = times(
        "length of a turn",
        &report.turn_duration,
        &[("", 500), ("p90", 900), ("p99", 990), ("p99.9", 999)],
        &[baseline::MEDIAN, "", "", baseline::LONGEST],
    );
    rows.push(share("turns interrupted", report.interrupt_rate, baseline::INTERRUPTED));
    rows.push(share(
        "turns that end in a question",
        report.clarification_rate,
        baseline::CLARIFIED,
    ));
    rows.extend(groups("with calls", &report.clarification_by_calls));
    rows.push(Row {
        name: "interventions per session".to_owned(),
        value: report
            .interventions_per_session
            .map_or(NOT_KNOWN.to_owned(), |it| format!("{it:.2}")),
        made_of: format!("{} in n = {} sessions", report.interventions, report.sessions_with_turns),
        baseline: baseline::INTERVENTIONS,
        is_part: false,
    });
    let quantiles = [("", 500), ("p90", 900)];
    rows.extend(times(
        "irreversible call to stepping in",
        &report.time_to_intervene,
        &quantiles,
        &[],
    ));
    rows
}

fn guarded(report: &Report) -> Vec<Row> {
    let guard = &report.guard;
    let mut rows = vec![Row {
        name: "actions decided".to_owned(),
        value: if guard.decisions == 0 {
            NOT_KNOWN.to_owned()
        } else {
            guard.decisions.to_string()
        },
        made_of: if guard.decisions == 0 {
            "nothing is recorded".to_owned()
        } else {
            String::new()
        },
        baseline: "",
        is_part: false,
    }];
    if guard.decisions == 0 {
        return rows;
    }
    for (verdict, count) in &guard.verdicts {
        rows.push(share(verdict, Share::new(*count, guard.decisions), "").into_part());
    }
    for (layer, count) in &guard.layers {
        rows.push(
            share(&format!("by {layer}"), Share::new(*count, guard.decisions), "").into_part(),
        );
    }
    rows.push(share("asked about, and ran", guard.asked_and_ran, ""));
    let quantiles = [("", 500), ("p90", 900)];
    rows.extend(times("question to result, at most", &guard.asked_and_ran_within, &quantiles, &[]));
    rows.push(share("denied, and let through once", guard.denials_overridden, ""));
    rows.push(share("approved in the queue", guard.reviews_approved, baseline::APPROVAL));
    rows.extend(times("time to answer in the queue", &guard.review_latency, &quantiles, &[]));
    rows.push(share("approved there within 2 s", guard.review_rubber_stamps, ""));
    rows.extend(times("first alarm to a person's act", &guard.time_to_intervene, &quantiles, &[]));
    rows
}

impl Row {
    fn into_part(mut self) -> Self {
        self.is_part = true;
        self
    }
}

fn part(name: &str, made_of: String) -> Row {
    let name = name.to_owned();
    Row { name, value: String::new(), made_of, baseline: "", is_part: true }
}

fn share(name: &str, share: Share, baseline: &'static str) -> Row {
    let (value, made_of) = match (share.value(), share.wilson()) {
        (Some(value), Some((low, high))) => (
            percent(value),
            format!("{} of n = {} ({}–{})", share.count, share.of, bare(low), percent(high)),
        ),
        _ => (NOT_KNOWN.to_owned(), "n = 0".to_owned()),
    };
    Row { name: name.to_owned(), value, made_of, baseline, is_part: false }
}

fn groups(name: &str, buckets: &[Bucket]) -> Vec<Row> {
    buckets
        .iter()
        .map(|bucket| share(&format!("{name} {}", bucket.group), bucket.share, "").into_part())
        .collect()
}

fn times(
    name: &str,
    times: &Percentiles,
    quantiles: &[(&str, usize)],
    baselines: &[&'static str],
) -> Vec<Row> {
    let n = format!("n = {}", times.n());
    let row = |index: usize, (label, per_mille): &(&str, usize)| Row {
        name: if label.is_empty() { format!("{name}, median") } else { (*label).to_owned() },
        value: times.at(*per_mille).map_or(NOT_KNOWN.to_owned(), duration),
        made_of: n.clone(),
        baseline: baselines.get(index).copied().unwrap_or_default(),
        is_part: index > 0,
    };
    let shown = if times.n() == 0 && baselines.is_empty() { 1 } else { quantiles.len() };
    quantiles.iter().take(shown).enumerate().map(|(index, it)| row(index, it)).collect()
}

/// `8.4 %`.
pub fn percent(share: f64) -> String {
    format!("{} %", bare(share))
}

fn bare(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 || percent >= 99.95 || percent.fract() == 0.0 {
        format!("{percent:.0}")
    } else if percent < 0.995 {
        format!("{percent:.2}")
    } else {
        format!("{percent:.1}")
    }
}

/// `340 ms`, `2.4 s`, `12 min`, `1.5 h`.
pub fn duration(ms: u64) -> String {
    let seconds = crate::measure::number(ms) / 1_000.0;
    if ms < 1_000 {
        format!("{ms} ms")
    } else if seconds < 10.0 {
        format!("{seconds:.1} s")
    } else if seconds < 120.0 {
        format!("{seconds:.0} s")
    } else if seconds < 7_200.0 {
        format!("{:.0} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3_600.0)
    }
}
