//! Carries bytes between clients and hosts: one thread for all connections, in memory that does not grow
//! with what goes through.
//!
//! There is one buffer. What one side cannot take at once is kept for it, and nothing more is read from the
//! other until it is gone; the more connections there are the less is read at a time.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use mio::net::TcpStream as Watched;
use mio::{Events, Interest, Poll, Token, Waker};

use crate::event::{EventKind, Journal, Reason};
use crate::gate::Gate;

/// All that is kept for those that cannot take it at once is less than this.
const KEPT: usize = 4 << 20;
const LEAST: usize = 4 << 10;
const BUFFER: usize = 256 << 10;
/// How often one connection is served before it is the next one's turn.
const TURNS: usize = 8;
/// How long the end of a run waits for what was sent last: steps, and how many of them.
const STEP: Duration = Duration::from_millis(20);
const STEPS: u32 = 50;

/// A connection from a client to a host, both ends open.
pub(crate) struct Way {
    pub(crate) client: TcpStream,
    pub(crate) server: TcpStream,
    pub(crate) gate: Gate,
    /// What the client has said already.
    pub(crate) said: Vec<u8>,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What may still be sent to the host.
    pub(crate) budget: Option<Arc<AtomicU64>>,
}

enum Order {
    Carry(Box<Way>),
    Finish(SyncSender<()>),
}

/// Hands connections to the thread that carries them.
#[derive(Debug, Clone)]
pub(crate) struct Relay {
    orders: Sender<Order>,
    waker: Arc<Waker>,
}

impl Relay {
    pub(crate) fn start(journal: Journal) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let (orders, received) = channel();
        let carrier =
            Carrier { poll, journal, ways: Vec::new(), free: Vec::new(), ready: VecDeque::new() };
        thread::Builder::new()
            .name("ringfence-relay".to_owned())
            .spawn(move || carrier.run(&received))?;
        Ok(Self { orders, waker })
    }

    /// Carries a connection until it ends.
    pub(crate) fn carry(&self, way: Way) -> io::Result<()> {
        self.order(Order::Carry(Box::new(way)))
    }

    /// Waits until what was sent has gone out, but not for long.
    pub(crate) fn finish(&self) {
        let (done, finished) = sync_channel(1);
        if self.order(Order::Finish(done)).is_ok() {
            let _ = finished.recv();
        }
    }

    fn order(&self, order: Order) -> io::Result<()> {
        self.orders.send(order).map_err(|_| io::Error::other("nobody carries connections"))?;
        self.waker.wake()
    }
}

const WAKE: Token = Token(usize::MAX);

struct Carrier {
    poll: Poll,
    journal: Journal,
    ways: Vec<Option<Carried>>,
    free: Vec<usize>,
    /// Those that may have something to carry. Each is there once.
    ready: VecDeque<usize>,
}

struct Carried {
    client: Watched,
    server: Watched,
    gate: Gate,
    up: Flow,
    down: Flow,
    host: String,
    port: u16,
    budget: Option<Arc<AtomicU64>>,
    waiting: bool,
    /// Turned away: only what it is told still goes out.
    turned_away: bool,
}

enum Turn {
    /// There is more.
    Again,
    /// Nothing can be carried now.
    Wait,
    Over,
}

impl Carrier {
    fn run(mut self, orders: &Receiver<Order>) {
        let mut events = Events::with_capacity(1024);
        let mut buffer = vec![0; BUFFER];
        let mut passed = Vec::new();
        let mut finish: Option<(SyncSender<()>, u32)> = None;
        loop {
            let wait = match (&finish, self.ready.is_empty()) {
                (_, false) => Some(Duration::ZERO),
                (Some(_), true) => Some(STEP),
                (None, true) => None,
            };
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return,
                _ => {}
            }
            for event in &events {
                if event.token() != WAKE {
                    self.wake(event.token().0 / 2);
                }
            }
            while let Ok(order) = orders.try_recv() {
                match order {
                    Order::Carry(way) => self.add(*way, &mut passed),
                    Order::Finish(done) => finish = Some((done, 0)),
                }
            }
            let size = (KEPT / self.ways.len().max(1)).clamp(LEAST, BUFFER);
            for _ in 0..self.ready.len() {
                let Some(index) = self.ready.pop_front() else { break };
                let buffer = buffer.get_mut(..size).unwrap_or_default();
                self.turn(index, buffer, &mut passed);
            }
            if let Some((done, steps)) = &mut finish {
                // A side that is closed has nothing more to say.
                let over = |it: &Carried| it.up.closed || it.down.closed;
                let all_out = self.ways.iter().flatten().all(over);
                if all_out || *steps >= STEPS {
                    let _ = done.send(());
                    finish = None;
                } else {
                    *steps += u32::from(self.ready.is_empty());
                }
            }
        }
    }

    fn wake(&mut self, index: usize) {
        if let Some(Some(way)) = self.ways.get_mut(index)
            && !way.waiting
        {
            way.waiting = true;
            self.ready.push_back(index);
        }
    }

    fn add(&mut self, way: Way, passed: &mut Vec<u8>) {
        let Way { client, server, gate, said, host, port, budget } = way;
        for stream in [&client, &server] {
            // Without it small messages wait, which is slow and nothing else.
            let _ = stream.set_nodelay(true);
            if stream.set_nonblocking(true).is_err() {
                return;
            }
        }
        let index = self.free.pop().unwrap_or_else(|| {
            self.ways.push(None);
            self.ways.len() - 1
        });
        let mut carried = Carried {
            client: Watched::from_std(client),
            server: Watched::from_std(server),
            gate,
            up: Flow::default(),
            down: Flow::default(),
            host,
            port,
            budget,
            waiting: false,
            turned_away: false,
        };
        let both = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        let registered = registry
            .register(&mut carried.client, Token(2 * index), both)
            .and_then(|()| registry.register(&mut carried.server, Token(2 * index + 1), both));
        let begun = registered.and_then(|()| carried.say(&said, passed, &self.journal));
        if let Some(slot) = self.ways.get_mut(index) {
            *slot = Some(carried);
        }
        match begun {
            Ok(()) => self.wake(index),
            Err(_) => self.remove(index),
        }
    }

    fn turn(&mut self, index: usize, buffer: &mut [u8], passed: &mut Vec<u8>) {
        let Some(Some(way)) = self.ways.get_mut(index) else { return };
        way.waiting = false;
        match way.turn(buffer, passed, &self.journal) {
            Ok(Turn::Again) => self.wake(index),
            Ok(Turn::Wait) => {}
            Ok(Turn::Over) | Err(_) => self.remove(index),
        }
    }

    fn remove(&mut self, index: usize) {
        if let Some(slot) = self.ways.get_mut(index)
            && let Some(mut way) = slot.take()
        {
            // Closing takes them out as well.
            let _ = self.poll.registry().deregister(&mut way.client);
            let _ = self.poll.registry().deregister(&mut way.server);
            if !way.turned_away {
                self.journal.ended(&way.host, way.port, way.up.bytes, way.down.bytes);
            }
            self.free.push(index);
        }
    }
}

impl Carried {
    fn turn(
        &mut self,
        buffer: &mut [u8],
        passed: &mut Vec<u8>,
        journal: &Journal,
    ) -> io::Result<Turn> {
        for _ in 0..TURNS {
            let up = self.carry_up(buffer, passed, journal)?;
            let down = self.carry_down(buffer, passed)?;
            if self.turned_away && self.down.is_empty() {
                return Ok(Turn::Over);
            }
            if self.up.closed && self.down.closed {
                return Ok(Turn::Over);
            }
            if !up && !down {
                return Ok(Turn::Wait);
            }
        }
        Ok(Turn::Again)
    }

    /// Whether something was carried from the client to the server.
    fn carry_up(
        &mut self,
        buffer: &mut [u8],
        passed: &mut Vec<u8>,
        journal: &Journal,
    ) -> io::Result<bool> {
        if self.turned_away || !self.up.flush(&mut self.server)? || self.up.closed {
            return Ok(false);
        }
        match read(&mut self.client, buffer)? {
            None => Ok(false),
            Some(0) => {
                self.up.close(&self.server);
                Ok(true)
            }
            // It was answered and asks again. On a connection of its own it will be looked at anew.
            Some(_) if self.gate.is_over() && self.down.bytes > 0 => {
                Err(ErrorKind::ConnectionAborted.into())
            }
            Some(length) => {
                self.say(buffer.get(..length).unwrap_or_default(), passed, journal)?;
                Ok(true)
            }
        }
    }

    /// What the client says goes to the server, as far as the gate and the budget let it.
    fn say(&mut self, said: &[u8], passed: &mut Vec<u8>, journal: &Journal) -> io::Result<()> {
        if said.is_empty() {
            return Ok(());
        }
        let taken = if self.gate.is_open() {
            spend(self.budget.as_deref(), said.len()).map(|()| said)
        } else {
            passed.clear();
            let taken = self.gate.take(said, passed);
            taken.and_then(|()| spend(self.budget.as_deref(), passed.len())).map(|()| &passed[..])
        };
        match taken {
            Ok(bytes) => self.up.put(bytes, &mut self.server),
            Err(reason) => {
                journal.asked(EventKind::Connect, &self.host, self.port, Some(&reason));
                self.turned_away = true;
                let _ = self.server.shutdown(Shutdown::Both);
                self.down.put(&self.gate.told(&reason), &mut self.client)
            }
        }
    }

    /// Whether something was carried from the server to the client.
    fn carry_down(&mut self, buffer: &mut [u8], passed: &mut Vec<u8>) -> io::Result<bool> {
        if !self.down.flush(&mut self.client)? || self.down.closed || self.turned_away {
            return Ok(false);
        }
        match read(&mut self.server, buffer)? {
            None => Ok(false),
            Some(0) => {
                self.down.close(&self.client);
                Ok(true)
            }
            Some(length) => {
                let said = buffer.get(..length).unwrap_or_default();
                if !self.gate.is_open() && self.down.bytes == 0 {
                    passed.clear();
                    self.gate.heard(said, passed);
                    // What waited is a few bytes of another protocol, and is spent when it began.
                    self.up.put(passed, &mut self.server)?;
                }
                self.down.put(said, &mut self.client)?;
                Ok(true)
            }
        }
    }
}

/// Takes what is to be sent from a budget.
pub(crate) fn spend(budget: Option<&AtomicU64>, length: usize) -> Result<(), Reason> {
    let Some(budget) = budget else { return Ok(()) };
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    let take = |left: u64| left.checked_sub(length);
    budget
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
        .map(drop)
        .map_err(|_| Reason::Budget)
}

/// One direction.
#[derive(Default)]
struct Flow {
    /// What could not be sent yet, from `at` on.
    left: Vec<u8>,
    at: usize,
    closed: bool,
    bytes: u64,
}

impl Flow {
    fn is_empty(&self) -> bool {
        self.at >= self.left.len()
    }

    /// Sends what is left. Whether nothing is left.
    fn flush(&mut self, to: &mut Watched) -> io::Result<bool> {
        while let Some(rest) = self.left.get(self.at..).filter(|it| !it.is_empty()) {
            match write(to, rest)? {
                Some(length) => self.sent(length),
                None => return Ok(false),
            }
        }
        self.at = 0;
        self.left = Vec::new();
        Ok(true)
    }

    /// Sends, and keeps what does not go at once.
    fn put(&mut self, mut bytes: &[u8], to: &mut Watched) -> io::Result<()> {
        while self.is_empty() && !bytes.is_empty() {
            match write(to, bytes)? {
                Some(length) => {
                    self.bytes += u64::try_from(length).unwrap_or(0);
                    bytes = bytes.get(length..).unwrap_or_default();
                }
                None => break,
            }
        }
        self.left.extend_from_slice(bytes);
        Ok(())
    }

    fn sent(&mut self, length: usize) {
        self.at += length;
        self.bytes += u64::try_from(length).unwrap_or(0);
    }

    fn close(&mut self, to: &Watched) {
        self.closed = true;
        // The other side may be gone already.
        let _ = to.shutdown(Shutdown::Write);
    }
}

/// Reads. None: nothing is there now.
fn read(from: &mut Watched, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    loop {
        match from.read(buffer) {
            Ok(length) => return Ok(Some(length)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Writes. None: nothing can be taken now.
fn write(to: &mut Watched, bytes: &[u8]) -> io::Result<Option<usize>> {
    loop {
        match to.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(length) => return Ok(Some(length)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
