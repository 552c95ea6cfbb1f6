//! Which folders are covered, and what is laid on top of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{Link, Open, Show};
use crate::profile::Profile;
use crate::refusal::Refusal;
use crate::request::{Kind, Look, Request};

/// What of the host cannot be seen unless it is laid on top again.
pub(super) struct Covered<'a> {
    pub(super) hide: &'a [PathBuf],
    pub(super) private: &'a [PathBuf],
}

impl Covered<'_> {
    pub(super) fn covers(&self, path: &Path) -> bool {
        let own = ["/run", "/dev/shm"].map(Path::new);
        let places = self.hide.iter().chain(self.private).map(PathBuf::as_path);
        places.chain(own).any(|it| path.starts_with(it))
    }
}

/// Home folders, and what else is asked for.
pub(super) fn hidden(
    profile: &Profile,
    request: &Request,
    look: &dyn Look,
) -> Result<Vec<PathBuf>, Refusal> {
    if request.workspace.is_empty() {
        return Err(Refusal::new("no workspace is named", "name a folder with --workspace"));
    }
    let homes = request.homes.iter().filter_map(|it| look.resolve(it)).collect::<Vec<_>>();
    // The account's own home comes first; a home that the environment names may well lie inside of
    // the workspace, as that of a test does.
    for writable in request.workspace.iter().chain(&request.write) {
        let home = homes.first().is_some_and(|home| home.starts_with(writable));
        if home || writable == Path::new("/") {
            return Err(Refusal::new(
                format!("{} cannot be writable: it holds the home folder", writable.display()),
                "name a folder below it with --workspace",
            ));
        }
    }
    let system = profile.system.hide.iter().filter_map(|it| look.resolve(Path::new(it)));
    let asked = request.hide.iter().filter_map(|it| look.resolve(it));
    let inside = |path: &PathBuf| request.workspace.iter().any(|it| path.starts_with(it));
    let homes = homes.iter().filter(|home| !inside(home) && home.as_path() != Path::new("/"));
    let mut hide: Vec<PathBuf> = homes.cloned().chain(system).chain(asked).collect();
    hide.retain(|path| look.kind(path) == Kind::Folder);
    hide.sort();
    outermost(&mut hide);
    Ok(hide)
}

/// Folders that are the run's own.
pub(super) fn private(
    profile: &Profile,
    request: &Request,
    look: &dyn Look,
    hide: &[PathBuf],
) -> Vec<PathBuf> {
    let folders = profile.system.private.iter().filter_map(|it| look.resolve(Path::new(it)));
    // In a home folder that is hidden nothing is there, and each of these is made; but for what is the host's own.
    let homes = request.homes.iter().filter(|home| hide.iter().any(|it| home.starts_with(it)));
    let shared = |path: &Path, name: &String| {
        profile.home.write.contains(name) && look.kind(path) != Kind::Absent
    };
    let own = homes.flat_map(|home| {
        let named = profile.home.private.iter().map(|name| (home.join(name), name));
        named.filter(|(path, name)| !shared(path, name)).map(|(path, _)| path)
    });
    let mut folders: Vec<PathBuf> = folders.chain(own).collect();
    folders.sort();
    outermost(&mut folders);
    folders
}

/// Of sorted paths, those that lie in no other.
fn outermost(paths: &mut Vec<PathBuf>) {
    let mut kept: Vec<PathBuf> = Vec::new();
    for path in paths.drain(..) {
        if !kept.iter().any(|it| path.starts_with(it)) {
            kept.push(path);
        }
    }
    *paths = kept;
}

/// More entries than these are not held one by one.
const MOST_HELD: usize = 1000;

/// Folders of a workspace in which some names can be written, where it is known what of it is changed. What is not
/// reached without a link, or lies outside of every workspace, is not among them, and stays read-only.
pub(super) fn open(request: &Request, look: &dyn Look) -> Vec<Open> {
    let mut open: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    for change in request.changes.iter().flatten() {
        let inside = |it: &&PathBuf| change.starts_with(it) && change != *it;
        let Some(workspace) = request.workspace.iter().find(inside) else { continue };
        if let Some((folder, name)) = nearest(change, workspace, look) {
            open.entry(folder).or_default().insert(name);
        }
    }
    let open = open.into_iter();
    open.map(|(folder, names)| Open { folder, names: names.into_iter().collect() }).collect()
}

/// The innermost folder above a path that is there, and what of the path is in it.
fn nearest(path: &Path, workspace: &Path, look: &dyn Look) -> Option<(PathBuf, String)> {
    let mut path = path;
    loop {
        let folder = path.parent().filter(|it| it.starts_with(workspace))?;
        match look.kind(folder) {
            Kind::Folder if look.resolve(folder).as_deref() == Some(folder) => {
                return Some((folder.to_path_buf(), path.file_name()?.to_str()?.to_owned()));
            }
            Kind::Absent => path = folder,
            Kind::Folder | Kind::File | Kind::Link | Kind::Other => return None,
        }
    }
}

/// What is laid on top, outer before inner, and links to it.
pub(super) fn shown(
    profile: &Profile,
    request: &Request,
    look: &dyn Look,
    covered: &Covered<'_>,
    open: &[Open],
) -> Result<(Vec<Show>, Vec<Link>), Refusal> {
    let homes = request.homes.iter();
    let secret = homes.flat_map(|home| profile.home.secret.iter().map(|it| home.join(it)));
    // By its own name, and by what it leads to.
    let secret = secret.flat_map(|it| look.resolve(&it).into_iter().chain([it])).collect();
    let mut gather = Gather {
        look,
        covered,
        secret,
        homes: &request.homes,
        paths: BTreeMap::new(),
        held: BTreeSet::new(),
        links: Vec::new(),
    };
    for home in &request.homes {
        for name in &profile.home.read {
            gather.offer(&home.join(name), false);
        }
        for name in profile.home.write.iter().chain(&profile.home.make) {
            gather.offer(&home.join(name), true);
        }
    }
    for folder in program_folders(profile, request) {
        gather.offer(&folder, false);
    }
    for path in &profile.system.write {
        gather.offer(Path::new(path), true);
    }
    for path in &profile.system.run {
        gather.offer(Path::new(path), false);
    }
    if request.network {
        gather.offer(Path::new("/etc/resolv.conf"), false);
    }
    for path in request.read.iter().chain(&request.gate) {
        gather.demand(path, false)?;
    }
    let whole = |it: &PathBuf| request.changes.as_ref().is_none_or(|all| all.contains(it));
    let workspaces = request.workspace.iter().map(|it| (it, whole(it)));
    for (path, write) in workspaces.chain(request.write.iter().map(|it| (it, true))) {
        gather.demand(path, write)?;
        for git in look.git_folders(path) {
            gather.demand(&git, write)?;
        }
    }
    open.iter().try_for_each(|it| gather.open(it))?;
    Ok(gather.finish())
}

/// Folders of the host that are there in what is covered, without what is in them.
pub(super) fn empty(request: &Request, look: &dyn Look, covered: &Covered<'_>) -> Vec<PathBuf> {
    let there =
        request.empty.iter().filter(|it| look.kind(it) == Kind::Folder && covered.covers(it));
    there.cloned().collect()
}

/// Places that are readable where every one has to be named. One that holds what is hidden is not among
/// them: a rule cannot take back what another gives.
pub(super) fn readable(
    profile: &Profile,
    request: &Request,
    look: &dyn Look,
    hide: &[PathBuf],
) -> Vec<PathBuf> {
    let system = profile.system.read.iter().map(PathBuf::from);
    let places =
        system.chain(program_folders(profile, request)).chain(request.read.iter().cloned());
    let places = places.filter_map(|it| look.resolve(&it));
    let mut places: Vec<PathBuf> = places
        .filter(|it| !hide.iter().any(|hidden| hidden.starts_with(it) || it.starts_with(hidden)))
        .collect();
    places.sort();
    outermost(&mut places);
    places
}

/// Folders of `PATH` that are named as folders of programs are. A folder of keys is not shown for
/// being put into a variable.
fn program_folders(profile: &Profile, request: &Request) -> Vec<PathBuf> {
    let path = request.environment.iter().find(|(name, _)| name == "PATH");
    let folders = path.map(|(_, value)| value.as_str()).unwrap_or_default().split(':');
    let folders = folders.filter(|it| it.starts_with('/')).map(PathBuf::from);
    let named = |it: &PathBuf| {
        let name = it.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| profile.home.programs.iter().any(|it| it == name))
    };
    folders.filter(named).collect()
}

struct Gather<'a> {
    look: &'a dyn Look,
    covered: &'a Covered<'a>,
    homes: &'a [PathBuf],
    /// What is never shown of them.
    secret: Vec<PathBuf>,
    /// Path → whether it can be written.
    paths: BTreeMap<PathBuf, bool>,
    /// What is laid on itself whatever is around it, so that it stays where it is and as it is.
    held: BTreeSet<PathBuf>,
    links: Vec<Link>,
}

impl Gather<'_> {
    /// Shows a path if it is there, and is not a secret by another name.
    fn offer(&mut self, path: &Path, write: bool) {
        let Some(target) = self.look.resolve(path) else { return };
        // Nor one that leads to a folder above secrets, or above what is hidden: it would bring all of
        // that back.
        let covers = self.covered.hide.iter().chain(&self.secret).chain(self.homes);
        let mut above = covers.filter(|it| it.starts_with(&target));
        if above.next().is_some() || self.is_secret(&target) {
            return;
        }
        if target != path && self.look.kind(path) == Kind::Link && self.covered.covers(path) {
            self.links.push(Link { at: path.to_path_buf(), to: target.clone() });
        }
        self.add(target, write);
    }

    fn is_secret(&self, path: &Path) -> bool {
        self.secret.iter().any(|it| path.starts_with(it))
    }

    /// Shows a path that was asked for by name.
    fn demand(&mut self, path: &Path, write: bool) -> Result<(), Refusal> {
        let Some(target) = self.look.resolve(path) else {
            return Err(Refusal::new(
                format!("{} does not exist", path.display()),
                "make it first, or leave it out",
            ));
        };
        self.add(target, write);
        Ok(())
    }

    fn add(&mut self, path: PathBuf, write: bool) {
        let slot = self.paths.entry(path).or_insert(write);
        *slot = *slot || write;
    }

    /// A folder in which some names can be written: everything else in it is held.
    fn open(&mut self, open: &Open) -> Result<(), Refusal> {
        self.demand(&open.folder, true)?;
        let entries = self.look.entries(&open.folder).into_iter();
        for (name, _) in entries.filter(|(name, _)| !open.holds(name)) {
            let path = open.folder.join(name);
            self.add(path.clone(), false);
            self.held.insert(path);
        }
        if self.held.len() > MOST_HELD {
            let what = format!("{} holds more than can be kept one by one", open.folder.display());
            return Err(Refusal::of_request(what, "write in a folder of its own"));
        }
        Ok(())
    }

    fn finish(self) -> (Vec<Show>, Vec<Link>) {
        let mut show: Vec<Show> = Vec::new();
        for (path, write) in self.paths {
            let outer = show.iter().rev().find(|it| path.starts_with(&it.path));
            let needed = match outer {
                _ if self.held.contains(&path) => true,
                Some(outer) => write && !outer.write,
                None => write || self.covered.covers(&path),
            };
            if needed {
                let folder = self.look.kind(&path) == Kind::Folder;
                show.push(Show { path, write, folder });
            }
        }
        (show, self.links)
    }
}
