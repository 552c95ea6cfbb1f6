//! Whether the user asked for a protection to go, a check to be left out, a host to be told.
//!
//! Whoever names a file has asked for a change of it, and not for what the change does beside what it
//! says. So these are named by what is weakened, "turn csrf off for the webhook", or by the very names and
//! values that come with it, "set fail_under to 70".

use ringfence_action::{Attr, AttrValue, Effect, EffectKind};
use ringfence_analysis::names_of_protection;

use crate::lexicon::Operation;
use crate::session::Session;
use crate::wishes::Wish;

/// Whether an effect is one that only its own name clears.
pub(crate) fn is_about(effect: &Effect) -> bool {
    let op = effect.text(Attr::Op).unwrap_or_default();
    effect.kind == EffectKind::Guard
        && matches!(op, "weaken" | "plant" | "disable-checks" | "loosen")
}

/// Whether something the user asked for has it.
pub(crate) fn covers(session: &Session, effect: &Effect) -> bool {
    let names = names_of_protection(effect.text(Attr::Mechanism).unwrap_or_default());
    let brings = match effect.attributes.get(Attr::Brings) {
        Some(AttrValue::Set(brings)) => brings.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    };
    // Who names a test wants it mended.
    let is_check = effect.text(Attr::Op) == Some("disable-checks");
    session.wishes().any(|wish| {
        let lessens = lessens(wish);
        let is_named = lessens && names.iter().any(|name| wish.mentions(name));
        let is_brought = |brought: &&str| {
            (lessens || !is_check || brought.contains(' '))
                && brought.split(' ').all(|word| wish.mentions(word))
        };
        is_named || brings.iter().any(is_brought)
    })
}

/// Whether the wish is for less of something, or for it to be open.
fn lessens(wish: &Wish) -> bool {
    const LESSENING: &[Operation] = &[
        Operation::Skip,
        Operation::Stop,
        Operation::Delete,
        Operation::Discard,
        Operation::Expose,
    ];
    const VERBS: &[&str] = &[
        "disable",
        "deactivate",
        "turn",
        "switch",
        "drop",
        "relax",
        "loosen",
        "lower",
        "weaken",
        "reduce",
        "allow",
        "permit",
        "open",
        "expose",
        "bind",
        "listen",
        "publish",
        "exempt",
        "bypass",
        "skip",
        "ignore",
        "deaktiviere",
        "deaktivieren",
        "schalte",
        "abschalten",
        "ausschalten",
        "erlaube",
        "désactive",
        "désactiver",
        "désactivez",
        "autorise",
        "desactiva",
        "desactivar",
        "permite",
        "permitir",
        "quita",
    ];
    wish.operations.iter().any(|operation| LESSENING.contains(operation))
        || VERBS.iter().any(|verb| wish.asks_with(verb))
        || (wish.asks_with("make") && wish.mentions("public"))
}
