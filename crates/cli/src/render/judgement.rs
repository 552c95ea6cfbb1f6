//! What a judge saw and said, for people.

use std::fmt::Write as _;

use ringfence_classify::judge::{Answer, Judgement};

use super::color::{FAINT, STRONG, paint};
use super::text::{cut, printable};

/// The judgement and what it rests on; one line where nobody was asked.
pub(crate) fn draw(judgement: Option<&Judgement>, saw: Option<&str>, width: usize) -> String {
    let mut drawn = String::new();
    let Some(judgement) = judgement else {
        let words = "the judge was not asked: rules spoke, or its mode leaves this out";
        let _ = writeln!(drawn, "{}", paint(FAINT, words));
        return drawn;
    };
    let _ = writeln!(drawn, "\n{}", paint(STRONG, "what the judge said"));
    for line in said(judgement) {
        let _ = writeln!(drawn, "  {}", cut(&line, width.max(40) * 4));
    }
    let _ = writeln!(drawn, "  {}", paint(FAINT, &printable(&cost(judgement))));
    if let Some(saw) = saw {
        let _ = writeln!(drawn, "\n{}", paint(STRONG, "what the judge saw"));
        for line in saw.lines() {
            let _ = writeln!(drawn, "  {}", printable(line));
        }
    }
    drawn
}

/// The answer, one thing a line.
pub(crate) fn said(judgement: &Judgement) -> Vec<String> {
    match &judgement.answer {
        Answer::Clear => vec!["nothing to look at (first pass)".to_owned()],
        Answer::Unavailable(fault) => vec![format!("no answer: {fault}")],
        Answer::Opinion(opinion) => {
            let mut lines = vec![format!(
                "{}: {} risk, {}; covered by the user: {}",
                opinion.verdict, opinion.risk, opinion.category, opinion.consent.covers
            )];
            if opinion.ungrounded {
                lines.push(
                    "its `allow` is not believed: the user did not say what it quotes".into(),
                );
            }
            if !opinion.consent.quote.is_empty() {
                lines.push(format!("it quotes: {}", opinion.consent.quote));
            }
            lines.push(format!("in its words: {}", opinion.rationale));
            lines
        }
    }
}

/// Who said it, and what it took.
pub(crate) fn cost(judgement: &Judgement) -> String {
    let cost = &judgement.cost;
    let mut words = vec![format!("{} {}", judgement.provider, judgement.model)];
    if cost.cached {
        words.push("said before".to_owned());
    } else {
        words.push(format!("{} requests, {} ms", cost.calls, cost.latency_ms));
        words.push(format!(
            "{} tokens read, {} of them cached, {} written",
            cost.input_tokens + cost.cached_tokens,
            cost.cached_tokens,
            cost.output_tokens
        ));
    }
    words.extend(cost.price.map(|price| format!("{price:.4} paid")));
    words.join(" · ")
}
