//! Every agent's tools, as the agents send them, and what is made of them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says no by panicking")]

mod agents;
mod anything;
mod commands;
mod malformed;
mod patches;

use ringfence_action::{Action, Agent, Call, Dialect, Replacement, Text};
use serde_json::{Value, json};

fn action(kind: &str, tool: &str, input: Value) -> Action {
    let line = json!({"tool": tool, "input": input});
    let mut action = Action::from_json(line.to_string().as_bytes()).unwrap();
    action.agent = Agent { kind: kind.to_owned(), subagent: None };
    action
}

fn call(kind: &str, tool: &str, input: Value) -> Call {
    ringfence_adapters::normalize(&action(kind, tool, input))
}

fn text(field: &str, value: &str) -> Text {
    Text::new(format!("/input/{field}"), value)
}

fn bash(field: &str, value: &str) -> Call {
    Call::Shell { command: text(field, value), dialect: Dialect::Bash, cwd: None }
}

fn read(field: &str, value: &str) -> Call {
    Call::Read { path: text(field, value) }
}

fn edit(path: (&str, &str), old: (&str, &str), new: (&str, &str)) -> Call {
    Call::Edit {
        path: text(path.0, path.1),
        replacements: vec![Replacement { old: Some(text(old.0, old.1)), new: text(new.0, new.1) }],
    }
}

fn write(path: (&str, &str), content: (&str, &str)) -> Call {
    Call::Write { path: text(path.0, path.1), content: text(content.0, content.1) }
}

fn search(path: Option<(&str, &str)>, pattern: Option<(&str, &str)>) -> Call {
    let text = |(field, value)| text(field, value);
    Call::Search { path: path.map(text), pattern: pattern.map(text) }
}
