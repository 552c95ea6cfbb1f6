//! Where a path lies, and whether losing it ends a machine, a home or a project.

use ringfence_action::path::{absolute, is_within, parent};
use ringfence_action::{Action, EffectKind, Platform};

use super::classes::{self, Parts};
use super::glob;

/// The folders of an action that paths are measured against.
pub(super) struct World {
    /// The user's home, where it is known or can be told from the working folder.
    pub(super) home: Option<String>,
    /// The folders that the agent is meant to work in; not homes or parts of the system.
    pub(super) workspace: Vec<String>,
    cwd: Option<String>,
    /// Whether the action says where it runs.
    pub(super) anchored: bool,
}

impl World {
    /// Of nobody's action.
    pub(super) fn at_home(home: Option<&str>) -> Self {
        let home = home.map(str::to_owned);
        Self { home, workspace: Vec::new(), cwd: None, anchored: false }
    }

    pub(super) fn of(action: &Action) -> Self {
        let home = home(action);
        let tidy = |path: &str| absolute("/", &super::forward_slashes(path));
        let workspace: Vec<String> = action
            .workspace_roots()
            .map(tidy)
            .filter(|root| {
                home.as_deref() != Some(root.as_str()) && !is_everybodys(root) && root != "/"
            })
            .collect();
        let cwd = action.cwd.as_deref().map(tidy);
        let anchored = cwd.is_some();
        Self { home, workspace, cwd, anchored }
    }
}

/// Folders at the top that belong to the system or to all users.
fn is_everybodys(path: &str) -> bool {
    let parts = Parts { all: path.split('/').skip(1).collect(), pattern: false, homes: Vec::new() };
    matches!(path, "/home" | "/Users" | "/root" | "/tmp" | "/mnt" | "/media" | "/Volumes")
        || (parts.all.len() == 1 && place(&parts) == Some("system"))
}

/// The user's home: as given, or as the working folder tells.
pub(super) fn home(action: &Action) -> Option<String> {
    if let Some(home) = &action.home {
        return Some(absolute("/", &super::forward_slashes(home)));
    }
    let folders = action.cwd.iter().chain(&action.workspace);
    folders.map(|folder| super::forward_slashes(folder)).find_map(|folder| {
        let parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
        match parts.as_slice() {
            ["root", ..] => Some("/root".to_owned()),
            [base @ ("home" | "Users"), user, ..] => Some(format!("/{base}/{user}")),
            [drive, "Users", user, ..] if is_drive(drive) => Some(format!("/{drive}/Users/{user}")),
            _ => None,
        }
    })
}

pub(super) fn is_drive(part: &str) -> bool {
    matches!(part.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic())
}

/// The place that the data names for a path; `None` where it names none.
pub(super) fn place(path: &Parts<'_>) -> Option<&'static str> {
    classes::PLACES
        .iter()
        .find(|place| {
            place.system.iter().any(|parts| path.matches_system(parts))
                || place.home.iter().any(|parts| path.matches_home(parts))
        })
        .map(|place| place.name)
}

/// A path effect, as far as its danger depends on it.
#[derive(Clone, Copy)]
pub(super) struct Touch<'a> {
    pub(super) kind: EffectKind,
    pub(super) recursive: bool,
    /// The absolute path; a pattern if `pattern`.
    pub(super) path: &'a str,
    pub(super) pattern: bool,
    /// The folder in which it happens, where that is known.
    pub(super) cwd: Option<&'a str>,
}

/// Whether the path is one whose loss is a catastrophe, for this kind of effect.
pub(super) fn is_critical(world: &World, platform: Platform, touch: Touch<'_>) -> bool {
    match touch.kind {
        EffectKind::Delete => {}
        EffectKind::Metadata | EffectKind::Read if touch.recursive => {}
        EffectKind::Write | EffectKind::Create => return is_raw_device(touch.path),
        _ => return false,
    }
    let mut parts: Vec<&str> = touch.path.split('/').filter(|part| !part.is_empty()).collect();
    let written = parts.len();
    if touch.pattern {
        while parts.last().is_some_and(|part| glob::is_bare(part)) {
            parts.pop();
        }
    }
    let contents_only = parts.len() < written;
    if contents_only && parts.is_empty() {
        return true;
    }
    if parts.first() == Some(&"**") {
        // What the variable holds is unknown; if nothing, the rest is below the root.
        return touch.pattern && parts.len() == 1 && contents_only
            || matches!(parts.as_slice(), ["**", top] if ROOT_FOLDERS.contains(top));
    }
    let base = format!("/{}", parts.join("/"));
    if is_top(&parts, contents_only, platform) || is_home(world, &parts, touch.pattern) {
        return true;
    }
    // Below here: the agent's own working place. Re-moding or reading it is work, not ruin.
    touch.kind == EffectKind::Delete
        && (!contents_only || touch.recursive)
        && is_working_place(world, &base, &parts, touch)
}

/// Names directly below `/` that a variable which turns out empty would leave: `"$PREFIX"/usr`.
const ROOT_FOLDERS: &[&str] = &[
    "bin",
    "boot",
    "dev",
    "etc",
    "home",
    "lib",
    "lib64",
    "opt",
    "root",
    "sbin",
    "srv",
    "usr",
    "var",
    "Users",
    "System",
    "Library",
    "Applications",
];

/// `/`, its direct children, drives and theirs. What is *in* a scratch folder is not.
fn is_top(parts: &[&str], contents_only: bool, platform: Platform) -> bool {
    match parts {
        [] => true,
        ["tmp"] => !contents_only,
        [_] => true,
        ["var", "tmp"] | ["private", "tmp"] => !contents_only,
        ["private" | "System" | "Volumes", _] | ["mnt" | "media", _] => true,
        [drive, _] => is_drive(drive) || (platform == Platform::Windows && drive.len() == 1),
        ["mnt", drive, _] => drive.len() == 1,
        _ => false,
    }
}

fn is_home(world: &World, parts: &[&str], pattern: bool) -> bool {
    let same = |home: &str| {
        let home: Vec<&str> = home.split('/').filter(|part| !part.is_empty()).collect();
        home.len() == parts.len()
            && parts.iter().zip(home).all(|(a, b)| *a == b || (pattern && glob::may_mean(a, b)))
    };
    matches!(parts, ["home" | "Users", _] | ["root"] | ["var", "root"])
        || matches!(parts, [drive, "Users"] | [drive, "Users", _] if is_drive(drive))
        || world.home.as_deref().is_some_and(same)
        || world.home.as_deref().is_some_and(|home| {
            let path = format!("/{}", parts.join("/"));
            is_within(&path, home)
        })
}

/// The working folder, the workspace's roots, and what holds them.
fn is_working_place(world: &World, base: &str, parts: &[&str], touch: Touch<'_>) -> bool {
    let in_workspace =
        |path: &str| world.workspace.iter().any(|root| is_within(root, path) && root != path);
    // A folder the shell went into, inside the workspace or for scratch, is a target like any other.
    let visited = touch.cwd.filter(|cwd| !in_workspace(cwd) && !is_scratch(cwd));
    let own = world
        .cwd
        .as_deref()
        .filter(|cwd| !is_scratch(cwd) || world.workspace.iter().any(|root| is_within(root, cwd)));
    world.workspace.iter().map(String::as_str).chain(own).chain(visited).any(|place| {
        is_within(base, place)
            || (touch.pattern && {
                let place: Vec<&str> = place.split('/').filter(|part| !part.is_empty()).collect();
                place.len() >= parts.len()
                    && parts.iter().zip(place).all(|(a, b)| glob::may_mean(a, b))
            })
    })
}

fn is_scratch(path: &str) -> bool {
    let path = path.to_lowercase();
    let parts = Parts { all: path.split('/').skip(1).collect(), pattern: false, homes: Vec::new() };
    place(&parts) == Some("temp") && parent(&path) != "/"
}

fn is_raw_device(path: &str) -> bool {
    path.starts_with("/dev/") && {
        let path = path.to_lowercase();
        let parts =
            Parts { all: path.split('/').skip(1).collect(), pattern: false, homes: Vec::new() };
        classes::of(&parts).iter().any(|class| class.name == "device")
    }
}
