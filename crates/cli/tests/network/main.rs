//! The way out of `ringfence run`, with the programs that people use and against this machine's own
//! servers: what is allowed works, with and without a proxy, and nothing else leaves.
//!
//! Each test runs as whoever runs the tests and, where that is root, as `nobody` too.

#![cfg(target_os = "linux")]

mod attempts;
mod faults;
mod place;

use std::time::Duration;

use crate::place::{Place, TlsServer, has, users};

/// Every way to ask for a name that is allowed, by programs that know of proxies and by those that do not.
#[test]
fn an_allowed_name_is_reached() {
    for user in users() {
        let place = Place::new(user);
        let served = place.serve();
        let allow = format!("good.test=127.0.0.1:{served}");
        let wild = format!("*.wild.test:8080=127.0.0.1:{served}");
        let ways = [
            "curl -sS http://good.test/",
            "curl -sS http://GOOD.test./",
            "curl -sS http://a.b.wild.test:8080/",
            "curl -sS -x http://127.128.0.1:3128 http://good.test/",
            "curl -sS -p -x http://127.128.0.1:3128 http://good.test/",
            "curl -sS -x socks5h://127.128.0.1:3128 http://good.test/",
            "curl -sS -x socks5://127.128.0.1:3128 http://good.test/",
            "http_proxy=http://127.128.0.1:3128 curl -sS http://good.test/",
            "python3 -c 'import urllib.request as u; print(u.urlopen(\"http://good.test/\").read())'",
            "ALL_PROXY= http_proxy=http://127.128.0.1:3128 python3 -c 'import urllib.request as u; print(u.urlopen(\"http://good.test/\").read())'",
            "node -e 'fetch(\"http://good.test/\").then(it => it.text()).then(console.log)'",
            "perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(\"good.test:80\") or die; print $s \"GET / HTTP/1.0\\r\\n\\r\\n\"; print <$s>'",
        ];
        for way in ways {
            let program = way.split_whitespace().find(|it| !it.contains('=')).unwrap();
            if !has(program) {
                continue;
            }
            let output = place.run(&["--allow-host", &allow, "--allow-host", &wild], way);
            assert!(output.said("SERVED"), "{user:?}: {way}: {output:?}");
            assert!(!output.said("blocked"), "{user:?}: {way}: {output:?}");
        }
    }
}

#[test]
fn a_proxy_of_the_caller_is_replaced_by_the_run_s_own() {
    let place = Place::new(users()[0]);
    let allow = format!("good.test=127.0.0.1:{}", place.serve());
    let mut command = place.command(&["--allow-host", &allow], "curl -sS http://good.test/; env");
    let output = command.env("http_proxy", "http://proxy.test:1").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("SERVED"), "{output:?}");
    assert!(text.contains("http_proxy=http://127.128.0.1:3128"), "{output:?}");
}

#[test]
fn what_uploads_and_what_keeps_connections_works() {
    let place = Place::new(users()[0]);
    let allow = format!("good.test=127.0.0.1:{}", place.serve());
    for (way, said) in [
        ("head -c 300000 /dev/zero | curl -sS --data-binary @- http://good.test/", "BODY 300000"),
        ("head -c 300000 /dev/zero | curl -sS -T - http://good.test/up", "BODY 300000"),
        (
            "head -c 300000 /dev/zero | curl -sS -T - -x http://127.128.0.1:3128 http://good.test/up",
            "BODY 300000",
        ),
        (
            "curl -sS http://good.test/1 http://good.test/2 http://good.test/3",
            "SERVED good.test /3",
        ),
        ("curl -sS -I http://good.test/", "200 OK"),
    ] {
        let output = place.run(&["--allow-host", &allow], way);
        assert!(output.said(said), "{way}: {output:?}");
    }
}

/// A server that keeps its connections open although it was asked not to. Who asks again on the same one
/// has to come again, and does.
#[test]
fn a_connection_is_not_kept() {
    let place = Place::new(users()[0]);
    let allow = format!("good.test=127.0.0.1:{}", place.serve_and_stay());
    let ask = "curl -sS -m 9 http://good.test/1 http://good.test/2 http://good.test/3";
    let output = place.run(&["--allow-host", &allow], ask);
    assert_eq!(output.text().matches("SERVED").count(), 3, "{output:?}");
}

#[test]
fn tls_reaches_the_host_that_it_names() {
    for user in users() {
        let place = Place::new(user);
        let Some(server) = TlsServer::start(&place) else { return };
        let allow = format!("good.test=127.0.0.1:{}", server.port);
        let options = ["--allow-host", allow.as_str()];
        for (way, reaches) in [
            ("curl -sSk https://good.test/", true),
            ("curl -sSk -x http://127.128.0.1:3128 https://good.test/", true),
            ("curl -sSk -x socks5h://127.128.0.1:3128 https://good.test/", true),
            // Another name in the greeting, straight and through the proxy.
            ("curl -sSk --connect-to evil.test:443:good.test:443 https://evil.test/", false),
            (
                "curl -sSk -x http://127.128.0.1:3128 --connect-to evil.test:443:good.test:443 https://evil.test/",
                false,
            ),
            (
                "echo | openssl s_client -quiet -connect good.test:443 -servername evil.test; echo GET / | openssl s_client -quiet -connect good.test:443 -servername evil.test",
                false,
            ),
            (
                "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -quiet -connect good.test:443 -noservername",
                false,
            ),
            // What is no TLS at all.
            ("curl -sS --http0.9 http://good.test:443/", false),
        ] {
            let output = place.run(&options, way);
            assert_eq!(output.said("SECRET PAGE"), reaches, "{user:?}: {way}: {output:?}");
            assert_eq!(output.said("blocked"), !reaches, "{user:?}: {way}: {output:?}");
        }
    }
}

/// What a run does with a token that it never has.
#[test]
fn a_secret_is_used_without_being_had() {
    const REAL: &str = "ghp_RealToken1234567890";
    for user in users() {
        let place = Place::new(user);
        let Some(server) = TlsServer::start(&place) else { return };
        let good = format!("good.test=127.0.0.1:{}", server.port);
        let other = format!("other.test=127.0.0.1:{}", server.port);
        let options =
            ["--allow-host", &good, "--allow-host", &other, "--secret", "TOKEN=good.test"];
        let run = |options: &[&str], code: &str| {
            let mut command = place.command(options, code);
            command.env("TOKEN", REAL).env("OTHER", "sk-OtherKey0987654321");
            command.env("SSL_CERT_FILE", place.path("tls/cert"));
            let output = command.output().unwrap();
            let text = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&text).into_owned();
            assert!(!text.contains(REAL), "{user:?}: it came in: {text}");
            let got = std::fs::read_to_string(place.path("tls/got")).unwrap_or_default();
            let _ = std::fs::remove_file(place.path("tls/got"));
            (text, got)
        };
        for (way, said) in [
            ("curl -sS -H \"Authorization: Bearer $TOKEN\" https://good.test/a", "/a Bearer {}"),
            ("curl -sS -u me:$TOKEN https://good.test/b", "/b me:{}"),
            ("curl -sS -d token=$TOKEN https://good.test/c", "token={}"),
            (
                "curl -sS -x http://127.128.0.1:3128 -H \"X-Token: $TOKEN\" https://good.test/d",
                "/d  {}",
            ),
            (
                "python3 -c 'import os, urllib.request as u; print(u.urlopen(u.Request(\"https://good.test/e\", headers={\"X-Token\": os.environ[\"TOKEN\"]})).read())'",
                "/e  {}",
            ),
            (
                "node -e 'fetch(\"https://good.test/f\", {headers: {\"X-Token\": process.env.TOKEN}}).then(it => it.text()).then(console.log)'",
                "/f  {}",
            ),
        ] {
            if !has(way.split(' ').next().unwrap()) {
                continue;
            }
            let (text, got) = run(&options, &format!("echo has $TOKEN; {way}"));
            assert!(got.contains(&said.replace("{}", REAL)), "{user:?}: {way}: {got}: {text}");
            // The host repeats what it was told, and inside it is still what stands for it.
            assert!(text.contains("has ghp_") && text.contains("SECRET PAGE"), "{way}: {text}");
        }
        // In the clear, and to another host, only what stands for it goes out.
        let (text, got) = run(&options, "curl -sSk -H \"X-Token: $TOKEN\" https://other.test/g");
        assert!(got.contains("other.test /g  ghp_") && !got.contains(REAL), "{got}: {text}");
        let both = [&options[..], &["--secret", "OTHER=other.test"]].concat();
        let (text, got) = run(&both, "curl -sS -H \"X-Token: $TOKEN\" https://other.test/h");
        assert!(got.is_empty(), "{got}");
        assert!(text.contains("would get TOKEN, which belongs to good.test"), "{text}");
        // Another host's name inside of what was opened.
        let (text, got) = run(&options, "curl -sS -H 'Host: other.test' https://good.test/i");
        assert!(got.is_empty() && text.contains("asks there for other.test"), "{got}: {text}");
        // A host that cannot show who it is gets nothing.
        let mut command =
            place.command(&options, "curl -sS -H \"X-Token: $TOKEN\" https://good.test/j");
        let output = command.env("TOKEN", REAL).env_remove("SSL_CERT_FILE").output().unwrap();
        assert!(!place.path("tls/got").exists(), "{output:?}");
    }
}

#[test]
fn git_clones_from_an_allowed_host() {
    if !has("git") {
        return;
    }
    let place = Place::new(users()[0]);
    let made = place.outside(
        "git init -q repo && cd repo && git -c user.name=a -c user.email=a@b.test commit -q --allow-empty -m one && git update-server-info",
    );
    assert!(made.status.success(), "{made:?}");
    let port = place.serve_files("repo");
    let allow = format!("git.test=127.0.0.1:{port}");
    let clone = "git clone -q http://git.test/.git copy && git -C copy log --format=%s";
    let output = place.run(&["--allow-host", &allow], clone);
    assert!(output.said("one"), "{output:?}");
    let clone = clone.replace("copy", "other");
    let output = place.run(&["--allow-host", "other.test"], &clone);
    assert!(!output.said("one") && output.said("look up git.test (not in the list"), "{output:?}");
}

/// From the registries themselves, where there is a way to them.
#[test]
fn packages_are_installed_from_their_registries() {
    if std::env::var_os("RINGFENCE_REGISTRIES").is_none() {
        eprintln!("skipped: RINGFENCE_REGISTRIES is not set");
        return;
    }
    let place = Place::new(users()[0]);
    let npm = ["--allow-host", "registry.npmjs.org"];
    let output = place.run(&npm, "npm install --no-audit --no-fund left-pad && ls node_modules");
    assert!(output.said("left-pad"), "{output:?}");
    let pip = ["--allow-host", "pypi.org", "--allow-host", "files.pythonhosted.org"];
    let output = place.run(&pip, "python3 -m pip install -q --target vendor six && ls vendor");
    assert!(output.said("six.py"), "{output:?}");
    let output = place.run(&npm, "python3 -m pip install -q --retries 0 --target other six");
    assert!(output.said("look up pypi.org (not in the list"), "{output:?}");
}

#[test]
fn a_port_of_this_machine_is_reached_only_where_it_is_named() {
    for user in users() {
        let place = Place::new(user);
        let port = place.serve();
        let ask = format!(
            "curl -sS -m5 http://localhost:{port}/; curl -sS -m5 http://127.0.0.1:{port}/; curl -sS -x http://127.128.0.1:3128 http://localhost:{port}/"
        );
        let output = place.run(&["--allow-host-port", &port.to_string()], &ask);
        assert_eq!(output.text().matches("SERVED").count(), 3, "{output:?}");
        let output = place.run(&["--allow-host", "good.test"], &ask);
        assert!(!output.said("SERVED"), "{output:?}");
        assert!(output.said(&format!("allow with --allow-host-port {port}")), "{output:?}");
    }
}

#[test]
fn a_server_inside_is_reached_where_it_is_published() {
    for user in users() {
        let place = Place::new(user);
        let free =
            || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (open, closed) = (free(), free());
        let serve = format!(
            "echo inside > page; python3 -m http.server --bind 127.0.0.1 {closed} & exec python3 -m http.server --bind 127.0.0.1 {open}"
        );
        let mut run = place.command(&["--publish", &open.to_string()], &serve).spawn().unwrap();
        let get = |port: u16| {
            let ask = format!("curl -sS -m5 http://127.0.0.1:{port}/page");
            place.outside(&ask)
        };
        let mut reached = false;
        for _ in 0..100 {
            reached = get(open).said("inside");
            if reached {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let other = get(closed);
        run.kill().unwrap();
        run.wait().unwrap();
        assert!(reached, "{user:?}");
        assert!(!other.said("inside"), "{other:?}");
    }
}

#[test]
fn a_host_has_a_budget() {
    let place = Place::new(users()[0]);
    let allow = format!("good.test=127.0.0.1:{}", place.serve());
    let options = ["--allow-host", &allow, "--send-at-most", "100000"];
    let send = |bytes| {
        format!("head -c {bytes} /dev/zero | curl -sS -m5 --data-binary @- http://good.test/")
    };
    let output = place.run(&options, &format!("{}; {}", send(40000), send(40000)));
    assert_eq!(output.text().matches("BODY 40000").count(), 2, "{output:?}");
    // Together they are too much.
    let output = place.run(&options, &format!("{}; {}", send(60000), send(60000)));
    assert_eq!(output.text().matches("BODY 60000").count(), 1, "{output:?}");
    assert!(
        output.said("more was sent than may be") && output.said("--send-at-most"),
        "{output:?}"
    );
}

#[test]
fn what_happened_is_written_down_and_said() {
    let place = Place::new(users()[0]);
    let allow = format!("good.test=127.0.0.1:{}", place.serve());
    let log = place.path("log");
    let options = ["--allow-host", &allow, "--network-log", log.to_str().unwrap()];
    let output = place.run(
        &options,
        "curl -sS http://good.test/; curl -sS -m5 http://api.evil.test/; curl -sS -m5 http://good.test:22/",
    );
    assert!(output.said("blocked: look up api.evil.test (not in the list"), "{output:?}");
    assert!(output.said("allow with --allow-host api.evil.test"), "{output:?}");
    assert!(output.said("blocked: connect good.test:22 (listed with other ports)"), "{output:?}");
    let log = std::fs::read_to_string(log).unwrap();
    let events: Vec<serde_json::Value> =
        log.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let find = |event: &str, host: &str, allowed: bool| {
        events
            .iter()
            .find(|it| it["event"] == event && it["host"] == host && it["allowed"] == allowed)
    };
    assert!(find("name", "api.evil.test", false).is_some_and(|it| it["why"] == "not in the list"));
    assert!(find("connect", "good.test", true).is_some_and(|it| it["port"] == 80));
    let end = find("end", "good.test", true).unwrap();
    assert!(end["sent"].as_u64() > Some(50) && end["received"].as_u64() > Some(50), "{end}");
}

#[test]
fn what_cannot_be_held_is_refused_before_anything_starts() {
    let place = Place::new(users()[0]);
    for (option, part) in [
        ("127.0.0.1", "an address, not a name"),
        ("0x7f000001", "an address, not a name"),
        ("*.com", "is no host"),
        ("https://good.test", "is no host"),
        ("good.test=169.254.169.254", "never reached"),
    ] {
        let output = place.run(&["--allow-host", option], "echo STARTED");
        assert_eq!(output.status.code(), Some(125), "{option}: {output:?}");
        assert!(output.said(part) && !output.said("STARTED"), "{option}: {output:?}");
    }
    for secret in ["TOKEN", "NOT_SET_ANYWHERE=good.test", "HOME=127.0.0.1", "LANG=good.test"] {
        let mut command = place.command(&["--secret", secret], "echo STARTED");
        let output = command.env("LANG", "C").output().unwrap();
        assert_eq!(output.status.code(), Some(125), "{secret}: {output:?}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = place.run(&["--publish", &port], "echo STARTED");
    assert_eq!(output.status.code(), Some(125), "{output:?}");
    let output = place.run(&["--net", "--allow-host", "good.test"], "echo STARTED");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    // Inside of a run there are no namespaces to be had, and so no port that could be published.
    let inner = format!("{} run --publish 3000 -- echo STARTED; echo code $?", place::PROGRAM);
    let output = place.run(&["--read", place::folder_of_program()], &inner);
    assert!(output.said("code 125") && !output.said("STARTED"), "{output:?}");
    assert!(output.said("hosts can only be told apart"), "{output:?}");
}

/// Where `bwrap` alone may make a network: the proxy is the way out of it, and ports inside are reached too.
#[test]
fn in_a_network_that_bwrap_makes_the_proxy_is_the_only_way_out() {
    for user in users() {
        let place = Place::new(user);
        let served = place.serve();
        let allow = format!("good.test=127.0.0.1:{served}");
        let direct = format!("curl -sS --noproxy \"*\" http://127.0.0.1:{served}/");
        let datagram = "python3 -c 'import socket; socket.socket(2, 2).connect((\"192.0.2.1\", 9)); print(\"REACHED\")'";
        let inside = "python3 -m http.server 8000 --bind 127.0.0.1 & sleep 1; curl -sS http://localhost:8000/ | grep -q listing && echo REACHED";
        for (code, reached) in [
            ("curl -sS http://good.test/", true),
            ("curl -sS http://other.test/", false),
            (&direct, false),
            (datagram, false),
            (inside, true),
        ] {
            let Some(output) = place.run_by_bwrap(&["--allow-host", &allow], code) else {
                continue;
            };
            assert!(output.said("contained with tier B"), "{code}: {output:?}");
            let got = output.said("SERVED") || output.said("REACHED");
            assert_eq!(got, reached, "{code}: {output:?}");
        }
    }
}

/// Where no namespaces are to be had, by nobody: hosts of the list are reached through the proxy, and nothing else is.
#[test]
fn without_namespaces_the_proxy_is_the_only_way_out() {
    for user in users() {
        let place = Place::new(user);
        let served = place.serve();
        let allow = format!("good.test=127.0.0.1:{served}");
        let python = |code: &str| format!("python3 -c 'import socket, os\n{code}'");
        let direct = |to: &str| {
            python(&format!(
                "s = socket.socket(); s.settimeout(2); s.connect({to}); print(\"REACHED\")"
            ))
        };
        let proxy = "os.environ[\"http_proxy\"].rsplit(\":\", 1)[1]";
        let of_python =
            "import urllib.request as u; print(u.urlopen(\"http://good.test/\").read())";
        let at_once = format!(
            "socket.socket().sendto(b\"GET / HTTP/1.0\\r\\n\\r\\n\", 0x20000000, (\"127.0.0.1\", {served})); print(\"REACHED\")"
        );
        let cases = [
            ("curl -sS http://good.test/".to_owned(), true),
            (python(of_python), true),
            ("curl -sS http://other.test/".to_owned(), false),
            (format!("curl -sS --noproxy \"*\" http://127.0.0.1:{served}/"), false),
            (direct(&format!("(\"127.0.0.1\", {served})")), false),
            (direct(&format!("(\"192.0.2.1\", int({proxy}))")), false),
            (direct("(\"192.0.2.1\", 80)"), false),
            (python("socket.socket(2, socket.SOCK_DGRAM); print(\"REACHED\")"), false),
            (python("socket.socket(10, socket.SOCK_DGRAM); print(\"REACHED\")"), false),
            (python("socket.socket(2, socket.SOCK_STREAM, 262); print(\"REACHED\")"), false),
            (python("socket.socket().setsockopt(1, 25, b\"\\0\"); print(\"REACHED\")"), false),
            (python("socket.socket().bind((\"127.0.0.1\", 0)); print(\"REACHED\")"), false),
            (python(&at_once), false),
        ];
        for (code, reached) in cases {
            let output = place.run_without_namespaces(&["--allow-host", &allow], &code);
            assert!(output.said("contained with tier C"), "{user:?}: {code}: {output:?}");
            let got = output.said("SERVED") || output.said("REACHED");
            assert_eq!(got, reached, "{user:?}: {code}: {output:?}");
        }
        let refused = place.run_without_namespaces(&["--publish", "3000"], "echo STARTED");
        assert!(refused.said("out of a network of its own"), "{refused:?}");
        assert!(!refused.said("STARTED"), "{refused:?}");
    }
}

#[test]
fn the_plan_says_what_can_be_reached() {
    let place = Place::new(users()[0]);
    let options = [
        "--allow-host",
        "good.test:8443",
        "--allow-class",
        "package-registry",
        "--publish",
        "3000",
        "--explain",
    ];
    let output = place.run(&options, "true");
    for part in
        ["good.test:8443", "registry.npmjs.org", "localhost:3000, of the run", "webhook-catcher"]
    {
        assert!(output.said(part), "{part}: {output:?}");
    }
}
