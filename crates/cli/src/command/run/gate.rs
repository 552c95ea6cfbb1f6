//! The gate's door into a run: an agent inside asks the gate outside about its calls.
//!
//! Inside there is no state, no log and no rule, and there must not be: what a call could write is no
//! record. So the supervisor listens at a socket of its own, which is laid into the folder where the state
//! lies outside. The hook inside hands its message through ([`crate::command::hook`] does that), and the
//! supervisor puts it to the gate outside, naming the process that asked as the kernel named it.

#![expect(clippy::disallowed_methods, reason = "a socket is listened at, and the gate is started")]

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use ringfence_action::Action;
use ringfence_record::StateFolder;
use ringfence_sandbox::{Refusal, peer};
use serde::{Deserialize, Serialize};

use crate::places;

/// Where doors lie, below the state folder, inside as well as outside.
pub(crate) const DOORS: &str = "doors";

/// What a hook inside says first, in a line; the agent's message follows to the end.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// The agent's kind.
    pub(crate) agent: String,
    /// Whether the gate answers in place of the agent's prompts.
    pub(crate) decide: bool,
}

/// What it is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: u8,
}

/// So long a message may take to come in; a hook inside sends it at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// At most so many are answered at a time.
const MOST_AT_ONCE: usize = 128;

/// A door, until it is dropped.
#[derive(Debug)]
pub(super) struct Door {
    listener: Option<UnixListener>,
    pub(super) path: PathBuf,
    folders: Arc<Folders>,
}

/// What the gate outside works with.
#[derive(Debug)]
struct Folders {
    program: PathBuf,
    state: PathBuf,
    config: PathBuf,
    home: PathBuf,
}

impl Door {
    /// A door for this run. Nothing is answered before [`Door::open`].
    pub(super) fn new() -> Result<Self, Refusal> {
        let what = "the gate cannot be reached from inside";
        let refused = |error: &dyn std::fmt::Display| {
            let remedy = "see `ringfence doctor`, or take another profile with --profile";
            Refusal::of_request(what, remedy).because(error)
        };
        let folder =
            |place: Result<PathBuf, crate::exit::Problem>| place.map_err(|it| refused(&it));
        let folders = Folders {
            program: std::env::current_exe().map_err(|error| refused(&error))?,
            state: folder(places::state_folder())?,
            config: folder(places::config_folder())?,
            home: folder(places::home())?,
        };
        let state = StateFolder::open(&folders.state).map_err(|error| refused(&error))?;
        let doors = state.folder(DOORS).map_err(|error| refused(&error))?;
        forget_the_dead(&doors);
        let path = doors.join(std::process::id().to_string());
        let _ = fs::remove_file(&path);
        let listener = UnixListener::bind(&path).map_err(|error| refused(&error))?;
        // As it will be found inside.
        let path = path.canonicalize().map_err(|error| refused(&error))?;
        Ok(Self { listener: Some(listener), path, folders: Arc::new(folders) })
    }

    /// The program that hooks call, which has to be there inside.
    pub(super) fn program(&self) -> &Path {
        &self.folders.program
    }

    /// Answers whoever comes, as long as this process lives.
    pub(super) fn open(&mut self) -> io::Result<()> {
        let Some(listener) = self.listener.take() else { return Ok(()) };
        let folders = self.folders.clone();
        let busy = Arc::new(AtomicUsize::new(0));
        thread::Builder::new().spawn(move || {
            for connection in listener.incoming().flatten() {
                if busy.load(Ordering::SeqCst) >= MOST_AT_ONCE {
                    continue;
                }
                busy.fetch_add(1, Ordering::SeqCst);
                let (folders, done) = (folders.clone(), busy.clone());
                let started = thread::Builder::new().spawn(move || {
                    // Without an answer the hook inside denies.
                    let _ = serve(connection, &folders);
                    done.fetch_sub(1, Ordering::SeqCst);
                });
                if started.is_err() {
                    busy.fetch_sub(1, Ordering::SeqCst);
                }
            }
        })?;
        Ok(())
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Doors of runs that were killed.
fn forget_the_dead(doors: &Path) {
    for entry in fs::read_dir(doors).into_iter().flatten().filter_map(Result::ok) {
        let name = entry.file_name();
        let alive = name.to_str().is_some_and(|pid| Path::new("/proc").join(pid).exists());
        if !alive {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// One message of a hook inside. Which folders the gate works with is not its to say.
fn serve(connection: UnixStream, folders: &Folders) -> io::Result<()> {
    connection.set_read_timeout(Some(PATIENCE))?;
    let asks = peer(&connection)?.process.ok_or(io::ErrorKind::PermissionDenied)?;
    let mut reader = BufReader::new(connection.try_clone()?).take(Action::MAX_BYTES as u64 + 4096);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let Asked { agent, decide } = serde_json::from_str(&line)?;
    let mut message = Vec::new();
    reader.read_to_end(&mut message)?;
    let mut gate = Command::new(&folders.program)
        .args(["hook", &agent, "--state"])
        .arg(&folders.state)
        .arg("--config")
        .arg(&folders.config)
        .arg("--home")
        .arg(&folders.home)
        .args(decide.then_some("--decide"))
        .args(["--inside", &asks.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = gate.stdin.take() {
        // What does not want it all has answered already.
        let _ = input.write_all(&message);
    }
    let output = gate.wait_with_output()?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let code = output.status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(2);
    let told = Told { stdout: text(output.stdout), stderr: text(output.stderr), code };
    (&connection).write_all(serde_json::to_string(&told)?.as_bytes())
}
