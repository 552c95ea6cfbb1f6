//! Workspaces of every name, on every kind of file system, and apart from what is written.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use libtest_mimic::Failed;

use crate::support::{self, Place, User};
use crate::told;

pub(crate) fn users_are_root() -> bool {
    support::users().len() > 1
}

/// Whatever the workspace is called, and whatever it lies on.
pub(crate) fn places(user: User) -> Result<(), Failed> {
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
pub(crate) fn on_memory(user: User) -> Result<(), Failed> {
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
    told(names == expected, &output)
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
pub(crate) fn on_layers(user: User) -> Result<(), Failed> {
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
    told(usual && held, &output)
}

/// A disk that is full is the command's to hear of, and what it left is moved away all the same.
pub(crate) fn disk_full(user: User) -> Result<(), Failed> {
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
    told(heard && rest == "code 0 .git .mcp.json.quarantined-1 big", &output)
}

/// With what is written kept apart, nothing reaches the workspace before the end, then the work does, and what others would
/// execute does not.
pub(crate) fn kept_apart(user: User) -> Result<(), Failed> {
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
