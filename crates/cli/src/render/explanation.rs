//! One decision, from the action to the rules, for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use miette::Severity;
use ringfence_action::{
    Action, DecidedBy, Decision, Evidence, Facts, GitFacts, Opaque, Outcome, PathFacts, PathKind,
    RuleHit,
};
use serde_json::Value;

use super::color::{FAINT, STRONG, YELLOW, paint};
use super::effects::{self, Viewpoint};
use super::snippet::{Mark, Snippet};
use super::text::{cut, printable};
use super::verdict;

/// More lines of one list than this are counted instead of shown.
const MOST: usize = 40;

/// The whole explanation.
pub(crate) fn draw(action: &Action, decision: &Decision, facts: &Facts, width: usize) -> String {
    let mut drawn = String::new();
    header(&mut drawn, action, decision, width);
    section(&mut drawn, "what it would do", would_do(decision));
    section(&mut drawn, "what is known", known(facts));
    rules(&mut drawn, action, decision, width);
    let footer = format!("rules {} · {} µs", decision.bundle, decision.elapsed_us);
    let _ = writeln!(drawn, "{}", paint(FAINT, &printable(&footer)));
    drawn
}

fn header(drawn: &mut String, action: &Action, decision: &Decision, width: usize) {
    let _ = writeln!(
        drawn,
        "{}  {}  {}",
        verdict::badge(decision.verdict),
        paint(STRONG, &printable(&action.tool)),
        paint(FAINT, decided(decision.decided_by)),
    );
    let mut place = vec![action.agent.kind.clone()];
    place.extend(action.cwd.as_ref().map(|cwd| format!("in {cwd}")));
    place.extend(action.session.as_ref().map(|id| format!("session {id}")));
    place.extend(action.id.as_ref().map(|id| format!("action {id}")));
    let _ = writeln!(drawn, "{}", paint(FAINT, &cut(&place.join(" · "), width)));
}

/// Who settled it, as a sentence about the decision.
fn decided(by: DecidedBy) -> &'static str {
    match by {
        DecidedBy::Guard => "decided by the guard's own floor, which no rule lifts",
        DecidedBy::Policy => "decided by a rule",
        DecidedBy::Session => "decided by what this session has seen and been told",
        DecidedBy::Consent => "decided by the user, who named this operation and this target",
        DecidedBy::Classifier => "decided by a model",
        DecidedBy::Default => "no rule spoke; decided by the preset",
        DecidedBy::Error => "something went wrong, so the strict answer stands",
    }
}

fn section(drawn: &mut String, title: &str, lines: Vec<String>) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(drawn, "\n{}", paint(STRONG, title));
    let more = lines.len().saturating_sub(MOST);
    for line in lines.iter().take(MOST) {
        let _ = writeln!(drawn, "  {line}");
    }
    if more > 0 {
        let _ =
            writeln!(drawn, "  {}", paint(FAINT, &format!("… {more} more; --json has them all")));
    }
}

fn would_do(decision: &Decision) -> Vec<String> {
    let mut lines = effects::tree(&decision.effects);
    lines.extend(opaque(&decision.opaque));
    if lines.is_empty() {
        lines.push(paint(FAINT, "nothing outside the agent"));
    }
    lines
}

/// What could not be told, one line each.
pub(crate) fn opaque(remarks: &[Opaque]) -> Vec<String> {
    remarks
        .iter()
        .map(|opaque| {
            let words = effects::opaque_words(opaque);
            paint(YELLOW, "not understood: ") + &cut(&words, 200)
        })
        .collect()
}

fn known(facts: &Facts) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(facts.git.as_ref().and_then(git).map(|words| format!("git: {words}")));
    for (top, facts) in &facts.repositories {
        lines.extend(git(facts).map(|words| format!("git in {top}: {words}")));
    }
    for (path, facts) in &facts.paths {
        lines.extend(self::path(facts).map(|words| format!("{path}: {words}")));
    }
    let list = |title: &str, words: &mut dyn Iterator<Item = &String>| {
        let words: Vec<&str> = words.map(String::as_str).collect();
        (!words.is_empty()).then(|| format!("{title}: {}", words.join(", ")))
    };
    lines.extend(list("made by this session", &mut facts.created.iter()));
    lines.extend(list("has read from", &mut facts.taint.iter()));
    lines.extend(list("the user said not to", &mut facts.boundaries.iter()));
    lines.extend(list("variables", &mut facts.env.keys()));
    lines.extend(list("contents of", &mut facts.files.keys()));
    lines.extend(facts.now.as_ref().map(|now| format!("time: {now}")));
    lines.into_iter().map(|line| cut(&line, 400)).collect()
}

fn git(git: &GitFacts) -> Option<String> {
    let mut words = Vec::new();
    words.extend(git.branch.as_ref().map(|branch| format!("on branch {branch}")));
    words.extend(git.default_branch.as_ref().map(|branch| format!("trunk is {branch}")));
    words.extend(git.dirty.map(|dirty| {
        if dirty { "uncommitted changes" } else { "no uncommitted changes" }.to_owned()
    }));
    words.extend(git.untracked.as_ref().map(|files| format!("{} untracked", files.len())));
    words.extend(git.unpushed.map(|count| format!("{count} commits not pushed")));
    words.extend(git.stashes.map(|count| format!("{count} stashed")));
    words.extend(git.in_progress.as_ref().filter(|what| !what.is_empty()).cloned());
    for (what, count) in &git.orphaned {
        let what = what.strip_prefix("branch:").map_or_else(
            || format!("going back {}", what.replace(':', " ")),
            |branch| format!("branch {branch}"),
        );
        words.push(format!("{count} commits lost with {what}"));
    }
    for (branch, count) in &git.foreign {
        words.push(format!("{count} commits of others on {branch} alone"));
    }
    (!words.is_empty()).then(|| words.join(", "))
}

fn path(path: &PathFacts) -> Option<String> {
    let mut words: Vec<String> = Vec::new();
    words.extend(path.exists.map(|yes| if yes { "exists" } else { "does not exist" }.to_owned()));
    words.extend(path.kind.map(|kind| {
        match kind {
            PathKind::File => "a file",
            PathKind::Dir => "a folder",
            PathKind::Link => "a symbolic link",
            PathKind::Special => "a device, socket or pipe",
        }
        .to_owned()
    }));
    words.extend(path.resolved.as_ref().map(|to| format!("leads to {to}")));
    words.extend(path.tracked.map(|yes| if yes { "tracked" } else { "not tracked" }.to_owned()));
    words.extend(path.ignored.and_then(|yes| yes.then(|| "ignored by git".to_owned())));
    words.extend(path.tracked.and(path.clean).map(|clean| {
        if clean { "as last committed" } else { "changed since the last commit" }.to_owned()
    }));
    let folder = path.kind == Some(PathKind::Dir);
    words.extend(path.holds_untracked.filter(|_| folder).map(|holds| {
        if holds { "holds untracked files" } else { "holds no untracked files" }.to_owned()
    }));
    (!words.is_empty()).then(|| words.join(", "))
}

fn rules(drawn: &mut String, action: &Action, decision: &Decision, width: usize) {
    if decision.rules.is_empty() {
        drawn.push('\n');
        return;
    }
    let _ = writeln!(drawn, "\n{}", paint(STRONG, "why"));
    let input = serde_json::to_value(action).unwrap_or(Value::Null);
    // What a stricter rule overrules is a footnote to it.
    let strictest = decision.rules.iter().map(|hit| hit.outcome).max();
    let (settling, overruled): (Vec<&RuleHit>, Vec<&RuleHit>) =
        decision.rules.iter().partition(|hit| Some(hit.outcome) == strictest);
    for hit in settling {
        drawn.push_str(&rule(hit, &input, decision, width));
    }
    for hit in &overruled {
        let mark = verdict::outcome_mark(hit.outcome);
        let said = cut(&format!("{}: {}", hit.id, hit.why), width.saturating_sub(4));
        let style = verdict::outcome_style(hit.outcome);
        let _ = writeln!(drawn, "  {} {}", paint(style, mark), paint(FAINT, &said));
    }
    if !overruled.is_empty() {
        drawn.push('\n');
    }
}

fn rule(hit: &RuleHit, action: &Value, decision: &Decision, width: usize) -> String {
    let severity = match hit.outcome {
        Outcome::Deny => Severity::Error,
        Outcome::Ask | Outcome::Review => Severity::Warning,
        Outcome::Allow | Outcome::Contain => Severity::Advice,
    };
    let (id, why) = (printable(&hit.id), printable(&hit.why));
    let message = format!("{id}: {why}");
    let instead = (!hit.instead.is_empty()).then(|| printable(&hit.instead).into_owned());
    let mut by_pointer: BTreeMap<&str, Vec<&Evidence>> = BTreeMap::new();
    for evidence in &hit.evidence {
        by_pointer.entry(&evidence.pointer).or_default().push(evidence);
    }
    // The message stands over its first piece of text; other pieces of text follow it.
    let mut pieces = by_pointer.into_iter();
    let mut first = Snippet::new(severity, message, instead);
    if let Some((pointer, evidence)) = pieces.next() {
        first = point(first, pointer, &evidence, action, decision);
    }
    let mut drawn = first.render(width);
    for (pointer, evidence) in pieces {
        let also = Snippet::new(Severity::Advice, "and here".to_owned(), None);
        drawn.push_str(&point(also, pointer, &evidence, action, decision).render(width));
    }
    drawn.push('\n');
    drawn
}

fn point(
    snippet: Snippet,
    pointer: &str,
    evidence: &[&Evidence],
    action: &Value,
    decision: &Decision,
) -> Snippet {
    let name = pointer.trim_start_matches('/').replace('/', ".");
    match (action.pointer(pointer).and_then(Value::as_str), evidence.first()) {
        (Some(source), _) => {
            let marks: Vec<Mark> = evidence
                .iter()
                .map(|evidence| Mark { span: evidence.span, label: label(evidence, decision) })
                .collect();
            snippet.with_source(&name, source, &marks)
        }
        // The words themselves are all there is.
        (None, Some(first)) => {
            let mark = Mark { span: [0, first.text.len()], label: label(first, decision) };
            snippet.with_source(&name, &first.text, &[mark])
        }
        (None, None) => snippet,
    }
}

/// What the words do: the effects and remarks that rest on them, mildest (running) left out where
/// there is more to say.
fn label(evidence: &Evidence, decision: &Decision) -> String {
    let rests = |at: &Option<Evidence>| at.as_ref() == Some(evidence);
    let mut labels: Vec<String> = decision
        .effects
        .iter()
        .filter(|effect| rests(&effect.evidence))
        .map(|effect| (effect, effects::words(effect, Viewpoint::default())))
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .map(|(_, words)| words)
        .collect();
    labels.extend(
        decision.opaque.iter().filter(|opaque| rests(&opaque.evidence)).map(effects::opaque_words),
    );
    labels.dedup();
    let more = labels.len().saturating_sub(2);
    labels.truncate(2);
    let mut label = cut(&labels.join("; "), 120);
    if more > 0 {
        let _ = write!(label, "; {more} more");
    }
    label
}
