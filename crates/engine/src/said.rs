//! What the user said, as intent: what they asked for by name, and what they ruled out.
//!
//! Only the user's own words count. Quoted lines, code blocks, pasted documents and output may add a
//! boundary and never consent; a question asks, it does not permit; and what is told of what somebody
//! did or of how a program behaves is neither. So both are looked for where commands stand: at the
//! beginning of a clause, after "please", "can you", "we should"…

mod asked;
mod clauses;
mod forbidden;
mod kept;

use std::collections::BTreeSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use serde::{Deserialize, Serialize};

use crate::breadth;
use crate::lexicon::{AGREEING, GO_AHEAD, Operation, RETRACTING, REVIEWS};
use crate::wishes::{self, Environment, Wish};
use crate::words::{contains_phrase, find_phrase};
use clauses::{Clause, words};

/// One thing the user asked for: a verb and what was named beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) operation: Operation,
    /// Digests of the words of the clause. Enough to tell whether a target was named; not the
    /// user's text, which need not be kept for that.
    named: BTreeSet<u64>,
    /// Nothing is named: "push", "force-push it".
    #[serde(default)]
    pub(crate) at_hand: bool,
    /// By a verb of so many uses that alone it lifts nothing.
    #[serde(default)]
    weak: bool,
    /// Of something that was named before: "run it".
    #[serde(default)]
    points: bool,
}

impl Request {
    /// Whether the clause has this name: itself, or the end of it from a slash on, as in
    /// `tests/old` for `/home/u/proj/tests/old`.
    pub(crate) fn names(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let tails = name.match_indices('/').filter_map(|(at, _)| name.get(at + 1..));
        std::iter::once(name.as_str())
            .chain(tails.filter(|tail| tail.contains('/')))
            .any(|tail| self.named.contains(&digest(tail)))
    }
}

/// Words are compared as people write paths and numbers: `./x/` is `x`, `@x` and `#5` are `x` and `5`.
fn digest(word: &str) -> u64 {
    let word = word.trim_start_matches(['@', '#']).trim_start_matches("./").trim_end_matches('/');
    BuildHasherDefault::<DefaultHasher>::default().hash_one(word)
}

/// Something the user ruled out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Boundary {
    /// The operation; `None` is every change.
    pub(crate) operation: Option<Operation>,
    /// Only for these objects; empty is for all.
    pub(crate) objects: Vec<String>,
    /// Until the user says so: "go ahead" lifts it.
    #[serde(default)]
    pub(crate) waits: bool,
}

/// What one message said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Intent {
    pub(crate) requests: Vec<Request>,
    /// The same, by clause, with what each operation is to be done to and where.
    pub(crate) wishes: Vec<Wish>,
    /// Kinds of systems that the user speaks of, if only to ask about them.
    pub(crate) environments: BTreeSet<Environment>,
    /// What was named last, for "it" in the next message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) named: Option<Wish>,
    pub(crate) boundaries: Vec<Boundary>,
    /// Work is asked for, whatever its name.
    pub(crate) works: bool,
    /// The message lets things go on.
    pub(crate) goes_ahead: bool,
    /// The message only agrees: what was said before it still is what was said last.
    pub(crate) agrees: bool,
    /// It takes back what was asked for last: "never mind, leave it".
    #[serde(default)]
    pub(crate) retracts: bool,
    /// It names a file or folder, and nothing in it speaks of the whole project.
    pub(crate) narrow: bool,
    /// It asks how many there are.
    pub(crate) counts: bool,
    /// It is relayed, and longer than what somebody says in passing: a summary, a plan, a skill.
    pub(crate) is_document: bool,
}

impl Intent {
    /// Whether this takes an earlier boundary back.
    pub(crate) fn lifts(&self, boundary: &Boundary) -> bool {
        if boundary.waits && self.goes_ahead {
            return true;
        }
        match boundary.operation {
            // "Mark 58 ready": it need not stay a draft.
            Some(Operation::Propose) if !boundary.objects.is_empty() => {
                self.wishes.iter().any(|wish| {
                    wish.mentions("ready")
                        && boundary.objects.iter().any(|object| wish.mentions(object))
                })
            }
            // "Only look" holds until something is asked for that cannot be done by looking.
            None => {
                self.goes_ahead
                    || self.works
                    || self.requests.iter().any(|request| {
                        !matches!(
                            request.operation,
                            Operation::Run | Operation::Stop | Operation::Send | Operation::Pay
                        )
                    })
            }
            Some(operation) => self.requests.iter().any(|request| {
                let same = request.operation == operation
                    || (operation == Operation::Push && request.operation == Operation::ForcePush)
                    || (operation == Operation::Adopt && request.operation == Operation::Install);
                // "Ok, run it": what it is was said before.
                let of_it = boundary.objects.is_empty()
                    || boundary.objects.iter().any(|object| request.names(object))
                    || (operation == Operation::Run && request.points);
                same && of_it && (!request.weak || !boundary.objects.is_empty())
            }),
        }
    }
}

/// Longer messages are pasted material: only their beginning and end are read for intent.
const READ_BYTES: usize = 4_000;

/// Reads one message.
pub(crate) fn read(message: &str) -> Intent {
    let mut intent = Intent::default();
    let message = ends(message);
    let clauses = clauses::of(&message);
    let own_lines = clauses::own_lines(&message);
    let understood = wishes::read(&own_lines);
    (intent.wishes, intent.environments) = (understood.wishes, understood.environments);
    intent.named = understood.named;
    intent.narrow = breadth::is_narrow(&own_lines);
    intent.counts = breadth::wants_a_number(&own_lines);
    let mut so_far = asked::SoFar::default();
    let mut goes_on = false;
    let mut barred = forbidden::Barred::default();
    let mut things = kept::Things::default();
    for clause in &clauses {
        let found = match barred.holds(clause) {
            true => forbidden::read_barred(clause),
            false => forbidden::read(clause, goes_on),
        };
        let kept = things.read(clause);
        let is_negation = found.is_negation || !kept.is_empty();
        intent.boundaries.extend(kept);
        goes_on = found.goes_on;
        let takes_back = found.takes_back;
        intent.boundaries.extend(found.boundaries);
        if takes_back {
            // "Push it, but not before I say so."
            wait(&mut intent);
        } else if !is_negation {
            asked::read(clause, &mut so_far, &mut intent);
        }
    }
    let keeps_last_look =
        |clause: &Clause| REVIEWS.iter().any(|phrase| find_phrase(&clause.text, phrase).is_some());
    if clauses.iter().any(|clause| !clause.asks && keeps_last_look(clause)) {
        let trunks = ["main", "master", "trunk"].map(str::to_owned).to_vec();
        intent.boundaries.push(Boundary {
            operation: Some(Operation::Merge),
            objects: trunks,
            waits: true,
        });
    }
    let own: Vec<&Clause> = clauses.iter().filter(|clause| !clause.quoted).collect();
    intent.goes_ahead = is_all(&own, GO_AHEAD) && intent.boundaries.is_empty();
    intent.agrees = is_all(&own, AGREEING) || intent.goes_ahead;
    intent.retracts = retracts(&own_lines);
    intent
}

/// Longer messages say more than that something is taken back.
const LONGEST_RETRACTION: usize = 8;

/// Whether a message takes back what was asked for before it, and says little else.
fn retracts(message: &str) -> bool {
    let short = words(message).count() <= LONGEST_RETRACTION;
    let lower = message.to_lowercase();
    let mut sentences = lower.split(['.', '!', ';', '。', '！']);
    short && sentences.any(|text| RETRACTING.iter().any(|phrase| contains_phrase(text, phrase)))
}

/// Longer relayed texts are documents.
const DOCUMENT_BYTES: usize = 600;

/// Reads a message that is relayed: it forbids what it forbids plainly, and asks for nothing.
pub(crate) fn read_relayed(message: &str) -> Intent {
    let is_document = message.len() > DOCUMENT_BYTES;
    let mut boundaries = read(message).boundaries;
    boundaries.retain(|boundary| !is_document || (boundary.operation.is_some() && !boundary.waits));
    Intent { boundaries, is_document, ..Intent::default() }
}

/// What the message asked for so far has to wait.
fn wait(intent: &mut Intent) {
    intent.wishes.clear();
    for request in std::mem::take(&mut intent.requests) {
        let operation = Some(request.operation);
        if !request.weak && request.operation != Operation::Change {
            intent.boundaries.push(Boundary { operation, objects: Vec::new(), waits: true });
        }
    }
    intent.works = false;
}

/// More words than this are more than an answer.
const ANSWER_WORDS: usize = 5;

/// Whether a short message has one of these phrases, and is no question.
fn is_all(own: &[&Clause], phrases: &[&str]) -> bool {
    let count: usize = own.iter().map(|clause| words(&clause.text).count()).sum();
    (1..=ANSWER_WORDS).contains(&count)
        && own.iter().all(|clause| !clause.asks)
        && own
            .iter()
            .any(|clause| phrases.iter().any(|phrase| find_phrase(&clause.text, phrase).is_some()))
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

#[cfg(test)]
mod tests;
