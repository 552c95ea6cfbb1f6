//! Which files of a workspace were made or changed while a run lived. The kernel stamps every change, and
//! nobody can set that stamp.
//!
//! Every file is asked for its stamp: what is written in its place changes nothing above it. But no folder is
//! read for that which is known already, and the asking is shared among processors.

use std::ffi::CStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::host::Host;
use super::sys;
use crate::after::Touched;
use crate::request::{Kind, Look};
use crate::scan::Files;

/// Files that are looked at. A workspace may hold any number.
const LOOKED_AT: usize = 30_000;
/// Folders in one that others execute or obey. There are few files in such.
const MOST_BELOW: usize = 300;
/// Who looks at fewer is done before anybody could help.
const WORTH_SHARING: usize = 400;
/// More would be in the way of whatever else runs.
const MOST_HELPERS: usize = 4;

/// The files of a folder that was not looked into, and of those in it.
pub(super) fn files_below(folder: &Path) -> Vec<Files> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop().filter(|_| found.len() < MOST_BELOW) {
        let mut names = Vec::new();
        for (name, kind) in Host.entries(&folder) {
            match kind {
                Kind::Folder => folders.push(folder.join(name)),
                Kind::File => {
                    names.extend_from_slice(name.as_bytes());
                    names.push(0);
                }
                Kind::Link | Kind::Other | Kind::Absent => {}
            }
        }
        found.push(Files { folder, names });
    }
    found
}

/// What of these files was touched since a time, by the clock that files are stamped with; and whether all of
/// them were looked at.
pub(super) fn since(files: &[Files], started: Duration) -> (Vec<Touched>, bool) {
    let mut left = LOOKED_AT;
    let mut count = 0;
    // Folders are looked at whole or not at all.
    let fits = |it: &&Files| {
        let here = it.names.iter().filter(|byte| **byte == 0).count();
        count += here;
        left.checked_sub(here).map(|it| left = it).is_some()
    };
    let looked_at = files.iter().take_while(fits).count();
    let here = files.get(..looked_at).unwrap_or_default();
    let mut touched = shared(here, count, started);
    touched.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    (touched, looked_at == files.len())
}

fn shared(files: &[Files], count: usize, started: Duration) -> Vec<Touched> {
    // The standard library reads half a dozen files for that number.
    let parts = if count < WORTH_SHARING { 1 } else { sys::processors().min(MOST_HELPERS) };
    let mut parts = files.chunks(files.len().div_ceil(parts).max(1));
    let own = parts.next().unwrap_or_default();
    thread::scope(|scope| {
        let helpers: Vec<_> = parts
            .map(|part| {
                let helper = thread::Builder::new().spawn_scoped(scope, || among(part, started));
                (part, helper.ok())
            })
            .collect();
        let mut touched = among(own, started);
        for (part, helper) in helpers {
            // Without a helper it is done here.
            let theirs = helper.and_then(|it| it.join().ok());
            touched.extend(theirs.unwrap_or_else(|| among(part, started)));
        }
        touched
    })
}

fn among(files: &[Files], started: Duration) -> Vec<Touched> {
    let mut touched = Vec::new();
    for Files { folder, names } in files {
        let Ok(at) = sys::open_path(folder) else { continue };
        for name in names.split_inclusive(|byte| *byte == 0) {
            let Ok(name) = CStr::from_bytes_with_nul(name) else { continue };
            let Ok(times) = sys::times_in(at.as_fd(), name) else { continue };
            if times.changed < started || times.mode & libc::S_IFMT != libc::S_IFREG {
                continue;
            }
            touched.push(Touched {
                path: folder.join(Path::new(std::ffi::OsStr::from_bytes(name.to_bytes()))),
                new: times.born.is_some_and(|it| it >= started),
                executable: times.mode & 0o111 != 0,
            });
        }
    }
    touched
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_was_changed_in_its_place_is_found_among_many() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap();
        let mut files = Vec::new();
        for number in 0..30 {
            let folder = at.join(number.to_string());
            fs::create_dir(&folder).unwrap();
            let mut names = Vec::new();
            for file in 0..30 {
                fs::write(folder.join(file.to_string()), "before").unwrap();
                names.extend(file.to_string().into_bytes());
                names.push(0);
            }
            // What is gone by then is nothing.
            names.extend(b"gone\0");
            files.push(Files { folder, names });
        }
        thread::sleep(Duration::from_millis(30));
        let started = sys::clock_of_files().unwrap();
        assert_eq!(since(&files, started), (Vec::new(), true));
        fs::write(at.join("3/7"), "after").unwrap();
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(at.join("29/29"), open).unwrap();
        let file = |path: &str, executable| Touched { path: at.join(path), new: false, executable };
        assert_eq!(since(&files, started), (vec![file("29/29", true), file("3/7", false)], true));
    }

    #[test]
    fn more_than_are_looked_at_is_said() {
        let names = b"x\0".repeat(LOOKED_AT);
        let many = Files { folder: "/nowhere".into(), names };
        let one = Files { folder: "/nowhere".into(), names: b"x\0".to_vec() };
        let mut files = vec![many];
        assert!(since(&files, Duration::ZERO).1);
        files.push(one);
        assert!(!since(&files, Duration::ZERO).1);
    }
}
