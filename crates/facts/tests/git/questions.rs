//! What is asked, and for how long.

use std::time::{Duration, Instant};

use ringfence_action::{Effect, EffectKind, Facts, Target};
use ringfence_facts::{Deadline, FactSource, Live};

use crate::support::{Repo, lost, pushed};

#[test]
fn a_repository_is_not_looked_at_for_what_it_does_not_bear_on() {
    let repo = Repo::pushed();
    let path = repo.path("a.txt").to_str().unwrap().to_owned();
    for kind in [EffectKind::Read, EffectKind::Write, EffectKind::Exec, EffectKind::Package] {
        let facts = repo.facts(&[Effect::new(kind, Target::known(path.clone()))]);
        assert_eq!(facts.git, None, "{kind}");
    }
}

#[test]
fn a_push_is_not_worth_a_look_at_all_files() {
    let repo = Repo::pushed();
    let git = repo.facts(&[pushed(&repo.top, "origin", "main")]).git.unwrap();
    assert_eq!(git.branch.as_deref(), Some("main"));
    assert_eq!((git.dirty, git.untracked, git.unpushed), (None, None, None));
}

#[test]
fn what_came_with_the_action_stands() {
    let repo = Repo::new();
    let mut facts = Facts::default();
    facts.git.get_or_insert_default().branch = Some("told".to_owned());
    let live = Live::default();
    let effect = lost(&repo.top, "reset --hard", &["changes"]);
    live.gather(&repo.action(), &[effect], &mut facts, live.deadline());
    let git = facts.git.unwrap();
    assert_eq!((git.branch.as_deref(), git.dirty), (Some("told"), None));
}

#[test]
fn past_the_deadline_nothing_is_known() {
    let repo = Repo::new();
    let effect = lost(&repo.top, "reset --hard", &["changes", "untracked"]);
    let mut facts = Facts::default();
    let passed = Deadline::after(Duration::ZERO);
    Live::default().gather(&repo.action(), &[effect], &mut facts, passed);
    assert_eq!(facts, Facts::default());
}

/// More files than can be looked at in time: what is told is right, what is not told is unknown.
#[test]
fn a_large_repository_does_not_hold_up_the_answer() {
    const FOLDERS: usize = 210;
    const FILES: usize = 100;
    let repo = Repo::new();
    for folder in 0..FOLDERS {
        for file in 0..FILES {
            repo.write(&format!("many/{folder}/{file}.txt"), "x\n");
        }
    }
    repo.git(&["add", "-A"]);
    repo.commit("many");
    repo.settle();
    repo.write(&format!("many/{}/{}.txt", FOLDERS - 1, FILES - 1), "changed\n");
    let delete = |name: &str| {
        let path = repo.path(name).to_str().unwrap().to_owned();
        Effect::new(EffectKind::Delete, Target::known(path))
    };
    let all = lost(&repo.top, "reset --hard", &["changes", "untracked", "commits"]);
    let cases: [(&str, Vec<Effect>); 3] = [
        ("one file", vec![delete("many/7/7.txt")]),
        ("one folder", vec![delete("many/7")]),
        ("everything", vec![all]),
    ];
    let files = FOLDERS * FILES + 3;
    for (name, effects) in cases {
        let mut times = Vec::new();
        for _ in 0..15 {
            let live = Live::default();
            let mut facts = Facts::default();
            let started = Instant::now();
            live.gather(&repo.action(), &effects, &mut facts, live.deadline());
            times.push(started.elapsed());
            if let Some(git) = &facts.git {
                assert!(git.dirty.is_none_or(|dirty| dirty), "never a wrong value");
            }
            for facts in facts.paths.values().filter(|_| name != "everything") {
                assert!(facts.clean.is_none_or(|clean| clean), "never a wrong value");
            }
        }
        times.sort();
        let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
        println!("{files} files, {name}: median {median:?}, worst {worst:?}");
        assert!(median < Duration::from_millis(45), "{name}: {median:?}");
    }
}
