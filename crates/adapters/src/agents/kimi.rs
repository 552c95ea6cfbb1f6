//! Kimi Code's tools.

use crate::normalize::{Tools, shapes::*};

pub(crate) const TOOLS: Tools = &[
    ("Shell", SHELL),
    ("Bash", SHELL),
    ("ReadFile", READ),
    ("ReadMediaFile", READ),
    ("WriteFile", WRITE),
    ("StrReplaceFile", EDIT),
    ("Glob", SEARCH),
    ("Grep", SEARCH),
    ("SearchWeb", WEB_SEARCH),
    ("FetchURL", FETCH),
    ("Task", SUBAGENT),
    ("Agent", SUBAGENT),
    ("CreateSubagent", SUBAGENT),
    ("SetTodoList", INERT),
    ("Think", INERT),
    ("AskUserQuestion", INERT),
    ("EnterPlanMode", INERT),
    ("ExitPlanMode", INERT),
];
