//! Any text as a shell command: analysis ends, and does not panic. `analyze` catches panics, so a
//! caught one is looked for in the answer.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ringfence_action::{Action, OpaqueReason};
use serde_json::json;

fuzz_target!(|command: &str| {
    let line = json!({"tool": "Bash", "input": {"command": command}, "cwd": "/home/u/proj", "home": "/home/u"});
    let Ok(action) = Action::from_json(line.to_string().as_bytes()) else { return };
    let analysis = ringfence_analysis::analyze(&action, &ringfence_adapters::normalize(&action));
    let panicked = analysis.opaque.iter().any(|remark| remark.reason == OpaqueReason::Panicked);
    assert!(!panicked, "analysis panicked");
});
