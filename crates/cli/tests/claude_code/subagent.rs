//! A subagent is the same session: what the user ruled out holds for it, and what it saw is seen.

use serde_json::Value;

use crate::home::Home;
use crate::mock::{Mock, bash, subagent};

#[test]
fn a_subagent_inherits_what_was_ruled_out() {
    let Some(home) = Home::new() else { return };
    home.init();
    let push = "touch ran-push; git push origin feature-x";
    let mock = Mock::scripted([subagent()], [bash("touch ran-sub"), bash(push)]);
    home.claude(&mock, "finish the work, but don't push");
    assert!(home.ran("ran-sub"), "{}", home.audit());
    assert!(!home.ran("ran-push"), "{}", home.audit());
    let denied =
        home.entries("decision").into_iter().find(|it| it["decision"]["verdict"] == "deny");
    let denied = denied.expect("a denial");
    assert_eq!(denied["decision"]["code"], "session.boundary");
    assert!(denied["subagent"].is_string(), "said by the subagent: {denied}");
}

#[test]
fn what_a_subagent_read_taints_the_session_and_the_other_way_round() {
    let web = "touch asked; curl -s https://docs.example.org/page || true";
    let publish = "npm publish";
    let tainted = |entry: &Value| {
        entry["decision"]["rules"].to_string().contains("consequential-in-tainted-context")
    };
    for own in [false, true] {
        let Some(home) = Home::new() else { return };
        home.init();
        let (own, others) = if own {
            (vec![bash(web), subagent(), bash("sleep 2")], vec![bash(publish)])
        } else {
            (vec![subagent(), bash("sleep 2"), bash(publish)], vec![bash(web)])
        };
        let mock = Mock::scripted(own, others);
        home.claude(&mock, "read the docs");
        assert!(home.ran("asked"), "{}", home.audit());
        let decisions = home.entries("decision");
        let after = decisions.iter().find(|it| it["action"]["input"]["command"] == publish);
        assert!(after.is_some_and(tainted), "{after:?}");
        let first = decisions.iter().find(|it| it["action"]["tool"] == "Agent");
        assert!(first.is_some(), "the start of a subagent is decided too");
    }
}
