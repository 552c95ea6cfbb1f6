//! What the command says about itself.

use crate::ringfence;

#[test]
fn every_command_has_json_and_help_with_an_example() {
    for command in [
        &["check"][..],
        &["eval"],
        &["explain"],
        &["judge", "rules"],
        &["judge", "test"],
        &["audit", "export"],
        &["audit", "prune"],
        &["audit", "redact"],
        &["oversight"],
        &["replay"],
        &["setup", "apparmor"],
        &["policy", "check"],
        &["policy", "diff"],
        &["policy", "explain"],
        &["policy", "list"],
        &["policy", "new"],
        &["policy", "show"],
        &["policy", "test"],
        &["probe", "read"],
        &["version"],
    ] {
        let run = ringfence(&[command, &["--help"]].concat(), "");
        assert_eq!(run.code, 0, "{command:?}");
        assert!(run.out().contains("--json"), "{command:?}");
        assert!(run.out().contains("Example"), "{command:?}");
        assert!(
            run.out().contains(&format!("  ringfence {}", command.join(" ")))
                || run.out().contains(&format!("| ringfence {}", command.join(" "))),
            "{command:?}"
        );
    }
}

#[test]
fn only_commands_that_exist_are_listed() {
    insta::assert_snapshot!(ringfence(&["--help"], "").shown());
}

#[test]
fn usage_errors_exit_with_two() {
    for args in
        [&[][..], &["frobnicate"], &["check", "--frob"], &["check", "--preset", "lax"], &["policy"]]
    {
        let run = ringfence(args, "");
        assert_eq!((run.code, run.out()), (2, ""), "{args:?}");
        assert!(run.err().contains("Usage") || run.err().contains("--help"), "{args:?}");
    }
}

#[test]
fn the_version_names_the_rules() {
    let run = ringfence(&["version", "--json"], "");
    let version = &run.lines()[0];
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert!(version["bundle"].as_str().unwrap().starts_with("sha256:"));
}
