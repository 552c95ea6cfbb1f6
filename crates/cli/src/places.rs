//! Where things are on this machine.
//!
//! Commands that a person runs take the state folder from `RINGFENCE_STATE` or the XDG rules. The
//! hook does not: its folders are written into its command line by `init`.

use std::path::PathBuf;

use ringfence_record::StateFolder;
use ringfence_record::log::{Durability, Log};

use crate::exit::{Failure, Problem};

/// The user's home folder, as the environment says.
pub(crate) fn home() -> Result<PathBuf, Problem> {
    std::env::home_dir().filter(|home| home.is_absolute()).ok_or_else(|| {
        Problem::new(
            "no home folder is known",
            "set `HOME` to the absolute path of your home folder",
        )
    })
}

/// A folder that somebody named for Ringfence. One that depends on the working folder would be another
/// for every command.
fn ours(name: &str) -> Result<Option<PathBuf>, Problem> {
    let Some(path) = std::env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from) else {
        return Ok(None);
    };
    if path.is_absolute() {
        return Ok(Some(path));
    }
    let what = format!("`{name}` is `{}`, which is not an absolute folder", path.display());
    Err(Problem::new(what, format!("set `{name}` to an absolute path, or unset it")))
}

/// The state folder: `RINGFENCE_STATE`, or `XDG_STATE_HOME/ringfence`, or `~/.local/state/ringfence`.
pub(crate) fn state_folder() -> Result<PathBuf, Problem> {
    let named =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(folder) = ours("RINGFENCE_STATE")? {
        return Ok(folder);
    }
    let base = match named("XDG_STATE_HOME") {
        Some(base) => base,
        None => home()?.join(".local/state"),
    };
    Ok(base.join("ringfence"))
}

/// The configuration folder: `RINGFENCE_CONFIG`, or `XDG_CONFIG_HOME/ringfence`, or
/// `~/.config/ringfence`.
pub(crate) fn config_folder() -> Result<PathBuf, Problem> {
    let named =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(folder) = ours("RINGFENCE_CONFIG")? {
        return Ok(folder);
    }
    let base = match named("XDG_CONFIG_HOME") {
        Some(base) => base,
        None => home()?.join(".config"),
    };
    Ok(base.join("ringfence"))
}

/// The audit log of the state folder; `None` if nothing was recorded yet. Nothing is made by looking. Where
/// only the log itself is gone, what is kept beside it tells that there was one.
pub(crate) fn existing_log() -> Result<Option<(StateFolder, Log)>, Failure> {
    let path = state_folder()?;
    if !["audit", "audit.head", "sessions"].iter().any(|name| path.join(name).exists()) {
        return Ok(None);
    }
    log_in(path).map(Some)
}

/// The audit log of the state folder, made where it is missing.
pub(crate) fn log() -> Result<(StateFolder, Log), Failure> {
    log_in(state_folder()?)
}

fn log_in(path: PathBuf) -> Result<(StateFolder, Log), Failure> {
    let failed = |error: ringfence_record::RecordError| {
        Problem::new("the audit log cannot be opened", "see the cause").because(error)
    };
    let folder = StateFolder::open(path).map_err(failed)?;
    let log = Log::open(&folder, Durability::Process).map_err(failed)?;
    Ok((folder, log))
}
