//! Cline's tools. Its edits are search-and-replace blocks in one text.

use ringfence_action::Call;

use crate::normalize::{Node, Problem, Shape, Tools, shapes::*};

pub(crate) const TOOLS: Tools = &[
    ("execute_command", SHELL),
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
