//! Addresses that a name of the outside has no right to: a resolver answers what it was told to.
//!
//! A name that is allowed may lead to the machine itself, to a service that hands out the machine's
//! credentials, or into the private network, by mistake or because somebody set it so. An address inside
//! of another (NAT64, 6to4, Teredo, mapped) is looked at as both.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// What is kept from names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    /// This machine.
    ThisMachine,
    /// Hands out a cloud machine's own credentials.
    Metadata,
    /// The link that this machine is on.
    LinkLocal,
    /// A private network.
    Private,
    /// Nobody's: several hosts, or reserved.
    NoHost,
}

impl Kept {
    /// What it is, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::ThisMachine => "this machine",
            Self::Metadata => "the metadata service",
            Self::LinkLocal => "a link-local address",
            Self::Private => "a private network",
            Self::NoHost => "no single host",
        }
    }
}

/// Services of clouds, besides the link-local one.
const METADATA_V4: [Ipv4Addr; 6] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

/// What an address is that a name may not lead to. None: anybody's.
pub(crate) fn kept(address: IpAddr) -> Option<Kept> {
    match address {
        IpAddr::V4(address) => kept_v4(address),
        IpAddr::V6(address) => kept_v6(address),
    }
}

fn kept_v4(address: Ipv4Addr) -> Option<Kept> {
    let [a, b, c, _] = address.octets();
    Some(match (a, b, c) {
        _ if METADATA_V4.contains(&address) => Kept::Metadata,
        (0 | 127, ..) => Kept::ThisMachine,
        (169, 254, _) => Kept::LinkLocal,
        (10, ..) | (172, 16..=31, _) | (192, 168, _) | (192, 0, 0) => Kept::Private,
        // Carriers' own, and what stands for names inside of a run.
        (100, 64..=127, _) | (198, 18 | 19, _) => Kept::Private,
        (224.., ..) => Kept::NoHost,
        _ => return None,
    })
}

fn kept_v6(address: Ipv6Addr) -> Option<Kept> {
    if METADATA_V6.contains(&address) {
        return Some(Kept::Metadata);
    }
    if address.is_loopback() || address.is_unspecified() {
        return Some(Kept::ThisMachine);
    }
    let first = address.segments()[0];
    let own = match first {
        0xfe80..=0xfebf => Some(Kept::LinkLocal),
        0xfc00..=0xfdff | 0xfec0..=0xfeff => Some(Kept::Private),
        0xff00..=0xffff => Some(Kept::NoHost),
        _ => None,
    };
    own.or_else(|| inside(address).into_iter().find_map(kept_v4))
}

/// The older addresses that a newer one may stand for.
fn inside(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let s = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    let last = v4(s[6], s[7]);
    match s {
        // Compatible, mapped, translated.
        [0, 0, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => {
            vec![last]
        }
        // NAT64, with the well-known prefix and with the local one, whose length is the network's choice.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => vec![last],
        [0x64, 0xff9b, 1, ..] => {
            let split = |high: u16, low: u16| v4(high << 8 | low >> 8, low << 8);
            vec![last, v4(s[3], s[4] << 8 | s[5] >> 8), split(s[4], s[5])]
        }
        // 6to4.
        [0x2002, high, low, ..] => vec![v4(high, low)],
        // Teredo: the server, and the client, inverted.
        [0x2001, 0, high, low, ..] => vec![v4(high, low), v4(!s[6], !s[7])],
        // ISATAP, below any prefix.
        [.., 0 | 0x200, 0x5efe, _, _] => vec![last],
        _ => Vec::new(),
    }
}

/// Whether an address is one of this machine's own: the way to it begins at itself. Nothing is sent.
pub(crate) fn is_own(address: SocketAddr) -> bool {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let from = UdpSocket::bind(any).and_then(|socket| {
        socket.connect(address)?;
        socket.local_addr()
    });
    from.is_ok_and(|from| from.ip() == address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Option<Kept> {
        kept(text.parse().unwrap())
    }

    #[test]
    fn what_no_name_may_lead_to() {
        for (text, what) in [
            ("127.0.0.1", Kept::ThisMachine),
            ("127.255.0.9", Kept::ThisMachine),
            ("0.0.0.0", Kept::ThisMachine),
            ("::1", Kept::ThisMachine),
            ("::", Kept::ThisMachine),
            ("::ffff:127.0.0.1", Kept::ThisMachine),
            ("::127.0.0.1", Kept::ThisMachine),
            ("64:ff9b::7f00:1", Kept::ThisMachine),
            ("64:ff9b:1::7f00:1", Kept::ThisMachine),
            ("2002:7f00:1::", Kept::ThisMachine),
            ("2001:0:7f00:1::", Kept::ThisMachine),
            ("2001:0:808:808:0:0:80ff:fffe", Kept::ThisMachine),
            ("2001:db8::5efe:7f00:1", Kept::ThisMachine),
            ("169.254.169.254", Kept::Metadata),
            ("::ffff:a9fe:a9fe", Kept::Metadata),
            ("64:ff9b::a9fe:a9fe", Kept::Metadata),
            ("fd00:ec2::254", Kept::Metadata),
            ("100.100.100.200", Kept::Metadata),
            ("169.254.1.1", Kept::LinkLocal),
            ("fe80::1", Kept::LinkLocal),
            ("10.1.2.3", Kept::Private),
            ("172.31.0.1", Kept::Private),
            ("192.168.0.1", Kept::Private),
            ("100.64.0.1", Kept::Private),
            ("198.19.0.1", Kept::Private),
            ("fd12::1", Kept::Private),
            ("2002:a00:1::", Kept::Private),
            ("224.0.0.1", Kept::NoHost),
            ("255.255.255.255", Kept::NoHost),
            ("ff02::1", Kept::NoHost),
        ] {
            assert_eq!(of(text), Some(what), "{text}");
        }
        for text in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::101:101"]
        {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn an_address_of_this_machine_is_known() {
        assert!(is_own("127.0.0.1:80".parse().unwrap()));
        assert!(!is_own("192.0.2.1:80".parse().unwrap()));
    }

    proptest! {
        /// Wrapping an address in another hides nothing.
        #[test]
        fn wrapped_is_kept_as_well(bits in any::<u32>()) {
            let [a, b] = [(bits >> 16) as u16, bits as u16];
            let plain = kept_v4(Ipv4Addr::from(bits));
            for wrapped in [
                Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, a, b),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a, b),
                Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, a, b),
                Ipv6Addr::new(0x2002, a, b, 1, 2, 3, 4, 5),
                Ipv6Addr::new(0x2001, 0, 0x808, 0x808, 0, 0, !a, !b),
                Ipv6Addr::new(0x2606, 0, 0, 0, 0, 0x5efe, a, b),
            ] {
                prop_assert!(plain.is_none() || kept(wrapped.into()).is_some(), "{wrapped}");
            }
        }
    }
}
