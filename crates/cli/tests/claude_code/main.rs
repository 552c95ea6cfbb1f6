//! The gate in front of the real Claude Code: installed by `init`, driven by a scripted model on
//! loopback, with nothing but loopback to reach.
//!
//! `RINGFENCE_CLAUDE` names the `claude` program; `./test --full` installs one. Without it these tests
//! say that they were skipped.

mod contained;
mod faults;
mod home;
mod inside;
mod mock;
mod results;
mod subagent;

use std::fs;

use home::Home;
use mock::Mock;

/// Pushes over the trunk of a repository that does not exist: denied by rule, harmless if run.
const DENIED: &str = "touch ran-denied; git push --force origin main";

#[test]
fn a_denied_call_does_not_run_and_an_allowed_one_does() {
    let Some(home) = Home::new() else { return };
    home.init();
    let mock = Mock::start(&[DENIED, "touch ran-allowed"]);
    let run = home.claude(&mock, "do it");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(home.ran("ran-allowed"), "{said}");
    assert!(!home.ran("ran-denied"), "{said}");
    let results = mock.tool_results();
    assert!(results.contains("git.force-push-default-branch"), "the agent is told: {results}");

    let verify = home.ringfence(&["audit", "verify"]);
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
    let audit = home.audit();
    for kind in [
        "\"kind\":\"session\"",
        "\"kind\":\"prompt\"",
        "\"kind\":\"decision\"",
        "\"kind\":\"result\"",
    ] {
        assert!(audit.contains(kind), "{kind} in {audit}");
    }
    for finding in ["foreign-event", "unknown-in-mid-run", "rewritten-call", "undecided-call"] {
        assert!(!audit.contains(finding), "{finding} in {audit}");
    }
    assert!(!audit.contains("do it"), "the prompt itself is not kept: {audit}");
}

#[test]
fn what_the_user_named_clears_what_may_be_cleared_and_what_they_ruled_out_stops() {
    let Some(home) = Home::new() else { return };
    home.init();
    let mock = Mock::start(&["touch ran-push; git push --force origin feature-x"]);
    home.claude(&mock, "force-push feature-x");
    assert!(home.ran("ran-push"), "{}", home.audit());

    let mock = Mock::start(&["touch ran-forbidden; git push origin feature-x"]);
    home.claude(&mock, "finish the work, but don't push");
    assert!(!home.ran("ran-forbidden"), "{}", home.audit());
    assert!(home.audit().contains("session.boundary"));
}

#[test]
fn undo_leaves_nothing_behind() {
    let Some(home) = Home::new() else { return };
    let before = "{\n\n\t\"model\" :\"opus\" }\n\n";
    fs::write(home.path(".claude/settings.json"), before).unwrap();
    home.init();
    assert!(home.ringfence(&["status"]).status.success());
    let undo = home.ringfence(&["init", "--undo", "--yes", "claude-code"]);
    assert!(undo.status.success(), "{}", String::from_utf8_lossy(&undo.stderr));
    assert_eq!(home.settings(), before);
    assert_eq!(home.ringfence(&["status"]).status.code(), Some(1));
}

/// With a comment or one comma too many in it, Claude Code passes over the whole file: `init` puts no gate there.
#[test]
fn what_it_does_not_read_holds_no_gate() {
    for (hooks, runs) in [(true, true), (false, false)] {
        let Some(home) = Home::new() else { return };
        home.init();
        let settings = home.settings();
        if hooks {
            fs::write(home.path(".claude/settings.json"), format!("// mine\n{settings}")).unwrap();
            assert_eq!(home.ringfence(&["status"]).status.code(), Some(1), "it says so");
        }
        let mock = Mock::start(&[DENIED]);
        let run = home.start(
            &mock,
            "do it",
            &home::Start { flags: Some(&["--allowedTools", "Bash"]), ..home::Start::default() },
        );
        let said = String::from_utf8_lossy(&run.stdout);
        assert_eq!(home.ran("ran-denied"), runs, "{said}");
    }
}
