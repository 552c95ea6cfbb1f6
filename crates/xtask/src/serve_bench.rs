//! How much the daemon bears: decisions a second with the log written, how long one is waited for, how many
//! watch meanwhile, and what memory that takes.
//!
//! The daemon is the real process, asked over its socket by connections that stay open. Whoever asks takes
//! processor time as well: on a machine with two cores, what is measured is both.

#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark starts what it measures, in a folder of its own"
)]

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ringfence_action::Action;
use ringfence_record::StateFolder;
use ringfence_record::log::{Durability, Entry, Log};
use ringfence_testkit::timing::Percentiles;
use ringfence_testkit::traffic;
use serde_json::{Map, Value, json};

use crate::{Failure, hook_bench};

/// What is asked for.
pub(crate) struct Load {
    pub(crate) binary: PathBuf,
    pub(crate) seconds: u64,
    pub(crate) connections: usize,
    pub(crate) watchers: usize,
    pub(crate) entries: u64,
    pub(crate) hooks: usize,
}

/// The bars.
const A_SECOND: f64 = 5_000.0;
const P99_MS: f64 = 10.0;
const MEMORY_MB: u64 = 150;
const HOOK_MS: f64 = 3.0;

struct Daemon {
    process: Child,
    port: u16,
    socket: PathBuf,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Measures, and prints a table. False where a bar is missed.
pub(crate) fn run(load: &Load) -> Result<bool, Failure> {
    let folder = env::temp_dir().join(format!("ringfence-serve-bench-{}", std::process::id()));
    let measured = measure(load, &folder);
    let removed = fs::remove_dir_all(&folder);
    let holds = measured?;
    removed?;
    Ok(holds)
}

fn measure(load: &Load, folder: &Path) -> Result<bool, Failure> {
    fs::create_dir_all(folder)?;
    let state = StateFolder::open(folder.join("state"))?;
    fill(&state, load.entries)?;
    let daemon = start(load, folder)?;
    wait_until_indexed(&daemon, load.entries)?;
    let idle = memory(daemon.process.id(), "VmRSS");
    let hooks = hooks(load, folder)?;
    let token = token(load, folder)?;
    let bodies = bodies()?;
    let (over, seen) = (AtomicBool::new(false), AtomicU64::new(0));
    let watching: Vec<TcpStream> =
        (0..load.watchers).filter_map(|_| watch(&daemon, &token).ok()).collect();
    let (times, took, spent, own) = thread::scope(|scope| {
        for socket in &watching {
            let (over, seen) = (&over, &seen);
            scope.spawn(move || read_until(socket, over, seen));
        }
        let began = Instant::now();
        let (daemon_before, own_before) = (cpu(daemon.process.id()), cpu(std::process::id()));
        let until = began + Duration::from_secs(load.seconds);
        let asking: Vec<_> = (0..load.connections)
            .map(|number| {
                let (socket, bodies) = (&daemon.socket, &bodies);
                scope.spawn(move || ask_until(socket, number, bodies, until))
            })
            .collect();
        let times: Vec<Result<Vec<f64>, String>> = asking
            .into_iter()
            .map(|it| it.join().unwrap_or_else(|_| Err("a connection stopped".to_owned())))
            .collect();
        let took = began.elapsed();
        let spent = cpu(daemon.process.id()) - daemon_before;
        let own = cpu(std::process::id()) - own_before;
        over.store(true, Ordering::SeqCst);
        for socket in &watching {
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
        (times.into_iter().collect::<Result<Vec<_>, _>>(), took, spent, own)
    });
    let times = times?.concat();
    let decided = times.len() as f64;
    let rate = times.len() as f64 / took.as_secs_f64();
    let times = Percentiles::of(times);
    let (now, most) = (memory(daemon.process.id(), "VmRSS"), memory(daemon.process.id(), "VmHWM"));
    println!("| what | measured | bar |\n|---|---|---|");
    println!(
        "| decisions a second, log written, {} connections | {rate:.0} | {A_SECOND:.0} |",
        load.connections
    );
    println!(
        "| p50, p99, longest | {:.2} ms, {:.2} ms, {:.1} ms | p99 {P99_MS:.0} ms |",
        times.p50, times.p99, times.max
    );
    println!(
        "| processor time, of {:.1} s on {} processors: the daemon; who asks and watches | {:.0} %; {:.0} % | |",
        took.as_secs_f64(),
        thread::available_parallelism().map_or(1, usize::from),
        spent / took.as_secs_f64() * 100.0,
        own / took.as_secs_f64() * 100.0
    );
    println!(
        "| decisions for a second of the daemon's processor time | {:.0} | |",
        decided / spent
    );
    let reached = seen.load(Ordering::SeqCst) as f64 / load.watchers.max(1) as f64;
    println!(
        "| who watches; of the entries, as many reached each of them meanwhile | {}; {:.0} % | 200 |",
        load.watchers,
        reached / decided.max(1.0) * 100.0
    );
    println!(
        "| memory with {} entries at rest, after, at most | {idle} MB, {now} MB, {most} MB | {MEMORY_MB} MB |",
        load.entries
    );
    let [with, without, plain] = hooks.map(Percentiles::of);
    println!(
        "| hook over plain start, median; without the daemon | {:.2} ms; {:.2} ms | {HOOK_MS:.0} ms |",
        with.p50 - plain.p50,
        without.p50 - plain.p50
    );
    Ok(with.p50 - plain.p50 <= HOOK_MS
        && rate >= A_SECOND
        && times.p99 <= P99_MS
        && most <= MEMORY_MB)
}

/// A log as long as that of months.
fn fill(state: &StateFolder, count: u64) -> Result<(), Failure> {
    let log = Log::open(state, Durability::Process)?;
    for batch in 0..count.div_ceil(1_000) {
        let entries = (0..1_000.min(count - batch * 1_000)).map(|number| {
            let session = format!("past-{}", (batch * 1_000 + number) % 5_000);
            let command = format!("cargo test --package part-{number} && git status");
            let fields = json!({
                "agent": "claude-code", "session": session, "event": "PreToolUse",
                "action": {"tool": "Bash", "input": {"command": command}, "cwd": "/home/u/proj"},
                "decision": {"verdict": "allow", "code": "default", "rules": [], "effects": []},
            });
            let fields = match fields {
                Value::Object(fields) => fields,
                _ => Map::new(),
            };
            Entry { kind: "decision", fields }
        });
        log.append_all("2026-01-01T00:00:00Z", entries.collect())?;
    }
    Ok(())
}

fn command(load: &Load, folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(&load.binary);
    command.args(args).env_clear().env("HOME", folder);
    command.env("RINGFENCE_STATE", folder.join("state"));
    command.env("RINGFENCE_CONFIG", folder.join("config"));
    command.stdin(Stdio::null());
    command
}

fn start(load: &Load, folder: &Path) -> Result<Daemon, Failure> {
    let mut serve = command(load, folder, &["serve", "--listen", "127.0.0.1:0", "--json"]);
    let mut process = serve.stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    let out = process.stdout.take().ok_or("the daemon says nothing")?;
    BufReader::new(out).read_line(&mut line)?;
    let daemon = |port| Daemon { process, port, socket: folder.join("state/serve.sock") };
    let said: Value = serde_json::from_str(&line)?;
    let url = said.get("url").and_then(Value::as_str).unwrap_or_default();
    let place = url.split("/#").next().and_then(|place| place.rsplit(':').next());
    Ok(daemon(place.and_then(|port| port.parse().ok()).ok_or("the daemon names no port")?))
}

fn token(load: &Load, folder: &Path) -> Result<String, Failure> {
    let output = command(load, folder, &["serve", "--token"]).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// What is in the database counts for the memory.
fn wait_until_indexed(daemon: &Daemon, entries: u64) -> Result<(), Failure> {
    loop {
        let mut socket = UnixStream::connect(&daemon.socket)?;
        socket
            .write_all(b"GET /api/v1/metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
        let mut text = String::new();
        socket.read_to_string(&mut text)?;
        let name = "ringfence_log_entries_indexed ";
        let count = text.lines().find_map(|line| line.strip_prefix(name)?.parse::<u64>().ok());
        if count.unwrap_or_default() >= entries {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(500));
    }
}

/// Recorded traffic, where there is some: as JSON, but for the session, which comes in front of it.
fn bodies() -> Result<Vec<String>, Failure> {
    let body = |action: &Action| {
        let text = serde_json::to_string(&Action { session: None, ..action.clone() })?;
        Ok(text.strip_prefix('{').unwrap_or_default().to_owned())
    };
    traffic::actions().iter().take(5_000).map(body).collect()
}

fn ask_until(
    socket: &Path,
    number: usize,
    bodies: &[String],
    until: Instant,
) -> Result<Vec<f64>, String> {
    let text = |error: std::io::Error| error.to_string();
    let mut socket = UnixStream::connect(socket).map_err(text)?;
    let mut answers = BufReader::new(socket.try_clone().map_err(text)?);
    let mut times = Vec::new();
    for (index, body) in bodies.iter().cycle().skip(number * 97).enumerate() {
        if Instant::now() >= until {
            break;
        }
        let body = format!("{{\"session\":\"b{number}-{}\",{body}", index / 100);
        let request = format!(
            "POST /api/v1/decide HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let began = Instant::now();
        socket.write_all(request.as_bytes()).map_err(text)?;
        let (code, _) = read_answer(&mut answers).map_err(text)?;
        if code != 200 {
            return Err(format!("the daemon answered {code}"));
        }
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}

fn read_answer(from: &mut impl BufRead) -> std::io::Result<(u16, Vec<u8>)> {
    let (mut line, mut fields) = (String::new(), BTreeMap::new());
    from.read_line(&mut line)?;
    let code = line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
    loop {
        line.clear();
        from.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        fields.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = fields.get("content-length").and_then(|it| it.parse().ok()).unwrap_or_default();
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok((code, body))
}

fn watch(daemon: &Daemon, token: &str) -> std::io::Result<TcpStream> {
    let mut socket = TcpStream::connect(("127.0.0.1", daemon.port))?;
    write!(
        socket,
        "GET /api/v1/live HTTP/1.1\r\nhost: localhost:{}\r\nauthorization: Bearer {token}\r\n\r\n",
        daemon.port
    )?;
    Ok(socket)
}

/// Reads what is sent, and counts the entries in it.
fn read_until(mut socket: &TcpStream, over: &AtomicBool, seen: &AtomicU64) {
    let mut part = vec![0; 64 << 10];
    while !over.load(Ordering::SeqCst) {
        let Ok(count @ 1..) = socket.read(&mut part) else { return };
        let part = part.get(..count).unwrap_or_default();
        let entries = part.windows(2).filter(|it| *it == b"\n\n").count();
        seen.fetch_add(entries as u64, Ordering::Relaxed);
    }
}

/// Milliseconds of hooks with the daemon, of hooks without, and of a program that does nothing, in turn.
fn hooks(load: &Load, folder: &Path) -> Result<[Vec<f64>; 3], Failure> {
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for number in 0..load.hooks {
        let event = json!({"session_id": "hooks", "hook_event_name": "PreToolUse", "cwd": folder,
            "tool_name": "Bash", "tool_use_id": format!("c{number}"),
            "tool_input": {"command": format!("git diff --stat HEAD~{number}")}});
        let hook = |state: &str| {
            let mut hook = Command::new(&load.binary);
            hook.args(["hook", "claude-code", "--state"]).arg(folder.join(state)).arg("--config");
            hook.arg(folder.join("config")).arg("--home").arg(folder).env_clear();
            hook
        };
        let commands = [hook("state"), hook("alone"), Command::new("/bin/true")];
        for (times, command) in times.iter_mut().zip(commands) {
            times.push(hook_bench::wait_for(command, &event.to_string())?.milliseconds);
        }
    }
    Ok(times)
}

/// Seconds of processor time that a process has had.
fn cpu(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in brackets, may have blanks in it.
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11).take(2);
    // The kernel tells it to everybody in hundredths.
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Megabytes of a process.
fn memory(pid: u32, what: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    let kilobytes = line.and_then(|it| it.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1024
}
