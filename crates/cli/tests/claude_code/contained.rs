//! Calls that run inside, as the agent and the kernel see them.
//!
//! `eval "$(cat NAME)"` is code that nobody can read beforehand, which the default rules contain.

use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::home::{Home, Start};
use crate::mock::{Mock, bash, call};

/// Proof from inside: no network but a loopback of its own, nothing outside of the workspace to be
/// written, the home folder empty, and yet the workspace itself as it is.
const PROBE: &str = "
cat /proc/net/dev | grep -c :
touch ../outside 2>/dev/null || echo read-only
cat ~/secret 2>/dev/null || echo hidden
echo \"key=$ANTHROPIC_API_KEY\"
echo work > made-inside
echo to-errors >&2
umask; echo \"$# arguments\"
cd sub
";

fn contained(name: &str) -> String {
    format!("eval \"$(cat {name})\"")
}

#[test]
fn a_contained_call_runs_inside_and_is_otherwise_as_it_was() {
    let Some(home) = Home::new() else { return };
    home.init();
    fs::write(home.path("secret"), "CANARY").unwrap();
    fs::create_dir(home.path("proj/sub")).unwrap();
    home.file("probe", PROBE);
    home.file("sub/fails", "echo before; exit 42");
    home.file("sub/killed", "kill -TERM $$");
    home.file("sub/reopens", "echo text > /dev/stdout");
    let reopens = contained("reopens");
    let mock = Mock::start(&[
        &contained("probe"),
        "pwd",
        &contained("fails"),
        &contained("killed"),
        &reopens,
    ]);
    home.claude(&mock, "do it");
    let results = mock.results();
    let sub = home.path("proj/sub");
    assert_eq!(
        results,
        [
            "1\nread-only\nhidden\nkey=\nto-errors\n0022\n0 arguments".to_owned(),
            sub.display().to_string(),
            "Exit code 42\nbefore".to_owned(),
            "Exit code 143".to_owned(),
            "text".to_owned(),
        ],
        "{}",
        home.audit()
    );
    assert!(home.ran("made-inside") && !home.path("outside").exists());
    assert_eq!(home.verdicts(), ["contain", "allow", "contain", "contain", "contain"]);
    let runs = home.entries("run");
    let exits: Vec<&Value> = runs.iter().map(|run| &run["exit"]).collect();
    assert_eq!(exits, [0, 42, 143, 0]);
    assert!(runs.iter().all(|run| run["tier"] == "A" && run["call"].is_string()), "{runs:?}");
    // What it tried outside is told; nothing was rewritten behind our back.
    let found = home.entries("finding");
    let codes: Vec<&Value> = found.iter().map(|finding| &finding["code"]).collect();
    assert_eq!(codes, ["run.unforeseen"], "{found:?}");
    assert!(found[0]["tried"].to_string().contains("/outside"), "{found:?}");
    assert!(home.ringfence(&["audit", "verify"]).status.success());
}

#[test]
fn what_goes_on_in_the_background_goes_on() {
    let Some(home) = Home::new() else { return };
    home.init();
    home.file("leaves", "(sleep 2; touch later) > /dev/null 2>&1 & echo started");
    home.file("task", "sleep 1; echo finished > finished");
    let background = json!({"command": contained("task"), "run_in_background": true, "timeout": 9000,
                            "description": "in the background"});
    let mock = Mock::scripted(
        [bash(&contained("leaves")), call("Bash", background), bash("sleep 3; ls")],
        [],
    );
    home.claude(&mock, "do it");
    let results = mock.results();
    assert_eq!(results[0], "started");
    assert!(results[1].contains("running in background"), "{results:?}");
    assert!(home.ran("later") && home.ran("finished"), "{results:?} {}", home.audit());
    let runs = home.entries("run");
    assert_eq!(runs[0]["left_running"], json!(true), "{runs:?}");
    assert_eq!(home.entries("finding"), [Value::Null; 0]);
}

#[test]
fn a_command_that_is_stopped_is_stopped_inside_too() {
    let Some(home) = Home::new() else { return };
    home.init();
    home.file("endless", "touch began; while :; do date > ticking; sleep 0.1; done");
    let mock = Mock::start(&[&contained("endless")]);
    // Claude Code ends what it started when it is ended itself.
    let start = Start { wrapped: &["timeout", "--signal=INT", "8"], ..Start::default() };
    home.start(&mock, "do it", &start);
    assert!(home.ran("began"), "{}", home.audit());
    thread::sleep(Duration::from_millis(700));
    let last = fs::read_to_string(home.path("proj/ticking")).unwrap();
    thread::sleep(Duration::from_millis(1500));
    assert_eq!(fs::read_to_string(home.path("proj/ticking")).unwrap(), last);
}

#[test]
fn where_no_sandbox_can_start_the_user_is_asked() {
    let Some(home) = Home::new() else { return };
    home.init();
    home.file("task", "touch ran-inside");
    let mock = Mock::start(&[&contained("task")]);
    let start = Start {
        wrapped: &["unshare", "--user", "--map-root-user"],
        before: "echo 0 > /proc/sys/user/max_user_namespaces",
        ..Start::default()
    };
    home.start(&mock, "do it", &start);
    assert!(!home.ran("ran-inside"), "{}", home.audit());
    assert_eq!(home.verdicts(), ["ask"]);
}

#[test]
fn the_agents_own_rules_stay_in_force() {
    let own: &[(&[&str], &str)] = &[
        (&["--allowedTools", "Bash", "--disallowedTools", "Bash(cat:*)"], "{}"),
        (&["--allowedTools", "Bash"], r#"{"permissions": {"deny": ["Bash(cat *)"]}}"#),
        (&["--allowedTools", "Bash"], r#"{"permissions": {"ask": ["Bash(cat task)"]}}"#),
    ];
    for (flags, settings) in own {
        let Some(home) = Home::new() else { return };
        home.init();
        fs::create_dir_all(home.path("proj/.claude")).unwrap();
        home.file(".claude/settings.local.json", settings);
        home.file("task", "touch ran-inside");
        let mock = Mock::start(&[&contained("task")]);
        home.start(&mock, "do it", &Start { flags: Some(flags), ..Start::default() });
        assert!(!home.ran("ran-inside"), "{flags:?} {settings} {}", home.audit());
        assert_eq!(home.verdicts(), ["ask"], "{flags:?} {settings}");
    }
}

#[test]
fn only_a_gate_that_decides_lets_it_run_without_the_agents_own_consent() {
    for (flags, runs) in [(&[][..], false), (&["--decide"][..], true)] {
        let Some(home) = Home::new() else { return };
        home.init_with(flags);
        home.file("task", "touch ran-inside");
        let mock = Mock::start(&[&contained("task"), "touch ran-plain"]);
        home.start(&mock, "do it", &Start { flags: Some(&[]), ..Start::default() });
        assert_eq!(home.ran("ran-inside"), runs, "{flags:?} {}", home.audit());
        assert_eq!(home.ran("ran-plain"), runs, "{flags:?} {}", home.audit());
        // Claude Code asks its user about the rewritten call, and asks the gate first.
        assert_eq!(home.entries("permission").len(), usize::from(!runs), "{}", home.audit());
    }
}

#[test]
fn to_say_run_is_no_excuse() {
    let Some(home) = Home::new() else { return };
    home.init();
    let program = env!("CARGO_BIN_EXE_ringfence");
    let denied = format!("{program} run --net -- bash -c 'git push --force origin main'");
    let forged = format!(
        "{program} run --state {} --ticket 00112233445566778899aabbccddeeff -- bash -c 'touch forged'",
        home.state().display()
    );
    let mock = Mock::start(&[&denied, &forged]);
    home.claude(&mock, "do it");
    let results = mock.results();
    assert!(results[0].contains("git.force-push-default-branch"), "{results:?}");
    // A program that nobody read is contained itself, and inside there is no state to look into.
    assert!(results[1].contains("could not enforce"), "{results:?}");
    assert!(!home.ran("forged"));
}
