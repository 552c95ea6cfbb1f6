//! Known tools with input that is not of their shape: never run, and the message names the remedy.

use ringfence_action::Call;
use serde_json::{Value, json};

use super::call;

#[track_caller]
fn assert_problem(tool: &str, input: Value, expected: &str) {
    match call("unknown", tool, input.clone()) {
        Call::Malformed { tool: named, problem } => {
            assert_eq!((named.as_str(), problem.as_str()), (tool, expected), "{input}");
        }
        other => panic!("{tool} {input} is {other:?}"),
    }
}

#[test]
fn the_remedy_is_in_the_message() {
    let shell = "`Bash` takes an object such as {\"command\":\"ls\"}";
    for (input, problem) in [
        (json!({}), "`command` is missing"),
        (json!({"command": null}), "`command` is missing"),
        (json!({"command": ""}), "`command` is empty"),
        (json!({"command": " \n"}), "`command` is empty"),
        (json!({"command": 7}), "`command` is a number, not a string"),
        (json!({"command": {"x": 1}}), "`command` is an object, not a string"),
        (json!({"command": []}), "the command is an empty array"),
        (json!({"command": ["ls", 1]}), "`command` is a number, not a string"),
        (json!({"command": [" ", "x"]}), "the program's name is empty"),
        (json!({"command": "ls", "cwd": 1}), "`cwd` is a number, not a string"),
        (
            json!({"command": "ls", "cmd": "rm -rf /"}),
            "`command` and `cmd` are both given and differ; send one of them",
        ),
        (
            json!({"command": "ls", "env": {"LD_PRELOAD": "/tmp/x.so"}}),
            "`env` sets variables beside the command; set them in the command itself, as in \
             `NAME=value program`",
        ),
        (
            json!({"command": "ls", "shell": "/tmp/sh"}),
            "`shell` is `/tmp/sh`, which is not a shell in its usual place; use bash, or run the \
             program as a command",
        ),
        (json!(["ls"]), "`input` is an array, not an object"),
        (json!("ls"), "`input` is a string, not an object"),
        (json!("{\"command\":"), "`input` is a string, not an object"),
        (json!("[\"ls\"]"), "`input` is a string, not an object"),
        (json!(null), "`input` is null, not an object"),
        (json!(true), "`input` is a boolean, not an object"),
    ] {
        assert_problem("Bash", input, &format!("{problem}; {shell}"));
    }
    assert_problem(
        "Edit",
        json!({"file_path": "/a", "old_string": "x"}),
        "`new_string` is missing; `Edit` takes an object such as \
         {\"file_path\":\"notes.md\",\"old_string\":\"…\",\"new_string\":\"…\"}",
    );
}

#[test]
fn no_shape_accepts_half_of_it() {
    for (tool, input) in [
        ("Read", json!({"path": ""})),
        ("Read", json!({"file_path": ["/a"]})),
        ("Write", json!({"file_path": "/a"})),
        ("Write", json!({"content": "x"})),
        ("Write", json!({"file_path": "/a", "path": "/b", "content": "x"})),
        ("Write", json!({"file_path": "/a", "content": ["x"]})),
        ("Edit", json!({"file_path": "/a", "old_string": 1, "new_string": "x"})),
        ("MultiEdit", json!({"file_path": "/a", "edits": "x"})),
        ("MultiEdit", json!({"file_path": "/a", "edits": [{"old_string": "x"}]})),
        ("MultiEdit", json!({"file_path": "/a", "edits": []})),
        ("NotebookEdit", json!({"notebook_path": "/a"})),
        ("Glob", json!({"pattern": 1})),
        ("WebFetch", json!({"prompt": "no address here"})),
        ("WebFetch", json!({"urls": []})),
        ("WebSearch", json!({})),
        ("Task", json!({"description": "d"})),
        ("delete_file", json!({})),
        ("read_many_files", json!({"paths": []})),
        ("write_stdin", json!({"chars": 1})),
        ("exec", json!({"argv": "ls"})),
        ("exec", json!({})),
        ("computer", json!({})),
        ("str_replace_editor", json!({"command": "destroy", "path": "/a"})),
        ("use_mcp_tool", json!({"server_name": "s", "tool_name": "t", "arguments": "{"})),
        ("mcp__s__t", json!([1])),
        ("TodoWrite", json!("x")),
        ("batch", json!({"tool_calls": []})),
        ("batch", json!({"tool_calls": [{"parameters": {}}]})),
    ] {
        let call = call("unknown", tool, input.clone());
        assert!(matches!(call, Call::Malformed { .. }), "{tool} {input} is {call:?}");
    }
}

#[test]
fn batches_end_somewhere() {
    let mut input = json!({"command": "ls"});
    let mut tool = "bash";
    for _ in 0..6 {
        input = json!({"tool_calls": [{"tool": tool, "parameters": input}]});
        tool = "batch";
    }
    let found = format!("{:?}", call("opencode", "batch", input));
    assert!(found.contains("calls are nested too deeply"), "{found}");
}

#[test]
fn a_name_that_nobody_has_is_unknown() {
    for tool in ["", "Bas", "TransferFunds", "mcp__", "mcp__server", "mcp____tool", "MCP:"] {
        assert_eq!(
            call("claude-code", tool, json!({"x": 1})),
            Call::Unknown {
                tool: tool.to_owned(),
                pointer: "/input".to_owned(),
                arguments: json!({"x": 1}),
            }
        );
    }
}

/// Cline's commands have a shape of their own; what is not of it is not guessed at.
#[test]
fn commands_that_are_none() {
    let takes = "`run_commands` takes an object such as {\"commands\":[\"ls\"]}";
    for (input, problem) in [
        (json!({"commands": [{"script": "rm -rf ~"}]}), "`command` is missing"),
        (json!({"commands": ["ls", {"script": "rm -rf ~"}]}), "`command` is missing"),
        (json!({"script": "rm -rf ~"}), "`command` is missing"),
        (json!({"commands": [["ls"]]}), "`commands` is an array, not a string"),
        (json!({"commands": []}), "the list is empty"),
        (
            json!({"commands": [{"command": "ls", "args": {"x": 1}}]}),
            "`args` is an object, not an array",
        ),
        (json!({"commands": [" "]}), "a command is empty"),
    ] {
        assert_problem("run_commands", input, &format!("{problem}; {takes}"));
    }
}
