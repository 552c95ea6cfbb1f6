//! How far a session has moved from what its user asked for.
//!
//! Each thing that a call changes counts once. It counts as asked for where the user named the operation
//! and the target; half, where it is done in the workspace by an operation that was asked for, or undoes
//! what the session made; not at all, where nobody asked for anything like it. A place on the network
//! counts where the session goes there for the first time. What was denied did not happen.

use ringfence_action::{Attr, Effect, EffectKind};
use serde::{Deserialize, Serialize};

use crate::operations;
use crate::session::Session;

/// What was changed so far, in halves, and how much of it nobody asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Drift {
    done: u64,
    unasked: u64,
}

impl Drift {
    /// From 0, all was asked for, to 1, nothing was.
    #[expect(clippy::cast_precision_loss, reason = "counts of one session")]
    pub(crate) fn share(self) -> f64 {
        if self.done == 0 { 0.0 } else { self.unasked as f64 / self.done as f64 }
    }

    pub(crate) fn add(&mut self, more: Self) {
        self.done = self.done.saturating_add(more.done);
        self.unasked = self.unasked.saturating_add(more.unasked);
    }

    /// What a call adds. `named`: whether the user named operation and target, effect by effect.
    pub(crate) fn of(effects: &[Effect], named: &[bool], session: &Session) -> Self {
        let mut drift = Self::default();
        for (effect, named) in
            effects.iter().zip(named).filter(|(effect, _)| happens(effect, session))
        {
            drift.done += 2;
            drift.unasked += match (named, is_near(effect, session)) {
                (true, _) => 0,
                (false, true) => 1,
                (false, false) => 2,
            };
        }
        drift
    }
}

/// Whether the effect is something that a user could have asked for.
fn happens(effect: &Effect, session: &Session) -> bool {
    if effect.is(Attr::Content) || effect.is(Attr::DryRun) || effect.is(Attr::ReadOnly) {
        return false;
    }
    match effect.kind {
        EffectKind::Net => {
            effect.target.as_known().is_some_and(|host| !session.knows_destination(host))
                && !effect.attributes.contains(Attr::Classes, "localhost")
        }
        kind => kind.changes_state(),
    }
}

/// Whether it is done in the place of the work, by an operation that was asked for, or to what the session
/// made.
fn is_near(effect: &Effect, session: &Session) -> bool {
    let operations = operations::of(effect);
    let is_wanted = session
        .wishes()
        .any(|wish| operations.iter().any(|operation| wish.operations.contains(operation)));
    let place = effect.text(Attr::Place);
    let is_here = matches!(place, Some("workspace" | "temp"))
        || matches!(effect.kind, EffectKind::VcsLocal | EffectKind::VcsRemote);
    let is_own = effect.target.as_known().is_some_and(|target| session.has_created(target));
    is_own || (is_here && is_wanted)
}
