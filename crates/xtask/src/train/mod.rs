//! The models of `classify`, trained from the corpora: the same data and the same seed make the same
//! weights. Everything that is reported is measured on sources that the weights have not seen.

mod encoder;
mod injections;
mod linear;
mod probe;
mod regression;
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
/// What a second score adds to the probe.
const ENCODER_REPORT: &str = "docs/reports/encoder.md";
/// The head of the second score.
const ENCODER: &str = "crates/classify/weights/encoder.tsv";
/// What the probe finds, by source.
const REPORT: &str = "docs/reports/probe.md";

/// Which model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Which {
    /// What reads results.
    Probe,
    /// What weighs evidence of actions.
    StageOne,
    /// What reads the meaning of results, over a model from `--model`.
    Encoder,
}

/// Trains all that are built in, or one; `measure` leaves the weights as they are. `model`: the folder with the encoder.
pub(crate) fn run(only: Option<Which>, measure: bool, model: &Path) -> Result<bool, Failure> {
    let Some(corpora) = Corpora::from_env() else { return Ok(true) };
    if matches!(only, None | Some(Which::Probe)) {
        let seeds = injections::Seeds::read()?;
        let trained = probe::train(&corpora.text("toolout")?, &seeds);
        print!("{}", trained.page);
        files::write(REPORT, &trained.page)?;
        if !measure {
            files::write_bytes(PROBE, &trained.file)?;
        }
    }
    if matches!(only, None | Some(Which::StageOne)) {
        let trained = stage_one::train(&corpora)?;
        print!("{}", trained.page);
        files::write(STAGE_ONE_REPORT, &trained.page)?;
        if !measure {
            files::write(STAGE_ONE, &trained.file)?;
        }
    }
    if only == Some(Which::Encoder) {
        let seeds = injections::Seeds::read()?;
        let trained = encoder::train(&corpora.text("toolout")?, &seeds, model)?;
        print!("{}", trained.page);
        files::write(ENCODER_REPORT, &trained.page)?;
        if !measure {
            files::write(ENCODER, &trained.file)?;
        }
    }
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
