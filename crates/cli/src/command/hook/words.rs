//! What a person is told of a call that waits for them: what would happen, how far it reaches, what a no costs.

use ringfence_action::{Attr, Decision, Effect, EffectKind, Scope, Verdict};
use ringfence_engine::Explained;

/// More is not read by anybody.
const MOST: usize = 8;

/// What would happen, one line each; what cannot be told comes last.
pub(super) fn effects(decision: &Decision) -> Vec<String> {
    let happens = |effect: &&Effect| !effect.is(Attr::Content) && !effect.is(Attr::DryRun);
    // Which programs run says less than what they do.
    let is_deed = |effect: &&Effect| !matches!(effect.kind, EffectKind::Exec);
    let all: Vec<&Effect> = decision.effects.iter().filter(happens).collect();
    let mut shown: Vec<String> =
        all.iter().copied().filter(is_deed).map(ringfence_server::effect_in_words).collect();
    if shown.is_empty() {
        shown = all.iter().copied().map(ringfence_server::effect_in_words).collect();
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

/// What the session has seen, and what its user ruled out.
pub(super) fn seen(explained: &Explained) -> Vec<String> {
    let seen = explained.seen.iter().map(|it| format!("has seen: {}", source(it)));
    let ruled_out = explained.ruled_out.union(&explained.facts.boundaries);
    let ruled_out = ruled_out.map(|it| format!("was told: no {it}"));
    seen.chain(ruled_out).take(MOST).collect()
}

/// Where untrusted text or private data came from, for people; what is not known by now, by its name.
fn source(name: &str) -> &str {
    match name {
        "web" => "pages of the web",
        "mcp" => "what MCP tools return",
        "browser" => "pages in a browser",
        "injection" => "a text that talks to the agent",
        "credential" | "secret" => "a secret",
        "unknown-session" => "a beginning that nobody recorded",
        "missed-event" => "something that was not recorded",
        "forged-event" => "a message that was not its agent's",
        "second-agent" => "another agent in the same session",
        other => other,
    }
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
