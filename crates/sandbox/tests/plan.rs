//! Plans of hosts that exist nowhere, as text: what a run would see there.

#![expect(clippy::unwrap_used, reason = "the helpers of a test are not known as a test")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use ringfence_sandbox::{
    Doors, GapReason, Kind, Look, Place, Plan, Profile, Profiles, Request, seatbelt_profile,
};

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
            "/home/u/proj/.git/objects",
            "/home/u/proj/.git/refs",
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
        for file in [
            "/etc/shadow",
            "/home/u/proj/.git/HEAD",
            "/home/u/proj/.git/config",
            "/home/u/proj/.envrc",
        ] {
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

    fn has_other_names(&self, path: &Path) -> bool {
        path.ends_with("twice")
    }

    fn entries(&self, folder: &Path) -> Vec<(OsString, Kind)> {
        let inside = self.kinds.iter().filter(|(path, _)| path.parent() == Some(folder));
        inside.filter_map(|(path, kind)| Some((path.file_name()?.to_owned(), *kind))).collect()
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

/// The same plans for a system that this is not.
#[test]
fn the_words_of_seatbelt() {
    let host = Made::usual();
    insta::assert_snapshot!(seatbelt_profile(&plan(&request(), &host)).unwrap());
    let with = |change: &dyn Fn(&mut Request)| {
        let mut request = request();
        change(&mut request);
        seatbelt_profile(&plan(&request, &host)).unwrap()
    };
    let network = with(&|it| it.network = true);
    assert!(network.contains("(allow network*)"), "{network}");
    let doors = with(&|it| it.doors = Some(Doors::default()));
    assert!(doors.contains("(allow network-outbound (remote ip \"localhost:3128\"))"), "{doors}");
    assert_eq!(doors.matches('(').count(), doors.matches(')').count(), "{doors}");
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
fn a_protected_link_is_held_with_what_it_leads_to() {
    let host = Made::usual()
        .with("/home/u/proj/other", Kind::Folder)
        .link("/home/u/proj/.claude", "/home/u/proj/other");
    let plan = plan(&request(), &host);
    let held = |path: &str| plan.protect.iter().any(|it| it == Path::new(path));
    assert!(held("/home/u/proj/.claude") && held("/home/u/proj/other"), "{plan}");
}

#[test]
fn what_lies_behind_a_link_is_said_not_to_be_protected() {
    let host = Made::usual()
        .with("/home/u/proj/.git/info", Kind::Link)
        .with("/home/u/proj/.git/info/attributes", Kind::File);
    let plan = plan(&request(), &host);
    let gap = plan.gaps.iter().find(|it| it.path.ends_with("attributes")).map(|it| it.why);
    assert_eq!(gap, Some(GapReason::Link));
}

#[test]
fn repositories_and_names_in_subfolders_are_found() {
    let mut host =
        Made::usual().with("/home/u/proj/a", Kind::Folder).with("/home/u/proj/a/b", Kind::Folder);
    for (name, kind) in [
        ("b/.vscode", Kind::Folder),
        ("b/.git", Kind::Folder),
        ("b/.git/HEAD", Kind::File),
        ("b/.git/config", Kind::File),
        ("b/.git/objects", Kind::Folder),
        ("b/.git/refs", Kind::Folder),
        ("b/.git/hooks", Kind::Folder),
        ("sub", Kind::Folder),
        ("sub/.git", Kind::File),
    ] {
        host = host.with(&format!("/home/u/proj/a/{name}"), kind);
    }
    let plan = plan(&request(), &host);
    let below = |paths: &[PathBuf]| -> Vec<String> {
        let below = paths.iter().filter_map(|it| it.strip_prefix("/home/u/proj/a").ok());
        below.map(|it| it.display().to_string()).collect()
    };
    assert_eq!(below(&plan.protect), ["b/.git/hooks", "b/.vscode", "sub/.git"]);
    assert_eq!(below(&plan.settings), ["b/.git/config"]);
    assert_eq!(below(&plan.pin), ["", "b", "b/.git", "sub"]);
}

#[test]
fn secrets_of_a_workspace_cannot_be_opened_unless_they_are_named() {
    let mut host = Made::usual()
        .with("/home/u/proj/tests", Kind::Folder)
        .with("/home/u/proj/deploy", Kind::Folder);
    for name in [
        ".env",
        ".env.local",
        ".env.example",
        "tests/server.key",
        "deploy/server.key",
        "deploy/id_rsa.pub",
    ] {
        host = host.with(&format!("/home/u/proj/{name}"), Kind::File);
    }
    let masked = |request: &Request| -> Vec<String> {
        let plan = plan(request, &host);
        let inside = plan.mask.iter().filter_map(|it| it.path.strip_prefix("/home/u/proj").ok());
        inside.map(|it| it.display().to_string()).collect()
    };
    assert_eq!(masked(&request()), [".env", ".env.local", "deploy/server.key"]);
    let named = Request { read: vec!["/home/u/proj/.env".into()], ..request() };
    assert_eq!(masked(&named), [".env.local", "deploy/server.key"]);
}

#[test]
fn an_agent_keeps_its_state_and_cannot_change_what_it_obeys() {
    let mut host = Made::usual();
    for (name, kind) in [
        (".claude", Kind::Folder),
        (".claude/settings.json", Kind::File),
        (".claude/projects", Kind::Folder),
        (".claude.json", Kind::File),
    ] {
        host = host.with(&format!("/home/u/{name}"), kind);
    }
    let profile = Profiles::with([]).unwrap().for_command("claude").unwrap();
    insta::assert_snapshot!(Plan::for_command(&profile, &request(), &host).unwrap());
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

/// An agent inside asks the gate outside: of the folder where the state lies, there is one socket to be seen.
#[test]
fn of_a_workspace_only_what_is_known_to_change_is_written() {
    let host = Made::usual();
    let changes = |paths: &[&str]| Some(paths.iter().map(Into::into).collect());
    let plan = plan(
        &Request {
            changes: changes(&["/home/u/proj/out", "/home/u/proj/new/deep", "/etc/x"]),
            ..request()
        },
        &host,
    );
    let open: Vec<_> =
        plan.open.iter().map(|it| (it.folder.to_str().unwrap(), it.names.join(" "))).collect();
    assert_eq!(open, [("/home/u/proj", "new out".to_owned())]);
    for (path, place) in [
        ("/home/u/proj/out/x", Place::Writable),
        ("/home/u/proj/new/deep/x", Place::Writable),
        ("/home/u/proj/.git/index", Place::ReadOnly),
        ("/etc/x", Place::ReadOnly),
    ] {
        assert_eq!(plan.place(Path::new(path)), place, "{path}");
    }
    // The workspace itself is all of it, and nothing is nothing.
    let whole = Request { changes: changes(&["/home/u/proj"]), ..request() };
    assert_eq!(Plan::for_command(&Profile::plain().unwrap(), &whole, &host).unwrap().open, []);
    let nothing = Plan::for_command(
        &Profile::plain().unwrap(),
        &Request { changes: changes(&[]), ..request() },
        &host,
    );
    let nothing = nothing.unwrap();
    assert_eq!(nothing.place(Path::new("/home/u/proj/x")), Place::ReadOnly);
}

#[test]
fn the_door_of_the_gate_is_all_that_is_shown_of_the_state() {
    let (state, door) = ("/srv/state", "/srv/state/doors/7");
    let mut host = Made::usual()
        .with(state, Kind::Folder)
        .with("/srv/state/doors", Kind::Folder)
        .with(door, Kind::Other);
    host.sockets.push(door.into());
    let plain = Request { hide: vec![state.into()], ..request() };
    let shown = |plan: &Plan| plan.show.iter().any(|it| it.path.starts_with(state));
    assert!(!shown(&plan(&plain, &host)));
    let plan = plan(&Request { gate: Some(door.into()), ..plain }, &host);
    assert!(plan.hide.contains(&state.into()));
    let shown: Vec<_> = plan.show.iter().filter(|it| it.path.starts_with(state)).collect();
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert!(shown[0].path == Path::new(door) && !shown[0].write && !shown[0].folder, "{shown:?}");
    assert!(!plan.mask.iter().any(|mask| mask.path == Path::new(door)), "{:?}", plan.mask);
}
