//! `ringfence policy diff`: what two sets of rules say differently, as rules and over recorded actions.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use ringfence_action::{Action, Decision, Verdict};
use ringfence_policy::{Bundle, Rule};
use serde::Serialize;
use serde_json::Value;

use crate::command::eval::{Unit, read_rows};
use crate::command::replay::judge;
use crate::exit::{Exit, Failure, Problem};
use crate::input::{Line, Lines, Source, is_blank};
use crate::progress::Progress;
use crate::render::color::{FAINT, GREEN, RED, STRONG, YELLOW, paint, width};
use crate::render::text::{count, cut, printable};
use crate::render::{json, verdict};
use crate::rules;
use crate::wiring::{self, Judge};

/// More verdicts than this are counted instead of shown to people.
const SHOWN: usize = 50;

/// Show what two sets of rules say differently
///
/// Each set is the built-in rules (`default`), with a file of rules or a folder of them added. With `--over`,
/// the actions of a file are decided by both, and those on which they differ are shown: one action
/// per line, as `check` reads them, or labelled rows, as `eval` reads them.
///
/// Exits 1 if anything differs, 2 if a file cannot be read.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Diff {
    /// `default`, a file of rules, or a folder with such files
    #[arg(value_name = "A")]
    before: PathBuf,
    /// The other set
    #[arg(value_name = "B")]
    after: PathBuf,
    /// Decide these actions by both
    #[arg(long, value_name = "FILE")]
    over: Option<PathBuf>,
    /// What is assumed where no rule speaks
    #[arg(long, value_name = "NAME", default_value_t, value_parser = wiring::preset)]
    preset: ringfence_action::Preset,
    /// Leave the built-in rules out of a set that names files
    #[arg(long)]
    alone: bool,
    /// Write JSON: one difference per line, then one line with the summary
    #[arg(long)]
    json: bool,
}

const EXAMPLE: &str = "Examples:
  ringfence policy diff default our-rules.toml
  ringfence policy diff old-rules/ new-rules/ --over actions.jsonl";

/// A rule that only one set has, or that reads otherwise.
#[derive(Debug, Serialize)]
struct RuleChange<'a> {
    rule: &'a str,
    change: &'static str,
    /// What differs about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<&'static str>,
}

/// An action that gets another verdict.
#[derive(Debug, Serialize)]
struct VerdictChange {
    id: String,
    before: Verdict,
    after: Verdict,
    /// The code behind the stricter of the two.
    code: String,
    /// The agent's own words.
    action: String,
}

/// What it adds up to.
#[derive(Debug, Default, Serialize)]
struct Summary {
    rules_added: usize,
    rules_removed: usize,
    rules_changed: usize,
    actions: usize,
    stricter: usize,
    milder: usize,
    unreadable: usize,
}

pub(super) fn run(diff: &Diff, out: &mut impl Write) -> Result<Exit, Failure> {
    let before = Set::named(&diff.before, diff.alone)?;
    let after = Set::named(&diff.after, diff.alone)?;
    let mut summary = Summary::default();
    let (old, new) = (before.load()?, after.load()?);
    let rules = changes(&old, &new);
    for change in &rules {
        let counted = match change.change {
            "added" => &mut summary.rules_added,
            "removed" => &mut summary.rules_removed,
            _ => &mut summary.rules_changed,
        };
        *counted += 1;
        diff.rule(change, out)?;
    }
    let differs = !rules.is_empty();
    drop(rules);
    if let Some(over) = &diff.over {
        let options = ringfence_engine::Options { preset: diff.preset, sandbox: true };
        let judges = [Judge::over(old, options), Judge::over(new, options)];
        diff.verdicts(over, &judges, &mut summary, out)?;
    }
    if diff.json {
        json::line(out, &serde_json::json!({ "summary": summary }))?;
    } else {
        summary.show(diff.over.is_some(), out)?;
    }
    Ok(if summary.unreadable > 0 {
        Exit::Usage
    } else if differs || summary.stricter + summary.milder > 0 {
        Exit::Found
    } else {
        Exit::Fine
    })
}

/// A set of rules: the built-in ones and these files.
struct Set {
    sources: Vec<ringfence_policy::Source>,
    alone: bool,
}

impl Set {
    fn named(path: &Path, alone: bool) -> Result<Self, Failure> {
        if path == Path::new("default") {
            return Ok(Self { sources: Vec::new(), alone: false });
        }
        let files = if path.is_dir() { rules::files_below(path)? } else { vec![path.to_owned()] };
        if files.is_empty() {
            let what = format!("there is no rule in `{}`", path.display());
            return Err(Problem::new(what, "files of rules end in .toml or .cedar").into());
        }
        Ok(Self { sources: rules::read(&files)?, alone })
    }

    fn load(&self) -> Result<Bundle, Failure> {
        rules::load_sources(&self.sources, self.alone)
    }
}

/// What differs between two sets, in the order of names.
fn changes<'a>(old: &'a Bundle, new: &'a Bundle) -> Vec<RuleChange<'a>> {
    let index = |bundle: &'a Bundle| -> BTreeMap<&'a str, &'a Rule> {
        bundle.rules().iter().map(|rule| (rule.id.as_str(), rule)).collect()
    };
    let (old, new) = (index(old), index(new));
    let names: std::collections::BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    names
        .into_iter()
        .filter_map(|rule| {
            let (change, fields) = match (old.get(rule), new.get(rule)) {
                (None, _) => ("added", Vec::new()),
                (_, None) => ("removed", Vec::new()),
                (Some(old), Some(new)) => ("changed", fields(old, new)),
            };
            let is_same = change == "changed" && fields.is_empty();
            (!is_same).then_some(RuleChange { rule, change, fields })
        })
        .collect()
}

fn fields(old: &Rule, new: &Rule) -> Vec<&'static str> {
    let body = |rule: &Rule| {
        let start = ["permit", "forbid"].iter().filter_map(|word| rule.text.find(word)).min();
        start.and_then(|at| rule.text.get(at..).map(str::to_owned)).unwrap_or_default()
    };
    let differs = [
        ("outcome", old.outcome != new.outcome),
        ("conditions", body(old) != body(new)),
        ("consent", old.consentable != new.consentable),
        ("override", old.overridable != new.overridable),
        ("why", old.why != new.why),
        ("instead", old.instead != new.instead),
        ("layer", old.layer != new.layer),
        ("owner", old.owner != new.owner),
        ("maturity", old.maturity != new.maturity),
        ("maps_to", old.maps_to != new.maps_to),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

impl Diff {
    fn rule(&self, change: &RuleChange<'_>, out: &mut impl Write) -> Result<(), Failure> {
        if self.json {
            return Ok(json::line(out, change)?);
        }
        let (mark, style) = match change.change {
            "added" => ("+", GREEN),
            "removed" => ("-", RED),
            _ => ("~", YELLOW),
        };
        let fields = change.fields.join(", ");
        let id = printable(change.rule);
        let line = format!("{} {id}  {}", paint(style, mark), paint(FAINT, &fields));
        Ok(writeln!(
            out,
            "{}",
            if fields.is_empty() { paint(style, mark) + " " + &id } else { line }
        )?)
    }

    fn verdicts(
        &self,
        over: &Path,
        judges: &[Judge; 2],
        summary: &mut Summary,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let (units, unreadable) = units(over)?;
        summary.unreadable = unreadable;
        let progress = Progress::new("session", units.len());
        let mut shown = 0;
        for (at, unit) in units.iter().enumerate() {
            progress.at(at);
            let [before, after] = judges;
            let (before, after) = (judge(before, &unit.recording)?, judge(after, &unit.recording)?);
            for (before, after) in before.iter().zip(&after) {
                summary.actions += 1;
                let id = match (&before.action.id, unit.is_transcript) {
                    (Some(id), false) => id.clone(),
                    _ => format!("{}#{}", unit.recording.session, before.call),
                };
                let action = before.action;
                let Some(change) = change(id, before.decision(), after.decision(), action) else {
                    continue;
                };
                let is_stricter = change.after > change.before;
                *(if is_stricter { &mut summary.stricter } else { &mut summary.milder }) += 1;
                progress.clear();
                if self.json {
                    json::line(out, &change)?;
                } else if shown < SHOWN {
                    change.show(out)?;
                }
                shown += 1;
            }
        }
        progress.clear();
        if !self.json && shown > SHOWN {
            writeln!(out, "{}", paint(FAINT, &format!("… {} more", shown - SHOWN)))?;
        }
        Ok(())
    }
}

fn change(
    id: String,
    before: &Decision,
    after: &Decision,
    action: &Action,
) -> Option<VerdictChange> {
    if before.verdict == after.verdict {
        return None;
    }
    let stricter = if after.verdict > before.verdict { after } else { before };
    let command = action.input.get("command").and_then(Value::as_str);
    let action = command.map_or_else(|| format!("{} {}", action.tool, action.input), str::to_owned);
    let (before, after) = (before.verdict, after.verdict);
    Some(VerdictChange { id, before, after, code: stricter.code.clone(), action })
}

impl VerdictChange {
    fn show(&self, out: &mut impl Write) -> Result<(), Failure> {
        let [before, after] = [self.before, self.after].map(verdict::badge);
        let about = paint(FAINT, &printable(&format!("{}  {}", self.code, self.id)));
        writeln!(out, "{before} → {after}  {about}")?;
        Ok(writeln!(out, "    {}", cut(&self.action, width().saturating_sub(4)))?)
    }
}

impl Summary {
    fn show(&self, over: bool, out: &mut impl Write) -> Result<(), Failure> {
        let rules = format!(
            "{} added, {} removed, {} changed",
            count(self.rules_added, "rule"),
            self.rules_removed,
            self.rules_changed
        );
        writeln!(out, "{}", paint(STRONG, &rules))?;
        if over {
            let verdicts = format!(
                "{}: {} stricter, {} milder, {} the same",
                count(self.actions, "action"),
                self.stricter,
                self.milder,
                self.actions - self.stricter - self.milder
            );
            writeln!(out, "{}", paint(STRONG, &verdicts))?;
        }
        if self.unreadable > 0 {
            let lines = count(self.unreadable, "line");
            writeln!(out, "{} {lines}", paint(YELLOW, "not readable:"))?;
        }
        Ok(())
    }
}

/// The sessions of a file of actions or of labelled rows, and how many lines are neither.
fn units(path: &Path) -> Result<(Vec<Unit>, usize), Failure> {
    if !holds_actions(path)? {
        let contents = read_rows(path, None)?;
        return Ok((contents.units, contents.bad.len()));
    }
    let source = Source::File(path.to_owned());
    let mut lines = Lines::new(source.open("actions")?, Action::MAX_BYTES);
    let mut sessions: BTreeMap<String, Unit> = BTreeMap::new();
    let mut unreadable = 0;
    while let Some((number, line)) = lines.next().map_err(|error| source.unreadable(&error))? {
        let action = match line {
            Line::Bytes(bytes) if is_blank(&bytes) => continue,
            Line::Bytes(bytes) => Action::from_json(&bytes).ok(),
            Line::TooLong(_) => None,
        };
        let Some(mut action) = action else {
            unreadable += 1;
            continue;
        };
        let session = action.session.clone().unwrap_or_else(|| format!("line {number}"));
        action.id.get_or_insert_with(|| format!("line {number}"));
        let key = format!("{number:>12}");
        let key = if action.session.is_some() { session.clone() } else { key };
        sessions.entry(key).or_insert_with(|| Unit::empty(session)).push(action);
    }
    Ok((sessions.into_values().collect(), unreadable))
}

/// Whether the first line is an action rather than a labelled row.
fn holds_actions(path: &Path) -> Result<bool, Problem> {
    let source = Source::File(path.to_owned());
    let mut lines = Lines::new(source.open("actions")?, crate::recording::LONGEST_ROW);
    while let Some((_, line)) = lines.next().map_err(|error| source.unreadable(&error))? {
        match line {
            Line::Bytes(line) if is_blank(&line) => {}
            Line::Bytes(line) => return Ok(Action::from_json(&line).is_ok()),
            Line::TooLong(_) => return Ok(false),
        }
    }
    Ok(true)
}
