//! A throw-away host for tests: a home with a secret, a workspace with a repository, and a way to run
//! something inside, as root or as `nobody`.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a test without a harness is not known as a test, and each uses its part of this"
)]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use ringfence_sandbox::{
    Limits, Plan, Profiles, Request, Sandbox, Snapshot, Terms, Tier, Wall, Walls,
};

/// The word in the first argument that makes a test binary a launcher.
pub const LAUNCH: &str = "ringfence-test-launch";

/// Who runs the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// Whoever runs the tests.
    Caller,
    /// uid 65534, if the tests run as root.
    Nobody,
}

/// A folder that is a small host: `home` with secrets, `ws` as the workspace.
pub struct Place {
    root: tempfile::TempDir,
    user: User,
    pub network: bool,
    pub tier: Option<Tier>,
    /// Whether what is left in the background lives on, and where a shell ended is printed.
    pub in_place: bool,
    /// Whether a sandbox can be set up inside.
    pub nested: bool,
    /// Whether there may be few processes, short files and little memory.
    pub limited: bool,
    /// Whether what is written is kept apart.
    pub strict: bool,
    /// Walls that are taken away, and whether that may be noticed.
    pub without: Vec<String>,
    pub witness: bool,
    /// Whether a folder becomes a link between the plan and the start.
    pub planted: bool,
    /// Another folder as the workspace.
    pub elsewhere: Option<PathBuf>,
    /// Whether there is little time.
    pub short: bool,
}

impl Place {
    pub fn new(user: User) -> Self {
        let root = tempfile::Builder::new().prefix("ringfence-").tempdir_in(base()).unwrap();
        let place = Self {
            root,
            user,
            network: false,
            tier: Some(Tier::A),
            in_place: false,
            nested: false,
            limited: false,
            strict: false,
            without: Vec::new(),
            witness: false,
            planted: false,
            elsewhere: None,
            short: false,
        };
        for folder in [
            "home/.ssh",
            "home/.cargo/bin",
            "outside",
            "state",
            "ws/.git/hooks",
            "ws/.git/info",
            "ws/.git/objects",
            "ws/.git/refs",
            "ws/.vscode",
            "ws/idea",
            "ws/src/.vscode",
            "ws/src/.git/hooks",
            "ws/src/.git/objects",
            "ws/src/.git/refs",
        ] {
            fs::create_dir_all(place.path(folder)).unwrap();
        }
        for (file, text) in [
            ("home/.ssh/id_ed25519", "CANARY"),
            ("home/notes", "CANARY"),
            ("outside/file", "CANARY"),
            ("ws/.git/config", "[core]\n\trepositoryformatversion = 0\n"),
            ("ws/.git/HEAD", "ref: refs/heads/main\n"),
            ("ws/.git/hooks/pre-commit", "#!/bin/sh\n"),
            ("ws/.envrc", "true\n"),
            ("ws/src/main", "text\n"),
            ("ws/src/server.key", "CANARY"),
            ("ws/.env", "CANARY"),
            ("ws/.vscode/tasks.json", "{}\n"),
            ("ws/src/.vscode/tasks.json", "{}\n"),
            ("ws/src/.git/HEAD", "ref: refs/heads/main\n"),
            ("ws/src/.git/config", "[core]\n\trepositoryformatversion = 0\n"),
            ("ws/src/.git/hooks/pre-commit", "#!/bin/sh\n"),
            ("state/audit", "CANARY"),
        ] {
            fs::write(place.path(file), text).unwrap();
        }
        std::os::unix::fs::symlink(place.path("outside"), place.path("ws/link")).unwrap();
        std::os::unix::fs::symlink(place.path("home/.ssh"), place.path("ws/keys")).unwrap();
        std::os::unix::fs::symlink("idea", place.path("ws/.idea")).unwrap();
        if user == User::Nobody {
            own(&place.path(""));
        }
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        let root = self.root.path().canonicalize().unwrap();
        if name.is_empty() { root } else { root.join(name) }
    }

    /// A command that runs `argv` inside, from the workspace.
    pub fn command(&self, argv: &[&str]) -> Command {
        let own = std::env::current_exe().unwrap();
        let program = self.program(&[own.to_str().unwrap()]);
        let mut command = Command::new(&program[0]);
        command.args(&program[1..]);
        let tier = match self.tier {
            Some(Tier::A) => "A",
            Some(Tier::B) => "B",
            Some(Tier::C) => "C",
            None => "any",
        };
        let mut options = vec![format!("tier={tier}")];
        let flags = [
            ("network", self.network),
            ("in-place", self.in_place),
            ("nested", self.nested),
            ("limited", self.limited),
            ("strict", self.strict),
            ("witness", self.witness),
            ("planted", self.planted),
            ("short", self.short),
        ];
        options.extend(flags.iter().filter(|(_, set)| *set).map(|(name, _)| (*name).to_owned()));
        options.extend(self.elsewhere.iter().map(|it| format!("elsewhere={}", it.display())));
        options.extend(self.without.iter().map(|it| format!("without={it}")));
        command.arg(LAUNCH).arg(self.path("")).arg(options.join(",")).args(argv);
        let here = self.elsewhere.clone().unwrap_or_else(|| self.path("ws"));
        command.current_dir(here).stdin(Stdio::null());
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.env("HOME", self.path("home")).env("GITHUB_TOKEN", "CANARY");
        command
    }

    /// The same program, started as this place's user.
    pub fn program(&self, argv: &[&str]) -> Vec<String> {
        let other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
        let prefix: &[&str] = if self.user == User::Nobody { &other } else { &[] };
        prefix.iter().chain(argv).map(|it| (*it).to_owned()).collect()
    }

    pub fn output(&self, argv: &[&str]) -> Output {
        self.command(argv).output().unwrap()
    }

    pub fn shell(&self, code: &str) -> Output {
        self.output(&["/bin/sh", "-c", code])
    }
}

/// Not below /tmp, which is replaced inside, unless nothing else is there.
fn base() -> PathBuf {
    let var = Path::new("/var/lib");
    let probe = tempfile::Builder::new().tempdir_in(var);
    if probe.is_ok() { var.to_path_buf() } else { PathBuf::from("/tmp") }
}

pub fn own(path: &Path) {
    let walk = Command::new("chown").arg("-R").arg("-h").arg("65534:65534").arg(path).status();
    assert!(walk.unwrap().success());
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Who can be tried: whoever runs the tests, and another user too if that is root.
pub fn users() -> Vec<User> {
    // SAFETY: no arguments, cannot fail.
    let root = unsafe { libc::geteuid() == 0 };
    if root { vec![User::Caller, User::Nobody] } else { vec![User::Caller] }
}

/// Whether a tier can be had here: one of them needs a program of the system.
pub fn is_there(tier: Tier) -> bool {
    tier != Tier::B || Path::new("/usr/bin/bwrap").exists()
}

/// What a test binary does when it is started as a launcher. Never comes back.
pub fn launch() -> ! {
    let mut arguments = std::env::args_os().skip(2);
    let root = PathBuf::from(arguments.next().unwrap());
    let options = arguments.next().unwrap().into_string().unwrap();
    let has = |name: &str| options.split(',').any(|it| it == name);
    let without: Vec<&str> =
        options.split(',').filter_map(|it| it.strip_prefix("without=")).collect();
    let elsewhere = options.split(',').find_map(|it| it.strip_prefix("elsewhere="));
    let workspace = elsewhere.map_or_else(|| root.join("ws"), PathBuf::from);
    let in_place = has("in-place");
    let argv: Vec<OsString> = arguments.collect();
    let pass = without.contains(&"Environment").then(|| std::env::vars().map(|(name, _)| name));
    let few = Limits {
        processes: Some(310),
        memory: Some(2 << 30),
        file_size: Some(20 << 20),
        ..Limits::default()
    };
    let request = Request {
        workspace: vec![workspace.clone()],
        cwd: workspace,
        homes: vec![root.join("home")],
        environment: std::env::vars().collect(),
        network: has("network"),
        pass: pass.into_iter().flatten().collect(),
        hide: vec![root.join("state")],
        strict: has("strict"),
        limits: if has("limited") { few } else { Limits::default() },
        read: std::env::current_exe().unwrap().parent().map(PathBuf::from).into_iter().collect(),
        ..Request::default()
    };
    let profile = Profiles::with([]).unwrap().named(if has("nested") { "nested" } else { "plain" });
    let profile = profile.unwrap();
    let result = Plan::for_command(&profile, &request, &Snapshot::default()).and_then(|plan| {
        let require = has("tier=A").then_some(Tier::A).or(has("tier=B").then_some(Tier::B));
        if has("tier=C") {
            forbid_namespaces();
        }
        if has("planted") {
            fs::rename(root.join("ws/src"), root.join("ws/was")).unwrap();
            std::os::unix::fs::symlink(root.join("home/.ssh"), root.join("ws/src")).unwrap();
        }
        let quarantine = Some(root.join("quarantine/1"));
        let terms = Terms {
            require,
            in_place,
            quarantine,
            touched: true,
            best: has("tier=B").then_some(Tier::B),
            longest: has("short").then_some(std::time::Duration::from_millis(600)),
            walls: walls(&without, has("witness")),
            observe: None,
        };
        Sandbox::run(&plan, &argv, &terms, &mut |support| {
            if !support.missing.is_empty() {
                eprintln!("tier {}", support.tier.map_or_else(String::new, |it| it.to_string()));
            }
            for missing in &support.missing {
                eprintln!("  {missing}");
            }
        })
    });
    match result {
        Ok(ended) => {
            for it in &ended.after.appeared {
                eprintln!("appeared: {}", it.path.display());
            }
            for it in ended.after.vanished() {
                eprintln!("vanished: {}", it.path.display());
            }
            for note in &ended.after.notes {
                eprintln!("{note}");
            }
            if in_place {
                eprintln!("folder {:?}, left running: {}", ended.folder, ended.left_running);
            }
            std::process::exit(ended.code.into())
        }
        Err(refusal) => {
            eprintln!("refused: {refusal}");
            std::process::exit(refusal.exit_code().into())
        }
    }
}

fn walls(without: &[&str], witness: bool) -> Walls {
    let named = |name: &&str| {
        Some(match *name {
            "Mounts" => Wall::Mounts,
            "Held" => Wall::Held,
            "Pins" => Wall::Pins,
            "Masks" => Wall::Masks,
            "Copies" => Wall::Copies,
            "After" => Wall::After,
            "Processes" => Wall::Processes,
            "Shared" => Wall::Shared,
            "Network" => Wall::Network,
            "Landlock" => Wall::Landlock,
            "Calls" => Wall::Calls,
            "Privileges" => Wall::Privileges,
            "Descriptors" => Wall::Descriptors,
            "Ids" => Wall::Ids,
            "Limits" => Wall::Limits,
            // It was passed on when it was planned.
            _ => return None,
        })
    };
    let gone = without.iter().filter_map(named).collect::<Vec<_>>();
    let blind = (!gone.is_empty() && !witness).then_some(Wall::Witness);
    Walls::without(gone.into_iter().chain(blind))
}

/// Makes this process one that a container keeps from new namespaces.
fn forbid_namespaces() {
    use seccompiler::{
        SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    };
    let flag = libc::CLONE_NEWUSER.unsigned_abs().into();
    let operator = SeccompCmpOp::MaskedEq(flag);
    let condition = SeccompCondition::new(0, SeccompCmpArgLen::Qword, operator, flag).unwrap();
    let rule = SeccompRule::new(vec![condition]).unwrap();
    let filter = SeccompFilter::new(
        [(libc::SYS_clone, vec![rule])].into_iter().collect(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM.unsigned_abs()),
        std::env::consts::ARCH.try_into().unwrap(),
    );
    let program: seccompiler::BpfProgram = filter.unwrap().try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
}
