//! A tool call in one shape, whatever the agent calls its tools.
//!
//! Adapters turn an [`Action`](crate::Action)'s `tool` and `input` into a [`Call`]; analysis reads only
//! this. Every text keeps the JSON Pointer it came from, so that evidence points into what the agent
//! really sent.

use serde_json::Value;

/// A string of the action, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// JSON Pointer into the action, such as `/input/command`.
    pub pointer: String,
    /// The string.
    pub value: String,
    /// UTF-8 byte offsets into the string at `pointer`, end-exclusive, where `value` was taken from
    /// a part of it, such as one file of a patch. Absent: `value` is the whole string.
    pub span: Option<[usize; 2]>,
}

impl Text {
    /// The whole string at a pointer.
    pub fn new(pointer: impl Into<String>, value: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), value: value.into(), span: None }
    }

    /// Something taken from `start..end` of the string at a pointer: those bytes letter by letter,
    /// or text made from them.
    pub fn part(
        pointer: impl Into<String>,
        value: impl Into<String>,
        start: usize,
        end: usize,
    ) -> Self {
        Self { pointer: pointer.into(), value: value.into(), span: Some([start, end]) }
    }
}

/// The language of a shell command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// GNU bash; what agents use unless they say otherwise.
    Bash,
    /// POSIX sh, dash.
    Posix,
    /// Z shell.
    Zsh,
    /// PowerShell.
    PowerShell,
    /// cmd.exe.
    Cmd,
}

/// One replacement of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// What is replaced; empty where the agent gives positions instead.
    pub old: Option<Text>,
    /// What stands there afterwards.
    pub new: Text,
}

/// What a tool call asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// A command line for a shell.
    Shell {
        /// The command.
        command: Text,
        /// The shell's language.
        dialect: Dialect,
        /// Another folder than the action's, where the tool takes one.
        cwd: Option<Text>,
    },
    /// A program with its arguments, no shell between.
    Exec {
        /// Program first.
        argv: Vec<Text>,
        /// Another folder than the action's, where the tool takes one.
        cwd: Option<Text>,
    },
    /// A file is read.
    Read {
        /// The file, as written.
        path: Text,
    },
    /// A whole file is written.
    Write {
        /// The file, as written.
        path: Text,
        /// Its new content.
        content: Text,
    },
    /// Parts of a file are replaced.
    Edit {
        /// The file, as written.
        path: Text,
        /// In order.
        replacements: Vec<Replacement>,
    },
    /// A file is removed.
    Delete {
        /// The file, as written.
        path: Text,
    },
    /// A file gets another name.
    Move {
        /// The old name.
        from: Text,
        /// The new name.
        to: Text,
    },
    /// Names or contents of files are searched: list, glob, grep.
    Search {
        /// Below this folder; the working folder if absent.
        path: Option<Text>,
        /// For this.
        pattern: Option<Text>,
    },
    /// A page is fetched.
    Fetch {
        /// From here.
        url: Text,
    },
    /// A search engine is asked.
    WebSearch {
        /// This.
        query: Text,
    },
    /// A subagent is started.
    Subagent {
        /// With this task.
        prompt: Text,
        /// Of this kind.
        kind: Option<Text>,
    },
    /// A tool of an MCP server.
    Mcp {
        /// The server, as the agent names it.
        server: String,
        /// The tool.
        tool: String,
        /// The pointer of the arguments.
        pointer: String,
        /// The arguments.
        arguments: Value,
    },
    /// A browser is driven.
    Browser {
        /// `navigate`, `click`, `type`, `evaluate`, `upload`, `screenshot`…
        operation: String,
        /// The pointer of the arguments.
        pointer: String,
        /// The arguments.
        arguments: Value,
    },
    /// Input to a process that already runs: keys into a terminal or a shell.
    Keys {
        /// What is typed.
        text: Text,
        /// The session or pane it goes to.
        to: Option<String>,
    },
    /// A process that the agent started is stopped.
    Stop {
        /// The agent's own name for it.
        id: Option<String>,
    },
    /// Several of these, as patches have.
    Many(Vec<Call>),
    /// Nothing outside the agent changes: plans, to-do lists, questions to the user.
    Inert,
    /// A tool that no adapter knows.
    Unknown {
        /// Its name.
        tool: String,
        /// The pointer of the arguments.
        pointer: String,
        /// The arguments.
        arguments: Value,
    },
    /// A known tool with input that is not of its shape. Never runs.
    Malformed {
        /// Its name.
        tool: String,
        /// What is wrong and what it should be.
        problem: String,
    },
}
