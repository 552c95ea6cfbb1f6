//! Plans of hosts that exist nowhere, as text: what a run would see there.

#![expect(clippy::unwrap_used, reason = "the helpers of a test are not known as a test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ringfence_sandbox::{GapReason, Kind, Look, Plan, Profile, Request};

/// A host made of a list of paths.
#[derive(Default)]
struct Made {
    kinds: BTreeMap<PathBuf, Kind>,
    links: BTreeMap<PathBuf, PathBuf>,
    sockets: Vec<PathBuf>,
}

impl Made {
    /// A developer's machine: a home with keys and a toolchain, and a repository in it.
    fn usual() -> Self {
        let mut host = Self::default();
        for folder in [
            "/",
            "/etc",
            "/home",
            "/home/u",
            "/home/u/.ssh",
            "/home/u/.cargo",
            "/home/u/.cargo/bin",
            "/home/u/.cargo/registry",
            "/home/u/proj",
            "/home/u/proj/.git",
            "/home/u/proj/.git/hooks",
            "/home/u/proj/.git/info",
            "/root",
            "/run",
            "/tmp",
            "/usr",
            "/usr/bin",
            "/var",
            "/var/tmp",
            "/var/lib",
            "/srv",
        ] {
            host.kinds.insert(folder.into(), Kind::Folder);
        }
        for file in ["/etc/shadow", "/home/u/proj/.git/config", "/home/u/proj/.envrc"] {
            host.kinds.insert(file.into(), Kind::File);
        }
        host
    }

    fn with(mut self, path: &str, kind: Kind) -> Self {
        self.kinds.insert(path.into(), kind);
        self
    }

    fn link(mut self, at: &str, to: &str) -> Self {
        self.kinds.insert(at.into(), Kind::Link);
        self.links.insert(at.into(), to.into());
        self
    }
}

impl Look for Made {
    fn kind(&self, path: &Path) -> Kind {
        self.kinds.get(path).copied().unwrap_or(Kind::Absent)
    }

    fn resolve(&self, path: &Path) -> Option<PathBuf> {
        let path = self.links.get(path).map_or(path, PathBuf::as_path);
        self.kinds.contains_key(path).then(|| path.to_path_buf())
    }

    fn git_folders(&self, folder: &Path) -> Vec<PathBuf> {
        let git = folder.join(".git");
        if self.kind(&git) == Kind::Folder { vec![git] } else { Vec::new() }
    }

    fn sockets(&self) -> Vec<PathBuf> {
        self.sockets.clone()
    }
}

fn request() -> Request {
    let told = [
        ("PATH", "/home/u/.cargo/bin:/home/u/.ssh:/usr/bin"),
        ("HOME", "/home/u"),
        ("LANG", "C.UTF-8"),
        ("GITHUB_TOKEN", "secret"),
        ("GOPROXY", "https://user:secret@proxy.example"),
        ("LD_PRELOAD", "/home/u/x.so"),
    ];
    Request {
        workspace: vec!["/home/u/proj".into()],
        cwd: "/home/u/proj".into(),
        homes: vec!["/home/u".into()],
        environment: told.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        ..Request::default()
    }
}

fn plan(request: &Request, host: &Made) -> Plan {
    Plan::for_command(&Profile::plain().unwrap(), request, host).unwrap()
}

fn refused(request: &Request, host: &Made) -> String {
    Plan::for_command(&Profile::plain().unwrap(), request, host).unwrap_err().to_string()
}

#[test]
fn a_repository_in_a_home_folder() {
    insta::assert_snapshot!(plan(&request(), &Made::usual()));
}

#[test]
fn with_the_network_and_sockets_of_the_host() {
    let mut host = Made::usual()
        .with("/srv/docker.sock", Kind::Other)
        .with("/run/docker.sock", Kind::Other)
        .with("/home/u/proj/dev.sock", Kind::Other);
    host.sockets = host.kinds.keys().filter(|it| it.extension().is_some()).cloned().collect();
    let request = Request { network: true, ..request() };
    insta::assert_snapshot!(plan(&request, &host));
}

#[test]
fn a_folder_of_keys_is_not_shown_for_being_on_the_path() {
    let plan = plan(&request(), &Made::usual());
    assert!(plan.show.iter().all(|it| !it.path.starts_with("/home/u/.ssh")));
}

#[test]
fn a_cache_that_is_a_link_to_keys_is_not_shown() {
    let host = Made::usual().link("/home/u/.npm/_cacache", "/home/u/.ssh");
    let host = host.link("/home/u/.pyenv", "/home/u");
    let plan = plan(&request(), &host);
    assert!(plan.show.iter().all(|it| it.path != Path::new("/home/u/.ssh")), "{plan}");
    assert!(plan.show.iter().all(|it| it.path != Path::new("/home/u")), "{plan}");
}

#[test]
fn keys_in_a_workspace_are_masked() {
    let request = Request { write: vec!["/home/u/.ssh".into()], ..request() };
    let plan = plan(&request, &Made::usual());
    assert!(plan.mask.iter().any(|it| it.path == Path::new("/home/u/.ssh")), "{plan}");
}

#[test]
fn what_is_protected_by_a_link_is_said_not_to_be() {
    let host = Made::usual().link("/home/u/proj/.claude", "/home/u/proj/other");
    let plan = plan(&request(), &host);
    let gap = plan.gaps.iter().find(|it| it.path.ends_with(".claude")).map(|it| it.why);
    assert_eq!(gap, Some(GapReason::Link));
}

#[test]
fn a_home_folder_is_never_writable_as_a_whole() {
    for folder in ["/home/u", "/home", "/"] {
        let request = Request { workspace: vec![folder.into()], cwd: folder.into(), ..request() };
        let text = refused(&request, &Made::usual());
        assert!(text.contains("holds the home folder"), "{text}");
    }
}

#[test]
fn nothing_starts_where_it_could_not_see_where_it_is() {
    let request = Request { cwd: "/home/u".into(), ..request() };
    assert!(refused(&request, &Made::usual()).contains("which is hidden"));
}

#[test]
fn the_same_request_makes_the_same_plan() {
    assert_eq!(plan(&request(), &Made::usual()), plan(&request(), &Made::usual()));
}
