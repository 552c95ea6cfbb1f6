//! The plan's mounts and namespaces in the words of `bwrap`, in the order of [`mounts`](super::super::mounts).

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::super::host::Host;
use crate::plan::{Mask, Plan};
use crate::request::{Kind, Look};
use crate::walls::{Wall, Walls};

/// Parts of /proc that root could write without any capability: `bwrap` covers only what can be
/// written as a folder.
const KERNEL: [&str; 7] = [
    "/proc/acpi",
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/scsi",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

/// Every argument but the command, each ended by a NUL. `masks`: those of the plan's that are there. `privileged`: it
/// may do without a user namespace.
pub(super) fn of(
    plan: &Plan,
    masks: &[&Mask],
    walls: &Walls,
    root: bool,
    privileged: bool,
) -> Vec<u8> {
    // One that has root's rights takes none from others.
    let mut words = Words { all: Vec::new(), sized: !privileged };
    spaces(&mut words, plan, walls, root, privileged);
    mounts(&mut words, plan, masks, walls, root);
    words.add(["--chdir"]).path(&plan.cwd);
    words.all.iter().flat_map(|it| it.as_bytes().iter().copied().chain([0])).collect()
}

struct Words {
    all: Vec<OsString>,
    /// Whether a size may be given.
    sized: bool,
}

impl Words {
    fn add<'a>(&mut self, words: impl IntoIterator<Item = &'a str>) -> &mut Self {
        self.all.extend(words.into_iter().map(OsString::from));
        self
    }

    fn path(&mut self, path: &Path) -> &mut Self {
        self.all.push(path.as_os_str().to_owned());
        self
    }

    /// A part of the host, where it is.
    fn bind(&mut self, how: &str, path: &Path) {
        self.add([how]).path(path).path(path);
    }

    fn memory(&mut self, mode: &str, size: u64, path: &Path) {
        self.add(["--perms", mode]);
        if self.sized {
            self.add(["--size", &size.to_string()]);
        }
        self.add(["--tmpfs"]).path(path);
    }

    fn seal(&mut self, path: &Path) {
        self.add(["--remount-ro"]).path(path);
    }
}

fn spaces(words: &mut Words, plan: &Plan, walls: &Walls, root: bool, privileged: bool) {
    words.add(["--die-with-parent", "--unshare-uts", "--unshare-cgroup-try"]);
    match (privileged, walls.stands(Wall::Ids)) {
        (true, _) => words.add(["--unshare-user-try"]),
        (false, false) if root => words,
        (false, _) => words.add(["--unshare-user"]),
    };
    if walls.stands(Wall::Processes) {
        words.add(["--unshare-pid", "--as-pid-1"]);
    }
    if walls.stands(Wall::Shared) {
        words.add(["--unshare-ipc"]);
    }
    if !plan.network && walls.stands(Wall::Network) {
        words.add(["--unshare-net"]);
    }
    if walls.stands(Wall::Privileges) {
        words.add(["--cap-drop", "ALL"]);
    }
}

fn mounts(words: &mut Words, plan: &Plan, masks: &[&Mask], walls: &Walls, root: bool) {
    const SMALL: u64 = 1 << 20;
    let stands = |wall| walls.stands(wall);
    let sealed = stands(Wall::Mounts);
    words.bind(if sealed { "--ro-bind" } else { "--dev-bind" }, Path::new("/"));
    for path in plan.pin.iter().filter(|_| stands(Wall::Pins)) {
        words.bind("--bind", path);
    }
    let run = PathBuf::from("/run");
    if sealed {
        let hide = plan.hide.iter().chain([&run]).map(|it| (it, "0755", SMALL));
        let private = plan.private.iter().map(|it| (it, "1777", plan.limits.private_bytes));
        let mut covers: Vec<_> = hide.chain(private).collect();
        covers.sort_by_key(|(path, ..)| path.components().count());
        for (path, mode, size) in covers {
            words.memory(mode, size, path);
        }
        words.add(["--dev", "/dev"]);
        words.memory("1777", plan.limits.private_bytes, Path::new("/dev/shm"));
        for show in plan.show.iter().filter(|it| it.path != Path::new("/dev")) {
            words.bind(if show.write { "--bind" } else { "--ro-bind" }, &show.path);
        }
        for link in &plan.links {
            words.add(["--symlink"]).path(&link.to).path(&link.at);
        }
    }
    for path in plan.empty.iter().filter(|_| sealed) {
        words.add(["--dir"]).path(path);
    }
    for path in plan.protect.iter().filter(|it| stands(Wall::Held) && Host.kind(it) != Kind::Link) {
        words.bind("--ro-bind", path);
    }
    for mask in masks.iter().filter(|_| stands(Wall::Masks)) {
        if mask.folder {
            words.memory("0000", 4096, &mask.path);
            words.seal(&mask.path);
        } else {
            words.add(["--ro-bind", "/dev/null"]).path(&mask.path);
        }
    }
    if sealed {
        words.seal(Path::new("/dev"));
        if stands(Wall::Processes) {
            words.add(["--proc", "/proc"]);
            for path in KERNEL.iter().filter(|_| root && stands(Wall::Ids)) {
                words.bind("--ro-bind-try", Path::new(OsStr::new(path)));
            }
        }
        for path in plan.hide.iter().chain([&run]) {
            words.seal(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::profile::Profile;
    use crate::request::Request;

    /// A host with a workspace that holds a protected folder.
    struct Small;

    impl Look for Small {
        fn kind(&self, path: &Path) -> Kind {
            match path.to_str() {
                Some("/ws" | "/ws/a" | "/ws/a/.vscode" | "/home" | "/tmp" | "/home/u") => {
                    Kind::Folder
                }
                Some("/ws/.env") => Kind::File,
                _ => Kind::Absent,
            }
        }

        fn resolve(&self, path: &Path) -> Option<PathBuf> {
            (self.kind(path) != Kind::Absent).then(|| path.to_path_buf())
        }

        fn has_other_names(&self, _: &Path) -> bool {
            false
        }

        fn entries(&self, folder: &Path) -> Vec<(OsString, Kind)> {
            match folder.to_str() {
                Some("/ws") => vec![("a".into(), Kind::Folder), (".env".into(), Kind::File)],
                Some("/ws/a") => vec![(".vscode".into(), Kind::Folder)],
                _ => Vec::new(),
            }
        }

        fn git_folders(&self, _: &Path) -> Vec<PathBuf> {
            Vec::new()
        }

        fn sockets(&self) -> Vec<PathBuf> {
            Vec::new()
        }
    }

    fn plan(network: bool) -> Plan {
        let request = Request {
            workspace: vec!["/ws".into()],
            cwd: "/ws".into(),
            homes: vec!["/home/u".into()],
            network,
            ..Request::default()
        };
        Plan::for_command(&Profile::plain().unwrap(), &request, &Small).unwrap()
    }

    fn said(network: bool, root: bool) -> Vec<String> {
        let plan = plan(network);
        let masks: Vec<&Mask> = plan.mask.iter().collect();
        let bytes = of(&plan, &masks, &Walls::default(), root, false);
        let words = bytes.split(|it| *it == 0).map(|it| String::from_utf8(it.to_vec()).unwrap());
        words.collect()
    }

    #[test]
    fn pins_are_buried_and_what_is_held_lies_on_top() {
        let words = said(false, false).join(" ");
        let order = [
            "--ro-bind / /",
            "--bind /ws/a /ws/a",
            "--tmpfs /home",
            "--dev /dev",
            "--bind /ws /ws",
            "--ro-bind /ws/a/.vscode /ws/a/.vscode",
            "--ro-bind /dev/null /ws/.env",
            "--proc /proc",
            "--remount-ro /home",
            "--remount-ro /run",
            "--chdir /ws",
        ];
        let at: Vec<usize> = order.iter().map(|it| words.find(it).expect(it)).collect();
        assert!(at.is_sorted(), "{words}");
    }

    #[test]
    fn a_plan_is_the_same_when_it_was_told() {
        let plan = plan(false);
        let told: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
        assert_eq!(told.to_string(), plan.to_string());
    }

    #[test]
    fn every_space_is_its_own_but_the_network_that_was_asked_for() {
        let of = |network, root| said(network, root).into_iter().collect::<BTreeSet<_>>();
        let all = ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"];
        assert!(all.iter().all(|it| of(false, false).contains(*it)));
        assert!(of(false, false).contains("--unshare-net"));
        assert!(!of(true, false).contains("--unshare-net"));
        assert!(of(false, true).contains("/proc/sys") && !of(false, false).contains("/proc/sys"));
    }
}
