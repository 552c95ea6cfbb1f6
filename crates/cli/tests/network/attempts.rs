//! Ways around a list of hosts, tried for real. `{port}` is a service of this machine that is allowed to
//! `good.test` alone, `{other}` one that nobody is allowed to; `{udp}` takes datagrams.

use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use crate::place::{Place, has, users};

/// What each tries, and the words that say that it was held back on purpose. Empty: the kernel had nothing
/// that leads there, and nobody was asked.
const ATTEMPTS: &[(&str, &str, &str)] = &[
    ("a name that is not listed", "curl -sS -m5 http://evil.test/", "look up evil.test"),
    (
        "the same through the proxy",
        "curl -sS -x $P http://evil.test/",
        "evil.test:80 (not in the list",
    ),
    (
        "the same through a tunnel",
        "curl -sS -p -x $P http://evil.test/",
        "evil.test:80 (not in the list",
    ),
    (
        "the same through SOCKS",
        "curl -sS -x socks5h://127.128.0.1:3128 http://evil.test/",
        "evil.test:80 (not in the list",
    ),
    ("a name that only ends like one", "curl -sS -x $P http://evilgood.test/", "evilgood.test:80"),
    ("a name below one", "curl -sS -x $P http://a.good.test/", "a.good.test:80"),
    ("the parent of a wildcard", "curl -sS -x $P http://wild.test/", "wild.test:80"),
    ("a listed name in other letters", "curl -sS -x $P http://gооd.test/", "xn--"),
    ("an address", "curl -sS -m5 http://192.0.2.1/", "192.0.2.1:80 (an address"),
    ("an address, newer", "curl -sS -m5 'http://[2001:db8::1]/'", "2001:db8::1:80 (an address"),
    (
        "an address through the proxy",
        "curl -sS -x $P http://192.0.2.1/",
        "192.0.2.1:80 (an address",
    ),
    ("an address through a tunnel", "curl -sS -p -x $P 'http://[2001:db8::1]:80/'", "(an address"),
    (
        "an address through SOCKS",
        "curl -sS -x socks5://127.128.0.1:3128 http://192.0.2.1/",
        "192.0.2.1:80 (an address",
    ),
    (
        "the metadata service",
        "curl -sS -m5 http://169.254.169.254/latest/",
        "169.254.169.254:80 (an address",
    ),
    (
        "the metadata service through the proxy",
        "curl -sS -x $P http://169.254.169.254/",
        "169.254.169.254:80 (an address",
    ),
    (
        "the metadata service by name",
        "curl -sS -x $P http://metadata.google.internal/",
        "metadata.google.internal:80 (is never reached",
    ),
    ("a service of this machine", "curl -sS -m5 http://127.0.0.1:{other}/", ""),
    ("a service of this machine by name", "curl -sS -m5 http://localhost:{other}/", ""),
    (
        "a service of this machine through the proxy",
        "curl -sS -x $P http://127.0.0.1:{other}/",
        "leads to this machine",
    ),
    (
        "the same by name",
        "curl -sS --noproxy '' -x $P http://localhost:{other}/",
        "leads to this machine",
    ),
    ("the same, newer", "curl -sS -x $P 'http://[::1]:{other}/'", "leads to this machine"),
    ("the same, mapped", "curl -sS -x $P 'http://[::ffff:127.0.0.1]:{other}/'", "blocked"),
    ("a decimal address", "$RAW GET http://2130706433:{other}/", "2130706433:{other} (an address"),
    (
        "a hexadecimal address",
        "$RAW GET http://0x7f000001:{other}/",
        "0x7f000001:{other} (an address",
    ),
    ("an octal address", "$RAW GET http://0177.0.0.1:{other}/", "0177.0.0.1:{other} (an address"),
    ("a short address", "$RAW GET http://127.1:{other}/", "127.1:{other} (an address"),
    (
        "a tunnel to a decimal address",
        "$RAW CONNECT 2130706433:{other}",
        "2130706433:{other} (an address",
    ),
    ("somebody at a name", "$RAW GET http://good.test@127.0.0.1:{other}/", "blocked"),
    ("a name with a NUL", "$RAW SOCKS 127.0.0.1%00.good.test {other}", "not a name"),
    ("a name with a line end", "$RAW SOCKS good.test%0d%0aHost:x {other}", "not a name"),
    (
        "a request within a request",
        "$RAW GET 'http://good.test/ HTTP/1.1%0d%0aHost: evil.test%0d%0a%0d%0aGET /'",
        "blocked",
    ),
    ("another port", "curl -sS -m5 http://good.test:22/", "good.test:22 (listed with other ports)"),
    (
        "another port through the proxy",
        "curl -sS -x $P http://good.test:{other}/",
        "good.test:{other} (listed with other ports)",
    ),
    (
        "another host on the same server",
        "curl -sS -H 'Host: evil.test' http://good.test/",
        "asks there for evil.test",
    ),
    ("another host in the next request", "$TWICE", ""),
    ("a record that holds text", "$ASK TXT secret.evil.test", "look up secret.evil.test"),
    ("a record of a listed name", "$ASK TXT good.test", ""),
    ("another resolver", "$ASK A evil.test 192.0.2.53", ""),
    ("a datagram", "$UDP 127.0.0.1 {udp}; $UDP 192.0.2.1 {udp}; $UDP good.test {udp}", ""),
    (
        "an echo request",
        "python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 1); print(\"REACHED\")'",
        "",
    ),
    (
        "a raw socket",
        "python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 255); print(\"REACHED\")'",
        "",
    ),
    (
        "a packet socket",
        "python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3); print(\"REACHED\")'",
        "",
    ),
    (
        "a route of its own",
        "python3 -c \"import socket; s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); s.send(b'\\x20\\0\\0\\0\\x10\\0\\x05\\0' + b'\\0' * 16 + b'\\x01\\0\\0\\0' * 2); d = s.recv(999); print('REACHED' if d[16:20] == b'\\0\\0\\0\\0' else d)\"",
        "",
    ),
];

const RAW: &str = r#"
import socket, sys, urllib.parse
how, what = sys.argv[1], urllib.parse.unquote_to_bytes(sys.argv[2])
s = socket.create_connection(("127.128.0.1", 3128)); s.settimeout(5)
if how == "SOCKS":
    s.send(b"\x05\x01\x00"); s.recv(2)
    s.send(b"\x05\x01\x00\x03" + bytes([len(what)]) + what + int(sys.argv[3]).to_bytes(2, "big"))
    if s.recv(10)[1] != 0: sys.exit("turned away")
    s.send(b"GET / HTTP/1.0\r\n\r\n")
else:
    s.send(how.encode() + b" " + what + b" HTTP/1.1\r\nHost: good.test\r\n\r\n")
    if how == "CONNECT" and b" 200 " in s.recv(99): s.send(b"GET / HTTP/1.0\r\n\r\n")
while d := s.recv(999): sys.stdout.buffer.write(d)
"#;

/// Two requests in one connection, the second for somebody else.
const TWICE: &str = r#"
import socket
s = socket.create_connection(("good.test", 80)); s.settimeout(5)
s.send(b"GET /first HTTP/1.1\r\nHost: good.test\r\n\r\nGET /second HTTP/1.1\r\nHost: evil.test\r\n\r\n")
said = b""
try:
    while d := s.recv(999): said += d
except OSError: pass
print("REACHED" if b"/second" in said else "held", b"/first" in said)
"#;

const ASK: &str = r#"
import socket, sys
kind = {"A": 1, "TXT": 16}[sys.argv[1]]
name = b"".join(bytes([len(it)]) + it.encode() for it in sys.argv[2].split(".")) + b"\0"
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2)
s.connect((sys.argv[3] if len(sys.argv) > 3 else "127.0.0.1", 53))
s.send(b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0" + name + bytes([0, kind, 0, 1]))
d = s.recv(512)
print("REACHED" if d[6:8] != b"\0\0" else "no such record", d[3] & 15)
"#;

const UDP: &str = r#"
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b"out", (sys.argv[1], int(sys.argv[2])))
"#;

#[test]
fn nothing_gets_around_the_list() {
    if !has("curl") || !has("python3") {
        return;
    }
    for user in users() {
        let place = Place::new(user);
        for (name, code) in [("raw", RAW), ("twice", TWICE), ("ask", ASK), ("udp", UDP)] {
            std::fs::write(place.path("ws").join(name), code).unwrap();
        }
        let (port, other) = (place.serve(), place.serve());
        let datagrams = UdpSocket::bind("0.0.0.0:0").unwrap();
        datagrams.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let udp = datagrams.local_addr().unwrap().port();
        let fill = |text: &str| {
            text.replace("{other}", &other.to_string()).replace("{udp}", &udp.to_string())
        };
        let allow = format!("good.test=127.0.0.1:{port}");
        let wild = format!("*.wild.test=127.0.0.1:{port}");
        let options = [
            "--allow-host",
            allow.as_str(),
            "--allow-host",
            wild.as_str(),
            "--allow-host",
            "*.google.internal",
        ];
        let mut wrong = Vec::new();
        for (what, code, words) in ATTEMPTS {
            let code = format!(
                "P=http://127.128.0.1:3128 RAW='python3 raw' TWICE='python3 twice' ASK='python3 ask' UDP='python3 udp'; {}",
                fill(code)
            );
            let output = place.run(&options, &code);
            let got = output.said("REACHED") || output.said("SERVED") && !code.contains("$TWICE");
            let fault = output.said("not found") || output.said("Traceback");
            if got {
                wrong.push(format!("{what} got out: {}", output.text()));
            } else if !output.said(&fill(words)) || fault && !words.is_empty() {
                wrong.push(format!("{what} was held by something else: {}", output.text()));
            }
        }
        assert!(wrong.is_empty(), "{user:?}: {}", wrong.join("\n"));
        assert!(datagrams.recv(&mut [0; 9]).is_err(), "{user:?}: a datagram got out");
    }
}

/// The same attempts reach what they try to reach where nothing holds them.
#[test]
fn without_a_run_they_would_get_there() {
    let place = Place::new(users()[0]);
    std::fs::write(place.path("ws/udp"), UDP).unwrap();
    let other = place.serve();
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    let udp = datagrams.local_addr().unwrap().port();
    let ask = format!(
        "curl -sS http://127.0.0.1:{other}/; curl -sS http://2130706433:{other}/; python3 udp 127.0.0.1 {udp}"
    );
    let output = place.outside(&ask);
    assert_eq!(output.text().matches("SERVED").count(), 2, "{output:?}");
    datagrams.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    assert_eq!(datagrams.recv(&mut [0; 9]).ok(), Some(3));
}

/// A name that its owner lets lead to this machine.
#[test]
fn a_name_that_leads_here_is_not_followed() {
    let place = Place::new(users()[0]);
    let other = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // The one name that leads here on every machine, asked for in a way that is not taken for this machine.
    let allow = format!("localhost.:{other}");
    let ask = format!("curl -sS -x http://127.128.0.1:3128 http://localhost.:{other}/");
    let output = place.run(&["--allow-host", &allow], &ask);
    assert!(output.said("leads to this machine"), "{output:?}");
}
