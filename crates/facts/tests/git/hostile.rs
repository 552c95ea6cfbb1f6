//! Repositories made to harm whoever looks at them. Nothing that they name is executed, nothing makes
//! the reader fall over or hang, and what cannot be believed is unknown.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ringfence_action::{Attr, Effect, EffectKind, Facts, GitFacts, Target};
use ringfence_facts::{FactSource, Live};

use crate::support::{Repo, branch_deleted, gather, lost, pushed};

static PANICKED: AtomicBool = AtomicBool::new(false);

/// Asks everything there is to ask, and returns what is told. Fails where something was executed, fell
/// over, or took longer than a multiple of the deadline.
fn ask(repo: &Repo) -> Facts {
    ask_for(repo, Duration::from_millis(500))
}

fn ask_for(repo: &Repo, budget: Duration) -> Facts {
    std::panic::set_hook(Box::new(|info| {
        println!("{info}");
        PANICKED.store(true, Ordering::SeqCst);
    }));
    let deleted = |name: &str| {
        let path = repo.path(name).to_str().unwrap().to_owned();
        Effect::new(EffectKind::Delete, Target::known(path)).with(Attr::Recursive, true)
    };
    let effects = [
        lost(&repo.top, "reset --hard", &["changes", "untracked", "ignored", "commits", "stash"])
            .with(Attr::Branch, "HEAD~1"),
        lost(&repo.path("a.txt"), "checkout", &["changes"]),
        deleted("a.txt"),
        deleted("src"),
        deleted("new.txt"),
        branch_deleted(&repo.top, "main"),
        branch_deleted(&repo.top, "other"),
        pushed(&repo.top, "origin", "main"),
    ];
    let live = Live::new(budget);
    let mut facts = Facts::default();
    let started = Instant::now();
    live.gather(&repo.action(), &effects, &mut facts, live.deadline());
    assert!(started.elapsed() < Duration::from_millis(1_500), "{:?}", started.elapsed());
    // What is left behind past the deadline must not start anything either.
    std::thread::sleep(Duration::from_millis(20));
    drop(std::panic::take_hook());
    assert!(!PANICKED.load(Ordering::SeqCst), "the reader panicked");
    assert!(!repo.beside("canary").exists(), "something was executed");
    facts
}

/// A repository with changes, so that files have to be compared, and a program that leaves a trace.
fn prepared() -> (Repo, String) {
    let repo = Repo::pushed();
    repo.git(&["branch", "other"]);
    repo.commit("second");
    let canary = repo.beside("canary");
    let program = repo.beside("trap");
    fs::write(&program, format!("#!/bin/sh\ntouch '{}'\ncat\n", canary.display())).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&program, mode).unwrap();
    repo.write("src/b.txt", "b changed\n");
    repo.write("new.txt", "new\n");
    // Touched: only its content tells that it is the same.
    repo.write("a.txt", "a\n");
    (repo, program.to_str().unwrap().to_owned())
}

fn config(repo: &Repo, text: &str) {
    let path = repo.path(".git/config");
    let before = fs::read_to_string(&path).unwrap();
    fs::write(path, format!("{before}\n{text}\n")).unwrap();
}

#[test]
fn the_trap_works() {
    let (repo, trap) = prepared();
    config(&repo, &format!("[core]\nfsmonitor = {trap}"));
    repo.git(&["status"]);
    assert!(repo.beside("canary").exists(), "git itself steps into it");
}

#[test]
fn settings_that_name_programs_start_none() {
    let settings = [
        "[core]\nfsmonitor = TRAP",
        "[core]\nhooksPath = HOOKS",
        "[core]\nsshCommand = TRAP\naskPass = TRAP\neditor = TRAP\npager = TRAP\ngitProxy = TRAP",
        "[core]\nattributesFile = /dev/zero\nexcludesFile = /dev/zero",
        "[core]\nalternateRefsCommand = TRAP",
        "[credential]\nhelper = !TRAP",
        "[credential \"https://git.example\"]\nhelper = TRAP",
        "[diff \"trap\"]\ntextconv = TRAP\ncommand = TRAP",
        "[diff]\nexternal = TRAP",
        "[merge \"trap\"]\ndriver = TRAP",
        "[gpg]\nprogram = TRAP\n[commit]\ngpgSign = true\n[log]\nshowSignature = true",
        "[alias]\nstatus = !TRAP\nrev-parse = !TRAP",
        "[remote \"origin\"]\nurl = ext::TRAP\nuploadpack = TRAP\nvcs = trap",
        "[extensions]\npartialClone = origin\n[remote \"origin\"]\npromisor = true",
        "[url \"ext::TRAP \"]\ninsteadOf = https://",
        "[status]\nsubmoduleSummary = true\n[trace2]\neventTarget = CANARY",
    ];
    for setting in settings {
        let (repo, trap) = prepared();
        let hooks = repo.beside("hooks");
        fs::create_dir(&hooks).unwrap();
        for hook in ["post-index-change", "fsmonitor-watchman", "reference-transaction"] {
            fs::copy(&trap, hooks.join(hook)).unwrap();
            fs::copy(&trap, repo.path(".git/hooks").join(hook)).unwrap();
        }
        repo.write(".gitattributes", "* diff=trap merge=trap\n");
        let setting = setting
            .replace("TRAP", &trap)
            .replace("HOOKS", hooks.to_str().unwrap())
            .replace("CANARY", repo.beside("canary").to_str().unwrap());
        config(&repo, &setting);
        let told = ask(&repo).git.unwrap_or_else(|| panic!("{setting}: told nothing"));
        assert_eq!(told.dirty, Some(true), "{setting}");
    }
}

#[test]
fn filters_are_not_run_and_what_they_would_tell_is_unknown() {
    for keys in ["clean = TRAP\nsmudge = TRAP", "process = TRAP\nrequired = true"] {
        let (repo, trap) = prepared();
        repo.write("src/b.txt", "b\n");
        repo.git(&["checkout", "-q", "src/b.txt"]);
        config(&repo, &format!("[filter \"trap\"]\n{}", keys.replace("TRAP", &trap)));
        fs::write(repo.path(".git/info/attributes"), "* filter=trap\n").unwrap();
        repo.write("a.txt", "A\n");
        let facts = ask(&repo);
        assert_eq!(facts.paths[repo.path("a.txt").to_str().unwrap()].clean, None, "{keys}");
        assert_eq!(facts.git.unwrap().dirty, None, "{keys}");
    }
}

#[test]
fn includes_are_not_followed() {
    for include in ["[include]\npath = PATH", "[includeIf \"gitdir:**\"]\npath = PATH"] {
        let (repo, trap) = prepared();
        let included = repo.beside("included");
        let text =
            format!("[core]\nfsmonitor = {trap}\nworktree = /\n[remote \"evil\"]\nurl = x\n");
        fs::write(&included, text).unwrap();
        config(&repo, &include.replace("PATH", included.to_str().unwrap()));
        let told = ask(&repo).git.unwrap();
        assert_eq!(told.top.as_deref(), repo.top.to_str());
        assert!(!told.remotes.unwrap().contains_key("evil"));
    }
    for endless in ["/dev/zero", "../.git/config", "config"] {
        let (repo, _) = prepared();
        config(&repo, &format!("[include]\npath = {endless}"));
        assert!(ask(&repo).git.is_some(), "{endless}");
    }
}

#[test]
fn a_work_tree_elsewhere_is_not_believed() {
    let (repo, _) = prepared();
    let other = repo.beside("empty");
    fs::create_dir(&other).unwrap();
    for elsewhere in [other.to_str().unwrap(), "../../empty", "/", "/proc/self"] {
        config(&repo, &format!("[core]\nworktree = {elsewhere}"));
        let facts = ask(&repo);
        assert_eq!(facts.git, None, "{elsewhere}");
        assert_eq!(facts.paths[repo.path("a.txt").to_str().unwrap()].clean, None);
    }
}

#[test]
fn a_bare_repository_in_a_work_tree_is_not_the_outer_one() {
    let (repo, _) = prepared();
    let inner = repo.path("src/inner");
    repo.git(&["init", "-q", "--bare", inner.to_str().unwrap()]);
    let effect = lost(&inner, "reset --hard", &["changes"]);
    let facts = gather(&crate::support::action(&inner), &[effect]);
    assert_eq!(facts.git.and_then(|git| git.dirty), None);
}

#[test]
fn what_is_broken_is_unknown() {
    let all: [(&str, &[u8]); 12] = [
        (".git/HEAD", b"ref: refs/heads/../../../etc/passwd\n"),
        (".git/HEAD", b"\0\0\0\0"),
        (".git/HEAD", b""),
        (".git/index", b"DIRC\0\0\0\x02\xff\xff\xff\xff"),
        (".git/index", b"garbage"),
        (".git/index", b""),
        (".git/config", b"[core\nbroken = "),
        (".git/packed-refs", b"# pack-refs with: peeled fully-peeled sorted \nnonsense\n"),
        (".git/refs/heads/other", b"not a hash\n"),
        (".git/refs/heads/main", b"0000000000000000000000000000000000000000\n"),
        (".git/refs/heads/main", b"1111111111111111111111111111111111111111\n"),
        (".git/shallow", b"xyz\n"),
    ];
    for (file, content) in all {
        let (repo, _) = prepared();
        fs::write(repo.path(file), content).unwrap();
        println!("{file}: {}", content.escape_ascii());
        let facts = ask(&repo);
        let told = facts.git.unwrap_or_default();
        assert_ne!(told.dirty, Some(false), "{file}");
        let changed = &facts.paths[repo.path("src").to_str().unwrap()];
        assert_ne!(changed.clean, Some(true), "{file}");
        let lost = told.orphaned.get("branch:other").copied();
        assert!(matches!(lost, None | Some(0)), "{file}");
    }
}

#[test]
fn objects_that_are_gone_or_broken_make_what_hangs_on_them_unknown() {
    let (repo, _) = prepared();
    repo.git(&["checkout", "-q", "--detach"]);
    let objects = repo.path(".git/objects");
    for folder in fs::read_dir(&objects).unwrap().flatten() {
        for object in fs::read_dir(folder.path()).unwrap().flatten() {
            fs::remove_file(object.path()).unwrap();
        }
    }
    let facts = ask(&repo);
    let told = facts.git.unwrap_or_default();
    assert_eq!((told.unpushed, told.dirty), (None, None));
    assert!(told.orphaned.values().all(|count| *count == 0), "{:?}", told.orphaned);
}

#[test]
fn files_that_never_end_are_not_read() {
    let (repo, _) = prepared();
    let pipe = |path: &Path| {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    let kept = repo.beside("kept");
    let files = [
        "HEAD",
        "config",
        "index",
        "packed-refs",
        "info/exclude",
        "info/attributes",
        "commondir",
        "shallow",
        "objects/info/alternates",
        "refs/heads/other",
        "logs/refs/stash",
    ];
    let files = files.map(|file| format!(".git/{file}"));
    let shown = [".gitignore", "src/.gitignore", ".gitattributes", "a.txt"].map(str::to_owned);
    for file in files.iter().chain(&shown) {
        let path = repo.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let was_there = fs::rename(&path, &kept).is_ok();
        pipe(&path);
        let told = ask_for(&repo, Duration::from_millis(150)).git.unwrap_or_default();
        assert_ne!(told.dirty, Some(false), "{file} is a pipe");
        fs::remove_file(&path).unwrap();
        symlink("/dev/zero", &path).unwrap();
        let told = ask_for(&repo, Duration::from_millis(150)).git.unwrap_or_default();
        assert_ne!(told.dirty, Some(false), "{file} has no end");
        fs::remove_file(&path).unwrap();
        if was_there {
            fs::rename(&kept, &path).unwrap();
        }
    }
}

#[test]
fn an_index_beyond_all_bounds_is_not_read() {
    let (repo, _) = prepared();
    let index = fs::OpenOptions::new().write(true).open(repo.path(".git/index")).unwrap();
    index.set_len(1 << 40).unwrap();
    assert_eq!(ask(&repo).git, None);
}

#[test]
fn marks_that_lead_elsewhere_are_followed_as_git_does_and_loops_are_not() {
    let (repo, _) = prepared();
    let moved = repo.beside("moved");
    fs::rename(repo.path(".git"), &moved).unwrap();
    symlink(&moved, repo.path(".git")).unwrap();
    assert_eq!(ask(&repo).git.unwrap().dirty, Some(true), "a link");

    fs::remove_file(repo.path(".git")).unwrap();
    fs::write(repo.path(".git"), format!("gitdir: {}\n", moved.display())).unwrap();
    assert_eq!(ask(&repo).git.unwrap().dirty, Some(true), "a file");

    for loops in
        ["gitdir: .git\n", "gitdir: ../app/.git\n", "gitdir: /proc/self/root\n", "gitdir: \n"]
    {
        fs::write(repo.path(".git"), loops).unwrap();
        assert_eq!(ask(&repo).git, None, "{loops}");
    }
    fs::remove_file(repo.path(".git")).unwrap();
    symlink(".git", repo.path(".git")).unwrap();
    assert_eq!(ask(&repo).git, None, "a link to itself");
}

#[test]
fn a_common_folder_in_a_loop_or_elsewhere() {
    for common in [".", "../.git", "/etc", "commondir"] {
        let (repo, _) = prepared();
        fs::write(repo.path(".git/commondir"), format!("{common}\n")).unwrap();
        let told = ask(&repo).git.unwrap_or_default();
        assert_ne!(told.dirty, Some(false), "{common}");
    }
}

#[test]
fn alternates_may_lead_outside_and_in_circles() {
    let (repo, _) = prepared();
    let other = Repo::new();
    let alternates = repo.path(".git/objects/info/alternates");
    for line in
        [other.path(".git/objects").to_str().unwrap(), "../objects", "/", "/dev", "\0", "\"x"]
    {
        fs::write(&alternates, format!("{line}\n")).unwrap();
        let told = ask(&repo).git.unwrap_or_default();
        assert_ne!(told.dirty, Some(false), "{line}");
    }
}

#[test]
fn a_repository_of_somebody_else_is_not_opened() {
    let (repo, _) = prepared();
    let given = |path: &Path| std::os::unix::fs::chown(path, Some(65_533), None);
    for path in [repo.path(".git"), repo.top.clone()] {
        if given(&path).is_err() {
            println!("only root can give files away: not tested");
            return;
        }
        let facts = ask(&repo);
        assert_eq!(facts.git, None);
        assert_eq!(facts.paths[repo.path("a.txt").to_str().unwrap()].tracked, None);
        std::os::unix::fs::chown(&path, Some(0), None).unwrap();
    }
    assert!(ask(&repo).git.is_some());
}

/// Runs itself again under the variables that a repository could have set.
#[test]
fn the_environment_is_ignored() {
    let told = |repo: &Repo| -> GitFacts { ask(repo).git.unwrap() };
    if let Some(top) = std::env::var_os("FACTS_TEST_TOP") {
        let effect = lost(Path::new(&top), "reset --hard", &["changes", "commits"]);
        let facts = gather(&crate::support::action(Path::new(&top)), &[effect]);
        let git = facts.git.unwrap();
        assert_eq!(git.dirty, Some(true));
        assert_eq!(git.branch.as_deref(), Some("main"));
        assert_eq!(git.top.as_deref(), top.to_str());
        return;
    }
    let (repo, trap) = prepared();
    assert_eq!(told(&repo).dirty, Some(true));
    let other = Repo::new();
    other.git(&["checkout", "-qb", "elsewhere"]);
    let clean = other.path(".git");
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "hostile::the_environment_is_ignored"])
        .env("FACTS_TEST_TOP", &repo.top)
        .env("GIT_DIR", &clean)
        .env("GIT_WORK_TREE", &other.top)
        .env("GIT_COMMON_DIR", &clean)
        .env("GIT_INDEX_FILE", clean.join("index"))
        .env("GIT_OBJECT_DIRECTORY", clean.join("objects"))
        .env("GIT_CONFIG", clean.join("config"))
        .env("GIT_CONFIG_GLOBAL", repo.beside("config"))
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "core.fsmonitor")
        .env("GIT_CONFIG_VALUE_0", &trap)
        .env("GIT_CONFIG_PARAMETERS", format!("'core.fsmonitor'='{trap}'"))
        .env("GIT_EXTERNAL_DIFF", &trap)
        .env("GIT_SSH_COMMAND", &trap)
        .env("GIT_NAMESPACE", "x")
        .env("GIT_CEILING_DIRECTORIES", "/")
        .env("XDG_CONFIG_HOME", repo.beside("xdg"))
        .env("PATH", repo.beside(""))
        .status()
        .unwrap();
    assert!(status.success());
    assert!(!repo.beside("canary").exists());
}
