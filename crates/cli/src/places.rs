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

/// The state folder: `RINGFENCE_STATE`, or `XDG_STATE_HOME/ringfence`, or `~/.local/state/ringfence`.
pub(crate) fn state_folder() -> Result<PathBuf, Problem> {
    let named =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(folder) = named("RINGFENCE_STATE") {
        return Ok(folder);
    }
    let base = match named("XDG_STATE_HOME") {
        Some(base) => base,
        None => home()?.join(".local/state"),
    };
    Ok(base.join("ringfence"))
}

/// The audit log of the state folder. It must be there: nothing is made by looking.
pub(crate) fn existing_log() -> Result<(StateFolder, Log), Failure> {
    let path = state_folder()?;
    if !path.join("audit").is_dir() {
        let what = format!("there is no audit log in `{}`", path.display());
        let help = "run `ringfence init` to register the gate, or set `RINGFENCE_STATE`";
        return Err(Problem::new(what, help).into());
    }
    let failed = |error: ringfence_record::RecordError| {
        Problem::new("the audit log cannot be opened", "see the cause").because(error)
    };
    let folder = StateFolder::open(path).map_err(failed)?;
    let log = Log::open(&folder, Durability::Process).map_err(failed)?;
    Ok((folder, log))
}
