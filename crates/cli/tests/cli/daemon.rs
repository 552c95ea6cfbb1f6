//! A daemon as a test has it: the real process, asked over its real sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::gate::Gate;

pub(crate) struct Daemon {
    pub(crate) process: Child,
    pub(crate) port: u16,
    pub(crate) token: String,
    pub(crate) socket: PathBuf,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

impl Daemon {
    pub(crate) fn start(gate: &Gate) -> Self {
        let command = gate.command(&["serve", "--listen", "127.0.0.1:0", "--json"]);
        Self::spawn(command, &gate.path("state"))
    }

    pub(crate) fn spawn(mut command: Command, state: &Path) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line.is_empty() {
            let mut why = String::new();
            process.stderr.take().unwrap().read_to_string(&mut why).unwrap();
            panic!("the daemon did not start: {why}");
        }
        let said: Value = serde_json::from_str(&line).unwrap();
        let url = said["url"].as_str().unwrap();
        let (place, token) = url.split_once("/#token=").unwrap();
        let port = place.rsplit(':').next().unwrap().parse().unwrap();
        Self { process, port, token: token.to_owned(), socket: state.join("serve.sock") }
    }

    /// Asks through the socket.
    pub(crate) fn asks(&self, method: &str, path: &str, body: &str) -> Said {
        let mut socket = UnixStream::connect(&self.socket).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        send(&mut socket, method, path, "host: x\r\n", body);
        read(socket)
    }

    pub(crate) fn gets(&self, path: &str) -> Value {
        let said = self.asks("GET", path, "");
        assert_eq!(said.code, 200, "{said:?}");
        said.json()
    }

    /// Asks over the network, with these lines in front.
    pub(crate) fn asks_by_network(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> Said {
        let mut socket = self.network();
        let host = format!("host: localhost:{}\r\n", self.port);
        let headers = if headers.contains("host:") { headers.to_owned() } else { host + headers };
        send(&mut socket, method, path, &headers, body);
        read(socket)
    }

    pub(crate) fn network(&self) -> TcpStream {
        let socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        socket
    }

    /// A number that is counted.
    pub(crate) fn counts(&self, name: &str) -> u64 {
        let said = self.asks("GET", "/api/v1/metrics", "");
        let line = said.body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} in {said:?}")).parse().unwrap()
    }

    pub(crate) fn is_killed(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn send(to: &mut impl Write, method: &str, path: &str, headers: &str, body: &str) {
    let text = format!(
        "{method} {path} HTTP/1.1\r\n{headers}connection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    to.write_all(text.as_bytes()).unwrap();
}

pub(crate) fn read(mut from: impl Read) -> Said {
    let mut text = String::new();
    from.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text}"));
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    Said { code, head: head.to_owned(), body: body.to_owned() }
}
