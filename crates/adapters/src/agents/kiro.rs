//! Kiro's tools: one tool reads and one writes, a field says what.

use ringfence_action::{Call, Replacement};

use crate::normalize::{Node, Problem, Shape, Tools, shapes::*};

pub(crate) const TOOLS: Tools = &[
    ("execute_bash", SHELL),
    ("executeBash", SHELL),
    ("shell", SHELL),
    ("execute_cmd", SHELL),
    ("fs_read", OPERATIONS),
    ("read", OPERATIONS),
    ("fs_write", EDITOR),
    ("write", EDITOR),
    ("readFile", READ),
    ("readCode", READ),
    ("readMultipleFiles", READ_MANY),
    ("fsWrite", WRITE),
    ("fsAppend", APPEND),
    ("strReplace", EDIT),
    ("deleteFile", DELETE),
    ("grep", SEARCH),
    ("glob", SEARCH),
    ("grepSearch", SEARCH),
    ("fileSearch", SEARCH),
    ("listDirectory", SEARCH),
    ("web_search", WEB_SEARCH),
    ("remote_web_search", WEB_SEARCH),
    ("web_fetch", FETCH),
    ("delegate", SUBAGENT),
    ("use_subagent", SUBAGENT),
    ("invokeSubAgent", SUBAGENT),
    ("thinking", INERT),
    ("todo_list", INERT),
    ("introspect", INERT),
];

/// Several reads, listings and searches in one call, or one of them.
const OPERATIONS: Shape =
    Shape { read: operations, usage: "{\"operations\":[{\"mode\":\"Line\",\"path\":\"a.txt\"}]}" };

fn operations(input: &Node<'_>) -> Result<Call, Problem> {
    let Some(list) = input.field(&["operations"])? else { return operation(input) };
    let items = list.items()?;
    if items.is_empty() {
        return Err(Problem::new("`operations` is empty"));
    }
    items.iter().map(operation).collect::<Result<_, _>>().map(Call::Many)
}

fn operation(input: &Node<'_>) -> Result<Call, Problem> {
    let mode = input.optional_text(&["mode"])?.map(|mode| mode.value.to_ascii_lowercase());
    match mode.as_deref() {
        Some("directory" | "search") => (SEARCH.read)(input),
        Some("image") => {
            let images = input.need(&["image_paths", "path"])?.texts()?;
            if images.is_empty() {
                return Err(Problem::new("`image_paths` is empty"));
            }
            Ok(Call::Many(images.into_iter().map(|path| Call::Read { path }).collect()))
        }
        None | Some(_) => (READ.read)(input),
    }
}

/// Text is added at the end of a file.
const APPEND: Shape = Shape { read: append, usage: "{\"path\":\"a.txt\",\"text\":\"…\"}" };

fn append(input: &Node<'_>) -> Result<Call, Problem> {
    let new = input.need_text(&["text", "content"])?;
    let replacements = vec![Replacement { old: None, new }];
    Ok(Call::Edit { path: input.need_text(PATH)?, replacements })
}
