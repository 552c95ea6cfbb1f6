//! What is asked of the sandbox, and the little that must be known of the host to plan it.
//!
//! A request is data. What the host looks like comes in through [`Look`], so that planning can be
//! tested against hosts that exist nowhere.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What is asked for one command.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Folders the command works in: absolute, without symbolic links.
    pub workspace: Vec<PathBuf>,
    /// Where it starts.
    pub cwd: PathBuf,
    /// The home folders that its user could mean: what the system says, and what the environment says.
    pub homes: Vec<PathBuf>,
    /// The environment of the caller.
    pub environment: Vec<(String, String)>,
    /// More variables to pass in by name.
    pub pass: Vec<String>,
    /// More to read.
    pub read: Vec<PathBuf>,
    /// More to write.
    pub write: Vec<PathBuf>,
    /// What of the workspaces is changed, and nothing else of them: absolute paths, in whose names a `*` stands for
    /// anything. A workspace itself is all of it. None: all of all of them.
    pub changes: Option<Vec<PathBuf>>,
    /// More to hide, such as the state of Ringfence.
    pub hide: Vec<PathBuf>,
    /// Folders that are there, and empty, in what is hidden: below them it shows what else is missed.
    pub empty: Vec<PathBuf>,
    /// Whether the network of the host is shared.
    pub network: bool,
    /// The ways out of a network of its own. None, without the host's: there is no way out.
    pub doors: Option<Doors>,
    /// The socket of the gate outside, which an agent inside asks about its calls.
    pub gate: Option<PathBuf>,
    /// Whether what is written is kept apart until the end, so that what others would execute never reaches the
    /// workspace.
    pub strict: bool,
    /// Limits that replace the profile's.
    pub limits: Limits,
    /// What an earlier run knew of the same folders, as [`crate::Ended::seen`] gave it: it is believed, and
    /// spares reading those that have not changed.
    pub seen: Vec<u8>,
}

/// Where a network of its own is open: every address in it leads to sockets that the supervisor holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doors {
    /// The ports at which connections to any address arrive. At others they are refused.
    pub ports: BTreeSet<u16>,
    /// The addresses at which names are asked for, besides 127.0.0.1.
    pub resolvers: Vec<IpAddr>,
    /// Whether ports inside can be reached from the supervisor.
    pub inbound: bool,
}

impl Doors {
    /// Where a proxy is spoken to, inside.
    pub const PROXY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(127, 128, 0, 1), 3128);
    /// The most ports.
    pub const MOST_PORTS: usize = 200;
}

/// Limits of a run. None = the profile's, or none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Processes and threads at a time.
    pub processes: Option<u64>,
    /// Address space of each process.
    pub memory: Option<u64>,
    /// Size of any file that is written.
    pub file_size: Option<u64>,
    /// Space of each private folder; of those in a hidden one together.
    pub private_bytes: Option<u64>,
}

/// What is at a path, without following a symbolic link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, or nothing that can be seen.
    Absent,
    /// A folder.
    Folder,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// A socket, a pipe, a device.
    Other,
}

/// When the entries of a folder last changed, as the kernel has it: nobody can set that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The device that the folder lies on.
    pub device: u64,
    /// The number of the folder there.
    pub number: u64,
    /// Seconds and nanoseconds since 1970.
    pub changed: (i64, i64),
}

/// Looks at the host.
pub trait Look {
    /// What is at a path.
    fn kind(&self, path: &Path) -> Kind;
    /// The path with every symbolic link resolved, if there is something.
    fn resolve(&self, path: &Path) -> Option<PathBuf>;
    /// Whether the file at a path has other names, by which it can be written.
    fn has_other_names(&self, path: &Path) -> bool;
    /// What is in a folder, in any order. Nothing if it cannot be read.
    fn entries(&self, folder: &Path) -> Vec<(OsString, Kind)>;
    /// What tells whether something was added to a folder or taken out of it since. None: nothing does.
    fn stamp(&self, _folder: &Path) -> Option<Stamp> {
        None
    }
    /// Whether every change of a folder's entries changes its stamp, where that folder lies.
    fn keeps_stamps(&self, _folder: &Path) -> bool {
        false
    }
    /// The git folders that work in a folder writes to: its own, and the common one of a work tree.
    /// Only those that point back to it.
    fn git_folders(&self, folder: &Path) -> Vec<PathBuf>;
    /// Sockets of the host that have a path.
    fn sockets(&self) -> Vec<PathBuf>;
}
