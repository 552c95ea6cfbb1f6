//! Whether the user named an operation *and* its target.

use ringfence_action::path::base_name;
use ringfence_action::{Attr, Effect, EffectKind};

use crate::lexicon::Operation;
use crate::named::{self, Here};
use crate::operations;
use crate::protections;
use crate::said::{Boundary, Request};
use crate::session::Session;

/// Whether something the user said asks for just this: one of the effect's operations, and every
/// target the effect may have, by name.
pub(crate) fn covers(session: &Session, effect: &Effect, here: Here) -> bool {
    if protections::is_about(effect) {
        return protections::covers(session, effect);
    }
    if asks_for_push_at_hand(session, effect) || named::covers(session, effect, here) {
        return true;
    }
    let operations = operations::ruled_out_by(effect);
    session
        .requests()
        .any(|request| operations.contains(&request.operation) && names_automation(request, effect))
}

/// A forced push that is refused where somebody else has pushed meanwhile needs no name where the user
/// asked just now for what it takes: "force-push it", "rebase onto main and push".
fn asks_for_push_at_hand(session: &Session, effect: &Effect) -> bool {
    let held = effect.kind == EffectKind::VcsRemote
        && effect.is(Attr::Force)
        && effect.is(Attr::Lease)
        && !effect.is(Attr::All)
        && !effect.is(Attr::DeleteRef);
    let asked = |operation| {
        session.recent_requests().any(|request| request.operation == operation && request.at_hand)
    };
    let asked_anyhow =
        |operation| session.recent_requests().any(|request| request.operation == operation);
    let folder = effect.text(Attr::Dir).unwrap_or("?");
    let rewritten =
        || asked_anyhow(Operation::Rewrite) || session.has_created(&format!("rewrote:{folder}"));
    held && (asked(Operation::ForcePush) || (asked(Operation::Push) && rewritten()))
}

/// The project's automation has names of its own: "update the release workflow".
fn names_automation(request: &Request, effect: &Effect) -> bool {
    let is_automation = effect.attributes.contains(Attr::Classes, "ci")
        && matches!(effect.kind, EffectKind::Write | EffectKind::Create);
    let has = |words: &[&str]| words.iter().any(|word| request.has_word(word));
    is_automation
        && (has(&["workflow", "workflows", "pipeline", "pipelines", "action", "actions", "ci/cd"])
            || (has(&["ci"])
                && has(&["config", "configuration", "job", "jobs", "step", "yaml", "setup"])))
}

/// Whether a boundary is about this effect.
pub(crate) fn forbids(boundary: &Boundary, effect: &Effect) -> bool {
    // Looking is never ruled out by a word for a change.
    if effect.is(Attr::ReadOnly) {
        return false;
    }
    let about_operation = match boundary.operation {
        Some(operation) => {
            let operations = operations::ruled_out_by(effect);
            operations.contains(&operation)
                // What goes to the trunk is merged, whatever the way.
                || (operation == Operation::Merge && goes_to_trunk(effect))
                // "don't push" rules out a forced one too.
                || (operation == Operation::Push
                    && operations.contains(&Operation::ForcePush))
        }
        // What is not to be touched is not read where it holds secrets, either; and SQL that nobody has read
        // changes what it runs on.
        None => {
            let secret = !boundary.objects.is_empty() && is_use_of_secret(effect);
            let unread = effect.text(Attr::Lang) == Some("sql") && effect.is(Attr::Unread);
            effect.kind.changes_state() || secret || unread
        }
    };
    about_operation
        && (boundary.objects.is_empty() || {
            let target = effect.target.to_string().to_lowercase();
            boundary.objects.iter().any(|object| target.contains(object.as_str()))
        })
}

/// Whether it takes settings that hold secrets into use: `source .env`.
fn is_use_of_secret(effect: &Effect) -> bool {
    let target = effect.target.as_known().unwrap_or_default();
    match effect.kind {
        EffectKind::Credential => true,
        EffectKind::ExecCode => base_name(target).starts_with(".env"),
        _ => false,
    }
}

fn goes_to_trunk(effect: &Effect) -> bool {
    effect.kind == EffectKind::VcsRemote
        && effect.text(Attr::Op).is_some_and(|op| op.starts_with("push"))
        && matches!(effect.text(Attr::Branch), Some("main" | "master" | "trunk"))
}
