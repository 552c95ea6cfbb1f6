//! What a run would have needed, as a profile that a person can read, correct and keep.
//!
//! It is made of what the run was seen to be refused, and of hosts that were allowed for it alone. It names
//! folders of programs rather than single files, and never a secret or anything that others execute or obey:
//! those are listed, with the reason, for the person to decide.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use ringfence_analysis::meaning_of_path;
use ringfence_egress::{Reason, Report};
use ringfence_sandbox::{Deed, Observed, Place, Plan, Profile};
use toml::{Table, Value};

/// A profile that is proposed.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Proposal {
    /// What it adds to: its own lines stay.
    base: Table,
    command: String,
    read: BTreeSet<String>,
    write: BTreeSet<String>,
    make: BTreeSet<String>,
    system: BTreeSet<String>,
    hosts: BTreeSet<String>,
    /// What is not proposed, and why.
    left_out: BTreeSet<String>,
    withheld: Vec<String>,
    more: bool,
}

/// What a proposal is made of.
pub(super) struct Learned<'a> {
    /// What the profile is to be called.
    pub(super) name: String,
    pub(super) command: String,
    /// The profile as it was written, if it came from a file that was named.
    pub(super) written: Option<Table>,
    pub(super) profile: &'a Profile,
    pub(super) plan: &'a Plan,
    pub(super) observed: &'a Observed,
    pub(super) egress: &'a Report,
    pub(super) homes: &'a [PathBuf],
}

/// Folders in a home folder that hold those of programs.
const SHELVES: [&str; 8] = [
    ".cache",
    ".config",
    ".local/lib",
    ".local/share",
    ".local/state",
    "Library/Application Support",
    "Library/Caches",
    ".var/app",
];

/// Those of these home folders. A run that learns finds them empty, so that it is seen what it misses there.
pub(super) fn shelves(homes: &[PathBuf]) -> Vec<PathBuf> {
    let in_home = |home: &PathBuf| {
        let home = home.clone();
        SHELVES.iter().flat_map(move |it| {
            let shelf = home.join(it);
            let above = shelf.parent().filter(|it| **it != home).map(Path::to_path_buf);
            above.into_iter().chain([shelf.clone()])
        })
    };
    let all: BTreeSet<PathBuf> = homes.iter().flat_map(in_home).collect();
    all.into_iter().collect()
}

impl Proposal {
    pub(super) fn of(learned: &Learned<'_>) -> Self {
        let mut base = learned.written.clone().unwrap_or_else(|| {
            Table::from_iter([("extends".to_owned(), text(&learned.profile.name))])
        });
        base.insert("name".to_owned(), text(&learned.name));
        let mut proposal = Self {
            base,
            command: learned.command.clone(),
            withheld: learned.plan.withheld.clone(),
            more: learned.observed.more > 0 || learned.egress.more > 0,
            ..Self::default()
        };
        let mut read: BTreeMap<PathBuf, BTreeSet<PathBuf>> = BTreeMap::new();
        for sight in learned.observed.refused() {
            let place = sight.place.unwrap_or(Place::ReadOnly);
            if let Some(why) = never(sight.deed, place, &sight.target, learned.homes) {
                proposal.leave_out(&sight.target, why);
                continue;
            }
            let below = learned.homes.iter().find_map(|it| sight.target.strip_prefix(it).ok());
            match below {
                Some(below) if sight.deed.changes() => {
                    proposal.changes(learned, sight.deed, &sight.target, below);
                }
                Some(below) => {
                    let folder = folder_of(learned.profile, below);
                    read.entry(folder).or_default().insert(below.to_path_buf());
                }
                None if sight.deed.changes() => proposal.changes_system(&sight.target),
                None => proposal.leave_out(&sight.target, "it belongs to somebody else"),
            }
        }
        for (folder, paths) in read {
            /// So many files of a program are named one by one.
            const FEW: usize = 4;
            let written = |it: &PathBuf| proposal.covers(it);
            let paths: Vec<PathBuf> = paths.into_iter().filter(|it| !written(it)).collect();
            let whole = paths.len() > FEW && !learned.profile.keeps(&folder);
            let named = if whole { vec![folder] } else { paths };
            proposal.read.extend(named.iter().map(|it| it.display().to_string()));
        }
        proposal.hosts(learned);
        proposal
    }

    /// Whether nothing is missing.
    pub(super) fn is_empty(&self) -> bool {
        let Self { read, write, make, system, hosts, .. } = self;
        [read, write, make, system, hosts].iter().all(|it| it.is_empty())
    }

    /// The profile: what it adds to, with what is new.
    fn table(&self) -> Table {
        let mut table = self.base.clone();
        let Self { read, write, make, system, hosts, .. } = self;
        for (section, name, new) in [
            ("home", "read", read),
            ("home", "write", write),
            ("home", "make", make),
            ("system", "write", system),
            ("network", "hosts", hosts),
        ] {
            if new.is_empty() {
                continue;
            }
            let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            let list = section
                .as_table_mut()
                .map(|it| it.entry(name).or_insert_with(|| Value::Array(Vec::new())));
            if let Some(Value::Array(list)) = list {
                let known: BTreeSet<&str> = list.iter().filter_map(Value::as_str).collect();
                let new: Vec<Value> = new
                    .iter()
                    .filter(|it| !known.contains(it.as_str()))
                    .map(|it| text(it))
                    .collect();
                list.extend(new);
            }
        }
        table
    }

    fn covers(&self, below: &Path) -> bool {
        self.write.iter().chain(&self.make).any(|it| below.starts_with(it))
    }

    fn changes(&mut self, learned: &Learned<'_>, deed: Deed, target: &Path, below: &Path) {
        let folder = folder_of(learned.profile, below);
        let at = learned.homes.iter().map(|it| it.join(&folder)).find(|it| it.exists());
        let new_file = folder == below && !matches!(deed, Deed::Make);
        if learned.profile.keeps(&folder) {
            self.leave_out(target, "it is a secret, or holds one");
        } else if at.is_some() {
            self.write.insert(folder.display().to_string());
        } else if new_file {
            self.leave_out(target, "it would be a new file in a folder that a run cannot have");
        } else {
            self.make.insert(folder.display().to_string());
        }
    }

    /// The folder of a change that is in no home folder.
    fn changes_system(&mut self, target: &Path) {
        let there = target.ancestors().skip(1).find(|it| it.is_dir());
        match there {
            Some(folder) if folder.components().count() > 2 => {
                self.system.insert(folder.display().to_string());
            }
            _ => self.leave_out(target, "a whole folder of the system is more than it needs"),
        }
    }

    fn hosts(&mut self, learned: &Learned<'_>) {
        let known: &[String] = &learned.profile.network.hosts;
        for line in &learned.egress.lines {
            let host = match line.port {
                0 | 80 | 443 => line.host.clone(),
                port => format!("{}:{port}", line.host),
            };
            match &line.why {
                None if line.host == "localhost" => {
                    self.left_out.insert(format!("{host}: allow it with --allow-host-port"));
                }
                None | Some(Reason::NotListed | Reason::OtherPort) => {
                    if !known.contains(&host) {
                        self.hosts.insert(host);
                    }
                }
                Some(why) if why.is_denial() => {
                    self.left_out.insert(format!("{host}: {why}"));
                }
                Some(_) => {}
            }
        }
    }

    fn leave_out(&mut self, path: &Path, why: &str) {
        self.left_out.insert(format!("{}: {why}", path.display()));
    }
}

/// The home folder that something is in, or the first.
pub(super) fn home_of<'a>(path: &Path, homes: &'a [PathBuf]) -> Option<&'a str> {
    homes.iter().find(|it| path.starts_with(it)).or(homes.first()).and_then(|it| it.to_str())
}

/// Why something is not proposed, whatever needs it.
fn never(deed: Deed, place: Place, path: &Path, homes: &[PathBuf]) -> Option<&'static str> {
    let Some(text) = path.to_str() else { return Some("its name is not text") };
    let meaning = meaning_of_path(text, home_of(path, homes));
    match place {
        _ if meaning.secret => Some("it is a secret"),
        _ if meaning.obeyed && deed.changes() => Some("others execute or obey it"),
        Place::Masked => Some("it is a secret, or a socket of this machine"),
        Place::Protected => Some("others execute or obey it"),
        Place::Held => Some("it is held in its place"),
        Place::Writable | Place::Own | Place::ReadOnly | Place::Hidden => {
            let program = ["system-binary", "user-binary", "system-config", "kernel", "device"];
            let program = program.iter().any(|it| meaning.classes.contains(it));
            (program && deed.changes()).then_some("it is part of the system, or a program")
        }
    }
}

/// The folder of the program that something below a home folder belongs to: what holds no secret of it.
fn folder_of(profile: &Profile, below: &Path) -> PathBuf {
    let shelf = SHELVES.iter().map(Path::new).find(|it| below.starts_with(it) && below != *it);
    let depth = shelf.map_or(0, |it| it.components().count()) + 1;
    let longest = below.components().count();
    let folder = |depth: usize| below.components().take(depth).collect::<PathBuf>();
    (depth..=longest).map(folder).find(|it| !profile.keeps(it)).unwrap_or_else(|| folder(longest))
}

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        comment(
            f,
            &format!("What one run of `{}` was refused. Read it before you use it.", self.command),
        )?;
        comment(f, "What is refused early hides what comes later: learn again with this profile.")?;
        if self.more {
            comment(f, "The run did more than could be kept in mind; this is a part of it.")?;
        }
        write!(f, "\n{}", self.table())?;
        if !self.left_out.is_empty() {
            writeln!(f)?;
            comment(f, "Asked for, and not proposed:")?;
            self.left_out.iter().try_for_each(|it| comment(f, &format!("  {it}")))?;
        }
        writeln!(f)?;
        comment(f, "Which variables it read cannot be seen. It was not told these:")?;
        comment(f, &format!("  {}", self.withheld.join(" ")))?;
        comment(f, "One that it needs goes here:  [environment] pass = [\"NAME\"]")
    }
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// A line that is no part of the profile, whatever is in it.
fn comment(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("# ")?;
    text.chars()
        .try_for_each(|it| if it.is_control() { f.write_char('?') } else { f.write_char(it) })?;
    f.write_char('\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_that_of_the_program_and_never_one_above_a_secret() {
        let plain = Profile::plain().unwrap();
        let folder = |path: &str| folder_of(&plain, Path::new(path)).display().to_string();
        assert_eq!(folder(".tool/a/b"), ".tool");
        assert_eq!(folder(".cache/tool/a/b"), ".cache/tool");
        assert_eq!(folder(".local/share/tool/x"), ".local/share/tool");
        assert_eq!(folder(".toolrc"), ".toolrc");
        // `.cargo` holds credentials.
        assert_eq!(folder(".cargo/advisory-db/x"), ".cargo/advisory-db");
        assert_eq!(folder(".docker/buildx/x"), ".docker/buildx");
    }

    #[test]
    fn what_is_written_into_a_comment_stays_there() {
        let base = Table::from_iter([("name".to_owned(), text("a\"b"))]);
        let mut proposal = Proposal { base, ..Proposal::default() };
        proposal.command = "x\n[network]\nhosts = [\"evil.test\"]".into();
        proposal.leave_out(Path::new("/a\nname = \"c\""), "why");
        let read: Table = toml::from_str(&proposal.to_string()).unwrap();
        assert_eq!(read.keys().collect::<Vec<_>>(), ["name"]);
        assert_eq!(read["name"].as_str(), Some("a\"b"));
    }
}
