//! Git itself as oracle: after each of many random changes, the same is told as `git status` says.

use std::collections::BTreeSet;
use std::fs;

use crate::support::Repo;

/// A small generator, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

const NAMES: &[&str] = &[
    "a.txt",
    "src/b.txt",
    "src/c d.txt",
    "src/deep/e.txt",
    "new.txt",
    "new/x.txt",
    "x.log",
    "target/y",
    "src/target/z",
    "ünï.txt",
];

fn change(repo: &Repo, dice: &mut Dice) -> String {
    let name = NAMES[usize::try_from(dice.throw(NAMES.len() as u64)).unwrap()];
    let text = format!("{}\n", dice.throw(3));
    match dice.throw(8) {
        0..=2 => {
            repo.write(name, &text);
            format!("write {name}")
        }
        3 => {
            let _ = fs::remove_file(repo.path(name));
            format!("remove {name}")
        }
        4 => {
            if repo.path(name).exists() {
                repo.git(&["add", "-f", name]);
            }
            format!("add {name}")
        }
        5 => {
            repo.git(&["add", "-A"]);
            "add -A".to_owned()
        }
        6 => {
            repo.git(&["commit", "-q", "--allow-empty", "-am", "x"]);
            "commit".to_owned()
        }
        _ => {
            repo.git(&["rm", "-q", "--cached", "--ignore-unmatch", "-f", name]);
            format!("rm --cached {name}")
        }
    }
}

#[test]
fn the_same_is_told_as_git_says() {
    for seed in 0..4 {
        let repo = Repo::new();
        let mut dice = Dice(seed);
        let mut history = Vec::new();
        for _ in 0..20 {
            history.push(change(&repo, &mut dice));
            let status = repo.says(&["status", "--porcelain", "-z", "-uall", "--no-renames"]);
            let lines: Vec<(&str, &str)> =
                status.split_terminator('\0').map(|line| (&line[..2], &line[3..])).collect();
            let untracked: BTreeSet<&str> =
                lines.iter().filter(|(kind, _)| *kind == "??").map(|(_, name)| *name).collect();
            let told = repo.reset().unwrap();
            let context = format!("seed {seed}: {history:?}\n{lines:?}");
            let dirty = lines.iter().any(|(kind, _)| *kind != "??");
            assert_eq!(told.dirty, Some(dirty), "{context}");
            let listed = told.untracked.unwrap();
            let listed: BTreeSet<&str> = listed.iter().map(String::as_str).collect();
            assert_eq!(listed, untracked, "{context}");
            one_path(&repo, &mut dice, &lines, &context);
        }
    }
}

fn one_path(repo: &Repo, dice: &mut Dice, lines: &[(&str, &str)], context: &str) {
    let names = [NAMES, &["src", "src/deep", "target", "new"]].concat();
    let name = names[usize::try_from(dice.throw(names.len() as u64)).unwrap()];
    let told = repo.deletes(name);
    if told.exists == Some(false) {
        return;
    }
    let below = |path: &str| path == name || path.starts_with(&format!("{name}/"));
    let tracked = !repo.says(&["ls-files", "--", name]).is_empty();
    assert_eq!(told.tracked, Some(tracked), "{name} tracked; {context}");
    let untracked = lines.iter().any(|(kind, path)| *kind == "??" && below(path));
    assert_eq!(told.holds_untracked, Some(untracked), "{name} holds_untracked; {context}");
    // What is only missing, here or from the index, cannot be lost.
    let changed = lines.iter().any(|(kind, path)| {
        below(path) && !matches!(*kind, "??" | " D" | "D ") && !kind.starts_with("D")
    });
    assert_eq!(told.clean, Some(!changed), "{name} clean; {context}");
}
