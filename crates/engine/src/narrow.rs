//! A yes that stands for a session, as a rule that is narrower than the one that asked.
//!
//! It is made of what a person sees before they say yes: the effects that rules object to, at the folder and by the
//! tool of the call, and nothing else. It serves calls of which no rule objects to anything else, under the same
//! rules, while the session has seen nothing more; what its user rules out is ruled out, whatever was let through. What a call would do beside is judged by the rules
//! as ever: only what they let through without asking may come along.

use std::collections::BTreeSet;

use ringfence_action::{Action, Attr, DecidedBy, Effect, EffectKind, Preset, Target, Verdict};
use serde::{Deserialize, Serialize};

use crate::engine::{Explained, Options};

/// What a person may let through for as long as a session lasts. Whose session it is says whoever keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRule {
    /// The agent's tool.
    pub tool: String,
    /// The folder that the call works in.
    pub cwd: Option<String>,
    /// The rules that may be passed over.
    pub rules: BTreeSet<String>,
    /// For these effects, each with all that is known of how it happens.
    pub effects: BTreeSet<Effect>,
    /// What the session had seen.
    pub seen: BTreeSet<String>,
    /// What was assumed where no rule speaks.
    pub preset: Preset,
    /// The digest of the rules.
    pub bundle: String,
}

impl SessionRule {
    /// The narrowest rule that serves this call; nothing where that would say less than what happens, or where
    /// something objects that is no rule about an effect.
    pub fn proposed(action: &Action, explained: &Explained, options: Options) -> Option<Self> {
        let Explained { decision, seen, overridable, stands_against, .. } = explained;
        let is_asked = decision.verdict == Verdict::Ask && decision.decided_by == DecidedBy::Policy;
        if !is_asked || !overridable || !decision.opaque.is_empty() {
            return None;
        }
        let (rules, effects) = stands_against.as_ref()?;
        let effects: BTreeSet<Effect> = effects.iter().map(at_all).collect();
        (!effects.is_empty() && effects.iter().all(says_what_happens)).then(|| Self {
            tool: action.tool.clone(),
            cwd: action.cwd.clone(),
            rules: rules.clone(),
            effects: effects.clone(),
            seen: seen.clone(),
            preset: options.preset,
            bundle: decision.bundle.clone(),
        })
    }

    /// Whether a call that is asked about does nothing that this rule does not let through.
    pub fn covers(&self, action: &Action, explained: &Explained, options: Options) -> bool {
        Self::proposed(action, explained, options).is_some_and(|call| {
            call.tool == self.tool
                && call.cwd == self.cwd
                && call.preset == self.preset
                && call.bundle == self.bundle
                && call.rules.is_subset(&self.rules)
                && call.effects.is_subset(&self.effects)
                && call.seen.is_subset(&self.seen)
        })
    }
}

/// The effect, whether it happens on every path or on some.
fn at_all(effect: &Effect) -> Effect {
    effect.clone().with(Attr::Conditional, false)
}

/// Whether kind, target and attributes are all that matters. Two messages to the same person, two statements to
/// the same database or two contents of the same file are not the same thing, and each is looked at by itself.
fn says_what_happens(effect: &Effect) -> bool {
    let is_known = matches!(effect.target, Target::Known(_));
    is_known
        && match effect.kind {
            EffectKind::Read
            | EffectKind::Create
            | EffectKind::Metadata
            | EffectKind::VcsLocal
            | EffectKind::VcsRemote => true,
            // What goes by a name may be another thing the next time: a link put in a folder's place, a package at
            // another registry or of tomorrow.
            EffectKind::Delete
            | EffectKind::Package
            | EffectKind::Write
            | EffectKind::Exec
            | EffectKind::ExecCode
            | EffectKind::Net
            | EffectKind::DownloadExec
            | EffectKind::Privilege
            | EffectKind::Credential
            | EffectKind::EnvExec
            | EffectKind::Persist
            | EffectKind::Infra
            | EffectKind::Database
            | EffectKind::Process
            | EffectKind::Message
            | EffectKind::Payment
            | EffectKind::Browser
            | EffectKind::Guard => false,
        }
}
