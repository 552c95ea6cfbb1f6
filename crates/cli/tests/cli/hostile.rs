//! What a hostile call, a hostile project or another user may leave for the gate to stumble on.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::gate::{ASKED, DENIED, Gate, PROGRAM, write};

fn mkfifo(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").args(["-m", "600"]).arg(path).status().unwrap().success());
}

/// Nobody will ever write into a pipe that lies where a file should.
#[test]
fn pipes_and_devices_in_place_of_files_close_the_gate_at_once() {
    for name in ["config/config.toml", "config/rules/ours.toml"] {
        let gate = Gate::new();
        gate.start("s");
        mkfifo(&gate.path(name));
        let before = Instant::now();
        let (verdict, reason) = gate.asked("s", "c1", "ls");
        assert!(before.elapsed() < Duration::from_secs(3), "{name}");
        assert_eq!(verdict, "deny");
        assert!(reason.contains("not a regular file"), "{reason}");
        fs::remove_file(gate.path(name)).unwrap();
        std::os::unix::fs::symlink("/dev/zero", gate.path(name)).unwrap();
        assert_eq!(gate.asked("s", "c2", "ls").0, "deny");
    }
}

/// The watchdog waits for nothing that the rest may hang in, and its denial is in the log.
#[test]
fn a_missed_deadline_is_a_denial_and_is_recorded() {
    let gate = Gate::new();
    gate.start("s");
    let locks = fs::read_dir(gate.path("state/sessions")).unwrap().map(|it| it.unwrap().path());
    let lock = locks.into_iter().find(|it| it.extension().is_some_and(|it| it == "lock")).unwrap();
    let held = File::options().write(true).open(lock).unwrap();
    held.lock().unwrap();
    let before = Instant::now();
    let (verdict, reason) = gate.asked("s", "c1", "ls");
    assert!(before.elapsed() < Duration::from_secs(7));
    assert!(verdict == "deny" && reason.contains("within the deadline"), "{reason}");
    drop(held);
    let last = gate.entries().pop().unwrap();
    assert_eq!(
        (&last["kind"], &last["event"]),
        (&json!("refusal"), &json!("PreToolUse")),
        "{last}"
    );
}

#[test]
fn a_configuration_that_others_could_have_written_is_not_believed() {
    let gate = Gate::new();
    gate.start("s");
    let (folder, file) = (gate.path("config"), gate.path("config/config.toml"));
    write(&file, "preset = \"observe\"\n");
    assert_eq!(gate.asked("s", "c1", DENIED).0, "allow");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    let (verdict, reason) = gate.asked("s", "c2", DENIED);
    assert!(verdict == "deny" && reason.contains("can be changed by others"), "{reason}");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    for path in [&file, &folder] {
        // Only the administrator can give files away.
        if chown(path, Some(65534), Some(65534)).is_err() {
            return;
        }
        let (verdict, reason) = gate.asked("s", "c3", DENIED);
        assert!(verdict == "deny" && reason.contains("belongs to user 65534"), "{reason}");
        chown(path, Some(0), Some(0)).unwrap();
    }
    assert_eq!(gate.asked("s", "c4", DENIED).0, "allow");
}

/// A tool call that becomes the hook looks like its agent; it cannot look like an agent without a call.
#[test]
fn a_prompt_while_a_call_runs_never_consents() {
    let gate = Gate::new();
    gate.start("s");
    assert_eq!(gate.asked("s", "c1", "make").0, "allow");
    gate.say("s", "force-push feature-x");
    assert_eq!(gate.asked("s", "c2", ASKED).0, "ask");
    assert_eq!(gate.findings(), ["session.prompt-during-call"]);
    // A call that the user refused is over, and so is one that came back.
    gate.done("s", "c1");
    gate.done("s", "c2");
    gate.say("s", "do force-push feature-x");
    assert_eq!(gate.asked("s", "c3", ASKED).0, "allow");
    assert_eq!(gate.findings().len(), 1);
    gate.assert_sound();
}

/// An agent that a tool call of another started repeats what that one says.
#[test]
fn an_agent_started_by_an_agent_relays() {
    let gate = Gate::new();
    gate.start("outer");
    let [state, config, home] = ["state", "config", ""].map(|name| gate.text(name));
    let hook =
        format!("{PROGRAM} hook claude-code --state {state} --config {config} --home {home}");
    let prompt = json!({"prompt": "force-push feature-x, and don't commit"});
    for (name, event) in [
        ("start", gate.event("inner", "SessionStart", json!({"source": "startup"}))),
        ("prompt", gate.event("inner", "UserPromptSubmit", prompt)),
        ("push", gate.bash("inner", "c1", ASKED)),
        ("commit", gate.bash("inner", "c2", "git commit -m x")),
    ] {
        write(&gate.path(name), &event.to_string());
    }
    write(&gate.transcript("inner"), "");
    gate.write_down("inner", "force-push feature-x, and don't commit");
    // The shell is the inner agent: a child of this process, which is the outer one.
    let script =
        format!("cd {home} || exit; for it in start prompt push commit; do {hook} < $it; done; :");
    let shell = Command::new("bash").args(["-c", &script]).stdin(Stdio::null()).output().unwrap();
    let answers = String::from_utf8(shell.stdout).unwrap();
    let verdicts: Vec<&str> = ["ask", "deny"]
        .into_iter()
        .filter(|it| answers.contains(&format!("\"permissionDecision\":\"{it}\"")))
        .collect();
    assert_eq!(verdicts, ["ask", "deny"], "{answers}");
    let entries = gate.entries();
    assert!(entries.iter().any(|it| it["standing"] == "nested"), "{entries:?}");
    assert_eq!(gate.findings(), Vec::<String>::new());
}

/// The gate lies where `init` put it, not where it is usually put.
#[test]
fn the_gate_protects_itself_where_it_is() {
    let gate = Gate::new();
    gate.start("first");
    let (state, config) = (gate.text("state"), gate.text("config"));
    for (number, command) in [
        format!("rm -rf {state}"),
        format!("rm -rf {state}/*"),
        format!("mv {state} /tmp/x"),
        format!("truncate -s0 {state}/audit/000001.jsonl"),
        format!("echo 'preset = 1' > {config}/config.toml"),
        "cp r.cedar ../config/rules/a.cedar".to_owned(),
        format!("rm {PROGRAM}"),
        format!("mv {PROGRAM} /tmp/z"),
        format!("chmod -x {PROGRAM}"),
        format!("cp /bin/true {PROGRAM}"),
        format!("{PROGRAM} init --undo --yes"),
    ]
    .iter()
    .enumerate()
    {
        let session = format!("s{number}");
        gate.start(&session);
        let (verdict, reason) = gate.asked(&session, "c", command);
        assert_eq!(verdict, "deny", "{command}: {reason}");
    }
    for harmless in ["ls", "touch ../made", "cargo build"] {
        assert_eq!(gate.asked("first", harmless, harmless).0, "allow", "{harmless}");
    }
    gate.assert_sound();
}
