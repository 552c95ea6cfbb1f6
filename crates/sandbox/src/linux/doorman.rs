//! The one way out where no network of its own is to be had (tier C): a proxy of the supervisor's, on the loopback of this
//! machine.
//!
//! A command gets its internet sockets from the supervisor, which makes each, ties it to the loopback device and hands it
//! over: the kernel does not let go of such a tie for anybody without privileges, so that nothing sent through the
//! socket leaves this machine. Landlock lets it connect to the proxy's port alone, and bind to none. What a socket is
//! to be lies in registers, which nobody can change after they were looked at.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread;

use super::message::{self, Message};
use super::sys::{self, Call};
use crate::plan::Plan;
use crate::refusal::{Refusal, RefusalKind};
use crate::run::{Sockets, Terms};

/// The first version of Landlock that knows ports.
const PORTS: u32 = 4;

/// The proxy's socket, where everything else is there that it needs.
pub(super) fn ready(plan: &Plan, terms: &Terms) -> Result<Option<TcpListener>, Refusal> {
    let Some(doors) = &plan.doors else { return Ok(None) };
    let lacks = |why: &str, remedy: &str| {
        let what = "hosts can only be told apart in a network of its own";
        Refusal::new(what, remedy).because(why).kind(RefusalKind::Support)
    };
    if sys::landlock_version() < PORTS {
        let remedy =
            "reach tier A or B, or Linux 6.7 with Landlock, or run without a list of hosts";
        return Err(lacks("Landlock does not know ports before its version 4", remedy));
    }
    if doors.inbound {
        let remedy = "reach tier A or B, or run without --publish";
        return Err(lacks("a port is only published out of a network of its own", remedy));
    }
    if terms.observe.is_some() {
        let remedy = "reach tier A or B, or run without --observe";
        return Err(lacks("what hands out sockets cannot be watched as well", remedy));
    }
    let listener = TcpListener::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));
    listener.map(Some).map_err(|error| lacks(&error.to_string(), "free some memory or open files"))
}

/// Where a proxy listens.
pub(super) fn address(listener: &TcpListener) -> Option<SocketAddrV4> {
    match listener.local_addr() {
        Ok(SocketAddr::V4(address)) => Some(address),
        Ok(SocketAddr::V6(_)) | Err(_) => None,
    }
}

/// Sets the filter that asks for each internet socket, and hands the supervisor who is asked.
pub(super) fn begin(control: BorrowedFd<'_>) -> Result<(), Refusal> {
    let lost = |error: io::Error| {
        let remedy = "run without a list of hosts, or outside of what watches this run";
        Refusal::new("sockets cannot be handed out", remedy).because(error)
    };
    let listener = sys::listen_to_calls(&mut asks()).map_err(lost)?;
    sys::send_with(control, &[message::LISTENER], &[listener.as_fd()]).map_err(lost)
}

/// `socket` of an internet family is asked about, and nothing else.
fn asks() -> Vec<libc::sock_filter> {
    const LOAD: u16 = 0x20;
    const JUMP_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const NUMBER: u32 = 0;
    const FAMILY: u32 = 16;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let number = u32::try_from(libc::SYS_socket).unwrap_or(u32::MAX);
    vec![
        step(LOAD, 0, 0, NUMBER),
        step(JUMP_EQUAL, 0, 4, number),
        step(LOAD, 0, 0, FAMILY),
        step(JUMP_EQUAL, 1, 0, libc::AF_INET.unsigned_abs()),
        step(JUMP_EQUAL, 0, 1, libc::AF_INET6.unsigned_abs()),
        step(RETURN, 0, 0, libc::SECCOMP_RET_USER_NOTIF),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}

/// Takes what [`begin`] sent, or why it did not, and answers from a thread of its own for as long as the run lasts.
pub(super) fn start(control: BorrowedFd<'_>, proxy: &TcpListener) -> Result<Sockets, Refusal> {
    let lost = |error: io::Error| {
        Refusal::new("sockets cannot be handed out", "report this").because(error)
    };
    let mut buffer = [0; message::LONGEST];
    let (length, files) = sys::receive_with(control, &mut buffer).map_err(lost)?;
    let listener = match message::read(buffer.get(..length).unwrap_or_default()) {
        Message::Listener => files.into_iter().next(),
        Message::Refused(refusal) => return Err(refusal),
        Message::Begun
        | Message::Stopped
        | Message::Ended { .. }
        | Message::Settings { .. }
        | Message::Sockets { .. }
        | Message::Unknown => None,
    };
    let listener = listener.ok_or_else(|| lost(io::Error::other("it ended before")))?;
    let named = thread::Builder::new().name("ringfence-doorman".to_owned());
    // It ends when nobody is left that could ask.
    named.spawn(move || answer(&listener)).map_err(lost)?;
    let proxy = proxy.try_clone().map_err(lost)?;
    Ok(Sockets { names: Vec::new(), doors: Vec::new(), proxy, inside: None })
}

fn answer(listener: &OwnedFd) {
    let listener = listener.as_fd();
    while sys::wait_for_call(listener, listener).unwrap_or(false) {
        match sys::next_call(listener) {
            Ok(Some(call)) => match tied(&call) {
                Ok((socket, closes)) => call.hand(listener, socket.as_fd(), closes),
                Err(error) => call.fails(listener, error.raw_os_error().unwrap_or(libc::EACCES)),
            },
            Ok(None) => {}
            // Closing the listener fails what waits.
            Err(_) => return,
        }
    }
}

/// A socket as it was asked for, tied to the loopback device, and whether it is closed when something is executed.
fn tied(call: &Call) -> io::Result<(OwnedFd, bool)> {
    // The kernel looks at the low 32 bits.
    let [family, kind, protocol, ..] = call.arguments.map(|it| it as i32);
    let (plain, flags) = (kind & 0xf, kind & !0xf);
    let known = [0, libc::IPPROTO_TCP].contains(&protocol)
        && flags & !(libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK) == 0;
    if plain != libc::SOCK_STREAM || !known {
        return Err(io::Error::from_raw_os_error(libc::EACCES));
    }
    let socket = sys::loopback_socket(family, flags & libc::SOCK_NONBLOCK)?;
    Ok((socket, flags & libc::SOCK_CLOEXEC != 0))
}
