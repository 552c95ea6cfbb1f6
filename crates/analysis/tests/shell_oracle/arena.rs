//! Where a case runs: a folder with stubs, a home and a place to work.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ringfence_action::{Action, Call, Dialect, EffectKind, Text, path};
use ringfence_analysis::{Analysis, analyze};

/// Programs that do nothing but write into the log.
const STUBS: &[&str] = &["rm", "curl", "git", "ls", "touch", "id", "grep", "wget", "npm", "sudo"];

/// Programs that go on as themselves after they have written into the log.
const THROUGH: &[&str] = &[
    "bash", "sh", "zsh", "env", "xargs", "timeout", "nohup", "nice", "base64", "rev", "tr", "xxd",
    "cat", "head", "cut", "tee", "sed", "find", "tac",
];

/// A shell that commands are run in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Sh,
}

impl Shell {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Sh => "dash",
        }
    }

    fn dialect(self) -> Dialect {
        match self {
            Self::Bash => Dialect::Bash,
            Self::Zsh => Dialect::Zsh,
            Self::Sh => Dialect::Posix,
        }
    }
}

/// A program that ran.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) cwd: String,
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
}

pub(super) struct Arena {
    root: tempfile::TempDir,
    shell: Shell,
    program: PathBuf,
    isolated: bool,
}

fn real(name: &str) -> Option<PathBuf> {
    ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(name)).into_iter().find(|p| p.exists())
}

fn no_network() -> bool {
    let probe = Command::new("/usr/bin/unshare").args(["-n", "/bin/sh", "-c", ":"]).output();
    probe.is_ok_and(|output| output.status.success())
}

impl Arena {
    /// `None` where the machine does not have the shell.
    pub(super) fn new(shell: Shell) -> Option<Self> {
        let program = real(shell.name())?;
        let root = tempfile::tempdir().unwrap();
        let arena = Self { root, shell, program, isolated: no_network() };
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
        Some(arena)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn stub(&self, name: &str, then: &str) {
        let log = self.path("log");
        // One write per call: programs of a pipeline run at the same time.
        let words = format!("\"$PWD\" {name} \"$@\" \x1e");
        let script = format!("#!/bin/sh\nprintf '%s\\037' {words} >> {}\n{then}\n", log.display());
        let stub = self.path("stubs").join(name);
        fs::write(&stub, script).unwrap();
        fs::set_permissions(&stub, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The programs that the shell executes for a command. One that could reach beyond the arena is not
    /// run: that would be a mistake of whoever wrote it.
    pub(super) fn execute(&self, case: &str) -> Vec<Ran> {
        if let Some(reason) = reaches_out(case) {
            panic!("a case must not reach {reason}: {case}");
        }
        let log = self.path("log");
        fs::write(&log, "").unwrap();
        let work = self.path("work");
        fs::remove_dir_all(&work).unwrap();
        fs::create_dir(&work).unwrap();
        let mut command = if self.isolated {
            let mut command = Command::new("/usr/bin/unshare");
            command.arg("-n").arg(&self.program);
            command
        } else {
            Command::new(&self.program)
        };
        if matches!(self.shell, Shell::Zsh) {
            // Without the machine's own startup files.
            command.arg("-f");
        }
        let mut child = command
            .args(["-c", case])
            .env_clear()
            .env("PATH", self.path("stubs"))
            .env("HOME", self.path("home"))
            .current_dir(&work)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        // Whatever still runs in the background has the pipe open.
        let mut output = child.stdout.take().unwrap();
        let (ended, end) = mpsc::channel();
        thread::spawn(move || {
            let _ = std::io::copy(&mut output, &mut std::io::sink());
            let _ = ended.send(());
        });
        if end.recv_timeout(Duration::from_secs(5)).is_err() {
            let _ = child.kill();
        }
        let _ = child.wait();
        // What still runs elsewhere (a coprocess) must not write into the log of the next case.
        let group = format!("-{}", child.id());
        let _ = Command::new("/bin/kill").args(["-KILL", "--", &group]).output();
        let log = fs::read(&log).unwrap();
        let log = String::from_utf8_lossy(&log);
        log.split("\x1e\x1f").filter_map(ran).collect()
    }

    pub(super) fn foresee(&self, case: &str) -> Analysis {
        let work = self.path("work");
        let json = serde_json::json!({
            "tool": "Bash", "input": {"command": case}, "cwd": work, "workspace": [work],
            "home": self.path("home"),
        });
        let action = Action::from_json(json.to_string().as_bytes()).unwrap();
        let command = Text::new("/input/command", case);
        analyze(&action, &Call::Shell { command, dialect: self.shell.dialect(), cwd: None })
    }
}

/// What of the machine a command could reach, if anything.
fn reaches_out(case: &str) -> Option<&'static str> {
    // A login shell and an empty environment find the machine's own programs.
    let real = ["/bin/", "/usr/", "/etc/", "/sbin/", "command -p", "env -i", "bash -l"];
    if real.iter().any(|forbidden| case.contains(forbidden)) {
        return Some("real programs");
    }
    // The shell's own `kill` is no stub: it may signal itself, and nobody else.
    let signals = case.split("kill").skip(1).any(|after| {
        let mut words = after.split([' ', '\n', ';', '"', '\'', ')']).filter(|it| !it.is_empty());
        let target = words.find(|word| !word.starts_with('-'));
        target != Some("$$")
    });
    signals.then_some("other processes")
}

/// One record of the log: folder, program and arguments, each with a separator behind it.
fn ran(record: &str) -> Option<Ran> {
    let mut words = record.strip_suffix('\x1f')?.split('\x1f').map(str::to_owned);
    let cwd = words.next()?;
    // One that was left behind by an earlier case, whose folder is gone.
    if cwd.is_empty() {
        return None;
    }
    Some(Ran { cwd, program: words.next()?, arguments: words.collect() })
}

/// The base names of the programs that analysis foresees.
pub(super) fn foreseen(analysis: &Analysis) -> BTreeSet<String> {
    let exec = analysis.effects.iter().filter(|effect| effect.kind == EffectKind::Exec);
    exec.flat_map(|effect| effect.target.alternatives())
        .filter_map(|target| target.as_known().map(|name| path::base_name(name).to_owned()))
        .collect()
}
