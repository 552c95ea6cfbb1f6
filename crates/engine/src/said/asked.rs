//! What a clause asks for.

use std::collections::BTreeSet;

use super::clauses::{Clause, without_quotes, words};
use super::{Intent, Request, digest};
use crate::lexicon::{
    ASKERS, AT_HAND, COMPOUNDS, DONE_AFTER, DONE_ENDINGS, ENGLISH, ENGLISH_NOUNS, LEAD,
    LIGHT_VERBS, Operation, POINTERS, STEMS, SUBJECTS, WEAK, WORK,
};
use crate::words::find_phrase;

/// What the message named before: a pronoun may mean it.
#[derive(Debug, Default)]
pub(super) struct SoFar {
    sentence: usize,
    this: BTreeSet<u64>,
    last: BTreeSet<u64>,
    all: BTreeSet<u64>,
}

impl SoFar {
    fn enter(&mut self, sentence: usize) {
        if sentence != self.sentence {
            self.sentence = sentence;
            self.last = std::mem::take(&mut self.this);
        }
    }

    /// What "it" may mean. What cannot be taken back must have been named just now.
    fn meant(&self, operation: Operation) -> BTreeSet<u64> {
        let near = self.this.union(&self.last).copied();
        match operation {
            Operation::Change => self.all.union(&near.collect()).copied().collect(),
            _ => near.collect(),
        }
    }
}

/// Adds what the clause asks for.
pub(super) fn read(clause: &Clause, so_far: &mut SoFar, intent: &mut Intent) {
    if clause.quoted {
        return;
    }
    so_far.enter(clause.sentence);
    let code_runs = words(&clause.text)
        .find(|word| !LEAD.contains(word))
        .is_some_and(|first| matches!(first, "run" | "execute" | "do" | "use" | "try"));
    let said = if code_runs { clause.text.clone() } else { without_quotes(&clause.text) };
    let tokens: Vec<&str> = words(&said).collect();
    if !clause.asks {
        let all: BTreeSet<u64> = words(&clause.text).map(digest).collect();
        for found in verbs(&tokens) {
            intent.requests.push(request(&found, &tokens, &all, so_far));
        }
        for operation in elsewhere(&said) {
            let named = all.clone();
            intent.requests.push(Request {
                operation,
                named,
                at_hand: false,
                weak: false,
                points: false,
            });
        }
        intent.works |= (0..tokens.len()).any(|at| {
            tokens.get(at).is_some_and(|word| is_form(word, WORK)) && is_asked(&tokens, at, false)
        });
    }
    let here = words(&clause.text).map(digest);
    so_far.this.extend(here);
    let this = so_far.this.iter().copied().collect::<Vec<_>>();
    so_far.all.extend(this);
}

/// A verb that is asked for.
struct Verb {
    operation: Operation,
    /// The token after it.
    end: usize,
    /// "X should be deleted": what is named stands before.
    passive: bool,
    weak: bool,
}

fn verbs(tokens: &[&str]) -> Vec<Verb> {
    let mut found: Vec<Verb> = Vec::new();
    for at in 0..tokens.len() {
        for (operation, verbs) in ENGLISH {
            for verb in *verbs {
                let Some(end) = matches_verb(tokens, at, verb) else { continue };
                let passive = is_passive(tokens, at);
                let plain = tokens.get(at).is_some_and(|token| verb.starts_with(token));
                if passive || (plain && is_asked(tokens, at, !found.is_empty())) {
                    let weak = WEAK.contains(verb);
                    found.push(Verb { operation: *operation, end, passive, weak });
                }
            }
        }
        for (operation, nouns) in ENGLISH_NOUNS {
            // The notes of a release are no release.
            let only_names = tokens.get(at + 1).is_some_and(|next| COMPOUNDS.contains(next));
            let is_noun = tokens.get(at).is_some_and(|token| nouns.contains(token)) && !only_names;
            let verb = (at.saturating_sub(3)..at).find(|verb| {
                tokens.get(*verb).is_some_and(|token| LIGHT_VERBS.contains(token))
                    && is_asked(tokens, *verb, !found.is_empty())
            });
            if is_noun && verb.is_some() {
                found.push(Verb { operation: *operation, end: at + 1, passive: false, weak: true });
            }
        }
    }
    with_force(tokens, &mut found);
    found
}

/// A push with force in whatever words is one.
fn with_force(tokens: &[&str], found: &mut Vec<Verb>) {
    let forced = tokens.iter().any(|token| {
        matches!(
            *token,
            "--force" | "-f" | "force" | "forced" | "--force-with-lease" | "force-with-lease"
        )
    });
    if found.iter().any(|verb| verb.operation == Operation::ForcePush) {
        found.retain(|verb| verb.operation != Operation::Push);
    } else if forced {
        for verb in found.iter_mut().filter(|verb| verb.operation == Operation::Push) {
            verb.operation = Operation::ForcePush;
        }
    }
}

/// Where a verb, of one word or more, ends if it begins here; in the form of a command or of a
/// participle.
fn matches_verb(tokens: &[&str], at: usize, verb: &str) -> Option<usize> {
    let mut end = at;
    for part in verb.split(' ') {
        let token = tokens.get(end)?;
        if *token != part && !(end == at && is_participle(token, part)) {
            return None;
        }
        end += 1;
    }
    Some(end)
}

fn is_participle(token: &str, verb: &str) -> bool {
    let Some(ending) = token.strip_prefix(verb.trim_end_matches('e')) else { return false };
    let last = verb.chars().next_back();
    let doubled = ending.strip_suffix("ed").is_some_and(|c| c.chars().eq(last));
    matches!(ending, "ed" | "d") || doubled
}

/// "X should be deleted", "needs to be removed".
fn is_passive(tokens: &[&str], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).and_then(|at| tokens.get(at)).copied();
    before(1) == Some("be")
        && (matches!(before(2), Some("should" | "must" | "can" | "may"))
            || (before(2) == Some("to")
                && matches!(before(3), Some("needs" | "has" | "need" | "have"))))
}

/// Whether a verb stands where a command stands.
fn is_asked(tokens: &[&str], at: usize, after_another: bool) -> bool {
    let before = tokens.get(..at).unwrap_or_default();
    let is_lead = |token: &&str| {
        LEAD.contains(token)
            || token.trim_end_matches([')', '.']).parse::<u32>().is_ok()
            || matches!(*token, "-" | "•" | "+")
    };
    // "Do push it."
    let before =
        before.strip_suffix(&["do"]).filter(|rest| rest.iter().all(is_lead)).unwrap_or(before);
    if before.iter().all(is_lead) {
        return true;
    }
    if ASKERS.iter().any(|asker| before.ends_with(asker)) {
        return true;
    }
    // "Look at it and fix it": the second of two commands.
    let joined = matches!(before.last(), Some(&("and" | "then" | "or" | "&" | "also")));
    let first = before.iter().find(|token| !is_lead(token));
    let commands = first.is_some_and(|first| !SUBJECTS.contains(first));
    joined && (after_another || commands)
}

fn request(verb: &Verb, tokens: &[&str], all: &BTreeSet<u64>, so_far: &SoFar) -> Request {
    let after = tokens.get(verb.end..).unwrap_or_default();
    let points = after.iter().take(2).any(|token| POINTERS.contains(token));
    let takes_away =
        matches!(verb.operation, Operation::Delete | Operation::Discard | Operation::Stop);
    let mut named: BTreeSet<u64> = if takes_away && !verb.passive {
        // "Remove the step from ci.yml" does not name the file as what is to go.
        let object = after.iter().take_while(|token| {
            !matches!(
                **token,
                "from" | "in" | "inside" | "within" | "of" | "if" | "when" | "because" | "so"
            )
        });
        object.map(|token| digest(token)).collect()
    } else {
        all.clone()
    };
    if points {
        named.extend(so_far.meant(verb.operation));
    }
    // "squash what is on feat/x and force-push the branch": it has a name.
    let before = tokens.get(..verb.end.saturating_sub(1)).unwrap_or_default();
    let has_name = before.windows(2).any(|pair| {
        matches!(pair, ["on" | "of" | "branch", name]
            if name.contains('/') && !name.starts_with("origin/") && !name.contains('.'))
    });
    let at_hand = !has_name
        && after.iter().all(|token| {
            POINTERS.contains(token)
                || AT_HAND.contains(token)
                || LEAD.contains(token)
                || is_form(
                    token,
                    &["push", "commit", "rebase", "merge", "create", "open", "update"],
                )
        });
    Request { operation: verb.operation, named, at_hand, weak: verb.weak, points }
}

fn is_form(word: &str, verbs: &[&str]) -> bool {
    verbs.contains(&word)
}

/// What is asked for in other languages, as far as it is no report of what was done.
fn elsewhere(text: &str) -> Vec<Operation> {
    let mut found: Vec<Operation> = Vec::new();
    for (operation, stems) in STEMS {
        let asks = stems.iter().any(|stem| {
            find_phrase(text, stem).is_some_and(|at| {
                let rest = text.get(at..).unwrap_or_default();
                let bare = stem.trim_end_matches('*');
                let tail = rest.get(bare.len()..).unwrap_or_default();
                if stem.ends_with('*') {
                    let ending: String = tail.chars().take_while(|c| c.is_alphabetic()).collect();
                    !DONE_ENDINGS.contains(&ending.as_str())
                } else {
                    !DONE_AFTER.iter().any(|done| tail.starts_with(done))
                }
            })
        });
        if asks {
            found.push(*operation);
        }
    }
    if found.contains(&Operation::ForcePush) {
        found.retain(|operation| *operation != Operation::Push);
    }
    found
}
