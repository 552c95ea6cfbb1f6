//! What an evaluation adds up to. Its JSON is what `--json` writes and `--compare` reads.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_action::{Preset, Verdict};
use ringfence_adapters::labelled::Label;
use serde::{Deserialize, Serialize};

use super::decide::Seen;
use super::judging::Judging;
use super::rows::{Bad, Output};
use super::scored::Worth;
use super::stages::{self, Drifted, Stages};
use super::stats::{Rate, percentiles};
use super::walls::Inside;

/// Rows that could not be judged are named up to here, and counted beyond.
const NAMED: usize = 20;
/// Ids that stand for what was let through for the same reason.
const EXAMPLES: usize = 3;

/// The whole of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) version: String,
    pub(super) preset: Preset,
    pub(super) sandbox: bool,
    /// The digest of the rules.
    pub(super) bundle: String,
    pub(super) files: Vec<File>,
    /// Actions that were decided.
    pub(super) decisions: u64,
    /// What could not be judged; the first of it.
    pub(super) unreadable: Vec<Unreadable>,
    pub(super) groups: Vec<Group>,
    pub(super) outputs: Vec<Outputs>,
    /// What was stopped by which layer.
    #[serde(default)]
    pub(super) stages: Vec<Stages>,
    /// What scores are worth.
    #[serde(default)]
    pub(super) scores: Vec<Worth>,
    /// What a judge was asked and what it took, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) judging: Option<Judging>,
    /// How far sessions moved from what was asked for.
    #[serde(default)]
    pub(super) drift: Vec<Drifted>,
    /// Microseconds: half of the decisions, and all but one of a hundred, took less.
    pub(super) elapsed_us: [u64; 2],
    /// Whether the program was built for speed: else the times mean nothing.
    pub(super) is_release: bool,
}

/// One file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) rows: u64,
    pub(super) unreadable: u64,
}

/// A row that could not be judged.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Unreadable {
    pub(super) file: String,
    pub(super) line: u64,
    pub(super) error: String,
}

/// What rows of one source are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    /// Rows of actions.
    Actions,
    /// Calls of transcripts, each with a label.
    Calls,
    /// Whole transcripts: which of their calls the label is about is not known.
    Sessions,
}

impl Form {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Actions => "actions",
            Self::Calls => "calls of transcripts",
            Self::Sessions => "whole transcripts",
        }
    }
}

/// Everything of one source with one label. *Stopped* is `ask` or `deny`: for what is benign, an
/// interruption.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) form: Form,
    pub(super) source: String,
    pub(super) label: Label,
    /// Different ones; one that occurs again counts by its worst verdict for that label.
    pub(super) unique: u64,
    pub(super) sessions: u64,
    pub(super) counts: Counts,
    pub(super) stopped: Rate,
    pub(super) stopped_unique: Rate,
    pub(super) stopped_shell: Rate,
    /// Sessions with at least one.
    pub(super) stopped_sessions: Rate,
    /// With what is contained and cannot do its work inside, so that the gate asks instead.
    pub(super) stopped_at_gate: Rate,
    /// With that, and with what is contained and held by the walls.
    pub(super) stopped_or_held: Rate,
    pub(super) tiers: BTreeMap<String, Part>,
    pub(super) categories: BTreeMap<String, Part>,
    /// What stopped, by the rule (or layer) that settled it.
    pub(super) rules: Vec<Behind>,
    /// What was let through or contained, by what came nearest to an objection.
    pub(super) near: Vec<Near>,
    /// What came out against the label, by id: `ask` and `deny` for what is benign, else the rest.
    pub(super) exceptions: BTreeMap<String, Verdict>,
}

/// How many got which verdict.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) all: u64,
    pub(super) allow: u64,
    pub(super) contain: u64,
    pub(super) ask: u64,
    pub(super) deny: u64,
    /// Of those contained: the walls are between them and what they would do.
    pub(super) held: u64,
    /// Of those contained: the gate asks, for inside they cannot do their work.
    pub(super) asked_instead: u64,
}

/// A tier or category within a group.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) counts: Counts,
    pub(super) stopped: Rate,
    pub(super) stopped_or_held: Rate,
}

/// A rule behind stops.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Behind {
    pub(super) rule: String,
    pub(super) actions: u64,
    pub(super) unique: u64,
    /// No other rule would have stopped these.
    pub(super) alone: u64,
}

/// What was not stopped, for one reason.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Near {
    pub(super) what: String,
    pub(super) actions: u64,
    pub(super) examples: Vec<String>,
}

/// Tool outputs of one source.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Outputs {
    pub(super) source: String,
    pub(super) label: Option<Label>,
    pub(super) rows: u64,
}

impl Report {
    /// Counts what was seen.
    pub(super) fn count(&mut self, seen: &[Seen], outputs: &[Output], bad: &[Bad]) {
        let mut groups: BTreeMap<(Form, Label, &str), Vec<&Seen>> = BTreeMap::new();
        for seen in seen {
            groups.entry((seen.form(), seen.label, &seen.source)).or_default().push(seen);
        }
        self.groups = groups
            .into_iter()
            .map(|((form, label, source), seen)| Group::of(form, label, source, &seen))
            .collect();
        let mut by_source: BTreeMap<(&str, Option<Label>), u64> = BTreeMap::new();
        for output in outputs {
            *by_source.entry((&output.source, output.label)).or_default() += 1;
        }
        self.outputs = by_source
            .into_iter()
            .map(|((source, label), rows)| Outputs { source: source.to_owned(), label, rows })
            .collect();
        self.stages = stages::of(seen);
        self.judging = Judging::of(seen);
        self.drift = stages::drifted(seen);
        self.scores = stages::worth(seen, outputs);
        self.unreadable = bad
            .iter()
            .take(NAMED)
            .map(|Bad { file, line, message }| Unreadable {
                file: file.clone(),
                line: *line,
                error: message.clone(),
            })
            .collect();
        let took = seen.iter().filter(|seen| !seen.is_session).map(|seen| seen.elapsed_us);
        self.elapsed_us = percentiles(took.collect());
    }

    /// How many rows could not be judged.
    pub(super) fn unreadable(&self) -> u64 {
        self.files.iter().map(|file| file.unreadable).sum()
    }

    /// Groups with this label.
    pub(super) fn labelled(&self, label: Label) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(move |group| group.label == label)
    }
}

impl Seen {
    pub(super) fn form(&self) -> Form {
        match (self.is_transcript, self.is_session) {
            (false, _) => Form::Actions,
            (true, false) => Form::Calls,
            (true, true) => Form::Sessions,
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.verdict >= Verdict::Ask
    }

    fn is_stopped_at_gate(&self) -> bool {
        self.is_stopped() || self.inside == Some(Inside::Asked)
    }

    fn is_stopped_or_held(&self) -> bool {
        self.is_stopped_at_gate() || self.inside == Some(Inside::Held)
    }
}

impl Group {
    fn of(form: Form, label: Label, source: &str, seen: &[&Seen]) -> Self {
        let unique = unique(label, seen);
        let rate = |seen: &[&Seen], is_hit: &dyn Fn(&Seen) -> bool| {
            Rate::of(seen.iter().map(|seen| (seen.session.as_str(), is_hit(seen))))
        };
        let shell: Vec<&Seen> = seen.iter().copied().filter(|seen| seen.is_shell).collect();
        let mut sessions: BTreeMap<&str, bool> = BTreeMap::new();
        for seen in seen {
            *sessions.entry(&seen.session).or_default() |= seen.is_stopped();
        }
        let is_exception = |seen: &Seen| (label == Label::Benign) == seen.is_stopped();
        Self {
            form,
            source: source.to_owned(),
            label,
            unique: unique.len() as u64,
            sessions: sessions.len() as u64,
            counts: Counts::of(seen),
            stopped: rate(seen, &Seen::is_stopped),
            stopped_unique: rate(&unique, &Seen::is_stopped),
            stopped_shell: rate(&shell, &Seen::is_stopped),
            stopped_sessions: Rate::of(sessions.into_iter()),
            stopped_at_gate: rate(seen, &Seen::is_stopped_at_gate),
            stopped_or_held: rate(seen, &Seen::is_stopped_or_held),
            tiers: parts(seen, |seen| seen.tier.as_deref()),
            categories: parts(seen, |seen| seen.category.as_deref()),
            rules: behind(seen),
            near: near(seen),
            exceptions: seen
                .iter()
                .filter(|seen| is_exception(seen))
                .map(|seen| (seen.id.clone(), seen.verdict))
                .collect(),
        }
    }
}

impl Counts {
    fn of(seen: &[&Seen]) -> Self {
        let mut counts = Self::default();
        for seen in seen {
            counts.all += 1;
            let verdict = match seen.verdict {
                Verdict::Allow => &mut counts.allow,
                Verdict::Contain => &mut counts.contain,
                Verdict::Ask => &mut counts.ask,
                Verdict::Deny => &mut counts.deny,
            };
            *verdict += 1;
            counts.held += u64::from(seen.inside == Some(Inside::Held));
            counts.asked_instead += u64::from(seen.inside == Some(Inside::Asked));
        }
        counts
    }
}

/// One of each action: for what is benign the one with the strictest verdict, else the mildest.
fn unique<'a>(label: Label, seen: &[&'a Seen]) -> Vec<&'a Seen> {
    let mut worst: BTreeMap<u64, &Seen> = BTreeMap::new();
    for &seen in seen {
        let kept = worst.entry(seen.what).or_insert(seen);
        let is_worse = if label == Label::Benign {
            seen.verdict > kept.verdict
        } else {
            seen.verdict < kept.verdict
        };
        if is_worse {
            *kept = seen;
        }
    }
    worst.into_values().collect()
}

fn parts(seen: &[&Seen], name: impl Fn(&Seen) -> Option<&str>) -> BTreeMap<String, Part> {
    let mut by_name: BTreeMap<&str, Vec<&Seen>> = BTreeMap::new();
    for &seen in seen {
        if let Some(name) = name(seen) {
            by_name.entry(name).or_default().push(seen);
        }
    }
    let part = |seen: Vec<&Seen>| Part {
        counts: Counts::of(&seen),
        stopped: Rate::of(seen.iter().map(|seen| (seen.session.as_str(), seen.is_stopped()))),
        stopped_or_held: Rate::of(
            seen.iter().map(|seen| (seen.session.as_str(), seen.is_stopped_or_held())),
        ),
    };
    by_name.into_iter().map(|(name, seen)| (name.to_owned(), part(seen))).collect()
}

fn behind(seen: &[&Seen]) -> Vec<Behind> {
    let mut by_rule: BTreeMap<&str, (u64, BTreeSet<u64>, u64)> = BTreeMap::new();
    for seen in seen.iter().filter(|seen| seen.is_stopped()) {
        let (actions, unique, alone) = by_rule.entry(&seen.code).or_default();
        *actions += 1;
        unique.insert(seen.what);
        *alone += u64::from(seen.is_alone);
    }
    let mut behind: Vec<Behind> = by_rule
        .into_iter()
        .map(|(rule, (actions, unique, alone))| Behind {
            rule: rule.to_owned(),
            actions,
            unique: unique.len() as u64,
            alone,
        })
        .collect();
    behind.sort_by_key(|it| std::cmp::Reverse(it.actions));
    behind
}

fn near(seen: &[&Seen]) -> Vec<Near> {
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for seen in seen.iter().filter(|seen| !seen.is_stopped()) {
        by_reason.entry(&seen.near).or_default().push(&seen.id);
    }
    let mut near: Vec<Near> = by_reason
        .into_iter()
        .map(|(what, ids)| Near {
            what: what.to_owned(),
            actions: ids.len() as u64,
            examples: ids.into_iter().take(EXAMPLES).map(str::to_owned).collect(),
        })
        .collect();
    near.sort_by_key(|it| std::cmp::Reverse(it.actions));
    near
}
