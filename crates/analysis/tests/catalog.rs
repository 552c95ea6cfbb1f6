//! Every catalogue entry brings its own tests; here they run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ringfence_action::{Action, Call, Dialect, Effect, EffectKind, Text};
use ringfence_analysis::{Analysis, analyze};
use ringfence_testkit::EffectsExpectation;

/// An entry, as far as its tests go.
struct Entry {
    file: PathBuf,
    /// Its own name, and all others that it answers to.
    names: Vec<String>,
    harmless: bool,
    /// No option of it is ignored.
    complete: bool,
    tests: BTreeMap<String, Vec<String>>,
}

fn entries() -> Vec<Entry> {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog/commands"), &mut files);
    files.sort();
    files.into_iter().map(entry).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
}

fn entry(file: PathBuf) -> Entry {
    let text = std::fs::read_to_string(&file).unwrap();
    let table: toml::Table = toml::from_str(&text).unwrap();
    let harmless = table.get("harmless").and_then(toml::Value::as_bool).unwrap_or(false);
    let tests = table.get("tests").cloned().map_or_else(BTreeMap::new, |tests| {
        tests.try_into().unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    });
    let listed = |key: &str| table.get(key).and_then(toml::Value::as_array).into_iter().flatten();
    let names = table.get("name").into_iter().chain(listed("aliases")).chain(listed("also"));
    let names = names.filter_map(|name| name.as_str().map(str::to_owned)).collect();
    let complete = !text.contains("lenient = true");
    Entry { file, names, harmless, complete, tests }
}

fn judge(command: &str) -> Analysis {
    let input = serde_json::json!({"tool": "Bash", "input": {"command": command}, "cwd": "/home/u/proj",
        "workspace": ["/home/u/proj"], "home": "/home/u"});
    let action = Action::from_json(input.to_string().as_bytes()).unwrap();
    let call = Call::Shell {
        command: Text::new("/input/command", command),
        dialect: Dialect::Bash,
        cwd: None,
    };
    analyze(&action, &call)
}

/// Like the literate tests, and strict: no unknown option or computed program unless a line says so.
fn problems(command: &str, lines: &[String]) -> Vec<String> {
    let analysis = judge(command);
    let mut block = lines.join("\n");
    if !lines.iter().any(|line| line.trim_start_matches('!').starts_with("opaque")) {
        block.push_str("\n!opaque unknown_option\n!opaque dynamic_program");
    }
    let expectation = match EffectsExpectation::parse(&block) {
        Ok(expectation) => expectation,
        Err((_, problem)) => return vec![problem],
    };
    let mut problems = expectation.check(&analysis.effects, &analysis.opaque);
    if !problems.is_empty() {
        problems.extend(analysis.effects.iter().map(|effect| format!("    was     {effect}")));
        problems.extend(analysis.opaque.iter().map(|opaque| format!("    was     {opaque}")));
    }
    problems
}

#[test]
fn every_entry_passes_its_own_tests() {
    let mut report = String::new();
    let mut count = 0;
    for entry in entries() {
        for (command, lines) in &entry.tests {
            count += 1;
            let problems = problems(command, lines);
            if !problems.is_empty() {
                let file = entry.file.file_name().unwrap().to_string_lossy();
                report.push_str(&format!("{file}: {command}\n"));
                problems.iter().for_each(|problem| report.push_str(&format!("    {problem}\n")));
            }
        }
    }
    assert!(count > 0, "no entry has tests");
    assert!(report.is_empty(), "\n{report}");
}

/// A test counts only if it would notice that the entry is gone: it expects an effect beyond the
/// program itself, or that there is none where an unknown program would have some.
#[test]
fn every_entry_is_tested_in_both_directions() {
    let mut report = String::new();
    for entry in entries() {
        let says = |line: &&String| {
            let kind = line.split_whitespace().next().unwrap_or_default();
            kind == "opaque"
                || EffectKind::from_name(kind).is_some_and(|kind| kind != EffectKind::Exec)
        };
        let denies = |line: &&String| line.starts_with('!') || *line == "only";
        let positive = entry.tests.values().flatten().any(|line| says(&line));
        let negative = entry.tests.values().flatten().any(|line| denies(&line));
        if !(positive || entry.harmless) || !negative {
            report.push_str(&format!("{}\n", entry.file.display()));
        }
    }
    assert!(report.is_empty(), "tests are missing, positive or negative:\n{report}");
}

/// The command with another name in place of the entry's: what is left when the entry is gone.
fn without(entry: &Entry, command: &str) -> String {
    let is_name = |c: char| c.is_alphanumeric() || "_.+-".contains(c);
    let mut renamed = String::new();
    let mut word = String::new();
    for c in command.chars().chain(['\n']) {
        if is_name(c) {
            word.push(c);
            continue;
        }
        renamed.push_str(if entry.names.contains(&word) { "nobody-knows" } else { &word });
        word.clear();
        renamed.push(c);
    }
    renamed.pop();
    renamed
}

#[test]
fn an_entry_counts_if_its_tests_fail_without_it() {
    let (mut complete, mut by_danger, mut idle) = (0, 0, Vec::new());
    for entry in entries().iter().filter(|entry| !entry.harmless) {
        let noticed = entry.tests.iter().any(|(command, lines)| {
            // That the program runs is said of every program.
            let lines: Vec<String> =
                lines.iter().filter(|line| !line.starts_with("exec ")).cloned().collect();
            !problems(&without(entry, command), &lines).is_empty()
        });
        match (noticed, entry.complete) {
            (true, true) => complete += 1,
            (true, false) => by_danger += 1,
            (false, _) => idle.push(entry.file.display().to_string()),
        }
    }
    println!("{complete} complete entries, {by_danger} that name what is dangerous alone");
    assert!(idle.is_empty(), "tests that pass without their entry:\n{}", idle.join("\n"));
    assert!(complete >= 320 && by_danger >= 350, "{complete} complete, {by_danger} by danger");
}

#[test]
fn a_program_that_nobody_knows_reads_what_looks_like_a_path() {
    let analysis = judge("frobnicate --input=/etc/passwd ./notes word");
    let reads: Vec<String> = analysis
        .effects
        .iter()
        .filter(|effect| effect.kind == EffectKind::Read)
        .map(|effect: &Effect| effect.target.to_string())
        .collect();
    assert_eq!(reads, ["/etc/passwd", "/home/u/proj/notes"]);
    assert!(analysis.opaque.is_empty());
}
