//! Another way to what was denied.
//!
//! An agent that is told no tries something else, and should. What it must not do unseen is the same
//! thing by another program: delete the file that `rm` was not to delete with a script, send by `nc`
//! what `curl` was not to send. So what a denied call would have touched is remembered, and the
//! next call that would do it is shown to a person, together with the denial.

use ringfence_action::{Attr, Decision, Effect, EffectKind, Outcome};

/// What an effect does to which thing, whatever does it. None where it is nothing that is denied for
/// its own sake, or its target is not known.
pub(crate) fn thing(effect: &Effect) -> Option<String> {
    let target = effect.target.as_known()?;
    let is = |attr| effect.is(attr);
    let way = match effect.kind {
        EffectKind::Write | EffectKind::Delete | EffectKind::Metadata => "file",
        EffectKind::Persist => "persist",
        EffectKind::Guard => "guard",
        // A copy of a secret is read like any other file.
        EffectKind::Credential | EffectKind::Read => "secret",
        EffectKind::DownloadExec => "code",
        EffectKind::Net if is(Attr::Upload) || is(Attr::Destroy) || is(Attr::Tunnel) => "net",
        EffectKind::VcsRemote if is(Attr::Force) || is(Attr::DeleteRef) || is(Attr::Destroy) => {
            "remote"
        }
        EffectKind::VcsLocal if effect.attributes.get(Attr::Discards).is_some() => "local",
        EffectKind::Package if is(Attr::Publish) => "package",
        EffectKind::Infra if !is(Attr::ReadOnly) => "infra",
        EffectKind::Database if !is(Attr::ReadOnly) => "database",
        EffectKind::Process => "process",
        EffectKind::Message => "message",
        EffectKind::Payment => "payment",
        EffectKind::Privilege => "privilege",
        _ => return None,
    };
    Some(format!("{way}:{target}"))
}

/// The things that a denial was about: those whose words the denying rules point at.
pub(crate) fn things_denied(decision: &Decision) -> impl Iterator<Item = String> {
    let denying = decision.rules.iter().filter(|rule| rule.outcome == Outcome::Deny);
    let evidence: Vec<_> = denying.flat_map(|rule| &rule.evidence).collect();
    let behind = move |effect: &&Effect| {
        effect.evidence.as_ref().is_some_and(|words| evidence.contains(&words))
    };
    decision.effects.iter().filter(behind).filter_map(thing)
}
