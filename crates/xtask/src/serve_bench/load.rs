//! Those who ask and those who watch. They share the machine with what is measured, so that they do as little as
//! they can: what is asked is written out before, and of an answer only its end and its status are read.

#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark speaks through sockets and takes the time"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ringfence_action::Action;
use ringfence_testkit::traffic;

use super::Daemon;
use crate::Failure;

/// Recorded traffic, where there is some: as JSON, but for the session and what was said, which come in front of it.
pub(crate) fn bodies() -> Result<Vec<Body>, Failure> {
    let body = |action: &Action| {
        let said = action.user_messages.iter().map(serde_json::to_string);
        let (session, user_messages) = (None, Vec::new());
        let text = serde_json::to_string(&Action { session, user_messages, ..action.clone() })?;
        let rest = text.strip_prefix('{').unwrap_or_default().to_owned();
        Ok(Body { said: said.collect::<Result<_, _>>()?, rest })
    };
    traffic::actions().iter().take(5_000).map(body).collect()
}

/// What is asked, written out.
pub(crate) struct Body {
    /// What its user has said, each as JSON.
    said: Vec<String>,
    /// All else, without the brace in front.
    rest: String,
}

impl Body {
    /// As an action of this session; its messages are said nowhere else, where they are its `own`.
    fn of(&self, session: &str, own: bool) -> String {
        let mut text = format!("{{\"session\":\"{session}\",\"user_messages\":[");
        for (place, message) in self.said.iter().enumerate() {
            let message = message.strip_suffix('"').unwrap_or(message);
            text.push_str(if place > 0 { "," } else { "" });
            text.push_str(message);
            if own {
                text.push_str(" #");
                text.push_str(session);
            }
            text.push('"');
        }
        text.push_str("],");
        text.push_str(&self.rest);
        text
    }
}

/// How one connection asks.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) socket: &'a Path,
    /// Tells its sessions from those of others.
    pub(crate) number: usize,
    pub(crate) bodies: &'a [Body],
    /// Whether no two sessions are told the same.
    pub(crate) own_words: bool,
    /// So long it waits from one to the next; at once where there is nothing.
    pub(crate) every: Duration,
}

/// So many actions are of one session.
const OF_A_SESSION: usize = 100;

/// Asks until it is enough; returns how many milliseconds each answer took.
pub(crate) fn ask_while(
    asking: Asking<'_>,
    goes_on: &dyn Fn() -> bool,
) -> Result<Vec<f64>, String> {
    let text = |error: std::io::Error| error.to_string();
    let Asking { socket, number, bodies, own_words, every } = asking;
    let mut socket = UnixStream::connect(socket).map_err(text)?;
    let mut answers = Answers::default();
    let mut times = Vec::new();
    let (mut request, mut due) = (Vec::new(), Instant::now());
    for (index, body) in bodies.iter().cycle().skip(number * 97).enumerate() {
        if !goes_on() {
            break;
        }
        let body = body.of(&format!("b{number}-{}", index / OF_A_SESSION), own_words);
        request.clear();
        let head = format!(
            "POST /api/v1/decide HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        for part in [head.as_str(), &body] {
            request.extend_from_slice(part.as_bytes());
        }
        let began = Instant::now();
        socket.write_all(&request).map_err(text)?;
        let code = answers.next(&mut socket).map_err(text)?;
        if code != 200 {
            return Err(format!("the daemon answered {code}"));
        }
        times.push(began.elapsed().as_secs_f64() * 1e3);
        if !every.is_zero() {
            due += every;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }
    Ok(times)
}

/// What comes back through one connection.
#[derive(Default)]
struct Answers {
    buffer: Vec<u8>,
}

impl Answers {
    /// Waits for the next answer, and returns its status.
    fn next(&mut self, from: &mut impl Read) -> std::io::Result<u16> {
        const BETWEEN: &[u8] = b"\r\n\r\n";
        self.buffer.clear();
        let mut part = [0; 16 << 10];
        let (mut code, mut whole) = (0, None);
        while whole.is_none_or(|whole| self.buffer.len() < whole) {
            let count = from.read(&mut part)?;
            if count == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            self.buffer.extend_from_slice(part.get(..count).unwrap_or_default());
            let head = || self.buffer.windows(BETWEEN.len()).position(|it| it == BETWEEN);
            if whole.is_none()
                && let Some(head) = head()
            {
                let text = String::from_utf8_lossy(self.buffer.get(..head).unwrap_or_default());
                code = text.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or_default();
                let mut fields = text.lines().filter_map(|line| line.split_once(": "));
                let length = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
                let length = length.and_then(|(_, it)| it.parse::<usize>().ok());
                whole = Some(head + BETWEEN.len() + length.unwrap_or_default());
            }
        }
        Ok(code)
    }
}

/// Watches as the console does: entries in brief.
pub(crate) fn watch(daemon: &Daemon, token: &str) -> std::io::Result<TcpStream> {
    let mut socket = TcpStream::connect(("127.0.0.1", daemon.port))?;
    write!(
        socket,
        "GET /api/v1/live?brief=true HTTP/1.1\r\nhost: localhost:{}\r\n\
         authorization: Bearer {token}\r\n\r\n",
        daemon.port
    )?;
    Ok(socket)
}

/// Reads what is sent, and counts its bytes: all who watch are sent the same.
pub(crate) fn read_until(mut socket: &TcpStream, over: &AtomicBool, bytes: &AtomicU64) {
    let mut part = vec![0; 256 << 10];
    while !over.load(Ordering::SeqCst) {
        let Ok(count @ 1..) = socket.read(&mut part) else { return };
        bytes.fetch_add(count as u64, Ordering::Relaxed);
    }
}

/// The same, and looks into it: how many entries there were, and how many are missing between them.
pub(crate) fn count_until(
    mut socket: &TcpStream,
    over: &AtomicBool,
    bytes: &AtomicU64,
) -> [u64; 2] {
    const BEGINS: &[u8] = b"{\"seq\":";
    let (mut part, mut rest) = (vec![0; 256 << 10], Vec::new());
    let (mut count, mut missing, mut last) = (0, 0, None);
    while !over.load(Ordering::SeqCst) {
        let Ok(read @ 1..) = socket.read(&mut part) else { break };
        bytes.fetch_add(read as u64, Ordering::Relaxed);
        rest.extend_from_slice(part.get(..read).unwrap_or_default());
        let mut at = 0;
        while let Some(found) =
            rest.get(at..).and_then(|rest| rest.windows(BEGINS.len()).position(|it| it == BEGINS))
        {
            let number = rest.get(at + found + BEGINS.len()..).unwrap_or_default();
            let Some(end) = number.iter().position(|byte| !byte.is_ascii_digit()) else { break };
            let text = String::from_utf8_lossy(number.get(..end).unwrap_or_default());
            let seq: u64 = text.parse().unwrap_or_default();
            missing += last.map_or(0, |last: u64| seq.saturating_sub(last + 1));
            (count, last) = (count + 1, Some(seq));
            at += found + BEGINS.len() + end;
        }
        // What may be the beginning of one more.
        let keep = at.max(rest.len().saturating_sub(BEGINS.len() + 24));
        rest.drain(..keep);
    }
    [count, missing]
}
