//! Live facts, on a real folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use ringfence_action::{Action, Effect, EffectKind, Facts, PathKind, Target};
use ringfence_facts::{FactSource, Live, MAX_FILE_BYTES};

fn action(cwd: &Path) -> Action {
    let line = serde_json::json!({"tool": "Bash", "input": {}, "cwd": cwd});
    Action::from_json(line.to_string().as_bytes()).unwrap()
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    (folder, path)
}

fn read(path: &Path) -> Option<String> {
    Live::default().read(path.to_str().unwrap())
}

fn gather(action: &Action, effects: &[Effect], facts: &mut Facts) {
    let live = Live::default();
    live.gather(action, effects, facts, live.deadline());
}

#[test]
fn a_script_is_read_and_a_link_to_it_is_not() {
    let (_keep, dir) = folder();
    fs::write(dir.join("run.sh"), "echo hi").unwrap();
    symlink(dir.join("run.sh"), dir.join("link.sh")).unwrap();
    fs::create_dir(dir.join("real")).unwrap();
    fs::write(dir.join("real/run.sh"), "echo hi").unwrap();
    symlink(dir.join("real"), dir.join("alias")).unwrap();

    assert_eq!(read(&dir.join("run.sh")).as_deref(), Some("echo hi"));
    assert_eq!(read(&dir.join("link.sh")), None);
    assert_eq!(read(&dir.join("alias/run.sh")), None, "a linked folder on the way");
}

#[test]
fn what_is_not_a_small_text_file_is_not_read() {
    let (_keep, dir) = folder();
    let too_long = usize::try_from(MAX_FILE_BYTES).unwrap() + 1;
    fs::write(dir.join("long"), vec![b'a'; too_long]).unwrap();
    fs::write(dir.join("binary"), [0xff, 0xfe]).unwrap();
    for name in ["long", "binary", "missing", "."] {
        assert_eq!(read(&dir.join(name)), None, "{name}");
    }
}

#[test]
fn targets_are_looked_at_without_following_them() {
    let (_keep, dir) = folder();
    fs::create_dir(dir.join("build")).unwrap();
    symlink("/etc", dir.join("out")).unwrap();
    let effects: Vec<Effect> = ["build", "out/hosts", "none"]
        .iter()
        .map(|name| {
            let path = dir.join(name).to_str().unwrap().to_owned();
            Effect::new(EffectKind::Delete, Target::known(path))
        })
        .collect();
    let mut facts = Facts::default();
    gather(&action(&dir), &effects, &mut facts);
    let of = |name: &str| &facts.paths[dir.join(name).to_str().unwrap()];

    assert_eq!(of("build").kind, Some(PathKind::Dir));
    assert_eq!(of("none").exists, Some(false));
    assert_eq!(of("out/hosts").resolved.as_deref(), Some("/etc/hosts"));
}

#[test]
fn what_came_with_the_action_stands() {
    let (_keep, dir) = folder();
    let path = dir.join("x").to_str().unwrap().to_owned();
    let mut facts = Facts::default();
    facts.paths.entry(path.clone()).or_default().exists = Some(true);
    let effect = Effect::new(EffectKind::Delete, Target::known(path.clone()));
    gather(&action(&dir), &[effect], &mut facts);

    assert_eq!(facts.paths[&path].exists, Some(true));
}
