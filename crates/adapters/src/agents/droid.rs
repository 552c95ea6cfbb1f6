//! Factory Droid's tools.

use crate::normalize::{Tools, shapes::*};

pub(crate) const TOOLS: Tools = &[
    ("Execute", SHELL),
    ("Read", READ),
    ("Create", WRITE),
    ("Edit", EDIT),
    ("MultiEdit", EDIT),
    ("ApplyPatch", PATCH),
    ("LS", SEARCH),
    ("Grep", SEARCH),
    ("Glob", SEARCH),
    ("FetchUrl", FETCH),
    ("WebSearch", WEB_SEARCH),
    ("Task", SUBAGENT),
    ("KillProcess", STOP),
    ("TaskStop", STOP),
    ("ToolSearch", INERT),
    ("TodoWrite", INERT),
    ("ExitSpecMode", INERT),
    ("AskUser", INERT),
    ("Skill", INERT),
    ("TaskOutput", INERT),
];
