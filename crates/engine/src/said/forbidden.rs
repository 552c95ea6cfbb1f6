//! What a clause rules out.

use super::Boundary;
use super::clauses::{Clause, words};
use crate::lexicon::{
    ANYTHING, CHINESE_FILLERS, CHINESE_NO, CHINESE_OTHER_BEFORE, ENGLISH, EVERYTHING, FILLERS,
    FORBIDDING, JAPANESE_NO, JAPANESE_PARTICLES, LEAD, Operation, READ_ONLY, STEMS, SUBJECTS,
    WAITS, WEAK,
};
use crate::speech::heads_what_not_to_do;
use crate::words::find_phrase;

/// What was found in a clause.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) boundaries: Vec<Boundary>,
    /// The clause says what not to do, so that it asks for nothing.
    pub(super) is_negation: bool,
    /// "… but not before I say so": what the sentence asked for has to wait.
    pub(super) takes_back: bool,
    /// A list of what not to do may go on after the next comma: "don't push, merge or deploy".
    pub(super) goes_on: bool,
}

/// Reads one clause. `goes_on`: the clause before it was the beginning of a list.
pub(super) fn read(clause: &Clause, goes_on: bool) -> Found {
    let tokens: Vec<&str> = words(&clause.text).collect();
    let mut found = Found::default();
    if !clause.asks {
        found.boundaries.extend(elsewhere(&clause.text));
        found.is_negation = !found.boundaries.is_empty();
        if is_read_only(&tokens) {
            found.boundaries.push(Boundary { operation: None, objects: Vec::new(), waits: false });
            found.is_negation = true;
        }
        found.takes_back = takes_back(&tokens);
    }
    if !clause.asks {
        let reserved = reserved(&tokens);
        let nothing_new = nothing_new(&tokens);
        found.is_negation |= !reserved.is_empty() || nothing_new.is_some();
        found.boundaries.extend(reserved);
        found.boundaries.extend(nothing_new);
        if let Some(kept) = kept(&tokens) {
            found.boundaries.push(kept);
            found.is_negation = true;
        }
    }
    if goes_on && clause.after_comma && continues(&tokens) {
        found.is_negation = true;
        list(&tokens, 0, &mut found);
    } else if let Some(at) = negated(&tokens) {
        let asks_before = at.start > 0;
        list(&tokens, at.verb, &mut found);
        // "Commit it but don't push": what stands before is still asked for.
        found.is_negation |= !asks_before || at.start <= 1;
    } else if let Some(passive) = passive(&tokens) {
        found.boundaries.push(passive);
        found.is_negation = true;
    }
    if clause.quoted {
        // Words of others forbid what they forbid plainly and for good.
        found.boundaries.retain(|boundary| boundary.operation.is_some() && !boundary.waits);
    }
    found
}

/// What stands below "never:" or "do not do any of these:" is ruled out, in a list or on the same line.
#[derive(Debug, Default)]
pub(super) struct Barred {
    /// The heading's line and sentence, and the last line of the list.
    below: Option<(usize, usize, usize)>,
}

impl Barred {
    /// Whether the clause stands below such a heading; a heading begins or ends it.
    pub(super) fn holds(&mut self, clause: &Clause) -> bool {
        if bars(clause) {
            self.below = Some((clause.line, clause.sentence, clause.line));
            return false;
        }
        let Some((heading, sentence, last)) = self.below else { return false };
        let beside = clause.line == heading && clause.sentence == sentence + 1;
        // A blank line may stand before each.
        let in_list =
            clause.item && !clause.heads && clause.line > heading && clause.line <= last + 2;
        self.below = (beside || in_list).then_some((heading, sentence, clause.line));
        beside || in_list
    }
}

/// Whether a clause is the heading of a list of what not to do, and says nothing more.
fn bars(clause: &Clause) -> bool {
    clause.heads && heads_what_not_to_do(&clause.text)
}

/// Reads a clause that stands below such a heading: each verb or its noun is ruled out.
pub(super) fn read_barred(clause: &Clause) -> Found {
    let mut found = Found { is_negation: true, ..Found::default() };
    let says = |token: &&str| token.chars().any(char::is_alphanumeric);
    let tokens: Vec<&str> = words(&clause.text).filter(says).collect();
    let said_again = negated(&tokens).map(|at| at.verb);
    let first = said_again
        .or_else(|| (0..tokens.len().min(FEW)).find(|at| verb_at(&tokens, *at).is_some()));
    match first {
        Some(at) => list(&tokens, at, &mut found),
        None => {
            let nouns = STEMS.iter().filter(|(_, stems)| {
                stems.iter().any(|stem| find_phrase(&clause.text, stem).is_some())
            });
            let plain =
                nouns.map(|(operation, _)| *operation).filter(|operation| !is_vague(*operation));
            found.boundaries.extend(plain.map(|operation| Boundary {
                operation: Some(operation),
                objects: named(&tokens),
                waits: false,
            }));
        }
    }
    if clause.quoted {
        found.boundaries.retain(|boundary| boundary.operation.is_some() && !boundary.waits);
    }
    found
}

/// So many words may stand before the verb of an item: "any", "to", "hacer".
const FEW: usize = 3;

/// Operations whose verbs have so many uses that without a name they rule nothing out.
fn is_vague(operation: Operation) -> bool {
    matches!(operation, Operation::Change | Operation::Run | Operation::Stop | Operation::Send)
}

/// What is a name by its form, or one that trunks have.
pub(super) fn named(tokens: &[&str]) -> Vec<String> {
    let is_named = |token: &&&str| {
        (token.contains(['/', '.', '_', '-']) && token.chars().any(char::is_alphanumeric))
            || matches!(**token, "main" | "master" | "trunk")
    };
    tokens.iter().filter(is_named).map(|token| (*token).to_owned()).collect()
}

/// "I'll push it myself", "I will send it": what the user keeps for themselves waits for them.
fn reserved(tokens: &[&str]) -> Vec<Boundary> {
    const SELF: &[&[&str]] = &[&["i'll"], &["i", "will"], &["we'll"]];
    let lead = tokens.iter().take_while(|token| LEAD.contains(token)).count();
    let rest = tokens.get(lead..).unwrap_or_default();
    let Some(by) = SELF.iter().find(|by| rest.starts_with(by)) else { return Vec::new() };
    let mut at = by.len();
    while rest.get(at).is_some_and(|token| FILLERS.contains(token) || *token == "then") {
        at += 1;
    }
    let Some((operations, end, Form::Command)) = verb_at(rest, at) else { return Vec::new() };
    let after = rest.get(end..).unwrap_or_default();
    let says_self = after.iter().any(|token| matches!(*token, "myself" | "ourselves"));
    let of_it = after.iter().all(|token| {
        matches!(
            *token,
            "it" | "that"
                | "this"
                | "them"
                | "myself"
                | "ourselves"
                | "later"
                | "then"
                | "tomorrow"
                | "when"
                | "to"
        ) || EVERYTHING.contains(token)
    });
    if !(of_it || says_self) {
        return Vec::new();
    }
    let kept = |operation: &Operation| {
        !matches!(operation, Operation::Change | Operation::Run | Operation::Stop)
    };
    let operations = operations.into_iter().map(|(operation, _)| operation).filter(kept);
    operations
        .map(|operation| Boundary { operation: Some(operation), objects: Vec::new(), waits: true })
        .collect()
}

/// "No new dependencies", "no deploys", "no more commits".
fn nothing_new(tokens: &[&str]) -> Option<Boundary> {
    const NOUNS: &[(Operation, &[&str])] = &[
        (
            Operation::Adopt,
            &[
                "dep",
                "deps",
                "dependency",
                "dependencies",
                "package",
                "packages",
                "library",
                "libraries",
                "libs",
                "plugins",
            ],
        ),
        (Operation::Install, &["installs"]),
        (Operation::Push, &["push", "pushes"]),
        (Operation::ForcePush, &["force-push", "force-pushes"]),
        (Operation::Commit, &["commits"]),
        (Operation::Merge, &["merge", "merges"]),
        (
            Operation::Deploy,
            &["deploy", "deploys", "deployment", "deployments", "rollout", "rollouts"],
        ),
        (Operation::Publish, &["release", "releases", "publishing"]),
        (Operation::Delete, &["deletes", "deletion", "deletions"]),
        (Operation::Propose, &["pr", "prs"]),
    ];
    let lead = tokens.iter().take_while(|token| LEAD.contains(token) && **token != "no").count();
    let [first, rest @ ..] = tokens.get(lead..).unwrap_or_default() else { return None };
    if *first != "no" {
        return None;
    }
    let more = rest
        .iter()
        .take_while(|token| {
            matches!(
                **token,
                "new" | "more" | "further" | "extra" | "additional" | "other" | "direct"
            )
        })
        .count();
    let [noun, after @ ..] = rest.get(more..).unwrap_or_default() else { return None };
    let (operation, _) = NOUNS.iter().find(|(_, nouns)| nouns.contains(noun))?;
    // "No release notes", "no dependencies were found".
    let brief = after.iter().all(|token| {
        EVERYTHING.contains(token)
            || LEAD.contains(token)
            || WAITS.contains(token)
            || matches!(*token, "today" | "allowed")
    });
    let waits = after.iter().any(|token| WAITS.contains(token));
    brief.then(|| Boundary { operation: Some(*operation), objects: Vec::new(), waits })
}

/// "Leave .env alone", "hands off infra/", "keep PR 58 as a draft": what is to stay as it is.
fn kept(tokens: &[&str]) -> Option<Boundary> {
    let lead = tokens.iter().take_while(|token| LEAD.contains(token)).count();
    let rest = tokens.get(lead..).unwrap_or_default();
    let names = |words: &[&str]| -> Vec<String> {
        let is_name = |word: &&&str| {
            word.contains(['/', '.', '_', '-']) || word.chars().any(|c| c.is_ascii_digit())
        };
        words.iter().filter(is_name).map(|word| word.trim_start_matches('#').to_owned()).collect()
    };
    let boundary = |operation, objects: Vec<String>| {
        (!objects.is_empty()).then_some(Boundary { operation, objects, waits: false })
    };
    match rest {
        ["leave", object @ .., "alone" | "untouched"] | ["keep", object @ .., "untouched"] => {
            boundary(None, names(object))
        }
        ["hands", "off", object @ ..]
        | ["stay", "away" | "out", "from" | "of", object @ ..]
        | ["keep", "away" | "out", "from" | "of", object @ ..] => boundary(None, names(object)),
        ["keep" | "leave", rest @ ..] => {
            let as_draft =
                rest.windows(2).position(|two| matches!(two, ["as" | "a" | "in", "draft"]));
            let object = rest.get(..as_draft?)?;
            boundary(Some(Operation::Propose), names(object))
        }
        _ => None,
    }
}

/// Where a negation stands, and the verb that it negates.
struct Negated {
    start: usize,
    verb: usize,
}

/// The operation that is ruled out for what a word like "it" stands for, where its verb has so many uses that alone
/// it rules nothing out: "don't run it".
pub(super) fn negated_pointer(tokens: &[&str]) -> Option<Operation> {
    let at = negated(tokens)?;
    let (operations, end, _) = verb_at(tokens, at.verb)?;
    let points = matches!(tokens.get(end), Some(&("it" | "that" | "this" | "them")));
    let vague = operations.iter().find(|(operation, _)| is_vague(*operation)).filter(|_| points)?;
    Some(vague.0)
}

/// Negations of a command, and whether the verb follows as a gerund.
const NEGATIONS: &[(&[&str], bool)] = &[
    (&["don't"], false),
    (&["dont"], false),
    (&["do", "not"], false),
    (&["never"], false),
    (&["must", "not"], false),
    (&["mustn't"], false),
    (&["should", "not"], false),
    (&["shouldn't"], false),
    (&["may", "not"], false),
    (&["not", "to"], false),
    (&["no", "need", "to"], false),
    (&["rather", "not"], false),
    (&["without"], true),
    (&["avoid"], true),
    (&["refrain", "from"], true),
    (&["hold", "off", "on"], true),
    (&["hold", "off"], true),
    (&["no"], true),
    (&["stop"], true),
    (&["not"], false),
];

fn negated(tokens: &[&str]) -> Option<Negated> {
    (0..tokens.len()).find_map(|start| {
        let before = tokens.get(..start).unwrap_or_default();
        let rest = tokens.get(start..).unwrap_or_default();
        let (negation, gerund) =
            NEGATIONS.iter().find(|(negation, _)| rest.starts_with(negation))?;
        if !is_command(before, negation) {
            return None;
        }
        let mut verb = start + negation.len();
        if !gerund {
            while tokens.get(verb).is_some_and(|token| FILLERS.contains(token)) {
                verb += 1;
            }
        }
        let fits =
            verb_at(tokens, verb).is_some_and(|(_, _, form)| (form == Form::Gerund) == *gerund);
        fits.then_some(Negated { start, verb })
    })
}

/// Whether a negation with these words before it tells somebody what not to do, and is no statement
/// about what something does not do.
fn is_command(before: &[&str], negation: &[&str]) -> bool {
    let is_lead = |token: &&str| {
        LEAD.contains(token)
            || matches!(*token, "-" | "•" | "+" | "but" | "also")
            || token.trim_end_matches([')', '.']).parse::<u32>().is_ok()
    };
    let starts = before.iter().all(is_lead);
    let last = before.last().copied().unwrap_or_default();
    match negation {
        ["without"] => {
            // "Fix it without pushing", not "it works without installing anything".
            before
                .iter()
                .find(|token| !is_lead(token))
                .is_some_and(|first| !SUBJECTS.contains(first))
                || before.starts_with(&["can", "you"])
                || before.starts_with(&["could", "you"])
        }
        ["no", ..] | ["stop"] => starts,
        ["avoid"] | ["refrain", ..] | ["hold", ..] => {
            starts || matches!(last, "to" | "and" | "but")
        }
        ["not", "to"] => {
            matches!(last, "careful" | "sure" | "try" | "please" | "you" | "told" | "asked")
                || starts
        }
        ["rather", "not"] => matches!(last, "i'd" | "you'd" | "we'd"),
        ["not"] => matches!(last, "to" | "please") && before.len() > 1,
        ["must" | "should" | "may", "not"] | ["mustn't" | "shouldn't"] => {
            starts || matches!(last, "you" | "we" | "agent" | "claude")
        }
        ["never"] => {
            starts
                || matches!(
                    last,
                    "you" | "we" | "to" | "and" | "but" | "please" | "should" | "must"
                )
        }
        _ => {
            starts
                || matches!(last, "but" | "please" | "and" | "just" | "so" | "also" | "that"
            if last != "that" && !before.is_empty())
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Command,
    Gerund,
}

/// A verb in a text: what it may name, where it ends, its form.
type Verb = (Vec<(Operation, &'static str)>, usize, Form);

/// The verb at a place.
fn verb_at(tokens: &[&str], at: usize) -> Option<Verb> {
    let mut found: Option<Verb> = None;
    for (operation, verbs) in ENGLISH {
        for verb in *verbs {
            let Some((end, form)) = form_at(tokens, at, verb) else { continue };
            match &mut found {
                Some((operations, longest, _)) if end == *longest => {
                    operations.push((*operation, verb))
                }
                Some((_, longest, _)) if end < *longest => {}
                _ => found = Some((vec![(*operation, verb)], end, form)),
            }
        }
    }
    found
}

fn form_at(tokens: &[&str], at: usize, verb: &str) -> Option<(usize, Form)> {
    let mut parts = verb.split(' ');
    let first = parts.next()?;
    let token = tokens.get(at)?;
    let form = if *token == first {
        Form::Command
    } else if is_gerund(token, first) {
        Form::Gerund
    } else {
        return None;
    };
    let mut end = at + 1;
    for part in parts {
        if tokens.get(end) != Some(&part) {
            return None;
        }
        end += 1;
    }
    Some((end, form))
}

fn is_gerund(token: &str, verb: &str) -> bool {
    let Some(stem) = token.strip_suffix("ing") else { return false };
    let doubled = verb.chars().next_back().map(|last| format!("{verb}{last}"));
    stem == verb || verb.strip_suffix('e') == Some(stem) || doubled.as_deref() == Some(stem)
}

/// The verbs from this place on: "push", "push or merge", "push, commit".
fn list(tokens: &[&str], mut at: usize, found: &mut Found) {
    loop {
        while tokens.get(at).is_some_and(|token| matches!(*token, "or" | "and" | "nor" | "to")) {
            at += 1;
        }
        let Some((operations, end, _)) = verb_at(tokens, at) else { return };
        for (operation, verb) in operations {
            found.boundaries.extend(boundary(operation, verb, tokens, end));
        }
        found.goes_on = end >= tokens.len();
        match tokens.get(end) {
            Some(&("or" | "and" | "nor" | "/")) => at = end + 1,
            _ => return,
        }
    }
}

fn continues(tokens: &[&str]) -> bool {
    let from = tokens.iter().position(|token| !matches!(*token, "or" | "and" | "nor")).unwrap_or(0);
    verb_at(tokens, from).is_some()
}

/// What a negated verb rules out, as far as that can be told.
fn boundary(operation: Operation, verb: &str, tokens: &[&str], end: usize) -> Option<Boundary> {
    let after = tokens.get(end..).unwrap_or_default();
    let waits = after.iter().any(|token| WAITS.contains(token));
    let object = after.iter().take_while(|token| {
        !WAITS.contains(token)
            && !matches!(**token, "and" | "but" | "or" | "if" | "when" | "since" | "because")
    });
    let object: Vec<&str> = object.take(5).copied().collect();
    if operation == Operation::Change
        && object.iter().take(3).any(|word| ANYTHING.contains(word))
        && object.iter().all(|word| EVERYTHING.contains(word))
        && object
            .iter()
            .any(|word| matches!(*word, "anything" | "any" | "nothing" | "files" | "things"))
    {
        return Some(Boundary { operation: None, objects: Vec::new(), waits });
    }
    let objects: Vec<String> = object
        .iter()
        .filter(|word| !EVERYTHING.contains(word))
        .map(|word| (*word).to_owned())
        .collect();
    // "Don't change the behaviour" and "don't run into that again" speak of how, not of what; "don't
    // change src/api.rs" names a thing.
    let names_a_thing = objects.iter().any(|object| object.contains(['/', '.', '_', '-']));
    let objects: Vec<String> = if names_a_thing {
        objects.into_iter().filter(|object| object.contains(['/', '.', '_', '-'])).collect()
    } else {
        objects
    };
    let vague = is_vague(operation) || WEAK.contains(&verb);
    (names_a_thing || !vague).then_some(Boundary { operation: Some(operation), objects, waits })
}

/// "src/api.rs must not be changed."
fn passive(tokens: &[&str]) -> Option<Boundary> {
    let at = tokens
        .windows(3)
        .position(|three| matches!(three, ["must" | "should" | "may", "not", "be"]));
    let at = at.map(|at| (at, 3)).or_else(|| {
        let two = tokens.windows(2).position(|two| matches!(two, ["mustn't" | "shouldn't", "be"]));
        two.map(|at| (at, 2))
    });
    let (at, length) = at?;
    let thing = tokens.get(..at)?.last()?;
    let participle = tokens.get(at + length)?;
    let (operation, _) = ENGLISH.iter().find(|(_, verbs)| {
        verbs.iter().any(|verb| {
            participle
                .strip_prefix(verb.trim_end_matches('e'))
                .is_some_and(|ending| matches!(ending, "ed" | "d" | "n" | "ten" | "ted" | "ped"))
        })
    })?;
    thing.contains(['/', '.', '_', '-']).then(|| Boundary {
        operation: Some(*operation),
        objects: vec![(*thing).to_owned()],
        waits: false,
    })
}

/// "Only read" is said in few words; a longer sentence speaks of something that is read-only.
const BRIEF: usize = 6;

fn is_read_only(tokens: &[&str]) -> bool {
    let from = tokens
        .iter()
        .position(|token| !LEAD.contains(token) || matches!(*token, "just" | "only" | "no"))
        .unwrap_or_default();
    let rest = tokens.get(from..).unwrap_or_default();
    let phrase = READ_ONLY.iter().find_map(|phrase| {
        let parts: Vec<&str> = phrase.split(' ').collect();
        rest.starts_with(&parts).then_some(parts.len())
    });
    let Some(length) = phrase else { return false };
    let after = rest.get(length..).unwrap_or_default();
    // "Read-only subcommands" are things.
    let of_nothing = after.iter().all(|token| {
        EVERYTHING.contains(token)
            || LEAD.contains(token)
            || matches!(
                *token,
                "mode" | "access" | "task" | "session" | "around" | "touch" | "don't" | "look"
            )
    });
    tokens.len() <= BRIEF && of_nothing
}

/// "But not before I say so", "only after I approve".
fn takes_back(tokens: &[&str]) -> bool {
    let from =
        tokens.iter().position(|token| !matches!(*token, "but" | "and" | "please" | "though"));
    let rest = tokens.get(from.unwrap_or_default()..).unwrap_or_default();
    matches!(
        rest,
        ["not", "before" | "until" | "yet" | "now", ..]
            | ["only", "after" | "when" | "once" | "if", "i" | "i've" | "i'm", ..]
    )
}

/// Other languages.
fn elsewhere(text: &str) -> Vec<Boundary> {
    let tokens: Vec<&str> = words(text).collect();
    let objects = named(&tokens);
    let forbid = |operation: Option<Operation>| {
        let objects = if operation.is_some() { objects.clone() } else { Vec::new() };
        Boundary { operation, objects, waits: false }
    };
    let mut found: Vec<Boundary> = FORBIDDING
        .iter()
        .filter(|(operation, phrases)| {
            let says = |phrase: &&&str| {
                forbids(text, phrase) && (operation.is_some() || !is_of_one_thing(text, phrase))
            };
            phrases.iter().any(|phrase| says(&phrase))
        })
        // "Leave the others alone" leaves those that were spoken of.
        .filter(|(operation, _)| operation.is_some() || !OTHERS.iter().any(|it| text.contains(it)))
        .map(|(operation, _)| forbid(*operation))
        .collect();
    found.extend(agreed(&tokens).map(|operation| forbid(Some(operation))));
    let east =
        STEMS.iter().flat_map(|(operation, stems)| stems.iter().map(|stem| (*operation, *stem)));
    for (operation, stem) in east.filter(|(_, stem)| stem.chars().all(|c| c >= '\u{2E80}')) {
        let negated = text.match_indices(stem).any(|(at, _)| {
            let before = text.get(..at).unwrap_or_default();
            let after = text.get(at + stem.len()..).unwrap_or_default();
            chinese_no(before) || japanese_no(after)
        });
        // "Don't change the behaviour" speaks of how; alone it rules out every change.
        if negated && !is_vague(operation) {
            found.push(forbid(Some(operation)));
        } else if negated
            && operation == Operation::Change
            && text.trim().chars().count() <= BRIEF_EAST
        {
            found.push(forbid(None));
        }
    }
    found
}

/// "Wir pushen nicht", "gelöscht wird nichts", "on ne pousse pas", "no borramos nada": what is agreed on for
/// all who work here, in the languages in which that is no command by its form.
fn agreed(tokens: &[&str]) -> impl Iterator<Item = Operation> {
    let has = |words: &[&str]| tokens.iter().any(|token| words.contains(token));
    let first = tokens.iter().find(|token| !LEAD.contains(token)).copied().unwrap_or_default();
    let no = has(&["nicht", "nie", "niemals", "nichts", "kein", "keine", "keinen"]);
    let told = has(&[
        "weil", "wenn", "falls", "dass", "warum", "können", "konnten", "haben", "wurde", "wurden",
    ]);
    // A participle that comes first is stressed: an order, and no report.
    let ordered = has(&["wird", "werden"])
        && (first.starts_with("ge")
            || matches!(first, "hier" | "jetzt" | "heute" | "es" | "nichts"));
    let german = no && !told && (has(&["wir", "man"]) || ordered);
    let french = has(&["pas", "jamais", "rien"])
        && tokens.windows(2).any(|two| {
            matches!(two, ["on" | "nous", "ne"])
                || matches!(two, ["on" | "nous", elided] if elided.starts_with("n'"))
        });
    let spanish = tokens.iter().take(2).any(|token| matches!(*token, "no" | "nunca"));
    let is_verb = move |token: &str, stem: &str| {
        let bare = stem.trim_end_matches('*');
        if german {
            let bare = bare.strip_suffix("en").or_else(|| bare.strip_suffix('e')).unwrap_or(bare);
            let rest = token.strip_prefix("ge").unwrap_or(token);
            return rest
                .strip_prefix(bare)
                .is_some_and(|end| matches!(end, "en" | "n" | "t" | "et"));
        }
        (french || spanish)
            && token.strip_prefix(bare.trim_end_matches(['a', 'e'])).is_some_and(|end| {
                (french && matches!(end, "e" | "ons"))
                    || (spanish && matches!(end, "amos" | "imos" | "emos"))
            })
    };
    let tokens: Vec<String> = match german || french || spanish {
        true => tokens.iter().map(|token| token.trim_start_matches("n'").to_owned()).collect(),
        false => Vec::new(),
    };
    let is_agreed = move |stems: &[&str]| {
        stems.iter().any(|stem| tokens.iter().any(|token| is_verb(token, stem)))
    };
    let western = STEMS.iter().chain(ADOPTED);
    western
        .filter(move |(operation, stems)| !is_vague(*operation) && is_agreed(stems))
        .map(|(operation, _)| *operation)
}

/// English verbs that German has taken over.
const ADOPTED: &[(Operation, &[&str])] = &[
    (Operation::Push, &["push"]),
    (Operation::Commit, &["commit", "committ"]),
    (Operation::Merge, &["merg"]),
    (Operation::Deploy, &["deploy"]),
    (Operation::Publish, &["release", "publish"]),
];

/// Words for what was not spoken of.
pub(super) const OTHERS: &[&str] = &[
    "他の",
    "ほかの",
    "其他",
    "别的",
    "ander",
    "übrige",
    "sonst",
    "autre",
    "otro",
    "otra",
    "demás",
];

/// Words that may stand before a negation that is a command, in Romance languages. Others are subjects:
/// "il ne pousse pas".
const ROMANCE_LEAD: &[&str] =
    &["et", "mais", "alors", "surtout", "plaît", "svp", "pero", "y", "favor", "todavía", "aún"];

/// Whether what must not be touched is one thing, in a language that says it before the verb: "前のコミットは触らないで".
fn is_of_one_thing(text: &str, phrase: &str) -> bool {
    const ALL: &[&str] =
        &["何も", "なにも", "全部", "コード", "ファイル", "絶対", "まだ", "今は", "一切"];
    let before = find_phrase(text, phrase).and_then(|at| text.get(..at)).unwrap_or_default();
    let before = before.trim().trim_end_matches(JAPANESE_PARTICLES);
    phrase.starts_with(['触', '見', '変'])
        && before.chars().any(|c| c >= '\u{2E80}')
        && !ALL.iter().any(|all| before.contains(all))
}

/// Who cannot do something has not ruled it out.
const UNABLE: &[&str] = &["kann", "können", "konnte", "konnten", "könnte"];

fn forbids(text: &str, phrase: &str) -> bool {
    let Some(at) = find_phrase(text, phrase) else { return false };
    let romance = ["ne ", "n'", "no "].iter().any(|start| phrase.starts_with(start));
    let before = text.get(..at).unwrap_or_default();
    let last = words(before).last();
    // "Wir können nicht pushen" tells of what fails.
    if phrase.starts_with("nicht ") && words(before).any(|word| UNABLE.contains(&word)) {
        return false;
    }
    !romance || last.is_none_or(|last| ROMANCE_LEAD.contains(&last) || LEAD.contains(&last))
}

/// A clause of so few characters has no object.
const BRIEF_EAST: usize = 12;

fn chinese_no(before: &str) -> bool {
    let mut before = before;
    while let Some(shorter) = CHINESE_FILLERS.iter().find_map(|filler| before.strip_suffix(filler))
    {
        before = shorter;
    }
    CHINESE_NO
        .iter()
        .any(|no| before.strip_suffix(no).is_some_and(|rest| !rest.ends_with(CHINESE_OTHER_BEFORE)))
}

fn japanese_no(after: &str) -> bool {
    let after = after.trim_start_matches(JAPANESE_PARTICLES);
    JAPANESE_NO.iter().any(|no| after.starts_with(no))
}
