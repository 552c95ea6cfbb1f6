//! Names that no one agent owns: hosts built on an API, and Ringfence's own.

use crate::normalize::{Tools, shapes::*};

pub(crate) const TOOLS: Tools = &[
    ("exec", ARGV),
    ("run_program", ARGV),
    ("terminal", SHELL),
    ("execute_shell", SHELL),
    ("run_bash", SHELL),
    ("sh", SHELL),
    ("zsh", SHELL),
    ("cmd", CMD),
    ("str_replace_based_edit_tool", EDITOR),
    ("computer_use", ACTION),
    ("remove_file", DELETE),
    ("move_file", MOVE),
    ("rename_file", MOVE),
    ("think", INERT),
];
