//! The log as somebody else checks it: what is signed, kept elsewhere, proved and witnessed.

use std::fs;

use super::gate::{DENIED, Gate};
use super::{Run, finish};

/// A session that has ended is signed for, and another machine can hold this one to it.
#[test]
fn what_was_signed_for_is_held_against_whoever_changes_it() {
    let (gate, elsewhere) = (Gate::new(), Gate::new());
    let fine = |run: Run| {
        assert_eq!(run.code, 0, "{}{}", run.out(), run.err());
        run.out().to_owned()
    };
    gate.start("s");
    assert_eq!(gate.asked("s", "c1", DENIED).0, "deny");
    assert!(fine(gate.run(&["audit", "verify"])).contains(" 0 of them signed for"));
    gate.send(&gate.event("s", "SessionEnd", serde_json::json!({})));
    let entries = gate.entries().len();
    let signed = format!("sound: {entries} entries, {entries} of them signed for");
    assert!(fine(gate.run(&["audit", "verify"])).starts_with(&signed));

    // What is given away: the key, a checkpoint, the proof of an entry.
    let key = fine(gate.run(&["audit", "key"]));
    let kept = elsewhere.text("checkpoint");
    fs::write(&kept, fine(gate.run(&["audit", "checkpoint"]))).unwrap();
    let proof = fine(gate.run(&["audit", "prove", "2"]));
    let check = ["audit", "check-proof", "--key", key.trim()];
    let shown = fine(finish(elsewhere.command(&check), proof.as_bytes()));
    assert!(shown.starts_with("entry 2 sha256:"), "{shown}");
    let other = proof.replacen("index 1", "index 0", 1);
    assert_eq!(finish(elsewhere.command(&check), other.as_bytes()).code, 1);
    assert_eq!(gate.run(&["audit", "prove", "999"]).code, 2);

    // Another machine vouches for it.
    let by = fine(elsewhere.run(&["audit", "witness", "key"]));
    let request = fine(gate.run(&["audit", "witness", "request"]));
    let sign = elsewhere.command(&["audit", "witness", "sign", "--log", key.trim()]);
    let line = fine(finish(sign, request.as_bytes()));
    let add = gate.command(&["audit", "witness", "add", "--by", by.trim()]);
    fine(finish(add, line.as_bytes()));
    let verify = ["audit", "verify", "--witness", by.trim(), "--checkpoint", kept.as_str()];
    fine(gate.run(&verify));
    // Asked again as if for the first time, it remembers.
    let again = elsewhere.command(&["audit", "witness", "sign", "--log", key.trim()]);
    let again = finish(again, request.as_bytes());
    assert_eq!((again.code, again.out().starts_with("not signed: ")), (1, true), "{}", again.out());

    // All of it is made anew, with the same key.
    for name in ["audit", "tlog", "sessions"] {
        fs::remove_dir_all(gate.path("state").join(name)).unwrap();
    }
    fs::remove_file(gate.path("state/audit.head")).unwrap();
    gate.start("t");
    fine(gate.run(&["audit", "checkpoint"]));
    fine(gate.run(&["audit", "verify"]));
    let found = gate.run(&["audit", "verify", "--checkpoint", &kept]);
    assert_eq!(found.code, 1);
    assert!(found.out().contains("the log was rolled back"), "{}", found.out());
}
