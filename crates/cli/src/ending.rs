//! Ending an agent with everything that it started.
//!
//! A process is held by a descriptor before it is looked at, so that a number that was given to another is no
//! way to hit that one. What is found is stopped first, so that nothing starts while the rest is found.

use std::collections::BTreeMap;

use ringfence_record::agents::Agents;
use ringfence_sandbox::Target;

use crate::processes::{self, Stat};

/// So often the children of what was stopped are looked for again.
const ROUNDS: usize = 32;

/// Ends the agents of a session, or of all where there is none, and what they started. Returns how many
/// processes that were. What has left its agent, so that another process is its parent, is not found.
pub(crate) fn end(agents: &Agents, session: Option<&str>) -> usize {
    let names = agents.all().unwrap_or_default();
    let is_meant = |name: &String| {
        let known = agents.session_of(name);
        known.is_some_and(|(_, of)| session.is_none_or(|session| session == of))
    };
    let mut stopped = BTreeMap::new();
    for name in names.iter().filter(|name| is_meant(name)) {
        if let Some(stat) = processes::Process::alive(name) {
            stop(&stat, &mut stopped);
        }
    }
    for _ in 0..ROUNDS {
        let found = children_of(&stopped);
        if found.is_empty() {
            break;
        }
        found.iter().for_each(|stat| stop(stat, &mut stopped));
    }
    stopped.values().filter(|target| target.end().is_ok()).count()
}

fn children_of(stopped: &BTreeMap<u32, Target>) -> Vec<Stat> {
    let is_child = |stat: &Stat| {
        stopped.contains_key(&stat.parent) && !stopped.contains_key(&stat.process.pid)
    };
    let me = std::process::id();
    let others = processes::all().into_iter().filter(|pid| *pid != me);
    others.filter_map(processes::stat).filter(is_child).collect()
}

fn stop(seen: &Stat, stopped: &mut BTreeMap<u32, Target>) {
    let pid = seen.process.pid;
    let Ok(target) = Target::open(pid) else { return };
    // Looked at again, now that the descriptor holds it.
    let is_it = processes::stat(pid).is_some_and(|now| now.process == seen.process);
    if is_it && pid != std::process::id() && target.stop().is_ok() {
        stopped.insert(pid, target);
    }
}
