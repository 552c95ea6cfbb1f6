//! What happened at the way out, as it happens and summed up at the end.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Serialize, Serializer};

use crate::address::Kept;
use crate::host::NotAName;

/// Why something was not let through.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The list does not hold the host.
    NotListed,
    /// The list holds the host with other ports.
    OtherPort,
    /// The host is of a kind that is never reached.
    Denied(String),
    /// It was asked for by an address.
    Address,
    /// It was asked for by something that is no name.
    NoName,
    /// The name leads where no name may lead.
    Leads(Kept),
    /// What was said next names another host.
    OtherName(String),
    /// What was said next names no host, or hides it.
    HiddenName,
    /// What was said next is not what is spoken at this port, or cannot be read.
    Unreadable(&'static str),
    /// The secret of another host was to be sent, or what stands for it.
    Secret {
        /// The name of the secret.
        name: String,
        /// The host that it belongs to.
        host: String,
    },
    /// More was sent than the host's budget has.
    Budget,
    /// Nothing to do with the rules: the host cannot be found or reached.
    Unreachable(String),
}

impl Reason {
    /// Whether a rule is the reason, rather than the network.
    pub fn is_denial(&self) -> bool {
        !matches!(self, Self::Unreachable(_))
    }

    /// What would let it through, for a host and its port.
    pub fn remedy(&self, host: &str, port: u16) -> Option<String> {
        match self {
            Self::NotListed | Self::OtherPort => {
                Some(format!("allow with --allow-host {}", listed(host, port)))
            }
            Self::Leads(Kept::Private) => {
                Some(format!("allow with --allow-private, or --allow-host {host}=ADDRESS"))
            }
            Self::Leads(Kept::ThisMachine) => Some(format!("allow with --allow-host-port {port}")),
            Self::Address => Some("use the host's name".to_owned()),
            Self::Budget => Some("raise --send-at-most".to_owned()),
            Self::Denied(_)
            | Self::NoName
            | Self::Leads(_)
            | Self::OtherName(_)
            | Self::HiddenName
            | Self::Secret { .. }
            | Self::Unreadable(_)
            | Self::Unreachable(_) => None,
        }
    }
}

impl Reason {
    /// The same as a line of a profile.
    fn profile(&self, host: &str, port: u16) -> Option<String> {
        matches!(self, Self::NotListed | Self::OtherPort)
            .then(|| format!("[network] hosts = [\"{}\"]", listed(host, port)))
    }
}

/// A host as the list has it.
fn listed(host: &str, port: u16) -> String {
    match port {
        0 | 80 | 443 => host.to_owned(),
        port => format!("{host}:{port}"),
    }
}

impl From<NotAName> for Reason {
    fn from(why: NotAName) -> Self {
        match why {
            NotAName::Address => Self::Address,
            NotAName::Length | NotAName::Characters => Self::NoName,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotListed => f.write_str("not in the list"),
            Self::OtherPort => f.write_str("listed with other ports"),
            Self::Denied(what) => f.write_str(what),
            Self::Address => f.write_str("an address, not a name"),
            Self::NoName => f.write_str("not a name"),
            Self::Leads(kept) => write!(f, "leads to {}", kept.words()),
            Self::OtherName(name) => write!(f, "asks there for {}", name.escape_debug()),
            Self::HiddenName => f.write_str("does not say whom it asks there"),
            Self::Unreadable(what) => f.write_str(what),
            Self::Secret { name, host } => write!(f, "would get {name}, which belongs to {host}"),
            Self::Budget => f.write_str("more was sent than may be"),
            Self::Unreachable(why) => f.write_str(why),
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What kind of event it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A name was asked for.
    Name,
    /// A connection was asked for.
    Connect,
    /// A connection that was let through has ended.
    End,
    /// A connection from this machine to a port that is published.
    Inbound,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// What kind it is.
    pub event: EventKind,
    /// The host, in the canonical form if it has one; else what was asked for, which may be any text.
    pub host: String,
    /// The port; 0 = none was named.
    pub port: u16,
    /// Whether it was let through.
    pub allowed: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Reason>,
    /// Bytes that went out, at the end.
    #[serde(skip_serializing_if = "is_zero")]
    pub sent: u64,
    /// Bytes that came in, at the end.
    #[serde(skip_serializing_if = "is_zero")]
    pub received: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Everything of one kind that concerned one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The host, or what was asked for.
    pub host: String,
    /// The port; 0 = none was named.
    pub port: u16,
    /// Whether it was let through.
    pub allowed: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Reason>,
    /// How often.
    pub times: u64,
    /// Bytes that went out.
    pub sent: u64,
    /// Bytes that came in.
    pub received: u64,
}

/// What happened in a run, summed up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// By place and reason.
    pub lines: Vec<Line>,
    /// How much more was not let through, after the lines became too many.
    pub more: u64,
}

impl Report {
    /// What rules held back. A name that was also connected to is told once.
    pub fn denied(&self) -> Vec<Denied> {
        let denied = |line: &&Line| line.why.as_ref().is_some_and(Reason::is_denial);
        let connected = |host: &str| self.lines.iter().any(|it| it.port != 0 && it.host == host);
        let lines = self.lines.iter().filter(denied);
        let lines = lines.filter(|it| it.port != 0 || !connected(&it.host));
        lines.filter_map(Line::denied).collect()
    }
}

impl Line {
    fn denied(&self) -> Option<Denied> {
        let why = self.why.as_ref()?;
        let what = match self.port {
            0 => format!("look up {}", self.host),
            port => format!("connect {}:{port}", self.host),
        };
        Some(Denied {
            what,
            why: why.to_string(),
            times: self.times,
            allow: why.remedy(&self.host, self.port),
            profile: why.profile(&self.host, self.port),
        })
    }
}

/// Something that a rule held back, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// What was asked for: `connect api.example:443`.
    pub what: String,
    /// Why it was not let through.
    pub why: String,
    /// How often.
    pub times: u64,
    /// What would let it through, with the flag of the command line where there is one.
    pub allow: Option<String>,
    /// The same as a line of a profile, where there is one.
    pub profile: Option<String>,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.what, self.why)?;
        if self.times > 1 {
            write!(f, ", {} times", self.times)?;
        }
        f.write_str(")")?;
        self.allow.iter().try_for_each(|it| write!(f, ": {it}"))
    }
}

/// Who is told of every event while it happens.
pub(crate) type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

/// More places than this are only counted: names can be made up without end.
const MOST_LINES: usize = 1000;

/// Takes events from every thread.
#[derive(Clone)]
pub(crate) struct Journal {
    listener: Listener,
    sums: Arc<Mutex<Sums>>,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").finish_non_exhaustive()
    }
}

type Place = (String, u16, Option<Reason>);

#[derive(Default)]
struct Sums {
    by_place: BTreeMap<Place, [u64; 3]>,
    more: u64,
}

impl Journal {
    pub(crate) fn new(listener: Listener) -> Self {
        Self { listener, sums: Arc::default() }
    }

    /// Something was asked for.
    pub(crate) fn asked(&self, event: EventKind, host: &str, port: u16, why: Option<&Reason>) {
        let why = why.cloned();
        let allowed = why.is_none();
        let host = shortened(host);
        self.note(Event { event, host, port, allowed, why, sent: 0, received: 0 });
    }

    /// A connection has ended.
    pub(crate) fn ended(&self, host: &str, port: u16, sent: u64, received: u64) {
        let host = host.to_owned();
        let event = EventKind::End;
        self.note(Event { event, host, port, allowed: true, why: None, sent, received });
    }

    fn note(&self, event: Event) {
        {
            let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
            // A name that was answered is no news: what follows is.
            let counts = !(event.event == EventKind::Name && event.allowed);
            let place = (event.host.clone(), event.port, event.why.clone());
            let full = sums.by_place.len() >= MOST_LINES && !sums.by_place.contains_key(&place);
            if counts && full {
                sums.more += u64::from(!event.allowed);
            } else if counts {
                let sum = sums.by_place.entry(place).or_default();
                let once = u64::from(event.event != EventKind::End);
                let more = [once, event.sent, event.received];
                for (sum, more) in sum.iter_mut().zip(more) {
                    *sum = sum.saturating_add(more);
                }
            }
        }
        (self.listener)(&event);
    }

    pub(crate) fn report(&self) -> Report {
        let sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        let line = |((host, port, why), [times, sent, received]): (&Place, &[u64; 3])| Line {
            host: host.clone(),
            port: *port,
            allowed: why.is_none(),
            why: why.clone(),
            times: *times,
            sent: *sent,
            received: *received,
        };
        Report { lines: sums.by_place.iter().map(line).collect(), more: sums.more }
    }
}

/// What was asked for may be anything, and as long as it likes.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 255;
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_to_do_once() {
        let journal = Journal::new(Arc::new(|_| {}));
        journal.asked(EventKind::Name, "api.test", 0, Some(&Reason::NotListed));
        journal.asked(EventKind::Name, "api.test", 0, Some(&Reason::NotListed));
        journal.asked(EventKind::Connect, "good.test", 443, None);
        journal.ended("good.test", 443, 10, 20);
        journal.asked(EventKind::Connect, "good.test", 22, Some(&Reason::OtherPort));
        journal.asked(EventKind::Connect, "169.254.169.254", 80, Some(&Reason::Address));
        let gone = Reason::Unreachable("connection refused".into());
        journal.asked(EventKind::Connect, "good.test", 80, Some(&gone));
        let report = journal.report();
        assert_eq!(
            report.denied().iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "connect 169.254.169.254:80 (an address, not a name): use the host's name",
                "look up api.test (not in the list, 2 times): allow with --allow-host api.test",
                "connect good.test:22 (listed with other ports): allow with --allow-host good.test:22",
            ]
        );
        let good = report.lines.iter().find(|it| it.allowed).unwrap();
        assert_eq!((good.times, good.sent, good.received), (1, 10, 20));
    }

    #[test]
    fn names_made_up_without_end_are_counted_only() {
        let journal = Journal::new(Arc::new(|_| {}));
        for number in 0..3000 {
            let name = format!("{number}.evil.test");
            journal.asked(EventKind::Name, &name, 0, Some(&Reason::NotListed));
        }
        let report = journal.report();
        assert_eq!((report.lines.len(), report.more), (MOST_LINES, 3000 - MOST_LINES as u64));
    }
}
