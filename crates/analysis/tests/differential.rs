//! A second parser reads what ours reads: where one refuses a command that the other takes, one of the
//! two is wrong about bash, and somebody has looked at which.
//!
//! The cases of the oracle and of the literate pages are always compared; with `RINGFENCE_DATA`,
//! recorded commands too: a spread of them, all with `RINGFENCE_DATA_ALL`. `differential/exceptions.toml` lists by hand where the two differ, and why.

use std::collections::BTreeSet;

use brush_parser::{Parser, ParserOptions};
use ringfence_action::{Action, Call, Dialect, OpaqueReason, Text};
use ringfence_analysis::analyze;
use ringfence_testkit::{Corpora, cases, root};

const SETS: [&str; 4] = [
    include_str!("oracle/published.txt"),
    include_str!("oracle/own.txt"),
    include_str!("oracle/arguments.txt"),
    include_str!("oracle/sh.txt"),
];

/// So many recorded commands, from all over.
const SPREAD: usize = 2_000;

/// Longer commands are programs.
const MAX_BYTES: usize = 4 << 10;

#[derive(Debug)]
struct Exception {
    /// Words of the commands that it is about.
    contains: String,
    /// Who refuses it: `ours` or `theirs`.
    refused_by: String,
}

fn exceptions() -> Vec<Exception> {
    let table: toml::Table = include_str!("differential/exceptions.toml").parse().unwrap();
    let list = table["exception"].as_array().unwrap();
    let field = |entry: &toml::Value, name: &str| entry[name].as_str().unwrap().to_owned();
    list.iter()
        .map(|entry| {
            assert!(!field(entry, "why").is_empty());
            let (contains, refused_by) = (field(entry, "contains"), field(entry, "refused_by"));
            Exception { contains, refused_by }
        })
        .collect()
}

/// Whether our parser takes the command as a whole; code in its strings is another matter.
fn ours(text: &str) -> bool {
    let json = serde_json::json!({"tool": "Bash", "input": {"command": text}});
    let action = Action::from_json(json.to_string().as_bytes()).unwrap();
    let command = Text::new("/input/command", text);
    let analysis = analyze(&action, &Call::Shell { command, dialect: Dialect::Bash, cwd: None });
    !analysis.opaque.iter().any(|remark| {
        let whole = remark.evidence.as_ref().is_some_and(|e| e.span == [0, text.len()]);
        whole && remark.reason == OpaqueReason::ParseError
    })
}

fn theirs(text: &str) -> bool {
    // It has no limits of its own.
    let text = text.to_owned();
    let parse = move || {
        let options = ParserOptions::default();
        Parser::new(text.as_bytes(), &options).parse_program().is_ok()
    };
    std::panic::catch_unwind(parse).unwrap_or(false)
}

/// How many were compared, and those that nobody has explained.
fn compare<'t>(texts: impl Iterator<Item = &'t str>) -> (usize, Vec<String>) {
    let exceptions = exceptions();
    let mut seen = BTreeSet::new();
    let mut unexplained = Vec::new();
    for text in texts.filter(|text| text.len() <= MAX_BYTES) {
        if !seen.insert(text) {
            continue;
        }
        let refused_by = match (ours(text), theirs(text)) {
            (false, true) => "ours",
            (true, false) => "theirs",
            (true, true) | (false, false) => continue,
        };
        let explained =
            exceptions.iter().any(|e| e.refused_by == refused_by && text.contains(&e.contains));
        if !explained {
            unexplained.push(format!("refused by {refused_by}: {text:?}"));
        }
    }
    (seen.len(), unexplained)
}

fn of_the_repository() -> Vec<String> {
    let blocks = SETS.iter().flat_map(|set| set.split("\n\n"));
    let blocks = blocks.map(|block| {
        let lines = block.lines().filter(|line| !line.starts_with("## "));
        lines.collect::<Vec<_>>().join("\n")
    });
    let folders = ["tests/effects", "tests/bypass", "tests/policy"];
    let pages = folders.iter().flat_map(|folder| cases(&root().join(folder)).unwrap());
    let pages = pages.filter(|case| case.language == "bash").map(|case| case.code);
    blocks.chain(pages).collect()
}

#[test]
fn a_second_parser_takes_what_ours_takes() {
    let texts = of_the_repository();
    let (compared, unexplained) = compare(texts.iter().map(String::as_str));
    eprintln!("{compared} commands compared, {} differ without a reason", unexplained.len());
    assert!(compared > 600, "{compared}");
    assert!(unexplained.is_empty(), "\n{}", unexplained.join("\n"));
}

#[test]
fn a_second_parser_takes_what_agents_wrote() {
    let Some(corpora) = Corpora::from_env() else { return };
    let rows = corpora.actions().unwrap();
    let shell = rows.iter().filter(|row| row.kind == "shell").map(|row| row.text.as_str());
    let texts: Vec<_> = shell.collect::<BTreeSet<_>>().into_iter().collect();
    let all = std::env::var_os("RINGFENCE_DATA_ALL").is_some();
    let every = if all { 1 } else { texts.len() / SPREAD + 1 };
    let (compared, unexplained) = compare(texts.into_iter().step_by(every));
    eprintln!("{compared} commands compared, {} differ without a reason", unexplained.len());
    assert!(unexplained.is_empty(), "\n{}", unexplained.join("\n"));
}
