//! Agents in their no-prompt mode, each behind the walls of its own profile: the hooks inside are answered by
//! the gate outside, which keeps the record.

use crate::DENIED;
use crate::agent::{Agent, Home, Start};
use crate::mock::Mock;

fn the_gate_outside_decides_what_it_does_inside(agent: Agent) {
    let Some(home) = Home::new(agent) else { return };
    home.init();
    if agent == Agent::Copilot {
        // It unpacks itself when it is started for the first time, which its user has done.
        home.run(&Mock::start(&[]), "hello");
    }
    let mock = Mock::start(&[DENIED, "touch ran-allowed"]);
    let port = mock.url().rsplit(':').next().unwrap().to_owned();
    let state = format!("RINGFENCE_STATE={}", home.state().display());
    let wrapped = [
        "env",
        &state,
        env!("CARGO_BIN_EXE_ringfence"),
        "run",
        "--profile",
        agent.kind(),
        "--require-tier",
        "A",
        "--allow-host-port",
        &port,
        "--env",
        "MOCK_KEY",
        "--env",
        "GOOGLE_GEMINI_BASE_URL",
        "--",
    ];
    let said = home.start(&mock, "do it", &Start { wrapped: &wrapped, ..Start::default() });
    let told = mock.told();
    assert!(told.contains("git.force-push-default-branch"), "{agent:?}: {said}\n{told}");
    assert!(!home.ran("ran-denied"), "{said}");
    assert!(
        home.ran("ran-allowed") || agent.is_in_a_sandbox_of_its_own(),
        "{agent:?}: {said}\n{told}"
    );
    let verify = home.ringfence(&["audit", "verify"]);
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
    let audit = home.audit();
    for verdict in ["deny", "allow"] {
        assert!(audit.contains(&format!("\"verdict\":\"{verdict}\"")), "{agent:?}: {audit}");
    }
    for finding in ["foreign-event", "unknown-in-mid-run", "rewritten-call", "undecided-call"] {
        assert!(!audit.contains(finding), "{finding} in {audit}");
    }
}

#[test]
fn codex_inside() {
    the_gate_outside_decides_what_it_does_inside(Agent::Codex);
}

#[test]
fn copilot_inside() {
    the_gate_outside_decides_what_it_does_inside(Agent::Copilot);
}

#[test]
fn gemini_cli_inside() {
    the_gate_outside_decides_what_it_does_inside(Agent::GeminiCli);
}

#[test]
fn qwen_code_inside() {
    the_gate_outside_decides_what_it_does_inside(Agent::QwenCode);
}
