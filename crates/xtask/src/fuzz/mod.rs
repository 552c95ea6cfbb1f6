//! A smoke of every fuzz target without a nightly compiler: seeds are commands and programs that the
//! repository has anyway, changed at random. What was seen here before is reached in seconds; what is
//! new is for `cargo fuzz`, which knows which inputs reach new code.
//!
//! Each target runs in a process of its own, beside the others. An input that panics, ends the process,
//! takes too long or holds too much is a finding: it is kept in a file, and the target goes on with
//! other inputs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::files;

pub(crate) mod random;
mod seeds;
#[path = "../../../../fuzz/targets.rs"]
mod targets;

use random::Random;
use targets::TARGETS;

/// One input that takes more processor time is a finding, without optimisation too.
const TOO_LONG: Duration = Duration::from_secs(4);
/// One input after which the process holds more is a finding.
const TOO_MUCH_KIB: u64 = 512 << 10;
/// How often time and memory are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Findings of one target after which it does not go on.
const ENOUGH: u64 = 3;
/// Where inputs are kept that something was found with.
const FOLDER: &str = "target/fuzz-smoke";

/// Runs every target for so long, all of them side by side. True if nothing was found.
pub(crate) fn run(seconds: u64, seed: u64) -> Result<bool, Failure> {
    let program = std::env::current_exe()?;
    let findings = thread::scope(|scope| {
        let targets = TARGETS.iter().map(|(name, _)| {
            let program = &program;
            scope.spawn(move || until_done(program, name, seconds, seed))
        });
        let targets: Vec<_> = targets.collect();
        targets.into_iter().map(|target| target.join().unwrap_or(1)).sum::<u64>()
    });
    Ok(findings == 0)
}

/// Starts the target again after each finding, until the time is over. Returns how many there were.
fn until_done(program: &std::path::Path, name: &str, seconds: u64, seed: u64) -> u64 {
    let start = now();
    let mut findings = 0;
    while findings < ENOUGH {
        let left = seconds.saturating_sub(start.elapsed().as_secs()).max(1);
        #[expect(clippy::disallowed_methods, reason = "an input may end the whole process")]
        let ran = Command::new(program)
            .args(["fuzz-smoke", "--target", name])
            .args(["--seconds", &left.to_string()])
            .args(["--seed", &seed.wrapping_add(findings).to_string()])
            .status();
        match ran {
            Ok(status) if status.success() => break,
            Ok(status) => {
                if status.code() != Some(1) {
                    // Not written over by what comes next.
                    let kept = format!("{FOLDER}/{name}-ended-{findings}");
                    files::keep(&files::root().join(running(name)), &kept);
                    println!("{name}: the process ends ({status}); its input is kept in {kept}");
                }
                findings += 1;
            }
            Err(error) => {
                println!("{name}: {error}");
                return findings + 1;
            }
        }
        if start.elapsed().as_secs() >= seconds {
            break;
        }
    }
    findings
}

fn running(name: &str) -> String {
    format!("{FOLDER}/{name}-running")
}

/// Runs one target in this process. True if nothing was found.
pub(crate) fn run_one(name: &str, seconds: u64, seed: u64) -> Result<bool, Failure> {
    let (name, target) =
        *TARGETS.iter().find(|(known, _)| *known == name).ok_or("there is no such target")?;
    let seeds = seeds::of(name)?;
    // What ends the whole process is found in this file.
    let mut file = files::Scratch::create(&running(name))?;
    let current: Mutex<Vec<u8>> = Mutex::default();
    let (runs, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let mut random = Random::new(seed);
    let start = now();
    let found = thread::scope(|scope| {
        scope.spawn(|| watch(name, &current, &runs, &done));
        let found = loop {
            if start.elapsed().as_secs() >= seconds {
                break None;
            }
            let input = random.input(&seeds);
            file.replace(&input);
            current.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&input);
            runs.fetch_add(1, Ordering::Release);
            if catch_unwind(AssertUnwindSafe(|| target(&input))).is_err() {
                break Some(input);
            }
        };
        done.store(1, Ordering::Release);
        found
    });
    let runs = runs.into_inner();
    match found {
        None => println!("{name}: {runs} inputs, nothing found"),
        Some(input) => finding(name, &format!("input {runs} panics"), &input),
    }
    Ok(start.elapsed().as_secs() >= seconds)
}

/// Ends the process, with a finding, when one input takes too long or holds too much.
fn watch(name: &str, current: &Mutex<Vec<u8>>, runs: &AtomicU64, done: &AtomicU64) {
    let (mut seen, mut began) = (0, 0.0);
    while done.load(Ordering::Acquire) == 0 {
        thread::sleep(LOOK);
        let spent = files::processor_seconds();
        let run = runs.load(Ordering::Acquire);
        if run != seen {
            (seen, began) = (run, spent);
        }
        let held = files::held_kib();
        let problem = if spent - began > TOO_LONG.as_secs_f64() {
            format!("input {run} takes more than {TOO_LONG:?}")
        } else if held > TOO_MUCH_KIB {
            format!("with input {run} the process holds {held} KiB")
        } else {
            continue;
        };
        let input = current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        finding(name, &problem, &input);
        #[expect(
            clippy::disallowed_methods,
            reason = "the thread that hangs cannot be ended by itself"
        )]
        std::process::exit(1);
    }
}

/// Says what was found, and keeps the input.
fn finding(name: &str, problem: &str, input: &[u8]) {
    let path = format!("{FOLDER}/{name}-{}", input.len());
    files::keep_bytes(&path, input);
    println!("{name}: {problem}; kept in {path}: {:?}", String::from_utf8_lossy(input));
}

/// Writes what fuzzing begins with, as `cargo fuzz` takes it: `fuzz/corpus/TARGET/N`.
pub(crate) fn write_seeds() -> Result<bool, Failure> {
    for (name, _) in TARGETS {
        let seeds = seeds::of(name)?;
        for (index, seed) in seeds.iter().enumerate() {
            files::write(&format!("fuzz/corpus/{name}/{index}"), seed)?;
        }
        println!("{name}: {} seeds", seeds.len());
    }
    Ok(true)
}

#[expect(clippy::disallowed_methods, reason = "how long an input takes is what is looked at")]
fn now() -> Instant {
    Instant::now()
}
