//! Whether a call can run inside, and what it becomes then.
//!
//! `contain` is answered only where a sandbox can really start for this very call. It is rare, so the
//! question is put to the kernel each time, by the program that would start it, and nothing has to be
//! believed of an earlier day: `ringfence run --explain` lays the plan out and executes nothing.

#![expect(
    clippy::disallowed_methods,
    reason = "the sandbox is tried out, and the agent's own rules are read"
)]

mod reach;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use ringfence_action::{Action, Decision, Effect, EffectKind, Target};
use ringfence_adapters::hook::{HookAgent, HookInput, Inside};
use ringfence_analysis::{Changes, changes_in};
use ringfence_record::given;
use ringfence_record::tickets::{Ticket, Tickets, Writes, digest_of};
use serde_json::Value;

use super::answer::Desk;
use super::state::Kept;
use crate::processes::Process;

pub(crate) use self::reach::hosts as hosts_inside;

/// A trial takes milliseconds; one that takes this long is not worth waiting for.
const PATIENCE: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(2);

/// The ticket and the input with which a call runs inside.
#[derive(Debug, Clone)]
pub(super) struct WayInside {
    pub(super) ticket: String,
    pub(super) input: Value,
}

/// How a call runs inside, or why it cannot. Leaves the ticket that the run takes.
pub(super) fn way_inside(
    desk: &Desk<'_>,
    kept: &Kept,
    action: &Action,
    call: Option<&str>,
    decision: &Decision,
) -> Result<WayInside, String> {
    let (agent, message) = (desk.agent(), desk.message);
    let code = agent.shell_code(action).ok_or("not a shell command")?;
    let hosts = hosts_inside(&decision.effects)?;
    let cwd = message.cwd.as_deref().map(Path::new);
    let workspace = kept.workspace.as_deref().map(Path::new).or(cwd);
    let workspace = workspace.ok_or("the folder it works in is not known")?;
    let flags = kept.agents.iter().flat_map(Process::arguments).collect::<Vec<_>>();
    let home = desk.home.as_deref().map(Path::new);
    if let Some(rule) = own_rule(agent, message, home, &flags, workspace, code) {
        return Err(format!("the agent's own rule `{rule}` may speak about it"));
    }
    let program = program()?;
    let writes = writes(decision, workspace);
    can_start(&program, workspace, cwd.unwrap_or(workspace), &hosts, &writes)?;
    let left = |error: ringfence_record::RecordError| error.to_string();
    let tickets = Tickets::open(&desk.folder).map_err(left)?;
    let ticket = Ticket {
        agent: agent.as_str().to_owned(),
        session: message.session.clone(),
        call: call.map(str::to_owned),
        code: digest_of(OsStr::new(code)),
        workspace: workspace.to_owned(),
        writes,
        hosts: hosts.into_iter().collect(),
        installs: decision.effects.iter().any(|it| it.kind == EffectKind::Package),
        changes: changes(&decision.effects),
    };
    let name = tickets.issue(&ticket, &desk.at.to_string()).map_err(left)?;
    let way = Inside {
        program: &program,
        state: desk.folder.path(),
        ticket: &name,
        told: &tickets.told(&name),
    };
    let input = agent.inside(action, &way).ok_or("a path that is not text")?;
    Ok(WayInside { ticket: name, input })
}

/// What of its workspace it may write: what its effects say, where they say all of it.
fn writes(decision: &Decision, workspace: &Path) -> Writes {
    let Some(workspace) = workspace.to_str() else {
        return Writes::Anything("its workspace has a name that is not text".to_owned());
    };
    match changes_in(&decision.effects, &decision.opaque, workspace, &says) {
        Changes::Anything(why) => Writes::Anything(why),
        Changes::Paths(paths) => Writes::Paths(paths.into_iter().collect()),
    }
}

/// Whether there is a file with a text in it. What cannot be read may say so.
fn says(file: &str, text: &str) -> bool {
    match given::text(Path::new(file)) {
        Ok((content, _)) => content.contains(text),
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}

/// The paths that it would change, as far as they are known.
fn changes(effects: &[Effect]) -> Vec<String> {
    let changing =
        [EffectKind::Write, EffectKind::Create, EffectKind::Delete, EffectKind::Metadata];
    let changing = effects.iter().filter(|it| changing.contains(&it.kind));
    changing
        .flat_map(|it| match &it.target {
            Target::Known(path) | Target::Pattern(path) => vec![path.clone()],
            Target::OneOf(paths) => paths.clone(),
            Target::Unknown => Vec::new(),
        })
        .collect()
}

/// The program that a contained call goes through: this one.
fn program() -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    // A program that was replaced while it runs has no path any more.
    if program.is_file() { Ok(program) } else { Err("this program was replaced".to_owned()) }
}

/// Tries whether a run that works in `workspace`, starts in `cwd`, reaches `hosts` and writes no more than it may can start
/// here.
fn can_start(
    program: &Path,
    workspace: &Path,
    cwd: &Path,
    hosts: &BTreeSet<String>,
    writes: &Writes,
) -> Result<(), String> {
    if !cwd.starts_with(workspace) {
        return Err("it would not start in the workspace".to_owned());
    }
    let narrow: Vec<String> = match writes {
        Writes::Anything(_) => Vec::new(),
        Writes::Paths(paths) if paths.is_empty() => vec!["--only-write=".to_owned()],
        Writes::Paths(paths) => paths.iter().map(|it| format!("--only-write={it}")).collect(),
    };
    let mut trial = Command::new(program)
        .args(["run", "--explain", "--json", "--require-tier", "A", "--workspace"])
        .arg(workspace)
        .args(hosts.iter().map(|host| format!("--allow-host={host}")))
        .args(narrow)
        .current_dir(cwd)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut waited = Duration::ZERO;
    loop {
        match trial.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(_)) => return Err("no sandbox of tier A can start here".to_owned()),
            Ok(None) if waited < PATIENCE => {
                thread::sleep(STEP);
                waited += STEP;
            }
            Ok(None) => {
                let _ = trial.kill();
                let _ = trial.wait();
                return Err("trying the sandbox took too long".to_owned());
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// The rule of the agent's own that a rewritten call would get around, if any.
fn own_rule(
    agent: HookAgent,
    message: &HookInput,
    home: Option<&Path>,
    flags: &[String],
    workspace: &Path,
    code: &str,
) -> Option<String> {
    if let Some(rule) = agent.flag_about(flags, code) {
        return Some(rule);
    }
    let transcript = message.transcript.as_deref().map(Path::new);
    let cwd = message.cwd.as_deref().map_or(workspace, Path::new);
    let files = agent.rule_files(home, transcript, &[workspace, cwd]);
    files.iter().find_map(|file| rule_in(agent, file, code))
}

fn rule_in(agent: HookAgent, path: &Path, code: &str) -> Option<String> {
    if path.is_dir() {
        let entries = fs::read_dir(path).ok()?;
        let files = entries.filter_map(Result::ok).map(|entry| entry.path());
        let mut files = files.filter(|file| {
            let extension = file.extension().and_then(OsStr::to_str);
            extension.is_some_and(|it| matches!(it, "json" | "toml" | "rules"))
        });
        return files.find_map(|file| rule_in(agent, &file, code));
    }
    match given::text(path) {
        Ok((settings, _)) => agent.rule_about(&settings, code),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            None
        }
        // What cannot be read may forbid.
        Err(_) => Some(path.display().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A project can put anything where its settings should be.
    #[test]
    fn settings_that_never_end_or_never_come_may_forbid() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, device) = (folder.path().join("settings.json"), Path::new("/dev/zero"));
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [pipe.as_path(), device] {
            assert!(rule_in(HookAgent::ClaudeCode, path, "make").is_some(), "{}", path.display());
        }
        assert!(rule_in(HookAgent::ClaudeCode, &folder.path().join("none"), "make").is_none());
    }
}
