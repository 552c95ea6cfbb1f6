//! Many hooks at once, and hooks that are killed: whatever was answered is in the log, and the log is
//! sound. `RINGFENCE_FULL` asks for as many as a release is tested with.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::gate::Gate;

fn full() -> bool {
    std::env::var_os("RINGFENCE_FULL").is_some()
}

fn begun(gate: &Gate, call: &str) -> Child {
    let mut command = gate.hook_command();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let event = gate.bash("s", call, "git push --force origin feature-x").to_string();
    // Killed before it has read everything is killed all the same.
    let _ = child.stdin.take().unwrap().write_all(event.as_bytes());
    child
}

/// The calls that the log has a decision for.
fn decided(gate: &Gate) -> BTreeSet<String> {
    let decisions = gate.entries().into_iter().filter(|entry| entry["kind"] == "decision");
    decisions.map(|entry| entry["action"]["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn killed_at_any_moment_the_log_holds_every_answer() {
    let gate = Gate::new();
    gate.start("s");
    let (rounds, at_once) = if full() { (50, 4) } else { (10, 3) };
    let mut answered = BTreeSet::new();
    for round in 0..rounds {
        let hooks: Vec<(String, Child)> = (0..at_once)
            .map(|n| format!("k{round}-{n}"))
            .map(|call| (call.clone(), begun(&gate, &call)))
            .collect();
        for (n, (call, mut child)) in hooks.into_iter().enumerate() {
            thread::sleep(Duration::from_millis((round * 7 + n as u64 * 11) % 60));
            child.kill().unwrap();
            let mut out = String::new();
            child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
            child.wait().unwrap();
            if out.ends_with('\n') {
                answered.insert(call);
            }
        }
    }
    let decided_at_all = decided(&gate);
    assert!(answered.is_subset(&decided_at_all), "{answered:?} {decided_at_all:?}");
    gate.assert_sound();
    assert_eq!(gate.asked("s", "last", "ls").0, "allow");
    gate.assert_sound();
}

#[test]
fn parallel_calls_of_one_session_are_all_recorded() {
    let gate = Gate::new();
    gate.start("s");
    let hooks: Vec<Child> = (0..50).map(|n| begun(&gate, &format!("p{n}"))).collect();
    for child in hooks {
        let output = child.wait_with_output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("\"ask\""), "{output:?}");
    }
    assert_eq!(decided(&gate).len(), 50);
    gate.assert_sound();
    let entries = gate.entries();
    let longest = entries.iter().filter_map(|entry| entry["waited_us"].as_u64()).max().unwrap();
    println!("longest wait for the session: {longest} us");
    assert!(entries.iter().all(|entry| entry["code"] == Value::Null), "no findings");
}

/// However much a session has been through, its next call is answered as soon as its first ones.
#[test]
fn the_last_of_many_calls_takes_as_long_as_the_first() {
    let gate = Gate::new();
    gate.start("s");
    let (calls, ends) = if full() { (10_000, 100) } else { (160, 40) };
    let mut took = Vec::new();
    for n in 0..calls {
        let (call, command) = (format!("c{n}"), format!("touch made-{n}; git -C repo-{n} status"));
        let before = gate.bash("s", &call, &command);
        let started = Instant::now();
        let run = gate.send(&before);
        took.push(started.elapsed());
        assert_eq!(run.code, 0, "{}", run.err());
        let mut after = before;
        after["hook_event_name"] = "PostToolUse".into();
        after["tool_response"] = serde_json::json!({});
        assert_eq!(gate.send(&after).code, 0);
    }
    let median = |part: &[Duration]| {
        let mut part = part.to_vec();
        part.sort_unstable();
        part[part.len() / 2].as_secs_f64() * 1e3
    };
    let (first, last) = (median(&took[..ends]), median(&took[calls - ends..]));
    println!("{calls} calls: the first {ends} take {first:.1} ms, the last {last:.1} ms");
    // Other tests come and go on the same machine.
    assert!(last < first * 3.0 + 10.0, "{first:.1} ms, then {last:.1} ms");
}

/// A clock that is set back is a finding; calls are decided, recorded in their order and replayed all
/// the same.
#[test]
fn a_clock_that_goes_back_is_a_finding_and_nothing_else() {
    let gate = Gate::new();
    gate.start("s");
    assert_eq!(gate.asked("s", "c1", "ls").0, "allow");
    let sessions = gate.path("state/sessions");
    let kept = fs::read_dir(sessions).unwrap().map(|entry| entry.unwrap().path());
    let kept = kept.into_iter().find(|path| path.extension().is_some_and(|it| it == "json"));
    let kept = kept.unwrap();
    let text = fs::read_to_string(&kept).unwrap();
    let mut state: Value = serde_json::from_str(text.split_once('\n').unwrap().1).unwrap();
    state["at"] = "2099-01-01T00:00:00Z".into();
    let state = state.to_string();
    let hash = format!("sha256:{:x}", Sha256::digest(state.as_bytes()));
    fs::write(&kept, format!("{hash}\n{state}")).unwrap();

    assert_eq!(gate.asked("s", "c2", "ls").0, "allow");
    assert_eq!(gate.findings(), ["record.clock-went-back"]);
    // Said once: from now on the clock is where it is.
    assert_eq!(gate.asked("s", "c3", super::gate::DENIED).0, "deny");
    assert_eq!(gate.findings(), ["record.clock-went-back"]);
    let numbers: Vec<u64> = gate.entries().iter().map(|it| it["seq"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
    gate.assert_sound();
}
