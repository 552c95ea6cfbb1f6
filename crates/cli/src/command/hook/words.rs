//! What a person is told of a call that waits for them: what would happen, how far it reaches, what a no costs.

use ringfence_action::{Attr, Decision, Effect, EffectKind, Scope, Verdict};
use ringfence_engine::{Explained, SessionRule};

/// More is not read by anybody.
const MOST: usize = 8;

/// What would happen, one line each; what cannot be told comes last.
pub(super) fn effects(decision: &Decision) -> Vec<String> {
    let happens = |effect: &&Effect| !effect.is(Attr::Content) && !effect.is(Attr::DryRun);
    // Which programs run says less than what they do.
    let is_deed = |effect: &&Effect| !matches!(effect.kind, EffectKind::Exec);
    let all: Vec<&Effect> = decision.effects.iter().filter(happens).collect();
    let mut shown: Vec<String> = all.iter().copied().filter(is_deed).map(line).collect();
    if shown.is_empty() {
        shown = all.iter().copied().map(line).collect();
    }
    shown.dedup();
    let more = shown.len().saturating_sub(MOST);
    shown.truncate(MOST);
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    if !decision.opaque.is_empty() {
        shown.push("something that cannot be told before it runs".to_owned());
    }
    shown
}

fn line(effect: &Effect) -> String {
    let mut line = format!("{} {}", effect.kind.as_str().replace('_', " "), effect.target);
    let marks = [
        (Attr::Recursive, "with everything in it"),
        (Attr::Force, "by force"),
        (Attr::Publish, "for others to have"),
        (Attr::Ddl, "its structure"),
    ];
    for (mark, words) in marks {
        if effect.is(mark) {
            line.push_str(", ");
            line.push_str(words);
        }
    }
    match &effect.scope {
        Scope::Local => {}
        Scope::Container(name) => line.push_str(&format!(" (in the container {name})")),
        Scope::Remote(host) => line.push_str(&format!(" (on {host})")),
        Scope::Cluster(_) => line.push_str(" (in a cluster)"),
    }
    line
}

/// What the session has seen, and what its user ruled out.
pub(super) fn seen(explained: &Explained) -> Vec<String> {
    let seen = explained.seen.iter().map(|it| format!("has seen: {it}"));
    let ruled_out = explained.ruled_out.union(&explained.facts.boundaries);
    let ruled_out = ruled_out.map(|it| format!("was told: no {it}"));
    seen.chain(ruled_out).take(MOST).collect()
}

/// How far it reaches, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Nothing,
    Here,
    Machine,
    Others,
}

fn reach(effect: &Effect) -> Reach {
    if effect.scope != Scope::Local {
        return Reach::Others;
    }
    match effect.kind {
        EffectKind::Read | EffectKind::Exec | EffectKind::ExecCode => Reach::Nothing,
        EffectKind::Write
        | EffectKind::Create
        | EffectKind::Delete
        | EffectKind::Metadata
        | EffectKind::VcsLocal => Reach::Here,
        EffectKind::Net
        | EffectKind::VcsRemote
        | EffectKind::Infra
        | EffectKind::Database
        | EffectKind::Message
        | EffectKind::Payment
        | EffectKind::Browser => Reach::Others,
        EffectKind::DownloadExec
        | EffectKind::Privilege
        | EffectKind::Credential
        | EffectKind::EnvExec
        | EffectKind::Persist
        | EffectKind::Package
        | EffectKind::Process
        | EffectKind::Guard => Reach::Machine,
    }
}

/// The same, in words.
pub(super) fn blast(decision: &Decision) -> String {
    let widest = decision.effects.iter().map(reach).max().unwrap_or(Reach::Nothing);
    match widest {
        Reach::Nothing if decision.opaque.is_empty() => "nothing is changed",
        Reach::Nothing => "it cannot be told",
        Reach::Here => "files on this machine",
        Reach::Machine => "this machine: what runs on it, and as whom",
        Reach::Others => "beyond this machine: what others have or see",
    }
    .to_owned()
}

/// What a no costs: told by the effect that reaches furthest.
pub(super) fn cost_of_no(decision: &Decision, instead: &str) -> String {
    let widest = decision.effects.iter().max_by_key(|effect| reach(effect));
    ringfence_server::cost_of_no(widest.map(|effect| effect.kind), instead)
}

/// What a yes for the whole session lets through: all of it, one effect a line, with everything that it is bound
/// to.
pub(super) fn session_rule(rule: &SessionRule) -> Vec<String> {
    let told = [Attr::Recursive, Attr::Force, Attr::Publish, Attr::Ddl];
    let place = rule.cwd.as_deref().unwrap_or("an unknown folder");
    let mut lines = vec![format!("by {}, in {place}", rule.tool)];
    lines.extend(rule.effects.iter().map(|effect| {
        let more: Vec<String> = effect
            .attributes
            .iter()
            .filter(|(attr, _)| !told.contains(attr))
            .map(|(attr, value)| format!("{}: {value}", attr.as_str().replace('_', " ")))
            .collect();
        let more = if more.is_empty() { String::new() } else { format!(" ({})", more.join("; ")) };
        format!("{}{more}", line(effect))
    }));
    lines
}

/// From 0 to 100: what orders those that wait, and nothing else. How far it reaches, whether it can be taken
/// back, whether it can be told, and what the session has seen by then.
pub(super) fn risk(explained: &Explained) -> u8 {
    let decision = &explained.decision;
    let widest = decision.effects.iter().map(reach).max().unwrap_or(Reach::Nothing);
    let mut risk = match widest {
        Reach::Nothing => 5,
        Reach::Here => 20,
        Reach::Machine => 40,
        Reach::Others => 45,
    };
    let lasts = |effect: &Effect| {
        matches!(effect.kind, EffectKind::Delete | EffectKind::Payment | EffectKind::Message)
            || effect.is(Attr::Force)
            || effect.is(Attr::Ddl)
            || effect.is(Attr::Publish)
    };
    let marks = [
        (decision.verdict == Verdict::Deny, 20),
        (decision.effects.iter().any(lasts), 15),
        (!decision.opaque.is_empty(), 10),
        (!explained.seen.is_empty(), 15),
    ];
    risk += marks.iter().filter(|(holds, _)| *holds).map(|(_, more)| more).sum::<u8>();
    risk.min(100)
}
