//! Which files of a workspace were made or changed while a run lived. The kernel stamps every change, and
//! nobody can set that stamp.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::{Duration, SystemTime};

use crate::after::Touched;
use crate::plan::Watch;

/// Files that are looked at. A workspace may hold any number.
const LOOKED_AT: usize = 30_000;

/// What was touched since a time, by the clock that files are stamped with; and whether everything was
/// looked at. Not in what package managers and compilers fill, nor in repositories.
#[expect(clippy::disallowed_methods, reason = "looks at what a run has left")]
pub(super) fn since(watch: &Watch, started: Duration) -> (Vec<Touched>, bool) {
    let mut touched = Vec::new();
    let mut folders = watch.folders.clone();
    let mut left = LOOKED_AT;
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name();
            let skipped =
                || name == ".git" || watch.profile.skip.iter().any(|it| name == it.as_str());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !skipped() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => {
                    if left == 0 {
                        return (touched, false);
                    }
                    left -= 1;
                    let Ok(about) = entry.metadata() else { continue };
                    let seconds = u64::try_from(about.ctime()).unwrap_or(0);
                    let rest = u32::try_from(about.ctime_nsec()).unwrap_or(0);
                    if Duration::new(seconds, rest) < started {
                        continue;
                    }
                    let born = about.created().ok();
                    let born = born.and_then(|it| it.duration_since(SystemTime::UNIX_EPOCH).ok());
                    touched.push(Touched {
                        path: entry.path(),
                        new: born.is_some_and(|it| it >= started),
                        executable: about.permissions().mode() & 0o111 != 0,
                    });
                }
                _ => {}
            }
        }
    }
    touched.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    (touched, true)
}
