//! A symbolic link is judged by what it leads to.

use std::os::unix::fs::symlink;

use ringfence_action::{Action, Call, Text, Verdict};
use ringfence_engine::{Engine, Options, Session};
use ringfence_facts::Live;
use ringfence_policy::Bundle;

#[test]
fn writing_through_a_link_is_writing_where_it_leads() {
    // Not below the temporary folder, where settings are only practised with.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let home = folder.path().canonicalize().unwrap();
    let project = home.join("proj");
    std::fs::create_dir_all(home.join(".claude")).unwrap();
    std::fs::create_dir(&project).unwrap();
    std::fs::write(home.join(".claude/settings.json"), "{}").unwrap();
    symlink(home.join(".claude"), project.join("docs")).unwrap();

    let bundle = Bundle::default_rules().unwrap();
    let engine = Engine::new(bundle, Box::new(Live::default()), Options::default());
    let verdict = |name: &str| {
        let path = project.join(name).to_str().unwrap().to_owned();
        let action = serde_json::json!({
            "tool": "Write", "input": {"file_path": path, "content": "x"},
            "cwd": project, "workspace": [project], "home": home,
        });
        let action = Action::from_json(action.to_string().as_bytes()).unwrap();
        let call = Call::Write {
            path: Text::new("/input/file_path", path),
            content: Text::new("/input/content", "x"),
        };
        engine.decide(&action, &call, &mut Session::new()).decision.verdict
    };
    assert_eq!(verdict("notes.md"), Verdict::Allow);
    assert_eq!(verdict("docs/settings.json"), Verdict::Deny);
}
