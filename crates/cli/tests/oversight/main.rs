//! `ringfence oversight`: what it counts is what another program counts that was written for it alone.

mod day;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

const RINGFENCE: &str = env!("CARGO_BIN_EXE_ringfence");

fn oversight(state: &Path, files: &[PathBuf], options: &[&str]) -> String {
    let output = Command::new(RINGFENCE)
        .arg("oversight")
        .args(options)
        .args(files)
        .env("RINGFENCE_STATE", state)
        .env("HOME", state)
        .env_remove("CLAUDE_CONFIG_DIR")
        .env_remove("CODEX_HOME")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn report(state: &Path, files: &[PathBuf]) -> Value {
    serde_json::from_str(&oversight(state, files, &["--json"])).unwrap()
}

/// What the script counts; `None` where there is no Python.
fn counted_elsewhere(files: &[PathBuf]) -> Option<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oversight/count.py");
    let output = Command::new("python3")
        .arg(script)
        .arg(RINGFENCE)
        .args(files)
        .stdin(Stdio::null())
        .output();
    let output = output.ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(ours), Value::Number(theirs)) => {
            (ours.as_f64().unwrap() - theirs.as_f64().unwrap()).abs() < 1e-9
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| same(a, b))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().all(|(name, it)| theirs.get(name).is_some_and(|them| same(it, them)))
        }
        (ours, theirs) => ours == theirs,
    }
}

/// Every figure that the script has.
fn agree(files: &[PathBuf]) -> Option<Value> {
    let state = tempfile::tempdir().unwrap();
    let ours = report(state.path(), files);
    let Some(theirs) = counted_elsewhere(files) else {
        eprintln!("skipped: no python3");
        return None;
    };
    let theirs = theirs.as_object().unwrap();
    assert!(theirs.len() > 25);
    // Shown by `--no-capture`, and where they differ.
    println!("{:30} {:>40} {:>40}", "figure", "ringfence", "count.py");
    for (name, their) in theirs {
        let mark = if same(&ours[name], their) { "" } else { " DIFFERS" };
        println!("{name:30} {:>40} {:>40}{mark}", brief(&ours[name]), brief(their));
    }
    let others: Vec<_> = theirs.iter().filter(|(name, their)| !same(&ours[*name], their)).collect();
    assert!(others.is_empty(), "of {files:?}, theirs: {others:?}");
    Some(ours)
}

/// A figure as one reads it: `17 of 203 = 0.0837`, `n 40, p50 1200`.
fn brief(figure: &Value) -> String {
    match (&figure["count"], &figure["n"], &figure["p50_ms"]) {
        (Value::Number(count), n, _) => {
            let share = figure["share"].as_f64().unwrap_or_default();
            let (low, high) = (figure["low"].as_f64(), figure["high"].as_f64());
            let (low, high) = (low.unwrap_or_default(), high.unwrap_or_default());
            format!("{count} of {n} = {share:.4} ({low:.4}–{high:.4})")
        }
        (_, n, Value::Number(median)) => {
            format!("n {n}, p50 {median}, p90 {} ms", figure["p90_ms"])
        }
        _ if figure.is_array() => {
            let groups = figure.as_array().into_iter().flatten();
            groups.map(|it| format!("{}/{}", it["count"], it["n"])).collect::<Vec<_>>().join(" ")
        }
        _ => figure.to_string().chars().take(40).collect(),
    }
}

#[test]
fn another_program_counts_the_same() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../adapters/tests/data");
    for name in ["claude-1.0", "claude-2.1", "codex-0.169", "gemini-0.61"] {
        agree(&[data.join(format!("{name}.jsonl"))]);
    }
    let folder = tempfile::tempdir().unwrap();
    let files = day::write(folder.path());
    let Some(report) = agree(&files) else { return };
    // And it is not that both see nothing.
    for name in [
        "approval_rate",
        "rubber_stamps",
        "everything_unasked",
        "turn_duration",
        "interrupt_rate",
        "clarification_rate",
        "denials_overridden",
        "irreversible",
        "time_to_intervene",
        "let_run_unasked",
    ] {
        assert!(report[name]["n"].as_u64().unwrap() > 0, "{name}: {}", report[name]);
    }
}

/// The form of labelled transcripts, as the corpora have it, in sessions that were written for this.
#[test]
fn another_program_counts_the_same_of_labelled_transcripts() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oversight/sessions.jsonl");
    let Some(report) = agree(&[file]) else { return };
    for name in ["interrupt_rate", "denials_overridden", "irreversible", "everything_unasked"] {
        let (count, n) = (report[name]["count"].as_u64(), report[name]["n"].as_u64());
        assert!(count > Some(0) && count < n, "{name}: {}", report[name]);
    }
    assert!(report["interventions"].as_u64() > Some(3));
}

/// Sessions of two teams, every metric that their corpus can tell; all of them in `./test --full`.
#[test]
fn another_program_counts_the_same_of_real_sessions() {
    let every = if std::env::var_os("RINGFENCE_FULL").is_some() { 1 } else { 6 };
    real_sessions(every);
}

fn real_sessions(every: usize) {
    let Some(corpora) = std::env::var_os("RINGFENCE_DATA").map(PathBuf::from) else {
        eprintln!("skipped: no corpora");
        return;
    };
    let Ok(rows) = std::fs::read_to_string(corpora.join("transcripts.jsonl")) else {
        eprintln!("skipped: no corpora");
        return;
    };
    let is_real = |line: &&str| {
        ["entire_cli", "minsky_cursor"].iter().any(|it| {
            line.contains(&format!("\"source\": \"{it}\""))
                || line.contains(&format!("\"source\":\"{it}\""))
        })
    };
    let chosen: Vec<&str> = rows.lines().filter(is_real).step_by(every).collect();
    assert!(chosen.len() > 40, "{}", chosen.len());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessions.jsonl");
    std::fs::write(&file, chosen.join("\n")).unwrap();
    let Some(report) = agree(&[file]) else { return };
    // A corpus without times has no durations, and says so.
    assert_eq!(report["turn_duration"]["unknown"], "n is 0");
    assert_eq!(report["approval_rate"]["unknown"], "n is 0");
    assert!(report["interrupt_rate"]["n"].as_u64().unwrap() > 100);
}

/// Nothing of nothing is no zero.
#[test]
fn what_is_not_known_is_said() {
    let state = tempfile::tempdir().unwrap();
    let text = oversight(state.path(), &[], &["--color", "never"]);
    assert!(text.starts_with("0 sessions"), "{text}");
    assert!(!text.contains(" 0 %") && text.matches("not known").count() > 12, "{text}");
    assert!(text.contains("93 %") && text.contains("25 → 45 min"), "{text}");
    // Looking makes nothing.
    assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 0);
}

#[test]
fn each_form_has_each_figure() {
    let folder = tempfile::tempdir().unwrap();
    let files = day::write(&folder.path().join("sessions"));
    let state = folder.path().join("state");
    let html = oversight(&state, &files, &["--html"]);
    assert!(html.matches("<svg").count() >= 5, "{html}");
    for foreign in ["<script", "http://", "https://", "src=", "@import", "url("] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    assert!(html.contains("prefers-color-scheme"));
    let markdown = oversight(&state, &files, &["--markdown"]);
    let text = oversight(&state, &files, &["--color", "never"]);
    for name in [
        "prompts approved",
        "approved within 2 s",
        "planted dangers caught",
        "sessions with everything unasked",
        "calls that cannot be undone",
        "calls that the gate decided",
        "denied, and run later",
        "length of a turn",
        "turns interrupted",
        "turns that end in a question",
        "interventions per session",
        "irreversible call to stepping in",
    ] {
        for (form, page) in [("html", &html), ("markdown", &markdown), ("text", &text)] {
            assert!(page.contains(name), "{name} in {form}");
        }
    }
}

/// The same files in one folder, with another program's beside them.
#[test]
fn a_folder_is_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let files = day::write(folder.path());
    std::fs::write(folder.path().join("broken.jsonl"), "no json\n\u{0}\n").unwrap();
    let (whole, parts) =
        (report(folder.path(), &[folder.path().to_owned()]), report(folder.path(), &files));
    assert_eq!(whole["turns"], parts["turns"]);
    assert_eq!(whole["approval_rate"], parts["approval_rate"]);
    assert!(whole["unreadable"].as_u64().unwrap() > 0);
}
