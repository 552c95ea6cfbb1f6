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

/// A folder in which commands can leave files.
fn in_folder(folder: &tempfile::TempDir, args: &[&str]) -> Run {
    ringfence_in(folder.path(), &[&["policy"], args].concat(), "")
}

#[test]
fn a_new_rule_loads_as_it_is_and_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["our.toml", "our.cedar"] {
        assert_eq!(in_folder(&folder, &["new", name]).code, 0);
        let tested = in_folder(&folder, &["test", name]);
        assert_eq!((tested.code, tested.out()), (0, "5 examples: 5 passed, 0 failed\n"), "{name}");
        let again = in_folder(&folder, &["new", name]);
        assert_eq!(again.code, 2);
        assert!(again.err().contains("is there already"), "{}", again.err());
    }
    // The two say the same.
    let shown = |name: &str| {
        let run =
            in_folder(&folder, &["explain", "our.generated-code", "--policy", name, "--json"]);
        let mut told = run.lines()[0].clone();
        told["file"] = serde_json::Value::Null;
        told
    };
    assert_eq!(shown("our.toml"), shown("our.cedar"));
    let nameless = in_folder(&folder, &["new", "rules.txt"]);
    assert!(nameless.err().contains("rules.toml"), "{}", nameless.err());
}

#[test]
fn an_example_that_fails_is_underlined_and_pages_wait() {
    let folder = tempfile::tempdir().unwrap();
    in_folder(&folder, &["new", "our.toml"]);
    let path = folder.path().join("our.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("rm gen/api.ts", "rm jen/api.ts")).unwrap();
    fs::write(folder.path().join("page.md"), "## x\n```bash\nls\n```\n```verdict\nallow\n```\n")
        .unwrap();
    let run = in_folder(&folder, &["test", "our.toml", "page.md"]);
    assert_eq!(run.code, 1);
    for words in [
        "does not apply to its example `rm jen/api.ts`",
        "`target = \"*/gen/*\"` does not hold",
        "5 examples: 4 passed, 1 failed",
        "the pages were not tried",
    ] {
        let told = run.out().split_whitespace().collect::<Vec<_>>().join(" ").replace("│ ", "");
        assert!(told.contains(words), "{words}: {told}");
    }
    let run = in_folder(&folder, &["test", "our.toml", "--json"]);
    let failed: Vec<_> = run.lines().into_iter().filter(|line| line["ok"] == false).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["command"], "rm jen/api.ts");
}

#[test]
fn a_rule_is_explained_by_a_case_and_its_twin() {
    let shown = ringfence(&["policy", "explain", "db.destroy"], "").shown();
    for words in
        ["ask  db.destroy", "instead  ", "guards against  ASI02 Tool Misuse", "the rule speaks"]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let run = ringfence(&["policy", "explain", "workspace.commit", "--json"], "");
    let told = &run.lines()[0];
    assert_eq!(told["examples"].as_array().unwrap().len(), 2, "{told}");
    assert_eq!(told["examples"][0]["given"][0], "preset lockdown");
    let run = ringfence(&["policy", "explain", "db.destroi"], "");
    assert_eq!(run.code, 2);
    assert!(run.err().contains("db.destroy"), "{}", run.err());
}

#[test]
fn two_sets_of_rules_are_compared_by_rule_and_by_verdict() {
    let folder = tempfile::tempdir().unwrap();
    in_folder(&folder, &["new", "a.toml"]);
    let text = fs::read_to_string(folder.path().join("a.toml")).unwrap();
    let stricter = text
        .replace("outcome = \"ask\"", "outcome = \"deny\"")
        .replace("consent = \"operation-and-target\"", "");
    fs::create_dir(folder.path().join("b")).unwrap();
    fs::write(folder.path().join("b/b.toml"), stricter).unwrap();
    let actions = crate::json_lines(&[
        crate::bash("rm gen/api.ts"),
        crate::bash("ls"),
        serde_json::json!({"tool": "Bash", "input": {"command": "rm gen/api.ts"}, "cwd": "/home/u/proj",
            "session": "s", "user_messages": ["rm gen/api.ts"]}),
    ]);
    fs::write(folder.path().join("actions.jsonl"), format!("{actions}no action\n")).unwrap();
    let run = in_folder(&folder, &["diff", "a.toml", "b", "--over", "actions.jsonl", "--json"]);
    assert_eq!(run.code, 2, "a line is no action");
    let lines = run.lines();
    assert_eq!(lines[0]["fields"], serde_json::json!(["outcome", "consent"]));
    assert_eq!((&lines[1]["before"], &lines[1]["after"]), (&"ask".into(), &"deny".into()));
    let summary = &lines.last().unwrap()["summary"];
    assert_eq!((&summary["actions"], &summary["unreadable"]), (&3.into(), &1.into()));
    let same = in_folder(&folder, &["diff", "a.toml", "a.toml", "--over", "actions.jsonl"]);
    assert!(same.out().contains("0 stricter, 0 milder, 3 the same"), "{}", same.out());
    insta::assert_snapshot!(
        in_folder(&folder, &["diff", "default", "b", "--over", "actions.jsonl"]).shown()
    );
    assert_eq!(in_folder(&folder, &["diff", "default", "default"]).code, 0);
    assert_eq!(in_folder(&folder, &["diff", "default", "none.toml"]).code, 2);
}

/// Each family of effects has a rule to start from, and it says what its author thinks it says.
#[test]
fn the_example_of_every_pack_loads() {
    let packs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/packs");
    for pack in fs::read_dir(packs).unwrap() {
        let pack = pack.unwrap().path();
        let examples: Vec<String> = ["example.toml", "example.cedar"]
            .iter()
            .map(|name| pack.join(name))
            .filter(|path| path.is_file())
            .map(|path| path.to_str().unwrap().to_owned())
            .collect();
        assert!(!examples.is_empty(), "{} has no example", pack.display());
        for example in examples {
            let run = ringfence(&["policy", "test", &example], "");
            assert_eq!(run.code, 0, "{example}: {}{}", run.out(), run.err());
        }
    }
}
