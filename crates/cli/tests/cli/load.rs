//! Many hooks at once, and hooks that are killed: whatever was answered is in the log, and the log is
//! sound. `RINGFENCE_FULL` asks for as many as a release is tested with.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

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
