//! `init` and `init --undo` on settings as people have them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::gate::Gate;

const ODD: &[(&str, &str)] = &[
    ("empty", ""),
    ("an empty object", "{}"),
    ("comments and a trailing comma", "{\n  // mine\n  \"model\": \"opus\", /* x */\n}\n"),
    ("line ends of Windows", "{\r\n  \"model\": \"opus\"\r\n}\r\n"),
    ("a byte order mark", "\u{feff}{\"model\": \"opus\"}\n"),
    ("no newline at the end", "{\"model\":\"opus\"}"),
    (
        "hooks of their own",
        "{\"hooks\": {\"PreToolUse\": [{\"matcher\": \"Bash\", \"hooks\": [{\"type\": \"command\", \"command\": \"/x.sh\"}]}], \"Stop\": []}}\n",
    ),
];

#[test]
fn undo_restores_byte_for_byte() {
    for (what, settings) in ODD {
        let gate = Gate::new();
        fs::write(gate.settings(), settings).unwrap();
        fs::set_permissions(gate.settings(), fs::Permissions::from_mode(0o444)).unwrap();
        let init = gate.run(&["init", "--yes", "claude-code"]);
        assert_eq!(init.code, 0, "{what}: {}", init.err());
        assert!(init.out().lines().count() < 12, "{what}: {}", init.out());
        assert_eq!(gate.run(&["status"]).code, 0, "{what}");
        // Again, with another option: what was there first stays what is restored.
        assert_eq!(gate.run(&["init", "--yes", "--decide", "claude-code"]).code, 0, "{what}");
        let undo = gate.run(&["init", "--undo", "--yes", "--json", "claude-code"]);
        assert_eq!((undo.code, &undo.lines()[0]["applied"]), (0, &true.into()), "{what}");
        assert_eq!(fs::read_to_string(gate.settings()).unwrap(), *settings, "{what}");
        let mode = fs::metadata(gate.settings()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o444, "{what}");
        assert_eq!(gate.run(&["status"]).code, 1, "{what}");
    }
}

#[test]
fn what_was_not_there_goes_and_a_link_stays_a_link() {
    let gate = Gate::new();
    assert_eq!(gate.run(&["init", "--yes", "claude-code"]).code, 0);
    let tail = gate.run(&["audit", "tail"]);
    assert_eq!((tail.code, tail.out()), (0, "nothing recorded yet\n"));
    assert_eq!(gate.run(&["init", "--undo", "--yes"]).code, 0);
    assert!(!gate.settings().exists());

    fs::write(gate.path("dotfiles.json"), "{}").unwrap();
    symlink(gate.path("dotfiles.json"), gate.settings()).unwrap();
    assert_eq!(gate.run(&["init", "--yes"]).code, 0);
    assert!(gate.settings().is_symlink());
    assert!(fs::read_to_string(gate.path("dotfiles.json")).unwrap().contains("ringfence"));
    assert_eq!(gate.run(&["init", "--undo", "--yes"]).code, 0);
    assert_eq!(fs::read_to_string(gate.path("dotfiles.json")).unwrap(), "{}");
}

#[test]
fn what_somebody_added_since_stays_and_ours_goes() {
    let gate = Gate::new();
    fs::write(gate.settings(), "{\"model\": \"opus\"}\n").unwrap();
    gate.run(&["init", "--yes"]);
    let edited = fs::read_to_string(gate.settings()).unwrap().replace("opus", "haiku");
    fs::write(gate.settings(), edited).unwrap();
    gate.run(&["init", "--yes", "--decide"]);
    gate.run(&["init", "--undo", "--yes"]);
    let left = fs::read_to_string(gate.settings()).unwrap();
    assert!(left.contains("haiku") && !left.contains("ringfence"), "{left}");
}

#[test]
fn settings_that_are_not_settings_are_left_alone() {
    for settings in ["{", "[]", "{\"hooks\": []}", "not json"] {
        let gate = Gate::new();
        fs::write(gate.settings(), settings).unwrap();
        assert_eq!(gate.run(&["init", "--yes", "claude-code"]).code, 2, "{settings}");
        assert_eq!(fs::read_to_string(gate.settings()).unwrap(), settings);
        let status = gate.run(&["status"]);
        assert_eq!(status.code, 1, "{settings}");
        assert!(status.out().starts_with("nothing is enforced"), "{}", status.out());
    }
}

#[test]
fn a_gate_that_was_taken_away_is_dead() {
    let gate = Gate::new();
    gate.run(&["init", "--yes", "claude-code"]);
    fs::write(gate.settings(), "{\"model\": \"opus\"}").unwrap();
    let status = gate.run(&["status", "--json"]);
    let agent = &status.lines()[0]["agents"][0];
    assert_eq!((status.code, &agent["state"]), (1, &"dead".into()));
    assert!(agent["reason"].as_str().unwrap().contains("was registered and is gone"), "{agent}");
}
