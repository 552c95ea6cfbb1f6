//! What people really do has to work inside as it does outside.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test without a harness is not known as a test"
)]

mod places;
mod repositories;
mod support;

use std::io::Write;
use std::process::{Command, ExitCode, Output, Stdio};
use std::thread;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use ringfence_sandbox::{Sandbox, Tier};

use crate::support::{Place, User};

/// A script, and what it prints on standard output. It has to end well.
const SCRIPTS: &[(&str, &str, &str)] = &[
    ("a pipeline", "printf 'b\\na\\n' | sort | head -n 1", "a\n"),
    (
        "files in the workspace",
        "mkdir -p x/y && echo text > x/y/z && mv x v && cat v/y/z && rm -r v",
        "text\n",
    ),
    (
        "files of its own in /tmp",
        "echo text > /tmp/x && cat /tmp/x && mktemp > /dev/null",
        "text\n",
    ),
    ("the shared memory of the system", "echo text > /dev/shm/x && cat /dev/shm/x", "text\n"),
    ("a background job", "sleep 0.1 & wait $! && echo done", "done\n"),
    ("a subshell that fails", "(exit 3); echo $?", "3\n"),
    ("a broken pipe", "yes | head -n 1", "y\n"),
    (
        "descriptors by name",
        "echo text | cat /dev/stdin; (echo more > /dev/stdout) | cat",
        "text\nmore\n",
    ),
    (
        "its own loopback",
        "python3 -c '\nimport socket, threading\ns = socket.create_server((\"127.0.0.1\", 0))\nc = socket.create_connection(s.getsockname())\na = s.accept()[0]\na.sendall(b\"text\")\nprint(c.recv(4).decode())'",
        "text\n",
    ),
    (
        "processes of Python",
        "python3 -c '\nimport multiprocessing\nwith multiprocessing.get_context(\"fork\").Pool(2) as pool: print(sum(pool.map(abs, [-1, -2])))'",
        "3\n",
    ),
    (
        "a terminal of its own",
        "python3 -c '\nimport os, pty\npid, fd = pty.fork()\nif pid == 0: os.execvp(\"tty\", [\"tty\"])\nos.read(fd, 100); print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))'",
        "0\n",
    ),
    ("its own processes", "kill -0 $$ && sleep 60 & kill $! && wait $!; echo $?", "143\n"),
    (
        "a commit",
        "rm -rf fresh && git init -q fresh && cd fresh && git -c user.name=n -c user.email=e@x commit -q --allow-empty -m m && git log --format=%s",
        "m\n",
    ),
    (
        "who it is",
        "test $(id -u) = $(stat -c %u .) && test $(id -u) = $OUTSIDE_UID && echo same",
        "same\n",
    ),
    ("where it is", "test \"$(pwd)\" = \"$(pwd -P)\" && basename \"$PWD\"", "ws\n"),
];

/// A place where a tier is taken.
fn at(user: User, tier: Tier) -> Place {
    let mut place = Place::new(user);
    place.tier = Some(tier);
    place
}

/// What was found, with what was said if that is not right.
fn told(right: bool, output: &Output) -> Result<(), Failed> {
    if right { Ok(()) } else { Err(format!("{output:?}").into()) }
}

fn script(user: User, tier: Tier, code: &str, expected: &str) -> Result<(), Failed> {
    let place = at(user, tier);
    let uid = if user == User::Nobody { "65534".to_owned() } else { caller() };
    let output = place.shell(&code.replace("$OUTSIDE_UID", &uid));
    let text = String::from_utf8_lossy(&output.stdout);
    told(text == expected && output.status.success(), &output)
}

fn caller() -> String {
    // SAFETY: no arguments, cannot fail.
    unsafe { libc::geteuid() }.to_string()
}

/// Exit codes come through as they are, and so do the signals that ended a command.
fn exit_codes(user: User, tier: Tier) -> Result<(), Failed> {
    let place = at(user, tier);
    for (code, expected) in [
        ("exit 0", 0),
        ("exit 1", 1),
        ("exit 125", 125),
        ("exit 255", 255),
        ("kill -TERM $$", 143),
        ("kill -KILL $$", 137),
        ("kill -SEGV $$", 139),
    ] {
        let got = place.shell(code).status.code();
        if got != Some(expected) {
            return Err(format!("{code}: {got:?}").into());
        }
    }
    let missing = place.output(&["no-such-command-anywhere"]);
    let folder = place.output(&["/usr"]);
    let codes = (missing.status.code(), folder.status.code());
    if codes == (Some(127), Some(126)) {
        Ok(())
    } else {
        Err(format!("{codes:?} {missing:?}").into())
    }
}

/// A signal to the supervisor reaches the command, which may take its time.
fn signals(user: User, tier: Tier) -> Result<(), Failed> {
    for (signal, number) in
        [(libc::SIGTERM, "TERM"), (libc::SIGINT, "INT"), (libc::SIGUSR1, "USR1")]
    {
        let place = at(user, tier);
        let code =
            format!("trap 'echo got; exit 7' {number}; touch ready; while :; do sleep 0.02; done");
        let run = place.command(&["/bin/sh", "-c", &code]).stdout(Stdio::piped()).spawn().unwrap();
        let mut rounds = 0;
        while !place.path("ws/ready").exists() && rounds < 200 {
            thread::sleep(Duration::from_millis(20));
            rounds += 1;
        }
        let pid = i32::try_from(run.id()).unwrap();
        // SAFETY: no pointers.
        unsafe { libc::kill(pid, signal) };
        let output = run.wait_with_output();
        let output = output.unwrap();
        if output.status.code() != Some(7) || output.stdout != b"got\n" {
            return Err(format!("{number}: {output:?}").into());
        }
    }
    Ok(())
}

/// What is written to standard input arrives, to the last byte, and its end too.
fn standard_input(user: User, tier: Tier) -> Result<(), Failed> {
    let place = at(user, tier);
    let mut command = place.command(&["wc", "-c"]);
    let mut run = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    run.stdin.take().unwrap().write_all(&vec![7; 1_000_000]).unwrap();
    let output = run.wait_with_output().unwrap();
    told(output.stdout == b"1000000\n", &output)
}

/// On a terminal: its size, its name, its keys, and jobs of a shell, driven by `python3`.
fn terminal(user: User) -> Result<(), Failed> {
    let place = Place::new(user);
    let driver = include_str!("terminal.py");
    let command = place.command(&[]);
    let mut driven = Command::new("python3");
    driven.arg("-c").arg(driver).arg(command.get_program()).args(command.get_args());
    driven.current_dir(place.path("ws")).env("TERM", "dumb");
    let output = driven.output().unwrap();
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(String::from_utf8_lossy(&text).into_owned().into())
}

/// Programs that bring much of their own, where they are installed: a script, and what it prints.
const PROGRAMS: &[(&str, &str, &str)] = &[
    (
        "gdb",
        "printf 'int main(void) { return 7; }' > x.c && cc -g x.c -o x && gdb -q -batch -ex 'break main' -ex run -ex continue ./x | grep -o 'exited with code 07'",
        "exited with code 07\n",
    ),
    (
        "tmux",
        "export SHELL=/bin/sh; tmux -S /tmp/t -f /dev/null new-session -d 'echo text > out; sleep 5' && for i in 1 2 3 4 5 6 7 8 9; do test -s out && break; sleep 0.3; done; cat out; tmux -S /tmp/t kill-server",
        "text\n",
    ),
    (
        "gdb",
        // Of a process that runs already.
        "sleep 60 & pid=$!; sleep 0.2; gdb -q -batch -p $pid -ex 'print 6*7' 2>&1 | grep -o '= 42'; kill $pid",
        "= 42\n",
    ),
    (
        "java",
        "printf 'class X { public static void main(String[] a) { System.out.println(java.util.stream.IntStream.range(0, 100).parallel().sum()); } }' > X.java && java X.java",
        "4950\n",
    ),
    (
        "javac",
        "printf 'public class Y { public static void main(String[] a) throws Exception { var all = new Thread[20]; for (int i = 0; i < 20; i++) { all[i] = new Thread(() -> {}); all[i].start(); } for (var it : all) it.join(); var p = new ProcessBuilder(\"echo\", \"text\").inheritIO().start(); System.exit(p.waitFor() + 3); } }' > Y.java && javac Y.java && java -cp . Y; echo $?",
        "text\n3\n",
    ),
    (
        "python3",
        concat!("cat > mp.py <<'END'\n", include_str!("multiprocessing.py"), "END\npython3 mp.py"),
        "all of it\n",
    ),
    (
        "node",
        "cat > serve.mjs <<'END'\nimport http from 'node:http'; import {Worker} from 'node:worker_threads'; import {execFileSync} from 'node:child_process';\nconst server = http.createServer((q, a) => a.end('served ')).listen(0, '127.0.0.1', async () => {\nconst said = await (await fetch(`http://127.0.0.1:${server.address().port}/`)).text();\nnew Worker(`require('worker_threads').parentPort.postMessage('worker ')`, {eval: true}).on('message', (it) => {\nprocess.stdout.write(said + it + execFileSync('echo', ['child'])); server.close(); }); });\nEND\nnode serve.mjs",
        "served worker child\n",
    ),
    (
        // Its own sandbox is for those who may set one up; a profile of its own lies in a cache.
        "chromium",
        "echo '<script>document.write(6 * 7)</script>' > page.html && chromium --headless --no-sandbox --disable-gpu --dump-dom file://$PWD/page.html 2> /dev/null | grep -o '42' && chromium --headless --no-sandbox --disable-gpu --screenshot=shot.png --window-size=200,100 file://$PWD/page.html 2> /dev/null; head -c 4 shot.png | tail -c 3",
        "42\nPNG",
    ),
    (
        "make",
        "printf 'all: a b\\n\\t@cat a b\\n%%:\\n\\t@echo $@ > $@\\n' > Makefile && make -s -j4",
        "a\nb\n",
    ),
    (
        "cc",
        "printf '#include <stdio.h>\\nint main(void) { puts(\"text\"); }' > y.c && cc y.c -o y && ./y",
        "text\n",
    ),
    (
        "git",
        "git init -q --bare -b main srv/r.git && touch srv/r.git/git-daemon-export-ok && git daemon --reuseaddr --listen=127.0.0.1 --port=9418 --base-path=srv --enable=receive-pack > /dev/null 2>&1 & sleep 0.5; git init -q -b main w && cd w && git config user.name n && git config user.email e@x && git commit -q --allow-empty -m one && git push -q git://127.0.0.1/r.git main && cd .. && git clone -q git://127.0.0.1/r.git c && git -C c log --format=%s; kill $!",
        "one\n",
    ),
];

fn program(user: User, name: &str, code: &str, expected: &str) -> Result<(), Failed> {
    let argv = ["/bin/sh", "-c", &format!("command -v {name}")];
    if !Command::new(argv[0]).args(&argv[1..]).stdout(Stdio::null()).status().unwrap().success() {
        eprintln!("skipped: there is no {name}");
        return Ok(());
    }
    let output = Place::new(user).shell(code);
    let text = String::from_utf8_lossy(&output.stdout);
    told(text == expected, &output)
}

/// Where namespaces may be made inside, bwrap makes its own, and nothing more can be reached in it.
fn sandbox_inside(user: User) -> Result<(), Failed> {
    let there = Command::new("bwrap").arg("--version").stdout(Stdio::null()).status();
    // Root cannot give its own id to namespaces inside without a capability that reaches outside.
    if user == User::Caller && places::users_are_root() || !there.is_ok_and(|it| it.success()) {
        eprintln!("skipped: root, or there is no bwrap");
        return Ok(());
    }
    let mut place = Place::new(user);
    place.nested = true;
    let output = place.shell(
        "bwrap --bind / / --dev /dev --proc /proc --unshare-all sh -c 'echo in; cat ../home/notes .env; echo x > .envrc && echo REACHED; echo x > ../outside/new && echo REACHED; echo text > made'",
    );
    let text = String::from_utf8_lossy(&output.stdout);
    told(text == "in\n" && place.path("ws/made").exists(), &output)
}

/// What appears for a while is told of, even if it is gone before the end.
fn appears(user: User) -> Result<(), Failed> {
    let place = Place::new(user);
    let code = "mkdir -p deep/er; sleep 0.4; echo evil > deep/er/.mcp.json; mkdir new; sleep 0.2; touch new/.envrc; sleep 0.2; rm deep/er/.mcp.json; ls new -A";
    let output = place.shell(code);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let gone = errors.contains("vanished") && errors.contains("ws/deep/er/.mcp.json");
    let moved = errors.contains("appeared") && errors.contains("ws/new/.envrc");
    told(gone && moved, &output)
}

/// In the place of a command of a shell: what it leaves running lives on and holds nothing open, and
/// where it ended is known.
fn in_place(user: User) -> Result<(), Failed> {
    let mut place = Place::new(user);
    place.in_place = true;
    let ws = place.path("ws");
    let cases = [
        ("mkdir -p a && cd a", 0, format!("folder Some({:?})", ws.join("a"))),
        ("cd src; false", 1, "folder None".to_owned()),
        ("cd src; exit 0", 0, "folder None".to_owned()),
        ("echo '\"; #", 2, "folder None".to_owned()),
        ("ls /proc/self/fd | wc -l; kill -TERM $$", 143, "folder None".to_owned()),
    ];
    for (code, expected, folder) in cases {
        let output = place.shell(code);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() != Some(expected)
            || !errors.contains(&format!("{folder}, left running: false"))
        {
            return Err(format!("{code}: {output:?}").into());
        }
    }
    let output = place.shell("(sleep 0.7; touch later) > /dev/null 2>&1 & echo $! started");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    if place.path("ws/later").exists() || !errors.contains("left running: true") {
        return Err(format!("{output:?}").into());
    }
    thread::sleep(Duration::from_millis(1500));
    if !place.path("ws/later").exists() {
        return Err("what was left running was ended".into());
    }
    Ok(())
}

/// With the network of the host, a service is reached.
fn network(user: User) -> Result<(), Failed> {
    let mut place = Place::new(user);
    place.network = true;
    let service = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = service.local_addr().unwrap().port();
    let code =
        format!("import socket; socket.create_connection(('127.0.0.1', {port})); print('in')");
    let output = place.output(&["python3", "-c", &code]);
    told(output.stdout == b"in\n", &output)
}

fn main() -> ExitCode {
    Sandbox::carry_on();
    if std::env::args().nth(1).as_deref() == Some(support::LAUNCH) {
        support::launch();
    }
    let mut trials = Vec::new();
    for user in support::users() {
        for tier in [Tier::A, Tier::B, Tier::C].into_iter().filter(|it| support::is_there(*it)) {
            let named = |name: &str| format!("{user:?}::{tier}::{}", name.replace(' ', "_"));
            for (name, code, expected) in SCRIPTS {
                // Without mounts there is nothing of its own in /tmp; without a network, none to itself.
                let own = ["/tmp", "/dev/shm", "socket", "multiprocessing", "pty"];
                if tier == Tier::C && own.iter().any(|it| code.contains(it)) {
                    continue;
                }
                trials.push(Trial::test(named(name), move || script(user, tier, code, expected)));
            }
            trials.push(Trial::test(named("exit codes"), move || exit_codes(user, tier)));
            trials.push(Trial::test(named("repository"), move || {
                repositories::repository(user, tier)
            }));
            trials.push(Trial::test(named("moved away"), move || {
                repositories::moved_away(user, tier)
            }));
            trials.push(Trial::test(named("signals"), move || signals(user, tier)));
            trials.push(Trial::test(named("standard input"), move || standard_input(user, tier)));
        }
        for (number, (name, code, expected)) in PROGRAMS.iter().enumerate() {
            let trial = move || program(user, name, code, expected);
            trials.push(Trial::test(format!("{user:?}::A::{name}_{number}"), trial));
        }
        trials.push(Trial::test(format!("{user:?}::sandbox_inside"), move || sandbox_inside(user)));
        trials.push(Trial::test(format!("{user:?}::places"), move || places::places(user)));
        let known = move || repositories::moved_from_known_folders(user);
        trials.push(Trial::test(format!("{user:?}::moved_from_known_folders"), known));
        trials.push(Trial::test(format!("{user:?}::on_memory"), move || places::on_memory(user)));
        trials.push(Trial::test(format!("{user:?}::on_layers"), move || places::on_layers(user)));
        trials.push(Trial::test(format!("{user:?}::disk_full"), move || places::disk_full(user)));
        trials.push(Trial::test(format!("{user:?}::appears"), move || appears(user)));
        trials.push(Trial::test(format!("{user:?}::kept_apart"), move || places::kept_apart(user)));
        trials.push(Trial::test(format!("{user:?}::in_place"), move || in_place(user)));
        trials.push(Trial::test(format!("{user:?}::terminal"), move || terminal(user)));
        trials.push(Trial::test(format!("{user:?}::work_tree"), move || {
            repositories::work_tree(user)
        }));
        trials.push(Trial::test(format!("{user:?}::network"), move || network(user)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
