//! Antigravity's tools: those of Cascade, whose heir it is, and its own.

use crate::normalize::{Tools, shapes::*};

pub(crate) const TOOLS: Tools = &[
    ("run_command", SHELL),
    ("view_file", READ),
    ("view_file_outline", READ),
    ("view_code_item", READ),
    ("write_to_file", WRITE),
    ("replace_file_content", EDIT),
    ("multi_replace_file_content", EDIT),
    ("grep_search", SEARCH),
    ("find_by_name", SEARCH),
    ("list_dir", SEARCH),
    ("codebase_search", SEARCH),
    ("read_url_content", FETCH),
    ("search_web", WEB_SEARCH),
    ("send_command_input", KEYS),
    ("browser_subagent", SUBAGENT),
    ("read_resource", MCP_RESOURCE),
    ("command_status", INERT),
    ("read_terminal", INERT),
    ("view_content_chunk", INERT),
    ("task_boundary", INERT),
    ("notify_user", INERT),
    ("list_resources", INERT),
];
