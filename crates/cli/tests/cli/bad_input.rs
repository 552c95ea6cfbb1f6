//! Input that is not what it should be: each has a clear error or a strict answer, none allows.

use std::fs::{self};

use serde_json::{Value, json};

use crate::{Run, action, bash, json_lines, read, ringfence, ringfence_in};

/// The error of a bad line, which must not hold a verdict.
fn error_of(run: &Run, line: usize) -> String {
    let answer = &run.lines()[line - 1];
    assert_eq!(answer["line"], line, "{answer}");
    assert!(answer.get("verdict").is_none(), "{answer}");
    answer["error"].as_str().unwrap().to_owned()
}

/// The one decision, which must not be to allow.
fn strict(input: impl AsRef<[u8]>) -> Value {
    let run = ringfence(&["check"], input);
    let lines = run.lines();
    assert_eq!(lines.len(), 1);
    let verdict = lines[0]["verdict"].as_str().unwrap().to_owned();
    assert_ne!(verdict, "allow", "{}", lines[0]["code"]);
    lines[0].clone()
}

#[test]
fn lines_that_are_not_actions_say_why_and_the_rest_is_answered() {
    let good = read("/home/u/proj/a").to_string();
    let lines: &[&[u8]] = &[
        b"rm -rf /",
        &good.as_bytes()[..good.len() - 4],
        b"[1,2]",
        br#"{"input":{"command":"ls"}}"#,
        br#"{"tool":"Bash"}"#,
        br#"{"tool":7,"input":{}}"#,
        b"{\"tool\":\"Bash\",\"input\":{\"command\":\"l\xffs\"}}",
        b"{\"tool\":\"Ba\0sh\",\"input\":{}}",
        good.as_bytes(),
    ];
    let run = ringfence(&["check"], lines.join(&b'\n'));
    let errors: Vec<String> = (1..lines.len()).map(|line| error_of(&run, line)).collect();
    insta::assert_snapshot!(errors.join("\n"));
    assert_eq!(run.lines()[lines.len() - 1]["verdict"], "allow");
    assert_eq!(run.code, 2);
}

#[test]
fn a_line_beyond_the_limit_is_an_error_and_the_next_one_is_answered() {
    let mut input = vec![b'x'; (32 << 20) + 1];
    input.push(b'\n');
    input.extend_from_slice(read("/home/u/proj/a").to_string().as_bytes());
    let run = ringfence(&["check"], input);
    assert_eq!(
        error_of(&run, 1),
        "a line of 33554433 bytes is over the limit of 33554432; send the command itself, not its data"
    );
    assert_eq!(run.lines()[1]["verdict"], "allow");
    assert_eq!(run.code, 2);
}

#[test]
fn a_command_of_ten_megabytes_is_not_let_through_unread() {
    let command = format!("echo {}; rm -rf ~/", "x".repeat(10 << 20));
    let decision = strict(bash(&command).to_string());
    assert_eq!(decision["opaque"][0]["reason"], "too_large");
}

#[test]
fn a_command_with_a_nul_is_not_let_through() {
    strict(bash("ls \0 /tmp").to_string());
}

#[test]
fn an_unknown_tool_is_not_let_through() {
    let decision = strict(action("frobnicate", json!({"x": 1})).to_string());
    assert_eq!(decision["opaque"][0]["reason"], "unknown_tool");
}

#[test]
fn a_known_tool_with_input_of_another_shape_is_denied() {
    let decision = strict(action("Bash", json!({"command": ["rm", 7]})).to_string());
    assert_eq!(decision["verdict"], "deny");
    assert_eq!(decision["decided_by"], "guard");
}

#[test]
fn unknown_fields_are_ignored() {
    let mut action = read("/home/u/proj/a");
    action["frobs"] = json!([1]);
    action["facts"] = json!({"moon": "full", "git": {"tide": 3}});
    assert_eq!(ringfence(&["check"], json_lines(&[action])).lines()[0]["verdict"], "allow");
}

#[test]
fn files_that_cannot_be_read_name_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str], stdin: &str| ringfence_in(folder.path(), args, stdin).shown();
    let shown = [
        run(&["check", "missing.jsonl"], ""),
        run(&["check", "."], ""),
        run(&["explain", "missing.jsonl"], ""),
        run(&["explain"], ""),
        run(&["explain"], "ls -l"),
        run(&["explain"], &format!("{}\nnope\n", bash("ls"))),
    ];
    insta::assert_snapshot!(shown.join("\n\n"));
}

#[test]
fn a_broken_bundle_decides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.cedar");
    for text in [
        "forbid (principal, action, resource",
        "@id(\"x.y\") @outcome(\"deny\") @why(\"w\")\nforbid (principal, action == Action::\"delete\", resource) when { context.recursiv };",
        "@id(\"x.y\") @outcome(\"never\") @why(\"w\")\nforbid (principal, action, resource);",
    ] {
        fs::write(&rules, text).unwrap();
        let args = ["check", "--policy", rules.to_str().unwrap()];
        let run = ringfence(&args, json_lines(&[read("/home/u/proj/a")]));
        assert_eq!((run.code, run.out()), (2, ""), "{text}");
        assert!(run.err().contains("rules.cedar"), "{}", run.err());
        assert!(run.err().contains("help:"), "{}", run.err());
    }
    fs::write(&rules, b"forbid \xff").unwrap();
    let run = ringfence(&["check", "--policy", rules.to_str().unwrap()], "");
    assert_eq!(run.code, 2);
    assert!(run.err().contains("is not UTF-8"), "{}", run.err());
}

#[test]
fn a_rule_that_fails_while_it_is_evaluated_is_a_denial() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.cedar");
    // Valid, well typed, and out of bounds for every value there is.
    let text = "@id(\"x.overflow\") @outcome(\"ask\") @why(\"w\")\n\
        forbid (principal, action == Action::\"read\", resource)\n\
        when { (context.session.denials + 9223372036854775807) + 9223372036854775807 > 0 };";
    fs::write(&rules, text).unwrap();
    let args = ["check", "--policy", rules.to_str().unwrap()];
    let run = ringfence(&args, json_lines(&[read("/home/u/proj/a")]));
    let decision = &run.lines()[0];
    assert_eq!(decision["verdict"], "deny", "{}", run.err());
    assert_eq!(decision["decided_by"], "error");
    assert_eq!(run.code, 1);
}
