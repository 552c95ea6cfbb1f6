//! Amp's tools.

use crate::normalize::{Tools, shapes::*};

pub(crate) const TOOLS: Tools = &[
    ("Bash", SHELL),
    ("shell_command", SHELL),
    ("Read", READ),
    ("look_at", READ),
    ("create_file", WRITE),
    ("edit_file", EDIT),
    ("undo_edit", TOUCHED),
    ("apply_patch", PATCH),
    ("Grep", SEARCH),
    ("glob", SEARCH),
    ("finder", SEARCH),
    ("list_directory", SEARCH),
    ("read_web_page", FETCH),
    ("web_search", WEB_SEARCH),
    ("Task", SUBAGENT),
    ("oracle", SUBAGENT),
    ("librarian", SUBAGENT),
    ("todo_write", INERT),
    ("todo_read", INERT),
    ("mermaid", INERT),
    ("read_thread", INERT),
    ("find_thread", INERT),
    ("skill", INERT),
];
