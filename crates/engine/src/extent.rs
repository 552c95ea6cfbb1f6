//! Whether a request goes as far as an effect: what lies here or elsewhere, one thing or all of its kind.

use ringfence_action::{Attr, Effect, EffectKind, Scope};

use crate::wishes::Wish;

/// Whether what the effect takes away lies where the request says.
pub(crate) fn lies_there(request: &Wish, effect: &Effect) -> bool {
    let reach = request.reach();
    let takes_away = effect.is(Attr::DeleteRef) || effect.is(Attr::Destroy);
    match effect.kind {
        EffectKind::VcsRemote => !takes_away || !reach.is_here_alone(),
        // `branch -D` leaves the one on the remote where it is.
        EffectKind::VcsLocal => !effect.is(Attr::DeleteRef) || !reach.is_elsewhere_alone(),
        _ => !takes_away || !reach.is_here_alone() || !is_elsewhere(effect),
    }
}

/// Whether the effect is known to be on another machine.
fn is_elsewhere(effect: &Effect) -> bool {
    matches!(effect.scope, Scope::Remote(_))
        || effect.text(Attr::Environment).is_some_and(|environment| environment != "development")
}

/// Words that ask for all of what they are said of.
const EMPTIES: &[&str] = &[
    "empty", "clear", "truncate", "wipe", "purge", "flush", "reset", "leere", "leeren", "leer",
    "vide", "vider", "vacía", "vaciar", "清空",
];

/// Words that tell of one.
const ONE: &[&str] = &[
    "last",
    "latest",
    "newest",
    "first",
    "oldest",
    "letzte",
    "letzten",
    "neueste",
    "erste",
    "dernier",
    "dernière",
    "premier",
    "première",
    "último",
    "última",
    "primero",
    "primera",
];

/// Whether all of a kind is taken away where all of it was meant, and one where that one was.
pub(crate) fn is_as_many(request: &Wish, effect: &Effect) -> bool {
    let empties = || EMPTIES.iter().any(|verb| request.asks_with(verb));
    let op = effect.text(Attr::Op).unwrap_or_default();
    // "Only the last one" is one.
    let all = effect.is(Attr::All) || effect.is(Attr::Unbounded);
    if all && !request.everything && ONE.iter().any(|word| request.mentions(word)) {
        return false;
    }
    match effect.kind {
        // Rows that no condition picks out are all rows.
        EffectKind::Database if effect.is(Attr::Unbounded) && !effect.is(Attr::Ddl) => {
            request.everything || request.bare || empties() || op.starts_with("TRUNCATE")
        }
        // Who says on which port speaks of one process, and a name is that of many.
        EffectKind::Process => {
            let target = effect.target.as_known().unwrap_or_default();
            let one =
                target.starts_with("port:") || target.starts_with(|c: char| c.is_ascii_digit());
            let tells_which = ["port", "pid", "puerto", "ポート", "端口"]
                .iter()
                .any(|word| request.mentions(word));
            one || !tells_which || !matches!(effect.text(Attr::By), Some("pkill" | "killall"))
        }
        EffectKind::VcsLocal if effect.attributes.contains(Attr::Discards, "stash") => {
            is_that_stash(request, effect)
        }
        _ => true,
    }
}

/// Whether the stash that goes is the one that was meant, or all of them were.
fn is_that_stash(request: &Wish, effect: &Effect) -> bool {
    let says = |words: &[&str]| words.iter().any(|word| request.mentions(word));
    let target = effect.target.as_known().unwrap_or_default();
    let all = effect.text(Attr::Op).is_some_and(|op| op.starts_with("stash clear"));
    let empties = EMPTIES.iter().any(|verb| request.asks_with(verb));
    match all {
        true => says(&["stashes"]) || request.everything || (empties && says(&["stash"])),
        false => {
            says(&["stash", "stashes"]) && (!request.names_something || request.mentions(target))
        }
    }
}
