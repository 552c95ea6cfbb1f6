//! A network of a run's own with ways out: sockets that are made inside and served outside.
//!
//! Every address is a local one there, so that a connection to whatever address arrives at a socket of
//! ours or is refused at once. The first process makes the sockets while it still may, and hands them to the
//! supervisor: a socket belongs to the network it was made in, whoever holds it. Nothing else connects the two.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::message::{self, Message};
use super::namespaces::unsupported;
use super::sys;
use crate::plan::Plan;
use crate::refusal::Refusal;
use crate::request::Doors;
use crate::run::Sockets;

/// Belongs to nobody. The device has it, for programs that look whether there is a network at all.
const OWN: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
const NAMES: u16 = 53;
const BACKLOG: i32 = 1024;
/// A program inside that takes longer to be connected to does not listen.
const CONNECT: Duration = Duration::from_secs(2);

/// Makes the sockets of a plan and hands them out. What is left here: where connections into the run are
/// asked for. `whole`: whether every address can be made a local one; else a proxy is the only way out.
pub(super) fn hand_out(
    plan: &Plan,
    control: &OwnedFd,
    whole: bool,
) -> Result<Option<OwnedFd>, Refusal> {
    let Some(doors) = &plan.doors else { return Ok(None) };
    let made = open(doors, whole).and_then(|sockets| {
        let (kept, given) = match doors.inbound {
            true => {
                let (kept, given) = sys::socket_pair()?;
                (Some(kept), Some(given))
            }
            false => (None, None),
        };
        let names = sockets.names.iter().map(UdpSocket::as_fd);
        let listeners = [&sockets.proxy].into_iter().chain(&sockets.doors).map(TcpListener::as_fd);
        let all: Vec<BorrowedFd<'_>> =
            listeners.chain(names).chain(given.iter().map(OwnedFd::as_fd)).collect();
        let count = u8::try_from(sockets.doors.len()).map_err(io::Error::other)?;
        let inbound = u8::from(given.is_some());
        sys::send_with(control.as_fd(), &[message::SOCKETS, count, inbound], &all)?;
        Ok(kept)
    });
    made.map_err(|error| unsupported("a network with ways out cannot be set up", &error))
}

fn open(doors: &Doors, whole: bool) -> io::Result<Sockets> {
    if whole {
        sys::every_address_is_local(OWN)?;
    }
    let listen = |ip: IpAddr, port| -> io::Result<TcpListener> {
        let listener = TcpListener::bind(SocketAddr::new(ip, port))?;
        sys::listen(listener.as_fd(), BACKLOG)?;
        Ok(listener)
    };
    // One socket for both families, where there are two.
    let anywhere = |port: &u16| {
        listen(Ipv6Addr::UNSPECIFIED.into(), *port)
            .or_else(|_| listen(Ipv4Addr::UNSPECIFIED.into(), *port))
    };
    let resolvers: BTreeSet<IpAddr> =
        doors.resolvers.iter().copied().chain([Ipv4Addr::LOCALHOST.into()]).collect();
    // An answer has to come from where it was asked for. What cannot be had is not answered.
    let names = resolvers.into_iter().filter(|_| whole);
    let names = names.filter_map(|ip| UdpSocket::bind((ip, NAMES)).ok());
    Ok(Sockets {
        names: names.collect(),
        proxy: listen((*Doors::PROXY.ip()).into(), Doors::PROXY.port())?,
        doors: doors.ports.iter().filter(|_| whole).map(anywhere).collect::<io::Result<_>>()?,
        inside: None,
    })
}

/// Takes what [`hand_out`] sent, or why it did not.
pub(super) fn take(control: BorrowedFd<'_>) -> Result<Sockets, Refusal> {
    let lost = |error: io::Error| {
        Refusal::new("the sockets of the run's network did not arrive", "report this")
            .because(error)
    };
    let mut buffer = [0; message::LONGEST];
    let (length, files) = sys::receive_with(control, &mut buffer).map_err(lost)?;
    let (doors, inbound) = match message::read(buffer.get(..length).unwrap_or_default()) {
        Message::Sockets { doors, inbound } => (doors, inbound),
        Message::Refused(refusal) => return Err(refusal),
        Message::Begun
        | Message::Stopped
        | Message::Ended { .. }
        | Message::Settings { .. }
        | Message::Listener
        | Message::Unknown => {
            return Err(lost(io::Error::other("it ended before")));
        }
    };
    let mut files = files.into_iter();
    let proxy = files.next().map(TcpListener::from);
    let proxy = proxy.ok_or_else(|| lost(io::Error::other("there were none")))?;
    let doors: Vec<TcpListener> = files.by_ref().take(doors).map(TcpListener::from).collect();
    let inside = if inbound { files.next_back().map(Inside::new) } else { None };
    let names = files.map(UdpSocket::from).collect();
    Ok(Sockets { names, doors, proxy, inside })
}

/// Asks the first process for connections to ports inside.
#[derive(Debug)]
pub struct Inside {
    asks: Mutex<OwnedFd>,
}

impl Inside {
    fn new(asks: OwnedFd) -> Self {
        Self { asks: Mutex::new(asks) }
    }

    /// A connection to a port on the run's own loopback.
    ///
    /// # Errors
    /// When nobody listens there, or the run has ended.
    pub fn connect(&self, port: u16) -> io::Result<TcpStream> {
        let asks = self.asks.lock().unwrap_or_else(PoisonError::into_inner);
        sys::send(asks.as_fd(), &port.to_be_bytes())?;
        let mut buffer = [0; 1];
        let (_, files) = sys::receive_with(asks.as_fd(), &mut buffer)?;
        let stream = files.into_iter().next().map(TcpStream::from);
        stream.ok_or_else(|| io::ErrorKind::ConnectionRefused.into())
    }
}

/// Answers what [`Inside`] asks, in the first process.
pub(super) fn lead_in(asked: BorrowedFd<'_>) {
    let mut port = [0; 2];
    while let Ok(Some(2)) = sys::receive(asked, &mut port) {
        let port = u16::from_be_bytes(port);
        let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        let connected = loopback
            .into_iter()
            .find_map(|ip| TcpStream::connect_timeout(&SocketAddr::new(ip, port), CONNECT).ok());
        let files: Vec<BorrowedFd<'_>> = connected.iter().map(TcpStream::as_fd).collect();
        // Nobody may be waiting any more.
        let _ = sys::send_with(asked, &[u8::from(!files.is_empty())], &files);
    }
}

/// Which network this process is in.
pub(super) fn current() -> Option<PathBuf> {
    std::fs::read_link("/proc/self/ns/net").ok()
}

/// Whether this process is in another network than `before`, with no device that leads anywhere.
#[expect(clippy::disallowed_methods, reason = "reads what the kernel says about this process")]
pub(super) fn is_closed(before: Option<&Path>) -> bool {
    let (Some(before), Some(now)) = (before, current()) else { return false };
    let devices = std::fs::read_to_string("/proc/self/net/dev").unwrap_or_default();
    let mut devices = devices.lines().filter_map(|line| Some(line.split_once(':')?.0.trim()));
    now != before && devices.next() == Some("lo") && devices.next().is_none()
}
