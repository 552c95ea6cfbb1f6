//! The shape of an entry, `catalog/commands/<letter>/<name>.toml`. Unknown keys are errors.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A program: its own options, operands and effects, and those of its subcommands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Other names of the same program.
    #[serde(default)]
    pub(crate) aliases: Vec<String>,
    /// Other programs that read the same words in the same way.
    #[serde(default)]
    pub(crate) also: Vec<String>,
    pub(crate) about: String,
    #[serde(default, rename = "manual")]
    pub(crate) _manual: String,
    #[serde(default, rename = "harmless")]
    pub(crate) _harmless: bool,
    #[serde(default)]
    pub(crate) environment: String,
    pub(crate) grammar: Grammar,
    #[serde(default)]
    pub(crate) lenient: bool,
    #[serde(default)]
    pub(crate) flags: String,
    #[serde(default)]
    pub(crate) values: String,
    #[serde(default)]
    pub(crate) optional: String,
    #[serde(default)]
    pub(crate) option: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) operands: Lines,
    #[serde(default)]
    pub(crate) effects: Lines,
    pub(crate) handler: Option<String>,
    #[serde(default)]
    pub(crate) command: BTreeMap<String, Command>,
    #[serde(default, rename = "tests")]
    pub(crate) _tests: BTreeMap<String, Vec<String>>,
}

/// A subcommand; its key is its path of words, alternatives separated by `|`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Command {
    pub(crate) grammar: Option<Grammar>,
    pub(crate) lenient: Option<bool>,
    #[serde(default)]
    pub(crate) flags: String,
    #[serde(default)]
    pub(crate) values: String,
    #[serde(default)]
    pub(crate) optional: String,
    #[serde(default)]
    pub(crate) option: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) operands: Lines,
    #[serde(default)]
    pub(crate) effects: Lines,
    pub(crate) handler: Option<String>,
}

impl Entry {
    /// What stands outside every subcommand, and the subcommands.
    pub(crate) fn split(self) -> (Command, BTreeMap<String, Command>) {
        let root = Command {
            grammar: Some(self.grammar),
            lenient: Some(self.lenient),
            flags: self.flags,
            values: self.values,
            optional: self.optional,
            option: self.option,
            operands: self.operands,
            effects: self.effects,
            handler: self.handler,
        };
        (root, self.command)
    }
}

/// How a program reads its options; see `catalog/README.md`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Grammar {
    Gnu,
    Posix,
    SingleDash,
    Find,
    Dd,
    Subcommand,
    Git,
    Raw,
}

/// One line, or several.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
pub(crate) enum Lines {
    #[default]
    None,
    One(String),
    Many(Vec<String>),
}

impl Lines {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        let lines = match self {
            Self::None => &[],
            Self::One(line) => std::slice::from_ref(line),
            Self::Many(lines) => lines.as_slice(),
        };
        lines.iter().map(String::as_str)
    }
}
