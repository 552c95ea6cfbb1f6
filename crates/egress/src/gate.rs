//! What a client says after it is connected to a host: it has to go on meaning that host.
//!
//! A state machine without input or output of its own: bytes of the client go in, bytes for the server
//! come out, or the reason why there will be none. Until the first message is understood nothing goes
//! through.

use crate::event::Reason;
use crate::host::Host;
use crate::http::{self, Body, Chunks, Looks};
use crate::tls::{self, Hello};

/// Watches over what a client says.
#[derive(Debug)]
pub(crate) struct Gate {
    state: State,
    /// What was said and is not understood yet.
    held: Vec<u8>,
}

#[derive(Debug)]
enum State {
    /// Nothing was said yet, or not enough.
    First {
        host: Host,
        port: u16,
        within: bool,
    },
    /// So much of a body is still to come.
    Length(u64),
    Chunked(Chunks),
    /// The server has not said yet whether it speaks what the client asked for.
    Asked,
    /// Anything goes through.
    Open,
    /// Nothing more goes through, and nobody minds.
    Over,
}

/// More than anybody needs to say whom he means.
const LONGEST: usize = http::LONGEST_HEAD;

impl Gate {
    /// For a connection to a host.
    pub(crate) fn to(host: Host, port: u16) -> Self {
        Self { state: State::First { host, port, within: false }, held: Vec::new() }
    }

    /// For a connection to a host within TLS that was opened here.
    pub(crate) fn within(host: Host, port: u16) -> Self {
        Self { state: State::First { host, port, within: true }, held: Vec::new() }
    }

    /// For a connection in which nothing has to be said.
    pub(crate) fn open() -> Self {
        Self { state: State::Open, held: Vec::new() }
    }

    /// Whether what the client says goes through as it is, from now on.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Whether the client has said all that it may.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Takes what the client says; what is to be said to the server is added to `out`.
    pub(crate) fn take(&mut self, said: &[u8], out: &mut Vec<u8>) -> Result<(), Reason> {
        match &mut self.state {
            State::First { .. } => {
                self.held.extend_from_slice(said);
                self.first(out)
            }
            State::Length(left) => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(said.len());
                out.extend_from_slice(said.get(..length).unwrap_or_default());
                *left -= u64::try_from(length).unwrap_or(u64::MAX).min(*left);
                if *left == 0 {
                    self.state = State::Over;
                }
                Ok(())
            }
            State::Chunked(chunks) => {
                let (used, done) = chunks.follow(said)?;
                out.extend_from_slice(said.get(..used).unwrap_or_default());
                if done {
                    self.state = State::Over;
                }
                Ok(())
            }
            State::Asked => {
                self.held.extend_from_slice(said);
                if self.held.len() > LONGEST { Err(TOO_LONG) } else { Ok(()) }
            }
            State::Open => {
                out.extend_from_slice(said);
                Ok(())
            }
            State::Over => Ok(()),
        }
    }

    /// Takes the first that the server says. What waited for it is added to `out`.
    pub(crate) fn heard(&mut self, said: &[u8], out: &mut Vec<u8>) {
        if matches!(self.state, State::Asked) {
            let agreed = said.starts_with(b"HTTP/1.1 101");
            self.state = if agreed { State::Open } else { State::Over };
            let held = std::mem::take(&mut self.held);
            if agreed {
                out.extend_from_slice(&held);
            }
        }
    }

    fn first(&mut self, out: &mut Vec<u8>) -> Result<(), Reason> {
        let State::First { host, port, within } = &self.state else { return Ok(()) };
        let (port, within) = (*port, *within);
        match tls::hello(&self.held) {
            Hello::Foreign if within => {}
            _ if within => return Err(NOT_HTTP),
            Hello::More => return self.wait(),
            Hello::Names(name) if Host::parse(&name).as_ref() == Ok(host) => {
                return self.let_go(out);
            }
            Hello::Names(name) => return Err(Reason::OtherName(name)),
            Hello::Hides => return Err(Reason::HiddenName),
            Hello::Broken => return Err(Reason::Unreadable("not a greeting that can be read")),
            Hello::Foreign if port == 443 => return Err(Reason::Unreadable("port 443 speaks TLS")),
            Hello::Foreign => {}
        }
        match http::looks(&self.held) {
            Looks::More => self.wait(),
            Looks::No if within => Err(NOT_HTTP),
            Looks::No if port == 80 => Err(Reason::Unreadable("port 80 speaks HTTP")),
            Looks::No => self.let_go(out),
            Looks::Yes => match http::rewrite(&self.held, host, port)? {
                None => self.wait(),
                Some(written) => {
                    out.extend_from_slice(&written.head);
                    self.state = match written.body {
                        Body::Length(0) => State::Over,
                        Body::Length(length) => State::Length(length),
                        Body::Chunked => State::Chunked(Chunks::default()),
                        Body::Upgrade => State::Asked,
                    };
                    let held = std::mem::take(&mut self.held);
                    self.take(held.get(written.used..).unwrap_or_default(), out)
                }
            },
        }
    }

    fn wait(&self) -> Result<(), Reason> {
        if self.held.len() > LONGEST { Err(TOO_LONG) } else { Ok(()) }
    }

    fn let_go(&mut self, out: &mut Vec<u8>) -> Result<(), Reason> {
        self.state = State::Open;
        out.append(&mut std::mem::take(&mut self.held));
        Ok(())
    }

    /// What the client is told when it ends here, in the language that it began to speak.
    pub(crate) fn told(&self, reason: &Reason) -> Vec<u8> {
        told(&self.held, reason)
    }
}

const NOT_HTTP: Reason = Reason::Unreadable("a host that a secret belongs to is spoken to in HTTP");
const TOO_LONG: Reason = Reason::Unreadable("it takes too long to say whom it means");

/// What a client that has said `said` is told when it is not let through.
pub(crate) fn told(said: &[u8], reason: &Reason) -> Vec<u8> {
    match (tls::hello(said), http::looks(said)) {
        (hello, _) if hello != Hello::Foreign && !said.is_empty() => alert(),
        (_, Looks::Yes) => refusal(reason),
        _ => Vec::new(),
    }
}

/// A refusal in TLS: the fatal alert that says that access is denied.
pub(crate) fn alert() -> Vec<u8> {
    vec![21, 3, 3, 0, 2, 2, 49]
}

/// A refusal as an HTTP response.
pub(crate) fn refusal(reason: &Reason) -> Vec<u8> {
    let status = if reason.is_denial() { "403 Forbidden" } else { "502 Bad Gateway" };
    let blocked = if reason.is_denial() { "blocked" } else { "not reached" };
    let body = format!("ringfence: {blocked}: {reason}\n");
    let length = body.len();
    let head = "Content-Type: text/plain; charset=utf-8\r\nConnection: close";
    format!("HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::tests::hello_to;

    fn gate(port: u16) -> Gate {
        Gate::to(Host::parse("good.test").unwrap(), port)
    }

    /// What a server gets of `said`, in pieces of `size`.
    fn through(port: u16, said: &[u8], size: usize) -> Result<Vec<u8>, Reason> {
        let (mut gate, mut out) = (gate(port), Vec::new());
        said.chunks(size).try_for_each(|piece| gate.take(piece, &mut out))?;
        Ok(out)
    }

    #[test]
    fn a_greeting_names_the_host() {
        let hello = [hello_to("good.test"), b"more".to_vec()].concat();
        for size in [1, 7, 999] {
            assert_eq!(through(443, &hello, size), Ok(hello.clone()));
            assert_eq!(through(8443, &hello, size), Ok(hello.clone()));
        }
        let other = Err(Reason::OtherName("evil.test".into()));
        assert_eq!(through(443, &hello_to("evil.test"), 5), other);
        assert_eq!(through(22, &hello_to("evil.test"), 5), other);
        assert!(through(443, &hello_to("good.test\0evil.test"), 99).is_err());
        assert!(through(443, b"SSH-2.0-x\r\n", 99).is_err());
    }

    #[test]
    fn nothing_goes_through_before_it_is_understood() {
        let hello = hello_to("good.test");
        let cut = hello.len() - 1;
        assert_eq!(through(443, &hello[..cut], 9), Ok(Vec::new()));
        assert_eq!(through(80, b"GET / HTTP/1.1\r\nHost: good.test\r\n", 9), Ok(Vec::new()));
        let endless = vec![b'x'; 100_000];
        let request = [b"GET / HTTP/1.1\r\nA: ".to_vec(), endless].concat();
        assert_eq!(through(80, &request, 999), Err(TOO_LONG));
    }

    #[test]
    fn one_request_goes_through_and_no_second() {
        let body = "POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: 2\r\n\r\nok";
        let second = "GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n";
        for size in [1, 3, 999] {
            let out = through(80, format!("{body}{second}").as_bytes(), size).unwrap();
            let out = String::from_utf8(out).unwrap();
            assert!(out.ends_with("close\r\n\r\nok"), "{out}");
        }
        let chunked = "POST / HTTP/1.1\r\nHost: good.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
        let out = through(
            8080,
            format!("{chunked}{second}").replace("test\r\nT", "test:8080\r\nT").as_bytes(),
            5,
        );
        let out = String::from_utf8(out.unwrap()).unwrap();
        assert!(out.ends_with("close\r\n\r\n2\r\nok\r\n0\r\n\r\n"), "{out}");
    }

    #[test]
    fn another_protocol_waits_for_the_server() {
        let ask = b"GET / HTTP/1.1\r\nHost: good.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nframes";
        for (answer, more) in [("HTTP/1.1 101 Switching", "frames"), ("HTTP/1.1 200 OK", "")] {
            let (mut gate, mut out) = (gate(80), Vec::new());
            gate.take(ask, &mut out).unwrap();
            assert!(out.ends_with(b"Upgrade\r\n\r\n"));
            out.clear();
            gate.heard(answer.as_bytes(), &mut out);
            assert_eq!(out, more.as_bytes());
            assert_eq!(gate.is_open(), !more.is_empty());
        }
    }

    #[test]
    fn other_talk_goes_through_at_other_ports() {
        assert_eq!(through(22, b"SSH-2.0-x\r\n", 2), Ok(b"SSH-2.0-x\r\n".to_vec()));
        assert_eq!(through(9418, b"0032git-upload-pack", 2), Ok(b"0032git-upload-pack".to_vec()));
        assert!(through(80, b"SSH-2.0-x\r\n", 99).is_err());
    }

    #[test]
    fn who_is_turned_away_is_told_in_its_language() {
        let reason = Reason::NotListed;
        assert_eq!(told(&hello_to("evil.test"), &reason), [21, 3, 3, 0, 2, 2, 49]);
        let text = String::from_utf8(told(b"GET / HTTP/1.1\r\n", &reason)).unwrap();
        assert!(text.starts_with("HTTP/1.1 403") && text.ends_with("not in the list\n"), "{text}");
        assert!(told(b"SSH-2.0", &reason).is_empty());
        assert!(told(b"", &reason).is_empty());
    }
}
