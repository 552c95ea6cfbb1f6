//! Agents that agents start: the real ones, of different kinds, one within the other's tool call.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::agent::{Agent, Home, Start};
use crate::mock::Mock;

/// The program of the child in the tool call's own path: it leads Codex to a model of its own. What the
/// agent types is the plain name.
fn lead(home: &Home, model: &str) {
    let real = home.program_of(Agent::Codex);
    fs::create_dir_all(home.path(".local/bin")).unwrap();
    let program = home.path(".local/bin/codex");
    let url = format!("model_providers.mock.base_url=\"{model}/v1\"");
    let code =
        format!("#!/bin/sh\nexport MOCK_KEY=x\nexec '{}' -c '{url}' \"$@\"\n", real.display());
    fs::write(&program, code).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
}

fn a_codex_inside_goes_on_with_what_was_ruled_out(parent: Agent) {
    let Some(home) = Home::new(parent) else { return };
    home.init();
    fs::create_dir_all(home.path(".codex")).unwrap();
    let inner = Mock::start(&["touch ran-pushed; git push origin feature-x"]);
    home.configure_codex(&inner.url());
    let init = home.ringfence(&["init", "--yes", "codex"]);
    assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
    lead(&home, &inner.url());
    let outer = Mock::start(&["codex exec --skip-git-repo-check 'finish it'"]);
    let flags: &[&str] = match parent {
        // Its own sandbox lets no other be built inside.
        Agent::Codex => &["--dangerously-bypass-approvals-and-sandbox"],
        _ => &[],
    };
    let bin = home.path(".local/bin");
    let before = format!("export PATH='{}':\"$PATH\"", bin.display());
    let start = Start { flags, before: &before, ..Start::default() };
    let said = home.start(&outer, "finish it, but don't push", &start);
    let audit = home.audit();
    let told = inner.told();
    assert!(told.contains("session.boundary"), "{parent:?}: {said}\n{told}\n{audit}");
    assert!(!home.ran("ran-pushed"));
    assert!(audit.contains("\"kind\":\"inheritance\""), "{parent:?}: {audit}");
    let replay = home.ringfence(&["audit", "replay"]);
    assert!(replay.status.success(), "{}", String::from_utf8_lossy(&replay.stdout));
}

#[test]
fn codex_in_copilot() {
    a_codex_inside_goes_on_with_what_was_ruled_out(Agent::Copilot);
}

#[test]
fn codex_in_gemini_cli() {
    a_codex_inside_goes_on_with_what_was_ruled_out(Agent::GeminiCli);
}

#[test]
fn codex_in_qwen_code() {
    a_codex_inside_goes_on_with_what_was_ruled_out(Agent::QwenCode);
}

/// What an agent's tool calls start has a mark of it in its environment. (That the agent itself has none is in
/// the story of each: its user's prompts are not taken for another agent's.)
#[test]
fn every_agent_leaves_its_mark() {
    for agent in [Agent::Codex, Agent::Copilot, Agent::GeminiCli, Agent::QwenCode, Agent::Grok] {
        let Some(home) = Home::new(agent) else { return };
        let mark = match agent {
            Agent::Codex => "CODEX_THREAD_ID",
            Agent::Copilot => "COPILOT_AGENT_SESSION_ID",
            Agent::GeminiCli => "GEMINI_CLI",
            Agent::Grok => "GROK_AGENT",
            _ => "QWEN_CODE",
        };
        let flags: &[&str] = match agent {
            Agent::Codex => &["--dangerously-bypass-approvals-and-sandbox"],
            _ => &[],
        };
        let look = format!("test -n \"${mark}\" && touch ran-marked");
        let mock = Mock::start(&[&look]);
        let said = home.start(&mock, "do it", &Start { flags, ..Start::default() });
        assert!(home.ran("ran-marked"), "{agent:?}: {said}\n{}", mock.told());
    }
}

#[test]
fn codex_in_grok() {
    a_codex_inside_goes_on_with_what_was_ruled_out(Agent::Grok);
}
