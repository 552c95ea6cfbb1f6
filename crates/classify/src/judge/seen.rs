//! A call, as far as a judge may see it.
//!
//! What is asked for is shown: commands, paths, addresses, the task of a subagent. What only accompanies it is
//! left out: descriptions, reasons, plans, questions to the user. What becomes the content of a file is a length
//! and a digest, also where a shell command writes it; code that the call itself runs is shown, since it is what
//! is done. All of it is the agent's words, and is quoted as such.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ringfence_action::{Action, Call, Effect, EffectKind, Text};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::address;

/// Bytes of one command, task or input of keys that are shown whole. A longer one is not judged.
const WHOLE: usize = 24 << 10;

/// Bytes of a string among the arguments of a tool that are shown.
const ARGUMENT: usize = 600;

/// Bytes of a name.
const NAME: usize = 300;

/// Bytes of the name of a tool or a server.
const LABEL: usize = 96;

/// Arguments that are shown, and how deep.
const ARGUMENTS: usize = 80;
const DEPTH: usize = 6;

/// Names of arguments in which an agent explains itself. They are left out wherever they stand.
const COMMENTARY: [&str; 14] = [
    "comment_to_user",
    "description",
    "explanation",
    "intent",
    "justification",
    "purpose",
    "rationale",
    "reason",
    "reasoning",
    "task_progress",
    "thinking",
    "thought",
    "thoughts",
    "tool_summary",
];

/// Names of arguments that hold the content of a file or a page.
const CONTENT: [&str; 19] = [
    "base64",
    "blob",
    "content",
    "contents",
    "data",
    "diff",
    "file_content",
    "file_text",
    "html",
    "insert_text",
    "markdown",
    "new_content",
    "new_source",
    "new_str",
    "new_string",
    "old_str",
    "old_string",
    "patch",
    "source_code",
];

/// What a judge sees of one call. Made from the call alone ([`Seen::of`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its form for the judge.
    shown: Value,
    /// Whether nothing that counts was cut off.
    whole: bool,
    /// Whether words in it are meant for whoever judges it.
    #[serde(default)]
    addressed: bool,
}

impl Seen {
    /// What may be seen of a call. `written`: what shell commands write, by path, as analysis knows it;
    /// `effects`: what the call would do.
    pub fn of(
        action: &Action,
        call: &Call,
        written: &BTreeMap<String, Option<String>>,
        effects: &[Effect],
    ) -> Self {
        let hidden = written.iter().filter(|(path, _)| !runs(effects, path));
        let hidden = hidden.filter_map(|(_, content)| content.as_deref()).collect();
        let mut view = View { hidden, whole: true };
        let mut shown = view.call(call);
        if let Value::Object(shown) = &mut shown {
            shown.insert("agent_calls_it".into(), json!(label(&action.tool)));
            if let Some(cwd) = &action.cwd {
                shown.insert("in".into(), json!(head(cwd, NAME)));
            }
            if action.agent.subagent.is_some() {
                shown.insert("by".into(), json!("subagent"));
            }
        }
        let addressed = address::is_addressed(&shown);
        Self { shown, whole: view.whole, addressed }
    }

    /// Whether words in it are meant for whoever judges it: then it is not judged, and later not repeated.
    pub(super) fn is_addressed(&self) -> bool {
        self.addressed
    }

    /// Its form for the judge.
    pub(super) fn shown(&self) -> &Value {
        &self.shown
    }

    /// Whether nothing that counts was cut off.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }
}

/// Whether what is written there runs right away: it is code then, not content.
fn runs(effects: &[Effect], path: &str) -> bool {
    let runs = |effect: &&Effect| {
        matches!(effect.kind, EffectKind::Exec | EffectKind::ExecCode | EffectKind::Persist)
    };
    effects.iter().filter(runs).any(|effect| effect.target.as_known() == Some(path))
}

struct View<'a> {
    /// Contents that stand in a command and go into a file.
    hidden: Vec<&'a str>,
    whole: bool,
}

impl View<'_> {
    fn call(&mut self, call: &Call) -> Value {
        match call {
            Call::Shell { command, dialect: _, cwd } => {
                let command = self.code(&command.value);
                with(json!({"does": "shell", "command": command}), "in_folder", cwd.as_ref())
            }
            Call::Exec { argv, cwd } => {
                let argv: Vec<_> = argv.iter().map(|word| self.code(&word.value)).collect();
                with(json!({"does": "run", "argv": argv}), "in_folder", cwd.as_ref())
            }
            Call::Read { path } => json!({"does": "read", "path": name(path)}),
            Call::Write { path, content } => {
                json!({"does": "write", "path": name(path), "content": withheld(&content.value)})
            }
            Call::Edit { path, replacements } => {
                let parts: Vec<Value> = replacements
                    .iter()
                    .map(|part| {
                        let old = part.old.as_ref().map(|old| withheld(&old.value));
                        json!({"old": old, "new": withheld(&part.new.value)})
                    })
                    .take(ARGUMENTS)
                    .collect();
                json!({"does": "edit", "path": name(path), "parts": parts})
            }
            Call::Delete { path } => json!({"does": "delete", "path": name(path)}),
            Call::Move { from, to } => json!({"does": "move", "from": name(from), "to": name(to)}),
            Call::Search { path, pattern } => {
                let searched = with(json!({"does": "search"}), "path", path.as_ref());
                with(searched, "pattern", pattern.as_ref())
            }
            Call::Fetch { url } => json!({"does": "fetch", "url": self.text(&url.value)}),
            Call::WebSearch { query } => {
                json!({"does": "search the web", "query": self.text(&query.value)})
            }
            Call::Subagent { prompt, kind } => {
                let task = self.text(&prompt.value);
                with(json!({"does": "start a subagent", "task": task}), "kind", kind.as_ref())
            }
            Call::Mcp { server, tool, pointer: _, arguments } => json!({
                "does": "use a tool of a server",
                "server": label(server),
                "tool": label(tool),
                "arguments": self.arguments(arguments),
            }),
            Call::Browser { operation, pointer: _, arguments } => json!({
                "does": "drive a browser",
                "operation": label(operation),
                "arguments": self.arguments(arguments),
            }),
            Call::Keys { text, to } => {
                let to = to.as_ref().map(|to| head(to, NAME));
                json!({"does": "type into a process", "keys": self.text(&text.value), "to": to})
            }
            Call::Stop { id } => {
                json!({"does": "stop a process", "id": id.as_ref().map(|id| head(id, NAME))})
            }
            Call::Many(calls) => {
                let calls: Vec<Value> = calls.iter().map(|call| self.call(call)).collect();
                json!({"does": "several", "calls": calls})
            }
            // Plans and questions are the agent's prose.
            Call::Inert => json!({"does": "nothing outside the agent"}),
            Call::Unknown { tool, pointer: _, arguments } => json!({
                "does": "use a tool that is not known",
                "tool": label(tool),
                "arguments": self.arguments(arguments),
            }),
            Call::Malformed { tool, problem: _ } => {
                json!({"does": "malformed", "tool": label(tool)})
            }
        }
    }

    /// Code that runs, without what it writes into files.
    fn code(&mut self, code: &str) -> String {
        let mut code = Cow::Borrowed(code);
        for content in &self.hidden {
            // One word is a word of the command.
            let content = content.trim_matches('\n');
            if content.contains([' ', '\n']) && code.contains(content) {
                code = Cow::Owned(code.replace(content, &format!("[{}]", withheld(content))));
            }
        }
        self.text(&code)
    }

    fn text(&mut self, text: &str) -> String {
        if text.len() > WHOLE {
            self.whole = false;
        }
        cut(text, WHOLE)
    }

    fn arguments(&self, arguments: &Value) -> Value {
        let mut left = ARGUMENTS;
        argument(arguments, DEPTH, &mut left)
    }
}

fn argument(value: &Value, depth: usize, left: &mut usize) -> Value {
    if depth == 0 || *left == 0 {
        return json!("[not shown]");
    }
    *left -= 1;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        Value::String(text) => Value::String(cut(text, ARGUMENT)),
        Value::Array(items) => items.iter().map(|item| argument(item, depth - 1, left)).collect(),
        Value::Object(fields) => {
            let mut shown = Map::new();
            for (field, value) in fields {
                let known = field.to_ascii_lowercase().replace('-', "_");
                if COMMENTARY.contains(&known.as_str()) {
                    continue;
                }
                let content = CONTENT.contains(&known.as_str());
                let shown_value = match value {
                    Value::String(text) if content => json!(format!("[{}]", withheld(text))),
                    _ if content => json!(format!("[{}]", withheld(&value.to_string()))),
                    _ => argument(value, depth - 1, left),
                };
                shown.insert(head(field, 60), shown_value);
            }
            Value::Object(shown)
        }
    }
}

fn with(mut shown: Value, field: &str, text: Option<&Text>) -> Value {
    if let (Value::Object(shown), Some(text)) = (&mut shown, text) {
        shown.insert(field.to_owned(), json!(name(text)));
    }
    shown
}

fn name(text: &Text) -> String {
    head(&text.value, 4 * NAME)
}

/// What stands for a content: how long it is, and something to tell it from others.
fn withheld(content: &str) -> String {
    let mut digest = format!("{:x}", Sha256::digest(content.as_bytes()));
    digest.truncate(12);
    format!("{} bytes not shown, sha256 {digest}", content.len())
}

/// The beginning of a text, and what of the rest there is to tell.
fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let beginning = beginning(text, most);
    let rest = text.get(beginning.len()..).unwrap_or_default();
    format!("{beginning} […{}]", withheld(rest))
}

/// A name that somebody else gave: a server names its tools. One that is no name is not repeated.
fn label(text: &str) -> String {
    let is_label =
        text.len() <= LABEL && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    if is_label { text.to_owned() } else { format!("[a name, {}]", withheld(text)) }
}

fn head(text: &str, most: usize) -> String {
    let beginning = beginning(text, most);
    if beginning.len() < text.len() { format!("{beginning}…") } else { text.to_owned() }
}

fn beginning(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}
