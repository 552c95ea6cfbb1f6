//! OpenCode's tools.

use crate::normalize::{Tools, shapes::*};

pub(crate) const TOOLS: Tools = &[
    ("bash", SHELL),
    ("read", READ),
    ("edit", EDIT),
    ("multiedit", EDIT),
    ("write", WRITE),
    ("patch", PATCH),
    ("apply_patch", PATCH),
    ("glob", SEARCH),
    ("grep", SEARCH),
    ("list", SEARCH),
    ("lsp", SEARCH),
    ("lsp_diagnostics", SEARCH),
    ("lsp_hover", SEARCH),
    ("webfetch", FETCH),
    ("websearch", WEB_SEARCH),
    ("codesearch", WEB_SEARCH),
    ("task", SUBAGENT),
    ("todowrite", INERT),
    ("todoread", INERT),
    ("skill", INERT),
    ("question", INERT),
    ("plan_enter", INERT),
    ("plan_exit", INERT),
    ("invalid", INERT),
];
