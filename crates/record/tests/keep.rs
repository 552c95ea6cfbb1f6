//! What does not stay: removed segments, content that was taken out, and whoever was stopped in the middle of it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use ringfence_record::StateFolder;
use ringfence_record::log::{Durability, Keep, Log};
use ringfence_record::transparency::{Transparency, Trust};
use serde_json::{Map, Value, json};

const AT: &str = "2026-11-21T10:00:00Z";

struct Kept {
    state: PathBuf,
    _folder: Option<tempfile::TempDir>,
}

impl Kept {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { state: folder.path().join("state"), _folder: Some(folder) }
    }

    fn state(&self) -> StateFolder {
        StateFolder::open(&self.state).unwrap()
    }

    fn log(&self) -> Log {
        Log::open(&self.state(), Durability::Process).unwrap()
    }

    fn tree(&self) -> Transparency {
        Transparency::of(&self.state(), &self.log())
    }

    /// Entries of this day, and then another segment.
    fn record(&self, count: u64, day: &str) {
        for number in 0..count {
            let mut fields = Map::new();
            fields.insert("command".into(), json!(format!("echo {number} of {day}")));
            self.log().append("decision", &format!("{day}T10:00:00Z"), fields).unwrap();
        }
        self.log().rotate().unwrap();
    }

    fn problems(&self, trust: &Trust) -> Vec<String> {
        let mut problems = self.log().verify(&[]).unwrap().problems;
        match self.tree().verify(trust) {
            Ok(found) => problems.extend(found),
            Err(error) => problems.push(error.to_string()),
        }
        problems
    }

    fn sound(&self) {
        assert_eq!(self.problems(&Trust::default()), Vec::<String>::new());
    }

    fn segment(&self, number: u64) -> PathBuf {
        self.state.join(format!("audit/{number:06}.jsonl"))
    }

    fn segments(&self) -> usize {
        let files = fs::read_dir(self.state.join("audit")).unwrap();
        files
            .filter(|it| it.as_ref().unwrap().path().extension().is_some_and(|it| it == "jsonl"))
            .count()
    }

    fn text(&self) -> String {
        let mut files: Vec<_> =
            fs::read_dir(self.state.join("audit")).unwrap().map(|it| it.unwrap().path()).collect();
        files.sort();
        files.iter().map(|it| fs::read_to_string(it).unwrap()).collect()
    }

    fn prune_before(&self, day: &str) -> u64 {
        let is_old = |at: &str| at < day;
        let keep = Keep { is_old: Some(&is_old), most_bytes: None };
        self.log().prune(&keep, AT, "retention").unwrap().map_or(0, |it| it.segments)
    }
}

/// Three days; the first is kept no longer, and two entries of the third are without content.
fn lived_in() -> Kept {
    let kept = Kept::new();
    for day in ["2026-11-01", "2026-11-02", "2026-11-03"] {
        kept.record(5, day);
    }
    kept.log().redact(12, "a customer's name", AT, "ann at pts/3").unwrap();
    assert_eq!(kept.prune_before("2026-11-02"), 1);
    kept.log().redact(14, "another", AT, "ann at pts/3").unwrap();
    kept.record(3, "2026-11-04");
    kept.tree().sign().unwrap();
    kept
}

#[test]
fn a_segment_is_closed_and_the_chain_goes_on() {
    let kept = Kept::new();
    assert!(!kept.log().rotate().unwrap(), "nothing is there");
    kept.record(3, "2026-11-01");
    assert!(!kept.log().rotate().unwrap(), "the newest is empty");
    kept.record(2, "2026-11-02");
    assert_eq!(kept.segments(), 3);
    assert_eq!(kept.log().verify(&[]).unwrap().entries, 5);
    kept.sound();
}

#[test]
fn what_was_kept_long_enough_goes_and_what_is_left_is_proved() {
    let kept = Kept::new();
    for day in ["2026-11-01", "2026-11-02", "2026-11-03"] {
        kept.record(5, day);
    }
    let (_, old) = kept.tree().sign().unwrap().unwrap();
    assert_eq!(kept.prune_before("2026-10-01"), 0);
    assert_eq!(kept.prune_before("2026-11-03"), 2);
    let text = kept.text();
    assert!(!text.contains("of 2026-11-01") && !text.contains("of 2026-11-02"), "{text}");
    let found = kept.log().verify(&[]).unwrap();
    assert_eq!((found.pruned, found.entries, found.problems.len()), (10, 6, 0));
    assert!(
        found.notes.iter().any(|it| it.contains("entries 1 to 10 were kept long enough")),
        "{:?}",
        found.notes
    );
    // The checkpoint of before still holds, and so does every proof: of what went, too.
    let trust = Trust { remembered: vec![old], ..Trust::default() };
    assert_eq!(kept.problems(&trust), Vec::<String>::new());
    kept.record(2, "2026-11-04");
    kept.tree().sign().unwrap();
    let key = kept.tree().verifier().unwrap().unwrap();
    for seq in [1, 10, 11, 15, 16, 18] {
        assert!(kept.tree().prove(seq).unwrap().unwrap().holds(&key), "{seq}");
    }
    assert_eq!(kept.tree().prove_growth(15).unwrap().old_size, 15);
    assert_eq!(kept.problems(&trust), Vec::<String>::new());
    // A second time, over what the first has left.
    assert_eq!(kept.prune_before("2026-11-04"), 1);
    assert_eq!(kept.problems(&trust), Vec::<String>::new());
}

#[test]
fn the_oldest_go_where_there_is_too_much_and_never_the_newest() {
    let kept = Kept::new();
    for day in ["2026-11-01", "2026-11-02", "2026-11-03"] {
        kept.record(20, day);
    }
    let one = fs::metadata(kept.segment(1)).unwrap().len();
    let keep = |most| Keep { is_old: None, most_bytes: Some(most) };
    assert_eq!(kept.log().prune(&keep(one * 5 / 2), AT, "me").unwrap().unwrap().segments, 1);
    assert_eq!(kept.log().prune(&keep(0), AT, "me").unwrap().unwrap().segments, 2);
    assert_eq!(kept.segments(), 1);
    kept.sound();
}

/// The tree is what shows what was there: nothing goes that is not what was recorded.
#[test]
fn nothing_is_removed_from_a_log_that_is_not_sound() {
    let kept = Kept::new();
    kept.record(5, "2026-11-01");
    kept.record(5, "2026-11-02");
    let path = kept.segment(1);
    let changed = fs::read_to_string(&path).unwrap().replace("echo 2", "echo 7");
    fs::write(&path, changed).unwrap();
    let is_old = |_: &str| true;
    let keep = Keep { is_old: Some(&is_old), most_bytes: None };
    let refused = kept.log().prune(&keep, AT, "me").unwrap_err().to_string();
    assert!(refused.contains("nothing was removed"), "{refused}");
    assert!(path.exists());
}

#[test]
fn what_is_missing_is_told_from_what_was_kept_long_enough() {
    let kept = lived_in();
    kept.sound();
    fs::remove_file(kept.segment(2)).unwrap();
    let found = kept.problems(&Trust::default());
    assert!(found.iter().any(|it| it.contains("segment 1 is missing")), "{found:?}");
    // The first of a log that nothing was removed from.
    let kept = Kept::new();
    kept.record(3, "2026-11-01");
    kept.record(3, "2026-11-02");
    fs::remove_file(kept.segment(1)).unwrap();
    assert!(kept.problems(&Trust::default()).iter().any(|it| it.contains("segment 1 is missing")));
}

#[test]
fn content_goes_and_every_proof_stays() {
    let kept = Kept::new();
    kept.record(9, "2026-11-01");
    let (_, old) = kept.tree().sign().unwrap().unwrap();
    let before = kept.tree().prove(4).unwrap().unwrap();
    let done = kept
        .log()
        .redact(
            4,
            "a password, sk-ant-api03-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            AT,
            "ann",
        )
        .unwrap();
    assert_eq!((done.entry.seq, done.was.as_str(), done.by.seq), (4, "decision", 10));
    assert!(!kept.text().contains("echo 3 "), "{}", kept.text());
    assert!(!kept.text().contains("sk-ant-api03-AAAA"), "a reason is a text like others");
    let found = kept.log().verify(&[]).unwrap();
    assert_eq!((found.redacted, found.entries), (1, 10));
    let trust = Trust { remembered: vec![old], ..Trust::default() };
    assert_eq!(kept.problems(&trust), Vec::<String>::new());
    kept.tree().sign().unwrap();
    let (after, key) =
        (kept.tree().prove(4).unwrap().unwrap(), kept.tree().verifier().unwrap().unwrap());
    assert!(before.holds(&key) && after.holds(&key) && before.receipt == after.receipt);
    let stub = kept.log().entries().unwrap().nth(3).unwrap().unwrap();
    assert_eq!(
        (stub["kind"].as_str(), stub["was"].as_str(), stub["by"].as_str()),
        (Some("redacted"), Some("decision"), Some("ann"))
    );
    // What says so stays, and there is nothing more to take out.
    for (seq, why) in [(4, "no content left"), (10, "stays"), (99, "there is no entry 99")] {
        let refused = kept.log().redact(seq, "x", AT, "ann").unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
}

/// Whoever takes content out without saying so has changed the log.
#[test]
fn a_forged_redaction_is_a_change() {
    let kept = lived_in();
    let path = kept.segment(2);
    let text = fs::read_to_string(&path).unwrap();
    let line = text.lines().nth(1).unwrap();
    let entry: Value = serde_json::from_str(line).unwrap();
    let stub = json!({"seq": entry["seq"], "prev": entry["prev"], "at": entry["at"], "kind": "redacted", "was": "decision",
                      "reason": "r", "by": "b", "redacted_at": AT, "hash": entry["hash"]});
    fs::write(&path, text.replace(line, &stub.to_string())).unwrap();
    let found = kept.problems(&Trust::default());
    assert!(found.iter().any(|it| it.contains("no entry of the log says so")), "{found:?}");
    // Nor may one that is recorded say something else.
    fs::write(&path, &text).unwrap();
    kept.sound();
    let path = kept.segment(3);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("a customer's name"));
    fs::write(&path, text.replacen("a customer's name", "nothing at all, no", 1)).unwrap();
    assert!(!kept.problems(&Trust::default()).is_empty());
}

/// Evidence of a change is not something to take out.
#[test]
fn a_changed_entry_stays() {
    let kept = Kept::new();
    kept.record(5, "2026-11-01");
    let path = kept.segment(1);
    fs::write(&path, fs::read_to_string(&path).unwrap().replace("echo 2", "echo 7")).unwrap();
    let refused = kept.log().redact(3, "x", AT, "ann").unwrap_err().to_string();
    assert!(refused.contains("it is evidence"), "{refused}");
}

/// Each state that a stopped process leaves, made by hand: sound, and the next one goes on with it.
#[test]
fn what_was_begun_is_finished_by_the_next() {
    // Recorded as removed, and one of two is still there.
    let kept = Kept::new();
    kept.record(5, "2026-11-01");
    kept.record(5, "2026-11-02");
    let copies = [1, 2].map(|it| fs::read(kept.segment(it)).unwrap());
    assert_eq!(kept.prune_before("2026-11-03"), 2);
    fs::write(kept.segment(2), &copies[1]).unwrap();
    kept.sound();
    assert!(kept.log().verify(&[]).unwrap().notes.iter().any(|it| it.contains("still there")));
    fs::write(kept.segment(1), &copies[0]).unwrap();
    kept.sound();
    kept.log().settle().unwrap();
    assert_eq!((kept.segments(), kept.log().verify(&[]).unwrap().pruned), (1, 10));
    kept.sound();
    // Recorded as taken out, and still there; beside it what was being written.
    let kept = Kept::new();
    kept.record(5, "2026-11-01");
    let whole = fs::read(kept.segment(1)).unwrap();
    kept.log().redact(2, "r", AT, "ann").unwrap();
    let stubbed = fs::read(kept.segment(1)).unwrap();
    fs::write(kept.segment(1), &whole).unwrap();
    fs::write(kept.segment(1).with_extension("new"), &stubbed[..stubbed.len() / 2]).unwrap();
    kept.sound();
    kept.log().settle().unwrap();
    assert_eq!(fs::read(kept.segment(1)).unwrap(), stubbed);
    assert_eq!(kept.log().verify(&[]).unwrap().redacted, 1);
    kept.sound();
}

/// Whoever follows the log meanwhile misses nothing, though what was read lies elsewhere now.
#[test]
fn whoever_follows_misses_nothing() {
    let kept = Kept::new();
    for number in 0..6 {
        let mut fields = Map::new();
        fields.insert("command".into(), json!("x".repeat(if number == 1 { 5_000 } else { 10 })));
        kept.log().append("decision", AT, fields).unwrap();
    }
    let mut follower = kept.log().follow_after(0).unwrap();
    let seen = |follower: &mut ringfence_record::log::Follower| -> Vec<u64> {
        follower.more(1_000).unwrap().iter().map(|it| it.seq).collect()
    };
    assert_eq!(seen(&mut follower), [1, 2, 3, 4, 5, 6]);
    kept.log().redact(2, "long", AT, "ann").unwrap();
    kept.log().redact(4, "short", AT, "ann").unwrap();
    assert_eq!(seen(&mut follower), [7, 8]);
    kept.record(2, "2026-11-21");
    let keep = Keep { is_old: None, most_bytes: Some(0) };
    kept.log().prune(&keep, AT, "me").unwrap().unwrap();
    let mut rest = seen(&mut follower);
    rest.extend(seen(&mut follower));
    assert_eq!(rest.last(), Some(&11), "{rest:?}");
}

/// Chance that repeats (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// A log that was pruned and redacted hides no change: 10,000 times in `./test --full`.
#[test]
fn every_change_of_what_is_left_is_found() {
    let changes = if std::env::var_os("RINGFENCE_FULL").is_some() { 10_000 } else { 600 };
    let kept = lived_in();
    let (_, note) = kept.tree().sign().unwrap().unwrap();
    let trust = Trust {
        key: kept.tree().verifier().unwrap(),
        remembered: vec![note],
        witnesses: Vec::new(),
    };
    assert_eq!(kept.problems(&trust), Vec::<String>::new());
    let files: Vec<PathBuf> = (2..=5)
        .map(|it| kept.segment(it))
        .filter(|it| fs::metadata(it).is_ok_and(|it| it.len() > 0))
        .collect();
    assert!(files.len() >= 3, "{files:?}");
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for turn in 0..changes {
        let path = &files[chance.below(files.len())];
        let before = fs::read(path).unwrap();
        let mut lines: Vec<&[u8]> = before.split_inclusive(|byte| *byte == b'\n').collect();
        let (at, line, kind) =
            (chance.below(before.len()), chance.below(lines.len()), chance.below(6));
        let changed = match kind {
            0 | 1 => {
                let mut bytes = before.clone();
                bytes[at] ^= 1 << chance.below(8);
                bytes
            }
            2 => before[..at].to_vec(),
            3 => {
                let other = (line + 1) % lines.len();
                lines.swap(line, other);
                lines.concat()
            }
            4 => {
                lines.remove(line);
                lines.concat()
            }
            _ => {
                lines.insert(chance.below(lines.len()), lines[line]);
                lines.concat()
            }
        };
        if changed == before {
            continue;
        }
        fs::write(path, &changed).unwrap();
        let found = kept.problems(&trust);
        assert!(!found.is_empty(), "turn {turn}: kind {kind} at {at} of {}", path.display());
        fs::write(path, &before).unwrap();
    }
    assert_eq!(kept.problems(&trust), Vec::<String>::new());
}

const CHILD: &str = "RINGFENCE_TEST_KEEP";

/// Not a test by itself: what the next one starts and ends. Says what was acknowledged.
#[test]
fn works_until_it_is_ended() {
    let Some(state) = std::env::var_os(CHILD) else { return };
    let kept = Kept { state: PathBuf::from(state), _folder: None };
    let mut out = std::io::stdout();
    for turn in 0_u64.. {
        let mut fields = Map::new();
        fields.insert("command".into(), json!(format!("echo {turn} {}", "x".repeat(2_000))));
        let receipt = kept.log().append("decision", AT, fields).unwrap().unwrap();
        writeln!(out, "\nacknowledged {} {}", receipt.seq, receipt.hash).unwrap();
        match turn % 5 {
            1 => {
                kept.log().rotate().unwrap();
            }
            2 => {
                // What came just before, in a segment of its own or the one before it.
                let _ = kept.log().redact(receipt.seq, "r", AT, "ann");
            }
            4 => {
                let keep = Keep { is_old: None, most_bytes: Some(12_000) };
                kept.log().prune(&keep, AT, "me").unwrap();
            }
            _ => {}
        }
    }
}

/// kill -9 at any point of rotating, removing and taking out: the log is sound, and nothing that was acknowledged
/// is gone but what the log says is.
#[test]
fn whoever_is_ended_in_the_middle_leaves_a_sound_log() {
    let rounds = if std::env::var_os("RINGFENCE_FULL").is_some() { 100 } else { 12 };
    let kept = Kept::new();
    let mut chance = Chance(0x2545_f491_4f6c_dd1d);
    let mut acknowledged: Vec<(u64, String)> = Vec::new();
    let (mut pruned, mut redacted) = (0, 0);
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "works_until_it_is_ended", "--nocapture"])
            .env(CHILD, &kept.state)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let heard = std::thread::spawn(move || {
            let said = lines.map_while(Result::ok).filter_map(|line| {
                let (seq, hash) = line.strip_prefix("acknowledged ")?.split_once(' ')?;
                Some((seq.parse().ok()?, hash.to_owned()))
            });
            said.collect::<Vec<(u64, String)>>()
        });
        std::thread::sleep(Duration::from_millis(60 + chance.below(200) as u64));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(heard.join().unwrap());
        let found = kept.log().verify(&[]).unwrap();
        assert_eq!(found.problems, Vec::<String>::new(), "round {round}");
        check_tree(&kept, round);
        kept.log().settle().unwrap();
        let found = kept.log().verify(&[]).unwrap();
        assert_eq!(found.problems, Vec::<String>::new(), "round {round}, settled");
        let there: std::collections::HashMap<u64, String> = kept
            .log()
            .receipts_after(0)
            .unwrap()
            .map(|it| it.map(|it| (it.seq, it.hash)).unwrap())
            .collect();
        for (seq, hash) in &acknowledged {
            assert!(
                *seq <= found.pruned || there.get(seq) == Some(hash),
                "entry {seq} is gone, round {round}"
            );
        }
        (pruned, redacted) = (found.pruned, redacted + found.redacted);
    }
    assert!(
        acknowledged.len() > rounds && pruned > 0 && redacted > 0,
        "{} {pruned} {redacted}",
        acknowledged.len()
    );
}

/// A process that was ended while it wrote the tree leaves it to the next one, too.
fn check_tree(kept: &Kept, round: usize) {
    let found = kept.tree().verify(&Trust::default()).unwrap();
    assert_eq!(found, Vec::<String>::new(), "round {round}: {}", Path::display(&kept.state));
    kept.tree().sign().unwrap();
    kept.sound();
}
