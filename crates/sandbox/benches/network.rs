//! What a network of its own costs: the start of `true`, plain and inside without and with ways out, and what
//! goes through to a server of this machine, direct and through the egress, in turn in one run.
//!
//! `cargo bench -p ringfence-sandbox --bench network`. The bars: 6 ms over plain, half of the direct speed,
//! 20 MB in the supervisor.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measurement of its own, which starts programs and reads the clock"
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ringfence_egress::{Allowed, Egress, Rules, Sockets, system_resolver};
use ringfence_sandbox::{Doors, Host, Plan, Profile, Request, Sandbox, Terms, Tier};

const LAUNCH: &str = "ringfence-bench-launch";
const FETCH: &str = "ringfence-bench-fetch";
const ROUNDS: usize = 200;
const TRANSFERS: usize = 5;
const BYTES: usize = 512 << 20;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [LAUNCH, port, rest @ ..] => launch(port, rest),
        [FETCH, host] => fetch(host),
        _ => measure(),
    }
}

/// Runs a command inside; with a port, hosts at that port can be reached.
fn launch(port: &str, command: &[&str]) -> ! {
    let cwd = std::env::current_dir().unwrap();
    let own = std::env::current_exe().unwrap();
    let rows = (port != "0").then(|| format!("good.test:8080=127.0.0.1:{port}"));
    let allowed: Vec<_> = rows.iter().map(|it| Allowed::parse(it).unwrap()).collect();
    let rules = Rules { allowed, ..Rules::default() };
    let doors = (port != "0").then(|| Doors {
        ports: rules.ports(),
        resolvers: Host::resolvers(),
        inbound: false,
    });
    let request = Request {
        workspace: vec![cwd.clone()],
        cwd,
        homes: Host::homes(),
        environment: std::env::vars().collect(),
        read: vec![own.parent().unwrap().to_path_buf()],
        doors,
        ..Request::default()
    };
    let plan = Plan::for_command(&Profile::plain().unwrap(), &request, &Host).unwrap();
    let terms = Terms { require: Some(Tier::A), ..Terms::default() };
    let mut egress = None;
    let mut serve = |sockets: Option<ringfence_sandbox::Sockets>| {
        let Some(sockets) = sockets else { return Ok(()) };
        let ringfence_sandbox::Sockets { names, doors, proxy, .. } = sockets;
        let sockets = Sockets { names, doors, proxy };
        egress = Egress::start(rules.clone(), system_resolver(), sockets, None, |_| {}).ok();
        Ok(())
    };
    let argv: Vec<_> = command.iter().map(Into::into).collect();
    let ended = Sandbox::run_served(&plan, &argv, &terms, &mut |_| {}, &mut serve).unwrap();
    if let Some(egress) = egress {
        egress.finish();
    }
    if command.len() > 1 {
        eprintln!("{}", most_memory());
    }
    std::process::exit(ended.code.into())
}

/// The most memory that this process ever had, in KiB.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Reads everything, and says how many MB a second that was.
fn fetch(place: &str) -> ! {
    let mut stream = TcpStream::connect(place).unwrap();
    stream.write_all(b"\x00").unwrap();
    let (mut buffer, mut all) = (vec![0; 256 << 10], 0);
    let begun = Instant::now();
    while all < BYTES {
        all += stream.read(&mut buffer).unwrap();
    }
    println!("{}", all as f64 / 1e6 / begun.elapsed().as_secs_f64());
    std::process::exit(0)
}

fn serve() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let buffer = vec![0; 256 << 10];
        for mut client in listener.incoming().filter_map(Result::ok) {
            let _ = client.read(&mut [0; 1]);
            for _ in 0..BYTES / buffer.len() {
                client.write_all(&buffer).unwrap();
            }
        }
    });
    port
}

fn measure() {
    let own = std::env::current_exe().unwrap();
    let own = own.to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let port = serve();
    let run = |argv: &[&str]| {
        let mut command = Command::new(argv[0]);
        command.args(&argv[1..]).current_dir(folder.path()).stdin(Stdio::null());
        command.output().unwrap()
    };
    let time = |argv: &[&str]| -> Duration {
        let begun = Instant::now();
        assert!(run(argv).status.success());
        begun.elapsed()
    };
    let port = port.to_string();
    let mut times: [Vec<Duration>; 3] = Default::default();
    for _ in 0..ROUNDS {
        times[0].push(time(&["/bin/true"]));
        times[1].push(time(&[own, LAUNCH, "0", "/bin/true"]));
        times[2].push(time(&[own, LAUNCH, &port, "/bin/true"]));
    }
    println!("start of true, {ROUNDS} times, in ms    p10   median    p90");
    for (name, times) in ["plain", "inside, no network", "inside, ways out"].iter().zip(&mut times)
    {
        println!("{name:<34}{}", shape(times));
    }
    let middle = |times: &[Duration]| times[times.len() / 2].as_secs_f64() * 1000.0;
    let over = middle(&times[2]) - middle(&times[0]);
    println!("over plain, with ways out: {over:.2} ms (bar: 6)");

    let direct = format!("127.0.0.1:{port}");
    let number = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().parse::<f64>().unwrap();
    let (mut plain, mut through, mut memory) = (Vec::new(), Vec::new(), 0.0_f64);
    for _ in 0..TRANSFERS {
        plain.push(number(&run(&[own, FETCH, &direct]).stdout));
        let output = run(&[own, LAUNCH, &port, own, FETCH, "good.test:8080"]);
        through.push(number(&output.stdout));
        memory = memory.max(number(&output.stderr));
    }
    plain.sort_by(f64::total_cmp);
    through.sort_by(f64::total_cmp);
    let (plain, through) = (plain[TRANSFERS / 2], through[TRANSFERS / 2]);
    println!("{} MiB, {TRANSFERS} times, in the middle, in MB/s", BYTES >> 20);
    println!(
        "direct {plain:.0}, through the egress {through:.0}: {:.0} % (bar: 50)",
        through / plain * 100.0
    );
    println!("most memory of the supervisor: {:.1} MB (bar: 20)", memory / 1000.0);
}

fn shape(times: &mut [Duration]) -> String {
    times.sort();
    let at =
        |part: usize| format!("{:6.2}", times[times.len() * part / 100].as_secs_f64() * 1000.0);
    [at(10), at(50), at(90)].join("   ")
}
