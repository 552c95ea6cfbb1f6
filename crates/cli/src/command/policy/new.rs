//! `ringfence policy new`: a rule to start from.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::exit::{Exit, Failure, Problem};
use crate::render::json;
use crate::render::text::printable;

const TOML: &str = include_str!("skeleton.toml");
const CEDAR: &str = include_str!("skeleton.cedar");

/// Write a rule to start from, with every line explained
///
/// The rule loads as it is, examples included. TOML, or Cedar where the file ends in .cedar. A file
/// that is there is left alone.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct New {
    /// The file to write
    file: PathBuf,
    /// Write Cedar, whatever the file is called
    #[arg(long)]
    cedar: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLE: &str = "Examples:
  ringfence policy new our-rules.toml
  ringfence policy new our-rules.cedar
  ringfence policy test our-rules.toml";

pub(super) fn run(new: &New, out: &mut impl Write) -> Result<Exit, Failure> {
    let extension = new.file.extension().and_then(|extension| extension.to_str());
    let text = match (extension, new.cedar) {
        (Some("cedar"), _) => CEDAR,
        (Some("toml"), false) => TOML,
        // The name says how a file of rules is read.
        (_, true) => return Err(misnamed(&new.file, "cedar").into()),
        (_, false) => return Err(misnamed(&new.file, "toml").into()),
    };
    let mut options = OpenOptions::new();
    let written = options
        .write(true)
        .create_new(true)
        .open(&new.file)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| unwritable(&new.file, &error))?;
    let shown = new.file.display().to_string();
    if new.json {
        json::line(out, &serde_json::json!({ "file": shown, "rule": "our.generated-code" }))?;
    } else {
        let shown = printable(&shown);
        writeln!(out, "wrote {shown}: change it, then `ringfence policy test {shown}`")?;
    }
    Ok(Exit::Fine)
}

fn misnamed(path: &Path, extension: &str) -> Problem {
    let name = path.with_extension(extension);
    Problem::new(
        format!("`{}` does not say how it would be read", path.display()),
        format!("rules end in .toml or .cedar: `ringfence policy new {}`", name.display()),
    )
}

fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    let shown = path.display();
    match error.kind() {
        ErrorKind::AlreadyExists => Problem::new(
            format!("`{shown}` is there already"),
            "name another file; a rule can be added to a file of rules by hand",
        ),
        _ => Problem::new(
            format!("cannot write `{shown}`"),
            "name a file in a folder that you may write to",
        )
        .because(error),
    }
}
