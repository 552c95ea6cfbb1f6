//! From an agent's tool call to a [`Call`].
//!
//! The tool's name chooses a [`Shape`]: first among the tools of the agent that asks, then among
//! those of every other, so that a call without an agent is understood too. Names are compared
//! without regard to case and separators (`ReadFile`, `read_file`, `readFile`); so are fields.
//!
//! A name that no table has is [`Call::Unknown`]. A known tool with input that is not of its shape is
//! [`Call::Malformed`], with the remedy in words.

mod browser;
mod command;
mod node;
mod patch;
mod shape;

use ringfence_action::{Action, Call, Dialect, Platform};
use serde_json::Value;

pub(crate) use node::{Node, Problem, same_name};
pub(crate) use shape::Shape;

use crate::agents;

/// The tools of one agent: names and the shape of their input.
pub(crate) type Tools = &'static [(&'static str, Shape)];

/// The shapes that the agents' tables are written in.
pub(crate) mod shapes {
    pub(crate) use super::browser::ACTION;
    pub(crate) use super::command::{ARGV, CMD, POWERSHELL, SHELL, line_or_program};
    pub(crate) use super::patch::PATCH;
    pub(crate) use super::shape::*;
}

/// Tools that carry other tool calls, of OpenCode and of hosts of the OpenAI models.
const BATCHES: &[&str] = &["batch", "multi_tool_use.parallel", "parallel"];

/// Batches within batches are followed this far.
const MAX_DEPTH: usize = 4;

/// Understands a tool call.
///
/// Pure and total. Every text of the result keeps the JSON Pointer of the string it came from.
pub fn normalize(action: &Action) -> Call {
    let host = &Host {
        kind: action.agent.kind.as_str(),
        is_windows: action.platform == Platform::Windows,
    };
    let Value::String(text) = &action.input else {
        return call(host, &action.tool, &Node::root(&action.input), 0);
    };
    // Some agents send the input as JSON within a string.
    match serde_json::from_str::<Value>(text) {
        Ok(decoded @ (Value::Object(_) | Value::Null)) => {
            call(host, &action.tool, &Node::embedded(&decoded, text.len()), 0)
        }
        Ok(_) | Err(_) => call(host, &action.tool, &Node::root(&action.input), 0),
    }
}

/// Who asks, and on what machine.
struct Host<'a> {
    kind: &'a str,
    is_windows: bool,
}

fn call(host: &Host<'_>, tool: &str, input: &Node<'_>, depth: usize) -> Call {
    let tool = tool.trim();
    if let Some((server, name)) = mcp_name(host.kind, tool) {
        return mcp(tool, server, name, input);
    }
    if BATCHES.iter().any(|batch| same_name(batch, tool)) {
        return batch(host, tool, input, depth);
    }
    let Some(shape) = shape_of(host.kind, tool) else {
        return match browser::operation_of(tool) {
            Some(operation) => browser::driven(operation, input),
            None => Call::Unknown {
                tool: tool.to_owned(),
                pointer: input.pointer().to_owned(),
                arguments: input.value().clone(),
            },
        };
    };
    match (shape.read)(input) {
        Ok(call) if host.is_windows => in_windows_shell(host.kind, tool, input, call),
        Ok(call) => call,
        Err(problem) => malformed(tool, &problem, shape.usage),
    }
}

/// On Windows the agents' shell is PowerShell, unless the tool or the input says otherwise. Codex calls
/// its tool Bash everywhere.
fn in_windows_shell(kind: &str, tool: &str, input: &Node<'_>, call: Call) -> Call {
    let named_bash = kind != "codex" && tool.to_ascii_lowercase().contains("bash");
    let is_stated = |pointer: &str| {
        let from_array = pointer.rsplit('/').next().is_some_and(|last| last.parse::<u32>().is_ok());
        from_array || input.value().get("shell").is_some()
    };
    match call {
        Call::Shell { command, dialect: Dialect::Bash, cwd }
            if !named_bash && !is_stated(&command.pointer) =>
        {
            Call::Shell { command, dialect: Dialect::PowerShell, cwd }
        }
        call => call,
    }
}

fn shape_of(kind: &str, tool: &str) -> Option<Shape> {
    let find = |tools: Tools| {
        tools.iter().find(|(name, _)| same_name(name, tool)).map(|(_, shape)| *shape)
    };
    agents::tools_of(kind).and_then(find).or_else(|| agents::ALL.iter().find_map(|(_, t)| find(t)))
}

fn malformed(tool: &str, problem: &Problem, usage: &str) -> Call {
    Call::Malformed {
        tool: tool.to_owned(),
        problem: format!("{problem}; `{tool}` takes an object such as {usage}"),
    }
}

/// The server and the tool in the name of an MCP tool, in the forms that agents give it.
fn mcp_name<'t>(kind: &str, tool: &'t str) -> Option<(&'t str, &'t str)> {
    if let Some(rest) = strip_prefix(tool, "mcp__") {
        return rest
            .split_once("__")
            .filter(|(server, tool)| !server.is_empty() && !tool.is_empty());
    }
    // Cursor names the tool alone.
    if let Some(tool) = strip_prefix(tool, "MCP:") {
        return Some(("", tool.trim_start())).filter(|(_, tool)| !tool.is_empty());
    }
    // Grok joins the two, and has no such name among its own.
    if kind == "grok" {
        return tool
            .split_once("__")
            .filter(|(server, tool)| !server.is_empty() && !tool.is_empty());
    }
    // Gemini: server names have no underscore.
    if kind == "gemini-cli" {
        let rest = strip_prefix(tool, "mcp_")?;
        return rest
            .split_once('_')
            .filter(|(server, tool)| !server.is_empty() && !tool.is_empty());
    }
    None
}

fn strip_prefix<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn mcp(tool: &str, server: &str, name: &str, input: &Node<'_>) -> Call {
    let arguments = match input.value() {
        Value::Null => Value::Object(serde_json::Map::new()),
        Value::Object(_) => input.value().clone(),
        _ => {
            return malformed(tool, &input.not_an_object(), "{\"name of an argument\": \"…\"}");
        }
    };
    if let Some(operation) = browser::operation_of_mcp(server, name) {
        return Call::Browser { operation, pointer: input.pointer().to_owned(), arguments };
    }
    Call::Mcp {
        server: server.to_owned(),
        tool: name.to_owned(),
        pointer: input.pointer().to_owned(),
        arguments,
    }
}

/// Several calls in one. Each is understood by itself; one that is malformed stays so.
fn batch(host: &Host<'_>, tool: &str, input: &Node<'_>, depth: usize) -> Call {
    const USAGE: &str =
        "{\"tool_calls\":[{\"tool\":\"read\",\"parameters\":{\"filePath\":\"a.txt\"}}]}";
    if depth >= MAX_DEPTH {
        let problem = Problem::new("calls are nested too deeply");
        return malformed(tool, &problem, USAGE);
    }
    let calls = || -> Result<Vec<Call>, Problem> {
        let mut calls = Vec::new();
        for item in input.need(&["tool_calls", "tool_uses", "calls"])?.items()? {
            let name = item.need(&["tool", "recipient_name", "name"])?.text()?.value;
            let name = name.strip_prefix("functions.").unwrap_or(&name);
            let parameters = item.field(&["parameters", "input", "arguments"])?;
            let null = Node::root(&Value::Null);
            calls.push(call(host, name, parameters.as_ref().unwrap_or(&null), depth + 1));
        }
        Ok(calls)
    };
    match calls() {
        Ok(calls) if calls.is_empty() => malformed(tool, &Problem::new("no call in it"), USAGE),
        Ok(calls) => Call::Many(calls),
        Err(problem) => malformed(tool, &problem, USAGE),
    }
}
