//! What `ringfence run` says and records of a run: what was blocked, by which wall, and how to allow it.
//!
//! Every refusal here is real: a file that is read-only inside, a name that is not in the list.

#![cfg(target_os = "linux")]

mod later;
mod learn;
mod place;

use serde_json::json;

use crate::place::{Output, Place};

#[test]
fn without_observation_files_are_not_guessed_at() {
    let place = Place::new();
    let output = place.run(&[], "echo x > $HOME/outside; exit 3");
    assert_eq!(output.code, 3);
    assert!(!output.errors.contains("blocked: write"), "{output:?}");
    assert!(output.errors.contains("not known without --observe"), "{output:?}");
}

#[test]
fn a_run_that_ends_well_and_in_which_nothing_was_blocked_says_nothing() {
    let place = Place::new();
    for options in [&[][..], &["--observe"]] {
        let output = place.run(options, "echo x > inside; mv inside there; rm there");
        assert_eq!((output.code, output.errors.as_str()), (0, ""), "{options:?}");
    }
}

#[test]
fn a_host_that_was_refused_is_said_with_the_flag_that_allows_it() {
    let place = Place::new();
    let ask = "python3 -c 'import socket; socket.create_connection((\"api.test\", 443), 2)'";
    let output = place.run(&["--allow-host", "other.test"], ask);
    let said = |errors: &str| {
        let of_it =
            errors.lines().find(|it| it.contains("look up api.test (not in the list")).unwrap();
        assert!(of_it.ends_with(": allow with --allow-host api.test"), "{errors}");
    };
    said(&output.errors);
    // With nobody who may be reached there is somebody at the door all the same.
    said(&place.run(&["--observe"], ask).errors);
}

#[test]
fn an_observed_run_says_which_files_were_refused_and_by_what() {
    let place = Place::new();
    let code = "echo x > $HOME/outside; mkdir $HOME/.tool; echo x > .envrc; cat .env; true";
    let output = place.run(&["--observe"], code);
    assert_eq!(output.code, 0);
    let home = place.path("home");
    for line in [
        format!(
            "blocked: write {}/outside (hidden from the run): make {0}/outside first",
            home.display()
        ),
        format!("make {}/.tool (hidden from the run)", home.display()),
        "ws/.envrc (read only, since others execute or obey it): change it outside of the run"
            .to_owned(),
    ] {
        assert!(output.errors.contains(&line), "{line}: {}", output.errors);
    }
    assert!(!place.path("home/outside").exists(), "it was really refused");
}

/// The kernel tells nobody of a call that a filter refuses by itself; an observed run's filter asks instead, and is
/// answered with the same error.
#[test]
fn an_observed_run_says_which_system_calls_were_refused() {
    let place = Place::new();
    let calls = r#"
import ctypes, errno, socket
libc = ctypes.CDLL(None, use_errno=True)
assert libc.unshare(0x10000000) == -1 and ctypes.get_errno() == errno.EPERM
assert libc.ptrace(0, 0, 0, 0) == 0, "what is not refused goes on"
for family, kind, error in [(socket.AF_INET, socket.SOCK_RAW, errno.EPERM), (38, 5, errno.EAFNOSUPPORT)]:
    try:
        socket.socket(family, kind, 0)
        raise SystemExit("a socket was made")
    except OSError as failed:
        assert failed.errno == error, failed
"#;
    std::fs::write(place.path("ws/calls.py"), calls).unwrap();
    for options in [&[][..], &["--observe"]] {
        let output = place.run(options, "python3 calls.py && exit 3");
        assert_eq!(output.code, 3, "the same errors, watched or not: {output:?}");
        let said = |line: &str| output.errors.contains(line);
        let watched = !options.is_empty();
        assert_eq!(said("blocked: call unshare (no mounts and namespaces"), watched, "{output:?}");
        assert_eq!(said("allow with --profile nested"), watched, "{output:?}");
        assert_eq!(said("blocked: call socket (there are no raw sockets"), watched, "{output:?}");
        assert_eq!(said("not known without --observe"), !watched, "{output:?}");
    }
    // The trial of the walls, just before, made such calls too, and is not the command's.
    let output = place.run(&["--observe"], "true");
    assert_eq!(output.errors, "", "{output:?}");
}

#[test]
fn of_a_workspace_only_what_is_named_is_written() {
    let place = Place::new();
    let ws = place.path("ws");
    for folder in ["src", "lib", "deep/er"] {
        std::fs::create_dir_all(ws.join(folder)).unwrap();
        std::fs::write(ws.join(folder).join("code"), "mine\n").unwrap();
    }
    std::fs::write(ws.join("list"), "old\n").unwrap();
    std::os::unix::fs::symlink("src", ws.join("link")).unwrap();
    let only = ["list*", "made", "deep/er/out"].map(|it| format!("--only-write={it}"));
    let mut options: Vec<&str> = only.iter().map(String::as_str).collect();
    options.push("--observe");
    let code = r#"
set -e
echo new > list.tmp && mv list.tmp list
mkdir made && echo 1 > made/file
echo 2 > deep/er/out
set +e
for it in 'echo harm > src/code' 'echo harm > deep/er/code' 'rm -r lib' 'mv lib made/lib' 'ln lib/code list2' \
  'mv deep made/deep' 'echo harm > link/code' 'rm link' 'git init -q src' 'echo harm > .envrc'; do
  sh -c "$it" 2> /dev/null && echo "HARM $it"
done
echo 3 > strange
true
"#;
    let output = place.run(&options, code);
    assert_eq!((output.code, output.text.contains("HARM")), (0, false), "{output:?}");
    let read = |name: &str| std::fs::read_to_string(ws.join(name)).unwrap_or_default();
    assert_eq!((read("list").as_str(), read("made/file").as_str()), ("new\n", "1\n"));
    assert_eq!((read("deep/er/out").as_str(), read("src/code").as_str()), ("2\n", "mine\n"));
    assert!(ws.join("lib/code").exists() && ws.join("deep/er/code").exists());
    // A name that is not there cannot be held; what it was seen to make is moved away when it ends.
    assert!(!ws.join("strange").exists(), "{output:?}");
    for said in [
        "is not among what it may write there: moved to",
        "/ws/src/code and another there (read only",
    ] {
        assert!(output.errors.contains(said), "{said}: {output:?}");
    }
    // What was there and is obeyed by others is nothing that it made.
    assert_eq!((read(".envrc").as_str(), output.errors.contains("and is gone")), ("true\n", false));
    // Nothing at all.
    let output = place.run(&["--only-write="], "echo x > list; echo x > more; exit 4");
    assert_eq!((output.code, read("list").as_str()), (4, "new\n"));
    assert!(!ws.join("more").exists());
}

/// What existed before is nothing that a run made, however little of the workspace it may write.
#[test]
fn what_was_there_is_never_taken_for_what_a_run_left() {
    let place = Place::new();
    let ws = place.path("ws");
    let files = [
        ".claude/settings.json",
        ".vscode/tasks.json",
        ".husky/pre-commit",
        ".mcp.json",
        "app/.envrc",
        "sub/deep/er/.claude/settings.json",
        ".git/hooks/pre-commit",
        ".git/info/attributes",
        "sub/lib/.git/hooks/pre-push",
    ];
    for file in files {
        std::fs::create_dir_all(ws.join(file).parent().unwrap()).unwrap();
        std::fs::write(ws.join(file), "mine\n").unwrap();
    }
    let settings = "[core]\n\thooksPath = hooks\n[alias]\n\tup = !./up\n";
    for git in [".git", "sub/lib/.git"] {
        std::fs::create_dir_all(ws.join(git).join("objects")).unwrap();
        std::fs::create_dir_all(ws.join(git).join("refs")).unwrap();
        std::fs::write(ws.join(git).join("HEAD"), "ref: refs/heads/main\n").unwrap();
        std::fs::write(ws.join(git).join("config"), settings).unwrap();
    }
    for options in [
        &["--only-write="][..],
        &["--only-write=app/x"],
        &["--only-write=app/x", "--observe"],
        &["--only-write=new"],
        &["--only-write=."],
        &["--strict-protect"],
        &[],
    ] {
        let output = place.run(options, "true");
        assert_eq!((output.code, output.errors.as_str()), (0, ""), "{options:?}");
        for file in files {
            assert_eq!(std::fs::read_to_string(ws.join(file)).ok().as_deref(), Some("mine\n"));
        }
        for git in [".git", "sub/lib/.git"] {
            let now = std::fs::read_to_string(ws.join(git).join("config")).unwrap();
            assert_eq!(now, settings, "{options:?}");
        }
    }
}

/// A link is another name for a folder or a file; what was made by it is moved away as well.
#[test]
fn what_appears_beside_what_is_written_is_moved_away_by_whatever_name_it_was_made() {
    for (number, code) in [
        "ln -s .. made/up; echo x > made/up/evil.py",
        "ln -s .. made/up; echo x > made/file; mv made/file made/up/evil.py; rm made/up",
        "ln -s ../evil.py made/out; echo x > made/out",
        "ln -s ../evil.py made/out; echo x > made/out; rm made/out",
        "echo x > /proc/self/cwd/evil.py",
        "cd made; mkdir ../evil.py",
    ]
    .into_iter()
    .enumerate()
    {
        let place = Place::new();
        let before = number % 2 == 0;
        if before {
            std::fs::create_dir(place.path("ws/made")).unwrap();
        }
        let code = format!("mkdir -p made; {code}");
        let output = place.run(&["--only-write=made", "--only-write=new", "--observe"], &code);
        assert_eq!(output.code, 0, "{output:?}");
        assert!(!place.path("ws/evil.py").exists(), "{code}: {output:?}");
        assert!(place.path("ws/.envrc").exists());
    }
}

/// A link that leads to nothing was there before, and is gone when it could be looked at.
#[test]
fn what_was_made_through_a_link_is_moved_away_though_the_link_is_gone() {
    for (name, to) in [("out", "../evil.py"), ("out", "on"), ("there/out", "../../evil.py")] {
        let place = Place::new();
        std::fs::create_dir_all(place.path("ws/made/there")).unwrap();
        std::os::unix::fs::symlink("../evil.py", place.path("ws/made/on")).unwrap();
        std::os::unix::fs::symlink(to, place.path("ws/made").join(name)).unwrap();
        let code = format!("echo x > made/{name}; rm made/{name} made/on");
        let output = place.run(&["--only-write=made", "--observe"], &code);
        assert_eq!(output.code, 0, "{output:?}");
        assert!(!place.path("ws/evil.py").exists(), "{to}: {output:?}");
    }
}

/// What fails outside of the run too is nothing that a wall refused.
#[test]
fn what_fails_anyway_is_not_said_to_be_blocked() {
    let place = Place::new();
    let code = "mkdir /usr; rm /usr/no-such-file; echo x > /no/such/folder/file; exit 1";
    let output = place.run(&["--observe"], code);
    assert!(!output.errors.contains("blocked:"), "{output:?}");
}

#[test]
fn for_machines_the_report_is_one_line() {
    let place = Place::new();
    let output = place.run(&["--observe", "--json"], "echo x > $HOME/outside; exit 4");
    let line = output.errors.lines().find(|it| it.starts_with('{')).unwrap();
    let report: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(report["exit"], json!(4));
    assert_eq!(report["report"]["blocked"][0]["by"], json!("hidden"));
    assert_eq!(report["report"]["blocked"][0]["profile"], json!("[home] write = [\"outside\"]"));
    let sights = report["observed"]["sights"].as_array().unwrap();
    assert!(sights.iter().any(|it| it["deed"] == "exec"), "{report}");
}

#[test]
fn a_run_is_in_the_audit_log_from_its_start_to_its_end() {
    let place = Place::new();
    let ask = "python3 -c 'import socket; socket.create_connection((\"api.test\", 443), 2)'";
    let output = place.run(&["--observe", "--allow-host", "other.test"], ask);
    assert_eq!(output.code, 1);
    let entries = place.entries();
    let kinds: Vec<&str> = entries.iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds[0], "run_started", "{kinds:?}");
    assert!(kinds.contains(&"egress") && kinds.contains(&"observed"), "{kinds:?}");
    assert_eq!(*kinds.last().unwrap(), "run");
    let session = &entries[0]["session"];
    assert!(entries.iter().all(|it| it["session"] == *session), "one session: {entries:?}");
    assert_eq!(entries[0]["tier"], json!("A"));
    assert_eq!(entries[0]["command"][0], json!("/bin/sh"));
    assert!(entries[0]["plan"].as_str().unwrap().starts_with("sha256:"));
    let end = entries.last().unwrap();
    assert_eq!(end["exit"], json!(1));
    assert_eq!(end["report"]["blocked"][0]["by"], json!("network"));
    assert!(place.ringfence(&["audit", "verify"]).success());
}

/// Who reads that a run began reads, too, that it came to nothing; of one that was never tried there is nothing.
#[test]
fn a_run_that_came_to_nothing_is_in_the_log_as_such() {
    let place = Place::new();
    assert!(!place.ringfence(&["run", "--read", "/no/such/folder", "--", "true"]).success());
    assert!(place.entries().is_empty());
    for (options, code) in [(&[][..], 127), (&["--observe"], 127)] {
        let command = [&["run"], options, &["--", "no-such-command-anywhere"]].concat();
        let output = place.ringfence(&command);
        assert_eq!(output.code(), Some(code));
        let entries = place.entries();
        let [.., begun, ended] = entries.as_slice() else { panic!("{entries:?}") };
        assert_eq!((&begun["kind"], &ended["kind"]), (&json!("run_started"), &json!("run")));
        assert_eq!(begun["session"], ended["session"]);
        let why = ended["refused"].as_str().unwrap();
        assert!(why.contains("command not found") && ended.get("exit").is_none(), "{ended}");
    }
}

#[test]
fn a_log_that_cannot_be_written_is_said_and_holds_nothing_up() {
    let place = Place::new();
    place.expose_state();
    let output = place.run(&[], "echo works");
    assert_eq!((output.code, output.text.as_str()), (0, "works\n"));
    assert!(output.errors.contains("not recorded"), "{output:?}");
}

/// Programs that are many, quick, killed and nested: what waits for the observer goes on, always.
#[test]
fn work_goes_on_while_it_is_watched() {
    let place = Place::new();
    let code = "for i in 1 2 3 4; do (for j in $(seq 40); do echo $j > f$i.$j; /bin/true; mv f$i.$j g$i.$j; done) & done; wait
        ls | grep -c ^g; sh -c 'kill -9 $$'; timeout 0.2 sh -c 'while :; do : > x; done'; echo $?";
    let output = place.run(&["--observe"], code);
    assert_eq!(output.text, "160\n124\n", "{output:?}");
    let inner = "setsid sh -c 'sleep 0.2; echo late > late' & sleep 0.5; cat late";
    assert_eq!(place.run(&["--observe"], inner).text, "late\n");
}

#[test]
fn the_end_of_the_supervisor_is_the_end_of_what_it_watches() {
    let place = Place::new();
    let mut run =
        place.command(&["--observe"], "echo $$; while :; do date > ticking; sleep 0.05; done");
    let mut child = run.stdout(std::process::Stdio::piped()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(700));
    child.kill().unwrap();
    child.wait().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let last = std::fs::metadata(place.path("ws/ticking")).unwrap().modified().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(400));
    assert_eq!(std::fs::metadata(place.path("ws/ticking")).unwrap().modified().unwrap(), last);
}

/// However a workspace is called and reached, it is the same one, and what is held in it is held.
#[test]
fn a_workspace_behind_a_link_or_with_an_odd_name() {
    let place = Place::new();
    let odd = place.path("wörk späce ✓ 'q\" $HOME");
    std::fs::create_dir(&odd).unwrap();
    std::fs::write(odd.join(".envrc"), "true\n").unwrap();
    std::fs::write(odd.join(".env"), "CANARY\n").unwrap();
    let (link, linked) = (place.path("link"), place.path("linked"));
    std::os::unix::fs::symlink(place.path("ws"), &link).unwrap();
    std::os::unix::fs::symlink(&odd, &linked).unwrap();
    let code =
        "echo text > made && cat made; cat .env; echo evil >> .envrc; echo evil > .mcp.json; true";
    for (real, way) in [(place.path("ws"), &link), (odd.clone(), &odd), (odd.clone(), &linked)] {
        let elsewhere = ["--workspace", way.to_str().unwrap()];
        for (cwd, options) in [(way, &[][..]), (&place.path("home"), &elsewhere)] {
            let mut run = place.command(options, code);
            let output = run.current_dir(cwd).env("PWD", cwd).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!(text, "text\n", "{way:?}: {errors}");
            let held = std::fs::read_to_string(real.join(".envrc")).unwrap();
            assert_eq!(held, "true\n", "{way:?}: {errors}");
            assert!(!real.join(".mcp.json").exists(), "{way:?}: {errors}");
            assert!(errors.contains(".mcp.json was made by this run"), "{way:?}: {errors}");
            std::fs::remove_file(real.join("made")).unwrap();
        }
    }
}

/// What one run knew of its folders the next one believes, as far as it is still so.
/// Inside, /dev and /dev/shm are a run's own; what it works in is laid on top of them.
#[test]
fn a_workspace_in_shared_memory() {
    let Ok(folder) = tempfile::tempdir_in("/dev/shm") else { return };
    let place = Place::new();
    let at = folder.path().canonicalize().unwrap();
    std::fs::write(at.join("there"), "x").unwrap();
    let other = tempfile::tempdir_in("/dev/shm").unwrap();
    let code = format!(
        "cat there && echo y > made && ! ls {} && echo z > /dev/shm/own && test -c /dev/null && ! touch /dev/x",
        other.path().display()
    );
    let mut command = place.command(&[], &code);
    let output = command.current_dir(&at).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(std::fs::read_to_string(at.join("made")).unwrap(), "y\n");
    assert!(!std::path::Path::new("/dev/shm/own").exists());
}

#[test]
fn what_changed_between_runs_is_seen() {
    let place = Place::new();
    let known = || std::fs::read_dir(place.path("state/scans")).map_or(0, Iterator::count);
    std::fs::create_dir_all(place.path("ws/old/deep")).unwrap();
    // Longer than what the stamp of a folder is not relied on for.
    std::thread::sleep(std::time::Duration::from_millis(3200));
    assert_eq!(place.run(&[], "true").code, 0);
    assert_eq!(known(), 1);
    let look = "cat old/deep/.env .env; echo evil > old/deep/.envrc; echo evil > .envrc; true";
    let held = |output: &Output| {
        assert!(!output.text.contains("CANARY"), "{output:?}");
        for path in ["ws/old/deep/.envrc", "ws/.envrc"] {
            assert_eq!(std::fs::read_to_string(place.path(path)).unwrap(), "true\n", "{output:?}");
        }
    };
    std::fs::write(place.path("ws/old/deep/.env"), "CANARY\n").unwrap();
    std::fs::write(place.path("ws/old/deep/.envrc"), "true\n").unwrap();
    held(&place.run(&[], look));
    // And a text that is none is as good as none.
    for entry in std::fs::read_dir(place.path("state/scans")).unwrap().filter_map(Result::ok) {
        std::fs::write(entry.path(), "ringfence folders 1 0\n\u{0}\n").unwrap();
    }
    held(&place.run(&[], look));
}

/// What a run could have written is not believed by the next one.
#[test]
fn a_state_folder_that_a_run_can_write_knows_nothing() {
    let place = Place::new();
    std::fs::create_dir(place.path("ws/old")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(3200));
    let state = place.path("ws/state");
    let mut run = place.command(&[], "true");
    assert!(run.env("RINGFENCE_STATE", &state).status().unwrap().success());
    assert!(!state.join("scans").exists());
}
