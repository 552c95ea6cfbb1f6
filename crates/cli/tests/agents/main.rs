//! The gate in front of other agents than Claude Code: the real programs, offline, with a scripted model on
//! loopback.
//!
//! `RINGFENCE_AGENTS` names a folder in which npm installed them; `./test --full` makes one. Without it
//! these tests say that they were skipped. One that is not there is a failure under `RINGFENCE_FULL`.

mod agent;
mod faults;
mod inside;
mod managed;
mod mock;
mod nested;
mod results;

use std::fs;

use agent::{Agent, Home, Start};
use mock::Mock;

/// Pushes over the trunk of a repository that does not exist: denied by rule, harmless if run.
const DENIED: &str = "touch ran-denied; git push --force origin main";

/// The story that each agent's user lives through.
fn a_denied_call_does_not_run_and_an_allowed_one_does(agent: Agent) {
    let Some(home) = Home::new(agent) else { return };
    let before = home.settings();
    home.init();
    home.undo();
    assert_eq!(home.settings(), before, "undo restores what was there");

    home.init();
    let mock = Mock::start(&[DENIED, "touch ran-allowed"]);
    let said = home.run(&mock, "do it");
    assert!(home.ran("ran-allowed") || agent.is_in_a_sandbox_of_its_own(), "{said}");
    assert!(!home.ran("ran-denied"), "{said}");
    let told = mock.told();
    assert!(told.contains("git.force-push-default-branch"), "the agent is told: {told}");

    let verify = home.ringfence(&["audit", "verify"]);
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
    let audit = home.audit();
    for kind in ["\"kind\":\"prompt\"", "\"kind\":\"decision\"", "\"kind\":\"result\""] {
        if kind.contains("prompt") && !agent.tells_prompts() {
            continue;
        }
        assert!(audit.contains(kind), "{kind} in {audit}");
    }
    let decided = |verdict: &str| audit.contains(&format!("\"verdict\":\"{verdict}\""));
    assert!(decided("deny") && decided("allow"), "{audit}");
    assert!(!audit.contains("\"standing\":\"nested\""), "{audit}");
    for finding in [
        "unknown-parent",
        "foreign-event",
        "unknown-in-mid-run",
        "rewritten-call",
        "undecided-call",
    ] {
        assert!(!audit.contains(finding), "{finding} in {audit}");
    }

    assert!(home.ringfence(&["status"]).status.success());
    home.undo();
    // Some agents write their settings anew, and then only what is ours is taken out.
    assert!(!home.settings().unwrap_or_default().contains("ringfence"), "{:?}", home.settings());
    assert_eq!(home.ringfence(&["status"]).status.code(), Some(1));
}

/// Code that nobody reads beforehand, since there is too much of it; the default rules contain that.
const UNREAD: &str = "sh probe";

/// Proof from inside: the workspace as it is, nothing outside of it to be written, the home folder empty, and
/// no network but a loopback of its own.
const PROBE: &str = "echo work > made-inside
touch ../outside 2>/dev/null || echo read-only
cat ~/secret 2>/dev/null || echo hidden
echo \"$(grep -c : /proc/net/dev) device\"
";

/// What becomes of a call that is to run contained, in a word for the table.
fn contain(agent: Agent) -> Option<&'static str> {
    let home = Home::new(agent)?;
    home.init();
    fs::write(home.path("secret"), "CANARY").unwrap();
    fs::write(home.path("proj/probe"), format!("{PROBE}#{}\n", " ".repeat(2 << 20))).unwrap();
    let mock = Mock::start(&[UNREAD, "touch ran-after"]);
    let start = Start { flags: agent.with_room(), ..Start::default() };
    let said = home.start(&mock, "do it", &start);
    let (told, audit) = (mock.told(), home.audit());
    assert!(!home.path("outside").exists() && !told.contains("CANARY"), "{told}");
    assert!(home.ran("ran-after"), "{agent:?}: {said} {told} {audit}");
    for finding in ["rewritten-call", "undecided-call", "foreign-event"] {
        assert!(!audit.contains(finding), "{agent:?}: {finding} in {audit}");
    }
    if !home.ran("made-inside") {
        assert!(!agent.rewrites(), "{agent:?}: {said} {told} {audit}");
        assert!(audit.contains("\"verdict\":\"ask\""), "{agent:?}: {audit}");
        return Some("does not run");
    }
    for proof in ["read-only", "hidden", "1 device"] {
        assert!(told.contains(proof), "{agent:?}: {proof} in {told}");
    }
    assert!(
        audit.contains("\"verdict\":\"contain\"") && audit.contains("\"tier\":\"A\""),
        "{audit}"
    );
    Some("runs contained")
}

/// OpenCode asks its user about what its own settings say; with `--decide` the gate answers in their place.
#[test]
fn a_question_of_opencode_is_answered_by_the_gate() {
    for (flag, runs) in [(Some("--decide"), true), (None, false)] {
        let Some(home) = Home::new(Agent::OpenCode) else { return };
        let words = ["init", "--yes", "opencode"];
        let init = home.ringfence(&words.into_iter().chain(flag).collect::<Vec<_>>());
        assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
        *home.more.borrow_mut() = r#","permission":{"bash":"ask"}"#;
        let mock = Mock::start(&["touch ran-asked"]);
        let said = home.run(&mock, "do it");
        assert_eq!(
            home.ran("ran-asked"),
            runs,
            "{flag:?}: {said} {} {}",
            mock.told(),
            home.audit()
        );
    }
}

#[test]
fn opencode() {
    a_denied_call_does_not_run_and_an_allowed_one_does(Agent::OpenCode);
}

#[test]
fn codex() {
    a_denied_call_does_not_run_and_an_allowed_one_does(Agent::Codex);
}

#[test]
fn copilot() {
    a_denied_call_does_not_run_and_an_allowed_one_does(Agent::Copilot);
}

#[test]
fn gemini_cli() {
    a_denied_call_does_not_run_and_an_allowed_one_does(Agent::GeminiCli);
}

#[test]
fn qwen_code() {
    a_denied_call_does_not_run_and_an_allowed_one_does(Agent::QwenCode);
}

#[test]
fn grok() {
    a_denied_call_does_not_run_and_an_allowed_one_does(Agent::Grok);
}

#[test]
fn droid() {
    a_denied_call_does_not_run_and_an_allowed_one_does(Agent::Droid);
}
