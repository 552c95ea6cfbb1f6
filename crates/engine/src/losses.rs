//! Whether what version control would lose was meant: changes, commits, stashes.

use ringfence_action::{Attr, AttrValue, Effect, EffectKind};

use crate::named::Here;
use crate::names::Names;
use crate::wishes::Wish;

/// What is lost has no name of its own, and all of it must have been meant, if not in one breath: who
/// drops a commit has not said that the changes beside it may go.
pub(crate) fn all_lost_is_meant<'w, W: Iterator<Item = &'w Wish>>(
    effect: &Effect,
    here: Here,
    wishes: impl Fn() -> W,
) -> bool {
    let Some(AttrValue::Set(lost)) = effect.attributes.get(Attr::Discards) else { return false };
    let is_local = effect.kind == EffectKind::VcsLocal && !effect.is(Attr::DeleteRef);
    let is_meant = |what: &String| {
        // Beside a commit that is to go there may be none.
        let none = what == "changes" && here.dirty == Some(false) && lost.len() > 1;
        none || wishes().any(|request| may_lose(request, what, effect, here))
    };
    is_local && !lost.is_empty() && lost.iter().all(is_meant)
}

fn may_lose(request: &Wish, what: &str, effect: &Effect, here: Here) -> bool {
    let says = |words: &[&str]| words.iter().any(|word| request.mentions(word));
    match what {
        "changes" => means_changes(request, effect),
        "commits" => means_commits(request, effect, here),
        "stash" => says(&["stash", "stashes"]),
        // "with everything in it"
        "untracked" => {
            says(&["untracked"]) || (request.everything && Names::of(effect).are_in(request))
        }
        other => says(&[other]),
    }
}

fn means_changes(request: &Wish, effect: &Effect) -> bool {
    let says = |words: &[&str]| words.iter().any(|word| request.mentions(word));
    let whole = effect.text(Attr::Dir).is_some_and(|dir| effect.target.as_known() == Some(dir));
    // "Hard reset" says what becomes of them.
    let hard = request.mentions("hard")
        || request.mentions("--hard")
        || ["hard", "hard-reset"].iter().any(|verb| request.asks_with(verb));
    if whole && hard && effect.text(Attr::Op).is_some_and(|op| op.starts_with("reset")) {
        return true;
    }
    whole
        && !request.names_something
        && says(&["changes", "work", "änderungen", "modifications", "cambios"])
        && (request.everything
            || request.bare
            || says(&["local", "uncommitted", "my", "unstaged", "staged", "meine"]))
}

/// One commit is "the commit"; of several it must have been said how many, or that all of them go.
fn means_commits(request: &Wish, effect: &Effect, here: Here) -> bool {
    let says = |words: &[&str]| words.iter().any(|word| request.mentions(word));
    let steps = effect.text(Attr::Branch).and_then(steps_back).or(here.orphaned);
    says(&["commit", "commits", "history"])
        && match steps {
            Some(0 | 1) => true,
            Some(steps) => {
                request.everything
                    || request.mentions(&steps.to_string())
                    || NUMBERS.iter().any(|(number, words)| *number == steps && says(words))
            }
            None => request.everything || says(&["history"]),
        }
}

const NUMBERS: [(u64, &[&str]); 9] = [
    (2, &["two", "both", "couple", "zwei", "beiden", "deux", "dos", "二", "两", "2つ"]),
    (3, &["three", "drei", "trois", "tres", "三", "3つ"]),
    (4, &["four", "vier", "quatre", "cuatro", "四", "4つ"]),
    (5, &["five", "fünf", "cinq", "cinco", "五", "5つ"]),
    (6, &["six", "sechs", "seis", "六", "6つ"]),
    (7, &["seven", "sieben", "sept", "siete", "七", "7つ"]),
    (8, &["eight", "acht", "huit", "ocho", "八", "8つ"]),
    (9, &["nine", "neun", "neuf", "nueve", "九", "9つ"]),
    (10, &["ten", "zehn", "dix", "diez", "十"]),
];

/// How many commits `HEAD~3` or `@^^` goes back. None: what is written is not told from where one is.
fn steps_back(revision: &str) -> Option<u64> {
    let mut rest = revision.strip_prefix("HEAD").or_else(|| revision.strip_prefix('@'))?;
    let mut steps = 0_u64;
    while !rest.is_empty() {
        let after = rest.strip_prefix('~').or_else(|| rest.strip_prefix('^'))?;
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after_number) = after.split_at_checked(digits)?;
        let number = if number.is_empty() { 1 } else { number.parse().ok()? };
        // `^2` is another parent.
        if rest.starts_with('^') && number > 1 {
            return None;
        }
        steps = steps.checked_add(number)?;
        rest = after_number;
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::steps_back;

    #[test]
    fn steps_are_counted_from_where_one_is() {
        for (revision, steps) in [
            ("HEAD", Some(0)),
            ("HEAD~", Some(1)),
            ("@^", Some(1)),
            ("HEAD~3", Some(3)),
            ("HEAD^^~2", Some(4)),
            ("HEAD^2", None),
            ("origin/main", None),
            ("HEAD@{2}", None),
            ("HEAD~99999999999999999999", None),
        ] {
            assert_eq!(steps_back(revision), steps, "{revision}");
        }
    }
}
