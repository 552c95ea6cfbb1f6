//! What may be reached: a list of names with ports, and what stays out whatever the list says.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::address::{self, Kept};
use crate::event::Reason;
use crate::host::{Host, Pattern};

/// Where a name is served if nothing else is said.
const USUAL: [u16; 2] = [80, 443];

/// What may be reached. Empty: nothing.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Names and their ports.
    pub allowed: Vec<Allowed>,
    /// Names that are never reached, with what they are.
    pub denied: Vec<(Pattern, String)>,
    /// Ports of this machine that are reached as `localhost`.
    pub host_ports: BTreeSet<u16>,
    /// Whether names may lead into private networks.
    pub private: bool,
    /// The most that may be sent to each host, in bytes.
    pub budget: Option<u64>,
}

/// One row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// The names.
    pub pattern: Pattern,
    /// The port; none = 80 and 443.
    pub port: Option<u16>,
    /// Where they really are, as a person said. None: where the resolver says.
    pub at: Option<At>,
}

/// A place that a person named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    pub(crate) address: IpAddr,
    /// None: the port that was asked for.
    pub(crate) port: Option<u16>,
}

/// Why a row cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRule(String);

impl BadRule {
    pub(crate) fn new(what: String) -> Self {
        Self(what)
    }
}

impl fmt::Display for BadRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadRule {}

impl Allowed {
    /// Reads `HOST[:PORT][=ADDRESS[:PORT]]`, where HOST may begin with `*.`.
    ///
    /// # Errors
    /// When it is not of this form, with what to write instead.
    pub fn parse(text: &str) -> Result<Self, BadRule> {
        let (place, at) = match text.split_once('=') {
            Some((place, at)) => (place, Some(At::parse(at)?)),
            None => (text, None),
        };
        let (name, port) = match place.rsplit_once(':') {
            Some((name, port)) if !place.contains('/') && !name.contains(':') => {
                (name, Some(self::port(port)?))
            }
            _ => (place, None),
        };
        let pattern = Pattern::parse(name).map_err(|why| {
            let form =
                "write a name, as in `api.example.com`, `*.example.com` or `example.com:8443`";
            BadRule(format!("`{}` is no host: {why}; {form}", name.escape_debug()))
        })?;
        Ok(Self { pattern, port, at })
    }

    fn serves(&self, port: u16) -> bool {
        self.port.map_or(USUAL.contains(&port), |it| it == port)
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.pattern)?;
        match self.port {
            Some(port) => write!(f, ":{port}")?,
            None => f.write_str(", ports 80 and 443")?,
        }
        match self.at {
            Some(At { address, port: Some(port) }) => {
                write!(f, ", at {}", SocketAddr::new(address, port))
            }
            Some(At { address, port: None }) => write!(f, ", at {address}"),
            None => Ok(()),
        }
    }
}

impl At {
    fn parse(text: &str) -> Result<Self, BadRule> {
        let whole = text.parse::<SocketAddr>().map(|it| (it.ip(), Some(it.port())));
        let (address, port) = whole
            .or_else(|_| text.parse::<IpAddr>().map(|it| (it, None)))
            .map_err(|_| BadRule(format!("`{}` is no address", text.escape_debug())))?;
        match address::kept(address) {
            Some(kept @ (Kept::Metadata | Kept::LinkLocal | Kept::NoHost)) => {
                Err(BadRule(format!("`{address}` is {}, which is never reached", kept.words())))
            }
            Some(Kept::ThisMachine | Kept::Private) | None => Ok(Self { address, port }),
        }
    }
}

fn port(text: &str) -> Result<u16, BadRule> {
    let port = text.parse().ok().filter(|it| *it != 0);
    port.ok_or_else(|| BadRule(format!("`{}` is no port", text.escape_debug())))
}

impl Rules {
    /// Whether nothing may be reached.
    pub fn is_empty(&self) -> bool {
        self.allowed.is_empty() && self.host_ports.is_empty()
    }

    /// Every port at which something may be reached.
    pub fn ports(&self) -> BTreeSet<u16> {
        let named = self.allowed.iter().filter_map(|it| it.port);
        let usual = self.allowed.iter().filter(|it| it.port.is_none()).flat_map(|_| USUAL);
        named.chain(usual).chain(self.host_ports.iter().copied()).collect()
    }

    /// The row that allows this host at any port.
    pub(crate) fn name(&self, host: &Host) -> Result<&Allowed, Reason> {
        self.decide(host, |_| true)
    }

    /// The row that allows this host at this port.
    pub(crate) fn place(&self, host: &Host, port: u16) -> Result<&Allowed, Reason> {
        self.decide(host, |row| row.serves(port))
    }

    fn decide(&self, host: &Host, serves: impl Fn(&Allowed) -> bool) -> Result<&Allowed, Reason> {
        if let Some((_, what)) = self.denied.iter().find(|(it, _)| it.matches(host)) {
            return Err(Reason::Denied(what.clone()));
        }
        let mut rows = self.allowed.iter().filter(|it| it.pattern.matches(host)).peekable();
        if rows.peek().is_none() {
            return Err(Reason::NotListed);
        }
        // The narrower row says more: an exact name before all those below another.
        let rows = rows.filter(|it| serves(it));
        rows.min_by_key(|it| !matches!(it.pattern, Pattern::Exactly(_))).ok_or(Reason::OtherPort)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(rows: &[&str]) -> Rules {
        let allowed = rows.iter().map(|it| Allowed::parse(it).unwrap()).collect();
        Rules { allowed, ..Rules::default() }
    }

    fn host(text: &str) -> Host {
        Host::parse(text).unwrap()
    }

    #[test]
    fn an_empty_list_allows_nothing() {
        assert_eq!(Rules::default().name(&host("good.test")), Err(Reason::NotListed));
        assert!(Rules::default().is_empty());
    }

    #[test]
    fn a_name_is_allowed_at_its_ports() {
        let rules = rules(&["good.test", "*.wild.test:8443", "git.test:22"]);
        assert!(rules.place(&host("good.test"), 443).is_ok());
        assert!(rules.place(&host("good.test"), 80).is_ok());
        assert_eq!(rules.place(&host("good.test"), 22), Err(Reason::OtherPort));
        assert!(rules.place(&host("a.wild.test"), 8443).is_ok());
        assert_eq!(rules.place(&host("a.wild.test"), 443), Err(Reason::OtherPort));
        assert_eq!(rules.place(&host("wild.test"), 8443), Err(Reason::NotListed));
        assert_eq!(rules.ports(), BTreeSet::from([22, 80, 443, 8443]));
    }

    #[test]
    fn what_is_denied_stays_so() {
        let mut rules = rules(&["*.example.com"]);
        rules.denied = vec![(Pattern::Domain(host("drop.example.com")), "a drop".into())];
        assert!(rules.name(&host("a.example.com")).is_ok());
        let denied = Err(Reason::Denied("a drop".into()));
        assert_eq!(rules.name(&host("drop.example.com")), denied);
        assert_eq!(rules.name(&host("a.drop.example.com")), denied);
    }

    #[test]
    fn rows_are_read_strictly() {
        let at = Allowed::parse("api.test:443=127.0.0.1:8443").unwrap();
        assert_eq!(at.at, Some(At { address: [127, 0, 0, 1].into(), port: Some(8443) }));
        let at = Allowed::parse("api.test=::1").unwrap();
        assert_eq!(at.at.map(|it| it.port), Some(None));
        for (text, part) in [
            ("", "is no host"),
            ("https://api.test", "is no host"),
            ("api.test/x", "is no host"),
            ("api.test:", "no port"),
            ("api.test:0", "no port"),
            ("api.test:99999", "no port"),
            ("127.0.0.1", "an address"),
            ("127.0.0.1:80", "an address"),
            ("::1", "an address"),
            ("*.com", "is no host"),
            ("*", "is no host"),
            ("api.test=elsewhere", "is no address"),
            ("api.test=169.254.169.254", "never reached"),
            ("api.test=[::ffff:169.254.169.254]:80", "never reached"),
        ] {
            let error = Allowed::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
