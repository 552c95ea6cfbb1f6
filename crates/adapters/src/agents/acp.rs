//! Kinds of tools of the Agent Client Protocol, by which its agents say what they are about to do.

use crate::normalize::{Tools, shapes::*};

pub(crate) const TOOLS: Tools = &[
    ("execute", SHELL),
    ("read", READ),
    ("edit", EDIT),
    ("write", WRITE),
    ("delete", DELETE),
    ("move", MOVE),
    ("search", SEARCH),
    ("fetch", FETCH),
    ("think", INERT),
    ("switch_mode", INERT),
];
