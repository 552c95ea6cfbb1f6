//! Systems that have no sandbox of ours yet: said plainly, and nothing is started.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::plan::Plan;
use crate::refusal::{Refusal, RefusalKind};
use crate::request::{Kind, Look};
use crate::run::{Ended, Sockets, Terms};
use crate::support::{LimitsBy, Missing, Support};

const WHAT: &str = "no command can be held";
const WHY: &str = "no sandbox for this system yet";
const REMEDY: &str = "run it on Linux, in a container or a virtual machine";

/// A host that is not looked at.
#[derive(Debug, Default)]
pub struct Host;

impl Host {
    /// None: nothing is planned for them.
    pub fn homes() -> Vec<PathBuf> {
        Vec::new()
    }

    /// None, for the same reason.
    pub fn resolvers() -> Vec<IpAddr> {
        Vec::new()
    }
}

/// The same, at one moment.
pub type Snapshot = Host;

/// The way into a run, of which there is none.
#[derive(Debug)]
pub enum Inside {}

impl Inside {
    /// Never asked.
    pub fn connect(&self, _: u16) -> std::io::Result<std::net::TcpStream> {
        match *self {}
    }
}

impl Look for Host {
    fn kind(&self, _: &Path) -> Kind {
        Kind::Absent
    }

    fn resolve(&self, _: &Path) -> Option<PathBuf> {
        None
    }

    fn has_other_names(&self, _: &Path) -> bool {
        false
    }

    fn entries(&self, _: &Path) -> Vec<(OsString, Kind)> {
        Vec::new()
    }

    fn git_folders(&self, _: &Path) -> Vec<PathBuf> {
        Vec::new()
    }

    fn sockets(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

pub(crate) fn carry_on() {}

pub(crate) fn outlive_limits() {}

pub(crate) fn apparmor_restricts() -> bool {
    false
}

pub(crate) fn limits_by() -> LimitsBy {
    LimitsBy::Process { why: WHY.into() }
}

pub(crate) fn probe() -> Support {
    let missing = Missing { what: WHAT.into(), why: WHY.into(), remedy: REMEDY.into() };
    Support { tier: None, landlock: 0, missing: vec![missing] }
}

pub(crate) fn peer(_: std::os::fd::BorrowedFd<'_>) -> std::io::Result<(u32, u32)> {
    Err(std::io::ErrorKind::Unsupported.into())
}

pub(crate) fn know_writers(_: std::os::fd::BorrowedFd<'_>) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

pub(crate) fn read_written(
    _: std::os::fd::BorrowedFd<'_>,
    _: &mut [u8],
) -> std::io::Result<(usize, Option<u32>)> {
    Err(std::io::ErrorKind::Unsupported.into())
}

pub(crate) fn open_process(_: u32) -> std::io::Result<std::os::fd::OwnedFd> {
    Err(std::io::ErrorKind::Unsupported.into())
}

pub(crate) fn stop_process(_: std::os::fd::BorrowedFd<'_>) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

pub(crate) fn end_process(_: std::os::fd::BorrowedFd<'_>) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

pub(crate) fn run(
    _: &Plan,
    _: &[OsString],
    _: &Terms,
    _: &mut dyn FnMut(&Support),
    _: &mut dyn FnMut(Option<Sockets>) -> Result<(), Refusal>,
) -> Result<Ended, Refusal> {
    Err(Refusal::new(WHAT, REMEDY).because(WHY).kind(RefusalKind::Support))
}
