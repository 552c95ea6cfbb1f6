//! Takes the sockets of a run and serves them as long as the run lives.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use mio::{Events, Interest, Poll, Token};

use crate::dial::Resolver;
use crate::door::Desk;
use crate::event::{Event, EventKind, Journal, Reason, Report};
use crate::gate::Gate;
use crate::names::Names;
use crate::relay::{Relay, Way};
use crate::rules::Rules;
use crate::vault::Vault;

/// Newcomers that are attended at a time; more wait at the door.
const ATTENDED: usize = 128;
const STACK: usize = 256 << 10;
/// Longer questions for a name than any that is asked.
const LONGEST_QUESTION: usize = 4096;

/// Sockets that listen in the network of a run.
#[derive(Debug)]
pub struct Sockets {
    /// Where names are asked for.
    pub names: Vec<UdpSocket>,
    /// Where connections to any address arrive, one for each port.
    pub doors: Vec<TcpListener>,
    /// Where a proxy is spoken to.
    pub proxy: TcpListener,
}

/// Makes a connection to a port inside of the run's network.
pub type Inside = Arc<dyn Fn(u16) -> io::Result<TcpStream> + Send + Sync>;

/// A port of this machine that leads into the run.
#[derive(Debug)]
pub struct Inbound {
    port: u16,
    listener: TcpListener,
}

impl Inbound {
    /// Takes a port of this machine, for programs of this machine alone.
    ///
    /// # Errors
    /// When it is taken already.
    pub fn bind(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        Ok(Self { port, listener })
    }
}

/// The way out of one run. Ends with the process.
pub struct Egress {
    desk: Arc<Desk>,
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").finish_non_exhaustive()
    }
}

impl Egress {
    /// Begins to serve. A `vault` exchanges secrets on their way. `listener` is told of every event, from any thread, and must not take long.
    ///
    /// # Errors
    /// When a thread or a socket cannot be had.
    pub fn start(
        rules: Rules,
        resolver: Resolver,
        sockets: Sockets,
        vault: Option<Vault>,
        listener: impl Fn(&Event) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let journal = Journal::new(Arc::new(listener));
        let relay = Relay::start(journal.clone())?;
        let (names, budgets) = (Names::default(), Mutex::new(HashMap::new()));
        let desk = Arc::new(Desk {
            rules,
            names,
            journal,
            resolver,
            relay,
            budgets,
            vault: vault.map(Arc::new),
        });
        for socket in sockets.names {
            let desk = Arc::clone(&desk);
            start("ringfence-names", move || answer_names(&desk, &socket))?;
        }
        let doors = Doors::watch(sockets.doors, sockets.proxy)?;
        let attending = Arc::clone(&desk);
        start("ringfence-doors", move || doors.attend(&attending))?;
        Ok(Self { desk })
    }

    /// Leads connections to ports of this machine into the run.
    ///
    /// # Errors
    /// When a thread cannot be had.
    pub fn publish(&self, inbound: Vec<Inbound>, inside: &Inside) -> io::Result<()> {
        for Inbound { port, listener } in inbound {
            let (desk, inside) = (Arc::clone(&self.desk), Arc::clone(inside));
            start("ringfence-inbound", move || {
                for client in listener.incoming().filter_map(Result::ok) {
                    lead_in(&desk, client, port, &inside);
                }
            })?;
        }
        Ok(())
    }

    /// To be asked when the command has ended: waits for what was sent last, and sums up.
    pub fn finish(&self) -> Report {
        self.desk.relay.finish();
        self.desk.journal.report()
    }
}

pub(crate) fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).stack_size(STACK).spawn(work).map(drop)
}

fn answer_names(desk: &Desk, socket: &UdpSocket) {
    let mut buffer = [0; LONGEST_QUESTION];
    loop {
        match socket.recv_from(&mut buffer) {
            Ok((length, from)) => {
                let question = buffer.get(..length).unwrap_or_default();
                if let Some(answer) = desk.names.answer(question, &desk.rules, &desk.journal) {
                    // Who does not listen asks again.
                    let _ = socket.send_to(&answer, from);
                }
            }
            // An earlier answer did not arrive.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

fn lead_in(desk: &Desk, client: TcpStream, port: u16, inside: &Inside) {
    let server = inside(port);
    let reason = server.as_ref().err().map(|it| Reason::Unreachable(it.kind().to_string()));
    desk.journal.asked(EventKind::Inbound, "localhost", port, reason.as_ref());
    if let Ok(server) = server {
        let (gate, said, host) = (Gate::open(), Vec::new(), "localhost".to_owned());
        let _ = desk.relay.carry(Way { client, server, gate, said, host, port, budget: None });
    }
}

/// The listening sockets, watched together. The last is the proxy.
struct Doors {
    poll: Poll,
    listeners: Vec<mio::net::TcpListener>,
    proxy: usize,
    room: Arc<Room>,
}

/// How many newcomers are attended.
#[derive(Default)]
struct Room {
    taken: Mutex<usize>,
    left: Condvar,
}

impl Room {
    fn take(self: &Arc<Self>) -> Place {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken >= ATTENDED {
            taken = self.left.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken += 1;
        Place(Arc::clone(self))
    }
}

struct Place(Arc<Room>);

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.left.notify_one();
    }
}

impl Doors {
    fn watch(doors: Vec<TcpListener>, proxy: TcpListener) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut listeners = Vec::new();
        for listener in doors.into_iter().chain([proxy]) {
            listener.set_nonblocking(true)?;
            let mut listener = mio::net::TcpListener::from_std(listener);
            let token = Token(listeners.len());
            poll.registry().register(&mut listener, token, Interest::READABLE)?;
            listeners.push(listener);
        }
        let proxy = listeners.len() - 1;
        Ok(Self { poll, listeners, proxy, room: Arc::default() })
    }

    fn attend(mut self, desk: &Arc<Desk>) {
        let mut events = Events::with_capacity(64);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return,
                _ => {}
            }
            for event in &events {
                let Token(index) = event.token();
                let Some(listener) = self.listeners.get(index) else { continue };
                // Events come once for all that wait.
                while let Ok((client, _)) = listener.accept() {
                    let client = TcpStream::from(client);
                    self.let_in(desk, client, index == self.proxy);
                }
            }
        }
    }

    fn let_in(&self, desk: &Arc<Desk>, client: TcpStream, proxy: bool) {
        if client.set_nonblocking(false).is_err() {
            return;
        }
        let place = self.room.take();
        let desk = Arc::clone(desk);
        // Without a thread the connection is closed.
        let _ = start("ringfence-door", move || {
            let _place = place;
            if proxy { desk.proxy(client) } else { desk.straight(client) }
        });
    }
}
