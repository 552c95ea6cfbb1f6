//! A control group of a run's own, where the kernel lets this user make one: limits for all of its processes
//! together, and one word that ends them all.
//!
//! Without one, limits are those of each process. Which of the two it is, is said.

#![expect(
    clippy::disallowed_methods,
    reason = "the kernel tells of groups in files, and takes their limits as files"
)]

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::host::told_by_kernel;
use crate::plan::PlanLimits;
use crate::support::LimitsBy;

/// A group that is there as long as this is.
pub(super) struct Group {
    folder: PathBuf,
    /// Where a process writes to come in.
    door: File,
    memory: bool,
    processes: bool,
}

/// What this system gives, by trying it.
pub(crate) fn probe() -> LimitsBy {
    match Group::make(&format!("ringfence-probe-{}", std::process::id()), true) {
        Ok(group) => {
            let held = [("memory", group.memory), ("processes", group.processes)];
            let held = held.into_iter().filter(|(_, held)| *held).map(|(name, _)| name.to_owned());
            LimitsBy::Group { held: held.collect() }
        }
        Err(error) => LimitsBy::Process { why: error.to_string() },
    }
}

impl Group {
    /// A group for a run, if it would hold more than each process's limits do.
    pub(super) fn of(limits: &PlanLimits, alone: bool) -> Option<Self> {
        // Where nothing else ends what is left, that alone is worth it.
        let group = Self::make(&format!("ringfence-{}", std::process::id()), alone).ok()?;
        if !(group.memory || group.processes || alone) {
            return None;
        }
        group.hold(limits).ok()?;
        Some(group)
    }

    /// Writes down what it may use, as far as it is one that holds that.
    fn hold(&self, limits: &PlanLimits) -> io::Result<()> {
        let set = |name: &str, value: &str| fs::write(self.folder.join(name), value);
        if self.processes {
            set("pids.max", &limits.processes.to_string())?;
        }
        if let Some(memory) = limits.memory.filter(|_| self.memory) {
            set("memory.max", &memory.to_string())?;
            // What does not fit must not go elsewhere, and one that is ended ends the others; not every
            // kernel knows how.
            let _ = set("memory.swap.max", "0");
            let _ = set("memory.oom.group", "1");
        }
        Ok(())
    }

    /// In the group that this process is in, or beside it: whichever can hold something. `bare`: where neither can, one
    /// that holds nothing will do.
    fn make(name: &str, bare: bool) -> io::Result<Self> {
        let own = own_group()?;
        let mut failed = io::Error::other("no controllers are handed on here");
        let mut spare = None;
        for above in [Some(own.as_path()), own.parent()].into_iter().flatten() {
            match Self::below(above, name, bare) {
                Ok(group) if group.memory || group.processes => return Ok(group),
                Ok(group) => spare = spare.or(Some(group)),
                Err(error) => failed = error,
            }
        }
        spare.filter(|_| bare).ok_or(failed)
    }

    fn below(above: &Path, name: &str, bare: bool) -> io::Result<Self> {
        let given = told_by_kernel(&above.join("cgroup.controllers"))?;
        let given = given.split_ascii_whitespace().filter(|it| ["memory", "pids"].contains(it));
        let given: Vec<&str> = if gives(above) { given.collect() } else { Vec::new() };
        if given.is_empty() && !bare {
            return Err(io::Error::other("no controllers are handed on here"));
        }
        for controller in given {
            let _ = fs::write(above.join("cgroup.subtree_control"), format!("+{controller}"));
        }
        let folder = above.join(name);
        fs::DirBuilder::new().create(&folder)?;
        // One that only threads could be brought into would take no process.
        let kind = told_by_kernel(&folder.join("cgroup.type"));
        let takes = kind.is_ok_and(|it| it.trim() == "domain");
        let has = |name: &str| takes && folder.join(name).exists();
        let (memory, processes) = (has("memory.max"), has("pids.max"));
        match fs::OpenOptions::new().write(true).open(folder.join("cgroup.procs")) {
            Ok(door) => Ok(Self { folder, door, memory, processes }),
            Err(error) => {
                let _ = fs::remove_dir(&folder);
                Err(error)
            }
        }
    }

    /// Brings the process that asks into the group, with all that it will start.
    pub(super) fn enter(&self) -> io::Result<()> {
        (&self.door).write_all(b"0")
    }

    /// Whether the memory of the run is held together, and not that of each process.
    pub(super) fn holds_memory(&self) -> bool {
        self.memory
    }

    /// Ends every process in it.
    pub(super) fn end(&self) {
        // An older kernel does not know the word; then its processes end as they do without a group.
        let _ = fs::write(self.folder.join("cgroup.kill"), "1");
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        /// What was ended takes a moment to be gone.
        const TRIALS: u32 = 50;
        for _ in 0..TRIALS {
            match fs::remove_dir(&self.folder) {
                Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                    thread::sleep(Duration::from_millis(1));
                }
                _ => return,
            }
        }
    }
}

/// Whether a group may give controllers on to those in it: one that holds processes itself may not, unless it is the
/// one above all, and to give on some all the same would turn it into one of threads.
fn gives(group: &Path) -> bool {
    !group.join("cgroup.type").exists()
        || told_by_kernel(&group.join("cgroup.procs")).is_ok_and(|it| it.trim().is_empty())
}

/// The folder of the group that this process is in, in the newer hierarchy.
fn own_group() -> io::Result<PathBuf> {
    let none = || io::Error::other("there are no control groups of the newer kind");
    let mounts = told_by_kernel(Path::new("/proc/self/mountinfo"))?;
    let line = mounts.lines().find(|line| line.contains(" - cgroup2 ")).ok_or_else(none)?;
    let mut fields = line.split(' ').skip(3);
    let (root, at) = fields.next().zip(fields.next()).ok_or_else(none)?;
    let own = told_by_kernel(Path::new("/proc/self/cgroup"))?;
    let own = own.lines().find_map(|line| line.strip_prefix("0::")).ok_or_else(none)?;
    let below = Path::new(own).strip_prefix(root).unwrap_or(Path::new(own));
    Ok(Path::new(at).join(below.strip_prefix("/").unwrap_or(below)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn group(name: &str) -> Option<Group> {
        let group =
            Group::make(&format!("ringfence-test-{name}-{}", std::process::id()), true).ok();
        if group.is_none() {
            eprintln!("SKIPPED: no control group can be made here");
        }
        group
    }

    #[test]
    fn what_is_in_a_group_ends_with_it() {
        let Some(group) = group("end") else { return };
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        (&group.door).write_all(child.id().to_string().as_bytes()).unwrap();
        let members = told_by_kernel(&group.folder.join("cgroup.procs")).unwrap();
        assert_eq!(members.trim(), child.id().to_string());
        group.end();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        let folder = group.folder.clone();
        drop(group);
        assert!(!folder.exists());
    }

    /// Where no group has controllers, what is written is all that can be looked at.
    #[test]
    fn limits_are_written_as_the_kernel_takes_them() {
        let folder = tempfile::tempdir().unwrap();
        let door = File::create(folder.path().join("cgroup.procs")).unwrap();
        let at = folder.path().to_path_buf();
        let group = |memory, processes| {
            let door = door.try_clone().unwrap();
            std::mem::ManuallyDrop::new(Group { folder: at.clone(), door, memory, processes })
        };
        let read = |name: &str| fs::read_to_string(at.join(name)).ok();
        let limits =
            PlanLimits { processes: 40, memory: Some(1 << 30), file_size: None, private_bytes: 1 };
        group(false, false).hold(&limits).unwrap();
        assert_eq!((read("memory.max"), read("pids.max")), (None, None), "what it does not hold");
        group(true, true).hold(&limits).unwrap();
        assert_eq!(read("pids.max").as_deref(), Some("40"));
        assert_eq!(read("memory.max").as_deref(), Some("1073741824"));
        assert_eq!(read("memory.swap.max").as_deref(), Some("0"));
        assert_eq!(read("memory.oom.group").as_deref(), Some("1"));
        group(true, true).enter().unwrap();
        assert_eq!(read("cgroup.procs").as_deref(), Some("0"), "who writes comes in");
        group(true, true).end();
        assert_eq!(read("cgroup.kill").as_deref(), Some("1"));
        fs::remove_dir_all(&at).unwrap();
        group(true, true).hold(&limits).expect_err("what cannot be held is not taken for held");
    }

    #[test]
    fn limits_are_those_of_the_group() {
        let processes = 7;
        let memory = Some(64 << 20);
        let limits = PlanLimits { processes, memory, file_size: None, private_bytes: 1 };
        let Some(group) = Group::of(&limits, true) else {
            eprintln!("SKIPPED: no control group can be made here");
            return;
        };
        let read = |name: &str| told_by_kernel(&group.folder.join(name)).unwrap();
        match group.processes {
            true => assert_eq!(read("pids.max").trim(), "7"),
            false => eprintln!("SKIPPED: processes cannot be limited for a group here"),
        }
        match group.memory {
            true => assert_eq!(read("memory.max").trim(), (64 << 20).to_string()),
            false => eprintln!("SKIPPED: memory cannot be limited for a group here"),
        }
    }
}
