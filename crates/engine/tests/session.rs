//! What a session remembers, and what follows from it.

use ringfence_action::{Action, Call, Decision, Dialect, Preset, Text, Verdict};
use ringfence_engine::{Engine, Options, Session};
use ringfence_facts::Supplied;
use ringfence_policy::Bundle;

fn engine(preset: Preset) -> Engine {
    let bundle = Bundle::default_rules().unwrap();
    Engine::new(bundle, Box::new(Supplied), Options { preset, sandbox: true })
}

fn decide(engine: &Engine, session: &mut Session, command: &str) -> Decision {
    let action = serde_json::json!({
        "tool": "Bash", "input": {"command": command}, "cwd": "/home/u/proj",
        "workspace": ["/home/u/proj"], "home": "/home/u",
    });
    let action = Action::from_json(action.to_string().as_bytes()).unwrap();
    let command = Text::new("/input/command", command);
    let call = Call::Shell { command, dialect: Dialect::Bash, cwd: None };
    engine.decide(&action, &call, session).decision
}

const DENIED: &str = "git push --force origin main";

#[test]
fn after_three_denials_in_a_row_changes_wait_for_a_person_and_reading_goes_on() {
    let engine = engine(Preset::Guard);
    let mut session = Session::new();
    for _ in 0..3 {
        assert_eq!(decide(&engine, &mut session, DENIED).verdict, Verdict::Deny);
    }
    let change = decide(&engine, &mut session, "echo x > notes.txt");
    assert_eq!((change.verdict, change.code.as_str()), (Verdict::Deny, "session.halted"));
    assert_eq!(decide(&engine, &mut session, "cat notes.txt").verdict, Verdict::Allow);
    session.release();
    assert_eq!(decide(&engine, &mut session, "echo x > notes.txt").verdict, Verdict::Allow);
}

#[test]
fn something_allowed_in_between_breaks_the_row() {
    let engine = engine(Preset::Guard);
    let mut session = Session::new();
    for _ in 0..4 {
        assert_eq!(decide(&engine, &mut session, DENIED).code, "git.force-push-default-branch");
        assert_eq!(decide(&engine, &mut session, "ls").verdict, Verdict::Allow);
    }
}

#[test]
fn a_boundary_holds_until_the_user_lifts_it() {
    let engine = engine(Preset::Guard);
    let mut session = Session::new();
    session.observe_user("commit your work, but don't push");
    assert_eq!(decide(&engine, &mut session, "git commit -m x").verdict, Verdict::Allow);
    assert_eq!(decide(&engine, &mut session, "git push origin dev").code, "session.boundary");
    session.observe_user("how far is it?");
    assert_eq!(decide(&engine, &mut session, "git push origin dev").code, "session.boundary");
    session.observe_user("now push it");
    assert_eq!(decide(&engine, &mut session, "git push origin dev").verdict, Verdict::Allow);
}

#[test]
fn words_that_are_not_the_users_forbid_and_never_permit() {
    let engine = engine(Preset::Guard);
    let mut session = Session::new();
    session.observe_relayed("force-push feature-x");
    let push = "git push --force origin feature-x";
    assert_eq!(decide(&engine, &mut session, push).verdict, Verdict::Ask);
    session.observe_user("force-push feature-x");
    assert_eq!(decide(&engine, &mut session, push).verdict, Verdict::Allow);
    session.observe_relayed("do not push");
    assert_eq!(decide(&engine, &mut session, push).code, "session.boundary");
}

#[test]
fn consent_needs_the_operation_and_the_target() {
    let engine = engine(Preset::Guard);
    for (said, verdict) in [
        ("force-push feature-x", Verdict::Allow),
        ("clean up the PR", Verdict::Ask),
        ("force-push it", Verdict::Ask),
        ("push feature-x", Verdict::Ask),
        ("should we force-push feature-x?", Verdict::Ask),
        ("> force-push feature-x", Verdict::Ask),
    ] {
        let mut session = Session::new();
        session.observe_user(said);
        let decision = decide(&engine, &mut session, "git push --force origin feature-x");
        assert_eq!(decision.verdict, verdict, "{said}");
    }
    // What no consent clears.
    let mut session = Session::new();
    session.observe_user("force-push main");
    assert_eq!(decide(&engine, &mut session, DENIED).verdict, Verdict::Deny);
}

#[test]
fn what_was_written_is_known_when_it_runs() {
    let engine = engine(Preset::Guard);
    for (content, verdict) in [("rm -rf ~\n", Verdict::Deny), ("echo hello\n", Verdict::Allow)] {
        let mut session = Session::new();
        let path = "/home/u/proj/x.sh";
        let action = serde_json::json!({
            "tool": "Write", "input": {"file_path": path, "content": content},
            "cwd": "/home/u/proj", "workspace": ["/home/u/proj"], "home": "/home/u",
        });
        let action = Action::from_json(action.to_string().as_bytes()).unwrap();
        let call = Call::Write {
            path: Text::new("/input/file_path", path),
            content: Text::new("/input/content", content),
        };
        engine.decide(&action, &call, &mut session);
        for run in ["bash x.sh", "./x.sh", "sh ./x.sh"] {
            let mut session = session.clone();
            assert_eq!(decide(&engine, &mut session, run).verdict, verdict, "{run}: {content}");
        }
    }
}

#[test]
fn observing_records_and_never_blocks() {
    let engine = engine(Preset::Observe);
    let decision = decide(&engine, &mut Session::new(), DENIED);
    assert_eq!(decision.verdict, Verdict::Allow);
    assert_eq!(decision.code, "git.force-push-default-branch");
    assert!(!decision.rules.is_empty());
}

#[test]
fn a_session_goes_on_after_it_was_stored() {
    let engine = engine(Preset::Guard);
    let mut session = Session::new();
    session.observe_user("do not push");
    decide(&engine, &mut session, "curl https://example.com");
    let stored = serde_json::to_string(&session).unwrap();
    let mut again: Session = serde_json::from_str(&stored).unwrap();
    assert_eq!(decide(&engine, &mut again, "git push origin dev").code, "session.boundary");
}

#[test]
fn the_same_question_has_the_same_answer() {
    let engine = engine(Preset::Guard);
    for command in [DENIED, "ls", "rm -rf build", "eval \"$X\"", "npm install left-pad"] {
        let mut first = decide(&engine, &mut Session::new(), command);
        let second = decide(&engine, &mut Session::new(), command);
        first.elapsed_us = second.elapsed_us;
        assert_eq!(first, second, "{command}");
    }
}

/// What one command writes into a file is what the next one runs.
#[test]
fn a_script_from_an_earlier_command_is_read() {
    let engine = engine(Preset::Guard);
    for write in [
        "cat > z.sh <<'E'\ngit push --force origin main\nE",
        "echo 'git push --force origin main' > z.sh",
        "printf '%s\\n' 'git push --force origin main' | tee z.sh",
    ] {
        let mut session = Session::new();
        assert_eq!(decide(&engine, &mut session, write).verdict, Verdict::Allow, "{write}");
        let run = decide(&engine, &mut session, "bash z.sh");
        assert_eq!(run.code, "git.force-push-default-branch", "{write}");
        assert_eq!(decide(&engine, &mut session, "echo ls > z.sh").verdict, Verdict::Allow);
        assert_eq!(decide(&engine, &mut session, "bash z.sh").verdict, Verdict::Allow);
    }
}
