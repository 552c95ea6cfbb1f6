//! What a run was seen to do: told, never decided on.
//!
//! The kernel stops at a call, says what it is, and goes on with it; between the two the caller can change
//! what its arguments point to. So what stands here is what a run *said* it does. The walls hold whether or
//! not anybody looks, and what they refuse is worked out from the plan ([`Place`]).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::plan::{Place, Plan};

/// What is watched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observe {
    /// Whether also what is read and asked about, which costs more. What is told of it is what the plan
    /// keeps away.
    pub reads: bool,
    /// Whether a run that cannot be watched is started all the same.
    pub optional: bool,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// A program was executed.
    Exec,
    /// A connection was asked for: to an address and a port, or to a socket with a path.
    Connect,
    /// A file was opened so that it can be written, made or cut short.
    Write,
    /// A folder, a link or a device was made.
    Make,
    /// Something was renamed: both its names.
    Rename,
    /// Something was removed.
    Remove,
    /// Something was read, or asked about.
    Read,
}

impl Deed {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exec => "execute",
            Self::Connect => "connect",
            Self::Write => "write",
            Self::Make => "make",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::Read => "read",
        }
    }

    /// Whether it changes what is there.
    pub const fn changes(self) -> bool {
        match self {
            Self::Write | Self::Make | Self::Rename | Self::Remove => true,
            Self::Exec | Self::Connect | Self::Read => false,
        }
    }
}

/// Something that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sight {
    /// What was done.
    pub deed: Deed,
    /// To what: a path as it was seen inside, or an address.
    pub target: PathBuf,
    /// How often.
    pub times: u64,
    /// Where it lies, for what has a place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Whether the plan refuses it.
    #[serde(skip_serializing_if = "is_false")]
    pub refused: bool,
}

fn is_false(it: &bool) -> bool {
    !it
}

/// Why a system call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It mounts, or makes namespaces: a sandbox of the command's own.
    Nesting,
    /// It uses keys that the kernel keeps for the person outside.
    Keys,
    /// It reaches into other processes.
    Processes,
    /// It writes into the input of a terminal, or takes the console.
    Terminal,
    /// It makes a socket of a kind that is not there.
    Sockets,
    /// It is about the whole machine, or a part of the kernel that no command needs.
    Machine,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nesting => "no mounts and namespaces of its own are made inside",
            Self::Keys => "the keyring is that of the person outside",
            Self::Processes => "nobody reaches into other processes by it",
            Self::Terminal => "nobody types for the person at the terminal",
            Self::Sockets => "there are no raw sockets inside, and none of rare families",
            Self::Machine => "it is about the whole machine",
        })
    }
}

/// A system call that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedCall {
    /// Its name.
    pub call: String,
    /// Why it is refused.
    pub why: Why,
    /// How often.
    pub times: u64,
}

/// Everything that was seen of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Observed {
    /// By deed and target, in the order of first sight.
    pub sights: Vec<Sight>,
    /// Sights of more targets, which were only counted.
    pub more: u64,
    /// Calls of which it could not be read what they were about.
    pub unread: u64,
    /// System calls that were refused, by name. Calls that are not there at all, as on an older kernel, are not
    /// among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<RefusedCall>,
}

impl Observed {
    /// The same, with what was changed where it may be told by folder: a build changes thousands of files in a
    /// few.
    pub fn in_short(&self) -> Vec<Sight> {
        let mut short: Vec<Sight> = Vec::new();
        let mut known: HashMap<(Deed, PathBuf), usize> = HashMap::new();
        for sight in &self.sights {
            if sight.refused || !sight.deed.changes() {
                short.push(sight.clone());
                continue;
            }
            let folder = sight.target.parent().unwrap_or(&sight.target);
            let key = (sight.deed, folder.to_path_buf());
            if let Some(before) = known.get(&key).and_then(|at| short.get_mut(*at)) {
                before.times += sight.times;
            } else {
                known.insert(key, short.len());
                short.push(Sight { target: folder.to_path_buf(), ..sight.clone() });
            }
        }
        short
    }

    /// Whether the run may have made what has appeared at a path: it was seen to make something, or to give it a name,
    /// that is called as the path is, for a link may lead to the folder; or what it made leads there (`resolve` follows
    /// links), or is a link that was written through; or not everything was seen.
    pub(crate) fn may_have_made(
        &self,
        path: &Path,
        resolve: impl Fn(&Path) -> Option<PathBuf>,
    ) -> bool {
        if self.more > 0 || self.unread > 0 {
            return true;
        }
        let of = |deed: Deed| self.sights.iter().filter(move |it| it.deed == deed);
        let named = [Deed::Write, Deed::Make, Deed::Rename];
        let named = || named.into_iter().flat_map(of).map(|it| &it.target);
        if named().any(|it| it.file_name() == path.file_name()) {
            return true;
        }
        let made: HashSet<&PathBuf> = of(Deed::Make).map(|it| &it.target).collect();
        of(Deed::Write).any(|it| made.contains(&it.target))
            || named().any(|it| resolve(it).as_deref() == Some(path))
    }

    /// What the plan refused.
    pub fn refused(&self) -> impl Iterator<Item = &Sight> {
        self.sights.iter().filter(|it| it.refused)
    }
}

/// More targets than this are counted: names can be made up without end.
const MOST: usize = 50_000;

/// Sums up what is seen while a run lives.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// By text: to compare paths takes their parts apart, and this is done while a call waits.
    sums: HashMap<(Deed, OsString), (usize, u64)>,
    more: u64,
    pub(crate) unread: u64,
    refused: BTreeMap<(&'static str, Why), u64>,
}

impl Journal {
    /// A call that was refused.
    pub(crate) fn refused(&mut self, call: &'static str, why: Why) {
        *self.refused.entry((call, why)).or_default() += 1;
    }

    pub(crate) fn note(&mut self, deed: Deed, target: PathBuf) {
        let next = self.sums.len();
        let key = (deed, target.into_os_string());
        if let Some((_, times)) = self.sums.get_mut(&key) {
            *times += 1;
        } else if next < MOST {
            self.sums.insert(key, (next, 1));
        } else {
            self.more += 1;
        }
    }

    /// What it comes to. `outside` looks at the host: the path without links, as far as there is something,
    /// and whether the caller could do such a thing to it there. What fails outside too is not refused by a
    /// plan. Nothing: it lies where its words say, and nothing is refused there.
    pub(crate) fn told(
        self,
        plan: &Plan,
        mut outside: impl FnMut(Deed, &Path, Place) -> Option<(PathBuf, bool)>,
    ) -> Observed {
        let mut sums: Vec<_> = self.sums.into_iter().collect();
        sums.sort_unstable_by_key(|(_, (order, _))| *order);
        let mut sights = Vec::with_capacity(sums.len());
        for ((deed, target), (_, times)) in sums {
            let target = PathBuf::from(target);
            let mut sight = Sight { deed, target, times, place: None, refused: false };
            if sight.target.is_absolute() {
                let lexical = place(plan, deed, &sight.target);
                let own = lexical == Place::Own;
                let looked = (!own).then(|| outside(deed, &sight.target, lexical)).flatten();
                let (place, possible) = match looked {
                    Some((real, possible)) => (place(plan, deed, &real), possible),
                    None => (lexical, true),
                };
                sight.place = Some(place);
                // What is there outside is made in vain there, too; here it is missed.
                let missed = deed == Deed::Make && place == Place::Hidden;
                sight.refused = (possible || missed) && refuses(deed, place);
            }
            sights.push(sight);
        }
        let calls = self.refused.into_iter();
        let calls =
            calls.map(|((call, why), times)| RefusedCall { call: call.to_owned(), why, times });
        Observed { sights, more: self.more, unread: self.unread, calls: calls.collect() }
    }
}

fn place(plan: &Plan, deed: Deed, path: &Path) -> Place {
    match deed {
        Deed::Rename | Deed::Remove => plan.place_of_name(path),
        Deed::Exec | Deed::Connect | Deed::Write | Deed::Make | Deed::Read => plan.place(path),
    }
}

/// Whether something cannot be done in such a place.
pub(crate) const fn refuses(deed: Deed, place: Place) -> bool {
    match place {
        Place::Writable | Place::Own => false,
        Place::ReadOnly | Place::Protected | Place::Held => deed.changes(),
        Place::Masked | Place::Hidden => true,
    }
}
