//! Watches a run from outside, by a thread of the supervisor that the kernel tells of calls.
//!
//! The command's process sets the filter as the last thing before it becomes the command, and hands what the
//! kernel tells to the supervisor. Each call waits until what it is about has been read from its caller's
//! memory, and goes on as it was: nothing here decides. If the supervisor ends, the calls that are watched
//! fail for whoever is left, so that nothing runs on unseen, and nothing waits for ever.

use std::collections::VecDeque;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{io, mem};

use libc::pid_t;

use super::calls::{self, About, Watched};
use super::host::{self, Host};
use super::message::{self, Message};
use super::seccomp::{self, Filters};
use super::sys::{self, Call};
use crate::observe::{Deed, Journal, Observe, Observed, refuses};
use crate::plan::{Place, Plan};
use crate::refusal::Refusal;
use crate::request::Look;

/// Sets the filters for this process, and hands the supervisor what is told. From here on some calls wait for
/// the supervisor, and what is refused is refused by it: whatever it does not know to be watched. `filters`: those
/// that refuse by themselves, and do so where nobody can be asked.
pub(super) fn begin(
    observe: Observe,
    filters: Option<&Filters>,
    control: BorrowedFd<'_>,
) -> Result<(), Refusal> {
    let cannot = |why: String| {
        Refusal::new("the run cannot be observed", "run it without observation").because(why)
    };
    if let Some(filters) = filters {
        filters.load_absent().map_err(|error| cannot(error.to_string()))?;
    }
    let watching = calls::filter(&calls::all(observe));
    let mut filter = match filters {
        Some(filters) => filters.asking(watching),
        None => watching,
    };
    let listener = match sys::listen_to_calls(&mut filter) {
        Ok(listener) => Some(listener),
        Err(_) if observe.optional => {
            let refusing = filters.map_or(Ok(()), Filters::load_refusing);
            refusing.map_err(|error| cannot(error.to_string()))?;
            None
        }
        Err(error) => {
            return Err(cannot(match error.raw_os_error() {
                Some(libc::EBUSY) => "something around this run watches it already".to_owned(),
                _ => error.to_string(),
            }));
        }
    };
    let files: Vec<BorrowedFd<'_>> = listener.iter().map(AsFd::as_fd).collect();
    sys::send_with(control, &[message::LISTENER], &files).map_err(|error| {
        Refusal::new("the run cannot be observed", "free some memory").because(error)
    })
}

/// A run that is watched.
pub(super) struct Observer {
    /// Closed, it ends the thread.
    until: OwnedFd,
    thread: JoinHandle<Journal>,
}

impl Observer {
    /// Takes what [`begin`] sent, or why it did not, and watches. The first process gets it too: when what the
    /// command left running lives on, it lets calls go on that nobody watches any more.
    ///
    /// None: it cannot be watched, and need not be.
    pub(super) fn start(
        observe: Observe,
        plan: &Plan,
        control: BorrowedFd<'_>,
        lingers: bool,
    ) -> Result<Option<Self>, Refusal> {
        let lost = |error: io::Error| {
            Refusal::new("the run cannot be observed", "run it without observation").because(error)
        };
        let mut buffer = [0; message::LONGEST];
        let listener = loop {
            let (length, files) = sys::receive_with(control, &mut buffer).map_err(lost)?;
            match message::read(buffer.get(..length).unwrap_or_default()) {
                Message::Listener => break files.into_iter().next(),
                Message::Refused(refusal) => return Err(refusal),
                // It cannot have been stopped before it began; whoever stops it now waits for it.
                Message::Stopped => {}
                Message::Begun
                | Message::Ended { .. }
                | Message::Settings { .. }
                | Message::Sockets { .. }
                | Message::Unknown => break None,
            }
        };
        let listener = match listener {
            Some(listener) => listener,
            None if observe.optional => return Ok(None),
            None => return Err(lost(io::Error::other("it ended before"))),
        };
        // Should it have ended, nothing lives on.
        let _ = sys::send_with(control, &[message::LISTENER], &[listener.as_fd()]);
        sys::take_turns(listener.as_fd());
        let (until, end) = sys::socket_pair().map_err(lost)?;
        let mut watch = Watch {
            listener,
            calls: calls::all(observe),
            plan: plan.clone(),
            journal: Journal::default(),
            folders: Folders::default(),
            begun: false,
            told_of_end: !lingers && host::kernel_is_at_least(6, 11),
        };
        let work = move || {
            watch.until(end.as_fd());
            mem::take(&mut watch.journal)
        };
        let named = thread::Builder::new().name("ringfence-observer".to_owned());
        let thread = named.spawn(work).map_err(lost)?;
        Ok(Some(Self { until, thread }))
    }

    /// What was seen, after the end.
    pub(super) fn finish(self, plan: &Plan) -> Observed {
        drop(self.until);
        // All that is watched has ended, so that it ends at once. Should it not, nobody waits for it.
        let mut left = LONGEST_END;
        while !self.thread.is_finished() && !left.is_zero() {
            thread::sleep(A_MOMENT);
            left = left.saturating_sub(A_MOMENT);
        }
        let journal = if self.thread.is_finished() {
            self.thread.join().unwrap_or_default()
        } else {
            Journal::default()
        };
        let mut outside = Outside::default();
        journal.told(plan, |deed, path, place| outside.look(deed, path, place))
    }
}

/// How long the thread may take to see that nothing can come any more, and how often it is asked.
const LONGEST_END: Duration = Duration::from_secs(2);
const A_MOMENT: Duration = Duration::from_micros(100);

/// Answers one call that nobody watches any more: what is watched goes on, and all else is refused.
pub(super) fn answer_one(listener: BorrowedFd<'_>) -> io::Result<()> {
    match sys::next_call(listener)? {
        Some(call) if calls::is_watched(call.number) => {
            call.goes_on(listener);
        }
        Some(call) => call.fails(listener, seccomp::error_of(call.number, &call.arguments)),
        None => {}
    }
    Ok(())
}

struct Watch {
    listener: OwnedFd,
    calls: Vec<Watched>,
    plan: Plan,
    journal: Journal,
    folders: Folders,
    /// Whether the command's process has become the command, or tried to. What it did before, it did for us.
    begun: bool,
    /// Whether the kernel ends the wait for a call when none can come any more. Then there is one call of the
    /// system less for each.
    told_of_end: bool,
}

impl Watch {
    fn until(&mut self, end: BorrowedFd<'_>) {
        loop {
            let listener = self.listener.as_fd();
            if !self.told_of_end && !sys::wait_for_call(listener, end).unwrap_or(false) {
                return;
            }
            let call = match sys::next_call(listener) {
                Ok(Some(call)) => call,
                // Either its caller has ended, or everybody has.
                Ok(None) if self.told_of_end && !sys::calls_may_come(listener) => return,
                Ok(None) => continue,
                // Closing the listener fails what waits, rather than letting it wait for ever.
                Err(_) => return,
            };
            if !calls::is_watched(call.number) {
                call.fails(listener, seccomp::error_of(call.number, &call.arguments));
                if let Some((name, why)) = seccomp::refused_call(call.number).filter(|_| self.begun)
                {
                    self.journal.refused(name, why);
                }
                continue;
            }
            self.begun |= calls::executes(call.number);
            if !self.begun {
                call.goes_on(listener);
                continue;
            }
            let seen = self.seen(&call);
            // Of a caller that has ended, what was read may be another's.
            let its_own = call.goes_on(self.listener.as_fd());
            match seen {
                Some((deed, targets)) if its_own => {
                    targets.into_iter().flatten().for_each(|it| self.note(deed, it));
                }
                None if its_own => self.journal.unread += 1,
                Some(_) | None => {}
            }
        }
    }

    fn note(&mut self, deed: Deed, target: PathBuf) {
        // A great many things are read. What may be is of no interest.
        if deed == Deed::Read && !refuses(deed, self.plan.place(&target)) {
            return;
        }
        self.journal.note(deed, target);
    }

    /// What a call is about. None: it cannot be read.
    fn seen(&mut self, call: &Call) -> Option<(Deed, [Option<PathBuf>; 2])> {
        let calls = &self.calls;
        let watched = *calls.iter().find(|it| it.is(call.number, &call.arguments))?;
        let argument = |number: usize| call.arguments.get(number).copied().unwrap_or_default();
        let caller = Caller(call.pid);
        let here = libc::AT_FDCWD;
        let folders = &mut self.folders;
        let mut at = |folder: i32, path: usize| caller.path(folder, argument(path), folders);
        // Of a descriptor the kernel looks at the low 32 bits.
        let folder = |number: usize| argument(number) as i32;
        let mut deed = watched.deed;
        let mut targets = match watched.about {
            About::Path(path) => [Some(at(here, path)?), None],
            About::In(dir, path) => [Some(at(folder(dir), path)?), None],
            About::Paths(one, other) => [Some(at(here, one)?), Some(at(here, other)?)],
            About::BothIn([dir, other_dir], [path, other]) => {
                [Some(at(folder(dir), path)?), Some(at(folder(other_dir), other)?)]
            }
            About::How(dir, path, how) => {
                let mut flags = [0; 8];
                sys::read_memory(call.pid, argument(how), &mut flags).ok()?;
                if u64::from_ne_bytes(flags) as u32 & calls::CHANGES == 0 {
                    deed = Deed::Read;
                }
                [Some(at(folder(dir), path)?), None]
            }
            About::Address(address, length) => {
                let length = usize::try_from(argument(length)).ok()?;
                [caller.address(argument(address), length)?, None]
            }
        };
        // What a link led to is known while it is there. It matters where some names alone may be written.
        if deed == Deed::Write && !self.plan.open.is_empty() {
            let [path, through] = &mut targets;
            *through = path.as_deref().and_then(led_to);
        }
        // Shells try every folder of PATH; what is not there was not executed.
        let there = |path: &PathBuf| deed != Deed::Exec || caller.has(path);
        Some((deed, targets.map(|it| it.filter(there))))
    }
}

/// A thread that waits in a call.
#[derive(Clone, Copy)]
struct Caller(pid_t);

impl Caller {
    /// A path in its memory, from a folder that it has open: absolute, without `.` and `..`.
    fn path(self, folder: i32, address: u64, folders: &mut Folders) -> Option<PathBuf> {
        let name = self.text(address)?;
        if name.starts_with(b"/") {
            return Some(plain(Path::new(OsStr::from_bytes(&name))));
        }
        let folder = match folder {
            libc::AT_FDCWD => folders.link(self.0, c"cwd"),
            open => folders.link(self.0, &CString::new(format!("fd/{open}")).ok()?),
        };
        Some(plain(&folder.ok()?.join(OsStr::from_bytes(&name))))
    }

    /// A text that ends in NUL.
    fn text(self, address: u64) -> Option<Vec<u8>> {
        const USUAL: usize = 256;
        const LONGEST: usize = 4096;
        let read = |buffer: &mut [u8]| {
            let got = sys::read_memory(self.0, address, buffer).ok()?;
            let text = buffer.get(..got)?;
            let end = text.iter().position(|it| *it == 0)?;
            text.get(..end).map(<[u8]>::to_vec)
        };
        read(&mut [0; USUAL]).or_else(|| read(&mut [0; LONGEST]))
    }

    /// Where a socket is to be connected to, for people. Nothing: to nowhere.
    fn address(self, address: u64, length: usize) -> Option<Option<PathBuf>> {
        const LONGEST: usize = 128;
        let mut buffer = vec![0; length.min(LONGEST)];
        let got = sys::read_memory(self.0, address, &mut buffer).ok()?;
        buffer.truncate(got);
        let family = i32::from(u16::from_ne_bytes(*buffer.first_chunk()?));
        let port = || Some(u16::from_be_bytes(*buffer.get(2..)?.first_chunk()?));
        let told = match family {
            libc::AF_INET => {
                let ip: [u8; 4] = *buffer.get(4..)?.first_chunk()?;
                format!("{}:{}", std::net::Ipv4Addr::from(ip), port()?)
            }
            libc::AF_INET6 => {
                let ip: [u8; 16] = *buffer.get(8..)?.first_chunk()?;
                format!("[{}]:{}", std::net::Ipv6Addr::from(ip), port()?)
            }
            libc::AF_UNIX => {
                let name = buffer.get(2..).unwrap_or_default();
                let end = name.iter().position(|it| *it == 0).unwrap_or(name.len());
                let path = name.get(..end).unwrap_or_default();
                return Some(match (path, name) {
                    // A name without a path, which its own network holds.
                    ([], [_, rest @ ..]) => {
                        Some(PathBuf::from(OsString::from_vec([b"@", rest].concat())))
                    }
                    ([], []) => None,
                    (path, _) => {
                        let folder = fs::read_link(format!("/proc/{}/cwd", self.0)).ok()?;
                        Some(plain(&folder.join(OsStr::from_bytes(path))))
                    }
                });
            }
            _ => return Some(None),
        };
        Some(Some(PathBuf::from(told)))
    }

    /// Whether it has something at a path.
    fn has(self, path: &Path) -> bool {
        let below = path.strip_prefix("/").unwrap_or(path);
        Path::new(&format!("/proc/{}/root", self.0)).join(below).symlink_metadata().is_ok()
    }
}

/// What the kernel says of each of the last callers: their folders in /proc, held open. One of a caller that has
/// ended says nothing, whoever has its number now.
#[derive(Default)]
struct Folders(VecDeque<(pid_t, OwnedFd)>);

/// More seldom make calls at a time.
const CALLERS: usize = 8;

impl Folders {
    /// Where a link in it leads.
    fn link(&mut self, pid: pid_t, name: &CStr) -> io::Result<PathBuf> {
        if let Some(at) = self.0.iter().position(|(it, _)| *it == pid) {
            let known = self.0.get(at).map(|(_, folder)| sys::link_in(folder.as_fd(), name));
            match known {
                Some(Ok(path)) => return Ok(path),
                Some(Err(_)) | None => drop(self.0.remove(at)),
            }
        }
        let folder = sys::open_path(Path::new(&format!("/proc/{pid}")))?;
        let path = sys::link_in(folder.as_fd(), name)?;
        self.0.truncate(CALLERS - 1);
        self.0.push_front((pid, folder));
        Ok(path)
    }
}

/// Where a link leads in the end, whether or not anything is there. None: it is no link.
fn led_to(path: &Path) -> Option<PathBuf> {
    /// The kernel follows no more.
    const MOST: usize = 40;
    let mut at = path.to_path_buf();
    for _ in 0..MOST {
        let Ok(to) = fs::read_link(&at) else { break };
        let folder = at.parent()?;
        let to = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf()).join(to);
        at = match (to.parent().and_then(|it| it.canonicalize().ok()), to.file_name()) {
            (Some(folder), Some(name)) => folder.join(name),
            _ => plain(&to),
        };
    }
    (at != path).then_some(at)
}

/// A path without `.` and `..`, by its words alone.
fn plain(path: &Path) -> PathBuf {
    let bytes = path.as_os_str().as_bytes();
    let odd = |pair: &[u8]| matches!(pair, b"/." | b"//");
    if bytes.starts_with(b"/") && !bytes.ends_with(b"/") && !bytes.windows(2).any(odd) {
        return path.to_path_buf();
    }
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            Component::RootDir | Component::Normal(_) | Component::Prefix(_) => plain.push(part),
        }
    }
    plain
}

/// The host, asked about many paths in few folders.
#[derive(Default)]
struct Outside {
    folders: std::collections::HashMap<PathBuf, (PathBuf, bool)>,
}

impl Outside {
    /// The path without links, and whether the caller could do it outside. Nothing: it is what its words say, and
    /// may be done.
    fn look(&mut self, deed: Deed, path: &Path, place: Place) -> Option<(PathBuf, bool)> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Some((path.to_path_buf(), true));
        };
        let (real, writable) = self.folder(folder);
        let of_name = matches!(deed, Deed::Make | Deed::Rename | Deed::Remove);
        if of_name && place == Place::Writable && real == folder {
            return None;
        }
        let at = real.join(name);
        let possible = match deed {
            Deed::Write => match at.symlink_metadata() {
                // Through a link something else is written.
                Ok(about) if about.is_symlink() => {
                    let there = Host.resolve(&at).unwrap_or_else(|| at.clone());
                    let possible = sys::may(&there, libc::W_OK);
                    return Some((there, possible));
                }
                Ok(_) => sys::may(&at, libc::W_OK),
                Err(_) => writable,
            },
            Deed::Make => writable && at.symlink_metadata().is_err(),
            Deed::Rename => writable,
            Deed::Remove => writable && at.symlink_metadata().is_ok(),
            Deed::Exec | Deed::Connect | Deed::Read => at.symlink_metadata().is_ok(),
        };
        Some((at, possible))
    }

    /// A folder without links, as far as it is there, and whether the caller could write there.
    fn folder(&mut self, folder: &Path) -> (PathBuf, bool) {
        if let Some(known) = self.folders.get(folder) {
            return known.clone();
        }
        let real = folder.ancestors().find_map(|it| Some((it, Host.resolve(it)?)));
        let known = match real {
            Some((above, real)) => {
                let below = folder.strip_prefix(above).unwrap_or(Path::new(""));
                if below.as_os_str().is_empty() {
                    let writable = sys::may(&real, libc::W_OK);
                    (real, writable)
                } else {
                    (real.join(below), false)
                }
            }
            None => (folder.to_path_buf(), false),
        };
        self.folders.insert(folder.to_path_buf(), known.clone());
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_somewhere_though_nothing_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap();
        fs::create_dir(at.join("a")).unwrap();
        for (to, name) in [("../gone", "a/one"), ("a/one", "two"), ("loop", "loop"), ("a", "b")] {
            std::os::unix::fs::symlink(to, at.join(name)).unwrap();
        }
        for name in ["a/one", "two", "b/one"] {
            assert_eq!(led_to(&at.join(name)), Some(at.join("gone")), "{name}");
        }
        for name in ["a", "gone", "nowhere/at/all", "loop"] {
            assert_eq!(led_to(&at.join(name)), None, "{name}");
        }
    }

    #[test]
    fn a_path_is_made_plain_by_its_words() {
        assert_eq!(plain(Path::new("/a/./b/../c//d/")), Path::new("/a/c/d"));
        assert_eq!(plain(Path::new("/../../a")), Path::new("/a"));
    }
}
