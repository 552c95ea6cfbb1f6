//! What the user said, as intent: what they asked for by name, and what they ruled out.
//!
//! Only the user's own words count. Quoted lines, code blocks and pasted tags may add a boundary and
//! never consent; a question asks, it does not permit.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use serde::{Deserialize, Serialize};

use crate::lexicon::{
    EVERYTHING, LIFTS, NEGATIONS, NEGATIONS_AFTER, Operation, READ_ONLY, VERBS, WEAK,
};

/// One thing the user asked for: a verb and what was named beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) operation: Operation,
    /// Digests of the words of the sentence. Enough to tell whether a target was named; not the
    /// user's text, which need not be kept for that.
    named: BTreeSet<u64>,
}

impl Request {
    fn new(operation: Operation, sentence: &str) -> Self {
        Self { operation, named: words(sentence).map(digest).collect() }
    }

    /// Whether the sentence has this name: itself, or the end of it from a slash on, as in
    /// `tests/old` for `/home/u/proj/tests/old`.
    pub(crate) fn names(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let tails = name.match_indices('/').filter_map(|(at, _)| name.get(at + 1..));
        std::iter::once(name.as_str())
            .chain(tails.filter(|tail| tail.contains('/')))
            .any(|tail| self.named.contains(&digest(tail)))
    }
}

/// Words are compared as people write paths: `./x/` is `x`.
fn digest(word: &str) -> u64 {
    let word = word.trim_start_matches("./").trim_end_matches('/');
    BuildHasherDefault::<DefaultHasher>::default().hash_one(word)
}

/// Something the user ruled out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Boundary {
    /// The operation; `None` is every change.
    pub(crate) operation: Option<Operation>,
    /// Only for these objects; empty is for all.
    pub(crate) objects: Vec<String>,
}

/// What one message said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Intent {
    pub(crate) requests: Vec<Request>,
    pub(crate) boundaries: Vec<Boundary>,
    /// Operations that the user wants again after ruling them out.
    pub(crate) lifted: Vec<Operation>,
}

/// Longer messages are pasted material: only their beginning and end are read for intent.
const READ_BYTES: usize = 4_000;

/// In a sentence of so few words, a verb alone is meant: "push it".
const SHORT_SENTENCE: usize = 6;

/// "Only read" is said in few words; a longer sentence speaks of something that is read-only.
const BRIEF_SENTENCE: usize = 6;

/// Reads one message.
pub(crate) fn read(message: &str) -> Intent {
    let mut intent = Intent::default();
    for (sentence, quoted) in sentences(&ends(message)) {
        read_sentence(&mut intent, &sentence, quoted);
    }
    intent
}

fn ends(message: &str) -> String {
    if message.len() <= 2 * READ_BYTES {
        return message.to_owned();
    }
    let cut = |index: usize| (index..message.len()).find(|i| message.is_char_boundary(*i));
    let head = cut(READ_BYTES).and_then(|at| message.get(..at)).unwrap_or_default();
    let tail = cut(message.len() - READ_BYTES).and_then(|at| message.get(at..)).unwrap_or_default();
    format!("{head}\n{tail}")
}

/// Sentences in lower case, and whether they are quoted material.
fn sentences(message: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in message.lines() {
        let trimmed = line.trim();
        if trimmed.starts_with("```") {
            fenced = !fenced;
            continue;
        }
        let quoted = fenced || trimmed.starts_with('>') || trimmed.starts_with('<');
        let mut sentence = String::new();
        let mut chars = trimmed.chars().peekable();
        while let Some(c) = chars.next() {
            let next_is_blank = chars.peek().is_none_or(|next| next.is_whitespace());
            let ends = matches!(c, '!' | '?' | ';' | '。' | '！' | '？')
                || (matches!(c, '.' | ',' | ':') && next_is_blank);
            if c == '?' || c == '？' {
                sentence.push('?');
            } else if !ends {
                sentence.extend(c.to_lowercase().map(|c| if c == '’' { '\'' } else { c }));
            }
            if ends && !sentence.trim().is_empty() {
                found.push((std::mem::take(&mut sentence), quoted));
            }
        }
        if !sentence.trim().is_empty() {
            found.push((sentence, quoted));
        }
    }
    found
}

fn read_sentence(intent: &mut Intent, sentence: &str, quoted: bool) {
    let brief = words(sentence).count() <= BRIEF_SENTENCE;
    if brief && READ_ONLY.iter().any(|phrase| contains_phrase(sentence, phrase)) {
        intent.boundaries.push(Boundary { operation: None, objects: Vec::new() });
        return;
    }
    // "but don't push": what stands before the negation is still asked for.
    let negation = NEGATIONS.iter().filter_map(|word| find_phrase(sentence, word)).min();
    let (asked, forbidden) =
        sentence.split_at_checked(negation.unwrap_or(sentence.len())).unwrap_or((sentence, ""));
    intent.boundaries.extend(boundaries(forbidden));
    let negated_after = NEGATIONS_AFTER.iter().any(|word| contains_phrase(sentence, word));
    if negated_after {
        intent.boundaries.extend(boundaries(asked));
        return;
    }
    let question = sentence.ends_with('?') && !is_polite_request(sentence);
    if quoted || question {
        return;
    }
    let short = words(asked).count() <= SHORT_SENTENCE;
    for operation in operations_in(asked) {
        if LIFTS.iter().any(|lift| contains_phrase(asked, lift)) || short {
            intent.lifted.push(operation);
        }
        intent.requests.push(Request::new(operation, asked));
    }
}

/// How many words may stand between a negation and its verb: "do not ever again push".
const REACH: usize = 5;

/// What a negated clause rules out.
fn boundaries(clause: &str) -> Vec<Boundary> {
    let reach: String = words(clause).take(REACH).collect::<Vec<_>>().join(" ");
    operations_in(&reach)
        .into_iter()
        .filter_map(|operation| {
            let objects = objects_after(clause, operation);
            let everything = operation == Operation::Change
                && objects.is_empty()
                && words(&reach).any(|word| matches!(word, "anything" | "any" | "files"));
            let boundary = Boundary { operation: (!everything).then_some(operation), objects };
            is_meant(&boundary, &reach).then_some(boundary)
        })
        .collect()
}

/// Whether a boundary rules out something that can be told. "Don't change the behaviour" and "don't
/// run into that again" speak of how, not of what; "don't change src/api.rs" names a thing.
fn is_meant(boundary: &Boundary, clause: &str) -> bool {
    let names_a_thing = boundary.objects.iter().any(|object| object.contains(['/', '.', '_', '-']));
    match boundary.operation {
        Some(Operation::Change | Operation::Run | Operation::Stop | Operation::Send) => {
            names_a_thing
        }
        Some(operation) => {
            names_a_thing
                || verbs_of(operation)
                    .iter()
                    .any(|verb| !WEAK.contains(verb) && contains_phrase(clause, verb))
        }
        None => true,
    }
}

fn verbs_of(operation: Operation) -> &'static [&'static str] {
    VERBS.iter().find(|(other, _)| *other == operation).map_or(&[], |(_, verbs)| verbs)
}

/// "Can you delete x?" asks for it; "why was x deleted?" does not.
fn is_polite_request(sentence: &str) -> bool {
    let sentence = sentence.trim_start();
    ["can you", "could you", "would you", "will you", "please", "kannst du", "peux-tu", "puedes"]
        .iter()
        .any(|start| sentence.starts_with(start))
}

fn operations_in(text: &str) -> Vec<Operation> {
    let mut found: Vec<Operation> = VERBS
        .iter()
        .filter(|(_, verbs)| verbs.iter().any(|verb| find_phrase(text, verb).is_some()))
        .map(|(operation, _)| *operation)
        .collect();
    // "force-push" is not a plain push.
    if found.contains(&Operation::ForcePush) {
        found.retain(|operation| *operation != Operation::Push);
    }
    found
}

/// What a boundary is limited to: the words after its verb that name something.
fn objects_after(text: &str, operation: Operation) -> Vec<String> {
    let at = verbs_of(operation)
        .iter()
        .filter_map(|verb| find_phrase(text, verb))
        .min()
        .unwrap_or_default();
    let rest = text.get(at..).unwrap_or_default();
    words(rest)
        .skip(1)
        .take(4)
        .take_while(|word| {
            !matches!(*word, "until" | "before" | "unless" | "without" | "and" | "but" | "or")
        })
        .filter(|word| !EVERYTHING.contains(word))
        .map(str::to_owned)
        .collect()
}

/// Words as people write targets: paths, branches and package names stay whole.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| {
        c.is_whitespace() || matches!(c, '`' | '"' | '\'' | '(' | ')' | ',' | '?' | '“' | '”')
    })
    .map(|word| word.trim_end_matches(['.', ':', ';', '!']))
    .filter(|word| !word.is_empty())
}

fn contains_phrase(text: &str, phrase: &str) -> bool {
    find_phrase(text, phrase).is_some()
}

/// Where a phrase begins in the text, at word boundaries. `stem*` may go on; scripts without blanks
/// between words match anywhere.
fn find_phrase(text: &str, phrase: &str) -> Option<usize> {
    let (stem, open) = phrase.strip_suffix('*').map_or((phrase, false), |stem| (stem, true));
    let spaced = stem.is_ascii() || stem.chars().all(|c| c < '\u{2E80}');
    text.match_indices(stem).find_map(|(at, _)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + stem.len()..).and_then(|t| t.chars().next());
        let free = |c: Option<char>| {
            c.is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '_' && c != '/' && c != '.')
        };
        let ends = open && after.is_none_or(|c| c.is_alphabetic() || free(Some(c)));
        (!spaced || (free(before) && (ends || free(after)))).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(message: &str) -> Vec<Operation> {
        read(message).requests.into_iter().map(|request| request.operation).collect()
    }

    fn forbidden(message: &str) -> Vec<Option<Operation>> {
        read(message).boundaries.into_iter().map(|boundary| boundary.operation).collect()
    }

    #[test]
    fn a_verb_is_a_request() {
        assert_eq!(asked("force-push feature-x"), [Operation::ForcePush]);
        assert_eq!(asked("please delete tests/old"), [Operation::Delete]);
        assert_eq!(asked("Can you delete tests/old?"), [Operation::Delete]);
    }

    #[test]
    fn a_question_or_a_quote_is_not() {
        assert_eq!(asked("why was tests/old deleted?"), []);
        assert_eq!(asked("> delete tests/old"), []);
        assert_eq!(asked("```\nrm -rf tests/old\n```"), []);
        assert_eq!(asked("the ticket: see docs/delete.md"), []);
    }

    #[test]
    fn a_target_is_named_by_itself_or_by_the_end_of_its_path() {
        let request = &read("delete ./tests/old/ please").requests[0];
        assert!(request.names("tests/old"));
        assert!(request.names("/home/u/proj/tests/old"));
        assert!(!request.names("/home/u/proj/tests/older"));
        assert!(!request.names("/home/u/proj/tests"));
        assert!(!serde_json::to_string(request).unwrap().contains("tests"));
    }

    #[test]
    fn a_negation_is_a_boundary_and_not_a_request() {
        assert_eq!(forbidden("commit it, but don't push"), [Some(Operation::Push)]);
        assert_eq!(asked("commit it but don't push"), [Operation::Commit]);
        assert_eq!(forbidden("only read, please"), [None]);
        assert_eq!(forbidden("bitte nicht löschen"), [Some(Operation::Delete)]);
        assert_eq!(forbidden("不要删除"), [Some(Operation::Delete)]);
    }

    #[test]
    fn how_something_is_done_is_no_boundary() {
        for said in [
            "No. Nothing on a web page gets to see my .env. Go on with the fix.",
            "don't change the behaviour",
            "there's no fix for it",
            "don't use emojis",
            "don't run into that again",
            "I don't think we need to add more",
            "never mind, write the tests",
        ] {
            assert_eq!(forbidden(said), [], "{said}");
        }
        assert_eq!(forbidden("don't change src/api.rs"), [Some(Operation::Change)]);
        assert_eq!(forbidden("look around, but do not change any files"), [None]);
        assert_eq!(forbidden("the view is read-only and shows what others have changed"), []);
        assert_eq!(forbidden("never push to main"), [Some(Operation::Push)]);
    }

    #[test]
    fn a_boundary_may_be_about_one_thing() {
        let boundaries = read("don't delete fixtures/golden").boundaries;
        assert_eq!(boundaries[0].objects, ["fixtures/golden"]);
        assert!(read("don't push yet").boundaries[0].objects.is_empty());
    }
}
