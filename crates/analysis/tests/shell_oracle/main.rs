//! Real shells are the oracle: whatever they really execute must have been foreseen.
//!
//! Every case runs in a throw-away folder, with an empty environment, no network where the machine
//! allows to take it away, and a `PATH` on which there is nothing but scripts that write their own
//! name and arguments into a log. A few of them then go on as the program they are named after
//! (`env`, `xargs`, `base64`…), because only they know what they would start. Then:
//!
//! > every program in the log is the target of an `exec` effect, and what `rm`, `touch`, `curl` and
//! > `git push` were told to do is an effect too, or the analysis is opaque.
//!
//! The cases are in `oracle/`: `published.txt` follows published bypasses and manuals, `own.txt` and
//! `arguments.txt` are ours, `zsh.txt` and `sh.txt` are what only those shells do. A blank line ends
//! a case. Each set is written for one shell; every case is run in all of them nevertheless, since an
//! agent's shell may be any.

mod arena;
mod arguments;

use std::collections::BTreeSet;

use arena::{Arena, Shell};

const PUBLISHED: &str = include_str!("../oracle/published.txt");
const OWN: &str = include_str!("../oracle/own.txt");
const ARGUMENTS: &str = include_str!("../oracle/arguments.txt");
const ZSH: &str = include_str!("../oracle/zsh.txt");
const SH: &str = include_str!("../oracle/sh.txt");

fn cases(text: &str) -> Vec<String> {
    let blocks = text.split("\n\n").map(|block| {
        let lines = block.lines().filter(|line| !line.starts_with("## "));
        lines.collect::<Vec<_>>().join("\n")
    });
    blocks.filter(|block| !block.trim().is_empty()).collect()
}

#[derive(Default)]
struct Count {
    cases: usize,
    executed: usize,
    named: usize,
    opaque: usize,
    missed: Vec<String>,
}

/// Runs and analyses each case in this shell.
fn judge(shell: Shell, sets: &[&str]) -> Count {
    let mut count = Count::default();
    let Some(arena) = Arena::new(shell) else {
        eprintln!("skipped: no {}", shell.name());
        return count;
    };
    let cases: Vec<_> = sets.iter().flat_map(|set| cases(set)).collect();
    for case in &cases {
        let analysis = arena.foresee(case);
        let calls = arena.execute(case);
        let executed: BTreeSet<_> = calls.iter().map(|call| call.program.clone()).collect();
        let foreseen = arena::foreseen(&analysis);
        let mut missing: Vec<_> =
            executed.difference(&foreseen).map(|program| format!("`{program}`")).collect();
        missing.extend(calls.iter().flat_map(|call| arguments::missing(call, &analysis)));
        count.cases += 1;
        count.executed += usize::from(!executed.is_empty());
        if missing.is_empty() {
            count.named += 1;
        } else if !analysis.opaque.is_empty() {
            count.opaque += 1;
            let reasons: Vec<_> = analysis.opaque.iter().map(ToString::to_string).collect();
            eprintln!("opaque: {case}\n    {}", reasons.join(", "));
        } else {
            missing.sort();
            missing.dedup();
            count.missed.push(format!("{case}\n    not foreseen: {}", missing.join(", ")));
        }
    }
    eprintln!(
        "{}: {} cases, {} execute something; {} named, {} opaque, {} missed",
        shell.name(),
        count.cases,
        count.executed,
        count.named,
        count.opaque,
        count.missed.len()
    );
    count
}

impl Count {
    /// Nothing is missed; of at least so many cases most execute something, and most of those are
    /// named instead of shrugged off.
    #[track_caller]
    fn holds(&self, at_least: usize) {
        assert!(self.missed.is_empty(), "\n{}", self.missed.join("\n"));
        if self.cases > 0 {
            assert!(self.cases >= at_least, "{} cases", self.cases);
            assert!(self.executed * 10 > self.cases * 8, "{} execute something", self.executed);
            assert!(self.opaque * 10 <= self.cases, "{} are opaque", self.opaque);
        }
    }
}

#[test]
fn what_published_bypasses_execute_is_foreseen() {
    judge(Shell::Bash, &[PUBLISHED]).holds(150);
}

#[test]
fn what_our_own_cases_execute_is_foreseen() {
    judge(Shell::Bash, &[OWN]).holds(250);
}

#[test]
fn what_programs_are_told_to_do_is_foreseen() {
    judge(Shell::Bash, &[ARGUMENTS]).holds(50);
}

#[test]
fn what_zsh_alone_does_is_foreseen() {
    let count = judge(Shell::Zsh, &[ZSH]);
    assert!(count.missed.is_empty(), "\n{}", count.missed.join("\n"));
    assert!(count.cases == 0 || count.cases >= 120 && count.executed * 10 > count.cases * 8);
    // Much of it is refused: zsh has many ways to run what a string says, and agents use none.
    assert!(count.opaque * 3 <= count.cases, "{} of {} are opaque", count.opaque, count.cases);
}

#[test]
fn what_a_plain_sh_alone_does_is_foreseen() {
    let count = judge(Shell::Sh, &[SH]);
    assert!(count.missed.is_empty(), "\n{}", count.missed.join("\n"));
    assert!(count.cases == 0 || count.cases >= 40 && count.executed * 10 > count.cases * 8);
    assert!(count.opaque * 4 <= count.cases, "{} of {} are opaque", count.opaque, count.cases);
}

/// The same text is another program in another shell.
#[test]
fn every_case_is_foreseen_in_zsh() {
    let count = judge(Shell::Zsh, &[PUBLISHED, OWN, ARGUMENTS, SH]);
    assert!(count.missed.is_empty(), "\n{}", count.missed.join("\n"));
}

#[test]
fn every_case_is_foreseen_in_a_plain_sh() {
    let count = judge(Shell::Sh, &[PUBLISHED, OWN, ARGUMENTS, ZSH]);
    assert!(count.missed.is_empty(), "\n{}", count.missed.join("\n"));
}

#[test]
fn every_case_is_foreseen_in_bash() {
    let count = judge(Shell::Bash, &[ZSH, SH]);
    assert!(count.missed.is_empty(), "\n{}", count.missed.join("\n"));
}
