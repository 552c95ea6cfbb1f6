//! What is known of the folders of a run from the last one in them, so that this one starts sooner.

use std::collections::BTreeSet;
use std::path::PathBuf;

use ringfence_record::StateFolder;
use ringfence_record::scans::Scans;

/// All of it. Nothing, where nothing was kept.
pub(super) fn load(state: Option<PathBuf>, folders: &BTreeSet<PathBuf>) -> Vec<u8> {
    scans(state, folders).map_or_else(Vec::new, |it| it.load(folders))
}

/// Kept for the next run. What cannot be kept is read again.
pub(super) fn keep(state: Option<PathBuf>, folders: &[PathBuf], seen: Option<&[u8]>) {
    let folders = folders.iter().cloned().collect();
    if let Some((seen, scans)) = seen.zip(scans(state, &folders)) {
        let _ = scans.save(&folders, seen);
    }
}

/// None, where a run could write it for the next one.
fn scans(state: Option<PathBuf>, folders: &BTreeSet<PathBuf>) -> Option<Scans> {
    let state = StateFolder::open(state?).ok()?;
    let real = state.path().canonicalize().ok()?;
    let reached = folders.iter().any(|it| real.starts_with(it));
    if reached { None } else { Scans::open(&state).ok() }
}
