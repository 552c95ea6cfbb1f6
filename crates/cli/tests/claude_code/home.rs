//! A home folder of its own with a project in it, and Claude Code at work there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::mock::Mock;

pub(crate) struct Home {
    folder: tempfile::TempDir,
    claude: PathBuf,
}

/// How Claude Code is started.
#[derive(Default)]
pub(crate) struct Start<'a> {
    /// Words of its command line instead of those that let every shell command run.
    pub(crate) flags: Option<&'a [&'a str]>,
    /// Shell code that runs before it, in the same namespaces.
    pub(crate) before: &'a str,
    /// The words in front of that.
    pub(crate) wrapped: &'a [&'a str],
}

impl Home {
    /// A fresh home folder with a project in it; `None` where there is no Claude Code to test.
    pub(crate) fn new() -> Option<Self> {
        let Some(claude) = std::env::var_os("RINGFENCE_CLAUDE") else {
            eprintln!("skipped: RINGFENCE_CLAUDE does not name a claude program");
            return None;
        };
        let home = Self { folder: tempfile::tempdir().unwrap(), claude: claude.into() };
        fs::create_dir_all(home.path(".claude")).unwrap();
        fs::create_dir_all(home.path("proj")).unwrap();
        Some(home)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path("state")
    }

    pub(crate) fn ringfence(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_ringfence"))
            .args(args)
            .env("HOME", self.path(""))
            .env("RINGFENCE_STATE", self.state())
            .env_remove("RINGFENCE_CONFIG")
            .output()
            .unwrap()
    }

    pub(crate) fn init(&self) {
        self.init_with(&[]);
    }

    pub(crate) fn init_with(&self, flags: &[&str]) {
        let init = self.ringfence(&[&["init", "--yes", "claude-code"], flags].concat());
        assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
    }

    pub(crate) fn settings(&self) -> String {
        fs::read_to_string(self.path(".claude/settings.json")).unwrap()
    }

    /// Puts another program in the place of the registered one.
    pub(crate) fn replace_gate(&self, program: &Path) {
        let ours = Path::new(env!("CARGO_BIN_EXE_ringfence")).canonicalize().unwrap();
        let settings = self.settings().replace(ours.to_str().unwrap(), program.to_str().unwrap());
        fs::write(self.path(".claude/settings.json"), settings).unwrap();
    }

    pub(crate) fn script(&self, body: &str, mode: u32) -> PathBuf {
        fs::create_dir_all(self.path("bin")).unwrap();
        let path = self.path("bin/ringfence");
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// Writes a file of the project.
    pub(crate) fn file(&self, name: &str, text: &str) {
        fs::write(self.path("proj").join(name), text).unwrap();
    }

    pub(crate) fn claude(&self, mock: &Mock, prompt: &str) -> Output {
        self.start(mock, prompt, &Start::default())
    }

    pub(crate) fn start(&self, mock: &Mock, prompt: &str, start: &Start<'_>) -> Output {
        let flags = start.flags.unwrap_or(&["--allowedTools", "Bash", "Agent"]);
        let before = format!("{}\nexec timeout 90 \"$@\"", start.before);
        let shell = ["/bin/sh", "-c", before.as_str(), "sh"];
        let words = [start.wrapped, &shell].concat();
        Command::new(words[0])
            .args(&words[1..])
            .arg(&self.claude)
            .args(["-p", prompt, "--output-format", "json"])
            .args(flags)
            .current_dir(self.path("proj"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("SHELL", "/bin/bash")
            .env("HOME", self.path(""))
            .env("STATE", self.state())
            .env("CLAUDE_CONFIG_DIR", self.path(".claude"))
            .env("ANTHROPIC_BASE_URL", mock.url())
            .env("ANTHROPIC_API_KEY", "x")
            .env("DISABLE_AUTOUPDATER", "1")
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            .output()
            .unwrap()
    }

    pub(crate) fn ran(&self, marker: &str) -> bool {
        self.path("proj").join(marker).exists()
    }

    pub(crate) fn audit(&self) -> String {
        String::from_utf8(self.ringfence(&["audit", "tail", "-n", "100", "--json"]).stdout).unwrap()
    }

    /// The audit entries of one kind.
    pub(crate) fn entries(&self, kind: &str) -> Vec<Value> {
        let audit = self.audit();
        let entries = audit.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        entries.filter(|entry| entry["kind"] == kind).collect()
    }

    /// The verdicts of the decisions before calls, in order.
    pub(crate) fn verdicts(&self) -> Vec<String> {
        let decisions = self.entries("decision");
        let before = decisions.iter().filter(|entry| entry["event"] == "PreToolUse");
        before.map(|entry| entry["decision"]["verdict"].as_str().unwrap().to_owned()).collect()
    }
}
