//! Rights that something takes are asked for with it.
//!
//! Who asks for a service of the machine to be restarted asks for `sudo systemctl restart` and not for
//! `sudo`. So what a call takes to be done is judged after what it does: where every change that it makes
//! was asked for by name, and there is one, the rights for it were asked for, too. A call that
//! changes nothing asked for, or that cannot be read to its end, carries nothing.

use ringfence_action::{Attr, Effect, EffectKind};
use ringfence_analysis::Analysis;

/// Whether the changes of a call, as far as they were looked at, were asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    all: bool,
    any: bool,
}

impl Asked {
    /// Nothing was looked at yet.
    pub(crate) fn of(analysis: &Analysis) -> Self {
        Self { all: analysis.opaque.is_empty(), any: false }
    }

    /// Takes note of an effect, and whether it was named.
    pub(crate) fn note(&mut self, effect: &Effect, named: bool) {
        if effect.kind.changes_state() && !effect.is(Attr::ReadOnly) && !is_means(effect) {
            self.all &= named;
            self.any = true;
        }
    }

    /// Whether this is what the changes take, and they were asked for.
    pub(crate) fn carries(self, effect: &Effect) -> bool {
        is_means(effect) && self.all && self.any
    }
}

fn is_means(effect: &Effect) -> bool {
    effect.kind == EffectKind::Privilege
}

/// The effects with their places, what they are for before what it takes.
pub(crate) fn last(effects: &[Effect]) -> impl Iterator<Item = (usize, &Effect)> {
    let ends = effects.iter().enumerate().filter(|(_, effect)| !is_means(effect));
    ends.chain(effects.iter().enumerate().filter(|(_, effect)| is_means(effect)))
}
