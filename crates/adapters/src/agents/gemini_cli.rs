//! Gemini CLI's tools. `save_memory` is not among them: it writes an instruction file that the call
//! does not name, so it stays unknown.

use crate::normalize::{Tools, shapes::*};

pub(crate) const TOOLS: Tools = &[
    ("run_shell_command", SHELL),
    ("read_file", READ),
    ("read_many_files", READ_MANY),
    ("write_file", WRITE),
    ("replace", EDIT),
    ("list_directory", SEARCH),
    ("search_file_content", SEARCH),
    ("grep_search", SEARCH),
    ("glob", SEARCH),
    ("web_fetch", FETCH),
    ("google_web_search", WEB_SEARCH),
    ("codebase_investigator", SUBAGENT),
    ("delegate_to_agent", SUBAGENT),
    ("cli_help", SUBAGENT),
    ("write_todos", INERT),
    ("ask_user", INERT),
    ("enter_plan_mode", INERT),
    ("exit_plan_mode", INERT),
    ("activate_skill", INERT),
    ("get_internal_docs", INERT),
    ("complete_task", INERT),
];
