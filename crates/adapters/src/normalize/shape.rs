//! The shapes of input that agents' own tools have in common.
//!
//! A shape knows every name under which the agents send a field, so one shape serves many tools.
//! Fields that a shape does not know are ignored; fields that it knows must be of their type.

use ringfence_action::{Call, Replacement, Text};
use serde_json::Value;

use super::node::{Node, Problem};

/// How one kind of tool is read, and what its input looks like, for messages.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) read: fn(&Node<'_>) -> Result<Call, Problem>,
    pub(crate) usage: &'static str,
}

pub(crate) const PATH: &[&str] = &[
    "file_path",
    "path",
    "target_file",
    "absolute_path",
    "notebook_path",
    "filename",
    "target_notebook",
    "file",
];
const FOLDER: &[&str] = &[
    "path",
    "dir_path",
    "directory",
    "directory_path",
    "folder",
    "file_path",
    "target_directory",
    "search_path",
    "search_directory",
    "relative_workspace_path",
];
/// What is searched for comes before which files are searched.
const PATTERNS: &[&[&str]] = &[
    &["pattern", "patterns"],
    &["query", "search_term"],
    &["regex"],
    &["glob_pattern"],
    &["file_pattern"],
];
const CONTENT: &[&str] =
    &["content", "contents", "file_text", "code_content", "text", "new_content"];
const OLD: &[&str] = &["old_string", "old_str", "old_text", "target_content", "old"];
const NEW: &[&str] = &["new_string", "new_str", "new_text", "replacement_content", "new"];

/// A file is read.
pub(crate) const READ: Shape = Shape { read, usage: "{\"file_path\":\"src/main.rs\"}" };

fn read(input: &Node<'_>) -> Result<Call, Problem> {
    Ok(Call::Read { path: input.need_words(PATH)? })
}

/// Several files are read.
pub(crate) const READ_MANY: Shape =
    Shape { read: read_many, usage: "{\"paths\":[\"src/main.rs\"]}" };

fn read_many(input: &Node<'_>) -> Result<Call, Problem> {
    let paths = input.need(&["paths", "include", "files"])?.texts()?;
    if paths.is_empty() {
        return Err(Problem::new("`paths` is empty"));
    }
    Ok(Call::Many(paths.into_iter().map(|path| Call::Read { path }).collect()))
}

/// A whole file is written.
pub(crate) const WRITE: Shape =
    Shape { read: write, usage: "{\"file_path\":\"notes.md\",\"content\":\"…\"}" };

fn write(input: &Node<'_>) -> Result<Call, Problem> {
    Ok(Call::Write { path: input.need_words(PATH)?, content: input.need_text(CONTENT)? })
}

/// Parts of a file are replaced: one replacement in the input itself, or a list of them.
pub(crate) const EDIT: Shape = Shape {
    read: edit,
    usage: "{\"file_path\":\"notes.md\",\"old_string\":\"…\",\"new_string\":\"…\"}",
};

fn edit(input: &Node<'_>) -> Result<Call, Problem> {
    let path = input.need_words(PATH)?;
    let listed = input.field(&["edits", "changes", "replacement_chunks", "replacements"])?;
    let mut replacements = Vec::new();
    for item in listed.map(|list| list.items()).transpose()?.unwrap_or_default() {
        replacements.push(replacement(&item)?);
    }
    if replacements.is_empty() {
        // Kimi puts one replacement, or several, under `edit`.
        match input.field(&["edit"])? {
            Some(one) if one.value().is_object() => replacements.push(replacement(&one)?),
            Some(list) => {
                for item in list.items()? {
                    replacements.push(replacement(&item)?);
                }
            }
            None => replacements.push(replacement(input)?),
        }
    }
    Ok(Call::Edit { path, replacements })
}

fn replacement(input: &Node<'_>) -> Result<Replacement, Problem> {
    let old = input.field(OLD)?.map(|old| old.text()).transpose()?;
    Ok(Replacement { old, new: input.need_text(NEW)? })
}

/// The model writes what changes, and another model works it into the file.
pub(crate) const SKETCH: Shape =
    Shape { read: sketch, usage: "{\"target_file\":\"notes.md\",\"code_edit\":\"…\"}" };

fn sketch(input: &Node<'_>) -> Result<Call, Problem> {
    let new = match input.field(&["code_edit", "code", "code_markdown", "diff"])? {
        Some(new) => new.text()?,
        // Newer builds of the same agents replace strings.
        None => return edit(input),
    };
    let path = input.need_words(PATH)?;
    Ok(Call::Edit { path, replacements: vec![Replacement { old: None, new }] })
}

/// Several replacements, each in a file of its own.
pub(crate) const EDIT_MANY: Shape = Shape {
    read: edit_many,
    usage: "{\"replacements\":[{\"filePath\":\"notes.md\",\"oldString\":\"…\",\"newString\":\"…\"}]}",
};

fn edit_many(input: &Node<'_>) -> Result<Call, Problem> {
    let items = input.need(&["replacements", "edits"])?.items()?;
    if items.is_empty() {
        return Err(Problem::new("`replacements` is empty"));
    }
    items.iter().map(edit).collect::<Result<_, _>>().map(Call::Many)
}

/// A cell of a notebook is replaced, inserted or deleted.
pub(crate) const NOTEBOOK: Shape =
    Shape { read: notebook, usage: "{\"notebook_path\":\"a.ipynb\",\"new_source\":\"…\"}" };

fn notebook(input: &Node<'_>) -> Result<Call, Problem> {
    let path = input.need_words(PATH)?;
    let deletes = input.optional_text(&["edit_mode"])?.is_some_and(|mode| mode.value == "delete");
    const SOURCE: &[&str] = &["new_source", "new_string", "new_code"];
    let replacements = match input.field(SOURCE)? {
        None if deletes => Vec::new(),
        None => vec![Replacement { old: None, new: input.need_text(SOURCE)? }],
        Some(new) => vec![Replacement { old: None, new: new.text()? }],
    };
    Ok(Call::Edit { path, replacements })
}

/// One tool for viewing and editing; `command` says which.
pub(crate) const EDITOR: Shape = Shape {
    read: editor,
    usage: "{\"command\":\"create\",\"path\":\"notes.md\",\"file_text\":\"…\"}",
};

fn editor(input: &Node<'_>) -> Result<Call, Problem> {
    let command = input.need_words(&["command"])?.value;
    let path = input.need_words(PATH)?;
    match command.as_str() {
        "view" => Ok(Call::Read { path }),
        "create" => {
            let content = input.need_text(&["file_text", "content", "new_str"])?;
            Ok(Call::Write { path, content })
        }
        "str_replace" | "strReplace" => {
            let old = Some(input.need_text(&["old_str", "old_string"])?);
            // Left out, the old text is removed.
            let new = match input.field(&["new_str", "new_string"])? {
                Some(new) => new.text()?,
                None => return Ok(Call::Edit { path, replacements: Vec::new() }),
            };
            Ok(Call::Edit { path, replacements: vec![Replacement { old, new }] })
        }
        "insert" | "append" => {
            let new = input.need_text(&["new_str", "insert_text", "file_text", "content"])?;
            Ok(Call::Edit { path, replacements: vec![Replacement { old: None, new }] })
        }
        "undo_edit" => Ok(Call::Edit { path, replacements: Vec::new() }),
        other => Err(Problem::new(format!(
            "`command` is `{other}`, not one of view, create, str_replace, insert, append, undo_edit"
        ))),
    }
}

/// A file goes back to what it was, with no more than its path.
pub(crate) const TOUCHED: Shape = Shape { read: touched, usage: "{\"path\":\"notes.md\"}" };

fn touched(input: &Node<'_>) -> Result<Call, Problem> {
    Ok(Call::Edit { path: input.need_words(PATH)?, replacements: Vec::new() })
}

/// A file is removed.
pub(crate) const DELETE: Shape = Shape { read: delete, usage: "{\"target_file\":\"notes.md\"}" };

fn delete(input: &Node<'_>) -> Result<Call, Problem> {
    Ok(Call::Delete { path: input.need_words(PATH)? })
}

/// A file gets another name.
pub(crate) const MOVE: Shape =
    Shape { read: rename, usage: "{\"source\":\"a.txt\",\"destination\":\"b.txt\"}" };

fn rename(input: &Node<'_>) -> Result<Call, Problem> {
    Ok(Call::Move {
        from: input.need_words(&["source", "from", "old_path", "source_path"])?,
        to: input.need_words(&["destination", "to", "new_path", "destination_path"])?,
    })
}

/// Names or contents of files are searched; there is nothing to search for in a listing.
pub(crate) const SEARCH: Shape =
    Shape { read: search, usage: "{\"pattern\":\"main\",\"path\":\"src\"}" };

fn search(input: &Node<'_>) -> Result<Call, Problem> {
    let several = input.field(&["target_directories", "paths", "uris"])?;
    let mut pattern = None;
    for names in PATTERNS {
        if let Some(node) = input.field(names)? {
            let first = node.texts()?.into_iter().next();
            pattern = pattern.or(first.filter(|text| !text.value.is_empty()));
        }
    }
    let folders = several.map(|list| list.texts()).transpose()?.unwrap_or_default();
    let mut calls: Vec<Call> = folders
        .into_iter()
        .map(|path| Call::Search { path: Some(path), pattern: pattern.clone() })
        .collect();
    let path = input.optional_text(FOLDER)?;
    if calls.is_empty() {
        return Ok(Call::Search { path, pattern });
    }
    if path.is_some() {
        calls.push(Call::Search { path, pattern });
    }
    Ok(if calls.len() == 1 { calls.swap_remove(0) } else { Call::Many(calls) })
}

/// A page is fetched.
pub(crate) const FETCH: Shape = Shape { read: fetch, usage: "{\"url\":\"https://example.com\"}" };

fn fetch(input: &Node<'_>) -> Result<Call, Problem> {
    let Some(urls) = input.field(&["url", "urls", "uri"])? else {
        return match input.field(&["prompt"])? {
            Some(prompt) => fetch_named(&prompt.text()?),
            None => Err(Problem::new("`url` is missing")),
        };
    };
    let mut calls: Vec<Call> = urls.texts()?.into_iter().map(|url| Call::Fetch { url }).collect();
    match calls.len() {
        0 => Err(Problem::new("`urls` is empty")),
        1 => Ok(calls.swap_remove(0)),
        _ => Ok(Call::Many(calls)),
    }
}

/// Gemini CLI fetches every URL that the prompt names.
fn fetch_named(prompt: &Text) -> Result<Call, Problem> {
    let mut calls = Vec::new();
    let mut from = 0;
    while let Some(rest) = prompt.value.get(from..) {
        let lower = rest.to_ascii_lowercase();
        let Some(at) = ["http://", "https://"].iter().filter_map(|s| lower.find(s)).min() else {
            break;
        };
        let start = from + at;
        let url = prompt.value.get(start..).unwrap_or_default();
        let url = url.split(|c: char| c.is_whitespace() || "<>\"'`".contains(c)).next();
        let url = url.unwrap_or_default().trim_end_matches([')', ']', ',', '.', ';', '!']);
        let end = start + url.len();
        let bytes = prompt.span.unwrap_or([start, end]);
        calls
            .push(Call::Fetch { url: Text::part(prompt.pointer.clone(), url, bytes[0], bytes[1]) });
        from = end.max(start + "http://".len());
    }
    match calls.len() {
        0 => Err(Problem::new("no http or https URL in `prompt`")),
        1 => Ok(calls.swap_remove(0)),
        _ => Ok(Call::Many(calls)),
    }
}

/// A search engine is asked.
pub(crate) const WEB_SEARCH: Shape =
    Shape { read: web_search, usage: "{\"query\":\"rust borrow checker\"}" };

fn web_search(input: &Node<'_>) -> Result<Call, Problem> {
    const QUERY: &[&str] = &["query", "search_term", "search_query", "objective", "search_queries"];
    let node = input.need(QUERY)?;
    let mut queries = node.texts()?;
    match queries.len() {
        0 => Err(Problem::new("`query` is empty")),
        1 => Ok(Call::WebSearch { query: queries.swap_remove(0) }),
        _ => Ok(Call::Many(queries.into_iter().map(|query| Call::WebSearch { query }).collect())),
    }
}

/// A subagent gets a task, or another message.
pub(crate) const SUBAGENT: Shape =
    Shape { read: subagent, usage: "{\"prompt\":\"find the parser\"}" };

fn subagent(input: &Node<'_>) -> Result<Call, Problem> {
    const TASK: &[&str] = &["prompt", "message", "task", "objective", "context", "query"];
    Ok(Call::Subagent {
        prompt: input.need_text(TASK)?,
        kind: input.optional_text(&[
            "subagent_type",
            "agent_type",
            "agent_name",
            "subagent_name",
        ])?,
    })
}

/// Keys for a process that already runs.
pub(crate) const KEYS: Shape =
    Shape { read: keys, usage: "{\"session_id\":1,\"chars\":\"yes\\n\"}" };

fn keys(input: &Node<'_>) -> Result<Call, Problem> {
    if input.field(&["terminate"])?.is_some_and(|node| node.value() == &Value::Bool(true)) {
        return stop(input);
    }
    let to = input.optional_id(&["session_id", "command_id", "id", "shell_id"])?;
    match input.optional_text(&["chars", "input", "text"])? {
        Some(text) => Ok(Call::Keys { text, to }),
        // Nothing is typed: the tool only waits for output.
        None => Ok(Call::Inert),
    }
}

/// A process of the agent's is stopped.
pub(crate) const STOP: Shape = Shape { read: stop, usage: "{\"shell_id\":\"1\"}" };

fn stop(input: &Node<'_>) -> Result<Call, Problem> {
    const ID: &[&str] =
        &["shell_id", "bash_id", "task_id", "session_id", "command_id", "id", "agent_id", "pid"];
    Ok(Call::Stop { id: input.optional_id(ID)? })
}

/// A tool of an MCP server, named in the input.
pub(crate) const MCP: Shape = Shape {
    read: mcp,
    usage: "{\"server_name\":\"issues\",\"tool_name\":\"list\",\"arguments\":{}}",
};

fn mcp(input: &Node<'_>) -> Result<Call, Problem> {
    let server = input.need_words(&["server_name", "server", "mcp_server_name"])?.value;
    let tool = input.need_words(&["tool_name", "tool", "mcp_tool_name"])?.value;
    let arguments = input.field(&["arguments", "mcp_tool_arguments", "tool_input", "input"])?;
    let null = Value::Object(serde_json::Map::new());
    let Some(node) = arguments else {
        let pointer = input.pointer().to_owned();
        return Ok(Call::Mcp { server, tool, pointer, arguments: null });
    };
    let arguments = match node.value() {
        Value::Object(_) => node.value().clone(),
        Value::String(text) if text.trim().is_empty() => null,
        Value::String(text) => serde_json::from_str(text)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| Problem::new("`arguments` is not a JSON object"))?,
        _ => return Err(node.not_an_object()),
    };
    Ok(Call::Mcp { server, tool, pointer: node.pointer().to_owned(), arguments })
}

/// A resource of an MCP server is read.
pub(crate) const MCP_RESOURCE: Shape =
    Shape { read: mcp_resource, usage: "{\"server\":\"docs\",\"uri\":\"docs://index\"}" };

fn mcp_resource(input: &Node<'_>) -> Result<Call, Problem> {
    let server = input.need_words(&["server", "server_name"])?.value;
    input.need_words(&["uri"])?;
    Ok(Call::Mcp {
        server,
        tool: "resources/read".to_owned(),
        pointer: input.pointer().to_owned(),
        arguments: input.value().clone(),
    })
}

/// Nothing outside the agent changes, whatever the input says.
pub(crate) const INERT: Shape = Shape { read: inert, usage: "{}" };

fn inert(input: &Node<'_>) -> Result<Call, Problem> {
    match input.value() {
        Value::Object(_) | Value::Null => Ok(Call::Inert),
        _ => Err(input.not_an_object()),
    }
}
