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

/// What other systems read, from a session that really was.
#[test]
fn the_log_is_exported_in_each_form() {
    let gate = Gate::new();
    gate.start("s");
    assert_eq!(gate.asked("s", "c1", DENIED).0, "deny");
    gate.start("other");
    let entries = gate.entries().len();
    let export = |format: &str, more: &[&str]| {
        let run = gate.run(&[&["audit", "export", "--format", format], more].concat());
        assert_eq!(run.code, 0, "{}", run.err());
        run.out().to_owned()
    };
    for format in ["ocsf", "cef", "jsonl"] {
        assert_eq!(export(format, &[]).lines().count(), entries, "{format}");
        assert_eq!(export(format, &["--since", "1h"]).lines().count(), entries, "{format}");
        assert_eq!(export(format, &["--until", "1h"]), "", "{format}");
        let one = export(format, &["--session", "other"]).lines().count();
        assert!(one > 0 && one < entries, "{format}: {one}");
    }
    assert!(export("ocsf", &[]).contains("\"class_uid\":2004"));
    assert!(export("otlp", &[]).contains("\"resourceSpans\""));
    let file = gate.text("audit.parquet");
    let said = export("parquet", &["--output", &file]);
    assert_eq!(said, format!("{entries} entries in {file}\n"));
    assert!(fs::read(&file).unwrap().starts_with(b"PAR1"));
    assert_eq!(gate.run(&["audit", "export", "--format", "ocsf", "--since", "soon"]).code, 2);
}

/// What the user's own configuration says is done at the end of a session, and said.
#[test]
fn what_was_kept_long_enough_goes_at_the_end_of_a_session() {
    let gate = Gate::new();
    let end = || drop(gate.send(&gate.event("s", "SessionEnd", serde_json::json!({}))));
    gate.start("s");
    assert_eq!(gate.asked("s", "c1", DENIED).0, "deny");
    end();
    assert_eq!(gate.run(&["audit", "rotate"]).code, 0);
    gate.start("t");
    assert!(
        gate.run(&["audit", "prune"]).out().contains("nothing was kept longer"),
        "nothing is configured"
    );
    let config = gate.path("config");
    fs::create_dir_all(&config).unwrap();
    super::gate::write(&config.join("config.toml"), "[audit]\nkeep_mib = 0\n");
    end();
    let verify = gate.run(&["audit", "verify"]);
    assert_eq!(verify.code, 0, "{}", verify.out());
    assert!(verify.out().contains("were kept long enough and removed"), "{}", verify.out());
    assert!(
        !gate.run(&["audit", "tail", "--json"]).out().contains("\"code\":\"record."),
        "nothing failed"
    );
    // What was shown before still is, and replaying says what it cannot.
    assert_eq!(gate.run(&["audit", "prove", "1"]).code, 0);
    assert_eq!(gate.run(&["audit", "replay"]).code, 0);
    fs::remove_dir_all(gate.path("state/tlog")).unwrap();
    assert_eq!(gate.run(&["audit", "verify"]).code, 0, "the chain alone still holds");
}

/// An agent can start what its user can: it takes nothing out of the log, and trying is recorded.
#[test]
fn nobody_takes_anything_out_without_a_person() {
    let gate = Gate::new();
    gate.start("s");
    assert_eq!(gate.asked("s", "c1", DENIED).0, "deny");
    let before = gate.entries().len();
    for args in
        [&["audit", "redact", "2", "--reason", "x"][..], &["audit", "prune", "--keep-mib", "0"]]
    {
        let run = gate.run(args);
        assert_eq!(run.code, 1, "{}{}", run.out(), run.err());
        assert!(run.out().starts_with("not done: "), "{}", run.out());
    }
    assert_eq!(
        gate.findings().iter().filter(|it| *it == "guard.override-without-person").count(),
        2
    );
    assert_eq!(gate.entries().len(), before + 2);
    assert!(gate.run(&["audit", "tail", "--json"]).out().contains("push"), "it is all there");
}
