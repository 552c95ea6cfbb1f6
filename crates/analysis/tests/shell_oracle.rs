//! Real bash is the oracle: whatever it really executes must have been foreseen.
//!
//! Every case runs in a throw-away folder, with an empty environment, no network where the machine
//! allows to take it away, and a `PATH` on which there is nothing but scripts that write their own
//! name into a log. A few of them then go on as the program they are named after (`env`, `xargs`,
//! `base64`…), because only they know what they would start. Then:
//!
//! > every program in the log is the target of an `exec` effect, or the analysis is opaque.
//!
//! The cases are in `oracle/`: `published.txt` follows published bypasses and manuals, `own.txt` is
//! ours. A blank line ends a case.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ringfence_action::{Action, Call, Dialect, EffectKind, Text, path};
use ringfence_analysis::{Analysis, analyze};

const PUBLISHED: &str = include_str!("oracle/published.txt");
const OWN: &str = include_str!("oracle/own.txt");

/// Programs that do nothing but write their name into the log.
const STUBS: &[&str] = &["rm", "curl", "git", "ls", "touch", "id", "grep", "wget", "npm", "sudo"];

/// Programs that go on as themselves after they have written their name into the log.
const THROUGH: &[&str] = &[
    "bash", "sh", "env", "xargs", "timeout", "nohup", "nice", "base64", "rev", "tr", "xxd", "cat",
    "head", "cut", "tee", "sed", "find", "tac",
];

fn cases(text: &str) -> Vec<String> {
    let blocks = text.split("\n\n").map(|block| {
        let lines = block.lines().filter(|line| !line.starts_with("## "));
        lines.collect::<Vec<_>>().join("\n")
    });
    blocks.filter(|block| !block.trim().is_empty()).collect()
}

fn main_shell() -> Option<PathBuf> {
    ["/bin/bash", "/usr/bin/bash"].map(PathBuf::from).into_iter().find(|bash| bash.exists())
}

fn real(name: &str) -> Option<PathBuf> {
    ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(name)).into_iter().find(|p| p.exists())
}

/// A folder with stubs, a home and a place to work.
struct Arena {
    root: tempfile::TempDir,
}

impl Arena {
    fn new() -> Self {
        let arena = Self { root: tempfile::tempdir().unwrap() };
        for folder in ["stubs", "home", "work"] {
            fs::create_dir(arena.path(folder)).unwrap();
        }
        for name in STUBS {
            arena.stub(name, "exit 0");
        }
        for name in THROUGH {
            if let Some(program) = real(name) {
                arena.stub(name, &format!("exec {} \"$@\"", program.display()));
            }
        }
        arena
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn stub(&self, name: &str, then: &str) {
        let log = self.path("log");
        let script = format!("#!/bin/sh\necho {name} >> {}\n{then}\n", log.display());
        let stub = self.path("stubs").join(name);
        fs::write(&stub, script).unwrap();
        fs::set_permissions(&stub, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The programs that bash executes for a command.
    fn execute(&self, bash: &Path, case: &str, isolated: bool) -> BTreeSet<String> {
        let log = self.path("log");
        fs::write(&log, "").unwrap();
        let work = self.path("work");
        fs::remove_dir_all(&work).unwrap();
        fs::create_dir(&work).unwrap();
        let mut command = if isolated {
            let mut command = Command::new("/usr/bin/unshare");
            command.arg("-n").arg(bash);
            command
        } else {
            Command::new(bash)
        };
        let mut child = command
            .args(["-c", case])
            .env_clear()
            .env("PATH", self.path("stubs"))
            .env("HOME", self.path("home"))
            .current_dir(&work)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if start.elapsed() > Duration::from_secs(5) {
                let _ = child.kill();
                let _ = child.wait();
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let log = fs::read_to_string(&log).unwrap();
        log.lines().map(str::to_owned).collect()
    }

    fn foresee(&self, case: &str) -> Analysis {
        let work = self.path("work");
        let json = serde_json::json!({
            "tool": "Bash", "input": {"command": case}, "cwd": work, "workspace": [work],
            "home": self.path("home"),
        });
        let action = Action::from_json(json.to_string().as_bytes()).unwrap();
        let command = Text::new("/input/command", case);
        analyze(&action, &Call::Shell { command, dialect: Dialect::Bash, cwd: None })
    }
}

/// The base names of the programs that analysis foresees.
fn foreseen(analysis: &Analysis) -> BTreeSet<String> {
    let exec = analysis.effects.iter().filter(|effect| effect.kind == EffectKind::Exec);
    exec.flat_map(|effect| effect.target.alternatives())
        .filter_map(|target| target.as_known().map(|name| path::base_name(name).to_owned()))
        .collect()
}

fn no_network() -> bool {
    let probe = Command::new("/usr/bin/unshare").args(["-n", "/bin/sh", "-c", ":"]).output();
    probe.is_ok_and(|output| output.status.success())
}

#[derive(Default)]
struct Count {
    cases: usize,
    executed: usize,
    named: usize,
    opaque: usize,
    missed: Vec<String>,
}

fn judge(text: &str) -> Count {
    let mut count = Count::default();
    let Some(bash) = main_shell() else {
        eprintln!("skipped: no bash");
        return count;
    };
    let isolated = no_network();
    let arena = Arena::new();
    for case in cases(text) {
        // A login shell and an empty environment find the machine's own programs.
        for forbidden in ["/bin/", "/usr/", "/etc/", "/sbin/", "command -p", "env -i", "bash -l"] {
            assert!(!case.contains(forbidden), "a case must not reach real programs: {case}");
        }
        let analysis = arena.foresee(&case);
        let executed = arena.execute(&bash, &case, isolated);
        let foreseen = foreseen(&analysis);
        count.cases += 1;
        count.executed += usize::from(!executed.is_empty());
        if executed.is_subset(&foreseen) {
            count.named += 1;
        } else if !analysis.opaque.is_empty() {
            count.opaque += 1;
            eprintln!(
                "opaque: {case}\n    {}",
                analysis.opaque.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            );
        } else {
            let missing = executed.difference(&foreseen).collect::<Vec<_>>();
            count.missed.push(format!("{case}\n    executed, and not foreseen: {missing:?}"));
        }
    }
    eprintln!(
        "{} cases, {} execute something; {} named, {} opaque, {} missed",
        count.cases,
        count.executed,
        count.named,
        count.opaque,
        count.missed.len()
    );
    count
}

#[test]
fn what_published_bypasses_execute_is_foreseen() {
    let count = judge(PUBLISHED);
    assert!(count.missed.is_empty(), "\n{}", count.missed.join("\n"));
    assert!(count.cases == 0 || count.cases >= 150 && count.executed * 10 > count.cases * 8);
    // Named, not shrugged off.
    assert!(count.opaque * 10 <= count.cases, "{} of {} are opaque", count.opaque, count.cases);
}

#[test]
fn what_our_own_cases_execute_is_foreseen() {
    let count = judge(OWN);
    assert!(count.missed.is_empty(), "\n{}", count.missed.join("\n"));
    assert!(count.cases == 0 || count.cases >= 200 && count.executed * 10 > count.cases * 8);
    assert!(count.opaque * 10 <= count.cases, "{} of {} are opaque", count.opaque, count.cases);
}
