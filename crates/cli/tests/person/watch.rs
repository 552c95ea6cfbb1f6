//! `ringfence watch` in a person's terminal, beside a real daemon and a real agent: what happens is seen, and the person
//! lets through, refuses, pauses, lets go and ends.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::place::{Agent, Place, Terminal, wait};

const ASKED: &str = "git push --force origin feature-x";

/// A daemon, apart from the agent, and its process.
fn daemon(place: &Place) -> String {
    let code = format!(
        "echo $$ > {}; exec {} serve --listen 127.0.0.1:0",
        place.path("daemon").display(),
        place.program()
    );
    assert!(place.apart(&["sh", "-c", &code]).status().unwrap().success());
    let socket = place.path("state/serve.sock");
    wait(|| std::os::unix::net::UnixStream::connect(&socket).ok());
    fs::read_to_string(place.path("daemon")).unwrap().trim().to_owned()
}

#[test]
fn a_person_watches_and_steps_in() {
    let Some(place) = Place::new() else { return };
    let config = place.path("config/config.toml");
    fs::write(&config, "[approvals]\nmode = \"queue\"\n").unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).unwrap();
    let person = Terminal::open(&place);
    let mut agent = Agent::start(&place);
    agent.begin();
    let daemon = daemon(&place);
    person.types("stty cols 140 rows 30; echo wide");
    person.waits_for("wide");
    person.types(&format!("{} watch", place.program()));
    person.waits_for("live by the daemon");
    assert_eq!(agent.asks("echo seen-by-the-stream").0, "allow");
    person.waits_for("seen-by-the-stream");

    // One is let through, another refused, each by what is shown and typed.
    assert!(agent.asks(ASKED).1.contains("approval.waiting"));
    person.presses("a");
    person.waits_for("what a no costs");
    person.presses("a");
    person.waits_for_letters();
    person.types("wrong");
    person.waits_for("not let through");
    assert_eq!(agent.asks(ASKED).0, "deny", "a mistake lets nothing through");
    person.presses("\r");
    person.waits_for("waiting 1");
    person.presses("a");
    person.proves("let through once");
    assert_eq!(agent.asks(ASKED).0, "allow");
    assert_eq!(agent.asks(ASKED).0, "deny", "once");
    person.presses("\r");
    person.waits_for("waiting 1");
    person.presses("d");
    person.proves("refused: the agent is told");
    assert!(agent.asks(ASKED).1.contains("approval.refused"));
    person.presses("\r");
    person.waits_for("nobody waits for you");

    // Everything is paused, and goes on.
    person.presses("P");
    person.proves("pause every session");
    assert!(agent.asks("echo paused").1.contains("session.paused"));
    person.presses("\r");
    person.waits_for("held 1");
    person.presses("r");
    person.waits_for("every session");
    person.presses("r");
    person.proves("let go");
    assert_eq!(agent.asks("echo released").0, "allow");
    person.presses("\r");
    person.waits_for("nothing is held");

    // The daemon ends: the log is read on, from where the stream ended.
    assert!(Command::new("kill").arg(&daemon).status().unwrap().success());
    wait(|| (!std::path::Path::new("/proc").join(&daemon).exists()).then_some(()));
    assert_eq!(agent.asks("echo seen-in-the-log").0, "allow");
    person.presses("\t");
    let shown = person.waits_for("seen-in-the-log");
    assert!(!shown.contains("live by the daemon"), "{shown}");

    person.presses("x");
    person.proves("processes ended");
    agent.must_be_gone();
    person.presses("\r");
    person.waits_for("killed");
    person.presses("q");
    person.waits_for("$ ");
    person.sees("echo $((40 + 2))", "42");

    let log = place.ringfence(&["audit", "tail", "-n", "1000", "--json"]).out;
    for kind in ["approval", "refusal_by_person", "override", "hold", "release", "killed"] {
        assert!(log.contains(&format!("\"kind\":\"{kind}\"")), "{kind} in {log}");
    }
    assert_eq!(place.attempts(), 0);
    assert_eq!(place.ringfence(&["audit", "verify"]).code, 0);
    assert_eq!(place.ringfence(&["audit", "replay"]).code, 0);
}
