//! Ways out of a sandbox that were tried on others, executed for real.
//!
//! Each row is one attempt and the walls that stop it. It runs inside, as whoever runs the tests and,
//! where that is root, as `nobody` too. A row with a control is also run without any sandbox, where it
//! has to succeed: a test that cannot fail shows nothing. And every row is run once more without the walls
//! that it names, where it has to get out. `docs/escapes.md` is the table of them.
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
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};

use ringfence_sandbox::{Sandbox, Tier};

use crate::attempts::rows::{
    ALL, Attempt,
    Attempt::{Call, Shell},
    ELSEWHERE, Proof, ROWS, Row, Wall,
};
use crate::support::{Place, User};

/// Errors that show that the named wall held, and not a missing argument.
fn by_filter(name: &str) -> Option<&'static [i32]> {
    Some(match name {
        "io-uring" | "clone3" | "x32" => &[libc::ENOSYS],
        "packet" | "vsock" | "alg" => &[libc::EAFNOSUPPORT],
        "keyctl"
        | "add-key"
        | "request-key"
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
        | "writable"
        | "open-tree"
        | "move-mount"
        | "fsopen"
        | "chroot"
        | "pivot-root"
        | "setns"
        | "unshare-user"
        | "unshare-mount"
        | "clone-user"
        | "netlink-audit"
        | "raw"
        | "module"
        | "take-file" => &[libc::EPERM],
        _ => return None,
    })
}

/// What attempts are made against: a service, sockets, a process.
struct Outside {
    place: Place,
    service: std::net::TcpListener,
    name: String,
    _sockets: [UnixListener; 3],
    process: std::process::Child,
    /// A segment of shared memory: its key and its id.
    segment: (i32, i32),
}

impl Outside {
    fn new(user: User, tier: Tier) -> Self {
        let mut place = Place::new(user);
        place.tier = Some(tier);
        let name = place.path("").file_name().unwrap().to_string_lossy().into_owned();
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let paths = [place.path("outside/docker.sock"), format!("/tmp/{name}.sock").into()];
        let sockets = [
            UnixListener::bind_addr(&address).unwrap(),
            UnixListener::bind(&paths[0]).unwrap(),
            UnixListener::bind(&paths[1]).unwrap(),
        ];
        let shared = format!("/dev/shm/{name}");
        fs::write(&shared, "CANARY").unwrap();
        let suid = place.path("ws/suid");
        fs::copy("/usr/bin/id", &suid).unwrap();
        let owner = if user == User::Nobody { 0 } else { 65534 };
        if support::users().len() > 1 {
            std::os::unix::fs::chown(&suid, Some(owner), None).unwrap();
        }
        fs::set_permissions(&suid, fs::Permissions::from_mode(0o4755)).unwrap();
        let key = i32::from_ne_bytes(name.as_bytes()[name.len() - 4..].try_into().unwrap());
        // SAFETY: numbers alone.
        let segment = unsafe { libc::shmget(key, 4096, libc::IPC_CREAT | 0o666) };
        if user == User::Nobody {
            for path in paths.iter().chain([&PathBuf::from(&shared)]) {
                std::os::unix::fs::chown(path, Some(65534), None).unwrap();
            }
        }
        let service = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let argv = place.program(&["sleep", "600"]);
        let mut sleep = Command::new(&argv[0]);
        sleep.args(&argv[1..]).stdin(Stdio::null()).env("SECRET", "CANARY");
        let process = sleep.current_dir(place.path("ws")).spawn().unwrap();
        let comm = format!("/proc/{}/comm", process.id());
        while fs::read_to_string(&comm).unwrap() != "sleep\n" {
            thread::yield_now();
        }
        Self { place, service, name, _sockets: sockets, process, segment: (key, segment) }
    }

    fn filled(&self, text: &str) -> String {
        let port = self.service.local_addr().unwrap().port().to_string();
        text.replace("{port}", &port)
            .replace("{name}", &self.name)
            .replace("{key}", &self.segment.0.to_string())
            .replace("{pid}", &self.process.id().to_string())
            .replace("{root}", &self.place.path("").to_string_lossy())
    }

    fn argv(&self, attempt: Attempt) -> Vec<String> {
        match attempt {
            Shell(code) => vec!["/bin/sh".to_owned(), "-c".to_owned(), self.filled(code)],
            Call(name, argument) => {
                let own = std::env::current_exe().unwrap().to_string_lossy().into_owned();
                vec![own, attempts::ATTEMPT.to_owned(), name.to_owned(), self.filled(argument)]
            }
        }
    }

    /// Runs the attempt, with a file of the host open as 9, and what is looked at afterwards.
    fn output(&self, row: &Row, inside: bool) -> String {
        let argv = self.argv(row.attempt);
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        let command = if inside {
            self.place.command(&argv)
        } else {
            let mut command = Command::new(&self.place.program(&argv)[0]);
            command.args(&self.place.program(&argv)[1..]).env("GITHUB_TOKEN", "CANARY");
            command
        };
        // What gets out must not get at this machine: root tries in a copy of its mounts.
        let apart = !self.place.without.is_empty() && support::users().len() > 1;
        let argv: &[&str] =
            if apart { &["unshare", "--mount", "--propagation", "private"] } else { &[] };
        let mut outer = with_an_open_file(&self.place, argv, &command);
        outer.env("BASH_ENV", "CANARY").env("GIT_CONFIG_GLOBAL", "/dev/null");
        let output = outer.output().unwrap();
        let mut text = [output.stdout, output.stderr].concat();
        if !row.later.is_empty() {
            let argv = self.place.program(&["/bin/sh", "-c", row.later]);
            let mut later = Command::new(&argv[0]);
            later.args(&argv[1..]).current_dir(self.place.path("ws"));
            text.extend(later.output().unwrap().stdout);
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_file(format!("/tmp/{}.sock", self.name));
        let _ = fs::remove_file(format!("/dev/shm/{}", self.name));
        // SAFETY: the segment is this test's own, and nothing of it is used any more.
        unsafe { libc::shmctl(self.segment.1, libc::IPC_RMID, std::ptr::null_mut()) };
    }
}

/// The command, behind `prefix` and with a file of the host open as 9.
fn with_an_open_file(place: &Place, prefix: &[&str], command: &Command) -> Command {
    let open = ["/bin/sh", "-c", "exec 9<\"$0\"; exec \"$@\""];
    let argv: Vec<&str> = prefix.iter().chain(&open).copied().collect();
    let mut outer = Command::new(argv[0]);
    outer.args(&argv[1..]).arg(place.path("home/notes"));
    outer.arg(command.get_program()).args(command.get_args());
    outer.current_dir(place.path("ws")).stdin(Stdio::null());
    outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer
}

fn got_out(text: &str) -> bool {
    text.contains("CANARY") || text.contains("REACHED")
}

fn check(row: &Row, user: User, tier: Tier, nested: bool) -> Result<(), Failed> {
    if row.control && tier == Tier::A && !nested {
        let text = Outside::new(user, tier).output(row, false);
        if !got_out(&text) {
            return Err(format!("without a sandbox this does not get out either: {text}").into());
        }
    }
    let mut outside = Outside::new(user, tier);
    outside.place.nested = nested;
    outside.place.limited = row.kind == 56;
    let text = outside.output(row, true);
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
        match (held(&text), by_filter(name)) {
            (None, _) if name == "int80" => {}
            (None, _) => return Err(format!("the attempt was not made: {text}").into()),
            (Some(error), Some(expected)) if !expected.contains(&error) => {
                return Err(format!("held by something else: error {error}").into());
            }
            (Some(_), _) => {}
        }
    }
    Ok(())
}

/// The error that an attempt met.
fn held(text: &str) -> Option<i32> {
    text.lines().find_map(|line| line.strip_prefix("held ")).and_then(|it| it.parse().ok())
}

/// What would be executed later is held by being written elsewhere, even if nothing were moved away after the run.
fn kept_apart(row: &Row, user: User) -> Result<(), Failed> {
    let mut outside = Outside::new(user, Tier::A);
    outside.place.strict = true;
    outside.place.without = vec!["After".to_owned()];
    let text = outside.output(row, true);
    if text.contains("refused:") || got_out(&text) { Err(text.into()) } else { Ok(()) }
}

/// Without the walls that a row names it gets out: it is these that hold.
fn removed(row: &Row, user: User, tier: Tier) -> Result<(), Failed> {
    let mut outside = Outside::new(user, tier);
    outside.place.limited = row.kind == 56;
    outside.place.without = row.walls.iter().map(|it| format!("{it:?}")).collect();
    let text = outside.output(row, true);
    let reached = match row.attempt {
        Call(name, _) if matches!(row.proof, Proof::Kernel | Proof::KernelAsRoot) => {
            let expected = by_filter(name).unwrap_or_default();
            got_out(&text) || held(&text).is_some_and(|it| !expected.contains(&it))
        }
        _ => got_out(&text),
    };
    if reached { Ok(()) } else { Err(format!("still held without {:?}: {text}", row.walls).into()) }
}

/// A run that lacks a wall does not start.
fn sabotaged(wall: Wall, user: User) -> Result<(), Failed> {
    let mut place = Place::new(user);
    place.without = vec![format!("{wall:?}")];
    place.witness = true;
    let command = place.command(&["/bin/echo", "started"]);
    let output = with_an_open_file(&place, &[], &command).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let refused = output.status.code() == Some(125) && errors.contains("a wall does not stand");
    if refused && output.stdout.is_empty() { Ok(()) } else { Err(format!("{output:?}").into()) }
}

/// What was a folder when it was planned, and is a link when it is opened, starts nothing.
fn a_planted_link_is_refused(user: User) -> Result<(), Failed> {
    let mut place = Place::new(user);
    place.planted = true;
    let output = place.shell("cat src/id_ed25519; cat ../home/.ssh/id_ed25519");
    if output.status.code() == Some(125) && !got_out(&String::from_utf8_lossy(&output.stdout)) {
        Ok(())
    } else {
        Err(format!("{output:?}").into())
    }
}

/// The table of all of it, as it is in the documentation.
fn table() -> Result<(), Failed> {
    let mut text = include_str!("escapes.md").to_owned();
    let mut kinds: Vec<u8> =
        ROWS.iter().map(|it| it.kind).chain(ELSEWHERE.iter().map(|it| it.0)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds != (1..=62).collect::<Vec<u8>>() {
        return Err(format!("not every kind is there: {kinds:?}").into());
    }
    for kind in kinds {
        for row in ROWS.iter().filter(|it| it.kind == kind) {
            let walls: Vec<String> =
                row.walls.iter().map(|it| format!("{it:?}").to_lowercase()).collect();
            let tiers: Vec<String> = row.tiers.iter().map(ToString::to_string).collect();
            let nested = if row.nested { ", nested" } else { "" };
            let proof = match row.proof {
                Proof::Out => "gets out".to_owned(),
                Proof::OutAsRoot => "gets out, as root".to_owned(),
                Proof::Kernel => "reaches the kernel".to_owned(),
                Proof::KernelAsRoot => "reaches the kernel, as root".to_owned(),
                Proof::None(why) => format!("not shown: {why}"),
            };
            text += &format!(
                "| {kind} | {} | {} | {}{nested} | {proof} |\n",
                row.name,
                walls.join(", "),
                tiers.join(", ")
            );
        }
        for (_, name, why) in ELSEWHERE.iter().filter(|it| it.0 == kind) {
            text += &format!("| {kind} | {name} | {why} | | |\n");
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/escapes.md");
    if std::env::var_os("RINGFENCE_BLESS").is_some() {
        fs::write(path, &text).unwrap();
    }
    if fs::read_to_string(path).ok().as_deref() == Some(&text) {
        return Ok(());
    }
    Err("docs/escapes.md is not what the rows say: run this test with RINGFENCE_BLESS=1".into())
}

/// No command line takes a wall away.
fn not_for_sale() -> Result<(), Failed> {
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/src"))];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if fs::read_to_string(&path).unwrap().contains("Walls") {
                return Err(format!("{} speaks of walls", path.display()).into());
            }
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

/// When its time is over everything ends, whatever it did to get away.
fn time_is_over(user: User, tier: Tier) -> Result<(), Failed> {
    let mut place = Place::new(user);
    place.tier = Some(tier);
    place.short = true;
    let code = format!("trap '' TERM; setsid sh -c '{HEART}' & wait; sleep 60");
    let output = place.shell(&code);
    if output.status.code() != Some(124) || !place.path("ws/beat").exists() {
        return Err(format!("{output:?}").into());
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

/// Where no namespaces can be made but by a `bwrap` that root may lend, the run is held by that; and where there is none,
/// weaker, which is said.
fn where_only_bwrap_may(with: bool) -> Result<(), Failed> {
    let mut place = Place::new(User::Nobody);
    place.tier = None;
    let code = "cat ../home/notes; echo x > .envrc; test $(id -u) = 65534 && echo ran";
    let inner = place.command(&["/bin/sh", "-c", code]);
    let lent = place.path("outside/bwrap");
    fs::copy(if with { "/usr/bin/bwrap" } else { "/bin/true" }, &lent).unwrap();
    fs::set_permissions(&lent, fs::Permissions::from_mode(0o4755)).unwrap();
    std::os::unix::fs::chown(&lent, Some(0), Some(0)).unwrap();
    let mode = if with { "4755" } else { "0777" };
    fs::set_permissions(&lent, fs::Permissions::from_mode(u32::from_str_radix(mode, 8).unwrap()))
        .unwrap();
    let limit = format!(
        "echo 0 > /proc/sys/user/max_user_namespaces && mount --bind {} /usr/bin/bwrap && exec \"$@\"",
        lent.display()
    );
    let wait = ["--user", "--mount", "sh", "-c", "read it; exec sh -c \"$0\" sh \"$@\""];
    let mut outer = Command::new("unshare");
    outer.args(wait).arg(limit).arg(inner.get_program()).args(inner.get_args());
    outer.current_dir(place.path("ws")).env("PATH", "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    outer.env("HOME", place.path("home"));
    outer.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut outer = outer.spawn().unwrap();
    let own = fs::read_link("/proc/self/ns/user").unwrap();
    let process = PathBuf::from(format!("/proc/{}", outer.id()));
    for _ in 0..200 {
        if fs::read_link(process.join("ns/user")).is_ok_and(|it| it != own) {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    for map in ["uid_map", "gid_map"] {
        fs::write(process.join(map), "0 0 65536").unwrap();
    }
    drop(outer.stdin.take().map(|mut it| std::io::Write::write_all(&mut it, b"go\n")));
    let output = outer.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let kept = fs::read_to_string(place.path("ws/.envrc")).unwrap();
    let tier = if with { "tier B" } else { "tier C" };
    let held = output.stdout == b"ran\n" && errors.contains(tier) && (!with || kept == "true\n");
    if held { Ok(()) } else { Err(format!("{output:?}").into()) }
}

/// Inside of a run, another run is weaker and says so.
fn run_in_run(user: User) -> Result<(), Failed> {
    let place = Place::new(user);
    let own = std::env::current_exe().unwrap();
    let root = place.path("");
    let argv = [own.to_str().unwrap(), support::LAUNCH, root.to_str().unwrap()];
    let inner = |tier: &str| {
        let options = format!("tier={tier}");
        let argv = [&argv[..], &[options.as_str(), "/bin/echo", "inner"]].concat();
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
    Sandbox::carry_on();
    match std::env::args().nth(1).as_deref() {
        Some(support::LAUNCH) => support::launch(),
        Some(attempts::ATTEMPT) => attempts::attempt(),
        _ => {}
    }
    let mut trials = vec![Trial::test("table", table), Trial::test("not_for_sale", not_for_sale)];
    if support::users().len() > 1 && support::is_there(Tier::B) {
        trials.push(Trial::test("where_only_bwrap_may", || where_only_bwrap_may(true)));
        trials.push(Trial::test("where_nobody_may", || where_only_bwrap_may(false)));
    }
    for user in support::users() {
        let named = |name: &str| format!("{user:?}::{}", name.replace([' ', '/'], "_"));
        for row in ROWS {
            for tier in row.tiers.iter().filter(|it| support::is_there(**it)) {
                let name = named(&format!("{tier}::{}", row.name));
                trials.push(Trial::test(name, move || check(row, user, *tier, false)));
                let root = user == User::Caller && support::users().len() > 1;
                // Where namespaces are not to be had, these have nothing to get out to.
                let own = matches!(row.attempt, Call("clone-user", _));
                let weak = *tier == Tier::C && (own || row.walls.contains(&Wall::Privileges));
                // Without root `bwrap` keeps no privilege, and always makes ids, whatever it is told.
                let always = [Wall::Privileges, Wall::Ids];
                let always = !root && row.walls.iter().any(|it| always.contains(it));
                let other = *tier == Tier::B && (row.helper_stops || always);
                let shown = !weak
                    && !other
                    && match row.proof {
                        Proof::Out | Proof::Kernel => true,
                        Proof::OutAsRoot | Proof::KernelAsRoot => root,
                        Proof::None(_) => false,
                    };
                if shown {
                    let name = named(&format!("{tier}::without::{}", row.name));
                    trials.push(Trial::test(name, move || removed(row, user, *tier)));
                }
            }
            if matches!(row.kind, 11 | 12) {
                let name = named(&format!("strict::{}", row.name));
                trials.push(Trial::test(name, move || kept_apart(row, user)));
            }
            if row.nested {
                let name = named(&format!("nested::{}", row.name));
                trials.push(Trial::test(name, move || check(row, user, Tier::A, true)));
            }
        }
        for wall in WITNESSED {
            let name = named(&format!("sabotaged::{wall:?}"));
            trials.push(Trial::test(name, move || sabotaged(wall, user)));
        }
        trials.push(Trial::test(named("planted_link"), move || a_planted_link_is_refused(user)));
        trials.push(Trial::test(named("supervisor_killed"), move || supervisor_killed(user)));
        for tier in ALL.iter().filter(|it| support::is_there(**it)) {
            let name = named(&format!("{tier}::left_behind"));
            trials.push(Trial::test(name, move || left_behind(user, *tier)));
            let name = named(&format!("{tier}::time_is_over"));
            trials.push(Trial::test(name, move || time_is_over(user, *tier)));
        }
        trials.push(Trial::test(named("weak_is_said"), move || weak_is_said(user)));
        trials.push(Trial::test(named("run_in_run"), move || run_in_run(user)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// What the witness finds missing.
const WITNESSED: [Wall; 12] = [
    Wall::Mounts,
    Wall::Held,
    Wall::Pins,
    Wall::Masks,
    Wall::Copies,
    Wall::Processes,
    Wall::Shared,
    Wall::Network,
    Wall::Landlock,
    Wall::Calls,
    Wall::Privileges,
    Wall::Descriptors,
];
