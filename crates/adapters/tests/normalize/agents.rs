//! One table per agent: kind, tool, input as the agent sends it, call.

use ringfence_action::{Call, Dialect, Replacement, Text};
use serde_json::{Value, json};

use super::{bash, call, edit, read, search, text, write};

#[track_caller]
fn assert_table(kind: &str, table: Vec<(&str, Value, Call)>) {
    for (tool, input, expected) in table {
        assert_eq!(call(kind, tool, input.clone()), expected, "{kind}: {tool} {input}");
        // The tool's name alone is enough.
        assert_eq!(call("unknown", tool, input.clone()), expected, "no agent: {tool} {input}");
    }
}

#[test]
fn claude_code() {
    let todo = json!({"todos":[{"content":"x","status":"pending","activeForm":"x"}]});
    assert_table(
        "claude-code",
        vec![
            (
                "Bash",
                json!({"command":"ls -la","description":"List","timeout":1000,"run_in_background":true}),
                bash("command", "ls -la"),
            ),
            (
                "Read",
                json!({"file_path":"/a/b.rs","offset":3,"limit":9}),
                read("file_path", "/a/b.rs"),
            ),
            (
                "Edit",
                json!({"file_path":"/a","old_string":"x","new_string":"y","replace_all":false}),
                edit(("file_path", "/a"), ("old_string", "x"), ("new_string", "y")),
            ),
            (
                "MultiEdit",
                json!({"file_path":"/a","edits":[{"old_string":"x","new_string":"y"}]}),
                edit(("file_path", "/a"), ("edits/0/old_string", "x"), ("edits/0/new_string", "y")),
            ),
            (
                "Write",
                json!({"file_path":"/a","content":"hi"}),
                write(("file_path", "/a"), ("content", "hi")),
            ),
            (
                "NotebookEdit",
                json!({"notebook_path":"/n.ipynb","cell_id":"c","new_source":"1+1"}),
                Call::Edit {
                    path: text("notebook_path", "/n.ipynb"),
                    replacements: vec![Replacement { old: None, new: text("new_source", "1+1") }],
                },
            ),
            (
                "NotebookEdit",
                json!({"notebook_path":"/n.ipynb","cell_id":"c","edit_mode":"delete"}),
                Call::Edit { path: text("notebook_path", "/n.ipynb"), replacements: Vec::new() },
            ),
            ("Glob", json!({"pattern":"**/*.rs"}), search(None, Some(("pattern", "**/*.rs")))),
            (
                "Grep",
                json!({"pattern":"fn","path":"src","-n":true,"glob":"*.rs","output_mode":"content"}),
                search(Some(("path", "src")), Some(("pattern", "fn"))),
            ),
            ("LS", json!({"path":"/a"}), search(Some(("path", "/a")), None)),
            (
                "WebFetch",
                json!({"url":"https://example.com","prompt":"Read it"}),
                Call::Fetch { url: text("url", "https://example.com") },
            ),
            ("WebSearch", json!({"query":"q"}), Call::WebSearch { query: text("query", "q") }),
            (
                "Task",
                json!({"subagent_type":"Explore","prompt":"find it","description":"d"}),
                Call::Subagent {
                    prompt: text("prompt", "find it"),
                    kind: Some(text("subagent_type", "Explore")),
                },
            ),
            ("TodoWrite", todo, Call::Inert),
            ("ExitPlanMode", json!({"plan":"# Plan"}), Call::Inert),
            ("AskUserQuestion", json!({"questions":[]}), Call::Inert),
            ("BashOutput", json!({"bash_id":"b1"}), Call::Inert),
            ("KillShell", json!({"shell_id":"b1"}), Call::Stop { id: Some("b1".to_owned()) }),
            ("KillBash", json!({"shell_id":"b1"}), Call::Stop { id: Some("b1".to_owned()) }),
            (
                "mcp__issue_tracker__create__issue",
                json!({"title":"t"}),
                Call::Mcp {
                    server: "issue_tracker".to_owned(),
                    tool: "create__issue".to_owned(),
                    pointer: "/input".to_owned(),
                    arguments: json!({"title":"t"}),
                },
            ),
            (
                "mcp__playwright__browser_navigate",
                json!({"url":"https://example.com"}),
                Call::Browser {
                    operation: "navigate".to_owned(),
                    pointer: "/input".to_owned(),
                    arguments: json!({"url":"https://example.com"}),
                },
            ),
            (
                "mcp__claude-in-chrome__javascript_tool",
                json!({"text":"document.cookie"}),
                Call::Browser {
                    operation: "evaluate".to_owned(),
                    pointer: "/input".to_owned(),
                    arguments: json!({"text":"document.cookie"}),
                },
            ),
            (
                "computer",
                json!({"action":"left_click","coordinate":[1,2]}),
                Call::Browser {
                    operation: "click".to_owned(),
                    pointer: "/input".to_owned(),
                    arguments: json!({"action":"left_click","coordinate":[1,2]}),
                },
            ),
        ],
    );
}

#[test]
fn codex() {
    assert_table(
        "codex",
        vec![
            ("Bash", json!({"command":"touch a.txt"}), bash("command", "touch a.txt")),
            (
                "shell",
                json!({"command":["bash","-lc","ls | wc"],"workdir":"/w","timeout_ms":9}),
                Call::Shell {
                    command: text("command/2", "ls | wc"),
                    dialect: Dialect::Bash,
                    cwd: Some(text("workdir", "/w")),
                },
            ),
            (
                "exec_command",
                json!({"cmd":"ls","shell":"/bin/zsh","login":true,"tty":false}),
                Call::Shell { command: text("cmd", "ls"), dialect: Dialect::Zsh, cwd: None },
            ),
            (
                "local_shell",
                json!({"action":{"type":"exec","command":["git","status"],"env":{}}}),
                Call::Exec {
                    argv: vec![text("action/command/0", "git"), text("action/command/1", "status")],
                    cwd: None,
                },
            ),
            (
                "write_stdin",
                json!({"session_id":7,"chars":"yes\n"}),
                Call::Keys { text: text("chars", "yes\n"), to: Some("7".to_owned()) },
            ),
            ("write_stdin", json!({"session_id":7,"chars":""}), Call::Inert),
            ("view_image", json!({"path":"a.png"}), read("path", "a.png")),
            ("update_plan", json!({"plan":[]}), Call::Inert),
        ],
    );
}

#[test]
fn gemini_cli() {
    let prompt = "Compare https://a.example/x, and (https://b.example).";
    let fetch = |url: &str| {
        let at = prompt.find(url).unwrap();
        Call::Fetch { url: Text::part("/input/prompt", url, at, at + url.len()) }
    };
    assert_table(
        "gemini-cli",
        vec![
            (
                "run_shell_command",
                json!({"command":"ls","description":"d","directory":"sub"}),
                Call::Shell {
                    command: text("command", "ls"),
                    dialect: Dialect::Bash,
                    cwd: Some(text("directory", "sub")),
                },
            ),
            ("read_file", json!({"absolute_path":"/a"}), read("absolute_path", "/a")),
            (
                "read_many_files",
                json!({"paths":["a","b"]}),
                Call::Many(vec![read("paths/0", "a"), read("paths/1", "b")]),
            ),
            (
                "write_file",
                json!({"file_path":"/a","content":""}),
                write(("file_path", "/a"), ("content", "")),
            ),
            (
                "replace",
                json!({"file_path":"/a","old_string":"x","new_string":"","instruction":"i"}),
                edit(("file_path", "/a"), ("old_string", "x"), ("new_string", "")),
            ),
            ("list_directory", json!({"dir_path":"/a"}), search(Some(("dir_path", "/a")), None)),
            (
                "search_file_content",
                json!({"pattern":"x","include":"*.c"}),
                search(None, Some(("pattern", "x"))),
            ),
            ("glob", json!({"pattern":"*.c"}), search(None, Some(("pattern", "*.c")))),
            (
                "web_fetch",
                json!({"prompt": prompt}),
                Call::Many(vec![fetch("https://a.example/x"), fetch("https://b.example")]),
            ),
            (
                "google_web_search",
                json!({"query":"q"}),
                Call::WebSearch { query: text("query", "q") },
            ),
            ("write_todos", json!({"todos":[]}), Call::Inert),
            (
                "save_memory",
                json!({"fact":"the user likes tabs"}),
                Call::Unknown {
                    tool: "save_memory".to_owned(),
                    pointer: "/input".to_owned(),
                    arguments: json!({"fact":"the user likes tabs"}),
                },
            ),
        ],
    );
    assert_eq!(
        call("gemini-cli", "mcp_github_create_issue", json!({})),
        Call::Mcp {
            server: "github".to_owned(),
            tool: "create_issue".to_owned(),
            pointer: "/input".to_owned(),
            arguments: json!({}),
        }
    );
}

#[test]
fn cursor() {
    assert_table(
        "cursor",
        vec![
            (
                "run_terminal_cmd",
                json!({"command":"ls","is_background":false,"explanation":"e"}),
                bash("command", "ls"),
            ),
            (
                "Shell",
                json!({"command":"ls","working_directory":"/w"}),
                Call::Shell {
                    command: text("command", "ls"),
                    dialect: Dialect::Bash,
                    cwd: Some(text("working_directory", "/w")),
                },
            ),
            (
                "edit_file",
                json!({"target_file":"a.rs","instructions":"i","code_edit":"fn a() {}"}),
                Call::Edit {
                    path: text("target_file", "a.rs"),
                    replacements: vec![Replacement {
                        old: None,
                        new: text("code_edit", "fn a() {}"),
                    }],
                },
            ),
            ("read_file", json!({"target_file":"a.rs"}), read("target_file", "a.rs")),
            (
                "codebase_search",
                json!({"query":"q","target_directories":["src"]}),
                search(Some(("target_directories/0", "src")), Some(("query", "q"))),
            ),
            (
                "grep_search",
                json!({"query":"q","include_pattern":"*.rs"}),
                search(None, Some(("query", "q"))),
            ),
            ("file_search", json!({"query":"q"}), search(None, Some(("query", "q")))),
            (
                "list_dir",
                json!({"relative_workspace_path":"src"}),
                search(Some(("relative_workspace_path", "src")), None),
            ),
            (
                "delete_file",
                json!({"target_file":"a.rs"}),
                Call::Delete { path: text("target_file", "a.rs") },
            ),
            (
                "MCP:create_issue",
                json!({"title":"t"}),
                Call::Mcp {
                    server: String::new(),
                    tool: "create_issue".to_owned(),
                    pointer: "/input".to_owned(),
                    arguments: json!({"title":"t"}),
                },
            ),
        ],
    );
}

#[test]
fn copilot() {
    assert_table(
        "copilot",
        vec![
            ("bash", json!({"command":"ls","description":"d"}), bash("command", "ls")),
            ("view", json!({"path":"/a"}), read("path", "/a")),
            (
                "create",
                json!({"path":"/a","file_text":"x"}),
                write(("path", "/a"), ("file_text", "x")),
            ),
            (
                "edit",
                json!({"path":"/a","old_str":"x","new_str":"y"}),
                edit(("path", "/a"), ("old_str", "x"), ("new_str", "y")),
            ),
            (
                "str_replace_editor",
                json!({"command":"create","path":"/a","file_text":"x"}),
                write(("path", "/a"), ("file_text", "x")),
            ),
            (
                "replace_string_in_file",
                json!({"filePath":"/a","oldString":"x","newString":"y"}),
                edit(("filePath", "/a"), ("oldString", "x"), ("newString", "y")),
            ),
            (
                "write_bash",
                json!({"sessionId":"s","input":"y{enter}","delay":1}),
                Call::Keys { text: text("input", "y{enter}"), to: Some("s".to_owned()) },
            ),
            (
                "playwright-browser_take_screenshot",
                json!({}),
                Call::Browser {
                    operation: "screenshot".to_owned(),
                    pointer: "/input".to_owned(),
                    arguments: json!({}),
                },
            ),
        ],
    );
}

/// Older builds send the input as a string of JSON: every text points at that string.
#[test]
fn copilot_before_objects() {
    let input = r#"{"command":"rm -rf x","description":"d"}"#;
    assert_eq!(
        call("copilot", "bash", json!(input)),
        Call::Shell {
            command: Text::part("/input", "rm -rf x", 0, input.len()),
            dialect: Dialect::Bash,
            cwd: None,
        }
    );
}

#[test]
fn opencode() {
    assert_table(
        "opencode",
        vec![
            ("bash", json!({"command":"ls","description":"d"}), bash("command", "ls")),
            ("read", json!({"filePath":"/a"}), read("filePath", "/a")),
            (
                "edit",
                json!({"filePath":"/a","oldString":"x","newString":"y","replaceAll":true}),
                edit(("filePath", "/a"), ("oldString", "x"), ("newString", "y")),
            ),
            (
                "write",
                json!({"filePath":"/a","content":"x"}),
                write(("filePath", "/a"), ("content", "x")),
            ),
            (
                "webfetch",
                json!({"url":"https://example.com","format":"text"}),
                Call::Fetch { url: text("url", "https://example.com") },
            ),
            (
                "batch",
                json!({"tool_calls":[
                    {"tool":"read","parameters":{"filePath":"/a"}},
                    {"tool":"bash","parameters":{"command":"ls"}},
                    {"tool":"mystery","parameters":{}},
                ]}),
                Call::Many(vec![
                    read("tool_calls/0/parameters/filePath", "/a"),
                    bash("tool_calls/1/parameters/command", "ls"),
                    Call::Unknown {
                        tool: "mystery".to_owned(),
                        pointer: "/input/tool_calls/2/parameters".to_owned(),
                        arguments: json!({}),
                    },
                ]),
            ),
        ],
    );
}

#[test]
fn windsurf_and_antigravity() {
    for kind in ["windsurf", "antigravity"] {
        assert_table(
            kind,
            vec![
                (
                    "run_command",
                    json!({"CommandLine":"ls","Cwd":"/w","Blocking":true}),
                    Call::Shell {
                        command: text("CommandLine", "ls"),
                        dialect: Dialect::Bash,
                        cwd: Some(text("Cwd", "/w")),
                    },
                ),
                ("view_file", json!({"AbsolutePath":"/a"}), read("AbsolutePath", "/a")),
                (
                    "write_to_file",
                    json!({"TargetFile":"/a","CodeContent":"x","EmptyFile":false}),
                    write(("TargetFile", "/a"), ("CodeContent", "x")),
                ),
                (
                    "replace_file_content",
                    json!({"TargetFile":"/a","ReplacementChunks":[
                        {"TargetContent":"x","ReplacementContent":"y","AllowMultiple":false}]}),
                    edit(
                        ("TargetFile", "/a"),
                        ("ReplacementChunks/0/TargetContent", "x"),
                        ("ReplacementChunks/0/ReplacementContent", "y"),
                    ),
                ),
                (
                    "find_by_name",
                    json!({"SearchDirectory":"/w","Pattern":"*.rs"}),
                    search(Some(("SearchDirectory", "/w")), Some(("Pattern", "*.rs"))),
                ),
                (
                    "send_command_input",
                    json!({"CommandId":"c1","Input":"y\n","Terminate":false}),
                    Call::Keys { text: text("Input", "y\n"), to: Some("c1".to_owned()) },
                ),
                (
                    "send_command_input",
                    json!({"CommandId":"c1","Terminate":true}),
                    Call::Stop { id: Some("c1".to_owned()) },
                ),
            ],
        );
    }
}

#[test]
fn cline() {
    assert_table(
        "cline",
        vec![
            (
                "execute_command",
                json!({"command":"ls","requires_approval":"false"}),
                bash("command", "ls"),
            ),
            (
                "write_to_file",
                json!({"path":"a","content":"x"}),
                write(("path", "a"), ("content", "x")),
            ),
            (
                "search_files",
                json!({"path":"src","regex":"fn","file_pattern":"*.rs"}),
                search(Some(("path", "src")), Some(("regex", "fn"))),
            ),
            ("run_commands", json!({"commands":["ls"]}), bash("commands/0", "ls")),
            ("run_commands", json!({"commands":"ls"}), bash("commands", "ls")),
            ("run_commands", json!({"cmd":"ls"}), bash("cmd", "ls")),
            (
                "run_commands",
                json!({"commands":["ls", {"command":"rm","args":["-rf","x y"]}]}),
                Call::Many(vec![
                    bash("commands/0", "ls"),
                    Call::Exec {
                        argv: vec![
                            text("commands/1/command", "rm"),
                            text("commands/1/args/0", "-rf"),
                            text("commands/1/args/1", "x y"),
                        ],
                        cwd: None,
                    },
                ]),
            ),
            ("run_commands", json!(["ls"]), bash("0", "ls")),
            (
                "read_files",
                json!({"files":[{"path":"a"},"b"]}),
                Call::Many(vec![read("files/0/path", "a"), read("files/1", "b")]),
            ),
            ("search_codebase", json!({"queries":["fn"]}), search(None, Some(("queries/0", "fn")))),
            (
                "fetch_web_content",
                json!({"requests":[{"url":"https://e.x","prompt":"what"}]}),
                Call::Fetch { url: text("requests/0/url", "https://e.x") },
            ),
            ("attempt_completion", json!({"result":"done"}), Call::Inert),
            (
                "attempt_completion",
                json!({"result":"done","command":"open x.html"}),
                bash("command", "open x.html"),
            ),
            (
                "use_mcp_tool",
                json!({"server_name":"s","tool_name":"t","arguments":"{\"a\":1}"}),
                Call::Mcp {
                    server: "s".to_owned(),
                    tool: "t".to_owned(),
                    pointer: "/input/arguments".to_owned(),
                    arguments: json!({"a":1}),
                },
            ),
        ],
    );
}

#[test]
fn the_others() {
    assert_table(
        "droid",
        vec![
            ("Execute", json!({"command":"ls","riskLevel":"low"}), bash("command", "ls")),
            (
                "Create",
                json!({"file_path":"/a","content":"x"}),
                write(("file_path", "/a"), ("content", "x")),
            ),
        ],
    );
    assert_table(
        "grok",
        vec![("run_terminal_command", json!({"command":"ls"}), bash("command", "ls"))],
    );
    assert_table(
        "kiro",
        vec![
            ("execute_bash", json!({"command":"ls"}), bash("command", "ls")),
            (
                "fs_read",
                json!({"operations":[{"mode":"Line","path":"/a"},{"mode":"Directory","path":"/b"}]}),
                Call::Many(vec![
                    read("operations/0/path", "/a"),
                    search(Some(("operations/1/path", "/b")), None),
                ]),
            ),
            (
                "fs_write",
                json!({"command":"create","path":"/a","file_text":"x"}),
                write(("path", "/a"), ("file_text", "x")),
            ),
        ],
    );
    assert_table(
        "kimi",
        vec![
            ("Shell", json!({"command":"ls"}), bash("command", "ls")),
            (
                "StrReplaceFile",
                json!({"path":"/a","edit":{"old":"x","new":"y"}}),
                edit(("path", "/a"), ("edit/old", "x"), ("edit/new", "y")),
            ),
        ],
    );
    assert_table(
        "amp",
        vec![
            ("Bash", json!({"cmd":"ls"}), bash("cmd", "ls")),
            (
                "read_web_page",
                json!({"url":"https://a.example"}),
                Call::Fetch { url: text("url", "https://a.example") },
            ),
        ],
    );
    assert_table(
        "qwen-code",
        vec![("run_shell_command", json!({"command":"ls"}), bash("command", "ls"))],
    );
}
