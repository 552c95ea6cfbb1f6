//! `ringfence setup`: what a system has to be told once, so that `run` can hold commands in the strongest way.
//!
//! Nothing is written unless that is asked for, and what was written can be taken back.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::{Args, Subcommand};
use ringfence_sandbox::{APPARMOR_MARK, Sandbox, apparmor_profile};
use serde_json::json;

use crate::exit::{Exit, Failure, Problem};
use crate::render::json;
use crate::render::text::printable;

/// Prepare this system once
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence setup apparmor")]
pub(crate) struct Setup {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Apparmor(Apparmor),
}

/// Let AppArmor allow this program user namespaces, where it restricts them
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence setup apparmor\n  sudo ringfence setup apparmor --write\n  sudo ringfence setup apparmor --undo\n\nWithout --write nothing is changed: the profile is printed. It allows `userns` to this program, by its path, and\nrestricts nothing. Exit codes: 0 fine, 2 it was not written or removed."
)]
struct Apparmor {
    /// Write the profile and load it; only root may
    #[arg(long, conflicts_with = "undo")]
    write: bool,
    /// Unload the profile and remove it
    #[arg(long)]
    undo: bool,
    /// Where profiles are
    #[arg(long, value_name = "DIR", default_value = "/etc/apparmor.d")]
    folder: PathBuf,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// The name of the profile, and of its file.
const NAME: &str = "ringfence";

pub(crate) fn run(setup: &Setup, out: &mut impl Write) -> Result<Exit, Failure> {
    match &setup.what {
        What::Apparmor(apparmor) => apparmor.run(out),
    }
}

/// What was done, and how it is said.
struct Done {
    written: bool,
    loaded: bool,
    removed: bool,
    say: String,
}

impl Apparmor {
    fn run(&self, out: &mut impl Write) -> Result<Exit, Failure> {
        let program =
            std::env::current_exe().and_then(|it| it.canonicalize()).map_err(|error| {
                Problem::new("the path of this program cannot be told", "start it by its path")
                    .because(error)
            })?;
        let profile =
            apparmor_profile(&program).map_err(|it| Problem::new(it.what(), it.remedy()))?;
        let file = self.folder.join(NAME);
        let done = match (self.write, self.undo) {
            (true, _) => write(&program, &file, &profile)?,
            (false, true) => undo(&file)?,
            (false, false) => shown(&file),
        };
        if self.json {
            let line = json!({
                "program": program,
                "file": file,
                "profile": profile,
                "restricted": Sandbox::apparmor_restricts(),
                "written": done.written,
                "loaded": done.loaded,
                "removed": done.removed,
            });
            json::line(out, &line)?;
        } else {
            if !self.write && !self.undo {
                write!(out, "{profile}")?;
                out.flush()?;
            }
            // What is said to people is not part of the profile.
            let _ = writeln!(std::io::stderr(), "ringfence: {}", printable(&done.say));
        }
        Ok(Exit::Fine)
    }
}

fn shown(file: &Path) -> Done {
    let need = if Sandbox::apparmor_restricts() {
        "AppArmor restricts user namespaces here"
    } else {
        "AppArmor does not restrict user namespaces here, so that this is not needed"
    };
    let say = format!(
        "{need}; nothing was written: `sudo ringfence setup apparmor --write` writes this to {} and loads it",
        file.display()
    );
    Done { written: false, loaded: false, removed: false, say }
}

#[expect(clippy::disallowed_methods, reason = "the person asked for this file")]
fn write(program: &Path, file: &Path, profile: &str) -> Result<Done, Problem> {
    if let Some(place) = open_to_others(program) {
        let what = format!(
            "{} could be replaced by others than root, since {} can be written by them",
            program.display(),
            place.display()
        );
        let help = "install it first, as `sudo install ringfence /usr/local/bin/`, and start that";
        return Err(Problem::new(what, help));
    }
    is_ours(file)?;
    let failed = |error: std::io::Error| {
        let what = format!("{} cannot be written", file.display());
        Problem::new(what, "run it as root, as with `sudo`").because(error)
    };
    let draft = file.with_extension("new");
    fs::write(&draft, profile).map_err(failed)?;
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o644)).map_err(failed)?;
    fs::rename(&draft, file).map_err(failed)?;
    let loaded = match load("--replace", file) {
        Ok(loaded) => loaded,
        Err(problem) => {
            // A profile that cannot be loaded would be complained about at every start of the system.
            let _ = fs::remove_file(file);
            return Err(problem);
        }
    };
    let say = if loaded {
        format!("wrote {} and loaded it; `--undo` takes it back", file.display())
    } else {
        format!(
            "wrote {}; this kernel has no AppArmor that it could be loaded into",
            file.display()
        )
    };
    Ok(Done { written: true, loaded, removed: false, say })
}

#[expect(clippy::disallowed_methods, reason = "the person asked for the removal of this file")]
fn undo(file: &Path) -> Result<Done, Problem> {
    if file.symlink_metadata().is_err() {
        let say = format!("there is no {}: nothing to take back", file.display());
        return Ok(Done { written: false, loaded: false, removed: false, say });
    }
    is_ours(file)?;
    let unloaded = load("--remove", file)?;
    fs::remove_file(file).map_err(|error| {
        let what = format!("{} cannot be removed", file.display());
        Problem::new(what, "run it as root, as with `sudo`").because(error)
    })?;
    let also = if unloaded { " and unloaded it" } else { "" };
    let say = format!("removed {}{also}", file.display());
    Ok(Done { written: false, loaded: false, removed: true, say })
}

/// Nothing of somebody else is replaced or removed.
#[expect(clippy::disallowed_methods, reason = "looks whose file it is")]
fn is_ours(file: &Path) -> Result<(), Problem> {
    match fs::read_to_string(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Ok(text) if text.lines().next() == Some(APPARMOR_MARK) => Ok(()),
        _ => {
            let what = format!("{} was not written by this command", file.display());
            Err(Problem::new(what, "look at it, and move it away"))
        }
    }
}

/// The first of a program and the folders above it that others than root can write.
fn open_to_others(program: &Path) -> Option<&Path> {
    program.ancestors().find(|it| {
        let about = it.symlink_metadata();
        about.is_ok_and(|it| it.uid() != 0 || it.mode() & 0o022 != 0 && it.mode() & 0o1000 == 0)
    })
}

/// Whether the kernel was told of it. It is not where it has no AppArmor.
#[expect(clippy::disallowed_methods, reason = "AppArmor's own program compiles and loads profiles")]
fn load(how: &str, file: &Path) -> Result<bool, Problem> {
    let enabled = fs::read_to_string("/sys/module/apparmor/parameters/enabled");
    if !enabled.is_ok_and(|it| it.trim() == "Y") {
        return Ok(false);
    }
    let help = "install the package `apparmor`, version 4 or newer, and run it as root";
    let what = "the profile cannot be loaded";
    let run = Command::new("/usr/sbin/apparmor_parser")
        .arg(how)
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Problem::new(what, help).because(error))?;
    if run.status.success() {
        return Ok(true);
    }
    let said = String::from_utf8_lossy(&run.stderr).trim().replace('\n', ", ");
    Err(Problem::new(what, help).because(said))
}
