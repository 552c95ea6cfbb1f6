//! The files of the repository, and the only place of the build tasks that touches them.

#![expect(clippy::disallowed_methods, reason = "build tasks read and write the repository")]

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Failure;

/// A text file of the repository.
pub(crate) struct File {
    /// Relative to the top, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Folders in which nothing is written by hand.
const SKIPPED: [&str; 4] = ["target", "node_modules", ".git", ".data"];

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    ringfence_testkit::root()
}

/// Every text file with one of these extensions, by path.
pub(crate) fn with_extensions(extensions: &[&str]) -> Result<Vec<File>, Failure> {
    let root = root();
    let mut found = Vec::new();
    collect(&root, &root, extensions, &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn collect(
    root: &Path,
    folder: &Path,
    extensions: &[&str],
    found: &mut Vec<File>,
) -> Result<(), Failure> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                collect(root, &path, extensions, found)?;
            }
        } else if path.extension().is_some_and(|e| extensions.iter().any(|wanted| e == *wanted)) {
            let text = std::fs::read_to_string(&path)?;
            let path = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            found.push(File { path, text });
        }
    }
    Ok(())
}

/// One file, or `None` if it is not there.
pub(crate) fn read(path: &str) -> Result<Option<String>, Failure> {
    match std::fs::read_to_string(root().join(path)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{path}: {error}").into()),
    }
}

/// Writes one file, making its folder.
pub(crate) fn write(path: &str, text: &str) -> Result<(), Failure> {
    let path = root().join(path);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    Ok(std::fs::write(path, text)?)
}

/// A file that somebody named.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Writes a file that is no text.
pub(crate) fn write_bytes(path: &str, bytes: &[u8]) -> Result<(), Failure> {
    Ok(std::fs::write(root().join(path), bytes)?)
}

/// Keeps bytes in a file for a person to look at; where that fails, they are printed anyway.
pub(crate) fn keep_bytes(path: &str, bytes: &[u8]) {
    let path = root().join(path);
    let _ = path.parent().map(std::fs::create_dir_all);
    let _ = std::fs::write(path, bytes);
}

/// Keeps a copy of a file that will be written over.
pub(crate) fn keep(from: &Path, to: &str) {
    let _ = std::fs::copy(from, root().join(to));
}

/// A file that is written anew again and again.
pub(crate) struct Scratch(std::fs::File);

impl Scratch {
    /// Makes the file, and its folder.
    pub(crate) fn create(path: &str) -> Result<Self, Failure> {
        write(path, "")?;
        Ok(Self(std::fs::OpenOptions::new().write(true).open(root().join(path))?))
    }

    /// Puts these bytes in place of what was there.
    pub(crate) fn replace(&mut self, bytes: &[u8]) {
        let _ = self.0.seek(SeekFrom::Start(0));
        let _ = self.0.write_all(bytes);
        let _ = self.0.set_len(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }
}

/// Processor time that this process has taken, where the kernel tells.
pub(crate) fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks = fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    // A hundredth of a second each, on every Linux that there is.
    ticks.sum::<f64>() / 100.0
}

/// What this process holds in memory, where the kernel tells.
pub(crate) fn held_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let held = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    held.and_then(|held| held.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// What cargo knows of the workspace's own crates.
pub(crate) fn cargo_metadata() -> Result<Value, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
