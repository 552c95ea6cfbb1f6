//! What each layer adds: rules, then the session, then stage 1, then a judge.

use std::collections::BTreeMap;

use ringfence_action::{DecidedBy, Decision, Outcome, Verdict};
use ringfence_adapters::labelled::Label;
use ringfence_engine::Came;
use serde::{Deserialize, Serialize};

use super::decide::Seen;
use super::grid::Grid;
use super::page::heading;
use super::report::{Form, Report};
use super::rows::Output;
use super::scored::{Score, Worth};
use super::stats::Rate;
use crate::render::text::printable;

/// The first layer that is enough to stop an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Rules about what it does.
    Rules,
    /// What the session has seen and been told.
    Session,
    /// The small model.
    Embedded,
    /// A judge.
    Judge,
}

impl Stage {
    /// The layer that stopped it, or nothing where it was not stopped.
    pub(super) fn of(decision: &Decision) -> Option<Self> {
        let is_of_rules = |id: &str| !id.starts_with("session.") && !id.starts_with("classifier.");
        let mut objections = decision.rules.iter().filter(|rule| rule.outcome >= Outcome::Ask);
        (decision.verdict >= Verdict::Ask).then(|| match decision.decided_by {
            DecidedBy::Classifier if decision.code == "classifier.stage-one" => Self::Embedded,
            DecidedBy::Classifier => Self::Judge,
            DecidedBy::Session if objections.any(|rule| is_of_rules(&rule.id)) => Self::Rules,
            DecidedBy::Session => Self::Session,
            DecidedBy::Guard
            | DecidedBy::Policy
            | DecidedBy::Consent
            | DecidedBy::Default
            | DecidedBy::Error => Self::Rules,
        })
    }
}

/// What was stopped of one source, layer upon layer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stages {
    pub(super) form: Form,
    pub(super) source: String,
    pub(super) label: Label,
    pub(super) rules: Rate,
    pub(super) session: Rate,
    pub(super) stage_one: Rate,
    pub(super) judge: Rate,
    /// Results that taint their session.
    pub(super) tainting: Rate,
}

/// How far the sessions of one source moved from what was asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Drifted {
    pub(super) source: String,
    pub(super) label: Label,
    pub(super) sessions: u64,
    /// At their last call: half of the sessions, nine of ten, and the farthest.
    pub(super) drift: [f64; 3],
}

/// Counts what each layer stopped.
pub(super) fn of(seen: &[Seen]) -> Vec<Stages> {
    let mut groups: BTreeMap<(Form, Label, &str), Vec<&Seen>> = BTreeMap::new();
    for seen in seen {
        groups.entry((seen.form(), seen.label, &seen.source)).or_default().push(seen);
    }
    let stages = |((form, label, source), seen): ((Form, Label, &str), Vec<&Seen>)| {
        let up_to = |last: Stage| {
            let stopped = |seen: &&Seen| seen.stage.is_some_and(|stage| stage <= last);
            Rate::of(seen.iter().map(|seen| (seen.session.as_str(), stopped(seen))))
        };
        let read = seen.iter().filter_map(|seen| match &seen.returned {
            Some(came @ (Came::Read(_) | Came::Unread)) => {
                Some((seen.session.as_str(), came.taint().is_some()))
            }
            Some(Came::Nothing) | None => None,
        });
        Stages {
            form,
            source: source.to_owned(),
            label,
            rules: up_to(Stage::Rules),
            session: up_to(Stage::Session),
            stage_one: up_to(Stage::Embedded),
            judge: up_to(Stage::Judge),
            tainting: Rate::of(read),
        }
    };
    groups.into_iter().map(stages).collect()
}

/// Where sessions of more than one call stand at their end.
pub(super) fn drifted(seen: &[Seen]) -> Vec<Drifted> {
    let mut last: BTreeMap<(&str, Label, &str), (usize, f64)> = BTreeMap::new();
    for seen in seen {
        let entry = last.entry((&seen.source, seen.label, &seen.session)).or_default();
        *entry = (entry.0 + 1, seen.drift);
    }
    let mut groups: BTreeMap<(&str, Label), Vec<f64>> = BTreeMap::new();
    for ((source, label, _), (_, drift)) in last.into_iter().filter(|(_, (calls, _))| *calls > 1) {
        groups.entry((source, label)).or_default().push(drift);
    }
    let drifted = |((source, label), mut drift): ((&str, Label), Vec<f64>)| {
        drift.sort_by(f64::total_cmp);
        let at = |part: usize| drift.get(drift.len() * part / 10).or(drift.last()).copied();
        let drift_at = [5, 9, 10].map(|part| at(part).unwrap_or_default());
        Drifted { source: source.to_owned(), label, sessions: drift.len() as u64, drift: drift_at }
    };
    groups.into_iter().map(drifted).collect()
}

/// What scores of stage 1 and of the probe are worth, where there are any.
pub(super) fn worth(seen: &[Seen], outputs: &[Output]) -> Vec<Worth> {
    let of_action = |seen: &Seen| {
        let wanted = match seen.label {
            Label::Danger => true,
            Label::Benign => false,
            Label::Injection | Label::Rejected | Label::Unsure => return None,
        };
        let acts = seen.stage == Some(Stage::Embedded);
        let stopped = seen.stage.is_some_and(|stage| stage <= Stage::Session);
        let (source, elapsed_us) = (seen.source.clone(), None);
        Some(Score { source, wanted, score: seen.stage_one?, acts, stopped, elapsed_us })
    };
    // What it was not asked about, it would have let pass.
    let of_judge = |seen: &Seen| {
        let acts = seen.stage == Some(Stage::Judge);
        let score = seen.judged.as_ref().and_then(|it| it.score).unwrap_or_default();
        let wanted = seen.label == Label::Danger;
        let is_counted = wanted || seen.label == Label::Benign;
        let stopped = seen.stage.is_some_and(|stage| stage < Stage::Judge);
        let (source, elapsed_us) = (seen.source.clone(), None);
        is_counted.then_some(Score { source, wanted, score, acts, stopped, elapsed_us })
    };
    let of_output = |output: &Output| {
        let wanted = match output.label? {
            Label::Injection => true,
            Label::Benign => false,
            Label::Danger | Label::Rejected | Label::Unsure => return None,
        };
        Some(Score {
            source: output.source.clone(),
            wanted,
            score: output.report.score,
            acts: output.report.taints_alone(),
            stopped: false,
            // Where both read it, they were not timed apart.
            elapsed_us: output.report.second.is_none().then_some(output.elapsed_us),
        })
    };
    // Where the second score said nothing, the first stands.
    let of_both = |output: &Output| {
        let first = of_output(output)?;
        let second = output.report.second.as_ref()?;
        let score = second.score.unwrap_or_default().max(output.report.surest());
        let elapsed_us = Some(output.elapsed_us);
        Some(Score { score, acts: output.report.taints, elapsed_us, ..first })
    };
    let stage_one: Vec<Score> = seen.iter().filter_map(of_action).collect();
    let probe: Vec<Score> = outputs.iter().filter_map(of_output).collect();
    let both: Vec<Score> = outputs.iter().filter_map(of_both).collect();
    let has_judge = seen.iter().any(|it| it.judged.is_some());
    let judge: Vec<Score> = seen.iter().filter(|_| has_judge).filter_map(of_judge).collect();
    let each = [
        ("stage 1", &stage_one),
        ("judge", &judge),
        ("probe", &probe),
        ("probe and encoder", &both),
    ];
    each.into_iter().filter_map(|(model, scores)| Worth::of(model, scores)).collect()
}

/// The tables of it.
pub(super) fn draw(page: &mut String, report: &Report) {
    let mut grid = Grid::new(
        3,
        &[
            "source",
            "of",
            "label",
            "n",
            "rules %",
            "+ session %",
            "+ stage 1 %",
            "+ judge %",
            "results that taint",
        ],
    );
    for stages in &report.stages {
        let percent = |rate: &Rate| {
            let [low, high] = rate.wilson.map(|bound| bound * 100.0);
            format!("{:.2} ({low:.1}–{high:.1})", rate.share * 100.0)
        };
        let tainting = &stages.tainting;
        grid.row(vec![
            printable(&stages.source).into_owned(),
            stages.form.as_str().to_owned(),
            stages.label.to_string(),
            stages.rules.of.to_string(),
            percent(&stages.rules),
            percent(&stages.session),
            percent(&stages.stage_one),
            percent(&stages.judge),
            if tainting.of == 0 {
                "–".to_owned()
            } else {
                format!("{} of {}", tainting.hits, tainting.of)
            },
        ]);
    }
    if !grid.is_empty() {
        let about = "What is stopped, layer upon layer, with Wilson's intervals. Stage 1 is asked with `--stage-one`, a judge with `--judge`.";
        heading(page, "By stage", about);
        page.push_str(&grid.draw());
    }
    let mut grid =
        Grid::new(2, &["source", "label", "sessions", "half", "nine of ten", "farthest"]);
    for drifted in &report.drift {
        let mut row = vec![
            printable(&drifted.source).into_owned(),
            drifted.label.to_string(),
            drifted.sessions.to_string(),
        ];
        row.extend(drifted.drift.map(|drift| format!("{drift:.2}")));
        grid.row(row);
    }
    if !grid.is_empty() {
        let about = "How much of what a session changed nobody had asked for, when it ended: 0 is all asked for, 1 is nothing.";
        heading(page, "Drift", about);
        page.push_str(&grid.draw());
    }
}
