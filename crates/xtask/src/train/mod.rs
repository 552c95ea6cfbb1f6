//! The models of `classify`, trained from the corpora: the same data and the same seed make the same
//! weights. Everything that is reported is measured on sources that the weights have not seen.

mod injections;
mod linear;
mod probe;
mod share;

use ringfence_testkit::Corpora;

use crate::{Failure, files};

/// The seed of every random choice.
const SEED: u64 = 8;

/// Where the weights of the probe are.
const PROBE: &str = "crates/classify/weights/probe.bin";
/// What the probe finds, by source.
const REPORT: &str = "docs/reports/probe.md";

/// Trains the probe; `measure` leaves the weights as they are.
pub(crate) fn run(measure: bool) -> Result<bool, Failure> {
    let Some(corpora) = Corpora::from_env() else { return Ok(true) };
    let seeds = injections::Seeds::read()?;
    let trained = probe::train(&corpora.text("toolout")?, &seeds);
    print!("{}", trained.page);
    files::write(REPORT, &trained.page)?;
    if !measure {
        files::write_bytes(PROBE, &trained.file)?;
    }
    Ok(true)
}
