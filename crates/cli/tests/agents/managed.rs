//! The settings of an organisation, in front of agents whose users have set nothing themselves.

use crate::DENIED;
use crate::agent::{Agent, Home, Start};
use crate::mock::Mock;

fn a_gate_for_every_user_holds(agent: Agent) {
    let Some(home) = Home::new(agent) else { return };
    let root = home.path("root").display().to_string();
    let init = home.ringfence(&["init", "--managed", "--root", &root, "--yes", agent.kind()]);
    assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
    // The settings of the system, and the user's account, in a mount namespace of its own.
    let before = "cp -a /etc \"$HOME/etc\" && cp -a \"$HOME/root/etc/.\" \"$HOME/etc/\" && \
                  sed -i \"s|^\\(root:[^:]*:[^:]*:[^:]*:[^:]*\\):[^:]*|\\1:$HOME|\" \"$HOME/etc/passwd\" && \
                  mount --bind \"$HOME/etc\" /etc || exit 77";
    let wrapped = &["unshare", "--mount"];
    let mock = Mock::start(&[DENIED, "touch ran-allowed"]);
    let said = home.start(&mock, "do it", &Start { wrapped, before, ..Start::default() });
    let told = mock.told();
    assert!(told.contains("git.force-push-default-branch"), "{agent:?}: {said}\n{told}");
    assert!(!home.ran("ran-denied"), "{said}");
    assert!(home.ran("ran-allowed") || agent.is_in_a_sandbox_of_its_own(), "{agent:?}: {said}");
    assert!(home.path(".local/state/ringfence/audit").is_dir(), "the user's own record");
}

#[test]
fn codex_managed() {
    a_gate_for_every_user_holds(Agent::Codex);
}

#[test]
fn copilot_managed() {
    a_gate_for_every_user_holds(Agent::Copilot);
}

#[test]
fn gemini_cli_managed() {
    a_gate_for_every_user_holds(Agent::GeminiCli);
}

#[test]
fn qwen_code_managed() {
    a_gate_for_every_user_holds(Agent::QwenCode);
}
