//! Hosts: what they are, told from their names and numbers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ringfence_action::{Attr, AttrValue, Effect, EffectKind, Target};

use crate::tools;
use crate::value::Value;

include!(concat!(env!("OUT_DIR"), "/host_data.rs"));

/// A URL in parts, as far as it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url<'u> {
    pub(crate) scheme: &'u str,
    /// Canonical: lower case, numbers as dotted addresses, no brackets.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    /// What follows the host, from its slash on.
    pub(crate) rest: &'u str,
}

/// Cuts `scheme://user@host:port/path`; a text without `://` has an empty scheme.
pub(crate) fn parse(url: &str) -> Option<Url<'_>> {
    let url = url.trim();
    let (scheme, after) = url.split_once("://").unwrap_or(("", url));
    let end = after.find(['/', '?', '#', '\\']).unwrap_or(after.len());
    let (authority, rest) = after.split_at_checked(end)?;
    let (_, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (name, port) = match place.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((address, port)) => (address, port.strip_prefix(':')),
        None => match place.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') => (name, Some(port)),
            _ => (place, None),
        },
    };
    let host = canonical(name);
    (!host.is_empty()).then(|| Url { scheme, host, port: port.and_then(|p| p.parse().ok()), rest })
}

/// A connection to a URL or host: the target is the canonical host, the rest are attributes.
pub(crate) fn connection(url: &Value) -> Effect {
    let mut effect = match url {
        Value::Known(text) => match parse(text) {
            Some(parts) => {
                let mut effect = Effect::new(EffectKind::Net, Target::known(parts.host));
                if !parts.scheme.is_empty() {
                    effect.attributes.set(Attr::Url, text.trim());
                }
                if let Some(port) = parts.port {
                    effect.attributes.set(Attr::Port, i64::from(port));
                }
                effect
            }
            None => Effect::new(EffectKind::Net, Target::Unknown),
        },
        Value::Pattern(pattern) => {
            // `https://host/**`: the host is known although the path is not.
            let known = pattern.split_once("://").and_then(|(scheme, rest)| {
                let (authority, _) = rest.split_once('/')?;
                (!authority.contains(['*', '?', '[', '\\']))
                    .then(|| format!("{scheme}://{authority}"))
            });
            let place = known.as_deref().and_then(parse);
            let port = place.as_ref().and_then(|place| place.port);
            let target = place.map_or(Target::Unknown, |place| Target::known(place.host));
            let mut effect = Effect::new(EffectKind::Net, target).with(Attr::Url, pattern.as_str());
            if let Some(port) = port {
                effect.attributes.set(Attr::Port, i64::from(port));
            }
            effect
        }
        Value::OneOf(all) => {
            let hosts = all.iter().filter_map(|url| parse(url)).map(|url| url.host).collect();
            Effect::new(EffectKind::Net, Target::one_of(hosts))
        }
        Value::Unknown => Effect::new(EffectKind::Net, Target::Unknown),
    };
    classify(&mut effect);
    effect
}

/// Adds what is known of the host to an effect that has one as its target.
pub(crate) fn classify(effect: &mut Effect) {
    let hosts: Vec<String> = match &effect.target {
        Target::Known(host) => vec![host.clone()],
        Target::OneOf(hosts) => hosts.clone(),
        Target::Pattern(_) | Target::Unknown => return,
    };
    for host in hosts {
        for class in classes(&host) {
            effect.attributes.insert(Attr::Classes, class);
        }
    }
}

/// Adds what a request does to whoever gets it: its method tells, or the words of its path.
pub(crate) fn consequence(effect: &mut Effect) {
    let port = match effect.attributes.get(Attr::Port) {
        Some(AttrValue::Count(port)) => u16::try_from(*port).ok(),
        _ => None,
    };
    for (_, class) in PORTS.iter().filter(|(known, _)| Some(*known) == port) {
        effect.attributes.insert(Attr::Classes, *class);
    }
    let destroys = match effect.text(Attr::Method) {
        Some("DELETE") => true,
        Some("POST" | "PUT" | "PATCH") => {
            path_words(effect.text(Attr::Url).unwrap_or_default()).any(tools::takes_away)
        }
        _ => false,
    };
    if destroys {
        effect.attributes.set(Attr::Destroy, true);
    }
}

/// The components of a URL's path.
fn path_words(url: &str) -> impl Iterator<Item = &str> {
    let place = url.split_once("://").map_or(url, |(_, place)| place);
    let place = place.split(['?', '#']).next().unwrap_or_default();
    place.split('/').skip(1).filter(|part| !part.is_empty())
}

/// The names of a class of the catalogue, each with whether every host below it belongs to it as well.
/// None: there is no such class.
pub fn of_class(class: &str) -> Option<Vec<(&'static str, bool)>> {
    let rows = HOSTS.iter().filter(|(_, _, known)| *known == class);
    let names: Vec<_> = rows.map(|(name, whole_domain, _)| (*name, *whole_domain)).collect();
    (!names.is_empty()).then_some(names)
}

/// The hosts that packages of an ecosystem come from if nothing else is said. Empty: not known.
pub fn of_registry(ecosystem: &str) -> &'static [&'static str] {
    let row = REGISTRIES.iter().find(|(known, _)| *known == ecosystem);
    row.map_or(&[], |(_, hosts)| hosts)
}

/// Every class of a host.
pub fn classes(host: &str) -> Vec<&'static str> {
    let host = canonical(host);
    let mut found: Vec<&'static str> = Vec::new();
    let mut below = Some(host.as_str());
    while let Some(name) = below {
        let from = HOSTS.partition_point(|(known, _, _)| *known < name);
        for (_, whole_domain, class) in HOSTS.iter().skip(from).take_while(|row| row.0 == name) {
            if (*whole_domain || name == host) && !found.contains(class) {
                found.push(class);
            }
        }
        below = name.split_once('.').map(|(_, rest)| rest);
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        let numbers = match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        };
        found.extend(
            numbers
                .into_iter()
                .chain(["ip-address"])
                .filter(|class| *class != "metadata-service" || !found.contains(class))
                .collect::<Vec<_>>(),
        );
    }
    found
}

fn of_v4(address: Ipv4Addr) -> Option<&'static str> {
    if address.is_loopback() || address.is_unspecified() {
        Some("localhost")
    } else if address.is_link_local() {
        Some("link-local")
    } else if address.is_private() || matches!(address.octets(), [100, 64..=127, ..]) {
        Some("private-network")
    } else {
        None
    }
}

fn of_v6(address: Ipv6Addr) -> Option<&'static str> {
    match address.segments() {
        _ if address.is_loopback() || address.is_unspecified() => Some("localhost"),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xfc00..=0xfdff, ..] => Some("private-network"),
        _ => address.to_ipv4_mapped().and_then(of_v4),
    }
}

/// Lower case, no final dot, no brackets; every way to write an IPv4 address becomes the dotted one.
pub(crate) fn canonical(host: &str) -> String {
    let host = host.trim().trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    let host = host.to_lowercase();
    match number_address(&host) {
        Some(address) => address.to_string(),
        None => match host.parse::<Ipv6Addr>() {
            Ok(address) => address
                .to_ipv4_mapped()
                .map_or_else(|| address.to_string(), |mapped| mapped.to_string()),
            Err(_) => host,
        },
    }
}

/// `127.1`, `0x7f000001`, `2130706433`, `0177.0.0.1`: what the C library takes for an address.
fn number_address(host: &str) -> Option<Ipv4Addr> {
    let number = |part: &str| -> Option<u32> {
        if let Some(digits) = part.strip_prefix("0x") {
            return u32::from_str_radix(digits, 16).ok();
        }
        match part.strip_prefix('0') {
            Some(digits) if !digits.is_empty() => u32::from_str_radix(digits, 8).ok(),
            _ => part.parse().ok(),
        }
    };
    let parts: Vec<u32> = host.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || first.iter().any(|part| *part > 255) {
        return None;
    }
    let room = 32 - 8 * u32::try_from(first.len()).ok()?;
    if room < 32 && *last >= 1 << room {
        return None;
    }
    let high = first.iter().zip([24, 16, 8]).fold(0u32, |sum, (part, shift)| sum | part << shift);
    Some(Ipv4Addr::from(high | last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_an_address() {
        for host in [
            "169.254.169.254",
            "2852039166",
            "0xA9FEA9FE",
            "0251.0376.0251.0376",
            "::ffff:169.254.169.254",
        ] {
            assert!(classes(host).contains(&"metadata-service"), "{host}: {:?}", classes(host));
        }
        for host in ["localhost", "127.0.0.1", "127.1", "[::1]", "0.0.0.0", "app.localhost"] {
            assert!(classes(host).contains(&"localhost"), "{host}: {:?}", classes(host));
        }
        assert_eq!(classes("10.1.2.3"), ["private-network", "ip-address"]);
        assert_eq!(classes("8.8.8.8"), ["ip-address"]);
    }

    #[test]
    fn a_domain_counts_for_what_is_below_it() {
        assert!(classes("abc.ngrok.io").contains(&"tunnel"));
        assert!(classes("raw.githubusercontent.com").contains(&"source-forge"));
        assert!(classes("notgithub.com").is_empty());
        assert!(classes("metadata.example.com").is_empty());
    }

    #[test]
    fn urls_in_parts() {
        let url = parse("https://user:pw@Example.COM:8443/a?b#c").unwrap();
        assert_eq!((url.host.as_str(), url.port, url.rest), ("example.com", Some(8443), "/a?b#c"));
        assert_eq!(parse("http://evil.example\\@good.example/").unwrap().host, "evil.example");
        assert_eq!(parse("[::1]:80").unwrap().host, "::1");
        assert_eq!(parse("https:///x"), None);
    }
}
