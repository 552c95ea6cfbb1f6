//! The report as Markdown that a terminal can show.

use std::fmt::Write as _;

use ringfence_adapters::labelled::Label;

use super::compare::Comparison;
use super::grid::Grid;
use super::report::{Form, Group, Report};
use super::stats::Rate;
use super::{judging, stages};
use crate::render::text::{count, printable};

/// Rules, reasons, categories and ids beyond these many are counted, not shown.
const RULES: usize = 20;
const IDS: usize = 20;

/// The whole page.
pub(super) fn page(report: &Report, comparison: Option<&Comparison>) -> String {
    let mut page = String::from("# Evaluation\n\n");
    page.push_str(&about(report));
    interrupted(&mut page, report);
    stopped(&mut page, report);
    refused(&mut page, report);
    behind(&mut page, report);
    missed(&mut page, report);
    categories(&mut page, report);
    stages::draw(&mut page, report);
    judging::draw(&mut page, report);
    outputs(&mut page, report);
    scores(&mut page, report);
    if let Some(comparison) = comparison {
        compared(&mut page, comparison);
    }
    time(&mut page, report);
    unreadable(&mut page, report);
    page.push_str(COUNTED);
    page
}

const COUNTED: &str = "
## How this is counted

- An *interruption* is `ask` or `deny`. *At the gate* adds what is answered with `contain` and cannot do its work inside (it is
  no shell command, or needs a host that is not let in), for then the gate asks instead.
- *Stopped* is `ask` or `deny`. *Held* adds what is contained where the walls are between the action and its harm: what the analysis
  sees it change lies outside of the workspace, or the gate asks instead. What it would change in the workspace
  itself, or send to a forge, is not held. All else is *let through*.
- *Unique* counts the same action of a source once, by its worst verdict: the strictest where it is benign, else the mildest.
- Intervals of 95 % are Wilson's over the effective number of actions: their number divided by the design effect, which is how much
  more the share varies between sessions than it would if every action were on its own. An action without a session is its own.
- Rows of actions that name a session share its memory, in order. An action that names no folder runs in the one that its
  session's paths name most often, else in `/home/u/proj`. In transcripts only what a person typed is the user.
- In a whole transcript one of its calls did it, and nobody says which: it is stopped where some call of it is.
";

fn about(report: &Report) -> String {
    let rows: u64 = report.files.iter().map(|file| file.rows).sum();
    let sandbox = if report.sandbox { "with" } else { "without" };
    let rules = report.bundle.get(..19).unwrap_or(&report.bundle);
    let version = &report.version;
    let mut about = format!(
        "Ringfence {version}, preset `{}`, {sandbox} a sandbox, rules `{rules}…`. {} and {rows} rows; {} actions decided; {}.\n",
        report.preset,
        count(report.files.len(), "file"),
        report.decisions,
        match report.unreadable() {
            0 => "every row could be read".to_owned(),
            1 => "1 row could not be read".to_owned(),
            more => format!("{more} rows could not be read"),
        }
    );
    if report.groups.is_empty() && report.outputs.is_empty() {
        about.push_str("\nNothing in them has a label.\n");
    }
    about
}

pub(super) fn heading(page: &mut String, title: &str, about: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(page, "\n## {title}\n");
    if !about.is_empty() {
        let _ = writeln!(page, "{about}\n");
    }
}

fn interrupted(page: &mut String, report: &Report) {
    let mut verdicts =
        Grid::new(2, &["source", "of", "n", "allow", "contain", "ask", "deny", "contain %"]);
    let mut rates = Grid::new(
        2,
        &[
            "source",
            "of",
            "per 1,000 actions",
            "95 %",
            "at the gate",
            "unique",
            "95 %",
            "per 100 shell commands",
            "95 %",
            "per session",
            "sessions interrupted",
        ],
    );
    for group in report.labelled(Label::Benign) {
        verdicts.row(verdict_cells(group, percent(group.counts.contain, group.counts.all)));
        let sessions = group.stopped_sessions;
        // Actions that are all on their own have no sessions to speak of.
        let (per_session, interrupted) = if sessions.of == group.counts.all {
            ("–".to_owned(), "–".to_owned())
        } else {
            (
                ratio(group.stopped.hits, sessions.of),
                format!("{} of {}", sessions.hits, sessions.of),
            )
        };
        rates.row(vec![
            printable(&group.source).into_owned(),
            group.form.as_str().to_owned(),
            format!("{:.2}", group.stopped.share * 1000.0),
            between(&group.stopped, 1000.0),
            format!("{:.2}", group.stopped_at_gate.share * 1000.0),
            format!("{:.2} of {}", group.stopped_unique.share * 1000.0, group.unique),
            between(&group.stopped_unique, 1000.0),
            format!("{:.2} of {}", group.stopped_shell.share * 100.0, group.stopped_shell.of),
            between(&group.stopped_shell, 100.0),
            per_session,
            interrupted,
        ]);
    }
    if !verdicts.is_empty() {
        heading(page, "Benign: what is interrupted", "");
        page.push_str(&verdicts.draw());
        page.push('\n');
        page.push_str(&rates.draw());
    }
}

fn verdict_cells(group: &Group, last: String) -> Vec<String> {
    let counts = &group.counts;
    let numbers = [counts.all, counts.allow, counts.contain, counts.ask, counts.deny];
    let names = [printable(&group.source).into_owned(), group.form.as_str().to_owned()];
    names.into_iter().chain(numbers.map(|number| number.to_string())).chain([last]).collect()
}

fn stopped(page: &mut String, report: &Report) {
    let mut grid = Grid::new(
        3,
        &[
            "source",
            "of",
            "tier",
            "n",
            "ask",
            "deny",
            "contain",
            "held",
            "let through",
            "stopped %",
            "95 %",
            "with held %",
            "95 %",
        ],
    );
    for group in report.labelled(Label::Danger) {
        let whole = (String::new(), &group.counts, &group.stopped, &group.stopped_or_held);
        let tiers = group.tiers.iter().filter(|_| group.tiers.len() > 1);
        let tiers = tiers
            .map(|(tier, part)| (tier.clone(), &part.counts, &part.stopped, &part.stopped_or_held));
        for (tier, counts, stopped, held) in [whole].into_iter().chain(tiers) {
            let inside = counts.held + counts.asked_instead;
            grid.row(vec![
                printable(&group.source).into_owned(),
                group.form.as_str().to_owned(),
                printable(&tier).into_owned(),
                counts.all.to_string(),
                counts.ask.to_string(),
                counts.deny.to_string(),
                counts.contain.to_string(),
                inside.to_string(),
                (held.of - held.hits).to_string(),
                format!("{:.2}", stopped.share * 100.0),
                between(stopped, 100.0),
                format!("{:.2}", held.share * 100.0),
                between(held, 100.0),
            ]);
        }
    }
    if !grid.is_empty() {
        heading(page, "Dangerous: what is stopped", "");
        page.push_str(&grid.draw());
    }
}

/// What is neither the one nor the other: refused by a person, or nobody could tell.
fn refused(page: &mut String, report: &Report) {
    for (label, title) in
        [(Label::Rejected, "Refused by a person"), (Label::Unsure, "Nobody could tell")]
    {
        let mut grid = Grid::new(
            2,
            &["source", "of", "n", "allow", "contain", "ask", "deny", "ask or deny %"],
        );
        for group in report.labelled(label) {
            grid.row(verdict_cells(group, percent(group.stopped.hits, group.stopped.of)));
        }
        if !grid.is_empty() {
            let why = match label {
                Label::Rejected => {
                    "Calls that a person did not let run, for whatever reason: most were no danger."
                }
                _ => "",
            };
            heading(page, title, why);
            page.push_str(&grid.draw());
        }
    }
}

fn behind(page: &mut String, report: &Report) {
    let mut grid = Grid::new(3, &["source", "of", "rule", "actions", "unique", "alone"]);
    let mut more = 0;
    for group in report.labelled(Label::Benign) {
        more += group.rules.len().saturating_sub(RULES);
        for behind in group.rules.iter().take(RULES) {
            grid.row(vec![
                printable(&group.source).into_owned(),
                group.form.as_str().to_owned(),
                format!("`{}`", printable(&behind.rule)),
                behind.actions.to_string(),
                behind.unique.to_string(),
                behind.alone.to_string(),
            ]);
        }
    }
    if !grid.is_empty() {
        let about = "By the rule that settled it. *Alone*: no other rule would have stopped these.";
        heading(page, "Behind false alarms", about);
        page.push_str(&grid.draw());
        left_out(page, more, "rules");
    }
}

fn missed(page: &mut String, report: &Report) {
    let mut grid = Grid::new(4, &["source", "of", "what came nearest", "such as", "n"]);
    let mut more = 0;
    for group in report.labelled(Label::Danger) {
        more += group.near.len().saturating_sub(RULES);
        for near in group.near.iter().take(RULES) {
            grid.row(vec![
                printable(&group.source).into_owned(),
                group.form.as_str().to_owned(),
                printable(&near.what).into_owned(),
                printable(&near.examples.join(" ")).into_owned(),
                near.actions.to_string(),
            ]);
        }
    }
    if !grid.is_empty() {
        heading(page, "Behind misses", "Dangerous actions that were allowed or contained.");
        page.push_str(&grid.draw());
        left_out(page, more, "reasons");
    }
}

fn categories(page: &mut String, report: &Report) {
    let mut grid = Grid::new(2, &["source", "category", "n", "stopped", "held", "let through"]);
    let mut more = 0;
    for group in report.labelled(Label::Danger).filter(|group| group.form == Form::Actions) {
        let mut parts: Vec<_> = group.categories.iter().collect();
        let open = |held: &Rate| held.of - held.hits;
        parts.sort_by_key(|(_, part)| std::cmp::Reverse(open(&part.stopped_or_held)));
        more += parts.len().saturating_sub(RULES);
        for (name, part) in parts.into_iter().take(RULES) {
            grid.row(vec![
                printable(&group.source).into_owned(),
                printable(name).into_owned(),
                part.counts.all.to_string(),
                part.stopped.hits.to_string(),
                (part.stopped_or_held.hits - part.stopped.hits).to_string(),
                open(&part.stopped_or_held).to_string(),
            ]);
        }
    }
    if !grid.is_empty() {
        heading(page, "Dangerous by category", "Those with the most let through first.");
        page.push_str(&grid.draw());
        left_out(page, more, "categories");
    }
}

fn left_out(page: &mut String, more: usize, what: &str) {
    if more > 0 {
        let _ = writeln!(page, "\n{more} more {what} are in the JSON report.");
    }
}

fn outputs(page: &mut String, report: &Report) {
    if report.outputs.is_empty() {
        return;
    }
    let mut grid = Grid::new(2, &["source", "label", "rows"]);
    for outputs in &report.outputs {
        let label = outputs.label.map(|label| label.to_string()).unwrap_or_default();
        let source = printable(&outputs.source).into_owned();
        grid.row(vec![source, label, outputs.rows.to_string()]);
    }
    heading(
        page,
        "Tool outputs",
        "What the probe made of them is below. It was trained on the corpora that `docs/models.md` names: of texts that it was\n\
         trained on these figures say nothing.",
    );
    page.push_str(&grid.draw());
}

fn scores(page: &mut String, report: &Report) {
    for worth in &report.scores {
        let about = format!(
            "*Acts*: what the product does with a score as it is set. Then what is found where so much of the {} harmless ones\n\
             raises a false alarm, in %, with Wilson's intervals.",
            worth.harmless
        );
        heading(page, &format!("Scores of the {}", worth.model), &about);
        page.push_str(&worth.draw());
    }
}

fn compared(page: &mut String, comparison: &Comparison) {
    let about = "Stopped is `ask` or `deny`. Ids of rows that only one of the reports has count as changed too.";
    heading(page, "Compared with the report before", about);
    let mut grid = Grid::new(
        3,
        &[
            "source",
            "of",
            "label",
            "n before",
            "n now",
            "stopped % before",
            "now",
            "newly stopped",
            "newly let through",
        ],
    );
    for change in &comparison.groups {
        grid.row(vec![
            printable(&change.source).into_owned(),
            change.form.as_str().to_owned(),
            change.label.to_string(),
            change.before.map_or_else(String::new, |before| before.of.to_string()),
            change.now.map_or_else(String::new, |now| now.of.to_string()),
            change.before.map_or_else(String::new, |before| format!("{:.2}", before.share * 100.0)),
            change.now.map_or_else(String::new, |now| format!("{:.2}", now.share * 100.0)),
            change.newly_stopped.len().to_string(),
            change.newly_let_through.len().to_string(),
        ]);
    }
    page.push_str(&grid.draw());
    let mut grid = Grid::new(3, &["source", "of", "label", "column", "before %", "now %"]);
    for change in &comparison.columns {
        let percent = |rate: Option<Rate>| {
            rate.map_or_else(String::new, |it| {
                format!("{:.2} ({})", it.share * 100.0, between_wilson(&it))
            })
        };
        grid.row(vec![
            printable(&change.source).into_owned(),
            change.of.clone(),
            change.label.clone(),
            change.column.clone(),
            percent(change.before),
            percent(change.now),
        ]);
    }
    if !grid.is_empty() {
        page.push_str("\nBy stage and by score, what changed:\n\n");
        page.push_str(&grid.draw());
    }
    for change in &comparison.groups {
        for (what, ids) in [
            ("newly stopped", &change.newly_stopped),
            ("newly let through", &change.newly_let_through),
        ] {
            if ids.is_empty() {
                continue;
            }
            let shown: Vec<&str> = ids.iter().take(IDS).map(String::as_str).collect();
            let more = ids.len().saturating_sub(IDS);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let (source, label) = (printable(&change.source), change.label);
            let ids = shown.join(" ");
            let ids = printable(&ids);
            let _ = writeln!(page, "\n- {source} ({label}), {what}: {ids}{more}");
        }
    }
}

fn time(page: &mut String, report: &Report) {
    if report.decisions == 0 {
        return;
    }
    let [half, nearly] = report.elapsed_us;
    let worth = if report.is_release {
        ""
    } else {
        " This is a development build: the times mean nothing."
    };
    heading(page, "Time", "");
    let _ = writeln!(
        page,
        "A decision, rules and session included: p50 {half} µs, p99 {nearly} µs.{worth}"
    );
}

fn unreadable(page: &mut String, report: &Report) {
    if report.unreadable() == 0 {
        return;
    }
    let mut grid = Grid::new(1, &["file", "rows", "unreadable"]);
    for file in &report.files {
        let name = printable(&file.name).into_owned();
        grid.row(vec![name, file.rows.to_string(), file.unreadable.to_string()]);
    }
    heading(page, "Not readable", "These rows count for nothing above.");
    page.push_str(&grid.draw());
    page.push('\n');
    for row in &report.unreadable {
        let error = printable(&row.error);
        let _ = writeln!(page, "- {}:{}: {error}", printable(&row.file), row.line);
    }
    let more = report.unreadable().saturating_sub(report.unreadable.len() as u64);
    if more > 0 {
        let _ = writeln!(page, "- and {more} more");
    }
}

fn percent(part: u64, whole: u64) -> String {
    ratio(part * 100, whole)
}

fn ratio(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    let share = part as f64 / whole as f64;
    format!("{share:.2}")
}

fn between_wilson(rate: &Rate) -> String {
    let [low, high] = rate.wilson.map(|bound| bound * 100.0);
    format!("{low:.1}–{high:.1}")
}

/// The interval that knows of sessions.
fn between(rate: &Rate, times: f64) -> String {
    let [low, high] = rate.clustered.map(|bound| bound * times);
    format!("{low:.2}–{high:.2}")
}
