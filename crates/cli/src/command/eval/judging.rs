//! What a judge was asked, what it said, and what that took.

use std::collections::BTreeMap;

use ringfence_classify::judge::{Answer, Cost, Judgement};
use serde::{Deserialize, Serialize};

use super::decide::Seen;
use super::grid::Grid;
use super::page::heading;
use super::report::Report;
use super::stats::{Rate, percentiles};
use crate::render::text::printable;

/// One judgement.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    /// `clear`, `allow`, `ask`, `deny`, or why there is none.
    answer: String,
    is_available: bool,
    pub(super) score: Option<f64>,
    cost: Cost,
}

impl Judged {
    pub(super) fn of(judgement: &Judgement) -> Self {
        let answer = match &judgement.answer {
            Answer::Clear => "clear".to_owned(),
            Answer::Opinion(opinion) => opinion.verdict.as_str().to_owned(),
            Answer::Unavailable(fault) => format!("none: {fault}"),
        };
        let is_available = !matches!(judgement.answer, Answer::Unavailable(_));
        Self { answer, is_available, score: judgement.score(), cost: judgement.cost }
    }
}

/// All of them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Judging {
    /// Actions about which it was asked, of all.
    asked: Rate,
    /// Of these, those to which it said nothing that counts.
    unavailable: Rate,
    /// By what was answered.
    answers: BTreeMap<String, u64>,
    /// Answered from memory: the same was asked before.
    cached: u64,
    requests: u64,
    input_tokens: u64,
    cached_tokens: u64,
    output_tokens: u64,
    /// In the currency of the settings; nothing where they have no prices.
    price: Option<f64>,
    /// Milliseconds that an answer took which was not in memory: half, and all but one of a hundred, less.
    latency_ms: [u64; 2],
}

impl Judging {
    /// Adds up; nothing where nobody was asked.
    pub(super) fn of(seen: &[Seen]) -> Option<Self> {
        let each = || seen.iter().filter(|it| !it.is_session);
        let judged = || each().filter_map(|it| it.judged.as_ref().map(|judged| (it, judged)));
        judged().next()?;
        let mut all = Self {
            asked: Rate::of(each().map(|it| (it.session.as_str(), it.judged.is_some()))),
            unavailable: Rate::of(judged().map(|(it, by)| (it.session.as_str(), !by.is_available))),
            ..Self::default()
        };
        let mut latencies = Vec::new();
        for (_, Judged { answer, cost, .. }) in judged() {
            *all.answers.entry(answer.clone()).or_default() += 1;
            if cost.cached {
                all.cached += 1;
                continue;
            }
            latencies.push(cost.latency_ms);
            all.requests += cost.calls;
            all.input_tokens += cost.input_tokens;
            all.cached_tokens += cost.cached_tokens;
            all.output_tokens += cost.output_tokens;
            if let Some(price) = cost.price {
                all.price = Some(all.price.unwrap_or_default() + price);
            }
        }
        all.latency_ms = percentiles(latencies);
        Some(all)
    }
}

/// The table of it.
pub(super) fn draw(page: &mut String, report: &Report) {
    let Some(judging) = &report.judging else { return };
    let about = "What it found is in *By stage*, and in its scores. *None* is never permission: it is asked about.";
    heading(page, "Judge", about);
    let mut grid = Grid::new(1, &["", ""]);
    let mut row = |name: &str, value: String| grid.row(vec![name.to_owned(), value]);
    let share = |rate: &Rate| format!("{} of {} ({:.2} %)", rate.hits, rate.of, rate.share * 100.0);
    row("asked about", share(&judging.asked));
    row("no answer that counts", share(&judging.unavailable));
    for (answer, count) in &judging.answers {
        row(&printable(answer), count.to_string());
    }
    row("answered from memory", judging.cached.to_string());
    row("requests", judging.requests.to_string());
    let Judging { input_tokens, cached_tokens, output_tokens, .. } = judging;
    row(
        "tokens read, from the provider's cache, written",
        format!("{input_tokens}, {cached_tokens}, {output_tokens}"),
    );
    row("price", judging.price.map_or("–".to_owned(), |price| format!("{price:.4}")));
    let [half, nearly] = judging.latency_ms;
    row("time for an answer", format!("p50 {half} ms, p99 {nearly} ms"));
    page.push_str(&grid.draw());
}
