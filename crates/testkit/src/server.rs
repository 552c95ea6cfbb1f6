//! A server of this machine that answers as a test wants: whole, slowly, in pieces, wrongly, or not at all.
//! What it was asked is kept.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// One way to answer.
#[derive(Debug, Clone)]
pub enum Answer {
    /// With this status, these lines of the head, and this body.
    Whole(u16, Vec<String>, Vec<u8>),
    /// The same as 200, after a while.
    After(Duration, Vec<u8>),
    /// A head that promises this body, of which only a part comes before the connection is closed.
    Half(Vec<u8>),
    /// A byte now and then, without end.
    Drip(Duration),
    /// A body without end.
    Endless,
    /// The connection is closed without a word.
    Nothing,
    /// Something that is not HTTP.
    Noise,
}

impl Answer {
    /// 200 with this body.
    pub fn json(body: impl ToString) -> Self {
        Self::Whole(200, Vec::new(), body.to_string().into_bytes())
    }

    /// This status, with a body that says nothing.
    pub fn status(code: u16) -> Self {
        Self::Whole(code, Vec::new(), b"{\"error\":{\"message\":\"no\"}}".to_vec())
    }
}

/// A request, as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `POST /path`.
    pub line: String,
    /// Lines of the head.
    pub head: Vec<String>,
    /// The body.
    pub body: String,
}

/// A server that lives as long as the test process.
#[derive(Debug, Clone, Default)]
pub struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

impl Server {
    /// A server that gives these answers in turn, and the last of them for ever.
    ///
    /// # Panics
    /// When no port of this machine can be listened on.
    pub fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let Ok(listener) = TcpListener::bind("127.0.0.1:0") else {
            return Self::default();
        };
        let port = listener.local_addr().map_or(0, |address| address.port());
        let server = Self { port, ..Self::default() };
        server.answers_with(answers);
        let served = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let served = served.clone();
                thread::spawn(move || served.serve(stream));
            }
        });
        server
    }

    /// From now on it gives these answers.
    pub fn answers_with(&self, answers: impl IntoIterator<Item = Answer>) {
        *self.answers.lock().unwrap_or_else(PoisonError::into_inner) =
            answers.into_iter().collect();
    }

    /// Where it is, as `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it was asked, oldest first.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn next(&self) -> Answer {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() > 1 {
            return answers.pop_front().unwrap_or(Answer::Nothing);
        }
        answers.front().cloned().unwrap_or(Answer::Nothing)
    }

    /// Serves one connection. Whoever asked may be gone by now: that is not our business.
    fn serve(&self, stream: TcpStream) {
        let Ok(mut out) = stream.try_clone() else { return };
        let mut input = BufReader::new(stream);
        while let Some(asked) = read(&mut input) {
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
            if answer(&self.next(), &mut out).is_none() {
                let _ = out.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

fn read(input: &mut impl BufRead) -> Option<Asked> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        input.read_line(&mut line).ok().filter(|length| *length > 0)?;
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let line = head.first()?.trim_end_matches(" HTTP/1.1").to_owned();
    let length = head.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    input.read_exact(&mut body).ok()?;
    Some(Asked { line, head, body: String::from_utf8_lossy(&body).into_owned() })
}

/// Answers; nothing where the connection is over.
fn answer(answer: &Answer, out: &mut TcpStream) -> Option<()> {
    match answer {
        Answer::Whole(code, head, body) => whole(out, *code, head, body, body.len()),
        Answer::After(wait, body) => {
            thread::sleep(*wait);
            whole(out, 200, &[], body, body.len())
        }
        Answer::Half(body) => {
            let half = body.get(..body.len() / 2).unwrap_or_default();
            whole(out, 200, &[], half, body.len())?;
            None
        }
        Answer::Drip(wait) => {
            whole(out, 200, &[], b"{", 1 << 20)?;
            loop {
                thread::sleep(*wait);
                out.write_all(b" ").ok()?;
            }
        }
        Answer::Endless => {
            out.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n").ok()?;
            loop {
                out.write_all(&[b' '; 1 << 14]).ok()?;
            }
        }
        Answer::Nothing => None,
        Answer::Noise => {
            out.write_all(b"\x16\x03\x01 this is not for you\r\n\r\n").ok()?;
            None
        }
    }
}

fn whole(
    out: &mut TcpStream,
    code: u16,
    head: &[String],
    body: &[u8],
    length: usize,
) -> Option<()> {
    let more: String = head.iter().map(|line| format!("{line}\r\n")).collect();
    let head = format!(
        "HTTP/1.1 {code} .\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{more}\r\n"
    );
    out.write_all(head.as_bytes()).and_then(|()| out.write_all(body)).ok()
}
