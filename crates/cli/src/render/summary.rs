//! What a replay adds up to, for people.

use std::fmt::Write as _;

use anstyle::Style;
use ringfence_action::Verdict;

use super::color::{FAINT, STRONG, YELLOW, paint};
use super::table::{self, Cell};
use super::text::{count, printable};
use super::verdict;
use crate::command::replay::Tally;
use crate::recording::Person;

const VERDICTS: [Verdict; 4] = [Verdict::Allow, Verdict::Contain, Verdict::Ask, Verdict::Deny];
const PEOPLE: [Person; 4] = [Person::Approved, Person::Refused, Person::NotAsked, Person::Blocked];
/// More rules than this are counted instead of shown.
const MOST_RULES: usize = 20;

/// The summary below the tables.
pub(crate) fn draw(tally: &Tally, width: usize) -> String {
    let mut drawn = String::from("\n");
    totals(&mut drawn, tally);
    by_rule(&mut drawn, tally, width);
    by_person(&mut drawn, tally);
    not_understood(&mut drawn, tally);
    drawn
}

fn totals(drawn: &mut String, tally: &Tally) {
    let title = format!(
        "{} in {}, {}",
        plural(tally.calls, "call"),
        plural(tally.sessions, "session"),
        plural(tally.prompts, "prompt")
    );
    let _ = writeln!(drawn, "{}", paint(STRONG, &title));
    for verdict in VERDICTS {
        let calls = tally.of(verdict);
        if verdict == Verdict::Contain && calls == 0 {
            continue;
        }
        let meaning = match verdict {
            Verdict::Allow => "would have run",
            Verdict::Contain => "would have run inside the sandbox",
            Verdict::Ask => "would have been asked about",
            Verdict::Deny => "would have been denied",
        };
        let mark = paint(verdict::style(verdict), verdict::mark(verdict));
        let share = percent(calls, tally.calls);
        let _ = writeln!(drawn, "  {mark} {calls:>7}  {share:>7}  {meaning}");
    }
    let _ = writeln!(
        drawn,
        "  {}",
        paint(
            FAINT,
            &format!(
                "interrupted: {} of {}",
                tally.sessions_interrupted,
                plural(tally.sessions, "session")
            )
        )
    );
}

fn by_rule(drawn: &mut String, tally: &Tally, width: usize) {
    if tally.rules.is_empty() {
        return;
    }
    let _ = writeln!(drawn, "\n{}", paint(STRONG, "by rule"));
    let mut rules: Vec<_> = tally
        .rules
        .iter()
        .map(|(id, rule)| (rule.verdicts.values().sum::<u64>(), id, rule))
        .collect();
    rules.sort_by(|(a, first, _), (b, second, _)| b.cmp(a).then_with(|| first.cmp(second)));
    let names = rules.iter().map(|(_, id, _)| id.len()).max().unwrap_or_default();
    // Indent, numbers, verdicts and gaps take 22 columns; the people need some too.
    let names = names.clamp(12, width.saturating_sub(40).min(44));
    let people_width = width.saturating_sub(22 + names);
    for (calls, id, rule) in rules.iter().take(MOST_RULES) {
        let strictest = rule.verdicts.keys().max().copied().unwrap_or(Verdict::Deny);
        let people: Vec<String> = PEOPLE
            .iter()
            .filter_map(|person| rule.person.get(person).map(|calls| format!("{calls} {person}")))
            .collect();
        let cells = [
            Cell::new(Style::new(), format!("{calls:>7}")),
            Cell::new(verdict::style(strictest), strictest.as_str()),
            Cell::new(Style::new(), printable(id)),
            Cell::new(FAINT, people.join(", ")),
        ];
        let row = table::row(&[7, 7, names, people_width], &cells);
        for line in row.lines() {
            let _ = writeln!(drawn, "  {line}");
        }
    }
    let more = rules.len().saturating_sub(MOST_RULES);
    if more > 0 {
        let _ = writeln!(drawn, "  {}", paint(FAINT, &format!("… {more} more rules")));
    }
}

fn by_person(drawn: &mut String, tally: &Tally) {
    if tally.person.is_empty() {
        return;
    }
    let _ = writeln!(drawn, "\n{}", paint(STRONG, "compared with what you did"));
    let mut head = format!("  {:<10}", "");
    for verdict in VERDICTS {
        let _ = write!(head, "{:>10}", verdict.as_str());
    }
    let _ = writeln!(drawn, "{}", paint(FAINT, &head));
    for person in PEOPLE {
        let Some(verdicts) = tally.person.get(&person) else { continue };
        let _ = write!(drawn, "  {:<10}", person.as_str());
        for verdict in VERDICTS {
            let calls = verdicts.get(&verdict).copied().unwrap_or_default();
            let shown = if calls == 0 { "·".to_owned() } else { calls.to_string() };
            let _ = write!(drawn, "{shown:>10}");
        }
        drawn.push('\n');
    }
}

fn not_understood(drawn: &mut String, tally: &Tally) {
    drawn.push('\n');
    if tally.opaque > 0 {
        let mut reasons: Vec<_> = tally.opaque_reasons.iter().collect();
        reasons.sort_by_key(|(_, calls)| std::cmp::Reverse(**calls));
        let reasons: Vec<String> = reasons
            .into_iter()
            .map(|(reason, calls)| format!("{} {calls}", reason.as_str().replace('_', " ")))
            .collect();
        let _ = writeln!(
            drawn,
            "not fully understood: {} ({}) · {}",
            plural(tally.opaque, "call"),
            percent(tally.opaque, tally.calls),
            printable(&reasons.join(", "))
        );
    }
    if tally.unreadable > 0 {
        let lines = plural(tally.unreadable, "line");
        let _ = writeln!(
            drawn,
            "{} {lines}; what they hold was not judged. A newer version may know them",
            paint(YELLOW, "not readable:")
        );
    }
}

fn plural(number: u64, thing: &str) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), thing)
}

fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    // Counts of calls are far below where a float loses precision.
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    let share = part as f64 * 100.0 / whole as f64;
    format!("{share:.1} %")
}
