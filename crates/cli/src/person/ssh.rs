//! Whether a login over ssh comes from another machine.
//!
//! An agent can log in to its own machine, and then has a terminal that nobody sees it hold. Such a connection
//! has both of its ends here, and the kernel lists both.

#![expect(clippy::disallowed_methods, reason = "the connections of this machine are looked up")]

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::{Doubt, doubt};
use crate::processes::{self, Stat};

/// Checks the connection behind the first process of this line that `sshd` started.
pub(super) fn comes_from_elsewhere(line: &[Stat], remote: &BTreeSet<String>) -> Result<(), Doubt> {
    let first = line.iter().take_while(|it| !remote.contains(&it.name)).last();
    let named = first.and_then(|it| claimed(it.process.pid)).ok_or_else(|| {
        doubt("the login over ssh does not say which connection it came by".to_owned())
    })?;
    judge(named, &connections())
}

/// One end and the other, this machine's first.
type Connection = (SocketAddr, SocketAddr);

fn judge(named: Connection, connections: &BTreeSet<Connection>) -> Result<(), Doubt> {
    if !connections.contains(&named) {
        return Err(doubt("the connection that the login over ssh names is not there".to_owned()));
    }
    let port = named.0.port();
    // What a login says of itself can be forged, so none of the others may come from here either.
    let mut logins = connections.iter().filter(|(here, _)| here.port() == port);
    if logins.any(|(here, there)| connections.contains(&(*there, *here))) {
        return Err(doubt("somebody on this machine is logged in to it over ssh".to_owned()));
    }
    Ok(())
}

/// `SSH_CONNECTION`: the client's address and port, the server's address and port.
fn claimed(pid: u32) -> Option<Connection> {
    let variables = processes::environment(pid)?;
    let value = variables.iter().find_map(|it| it.strip_prefix(b"SSH_CONNECTION="))?;
    let words: Vec<&str> = std::str::from_utf8(value).ok()?.split(' ').collect();
    let [client, client_port, server, server_port] = words.as_slice() else { return None };
    let address = |host: &str, port: &str| {
        let host = host.split('%').next()?.parse::<IpAddr>().ok()?;
        Some(SocketAddr::new(host.to_canonical(), port.parse().ok()?))
    };
    Some((address(server, server_port)?, address(client, client_port)?))
}

/// The connections that stand, each end of those within this machine on its own.
fn connections() -> BTreeSet<Connection> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    tables.iter().flatten().flat_map(|table| table.lines()).filter_map(connection).collect()
}

/// `sl: local remote state …`, addresses in hexadecimal.
fn connection(line: &str) -> Option<Connection> {
    const ESTABLISHED: &str = "01";
    let mut fields = line.split_whitespace().skip(1);
    let (local, remote, state) = (fields.next()?, fields.next()?, fields.next()?);
    (state == ESTABLISHED).then_some((address(local)?, address(remote)?))
}

/// Words of four bytes, each in the order of the machine.
fn address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.split_once(':')?;
    let word =
        |at: usize| u32::from_str_radix(host.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    let host = match host.len() {
        8 => IpAddr::from(word(0)?),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?].concat();
            IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(words).ok()?))
        }
        _ => return None,
    };
    Some(SocketAddr::new(host.to_canonical(), u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the kernel of a little-endian machine prints them.
    const TABLE: &str = "  sl  local_address rem_address   st\n\
        0: 0100007F:0016 0100007F:C350 01 00\n\
        1: 0100007F:C350 0100007F:0016 01 00\n\
        2: 00000000:0016 00000000:0000 0A 00\n\
        3: 0500000A:0016 0900000A:D431 01 00\n\
        4: 0000000000000000FFFF00000500000A:0016 0000000000000000FFFF00000800000A:D432 01 00\n";

    fn table(without: &[usize]) -> BTreeSet<Connection> {
        let lines = TABLE.lines().enumerate().filter(|(at, _)| !without.contains(at));
        lines.filter_map(|(_, line)| connection(line)).collect()
    }

    fn at(here: &str, there: &str) -> Connection {
        (here.parse().unwrap(), there.parse().unwrap())
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn a_login_from_this_machine_has_both_its_ends_here() {
        let (own, far) =
            (at("127.0.0.1:22", "127.0.0.1:50000"), at("10.0.0.5:22", "10.0.0.9:54321"));
        let mapped = at("10.0.0.5:22", "10.0.0.8:54322");
        assert!(judge(own, &table(&[])).is_err());
        // Whatever another login says of itself, while somebody is logged in from here.
        assert!(judge(far, &table(&[])).is_err());
        assert!(judge(far, &table(&[1, 2])).is_ok());
        assert!(judge(mapped, &table(&[1, 2])).is_ok());
        // A connection that is not there was made up.
        assert!(judge(at("10.0.0.5:22", "10.0.0.9:1"), &table(&[1, 2])).is_err());
    }
}
