//! The same call, inside: a shell command rewritten so that `ringfence run` carries it out.
//!
//! Agents start a shell for every call or keep one, evaluate the command in it, and some take the shell's folder
//! over into the next call. So the rewritten command runs the original in the same kind of shell (`$0` is
//! the one that most agents started), behind walls, and then goes where that shell ended. Its exit code is
//! that of the original.

use std::path::Path;

use ringfence_action::Action;
use serde_json::Value;

use super::HookAgent;
use crate::install::quote;

/// How a call gets inside.
#[derive(Debug, Clone, Copy)]
pub struct Inside<'a> {
    /// The absolute path of the executable.
    pub program: &'a Path,
    /// The absolute path of the state folder.
    pub state: &'a Path,
    /// The name of the ticket that the run takes.
    pub ticket: &'a str,
    /// The file in which the run tells where the command's shell ended.
    pub told: &'a Path,
}

impl HookAgent {
    /// The shell code of a call that this agent lets be rewritten; `None` for every other call.
    pub fn shell_code(self, action: &Action) -> Option<&str> {
        self.dialect().shell_code(action)
    }

    /// The whole input of the same call, inside. Everything but the command stays as it was.
    pub fn inside(self, action: &Action, way: &Inside<'_>) -> Option<Value> {
        let code = quote(self.shell_code(action)?);
        let path = |path: &Path| path.to_str().map(quote);
        let (program, state, told) = (path(way.program)?, path(way.state)?, path(way.told)?);
        let (ticket, shell) = (way.ticket, self.dialect().shell());
        let mut command =
            format!("{program} run --state {state} --ticket {ticket} -- {shell} -c {code}");
        // A shell that has nothing left to do becomes what it starts; this one is to stay, as its parent.
        if self.dialect().keeps_folder() {
            let goes_there =
                format!(" && {{ {{ builtin cd -- \"$(<{told})\"; }} 2>/dev/null || :; }}");
            command.push_str(&goes_there);
        } else {
            command.push_str(" && :");
        }
        let mut input = action.input.clone();
        *input.get_mut("command")? = Value::String(command);
        Some(input)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_command_changes() {
        let input = json!({"command": "echo 'it'", "timeout": 5, "run_in_background": true});
        let action: Action =
            serde_json::from_value(json!({"tool": "Bash", "input": input})).unwrap();
        let way = Inside {
            program: Path::new("/opt/my tools/ringfence"),
            state: Path::new("/s"),
            ticket: "abc",
            told: Path::new("/s/tickets/abc.folder"),
        };
        let inside = HookAgent::ClaudeCode.inside(&action, &way).unwrap();
        let command = "'/opt/my tools/ringfence' run --state /s --ticket abc -- \"$0\" -c \
                       'echo '\\''it'\\''' && { { builtin cd -- \"$(</s/tickets/abc.folder)\"; } \
                       2>/dev/null || :; }";
        assert_eq!(inside, json!({"command": command, "timeout": 5, "run_in_background": true}));
        let read = Action { tool: "Read".to_owned(), ..action };
        assert_eq!(HookAgent::ClaudeCode.inside(&read, &way), None);
    }
}
