//! How much a plan that was shown would take away.
//!
//! What a planning program prints is a result, and no result is trusted: a number in it makes an answer
//! stricter and never milder. So of several plans of one tool for one folder the largest counts, until that tool
//! has carried one out there.

use ringfence_action::{Action, Attr, Call, Effect, EffectKind, Facts};
use ringfence_analysis::analyze;

use crate::session::{GONE, Session};

/// In front of folder, tool, and how many things a plan that was shown would take away: `plan:/srv:terraform:3`.
const PLAN: &str = "plan:";

/// Stands for a tool or a folder that nobody knows: it may be any.
const ANY: &str = "?";

/// Words of commands that show a plan.
const SHOWS: [&str; 4] = ["plan", "preview", "diff", "show"];

/// What a session remembers of a plan in a result: what
/// [`observe_created`](Session::observe_created) takes. Nothing where none is shown, or nothing would go.
pub(crate) fn plan_in(action: &Action, call: &Call, text: &str) -> Option<String> {
    let Call::Shell { command, cwd, .. } = call else { return None };
    let named =
        command.value.split(|c: char| !c.is_ascii_alphabetic()).any(|word| SHOWS.contains(&word));
    let shows = named && text.len() <= LONGEST;
    let lost = shows.then(|| text.lines().map(taken_away).sum::<u64>()).filter(|lost| *lost > 0)?;
    let analysis = analyze(action, call);
    let planned = analysis.effects.iter().find(|effect| {
        effect.kind == EffectKind::Infra
            && effect
                .text(Attr::Op)
                .is_some_and(|op| op.split([' ', '-']).any(|word| SHOWS.contains(&word)))
    });
    let (folder, tool) = match planned {
        Some(effect) => place(effect),
        // By a task of the project, for one: it may be any tool, there.
        None => {
            let cwd = cwd.as_ref().map(|cwd| cwd.value.as_str()).or(action.cwd.as_deref());
            (cwd.unwrap_or(ANY), ANY)
        }
    };
    Some(format!("{PLAN}{folder}:{tool}:{lost}"))
}

/// What takes the plans back that this effect may carry out.
pub(crate) fn applied(effect: &Effect) -> [String; 2] {
    let (folder, tool) = place(effect);
    [tool, ANY].map(|tool| format!("{GONE}{PLAN}{folder}:{tool}:"))
}

/// How much the largest plan that this effect may carry out would take away, as far as one was shown.
pub(crate) fn largest(effect: &Effect, facts: &Facts, session: &Session) -> Option<u64> {
    let (folder, tool) = place(effect);
    let is = |known: &str, other: &str| known == other || known == ANY || other == ANY;
    let made = facts.created.iter().chain(session.created());
    let counts = made.filter_map(|made| {
        let mut parts = made.strip_prefix(PLAN)?.rsplitn(3, ':');
        let (lost, by, there) = (parts.next()?, parts.next()?, parts.next()?);
        (is(by, tool) && is(there, folder)).then(|| lost.parse::<u64>().ok())?
    });
    counts.max()
}

/// The folder and the tool of a plan.
fn place(effect: &Effect) -> (&str, &str) {
    (effect.text(Attr::Dir).unwrap_or(ANY), effect.text(Attr::By).unwrap_or(ANY))
}

/// Longer results are not looked at.
const LONGEST: usize = 4 << 20;

/// What a line of a plan says would go: `Plan: 1 to add, 0 to change, 3 to destroy.`, `- 2 to delete`,
/// `[-] AWS::S3::Bucket`.
fn taken_away(line: &str) -> u64 {
    let line = without_colours(line);
    let line = line.trim();
    if line.starts_with("[-]") {
        return 1;
    }
    let words: Vec<&str> = line.split([' ', ',', '.']).filter(|word| !word.is_empty()).collect();
    let counts = line.starts_with("Plan:") || line.starts_with(['-', '+', '~']);
    let taken = words
        .windows(3)
        .filter(|three| counts && matches!(three, [_, "to", "destroy" | "delete" | "replace"]));
    taken
        .filter_map(|three| three.first()?.trim_start_matches(['-', '+']).parse::<u64>().ok())
        .sum()
}

fn without_colours(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut parts = line.split('\u{1b}');
    kept.extend(parts.next());
    for part in parts {
        kept.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::taken_away;

    #[test]
    fn what_goes_is_counted_as_planning_programs_print_it() {
        for (line, lost) in [
            ("Plan: 1 to add, 0 to change, 27 to destroy.", 27),
            ("\u{1b}[1mPlan:\u{1b}[0m 0 to add, 2 to change, 3 to destroy.", 3),
            ("    - 12 to delete", 12),
            ("    +-2 to replace", 2),
            ("[-] AWS::S3::Bucket logs", 1),
            ("Plan: 4 to add, 0 to change, 0 to destroy.", 0),
            ("we have 3 to destroy before noon", 0),
            ("No changes. Your infrastructure matches the configuration.", 0),
        ] {
            assert_eq!(taken_away(line), lost, "{line}");
        }
    }
}
