//! Whether a person sits at this terminal.
//!
//! An agent runs as the same user as the person, and can start what the person can. What it cannot do is type
//! on a terminal that a program holds which was there before the agent, takes keys from the screen alone, and is
//! none of the agent's making. So the question is not whether it looks like a person, but whether every way by
//! which an agent could have got here is closed: nothing among the parents of this process, or of whoever
//! holds the terminal, is an agent or was started by one; no agent works at the same terminal; and the program
//! at the other end is one of a list, which nobody but the administrator can have changed, older than every
//! agent that is at work. What cannot be told apart is refused: a multiplexer can be typed into by
//! whoever runs as the same user, and a person in it has to open another terminal.
//!
//! Not closed are windows of a desktop that lets any program type into any window (X11), a machine from which
//! both the person and the agent log in, and an administrator who is an agent.

mod ssh;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::Deserialize;

use crate::processes::{self, Process, Stat};

/// Where a person sits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seat {
    /// The terminal, such as `pts/3`.
    pub(crate) terminal: String,
    /// Who is at its other end, in words.
    pub(crate) through: String,
}

/// Why it cannot be told that it is a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Doubt {
    pub(crate) problem: String,
    pub(crate) remedy: &'static str,
}

const OWN_TERMINAL: &str = "open a terminal of your own, outside of the agent, of a multiplexer and of an editor, and run it there";
const OLDER_TERMINAL: &str = "run it in a terminal program that was open before the agent was started, or end the agent first";

/// What is known of agents.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// The processes of agents, as [`Process::name`] has them.
    pub(crate) agents: BTreeSet<String>,
    /// The process namespaces that their messages came from.
    pub(crate) namespaces: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
struct Programs {
    terminals: BTreeSet<String>,
    remote: BTreeSet<String>,
    agents: BTreeSet<String>,
    marks: BTreeSet<String>,
}

/// Where the person sits who started this process, or why nobody can be believed to.
pub(crate) fn seat(known: &Known) -> Result<Seat, Doubt> {
    let programs: Programs = toml::from_str(include_str!("programs.toml"))
        .map_err(|error| doubt(format!("the list of programs is damaged: {error}")))?;
    let own = processes::own().ok_or_else(|| {
        doubt("this system does not show which processes belong together".to_owned())
    })?;
    let case = Case { known, programs: &programs, line: processes::lineage(own.process.pid), own };
    case.stands_alone()?;
    case.is_not_an_agents(&case.line, "this command")?;
    case.has_the_terminal_to_itself()?;
    case.other_end()
}

fn doubt(problem: String) -> Doubt {
    Doubt { problem, remedy: OWN_TERMINAL }
}

struct Case<'a> {
    known: &'a Known,
    programs: &'a Programs,
    own: Stat,
    /// This process and its parents, nearest first.
    line: Vec<Stat>,
}

impl Case<'_> {
    /// It has a terminal, in front of which it is, and sees the processes that the agents are among.
    fn stands_alone(&self) -> Result<(), Doubt> {
        if self.own.terminal == 0 {
            return Err(doubt("no terminal belongs to this command".to_owned()));
        }
        if self.own.foreground != i64::from(self.own.group) {
            return Err(doubt("it runs in the background of its terminal".to_owned()));
        }
        if processes::status(self.own.process.pid, "TracerPid") != Some(0) {
            return Err(doubt("another program traces this one".to_owned()));
        }
        let namespace = processes::namespace();
        let mut elsewhere =
            self.known.namespaces.iter().filter(|it| Some(*it) != namespace.as_ref());
        if namespace.is_none() || elsewhere.next().is_some() || !is_whole_system() {
            return Err(doubt(
                "it runs in a namespace of its own, from where the agent is not seen".to_owned(),
            ));
        }
        Ok(())
    }

    /// None of these processes is an agent, or carries the mark of one.
    fn is_not_an_agents(&self, line: &[Stat], what: &str) -> Result<(), Doubt> {
        for it in line {
            let pid = it.process.pid;
            if self.known.agents.contains(&it.process.name()) {
                return Err(doubt(format!("an agent (process {pid}) started {what}")));
            }
            if let Some(agent) = self.agent_of(it) {
                return Err(doubt(format!("`{agent}` (process {pid}) started {what}")));
            }
            if let Some(mark) = self.mark_of(pid) {
                return Err(doubt(format!("{what} was started with `{mark}`, as tool calls are")));
            }
        }
        // A parent that ended between two looks could have been anything.
        if line.last().is_none_or(|it| it.parent != 0) {
            return Err(doubt(format!("it cannot be told who started {what}")));
        }
        Ok(())
    }

    /// What makes this process an agent's own program, or the walls around one.
    fn agent_of(&self, it: &Stat) -> Option<String> {
        let words = processes::arguments(it.process.pid).unwrap_or_default();
        let program = processes::program(it.process.pid);
        let file = |path: &str| Path::new(path).file_stem()?.to_str().map(str::to_owned);
        let is_run = words.get(1).is_some_and(|word| word == "run")
            && words.first().and_then(|word| file(word)).as_deref() == Some("ringfence");
        if is_run {
            return Some("ringfence run".to_owned());
        }
        let named = |name: &String| self.programs.agents.contains(name);
        // The second word is the script of an interpreter, which lies in the folder of its package.
        let script = words.get(1).filter(|word| word.contains('/'));
        let packages = script.into_iter().flat_map(|path| parts(path));
        let names = words.first().and_then(|word| file(word)).into_iter();
        let names = names.chain(program.as_ref().and_then(|path| file(path.to_str()?)));
        names.chain([it.name.clone()]).chain(packages).find(named)
    }

    fn mark_of(&self, pid: u32) -> Option<String> {
        let variables = processes::environment(pid)?;
        let names = variables.iter().filter_map(|it| it.split(|byte| *byte == b'=').next());
        let mut names = names.filter_map(|name| std::str::from_utf8(name).ok());
        names.find(|name| self.programs.marks.contains(*name)).map(str::to_owned)
    }

    /// Whoever works at a terminal can have anything shown and typed there.
    fn has_the_terminal_to_itself(&self) -> Result<(), Doubt> {
        let here = processes::all().into_iter().filter_map(processes::stat);
        for it in here.filter(|it| it.terminal == self.own.terminal) {
            let known = self.known.agents.contains(&it.process.name());
            if known || self.agent_of(&it).is_some() {
                let (name, pid) = (&it.name, it.process.pid);
                return Err(doubt(format!(
                    "an agent (`{name}`, process {pid}) works at this terminal"
                )));
            }
        }
        Ok(())
    }

    fn other_end(&self) -> Result<Seat, Doubt> {
        let (major, minor) = device(self.own.terminal);
        match major {
            136..=143 => self.behind((major - 136) * 256 + minor),
            // A screen and keyboard of this machine, or a serial line.
            4 | 204 | 229 => {
                let terminal = if major == 4 && minor < 64 { "tty" } else { "ttyS" };
                Ok(Seat {
                    terminal: format!("{terminal}{minor}"),
                    through: "the console".to_owned(),
                })
            }
            _ => Err(doubt(format!("a terminal of an unknown kind ({major}:{minor})"))),
        }
    }

    /// Whether whoever holds the other end of this pseudo-terminal can be believed.
    fn behind(&self, index: u64) -> Result<Seat, Doubt> {
        let terminal = format!("pts/{index}");
        let holders = processes::holders(index);
        if holders.is_empty() {
            return self.out_of_sight(terminal);
        }
        let mut through = Vec::new();
        for pid in holders {
            let line = processes::lineage(pid);
            let what = format!("the program at the other end of this terminal (process {pid})");
            self.is_not_an_agents(&line, &what)?;
            let name = self.believed(pid, &what)?;
            if self.programs.remote.contains(&name) {
                ssh::comes_from_elsewhere(&self.line, &self.programs.remote)?;
            } else {
                self.is_older(&line, &name)?;
            }
            through.push(format!("{name} (process {pid})"));
        }
        Ok(Seat { terminal, through: through.join(", ") })
    }

    /// A program of the list, which nobody but the administrator can have changed.
    fn believed(&self, pid: u32, what: &str) -> Result<String, Doubt> {
        let path = processes::program(pid);
        let name =
            path.as_ref().and_then(|path| path.file_name()?.to_str()).unwrap_or("?").to_owned();
        if !self.programs.terminals.contains(&name) && !self.programs.remote.contains(&name) {
            return Err(doubt(format!(
                "{what} is `{name}`, which is no terminal program that takes keys from a person alone"
            )));
        }
        // The file that runs, whatever stands at its path by now.
        let fixed = fs::metadata(format!("/proc/{pid}/exe"))
            .is_ok_and(|it| it.uid() == 0 && it.mode() & 0o022 == 0);
        if fixed {
            Ok(name)
        } else {
            Err(doubt(format!("{what} is a `{name}` that users can change")))
        }
    }

    /// What is older than every agent at work was started by none of them.
    fn is_older(&self, line: &[Stat], name: &str) -> Result<(), Doubt> {
        let agents = self.known.agents.iter().filter_map(|name| Process::alive(name));
        let first = agents.map(|it| it.process.started).min();
        let holder = line.first().map(|it| it.process.started);
        match (first, holder) {
            (Some(first), Some(holder)) if holder >= first => Err(Doubt {
                problem: format!("`{name}`, which shows this terminal, was started after an agent"),
                remedy: OLDER_TERMINAL,
            }),
            (_, None) => Err(doubt(format!("`{name}`, which showed this terminal, is gone"))),
            _ => Ok(()),
        }
    }

    /// Nobody of ours holds the other end: it is another user's, or outside of this container. But a program
    /// can also hide what it holds, so it must be shown who does.
    fn out_of_sight(&self, terminal: String) -> Result<Seat, Doubt> {
        let is_root = |it: &&Stat| processes::status(it.process.pid, "Uid") == Some(0);
        if self.line.iter().filter(is_root).any(|it| self.programs.remote.contains(&it.name)) {
            ssh::comes_from_elsewhere(&self.line, &self.programs.remote)?;
            return Ok(Seat { terminal, through: "sshd".to_owned() });
        }
        // A process that has a parent outside was put here from there, as was what the first one has.
        let from_outside = self.line.last().is_some_and(|it| {
            it.parent == 0 && (it.process.pid != 1 || it.terminal == self.own.terminal)
        });
        if from_outside {
            return Ok(Seat { terminal, through: "outside of this container".to_owned() });
        }
        Err(doubt("it cannot be told who holds the other end of this terminal".to_owned()))
    }
}

/// The folders and files of a path, alone and as pairs, without extensions.
fn parts(path: &str) -> Vec<String> {
    let parts: Vec<&str> = path.split('/').collect();
    let pairs = parts.windows(2).map(|pair| pair.join("/"));
    let stem = |part: &&str| part.split_once('.').map_or(*part, |(stem, _)| stem).to_owned();
    parts.iter().map(stem).chain(pairs).collect()
}

/// The two numbers of a device, as the kernel packs them for `stat`.
fn device(number: u64) -> (u64, u64) {
    ((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xf_ff00))
}

/// Whether the users of this namespace are those of the system: an agent can make itself another.
#[expect(clippy::disallowed_methods, reason = "the map of this process' own users is read")]
fn is_whole_system() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.split_whitespace().collect::<Vec<_>>() == ["0", "0", "4294967295"]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_two_numbers() {
        assert_eq!(device(34_816), (136, 0));
        assert_eq!(device(0x0010_8805), (136, 261));
        assert_eq!(device(1025), (4, 1));
    }

    #[test]
    fn a_script_is_known_by_its_package() {
        let found = parts("/usr/lib/node_modules/@openai/codex/bin/codex.js");
        for name in ["@openai/codex", "codex"] {
            assert!(found.contains(&name.to_owned()), "{found:?}");
        }
    }

    #[test]
    fn nobody_is_both_believed_and_an_agent() {
        let programs: Programs = toml::from_str(include_str!("programs.toml")).unwrap();
        assert!(programs.terminals.is_disjoint(&programs.agents));
        assert!(
            !programs
                .terminals
                .iter()
                .any(|it| ["tmux", "script", "expect"].contains(&it.as_str()))
        );
    }

    /// Tests have no terminal, and no person.
    #[test]
    fn a_process_without_a_terminal_is_nobodys() {
        if processes::own().is_some_and(|own| own.terminal == 0) {
            assert!(seat(&Known::default()).unwrap_err().problem.contains("terminal"));
        }
    }
}
