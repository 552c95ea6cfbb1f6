//! The report as one page that needs nothing else: no script, no network, light and dark.

use std::fmt::Write as _;

use crate::chart::{bars, course, escape, spread};
use crate::markdown::{COUNTED, about};
use crate::measure::Share;
use crate::report::{Bucket, Report};
use crate::rows::{NOT_KNOWN, Row, Section, sections};

const STYLE: &str = include_str!("page.css");

/// The whole page.
pub fn page(report: &Report) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Oversight</title><style>{STYLE}</style></head><body><main>\
         <h1>Oversight</h1><p>{}</p>",
        escape(&about(report))
    );
    plots(&mut page, report);
    for Section { title, rows } in sections(report) {
        // Writing to a string does not fail.
        let _ = write!(
            page,
            "<h2>{}</h2><table><thead><tr><th scope=\"col\">Figure</th><th scope=\"col\" class=\"n\">Here</th>\
             <th scope=\"col\">Made of</th><th scope=\"col\">Published</th></tr></thead><tbody>",
            escape(title)
        );
        rows.iter().for_each(|row| table_row(&mut page, row));
        page.push_str("</tbody></table>");
    }
    page.push_str("<h2>How this is counted</h2><ul>");
    for line in COUNTED {
        let _ = write!(page, "<li>{}</li>", emphasis(&escape(line)));
    }
    page.push_str("</ul></main></body></html>\n");
    page
}

fn plots(page: &mut String, report: &Report) {
    let mut plot = |title: &str, svg: Option<String>| {
        let body = svg.unwrap_or_else(|| format!("<p class=\"unknown\">{NOT_KNOWN}</p>"));
        let _ = write!(page, "<figure><figcaption>{}</figcaption>{body}</figure>", escape(title));
    };
    let some = |buckets: &[Bucket], title: &str, published: &[(f64, f64, &str)]| {
        (!buckets.is_empty()).then(|| bars(title, buckets, published))
    };
    let title = "Prompts approved, by their number in the session";
    plot(title, some(&report.approval_by_prompt, title, &[(0.925, 0.935, "93 %")]));
    let title = "Length of turns: the share that is at most as long";
    let marks = [(1_500_000, "25 min"), (2_700_000, "45 min: p99.9, published")];
    let turns = &report.turn_duration;
    plot(title, (turns.n() > 0).then(|| spread(title, turns, &marks)));
    let title = "Sessions with everything unasked, by their number";
    plot(title, some(&report.everything_by_session, title, &[(0.2, 0.4, "20 → 40 %")]));
    let title = "Time to answer a prompt: the share that took at most as long";
    let latency = &report.approval_latency;
    plot(
        title,
        (latency.n() > 0).then(|| spread(title, latency, &[(2_000, "2 s: too quick to read")])),
    );
    for (reviewer, weeks) in &report.guard.vigilance_by_week {
        let title = format!("Planted dangers caught by {reviewer}, week by week");
        plot(&title, Some(course(&title, weeks, 0.136, "published: 13.6 %")));
    }
    let title = "Turns in which the agent asked, by the calls that it made";
    plot(title, some(&report.clarification_by_calls, title, &[]));
    let title = "What decided a call, in the agent";
    let told: u64 = report.layers.values().sum();
    let layers: Vec<Bucket> = report
        .layers
        .iter()
        .map(|(layer, count)| Bucket {
            group: (*layer).to_owned(),
            share: Share::new(*count, told),
        })
        .collect();
    plot(title, some(&layers, title, &[]));
}

fn table_row(page: &mut String, row: &Row) {
    let class = match (row.is_part, row.value == NOT_KNOWN) {
        (true, true) => " class=\"part unknown\"",
        (false, true) => " class=\"unknown\"",
        (true, false) => " class=\"part\"",
        (false, false) => "",
    };
    let _ = write!(
        page,
        "<tr{class}><th scope=\"row\">{}</th><td class=\"n\">{}</td><td>{}</td><td>{}</td></tr>",
        escape(&row.name),
        escape(&row.value),
        escape(&row.made_of),
        escape(row.baseline)
    );
}

/// `*words*` to emphasis.
fn emphasis(text: &str) -> String {
    let mut parts = text.split('*');
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for (index, part) in parts.enumerate() {
        shown.push_str(if index % 2 == 0 { "<em>" } else { "</em>" });
        shown.push_str(part);
    }
    shown
}
