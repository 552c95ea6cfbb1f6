//! Whether a call can run inside, and what it becomes then.
//!
//! `contain` is answered only where a sandbox can really start for this very call. It is rare, so the
//! question is put to the kernel each time, by the program that would start it, and nothing has to be
//! believed of an earlier day: `ringfence run --explain` lays the plan out and executes nothing.

#![expect(
    clippy::disallowed_methods,
    reason = "the sandbox is tried out, and the agent's own rules are read"
)]

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use ringfence_action::{Attr, Decision, EffectKind};
use ringfence_adapters::hook::{HookAgent, HookInput};

/// A trial takes milliseconds; one that takes this long is not worth waiting for.
const PATIENCE: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(2);

/// The program that a contained call goes through: this one.
pub(super) fn program() -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    // A program that was replaced while it runs has no path any more.
    if program.is_file() { Ok(program) } else { Err("this program was replaced".to_owned()) }
}

/// Tries whether a run that writes in `workspace` and starts in `cwd` can start here.
pub(super) fn can_start(program: &Path, workspace: &Path, cwd: &Path) -> Result<(), String> {
    if !cwd.starts_with(workspace) {
        return Err("it would not start in the workspace".to_owned());
    }
    let mut trial = Command::new(program)
        .args(["run", "--explain", "--json", "--require-tier", "A", "--workspace"])
        .arg(workspace)
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

/// Whether the call cannot do its work without a network, which there is none of inside. Contained it would
/// only fail, and nobody could let it through.
pub(super) fn needs_network(decision: &Decision) -> bool {
    decision.effects.iter().any(|effect| match effect.kind {
        EffectKind::Net => {
            !effect.is(Attr::Listen) && !effect.attributes.contains(Attr::Classes, "localhost")
        }
        EffectKind::Package => effect.text(Attr::Source) != Some("local"),
        EffectKind::DownloadExec | EffectKind::VcsRemote => true,
        _ => false,
    })
}

/// The rule of the agent's own that a rewritten call would get around, if any.
pub(super) fn own_rule(
    agent: HookAgent,
    message: &HookInput,
    flags: &[String],
    workspace: &Path,
    code: &str,
) -> Option<String> {
    if let Some(rule) = agent.flag_about(flags, code) {
        return Some(rule);
    }
    let home = super::state::home().map(PathBuf::from);
    let transcript = message.transcript.as_deref().map(Path::new);
    let cwd = message.cwd.as_deref().map_or(workspace, Path::new);
    let files = agent.rule_files(home.as_deref(), transcript, &[workspace, cwd]);
    files.iter().find_map(|file| rule_in(agent, file, code))
}

fn rule_in(agent: HookAgent, path: &Path, code: &str) -> Option<String> {
    if path.is_dir() {
        let entries = fs::read_dir(path).ok()?;
        let files = entries.filter_map(Result::ok).map(|entry| entry.path());
        let mut files = files.filter(|file| file.extension().is_some_and(|it| it == "json"));
        return files.find_map(|file| rule_in(agent, &file, code));
    }
    match fs::read_to_string(path) {
        Ok(settings) => agent.rule_about(&settings, code),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            None
        }
        // What cannot be read may forbid.
        Err(_) => Some(path.display().to_string()),
    }
}
