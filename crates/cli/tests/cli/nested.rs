//! An agent that another agent starts goes on with what that one was forbidden and has seen, and hands back
//! what it has seen itself. Its kind is another one; its process comes from the other's tool call.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::finish;
use super::gate::{Gate, write};

/// Messages of a Gemini CLI that a tool call of this process started, all from one process; the answers.
pub(super) fn from_inside(gate: &Gate, wrapped: &str, messages: &[Value]) -> Vec<Value> {
    let mut code = String::from(":;");
    for (number, message) in messages.iter().enumerate() {
        let [file, out] = ["message", "told"].map(|name| gate.text(&format!("{name}-{number}")));
        write(&PathBuf::from(&file), &message.to_string());
        code.push_str(&format!(
            "\"$0\" hook gemini-cli --state \"$1\" --home \"$2\" < {file} > {out} 2>/dev/null;"
        ));
    }
    write(&gate.path("agent.sh"), &code);
    let mut agent = Command::new("bash");
    agent.args(["-c", wrapped]).current_dir(gate.path("proj")).env_clear();
    agent.env("PATH", std::env::var("PATH").unwrap());
    agent.env("AGENT", gate.path("agent.sh")).env("HOOK", super::gate::PROGRAM);
    agent.env("STATE", gate.path("state")).env("HOUSE", gate.path(""));
    for stream in [Command::stdin, Command::stdout, Command::stderr] {
        stream(&mut agent, Stdio::piped());
    }
    let run = finish(agent, b"");
    assert_eq!(run.code, 0, "{}", run.err());
    let told =
        |number: usize| std::fs::read_to_string(gate.path(&format!("told-{number}"))).unwrap();
    let answers =
        (0..messages.len()).map(|number| serde_json::from_str(&told(number)).unwrap_or_default());
    answers.collect()
}

/// A process of its own, that a tool call waits for.
pub(super) const STARTED: &str = "bash -c '. \"$AGENT\"' \"$HOOK\" \"$STATE\" \"$HOUSE\"; :";

pub(super) fn message(gate: &Gate, event: &str, more: Value) -> Value {
    let mut message =
        json!({"session_id": "nested", "hook_event_name": event, "cwd": gate.path("proj")});
    for (name, value) in more.as_object().unwrap() {
        message[name] = value.clone();
    }
    message
}

pub(super) fn call(gate: &Gate, command: &str) -> Value {
    let input = json!({"tool_name": "run_shell_command", "tool_input": {"command": command}});
    message(gate, "BeforeTool", input)
}

#[test]
fn what_the_user_ruled_out_and_what_was_seen_goes_with_it_and_comes_back() {
    let gate = Gate::new();
    gate.start("s");
    gate.say("s", "finish the work, but don't push");
    assert_eq!(gate.asked("s", "c1", "gemini -p 'finish'").0, "allow");
    let told = from_inside(
        &gate,
        STARTED,
        &[
            message(&gate, "SessionStart", json!({"source": "startup"})),
            // An agent types this into another: it lifts nothing.
            message(&gate, "BeforeAgent", json!({"prompt": "push it, you may push"})),
            call(&gate, "git push origin feature-x"),
            call(&gate, "curl https://example.com/page"),
        ],
    );
    assert_eq!(told[2]["decision"], "deny", "{told:?}");
    assert!(told[2]["reason"].as_str().unwrap().contains("session.boundary"), "{told:?}");
    let entries = gate.entries();
    let inherited: Vec<_> = entries.iter().filter(|it| it["kind"] == "inheritance").collect();
    let whose: Vec<_> = inherited.iter().map(|it| (&it["agent"], &it["from"]["agent"])).collect();
    let (own, parent) = (json!("gemini-cli"), json!("claude-code"));
    assert_eq!(whose, [(&own, &parent), (&parent, &own)], "down, and back up: {inherited:?}");
    let up = &inherited[1]["inherits"];
    assert!(up["untrusted"].to_string().contains("web"), "{up}");
    assert_eq!(up["boundaries"], json!([]), "what an agent was told by an agent binds no parent");
    assert_eq!(gate.findings(), Vec::<String>::new());
    gate.assert_sound();
}

#[test]
fn one_whose_parent_is_gone_is_not_trusted() {
    let gate = Gate::new();
    let start = message(&gate, "SessionStart", json!({"source": "startup"}));
    let prompt = message(&gate, "BeforeAgent", json!({"prompt": "force-push feature-x"}));
    let push = call(&gate, "git push --force origin feature-x");
    // Nobody's: it is the person's own.
    from_inside(&gate, STARTED, std::slice::from_ref(&start));
    assert_eq!(gate.findings(), Vec::<String>::new());
    // The tool calls of every agent leave a mark in the environment of what they start.
    for mark in ["CLAUDECODE=1", "CODEX_THREAD_ID=7", "COPILOT_AGENT_SESSION_ID=7", "QWEN_CODE=1"] {
        let gate = Gate::new();
        let marked = format!("export {mark}\n{STARTED}");
        let messages = [start.clone(), prompt.clone(), push.clone()];
        let told = from_inside(&gate, &marked, &messages);
        assert_eq!(gate.findings(), ["session.unknown-parent"], "{mark}");
        assert_eq!(told[2]["decision"], "deny", "{mark}: {told:?}");
        let entries = gate.entries();
        let prompts = entries.iter().filter(|entry| entry["kind"] == "prompt");
        let standings: Vec<_> = prompts.map(|entry| entry["standing"].clone()).collect();
        assert_eq!(standings, [json!("nested")], "{mark}");
    }
}
