//! The log as others see it: what is signed stays as it was, whoever changes it.

use std::fs;
use std::path::{Path, PathBuf};

use ringfence_record::StateFolder;
use ringfence_record::log::{Durability, Log};
use ringfence_record::transparency::{
    Consistency, Proof, Transparency, Trust, Witness, WitnessError,
};
use serde_json::{Map, json};

struct Kept {
    folder: tempfile::TempDir,
}

impl Kept {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn state(&self) -> StateFolder {
        StateFolder::open(self.folder.path().join("state")).unwrap()
    }

    fn log(&self) -> Log {
        Log::open(&self.state(), Durability::Process).unwrap()
    }

    fn tree(&self) -> Transparency {
        Transparency::of(&self.state(), &self.log())
    }

    fn record(&self, count: u64) {
        let log = self.log();
        for number in 0..count {
            let mut fields = Map::new();
            fields.insert("command".into(), json!(format!("echo {number}")));
            log.append("decision", "2026-11-21T10:00:00Z", fields).unwrap();
        }
    }

    /// What is wrong, by whatever means there are.
    fn problems(&self, trust: &Trust) -> Vec<String> {
        let mut problems = match self.log().verify(&[]) {
            Ok(found) => found.problems,
            Err(error) => vec![error.to_string()],
        };
        match self.tree().verify(trust) {
            Ok(found) => problems.extend(found),
            Err(error) => problems.push(error.to_string()),
        }
        problems
    }

    fn files(&self) -> Vec<PathBuf> {
        fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
            for file in fs::read_dir(folder).unwrap() {
                let path = file.unwrap().path();
                if path.is_dir() {
                    walk(&path, into);
                } else if path.metadata().unwrap().len() > 0 {
                    into.push(path);
                }
            }
        }
        let mut files = Vec::new();
        walk(&self.folder.path().join("state/audit"), &mut files);
        walk(&self.folder.path().join("state/tlog"), &mut files);
        files.sort();
        files
    }
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

#[test]
fn a_signed_log_is_sound_however_it_grows() {
    let kept = Kept::new();
    assert!(kept.tree().sign().unwrap().is_none(), "nothing is there");
    let mut remembered = Vec::new();
    for count in [1, 254, 1, 1, 300, 0, 7] {
        kept.record(count);
        let (checkpoint, note) = kept.tree().sign().unwrap().unwrap();
        remembered.push(note);
        assert_eq!(checkpoint.size, checkpoint.seq);
        let trust = Trust { remembered: remembered.clone(), ..Trust::default() };
        assert_eq!(kept.problems(&trust), Vec::<String>::new());
    }
    // What is not signed for yet takes nothing away.
    kept.record(3);
    let trust = Trust { key: kept.tree().verifier().unwrap(), remembered, witnesses: Vec::new() };
    assert_eq!(kept.problems(&trust), Vec::<String>::new());
}

#[test]
fn looking_makes_nothing() {
    let kept = Kept::new();
    kept.record(1);
    assert_eq!(kept.problems(&Trust::default()), Vec::<String>::new());
    assert_eq!(kept.tree().prove(1).unwrap(), None);
    assert_eq!(kept.tree().verifier().unwrap(), None);
    assert!(!kept.folder.path().join("state/tlog").exists());
}

#[test]
fn an_entry_is_proved_to_whoever_has_the_key() {
    let kept = Kept::new();
    kept.record(600);
    kept.tree().sign().unwrap();
    let key = kept.tree().verifier().unwrap().unwrap();
    for seq in [1, 2, 256, 257, 599, 600] {
        let proof = kept.tree().prove(seq).unwrap().unwrap();
        let read = Proof::parse(&proof.to_string()).unwrap();
        assert_eq!(read, proof);
        assert!(read.holds(&key), "{seq}");
        let mut other = proof.clone();
        other.receipt.seq += 1;
        assert!(!other.holds(&key));
    }
    assert_eq!(kept.tree().prove(601).unwrap(), None);
    let stranger = Kept::new();
    stranger.record(1);
    stranger.tree().sign().unwrap();
    let proof = kept.tree().prove(1).unwrap().unwrap();
    assert!(!proof.holds(&stranger.tree().verifier().unwrap().unwrap()));
}

/// Whatever is changed in the files of a signed log is found, with nothing but the files and a
/// checkpoint that was kept elsewhere: 10,000 times in `./test --full`.
#[test]
fn every_change_is_found() {
    let changes = if std::env::var_os("RINGFENCE_FULL").is_some() { 10_000 } else { 1_000 };
    let kept = Kept::new();
    kept.record(12);
    let (_, note) = kept.tree().sign().unwrap().unwrap();
    let key = kept.tree().verifier().unwrap();
    let trust = Trust { key, remembered: vec![note], witnesses: Vec::new() };
    assert_eq!(kept.problems(&trust), Vec::<String>::new());
    let files = kept.files();
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let mut kinds = [0; 6];
    for turn in 0..changes {
        let path = &files[chance.below(files.len())];
        let before = fs::read(path).unwrap();
        let mut lines: Vec<&[u8]> = before.split_inclusive(|byte| *byte == b'\n').collect();
        let several = path.extension().is_some_and(|it| it == "jsonl") && lines.len() > 1;
        let kind = chance.below(if several { 6 } else { 3 });
        let at = chance.below(before.len());
        let line = chance.below(lines.len());
        let changed = match kind {
            0 => {
                let mut bytes = before.clone();
                bytes[at] ^= 1 << chance.below(8);
                bytes
            }
            1 => before[..at].to_vec(),
            2 => [&before[..at], b"{}\n", &before[at..]].concat(),
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
        // A line without its end was never acknowledged: it is a note, where nothing is missing.
        if changed == before {
            continue;
        }
        fs::write(path, &changed).unwrap();
        let found = kept.problems(&trust);
        assert!(!found.is_empty(), "turn {turn}: kind {kind} at {at} of {}", path.display());
        fs::write(path, &before).unwrap();
        kinds[kind] += 1;
    }
    assert!(kinds.iter().all(|count| *count > changes / 100), "{kinds:?}");
    assert_eq!(kept.problems(&trust), Vec::<String>::new());
}

/// Who can write all of it makes a log that fits itself; who kept a checkpoint knows that it is another.
#[test]
fn a_log_made_anew_is_another() {
    let kept = Kept::new();
    kept.record(20);
    let (_, note) = kept.tree().sign().unwrap().unwrap();
    let key = kept.tree().verifier().unwrap();
    for path in kept.files() {
        fs::remove_file(path).unwrap();
    }
    fs::remove_file(kept.folder.path().join("state/audit.head")).unwrap();
    kept.record(30);
    kept.tree().sign().unwrap();
    assert_eq!(kept.problems(&Trust::default()), Vec::<String>::new(), "with the key of old");
    // It is the same text: only what stands in the lines would tell them apart, so it has to differ.
    let mut fields = Map::new();
    fields.insert("command".into(), json!("another"));
    kept.log().append("decision", "2026-11-21T10:00:00Z", fields).unwrap();
    let short = Trust { key: key.clone(), remembered: vec![note], witnesses: Vec::new() };
    assert_eq!(kept.problems(&short), Vec::<String>::new(), "the first twenty are the same");
    let other = Kept::new();
    other.record(19);
    fs::copy(
        kept.folder.path().join("state/audit.key"),
        other.folder.path().join("state/audit.key"),
    )
    .unwrap();
    other.tree().sign().unwrap();
    let found = other.problems(&short);
    assert!(found.iter().any(|it| it.contains("rolled back")), "{found:?}");
}

#[test]
fn nothing_is_signed_on_top_of_a_change() {
    let kept = Kept::new();
    kept.record(10);
    kept.tree().sign().unwrap();
    let tile = kept.files().into_iter().find(|it| it.to_string_lossy().contains("tile/0")).unwrap();
    let mut bytes = fs::read(&tile).unwrap();
    bytes[3] ^= 1;
    fs::write(&tile, &bytes).unwrap();
    kept.record(1);
    let refused = kept.tree().sign().unwrap_err().to_string();
    assert!(refused.contains("the tree is not the one that was signed"), "{refused}");
}

#[test]
fn whoever_checks_waits_for_whoever_signs() {
    let kept = Kept::new();
    let (tree, done) = (kept.tree(), std::sync::atomic::AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..60 {
                kept.record(3);
                tree.sign().unwrap();
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        while !done.load(std::sync::atomic::Ordering::Relaxed) {
            assert_eq!(kept.tree().verify(&Trust::default()).unwrap(), Vec::<String>::new());
        }
    });
}

#[test]
fn what_could_not_be_read_again_is_not_recorded() {
    let kept = Kept::new();
    kept.record(1);
    let nested = |levels: usize| {
        let text = format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        Map::from_iter([("x".to_owned(), serde_json::from_str(&text).unwrap())])
    };
    kept.log().append("decision", "2026-11-21T10:00:00Z", nested(100)).unwrap();
    let deep = kept.log().append("decision", "2026-11-21T10:00:00Z", nested(125));
    let refused = deep.unwrap_err().to_string();
    assert!(refused.contains("nests deeper than 120 levels"), "{refused}");
    kept.record(1);
    let (checkpoint, _) = kept.tree().sign().unwrap().unwrap();
    assert_eq!((checkpoint.size, checkpoint.seq), (3, 3));
    assert_eq!(kept.problems(&Trust::default()), Vec::<String>::new());
}

/// The place in the tree is the number of the entry: a line that cannot be read leaves no gap that closes.
#[test]
fn nothing_is_signed_past_an_entry_that_cannot_be_read() {
    let kept = Kept::new();
    kept.record(1);
    kept.tree().sign().unwrap();
    kept.record(4);
    let segment =
        kept.files().into_iter().find(|it| it.extension().is_some_and(|it| it == "jsonl"));
    let segment = segment.unwrap();
    let text = fs::read_to_string(&segment).unwrap();
    fs::write(&segment, text.replacen("{\"seq\":3", "[\"seq\":3", 1)).unwrap();
    let refused = kept.tree().sign().unwrap_err().to_string();
    assert!(refused.contains("entry 3 cannot be read"), "{refused}");
}

#[test]
fn a_witness_signs_for_what_only_grows() {
    let (kept, elsewhere) = (Kept::new(), Kept::new());
    let witness = Witness::open(&elsewhere.state()).unwrap();
    kept.record(10);
    kept.tree().sign().unwrap();
    let key = kept.tree().verifier().unwrap().unwrap();
    let ask = |old: u64| {
        let asked = kept.tree().prove_growth(old).unwrap();
        assert_eq!(Consistency::parse(&asked.to_string()), Some(asked.clone()));
        asked
    };
    let line = witness.sign(&ask(0), &key, 1_800_000_000).unwrap();
    kept.tree().add_signatures(&line, witness.verifier()).unwrap();
    let trust = Trust {
        key: Some(key.clone()),
        witnesses: vec![witness.verifier().clone()],
        ..Trust::default()
    };
    assert_eq!(kept.problems(&trust), Vec::<String>::new());
    // It goes on from where it was, and from nowhere else.
    kept.record(290);
    kept.tree().sign().unwrap();
    assert!(kept.problems(&trust)[0].contains("is not signed by witness"));
    assert_eq!(witness.last_size(&key).unwrap(), 10);
    assert!(matches!(witness.sign(&ask(9), &key, 0), Err(WitnessError::Refused(_))));
    let line = witness.sign(&ask(10), &key, 1_800_000_001).unwrap();
    kept.tree().add_signatures(&line, witness.verifier()).unwrap();
    assert_eq!(kept.problems(&trust), Vec::<String>::new());
    // A log that was made anew with the same key is not what it has seen.
    let forged = Kept::new();
    forged.record(1);
    let mut fields = Map::new();
    fields.insert("command".into(), json!("never happened"));
    forged.log().append("decision", "2026-11-21T10:00:00Z", fields).unwrap();
    forged.record(400);
    let own = |it: &Kept| it.folder.path().join("state/audit.key");
    fs::copy(own(&kept), own(&forged)).unwrap();
    forged.tree().sign().unwrap();
    let asked = forged.tree().prove_growth(300).unwrap();
    let refused = witness.sign(&asked, &key, 0).unwrap_err().to_string();
    assert!(refused.contains("the past of the log was changed"), "{refused}");
}

/// Both continue what the witness has seen, and only one of them can be the log.
#[test]
fn a_witness_never_signs_for_two_of_one_log() {
    let elsewhere = Kept::new();
    let (one, other) = (Kept::new(), Kept::new());
    one.record(10);
    one.tree().sign().unwrap();
    let key = one.tree().verifier().unwrap().unwrap();
    fs::copy(one.folder.path().join("state/audit.key"), {
        other.state();
        other.folder.path().join("state/audit.key")
    })
    .unwrap();
    other.record(10);
    other.tree().sign().unwrap();
    let witness = Witness::open(&elsewhere.state()).unwrap();
    witness.sign(&one.tree().prove_growth(0).unwrap(), &key, 0).unwrap();
    one.record(5);
    other.record(6);
    one.tree().sign().unwrap();
    other.tree().sign().unwrap();
    let requests = [&one, &other].map(|it| it.tree().prove_growth(10).unwrap());
    let signed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = requests
            .iter()
            .map(|asked| scope.spawn(|| usize::from(witness.sign(asked, &key, 0).is_ok())))
            .collect();
        threads.into_iter().map(|it| it.join().unwrap()).sum()
    });
    assert_eq!(signed, 1);
}
