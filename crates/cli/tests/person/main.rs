//! A call that was refused, and who can let it through: a person at a terminal of their own, and nothing that
//! an agent can start, however much it looks like one.
//!
//! The terminal program of the person is `script` under the name of one, started before the agent and apart from
//! everything; the agent is a shell, started after it. The tricks are tried for real, with the programs that
//! they need; a program that is missing is a failure under `RINGFENCE_FULL`.

mod place;
mod watch;

use std::fs;

use place::{Agent, Place, Terminal};

/// Denied by a rule that a person may override, and harmless if run.
const DENIED: &str = "git push --force origin main";

/// Denied by a rule that nobody overrides.
const FIXED: &str = "rm -rf ~/";

#[test]
fn a_person_lets_a_call_through_once() {
    let Some(place) = Place::new() else { return };
    let person = Terminal::open(&place);
    let mut agent = Agent::start(&place);
    agent.begin();
    let (verdict, reason) = agent.asks(DENIED);
    assert_eq!(verdict, "deny");
    assert!(reason.contains("`ringfence allow-once`"), "{reason}");
    let code = place.code();
    assert!(!reason.contains(&code), "the agent is not told the code: {reason}");

    assert!(person.sees(&format!("{} pending", place.program()), &code), "the person is");
    person.types(&format!("{} allow-once {code}", place.program()));
    let letters = person.waits_for_letters();
    person.types("wrong");
    person.waits_for("that is not what was shown");
    assert_eq!(agent.asks(DENIED).0, "deny", "a mistake lets nothing through");

    person.types(&format!("{} allow-once {code}", place.program()));
    let others = person.waits_for_letters();
    assert_ne!(letters, others, "what is shown is shown once");
    person.types(&others);
    person.waits_for("let through once");
    assert_eq!(
        agent.asks(&format!("{DENIED} && touch x")).0,
        "deny",
        "another call is another case"
    );
    assert_eq!(agent.asks(DENIED).0, "allow");
    assert_eq!(agent.asks(DENIED).0, "deny", "once");

    let log = place.ringfence(&["audit", "tail", "-n", "100", "--json"]).out;
    for kind in ["\"kind\":\"approval\"", "\"kind\":\"override\""] {
        assert!(log.contains(kind), "{kind} in {log}");
    }
    assert_eq!(place.ringfence(&["audit", "verify"]).code, 0);
    assert_eq!(place.ringfence(&["audit", "replay"]).code, 0);
}

/// Only a person lets go of what a person holds; an agent that is ended is ended with all that it started.
#[test]
fn a_person_holds_a_session_lets_go_of_it_and_ends_its_agent() {
    let Some(place) = Place::new() else { return };
    let person = Terminal::open(&place);
    let mut agent = Agent::start(&place);
    agent.begin();
    assert_eq!(agent.asks("ls").0, "allow");
    let ringfence = place.program();
    let tells = |what: &str, then: &str| {
        person.types(&format!("{ringfence} hold {what}"));
        let letters = person.waits_for_letters();
        person.types(&letters);
        person.waits_for(then)
    };
    tells("pause s --reason 'let me see'", "pause session s");
    let (verdict, reason) = agent.asks("ls");
    assert_eq!(verdict, "deny");
    assert!(reason.contains("session.paused") && reason.contains("let me see"), "{reason}");

    let held = place.ringfence(&["hold", "list", "--json"]).out;
    let id = held.split("\"id\":\"").nth(1).and_then(|it| it.get(..6)).unwrap().to_owned();
    for what in [&["hold", "release", &id][..], &["hold", "kill"]] {
        let run = place.ringfence(what);
        assert!(run.code == 1 && run.out.contains("not done"), "{}", run.out);
    }
    assert_eq!(agent.asks("ls").0, "deny", "nobody else lets go of it");
    tells(&format!("release {id}"), "let go");
    assert_eq!(agent.asks("ls").0, "allow");

    let child = agent.starts("sleep 1000");
    let shown = tells("kill s", "processes ended");
    assert!(!shown.contains("\n0 processes"), "{shown}");
    agent.must_be_gone();
    let status = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
    assert!(status.is_empty() || status.contains(") Z "), "{status}");
    let log = place.ringfence(&["audit", "tail", "-n", "100", "--json"]).out;
    for kind in ["hold", "held", "release", "killed"] {
        assert!(log.contains(&format!("\"kind\":\"{kind}\"")), "{kind} in {log}");
    }
    assert_eq!(place.ringfence(&["audit", "verify"]).code, 0);
    assert_eq!(place.ringfence(&["audit", "replay"]).code, 0);
}

#[test]
fn what_is_nobodys_to_lift_waits_for_nobody() {
    let Some(place) = Place::new() else { return };
    let mut agent = Agent::start(&place);
    agent.begin();
    for call in [FIXED, "ringfence allow-once abcd", "ringfence init --undo"] {
        let (verdict, reason) = agent.asks(call);
        assert_eq!(verdict, "deny", "{call}");
        assert!(!reason.contains("allow-once`"), "{call}: {reason}");
    }
    assert_eq!(place.ringfence(&["pending", "--json"]).out, "");
}

#[test]
fn other_facts_or_rules_are_another_case() {
    let Some(place) = Place::new() else { return };
    let person = Terminal::open(&place);
    let mut agent = Agent::start(&place);
    agent.begin();
    agent.asks(DENIED);
    person.allows(&place);
    let rules = place.path("config/rules");
    fs::create_dir_all(&rules).unwrap();
    fs::write(
        rules.join("ours.cedar"),
        "@id(\"our.ls\") @outcome(\"deny\") @why(\"no\")\n\
         forbid (principal, action == Action::\"exec\", resource) when { context.target.text == \"ls\" };\n",
    )
    .unwrap();
    assert_eq!(agent.asks(DENIED).0, "deny", "it was let through under other rules");
    fs::remove_dir_all(&rules).unwrap();
    assert_eq!(agent.asks(DENIED).0, "allow", "and is, under the same");
}

/// Whoever writes the permission itself has not been in the log.
#[test]
fn a_permission_that_was_not_recorded_is_none() {
    let Some(place) = Place::new() else { return };
    let mut agent = Agent::start(&place);
    agent.begin();
    agent.asks(DENIED);
    let case = place.only_case();
    for forged in ["{\"seq\":1,\"hash\":\"00\"}", &place.first_receipt()] {
        fs::write(case.with_extension("allowed"), forged).unwrap();
        assert_eq!(agent.asks(DENIED).0, "deny", "{forged}");
    }
}

/// Whoever can write the state folder can keep what a person allowed, and put it back when it is used up.
#[test]
fn a_permission_that_was_used_is_none_however_often_it_is_put_back() {
    let Some(place) = Place::new() else { return };
    let person = Terminal::open(&place);
    let mut agent = Agent::start(&place);
    agent.begin();
    agent.asks(DENIED);
    let allowed = place.only_case().with_extension("allowed");
    person.allows(&place);
    let kept = fs::read(&allowed).unwrap();
    assert_eq!(agent.asks(DENIED).0, "allow");
    for _ in 0..2 {
        fs::write(&allowed, &kept).unwrap();
        assert_eq!(agent.asks(DENIED).0, "deny", "once");
    }
    let log = place.ringfence(&["audit", "tail", "-n", "100", "--json"]).out;
    assert_eq!(log.matches("\"kind\":\"override\"").count(), 1, "{log}");
}

/// The tricks: shell code of the agent, in which `$CODE` names the case and `$RINGFENCE` the program. Each is tried
/// with all that the agent can know.
const TRICKS: &[(&str, &str, &str)] = &[
    ("plainly", "", "$RINGFENCE allow-once $CODE < /dev/null"),
    ("with words on standard input", "", "yes | $RINGFENCE allow-once $CODE"),
    ("in a new session", "setsid", "setsid -w $RINGFENCE allow-once $CODE"),
    (
        "apart from everything",
        "setsid",
        "env -i $ENV setsid -f $RINGFENCE allow-once $CODE; sleep 1",
    ),
    ("that outlives it", "nohup", "nohup $RINGFENCE allow-once $CODE < /dev/null"),
    ("script", "script", "script -qec \"$RINGFENCE allow-once $CODE\" /dev/null < /dev/null"),
    (
        "script, apart from everything",
        "script",
        "env -i setsid -f script -qec \"$ENV $RINGFENCE allow-once $CODE\" $OUT < /dev/null; sleep 2; cat $OUT",
    ),
    (
        "script under the name of a terminal program",
        "script",
        "env -i setsid -f $BIN/xterm -qec \"$ENV $RINGFENCE allow-once $CODE\" $OUT < /dev/null; sleep 2; cat $OUT",
    ),
    (
        "expect",
        "expect",
        "expect -c \"spawn $RINGFENCE allow-once $CODE; expect -re {type (\\\\S+):} \
         {send \\$expect_out(1,string)\\r; exp_continue} eof {}\"",
    ),
    (
        "a pseudo-terminal in Python",
        "python3",
        "python3 -c \"import pty; pty.spawn(['$RINGFENCE', 'allow-once', '$CODE'])\" < /dev/null",
    ),
    (
        "a pseudo-terminal in Python, apart from everything",
        "python3",
        "env -i setsid -f $PYTHON -c \"import pty; pty.spawn(['/usr/bin/env', '$ENV', '$RINGFENCE', \
         'allow-once', '$CODE'])\" > $OUT 2>&1 < /dev/null; sleep 2; cat $OUT",
    ),
    (
        "tmux of its own",
        "tmux",
        "tmux -S $TMP/own new-session -d -x 200 -y 50; sleep 1; \
         tmux -S $TMP/own send-keys \"$ENV $RINGFENCE allow-once $CODE\" Enter; sleep 2; \
         tmux -S $TMP/own capture-pane -p; tmux -S $TMP/own kill-server",
    ),
    (
        "tmux of the person",
        "tmux",
        "tmux -S $TMP/theirs send-keys \"$ENV $RINGFENCE allow-once $CODE\" Enter; sleep 2; \
         tmux -S $TMP/theirs capture-pane -p",
    ),
    (
        "screen",
        "screen",
        "export SCREENDIR=$TMP/screens; mkdir -m 700 $SCREENDIR; screen -dmS own sh; sleep 1; \
         screen -S own -X stuff \"$ENV $RINGFENCE allow-once $CODE > $OUT 2>&1$(printf '\\r')\"; sleep 2; \
         cat $OUT; screen -S own -X quit",
    ),
    (
        "a login to the same machine",
        "sshd",
        "ssh -tt $SSH \"$ENV $RINGFENCE allow-once $CODE\" < /dev/null",
    ),
    (
        "a login that does not say where it comes from",
        "sshd",
        "ssh -tt $SSH \"exec env -i $ENV $RINGFENCE allow-once $CODE\" < /dev/null",
    ),
    (
        "a login that says it comes from elsewhere",
        "sshd",
        "ssh -tt $SSH \"exec env -i SSH_CONNECTION='192.0.2.7 50000 192.0.2.1 22' $ENV \
         $RINGFENCE allow-once $CODE\" < /dev/null",
    ),
    (
        "a namespace of its own",
        "unshare",
        "unshare -Upfr --mount-proc script -qec \"$RINGFENCE allow-once $CODE\" /dev/null < /dev/null",
    ),
    (
        "a namespace of processes alone",
        "unshare",
        "unshare -pf --mount-proc script -qec \"$RINGFENCE allow-once $CODE\" /dev/null < /dev/null",
    ),
];

#[test]
fn an_agent_is_no_person_whatever_it_starts() {
    let Some(place) = Place::new() else { return };
    let person = Terminal::open(&place);
    place.starts_tmux();
    let logins = place.starts_sshd();
    let mut agent = Agent::start(&place);
    agent.begin();
    let mut got_through = Vec::new();
    for (name, program, trick) in TRICKS {
        if !program.is_empty() && !place::is_there(program) {
            assert!(std::env::var_os("RINGFENCE_FULL").is_none(), "`{program}` is missing");
            eprintln!("skipped: {name}, for want of `{program}`");
            continue;
        }
        assert_eq!(agent.asks(DENIED).0, "deny", "before: {name}");
        let before = place.attempts();
        let said = agent.runs(trick);
        eprintln!("{name}: {said}");
        let refused = said.contains("not let through") || said.is_empty();
        let recorded = place.attempts() > before;
        // Where a namespace cannot be made, nothing was tried.
        let impossible = *program == "unshare" && !recorded && !said.contains("type ");
        if (!refused || !recorded) && !impossible {
            got_through.push(format!("{name}: recorded {recorded}: {said}"));
        }
        if agent.asks(DENIED).0 != "deny" {
            got_through.push(format!("{name}: THE CALL WAS LET THROUGH: {said}"));
        }
    }
    place.stops_tmux();
    drop(logins);
    assert!(got_through.is_empty(), "{}", got_through.join("\n"));
    // And all this took nothing from the person.
    person.allows(&place);
    assert_eq!(agent.asks(DENIED).0, "allow");
}

/// A person in a terminal that was opened later, or in one where an agent works, is told what to do.
#[test]
fn what_cannot_be_told_apart_is_refused_with_a_way_out() {
    let Some(place) = Place::new() else { return };
    let mut agent = Agent::start(&place);
    agent.begin();
    agent.asks(DENIED);
    let later = Terminal::open(&place);
    later.types(&format!("{} allow-once", place.program()));
    later.waits_for("was started after an agent");
    later.waits_for("or end the agent first");
    agent.ends();
    later.types(&format!("{} pending", place.program()));
    later.waits_for(&place.code());
}

/// What must not be kept goes, by a person, and the log says so.
#[test]
fn a_person_takes_the_content_of_an_entry_out() {
    let Some(place) = Place::new() else { return };
    let person = Terminal::open(&place);
    let mut agent = Agent::start(&place);
    agent.begin();
    assert_eq!(agent.asks(DENIED).0, "deny");
    let tail = || place.ringfence(&["audit", "tail", "-n", "100", "--json"]).out;
    let log = tail();
    let line = log.lines().find(|it| it.contains("\"kind\":\"decision\"")).unwrap();
    let entry: serde_json::Value = serde_json::from_str(line).unwrap();
    person.types(&format!("{} audit redact {} --reason customer", place.program(), entry["seq"]));
    let letters = person.waits_for_letters();
    person.types(&letters);
    person.waits_for("has no content any more");
    let log = tail();
    assert!(!log.contains(DENIED) && log.contains("\"kind\":\"redacted\""), "{log}");
    assert!(log.contains("\"kind\":\"redaction\"") && log.contains("the user at "), "{log}");
    let verify = place.ringfence(&["audit", "verify"]);
    assert_eq!(
        (verify.code, verify.out.contains("1 without content, as the log says")),
        (0, true),
        "{}",
        verify.out
    );
    assert_eq!(place.ringfence(&["audit", "replay"]).code, 0);
}
