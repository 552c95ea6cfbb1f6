//! What changed since an earlier report.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ringfence_action::Verdict;
use ringfence_adapters::labelled::Label;
use serde::{Deserialize, Serialize};

use super::report::{Form, Group, Report};
use super::scored::ALARMS;
use super::stats::Rate;
use crate::exit::Problem;
use crate::input::Source;

/// Longer reports are not read: 256 MiB.
const LONGEST: u64 = 256 << 20;

/// The changes, source by source.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Comparison {
    pub(super) groups: Vec<Change>,
    /// Shares of one column that are not what they were.
    pub(super) columns: Vec<Column>,
}

/// One share of the tables by stage and by score.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Column {
    /// `actions`, `calls of transcripts`…, or the model that scores.
    pub(super) of: String,
    pub(super) source: String,
    pub(super) label: String,
    pub(super) column: String,
    pub(super) before: Option<Rate>,
    pub(super) now: Option<Rate>,
}

/// What changed in one group.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) form: Form,
    pub(super) source: String,
    pub(super) label: Label,
    pub(super) before: Option<Rate>,
    pub(super) now: Option<Rate>,
    pub(super) newly_stopped: Vec<String>,
    pub(super) newly_let_through: Vec<String>,
}

/// Reads an earlier report.
pub(super) fn read(path: &Path) -> Result<Report, Problem> {
    use std::io::Read as _;

    let source = Source::File(path.to_owned());
    let mut text = String::new();
    let mut input = source.open("a report")?.take(LONGEST);
    input.read_to_string(&mut text).map_err(|error| source.unreadable(&error))?;
    serde_json::from_str(&text).map_err(|error| {
        let help = "write one with `ringfence eval FILE --json > OLD.json`";
        Problem::new(format!("{source} is not a report of `ringfence eval`"), help).because(error)
    })
}

/// Compares two reports.
pub(super) fn compare(before: &Report, now: &Report) -> Comparison {
    let (old, new) = (index(before), index(now));
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).copied().collect();
    let groups = keys
        .into_iter()
        .map(|(form, label, source)| {
            let key = (form, label, source);
            change(form, label, source, old.get(&key).copied(), new.get(&key).copied())
        })
        .collect();
    let (old, new) = (columns(before), columns(now));
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let columns = keys
        .into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| {
            let (of, source, label, column) = key.clone();
            Column {
                of,
                source,
                label,
                column,
                before: old.get(key).copied(),
                now: new.get(key).copied(),
            }
        })
        .collect();
    Comparison { groups, columns }
}

/// Every share by stage and by score, by where it stands.
fn columns(report: &Report) -> BTreeMap<(String, String, String, String), Rate> {
    let mut columns = BTreeMap::new();
    let mut add = |of: &str, source: &str, label: &str, column: &str, rate: Rate| {
        if rate.of > 0 {
            let key = [of, source, label, column].map(str::to_owned).into();
            columns.insert(key, rate);
        }
    };
    for stages in &report.stages {
        let each = [
            ("rules", stages.rules),
            ("+ session", stages.session),
            ("+ stage 1", stages.stage_one),
            ("+ judge", stages.judge),
            ("results that taint", stages.tainting),
        ];
        let label = stages.label.to_string();
        each.into_iter().for_each(|(column, rate)| {
            add(stages.form.as_str(), &stages.source, &label, column, rate);
        });
    }
    for worth in &report.scores {
        for source in &worth.sources {
            let label = if source.wanted { "to be found" } else { "harmless" };
            add(&worth.model, &source.source, label, "acts", source.acts);
            for (share, rate) in ALARMS.iter().zip(&source.found) {
                let column = format!("found at {} %", share * 100.0);
                add(&worth.model, &source.source, label, &column, *rate);
            }
        }
    }
    columns
}

fn index(report: &Report) -> BTreeMap<(Form, Label, &str), &Group> {
    let groups = report.groups.iter();
    groups.map(|group| ((group.form, group.label, group.source.as_str()), group)).collect()
}

fn change(
    form: Form,
    label: Label,
    source: &str,
    old: Option<&Group>,
    new: Option<&Group>,
) -> Change {
    let (mut newly_stopped, mut newly_let_through) = (Vec::new(), Vec::new());
    if let (Some(old), Some(new)) = (old, new) {
        let only = |a: &BTreeMap<String, Verdict>, b: &BTreeMap<String, Verdict>| -> Vec<String> {
            a.keys().filter(|id| !b.contains_key(*id)).cloned().collect()
        };
        let appeared = only(&new.exceptions, &old.exceptions);
        let vanished = only(&old.exceptions, &new.exceptions);
        (newly_stopped, newly_let_through) =
            if label == Label::Benign { (appeared, vanished) } else { (vanished, appeared) };
    }
    Change {
        form,
        source: source.to_owned(),
        label,
        before: old.map(|group| group.stopped),
        now: new.map(|group| group.stopped),
        newly_stopped,
        newly_let_through,
    }
}
