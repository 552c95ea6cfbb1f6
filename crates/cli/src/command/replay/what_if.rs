//! `replay --bundle`: the past under other rules.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anstyle::Style;
use ringfence_engine::Options;
use ringfence_engine::past::{Change, Differences, WhatIf};
use ringfence_policy::Bundle;

use super::{Replay, find, judge};
use crate::exit::{Exit, Failure, Problem};
use crate::progress::Progress;
use crate::recording::{self, Recording};
use crate::render::color::{FAINT, STRONG, paint, width};
use crate::render::json;
use crate::render::table::{self, Cell};
use crate::render::text::{count, cut, printable};
use crate::render::verdict;
use crate::wiring::Judge;
use crate::{places, reviewing, rules};

/// Changes beyond these many are counted, not shown.
const MOST: usize = 40;

/// Decides what was recorded by the rules of now and by those in `new`, and tells what is decided otherwise.
pub(super) fn run(replay: &Replay, new: &Path, out: &mut impl Write) -> Result<Exit, Failure> {
    let [before, now] = [now_and_then(&replay.rules.policy)?, rules_in(new)?].map(Arc::new);
    let options = replay.rules.options();
    let (found, unreadable) =
        if replay.log { log(before, now)? } else { transcripts(replay, &[before, now], options)? };
    if replay.json {
        json::line(out, &found)?;
    } else {
        write!(out, "{}", draw(&found, unreadable, width()))?;
    }
    Ok(match (unreadable, found.count()) {
        (1.., _) => Exit::Usage,
        (0, 0) => Exit::Fine,
        (0, _) => Exit::Found,
    })
}

/// The rules that hold now: those that were named, else those of the configuration folder.
fn now_and_then(named: &[PathBuf]) -> Result<Bundle, Failure> {
    if !named.is_empty() {
        return rules::load(named);
    }
    let configured = rules::configured(&places::config_folder()?, reviewing::me());
    configured.map(|it| it.bundle).map_err(|error| {
        Problem::new("your own rules do not load", "see the cause").because(error).into()
    })
}

/// The built-in rules with those of this file, or of the files in this folder.
fn rules_in(path: &Path) -> Result<Bundle, Failure> {
    if path.is_dir() {
        return rules::load(&rules::files_below(path)?);
    }
    rules::load(&[path.to_owned()])
}

fn log(before: Arc<Bundle>, now: Arc<Bundle>) -> Result<(Differences, u64), Failure> {
    let unusable = |error: ringfence_record::RecordError| {
        let help = "`ringfence audit verify` says whether the log is sound";
        Problem::new("the audit log cannot be used", help).because(error)
    };
    let mut what_if = WhatIf::new(before, now, ringfence_adapters::normalize);
    if let Some((_, log)) = places::existing_log()? {
        for entry in log.entries().map_err(unusable)? {
            what_if.entry(&entry.map_err(unusable)?);
        }
    }
    let found = what_if.found();
    let unreadable = found.unreadable;
    Ok((found, unreadable))
}

fn transcripts(
    replay: &Replay,
    bundles: &[Arc<Bundle>; 2],
    options: Options,
) -> Result<(Differences, u64), Failure> {
    let transcripts = find::transcripts(&replay.files, replay.limit)?;
    let [before, now] = bundles.each_ref().map(|it| Judge::over(Arc::clone(it), options));
    let (mut found, mut unreadable) = (Differences::default(), 0);
    let progress = Progress::new("transcript", transcripts.len());
    for (index, transcript) in transcripts.iter().enumerate() {
        progress.at(index);
        recording::read(&transcript.main, &transcript.subagents, &mut |recording: &Recording| {
            unreadable += recording.troubles.len() as u64;
            progress.clear();
            super::complain(&recording.troubles);
            let (before, now) = (judge(&before, recording)?, judge(&now, recording)?);
            for (before, now) in before.iter().zip(&now) {
                let both = [before.decision(), now.decision()];
                found.add(&recording.session, now.call, now.action, both);
            }
            Ok(())
        })?;
    }
    progress.clear();
    found.unreadable = unreadable;
    Ok((found.sorted(), unreadable))
}

fn draw(found: &Differences, unreadable: u64, width: usize) -> String {
    let number =
        |number: u64, thing: &str| count(usize::try_from(number).unwrap_or(usize::MAX), thing);
    let calls = number(found.actions, "call");
    let title = match found.count() {
        0 => format!("{calls}: all decided as before"),
        changed => format!("{calls}: {changed} decided otherwise"),
    };
    let mut drawn = format!("{}\n", paint(STRONG, &title));
    for Change { rule, from, to, count, examples, .. } in found.changed.iter().take(MOST) {
        let cells = [
            Cell::new(Style::new(), format!("{count:>7}")),
            Cell::new(verdict::style(*from), from.as_str()),
            Cell::new(FAINT, "→"),
            Cell::new(verdict::style(*to), to.as_str()),
            Cell::new(Style::new(), printable(rule)),
        ];
        drawn.push('\n');
        for line in table::row(&[7, 7, 1, 7, width.saturating_sub(34)], &cells).lines() {
            drawn.push_str(&format!("{line}\n"));
        }
        for example in examples {
            let text = cut(&printable(&example.text), width.saturating_sub(12));
            drawn.push_str(&format!("         {}\n", paint(FAINT, &text)));
        }
    }
    let more = found.changed.len().saturating_sub(MOST);
    if more > 0 {
        drawn.push_str(&format!("\n{}\n", paint(FAINT, &format!("… {more} more rules"))));
    }
    if unreadable > 0 {
        drawn.push_str(&format!("\n{} could not be read\n", number(unreadable, "entry")));
    }
    drawn
}
