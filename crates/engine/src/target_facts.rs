//! Ground truth about one target, put together from what was supplied, gathered and remembered.

use ringfence_action::path::{absolute, is_within};
use ringfence_action::{Action, Attr, Effect, EffectKind, Facts, Target};
use ringfence_policy::{RepositoryFacts, TargetFacts};

use crate::consent;
use crate::session::Session;

/// What is known of the repository.
pub(crate) fn repository(facts: &Facts) -> RepositoryFacts {
    let Some(git) = &facts.git else { return RepositoryFacts::default() };
    RepositoryFacts {
        branch: git.branch.clone(),
        default_branch: git.default_branch.clone(),
        dirty: git.dirty,
        has_untracked: git.untracked.as_ref().map(|files| !files.is_empty()),
        unpushed: git.unpushed,
    }
}

/// What is known of an effect's target. The target must not be one of several.
pub(crate) fn about(
    effect: &Effect,
    action: &Action,
    facts: &Facts,
    session: &Session,
) -> TargetFacts {
    let mut known = TargetFacts {
        named_by_user: consent::covers(session, effect),
        created: is_created(effect, facts, session),
        known_destination: destination(effect, facts, session),
        ..TargetFacts::default()
    };
    if effect.kind.targets_path() {
        add_path(&mut known, effect, action, facts);
    }
    if matches!(effect.kind, EffectKind::VcsRemote | EffectKind::VcsLocal) {
        add_branch(&mut known, effect, facts);
    }
    known
}

fn add_path(known: &mut TargetFacts, effect: &Effect, action: &Action, facts: &Facts) {
    let Some(path) = effect.target.as_known() else { return };
    if let Some(path_facts) = facts.paths.get(path) {
        known.exists = path_facts.exists;
        known.kind = path_facts.kind;
        known.tracked = path_facts.tracked;
        known.ignored = path_facts.ignored;
    }
    let git = facts.git.as_ref();
    let top = git.and_then(|git| git.top.as_deref()).or(action.cwd.as_deref());
    if let (Some(top), Some(untracked)) = (top, git.and_then(|git| git.untracked.as_ref())) {
        known.holds_untracked =
            Some(untracked.iter().any(|file| is_within(path, &absolute(top, file))));
    }
}

fn add_branch(known: &mut TargetFacts, effect: &Effect, facts: &Facts) {
    let named = effect.text(Attr::Branch).or_else(|| branch_of(&effect.target));
    let git = facts.git.as_ref();
    let current = git.and_then(|git| git.branch.as_deref());
    let default = git.and_then(|git| git.default_branch.as_deref());
    // A push that names no branch pushes the one checked out.
    let Some(branch) = named.or(current) else { return };
    known.current_branch = current.map(|current| current == branch);
    known.default_branch = match default {
        Some(default) => Some(default == branch),
        // Without facts, the two names that trunks have nearly everywhere.
        None if matches!(branch, "main" | "master" | "trunk") => Some(true),
        None => None,
    };
}

fn branch_of(target: &Target) -> Option<&str> {
    target.as_known()?.split_once('/').map(|(_, branch)| branch)
}

/// Whether this session made the target, or the folder it lies in.
fn is_created(effect: &Effect, facts: &Facts, session: &Session) -> bool {
    let target = match &effect.target {
        Target::Known(text) | Target::Pattern(text) => text.as_str(),
        Target::OneOf(_) | Target::Unknown => return false,
    };
    let key = match effect.kind {
        EffectKind::Process => format!("pid:{target}"),
        EffectKind::VcsLocal | EffectKind::VcsRemote => {
            format!("branch:{}", effect.text(Attr::Branch).unwrap_or(target))
        }
        _ if effect.kind.targets_path() => {
            // For a pattern, the folder above its first wildcard must be the session's own.
            let fixed = target.split(['*', '?', '[']).next().unwrap_or_default();
            let fixed = fixed.trim_end_matches('/');
            let pattern = matches!(effect.target, Target::Pattern(_));
            return facts
                .created
                .iter()
                .chain(session.created())
                .any(|made| is_within(made, fixed) && (!pattern || fixed.len() >= made.len()));
        }
        _ => target.to_owned(),
    };
    facts.created.contains(&key) || session.has_created(&key)
}

/// Whether a destination was seen before: in the configuration or in the session. Unknown where
/// the effect has none.
fn destination(effect: &Effect, facts: &Facts, session: &Session) -> Option<bool> {
    let place = match effect.kind {
        EffectKind::Net | EffectKind::Message => effect.target.as_known()?,
        EffectKind::VcsRemote => effect.text(Attr::Remote)?,
        _ => return None,
    };
    let configured =
        facts.git.as_ref().and_then(|git| git.remotes.as_ref()).is_some_and(|remotes| {
            remotes.contains_key(place) || remotes.values().any(|url| url.contains(place))
        });
    Some(configured || session.knows_destination(place))
}
