//! Rights that something takes are asked for with it.
//!
//! Who asks for a service of the machine to be restarted asks for `sudo systemctl restart` and not for
//! `sudo`. So what a call takes to be done is judged after what it does: where every change that it makes
//! was asked for by name, and there is one, the rights for it were asked for, too. A call that
//! changes nothing asked for, or that cannot be read to its end, carries nothing, and neither does one that
//! takes rights for more: `sudo systemctl restart nginx && sudo ./setup.sh`.

use ringfence_action::{Attr, AttrValue, Effect, EffectKind};
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
        let known = analysis.opaque.is_empty() && each_is_for_a_change(&analysis.effects);
        Self { all: known, any: false }
    }

    /// Takes note of an effect, and whether it was named.
    pub(crate) fn note(&mut self, effect: &Effect, named: bool) {
        if changes(effect) {
            self.all &= named;
            self.any = true;
        }
    }

    /// Whether this is what the changes take, and they were asked for.
    pub(crate) fn carries(self, effect: &Effect) -> bool {
        is_means(effect) && self.all && self.any
    }
}

fn changes(effect: &Effect) -> bool {
    effect.kind.changes_state() && !effect.is(Attr::ReadOnly) && !is_means(effect)
}

/// Whether all rights are taken for programs that change something themselves. What a shell, a script or a
/// container does with them is told by nobody.
fn each_is_for_a_change(effects: &[Effect]) -> bool {
    let arguments = |effect: &Effect| match effect.attributes.get(Attr::Args) {
        Some(AttrValue::Count(count)) => *count,
        _ => 0,
    };
    let is_for_a_change = |at: usize| {
        let Some([taker, _, run]) = at.checked_sub(1).and_then(|from| effects.get(from..at + 2))
        else {
            return false;
        };
        let by = run.text(Attr::By);
        taker.kind == EffectKind::Exec
            && run.kind == EffectKind::Exec
            // `sudo -i; systemctl restart nginx`: the second is not what the first runs.
            && arguments(taker) > arguments(run)
            && effects.iter().any(|effect| changes(effect) && effect.text(Attr::By) == by)
    };
    let means = effects.iter().enumerate().filter(|(_, effect)| is_means(effect));
    means.map(|(at, _)| at).all(is_for_a_change)
}

fn is_means(effect: &Effect) -> bool {
    effect.kind == EffectKind::Privilege
}

/// The effects with their places, what they are for before what it takes.
pub(crate) fn last(effects: &[Effect]) -> impl Iterator<Item = (usize, &Effect)> {
    let ends = effects.iter().enumerate().filter(|(_, effect)| !is_means(effect));
    ends.chain(effects.iter().enumerate().filter(|(_, effect)| is_means(effect)))
}
