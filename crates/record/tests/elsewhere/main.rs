//! A second implementation, in another language and by others, comes to the same: of a log as it grew, and of one
//! that was rotated, of which segments were removed, and content was taken out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ringfence_record::StateFolder;
use ringfence_record::log::{Durability, Keep, Log};
use ringfence_record::transparency::Transparency;
use serde_json::{Map, json};

const PACKAGES: &str = "/usr/share/gocode";
const AT: &str = "2026-11-21T10:00:00Z";

struct Kept {
    folder: tempfile::TempDir,
}

impl Kept {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn log(&self) -> Log {
        Log::open(&StateFolder::open(self.path()).unwrap(), Durability::Process).unwrap()
    }

    fn tree(&self) -> Transparency {
        Transparency::of(&StateFolder::open(self.path()).unwrap(), &self.log())
    }

    fn record(&self, count: u64, day: &str) {
        for number in 0..count {
            let mut fields = Map::new();
            fields.insert("command".into(), json!(format!("echo {number}")));
            self.log().append("decision", &format!("{day}T10:00:00Z"), fields).unwrap();
        }
    }

    fn segment(&self, number: u64) -> PathBuf {
        self.path().join(format!("audit/{number:06}.jsonl"))
    }

    fn key(&self) -> String {
        self.tree().verifier().unwrap().unwrap().to_string()
    }

    /// What Go says of it: every proof, and that it grew from a smaller one.
    fn elsewhere(&self, key: &str, proved: &[u64], old_size: u64) -> Output {
        let file = |name: String, text: String| {
            let path = self.folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let tree = self.tree();
        let proofs = proved
            .iter()
            .map(|seq| file(seq.to_string(), tree.prove(*seq).unwrap().unwrap().to_string()));
        let growth = file("growth".to_owned(), tree.prove_growth(old_size).unwrap().to_string());
        let mut command = Command::new(program());
        command.arg(self.path()).arg(key);
        command.args(proofs).args(["--", &old_size.to_string()]).arg(growth);
        command.output().unwrap()
    }

    fn agrees(&self, proved: &[u64], old_size: u64, words: &str) {
        let output = self.elsewhere(&self.key(), proved, old_size);
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(said, words, "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(self.log().verify(&[]).unwrap().problems, Vec::<String>::new());
    }

    fn is_refused(&self, why: &str) {
        let output = self.elsewhere(&self.key(), &[], 1);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(why), "{why}: {said}");
        assert_ne!(self.log().verify(&[]).unwrap().problems, Vec::<String>::new(), "{why}");
    }
}

fn program() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("elsewhere")
}

/// Once for all stories: a compiler of its own takes its time.
fn build() {
    let mut command = Command::new("go");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/elsewhere/main.go");
    command.arg("build").arg("-o").arg(program()).arg(source);
    command.env("GO111MODULE", "off").env("GOPATH", PACKAGES).env("GOFLAGS", "");
    command.env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go"));
    let built = command.output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}

fn is_missing() -> bool {
    let there = Command::new("go").arg("version").output().is_ok()
        && Path::new(PACKAGES).join("src/golang.org/x/mod/sumdb/tlog").exists();
    if !there {
        assert!(
            std::env::var_os("RINGFENCE_FULL").is_none(),
            "go and golang.org/x/mod are missing"
        );
        eprintln!("skipped: go and golang.org/x/mod are not installed");
    }
    !there
}

#[test]
fn gos_checksum_database_agrees() {
    if is_missing() {
        return;
    }
    build();
    it_agrees_on_a_log_that_grew();
    it_agrees_on_a_log_of_which_not_all_stayed();
    it_finds_what_was_changed_in_what_is_left();
}

fn it_agrees_on_a_log_that_grew() {
    let kept = Kept::new();
    kept.record(300, "2026-11-21");
    kept.tree().sign().unwrap();
    kept.record(321, "2026-11-21");
    kept.tree().sign().unwrap();
    let proved = [1, 256, 257, 512, 621];
    kept.agrees(&proved, 300, "agrees: 621 entries, 0 removed, 0 without content\n");
    let stranger = Kept::new();
    stranger.record(1, "2026-11-21");
    stranger.tree().sign().unwrap();
    assert!(!kept.elsewhere(&stranger.key(), &proved, 300).status.success());
}

/// Retention and redaction leave a log that others can check as they did before: what went is proved, too.
fn it_agrees_on_a_log_of_which_not_all_stayed() {
    let kept = Kept::new();
    for day in ["2026-11-01", "2026-11-02", "2026-11-03"] {
        kept.record(200, day);
        kept.log().rotate().unwrap();
    }
    kept.tree().sign().unwrap();
    kept.log().redact(450, "a customer's name", AT, "ann at pts/3").unwrap();
    let is_old = |at: &str| at < "2026-11-02";
    let keep = Keep { is_old: Some(&is_old), most_bytes: None };
    assert_eq!(kept.log().prune(&keep, AT, "retention").unwrap().unwrap().segments, 1);
    kept.log().redact(260, "another", AT, "ann at pts/3").unwrap();
    kept.record(30, "2026-11-04");
    kept.tree().sign().unwrap();
    // Entries that went, that were taken out, that say so, and that are as they were.
    let proved = [1, 200, 201, 260, 450, 600, 601, 602, 603, 633];
    kept.agrees(&proved, 600, "agrees: 633 entries, 200 removed, 2 without content\n");
    // Again, once more of it is gone.
    let keep = Keep { is_old: None, most_bytes: Some(0) };
    kept.log().prune(&keep, AT, "me").unwrap().unwrap();
    kept.tree().sign().unwrap();
    kept.agrees(
        &[1, 260, 450, 601, 634],
        633,
        "agrees: 634 entries, 600 removed, 0 without content\n",
    );
}

/// And what was changed, is not there though nothing says so, or was taken out by nobody, it finds as we do.
fn it_finds_what_was_changed_in_what_is_left() {
    let kept = Kept::new();
    kept.record(5, "2026-11-01");
    kept.log().rotate().unwrap();
    kept.record(5, "2026-11-02");
    kept.log().redact(7, "a name", AT, "ann at pts/3").unwrap();
    kept.tree().sign().unwrap();
    kept.agrees(&[7], 1, "agrees: 11 entries, 0 removed, 1 without content\n");
    let (first, second) = (kept.segment(1), kept.segment(2));
    let (whole, later) =
        (fs::read_to_string(&first).unwrap(), fs::read_to_string(&second).unwrap());
    fs::write(&first, whole.replace("echo 3", "echo 8")).unwrap();
    kept.is_refused("entry 4 is not what was signed");
    fs::remove_file(&first).unwrap();
    kept.is_refused("entry 1 is missing");
    fs::write(&first, &whole).unwrap();
    fs::write(&second, later.replace("\"reason\":\"a name\"", "\"reason\":\"a game\"")).unwrap();
    kept.is_refused("is not what was signed");
    fs::write(&second, later.replace("ann at pts/3", "bob at pts/3")).unwrap();
    kept.is_refused("is not what was signed");
}
