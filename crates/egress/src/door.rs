//! The doors: what comes in at a listening socket becomes a connection to a host, or is told why not.
//!
//! Each newcomer has a short-lived thread that may wait for it, for the resolver and for the host. When both
//! ends are connected the relay takes over.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::address::Kept;
use crate::dial::{self, Resolver};
use crate::event::{EventKind, Journal, Reason};
use crate::gate::{self, Gate};
use crate::host::Host;
use crate::http::{self, Target};
use crate::names::Names;
use crate::relay::{Relay, Way};
use crate::rules::Rules;
use crate::serve;
use crate::socks::{self, Answer};
use crate::vault::{Opened, Vault};

/// How long a client of the proxy may take to ask.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one that is turned away may take to show its language.
const GLANCE: Duration = Duration::from_millis(200);

/// What every door needs.
pub(crate) struct Desk {
    pub(crate) rules: Rules,
    pub(crate) names: Names,
    pub(crate) journal: Journal,
    pub(crate) resolver: Resolver,
    pub(crate) relay: Relay,
    pub(crate) vault: Option<Arc<Vault>>,
    pub(crate) budgets: Mutex<HashMap<Host, Arc<AtomicU64>>>,
}

/// How a client came in, and so how it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// By an address that stands for a name. It believes that it is connected already.
    Straight,
    Tunnel,
    Request,
    Socks,
}

/// What a client asks for.
enum Place {
    Host(Host, u16),
    /// A port of the machine outside.
    Own(u16),
}

impl Desk {
    /// A connection to an address, whichever it was.
    pub(crate) fn straight(&self, client: TcpStream) {
        let Ok(there) = client.local_addr() else { return };
        let there = SocketAddr::new(there.ip().to_canonical(), there.port());
        let place = self.stands_for(there.ip(), there.port());
        let shown = there.ip().to_string();
        self.lead(client, Manner::Straight, &shown, there.port(), place, Vec::new());
    }

    /// A connection to the proxy.
    pub(crate) fn proxy(&self, mut client: TcpStream) {
        // A client that goes away, or does not ask, needs no answer.
        let _ = self.proxied(&mut client);
    }

    fn proxied(&self, client: &mut TcpStream) -> io::Result<()> {
        client.set_read_timeout(Some(PATIENCE))?;
        let mut first = [0];
        if client.peek(&mut first)? == 0 {
            return Ok(());
        }
        if first[0] < b' ' {
            if let Some(asked) = socks::asked(client)? {
                let place = self.named(&asked.host, asked.port);
                let client = client.try_clone()?;
                self.lead(client, Manner::Socks, &asked.host, asked.port, place, Vec::new());
            }
            return Ok(());
        }
        let mut said = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match http::target(&said) {
                Ok(None) if said.len() <= http::LONGEST_HEAD => {}
                Ok(Some(Target { host, port, tunnel })) => {
                    let (host, place) = (host.to_owned(), self.named(host, port));
                    let manner = if tunnel.is_some() { Manner::Tunnel } else { Manner::Request };
                    let said = said.split_off(tunnel.unwrap_or(0));
                    let client = client.try_clone()?;
                    self.lead(client, manner, &host, port, place, said);
                    return Ok(());
                }
                other => {
                    let reason = other.err().unwrap_or(Reason::Unreadable("a request too long"));
                    self.journal.asked(EventKind::Connect, "proxy", 0, Some(&reason));
                    return client.write_all(&gate::refusal(&reason));
                }
            }
            let length = client.read(&mut buffer)?;
            if length == 0 {
                return Ok(());
            }
            said.extend_from_slice(buffer.get(..length).unwrap_or_default());
        }
    }

    /// What a proxy's client means: a name, or an address that it was told for one.
    fn named(&self, host: &str, port: u16) -> Result<Place, Reason> {
        let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
        match bare.parse::<IpAddr>() {
            Ok(address) => self.stands_for(address.to_canonical(), port),
            Err(_) if host.eq_ignore_ascii_case("localhost") => self.own(port),
            Err(_) => Ok(Place::Host(Host::parse(host)?, port)),
        }
    }

    fn stands_for(&self, address: IpAddr, port: u16) -> Result<Place, Reason> {
        let name = match address {
            IpAddr::V4(address) => self.names.name(address),
            IpAddr::V6(_) => None,
        };
        match name {
            Some(host) => Ok(Place::Host(host, port)),
            None if address.is_loopback() => self.own(port),
            None => Err(Reason::Address),
        }
    }

    fn own(&self, port: u16) -> Result<Place, Reason> {
        let listed = self.rules.host_ports.contains(&port);
        listed.then_some(Place::Own(port)).ok_or(Reason::Leads(Kept::ThisMachine))
    }

    /// Connects a client to what it asked for, or tells it why not.
    fn lead(
        &self,
        mut client: TcpStream,
        manner: Manner,
        shown: &str,
        port: u16,
        place: Result<Place, Reason>,
        said: Vec<u8>,
    ) {
        let shown = match &place {
            Ok(Place::Host(host, _)) => host.to_string(),
            Ok(Place::Own(_)) => "localhost".to_owned(),
            Err(_) => shown.to_owned(),
        };
        let secret = self.secret(&place);
        let connected = place.and_then(|place| self.connect(place));
        let reason = connected.as_ref().err();
        self.journal.asked(EventKind::Connect, &shown, port, reason);
        let answered = answer(&mut client, manner, reason);
        if let (Ok((server, gate, budget)), Ok(())) = (connected, answered) {
            if let Some((vault, host)) = secret
                && speaks_tls(&client, &said)
            {
                let journal = self.journal.clone();
                let way = Opened { client, server, said, host, port, budget };
                // Without a thread both ends close here.
                let _ = serve::start("ringfence-secret", move || vault.carry(way, &journal));
                return;
            }
            // The relay never waits, whatever was set before.
            let _ = client.set_read_timeout(None);
            // Without a relay both ends close here.
            let way = Way { client, server, gate, said, host: shown, port, budget };
            let _ = self.relay.carry(way);
        }
    }

    /// The vault, where a secret belongs to a place.
    fn secret(&self, place: &Result<Place, Reason>) -> Option<(Arc<Vault>, Host)> {
        let (Some(vault), Ok(Place::Host(host, _))) = (&self.vault, place) else { return None };
        vault.holds(host).then(|| (Arc::clone(vault), host.clone()))
    }

    fn connect(&self, place: Place) -> Result<Connected, Reason> {
        match place {
            Place::Own(port) => Ok((dial::dial_own(port)?, Gate::open(), None)),
            Place::Host(host, port) => {
                let row = self.rules.place(&host, port)?;
                let server = dial::dial(&self.resolver, &self.rules, row, &host, port)?;
                let budget = self.budget(&host);
                Ok((server, Gate::to(host, port), budget))
            }
        }
    }

    /// What may still be sent to a host, by all connections together.
    fn budget(&self, host: &Host) -> Option<Arc<AtomicU64>> {
        let most = self.rules.budget?;
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        let left = budgets.entry(host.clone()).or_insert_with(|| Arc::new(AtomicU64::new(most)));
        Some(Arc::clone(left))
    }
}

type Connected = (TcpStream, Gate, Option<Arc<AtomicU64>>);

/// Whether a client begins to speak TLS. One that does not say anything is not waited for for ever.
fn speaks_tls(client: &TcpStream, said: &[u8]) -> bool {
    const HANDSHAKE: u8 = 22;
    let mut first = [0];
    let waits = client.set_read_timeout(Some(PATIENCE));
    said.first().copied() == Some(HANDSHAKE)
        || said.is_empty()
            && waits.is_ok()
            && client.peek(&mut first).is_ok()
            && first == [HANDSHAKE]
}

fn answer(client: &mut TcpStream, manner: Manner, reason: Option<&Reason>) -> io::Result<()> {
    match (manner, reason) {
        (Manner::Straight | Manner::Request, None) => Ok(()),
        (Manner::Tunnel, None) => client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n"),
        (Manner::Socks, None) => socks::answer(client, Answer::Granted),
        (Manner::Tunnel | Manner::Request, Some(reason)) => {
            client.write_all(&gate::refusal(reason))
        }
        (Manner::Socks, Some(reason)) if reason.is_denial() => {
            socks::answer(client, Answer::NotAllowed)
        }
        (Manner::Socks, Some(_)) => socks::answer(client, Answer::Unreachable),
        (Manner::Straight, Some(reason)) => {
            client.set_read_timeout(Some(GLANCE))?;
            let mut said = [0; 512];
            let length = client.read(&mut said)?;
            client.write_all(&gate::told(said.get(..length).unwrap_or_default(), reason))
        }
    }
}
