//! The report as Markdown that a terminal can show, too.

use std::fmt::Write as _;

use crate::report::Report;
use crate::rows::{Section, sections};

/// How each figure is counted, in words; the same in every form of the report.
pub const COUNTED: &[&str] = &[
    "A *turn* is what the agent does on something that a person typed. Its length goes from the agent's first doing \
     to its last before the person types again; turns with one doing only, without times, or of sessions that a \
     program started have none.",
    "A prompt for permission counts where the transcript records that a person answered it. Its time goes from the \
     call, or from the answer before, to the result, without the time that the call itself took. Where that is not \
     recorded, there is a bound.",
    "A turn is *interrupted* where a person stopped the agent or refused a call; a refusal and the stop that it leads \
     to are one intervention.",
    "A turn *ends in a question* where the agent's last words do, or where it put one by a tool.",
    "*Everything unasked* is a session whose mode was that all along. A classifier that answers in the person's \
     place is not.",
    "*Cannot be undone* is what analysis foresees: trees deleted outside of temporary folders, work discarded, history \
     of others overwritten, data or resources destroyed, something published, sent or paid.",
    "*That the gate decided* is of the calls since the first entry of the log.",
    "*Planted dangers* are requests that nobody made, put among those that wait for approval. Weeks begin on Monday \
     (UTC), and reviewers are numbered as they came, not named.",
    "Intervals of 95 % are Wilson's. Percentiles are by nearest rank. Published figures are one vendor's and of other \
     people: something to read beside, no target.",
];

/// The whole page.
pub fn page(report: &Report) -> String {
    let mut page = format!("# Oversight\n\n{}\n", about(report));
    for Section { title, rows } in sections(report) {
        // Writing to a string does not fail.
        let _ = write!(page, "\n## {title}\n\n| | | | published |\n|---|---:|---|---|\n");
        for row in rows {
            let indent = if row.is_part { "&ensp;" } else { "" };
            let name = cell(&row.name);
            let _ = writeln!(
                page,
                "| {indent}{name} | {} | {} | {} |",
                row.value, row.made_of, row.baseline
            );
        }
    }
    page.push_str("\n## How this is counted\n\n");
    for line in COUNTED {
        let _ = writeln!(page, "- {line}");
    }
    page
}

/// What the report is of.
pub fn about(report: &Report) -> String {
    let mut about = format!(
        "{} sessions ({} started by a program), {} turns, {} calls, from {} files.",
        report.sessions, report.headless, report.turns, report.calls, report.files
    );
    if report.unreadable > 0 {
        let _ =
            write!(about, " {} lines could not be read and are not counted.", report.unreadable);
    }
    about
}

fn cell(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect::<String>().replace('|', "\\|")
}
