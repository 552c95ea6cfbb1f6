//! What a sentence asks for: its clauses, the operations of each, and what each is to be done to.
//!
//! A request is an imperative, in one of the languages of the [lexicon](crate::lexicon). Questions,
//! descriptions, conditions and what others said ask for nothing. The object of a verb and the place
//! where it is to happen are kept apart: "remove the imports from api.py" deletes no file.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::lexicon::{
    ALL, ASKED, CHANGES, CHECKS, CONDITIONS, EMPTY, ENGLISH, KINDS, LEADS, MAKERS, NEGATIONS,
    NEGATIONS_AFTER, NO_CONDITIONS, OTHER_LANGUAGES, Operation, PREPOSITIONS, PROGRAMS, PRONOUNS,
    REPORTS, SKIP_OPTIONS, SKIPS, SPEAKERS, STEMS, THINGS, VAGUE,
};
use crate::speech::{before_what_is_asked_about, wants_an_answer};
use crate::words::{contains_phrase, digest, find_phrase, is_name, is_unspaced, spellings, words};

/// One thing the user asked for: operations, and what was named beside them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Wish {
    pub(crate) operations: BTreeSet<Operation>,
    /// Digests of the words that ask.
    verbs: BTreeSet<u64>,
    /// Digests of what it is to be done to.
    objects: BTreeSet<u64>,
    /// Digests of the words that tell where, by what means, and for what.
    places: BTreeSet<u64>,
    /// Where by the kind of place: `production`, `staging`, `development`.
    pub(crate) environments: BTreeSet<Environment>,
    /// An object is a name by its form, not a word of the language.
    pub(crate) names_something: bool,
    /// All that lies in the place is meant.
    pub(crate) everything: bool,
    /// The object is a kind of thing and nothing more: "the changes", "the last commit".
    pub(crate) bare: bool,
    /// A command was written out.
    pub(crate) written: bool,
    /// It says which version.
    has_version: bool,
}

/// What kind of system a name speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Environment {
    Production,
    Staging,
    Development,
}

impl Environment {
    /// The kind that a part of a name tells.
    pub(crate) fn of(word: &str) -> Option<Self> {
        word.split(|c: char| !c.is_alphanumeric()).find_map(|part| match part {
            "prod" | "production" | "prd" | "live" | "produktion" | "produktiv" | "producción" => {
                Some(Self::Production)
            }
            "staging" | "stage" | "stg" | "qa" | "uat" | "preprod" => Some(Self::Staging),
            "dev" | "development" | "local" | "localhost" | "test" | "testing" | "tests"
            | "sandbox" | "e2e" | "lokal" | "lokale" | "kind" | "minikube" | "entwicklung" => {
                Some(Self::Development)
            }
            _ => None,
        })
    }
}

impl Wish {
    /// Whether this is among what it is to be done to.
    pub(crate) fn has_object(&self, name: &str) -> bool {
        self.objects.contains(&digest(name))
    }

    /// Whether this is named anywhere in the request.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        let name = digest(name);
        self.objects.contains(&name) || self.places.contains(&name)
    }

    /// Whether this is named as where it is to go, and not as what is to go there.
    pub(crate) fn has_place(&self, name: &str) -> bool {
        let name = digest(name);
        self.places.contains(&name) && !self.objects.contains(&name)
    }

    /// Whether this very word asks.
    pub(crate) fn asks_with(&self, verb: &str) -> bool {
        self.verbs.contains(&digest(verb))
    }

    fn add(&mut self, word: &str, place: bool) {
        let names = if place { &mut self.places } else { &mut self.objects };
        names.extend(spellings(word).into_iter().map(digest));
        self.environments.extend(Environment::of(word));
        // An option is a way to do something, and nothing that something is done to.
        self.names_something |= !place && is_name(word) && !word.starts_with('-');
        self.everything |= ALL.contains(&word);
        let number = word.trim_start_matches('v');
        self.has_version |=
            number.starts_with(|c: char| c.is_ascii_digit()) && number.split('.').count() > 1;
    }

    /// Whether the request may be about this version: it says this one or none.
    pub(crate) fn is_of_version(&self, version: &str) -> bool {
        !self.has_version || self.mentions(version)
    }

    /// Takes what is told of: "64 is superseded by 70" is about 64.
    fn add_told<'w>(&mut self, words: impl Iterator<Item = &'w str>) {
        let mut beside = false;
        for word in words {
            beside |= matches!(word, "by" | "of" | "than" | "von" | "durch" | "par" | "por");
            self.add(word, beside);
        }
    }

    /// Takes one line of a list as more of what it is to be done to.
    fn add_item(&mut self, line: &str) {
        for word in words(line) {
            self.add(word, false);
        }
    }

    fn inherit(&mut self, from: &Self) {
        self.objects.extend(&from.objects);
        self.places.extend(&from.places);
        self.names_something |= from.names_something;
        if self.environments.is_empty() {
            self.environments.extend(&from.environments);
        }
    }
}

/// One clause, as it was understood.
#[derive(Debug, Default)]
struct Clause {
    request: Wish,
    /// It has an object of its own, not only words that stand for one.
    has_object: bool,
    /// It has a word that stands for what was named before.
    refers: bool,
    vague: bool,
}

/// What was named so far in a message, for "it" and "them".
#[derive(Debug, Default)]
struct Before {
    named: Option<Wish>,
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
const WHICH_ONE: &[&str] = &["that", "which", "what", "who", "whatever"];

/// What a message asks for, and the kinds of systems that it speaks of, if only to ask about them.
pub(crate) fn read(message: &str) -> (Vec<Wish>, BTreeSet<Environment>) {
    let mut wishes: Vec<Wish> = Vec::new();
    let mut environments = BTreeSet::new();
    let mut before = Before::default();
    let mut listing = false;
    // "never:", "which of these?", "once it is verified:", and then a list.
    let mut barred = false;
    for Sentence { text, item } in sentences(message) {
        let allowed = before_what_is_asked_about(before_negation(&text));
        environments.extend(words(&text).filter_map(Environment::of));
        if item && barred {
            continue;
        }
        let no_request = allowed.len() < text.len() || is_no_request(&text);
        barred = text.trim_end().ends_with([':', '?']) && no_request;
        if wants_an_answer(&text) {
            remember_names(allowed, &mut before);
            continue;
        }
        if NEGATIONS_AFTER.iter().any(|word| contains_phrase(&text, word)) {
            continue;
        }
        let found = of_sentence(allowed, &mut before);
        // "delete these branches:" and then one in each line.
        if item && listing && found.is_empty() {
            if let Some(last) = wishes.last_mut() {
                last.add_item(&text);
            }
            continue;
        }
        listing = text.ends_with(':') && !found.is_empty();
        wishes.extend(found);
    }
    (wishes, environments)
}

/// A sentence in lower case.
#[derive(Default)]
struct Sentence {
    text: String,
    /// It stands in a list.
    item: bool,
}

fn sentences(message: &str) -> Vec<Sentence> {
    let mut found = Vec::new();
    for line in message.lines() {
        let trimmed = line.trim();
        let plain = without_number(trimmed.trim_start_matches(['-', '*', '•', ' ']));
        let item = plain.len() < trimmed.len();
        let mut sentence = Sentence { item, ..Sentence::default() };
        let mut chars = if item { plain } else { trimmed }.chars().peekable();
        while let Some(c) = chars.next() {
            let next_is_blank = chars.peek().is_none_or(|next| next.is_whitespace());
            let pauses = matches!(c, ',' | ':') && next_is_blank;
            let stops =
                matches!(c, '!' | '?' | ';' | '。' | '！' | '？') || (c == '.' && next_is_blank);
            let lower = c.to_lowercase().map(|c| if c == '’' { '\'' } else { c });
            if matches!(c, '?' | '？') {
                sentence.text.push('?');
            } else if pauses {
                sentence.text.push(c);
            } else if !stops {
                sentence.text.extend(lower);
            }
            if stops {
                found.push(std::mem::replace(
                    &mut sentence,
                    Sentence { item, ..Sentence::default() },
                ));
            }
        }
        found.push(sentence);
    }
    found.retain(|sentence| !sentence.text.trim().is_empty());
    found
}

/// "1. Drop it", "2) Rename it"
fn without_number(line: &str) -> &str {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_numbered = rest.len() < line.len();
    rest.strip_prefix([')', '.']).filter(|it| is_numbered && it.starts_with(' ')).unwrap_or(line)
}

/// "but don't push": what stands before the negation is still asked for.
fn before_negation(sentence: &str) -> &str {
    let negates = |at: &usize| {
        // "stop pushing" rules out, "stop the server" asks.
        let rest = sentence.get(*at..).unwrap_or_default();
        let mut words = words(rest);
        words.next() != Some("stop") || words.next().is_some_and(|word| word.ends_with("ing"))
    };
    let found = NEGATIONS.iter().filter_map(|word| find_phrase(sentence, word));
    let negation = found.filter(negates).min().unwrap_or(sentence.len());
    sentence.get(..negation).unwrap_or(sentence)
}

/// The requests of one sentence, in lower case, that ends with `?` where it is a question.
fn of_sentence(sentence: &str, before: &mut Before) -> Vec<Wish> {
    let sentence = without_quotations(sentence);
    let mut found: Vec<Wish> = Vec::new();
    if is_no_request(&sentence) {
        remember_names(&sentence, before);
        return found;
    }
    let skips = skips_checks(&sentence);
    let forced = words(&sentence)
        .any(|word| word.starts_with("forc") || word.starts_with("--force") || word == "-f");
    // "On staging, restart web": said first, and true of all that follows.
    let mut setting = Wish::default();
    // "drop and recreate x": verbs that wait for their object.
    let mut waiting: Option<Wish> = None;
    for text in clauses(&sentence) {
        let Some(Clause { mut request, has_object, refers, vague }) = clause(&text) else {
            let mut named = Wish::default();
            let first = words(&text).next().unwrap_or_default();
            let place = PREPOSITIONS.contains(&first);
            if place {
                words(&text).for_each(|word| named.add(word, true));
            } else {
                named.add_told(words(&text));
            }
            if place {
                setting.inherit(&named);
                if let Some(last) = found.last_mut() {
                    last.inherit(&named);
                }
            } else if let Some(last) =
                found.last_mut().filter(|_| words(&text).count() <= 4 || is_name(first))
            {
                // "close #12, #15 and #18"
                last.inherit(&named);
            } else if named.names_something {
                before.named = Some(named);
            } else if words(&text).any(|word| KINDS.contains(&word)) {
                // "The stash is of no use any more, drop it."
                before.named.get_or_insert_default().inherit(&named);
            }
            continue;
        };
        request.inherit(&setting);
        if request.operations.contains(&Operation::Merge) && is_as_admin(&text) {
            request.operations.insert(Operation::Skip);
        }
        if let Some(earlier) = waiting.take() {
            request.operations.extend(earlier.operations);
            request.verbs.extend(earlier.verbs);
        }
        if (!has_object || refers)
            && !vague
            && let Some(named) = &before.named
        {
            request.inherit(named);
        }
        if has_object {
            before.named = Some(request.clone());
        } else if !refers && request.places.is_empty() {
            waiting = Some(request.clone());
        }
        found.push(request);
    }
    for request in &mut found {
        if skips {
            request.operations.insert(Operation::Skip);
        }
        if forced && request.operations.contains(&Operation::Push) {
            request.operations.insert(Operation::ForcePush);
        }
    }
    found
}

/// What a sentence that asks for nothing names, so that the next one can speak of it.
fn remember_names(sentence: &str, before: &mut Before) {
    let mut named = Wish::default();
    let tells = |word: &&str| is_name(word) || PREPOSITIONS.contains(word);
    named.add_told(words(sentence).filter(tells));
    if named.names_something {
        before.named = Some(named);
    }
}

/// Questions, conditions, and what others said.
fn is_no_request(sentence: &str) -> bool {
    let mut rest = sentence.to_owned();
    for phrase in NO_CONDITIONS {
        rest = rest.replace(phrase, " ");
    }
    wants_an_answer(sentence)
        || CONDITIONS.iter().any(|word| contains_phrase(&rest, word))
        || REPORTS.iter().any(|word| contains_phrase(sentence, word))
}

/// The words after all that only leads up to a request.
fn stripped(text: &str) -> Vec<&str> {
    stripped_of(&words(text).collect::<Vec<_>>())
}

fn stripped_of<'t>(all: &[&'t str]) -> Vec<&'t str> {
    let mut rest = all;
    while let Some(lead) =
        LEADS.iter().filter(|lead| rest.starts_with(lead)).max_by_key(|lead| lead.len())
    {
        rest = rest.get(lead.len()..).unwrap_or_default();
    }
    rest.to_vec()
}

/// A phrase in quotation marks is somebody's text; a single quoted word is a name.
fn without_quotations(sentence: &str) -> String {
    let mut kept = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some(at) = rest.find(['"', '“', '«', '\'']) {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        let open = from.chars().next().unwrap_or('"');
        let inner = from.get(open.len_utf8()..).unwrap_or_default();
        let close = match open {
            '“' => '”',
            '«' => '»',
            same => same,
        };
        let apostrophe = open == '\'' && before.ends_with(char::is_alphanumeric);
        kept.push_str(before);
        match inner.find(close).filter(|_| !apostrophe) {
            Some(end) => {
                let quoted = inner.get(..end).unwrap_or_default();
                if !quoted.trim().contains(char::is_whitespace) {
                    kept.push_str(quoted);
                }
                rest = inner.get(end + close.len_utf8()..).unwrap_or_default();
            }
            None => {
                kept.push('\'');
                rest = inner;
            }
        }
    }
    kept + rest
}

/// Clauses of a sentence: at commas and colons, and at a conjunction that a verb follows.
fn clauses(sentence: &str) -> Vec<String> {
    const JOINTS: &[&str] =
        &[" and ", " then ", " & ", " und ", " dann ", " et ", " puis ", " y ", " luego ", " but "];
    let mut found = Vec::new();
    for part in parts(sentence) {
        let mut rest = part;
        loop {
            let joint = JOINTS
                .iter()
                .flat_map(|joint| rest.match_indices(joint).map(|(at, _)| (at, joint.len())))
                .filter(|(at, length)| {
                    rest.get(at + length..).is_some_and(|after| head(&stripped(after)).is_some())
                })
                .min();
            let Some((before, after)) =
                joint.and_then(|(at, length)| Some((rest.get(..at)?, rest.get(at + length..)?)))
            else {
                break;
            };
            found.push(before.to_owned());
            rest = after;
        }
        found.push(rest.to_owned());
    }
    found.retain(|text| words(text).next().is_some() || text.chars().any(is_unspaced));
    found
}

/// A comma or colon parts where a blank follows: `https://host` and `a:b` stay whole.
fn parts(sentence: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, mark) in sentence.match_indices([',', ':', '(', ')', '–', '—', '，', '、']) {
        let after = sentence.get(at + mark.len()..).unwrap_or_default();
        if matches!(mark, "," | ":") && after.starts_with(|c: char| !c.is_whitespace()) {
            continue;
        }
        found.extend(sentence.get(start..at));
        start = at + mark.len();
    }
    found.extend(sentence.get(start..));
    found
}

/// The operations that a beginning asks for, and of how many words it is.
fn head(rest: &[&str]) -> Option<(BTreeSet<Operation>, usize)> {
    let mut operations = BTreeSet::new();
    let mut length = 0;
    // "squash-merge" is a merge.
    let compound: Vec<&str> =
        rest.first().and_then(|word| word.rsplit('-').next()).into_iter().collect();
    for (operation, phrase) in phrases() {
        let found = begins_with(rest, phrase).or_else(|| begins_with(&compound, phrase));
        if let Some(words) = found {
            operations.insert(operation);
            length = length.max(words);
        }
    }
    let maker = rest.first().is_some_and(|word| MAKERS.iter().any(|maker| is_form(word, maker)));
    if maker {
        let object = rest.iter().skip(1).take(6).copied().collect::<Vec<_>>().join(" ");
        for (operation, things) in THINGS {
            if things.iter().any(|thing| contains_phrase(&object, thing)) {
                operations.insert(*operation);
                length = length.max(1);
            }
        }
    }
    (!operations.is_empty()).then_some((operations, length))
}

fn phrases() -> impl Iterator<Item = (Operation, &'static str)> {
    ENGLISH
        .iter()
        .chain(STEMS)
        .chain(ASKED)
        .flat_map(|(operation, phrases)| phrases.iter().map(move |phrase| (*operation, *phrase)))
}

/// How many words the phrase takes at the beginning. A particle may come later: "turn it off".
fn begins_with(rest: &[&str], phrase: &str) -> Option<usize> {
    let mut parts = phrase.split(' ');
    let (first, particle) = (parts.next()?, parts.next());
    is_form(rest.first()?, first).then_some(())?;
    match particle {
        None => Some(1),
        Some(particle) if rest.get(1).is_some_and(|word| is_form(word, particle)) => {
            Some(1 + 1 + parts.count())
        }
        Some(
            "up" | "down" | "off" | "on" | "out" | "away" | "back" | "neu" | "an" | "ein" | "ab"
            | "zurück" | "hinzu" | "aus" | "weg",
        ) if rest.iter().skip(1).take(12).any(|word| phrase.ends_with(&format!(" {word}"))) => {
            Some(1)
        }
        Some(_) => None,
    }
}

/// Whether a word is the form of a verb that asks: the imperative or the infinitive, in none of the
/// languages what was done or what something does.
fn is_form(word: &str, verb: &str) -> bool {
    match verb.strip_suffix('*') {
        // German takes English verbs over: "pushen", "merge".
        None => word.strip_prefix(verb).is_some_and(|ending| {
            ending.is_empty() || (verb.is_ascii() && matches!(ending, "e" | "en" | "n"))
        }),
        Some(stem) => word.strip_prefix(stem).is_some_and(|ending| {
            ending.is_empty()
                || matches!(
                    ending,
                    "e" | "en"
                        | "n"
                        | "er"
                        | "ez"
                        | "ir"
                        | "re"
                        | "r"
                        | "a"
                        | "ar"
                        | "lo"
                        | "la"
                        | "los"
                        | "las"
                        | "rlo"
                        | "arlo"
                )
        }),
    }
}

/// A clause that asks for something.
fn clause(text: &str) -> Option<Clause> {
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
        (speaks
            && names
            && !written
            && !matches!(
                *first,
                "i" | "we" | "you" | "they" | "he" | "she" | "there" | "no" | "not"
            ))
        .then_some(())?;
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
    for word in object {
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
    Some(clause)
}

/// What is dropped is no file where it is the changes to it.
fn discard(request: &mut Wish) {
    let takes_away = request.operations.contains(&Operation::Delete);
    if takes_away && CHANGES.iter().any(|word| request.has_object(word)) {
        request.operations.insert(Operation::Discard);
        request.operations.remove(&Operation::Delete);
    }
}

/// Languages whose verbs stand elsewhere than at the beginning.
fn anywhere<'t>(text: &str, all: &[&'t str]) -> Option<(BTreeSet<Operation>, Option<&'t str>)> {
    if all.iter().any(|word| SPEAKERS.contains(word)) {
        return None;
    }
    let other = all.iter().any(|word| OTHER_LANGUAGES.contains(word));
    let last = all.last().copied();
    let mut operations = BTreeSet::new();
    let mut verb = None;
    for (operation, phrase) in phrases() {
        let stem = phrase.trim_end_matches('*');
        if stem.chars().all(is_unspaced) {
            if asks_in_place(text, stem) {
                operations.insert(operation);
            }
            continue;
        }
        let found = all.iter().copied().find(|word| {
            is_form(word, phrase)
                && (!phrase.is_ascii()
                    || (other && *word != stem)
                    || (Some(*word) == last && word.ends_with("en") && *word != stem))
        });
        if found.is_some() {
            operations.insert(operation);
            verb = found;
        }
    }
    (!operations.is_empty()).then_some((operations, verb))
}

/// Whether a verb of a script without blanks asks: it is not followed by what tells of the past.
fn asks_in_place(text: &str, verb: &str) -> bool {
    const TOLD: &[&str] =
        &["了", "过", "しまし", "した", "された", "されて", "してい", "しない", "済"];
    text.match_indices(verb).any(|(at, _)| {
        let after = text.get(at + verb.len()..).unwrap_or_default();
        !TOLD.iter().any(|mark| after.starts_with(mark))
    })
}

/// "x can be deleted", "y has to go": the operations, and where what they are done to ends.
fn permitted(all: &[&str]) -> Option<(BTreeSet<Operation>, usize)> {
    const MODALS: &[&[&str]] = &[
        &["can", "be"],
        &["may", "be"],
        &["should", "be"],
        &["must", "be"],
        &["needs", "to", "be"],
        &["need", "to", "be"],
        &["has", "to", "be"],
        &["have", "to", "be"],
    ];
    const GO: &[&[&str]] =
        &[&["can", "go"], &["has", "to", "go"], &["have", "to", "go"], &["must", "go"]];
    // "users can go to /login", "x can be deleted by anyone": told of, and not asked for.
    const AFTER_GO: &[&str] = &["now", "too", "away", "entirely", "completely", "as", "again"];
    const TOLD: &[&str] = &["by", "from", "through", "via", "into", "to"];
    let find = |phrase: &[&str]| all.windows(phrase.len()).position(|window| window == phrase);
    let goes = |phrase: &&[&str]| {
        let at = find(phrase)?;
        all.get(at + phrase.len()).is_none_or(|next| AFTER_GO.contains(next)).then_some(at)
    };
    if let Some(at) = GO.iter().find_map(goes) {
        return Some((BTreeSet::from([Operation::Delete]), at));
    }
    let (at, done) = MODALS.iter().find_map(|modal| {
        let at = find(modal)?;
        Some((at, all.get(at + modal.len())?))
    })?;
    let after = all.iter().position(|word| word == done).map_or(at, |it| it + 1);
    if all.iter().skip(after).any(|word| TOLD.contains(word)) {
        return None;
    }
    let stem = done.strip_suffix("ed").unwrap_or(done);
    let operations: BTreeSet<Operation> = phrases()
        .filter(|(_, phrase)| {
            let verb = phrase.trim_end_matches('*');
            verb == stem
                || verb.strip_suffix('e') == Some(stem)
                || stem.strip_suffix('p') == Some(verb)
        })
        .map(|(operation, _)| operation)
        .collect();
    (!operations.is_empty()).then_some((operations, at))
}

/// "merge 97 with admin rights", and not "merge the login as admin".
fn is_as_admin(clause: &str) -> bool {
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

/// Whether the sentence wants a check left out.
fn skips_checks(sentence: &str) -> bool {
    let all: Vec<&str> = words(sentence).collect();
    all.iter().any(|word| SKIP_OPTIONS.contains(word) || word.starts_with("skip="))
        || all.iter().enumerate().any(|(at, word)| {
            SKIPS.contains(word)
                && all.iter().skip(at + 1).take(4).any(|word| CHECKS.contains(word))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(sentence: &str) -> Vec<Wish> {
        of_sentence(sentence, &mut Before::default())
    }

    fn asks(sentence: &str, operation: Operation, name: &str) -> bool {
        asked(sentence).iter().any(|r| r.operations.contains(&operation) && r.has_object(name))
    }

    #[test]
    fn a_verb_asks_for_what_it_is_said_of() {
        for (said, operation, name) in [
            ("force-push fix/login with lease", Operation::ForcePush, "fix/login"),
            ("drop and recreate the local dev database app_dev", Operation::Delete, "app_dev"),
            ("close issues #12 and #15", Operation::Close, "15"),
            ("close #12, #15 and #18", Operation::Close, "18"),
            ("delete the branch old-api on origin", Operation::Delete, "old-api"),
            ("restart the deployment billing", Operation::Stop, "billing"),
            ("kill the process on port 3000", Operation::Stop, "process"),
            ("publish 1.4.2 to npm", Operation::Publish, "1.4.2"),
            ("merge pr 88", Operation::Merge, "88"),
            ("yes, you can delete tmp/x now", Operation::Delete, "tmp/x"),
            ("cut a release v2.0.0", Operation::Publish, "2.0.0"),
            ("tmp/x can be deleted", Operation::Delete, "tmp/x"),
            ("lösche bitte tmp/x", Operation::Delete, "tmp/x"),
            ("bitte tmp/x löschen", Operation::Delete, "tmp/x"),
            ("kannst du tmp/x entfernen?", Operation::Delete, "tmp/x"),
            ("supprime le dossier tmp/x", Operation::Delete, "tmp/x"),
            ("borra la rama old-api", Operation::Delete, "old-api"),
            ("old-apiブランチを削除して", Operation::Delete, "old-api"),
            ("请删除 old-api 分支", Operation::Delete, "old-api"),
        ] {
            assert!(asks(said, operation, name), "{said}: {:?}", asked(said));
        }
    }

    #[test]
    fn telling_asking_and_conditions_are_no_requests() {
        for said in [
            "could we drop invoice_archive, or does finance still need it?",
            "the script deletes tmp/x",
            "somebody deleted tmp/x",
            "i'll delete tmp/x myself",
            "we delete tmp/x every night",
            "delete tmp/x once the tests are green",
            "if tmp/x is old, delete it",
            "tomas said: delete tmp/x",
            "what would it take to delete tmp/x",
            "sollen wir tmp/x löschen?",
            "ich lösche tmp/x selbst",
            "how do i delete tmp/x",
        ] {
            assert!(!asks(said, Operation::Delete, "tmp/x"), "{said}: {:?}", asked(said));
            assert!(!asks(said, Operation::Delete, "invoice_archive"), "{said}");
        }
    }

    #[test]
    fn a_place_is_no_object() {
        let [request] = asked("remove the imports from src/api.py").try_into().unwrap();
        assert!(!request.has_object("src/api.py") && request.mentions("src/api.py"));
        let [request] = asked("restart web on staging").try_into().unwrap();
        assert_eq!(request.environments, BTreeSet::from([Environment::Staging]));
    }

    #[test]
    fn what_it_stands_for_may_be_some_sentences_back() {
        let message = "Until recently we ran the linter from .frob/settings.json. This is set up by \
                       `frob enable --local`. Can you help me change it so that it runs from the path?";
        let (wishes, _) = read(message);
        let change = |wish: &Wish| {
            wish.operations.contains(&Operation::Change) && wish.has_object(".frob/settings.json")
        };
        assert!(wishes.iter().any(change), "{wishes:?}");
    }

    #[test]
    fn what_stands_for_something_is_what_was_named() {
        let mut before = Before::default();
        assert!(of_sentence("we no longer need src/legacy at all", &mut before).is_empty());
        let [request] = of_sentence("git rm the whole folder", &mut before).try_into().unwrap();
        assert!(request.has_object("src/legacy"), "{request:?}");
        let found = asked("close pr 1187, delete its branch");
        let delete = found.iter().find(|r| r.operations.contains(&Operation::Delete));
        assert!(delete.unwrap().has_object("1187"));
    }
}
