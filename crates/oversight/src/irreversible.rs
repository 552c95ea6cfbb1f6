//! Which consequences cannot be undone.

use ringfence_action::{Attr, Effect, EffectKind};

/// Whether one of these consequences could not be undone by whoever asked for it: a tree or something vital is
/// deleted (temporary folders aside), work that is in no commit or history that others have is discarded, data or
/// resources are destroyed, something is published, sent or paid. What only might happen, is only shown, or is
/// only written down for later does not count.
pub fn is_irreversible(effects: &[Effect]) -> bool {
    effects.iter().any(cannot_be_undone)
}

fn cannot_be_undone(effect: &Effect) -> bool {
    let is = |attr| effect.is(attr);
    if [Attr::DryRun, Attr::Conditional, Attr::Content, Attr::ReadOnly].into_iter().any(is) {
        return false;
    }
    match effect.kind {
        EffectKind::Delete => {
            is(Attr::Critical) || is(Attr::Recursive) && effect.text(Attr::Place) != Some("temp")
        }
        EffectKind::VcsLocal => effect.attributes.get(Attr::Discards).is_some(),
        EffectKind::VcsRemote => [Attr::Force, Attr::DeleteRef, Attr::Destroy].into_iter().any(is),
        EffectKind::Database => [Attr::Ddl, Attr::Destroy, Attr::Unbounded].into_iter().any(is),
        EffectKind::Infra => is(Attr::Destroy),
        EffectKind::Package => is(Attr::Publish),
        EffectKind::Message | EffectKind::Payment => true,
        EffectKind::Read
        | EffectKind::Write
        | EffectKind::Create
        | EffectKind::Metadata
        | EffectKind::Exec
        | EffectKind::ExecCode
        | EffectKind::Net
        | EffectKind::DownloadExec
        | EffectKind::Privilege
        | EffectKind::Credential
        | EffectKind::EnvExec
        | EffectKind::Persist
        | EffectKind::Process
        | EffectKind::Browser
        | EffectKind::Guard => false,
    }
}
