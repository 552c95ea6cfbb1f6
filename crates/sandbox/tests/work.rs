//! What people really do has to work inside as it does outside.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test without a harness is not known as a test"
)]

mod support;

use std::fs;
use std::io::Write;
use std::process::{Command, ExitCode, Stdio};
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

fn script(user: User, tier: Tier, code: &str, expected: &str) -> Result<(), Failed> {
    let mut place = Place::new(user);
    place.tier = Some(tier);
    let uid = if user == User::Nobody { "65534".to_owned() } else { caller() };
    let output = place.shell(&code.replace("$OUTSIDE_UID", &uid));
    let text = String::from_utf8_lossy(&output.stdout);
    if text == expected && output.status.success() {
        Ok(())
    } else {
        Err(format!("{output:?}").into())
    }
}

fn caller() -> String {
    // SAFETY: no arguments, cannot fail.
    unsafe { libc::geteuid() }.to_string()
}

/// Exit codes come through as they are, and so do the signals that ended a command.
fn exit_codes(user: User, tier: Tier) -> Result<(), Failed> {
    let mut place = Place::new(user);
    place.tier = Some(tier);
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
        let mut place = Place::new(user);
        place.tier = Some(tier);
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
    let mut place = Place::new(user);
    place.tier = Some(tier);
    let mut command = place.command(&["wc", "-c"]);
    let mut run = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    run.stdin.take().unwrap().write_all(&vec![7; 1_000_000]).unwrap();
    let output = run.wait_with_output().unwrap();
    if output.stdout == b"1000000\n" { Ok(()) } else { Err(format!("{output:?}").into()) }
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

/// A work tree of a repository elsewhere can be committed to; a file that lies about it opens nothing.
fn work_tree(user: User) -> Result<(), Failed> {
    let place = Place::new(user);
    let git = |folder: &str, arguments: &[&str]| {
        let argv = [
            &["git", "-c", "user.name=n", "-c", "user.email=e@x", "-c", "safe.directory=*"],
            arguments,
        ]
        .concat();
        let argv = place.program(&argv);
        let output = Command::new(&argv[0])
            .args(&argv[1..])
            .current_dir(place.path(folder))
            .env("HOME", place.path("home"))
            .output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    fs::remove_dir_all(place.path("ws")).unwrap();
    git("", &["init", "-q", "main"]);
    git("main", &["commit", "-q", "--allow-empty", "-m", "one"]);
    git("main", &["worktree", "add", "-q", "../ws", "-b", "side"]);
    let output = place.shell("git -c user.name=n -c user.email=e@x commit -q --allow-empty -m two && git log --format=%s; echo x >> ../main/.git/hooks/x; echo x > ../main/new");
    if output.stdout != b"two\none\n"
        || place.path("main/new").exists()
        || place.path("main/.git/hooks/x").exists()
    {
        return Err(format!("{output:?}").into());
    }
    let lie = format!("gitdir: {}\n", place.path("home/.ssh").display());
    fs::write(place.path("ws/.git"), lie).unwrap();
    let output = place.shell("cat ../home/.ssh/id_ed25519");
    if output.stdout.is_empty() { Ok(()) } else { Err("the lie was believed".into()) }
}

/// What git is used for works inside, and what is harmless of it is there afterwards.
fn repository(user: User, tier: Tier) -> Result<(), Failed> {
    let mut place = Place::new(user);
    place.tier = Some(tier);
    let outside = |code: &str| -> String {
        let argv = place.program(&["/bin/sh", "-c", code]);
        let mut git = Command::new(&argv[0]);
        git.args(&argv[1..]).current_dir(place.path("ws")).env("HOME", place.path("home"));
        git.env("GIT_CONFIG_GLOBAL", "/dev/null");
        let output = git.output().unwrap();
        assert!(output.status.success(), "{code}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    outside(
        "rm -rf .git && git init -q -b main . && git -c user.name=n -c user.email=e@x commit -q --allow-empty -m one && git config core.hooksPath .ours && git init -q --bare -b main shared.git",
    );
    let output = place.shell(
        "set -e
        git config user.name inside; git config user.email i@x
        git remote add origin $PWD/shared.git
        echo text > file; git add file; git commit -q -m two
        git push -q -u origin main
        git worktree add -q second -b side; git -C second commit -q --allow-empty -m three
        git clone -q . copy; git -C copy config user.email c@x
        git -c protocol.file.allow=always submodule --quiet add $PWD/shared.git part; git commit -q -m four
        git checkout -q -b other; git rebase -q main; git stash list; git gc -q; git status --short
        git config core.fsmonitor ./evil; git config --unset core.hooksPath; git -C copy config core.fsmonitor ./evil
        git config alias.st '!./evil'
        printf '#!/bin/sh\\n' > copy/.git/hooks/post-checkout
        git -C part config core.sshCommand ./evil",
    );
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(errors.into());
    }
    let settings = outside(
        "git config --list --local; git -C copy config --list --local; git -C part config --list --local; git -C second config --list; ls copy/.git/hooks",
    );
    let kept = [
        "user.name=inside",
        "user.email=i@x",
        "core.hookspath=.ours",
        "remote.origin.url=",
        "branch.main.merge=refs/heads/main",
        "submodule.part.url=",
        "user.email=c@x",
        "core.worktree=../../../part",
    ];
    for line in kept {
        if !settings.contains(line) {
            return Err(format!("{line} is not in {settings}{errors}").into());
        }
    }
    for line in ["evil", "post-checkout\n"] {
        if settings.contains(line) {
            return Err(format!("{line} got out: {settings}{errors}").into());
        }
    }
    for name in ["core.fsmonitor", "core.hookspath", "alias.st", "core.sshcommand", "post-checkout"]
    {
        if !errors.contains(name) {
            return Err(format!("nothing was said of {name}: {errors}").into());
        }
    }
    let log = outside(
        "git log --format=%s main; git -C shared.git log --format=%s main; git -C second status --short; git -C part status --short; git fsck 2>&1",
    );
    if log.starts_with("four\ntwo\none\ntwo\none\n") { Ok(()) } else { Err(log.into()) }
}

/// What others would execute, and was not there before, is moved away before the run returns.
fn moved_away(user: User, tier: Tier) -> Result<(), Failed> {
    let mut place = Place::new(user);
    place.tier = Some(tier);
    let made = [
        ".mcp.json",
        ".gemini/settings.json",
        ".claude/settings.json",
        "src/.envrc",
        "a/b/c/d/e/f/g/.vscode/tasks.json",
        ".git/commondir",
        ".git/hooks/post-merge",
        "bare/hooks/update",
        ".pre-commit-config.yaml",
    ];
    // In tier C the folder of hooks is not held, and what comes into it is what is looked for.
    let code = format!(
        "git init -q --bare bare; for it in {}; do mkdir -p $(dirname $it) && echo evil > $it; done; echo work > src/main; mkdir x; echo evil > x/hgrc; mv x .hg",
        made.join(" ")
    );
    let output = place.shell(&code);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    for name in made.iter().chain(&[".hg/hgrc"]) {
        if place.path("ws").join(name).exists() && !(tier == Tier::C && name.contains(".git/hooks"))
        {
            return Err(format!("{name} is there: {errors}").into());
        }
    }
    let moved = place.path("quarantine/1");
    let is = |path: std::path::PathBuf| fs::read_to_string(path).is_ok_and(|it| it == "evil\n");
    let count = fs::read_dir(moved).unwrap().filter_map(Result::ok);
    let count = count.filter(|it| {
        ["tasks.json", "settings.json", ".mcp.json", ".envrc", "update"].iter().any(|name| {
            fs::read_dir(it.path())
                .unwrap()
                .filter_map(Result::ok)
                .any(|it| is(it.path()) || is(it.path().join(name)))
        })
    });
    if count.count() < 5 || !place.path("ws/.envrc").exists() {
        return Err(format!("not all of it was kept: {errors}").into());
    }
    Ok(())
}

/// The same in folders that lay there for long, and are only looked at again if something changed in them.
fn moved_from_known_folders(user: User) -> Result<(), Failed> {
    let place = Place::new(user);
    for folder in ["known/deep/er", "calm/inner", "one/x", "two/x", "full"] {
        fs::create_dir_all(place.path("ws").join(folder)).unwrap();
    }
    fs::write(place.path("ws/full/file"), "text").unwrap();
    let argv = place.program(&["/bin/true"]);
    if argv.len() > 1 {
        support::own(&place.path(""));
    }
    // Longer than what a folder's stamp is not relied on for.
    thread::sleep(Duration::from_millis(3200));
    let output = place.shell(
        "set -e
        echo evil > known/deep/er/.envrc
        mkdir -p fresh/.vscode && echo evil > fresh/.vscode/tasks.json
        mv calm was && mkdir -p calm/inner/.gemini
        mv was/inner was/other && echo evil > was/other/.mcp.json
        mv one three && mv two one && mv three two && echo evil > one/x/.envrc
        ln -s ../outside/file known/.mcp.json
        rm full/file && mv full/ .husky
        git init -q --bare known/bare && echo evil > known/bare/hooks/update",
    );
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let made = [
        "known/deep/er/.envrc",
        "fresh/.vscode",
        "calm/inner/.gemini",
        "was/other/.mcp.json",
        "one/x/.envrc",
        "known/.mcp.json",
        ".husky",
        "known/bare/hooks/update",
    ];
    for name in made {
        let left = place.path("ws").join(name).symlink_metadata().is_ok();
        let told = errors
            .contains(&format!("{} was made by this run", place.path("ws").join(name).display()));
        if left || !told {
            return Err(format!("{name}, left {left}: {errors}").into());
        }
    }
    if output.status.success() { Ok(()) } else { Err(errors.into()) }
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
    if text == expected { Ok(()) } else { Err(format!("{output:?}").into()) }
}

/// Where namespaces may be made inside, bwrap makes its own, and nothing more can be reached in it.
fn sandbox_inside(user: User) -> Result<(), Failed> {
    let there = Command::new("bwrap").arg("--version").stdout(Stdio::null()).status();
    // Root cannot give its own id to namespaces inside without a capability that reaches outside.
    if user == User::Caller && users_are_root() || !there.is_ok_and(|it| it.success()) {
        eprintln!("skipped: root, or there is no bwrap");
        return Ok(());
    }
    let mut place = Place::new(user);
    place.nested = true;
    let output = place.shell(
        "bwrap --bind / / --dev /dev --proc /proc --unshare-all sh -c 'echo in; cat ../home/notes .env; echo x > .envrc && echo REACHED; echo x > ../outside/new && echo REACHED; echo text > made'",
    );
    let text = String::from_utf8_lossy(&output.stdout);
    if text == "in\n" && place.path("ws/made").exists() {
        Ok(())
    } else {
        Err(format!("{output:?}").into())
    }
}

fn users_are_root() -> bool {
    support::users().len() > 1
}

/// Whatever the workspace is called, and whatever it lies on.
fn places(user: User) -> Result<(), Failed> {
    let place = Place::new(user);
    for name in ["with space", "ünïcødé ✓", "-dash", "new\nline", "quote'\"s", "$HOME"] {
        let folder = place.path("ws").join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(".envrc"), "mine").unwrap();
        fs::write(folder.join(".env"), "CANARY").unwrap();
        if user == User::Nobody {
            for path in [folder.clone(), folder.join(".envrc"), folder.join(".env")] {
                std::os::unix::fs::chown(path, Some(65534), Some(65534)).unwrap();
            }
        }
    }
    let output = place.shell(
        "for it in */ ./-dash; do (cd \"$it\" && echo text > made && echo x > .envrc; cat .env); done; ls */made | wc -l",
    );
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let kept = fs::read_to_string(place.path("ws/with space/.envrc"));
    if kept.ok().as_deref() != Some("mine")
        || String::from_utf8_lossy(&output.stdout).contains("CANARY")
    {
        return Err(format!("not held: {output:?}").into());
    }
    if place.path("ws/ünïcødé ✓/made").exists() && place.path("ws/new\nline/made").exists() {
        Ok(())
    } else {
        Err(errors.into())
    }
}

/// A workspace on a file system of its own, in memory: what is moved away stays there, under another name.
fn on_memory(user: User) -> Result<(), Failed> {
    if !users_are_root() {
        eprintln!("skipped: only root can mount");
        return Ok(());
    }
    let mut place = Place::new(user);
    let output = mounted(
        &mut place,
        "mount -t tmpfs memory",
        "ls -A",
        "echo evil > .mcp.json; mkdir .gemini; echo work > file",
    );
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    let expected = "code 0\n.gemini.quarantined-1\n.mcp.json.quarantined-1\nfile\n";
    if names == expected { Ok(()) } else { Err(format!("{output:?}").into()) }
}

/// As a command that runs below a mount of its own, which only root can make: `mount` is a command that ends in
/// the folder to mount on. Afterwards `list` is run there.
fn mounted(place: &mut Place, mount: &str, list: &str, code: &str) -> std::process::Output {
    let folder = place.path("mounted");
    fs::create_dir(&folder).unwrap();
    place.elsewhere = Some(folder.clone());
    let command = place.command(&["/bin/sh", "-c", code]);
    let code =
        format!("{mount} \"$0\" && chmod 1777 \"$0\" && cd \"$0\" && \"$@\"; echo code $?; {list}");
    let mut outer = Command::new("unshare");
    outer.args(["--mount", "--propagation", "private", "/bin/sh", "-c", &code]).arg(&folder);
    outer.arg(command.get_program()).args(command.get_args());
    outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer.current_dir(place.path("")).output().unwrap()
}

/// A workspace that is a layer over another folder, as those of containers are.
fn on_layers(user: User) -> Result<(), Failed> {
    if !users_are_root() {
        eprintln!("skipped: only root can mount");
        return Ok(());
    }
    let mut place = Place::new(user);
    for folder in ["below/src/.vscode", "above", "scratch", "below/.git/hooks"] {
        fs::create_dir_all(place.path(folder)).unwrap();
    }
    for file in ["below/.envrc", "below/.env", "below/src/.vscode/tasks.json", "below/src/main"] {
        fs::write(place.path(file), "CANARY\n").unwrap();
    }
    if user == User::Nobody {
        support::own(&place.path("below"));
        support::own(&place.path("above"));
    }
    let output = mounted(
        &mut place,
        "mount -t overlay layers -o lowerdir=below,upperdir=above,workdir=scratch",
        "cat src/main made; ls -A . src",
        "cat .env; for it in .envrc src/.vscode/tasks.json; do echo evil >> $it; done; mv src other; echo more >> src/main; echo evil > src/.mcp.json; echo text > made",
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let expected = "code 0\nCANARY\nmore\ntext\n.:\n.env\n.envrc\n.git\nmade\nsrc\n\nsrc:\n.mcp.json.quarantined-1\n.vscode\nmain\n";
    let held = fs::read_to_string(place.path("below/.envrc")).is_ok_and(|it| it == "CANARY\n")
        && !place.path("above/.envrc").exists();
    // As another user than root the layers are not the mounter's to write.
    let usual = text == expected
        || user == User::Nobody && text.contains(".envrc") && !text.contains("evil");
    if usual && held { Ok(()) } else { Err(format!("{output:?}").into()) }
}

/// A disk that is full is the command's to hear of, and what it left is moved away all the same.
fn disk_full(user: User) -> Result<(), Failed> {
    if !users_are_root() {
        eprintln!("skipped: only root can mount");
        return Ok(());
    }
    let mut place = Place::new(user);
    let output = mounted(
        &mut place,
        "mount -t tmpfs -o size=300k memory",
        "ls -A",
        "git init -q . && git config user.name inside; touch .mcp.json; head -c 900000 /dev/zero > big; echo ended $?; git config user.email inside@x; echo \"code of git $?\"",
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let heard = text.contains("ended 1") && errors.contains("No space left");
    let rest = text.lines().skip_while(|it| !it.starts_with("code 0"));
    let rest = rest.collect::<Vec<_>>().join(" ");
    if heard && rest == "code 0 .git .mcp.json.quarantined-1 big" {
        Ok(())
    } else {
        Err(format!("{output:?}").into())
    }
}

/// With what is written kept apart, nothing reaches the workspace before the end, then the work does, and what others would
/// execute does not.
fn kept_apart(user: User) -> Result<(), Failed> {
    let mut place = Place::new(user);
    place.strict = true;
    let text = |name: &str| fs::read_to_string(place.path(name)).unwrap_or_default();
    for (name, text) in [("ws/a/b/one", "1"), ("ws/a/two", "2"), ("ws/old/three", "3")] {
        fs::create_dir_all(place.path(name).parent().unwrap()).unwrap();
        fs::write(place.path(name), text).unwrap();
    }
    if user == User::Nobody {
        let owned =
            Command::new("chown").args(["-R", "65534:65534"]).arg(place.path("ws")).status();
        assert!(owned.unwrap().success());
    }
    let code = "echo more >> src/main && echo new > made && chmod 750 made && rm a/b/one && mv a/two a/2 && rm -r old && mkdir old && echo 4 > old/four && ln -s made link2 && mkdir -p deep/er/.vscode locked && echo evil > deep/er/.vscode/tasks.json && echo evil > .mcp.json && echo x > locked/x && chmod 500 locked && git init -q fresh && echo evil > fresh/.git/hooks/post-checkout && echo here && touch ready && sleep 1; ls a old; cat src/main";
    let mut command = place.command(&["/bin/sh", "-c", code]);
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    thread::sleep(Duration::from_millis(700));
    let early = ["ws/made", "ws/.mcp.json", "ws/ready"].iter().any(|it| place.path(it).exists());
    let output = run.wait_with_output().unwrap();
    if early || output.status.code() != Some(0) {
        return Err(format!("early: {early}, {output:?}").into());
    }
    let mode = std::os::unix::fs::MetadataExt::mode;
    let checks = [
        ("changed", text("ws/src/main") == "text\nmore\n"),
        ("made", text("ws/made") == "new\n" && text("ws/link2") == "new\n"),
        ("mode", fs::metadata(place.path("ws/made")).is_ok_and(|it| mode(&it) & 0o777 == 0o750)),
        ("removed", !place.path("ws/a/b/one").exists() && place.path("ws/a/b").exists()),
        ("renamed", !place.path("ws/a/two").exists() && text("ws/a/2") == "2"),
        ("made anew", !place.path("ws/old/three").exists() && text("ws/old/four") == "4\n"),
        ("locked", text("ws/locked/x") == "x\n"),
        ("held back", !place.path("ws/.mcp.json").exists()),
        ("held back, deep", !place.path("ws/deep/er/.vscode").exists()),
        ("held back, hook", !place.path("ws/fresh/.git/hooks/post-checkout").exists()),
        ("repository", place.path("ws/fresh/.git/HEAD").exists()),
        ("no remains", !place.path("quarantine/1/apart").exists()),
        (
            "said",
            String::from_utf8_lossy(&output.stderr).contains("ws/.mcp.json was made by this run"),
        ),
    ];
    let wrong: Vec<&str> = checks.iter().filter(|(_, it)| !it).map(|(name, _)| *name).collect();
    if wrong.is_empty() { Ok(()) } else { Err(format!("{wrong:?} {output:?}").into()) }
}

/// What appears for a while is told of, even if it is gone before the end.
fn appears(user: User) -> Result<(), Failed> {
    let place = Place::new(user);
    let code = "mkdir -p deep/er; sleep 0.4; echo evil > deep/er/.mcp.json; mkdir new; sleep 0.2; touch new/.envrc; sleep 0.2; rm deep/er/.mcp.json; ls new -A";
    let output = place.shell(code);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let gone = errors.contains("vanished") && errors.contains("ws/deep/er/.mcp.json");
    let moved = errors.contains("appeared") && errors.contains("ws/new/.envrc");
    if gone && moved { Ok(()) } else { Err(format!("{output:?}").into()) }
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
    if output.stdout == b"in\n" { Ok(()) } else { Err(format!("{output:?}").into()) }
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
            trials.push(Trial::test(named("repository"), move || repository(user, tier)));
            trials.push(Trial::test(named("moved away"), move || moved_away(user, tier)));
            trials.push(Trial::test(named("signals"), move || signals(user, tier)));
            trials.push(Trial::test(named("standard input"), move || standard_input(user, tier)));
        }
        for (number, (name, code, expected)) in PROGRAMS.iter().enumerate() {
            let trial = move || program(user, name, code, expected);
            trials.push(Trial::test(format!("{user:?}::A::{name}_{number}"), trial));
        }
        trials.push(Trial::test(format!("{user:?}::sandbox_inside"), move || sandbox_inside(user)));
        trials.push(Trial::test(format!("{user:?}::places"), move || places(user)));
        let known = move || moved_from_known_folders(user);
        trials.push(Trial::test(format!("{user:?}::moved_from_known_folders"), known));
        trials.push(Trial::test(format!("{user:?}::on_memory"), move || on_memory(user)));
        trials.push(Trial::test(format!("{user:?}::on_layers"), move || on_layers(user)));
        trials.push(Trial::test(format!("{user:?}::disk_full"), move || disk_full(user)));
        trials.push(Trial::test(format!("{user:?}::appears"), move || appears(user)));
        trials.push(Trial::test(format!("{user:?}::kept_apart"), move || kept_apart(user)));
        trials.push(Trial::test(format!("{user:?}::in_place"), move || in_place(user)));
        trials.push(Trial::test(format!("{user:?}::terminal"), move || terminal(user)));
        trials.push(Trial::test(format!("{user:?}::work_tree"), move || work_tree(user)));
        trials.push(Trial::test(format!("{user:?}::network"), move || network(user)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
