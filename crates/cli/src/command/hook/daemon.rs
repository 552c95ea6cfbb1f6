//! The daemon, where there is one: it decides by the same code, with the rules read already.
//!
//! It is asked only if whoever listens is a process of this user that runs this very program, and was not started
//! with something loaded into it. It answers only if it works with the same folders. Whatever else happens, and
//! if it takes too long, this hook decides by itself: no failure of the daemon is an answer.

#![expect(clippy::disallowed_methods, reason = "a socket is spoken through, for so long at most")]

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ringfence_adapters::hook::Reply;
use ringfence_classify::judge::Mode;
use ringfence_record::given;
use ringfence_sandbox::{know_writers, peer, read_written};
use serde::{Deserialize, Serialize};

use super::{Hook, JUDGING, answer, origin, state};
use crate::command::run::Told;
use crate::processes;

/// The name of the socket in the state folder.
const SOCKET: &str = "serve.sock";

/// So long it is waited for; after that there is time enough to decide here.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// The same, where a judge is asked.
const PATIENCE_WITH_A_JUDGE: Duration = Duration::from_millis(6_800);

/// Longer answers are none.
const LONGEST: u64 = 64 << 20;

/// What a hook says first, in a line; the agent's message follows.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Folders {
    pub(super) state: Option<PathBuf>,
    pub(super) config: Option<PathBuf>,
    pub(super) home: Option<PathBuf>,
    /// Whether the gate answers in place of the agent's prompts.
    pub(super) decide: bool,
}

/// The daemon's answer; `None` where this hook is to decide by itself.
pub(super) fn asked(hook: &Hook, message: &[u8]) -> Option<Reply> {
    let state = match &hook.state {
        Some(state) => state.clone(),
        None => state::default_folder(hook.home.as_deref()).ok()?,
    };
    let (daemon, pid) = reached(&state)?;
    let judges = |chosen: &crate::rules::Settings| chosen.judge.mode != Mode::Off;
    let judged = answer::chosen(hook).as_ref().is_ok_and(judges);
    JUDGING.store(judged, Ordering::Relaxed);
    ask(hook, daemon, pid, message, if judged { PATIENCE_WITH_A_JUDGE } else { PATIENCE })
}

/// The daemon that serves this state folder, and the process that it is: what comes from another is not its own.
pub(crate) fn reached(state: &Path) -> Option<(UnixStream, u32)> {
    let daemon = UnixStream::connect(state.join(SOCKET)).ok()?;
    // Before it is asked: every part of the answer then comes with the process that wrote it.
    know_writers(&daemon).ok()?;
    let pid = ours(&daemon)?;
    Some((daemon, pid))
}

/// The process behind the socket, if it is this program, as it was installed, of this user. It is the one that
/// began to listen: whether it is the one that answers, each part of the answer says.
fn ours(daemon: &UnixStream) -> Option<u32> {
    let peer = peer(daemon).ok()?;
    let pid = peer.process?;
    let is_loaded = |variable: &Vec<u8>| variable.starts_with(b"LD_");
    // The same paths are the same files only in the same namespaces.
    let place = |pid: &str, name: &str| std::fs::read_link(format!("/proc/{pid}/ns/{name}")).ok();
    let is_here = |name: &str| {
        let own = place("self", name);
        own.is_some() && place(&pid.to_string(), name) == own
    };
    let is_ours = Some(peer.user) == given::own_user()
        && origin::is_this_program(pid)
        && processes::arguments(pid).is_some_and(|it| it.get(1).is_some_and(|it| it == "serve"))
        && processes::environment(pid).is_some_and(|them| !them.iter().any(is_loaded))
        && processes::status(pid, "TracerPid") == Some(0)
        && ["mnt", "user"].into_iter().all(is_here);
    is_ours.then_some(pid)
}

fn ask(
    hook: &Hook,
    mut daemon: UnixStream,
    pid: u32,
    message: &[u8],
    patience: Duration,
) -> Option<Reply> {
    let until = Instant::now() + patience;
    let folders = Folders {
        state: hook.state.clone(),
        config: hook.config.clone(),
        home: hook.home.clone(),
        decide: hook.decide,
    };
    let folders = serde_json::to_string(&folders).ok()?;
    let head = format!(
        "POST /api/v1/hook/{} HTTP/1.1\r\nhost: ringfence\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{folders}\n",
        hook.agent.as_str(),
        folders.len() + 1 + message.len()
    );
    daemon.set_write_timeout(Some(patience)).ok()?;
    daemon.write_all(&[head.as_bytes(), message].concat()).ok()?;
    let mut answer = Vec::new();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || answer.len() as u64 > LONGEST {
            return None;
        }
        daemon.set_read_timeout(Some(left)).ok()?;
        let mut part = [0; 8192];
        match read_written(&daemon, &mut part).ok()? {
            (0, _) => break,
            (_, writer) if writer != Some(pid) => return None,
            (count, _) => answer.extend_from_slice(part.get(..count)?),
        }
    }
    let body = answer.strip_prefix(b"HTTP/1.1 200 OK\r\n").and_then(body_of)?;
    let Told { stdout, stderr, code } = serde_json::from_slice(body).ok()?;
    Some(Reply { stdout, stderr, code })
}

fn body_of(answer: &[u8]) -> Option<&[u8]> {
    const BETWEEN: &[u8] = b"\r\n\r\n";
    let at = answer.windows(BETWEEN.len()).position(|window| window == BETWEEN)?;
    answer.get(at + BETWEEN.len()..)
}

/// Whether two folders are named alike: the daemon was told where they are, and so was the hook.
pub(super) fn is_same(told: Option<&PathBuf>, own: &Path) -> bool {
    told.is_some_and(|told| told == own)
}
