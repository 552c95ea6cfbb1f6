//! A home, a workspace and a state folder of a test's own.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;

pub(crate) struct Place {
    folder: tempfile::TempDir,
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) text: String,
    pub(crate) errors: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        // Not below /tmp, which is the run's own inside, unless nothing else is there.
        let folder = tempfile::tempdir_in("/var/lib").or_else(|_| tempfile::tempdir()).unwrap();
        let place = Self { folder };
        for name in ["home", "ws", "state"] {
            std::fs::create_dir(place.path(name)).unwrap();
        }
        std::fs::set_permissions(place.path("state"), PermissionsExt::from_mode(0o700)).unwrap();
        std::fs::write(place.path("ws/.envrc"), "true\n").unwrap();
        std::fs::write(place.path("ws/.env"), "CANARY\n").unwrap();
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    /// Lets others read what is recorded, which is not believed then.
    pub(crate) fn expose_state(&self) {
        std::fs::set_permissions(self.path("state"), PermissionsExt::from_mode(0o755)).unwrap();
    }

    fn program(&self) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_ringfence")));
        command.current_dir(self.path("ws")).stdin(Stdio::null());
        command
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.path("home"))
            .env("RINGFENCE_CONFIG", self.path("config"))
            .env("RINGFENCE_STATE", self.path("state"));
        command
    }

    pub(crate) fn command(&self, options: &[&str], code: &str) -> Command {
        let mut command = self.program();
        command.arg("run").args(options).args(["--", "/bin/sh", "-c", code]);
        command
    }

    pub(crate) fn run(&self, options: &[&str], code: &str) -> Output {
        let output = self.command(options, code).output().unwrap();
        let text = |it| String::from_utf8(it).unwrap();
        let errors = text(output.stderr);
        let own: Vec<&str> = errors
            .lines()
            .filter(|it| it.starts_with("ringfence:") || it.starts_with('{'))
            .collect();
        let code = output.status.code().unwrap();
        Output { code, text: text(output.stdout), errors: own.join("\n") }
    }

    /// What the last run proposed.
    pub(crate) fn proposal(&self) -> String {
        let last = self.entries().pop().unwrap();
        last["proposal"].as_str().unwrap().to_owned()
    }

    pub(crate) fn ringfence(&self, words: &[&str]) -> ExitStatus {
        self.program().args(words).stdout(Stdio::null()).status().unwrap()
    }

    /// The audit log, oldest first.
    pub(crate) fn entries(&self) -> Vec<Value> {
        let output =
            self.program().args(["audit", "tail", "-n", "1000", "--json"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|it| serde_json::from_str(it).unwrap()).collect()
    }
}
