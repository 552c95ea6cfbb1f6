//! The audit log and session state, on a real disk.

use std::fs;
use std::path::PathBuf;

use ringfence_record::StateFolder;
use ringfence_record::log::{Durability, Entry, Keep, Log};
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

    let found = log.verify(&[]).unwrap();
    assert_eq!((found.entries, found.problems), (5, vec![]));
    let mode = fs::metadata(first_segment(&state)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::metadata(state.path()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn any_flipped_bit_is_found_in_the_newest_entry_too() {
    let (_keep, state) = state();
    let log = Log::open(&state, Durability::Process).unwrap();
    (0..3).for_each(|n| append(&log, n));
    for path in [first_segment(&state), state.path().join("audit.head")] {
        let sound = fs::read(&path).unwrap();
        for position in 0..sound.len() {
            let bit = position % 8;
            let mut damaged = sound.clone();
            damaged[position] ^= 1 << bit;
            fs::write(&path, &damaged).unwrap();
            let sound = log.verify(&[]).is_ok_and(|found| found.problems.is_empty());
            assert!(!sound, "bit {bit} of byte {position} of {}", path.display());
        }
        fs::write(&path, &sound).unwrap();
    }
    assert_eq!(log.verify(&[]).unwrap().problems, Vec::<String>::new());
}

#[test]
fn an_end_that_was_cut_off_is_found_and_stays_found() {
    let (_keep, state) = state();
    let log = Log::open(&state, Durability::Process).unwrap();
    (0..2).for_each(|n| append(&log, n));
    let short = fs::read(first_segment(&state)).unwrap();
    (2..4).for_each(|n| append(&log, n));
    fs::write(first_segment(&state), &short).unwrap();
    let problems = log.verify(&[]).unwrap().problems.join("; ");
    assert!(problems.contains("entry 4 was acknowledged and is not there"), "{problems}");

    append(&log, 4);
    assert!(!log.verify(&[]).unwrap().problems.is_empty(), "the gap stays");
    let codes: Vec<Value> =
        log.entries().unwrap().map(|entry| entry.unwrap()["code"].clone()).collect();
    assert_eq!(codes, [json!(null), json!(null), json!("record.entries-missing"), json!(null)]);
}

#[test]
fn whoever_takes_the_head_back_too_is_found_by_a_session() {
    let (_keep, state) = state();
    let log = Log::open(&state, Durability::Process).unwrap();
    (0..2).for_each(|n| append(&log, n));
    let before = [first_segment(&state), state.path().join("audit.head")]
        .map(|path| (path.clone(), fs::read(path).unwrap()));
    let receipt = log.append("result", "2026-11-21T10:00:00Z", Map::new()).unwrap().unwrap();
    before.iter().for_each(|(path, text)| fs::write(path, text).unwrap());
    assert_eq!(log.verify(&[]).unwrap().problems, Vec::<String>::new());
    let problems = log.verify(&[receipt]).unwrap().problems.join("; ");
    assert!(problems.contains("entry 3 was acknowledged and is not there"), "{problems}");
}

#[test]
fn a_log_whose_newest_entry_was_changed_goes_on_and_says_so() {
    let (_keep, state) = state();
    let log = Log::open(&state, Durability::Process).unwrap();
    (0..2).for_each(|n| append(&log, n));
    let path = first_segment(&state);
    let text = fs::read_to_string(&path).unwrap().replace("echo 1", "echo 9");
    fs::write(&path, text).unwrap();
    append(&log, 2);
    let kinds: Vec<Value> =
        log.entries().unwrap().map(|entry| entry.unwrap()["code"].clone()).collect();
    assert_eq!(kinds[2], "record.damaged-entry");
    let problems = log.verify(&[]).unwrap().problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("000001.jsonl:2: its content"), "{problems:?}");
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
        assert!(!log.verify(&[]).unwrap().problems.is_empty(), "{order:?}");
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
    let found = log.verify(&[]).unwrap();
    assert_eq!((found.problems.len(), found.notes.len()), (0, 1), "it was never acknowledged");

    append(&log, 2);
    let found = log.verify(&[]).unwrap();
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
    let found = log.verify(&[]).unwrap();
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
    let projection = Projection::open(&state, &log).unwrap();
    assert_eq!(projection.find(&words("echo")).unwrap().len(), 4);
    assert_eq!(Projection::reindex(&state, &log).unwrap(), 4);
}

/// The newest first, page by page, whatever else is asked for; a word that stands everywhere as one that stands once.
#[test]
fn words_are_found_in_order_across_everything_that_there_is() {
    let (_keep, state) = state();
    let log = Log::open(&state, Durability::Process).unwrap();
    let entries = (1..=9_000).map(|n| {
        let session = if n == 5 { "rare" } else { "s" };
        let command = if n == 7 { "echo once".to_owned() } else { format!("echo part {n}") };
        Entry { kind: "decision", fields: fields(session, &command) }
    });
    log.append_all("2026-11-21T10:00:00Z", entries.collect()).unwrap();
    let projection = Projection::open(&state, &log).unwrap();
    let seqs = |query: Query| -> Vec<u64> {
        let found = projection.find(&Query { limit: 3, ..query }).unwrap();
        found.iter().map(|it| it["seq"].as_u64().unwrap()).collect()
    };
    let words = |text: &str| Query { text: Some(text.to_owned()), ..Query::default() };
    assert_eq!(seqs(words("echo")), [8_998, 8_999, 9_000]);
    assert_eq!(seqs(Query { before: Some(4), ..words("echo") }), [1, 2, 3]);
    assert_eq!(seqs(Query { before: Some(4_500), ..words("echo part") }), [4_497, 4_498, 4_499]);
    assert_eq!(seqs(Query { after: Some(8_998), ..words("echo") }), [8_999, 9_000]);
    assert_eq!(seqs(Query { after: Some(0), ..words("echo part") }), [1, 2, 3]);
    assert_eq!(seqs(Query { after: Some(0), ..words("part 8999") }), [8_999]);
    assert_eq!(seqs(words("once")), [7]);
    assert_eq!(seqs(words("nowhere")), [] as [u64; 0]);
    // Of a session with few entries, and of one with many.
    let of = |session: &str, text: &str| Query { session: Some(session.to_owned()), ..words(text) };
    assert_eq!(seqs(of("rare", "echo")), [5]);
    assert_eq!(seqs(of("rare", "once")), [] as [u64; 0]);
    assert_eq!(seqs(of("nobody's", "echo")), [] as [u64; 0]);
    assert_eq!(seqs(Query { before: Some(5), ..of("rare", "echo") }), [] as [u64; 0]);
    assert_eq!(seqs(of("s", "echo")), [8_998, 8_999, 9_000]);
    assert_eq!(seqs(of("s", "once")), [7]);
    assert_eq!(seqs(Query { before: Some(9), after: Some(6), ..words("echo") }), [7, 8]);
}

/// What is written out at once stands in the log as what is put together, and without its secrets.
#[test]
fn an_entry_that_is_written_out_at_once_is_the_same_entry() {
    let (_keep, state) = state();
    let log = Log::open(&state, Durability::Process).unwrap();
    let key = format!("ghp_{}", "a1B2c3D4".repeat(5));
    let at = "2026-11-21T10:00:00Z";
    for command in ["echo \"x\"\n", "sk-learn hf_ AKIA eyJ", &format!("curl -H {key}"), &key] {
        let fields = fields("s", command);
        let entry = Entry { kind: "note", fields: fields.clone() };
        let one = log.prepare(at, vec![entry]).unwrap().remove(0);
        let other = log.prepare_as(at, "note", &fields).unwrap();
        assert_eq!(one, other, "{command}");
        assert!(!format!("{other:?}").contains(&key));
        log.append_prepared(at, &[other]).unwrap();
    }
    assert!(log.prepare_as(at, "note", &1).is_err());
    let empty = log.prepare(at, vec![Entry { kind: "note", fields: Map::new() }]).unwrap();
    assert_eq!(log.prepare_as(at, "note", &json!({})).unwrap(), empty[0]);
    let found = log.verify(&[]).unwrap();
    assert_eq!((found.entries, found.problems), (4, vec![]));
}

#[test]
fn a_line_that_is_garbage_is_found_as_damaged_and_what_follows_as_ever() {
    let (_keep, state) = state();
    let log = Log::open(&state, Durability::Process).unwrap();
    (0..3).for_each(|n| append(&log, n));
    let text = fs::read_to_string(first_segment(&state)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let garbage = format!("{}\n{{\"seq\":2,\u{1}garbage\n{}\n", lines[0], lines[2]);
    fs::write(first_segment(&state), garbage).unwrap();
    let projection = Projection::open(&state, &log).unwrap();
    let of_kind = |kind: &str| Query { kind: Some(kind.to_owned()), limit: 10, ..Query::default() };
    let damaged = projection.find(&of_kind("damaged")).unwrap();
    assert_eq!((damaged.len(), &damaged[0]["seq"]), (1, &json!(2)), "{damaged:?}");
    assert!(damaged[0]["problem"].as_str().unwrap().contains("cannot be read"), "{damaged:?}");
    assert_eq!(projection.find(&of_kind("decision")).unwrap().len(), 2);
    assert_eq!((projection.damaged().unwrap(), projection.newest().unwrap()), (1, 3));
    append(&log, 3);
    assert_eq!(Projection::open(&state, &log).unwrap().newest().unwrap(), 4);
}

#[test]
fn what_was_pruned_leaves_the_database_to_the_byte() {
    let (_keep, state) = state();
    let log = Log::open(&state, Durability::Process).unwrap();
    log.append("decision", "2026-11-21T10:00:00Z", fields("old", "echo xyzzyplugh")).unwrap();
    append(&log, 1);
    assert!(log.rotate().unwrap());
    append(&log, 2);
    Projection::forget(&state, 1).unwrap();
    assert!(!state.path().join("audit.sqlite").exists(), "none is made for that");
    drop(Projection::open(&state, &log).unwrap());
    let holds = || {
        let read = |name: &str| fs::read(state.path().join(name)).unwrap_or_default();
        let bytes = [read("audit.sqlite"), read("audit.sqlite-wal")].concat();
        bytes.windows(10).any(|window| window == b"xyzzyplugh")
    };
    assert!(holds());
    let keep = Keep { is_old: None, most_bytes: Some(0) };
    let pruned = log.prune(&keep, "2026-11-21T11:00:00Z", "retention").unwrap().unwrap();
    Projection::forget(&state, pruned.last.seq).unwrap();
    assert!(!holds());
    let projection = Projection::open(&state, &log).unwrap();
    assert_eq!(projection.session("old").unwrap(), None);
    assert_eq!(projection.session("s").unwrap().map(|it| it.last_seq), Some(3));
    let all = projection.find(&Query { limit: 10, ..Query::default() }).unwrap();
    let seqs: Vec<_> = all.iter().map(|it| it["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [3, 4], "what is left, and the entry that says so");
}

#[test]
fn a_database_that_is_built_anew_is_seen_to_be_another() {
    let (_keep, state) = state();
    let log = Log::open(&state, Durability::Process).unwrap();
    append(&log, 0);
    let mut writes = Projection::open(&state, &log).unwrap();
    let looks = Projection::look(&state).unwrap();
    assert!(!writes.is_replaced() && !looks.is_replaced());
    assert_eq!(Projection::reindex(&state, &log).unwrap(), 1);
    assert!(writes.is_replaced() && looks.is_replaced());
    // What it still does harms nobody.
    append(&log, 1);
    let more = log.follow_after(1).unwrap().more(10).unwrap();
    writes.add(&more).unwrap();
    drop((writes, looks));
    assert_eq!(Projection::open(&state, &log).unwrap().newest().unwrap(), 2);
}

#[test]
fn whoever_writes_again_goes_on_where_others_have_left_it() {
    let (_keep, state) = state();
    let [one, other] = [0, 1].map(|_| Log::open(&state, Durability::Process).unwrap());
    append(&one, 0);
    append(&one, 1);
    append(&other, 2);
    append(&one, 3);
    assert!(other.rotate().unwrap());
    append(&one, 4);
    append(&other, 5);
    assert!(state.path().join("audit/000002.jsonl").metadata().unwrap().len() > 0);
    one.redact(2, "a name", "2026-11-21T11:00:00Z", "me").unwrap();
    append(&one, 6);
    append(&other, 7);
    let found = one.verify(&[]).unwrap();
    assert_eq!((found.entries, found.problems), (9, vec![]));
    // A hand that puts back the end of it is seen at once, too.
    fs::remove_file(state.path().join("audit.head")).unwrap();
    append(&one, 8);
    assert_eq!(one.verify(&[]).unwrap().problems, Vec::<String>::new());
}

#[test]
fn a_session_survives_its_process_and_its_id_names_nothing() {
    let (_keep, state) = state();
    let store = SessionStore::open(&state).unwrap();
    let id = "../../etc/passwd";
    {
        let session = store.lock("claude-code", id).unwrap();
        assert_eq!(session.read().unwrap().load::<Vec<u32>>().unwrap(), None);
        session.save(&vec![1, 2]).unwrap();
        assert!(session.path().starts_with(state.path()));
    }
    let session = store.lock("claude-code", id).unwrap();
    assert_eq!(store.peek("claude-code", id).unwrap(), session.read().unwrap());
    assert_eq!(session.read().unwrap().load::<Vec<u32>>().unwrap(), Some(vec![1, 2]));
    fs::write(session.path(), "[1,").unwrap();
    let damaged = session.read().unwrap().load::<Vec<u32>>();
    assert!(damaged.is_err(), "a damaged state is not a fresh one");
}

#[test]
fn what_was_missed_is_known_to_whoever_comes_next_and_settled_by_saving() {
    let (_keep, state) = state();
    let store = SessionStore::open(&state).unwrap();
    store.mark_missed("claude-code", "s", "the disk was full").unwrap();
    assert_eq!(
        store.peek("claude-code", "s").unwrap().missed.as_deref(),
        Some("the disk was full")
    );
    assert_eq!(store.peek("claude-code", "other").unwrap().missed, None);
    store.lock("claude-code", "s").unwrap().save(&1).unwrap();
    assert_eq!(store.peek("claude-code", "s").unwrap().missed, None);
}

#[test]
fn parallel_calls_of_one_session_lose_nothing() {
    let (_keep, state) = state();
    std::thread::scope(|scope| {
        for _ in 0..50 {
            let store = SessionStore::open(&state).unwrap();
            scope.spawn(move || {
                let session = store.lock("claude-code", "s").unwrap();
                let count: u32 = session.read().unwrap().load().unwrap().unwrap_or_default();
                session.save(&(count + 1)).unwrap();
            });
        }
    });
    let session = SessionStore::open(&state).unwrap().lock("claude-code", "s").unwrap();
    assert_eq!(session.read().unwrap().load::<u32>().unwrap(), Some(50));
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

/// Read once for several: from the oldest of them on that is there, and nothing where one is not as it was written.
#[test]
fn what_came_since_several_entries_is_read_from_the_first_of_them() {
    let (_keep, state) = state();
    let log = Log::open(&state, Durability::Process).unwrap();
    let receipts: Vec<_> = (0..5)
        .map(|n| log.append("decision", "now", fields("s", &format!("echo {n}"))).unwrap().unwrap())
        .collect();
    let seqs = |of: &[usize]| {
        let of: Vec<_> = of.iter().map(|at| receipts[*at].clone()).collect();
        let entries = log.since_first_of(&of).unwrap();
        entries.iter().map(|it| it["seq"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(seqs(&[3, 1]), [2, 3, 4, 5]);
    assert_eq!(seqs(&[4]), [5]);
    assert_eq!(seqs(&[]), [] as [u64; 0]);
    let path = first_segment(&state);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("echo 3", "echo 9")).unwrap();
    assert_eq!((seqs(&[3, 1]), seqs(&[4])), (vec![], vec![5]));
}
