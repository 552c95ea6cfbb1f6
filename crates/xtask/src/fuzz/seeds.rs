//! What the targets begin with: commands of the oracle, of literate pages and of catalogue entries, and
//! the programs in other languages that unit tests are written with.

use crate::Failure;
use crate::files::{self, File};

/// Where the programs of a target stand, as texts in the tests of what reads them.
fn programs(target: &str) -> &'static [&'static str] {
    match target {
        "python" => &["crates/analysis/src/code/tests.rs", "crates/analysis/src/code/python/"],
        "javascript" => &["crates/analysis/src/code/javascript/"],
        "sql" => &["crates/analysis/src/code/sql.rs", "crates/analysis/src/code/sql/"],
        "powershell" => &["crates/analysis/src/code/powershell.rs"],
        "scripts" => &[
            "crates/analysis/src/code/words",
            "crates/analysis/src/code/perl",
            "crates/analysis/src/code/awk.rs",
            "crates/analysis/src/code/sed.rs",
            "crates/analysis/src/code/cmd.rs",
        ],
        _ => &[],
    }
}

/// The seeds of a target.
pub(super) fn of(target: &str) -> Result<Vec<String>, Failure> {
    let mut seeds = Vec::new();
    let places = programs(target);
    if places.is_empty() {
        commands(target, &mut seeds)?;
    } else {
        for file in files::with_extensions(&["rs"])? {
            if places.iter().any(|place| file.path.starts_with(place)) {
                seeds.extend(texts(&file.text));
            }
        }
    }
    if seeds.is_empty() { Err(format!("{target}: no seeds").into()) } else { Ok(seeds) }
}

fn commands(target: &str, seeds: &mut Vec<String>) -> Result<(), Failure> {
    for file in files::with_extensions(&["txt", "md", "toml"])? {
        match target {
            "probe" => seeds.extend(of_results(&file)),
            "shell" => seeds.extend(written_out(&file)),
            "argv" => seeds.extend(of_entry(&file).map(|command| command.replace(' ', "\n"))),
            _ => {
                let line = |command: String| {
                    serde_json::json!({"tool": "Bash", "input": {"command": command}}).to_string()
                };
                seeds.extend(of_entry(&file).map(line));
                seeds.extend(blocks(&file).filter(|block| block.starts_with('{')));
            }
        }
    }
    Ok(())
}

/// What the probe is trained and tried with.
fn of_results(file: &File) -> Vec<String> {
    let is_seed = file.path.starts_with("crates/xtask/data/") || file.path.starts_with("docs/");
    let lines = file.text.lines().filter(|_| is_seed);
    lines.filter(|line| line.len() > 20).map(str::to_owned).collect()
}

/// Cases of the oracle, and what stands on literate pages.
fn written_out(file: &File) -> Vec<String> {
    if file.path.contains("/oracle/") {
        file.text.split("\n\n").map(str::to_owned).collect()
    } else {
        blocks(file).collect()
    }
}

fn blocks(file: &File) -> impl Iterator<Item = String> {
    let blocks = file.text.split("```").skip(1).step_by(2);
    let blocks = blocks.filter(|_| file.path.starts_with("tests/"));
    blocks.filter_map(|block| block.split_once('\n')).map(|(_, code)| code.to_owned())
}

/// The commands that a catalogue entry is tested with.
fn of_entry(file: &File) -> impl Iterator<Item = String> {
    let tests = file.text.split_once("[tests]").filter(|_| file.path.starts_with("catalog/"));
    let lines = tests.map_or("", |(_, tests)| tests).lines();
    lines.filter_map(|line| Some(line.strip_prefix('"')?.split_once("\" =")?.0.to_owned()))
}

/// Texts in quotes of a Rust source that are long enough to be a program.
fn texts(source: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = source;
    while let Some((_, after)) = rest.split_once('"') {
        let mut escaped = false;
        let end = after.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let Some((text, after)) = end.and_then(|end| after.split_at_checked(end)) else { break };
        let text = serde_json::from_str::<String>(&format!("\"{text}\""));
        texts.extend(text.ok().filter(|text| text.len() > 6 && text.len() < 2_000));
        rest = after.strip_prefix('"').unwrap_or(after);
    }
    texts
}
