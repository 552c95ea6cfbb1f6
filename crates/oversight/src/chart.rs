//! Plots as inline SVG: no script, readable in light and dark, with the numbers as text.

use std::fmt::Write as _;

use crate::measure::Percentiles;
use crate::report::Bucket;
use crate::rows::{duration, percent};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 48.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 36.0;

/// Bars from 0 to 100 %, each with its interval, its n below, and what others published as bands.
pub fn bars(title: &str, buckets: &[Bucket], published: &[(f64, f64, &str)]) -> String {
    let mut svg = open(title);
    grid(&mut svg);
    for (low, high, label) in published {
        let (top, bottom) = (y(*high), y(*low));
        let height = (bottom - top).max(2.0);
        let right = WIDTH - LEFT;
        // Writing to a string does not fail.
        let _ = write!(
            svg,
            r#"<rect class="published" x="{LEFT}" y="{top:.1}" width="{right:.1}" height="{height:.1}"/><text class="note" x="{:.1}" y="{:.1}" text-anchor="end">published: {}</text>"#,
            WIDTH - 4.0,
            top - 4.0,
            escape(label)
        );
    }
    let step = (WIDTH - LEFT) / f64::max(1.0, crate::measure::number(buckets.len() as u64));
    for (index, bucket) in buckets.iter().enumerate() {
        let (Some(value), Some((low, high))) = (bucket.share.value(), bucket.share.wilson()) else {
            continue;
        };
        let middle = LEFT + step * (crate::measure::number(index as u64) + 0.5);
        let wide = (step * 0.6).min(72.0);
        let _ = write!(
            svg,
            r#"<rect class="bar" x="{:.1}" y="{:.1}" width="{wide:.1}" height="{:.1}"><title>{}: {} ({} of {})</title></rect><line class="interval" x1="{middle:.1}" x2="{middle:.1}" y1="{:.1}" y2="{:.1}"/><text x="{middle:.1}" y="{:.1}" text-anchor="middle">{}</text><text class="note" x="{middle:.1}" y="{:.1}" text-anchor="middle">n = {}</text>"#,
            middle - wide / 2.0,
            y(value),
            y(0.0) - y(value),
            escape(&bucket.group),
            percent(value),
            bucket.share.count,
            bucket.share.of,
            y(high),
            y(low),
            HEIGHT - 20.0,
            escape(&bucket.group),
            HEIGHT - 6.0,
            bucket.share.of
        );
    }
    svg.push_str("</svg>");
    svg
}

/// How a share went from week to week: each a point with its interval, beside what others published. Weeks without
/// any leave a gap.
pub fn course(title: &str, weeks: &[Bucket], published: f64, label: &str) -> String {
    let mut svg = open(title);
    grid(&mut svg);
    let at = y(published);
    // Writing to a string does not fail.
    let _ = write!(
        svg,
        r#"<line class="mark" x1="{LEFT}" x2="{WIDTH}" y1="{at:.1}" y2="{at:.1}"/><text class="note" x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
        WIDTH - 4.0,
        at - 4.0,
        escape(label)
    );
    let days: Vec<Option<f64>> = weeks.iter().map(|week| day(&week.group)).collect();
    let first = days.iter().flatten().copied().reduce(f64::min).unwrap_or_default();
    let last = days.iter().flatten().copied().reduce(f64::max).unwrap_or_default();
    let x = |day: f64| {
        let part = if last > first { (day - first) / (last - first) } else { 0.5 };
        LEFT + 34.0 + (WIDTH - LEFT - 68.0) * part
    };
    let (mut path, mut labelled) = (String::new(), f64::MIN);
    for (week, day) in weeks.iter().zip(&days) {
        let (Some(value), Some((low, high)), Some(day)) =
            (week.share.value(), week.share.wilson(), day)
        else {
            continue;
        };
        let x = x(*day);
        let letter = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(path, "{letter}{x:.1} {:.1}", y(value));
        let _ = write!(
            svg,
            r#"<line class="interval" x1="{x:.1}" x2="{x:.1}" y1="{:.1}" y2="{:.1}"/><circle class="bar" cx="{x:.1}" cy="{:.1}" r="4"><title>{}: {} ({} of {})</title></circle>"#,
            y(high),
            y(low),
            y(value),
            escape(&week.group),
            percent(value),
            week.share.count,
            week.share.of
        );
        if x - labelled > 78.0 {
            labelled = x;
            let _ = write!(
                svg,
                r#"<text x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text><text class="note" x="{x:.1}" y="{:.1}" text-anchor="middle">n = {}</text>"#,
                HEIGHT - 20.0,
                escape(&week.group),
                HEIGHT - 6.0,
                week.share.of
            );
        }
    }
    let _ = write!(svg, r#"<path class="line" d="{path}"/></svg>"#);
    svg
}

/// The number of a day that is written as `2026-11-16`.
fn day(date: &str) -> Option<f64> {
    let date: jiff::civil::Date = date.parse().ok()?;
    let since = jiff::civil::date(1970, 1, 1).until(date).ok()?;
    Some(f64::from(since.get_days()))
}

/// Which share of times is at most as long, on a scale of powers of ten.
pub fn spread(title: &str, times: &Percentiles, marks: &[(u64, &str)]) -> String {
    let mut svg = open(title);
    grid(&mut svg);
    let sorted = times.times();
    let longest = sorted.iter().copied().chain(marks.iter().map(|(ms, _)| *ms)).max().unwrap_or(1);
    let scale = |ms: u64| {
        let log = |ms: u64| crate::measure::number(ms.max(10)).log10() - 1.0;
        LEFT + (WIDTH - LEFT - 8.0) * log(ms) / log(longest.max(100))
    };
    for ms in [100, 1_000, 10_000, 60_000, 600_000, 3_600_000, 36_000_000_u64] {
        if ms <= longest {
            let x = scale(ms);
            let _ = write!(
                svg,
                r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{:.1}" y2="{:.1}"/><text x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                y(1.0),
                y(0.0),
                HEIGHT - 20.0,
                duration(ms)
            );
        }
    }
    let mut path = String::new();
    let steps = sorted.len().min(400);
    for step in 0..=steps {
        let index = (sorted.len() * step).div_ceil(steps.max(1)).saturating_sub(1);
        let Some(ms) = sorted.get(index) else { continue };
        let share =
            crate::measure::number(index as u64 + 1) / crate::measure::number(sorted.len() as u64);
        let letter = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(path, "{letter}{:.1} {:.1}", scale(*ms), y(share));
    }
    let _ = write!(svg, r#"<path class="line" d="{path}"/>"#);
    for (index, (ms, label)) in marks.iter().enumerate() {
        let x = scale(*ms);
        let _ = write!(
            svg,
            r#"<line class="mark" x1="{x:.1}" x2="{x:.1}" y1="{:.1}" y2="{:.1}"/><text class="note" x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            y(1.0),
            y(0.0),
            x - 4.0,
            y(0.0) - 6.0 - 13.0 * crate::measure::number(index as u64),
            escape(label)
        );
    }
    let _ = write!(
        svg,
        r#"<text class="note" x="{LEFT}" y="{:.1}">n = {}</text></svg>"#,
        HEIGHT - 6.0,
        times.n()
    );
    svg
}

fn open(title: &str) -> String {
    let title = escape(title);
    format!(
        r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}"><title>{title}</title>"#
    )
}

fn grid(svg: &mut String) {
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let at = y(share);
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{at:.1}" y2="{at:.1}"/><text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            LEFT - 6.0,
            at + 4.0,
            percent(share)
        );
    }
}

fn y(share: f64) -> f64 {
    TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - share)
}

/// Text for HTML and SVG.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() && c != '\n' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}
