//! `policy`: the rules in force, and those that somebody writes.

use std::fs;

use crate::{Run, ringfence, ringfence_in};

fn with_rules(text: &str, args: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.cedar"), text).unwrap();
    ringfence_in(folder.path(), args, "")
}

const GOOD: &str = "@id(\"our.no-deletes\")\n@outcome(\"ask\")\n@why(\"we keep everything\")\n\
    forbid (principal, action == Action::\"delete\", resource);\n";

#[test]
fn rules_that_load_are_ready() {
    let run = with_rules(GOOD, &["policy", "check", "rules.cedar", "--json"]);
    assert_eq!(run.code, 0);
    assert_eq!(run.lines()[0]["ok"], true);
    assert_eq!(run.lines()[0]["rules"], 1);
}

#[test]
fn what_is_wrong_is_underlined() {
    let text = format!(
        "{GOOD}\n{}",
        GOOD.replace("no-deletes", "two")
            .replace("resource)", "resource) when { context.recursve }")
    );
    let run = with_rules(&text, &["policy", "check", "rules.cedar"]);
    assert_eq!(run.code, 1);
    insta::assert_snapshot!(run.shown());
    let run = with_rules(&text, &["policy", "check", "rules.cedar", "--json"]);
    let found = &run.lines()[0];
    assert_eq!(found["ok"], false);
    assert_eq!(found["problems"][0]["line"], 9);
}

#[test]
fn a_rule_can_be_looked_up_by_the_name_that_decisions_give() {
    let args = ["policy", "show", "our.no-deletes", "--policy", "rules.cedar"];
    insta::assert_snapshot!(with_rules(GOOD, &args).shown());
    let run = ringfence(&["policy", "show", "fs.delete-critical-path", "--json"], "");
    assert_eq!(run.lines()[0]["outcome"], "deny");
    assert!(run.lines()[0]["text"].as_str().unwrap().contains("forbid"));
    let run = ringfence(&["policy", "show", "fs.delete-critical"], "");
    assert_eq!(run.code, 2);
    assert!(run.err().contains("fs.delete-critical-path"), "{}", run.err());
}

#[test]
fn the_list_names_every_rule_once() {
    let run = ringfence(&["policy", "list", "--json"], "");
    let ids: Vec<String> =
        run.lines().iter().map(|rule| rule["id"].as_str().unwrap().to_owned()).collect();
    assert!(ids.contains(&"fs.delete-critical-path".to_owned()));
    let people = ringfence(&["policy", "list"], "");
    for id in &ids {
        assert!(people.out().contains(id), "{id}");
    }
}

#[test]
fn what_rules_must_say_is_tested_by_pages() {
    let folder = tempfile::tempdir().unwrap();
    let rules = "[[rule]]\nid = \"our.no-notes\"\noutcome = \"deny\"\nwhy = \"notes are kept by hand\"\n\
        when.effect = \"write\"\nwhen.target = \"/home/u/proj/notes.md\"\n";
    let page = "# Notes\n## Nobody writes notes\n```bash\necho x > notes.md\n```\n```verdict\ndeny our.no-notes\n```\n\
        ## Elsewhere is fine\n```bash\necho x > other.md\n```\n```verdict\nask\n```\n";
    fs::write(folder.path().join("rules.toml"), rules).unwrap();
    fs::create_dir(folder.path().join("tests")).unwrap();
    fs::write(folder.path().join("tests/notes.md"), page).unwrap();
    let test = |page: &str| {
        ringfence_in(folder.path(), &["policy", "test", page, "--policy", "rules.toml"], "").shown()
    };
    insta::assert_snapshot!([test("tests"), test("missing.md"), test(".")].join("\n\n"));
}
