//! Plain HTTP, one request for a connection, written anew from what was understood of it.
//!
//! A connection that is kept could name another host in its next request, and a request that two parsers
//! cut differently holds a second one. So what the server gets is not what the client wrote but what was
//! read: one target, one host, one body of a known length, and the wish to close afterwards.

use httparse::{EMPTY_HEADER, Request, Status};

use crate::event::Reason;
use crate::host::Host;

/// The longest head of a request.
pub(crate) const LONGEST_HEAD: usize = 64 * 1024;
const MOST_HEADERS: usize = 128;

/// Whether a client's first bytes are a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Looks {
    Yes,
    No,
    More,
}

/// Tells a request by its method and the beginning of its target.
pub(crate) fn looks(said: &[u8]) -> Looks {
    const LONGEST_METHOD: usize = 20;
    // Servers overlook empty lines in front.
    let start = said.iter().position(|it| !b"\r\n".contains(it)).unwrap_or(said.len());
    let said = said.get(start..).unwrap_or_default();
    let method = said.iter().position(|it| !it.is_ascii_alphabetic() && *it != b'-');
    let Some(method) = method else {
        return if said.len() > LONGEST_METHOD { Looks::No } else { Looks::More };
    };
    let (name, rest) = said.split_at(method);
    let target = match rest {
        [b' ', target @ ..] if !name.is_empty() && method <= LONGEST_METHOD => target,
        _ => return Looks::No,
    };
    // The preface of a protocol that is not this one, made to look like a request.
    if name == b"PRI" {
        return Looks::No;
    }
    let begins = |it: &[u8]| {
        let short = target.len().min(it.len());
        let same = target.iter().zip(it).all(|(a, b)| a.eq_ignore_ascii_case(b));
        same.then_some(short == it.len())
    };
    match [&b"/"[..], b"*", b"http://", b"https://"].into_iter().find_map(begins) {
        Some(true) => Looks::Yes,
        Some(false) => Looks::More,
        None => Looks::No,
    }
}

/// What a proxy is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// The host as it was written.
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    /// Whether a way for any bytes is asked for, and then how long the request is.
    pub(crate) tunnel: Option<usize>,
}

/// Reads a request to a proxy. None: it is not all there yet.
pub(crate) fn target(said: &[u8]) -> Result<Option<Target<'_>>, Reason> {
    let mut headers = [EMPTY_HEADER; MOST_HEADERS];
    let mut request = Request::new(&mut headers);
    let Status::Complete(used) = request.parse(said).map_err(|_| BROKEN)? else {
        return Ok(None);
    };
    let path = request.path.unwrap_or_default();
    let tunnel = (request.method == Some("CONNECT")).then_some(used);
    let authority = match tunnel {
        Some(_) => path,
        None => absolute(path).ok_or(Reason::Unreadable("not a request to a proxy"))?.0,
    };
    let (host, port) = split(authority)?;
    let port = match (port, tunnel) {
        (Some(port), _) => port,
        (None, None) => 80,
        (None, Some(_)) => return Err(Reason::Unreadable("a tunnel without a port")),
    };
    Ok(Some(Target { host, port, tunnel }))
}

const BROKEN: Reason = Reason::Unreadable("not a request that can be read");

/// A request, written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) head: Vec<u8>,
    /// How much of what was said it was.
    pub(crate) used: usize,
    pub(crate) body: Body,
}

/// What follows a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    Length(u64),
    Chunked,
    /// Another protocol, if the server agrees.
    Upgrade,
}

/// Reads a request to a host and writes it anew. None: its head is not all there yet.
pub(crate) fn rewrite(said: &[u8], host: &Host, port: u16) -> Result<Option<Written>, Reason> {
    let mut headers = [EMPTY_HEADER; MOST_HEADERS];
    let mut request = Request::new(&mut headers);
    let Status::Complete(used) = request.parse(said).map_err(|_| BROKEN)? else {
        return Ok(None);
    };
    let (Some(method), Some(path), Some(minor)) = (request.method, request.path, request.version)
    else {
        return Err(BROKEN);
    };
    let (named, path) = match absolute(path) {
        Some((authority, path)) => (Some(authority), path),
        None if path.starts_with('/') || path == "*" => (None, path.to_owned()),
        None => return Err(BROKEN),
    };
    let fields = Fields::read(request.headers)?;
    for authority in named.into_iter().chain(fields.host) {
        same(authority, host, port)?;
    }
    let mut head = format!("{method} {path} HTTP/1.{minor}\r\nHost: ").into_bytes();
    let shown = match port {
        80 => host.to_string(),
        port => format!("{host}:{port}"),
    };
    head.extend_from_slice(shown.as_bytes());
    head.extend_from_slice(b"\r\n");
    for header in request.headers.iter() {
        let dropped = [
            "host",
            "connection",
            "keep-alive",
            "proxy-connection",
            "proxy-authorization",
            "upgrade",
        ];
        if dropped.iter().any(|it| header.name.eq_ignore_ascii_case(it)) {
            continue;
        }
        for part in [header.name.as_bytes(), b": ", header.value, b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    head.extend_from_slice(match fields.body {
        Body::Upgrade => b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        Body::Length(_) | Body::Chunked => b"Connection: close\r\n\r\n",
    });
    Ok(Some(Written { head, used, body: fields.body }))
}

/// The fields that say where a request goes and where it ends.
struct Fields<'a> {
    host: Option<&'a str>,
    body: Body,
}

impl<'a> Fields<'a> {
    fn read(headers: &[httparse::Header<'a>]) -> Result<Self, Reason> {
        const TWO_WAYS: Reason = Reason::Unreadable("a request that can be read in two ways");
        let all = |name: &'static str| {
            headers
                .iter()
                .filter(move |it| it.name.eq_ignore_ascii_case(name))
                .map(|it| str::from_utf8(it.value).map_err(|_| BROKEN))
        };
        let one = |name| {
            let mut values = all(name);
            let value = values.next().transpose()?;
            if values.next().is_some() { Err(TWO_WAYS) } else { Ok(value) }
        };
        let length = match one("content-length")? {
            Some(it) if !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()) => {
                Some(it.parse::<u64>().map_err(|_| TWO_WAYS)?)
            }
            Some(_) => return Err(TWO_WAYS),
            None => None,
        };
        let coding = one("transfer-encoding")?;
        let upgrade = one("upgrade")?.is_some_and(|it| it.eq_ignore_ascii_case("websocket"));
        let body = match (coding, length) {
            (None, Some(length)) => Body::Length(length),
            (None, None) if upgrade => Body::Upgrade,
            (None, None) => Body::Length(0),
            (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => Body::Chunked,
            (Some(_), _) => return Err(TWO_WAYS),
        };
        Ok(Self { host: one("host")?, body })
    }
}

/// A request names the host it is sent to.
fn same(authority: &str, host: &Host, port: u16) -> Result<(), Reason> {
    let (name, named_port) = split(authority)?;
    let other = || Reason::OtherName(authority.chars().take(255).collect());
    let name = Host::parse(name).map_err(|_| other())?;
    if name == *host && named_port.is_none_or(|it| it == port) { Ok(()) } else { Err(other()) }
}

/// Cuts `http://host:port/path`. None: it is not of this form.
fn absolute(target: &str) -> Option<(&str, String)> {
    let (scheme, rest) = target.split_at_checked("http://".len())?;
    if !scheme.eq_ignore_ascii_case("http://") || rest.contains(['#', '\\']) {
        return None;
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let slash = if path.starts_with('/') { "" } else { "/" };
    Some((authority, format!("{slash}{path}")))
}

/// Cuts `host:port`.
fn split(authority: &str) -> Result<(&str, Option<u16>), Reason> {
    let colon = match authority.rfind(']') {
        Some(end) => authority.get(end..).and_then(|it| it.find(':')).map(|it| it + end),
        None => authority.rfind(':'),
    };
    let Some((host, port)) = colon.and_then(|it| authority.split_at_checked(it)) else {
        return Ok((authority, None));
    };
    let port = port.trim_start_matches(':').parse().ok().filter(|it| *it != 0);
    port.map(|port| (host, Some(port))).ok_or(BROKEN)
}

/// Where a body in chunks is, as it goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Chunks {
    at: At,
    size: u64,
    digits: u8,
    /// Whether the line is empty so far, in the lines after the last chunk.
    empty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum At {
    #[default]
    Size,
    Extension,
    SizeEnd,
    Data,
    DataReturn,
    DataEnd,
    Trailer,
    TrailerEnd,
    Done,
}

impl Chunks {
    /// Follows some bytes. How many of them belong to the body, and whether it ends with them.
    pub(crate) fn follow(&mut self, bytes: &[u8]) -> Result<(usize, bool), Reason> {
        let mut used = 0;
        while let Some(byte) = bytes.get(used) {
            if self.at == At::Data {
                let there = u64::try_from(bytes.len() - used).unwrap_or(u64::MAX).min(self.size);
                self.size -= there;
                used += usize::try_from(there).unwrap_or(usize::MAX);
                if self.size == 0 {
                    self.at = At::DataReturn;
                }
                continue;
            }
            self.at = self.step(*byte).ok_or(Reason::Unreadable("a body that cannot be cut"))?;
            used += 1;
            if self.at == At::Done {
                return Ok((used, true));
            }
        }
        Ok((used, false))
    }

    fn step(&mut self, byte: u8) -> Option<At> {
        Some(match (self.at, byte) {
            (At::Size, b';' | b' ' | b'\t') if self.digits > 0 => At::Extension,
            (At::Size, b'\r') if self.digits > 0 => At::SizeEnd,
            (At::Size, digit) => {
                let digit = char::from(digit).to_digit(16)?;
                self.digits += 1;
                self.size = self.size << 4 | u64::from(digit);
                (self.digits <= 15).then_some(At::Size)?
            }
            (At::Extension, b'\r') => At::SizeEnd,
            (At::Extension, b'\n') => return None,
            (At::Extension, _) => At::Extension,
            (At::SizeEnd, b'\n') if self.size == 0 => {
                self.empty = true;
                At::Trailer
            }
            (At::SizeEnd, b'\n') => At::Data,
            (At::DataReturn, b'\r') => At::DataEnd,
            (At::DataEnd, b'\n') => {
                *self = Self::default();
                At::Size
            }
            (At::Trailer, b'\r') => At::TrailerEnd,
            (At::Trailer, b'\n') => return None,
            (At::Trailer, _) => {
                self.empty = false;
                At::Trailer
            }
            (At::TrailerEnd, b'\n') if self.empty => At::Done,
            (At::TrailerEnd, b'\n') => {
                self.empty = true;
                At::Trailer
            }
            (
                At::SizeEnd | At::Data | At::DataReturn | At::DataEnd | At::TrailerEnd | At::Done,
                _,
            ) => {
                return None;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(text: &str) -> Result<Option<Written>, Reason> {
        rewrite(text.as_bytes(), &Host::parse("good.test").unwrap(), 80)
    }

    fn head(text: &str) -> String {
        String::from_utf8(written(text).unwrap().unwrap().head).unwrap()
    }

    #[test]
    fn a_request_is_written_anew() {
        assert_eq!(
            head(
                "GET /a?b HTTP/1.1\r\nHost: GOOD.test:80\r\nConnection: keep-alive\r\nAccept: */*\r\n\r\n"
            ),
            "GET /a?b HTTP/1.1\r\nHost: good.test\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(
            head("GET http://good.test?b HTTP/1.0\r\nProxy-Connection: x\r\n\r\n"),
            "GET /?b HTTP/1.0\r\nHost: good.test\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(
            head(
                "GET / HTTP/1.1\r\nHost: good.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
            ),
            "GET / HTTP/1.1\r\nHost: good.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        );
        assert_eq!(written("GET / HTTP/1.1\r\nHost: go"), Ok(None));
    }

    #[test]
    fn a_request_names_its_host_or_ends() {
        for text in [
            "GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: good.test:8080\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: good.test.evil.test\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x@good.test\r\n\r\n",
            "GET http://evil.test/ HTTP/1.1\r\nHost: good.test\r\n\r\n",
            "GET http://good.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n",
            "GET http://good.test@evil.test/ HTTP/1.1\r\nHost: good.test\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        ] {
            assert!(matches!(written(text), Err(Reason::OtherName(_))), "{text}");
        }
    }

    #[test]
    fn what_can_be_cut_in_two_ways_ends() {
        for text in [
            "POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: +5\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: 5, 5\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: good.test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: good.test\r\nHost: good.test\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: good.test\r\nTransfer-Encoding\r\n: chunked\r\n\r\n",
            "CONNECT evil.test:443 HTTP/1.1\r\nHost: good.test\r\n\r\n",
            "GET /\0 HTTP/1.1\r\nHost: good.test\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ] {
            assert!(written(text).is_err(), "{text}");
        }
    }

    #[test]
    fn requests_are_told_from_other_talk() {
        for text in ["GET /", "\r\n\r\nget /", "OPTIONS *", "POST http://", "VERSION-CONTROL /x"] {
            assert_eq!(looks(text.as_bytes()), Looks::Yes, "{text}");
        }
        for text in ["", "G", "GET", "GET ", "GET htt", "\r\n"] {
            assert_eq!(looks(text.as_bytes()), Looks::More, "{text}");
        }
        for text in [
            "SSH-2.0-x",
            "PRI * HTTP/2.0",
            "EHLO here",
            "*1\r\n",
            "0032git-upload-pack",
            "\x05\x01",
        ] {
            assert_eq!(looks(text.as_bytes()), Looks::No, "{text}");
        }
    }

    #[test]
    fn a_proxy_is_asked_for_a_place() {
        let read = |text: &'static str| target(text.as_bytes());
        let place = |host, port, tunnel| Ok(Some(Target { host, port, tunnel }));
        assert_eq!(
            read("CONNECT good.test:443 HTTP/1.1\r\n\r\n"),
            place("good.test", 443, Some(34))
        );
        assert_eq!(read("CONNECT [::1]:443 HTTP/1.1\r\n\r\n"), place("[::1]", 443, Some(30)));
        assert_eq!(read("GET http://good.test/x HTTP/1.1\r\n\r\n"), place("good.test", 80, None));
        assert_eq!(read("GET http://a@b:8080/x HTTP/1.1\r\n\r\n"), place("a@b", 8080, None));
        assert_eq!(read("GET http://goo"), Ok(None));
        for text in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET https://good.test/ HTTP/1.1\r\n\r\n",
            "CONNECT good.test HTTP/1.1\r\n\r\n",
            "CONNECT good.test:0 HTTP/1.1\r\n\r\n",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_body_in_chunks_ends_where_it_ends() {
        let follow = |text: &str| Chunks::default().follow(text.as_bytes());
        let body = "5\r\nhello\r\n1A;x=y\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n";
        assert_eq!(follow(&format!("{body}GET / HTTP/1.1")), Ok((body.len(), true)));
        assert_eq!(follow("0\r\nA: b\r\n\r\nrest"), Ok((11, true)));
        for text in [
            "x\r\n",
            "\r\n",
            "5\nhello",
            "5\r\nhelloX",
            "fffffffffffffffff\r\n",
            "0\r\n\n",
            "-1\r\n",
        ] {
            assert!(follow(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        /// However a body comes in pieces, it ends at the same place.
        #[test]
        fn chunks_in_any_pieces(parts in proptest::collection::vec("[a-z]{1,20}", 0..5), cut in 1_usize..7) {
            let chunks = parts.iter().map(|it| format!("{:x}\r\n{it}\r\n", it.len()));
            let body = chunks.chain(["0\r\n\r\n".to_owned()]).collect::<String>();
            let text = format!("{body}more");
            let mut state = Chunks::default();
            let mut whole = 0;
            for piece in text.as_bytes().chunks(cut) {
                let (used, done) = state.follow(piece).unwrap();
                whole += used;
                if done {
                    break;
                }
            }
            prop_assert_eq!(whole, body.len());
        }

        /// Any bytes: no panic, and a head that was written names the host and nobody else.
        #[test]
        fn any_request(bytes in "(GET|POST) (/|http://)[ -~\\r\\n]{0,60}\\r\\n([A-Za-z-]{1,9}: [ -~]{0,20}\\r\\n){0,4}\\r\\n") {
            let _ = target(bytes.as_bytes());
            if let Ok(Some(written)) = written(&bytes) {
                let head = String::from_utf8(written.head).unwrap();
                let hosts = head.lines().filter(|it| it.to_lowercase().starts_with("host:"));
                prop_assert_eq!(hosts.collect::<Vec<_>>(), ["Host: good.test"]);
                prop_assert!(head.ends_with("\r\n\r\n") && head.matches("\r\n\r\n").count() == 1);
            }
        }
    }
}
