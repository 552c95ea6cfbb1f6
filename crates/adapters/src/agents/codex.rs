//! Codex' tools. A command comes as a string or as an array; files change through patches.

use crate::normalize::{Tools, shapes::*};

pub(crate) const TOOLS: Tools = &[
    ("Bash", SHELL),
    ("shell", SHELL),
    ("shell_command", SHELL),
    ("exec_command", SHELL),
    ("local_shell", SHELL),
    ("local_shell_call", SHELL),
    ("container.exec", SHELL),
    ("unified_exec", SHELL),
    ("exec", ARGV),
    ("apply_patch", PATCH),
    ("write_stdin", KEYS),
    ("view_image", READ),
    ("read_file", READ),
    ("list_dir", SEARCH),
    ("grep_files", SEARCH),
    ("web_search", WEB_SEARCH),
    ("web_search_call", WEB_SEARCH),
    ("spawn_agent", SUBAGENT),
    ("send_input", SUBAGENT),
    ("close_agent", STOP),
    ("read_mcp_resource", MCP_RESOURCE),
    ("update_plan", INERT),
    ("request_user_input", INERT),
    ("wait", INERT),
    ("wait_agent", INERT),
    ("list_mcp_resources", INERT),
    ("list_mcp_resource_templates", INERT),
    ("tool_search", INERT),
];
