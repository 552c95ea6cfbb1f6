//! Throw-away repositories.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use ringfence_action::{Action, Attr, Effect, EffectKind, Facts, GitFacts, PathFacts, Target};
use ringfence_facts::{FactSource, Live};

/// A folder with a repository `app`, and with room beside it.
pub(crate) struct Repo {
    folder: tempfile::TempDir,
    pub(crate) top: PathBuf,
}

impl Repo {
    /// A repository with one commit, of `a.txt`, `src/b.txt` and a `.gitignore` of `target/` and `*.log`.
    pub(crate) fn new() -> Self {
        let repo = Self::empty();
        repo.write("a.txt", "a\n");
        repo.write("src/b.txt", "b\n");
        repo.write(".gitignore", "target/\n*.log\n");
        repo.git(&["add", "-A"]);
        repo.git(&["commit", "-qm", "first"]);
        repo.settle();
        repo
    }

    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap().join("app");
        fs::create_dir(&top).unwrap();
        let repo = Self { folder, top };
        repo.git(&["init", "-q", "-b", "main"]);
        repo
    }

    /// With a remote `origin` that has all of `main`, and knows it as its default branch.
    pub(crate) fn pushed() -> Self {
        let repo = Self::new();
        let remote = repo.beside("remote.git");
        repo.git(&["init", "-q", "--bare", "-b", "main", remote.to_str().unwrap()]);
        repo.git(&["remote", "add", "origin", remote.to_str().unwrap()]);
        repo.git(&["push", "-q", "-u", "origin", "main"]);
        repo.git(&["remote", "set-head", "origin", "main"]);
        repo
    }

    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.top.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.top.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn git(&self, args: &[&str]) -> Output {
        git(&self.top, args)
    }

    /// What git prints.
    pub(crate) fn says(&self, args: &[&str]) -> String {
        String::from_utf8(self.git(args).stdout).unwrap()
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["commit", "-q", "--allow-empty", "-am", message]);
    }

    /// Makes files older than the index, so that they can be told by their times alone.
    pub(crate) fn settle(&self) {
        std::thread::sleep(Duration::from_millis(5));
        self.git(&["update-index", "-q", "--refresh"]);
    }

    pub(crate) fn action(&self) -> Action {
        action(&self.top)
    }

    pub(crate) fn facts(&self, effects: &[Effect]) -> Facts {
        gather(&self.action(), effects)
    }

    /// What is told when everything of the work tree may be lost.
    pub(crate) fn reset(&self) -> Option<GitFacts> {
        self.facts(&[lost(&self.top, "reset --hard", &["changes", "commits", "stash"])]).git
    }

    /// What is told of a path that would be deleted.
    pub(crate) fn deletes(&self, name: &str) -> PathFacts {
        let path = self.top.join(name).to_str().unwrap().to_owned();
        let effect = Effect::new(EffectKind::Delete, Target::known(path.clone()));
        self.facts(&[effect]).paths.remove(&path).unwrap()
    }
}

/// Runs git, with nothing of this machine's configuration.
pub(crate) fn git(folder: &Path, args: &[&str]) -> Output {
    let output = Command::new("git")
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "U")
        .env("GIT_AUTHOR_EMAIL", "u@example.com")
        .env("GIT_COMMITTER_NAME", "U")
        .env("GIT_COMMITTER_EMAIL", "u@example.com")
        .env("GIT_EDITOR", "true")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

pub(crate) fn action(cwd: &Path) -> Action {
    let line = serde_json::json!({"tool": "Bash", "input": {}, "cwd": cwd});
    Action::from_json(line.to_string().as_bytes()).unwrap()
}

/// Facts with so much time that a busy machine does not decide the test.
pub(crate) fn gather(action: &Action, effects: &[Effect]) -> Facts {
    let mut facts = Facts::default();
    let live = Live::new(Duration::from_secs(10));
    live.gather(action, effects, &mut facts, live.deadline());
    facts
}

pub(crate) fn lost(folder: &Path, op: &str, discards: &[&str]) -> Effect {
    let folder = folder.to_str().unwrap();
    let mut effect = Effect::new(EffectKind::VcsLocal, Target::known(folder))
        .with(Attr::Op, op)
        .with(Attr::Dir, folder);
    discards.iter().for_each(|what| effect.attributes.insert(Attr::Discards, *what));
    effect
}

pub(crate) fn branch_deleted(folder: &Path, branch: &str) -> Effect {
    Effect::new(EffectKind::VcsLocal, Target::known(branch))
        .with(Attr::Op, "branch -D")
        .with(Attr::Dir, folder.to_str().unwrap())
        .with(Attr::DeleteRef, true)
        .with(Attr::Force, true)
        .with(Attr::Discards, ["commits"])
}

pub(crate) fn pushed(folder: &Path, remote: &str, branch: &str) -> Effect {
    Effect::new(EffectKind::VcsRemote, Target::known(format!("{remote}/{branch}")))
        .with(Attr::Op, "push")
        .with(Attr::Dir, folder.to_str().unwrap())
        .with(Attr::Remote, remote)
        .with(Attr::Branch, branch)
        .with(Attr::Force, true)
}
