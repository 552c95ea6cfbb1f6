//! The processes of this machine, as the process file system shows them.
//!
//! Where there is none, nothing is known of any process, and nobody is believed on their account.

#![expect(clippy::disallowed_methods, reason = "processes are looked up")]

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A process, told apart from a later one with the same number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// When it was started, in clock ticks since the system was.
    pub(crate) started: u64,
}

impl Process {
    /// As it is known among all agents.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}", self.pid, self.started)
    }

    /// The process of this name, if it is still there.
    pub(crate) fn alive(name: &str) -> Option<Stat> {
        let pid = name.split('-').next()?.parse().ok()?;
        stat(pid).filter(|it| it.process.name() == name)
    }

    /// The words that it was started with, if it is still there.
    pub(crate) fn arguments(&self) -> Vec<String> {
        self.is_alive().then(|| arguments(self.pid)).flatten().unwrap_or_default()
    }

    /// Whether it is still there.
    pub(crate) fn is_alive(&self) -> bool {
        stat(self.pid).is_some_and(|it| it.process == *self)
    }
}

/// What can be told of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) process: Process,
    pub(crate) parent: u32,
    /// The first letters of its program's name, or what it calls itself.
    pub(crate) name: String,
    pub(crate) group: u32,
    /// The device of its controlling terminal; 0 if it has none.
    pub(crate) terminal: u64,
    /// The group that its terminal listens to.
    pub(crate) foreground: i64,
}

/// `/proc/PID/stat`: `pid (name) state ppid pgrp session tty tpgid … starttime …`, where the name may hold
/// anything. A process that has ended and was not waited for is gone.
pub(crate) fn stat(pid: u32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// What can be told of this process.
pub(crate) fn own() -> Option<Stat> {
    let own = parse(&fs::read_to_string("/proc/self/stat").ok()?)?;
    // A file system of another namespace tells of somebody else.
    (own.process.pid == std::process::id()).then_some(own)
}

fn parse(text: &str) -> Option<Stat> {
    let (before, after) = text.rsplit_once(") ")?;
    let (pid, name) = before.split_once(" (")?;
    let fields: Vec<&str> = after.split(' ').collect();
    let field = |index: usize| fields.get(index).copied();
    if matches!(field(0)?, "Z" | "X") {
        return None;
    }
    Some(Stat {
        process: Process { pid: pid.parse().ok()?, started: field(19)?.parse().ok()? },
        parent: field(1)?.parse().ok()?,
        name: name.to_owned(),
        group: field(2)?.parse().ok()?,
        terminal: field(4)?.parse::<i64>().ok()?.try_into().unwrap_or(0),
        foreground: field(5)?.parse().ok()?,
    })
}

/// A process and its parents, nearest first. Bounded: nobody nests deeper.
pub(crate) fn lineage(pid: u32) -> Vec<Stat> {
    let mut line = Vec::new();
    let mut next = pid;
    while let Some(it) = stat(next)
        && line.len() < 64
    {
        next = it.parent;
        line.push(it);
    }
    line
}

/// The processes that are there.
pub(crate) fn all() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The words that it was started with.
pub(crate) fn arguments(pid: u32) -> Option<Vec<String>> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Some(text.split('\0').map(str::to_owned).collect())
}

/// The variables that it was started with, as `NAME=VALUE`; `None` where that is not for us to see.
pub(crate) fn environment(pid: u32) -> Option<Vec<Vec<u8>>> {
    let bytes = fs::read(format!("/proc/{pid}/environ")).ok()?;
    Some(bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect())
}

/// The program that it runs; `None` where that is not for us to see.
pub(crate) fn program(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// A number that `/proc/PID/status` gives after this name: the first where there are several.
pub(crate) fn status(pid: u32, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The namespace in which this process sees the others.
pub(crate) fn namespace() -> Option<String> {
    fs::read_link("/proc/self/ns/pid").ok()?.into_os_string().into_string().ok()
}

/// The processes that hold the other end of this pseudo-terminal, as far as that is for us to see.
pub(crate) fn holders(index: u64) -> Vec<u32> {
    let holds = |pid: &u32| {
        let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten();
        entries.filter_map(Result::ok).any(|entry| {
            let is_end = fs::read_link(entry.path()).is_ok_and(|it| it.ends_with("ptmx"));
            let number = entry.file_name();
            let about = number.to_str().map(|number| format!("/proc/{pid}/fdinfo/{number}"));
            is_end
                && about.and_then(|path| fs::read_to_string(path).ok()).is_some_and(|text| {
                    let indices = text.lines().filter_map(|it| it.strip_prefix("tty-index:"));
                    indices.filter_map(|it| it.trim().parse::<u64>().ok()).any(|it| it == index)
                })
        })
    };
    all().into_iter().filter(holds).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_call_itself_anything() {
        let line = "42 (a) Z 1 (b c) S 7 40 40 34816 42 0 0 0 0 0 0 0 0 0 20 0 1 0 123456 0";
        let stat = parse(line).unwrap();
        assert_eq!(stat.process, Process { pid: 42, started: 123_456 });
        assert_eq!((stat.name.as_str(), stat.parent, stat.group), ("a) Z 1 (b c", 7, 40));
        assert_eq!((stat.terminal, stat.foreground), (34_816, 42));
        assert_eq!(parse("42 (x) Z 7 40 40 0 -1 0 0 0 0 0 0 0 0 0 0 20 0 1 0 5"), None);
    }

    #[test]
    fn this_process_is_among_all_and_has_parents() {
        let own = own().unwrap();
        assert!(all().contains(&own.process.pid));
        assert!(lineage(own.process.pid).len() > 1);
        assert!(Process::alive(&own.process.name()).is_some() && own.process.is_alive());
        assert!(Process::alive(&format!("{}-1", own.process.pid)).is_none());
    }
}
