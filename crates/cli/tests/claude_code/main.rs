//! The gate in front of the real Claude Code: installed by `init`, driven by a scripted model on
//! loopback, with nothing but loopback to reach.
//!
//! `RINGFENCE_CLAUDE` names the `claude` program; `./test --full` installs one. Without it these tests
//! say that they were skipped.

mod mock;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mock::Mock;

/// Pushes over the trunk of a repository that does not exist: denied by rule, harmless if run.
const DENIED: &str = "touch ran-denied; git push --force origin main";

struct Home {
    folder: tempfile::TempDir,
    claude: PathBuf,
}

impl Home {
    /// A fresh home folder with a project in it; `None` where there is no Claude Code to test.
    fn new() -> Option<Self> {
        let Some(claude) = std::env::var_os("RINGFENCE_CLAUDE") else {
            eprintln!("skipped: RINGFENCE_CLAUDE does not name a claude program");
            return None;
        };
        let home = Self { folder: tempfile::tempdir().unwrap(), claude: claude.into() };
        fs::create_dir_all(home.path(".claude")).unwrap();
        fs::create_dir_all(home.path("proj")).unwrap();
        Some(home)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn state(&self) -> PathBuf {
        self.path("state")
    }

    fn ringfence(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_ringfence"))
            .args(args)
            .env("HOME", self.path(""))
            .env("RINGFENCE_STATE", self.state())
            .output()
            .unwrap()
    }

    fn init(&self) {
        let init = self.ringfence(&["init", "--yes", "claude-code"]);
        assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
    }

    fn settings(&self) -> String {
        fs::read_to_string(self.path(".claude/settings.json")).unwrap()
    }

    /// Puts another program in the place of the registered one.
    fn replace_gate(&self, program: &Path) {
        let ours = Path::new(env!("CARGO_BIN_EXE_ringfence")).canonicalize().unwrap();
        let settings = self.settings().replace(ours.to_str().unwrap(), program.to_str().unwrap());
        fs::write(self.path(".claude/settings.json"), settings).unwrap();
    }

    fn script(&self, body: &str, mode: u32) -> PathBuf {
        fs::create_dir_all(self.path("bin")).unwrap();
        let path = self.path("bin/ringfence");
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn claude(&self, mock: &Mock, prompt: &str) -> Output {
        Command::new("timeout")
            .arg("90")
            .arg(&self.claude)
            .args(["-p", prompt, "--output-format", "json", "--allowedTools", "Bash"])
            .current_dir(self.path("proj"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.path(""))
            .env("CLAUDE_CONFIG_DIR", self.path(".claude"))
            .env("ANTHROPIC_BASE_URL", mock.url())
            .env("ANTHROPIC_API_KEY", "x")
            .env("DISABLE_AUTOUPDATER", "1")
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            .output()
            .unwrap()
    }

    fn ran(&self, marker: &str) -> bool {
        self.path("proj").join(marker).exists()
    }

    fn audit(&self) -> String {
        String::from_utf8(self.ringfence(&["audit", "tail", "-n", "100", "--json"]).stdout).unwrap()
    }
}

#[test]
fn a_denied_call_does_not_run_and_an_allowed_one_does() {
    let Some(home) = Home::new() else { return };
    home.init();
    let mock = Mock::start(&[DENIED, "touch ran-allowed"]);
    let run = home.claude(&mock, "do it");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(home.ran("ran-allowed"), "{said}");
    assert!(!home.ran("ran-denied"), "{said}");
    let results = mock.tool_results();
    assert!(results.contains("git.force-push-default-branch"), "the agent is told: {results}");

    let verify = home.ringfence(&["audit", "verify"]);
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
    let audit = home.audit();
    for kind in [
        "\"kind\":\"session\"",
        "\"kind\":\"prompt\"",
        "\"kind\":\"decision\"",
        "\"kind\":\"result\"",
    ] {
        assert!(audit.contains(kind), "{kind} in {audit}");
    }
    for finding in ["foreign-event", "unknown-in-mid-run", "rewritten-call", "undecided-call"] {
        assert!(!audit.contains(finding), "{finding} in {audit}");
    }
    assert!(!audit.contains("do it"), "the prompt itself is not kept: {audit}");
}

#[test]
fn what_the_user_named_clears_what_may_be_cleared_and_what_they_ruled_out_stops() {
    let Some(home) = Home::new() else { return };
    home.init();
    let mock = Mock::start(&["touch ran-push; git push --force origin feature-x"]);
    home.claude(&mock, "force-push feature-x");
    assert!(home.ran("ran-push"), "{}", home.audit());

    let mock = Mock::start(&["touch ran-forbidden; git push origin feature-x"]);
    home.claude(&mock, "finish the work, but don't push");
    assert!(!home.ran("ran-forbidden"), "{}", home.audit());
    assert!(home.audit().contains("session.boundary"));
}

#[test]
fn a_gate_that_fails_is_a_closed_gate() {
    let broken = [
        ("killed", "kill -9 $$", 0o755),
        ("exits with 1", "exit 1", 0o755),
        ("panics", "echo 'thread main panicked' >&2; exit 101", 0o755),
        ("too slow", "sleep 30", 0o755),
        ("not executable", "exit 0", 0o644),
    ];
    for (failure, body, mode) in broken {
        let Some(home) = Home::new() else { return };
        home.init();
        home.replace_gate(&home.script(body, mode));
        let mock = Mock::start(&["touch ran-unguarded"]);
        home.claude(&mock, "do it");
        assert!(!home.ran("ran-unguarded"), "the gate is {failure}");
    }
    let Some(home) = Home::new() else { return };
    home.init();
    home.replace_gate(&home.path("bin/missing/ringfence"));
    let mock = Mock::start(&["touch ran-unguarded"]);
    home.claude(&mock, "do it");
    assert!(!home.ran("ran-unguarded"), "the gate is missing");
}

#[test]
fn a_gate_without_its_state_is_a_closed_gate() {
    let Some(home) = Home::new() else { return };
    home.init();
    fs::remove_dir_all(home.state()).unwrap();
    fs::write(home.state(), "not a folder").unwrap();
    let mock = Mock::start(&["touch ran-unguarded"]);
    home.claude(&mock, "do it");
    assert!(!home.ran("ran-unguarded"));
    assert!(mock.tool_results().contains("ringfence could not decide"), "{}", mock.tool_results());
}

#[test]
fn undo_leaves_nothing_behind() {
    let Some(home) = Home::new() else { return };
    let before = "{\n  // mine\n  \"model\": \"opus\", }\n";
    fs::write(home.path(".claude/settings.json"), before).unwrap();
    home.init();
    assert!(home.ringfence(&["status"]).status.success());
    let undo = home.ringfence(&["init", "--undo", "--yes", "claude-code"]);
    assert!(undo.status.success(), "{}", String::from_utf8_lossy(&undo.stderr));
    assert_eq!(home.settings(), before);
    assert_eq!(home.ringfence(&["status"]).status.code(), Some(1));
}
