//! A hook that runs behind walls: its message goes out through the door that the supervisor keeps there.
//!
//! That it runs inside is told by the kernel, and cannot be made to look so: whoever listens at a door must be
//! a process of this user that cannot be seen from here, since it is outside of these namespaces. A tool call
//! that listens in its place would be seen.

#![expect(clippy::disallowed_methods, reason = "a door is looked for, and spoken through")]

use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use ringfence_adapters::hook::Reply;
use ringfence_record::given;
use ringfence_sandbox::peer;

use super::{DEADLINE, Hook, state};
use crate::command::run::{Asked, DOORS, Told};

/// The answer from outside; `None` where this is not inside.
pub(super) fn asked_outside(hook: &Hook, message: &[u8]) -> Option<Result<Reply, String>> {
    let state = match &hook.state {
        Some(state) => state.clone(),
        None => state::default_folder(hook.home.as_deref()).ok()?,
    };
    let doors = fs::read_dir(state.join(DOORS)).ok()?;
    let mut doors = doors.filter_map(Result::ok);
    let door = doors.find_map(|door| leads_out(UnixStream::connect(door.path()).ok()?))?;
    Some(
        ask(hook, door, message).map_err(|error| {
            format!("this runs inside, and the gate outside did not answer: {error}")
        }),
    )
}

/// A connection whose other end is outside of these namespaces.
fn leads_out(door: UnixStream) -> Option<UnixStream> {
    let other = peer(&door).ok()?;
    (other.process.is_none() && Some(other.user) == given::own_user()).then_some(door)
}

fn ask(hook: &Hook, mut door: UnixStream, message: &[u8]) -> std::io::Result<Reply> {
    door.set_read_timeout(Some(DEADLINE))?;
    let asked = Asked { agent: hook.agent.as_str().to_owned(), decide: hook.decide };
    door.write_all(format!("{}\n", serde_json::to_string(&asked)?).as_bytes())?;
    door.write_all(message)?;
    door.shutdown(Shutdown::Write)?;
    let mut told = String::new();
    door.read_to_string(&mut told)?;
    let Told { stdout, stderr, code } = serde_json::from_str(&told)?;
    Ok(Reply { stdout, stderr, code })
}
