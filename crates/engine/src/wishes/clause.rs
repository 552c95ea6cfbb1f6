//! What one clause asks for: by which verbs, of what, and where.

use super::Wish;
use super::sentence::stripped_of;
use super::verbs::{anywhere, head, permitted};
use crate::lexicon::{
    ALL, CHANGES, CHECKS, EMPTY, KINDS, Operation, PREPOSITIONS, PROGRAMS, PRONOUNS, SKIP_OPTIONS,
    SKIPS, VAGUE,
};
use crate::words::{contains_phrase, digest, is_name, words};

/// One clause, as it was understood.
#[derive(Debug, Default)]
pub(super) struct Clause {
    pub(super) request: Wish,
    /// It has an object of its own, not only words that stand for one.
    pub(super) has_object: bool,
    /// It has a word that stands for what was named before.
    pub(super) refers: bool,
    pub(super) vague: bool,
    /// Its verb is in no list, and nothing in it is a name by its form: it may be a statement.
    pub(super) guessed: bool,
}

/// Words beside these that tell which of them.
const WHICH: &[&str] = &[
    "last",
    "latest",
    "local",
    "uncommitted",
    "unstaged",
    "staged",
    "work",
    "letzten",
    "letzte",
    "lokalen",
    "dernier",
    "dernière",
    "derniers",
    "locales",
    "último",
    "últimos",
];

/// Words after a command that tell what it does or did, and such that begin to tell which of several.
const TELLS: &[&str] = &[
    "is", "isn't", "was", "wasn't", "are", "were", "does", "doesn't", "did", "didn't", "has",
    "had", "fails", "failed", "takes", "took", "hangs", "breaks", "broke", "crashes", "crashed",
    "deletes", "deleted", "removes", "removed", "loses", "lost", "keeps", "says", "said", "prints",
    "printed", "errors", "errored", "wants", "will", "would", "should", "could", "might",
];
/// Words after a program that only show something, and options that make it show.
const LOOKS: &[&str] = &[
    "plan",
    "preview",
    "show",
    "diff",
    "status",
    "log",
    "list",
    "ls",
    "get",
    "describe",
    "view",
    "explain",
    "template",
    "validate",
    "--dry-run",
    "--dryrun",
    "--preview",
    "--what-if",
    "--noop",
];

/// How often something is to be done: then it is set up, and not done now.
const HABITS: &[&str] = &[
    "every night",
    "every day",
    "every hour",
    "every morning",
    "every week",
    "every month",
    "each night",
    "each day",
    "each week",
    "jede nacht",
    "jeden abend",
    "jeden tag",
    "jede woche",
    "nachts",
    "chaque nuit",
    "chaque jour",
    "chaque semaine",
    "cada noche",
    "cada día",
    "cada semana",
    "每天",
    "每晚",
    "每周",
    "毎日",
    "毎晩",
    "毎週",
];

/// Words before a number or a name that tell what it is one of: "pid 8812", "ticket 12".
const COUNTED: &[&str] = &[
    "pid", "gid", "uid", "id", "ticket", "number", "nr", "nummer", "key", "name", "session",
    "account", "user", "region", "version", "revision", "build", "job", "run", "order", "invoice",
    "charge", "customer", "channel", "host", "line", "step", "case", "batch", "record", "row",
];

const WHICH_ONE: &[&str] = &["that", "which", "what", "who", "whatever"];

/// A clause that asks for something.
pub(super) fn clause(text: &str) -> Option<Clause> {
    let all: Vec<&str> = words(text).collect();
    let mut rest = stripped_of(&all);
    let mut clause = Clause::default();
    // "In ci.yml add a job": the place may come first.
    if rest.first().is_some_and(|first| PREPOSITIONS.contains(first))
        && let Some(verb) = (2..rest.len().min(6)).find(|at| {
            let (before, after) = rest.split_at_checked(*at).unwrap_or_default();
            before.last().is_some_and(|word| is_name(word)) && head(&stripped_of(after)).is_some()
        })
    {
        let place = rest.drain(..verb).skip(1).collect::<Vec<_>>();
        place.iter().for_each(|word| clause.request.add(word, true));
        rest = stripped_of(&rest);
    }
    // A command that the user wrote out: each of its words is meant.
    let mut written = false;
    while rest.first().is_some_and(|word| PROGRAMS.contains(word)) && rest.len() > 1 {
        written = true;
        clause.request.written |= !matches!(rest.first(), Some(&("run" | "execute" | "sudo")));
        if rest.first().is_some_and(|word| matches!(*word, "run" | "execute")) {
            clause.request.operations.insert(Operation::Run);
        }
        clause.request.verbs.extend(rest.iter().take(4).map(|word| digest(word)));
        clause.request.places.extend(rest.first().map(|word| digest(word)));
        rest.remove(0);
    }
    // "terraform destroy fails in CI" tells of it.
    let mut before_which = rest.iter().take(4).take_while(|word| !WHICH_ONE.contains(word));
    if clause.request.written && before_which.any(|word| TELLS.contains(word)) {
        return None;
    }
    // "terraform plan the destroy" shows what would go.
    let looks = rest.first().is_some_and(|word| LOOKS.contains(word))
        || rest.iter().any(|word| word.starts_with("--") && LOOKS.contains(word));
    if clause.request.written && looks {
        return None;
    }
    let mut phrase = 1;
    let (object, verb): (Vec<&str>, Option<&str>) = if let Some((operations, length)) = head(&rest)
    {
        phrase = length;
        clause.request.operations.extend(operations);
        let object = rest.iter().skip(length.max(1)).copied().collect();
        (object, rest.first().copied())
    } else if let Some((operations, verb)) = anywhere(text, &rest) {
        clause.request.operations.extend(operations);
        (rest.iter().copied().filter(|word| Some(*word) != verb).collect(), verb)
    } else if let Some((operations, modal)) = permitted(&all) {
        clause.request.operations.extend(operations);
        (all.iter().take(modal).copied().collect(), None)
    } else if written {
        (rest.clone(), None)
    } else {
        // A verb that no list has: it may be the very word of the operation.
        let first = rest.first().filter(|word| word.chars().all(|c| c.is_ascii_lowercase()))?;
        let speaks =
            ![EMPTY, PRONOUNS, PREPOSITIONS, KINDS].iter().any(|list| list.contains(first));
        let names = rest.iter().skip(1).any(|word| is_name(word));
        // "Reload nginx": a name need not look like one where nothing else is said.
        clause.guessed = !names;
        (speaks
            && (names || rest.len() == 2)
            && !(rest.len() == 2 && COUNTED.contains(first))
            && !written
            && !matches!(
                *first,
                "i" | "we" | "you" | "they" | "he" | "she" | "there" | "no" | "not"
            ))
        .then_some(())?;
        // It may be a statement, too: "shop is broken since revision 13".
        clause.request.add(first, false);
        clause.has_object = true;
        (rest.iter().skip(1).copied().collect(), Some(*first))
    };
    clause.request.verbs.extend(verb.map(digest));
    clause.vague = phrase == 1 && verb.is_some_and(|verb| VAGUE.contains(&verb));
    let mut place = false;
    // "the branch": of what was named before.
    let of_a_kind = |word: &&str| KINDS.contains(word) || EMPTY.contains(word);
    clause.refers = !object.is_empty()
        && object.iter().take_while(|word| !PREPOSITIONS.contains(word)).all(of_a_kind);
    let says_nothing_more = |word: &&str| {
        [KINDS, EMPTY, PRONOUNS, CHANGES, WHICH, ALL].iter().any(|list| list.contains(word))
    };
    clause.request.bare = !object.is_empty() && object.iter().all(says_nothing_more);
    let mut last = "";
    for word in object {
        clause.request.add_range(std::mem::replace(&mut last, word), word);
        if PREPOSITIONS.contains(&word) {
            place = true;
            continue;
        }
        clause.refers |= PRONOUNS.contains(&word);
        clause.has_object |= !place && !EMPTY.contains(&word) && !PRONOUNS.contains(&word);
        clause.request.add(word, place);
    }
    clause.request.everything |= verb.is_some_and(|verb| ALL.contains(&verb));
    discard(&mut clause.request);
    clause.request.reach.add(text);
    if HABITS.iter().any(|habit| contains_phrase(text, habit)) {
        let sets_up = [Operation::Schedule, Operation::Create, Operation::Change, Operation::Run];
        clause.request.operations.retain(|operation| sets_up.contains(operation));
        clause.request.verbs.clear();
    }
    Some(clause)
}

/// What is dropped is no file where it is the changes to it.
pub(super) fn discard(request: &mut Wish) {
    let takes_away = request.operations.contains(&Operation::Delete);
    if takes_away && CHANGES.iter().any(|word| request.has_object(word)) {
        request.operations.insert(Operation::Discard);
        request.operations.remove(&Operation::Delete);
    }
}

/// "merge 97 with admin rights", and not "merge the login as admin".
pub(super) fn is_as_admin(clause: &str) -> bool {
    let all: Vec<&str> = words(clause).collect();
    let is_item = |word: &str| {
        word.ends_with(|c: char| c.is_ascii_digit()) || matches!(word, "it" | "pr" | "mr" | "them")
    };
    all.windows(3).enumerate().any(|(at, three)| {
        matches!(three, [item, "with" | "as" | "using", "admin"] if is_item(item))
            && all.get(at + 3).is_none_or(|next| {
                matches!(*next, "rights" | "privileges" | "permissions" | "override")
            })
    })
}

/// What takes back a word before it that says that something is to be left out.
const SKIPPING: &[&str] = &[
    "skipping",
    "bypassing",
    "ignoring",
    "overriding",
    "disabling",
    "saltarte",
    "saltar",
    "saltarse",
    "saltarnos",
    "omitir",
    "omitirlos",
    "sauter",
    "contourner",
    "ignorer",
    "überspringen",
    "umgehen",
    "auszulassen",
    "weglassen",
];

/// Whether the sentence wants a check left out.
pub(super) fn skips_checks(sentence: &str) -> bool {
    let all: Vec<&str> = words(sentence).collect();
    all.iter().any(|word| SKIP_OPTIONS.contains(word) || word.starts_with("skip="))
        || all.iter().enumerate().any(|(at, word)| {
            SKIPS.contains(word)
                && all.iter().skip(at + 1).take(4).any(|word| CHECKS.contains(word))
                // "Without skipping the hooks" leaves them on.
                && !all.iter().skip(at + 1).take(6).any(|word| SKIPPING.contains(word))
        })
}
