//! Whatever is written to be expensive ends soon, and in little memory. Analysis reads no clock: what
//! bounds it is a count of steps, so these inputs are what the bars are held against.

use std::fs;
use std::time::Duration;

use ringfence_action::{Action, Call, Dialect, OpaqueReason, Replacement, Text};
use ringfence_analysis::{Analysis, analyze};
use ringfence_testkit::hostile;
use ringfence_testkit::timing::timed_alone;

/// What one command may take. Without optimisation, only that it ends is looked at.
const TIME: Duration =
    if cfg!(debug_assertions) { Duration::from_secs(10) } else { Duration::from_millis(20) };
/// What one command may hold at once.
const MEMORY_KIB: u64 = 64 << 10;

fn analysis(text: &str, dialect: Dialect) -> Analysis {
    let json = serde_json::json!({
        "tool": "Bash", "input": {"command": text}, "cwd": "/home/u/proj",
        "workspace": ["/home/u/proj"], "home": "/home/u",
    });
    let action = Action::from_json(json.to_string().as_bytes()).unwrap();
    let command = Text::new("/input/command", text);
    analyze(&action, &Call::Shell { command, dialect, cwd: None })
}

/// A line of `/proc/self/status`, in KiB.
fn status(name: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim_matches([':', '\t', ' ', 'k', 'B']).parse().ok()
}

/// What the process held at most while `body` ran, above what it held before. `None` where the kernel
/// does not say.
fn peak_kib(body: impl FnOnce()) -> Option<u64> {
    fs::write("/proc/self/clear_refs", "5").ok()?;
    let before = status("VmRSS")?;
    body();
    Some(status("VmHWM")?.saturating_sub(before))
}

/// Runs the inputs of which `wanted` says so by their family.
fn ends_soon_and_small(wanted: impl Fn(&str) -> bool) {
    // What is loaded once, is loaded before.
    analysis("git status; python3 -c 'pass'; rm x", Dialect::Bash);
    let mut slowest = (Duration::ZERO, String::new());
    let mut largest = (0, String::new());
    let mut failures = Vec::new();
    let inputs = hostile::inputs().into_iter().filter(|input| wanted(input.family));
    for hostile::Input { family, name, text } in inputs {
        let name = format!("{family}: {name}");
        // The last one named is where a stack ran over.
        eprintln!("{name}");
        let mut took = Duration::ZERO;
        let run = || {
            let (analysis, spent) = timed_alone(|| analysis(&text, Dialect::Bash));
            took = Duration::from_secs_f64(spent / 1e6);
            let panicked = |reason| reason == OpaqueReason::Panicked;
            assert!(!analysis.opaque.iter().any(|remark| panicked(remark.reason)), "{name}");
        };
        let held = peak_kib(run).unwrap_or(0);
        if took > TIME {
            failures.push(format!("{name}: {took:?}"));
        }
        if held > MEMORY_KIB {
            failures.push(format!("{name}: {held} KiB"));
        }
        if took > slowest.0 {
            slowest = (took, name.clone());
        }
        if held > largest.0 {
            largest = (held, name);
        }
    }
    eprintln!("slowest {:?}: {}", slowest.0, slowest.1);
    eprintln!("largest {} KiB: {}", largest.0, largest.1);
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn whatever_is_expensive_in_a_shell_ends_soon_and_small() {
    let shell = ["nested", "wide", "one piece", "doubling", "states", "alternatives", "effects"];
    ends_soon_and_small(|family| shell.contains(&family));
}

#[test]
fn whatever_is_expensive_in_python_ends_soon_and_small() {
    ends_soon_and_small(|family| family == "python");
}

#[test]
fn whatever_is_expensive_in_javascript_ends_soon_and_small() {
    ends_soon_and_small(|family| family == "javascript");
}

#[test]
fn whatever_is_expensive_in_sql_ends_soon_and_small() {
    ends_soon_and_small(|family| ["sql", "sqlite3", "mysql"].contains(&family));
}

#[test]
fn whatever_is_expensive_in_other_languages_ends_soon_and_small() {
    let others = ["powershell", "cmd", "perl", "ruby", "php", "awk", "sed"];
    ends_soon_and_small(|family| others.contains(&family));
}

/// What a whole call of a file tool may take: a mebibyte is written at most.
const TIME_OF_CONTENT: Duration = Duration::from_secs(20);

/// An edit of `app/a.yml`, of which the whole file is known.
fn edit(file: &str, replacements: &[(String, String)]) -> Analysis {
    let mut action = serde_json::json!({
        "tool": "MultiEdit", "input": {"edits": []}, "cwd": "/home/u/proj",
        "workspace": ["/home/u/proj"], "home": "/home/u",
    });
    let edits = replacements
        .iter()
        .map(|(old, new)| serde_json::json!({"old_string": old, "new_string": new}));
    action["input"]["edits"] = edits.collect();
    let mut action = Action::from_json(action.to_string().as_bytes()).unwrap();
    action.facts.files.insert("/home/u/proj/app/a.yml".into(), file.into());
    let text = |at: usize, key: &str, text: &String| {
        Text::new(format!("/input/edits/{at}/{key}"), text.clone())
    };
    let replacements = replacements.iter().enumerate().map(|(at, (old, new))| Replacement {
        old: Some(text(at, "old_string", old)),
        new: text(at, "new_string", new),
    });
    let path = Text::new("/input/path", "/home/u/proj/app/a.yml");
    analyze(&action, &Call::Edit { path, replacements: replacements.collect() })
}

fn is_too_large(analysis: &Analysis) -> bool {
    analysis.opaque.iter().any(|remark| remark.reason == OpaqueReason::TooLarge)
}

#[test]
fn what_is_written_is_compared_soon_or_said_to_be_too_large() {
    let numbered = |count: usize, old: &str, new: &str| -> Vec<(String, String)> {
        (0..count).map(|at| (format!("{old} # {at}"), format!("{new} # {at}"))).collect()
    };
    let long = "x: 1\n".repeat(1 << 16);
    let mebibyte = "x: 1\n".repeat((1 << 20) / 5);
    for (name, file, replacements, too_large) in [
        ("few", "", numbered(20, "x: 1", "x: 2"), false),
        ("many", "", numbered(900, "x: 1", "x: 2"), false),
        ("too many", "", numbered(1_100, "x: 1", "x: 2"), true),
        (
            "some that stand alone",
            long.as_str(),
            numbered(20, "  enabled: 1", "  enabled: 0"),
            false,
        ),
        (
            "many that stand alone",
            long.as_str(),
            numbered(900, "  enabled: 1", "  enabled: 0"),
            true,
        ),
        ("as long as can be", "", vec![(String::new(), mebibyte.clone())], false),
        ("longer", "", vec![(String::new(), format!("{mebibyte}{mebibyte}"))], true),
        ("keys in keys", "", vec![(String::new(), "sk-ant-".repeat(1 << 15))], false),
    ] {
        let start = std::time::Instant::now();
        let analysis = edit(file, &replacements);
        let took = start.elapsed();
        assert!(took < TIME_OF_CONTENT, "{name}: {took:?}");
        assert_eq!(is_too_large(&analysis), too_large, "{name}: {:?}", analysis.opaque);
    }
}
