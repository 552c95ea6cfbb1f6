//! The one form of a host's name, in which it is matched and dialled.
//!
//! A name that two parsers read differently is a way around a list. So a name is brought into one form
//! where it comes in, by the strictest reading there is, and everything after that sees this form only:
//! lower case labels of letters, digits and hyphens, no dot at the end, and nothing that anybody could take
//! for an address.

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

/// A name of a host: canonical, at most 253 bytes, never an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Host(String);

/// Why a text is not the name of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAName {
    /// An address, in whatever notation: dotted, decimal, hexadecimal, octal, with colons.
    Address,
    /// Nothing, or too long as a whole or in a label.
    Length,
    /// Something that no name of a host holds: a space, a NUL, `@`, `/`, `_`, a port.
    Characters,
}

impl fmt::Display for NotAName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "an address, not a name",
            Self::Length => "too short or too long for a name",
            Self::Characters => "holds what no name of a host holds",
        })
    }
}

const LONGEST: usize = 253;
const LONGEST_LABEL: usize = 63;

impl Host {
    /// Reads a name as a client or a person wrote it.
    ///
    /// # Errors
    /// When it is not one, or could be read as something else.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(text);
        if bare.parse::<IpAddr>().is_ok() {
            return Err(NotAName::Address);
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        // Four times the limit: a name in other letters is longer before it is written in these.
        if text.is_empty() || text.len() > 4 * LONGEST {
            return Err(NotAName::Length);
        }
        let foreign = !text.is_ascii() || text.to_ascii_lowercase().contains("xn--");
        let name = if foreign {
            idna::domain_to_ascii_strict(text).map_err(|_| NotAName::Characters)?
        } else {
            text.to_ascii_lowercase()
        };
        if name.len() > LONGEST {
            return Err(NotAName::Length);
        }
        name.split('.').try_for_each(label)?;
        if name.rsplit('.').next().is_some_and(is_number) {
            return Err(NotAName::Address);
        }
        Ok(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn label(label: &str) -> Result<(), NotAName> {
    if label.is_empty() || label.len() > LONGEST_LABEL {
        return Err(NotAName::Length);
    }
    let inside = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    let edge = label.starts_with('-') || label.ends_with('-');
    if edge || !label.bytes().all(inside) { Err(NotAName::Characters) } else { Ok(()) }
}

/// Whether a last label makes the whole an address for some parser: `127.1`, `0x7f000001`, `017700000001`.
fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x");
    label.bytes().all(|it| it.is_ascii_digit())
        || hexadecimal.is_some_and(|it| it.bytes().all(|it| it.is_ascii_hexdigit()))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A host, or every host below one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pattern {
    /// This host alone.
    Exactly(Host),
    /// `*.example.com`: every host below, and not the host itself.
    Below(Host),
    /// A host and every host below it, as the classes of the catalogue have them.
    Domain(Host),
}

impl Pattern {
    /// Reads `host` or `*.host`.
    ///
    /// # Errors
    /// When it is neither, or would stand for everybody's hosts, as `*.com` does.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        match text.strip_prefix("*.") {
            None => Host::parse(text).map(Self::Exactly),
            Some(rest) => match Host::parse(rest)? {
                host if host.as_str().contains('.') => Ok(Self::Below(host)),
                _ => Err(NotAName::Length),
            },
        }
    }

    /// Whether it stands for this host. Labels are compared, not letters: `evilgood.test` is not below
    /// `good.test`.
    pub fn matches(&self, host: &Host) -> bool {
        let below = |parent: &Host| {
            let rest = host.as_str().strip_suffix(parent.as_str());
            rest.is_some_and(|it| it.ends_with('.'))
        };
        match self {
            Self::Exactly(name) => name == host,
            Self::Below(parent) => below(parent),
            Self::Domain(name) => name == host || below(name),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(host) => write!(f, "{host}"),
            Self::Below(host) => write!(f, "*.{host}"),
            Self::Domain(host) => write!(f, "{host} and below"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn host(text: &str) -> Result<String, NotAName> {
        Host::parse(text).map(|it| it.to_string())
    }

    #[test]
    fn one_name_has_one_form() {
        for text in ["api.example.com", "API.Example.COM", "api.example.com."] {
            assert_eq!(host(text).as_deref(), Ok("api.example.com"), "{text}");
        }
        assert_eq!(host("münchen.example").as_deref(), Ok("xn--mnchen-3ya.example"));
        assert_eq!(host("XN--MNCHEN-3YA.example").as_deref(), Ok("xn--mnchen-3ya.example"));
        // A letter that looks like one is not that one.
        assert_ne!(host("аpi.example.com"), host("api.example.com"));
        // Wide and dotted forms of the same letters are.
        assert_eq!(host("ａpi。example.com").as_deref(), Ok("api.example.com"));
    }

    #[test]
    fn an_address_is_no_name_in_any_notation() {
        for text in [
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7F.0.0.1",
            "0X7f000001",
            "017700000001",
            "0177.0.0.1",
            "1.2.3.4.5",
            "::1",
            "[::1]",
            "::ffff:127.0.0.1",
            "fe80::1",
            "example.1",
            "example.0x",
            "１２７.0.0.1",
        ] {
            assert_eq!(host(text), Err(NotAName::Address), "{text}");
        }
    }

    #[test]
    fn what_another_parser_could_read_otherwise_is_no_name() {
        for text in [
            "evil.test\0.good.test",
            "good.test\r\nHost: evil.test",
            "good.test@evil.test",
            "good.test:443",
            "good.test/evil",
            "good.test#.evil.test",
            "good.test?x",
            "good.test\\evil",
            " good.test",
            "good.test ",
            "good\t.test",
            "good%2etest",
            "[good.test]",
            "-good.test",
            "good-.test",
            "go_od.test",
            "*.good.test",
            "fe80::1%eth0",
            "xn--a.test",
            "xn--zz--a.test",
        ] {
            assert_eq!(host(text), Err(NotAName::Characters), "{text:?}");
        }
        for text in ["", ".", "..", "good..test", ".good.test", "good.test.."] {
            assert_eq!(host(text), Err(NotAName::Length), "{text:?}");
        }
        assert_eq!(host(&"a".repeat(64)), Err(NotAName::Length));
        assert_eq!(host(&["a"; 200].join(".")), Err(NotAName::Length));
    }

    #[test]
    fn patterns_go_by_labels() {
        let below = Pattern::parse("*.Good.test").unwrap();
        let yes = ["a.good.test", "a.b.good.test"];
        let no = ["good.test", "evilgood.test", "good.test.evil.test", "agood.test"];
        assert!(yes.iter().all(|it| below.matches(&Host::parse(it).unwrap())));
        assert!(no.iter().all(|it| !below.matches(&Host::parse(it).unwrap())));
        let domain = Pattern::Domain(Host::parse("good.test").unwrap());
        assert!(domain.matches(&Host::parse("good.test").unwrap()));
        assert!(domain.matches(&Host::parse("a.good.test").unwrap()));
        assert!(!domain.matches(&Host::parse("evilgood.test").unwrap()));
        for wide in ["*.com", "*", "*.", "**.good.test", "a.*.test", "*good.test", "*.127.0.0.1"] {
            assert!(Pattern::parse(wide).is_err(), "{wide}");
        }
    }

    proptest! {
        /// Whatever comes in: what comes out is plain, stays what it is, and is no address to anybody.
        #[test]
        fn a_name_is_canonical(text in "\\PC{0,60}|[a-z0-9.:@xX_\\[\\]%\\x00-]{0,40}|(xn--)?[a-zé]{1,9}\\.[a-z]{1,3}") {
            if let Ok(host) = Host::parse(&text) {
                let name = host.as_str();
                prop_assert!(name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || b"-.".contains(&it)));
                prop_assert!(name.parse::<IpAddr>().is_err());
                prop_assert!(name.split('.').all(|it| !it.is_empty() && it.len() <= 63));
                let again = Host::parse(name);
                prop_assert_eq!(again.as_ref(), Ok(&host));
                // No part of what was written is left out.
                if text.is_ascii() {
                    let lower = text.to_ascii_lowercase();
                    prop_assert_eq!(name, lower.trim_end_matches('.'));
                }
            }
        }

        /// Only what ends in the labels of the parent is below it.
        #[test]
        fn a_pattern_matches_labels(name in "[a-z]{1,5}(\\.[a-z]{1,5}){0,4}", parent in "[a-z]{1,5}\\.[a-z]{1,5}") {
            let host = Host::parse(&name).unwrap();
            let labels: Vec<&str> = name.split('.').collect();
            let wanted: Vec<&str> = parent.split('.').collect();
            let below = labels.len() > wanted.len() && labels.ends_with(&wanted);
            let pattern = Pattern::parse(&format!("*.{parent}")).unwrap();
            prop_assert_eq!(pattern.matches(&host), below);
        }
    }
}
