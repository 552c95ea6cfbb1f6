//! Qwen Code's tools: those of Gemini CLI, of which it is a fork, and its own. `save_memory` is not
//! among them, for the same reason as there.

use crate::normalize::{Tools, shapes::*};

pub(crate) const TOOLS: Tools = &[
    ("run_shell_command", SHELL),
    ("shell", SHELL),
    ("read_file", READ),
    ("read_many_files", READ_MANY),
    ("write_file", WRITE),
    ("edit", EDIT),
    ("replace", EDIT),
    ("list_directory", SEARCH),
    ("grep_search", SEARCH),
    ("search_file_content", SEARCH),
    ("glob", SEARCH),
    ("web_fetch", FETCH),
    ("web_search", WEB_SEARCH),
    ("task", SUBAGENT),
    ("agent", SUBAGENT),
    ("todo_write", INERT),
    ("exit_plan_mode", INERT),
    ("skill", INERT),
    ("ask_user_question", INERT),
];
