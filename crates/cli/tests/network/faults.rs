//! What goes wrong around a run, and how much one takes: hosts that never answer, a thousand connections,
//! more bytes than there is memory for, an end without warning.

use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::place::{Place, has, users};

/// Far less than what goes through, far more than the program itself takes in a debug build.
const MOST_KIB: u64 = 48 * 1024;

/// The most memory that a process ever had, in KiB, watched until it ends, and what it said.
fn watched(mut run: Child) -> (u64, String) {
    let mut most = 0;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", run.id()));
        let line = status.ok().and_then(|it| {
            let line = it.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
            line.trim().trim_end_matches(" kB").parse::<u64>().ok()
        });
        most = line.unwrap_or(0).max(most);
        if run.try_wait().unwrap().is_some() {
            let output = run.wait_with_output().unwrap();
            let text = [output.stdout, output.stderr].concat();
            return (most, String::from_utf8_lossy(&text).into_owned());
        }
        thread::sleep(Duration::from_millis(10));
    }
}

const THOUSAND: &str = r#"
import socket, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (2048, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
all = [socket.create_connection(("good.test", 80), 20) for _ in range(1000)]
for s in all: s.send(b"GET / HTTP/1.0\r\n\r\n")
def said(s):
    text = b""
    while d := s.recv(999): text += d
    return b"SERVED" in text
print("answered", sum(said(s) for s in all))
"#;

#[test]
fn a_thousand_connections_at_a_time() {
    if !has("python3") {
        return;
    }
    let place = Place::new(users()[0]);
    std::fs::write(place.path("ws/thousand"), THOUSAND).unwrap();
    let allow = format!("good.test=127.0.0.1:{}", place.serve());
    let mut command = place.command(&["--allow-host", &allow], "exec python3 thousand");
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (memory, text) = watched(run);
    println!("1,000 connections at a time: {memory} KiB in the supervisor");
    assert!(text.contains("answered 1000"), "{text}");
    assert!(memory < MOST_KIB, "{memory} KiB");
}

#[test]
fn what_goes_through_takes_no_memory() {
    let place = Place::new(users()[0]);
    let full = std::env::var_os("RINGFENCE_FULL").is_some();
    let bytes: u64 = if full { 1 << 30 } else { 64 << 20 };
    let port = place.serve();
    let allow = format!("good.test=127.0.0.1:{port}");
    let get = |host: &str| format!("curl -sS -o /dev/null http://{host}/bytes/{bytes}");
    // The reader that stops for a while has it all wait.
    let stalled = format!("curl -sS http://good.test/bytes/{bytes} | (sleep 1; wc -c)");
    let inside = format!("{}; {stalled}", get("good.test"));
    let mut command = place.command(&["--allow-host", &allow], &inside);
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (memory, text) = watched(run);
    assert!(text.contains(&bytes.to_string()), "{text}");
    let begun = Instant::now();
    assert!(place.outside(&get(&format!("127.0.0.1:{port}"))).status.success());
    let direct = begun.elapsed();
    let begun = Instant::now();
    assert!(place.run(&["--allow-host", &allow], &get("good.test")).status.success());
    let through = begun.elapsed();
    let share = direct.as_secs_f64() / through.as_secs_f64() * 100.0;
    println!(
        "{} MiB: {memory} KiB in the supervisor, {share:.0} % of the direct speed",
        bytes >> 20
    );
    assert!(memory < MOST_KIB, "{memory} KiB");
}

#[test]
fn a_host_that_never_answers_holds_up_nobody_else() {
    let place = Place::new(users()[0]);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let slow = format!("slow.test=127.0.0.1:{}", silent.local_addr().unwrap().port());
    let good = format!("good.test=127.0.0.1:{}", place.serve());
    // Nobody listens here.
    let gone = format!("gone.test=127.0.0.1:{}", {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    });
    let ask = "for it in 1 2 3 4 5 6 7 8 9; do curl -sS -m 8 http://slow.test/ & done; sleep 0.3; curl -sS -m 4 http://good.test/; curl -sS -m 4 http://gone.test/; kill $(jobs -p)";
    let hosts = ["--allow-host", &slow, "--allow-host", &good, "--allow-host", &gone];
    let begun = Instant::now();
    let output = place.run(&hosts, ask);
    assert!(output.said("SERVED"), "{output:?}");
    assert!(output.said("not reached: connection refused"), "{output:?}");
    assert!(!output.said("blocked"), "{output:?}");
    assert!(begun.elapsed() < Duration::from_secs(8), "{output:?}");
}

#[test]
fn a_supervisor_that_is_killed_takes_everything_with_it() {
    for user in users() {
        let place = Place::new(user);
        let allow = format!("good.test=127.0.0.1:{}", place.serve());
        let code = "setsid sh -c 'while :; do curl -sS http://good.test/ > /dev/null && date +%s%N > beat; sleep 0.05; done' & trap '' TERM HUP INT; wait";
        let mut run = place.command(&["--allow-host", &allow], code).spawn().unwrap();
        let beat = place.path("ws/beat");
        let read = || std::fs::read_to_string(&beat).unwrap_or_default();
        for _ in 0..200 {
            if !read().is_empty() {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
        run.kill().unwrap();
        run.wait().unwrap();
        thread::sleep(Duration::from_millis(200));
        let last = read();
        assert!(!last.is_empty(), "{user:?}: it never started");
        thread::sleep(Duration::from_millis(500));
        assert_eq!(read(), last, "{user:?}: it lives on");
    }
}

/// A resolver that says nothing. Who asked for a name is told so in the end, and others are served meanwhile.
#[test]
fn a_resolver_that_is_dead_holds_up_nobody_else() {
    const RESOLVER: &str = "127.83.0.1";
    let silent = std::net::UdpSocket::bind((RESOLVER, 53));
    let Ok(_silent) = silent else {
        eprintln!("skipped: only root can be a resolver");
        return;
    };
    let place = Place::new(users()[0]);
    let names = place.path("resolv.conf");
    std::fs::write(&names, format!("nameserver {RESOLVER}\noptions timeout:1 attempts:1\n"))
        .unwrap();
    let good = format!("good.test=127.0.0.1:{}", place.serve());
    let ask = "for it in 1 2 3 4 5 6 7 8 9; do curl -sS -m 8 http://dead.test/ & done; sleep 0.2; curl -sS -m 4 http://good.test/; wait; curl -sS -m 4 http://good.test/";
    let run = place.command(&["--allow-host", "dead.test", "--allow-host", &good], ask);
    let mut apart = std::process::Command::new("unshare");
    let code = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"";
    apart.args(["--mount", "--propagation", "private", "sh", "-c", code]).arg(&names);
    apart.arg(run.get_program()).args(run.get_args()).current_dir(place.path("ws"));
    apart.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let begun = Instant::now();
    let output = apart.output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(text.matches("SERVED").count(), 2, "{text}");
    assert_eq!(text.matches("not reached: its name cannot be resolved").count(), 9, "{text}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{text}");
}

/// A server that gives away a byte at a time: all of them arrive, and nobody waits for that.
#[test]
fn a_slow_server_is_waited_for() {
    let place = Place::new(users()[0]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let slow = format!("slow.test=127.0.0.1:{}", listener.local_addr().unwrap().port());
    thread::spawn(move || {
        for mut client in listener.incoming().filter_map(Result::ok) {
            thread::spawn(move || {
                use std::io::{Read, Write};
                let _ = client.read(&mut [0; 4096]);
                for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nDRIPPED" {
                    let _ = client.write_all(&[*byte]);
                    thread::sleep(Duration::from_millis(30));
                }
            });
        }
    });
    let good = format!("good.test=127.0.0.1:{}", place.serve());
    let ask = "curl -sS -m 30 http://slow.test/ > slow & for it in 1 2 3 4 5; do curl -sS -m 4 http://good.test/; done; test -s slow || echo; wait; cat slow";
    let output = place.run(&["--allow-host", &slow, "--allow-host", &good], ask);
    assert_eq!(output.text().matches("SERVED").count(), 5, "{output:?}");
    assert!(output.said("DRIPPED") && !output.said("blocked"), "{output:?}");
}
