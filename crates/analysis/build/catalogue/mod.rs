//! Compiles `catalog/commands/**/*.toml` into static Rust data, and says what is wrong with an entry.

mod emit;
mod format;
mod names;
mod rule;
mod tables;

use std::fs;
use std::path::{Path, PathBuf};

/// The text of the generated file, or every problem found.
pub(crate) fn compile(folder: &Path) -> Result<String, Vec<String>> {
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.sort();
    let mut emitter = emit::Emitter::default();
    let mut problems = Vec::new();
    for file in &files {
        if let Err(problem) = add(&mut emitter, file) {
            let shown = file.strip_prefix(folder).unwrap_or(file);
            problems.push(format!("catalog/commands/{}: {problem}", shown.display()));
        }
    }
    if problems.is_empty() { Ok(emitter.finish()) } else { Err(problems) }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(listing) = fs::read_dir(folder) else { return };
    for item in listing.flatten() {
        let path = item.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
}

fn add(emitter: &mut emit::Emitter, file: &Path) -> Result<(), String> {
    let text = fs::read_to_string(file).map_err(|error| format!("cannot be read: {error}"))?;
    let entry: format::Entry = toml::from_str(&text).map_err(|error| error.to_string())?;
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if stem != entry.name {
        return Err(format!("describes `{}`; a file is named after its program", entry.name));
    }
    emitter.entry(entry)
}
