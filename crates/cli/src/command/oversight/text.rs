//! The report for a terminal.

use std::fmt::Write as _;

use anstyle::Style;
use ringfence_oversight::rows::{NOT_KNOWN, Row, Section, sections};
use ringfence_oversight::{Report, markdown};

use crate::render::color::{FAINT, STRONG};
use crate::render::table::{self, Cell};
use crate::render::text::printable;

/// The whole report, within so many columns.
pub(super) fn draw(report: &Report, width: usize) -> String {
    let mut drawn = format!("{}\n", markdown::about(report));
    let name = width.saturating_sub(9 + 31 + 17 + 6).clamp(24, 42);
    let widths = [name, 9, 31, 17];
    for Section { title, rows } in sections(report) {
        // Writing to a string does not fail.
        let head = [title, "here", "made of", "published"];
        let cells = head.map(|it| Cell::new(if it == title { STRONG } else { FAINT }, it));
        let _ = write!(drawn, "\n{}", table::row(&widths, &cells));
        rows.iter().for_each(|row| drawn.push_str(&line(&widths, row)));
    }
    let _ = writeln!(
        drawn,
        "\n{FAINT}Published: of other people, to read beside; no targets. `--markdown` and `--html` say how each figure \
         is counted.{FAINT:#}"
    );
    drawn
}

fn line(widths: &[usize], row: &Row) -> String {
    let known = row.value != NOT_KNOWN;
    let name = if row.is_part {
        format!("  {}", printable(&row.name))
    } else {
        printable(&row.name).into_owned()
    };
    let value = if known && !row.is_part { STRONG } else { Style::new() };
    let value = if known { value } else { FAINT };
    table::row(
        widths,
        &[
            Cell::new(if row.is_part { FAINT } else { Style::new() }, name),
            Cell::new(value, row.value.clone()),
            Cell::new(FAINT, row.made_of.clone()),
            Cell::new(FAINT, row.baseline),
        ],
    )
}
