//! Ways out of a sandbox that were tried on others, executed for real.
//!
//! Each row is one attempt and the walls that stop it. It runs inside, as whoever runs the tests and,
//! where that is root, as `nobody` too. A row with a control is also run without any sandbox, where it
//! has to succeed: a test that cannot fail shows nothing.
//!
//! Everything happens in throw-away folders, and against listeners and processes of the test's own.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test without a harness is not known as a test"
)]

mod attempts;
mod support;

use std::fs;
use std::io::Read;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use ringfence_sandbox::Tier;

use crate::support::{Place, User};

/// One way out.
struct Row {
    /// What is tried.
    name: &'static str,
    /// What stops it, in tier A.
    walls: &'static [Wall],
    attempt: Attempt,
    /// Whether the same attempt succeeds where nothing stops it.
    control: bool,
    /// The tiers that stop it.
    tiers: &'static [Tier],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wall {
    Mounts,
    Pins,
    Processes,
    Network,
    Landlock,
    Calls,
    Privileges,
    Environment,
    Descriptors,
    Ids,
}

#[derive(Clone, Copy)]
enum Attempt {
    /// A shell script; `CANARY` or `REACHED` in its output means that it got out.
    Shell(&'static str),
    /// One of the attempts, with an argument in which `{…}` is replaced.
    Call(&'static str, &'static str),
}

const BOTH: &[Tier] = &[Tier::A, Tier::C];
const STRONG: &[Tier] = &[Tier::A];

use Attempt::{Call, Shell};
use Wall::{
    Calls, Descriptors, Environment, Ids, Landlock, Mounts, Network, Pins, Privileges, Processes,
};

const fn row(name: &'static str, walls: &'static [Wall], attempt: Attempt) -> Row {
    Row { name, walls, attempt, control: false, tiers: BOTH }
}

const fn proved(name: &'static str, walls: &'static [Wall], attempt: Attempt) -> Row {
    Row { name, walls, attempt, control: true, tiers: BOTH }
}

const fn strong(name: &'static str, walls: &'static [Wall], attempt: Attempt) -> Row {
    Row { name, walls, attempt, control: true, tiers: STRONG }
}

const ROWS: &[Row] = &[
    // Reading what is hidden.
    proved("read a key", &[Mounts, Landlock], Shell("cat ../home/.ssh/id_ed25519")),
    proved("read a key through a link", &[Mounts, Landlock], Shell("cat keys/id_ed25519")),
    proved(
        "read a key through /proc/self/root",
        &[Mounts],
        Shell("cat /proc/self/root/$PWD/../home/notes"),
    ),
    proved(
        "read a key with the loader",
        &[Mounts],
        Shell(
            "for it in /lib64/ld-linux*.so.2 /lib/ld-linux*.so.1; do test -x $it && $it /bin/cat ../home/notes; done",
        ),
    ),
    proved("link a key into the workspace", &[Mounts], Shell("ln ../home/notes got && cat got")),
    proved("read a token from the environment", &[Environment], Shell("env")),
    row(
        "read the environment of the first process",
        &[Processes],
        Shell("tr '\\0' '\\n' < /proc/$PPID/environ"),
    ),
    row(
        "read the environment of any process",
        &[Processes, Landlock],
        Shell("cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep -v '^PWD\\|^OLDPWD' | grep CANARY"),
    ),
    row(
        "open the memory of the first process",
        &[Processes],
        Shell("exec 3<>/proc/1/mem && echo REACHED"),
    ),
    // Writing outside.
    proved(
        "write outside the workspace",
        &[Mounts, Landlock],
        Shell("echo x > ../outside/new && echo REACHED"),
    ),
    proved(
        "write through a link",
        &[Mounts, Landlock],
        Shell("echo x > link/file && echo REACHED"),
    ),
    proved(
        "remove outside the workspace",
        &[Mounts, Landlock],
        Shell("rm ../outside/file && echo REACHED"),
    ),
    proved(
        "truncate outside the workspace",
        &[Mounts, Landlock],
        Shell("truncate -s 0 ../outside/file && echo REACHED"),
    ),
    row(
        "add a program to the path",
        &[Mounts, Landlock],
        Shell("echo x > ../home/.cargo/bin/git && echo REACHED"),
    ),
    row(
        "change a setting of the kernel",
        &[Mounts],
        Shell("echo x > /proc/sys/kernel/core_pattern && echo REACHED"),
    ),
    row("press a system key", &[Mounts], Shell("echo h > /proc/sysrq-trigger && echo REACHED")),
    row(
        "release agent of a control group",
        &[Mounts, Landlock],
        Shell(
            "for it in /sys/fs/cgroup/*/release_agent /sys/fs/cgroup/release_agent; do echo x > $it && echo REACHED; done",
        ),
    ),
    // What is executed later.
    strong("write a hook", &[Mounts, Pins], Shell("echo x > .git/hooks/pre-push && echo REACHED")),
    strong(
        "change a hook",
        &[Mounts, Pins],
        Shell("echo x >> .git/hooks/pre-commit && echo REACHED"),
    ),
    strong(
        "rename the git folder away",
        &[Pins],
        Shell("mv .git other && mkdir -p .git/hooks && echo REACHED"),
    ),
    strong(
        "remove the hooks",
        &[Mounts],
        Shell("rm -rf .git/hooks; test -e .git/hooks/pre-commit || echo REACHED"),
    ),
    strong("rename the hooks away", &[Mounts], Shell("mv .git/hooks .git/old && echo REACHED")),
    strong("exchange the git folder", &[Pins], Call("exchange", "")),
    strong(
        "link a protected file to another name",
        &[Mounts],
        Shell("ln .envrc alias && echo x >> alias && echo REACHED"),
    ),
    strong("change what a shell loads here", &[Mounts], Shell("echo x >> .envrc && echo REACHED")),
    // Other processes.
    strong(
        "see a process outside",
        &[Processes],
        Shell("test -d /proc/{pid} && grep -q sleep /proc/{pid}/comm && echo REACHED"),
    ),
    strong("trace a process outside", &[Processes, Landlock], Call("ptrace", "{pid}")),
    row("trace the first process", &[Processes], Call("ptrace", "1")),
    proved("signal a process outside", &[Processes, Landlock], Call("kill", "{pid}")),
    row("read another process's memory", &[Calls], Call("process-vm", "")),
    // The network, and sockets.
    proved(
        "connect to a service of this machine",
        &[Network, Calls],
        Call("tcp", "127.0.0.1:{port}"),
    ),
    row("connect to the metadata service", &[Network, Calls], Call("tcp", "169.254.169.254:80")),
    row("send a datagram out", &[Network, Calls], Call("udp", "192.0.2.1:53")),
    proved("connect to an abstract socket", &[Network, Landlock], Call("abstract", "{name}")),
    strong(
        "connect to a socket with a path",
        &[Mounts],
        Call("unix", "{root}/outside/docker.sock"),
    ),
    row("open a packet socket", &[Calls], Call("packet", "")),
    row("open a raw socket", &[Calls, Privileges], Call("raw", "")),
    row("open a socket to the host of this machine", &[Calls], Call("vsock", "")),
    row("open a socket to the kernel's ciphers", &[Calls], Call("alg", "")),
    row("open a socket to the audit", &[Calls], Call("netlink-audit", "")),
    // Namespaces, mounts and privileges.
    proved("make a user namespace", &[Calls], Call("unshare-user", "")),
    proved("clone into a user namespace", &[Calls], Call("clone-user", "")),
    proved("clone3 into a user namespace", &[Calls], Call("clone3", "")),
    row("make a mount namespace", &[Calls, Privileges], Call("unshare-mount", "")),
    row("mount", &[Calls, Privileges], Call("mount", "")),
    row("unmount what covers the home folder", &[Calls, Privileges], Call("umount", "{root}/home")),
    row("copy the tree of mounts", &[Calls], Call("open-tree", "")),
    row("change the root", &[Calls, Privileges], Call("chroot", "")),
    row("enter a namespace", &[Calls], Call("setns", "")),
    row("become another user", &[Ids, Privileges], Call("setuid", "")),
    row("make a device", &[Privileges], Call("device", "{root}/ws/disk")),
    // Parts of the kernel that go around filters.
    row("a ring of requests", &[Calls], Call("io-uring", "")),
    row("the keyring of the session", &[Calls], Call("keyctl", "")),
    row("put a key into the session", &[Calls], Call("add-key", "")),
    row("handle page faults", &[Calls], Call("userfaultfd", "")),
    row("load a program into the kernel", &[Calls], Call("bpf", "")),
    row("watch the processor", &[Calls], Call("perf", "")),
    row("open a file by handle", &[Calls, Privileges], Call("handle", "")),
    row("make everything executable", &[Calls], Call("personality", "")),
    row("read the kernel's log", &[Calls], Call("syslog", "")),
    row("the second set of call numbers", &[Calls], Call("x32", "")),
    row("type into the terminal", &[Calls], Call("terminal-input", "")),
    row("type into the terminal, with high bits", &[Calls], Call("terminal-input-high", "")),
    row("the console's own commands", &[Calls], Call("terminal-linux", "")),
    // What is inherited.
    proved("read an open file of the caller", &[Descriptors], Shell("cat <&9")),
];

/// Errors that show that the named wall held, and not a missing argument.
fn by_filter(name: &str) -> Option<&'static [i32]> {
    Some(match name {
        "io-uring" | "clone3" | "x32" => &[libc::ENOSYS],
        "packet" | "vsock" | "alg" => &[libc::EAFNOSUPPORT],
        "keyctl"
        | "add-key"
        | "userfaultfd"
        | "bpf"
        | "perf"
        | "process-vm"
        | "handle"
        | "personality"
        | "syslog"
        | "terminal-input"
        | "terminal-input-high"
        | "terminal-linux"
        | "mount"
        | "umount"
        | "open-tree"
        | "chroot"
        | "setns"
        | "unshare-user"
        | "unshare-mount"
        | "clone-user"
        | "netlink-audit"
        | "raw" => &[libc::EPERM],
        _ => return None,
    })
}

/// What attempts are made against: a service, sockets, a process.
struct Outside {
    place: Place,
    service: std::net::TcpListener,
    name: String,
    _sockets: [UnixListener; 2],
    process: std::process::Child,
}

impl Outside {
    fn new(user: User, tier: Tier) -> Self {
        let mut place = Place::new(user);
        place.tier = Some(tier);
        let name = place.path("").file_name().unwrap().to_string_lossy().into_owned();
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let path = place.path("outside/docker.sock");
        let sockets =
            [UnixListener::bind_addr(&address).unwrap(), UnixListener::bind(&path).unwrap()];
        if user == User::Nobody {
            std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
        }
        let service = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut sleep = Command::new(place.program(&["sleep", "600"])[0].clone());
        sleep.args(&place.program(&["sleep", "600"])[1..]).stdin(Stdio::null());
        let process = sleep.spawn().unwrap();
        let comm = format!("/proc/{}/comm", process.id());
        while fs::read_to_string(&comm).unwrap() != "sleep\n" {
            thread::yield_now();
        }
        Self { place, service, name, _sockets: sockets, process }
    }

    fn argv(&self, attempt: Attempt) -> Vec<String> {
        let fill = |text: &str| {
            let port = self.service.local_addr().unwrap().port().to_string();
            text.replace("{port}", &port)
                .replace("{name}", &self.name)
                .replace("{pid}", &self.process.id().to_string())
                .replace("{root}", &self.place.path("").to_string_lossy())
        };
        match attempt {
            Shell(code) => vec!["/bin/sh".to_owned(), "-c".to_owned(), fill(code)],
            Call(name, argument) => {
                let own = std::env::current_exe().unwrap().to_string_lossy().into_owned();
                vec![own, attempts::ATTEMPT.to_owned(), name.to_owned(), fill(argument)]
            }
        }
    }

    /// Runs with a file of the host open as 9.
    fn output(&self, argv: &[String], inside: bool) -> String {
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        let command = if inside {
            self.place.command(&argv)
        } else {
            let mut command = Command::new(&self.place.program(&argv)[0]);
            command.args(&self.place.program(&argv)[1..]).env("GITHUB_TOKEN", "CANARY");
            command.current_dir(self.place.path("ws"));
            command
        };
        let notes = self.place.path("home/notes");
        let mut outer = Command::new("/bin/sh");
        outer.arg("-c").arg("exec 9<\"$0\"; exec \"$@\"").arg(notes);
        outer.arg(command.get_program()).args(command.get_args());
        outer.current_dir(self.place.path("ws")).stdin(Stdio::null());
        outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = outer.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn got_out(text: &str) -> bool {
    text.contains("CANARY") || text.contains("REACHED")
}

fn check(row: &Row, user: User, tier: Tier) -> Result<(), Failed> {
    if row.control {
        let outside = Outside::new(user, tier);
        let text = outside.output(&outside.argv(row.attempt), false);
        if !got_out(&text) {
            return Err(format!("without a sandbox this does not get out either: {text}").into());
        }
    }
    let outside = Outside::new(user, tier);
    let text = outside.output(&outside.argv(row.attempt), true);
    if text.contains("refused:") {
        return Err(format!("was not started: {text}").into());
    }
    if got_out(&text) {
        return Err(format!("got out past {:?}: {text}", row.walls).into());
    }
    let host = fs::read_to_string(outside.place.path("outside/file"));
    if host.ok().as_deref() != Some("CANARY") {
        return Err("a file outside was changed".into());
    }
    if let Call(name, _) = row.attempt {
        let held = text.lines().find_map(|line| line.strip_prefix("held "));
        let error = held.and_then(|it| it.parse().ok());
        match (error, by_filter(name)) {
            (None, _) => return Err(format!("the attempt was not made: {text}").into()),
            (Some(error), Some(expected)) if !expected.contains(&error) => {
                return Err(format!("held by something else: error {error}").into());
            }
            (Some(_), _) => {}
        }
    }
    Ok(())
}

/// A command that goes on writing as long as it lives, in the words of a shell.
const HEART: &str = "while :; do date +%s%N > beat; sleep 0.05; done";

fn beats(place: &Place) -> bool {
    let read = || fs::read_to_string(place.path("ws/beat")).unwrap_or_default();
    let before = read();
    thread::sleep(Duration::from_millis(400));
    before != read()
}

fn wait_for_beat(place: &Place) -> Result<(), Failed> {
    for _ in 0..100 {
        if place.path("ws/beat").exists() && beats(place) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Err("it never started".into())
}

/// Killing the supervisor ends everything inside, whatever it did to get away.
fn supervisor_killed(user: User) -> Result<(), Failed> {
    let place = Place::new(user);
    let code = format!("setsid sh -c '{HEART}' & trap '' TERM HUP INT; wait");
    let mut run = place.command(&["/bin/sh", "-c", &code]).spawn().unwrap();
    let started = wait_for_beat(&place);
    run.kill().unwrap();
    run.wait().unwrap();
    started?;
    thread::sleep(Duration::from_millis(100));
    if beats(&place) { Err("it lives on".into()) } else { Ok(()) }
}

/// What is left behind ends with the command.
fn left_behind(user: User, tier: Tier) -> Result<(), Failed> {
    let mut place = Place::new(user);
    place.tier = Some(tier);
    let code = format!("(setsid nohup sh -c '{HEART}' > /dev/null 2>&1 &) ; sleep 0.5");
    let output = place.shell(&code);
    if !place.path("ws/beat").exists() {
        return Err(format!("it never started: {output:?}").into());
    }
    if beats(&place) { Err("it lives on".into()) } else { Ok(()) }
}

/// Where only the weak tier is to be had it is named, and refused if the strong one is required.
fn weak_is_said(user: User) -> Result<(), Failed> {
    let mut place = Place::new(user);
    place.tier = Some(Tier::C);
    let text = place.output(&["/bin/true"]);
    let text = String::from_utf8_lossy(&text.stderr).into_owned();
    if text.contains("tier C") { Ok(()) } else { Err(text.into()) }
}

/// Inside of a run, another run is weaker and says so.
fn run_in_run(user: User) -> Result<(), Failed> {
    let place = Place::new(user);
    let own = std::env::current_exe().unwrap();
    let root = place.path("");
    let argv = [own.to_str().unwrap(), support::LAUNCH, root.to_str().unwrap()];
    let inner = |tier| {
        let argv = [&argv[..], &[tier, "none", "alone", "/bin/echo", "inner"]].concat();
        let mut run =
            place.command(&argv).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut out, mut err) = (String::new(), String::new());
        run.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        run.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        (run.wait().unwrap().code(), out, err)
    };
    match (inner("any"), inner("A")) {
        ((Some(0), out, err), (Some(125), ..)) if out == "inner\n" && err.contains("tier C") => {
            Ok(())
        }
        other => Err(format!("{other:?}").into()),
    }
}

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some(support::LAUNCH) => support::launch(),
        Some(attempts::ATTEMPT) => attempts::attempt(),
        _ => {}
    }
    let mut trials = Vec::new();
    for user in support::users() {
        for row in ROWS {
            for tier in row.tiers {
                let name = format!("{user:?}::{tier}::{}", row.name.replace(' ', "_"));
                trials.push(Trial::test(name, move || check(row, user, *tier)));
            }
        }
        let named = |name: &str| format!("{user:?}::{name}");
        trials.push(Trial::test(named("supervisor_killed"), move || supervisor_killed(user)));
        for tier in BOTH {
            let name = named(&format!("{tier}::left_behind"));
            trials.push(Trial::test(name, move || left_behind(user, *tier)));
        }
        trials.push(Trial::test(named("weak_is_said"), move || weak_is_said(user)));
        trials.push(Trial::test(named("run_in_run"), move || run_in_run(user)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
