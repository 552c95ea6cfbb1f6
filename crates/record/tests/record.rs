//! The audit log and session state, on a real disk.

use std::fs;
use std::path::PathBuf;

use ringfence_record::StateFolder;
use ringfence_record::log::{Durability, Log};
use ringfence_record::projection::{Projection, Query};
use ringfence_record::sessions::SessionStore;
use serde_json::{Map, Value, json};

fn state() -> (tempfile::TempDir, StateFolder) {
    let folder = tempfile::tempdir().unwrap();
    let state = StateFolder::open(folder.path().join("state")).unwrap();
    (folder, state)
}

fn fields(session: &str, command: &str) -> Map<String, Value> {
    let fields = json!({
        "session": session,
        "action": {"tool": "Bash", "input": {"command": command}},
        "decision": {"verdict": "allow", "code": "default"},
    });
    fields.as_object().unwrap().clone()
}

fn append(log: &Log, n: usize) {
    log.append("decision", "2026-11-21T10:00:00Z", fields("s", &format!("echo {n}"))).unwrap();
}

fn first_segment(state: &StateFolder) -> PathBuf {
    state.path().join("audit/000001.jsonl")
}

#[test]
fn what_was_appended_is_there_linked_and_private() {
    use std::os::unix::fs::PermissionsExt;
    let (_keep, state) = state();
    let log = Log::open(&state, Durability::Power).unwrap();
    (0..5).for_each(|n| append(&log, n));

    let found = log.verify().unwrap();
    assert_eq!((found.entries, found.problems), (5, vec![]));
    let mode = fs::metadata(first_segment(&state)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::metadata(state.path()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn any_flipped_bit_is_found() {
    let (_keep, state) = state();
    let log = Log::open(&state, Durability::Process).unwrap();
    (0..3).for_each(|n| append(&log, n));
    let path = first_segment(&state);
    let sound = fs::read(&path).unwrap();
    // The last line has nobody after it that names its hash; a signed head is what covers it.
    let last_line = sound[..sound.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap();
    for position in (0..last_line).step_by(5) {
        for bit in 0..8 {
            let mut damaged = sound.clone();
            damaged[position] ^= 1 << bit;
            fs::write(&path, &damaged).unwrap();
            let sound = log.verify().is_ok_and(|found| found.problems.is_empty());
            assert!(!sound, "bit {bit} of byte {position}");
        }
    }
}

#[test]
fn a_removed_or_swapped_line_is_found() {
    let (_keep, state) = state();
    let log = Log::open(&state, Durability::Process).unwrap();
    (0..4).for_each(|n| append(&log, n));
    let path = first_segment(&state);
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for order in [vec![0, 2, 3], vec![0, 2, 1, 3], vec![1, 2, 3]] {
        let changed: String = order.iter().map(|line| format!("{}\n", lines[*line])).collect();
        fs::write(&path, changed).unwrap();
        assert!(!log.verify().unwrap().problems.is_empty(), "{order:?}");
    }
}

#[test]
fn a_torn_line_is_set_aside_and_said_so() {
    let (_keep, state) = state();
    let log = Log::open(&state, Durability::Process).unwrap();
    (0..2).for_each(|n| append(&log, n));
    let path = first_segment(&state);
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("{\"seq\":3,\"prev\":\"sha");
    fs::write(&path, &text).unwrap();
    assert!(!log.verify().unwrap().problems.is_empty(), "before the next append");

    append(&log, 2);
    let found = log.verify().unwrap();
    assert_eq!(found.problems, Vec::<String>::new());
    let kinds: Vec<String> = log
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap()["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["decision", "decision", "recovered", "decision"]);
}

#[test]
fn many_writers_make_one_chain() {
    let (_keep, state) = state();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let log = Log::open(&state, Durability::Process).unwrap();
            scope.spawn(move || (0..25).for_each(|n| append(&log, writer * 100 + n)));
        }
    });
    let log = Log::open(&state, Durability::Process).unwrap();
    let found = log.verify().unwrap();
    assert_eq!((found.entries, found.problems), (200, vec![]));
}

#[test]
fn the_database_follows_the_log_and_can_be_lost() {
    let (_keep, state) = state();
    let log = Log::open(&state, Durability::Process).unwrap();
    (0..3).for_each(|n| append(&log, n));
    let words = |text: &str| Query { text: Some(text.to_owned()), limit: 10, ..Query::default() };
    {
        let projection = Projection::open(&state, &log).unwrap();
        assert_eq!(projection.find(&words("echo 1")).unwrap().len(), 1);
        assert_eq!(projection.get(2).unwrap().unwrap()["seq"], 2);
    }
    append(&log, 3);
    fs::remove_file(state.path().join("audit.sqlite")).unwrap();
    let mut projection = Projection::open(&state, &log).unwrap();
    assert_eq!(projection.find(&words("echo")).unwrap().len(), 4);
    assert_eq!(projection.reindex(&log).unwrap(), 4);
}

#[test]
fn a_session_survives_its_process_and_its_id_names_nothing() {
    let (_keep, state) = state();
    let store = SessionStore::open(&state).unwrap();
    let id = "../../etc/passwd";
    {
        let session = store.lock("claude-code", id).unwrap();
        assert_eq!(session.load::<Vec<u32>>().unwrap(), None);
        session.save(&vec![1, 2]).unwrap();
        assert!(session.path().starts_with(state.path()));
    }
    let session = store.lock("claude-code", id).unwrap();
    assert_eq!(session.load::<Vec<u32>>().unwrap(), Some(vec![1, 2]));
    fs::write(session.path(), "[1,").unwrap();
    assert!(session.load::<Vec<u32>>().is_err(), "a damaged state is not a fresh one");
}

#[test]
fn parallel_calls_of_one_session_lose_nothing() {
    let (_keep, state) = state();
    std::thread::scope(|scope| {
        for _ in 0..50 {
            let store = SessionStore::open(&state).unwrap();
            scope.spawn(move || {
                let session = store.lock("claude-code", "s").unwrap();
                let count: u32 = session.load().unwrap().unwrap_or_default();
                session.save(&(count + 1)).unwrap();
            });
        }
    });
    let session = SessionStore::open(&state).unwrap().lock("claude-code", "s").unwrap();
    assert_eq!(session.load::<u32>().unwrap(), Some(50));
}

#[test]
fn a_folder_that_others_may_write_is_not_believed() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("open");
    fs::create_dir(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
    let error = StateFolder::open(&path).unwrap_err().to_string();
    assert!(error.contains("chmod 700"), "{error}");
}
