//! What git is used for, and what lies in a workspace when a run has ended.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use libtest_mimic::Failed;
use ringfence_sandbox::Tier;

use crate::at;
use crate::support::{self, Place, User};

/// A work tree of a repository elsewhere can be committed to; a file that lies about it opens nothing.
pub(crate) fn work_tree(user: User) -> Result<(), Failed> {
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
pub(crate) fn repository(user: User, tier: Tier) -> Result<(), Failed> {
    let place = at(user, tier);
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
pub(crate) fn moved_away(user: User, tier: Tier) -> Result<(), Failed> {
    let place = at(user, tier);
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
pub(crate) fn moved_from_known_folders(user: User) -> Result<(), Failed> {
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
