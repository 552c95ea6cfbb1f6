//! A smoke of every fuzz target without a nightly compiler: seeds are commands that the repository
//! has anyway, changed at random. What was seen here before is reached in seconds; what is new is for
//! `cargo fuzz`, which knows which inputs reach new code.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::files;

#[path = "../../../fuzz/targets.rs"]
mod targets;

use targets::TARGETS;

/// One input that takes longer is a failure, on a busy machine and without optimisation too.
const TOO_LONG: Duration = Duration::from_secs(20);
/// Longer inputs are cut.
const BYTES: usize = 8 << 10;
/// Words that mean something to a parser.
const TOKENS: [&str; 40] = [
    "$(",
    ")",
    "`",
    "\"",
    "'",
    "${",
    "}",
    "((",
    "))",
    "<<E\n",
    "\nE\n",
    ";",
    "|",
    "&&",
    "||",
    "&",
    "if ",
    "then ",
    "fi",
    "do ",
    "done",
    "case x in ",
    "esac",
    "[[ ",
    " ]]",
    "{ ",
    "\\",
    "$'",
    "<(",
    "=(",
    "a=(",
    "x[",
    "]",
    "#",
    "\n",
    " ",
    "--",
    "-",
    "\u{202e}",
    "\0",
];

/// Runs every target for so long, as many at a time as there are cores. True if nothing was found.
pub(crate) fn run(seconds: u64, seed: u64) -> Result<bool, Failure> {
    let seeds = seeds()?;
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let lines = Mutex::new(());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some((name, target)) = TARGETS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let report = smoke(*target, &seeds, Duration::from_secs(seconds), seed);
                    let _line = lines.lock();
                    match report {
                        Ok(runs) => println!("{name}: {runs} inputs, nothing found"),
                        Err(found) => {
                            failed.store(true, Ordering::Relaxed);
                            println!("{name}: {found}");
                        }
                    }
                }
            });
        }
    });
    Ok(!failed.load(Ordering::Relaxed))
}

/// Commands of the repository: cases of the oracle, literate pages, tests of catalogue entries.
fn seeds() -> Result<Vec<String>, Failure> {
    let mut seeds = Vec::new();
    for file in files::with_extensions(&["txt", "md", "toml"])? {
        if file.path.contains("/oracle/") {
            seeds.extend(file.text.split("\n\n").map(str::to_owned));
        } else if file.path.starts_with("tests/") {
            let blocks = file.text.split("```").skip(1).step_by(2);
            seeds
                .extend(blocks.filter_map(|b| b.split_once('\n')).map(|(_, code)| code.to_owned()));
        } else if file.path.starts_with("catalog/commands/") {
            let (_, tests) = file.text.split_once("[tests]").unwrap_or_default();
            let names = tests.lines().filter_map(|line| line.strip_prefix('"')?.split_once("\" ="));
            seeds.extend(names.map(|(command, _)| command.replace(' ', "\n")));
        }
    }
    if seeds.is_empty() { Err("no commands to begin with".into()) } else { Ok(seeds) }
}

fn smoke(target: fn(&[u8]), seeds: &[String], time: Duration, seed: u64) -> Result<usize, String> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let start = now();
    let mut runs = 0;
    while start.elapsed() < time {
        let input = random.input(seeds);
        let began = now();
        let ran = catch_unwind(AssertUnwindSafe(|| target(&input)));
        if ran.is_err() {
            return Err(format!("input {runs} panics: {:?}", String::from_utf8_lossy(&input)));
        }
        if began.elapsed() > TOO_LONG {
            let took = began.elapsed();
            return Err(format!(
                "input {runs} takes {took:?}: {:?}",
                String::from_utf8_lossy(&input)
            ));
        }
        runs += 1;
    }
    Ok(runs)
}

#[expect(clippy::disallowed_methods, reason = "how long an input takes is what is looked at")]
fn now() -> Instant {
    Instant::now()
}

/// Marsaglia's xorshift: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.0 % limit).unwrap_or(0)
    }

    fn pick<'s>(&mut self, all: &'s [String]) -> &'s str {
        let at = self.below(all.len());
        all.get(at).map(String::as_str).unwrap_or_default()
    }

    /// A seed with some changes.
    fn input(&mut self, seeds: &[String]) -> Vec<u8> {
        let mut input = self.pick(seeds).as_bytes().to_vec();
        for _ in 0..=self.below(6) {
            let at = self.below(input.len() + 1);
            let end = (at + self.below(16)).min(input.len());
            match self.below(7) {
                0 => drop(input.drain(at..end)),
                1 => {
                    let piece = input.get(at..end).unwrap_or_default().repeat(1 + self.below(40));
                    input.splice(at..at, piece);
                }
                2 | 3 => {
                    let token = self.below(TOKENS.len());
                    let token = TOKENS.get(token).copied().unwrap_or_default();
                    input.splice(at..at, token.repeat(1 + self.below(3)).into_bytes());
                }
                4 => {
                    let other = self.pick(seeds).as_bytes().to_vec();
                    input.splice(at..end, other);
                }
                5 => {
                    let byte = u8::try_from(self.below(256)).unwrap_or(b' ');
                    input.splice(at..end, [byte]);
                }
                _ => input.truncate(at),
            }
        }
        input.truncate(BYTES);
        input
    }
}
