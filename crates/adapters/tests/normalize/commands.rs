//! Commands that come as arrays: when the last word is a script, and when it is an argument.

use ringfence_action::{Call, Dialect, Platform};
use serde_json::json;

use super::{action, call, text};

fn array(argv: &[&str]) -> Call {
    call("codex", "shell", json!({"command": argv}))
}

#[test]
fn a_shell_with_one_script_is_the_script() {
    for (argv, dialect) in [
        (vec!["bash", "-lc", "ls"], Dialect::Bash),
        (vec!["/bin/bash", "-c", "ls"], Dialect::Bash),
        (vec!["/usr/bin/zsh", "-lc", "ls"], Dialect::Zsh),
        (vec!["sh", "-ec", "ls"], Dialect::Posix),
        (vec!["powershell.exe", "-NoProfile", "-Command", "ls"], Dialect::PowerShell),
        (vec!["cmd.exe", "/c", "ls"], Dialect::Cmd),
    ] {
        let last = argv.len() - 1;
        assert_eq!(
            array(&argv),
            Call::Shell { command: text(&format!("command/{last}"), "ls"), dialect, cwd: None },
            "{argv:?}"
        );
    }
}

/// Whatever is not exactly that stays a program with its arguments, and analysis reads them.
#[test]
fn everything_else_is_a_program() {
    for argv in [
        vec!["git", "status"],
        vec!["bash", "script.sh"],
        vec!["bash", "-lc", "echo $1", "name", "argument"],
        vec!["bash", "--rcfile", "x", "-c", "ls"],
        vec!["bash", "-O", "ls"],
        vec!["/tmp/bash", "-c", "ls"],
        vec!["./sh", "-c", "ls"],
        vec!["/sh", "-c", "ls"],
        vec!["powershell", "-EncodedCommand", "bHM="],
        vec!["cmd", "/k", "ls"],
        vec!["ls"],
    ] {
        let texts = argv.iter().enumerate().map(|(i, word)| text(&format!("command/{i}"), word));
        assert_eq!(array(&argv), Call::Exec { argv: texts.collect(), cwd: None }, "{argv:?}");
    }
}

#[test]
fn our_own_exec_takes_a_program() {
    assert_eq!(
        call("unknown", "exec", json!({"argv": ["rm", "-rf", "/x"], "cwd": "/w"})),
        Call::Exec {
            argv: vec![text("argv/0", "rm"), text("argv/1", "-rf"), text("argv/2", "/x")],
            cwd: Some(text("cwd", "/w")),
        }
    );
}

#[test]
fn on_windows_a_shell_is_powershell_unless_it_says_otherwise() {
    for (kind, tool, input, expected) in [
        ("gemini-cli", "run_shell_command", json!({"command": "ls"}), Dialect::PowerShell),
        ("cursor", "run_terminal_cmd", json!({"command": "ls"}), Dialect::PowerShell),
        ("codex", "Bash", json!({"command": "ls"}), Dialect::PowerShell),
        ("claude-code", "Bash", json!({"command": "ls"}), Dialect::Bash),
        ("codex", "exec_command", json!({"cmd": "ls", "shell": "bash"}), Dialect::Bash),
        ("codex", "shell", json!({"command": ["bash", "-lc", "ls"]}), Dialect::Bash),
    ] {
        let mut action = action(kind, tool, input);
        action.platform = Platform::Windows;
        match ringfence_adapters::normalize(&action) {
            Call::Shell { dialect, .. } => assert_eq!(dialect, expected, "{kind} {tool}"),
            other => panic!("{kind} {tool} is {other:?}"),
        }
    }
}
