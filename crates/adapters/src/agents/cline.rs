//! Cline's tools. Its edits are search-and-replace blocks in one text.

use ringfence_action::Call;

use serde_json::Value;

use crate::normalize::{Node, Problem, Shape, Tools, shapes::*};

pub(crate) const TOOLS: Tools = &[
    ("execute_command", SHELL),
    ("run_commands", COMMANDS),
    ("read_files", FILES),
    ("search_codebase", SEARCHES),
    ("fetch_web_content", REQUESTS),
    ("editor", EDIT),
    ("read_file", READ),
    ("write_to_file", WRITE),
    ("new_rule", WRITE),
    ("replace_in_file", SKETCH),
    ("apply_diff", SKETCH),
    ("list_files", SEARCH),
    ("search_files", SEARCH),
    ("list_code_definition_names", SEARCH),
    ("web_fetch", FETCH),
    ("web_search", WEB_SEARCH),
    ("browser_action", ACTION),
    ("use_mcp_tool", MCP),
    ("access_mcp_resource", MCP_RESOURCE),
    ("new_task", SUBAGENT),
    ("use_subagents", SUBAGENT),
    ("apply_patch", PATCH),
    ("attempt_completion", COMPLETION),
    ("ask_followup_question", INERT),
    ("plan_mode_respond", INERT),
    ("act_mode_respond", INERT),
    ("load_mcp_documentation", INERT),
    ("focus_chain", INERT),
    ("use_skill", INERT),
    ("skills", INERT),
    ("ask_question", INERT),
    ("submit_and_exit", INERT),
    ("spawn_agent", SUBAGENT),
    ("condense", INERT),
    ("summarize_task", INERT),
];

/// The work is done; a command that shows it may come along, and runs.
const COMPLETION: Shape = Shape { read: completion, usage: "{\"result\":\"…\"}" };

fn completion(input: &Node<'_>) -> Result<Call, Problem> {
    match input.optional_text(&["command"])? {
        Some(_) => (SHELL.read)(input),
        None => Ok(Call::Inert),
    }
}

/// Several commands one after the other: lines for a shell, or programs with their arguments. The list may
/// be the whole input, and one command may stand for it.
const COMMANDS: Shape = Shape { read: commands, usage: "{\"commands\":[\"ls\"]}" };

fn commands(input: &Node<'_>) -> Result<Call, Problem> {
    if !input.value().is_object() {
        return several(input, line_or_program);
    }
    match input.field(&["commands"])? {
        Some(listed) => several(&listed, line_or_program),
        None => line_or_program(input),
    }
}

/// Files, by their paths or by objects that have them.
const FILES: Shape = Shape { read: files, usage: "{\"files\":[{\"path\":\"/p/src/main.rs\"}]}" };

fn files(input: &Node<'_>) -> Result<Call, Problem> {
    let path = |item: &Node<'_>| match item.value() {
        Value::Object(_) => (READ.read)(item),
        _ => Ok(Call::Read { path: item.text()? }),
    };
    if !input.value().is_object() {
        return several(input, path);
    }
    match input.field(&["files", "file_paths", "paths"])? {
        Some(listed) => several(&listed, path),
        None => path(input),
    }
}

/// Patterns, each looked for by itself.
const SEARCHES: Shape = Shape { read: searches, usage: "{\"queries\":[\"fn main\"]}" };

fn searches(input: &Node<'_>) -> Result<Call, Problem> {
    let search = |item: &Node<'_>| Ok(Call::Search { path: None, pattern: Some(item.text()?) });
    match input.value() {
        Value::Object(_) => several(&input.need(&["queries"])?, search),
        _ => several(input, search),
    }
}

/// Pages, each with what is to be found out of it.
const REQUESTS: Shape =
    Shape { read: requests, usage: "{\"requests\":[{\"url\":\"https://example.com\"}]}" };

fn requests(input: &Node<'_>) -> Result<Call, Problem> {
    match input.field(&["requests"])? {
        Some(listed) => several(&listed, |item| (FETCH.read)(item)),
        None => (FETCH.read)(input),
    }
}

/// The calls of a list; of one that stands for a list.
fn several(
    listed: &Node<'_>,
    one: impl Fn(&Node<'_>) -> Result<Call, Problem>,
) -> Result<Call, Problem> {
    if !listed.value().is_array() {
        return one(listed);
    }
    let mut calls = listed.items()?.iter().map(one).collect::<Result<Vec<_>, _>>()?;
    match calls.len() {
        0 => Err(Problem::new("the list is empty")),
        1 => Ok(calls.swap_remove(0)),
        _ => Ok(Call::Many(calls)),
    }
}
