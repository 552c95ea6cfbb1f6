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

use ringfence_sandbox::{Host, Plan, Profile, Request, Sandbox, Terms, Tier};

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
}

impl Place {
    pub fn new(user: User) -> Self {
        let root = tempfile::Builder::new().prefix("ringfence-").tempdir_in(base()).unwrap();
        let place = Self { root, user, network: false, tier: Some(Tier::A), in_place: false };
        for folder in [
            "home/.ssh",
            "home/.cargo/bin",
            "ws/.git/hooks",
            "ws/.git/info",
            "ws/.git/objects",
            "ws/.git/refs",
            "outside",
            "ws/src",
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
        ] {
            fs::write(place.path(file), text).unwrap();
        }
        std::os::unix::fs::symlink(place.path("outside"), place.path("ws/link")).unwrap();
        std::os::unix::fs::symlink(place.path("home/.ssh"), place.path("ws/keys")).unwrap();
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
            Some(Tier::C) => "C",
            None => "any",
        };
        let network = if self.network { "net" } else { "none" };
        let manner = if self.in_place { "in-place" } else { "alone" };
        command.arg(LAUNCH).arg(self.path("")).arg(tier).arg(network).arg(manner).args(argv);
        command.current_dir(self.path("ws")).stdin(Stdio::null());
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

fn own(path: &Path) {
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

/// What a test binary does when it is started as a launcher. Never comes back.
pub fn launch() -> ! {
    let mut arguments = std::env::args_os().skip(2);
    let root = PathBuf::from(arguments.next().unwrap());
    let tier = arguments.next().unwrap();
    let network = arguments.next().unwrap() == "net";
    let in_place = arguments.next().unwrap() == "in-place";
    let argv: Vec<OsString> = arguments.collect();
    let request = Request {
        workspace: vec![root.join("ws")],
        cwd: root.join("ws"),
        homes: vec![root.join("home")],
        environment: std::env::vars().collect(),
        network,
        read: std::env::current_exe().unwrap().parent().map(PathBuf::from).into_iter().collect(),
        ..Request::default()
    };
    let profile = Profile::plain().unwrap();
    let result = Plan::for_command(&profile, &request, &Host).and_then(|plan| {
        let require = match tier.to_str() {
            Some("A") => Some(Tier::A),
            _ => None,
        };
        if tier == "C" {
            forbid_namespaces();
        }
        let quarantine = Some(root.join("quarantine/1"));
        let terms = Terms { require, in_place, quarantine };
        Sandbox::run(&plan, &argv, &terms, &mut |support| {
            eprintln!("tier {}", support.tier.map_or_else(String::new, |it| it.to_string()));
        })
    });
    match result {
        Ok(ended) => {
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
