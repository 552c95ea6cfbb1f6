//! Ways around the gate that are open here: variables, startup files of shells, agents that run already.

#![expect(clippy::disallowed_methods, reason = "startup files and the process list are looked at")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ringfence_adapters::hook::{HookAgent, says_yes};
use ringfence_record::given;

use super::{Found, fails, warns};
use crate::processes;

/// What shells read when they start, below the home folder.
const STARTUP_FILES: [&str; 16] = [
    ".aliases",
    ".bash_aliases",
    ".bash_login",
    ".bash_profile",
    ".bashrc",
    ".config/environment.d",
    ".config/fish/conf.d",
    ".config/fish/config.fish",
    ".config/fish/functions",
    ".config/zsh/.zshrc",
    ".pam_environment",
    ".profile",
    ".zlogin",
    ".zprofile",
    ".zshenv",
    ".zshrc",
];

/// Whether a variable that is set here takes the hooks away.
pub(super) fn environment(agent: HookAgent) -> Found {
    let set = |name: &&&str| {
        std::env::var_os(name).is_some_and(|value| says_yes(&value.to_string_lossy()))
    };
    match agent.variables_around().iter().find(set) {
        Some(name) => {
            let title = agent.title();
            Err(fails(format!("`{name}` is set here: {title} runs no hooks; unset it")))
        }
        None => Ok("no variable that is set here takes the hooks away".to_owned()),
    }
}

/// Whether a startup file of a shell starts the agent without its hooks.
pub(super) fn startup_files(agent: HookAgent, home: &Path) -> Found {
    let mut files: Vec<PathBuf> = Vec::new();
    for path in STARTUP_FILES.iter().map(|name| home.join(name)) {
        match fs::read_dir(&path) {
            Ok(entries) => files.extend(entries.filter_map(Result::ok).map(|entry| entry.path())),
            Err(_) => files.push(path),
        }
    }
    for path in &files {
        let Ok((text, _)) = given::text(path) else { continue };
        for (number, line) in text.lines().enumerate() {
            if let Some(around) = agent.line_around(line) {
                let (path, number) = (path.display(), number + 1);
                return Err(fails(format!(
                    "{path}:{number} starts it with `{around}`, past the gate; take it out"
                )));
            }
        }
    }
    Ok("no startup file of a shell starts it past the gate".to_owned())
}

/// Whether an agent runs now that was started past its hooks.
pub(super) fn running(agent: HookAgent, home: &Path) -> Found {
    let me = fs::metadata("/proc/self").map(|it| it.uid()).ok();
    let entries = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    for entry in entries {
        let path = entry.path();
        let is_mine = entry.metadata().ok().map(|it| it.uid()) == me;
        let pid = entry.file_name();
        let Some(pid) = pid.to_str().filter(|it| is_mine && it.parse::<u32>().is_ok()) else {
            continue;
        };
        let Ok(line) = fs::read(path.join("cmdline")) else { continue };
        let line = String::from_utf8_lossy(&line);
        let words: Vec<String> = line.split('\0').map(str::to_owned).collect();
        // The program, or the interpreter in front of it; not whoever only mentions it.
        let names = |word: &String| {
            let name = word.rsplit('/').next().unwrap_or(word);
            agent.programs().contains(&name)
        };
        let Some(at) = words.iter().take(3).position(names) else { continue };
        // One that is at home elsewhere has other settings, and is not this gate's.
        let elsewhere =
            pid.parse().ok().and_then(processes::environment).is_some_and(|variables| {
                let homes = variables.iter().filter_map(|it| it.strip_prefix(b"HOME="));
                homes.map(OsStr::from_bytes).any(|it| !it.is_empty() && Path::new(it) != home)
            });
        if elsewhere {
            continue;
        }
        if let Some(flag) = agent.flag_around(words.get(at..).unwrap_or_default()) {
            return Err(warns(format!(
                "process {pid} runs past the gate: it was started with `{flag}`"
            )));
        }
    }
    Ok("no running agent was started past the gate".to_owned())
}
