//! Which wall costs what: the same work plain, behind all walls, and with each of them taken away, in turn.
//!
//! `cargo bench -p ringfence-sandbox --bench walls`, or with a number of rounds after `--`. Processor time of the work alone,
//! taken inside of it; starting and ending are not part of that.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a measurement of its own, which starts programs and makes files"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ringfence_sandbox::{
    Host, Plan, Profile, Request, Sandbox, Snapshot, Terms, Tier, Wall, Walls,
};

const LAUNCH: &str = "ringfence-bench-launch";
const TIMED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/sandbox/timed.py");
const FOLDERS: usize = 300;
const FILES: usize = 60;

/// What is taken away, and how it is called. With each goes the proof that it stands.
const TRIALS: [(&str, &[Wall]); 9] = [
    ("all walls", &[]),
    ("without mounts", &[Wall::Mounts]),
    ("without Landlock", &[Wall::Landlock]),
    ("without the filter of calls", &[Wall::Calls]),
    ("without a network of its own", &[Wall::Network]),
    ("without processes of its own", &[Wall::Processes]),
    ("without limits", &[Wall::Limits]),
    ("without Landlock and filter", &[Wall::Landlock, Wall::Calls]),
    ("without all three", &[Wall::Landlock, Wall::Calls, Wall::Mounts]),
];

fn main() {
    let mut words = std::env::args().skip(1);
    match words.next().as_deref() {
        Some(LAUNCH) => launch(words.next().unwrap().parse().unwrap(), &words.next().unwrap()),
        rounds => measure(rounds.and_then(|it| it.parse().ok()).unwrap_or(15)),
    }
}

fn launch(trial: usize, work: &str) -> ! {
    let cwd = std::env::current_dir().unwrap();
    let request = Request {
        workspace: vec![cwd.clone()],
        cwd,
        homes: Host::homes(),
        environment: std::env::vars().collect(),
        read: vec![PathBuf::from(TIMED).canonicalize().unwrap()],
        ..Request::default()
    };
    let plan =
        Plan::for_command(&Profile::plain().unwrap(), &request, &Snapshot::default()).unwrap();
    let (_, gone) = TRIALS.get(trial).unwrap();
    let witness = (!gone.is_empty()).then_some(Wall::Witness);
    let walls = Walls::without(gone.iter().copied().chain(witness));
    let terms = Terms { require: Some(Tier::A), walls, ..Terms::default() };
    let command = ["python3", TIMED, "sh", "-c", work].map(Into::into);
    let ended = Sandbox::run(&plan, &command, &terms, &mut |_| {}).unwrap();
    std::process::exit(ended.code.into())
}

fn measure(rounds: usize) {
    let own = std::env::current_exe().unwrap();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let at = folder.path().canonicalize().unwrap();
    make_files(&at);
    for (name, work) in [
        ("files read", "find many -type f -print0 | xargs -0 cat | wc -c"),
        ("files asked about", "find many -type f -size +1 -newer many | wc -l"),
        (
            "files written and removed",
            "mkdir new && cd new && seq 2000 | split -l 1 -a 4 - && cd .. && rm -r new",
        ),
        ("processes started", "for it in $(seq 300); do /bin/true; done"),
    ] {
        let mut plain = Vec::new();
        let mut inside = vec![Vec::new(); TRIALS.len()];
        for _ in 0..rounds {
            plain.push(timed(Command::new("python3").args([TIMED, "sh", "-c", work]), &at));
            for (trial, times) in inside.iter_mut().enumerate() {
                times.push(timed(Command::new(&own).args([LAUNCH, &trial.to_string(), work]), &at));
            }
        }
        let plain = middle(&mut plain);
        println!("{name}: plain {:.1} ms of a processor", plain * 1000.0);
        for ((trial, _), times) in TRIALS.iter().zip(&mut inside) {
            println!("  {trial:32} {:+6.1} %", (middle(times) / plain - 1.0) * 100.0);
        }
    }
}

fn make_files(at: &Path) {
    for folder in 0..FOLDERS {
        let folder = at.join("many").join(folder.to_string());
        fs::create_dir_all(&folder).unwrap();
        for file in 0..FILES {
            fs::write(folder.join(file.to_string()), "a line of text\n".repeat(40)).unwrap();
        }
    }
}

/// Seconds of a processor.
fn timed(command: &mut Command, folder: &Path) -> f64 {
    let output = command.current_dir(folder).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let timed = said.lines().find_map(|line| line.strip_prefix("timed "));
    let timed = timed.unwrap_or_else(|| panic!("{output:?}"));
    timed.split(' ').nth(1).unwrap().parse().unwrap()
}

fn middle(times: &mut [f64]) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    *times.get(times.len() / 2).unwrap()
}
