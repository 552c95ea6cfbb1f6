//! Which settings of git run something: data, `catalog/git.toml`, a table for each way in which the
//! value becomes code.

use std::sync::OnceLock;

use crate::argv::rules::like;

/// How the value of a setting becomes code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// A command line.
    Command,
    /// A program without arguments.
    Program,
    /// A command that shows long output; a truth value switches it.
    Pager,
    /// A truth value, or a command line that tells what changed.
    Monitor,
    /// A program that keeps passwords: a name, a path, or a command behind `!`.
    Helper,
    /// A command behind `!`, or a word that is none.
    Update,
    /// A folder of hooks.
    Hooks,
    /// Whether an address may be a command.
    Protocol,
    /// A file of more settings.
    Include,
}

struct Row {
    key: &'static str,
    /// The commands that read it; `None` is a hook, whose key is its name.
    way: Option<Way>,
    commands: Vec<&'static str>,
}

const TABLE: &str = include_str!("../../../../../catalog/git.toml");

fn rows() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let mut rows = Vec::new();
        let mut way = None;
        for line in TABLE.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                way = match name {
                    "command" => Some(Way::Command),
                    "program" => Some(Way::Program),
                    "pager" => Some(Way::Pager),
                    "monitor" => Some(Way::Monitor),
                    "helper" => Some(Way::Helper),
                    "update" => Some(Way::Update),
                    "hooks" => Some(Way::Hooks),
                    "protocol" => Some(Way::Protocol),
                    "include" => Some(Way::Include),
                    _ => None,
                };
            } else if let Some((key, commands)) = line.split_once('=') {
                let bare = |text: &'static str| text.trim().trim_matches('"');
                let commands = bare(commands).split(' ').collect();
                rows.push(Row { key: bare(key), way, commands });
            }
        }
        rows
    })
}

impl Row {
    fn concerns(&self, command: &str) -> bool {
        self.commands.iter().any(|one| *one == "*" || *one == command)
    }
}

/// How a setting becomes code, if it does.
pub(super) fn way(key: &str) -> Option<Way> {
    rows().iter().find(|row| row.way.is_some() && like(row.key, key)).and_then(|row| row.way)
}

/// Whether a command of git reads a setting.
pub(super) fn is_read(key: &str, command: &str) -> bool {
    let mut rows = rows().iter().filter(|row| row.way.is_some() && like(row.key, key));
    rows.any(|row| row.concerns(command))
}

/// The hooks that a command of git runs.
pub(super) fn hooks(command: &str) -> impl Iterator<Item = &'static str> {
    let hooks = rows().iter().filter(|row| row.way.is_none());
    hooks.filter(move |row| row.concerns(command)).map(|row| row.key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_in_full() {
        let table = TABLE.parse::<toml::Table>().unwrap();
        let names = table.values().map(|section| section.as_table().unwrap().len()).sum::<usize>();
        assert_eq!(rows().len(), names);
        assert_eq!(way("core.pager"), Some(Way::Pager));
        assert_eq!(way("filter.LFS.clean"), Some(Way::Command));
        assert_eq!(way("core.autocrlf"), None);
        assert!(is_read("core.fsmonitor", "status") && !is_read("core.fsmonitor", "push"));
        assert!(hooks("push").eq(["pre-push", "reference-transaction"]));
        assert_eq!(hooks("log").count(), 0);
    }
}
