//! The models of `classify`, trained from the corpora: the same data and the same seed make the same
//! weights. Everything that is reported is measured on sources that the weights have not seen.

mod injections;
mod linear;
mod probe;
mod share;
mod stage_one;

use std::path::Path;

use clap::ValueEnum;
use ringfence_testkit::Corpora;

use crate::{Failure, files};

/// The seed of every random choice.
const SEED: u64 = 8;

/// Where the weights of the probe are.
const PROBE: &str = "crates/classify/weights/probe.bin";
/// Where the weights of stage 1 are.
const STAGE_ONE: &str = "crates/classify/weights/stage-one.tsv";
/// What stage 1 adds, by source.
const STAGE_ONE_REPORT: &str = "docs/reports/stage-one.md";
/// What the probe finds, by source.
const REPORT: &str = "docs/reports/probe.md";

/// Which model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Which {
    /// What reads results.
    Probe,
    /// What weighs evidence of actions.
    StageOne,
}

/// Trains both, or one; `measure` leaves the weights as they are.
pub(crate) fn run(only: Option<Which>, measure: bool) -> Result<bool, Failure> {
    let Some(corpora) = Corpora::from_env() else { return Ok(true) };
    if only != Some(Which::StageOne) {
        let seeds = injections::Seeds::read()?;
        let trained = probe::train(&corpora.text("toolout")?, &seeds);
        print!("{}", trained.page);
        files::write(REPORT, &trained.page)?;
        if !measure {
            files::write_bytes(PROBE, &trained.file)?;
        }
    }
    if only != Some(Which::Probe) {
        let trained = stage_one::train(&corpora)?;
        print!("{}", trained.page);
        files::write(STAGE_ONE_REPORT, &trained.page)?;
        if !measure {
            files::write(STAGE_ONE, &trained.file)?;
        }
    }
    Ok(true)
}

/// Writes the texts of the probe, and what the model makes of those that it has not seen.
pub(crate) fn folds(folder: &Path) -> Result<bool, Failure> {
    let Some(corpora) = Corpora::from_env() else { return Ok(true) };
    let [texts, scores] = probe::folds(&corpora.text("toolout")?, &injections::Seeds::read()?);
    let folder = folder.to_string_lossy();
    files::write(&format!("{folder}/texts.jsonl"), &texts)?;
    files::write(&format!("{folder}/scores.jsonl"), &scores)?;
    Ok(true)
}

/// Trains the probe on all but these sources, to measure it on them.
pub(crate) fn without(sources: &[String], out: &Path) -> Result<bool, Failure> {
    let Some(corpora) = Corpora::from_env() else { return Ok(true) };
    let seeds = injections::Seeds::read()?;
    let sources = sources.iter().map(String::as_str).collect();
    let file = probe::train_without(&corpora.text("toolout")?, &seeds, &sources);
    files::write_bytes(&out.to_string_lossy(), &file)?;
    Ok(true)
}
