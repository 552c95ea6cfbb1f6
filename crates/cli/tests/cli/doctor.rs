//! `doctor`: every way in which a gate is dead, or gone around, is found, and so is what it never saw.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::finish;
use super::gate::{Gate, PROGRAM, write};

fn guarded() -> Gate {
    let gate = Gate::new();
    assert_eq!(gate.run(&["init", "--yes", "claude-code"]).code, 0);
    gate
}

/// The outcome of one check, and what it said.
fn check(report: &Value, what: &str) -> (String, String) {
    let checks = report["agents"][0]["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["what"] == what);
    let check = check.unwrap_or_else(|| panic!("no {what} in {report}"));
    let text = |name: &str| check[name].as_str().unwrap().to_owned();
    (text("outcome"), text("said"))
}

/// The exit code and the report.
fn doctor(gate: &Gate) -> (i32, Value) {
    let run = gate.run(&["doctor", "--json", "claude-code"]);
    (run.code, run.lines().remove(0))
}

#[test]
fn a_gate_that_denies_its_canary_is_alive_and_nothing_of_it_stays() {
    let gate = guarded();
    let (code, report) = doctor(&gate);
    assert_eq!((code, &report["enforced"]), (0, &json!(true)), "{report}");
    assert_eq!(check(&report, "canary").0, "holds");
    assert_eq!(gate.findings(), Vec::<String>::new());
    let kinds: Vec<Value> = gate.entries().iter().map(|entry| entry["kind"].clone()).collect();
    assert_eq!(kinds, [json!("canary")]);
    gate.assert_sound();
    // An agent that would run it is told no, by rule, like any other hand on the guard.
    gate.start("s");
    let canary = "ringfence init --undo --yes # the canary of ringfence doctor";
    assert_eq!(gate.asked("s", "c", canary).0, "deny");
    let (answer, reason) = gate.asked("s", "d", &format!("true; {canary}"));
    assert_eq!(answer, "deny");
    assert!(reason.contains("agent.tamper-guard"), "{reason}");
}

/// What stands in the place of the gate, for each row of the table of faults in which a call runs.
#[test]
fn whatever_is_started_in_place_of_the_gate_is_heard_out() {
    for (what, body, mode) in [
        ("killed", "kill -9 $$", 0o755),
        ("ends with an error", "exit 1", 0o755),
        ("panics", "echo 'thread main panicked' >&2; exit 101", 0o755),
        ("nonsense", "echo nonsense; exit 0", 0o755),
        ("cut off", "printf '{\"hookSpecificOutput\":{\"hookEv'; exit 0", 0o755),
        ("silent", "exit 0", 0o755),
        ("slow", "exec sleep 30", 0o755),
        ("a log line first", "echo starting; echo no >&2; exit 2", 0o755),
        ("not executable", "exit 2", 0o644),
    ] {
        let gate = guarded();
        let fake = gate.path("bin/ringfence");
        write(&fake, &format!("#!/bin/sh\n{body}\n"));
        fs::set_permissions(&fake, fs::Permissions::from_mode(mode)).unwrap();
        let settings = fs::read_to_string(gate.settings()).unwrap();
        let settings = settings.replace(PROGRAM, fake.to_str().unwrap());
        fs::write(gate.settings(), settings).unwrap();
        let (code, report) = doctor(&gate);
        assert_eq!((code, &report["enforced"]), (1, &json!(false)), "{what}: {report}");
        let failing = if mode == 0o644 { "registration" } else { "canary" };
        assert_eq!(check(&report, failing).0, "fails", "{what}: {report}");
    }
    // Gone altogether.
    let gate = guarded();
    let settings = fs::read_to_string(gate.settings()).unwrap();
    fs::write(gate.settings(), settings.replace(PROGRAM, "/gone/ringfence")).unwrap();
    let run = gate.run(&["--color", "always", "doctor"]);
    assert_eq!(run.code, 1);
    let (red, _) = run.out().split_once("nothing is enforced").unwrap();
    assert!(red.starts_with('\u{1b}') && red.contains("31"), "{red:?}");
}

/// The gate itself, without what it needs: it denies everything, and says why.
#[test]
fn a_gate_that_can_only_deny_is_told_from_one_that_decides() {
    let gate = guarded();
    write(&gate.path("config/rules/own.cedar"), "forbid (principal, action");
    let (code, report) = doctor(&gate);
    assert_eq!((code, &report["enforced"]), (1, &json!(true)), "{report}");
    let (outcome, said) = check(&report, "canary");
    assert!(outcome == "warns" && said.starts_with("every call is denied"), "{said}");
    fs::remove_file(gate.path("config/rules/own.cedar")).unwrap();

    assert_eq!(doctor(&gate).0, 0);
    fs::set_permissions(gate.path("state"), fs::Permissions::from_mode(0o777)).unwrap();
    let (code, report) = doctor(&gate);
    assert_eq!((code, &report["enforced"]), (1, &json!(true)), "{report}");
    assert_eq!(check(&report, "record").0, "warns");
    fs::set_permissions(gate.path("state"), fs::Permissions::from_mode(0o700)).unwrap();

    let head = fs::File::options().write(true).open(gate.path("state/audit.head")).unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "the clock of the test is set back by writing ahead"
    )]
    let ahead = std::time::SystemTime::now() + std::time::Duration::from_secs(3600);
    head.set_modified(ahead).unwrap();
    let (_, said) = check(&doctor(&gate).1, "record");
    assert!(said.contains("clock went back"), "{said}");
}

#[test]
fn entries_that_differ_are_told_by_what_is_different() {
    for (there, here, told) in [
        ("\"timeout\": 10", "\"timeout\": 1", "its `timeout` is 1, not 10"),
        (
            "\"onFailure\": \"block\"",
            "\"onFailure\": \"continue\"",
            "its `onFailure` is \"continue\"",
        ),
        ("\"matcher\": \"*\"", "\"matcher\": \".*\"", "its matcher is `.*`"),
        ("--config", "--decide --config", "it calls another command"),
    ] {
        let gate = guarded();
        let settings = fs::read_to_string(gate.settings()).unwrap();
        assert!(settings.contains(there), "{settings}");
        fs::write(gate.settings(), settings.replace(there, here)).unwrap();
        let (code, report) = doctor(&gate);
        let (outcome, said) = check(&report, "entries");
        assert_eq!((code, outcome.as_str()), (1, "fails"), "{here}: {report}");
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn ways_around_that_are_open_here_are_found() {
    let gate = guarded();
    for (file, line) in [
        (".bashrc", "alias claude='claude --bare'"),
        (".zshrc", "function c { command claude --safe-mode \"$@\" }"),
        (".config/fish/functions/claude.fish", "set -gx CLAUDE_CODE_SIMPLE 1"),
        (".profile", "export CLAUDE_CONFIG_DIR=/tmp/other"),
    ] {
        write(&gate.path(file), &format!("# mine\n{line}\n"));
        let (code, report) = doctor(&gate);
        let (outcome, said) = check(&report, "startup files");
        assert_eq!((code, outcome.as_str()), (1, "fails"), "{file}: {report}");
        assert!(said.contains(file) && said.contains(":2"), "{said}");
        fs::remove_file(gate.path(file)).unwrap();
    }
    write(
        &gate.path(".bashrc"),
        "alias yolo='ringfence run -- claude --dangerously-skip-permissions'\n",
    );
    assert_eq!(doctor(&gate).0, 0);

    let mut set = gate.command(&["doctor", "--json", "claude-code"]);
    set.env("CLAUDE_CODE_SIMPLE", "1");
    let run = finish(set, b"");
    assert_eq!((run.code, check(&run.lines()[0], "environment").0.as_str()), (1, "fails"));

    // An agent that runs already, past the gate.
    let program = gate.path("bin/claude");
    write(&program, "#!/bin/sh\nread x\n");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut running = std::process::Command::new(&program);
    running.env("HOME", gate.path(""));
    let mut running = running.arg("--bare").stdin(std::process::Stdio::piped()).spawn().unwrap();
    let (code, report) = doctor(&gate);
    running.kill().unwrap();
    running.wait().unwrap();
    let (outcome, said) = check(&report, "running agents");
    assert_eq!((code, outcome.as_str()), (1, "warns"), "{said}");
    assert!(said.contains("--bare"), "{said}");
}

#[test]
fn gemini_can_switch_hooks_off_in_ways_of_its_own() {
    let gate = Gate::new();
    let settings = gate.path(".gemini/settings.json");
    write(&settings, "{}");
    assert_eq!(gate.run(&["init", "--yes", "gemini-cli"]).code, 0);
    let good = fs::read_to_string(&settings).unwrap();
    assert_eq!(gate.run(&["doctor", "gemini-cli"]).code, 0);
    for off in ["\"hooksConfig\": {\"enabled\": false}", "\"tools\": {\"enableHooks\": false}"] {
        fs::write(&settings, good.replacen('{', &format!("{{{off}, "), 1)).unwrap();
        let run = gate.run(&["doctor", "gemini-cli"]);
        assert!(run.code == 1 && run.out().contains("no hook runs"), "{off}: {}", run.out());
    }
    fs::write(&settings, &good).unwrap();
    let mut here = gate.command(&["doctor", "gemini-cli"]);
    write(&gate.path("proj/.gemini/settings.json"), "{\"hooksConfig\": {\"enabled\": false}}");
    here.current_dir(gate.path("proj"));
    assert_eq!(finish(here, b"").code, 1);
}

/// The transcript of a session in which two calls ran.
fn transcript(gate: &Gate, session: &str, calls: &[&str]) {
    let mut text = String::new();
    for call in calls {
        let tool =
            json!({"type": "tool_use", "id": call, "name": "Bash", "input": {"command": "ls"}});
        let result = json!({"type": "tool_result", "tool_use_id": call, "content": "done"});
        for (kind, content) in [("assistant", tool), ("user", result)] {
            let line = json!({"type": kind, "sessionId": session, "timestamp": "2999-01-01T00:00:00Z",
                              "message": {"role": kind, "content": [content]}});
            text.push_str(&format!("{line}\n"));
        }
    }
    write(&gate.transcript(session), &text);
}

#[test]
fn a_call_that_the_gate_never_saw_is_a_missed_heartbeat() {
    let gate = guarded();
    gate.start("s");
    assert_eq!(gate.asked("s", "toolu_1", "ls").0, "allow");
    transcript(&gate, "s", &["toolu_1"]);
    let (code, report) = doctor(&gate);
    assert_eq!(
        (code, check(&report, "heartbeat").1.as_str()),
        (0, "the gate saw all 1 calls of 1 transcripts")
    );

    transcript(&gate, "s", &["toolu_1", "toolu_2"]);
    let (code, report) = doctor(&gate);
    let (outcome, said) = check(&report, "heartbeat");
    assert_eq!((code, outcome.as_str()), (1, "warns"), "{said}");
    assert!(said.contains("missed heartbeat") && said.contains("1 of "), "{said}");
    let status = gate.run(&["status"]);
    assert!(status.code == 0 && status.out().contains("missed heartbeat"), "{}", status.out());

    // One that was refused did not run.
    let refused =
        json!({"type": "tool_result", "tool_use_id": "toolu_2", "is_error": true, "content": "no"});
    let text = fs::read_to_string(gate.transcript("s")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let line = json!({"type": "user", "sessionId": "s", "message": {"role": "user", "content": [refused]}});
    let line = line.to_string();
    *lines.last_mut().unwrap() = &line;
    write(&gate.transcript("s"), &(lines.join("\n") + "\n"));
    assert_eq!(doctor(&gate).0, 0);
}

#[test]
fn a_fleet_is_told_by_the_exit_code() {
    let gate = Gate::new();
    // Here, and not guarded.
    assert_eq!(gate.run(&["doctor"]).code, 1);
    fs::remove_dir(gate.path(".claude")).unwrap();
    // Not here at all.
    let run = gate.run(&["doctor"]);
    assert!(run.code == 2 && run.err().contains("no agent was found"), "{}", run.err());
    assert_eq!(gate.run(&["doctor", "claude-code"]).code, 1);
    // Codex cannot be asked whether it trusts the hooks.
    write(&gate.path(".codex/config.toml"), "");
    let mut init = gate.command(&["init", "--yes", "codex"]);
    init.env("PATH", "/nowhere");
    finish(init, b"");
    let mut doctor = gate.command(&["doctor", "codex"]);
    doctor.env("PATH", "/usr/bin:/bin");
    let run = finish(doctor, b"");
    assert!(run.code == 2 && run.out().contains("`codex` cannot be started"), "{}", run.out());
}
