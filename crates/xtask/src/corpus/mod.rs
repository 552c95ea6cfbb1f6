//! Recorded commands, decided: what would have been let through, what it costs, what is not
//! understood. A change of the catalogue or of a rule is judged by the difference that this makes.
//!
//! Real traffic (the sources in [`TRAFFIC`]) is reported in `docs/reports/corpus.md`, against the
//! report that is there. Every source together (`--all`) is only printed: most are documentation or
//! tests of other guards, and their labels are not a bar.

pub(crate) mod history;
pub(crate) mod measure;
mod render;
mod tally;

use std::path::Path;

use ringfence_classify::probe::Model;
use ringfence_testkit::Corpora;

pub(crate) use tally::share;

use crate::{Failure, files};

/// What coding agents really did.
const TRAFFIC: [&str; 2] = ["entire_cli", "minsky_cursor"];

const JSON: &str = "docs/reports/corpus.json";
const MARKDOWN: &str = "docs/reports/corpus.md";

pub(crate) fn run(all: bool, show: Option<&str>, probe: Option<&Path>) -> Result<bool, Failure> {
    let Some(corpora) = Corpora::from_env() else { return Ok(true) };
    let mut rows = corpora.actions()?;
    rows.retain(|row| all || TRAFFIC.contains(&row.source.as_str()));
    let histories = history::of(&corpora.text("transcripts")?, &TRAFFIC);
    let weights = probe.map(files::read_bytes).transpose()?;
    let model = match &weights {
        Some(weights) => Model::read(weights).ok_or("this is no file of weights")?,
        None => Model::trained(),
    };
    let report = measure::measure(rows, &histories, show, model)?;
    if show.is_some() {
        return Ok(true);
    }
    if probe.is_some() {
        print!("{}", render::interruptions(&report, None));
        return Ok(true);
    }
    if all {
        print!("{}", render::verdicts(&report));
        return Ok(true);
    }
    let before = files::read(JSON)?.and_then(|text| serde_json::from_str(&text).ok());
    let text = render::page(&report, before.as_ref());
    print!("{text}");
    files::write(JSON, &format!("{}\n", serde_json::to_string_pretty(&report)?))?;
    files::write(MARKDOWN, &text)?;
    Ok(true)
}
