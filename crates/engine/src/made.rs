//! What a call leaves behind if it succeeds: what the session itself made may be cleaned up by it.
//!
//! Only what is new by the session's doing counts. That something was not there before is known from
//! facts, or because the program refuses where it is: `mkdir` without `-p`, `git clone`.

use ringfence_action::{Attr, AttrValue, Effect, EffectKind, Scope, Target, Verdict};

use crate::Explained;
use crate::session::{APPROVED, GONE};

impl Explained {
    /// What will be the session's own if the call succeeds: absolute paths that were not there;
    /// `branch:NAME`; `pushed:FOLDER:BRANCH`; `port:N` where it
    /// serves; `rewrote:FOLDER` where commits became others;
    /// `changed:PATH` for files that had no changes of somebody else's; `approved:RULE:TARGET` where a
    /// person was asked. What begins with `gone:` is no longer there, or no longer the session's.
    pub fn would_create(&self) -> impl Iterator<Item = String> {
        let effects = self.decision.effects.iter();
        let live = effects.filter(|effect| {
            effect.scope == Scope::Local && !effect.is(Attr::Content) && !effect.is(Attr::DryRun)
        });
        let made = live.flat_map(|effect| match effect.kind {
            EffectKind::Create | EffectKind::Write => self.written(effect),
            EffectKind::VcsLocal => versioned(effect),
            EffectKind::VcsRemote => pushed(effect),
            EffectKind::Net if effect.is(Attr::Listen) => serves(effect),
            // What was planned is done.
            EffectKind::Infra if applies(effect) => crate::plan::applied(effect).into(),
            _ => Vec::new(),
        });
        let asked = self.decision.verdict == Verdict::Ask;
        made.chain(self.asked.iter().filter(move |_| asked).map(|key| format!("{APPROVED}{key}")))
    }

    fn written(&self, effect: &Effect) -> Vec<String> {
        let Some(path) = place(&effect.target) else { return Vec::new() };
        let known = self.facts.paths.get(path);
        let was_absent = known.and_then(|known| known.exists) == Some(false);
        // Where nothing was looked at, as in a recording, a folder that is made is taken for new.
        let unseen = self.facts.paths.is_empty() && effect.text(Attr::By) == Some("mkdir");
        let mut made = Vec::new();
        if was_absent || unseen || refuses_what_is_there(effect) {
            made.push(path.to_owned());
        }
        if known.and_then(|known| known.clean) != Some(false) {
            made.push(format!("changed:{path}"));
        }
        made
    }
}

/// A path as far as it is one: from a folder that is not known, it is written `**/x`.
pub(crate) fn place(target: &Target) -> Option<&str> {
    match target {
        Target::Known(path) => Some(path.as_str()),
        Target::Pattern(path) => Some(path.as_str()).filter(|path| {
            path.strip_prefix("**/").is_some_and(|rest| !rest.contains(['*', '?', '[']))
        }),
        Target::OneOf(_) | Target::Unknown => None,
    }
}

/// Programs that fail where their target is there already.
fn refuses_what_is_there(effect: &Effect) -> bool {
    let op = effect.text(Attr::Op).unwrap_or_default();
    effect.kind == EffectKind::Create
        && !effect.is(Attr::Conditional)
        && match effect.text(Attr::By) {
            Some("mkdir") => true,
            Some("git") => matches!(op, "clone" | "worktree add"),
            _ => false,
        }
}

fn applies(effect: &Effect) -> bool {
    let op = effect.text(Attr::Op).unwrap_or_default();
    matches!(op.split(' ').next(), Some("apply" | "up" | "deploy" | "destroy"))
}

/// A server of this session: who frees its port ends what the session started.
fn serves(effect: &Effect) -> Vec<String> {
    match effect.attributes.get(Attr::Port) {
        Some(AttrValue::Count(port)) => vec![format!("port:{port}")],
        _ => Vec::new(),
    }
}

fn versioned(effect: &Effect) -> Vec<String> {
    let op = effect.text(Attr::Op).unwrap_or_default();
    let folder = effect.text(Attr::Dir).unwrap_or("?");
    let target = effect.target.as_known().unwrap_or_default();
    match op {
        "branch create" if !effect.is(Attr::Conditional) => vec![format!("branch:{target}")],
        "rebase" | "commit --amend" => vec![format!("rewrote:{folder}")],
        // Another branch is at hand now.
        "switch" => vec![
            format!("{GONE}pushed:{folder}:?"),
            format!("{GONE}rewrote:{folder}"),
            format!("{GONE}current:{folder}:"),
            format!("current:{folder}:{target}"),
        ],
        _ => Vec::new(),
    }
}

/// After a push that was accepted, the remote branch holds what this session pushed: it was refused if
/// somebody else had pushed before. By force alone it proves nothing.
fn pushed(effect: &Effect) -> Vec<String> {
    let op = effect.text(Attr::Op).unwrap_or_default();
    let held = op.starts_with("push")
        && (!effect.is(Attr::Force) || effect.is(Attr::Lease))
        && !effect.is(Attr::DeleteRef)
        && !effect.is(Attr::All);
    if !held {
        return Vec::new();
    }
    let folder = effect.text(Attr::Dir).unwrap_or("?");
    // The branch that is named is the one at hand until another one is.
    let branch = effect.text(Attr::Branch).unwrap_or("?");
    vec![format!("pushed:{folder}:{branch}"), format!("pushed:{folder}:?")]
}
