//! `ringfence version`: what this is, and the digest of its built-in rules.

use std::io::Write;

use clap::Args;

use crate::exit::{Exit, Failure};
use crate::render::json;
use crate::rules;

/// Print the version and the digest of the built-in rules
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence version --json")]
pub(crate) struct Version {
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(version: &Version, out: &mut impl Write) -> Result<Exit, Failure> {
    let number = env!("CARGO_PKG_VERSION");
    let bundle = rules::load(&[])?;
    if version.json {
        json::line(out, &serde_json::json!({ "version": number, "bundle": bundle.digest() }))?;
    } else {
        writeln!(out, "ringfence {number}\nrules {}", bundle.digest())?;
    }
    Ok(Exit::Fine)
}
