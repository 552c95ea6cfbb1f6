//! What holds of the sources and no compiler checks: the layers, the purity of the crates that
//! decide, who may make a decision, sizes, module prose, links. ARCHITECTURE.md says why.

mod layers;
mod rust;
mod texts;

use std::fmt;

use crate::{Failure, files};

/// Something that is not as it should be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Where: `path` or `path:line`.
    place: String,
    /// What, and what to do about it.
    message: String,
    /// Whether it fails the task, or is only said.
    fails: bool,
}

impl Finding {
    fn fail(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into(), fails: true }
    }

    fn warn(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into(), fails: false }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = if self.fails { "error" } else { "warning" };
        write!(f, "{level}: {}: {}", self.place, self.message)
    }
}

/// Checks everything and says what is wrong; true if nothing fails.
pub(crate) fn run() -> Result<bool, Failure> {
    let sources = files::with_extensions(&["rs"])?;
    let mut findings = layers::check(&files::cargo_metadata()?);
    findings.extend(rust::check_all(&sources));
    let manifest = files::read("Cargo.toml")?.unwrap_or_default();
    let lock = files::read("Cargo.lock")?.unwrap_or_default();
    findings.extend(texts::pinned(&manifest, &lock));
    let pages = files::with_extensions(&["md", "toml", "json", "jsonl", "cedar", "rs", "yml"])?;
    findings.extend(texts::machine_paths(&pages, &files::root().to_string_lossy()));
    let root = files::root();
    findings.extend(texts::links(&pages, |path| root.join(path).exists()));
    let crates = layers::crate_folders(&sources);
    let architecture = files::read("ARCHITECTURE.md")?.unwrap_or_default();
    findings.extend(texts::described(&crates, &architecture));
    findings.extend(gaps()?);
    for finding in &findings {
        eprintln!("{finding}");
    }
    let failures = findings.iter().filter(|finding| finding.fails).count();
    println!(
        "tidy: {} files, {failures} errors, {} warnings",
        sources.len(),
        findings.len() - failures
    );
    Ok(failures == 0)
}

/// Cases of literate pages that are known not to hold.
fn gaps() -> Result<Vec<Finding>, Failure> {
    let cases = ringfence_testkit::cases(&files::root().join("tests"))?;
    let gaps = cases.into_iter().filter_map(|case| {
        let gap = case.gap?;
        let file = case.file.strip_prefix(files::root()).unwrap_or(&case.file).to_owned();
        let place = format!("{}:{}", file.display(), case.line);
        Some(Finding::warn(place, format!("known gap: {}: {}", case.title, gap.trim())))
    });
    Ok(gaps.collect())
}
