//! Tier C: Landlock and seccomp alone, where namespaces are not to be had. The command is a child like
//! any other, in the same tree of processes as everything else of its user.

use std::os::fd::{AsFd, OwnedFd};

use libc::pid_t;

use super::command::Command;
use super::sys::{self, Signals};
use crate::refusal::Refusal;

/// Starts the command.
pub(super) fn start(command: &Command<'_>, signals: &Signals) -> Result<(pid_t, OwnedFd), Refusal> {
    let (supervisor, control) = sys::socket_pair().map_err(|error| {
        Refusal::new("the run cannot be prepared", "free some open files").because(error)
    })?;
    // What the command leaves behind becomes a child of this process, and can be found.
    let step = |what: &str, error| Refusal::new(what, "free some processes").because(error);
    sys::control(libc::PR_SET_CHILD_SUBREAPER, 1)
        .map_err(|error| step("what is left behind cannot be collected", error))?;
    match sys::fork_into(0) {
        Ok(0) => {
            drop(supervisor);
            let refusal = inside(command, signals, &control);
            Command::give_up(&refusal, control.as_fd())
        }
        Ok(pid) => Ok((pid, supervisor)),
        Err(error) => Err(step("the command cannot be forked", error)),
    }
}

fn inside(command: &Command<'_>, signals: &Signals, control: &OwnedFd) -> Refusal {
    let parent = sys::control(libc::PR_SET_PDEATHSIG, libc::SIGKILL.unsigned_abs().into());
    let place = std::env::set_current_dir(&command.plan.cwd);
    if let Err(refusal) = command.enter_group() {
        return refusal;
    }
    match parent.map(drop).and(place) {
        Ok(()) => command.become_it(signals, control.as_fd()),
        Err(error) => {
            let what = format!("cannot go to {}", command.plan.cwd.display());
            Refusal::new(what, "name another folder").because(error)
        }
    }
}

/// Ends everything that the command left behind. Each round takes what the last one orphaned.
pub(super) fn end_what_is_left() {
    const ROUNDS: u32 = 1000;
    for _ in 0..ROUNDS {
        while let Ok(Some(_)) = sys::changed_child(-1, false) {}
        let children = children();
        if children.is_empty() {
            return;
        }
        for child in children {
            let _ = sys::signal(child, libc::SIGKILL);
            let _ = sys::wait_for(child);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the kernel lists the children of a process in a file"
)]
fn children() -> Vec<pid_t> {
    let text = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    text.split_whitespace().filter_map(|it| it.parse().ok()).collect()
}
