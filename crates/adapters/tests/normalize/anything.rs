//! Whatever arrives: no panic, no pointer into nothing, and nothing milder than it should be.

use proptest::prelude::*;
use ringfence_action::{Action, Call, Text};
use ringfence_adapters::normalize;
use serde_json::Value;

use super::action;

const KINDS: &[&str] = &[
    "claude-code",
    "codex",
    "copilot",
    "gemini-cli",
    "antigravity",
    "cursor",
    "opencode",
    "qwen-code",
    "windsurf",
    "cline",
    "droid",
    "grok",
    "kiro",
    "kimi",
    "amp",
    "acp",
    "unknown",
];

/// Tools that do something, whose input decides what.
const TOOLS: &[&str] = &[
    "Bash",
    "shell",
    "exec",
    "run_shell_command",
    "run_terminal_cmd",
    "Execute",
    "apply_patch",
    "Read",
    "Write",
    "Edit",
    "MultiEdit",
    "NotebookEdit",
    "edit_file",
    "delete_file",
    "WebFetch",
    "web_fetch",
    "WebSearch",
    "Task",
    "str_replace_editor",
    "use_mcp_tool",
    "batch",
    "fs_read",
    "computer",
];

/// Names of fields, some that tools know, some that need escaping in a pointer.
const FIELDS: &[&str] = &[
    "command",
    "cmd",
    "argv",
    "path",
    "file_path",
    "filePath",
    "content",
    "old_string",
    "new_string",
    "edits",
    "edit",
    "url",
    "urls",
    "prompt",
    "query",
    "pattern",
    "input",
    "patch",
    "tool_calls",
    "image_paths",
    "tool",
    "parameters",
    "action",
    "operations",
    "mode",
    "env",
    "a/b",
    "c~d",
    "",
];

fn json() -> impl Strategy<Value = Value> {
    let string = prop_oneof![
        "[ -~]{0,12}",
        Just("*** Begin Patch\n*** Delete File: ü.txt\n*** End Patch".to_owned()),
        Just("see https://a.example/ü and http://b.example.".to_owned()),
        Just("bash".to_owned()),
        Just("-lc".to_owned()),
        Just("create".to_owned()),
        Just("image".to_owned()),
        "\\PC{0,8}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        string.prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(FIELDS), inner), 0..6)
                .prop_map(|fields| fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

/// Every text of the call, wherever it stands.
fn texts(call: &Call) -> Vec<&Text> {
    match call {
        Call::Shell { command, cwd, .. } => [command].into_iter().chain(cwd).collect(),
        Call::Exec { argv, cwd } => argv.iter().chain(cwd).collect(),
        Call::Read { path } | Call::Delete { path } => vec![path],
        Call::Write { path, content } => vec![path, content],
        Call::Edit { path, replacements } => [path]
            .into_iter()
            .chain(replacements.iter().flat_map(|r| r.old.iter().chain([&r.new])))
            .collect(),
        Call::Move { from, to } => vec![from, to],
        Call::Search { path, pattern } => path.iter().chain(pattern).collect(),
        Call::Fetch { url } => vec![url],
        Call::WebSearch { query } => vec![query],
        Call::Subagent { prompt, kind } => [prompt].into_iter().chain(kind).collect(),
        Call::Keys { text, .. } => vec![text],
        Call::Many(calls) => calls.iter().flat_map(texts).collect(),
        Call::Mcp { .. }
        | Call::Browser { .. }
        | Call::Stop { .. }
        | Call::Inert
        | Call::Unknown { .. }
        | Call::Malformed { .. } => Vec::new(),
    }
}

fn assert_points_into(action: &Action, text: &Text) {
    let whole = action.text_at(&text.pointer).unwrap_or_else(|| panic!("nothing at {text:?}"));
    match text.span {
        None => assert_eq!(whole, text.value),
        Some([start, end]) => assert!(whole.get(start..end).is_some(), "{text:?}"),
    }
}

proptest! {
    #[test]
    fn evidence_points_at_what_was_sent(
        kind in prop::sample::select(KINDS),
        tool in prop::sample::select(TOOLS),
        input in json(),
        as_string in any::<bool>(),
    ) {
        let input = if as_string { Value::from(input.to_string()) } else { input };
        let action = action(kind, tool, input);
        for text in texts(&normalize(&action)) {
            assert_points_into(&action, text);
        }
    }

    /// A tool that can do harm is inert only where it cannot: `fs_read` of nothing is malformed too.
    #[test]
    fn a_tool_that_acts_is_never_inert(
        kind in prop::sample::select(KINDS),
        tool in prop::sample::select(TOOLS),
        input in json(),
    ) {
        let call = normalize(&action(kind, tool, input));
        prop_assert!(!matches!(call, Call::Inert), "{call:?}");
        prop_assert!(call != Call::Many(Vec::new()));
    }

    #[test]
    fn any_name_with_any_input_is_something(tool in "\\PC{0,20}", input in json()) {
        let action = action("unknown", &tool, input);
        for text in texts(&normalize(&action)) {
            assert_points_into(&action, text);
        }
    }
}
