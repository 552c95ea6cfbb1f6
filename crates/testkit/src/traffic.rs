//! What benchmarks run: recorded traffic where there is some, else a mix written for this project.

use std::collections::BTreeSet;

use ringfence_action::Action;

use crate::corpus::{Corpora, Row};

/// Recorded from coding agents at work.
const SOURCES: [&str; 2] = ["entire_cli", "minsky_cursor"];

/// Longer commands are not part of the mix.
const MAX_BYTES: usize = 4 << 10;

/// Where the mix is taken to run.
const CWD: &str = "/home/u/proj";
const HOME: &str = "/home/u";

/// Different shell commands of at most 4 KiB, each as an action.
pub fn commands() -> Vec<Action> {
    let rows = recorded().into_iter().filter(|row| row.kind == "shell");
    let mut seen = BTreeSet::new();
    let mut commands: Vec<Action> = rows
        .filter(|row| row.text.len() <= MAX_BYTES && seen.insert(row.text.clone()))
        .filter_map(|row| row.action(CWD, HOME))
        .collect();
    if commands.is_empty() {
        commands = written();
    }
    commands
}

/// Actions of every kind, in the order in which they were recorded.
pub fn actions() -> Vec<Action> {
    let mut rows = recorded();
    rows.sort_by(|a, b| (&a.session, a.sequence).cmp(&(&b.session, b.sequence)));
    let actions: Vec<Action> = rows.iter().filter_map(|row| row.action(CWD, HOME)).collect();
    if actions.is_empty() { written() } else { actions }
}

fn recorded() -> Vec<Row> {
    let rows = Corpora::from_env().map(|corpora| corpora.actions());
    let rows = match rows {
        Some(Ok(rows)) => rows,
        Some(Err(error)) => {
            eprintln!("{error}; using the mix that is built in");
            Vec::new()
        }
        None => Vec::new(),
    };
    rows.into_iter().filter(|row| SOURCES.contains(&row.source.as_str())).collect()
}

/// The mix that is built in.
fn written() -> Vec<Action> {
    let blocks = include_str!("../data/commands.txt").split("\n\n").skip(1);
    let rows = blocks.map(|block| Row::shell(block.trim_end_matches('\n')));
    rows.filter_map(|row| row.action(CWD, HOME)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_is_large_and_without_doubles() {
        let written = written();
        let texts: BTreeSet<String> =
            written.iter().map(|action| action.input.to_string()).collect();
        assert!(written.len() >= 200, "{}", written.len());
        assert_eq!(texts.len(), written.len());
    }
}
