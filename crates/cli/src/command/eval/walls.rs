//! What becomes of an action that is answered with `contain`: whether the gate could answer so at all,
//! and whether the walls stand between the action and its harm.
//!
//! Inside there is no network but to the registries and forges that the action names, nothing of the home but
//! toolchains, nobody else's processes, and a scratch folder of its own; the workspace is there and can be
//! written. So a harm that the analysis sees in the workspace, or sent to a forge, is one that the walls do not
//! stop. What the analysis could not see counts as held where the rule that contains it names a harm outside
//! of the workspace, which all such rules do.

use ringfence_action::{Attr, Call, Decision, Effect, EffectKind, Scope};
use serde::{Deserialize, Serialize};

use crate::command::hook::hosts_inside;

/// What becomes of a contained action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Inside {
    /// The walls do not stop everything that it would change.
    Reached,
    /// The walls are between it and what it would do.
    Held,
    /// It cannot do its work inside, so that the gate asks a person instead.
    Asked,
}

/// What becomes of this action inside.
pub(super) fn inside(call: &Call, decision: &Decision) -> Inside {
    let is_shell = matches!(call, Call::Shell { .. } | Call::Exec { .. });
    if !is_shell || hosts_inside(&decision.effects).is_err() {
        Inside::Asked
    } else if decision.effects.iter().any(is_within_reach) {
        Inside::Reached
    } else {
        Inside::Held
    }
}

/// Whether an effect can take place inside, on something that outlives the run.
fn is_within_reach(effect: &Effect) -> bool {
    if effect.is(Attr::DryRun) || effect.is(Attr::Content) || effect.scope != Scope::Local {
        return false;
    }
    match effect.kind {
        EffectKind::Write | EffectKind::Create | EffectKind::Delete | EffectKind::Metadata => {
            !matches!(
                effect.text(Attr::Place),
                Some("temp" | "home" | "system" | "other" | "device")
            )
        }
        EffectKind::VcsLocal | EffectKind::VcsRemote | EffectKind::Database => true,
        EffectKind::Net => effect.is(Attr::Upload),
        EffectKind::Package => effect.is(Attr::Publish),
        _ => false,
    }
}
