//! Tools that run a command line or a program.

use ringfence_action::{Call, Dialect, Text};
use serde_json::Value;

use super::node::{Node, Problem};
use super::patch;
use super::shape::Shape;

const COMMAND: &[&str] = &["command", "cmd", "command_line"];
const FOLDER: &[&str] = &[
    "cwd",
    "workdir",
    "working_directory",
    "working_dir",
    "dir_path",
    "directory",
    "run_directory",
];

/// A command line for the user's shell, or a program with its arguments as an array.
pub(crate) const SHELL: Shape =
    Shape { read: |input| command(input, Dialect::Bash), usage: "{\"command\":\"ls\"}" };

/// A command line for PowerShell.
pub(crate) const POWERSHELL: Shape =
    Shape { read: |input| command(input, Dialect::PowerShell), usage: "{\"command\":\"dir\"}" };

/// A command line for cmd.exe.
pub(crate) const CMD: Shape =
    Shape { read: |input| command(input, Dialect::Cmd), usage: "{\"command\":\"dir\"}" };

/// A program with its arguments.
pub(crate) const ARGV: Shape = Shape { read: argv, usage: "{\"argv\":[\"ls\",\"-l\"]}" };

fn command(input: &Node<'_>, dialect: Dialect) -> Result<Call, Problem> {
    // Codex' local shell puts everything one level down.
    if let Some(action) = input.field(&["action"])?.filter(|node| node.value().is_object()) {
        return command(&action, dialect);
    }
    no_environment(input)?;
    let cwd = input.optional_text(FOLDER)?;
    let node = input.need(COMMAND)?;
    if node.value().is_array() {
        return program(node.texts()?, cwd);
    }
    let command = node.text()?;
    if command.value.trim().is_empty() {
        return Err(Problem::new("`command` is empty"));
    }
    let dialect = match input.optional_text(&["shell"])? {
        Some(shell) => dialect_of(&shell.value).ok_or_else(|| {
            Problem::new(format!(
                "`shell` is `{}`, which is not a shell in its usual place; use bash, or run the \
                 program as a command",
                shell.value
            ))
        })?,
        None => dialect,
    };
    Ok(Call::Shell { command, dialect, cwd })
}

fn argv(input: &Node<'_>) -> Result<Call, Problem> {
    no_environment(input)?;
    let cwd = input.optional_text(FOLDER)?;
    match input.field(&["argv", "args"])? {
        Some(argv) => program(argv.items()?.iter().map(Node::text).collect::<Result<_, _>>()?, cwd),
        None => command(input, Dialect::Bash),
    }
}

/// One of several commands: a line for the user's shell, or a program with its arguments beside it.
pub(crate) fn line_or_program(item: &Node<'_>) -> Result<Call, Problem> {
    if !item.value().is_object() {
        let command = item.text()?;
        if command.value.trim().is_empty() {
            return Err(Problem::new("a command is empty"));
        }
        return Ok(Call::Shell { command, dialect: Dialect::Bash, cwd: None });
    }
    let Some(arguments) = item.field(&["args"])? else {
        return command(item, Dialect::Bash);
    };
    no_environment(item)?;
    let mut argv = vec![item.need_words(&["command"])?];
    argv.extend(arguments.texts()?);
    program(argv, item.optional_text(FOLDER)?)
}

/// Variables can change which programs run, and a [`Call`] has no place for them.
fn no_environment(input: &Node<'_>) -> Result<(), Problem> {
    match input.field(&["env", "environment"])?.map(|node| node.value().clone()) {
        Some(Value::Object(fields)) if !fields.is_empty() => Err(Problem::new(
            "`env` sets variables beside the command; set them in the command itself, as in \
             `NAME=value program`",
        )),
        Some(Value::Array(items)) if !items.is_empty() => {
            Err(Problem::new("`env` sets variables beside the command; set them in the command"))
        }
        _ => Ok(()),
    }
}

/// A program with its arguments: a shell with one script is the script.
fn program(argv: Vec<Text>, cwd: Option<Text>) -> Result<Call, Problem> {
    let Some((first, rest)) = argv.split_first() else {
        return Err(Problem::new("the command is an empty array"));
    };
    if first.value.trim().is_empty() {
        return Err(Problem::new("the program's name is empty"));
    }
    if let [patch] = rest
        && first.value == "apply_patch"
    {
        return patch::parse(patch);
    }
    if let Some((script, options)) = rest.split_last()
        && let Some(dialect) = dialect_of(&first.value)
        && takes_script(dialect, options)
    {
        return Ok(Call::Shell { command: script.clone(), dialect, cwd });
    }
    Ok(Call::Exec { argv, cwd })
}

/// The language of a shell that stands where shells stand. A program elsewhere that is called `bash`
/// is not bash.
fn dialect_of(program: &str) -> Option<Dialect> {
    const FOLDERS: &[&str] = &[
        "",
        "/bin",
        "/usr/bin",
        "/usr/local/bin",
        "/opt/homebrew/bin",
        "/run/current-system/sw/bin",
    ];
    let (folder, name) = match program.rsplit_once('/') {
        Some((folder, name)) => (folder, name),
        None => ("", program),
    };
    if !FOLDERS.contains(&folder) || (folder.is_empty() && program.starts_with('/')) {
        return None;
    }
    match name {
        "bash" => Some(Dialect::Bash),
        "sh" | "dash" => Some(Dialect::Posix),
        "zsh" => Some(Dialect::Zsh),
        "pwsh" | "powershell" | "pwsh.exe" | "powershell.exe" => Some(Dialect::PowerShell),
        "cmd" | "cmd.exe" => Some(Dialect::Cmd),
        _ => None,
    }
}

/// Whether these options, and only these, make the next word a script.
fn takes_script(dialect: Dialect, options: &[Text]) -> bool {
    let mut options = options.iter().map(|option| option.value.as_str());
    match dialect {
        Dialect::Bash | Dialect::Posix | Dialect::Zsh => {
            let Some(letters) = options.next().and_then(|option| option.strip_prefix('-')) else {
                return false;
            };
            options.next().is_none()
                && letters.contains('c')
                && letters.chars().all(|letter| "lceuxi".contains(letter))
        }
        Dialect::PowerShell => {
            let options: Vec<_> = options.map(str::to_ascii_lowercase).collect();
            let quiet = |option: &String| {
                matches!(option.as_str(), "-noprofile" | "-noninteractive" | "-nologo")
            };
            match options.split_last() {
                Some((last, rest)) => {
                    matches!(last.as_str(), "-command" | "-c") && rest.iter().all(quiet)
                }
                None => false,
            }
        }
        Dialect::Cmd => {
            options.next().is_some_and(|option| option.eq_ignore_ascii_case("/c"))
                && options.next().is_none()
        }
    }
}
