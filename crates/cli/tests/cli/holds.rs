//! Sessions that are held: by a person, by a rule, by a cap. What holds is there from the next call on, for
//! every agent that the session started, and the agent is told why.

use std::fs;
use std::time::{Duration, Instant};

use ringfence_record::StateFolder;
use ringfence_record::holds::{Hold, HoldKind, Holds};
use serde_json::json;

use super::gate::{DENIED, Gate, answer_of, write};
use super::nested::{STARTED, call, from_inside, message};

fn holds(gate: &Gate) -> Holds {
    Holds::of(&StateFolder::open(gate.path("state")).unwrap())
}

fn place(gate: &Gate, kind: HoldKind, session: Option<&str>) -> Hold {
    let hold = Hold {
        id: String::new(),
        kind,
        session: session.map(str::to_owned),
        by: "pts/7".to_owned(),
        reason: "let me look".to_owned(),
        at: "2026-01-01T00:00:00Z".to_owned(),
    };
    holds(gate).place(hold).unwrap()
}

#[test]
fn what_is_paused_denies_the_very_next_call_and_says_why() {
    let gate = Gate::new();
    gate.start("s");
    gate.start("t");
    assert_eq!(gate.asked("s", "c1", "ls").0, "allow");
    let hold = place(&gate, HoldKind::Pause, Some("s"));
    let (verdict, reason) = gate.asked("s", "c2", "ls");
    assert_eq!(verdict, "deny");
    assert!(reason.contains("session.paused: a person paused this session (let me look)"));
    let read = json!({"tool_name": "Read", "tool_use_id": "c3",
                      "tool_input": {"file_path": gate.path("proj/a")}});
    assert_eq!(answer_of(&gate.send(&gate.event("s", "PreToolUse", read))).0, "deny");
    assert_eq!(gate.asked("t", "c1", "ls").0, "allow", "others go on");
    holds(&gate).release(&hold.id).unwrap();
    assert_eq!(gate.asked("s", "c4", "ls").0, "allow");

    place(&gate, HoldKind::Kill, None);
    for session in ["s", "t"] {
        let (verdict, reason) = gate.asked(session, "c9", "ls");
        assert!(verdict == "deny" && reason.contains("session.killed"), "{reason}");
    }
    let held = gate.entries().into_iter().filter(|entry| entry["kind"] == "held").count();
    assert_eq!(held, 4);
    gate.assert_sound();
}

#[test]
fn who_may_only_look_changes_nothing() {
    let gate = Gate::new();
    gate.start("s");
    place(&gate, HoldKind::DenyAll, Some("s"));
    for (number, (command, verdict)) in [
        ("ls", "allow"),
        ("cat README.md | head", "allow"),
        ("touch x", "deny"),
        ("echo y > x", "deny"),
        ("curl https://example.com/?q=1", "deny"),
        ("bash unknown.sh", "deny"),
        ("$UNKNOWN x", "deny"),
        (DENIED, "deny"),
    ]
    .into_iter()
    .enumerate()
    {
        let (said, reason) = gate.asked("s", &format!("c{number}"), command);
        assert_eq!(said, verdict, "{command}: {reason}");
    }
    gate.assert_sound();
}

#[test]
fn who_must_ask_asks_about_everything() {
    let gate = Gate::new();
    gate.start("s");
    place(&gate, HoldKind::AskAll, None);
    let (verdict, reason) = gate.asked("s", "c1", "ls");
    assert!(verdict == "ask" && reason.contains("session.ask-all"), "{verdict} {reason}");
    let (verdict, reason) = gate.asked("s", "c2", DENIED);
    assert!(verdict == "deny" && !reason.contains("session.ask-all"), "{reason}");
    gate.assert_sound();
}

/// Whoever says yes would have it run, and not contained.
#[test]
fn who_must_ask_does_not_run_what_has_to_run_contained() {
    let gate = Gate::new();
    gate.start("s");
    // Nobody has read what this runs: it is contained.
    let unseen = "npm install left-pad";
    let decided = |command: &str| {
        gate.asked("s", "c0", command);
        let entries = gate.entries();
        let decision = entries.iter().rev().find(|entry| entry["kind"] == "decision").unwrap();
        decision["decision"]["verdict"].clone()
    };
    place(&gate, HoldKind::AskAll, None);
    assert_eq!(decided(unseen), "contain", "by the rules");
    let (verdict, reason) = gate.asked("s", "c1", unseen);
    assert_eq!(verdict, "deny", "{reason}");
    assert!(reason.contains("cannot be done of what has to run contained"), "{reason}");
    assert_eq!(gate.asked("s", "c2", "ls").0, "ask", "the rest is asked about");
    let held: Vec<_> = gate.entries().into_iter().filter(|it| it["kind"] == "held").collect();
    let verdicts: Vec<_> = held.iter().map(|it| it["verdict"].clone()).collect();
    assert_eq!(verdicts, ["deny", "deny", "ask"]);
    gate.assert_sound();
}

/// What is judged is the text without its secrets; what they hide is refused as it runs, and does more than look.
#[test]
fn who_may_only_look_hides_nothing_behind_what_looks_like_a_secret() {
    let gate = Gate::new();
    gate.start("s");
    write(&gate.path(".aws/credentials"), "x\n");
    // The name of a folder that keeps secrets, and of one that does not, out of what looks like a token.
    let reads = |folder: &str| {
        let token = format!("ghp_{folder}{}", "a1B2c3D4".repeat(5));
        format!("x={token}; cat ~/.${{x:4:3}}/credentials")
    };
    assert_eq!(gate.asked("s", "c1", &reads("aws")).0, "allow", "nobody holds it");
    place(&gate, HoldKind::DenyAll, None);
    let key = ["-----BEGIN ", "PRIVATE KEY-----"].concat();
    for (number, (command, verdict)) in [
        ("cat ~/.aws/credentials".to_owned(), "deny"),
        (reads("aws"), "deny"),
        (reads("oth"), "allow"),
        (format!("echo {key}; rm -rf ~/"), "deny"),
        (format!("echo {key}"), "allow"),
    ]
    .into_iter()
    .enumerate()
    {
        let (said, reason) = gate.asked("s", &format!("d{number}"), &command);
        assert_eq!(said, verdict, "{command}: {reason}");
    }
    gate.assert_sound();
}

#[test]
fn what_an_agent_started_is_held_with_it() {
    let gate = Gate::new();
    gate.start("s");
    place(&gate, HoldKind::Pause, Some("s"));
    let start = message(&gate, "SessionStart", json!({"source": "startup"}));
    let answers = from_inside(&gate, STARTED, &[start, call(&gate, "ls")]);
    let told = answers[1].to_string();
    assert!(told.contains("session.paused"), "{told}");
}

#[test]
fn a_rule_or_a_cap_pauses_a_session_from_the_next_call_on() {
    let gate = Gate::new();
    gate.start("s");
    gate.start("t");
    let rule = "vcs.force-push";
    let (_, reason) = gate.asked("s", "c0", DENIED);
    let rule = reason.split(": ").nth(1).unwrap_or(rule).to_owned();
    write(&gate.path("config/config.toml"), &format!("[hold]\nrules = [\"{rule}\"]\ncalls = 3\n"));
    gate.asked("s", "c1", DENIED);
    let (verdict, reason) = gate.asked("s", "c2", "ls");
    assert_eq!(verdict, "deny");
    assert!(reason.contains("session.paused: a rule") && reason.contains(&rule), "{reason}");

    for call in ["c1", "c2", "c3"] {
        assert_eq!(gate.asked("t", call, "ls").0, "allow");
    }
    let (verdict, reason) = gate.asked("t", "c4", "ls");
    assert!(verdict == "deny" && reason.contains("a limit"), "{reason}");
    let by: Vec<_> = holds(&gate).all().unwrap().into_iter().map(|hold| hold.by).collect();
    assert_eq!(by, ["rule", "cap"]);
    gate.assert_sound();
}

#[test]
fn holds_that_cannot_be_read_hold_everything() {
    let gate = Gate::new();
    gate.start("s");
    fs::write(gate.path("state/holds.json"), "[{").unwrap();
    let (verdict, reason) = gate.asked("s", "c1", "ls");
    assert!(verdict == "deny" && reason.contains("holds.json"), "{reason}");
}

/// The bar is 100 ms from the hold to its effect, for 99 of 100. What a hook process itself takes here, on a
/// machine that does other things, is not part of it.
#[test]
fn a_hold_takes_effect_at_once() {
    let gate = Gate::new();
    let state = StateFolder::open(gate.path("state")).unwrap();
    let mut took: Vec<Duration> = (0..100)
        .map(|number| {
            let session = format!("s{number}");
            let began = Instant::now();
            let hold = place(&gate, HoldKind::Pause, Some(&session));
            let seen = Holds::of(&state).strictest_on(|| vec![session]).unwrap();
            let took = began.elapsed();
            assert_eq!(seen.map(|it| it.id), Some(hold.id));
            took
        })
        .collect();
    took.sort_unstable();
    println!("from hold to effect: p50 {:?}, p99 {:?}", took[50], took[98]);
    assert!(took[98] < Duration::from_millis(100), "{:?}", took[98]);
}
