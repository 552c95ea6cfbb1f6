//! A workspace, servers of this machine, and runs between them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_ringfence");

pub(crate) fn folder_of_program() -> &'static str {
    Path::new(PROGRAM).parent().unwrap().to_str().unwrap()
}

/// Who runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    /// Whoever runs the tests.
    Caller,
    /// uid 65534, where the tests run as root.
    Nobody,
}

/// Who can be tried.
pub(crate) fn users() -> Vec<User> {
    let root = std::fs::metadata("/proc/self").map(|it| std::os::unix::fs::MetadataExt::uid(&it));
    if root.unwrap() == 0 { vec![User::Caller, User::Nobody] } else { vec![User::Caller] }
}

pub(crate) fn has(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", "command -v \"$0\"", program]).output().unwrap();
    if !found.status.success() {
        eprintln!("skipped: there is no {program}");
    }
    found.status.success()
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    text: String,
}

impl Output {
    pub(crate) fn said(&self, part: &str) -> bool {
        self.text.contains(part)
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// A folder to work in.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    user: User,
}

impl Place {
    pub(crate) fn new(user: User) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder, user };
        for name in ["ws", "state"] {
            std::fs::create_dir(place.path(name)).unwrap();
        }
        std::fs::set_permissions(place.path("state"), PermissionsExt::from_mode(0o700)).unwrap();
        if user == User::Nobody {
            let root = place.path("");
            let owned = Command::new("chown").arg("-R").arg("65534:65534").arg(&root).status();
            assert!(owned.unwrap().success());
        }
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn program(&self, program: &str) -> Command {
        match self.user {
            User::Caller => Command::new(program),
            User::Nobody => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--", program]);
                command
            }
        }
    }

    /// A run of some shell code.
    pub(crate) fn command(&self, options: &[&str], code: &str) -> Command {
        let mut command = self.program(PROGRAM);
        command.arg("run").args(options).args(["--", "/bin/sh", "-c", code]);
        command.current_dir(self.path("ws")).stdin(Stdio::null());
        command
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("RINGFENCE_STATE", self.path("state"));
        for name in
            ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
        {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn run(&self, options: &[&str], code: &str) -> Output {
        ended(&mut self.command(options, code))
    }

    /// The same, where the kernel gives nobody a namespace.
    pub(crate) fn run_without_namespaces(&self, options: &[&str], code: &str) -> Output {
        let inner = self.command(options, code);
        let limit = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" \"$@\"";
        let mut outer = self.program("unshare");
        outer.args(["--user", "--map-root-user", "sh", "-c", limit, PROGRAM]);
        outer.args(inner.get_args().skip_while(|it| *it != "run"));
        outer.current_dir(self.path("ws")).stdin(Stdio::null());
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => outer.env(name, value),
                None => outer.env_remove(name),
            };
        }
        ended(&mut outer)
    }

    /// The same as `nobody`, where the kernel gives namespaces to nobody but a `bwrap` that root lends its rights. None: it
    /// cannot be tried here.
    pub(crate) fn run_by_bwrap(&self, options: &[&str], code: &str) -> Option<Output> {
        if self.user != User::Nobody || !Path::new("/usr/bin/bwrap").exists() {
            return None;
        }
        let lent = self.path("bwrap");
        std::fs::copy("/usr/bin/bwrap", &lent).unwrap();
        std::os::unix::fs::chown(&lent, Some(0), Some(0)).unwrap();
        std::fs::set_permissions(&lent, PermissionsExt::from_mode(0o4755)).unwrap();
        let limit = format!(
            "echo 0 > /proc/sys/user/max_user_namespaces && mount --bind {} /usr/bin/bwrap && exec \"$@\"",
            lent.display()
        );
        let inner = self.command(options, code);
        let mut outer = Command::new("unshare");
        outer.args([
            "--user",
            "--mount",
            "sh",
            "-c",
            "read it; exec sh -c \"$0\" sh \"$@\"",
            &limit,
        ]);
        outer.arg(inner.get_program()).args(inner.get_args()).current_dir(self.path("ws"));
        outer.env("PATH", "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        outer.env("RINGFENCE_STATE", self.path("state"));
        outer.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut run = outer.spawn().unwrap();
        let own = std::fs::read_link("/proc/self/ns/user").unwrap();
        let process = PathBuf::from(format!("/proc/{}", run.id()));
        while std::fs::read_link(process.join("ns/user")).is_ok_and(|it| it == own) {
            thread::sleep(Duration::from_millis(5));
        }
        for map in ["uid_map", "gid_map"] {
            std::fs::write(process.join(map), "0 0 65536").unwrap();
        }
        drop(run.stdin.take().map(|mut it| it.write_all(b"go\n")));
        let output = run.wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        Some(Output { status: output.status, text: String::from_utf8_lossy(&text).into_owned() })
    }

    /// The same code without any sandbox.
    pub(crate) fn outside(&self, code: &str) -> Output {
        let mut command = self.program("/bin/sh");
        ended(command.args(["-c", code]).current_dir(self.path("ws")).stdin(Stdio::null()))
    }

    /// A web server of this machine. Its port.
    pub(crate) fn serve(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for client in listener.incoming().filter_map(Result::ok) {
                thread::spawn(move || answer(client));
            }
        });
        port
    }

    /// The same, never closing a connection. Its port.
    pub(crate) fn serve_and_stay(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            let mut kept = Vec::new();
            for mut client in listener.incoming().filter_map(Result::ok) {
                let (_, _) = head(&mut client);
                let _ = client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nSERVED\n");
                kept.push(client);
            }
        });
        port
    }

    /// A web server for the files of a folder of the workspace. Its port.
    pub(crate) fn serve_files(&self, folder: &str) -> u16 {
        let folder = self.path("ws").join(folder);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for mut client in listener.incoming().filter_map(Result::ok) {
                let (head, _) = head(&mut client);
                let path = head.split_whitespace().nth(1).unwrap_or("/").to_owned();
                let path = path.split('?').next().unwrap().trim_start_matches('/').to_owned();
                let (status, body) = match std::fs::read(folder.join(path)) {
                    Ok(body) => ("200 OK", body),
                    Err(_) => ("404 Not Found", Vec::new()),
                };
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let _ = client.write_all(&[head.as_bytes(), &body].concat());
            }
        });
        port
    }
}

fn ended(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    Output {
        status: ExitStatus::from_raw(output.status.into_raw()),
        text: String::from_utf8_lossy(&text).into_owned(),
    }
}

fn head(client: &mut TcpStream) -> (String, Vec<u8>) {
    client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (mut said, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(end) = said.windows(4).position(|it| it == b"\r\n\r\n") {
            let body = said.split_off(end + 4);
            return (String::from_utf8_lossy(&said).into_owned(), body);
        }
        match client.read(&mut buffer) {
            Ok(length) if length > 0 => said.extend_from_slice(&buffer[..length]),
            _ => return (String::new(), Vec::new()),
        }
    }
}

/// Says which host and path were asked for, and how long the body was.
fn answer(mut client: TcpStream) {
    let (head, mut body) = head(&mut client);
    let field = |name: &str| {
        let mut lines = head.lines().filter_map(|it| it.split_once(": "));
        lines.find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    if field("expect").is_some() {
        let _ = client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
    }
    let chunked = field("transfer-encoding").is_some();
    let length: usize = field("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
    let mut buffer = [0; 65536];
    while if chunked { !body.ends_with(b"0\r\n\r\n") } else { body.len() < length } {
        match client.read(&mut buffer) {
            Ok(length) if length > 0 => body.extend_from_slice(&buffer[..length]),
            _ => return,
        }
    }
    let length = if chunked { body.iter().filter(|it| **it == 0).count() } else { length };
    let path = head.split_whitespace().nth(1).unwrap_or_default();
    if let Some(bytes) = path.strip_prefix("/bytes/").and_then(|it| it.parse::<usize>().ok()) {
        let _ = client
            .write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n").as_bytes());
        for start in (0..bytes).step_by(buffer.len()) {
            let part = &buffer[..buffer.len().min(bytes - start)];
            if client.write_all(part).is_err() {
                return;
            }
        }
        return;
    }
    let text = format!("SERVED {} {path} BODY {length}\n", field("host").unwrap_or_default());
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", text.len());
    let _ = client.write_all(format!("{head}{text}").as_bytes());
}

/// A web server that speaks TLS.
pub(crate) struct TlsServer {
    pub(crate) port: u16,
    process: Child,
}

impl TlsServer {
    /// None: nothing here could be one.
    pub(crate) fn start(place: &Place) -> Option<Self> {
        if !has("openssl") {
            return None;
        }
        let folder = place.path("tls");
        std::fs::create_dir(&folder).unwrap();
        let make = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 1 -subj /CN=good.test -addext subjectAltName=DNS:good.test,DNS:other.test -addext basicConstraints=critical,CA:FALSE 2>/dev/null; chmod 644 cert";
        assert!(
            Command::new("sh").args(["-c", make]).current_dir(&folder).status().unwrap().success()
        );
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new("python3")
            .args(["-c", SERVER, &port.to_string()])
            .current_dir(&folder)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
        Some(Self { port, process })
    }
}

/// Writes down what it gets.
const SERVER: &str = r"
import base64, http.server, ssl, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        body = self.rfile.read(int(self.headers.get('Content-Length', 0))).decode()
        word = self.headers.get('Authorization', '')
        if word.startswith('Basic '): word = base64.b64decode(word[6:]).decode()
        got = ' '.join([self.headers['Host'], self.path, word, self.headers.get('X-Token', ''), body])
        open('got', 'a').write(got + '\n')
        said = ('SECRET PAGE ' + got + '\n').encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(said)))
        self.end_headers()
        self.wfile.write(said)
    do_POST = do_GET
server = http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('cert', 'key')
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
";

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
