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

use agent::{Agent, Home};
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
        assert!(audit.contains(kind), "{kind} in {audit}");
    }
    let decided = |verdict: &str| audit.contains(&format!("\"verdict\":\"{verdict}\""));
    assert!(decided("deny") && decided("allow"), "{audit}");
    for finding in ["foreign-event", "unknown-in-mid-run", "rewritten-call", "undecided-call"] {
        assert!(!audit.contains(finding), "{finding} in {audit}");
    }

    assert!(home.ringfence(&["status"]).status.success());
    home.undo();
    // Some agents write their settings anew, and then only what is ours is taken out.
    assert!(!home.settings().unwrap_or_default().contains("ringfence"), "{:?}", home.settings());
    assert_eq!(home.ringfence(&["status"]).status.code(), Some(1));
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
