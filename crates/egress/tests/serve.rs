//! The whole of it on this machine's loopback, with a resolver of the test's own.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "the helpers of a test are not known as a test"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ringfence_egress::{Allowed, Egress, Host, Resolver, Rules, Sockets};

/// Serves one proxy. What its clients hear.
struct Place {
    proxy: SocketAddr,
    egress: Egress,
}

impl Place {
    fn new(rows: &[&str], resolver: Resolver) -> Self {
        let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = proxy.local_addr().unwrap();
        let sockets = Sockets {
            names: vec![UdpSocket::bind("127.0.0.1:0").unwrap()],
            doors: Vec::new(),
            proxy,
        };
        let allowed = rows.iter().map(|it| Allowed::parse(it).unwrap()).collect();
        let rules = Rules { allowed, ..Rules::default() };
        let egress = Egress::start(rules, resolver, sockets, None, |_| {}).unwrap();
        Self { proxy: address, egress }
    }

    fn get(&self, host: &str) -> String {
        let mut stream = TcpStream::connect(self.proxy).unwrap();
        write!(stream, "GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
        let mut said = String::new();
        let _ = stream.read_to_string(&mut said);
        said
    }
}

fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut client in listener.incoming().filter_map(Result::ok) {
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nSERVED",
            );
        }
    });
    port
}

#[test]
fn a_dead_resolver_holds_up_nobody_else() {
    let resolver: Resolver = Arc::new(|host: &Host| {
        if host.as_str() == "dead.test" {
            thread::sleep(Duration::from_secs(60));
        }
        Ok(vec!["127.0.0.1".parse().unwrap()])
    });
    let good = format!("good.test=127.0.0.1:{}", server());
    let place = Arc::new(Place::new(&["dead.test", &good], resolver));
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let place = Arc::clone(&place);
            thread::spawn(move || place.get("dead.test"))
        })
        .collect();
    thread::sleep(Duration::from_millis(200));
    let begun = Instant::now();
    assert!(place.get("good.test").ends_with("SERVED"));
    assert!(begun.elapsed() < Duration::from_secs(5));
    for it in asking {
        let said = it.join().unwrap();
        assert!(
            said.starts_with("HTTP/1.1 502") && said.contains("not resolved in time"),
            "{said}"
        );
    }
    assert!(begun.elapsed() < Duration::from_secs(25));
}

/// The name is allowed; what its owner says of it is not believed.
#[test]
fn a_name_that_leads_inside_is_not_followed() {
    for (address, words) in [
        ("127.0.0.1", "this machine"),
        ("::ffff:127.0.0.1", "this machine"),
        ("64:ff9b::a9fe:a9fe", "the metadata service"),
        ("169.254.169.254", "the metadata service"),
        ("10.0.0.1", "a private network"),
    ] {
        let resolver: Resolver = Arc::new(move |_: &Host| Ok(vec![address.parse().unwrap()]));
        let place = Place::new(&["good.test"], resolver);
        let said = place.get("good.test");
        assert!(said.starts_with("HTTP/1.1 403") && said.contains(words), "{address}: {said}");
        let report = place.egress.finish();
        assert_eq!(report.denied().len(), 1, "{report:?}");
    }
}
