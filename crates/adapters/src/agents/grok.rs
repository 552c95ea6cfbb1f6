//! Grok CLI's tools.

use crate::normalize::{Tools, shapes::*};

pub(crate) const TOOLS: Tools = &[
    ("run_terminal_command", SHELL),
    ("bash", SHELL),
    ("read_file", READ),
    ("view_file", READ),
    ("write_file", WRITE),
    ("create_file", WRITE),
    ("search_replace", EDIT),
    ("str_replace_editor", EDITOR),
    ("list_dir", SEARCH),
    ("grep", SEARCH),
    ("glob", SEARCH),
    ("web_search", WEB_SEARCH),
    ("x_search", WEB_SEARCH),
    ("web_fetch", FETCH),
    ("task", SUBAGENT),
    ("todo_write", INERT),
    ("create_todo_list", INERT),
    ("update_todo_list", INERT),
];
