//! `explain` for people and machines.

use serde_json::json;

use crate::{bash, json_lines, read, ringfence};

#[test]
fn what_is_let_through_is_explained_too() {
    let run = ringfence(&["explain"], read("/home/u/proj/README.md").to_string());
    assert!(run.out().starts_with("✓ allow  Read"), "{}", run.out());
    assert!(run.out().contains("read /home/u/proj/README.md"), "{}", run.out());
    assert_eq!(run.code, 0);
}

#[test]
fn an_action_may_be_written_over_several_lines() {
    let pretty = serde_json::to_string_pretty(&bash("ls")).unwrap();
    assert_eq!(ringfence(&["explain", "--json"], pretty).lines().len(), 1);
    let two = json_lines(&[bash("ls"), read("/home/u/proj/a")]);
    assert_eq!(ringfence(&["explain", "--json"], two).lines().len(), 2);
}

#[test]
fn the_json_is_the_decision_with_its_facts() {
    let mut action = bash("echo x > /dev/sda");
    action["facts"] = json!({"git": {"branch": "topic"}});
    let run = ringfence(&["explain", "--json"], action.to_string());
    let explained = &run.lines()[0];
    assert_eq!(explained["verdict"], "deny");
    assert_eq!(explained["facts"]["git"]["branch"], "topic");
    assert_eq!(run.code, 1);
}

#[test]
fn a_denial_underlines_the_words_that_matter() {
    let mut action = bash("cd tests\nmake > build.log && cat image.bin > /dev/sda");
    action["id"] = json!("a1");
    action["facts"] = json!({
        "git": {"branch": "topic", "default_branch": "main", "dirty": true, "untracked": ["notes.md"], "unpushed": 2},
        "paths": {"/home/u/proj/tests/build.log": {"exists": true, "kind": "file", "tracked": false}},
    });
    let run = ringfence(&["explain"], action.to_string());
    assert_eq!(run.code, 1);
    assert!(run.out().contains("fs.overwrite-device"), "{}", run.out());
    assert!(run.out().contains("git: on branch topic, trunk is main"), "{}", run.out());
    let lines: Vec<&str> = run.out().lines().collect();
    let at = lines.iter().position(|line| line.contains("2 │ make > build.log")).unwrap();
    let words = lines[at].chars().count() - "> /dev/sda".len();
    let underline = lines[at + 1].chars().skip(words).collect::<String>();
    assert!(underline.starts_with("─────┬────"), "{}", run.out());
}

#[test]
fn a_bare_command_shows_its_effects_alone() {
    let command = "sort < in.txt > /etc/hosts; \"$RUN\"";
    let run = ringfence(&["explain", "--shell", command], "");
    assert!(run.out().contains("write /etc/hosts"), "{}", run.out());
    assert!(run.out().contains("not understood: dynamic program"), "{}", run.out());
    let run = ringfence(&["explain", "--shell", command, "--json"], "");
    let alone = &run.lines()[0];
    let fields: Vec<&str> = alone.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["effects", "opaque"]);
    assert_eq!(run.code, 0);
}

#[test]
fn what_a_stricter_rule_overrules_is_a_footnote() {
    let action = bash("git push --force origin main");
    let run = ringfence(&["explain"], action.to_string());
    let lines: Vec<&str> = run.out().lines().map(str::trim_start).collect();
    let at = |start: &str| lines.iter().position(|line| line.starts_with(start));
    let denies = at("× git.force-push-default-branch: ").unwrap_or_else(|| panic!("{}", run.out()));
    let asks = at("? git.force-push: ").unwrap_or_else(|| panic!("{}", run.out()));
    assert!(denies < asks, "{}", run.out());
    assert!(lines[denies + 1..asks].iter().any(|line| line.contains("push origin/main (force)")));
}

#[test]
fn effects_hang_below_the_program_that_causes_them() {
    let command = "curl -s -o /tmp/a https://a.example && rm -rf /tmp/b";
    let run = ringfence(&["explain", "--shell", command], "");
    let tree: Vec<&str> = run.out().lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(tree[0], "run curl");
    assert!(tree[1].starts_with("├─ connect to a.example"), "{tree:?}");
    assert!(tree[2].starts_with("└─ write /tmp/a"), "{tree:?}");
    assert_eq!(tree[3], "run rm");
    assert!(tree[4].starts_with("└─ delete /tmp/b (force, "), "{tree:?}");
}
