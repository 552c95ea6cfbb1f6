//! How much the daemon bears: decisions a second with the log written, how long one is waited for, how many
//! watch meanwhile, and what memory that takes.
//!
//! The daemon is the real process, asked over its socket by connections that stay open. Whoever asks takes
//! processor time as well: on a machine with two cores, what is measured is both.

#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark starts what it measures, in a folder of its own"
)]

pub(crate) mod load;

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

use ringfence_record::StateFolder;
use ringfence_record::log::{Durability, Entry, Log};
use ringfence_testkit::timing::Percentiles;
use serde_json::{Map, Value, json};

use self::load::{Asking, ask_while, bodies, count_until, read_until, watch};
use crate::{Failure, hook_bench};

/// What is asked for.
pub(crate) struct Load {
    pub(crate) binary: PathBuf,
    pub(crate) seconds: u64,
    pub(crate) connections: usize,
    pub(crate) watchers: usize,
    pub(crate) entries: u64,
    pub(crate) hooks: usize,
    /// Whether no two sessions are told the same: what was read of a message helps nobody else.
    pub(crate) own_words: bool,
}

/// The bars.
const A_SECOND: f64 = 5_000.0;
const P99_MS: f64 = 10.0;
const MEMORY_MB: u64 = 150;
const HOOK_MS: f64 = 3.0;

pub(crate) struct Daemon {
    process: Child,
    port: u16,
    pub(crate) socket: PathBuf,
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
    let daemon = start(&load.binary, folder)?;
    wait_until_indexed(&daemon, load.entries)?;
    let idle = memory(daemon.process.id(), "VmRSS");
    let hooks = hooks(load, folder)?;
    let token = token(load, folder)?;
    let bodies = bodies()?;
    let (over, bytes, looked_at) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let watching: Vec<TcpStream> =
        (0..load.watchers).filter_map(|_| watch(&daemon, &token).ok()).collect();
    let (times, took, spent, own, counted) = thread::scope(|scope| {
        let (over, bytes, looked_at) = (&over, &bytes, &looked_at);
        // One looks into what it is sent; the others are sent the same.
        let (first, others) = watching.split_first().unzip();
        let counting = first.map(|it| scope.spawn(move || count_until(it, over, looked_at)));
        for socket in others.unwrap_or_default() {
            scope.spawn(move || read_until(socket, over, bytes));
        }
        let began = Instant::now();
        let (daemon_before, own_before) = (cpu(daemon.process.id()), cpu(std::process::id()));
        let until = began + Duration::from_secs(load.seconds);
        let asking: Vec<_> = (0..load.connections)
            .map(|number| {
                let (socket, bodies, every) = (&daemon.socket, &bodies, Duration::ZERO);
                let own_words = load.own_words;
                let asking = Asking { socket, number, bodies, own_words, every };
                scope.spawn(move || ask_while(asking, &|| Instant::now() < until))
            })
            .collect();
        let times: Vec<Result<Vec<f64>, String>> = asking
            .into_iter()
            .map(|it| it.join().unwrap_or_else(|_| Err("a connection stopped".to_owned())))
            .collect();
        let took = began.elapsed();
        let spent = cpu(daemon.process.id()) - daemon_before;
        let own = cpu(std::process::id()) - own_before;
        // What was recorded last is sent within a few of its looks.
        thread::sleep(Duration::from_millis(300));
        over.store(true, Ordering::SeqCst);
        for socket in &watching {
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
        let counted = counting.and_then(|it| it.join().ok()).unwrap_or_default();
        (times.into_iter().collect::<Result<Vec<_>, _>>(), took, spent, own, counted)
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
        "| decisions for a second of the daemon's processor time; of that, for each | {:.0}; {:.0} us | |",
        decided / spent,
        spent / decided * 1e6
    );
    // Entries are more than decisions: what was said is one, too.
    let [entries, missing] = counted;
    let each = bytes.load(Ordering::SeqCst) as f64 / load.watchers.saturating_sub(1).max(1) as f64;
    println!(
        "| who watches; entries that reached the first by now, missing between; bytes that reached each of the others, of its | {}; {entries}, {missing}; {:.0} % | 200 |",
        load.watchers,
        each / (looked_at.load(Ordering::SeqCst) as f64).max(1.0) * 100.0
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

fn command(binary: &Path, folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(binary);
    command.args(args).env_clear().env("HOME", folder);
    command.env("RINGFENCE_STATE", folder.join("state"));
    command.env("RINGFENCE_CONFIG", folder.join("config"));
    command.stdin(Stdio::null());
    command
}

/// Starts the daemon, with its folders in this one.
pub(crate) fn start(binary: &Path, folder: &Path) -> Result<Daemon, Failure> {
    let mut serve = command(binary, folder, &["serve", "--listen", "127.0.0.1:0", "--json"]);
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
    let output = command(&load.binary, folder, &["serve", "--token"]).output()?;
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

/// Milliseconds of hooks with the daemon, of hooks without, and of a program that does nothing, in turn.
fn hooks(load: &Load, folder: &Path) -> Result<[Vec<f64>; 3], Failure> {
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for number in 0..load.hooks {
        let event = json!({"session_id": "hooks", "hook_event_name": "PreToolUse", "cwd": folder,
            "tool_name": "Bash", "tool_use_id": format!("c{number}"),
            "tool_input": {"command": format!("git diff --stat HEAD~{number}")}});
        let hook = |state| hook(&load.binary, folder, state);
        let commands = [hook("state"), hook("alone"), Command::new("/bin/true")];
        for (times, command) in times.iter_mut().zip(commands) {
            times.push(hook_bench::wait_for(command, &event.to_string())?.milliseconds);
        }
    }
    Ok(times)
}

/// A hook that works with this state in this folder.
pub(crate) fn hook(binary: &Path, folder: &Path, state: &str) -> Command {
    let mut hook = Command::new(binary);
    hook.args(["hook", "claude-code", "--state"]).arg(folder.join(state)).arg("--config");
    hook.arg(folder.join("config")).arg("--home").arg(folder).env_clear();
    hook
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
