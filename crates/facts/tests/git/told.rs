//! What is told of a repository.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use ringfence_action::{GitHead, WorkTree};

use crate::support::{Repo, action, branch_deleted, gather, git, lost, pushed};

#[test]
fn a_clean_and_pushed_repository_has_nothing_to_lose() {
    let repo = Repo::pushed();
    let told = repo.reset().unwrap();

    assert_eq!(told.branch.as_deref(), Some("main"));
    assert_eq!(told.default_branch.as_deref(), Some("main"));
    assert_eq!(told.upstream.as_deref(), Some("origin/main"));
    assert_eq!(told.head, Some(GitHead::Branch));
    assert_eq!(told.work_tree, Some(WorkTree::Main));
    assert_eq!(told.in_progress.as_deref(), Some(""));
    assert_eq!(told.dirty, Some(false));
    assert_eq!(told.untracked, Some(vec![]));
    assert_eq!(told.unpushed, Some(0));
    assert_eq!(told.stashes, Some(0));
    assert_eq!(told.top.as_deref(), repo.top.to_str());
}

#[test]
fn remotes_are_told_without_credentials() {
    let repo = Repo::new();
    repo.git(&["remote", "add", "origin", "https://user:secret@git.example/acme/app.git"]);
    repo.git(&["remote", "add", "fork", "git@git.example:me/app.git"]);
    repo.git(&["remote", "set-url", "--push", "fork", "ssh://git:pw@push.example/me/app.git"]);
    let remotes = repo.reset().unwrap().remotes.unwrap();

    assert_eq!(remotes["origin"], "https://git.example/acme/app.git");
    assert_eq!(remotes["fork"], "ssh://git@push.example/me/app.git", "what is pushed to");
}

#[test]
fn each_way_to_change_a_file_is_seen() {
    type Change = fn(&Repo);
    let changes: [(&str, Change); 6] = [
        ("written", |repo| repo.write("a.txt", "other\n")),
        ("same size", |repo| repo.write("a.txt", "b\n")),
        ("staged", |repo| {
            repo.write("a.txt", "other\n");
            repo.git(&["add", "a.txt"]);
        }),
        ("staged and put back", |repo| {
            repo.write("a.txt", "other\n");
            repo.git(&["add", "a.txt"]);
            repo.write("a.txt", "a\n");
        }),
        ("executable", |repo| {
            fs::set_permissions(repo.path("a.txt"), fs::Permissions::from_mode(0o755)).unwrap();
        }),
        ("a link now", |repo| {
            fs::remove_file(repo.path("a.txt")).unwrap();
            symlink("src/b.txt", repo.path("a.txt")).unwrap();
        }),
    ];
    for (name, change) in changes {
        let repo = Repo::new();
        change(&repo);
        assert_eq!(repo.reset().unwrap().dirty, Some(true), "{name}");
        assert_eq!(repo.deletes("a.txt").clean, Some(false), "{name}");
        assert_eq!(repo.deletes("src").clean, Some(true), "{name}: src");
    }
}

#[test]
fn what_is_missing_can_be_restored() {
    let repo = Repo::new();
    fs::remove_file(repo.path("src/b.txt")).unwrap();

    assert_eq!(repo.reset().unwrap().dirty, Some(true), "as git says");
    assert_eq!(repo.deletes("src").clean, Some(true), "nothing is there that could be lost");
}

#[test]
fn a_file_that_was_touched_is_no_other_file() {
    let repo = Repo::new();
    repo.write("a.txt", "a\n");
    assert_eq!(repo.reset().unwrap().dirty, Some(false));
}

#[test]
fn a_change_that_git_was_told_not_to_see_is_seen() {
    for flag in ["--assume-unchanged", "--skip-worktree"] {
        let repo = Repo::new();
        repo.git(&["update-index", flag, "a.txt"]);
        repo.write("a.txt", "mine alone\n");
        assert_eq!(repo.deletes("a.txt").clean, Some(false), "{flag}");
    }
}

#[test]
fn a_conflict_is_not_clean() {
    let repo = Repo::new();
    repo.git(&["checkout", "-qb", "other"]);
    repo.write("a.txt", "theirs\n");
    repo.commit("theirs");
    repo.git(&["checkout", "-q", "main"]);
    repo.write("a.txt", "ours\n");
    repo.commit("ours");
    let merge = std::process::Command::new("git")
        .args(["-c", "user.name=u", "-c", "user.email=u@e", "merge", "-q", "other"])
        .current_dir(&repo.top)
        .output()
        .unwrap();
    assert!(!merge.status.success());
    let told = repo.reset().unwrap();

    assert_eq!(told.in_progress.as_deref(), Some("merge"));
    assert_eq!(told.dirty, Some(true));
    assert_eq!(repo.deletes("a.txt").clean, Some(false));
    assert_eq!(repo.deletes("a.txt").tracked, Some(true));
}

#[test]
fn paths_are_tracked_ignored_or_neither() {
    let repo = Repo::new();
    repo.write("target/debug/x", "");
    repo.write("src/run.log", "");
    repo.write("notes.md", "mine");
    repo.write("new/deep/x.txt", "mine");
    repo.write("src/new.txt", "mine");
    let of = |name: &str| {
        let facts = repo.deletes(name);
        (facts.tracked.unwrap(), facts.ignored.unwrap(), facts.holds_untracked.unwrap())
    };
    assert_eq!(of("a.txt"), (true, false, false));
    assert_eq!(of("target"), (false, true, false));
    assert_eq!(of("target/debug/x"), (false, true, false));
    assert_eq!(of("src/run.log"), (false, true, false));
    assert_eq!(of("notes.md"), (false, false, true));
    assert_eq!(of("new"), (false, false, true));
    assert_eq!(of("src"), (true, false, true), "one of its files is untracked");
    assert_eq!(
        repo.reset().unwrap().untracked.unwrap(),
        ["new/deep/x.txt", "notes.md", "src/new.txt"]
    );
}

#[test]
fn an_ignored_folder_that_holds_tracked_files_is_not_ignored() {
    let repo = Repo::new();
    repo.write("target/kept.txt", "kept");
    repo.git(&["add", "-f", "target/kept.txt"]);
    repo.commit("kept");
    let facts = repo.deletes("target");

    assert_eq!((facts.tracked, facts.ignored), (Some(true), Some(false)));
}

#[test]
fn a_repository_within_is_not_held_by_the_outer_one() {
    let repo = Repo::new();
    fs::create_dir(repo.path("inner")).unwrap();
    git(&repo.path("inner"), &["init", "-q"]);
    let facts = repo.deletes("inner");
    assert_eq!((facts.tracked, facts.holds_untracked), (Some(false), Some(true)));

    fs::create_dir_all(repo.path("target/clone")).unwrap();
    git(&repo.path("target/clone"), &["init", "-q"]);
    assert_eq!(repo.deletes("target/clone").ignored, None, "ignored, and a project of its own");
}

#[test]
fn commits_that_no_remote_has_are_counted() {
    let repo = Repo::pushed();
    repo.commit("one");
    repo.commit("two");
    assert_eq!(repo.reset().unwrap().unpushed, Some(2));

    repo.git(&["push", "-q", "origin", "main:other"]);
    assert_eq!(repo.reset().unwrap().unpushed, Some(0), "another branch of the remote has them");
}

#[test]
fn without_a_remote_every_commit_is_unpushed() {
    let repo = Repo::new();
    repo.commit("second");
    assert_eq!(repo.reset().unwrap().unpushed, Some(2));
}

#[test]
fn a_branch_is_worth_the_commits_that_only_it_holds() {
    let repo = Repo::pushed();
    repo.git(&["branch", "merged"]);
    for (branch, commits) in [("two", 2), ("pushed", 1)] {
        repo.git(&["checkout", "-qb", branch, "main"]);
        (0..commits).for_each(|n| repo.commit(&format!("{branch} {n}")));
    }
    repo.git(&["push", "-q", "origin", "pushed"]);
    repo.git(&["checkout", "-q", "main"]);
    let orphaned = |branch: &str| {
        let git = repo.facts(&[branch_deleted(&repo.top, branch)]).git.unwrap();
        git.orphaned.get(&format!("branch:{branch}")).copied()
    };
    assert_eq!(orphaned("merged"), Some(0));
    assert_eq!(orphaned("pushed"), Some(0));
    assert_eq!(orphaned("two"), Some(2));
    assert_eq!(orphaned("none-such"), None);

    repo.git(&["tag", "kept", "two"]);
    assert_eq!(orphaned("two"), Some(0), "a tag holds them");
}

#[test]
fn moving_back_loses_what_nothing_else_holds() {
    let repo = Repo::pushed();
    repo.commit("one");
    repo.commit("two");
    let moved = |revision: &str| {
        let effect = lost(&repo.top, "reset --hard", &["changes", "commits"])
            .with(ringfence_action::Attr::Branch, revision);
        repo.facts(&[effect]).git.unwrap().orphaned.get(&format!("to:{revision}")).copied()
    };
    assert_eq!(moved("HEAD~1"), Some(1));
    assert_eq!(moved("origin/main"), Some(2));
    assert_eq!(moved("HEAD"), Some(0));
    assert_eq!(moved("no-such"), None);

    repo.git(&["branch", "kept"]);
    assert_eq!(moved("origin/main"), Some(0), "a branch holds them");
}

#[test]
fn a_forced_push_can_take_what_others_pushed() {
    let repo = Repo::pushed();
    repo.git(&["config", "user.email", "u@example.com"]);
    repo.git(&["checkout", "-qb", "feature"]);
    repo.commit("mine");
    repo.git(&["push", "-q", "-u", "origin", "feature"]);
    let foreign = || {
        let git = repo.facts(&[pushed(&repo.top, "origin", "feature")]).git.unwrap();
        git.foreign.get("origin/feature").copied()
    };
    assert_eq!(foreign(), Some(0));

    repo.git(&["commit", "-q", "--allow-empty", "--author=O <o@example.com>", "-m", "theirs"]);
    repo.git(&["push", "-q"]);
    repo.git(&["reset", "-q", "--hard", "HEAD~1"]);
    assert_eq!(foreign(), Some(1));
}

#[test]
fn whose_commits_they_are_is_unknown_where_the_user_is() {
    let repo = Repo::pushed();
    let git = repo.facts(&[pushed(&repo.top, "origin", "main")]).git.unwrap();
    assert!(git.foreign.is_empty());
}

#[test]
fn what_is_stashed_is_counted() {
    let repo = Repo::new();
    for text in ["x", "y"] {
        repo.write("a.txt", text);
        repo.git(&["stash", "-q"]);
    }
    assert_eq!(repo.reset().unwrap().stashes, Some(2));
}

#[test]
fn a_repository_without_commits() {
    let repo = Repo::empty();
    repo.write("a.txt", "a");
    let told = repo.reset().unwrap();
    assert_eq!((told.head, told.branch.as_deref()), (Some(GitHead::Unborn), Some("main")));
    assert_eq!((told.dirty, told.unpushed), (Some(false), Some(0)));
    assert_eq!(told.untracked.unwrap(), ["a.txt"]);

    repo.git(&["add", "a.txt"]);
    assert_eq!(repo.reset().unwrap().dirty, Some(true));
}

#[test]
fn a_detached_head() {
    let repo = Repo::pushed();
    repo.git(&["checkout", "-q", "--detach"]);
    repo.commit("nobody's");
    let told = repo.reset().unwrap();
    assert_eq!((told.head, told.branch), (Some(GitHead::Detached), None));
    assert_eq!(told.unpushed, Some(1));
}

#[test]
fn a_bare_repository() {
    let repo = Repo::pushed();
    let bare = repo.beside("remote.git");
    let told = gather(&action(&bare), &[lost(&bare, "reset --hard", &["changes"])]).git.unwrap();
    assert_eq!((told.work_tree, told.branch.as_deref()), (Some(WorkTree::Bare), Some("main")));
    assert_eq!((told.dirty, told.top), (None, None));
}

#[test]
fn a_linked_work_tree_has_its_own_branch_and_files() {
    let repo = Repo::new();
    let linked = repo.beside("linked");
    repo.git(&["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
    fs::write(linked.join("a.txt"), "changed").unwrap();
    let told =
        gather(&action(&linked), &[lost(&linked, "reset --hard", &["changes"])]).git.unwrap();

    assert_eq!((told.work_tree, told.branch.as_deref()), (Some(WorkTree::Linked), Some("side")));
    assert_eq!(told.dirty, Some(true));
    assert_eq!(repo.reset().unwrap().dirty, Some(false));
}

#[test]
fn a_submodule_is_a_repository_of_its_own() {
    let (repo, library) = (Repo::new(), Repo::new());
    let url = library.top.to_str().unwrap();
    repo.git(&["-c", "protocol.file.allow=always", "submodule", "add", "-q", url, "lib"]);
    repo.commit("with a library");
    let lib = repo.path("lib");
    fs::write(lib.join("a.txt"), "changed").unwrap();
    let told = gather(&action(&lib), &[lost(&lib, "reset --hard", &["changes"])]).git.unwrap();

    assert_eq!((told.work_tree, told.dirty), (Some(WorkTree::Submodule), Some(true)));
    assert_eq!(told.top.as_deref(), lib.to_str());
    assert_eq!(repo.reset().unwrap().dirty, Some(false), "not looked into");
    assert_eq!(repo.deletes("lib").clean, None, "so what it holds is unknown");
}

#[test]
fn in_the_middle_of_a_rebase() {
    let repo = Repo::new();
    repo.commit("second");
    fs::create_dir(repo.path(".git/rebase-merge")).unwrap();
    assert_eq!(repo.reset().unwrap().in_progress.as_deref(), Some("rebase"));
}

#[test]
fn line_ends_that_git_would_convert_are_no_change() {
    let repo = Repo::new();
    repo.write(".gitattributes", "* text=auto eol=crlf\n");
    repo.git(&["add", "-A"]);
    repo.commit("attributes");
    repo.write("a.txt", "a\r\n");
    assert_eq!(repo.reset().unwrap().dirty, Some(false));
}

#[test]
fn another_repository_is_told_apart() {
    let (repo, other) = (Repo::new(), Repo::new());
    other.write("a.txt", "changed");
    let facts = repo.facts(&[
        lost(&repo.top, "reset --hard", &["changes"]),
        lost(&other.top, "reset --hard", &["changes"]),
    ]);
    assert_eq!(facts.git.unwrap().dirty, Some(false));
    assert_eq!(facts.repositories[other.top.to_str().unwrap()].dirty, Some(true));
}

#[test]
fn a_path_through_a_link_is_told_by_where_it_leads() {
    let repo = Repo::new();
    let link = repo.beside("link");
    symlink(&repo.top, &link).unwrap();
    let effect = lost(&link.join("a.txt"), "checkout", &["changes"]);
    let facts = gather(&action(&repo.top), &[effect]);
    assert_eq!(facts.paths[link.join("a.txt").to_str().unwrap()].clean, Some(true));
}
