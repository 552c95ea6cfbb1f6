//! How long an agent waits for the gate: whole processes, against the start of a program that does
//! nothing.
//!
//! Recorded traffic, or the mix that is built in, is put to `ringfence hook` as an agent puts it: one
//! process per call, one session, in this repository, on a state folder of its own. Runs of the
//! program that does nothing come between them, so that both see the same machine. Where the time
//! goes is told by the process itself, with `hook --timing`, in runs apart: they are not counted.

#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark starts processes, takes the time and throws its folder away"
)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs};

use ringfence_action::Action;
use ringfence_adapters::hook::{CANARY, HookAgent};
use ringfence_testkit::timing::Percentiles;
use ringfence_testkit::traffic;
use serde_json::{Value, json};

use crate::{Failure, files};

const NOTHING: &str = "/bin/true";

/// Parts in the order in which they are shown; a part that is not listed comes last.
const ORDER: [&str; 8] =
    ["start", "message", "state", "bundle", "facts", "decision", "audit", "end"];

/// Measures `binary` over `runs` calls and prints what came of it.
pub(crate) fn run(binary: &Path, runs: usize) -> Result<bool, Failure> {
    if !binary.is_file() {
        let problem = format!(
            "{} is not there; run `cargo build --release --package ringfence-cli` first",
            binary.display()
        );
        return Err(problem.into());
    }
    let folder = env::temp_dir().join(format!("ringfence-hook-bench-{}", std::process::id()));
    let measured = measure(binary, runs, &folder);
    let removed = fs::remove_dir_all(&folder);
    let measured = measured?;
    removed?;
    println!("{}", render(&measured));
    Ok(true)
}

/// How long each agent waits for the gate, for shell commands of the mix, in its own words: a call of each agent
/// in turn, so that all of them see the same machine.
pub(crate) fn agents(binary: &Path, runs: usize) -> Result<bool, Failure> {
    let folder = env::temp_dir().join(format!("ringfence-hook-bench-{}", std::process::id()));
    let measured = in_their_words(binary, runs, &folder);
    let removed = fs::remove_dir_all(&folder);
    let (agents, nothing) = measured?;
    removed?;
    let nothing = Percentiles::of(nothing);
    println!(
        "| {runs} calls each, warm, in turn | median | p99 | over `{NOTHING}` |\n|---|---|---|---|"
    );
    let mut holds = true;
    for (agent, took) in agents {
        let (hook, kind) = (Percentiles::of(took), agent.as_str());
        let over = hook.p50 - nothing.p50;
        println!("| `{kind}` | {:.2} ms | {:.2} ms | **{over:.2} ms** |", hook.p50, hook.p99);
        holds &= over <= MOST_OVER;
    }
    println!("| `{NOTHING}` | {:.2} ms | {:.2} ms | |", nothing.p50, nothing.p99);
    Ok(holds)
}

/// Milliseconds that an agent waits for the gate longer than for a program that does nothing.
const MOST_OVER: f64 = 6.0;

/// So many calls of each agent come first, and are not counted.
const WARM: usize = 20;

/// What each agent waited, in milliseconds, call by call.
type Took = Vec<(HookAgent, Vec<f64>)>;

/// Milliseconds of the hook for each agent, and of a program that does nothing.
fn in_their_words(binary: &Path, runs: usize, folder: &Path) -> Result<(Took, Vec<f64>), Failure> {
    let state = folder.join("state");
    fs::create_dir_all(folder)?;
    let inner = |text: &str| {
        let quoted = json!(text).to_string();
        quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
    };
    let actions = traffic::actions();
    let commands: Vec<&str> =
        actions.iter().filter_map(|action| action.input.get("command")?.as_str()).collect();
    let step = (commands.len() / runs.max(1)).max(1);
    let mut took: Took = HookAgent::ALL.iter().map(|agent| (*agent, Vec::new())).collect();
    let mut nothing = Vec::new();
    let picked = commands.iter().step_by(step).cycle().take(runs + WARM);
    for (index, command) in picked.enumerate() {
        for (agent, took) in &mut took {
            let template = agent.canary(&cwd().to_string_lossy());
            let message = template
                .replace("ringfence-canary", "bench")
                .replace(&inner(CANARY), &inner(command));
            let mut hook = Command::new(binary);
            hook.args(["hook", agent.as_str(), "--state"]).arg(&state).env_clear();
            let waited = wait_for(hook, &message)?;
            if waited.stderr.starts_with("error: ") {
                let (binary, agent) = (binary.display(), agent.as_str());
                return Err(format!("{binary} does not know {agent}").into());
            }
            if index >= WARM {
                took.push(waited.milliseconds);
            }
        }
        let plain = wait_for(Command::new(NOTHING), "")?.milliseconds;
        if index >= WARM {
            nothing.push(plain);
        }
    }
    Ok((took, nothing))
}

/// So many calls of one session at the same time, a few rounds of it: how long they wait for each other.
pub(crate) fn parallel(binary: &Path, at_once: usize) -> Result<bool, Failure> {
    let folder = env::temp_dir().join(format!("ringfence-hook-bench-{}", std::process::id()));
    let waits = waits(binary, at_once, &folder);
    let removed = fs::remove_dir_all(&folder);
    let waits = waits?;
    removed?;
    println!(
        "| {at_once} calls at once | wait for the session, median | p99 | longest | wait for the log, and \
         written there, median | longest | until all are answered |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (round, Round { waited, written, took }) in waits.iter().enumerate() {
        let (all, written) = (Percentiles::of(waited.clone()), Percentiles::of(written.clone()));
        let (count, p50, p99, max) = (all.count, all.p50, all.p99, all.max);
        println!(
            "| round {}: {count} waits | {p50:.2} ms | {p99:.2} ms | {max:.2} ms | {:.2} ms | {:.2} ms | {took:.0} ms |",
            round + 1,
            written.p50,
            written.max,
        );
    }
    let all = waits.iter().flat_map(|round| round.waited.iter().chain(&round.written));
    Ok(all.copied().all(|waited| waited <= LONGEST_WAIT))
}

/// What came of so many calls at once, in milliseconds.
struct Round {
    /// How long each waited for its session, all tries together, as the log tells.
    waited: Vec<f64>,
    /// How long each took to wait for the log and to write to it.
    written: Vec<f64>,
    /// Until all of them were answered.
    took: f64,
}

/// Milliseconds that one call may wait for the others of its session.
const LONGEST_WAIT: f64 = 50.0;

const ROUNDS: usize = 5;

fn waits(binary: &Path, at_once: usize, folder: &Path) -> Result<Vec<Round>, Failure> {
    let state = folder.join("state");
    fs::create_dir_all(folder)?;
    let hook = || {
        let mut command = Command::new(binary);
        command.args(["hook", "claude-code", "--timing", "--state"]).arg(&state).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    wait_for(hook(), &start_of_session())?;
    let mut rounds = Vec::new();
    let mut seen = 0;
    for _ in 0..ROUNDS {
        let messages = messages(at_once);
        // All of them have started, and wait for their message.
        let mut children = Vec::new();
        for _ in &messages {
            children.push(hook().spawn()?);
        }
        let started = Instant::now();
        for (child, message) in children.iter_mut().zip(&messages) {
            let mut stdin = child.stdin.take().ok_or("no standard input")?;
            stdin.write_all(message.before.as_bytes())?;
        }
        let mut written = Vec::new();
        for child in children {
            let output = child.wait_with_output()?;
            let (_, parts) = told(&String::from_utf8_lossy(&output.stderr))?;
            written.extend(parts.into_iter().filter(|(part, _)| part == "audit").map(|it| it.1));
        }
        let took = started.elapsed().as_secs_f64() * 1e3;
        let log = Command::new(binary)
            .args(["audit", "tail", "-n", "100000", "--json"])
            .env("RINGFENCE_STATE", &state)
            .output()?;
        let text = String::from_utf8_lossy(&log.stdout).into_owned();
        let entries = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let waited = entries.filter_map(|entry| entry.get("waited_us")?.as_f64());
        let all: Vec<f64> = waited.map(|us| us / 1e3).collect();
        rounds.push(Round { waited: all.iter().skip(seen).copied().collect(), written, took });
        seen = all.len();
        for message in &messages {
            wait_for(hook(), &message.returned)?;
            seen += 1;
        }
    }
    Ok(rounds)
}

/// Milliseconds, one value for each run.
struct Measured {
    hook: Vec<f64>,
    nothing: Vec<f64>,
    parts: BTreeMap<String, Vec<f64>>,
}

fn measure(binary: &Path, runs: usize, folder: &Path) -> Result<Measured, Failure> {
    let state = folder.join("state");
    fs::create_dir_all(folder)?;
    let messages = messages(runs);
    let hook = |timing: bool| {
        let mut command = Command::new(binary);
        command.args(["hook", "claude-code", "--state"]).arg(&state).env_clear();
        if timing {
            command.arg("--timing");
        }
        command
    };
    wait_for(hook(false), &start_of_session())?;
    for message in messages.iter().take(20) {
        wait_for(hook(false), &message.before)?;
        wait_for(Command::new(NOTHING), "")?;
    }
    let mut measured = Measured { hook: Vec::new(), nothing: Vec::new(), parts: BTreeMap::new() };
    for message in &messages {
        measured.hook.push(wait_for(hook(false), &message.before)?.milliseconds);
        measured.nothing.push(wait_for(Command::new(NOTHING), "")?.milliseconds);
        let told = wait_for(hook(true), &message.before)?;
        for (part, milliseconds) in told.parts()? {
            measured.parts.entry(part).or_default().push(milliseconds);
        }
        // The call comes back, as calls do: what was decided is not kept for ever.
        wait_for(hook(false), &message.returned)?;
    }
    Ok(measured)
}

/// One process, from its start to its end.
pub(crate) struct Waited {
    pub(crate) milliseconds: f64,
    began: f64,
    ended: f64,
    pub(crate) stdout: String,
    stderr: String,
}

pub(crate) fn wait_for(mut command: Command, input: &str) -> Result<Waited, Failure> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (began, started) = (now(), Instant::now());
    let mut child = command.spawn()?;
    // A program that does nothing does not read either.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output()?;
    let milliseconds = started.elapsed().as_secs_f64() * 1e3;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    Ok(Waited { milliseconds, began, ended: now(), stdout, stderr })
}

/// Milliseconds since 1970, as the hook tells its own.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64() * 1e3)
}

impl Waited {
    /// Where the time went: what the process told, with what came before and after it could tell.
    fn parts(&self) -> Result<Vec<(String, f64)>, Failure> {
        let ([began, ended], mut parts) = told(&self.stderr)?;
        parts.push(("start".to_owned(), began - self.began));
        parts.push(("end".to_owned(), self.ended - ended));
        Ok(parts)
    }
}

/// When a process began and ended, since 1970, and where its time went, part by part; milliseconds.
type Times = ([f64; 2], Vec<(String, f64)>);

/// What a process tells of its own time.
fn told(stderr: &str) -> Result<Times, Failure> {
    let line = stderr.lines().rev().find_map(|line| line.strip_prefix("timing: "));
    let line = line.ok_or_else(|| format!("no timing in `{stderr}`"))?;
    let told: Value = serde_json::from_str(line)?;
    let number = |name: &str| told.get(name).and_then(Value::as_f64);
    let (began, ended) = number("began_us").zip(number("ended_us")).ok_or("no times told")?;
    let parts = told.get("parts_us").and_then(Value::as_object).into_iter().flatten();
    let parts = parts.map(|(part, us)| (part.clone(), us.as_f64().unwrap_or_default() / 1e3));
    Ok(([began / 1e3, ended / 1e3], parts.collect()))
}

fn render(measured: &Measured) -> String {
    let (hook, nothing) =
        (Percentiles::of(measured.hook.clone()), Percentiles::of(measured.nothing.clone()));
    let mut text = format!(
        "| {} runs each, warm, in turn | median | p99 |\n|---|---|---|\n\
         | `ringfence hook` | {:.2} ms | {:.2} ms |\n| `{NOTHING}` | {:.2} ms | {:.2} ms |\n\
         | over plain process start | **{:.2} ms** | |\n",
        hook.count,
        hook.p50,
        hook.p99,
        nothing.p50,
        nothing.p99,
        hook.p50 - nothing.p50,
    );
    let place = |part: &String| ORDER.iter().position(|known| known == part).unwrap_or(usize::MAX);
    let mut parts: Vec<_> = measured.parts.iter().collect();
    parts.sort_by_key(|(part, _)| place(part));
    // What a session has been through must not make its next call slower.
    let ends = measured.hook.first_chunk::<100>().zip(measured.hook.last_chunk::<100>());
    if let Some((first, last)) = ends.filter(|_| measured.hook.len() >= 200) {
        let [first, last] = [first, last].map(|calls| Percentiles::of(calls.to_vec()).p50);
        text += &format!(
            "| first 100 calls, last 100, and how many times as long | {first:.2} ms, {last:.2} ms | {:.2} |\n",
            last / first
        );
    }
    for (part, values) in parts {
        let all = Percentiles::of(values.clone());
        text += &format!("| of which {part} | {:.2} ms | {:.2} ms |\n", all.p50, all.p99);
    }
    text
}

/// Calls spread over the whole mix, as Claude Code puts them.
fn messages(count: usize) -> Vec<Message> {
    let actions = traffic::actions();
    let step = (actions.len() / count.max(1)).max(1);
    let picked = actions.iter().step_by(step).cycle().take(count).enumerate();
    picked.map(|(index, action)| message(index, action)).collect()
}

/// What an agent says before a call and after it.
struct Message {
    before: String,
    returned: String,
}

fn message(index: usize, action: &Action) -> Message {
    let event = |name: &str| {
        json!({
            "hook_event_name": name, "session_id": "bench", "cwd": cwd(),
            "transcript_path": "", "permission_mode": "default",
            "tool_name": action.tool, "tool_input": action.input, "tool_response": {},
            "tool_use_id": format!("call-{index}"),
        })
    };
    Message { before: event("PreToolUse").to_string(), returned: event("PostToolUse").to_string() }
}

fn start_of_session() -> String {
    let event = json!({
        "hook_event_name": "SessionStart", "session_id": "bench", "cwd": cwd(),
        "transcript_path": "", "source": "startup",
    });
    event.to_string()
}

fn cwd() -> PathBuf {
    // An agent names its folder in full.
    let root = files::root();
    root.canonicalize().unwrap_or(root)
}
