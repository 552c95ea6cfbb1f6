//! Connects to a host that is allowed: resolve once, refuse what no name may lead to, dial what is left.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use crate::address::{self, Kept};
use crate::event::Reason;
use crate::host::Host;
use crate::rules::{Allowed, At, Rules};

/// Finds the addresses of a name.
pub type Resolver = Arc<dyn Fn(&Host) -> io::Result<Vec<IpAddr>> + Send + Sync>;

/// What the system says.
pub fn system_resolver() -> Resolver {
    Arc::new(|host: &Host| {
        let found = (host.as_str(), 0_u16).to_socket_addrs()?;
        Ok(found.map(|it| it.ip()).collect())
    })
}

/// A resolver that is dead must not hold a program for longer.
const RESOLVE: Duration = Duration::from_secs(12);
const CONNECT: Duration = Duration::from_secs(10);
/// More addresses than this are not tried.
const MOST: usize = 4;
/// The system's resolver may load modules, which take room.
const STACK: usize = 512 << 10;

/// Connects to a host at a port, as a row of the rules allows.
pub(crate) fn dial(
    resolver: &Resolver,
    rules: &Rules,
    row: &Allowed,
    host: &Host,
    port: u16,
) -> Result<TcpStream, Reason> {
    let addresses = match row.at {
        Some(At { address, port: other }) => {
            vec![SocketAddr::new(address, other.unwrap_or(port))]
        }
        None => checked(resolve(resolver, host)?, rules.private, port)?,
    };
    first(&addresses)
}

/// Connects to a port of this machine.
pub(crate) fn dial_own(port: u16) -> Result<TcpStream, Reason> {
    let loopback = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
    first(&loopback.map(|it| SocketAddr::new(it, port)))
}

fn first(addresses: &[SocketAddr]) -> Result<TcpStream, Reason> {
    let mut why = "it has no address".to_owned();
    for address in addresses.iter().take(MOST) {
        match TcpStream::connect_timeout(address, CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(error) => why = error.kind().to_string(),
        }
    }
    Err(Reason::Unreachable(why))
}

fn resolve(resolver: &Resolver, host: &Host) -> Result<Vec<IpAddr>, Reason> {
    let unreachable = |why: &str| Reason::Unreachable(why.to_owned());
    let (found, answer) = sync_channel(1);
    let (resolver, host) = (Arc::clone(resolver), host.clone());
    // Nothing ends a question to a resolver; it is left behind.
    thread::Builder::new()
        .stack_size(STACK)
        .spawn(move || found.send(resolver(&host)))
        .map_err(|error| unreachable(&error.to_string()))?;
    match answer.recv_timeout(RESOLVE) {
        Ok(Ok(addresses)) => Ok(addresses),
        Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => {
            Err(unreachable("its name cannot be resolved"))
        }
        Err(RecvTimeoutError::Timeout) => Err(unreachable("its name is not resolved in time")),
    }
}

/// Those addresses that a name may lead to.
fn checked(found: Vec<IpAddr>, private: bool, port: u16) -> Result<Vec<SocketAddr>, Reason> {
    let mut why = Reason::Unreachable("it has no address".to_owned());
    let mut good = Vec::new();
    for address in found {
        let place = SocketAddr::new(address, port);
        let kept = match address::kept(address) {
            Some(Kept::Private) if private => None,
            other => other,
        };
        let kept = kept.or_else(|| address::is_own(place).then_some(Kept::ThisMachine));
        match kept {
            None => good.push(place),
            Some(kept) => why = Reason::Leads(kept),
        }
    }
    if good.is_empty() { Err(why) } else { Ok(good) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked_of(found: &[&str], private: bool) -> Result<Vec<String>, Reason> {
        let found = found.iter().map(|it| it.parse().unwrap()).collect();
        checked(found, private, 1).map(|it| it.iter().map(|it| it.ip().to_string()).collect())
    }

    #[test]
    fn a_name_that_leads_inside_is_not_followed() {
        let leads = |kept| Err(Reason::Leads(kept));
        assert_eq!(checked_of(&["127.0.0.1"], true), leads(Kept::ThisMachine));
        assert_eq!(checked_of(&["169.254.169.254"], true), leads(Kept::Metadata));
        assert_eq!(checked_of(&["10.0.0.1"], false), leads(Kept::Private));
        assert_eq!(checked_of(&["10.0.0.1"], true), Ok(vec!["10.0.0.1".into()]));
        // Of an answer that mixes, only what may be followed is.
        assert_eq!(
            checked_of(&["::1", "192.0.2.1", "10.0.0.1"], false),
            Ok(vec!["192.0.2.1".into()])
        );
    }
}
