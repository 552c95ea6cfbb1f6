//! Ground truth about one target, put together from what was supplied, gathered and remembered.

use ringfence_action::path::{absolute, is_within};
use ringfence_action::{Action, Attr, Effect, EffectKind, Facts, GitFacts, Target};
use ringfence_policy::{RepositoryFacts, TargetFacts};

use crate::consent;
use crate::named::Here;
use crate::plan;
use crate::session::Session;

/// The repository that an effect is about, as far as anything is known of it.
pub(crate) fn repository<'f>(
    effect: &Effect,
    action: &Action,
    facts: &'f Facts,
) -> Option<&'f GitFacts> {
    let place = match effect.kind {
        // What becomes of another work tree.
        EffectKind::VcsLocal
            if effect.text(Attr::Op).is_some_and(|op| op.starts_with("worktree")) =>
        {
            effect.target.as_known()?
        }
        EffectKind::VcsLocal | EffectKind::VcsRemote => match effect.text(Attr::Dir) {
            Some(folder) => folder,
            // A tool that is no command works in the working folder; a command that leaves open where
            // it works may work anywhere.
            None if effect.text(Attr::By).is_none() => return facts.git.as_ref(),
            None => return None,
        },
        kind if kind.targets_path() => effect.target.as_known()?,
        _ => return facts.git.as_ref(),
    };
    let others = facts.repositories.iter().map(|(top, git)| (top.as_str(), git));
    let top_here = |git: &'f GitFacts| git.top.as_deref().or(action.cwd.as_deref());
    let here = facts.git.as_ref().and_then(|git| Some((top_here(git)?, git)));
    let holding = others.chain(here).filter(|(top, _)| is_within(top, place));
    holding.max_by_key(|(top, _)| top.len()).map(|(_, git)| git)
}

/// What rules may know of a repository.
pub(crate) fn for_rules(git: Option<&GitFacts>) -> RepositoryFacts {
    let Some(git) = git else { return RepositoryFacts::default() };
    RepositoryFacts {
        branch: git.branch.clone(),
        default_branch: git.default_branch.clone(),
        dirty: git.dirty,
        has_untracked: git.untracked.as_ref().map(|files| !files.is_empty()),
        unpushed: git.unpushed,
        stashes: git.stashes,
    }
}

/// What is known of an effect's target. The target must not be one of several.
pub(crate) fn about(
    effect: &Effect,
    repository: Option<&GitFacts>,
    action: &Action,
    facts: &Facts,
    session: &Session,
) -> TargetFacts {
    let mut known = TargetFacts {
        created: is_created(effect, facts, session),
        known_destination: destination(effect, facts, session),
        ..TargetFacts::default()
    };
    if effect.kind.targets_path() || effect.kind == EffectKind::VcsLocal {
        add_path(&mut known, effect, repository, action, facts);
    }
    if matches!(effect.kind, EffectKind::VcsRemote | EffectKind::VcsLocal) {
        add_branch(&mut known, effect, repository);
        known.upstream = repository.and_then(|git| is_upstream(effect, git));
        add_commits(&mut known, effect, repository);
    }
    if effect.kind == EffectKind::Infra && !effect.is(Attr::ReadOnly) {
        known.plan_takes = plan::largest(effect, facts, session);
    }
    let here = Here {
        current_branch: known.current_branch,
        dirty: repository.and_then(|git| git.dirty),
        orphaned: known.orphaned,
        own_repository: is_own_repository(effect, repository, action),
    };
    known.named_by_user = consent::covers(session, effect, here);
    known
}

fn add_path(
    known: &mut TargetFacts,
    effect: &Effect,
    repository: Option<&GitFacts>,
    action: &Action,
    facts: &Facts,
) {
    let Some(path) = effect.target.as_known().filter(|path| path.starts_with('/')) else { return };
    if let Some(path_facts) = facts.paths.get(path) {
        known.exists = path_facts.exists;
        known.kind = path_facts.kind;
        known.tracked = path_facts.tracked;
        known.ignored = path_facts.ignored;
        known.clean = path_facts.clean;
        known.holds_untracked = path_facts.holds_untracked;
    }
    let top = repository.and_then(|git| git.top.as_deref()).or(action.cwd.as_deref());
    if known.holds_untracked.is_none()
        && let (Some(top), Some(untracked)) =
            (top, repository.and_then(|git| git.untracked.as_ref()))
    {
        let holds = untracked.iter().any(|file| is_within(path, &absolute(top, file)));
        // A list that is full may leave out the one that matters.
        let complete = untracked.len() < GitFacts::MAX_UNTRACKED;
        known.holds_untracked = (holds || complete).then_some(holds);
    }
}

fn add_commits(known: &mut TargetFacts, effect: &Effect, repository: Option<&GitFacts>) {
    let Some(git) = repository else { return };
    let branch = effect.text(Attr::Branch);
    if effect.kind == EffectKind::VcsRemote {
        let remote = effect.text(Attr::Remote);
        let seen = remote.zip(branch.or(git.branch.as_deref()));
        known.foreign = seen
            .and_then(|(remote, branch)| git.foreign.get(&format!("{remote}/{branch}")).copied());
    } else if effect.is(Attr::DeleteRef) {
        let name = effect.target.as_known().unwrap_or_default();
        let name = name.strip_prefix("refs/heads/").unwrap_or(name);
        known.orphaned = git.orphaned.get(&format!("branch:{name}")).copied();
    } else {
        known.orphaned =
            branch.and_then(|revision| git.orphaned.get(&format!("to:{revision}")).copied());
    }
}

fn add_branch(known: &mut TargetFacts, effect: &Effect, git: Option<&GitFacts>) {
    let named = effect.text(Attr::Branch).or_else(|| branch_of(&effect.target));
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

/// Whether the remote is the project that this repository was forked from: of the two, whose owners
/// differ, the user's own is `origin`. The other is called `upstream`, or belongs to somebody else
/// while `origin` is the user's by name.
fn is_upstream(effect: &Effect, git: &GitFacts) -> Option<bool> {
    let remotes = git.remotes.as_ref()?;
    let owner = |name: &str| owner(remotes.get(name).map_or(name, String::as_str));
    let own = owner("origin")?;
    let here = owner(effect.text(Attr::Remote)?)?;
    if git.accounts.contains(&own) && here != own {
        return Some(!git.accounts.contains(&here));
    }
    let theirs = owner("upstream")?;
    Some(own != theirs && here == theirs)
}

/// Whether the repository that a call to the forge names, as `owner/name`, is the one worked in: one of its
/// remotes, or by the name of the folder where nothing is known of it.
pub(crate) fn is_own_repository(
    effect: &Effect,
    git: Option<&GitFacts>,
    action: &Action,
) -> Option<bool> {
    let named = effect.text(Attr::Remote)?.trim_end_matches(".git").to_lowercase();
    let remotes = git.and_then(|git| git.remotes.as_ref());
    if let Some(remotes) = remotes {
        let is = |url: &String| {
            let place = url.trim_end_matches('/').trim_end_matches(".git").to_lowercase();
            place.ends_with(&format!("/{named}")) || place.ends_with(&format!(":{named}"))
        };
        return Some(remotes.values().any(is));
    }
    let folder = action.cwd.as_deref().and_then(|cwd| cwd.rsplit('/').next())?.to_lowercase();
    (named.rsplit('/').next() == Some(folder.as_str())).then_some(true)
}

/// Who owns the repository at a URL: `host/owner`, in lower case.
fn owner(url: &str) -> Option<String> {
    let place = url.split_once("://").map_or(url, |(_, place)| place);
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let (owner, _repository) = place.trim_end_matches('/').rsplit_once('/')?;
    Some(owner.replace(':', "/").to_lowercase())
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
        EffectKind::Process if target.starts_with("port:") => {
            format!("port:{}", port(target).unwrap_or_default())
        }
        EffectKind::Process => format!("pid:{target}"),
        EffectKind::VcsLocal | EffectKind::VcsRemote => {
            return is_own_version(effect, facts, session);
        }
        // A program that this session wrote, over what was there or not.
        EffectKind::ExecCode => {
            let has = |key: &str| facts.created.contains(key) || session.has_created(key);
            return has(target) || has(&format!("changed:{target}"));
        }
        _ if effect.kind.targets_path() => {
            // For a pattern, the folder above its first wildcard must be the session's own.
            let own = |made: &String| made == target || target.starts_with(&format!("{made}/"));
            if target.starts_with("**/") && session.created().any(own) {
                return crate::made::place(&effect.target).is_some();
            }
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

/// The number of a port: `port:3000`, `port:tcp:3000`, `port:3000/tcp`.
fn port(target: &str) -> Option<&str> {
    let number = target.rsplit(':').next()?;
    let end = number.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(number.len());
    number.get(..end).filter(|digits| !digits.is_empty())
}

/// Whether what version control would lose is of this session's making.
fn is_own_version(effect: &Effect, facts: &Facts, session: &Session) -> bool {
    let has = |key: String| facts.created.contains(&key) || session.has_created(&key);
    let op = effect.text(Attr::Op).unwrap_or_default();
    let folder = effect.text(Attr::Dir).unwrap_or("?");
    let target = effect.target.as_known().unwrap_or_default();
    match op {
        // A file that this session changed: what is thrown away is its own work.
        "checkout" | "restore" => {
            crate::made::place(&effect.target).is_some_and(|path| has(format!("changed:{path}")))
        }
        _ => {
            let branch = effect.text(Attr::Branch);
            // Where this session pushed before without force, nobody else's commits were; a lease
            // sees to it that this is still so.
            let pushed = effect.kind == EffectKind::VcsRemote
                && effect.is(Attr::Lease)
                && !effect.is(Attr::All)
                && (has(format!("pushed:{folder}:{}", branch.unwrap_or("?")))
                    || is_at_hand(branch, folder, session));
            pushed || has(format!("branch:{}", branch.unwrap_or(target)))
        }
    }
}

/// Whether the push names no branch, and the one that this session switched to last is one that it
/// pushed.
fn is_at_hand(branch: Option<&str>, folder: &str, session: &Session) -> bool {
    let current = format!("current:{folder}:");
    branch.is_none_or(|branch| branch == "?")
        && session
            .created()
            .filter_map(|made| made.strip_prefix(&current))
            .any(|branch| session.has_created(&format!("pushed:{folder}:{branch}")))
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
