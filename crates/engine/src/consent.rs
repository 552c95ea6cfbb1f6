//! Whether the user named an operation *and* its target.

use ringfence_action::path::base_name;
use ringfence_action::{Attr, Effect, EffectKind};

use crate::lexicon::Operation;
use crate::named::{self, Here};
use crate::operations;
use crate::protections;
use crate::said::Boundary;
use crate::session::Session;

/// Whether something the user said asks for just this: one of the effect's operations, and every
/// target the effect may have, by name.
pub(crate) fn covers(session: &Session, effect: &Effect, here: Here) -> bool {
    if protections::is_about(effect) {
        return protections::covers(session, effect);
    }
    asks_for_push_at_hand(session, effect, here)
        || named::covers(session, effect, here)
        || names_automation(session, effect)
}

/// A forced push that is refused where somebody else has pushed meanwhile needs no name where the user
/// asked just now for what it takes: "force-push it", "rebase onto main and push". One that is not refused must
/// be asked for as such, and is of a branch that nobody else builds on by its name.
fn asks_for_push_at_hand(session: &Session, effect: &Effect, here: Here) -> bool {
    let forced = effect.kind == EffectKind::VcsRemote
        && effect.is(Attr::Force)
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
    let own = || {
        effect.text(Attr::Branch).is_some_and(|branch| {
            let spoken_of = || session.wishes().any(|wish| wish.mentions(&branch.to_lowercase()));
            !is_shared(branch)
                && (here.current_branch == Some(true)
                    || (here.current_branch.is_none() && spoken_of()))
        })
    };
    forced
        && match effect.is(Attr::Lease) {
            true => asked(Operation::ForcePush) || (asked(Operation::Push) && rewritten()),
            false => asked(Operation::ForcePush) && own(),
        }
}

/// Whether a branch is one that others build on, by its name.
fn is_shared(branch: &str) -> bool {
    let first = branch.split(['/', '-']).next().unwrap_or(branch);
    matches!(
        first,
        "main"
            | "master"
            | "trunk"
            | "develop"
            | "development"
            | "dev"
            | "release"
            | "releases"
            | "staging"
            | "stable"
            | "production"
            | "prod"
            | "?"
            | ""
    )
}

/// The project's automation has names of its own: "update the release workflow", "CI runs out of memory, limit
/// it there".
fn names_automation(session: &Session, effect: &Effect) -> bool {
    const AUTOMATION: &[&str] = &[
        "workflow",
        "workflows",
        "pipeline",
        "pipelines",
        "action",
        "actions",
        "ci/cd",
        "gitlab-ci",
        "jenkinsfile",
        "flujo",
        "ワークフロー",
        "パイプライン",
        "流水线",
        "工作流",
    ];
    const SETTINGS: &[&str] = &[
        "config",
        "configuration",
        "job",
        "jobs",
        "step",
        "steps",
        "yaml",
        "yml",
        "setup",
        "konfiguration",
        "schritt",
        "étape",
        "paso",
    ];
    let is_automation = effect.attributes.contains(Attr::Classes, "ci")
        && matches!(effect.kind, EffectKind::Write | EffectKind::Create);
    let operations = operations::of(effect);
    is_automation
        && session.wishes().any(|wish| {
            let has = |words: &[&str]| words.iter().any(|word| wish.mentions(word));
            wish.operations.iter().any(|operation| operations.contains(operation))
                && (has(AUTOMATION) || (has(&["ci"]) && has(SETTINGS)) || wish.has_place("ci"))
        })
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
