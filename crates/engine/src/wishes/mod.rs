//! What a sentence asks for: its clauses, the operations of each, and what each is to be done to.
//!
//! A request is an imperative, in one of the languages of the [lexicon](crate::lexicon). Questions,
//! descriptions, conditions and what others said ask for nothing. The object of a verb and the place
//! where it is to happen are kept apart: "remove the imports from api.py" deletes no file.

mod clause;
mod sentence;
mod verbs;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::lexicon::{
    AGREEING, ALL, CHANGES, CONDITIONS, EMPTY, KINDS, NEGATIONS_AFTER, NO_CONDITIONS, Operation,
    PREPOSITIONS, PRONOUNS, REPORTS, SUBJECTS,
};
use crate::speech::{before_what_is_asked_about, heads_what_not_to_do, wants_an_answer};
use crate::words::{contains_phrase, digest, is_name, is_unspaced, spellings, words};
use clause::{Clause, clause, discard, is_as_admin, skips_checks};
use sentence::{Sentence, before_negation, clauses, sentences, stripped, without_quotations};

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
    /// What lies on this machine is meant, and what lies elsewhere.
    reach: Reach,
    /// It asks for nothing: it is what a statement was about.
    is_topic: bool,
    /// It stands for something of which the message before may have spoken.
    refers_back: Back,
}

/// What a request leaves to what was said before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Back {
    /// Nothing.
    #[default]
    No,
    /// What it is done to: "restart", "delete the pod".
    What,
    /// Where: "clear the cache there".
    Where,
    /// Both, in a word that stands for it: "restart it".
    Both,
}

/// Where what is asked for lies, as far as it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Reach {
    here: bool,
    elsewhere: bool,
}

impl Reach {
    fn add(&mut self, word: &str) {
        const HERE: &[&str] = &[
            "local",
            "locally",
            "lokal",
            "lokale",
            "lokalen",
            "lokaler",
            "lokales",
            "locale",
            "locales",
            "locaux",
            "localement",
            "localmente",
        ];
        const ELSEWHERE: &[&str] = &[
            "remote",
            "remotes",
            "remotely",
            "origin",
            "upstream",
            "github",
            "gitlab",
            "bitbucket",
            "distant",
            "distante",
            "remoto",
            "remota",
            "entfernten",
            "entfernte",
        ];
        // Written without blanks, the word is a part of what stands there.
        const HERE_EAST: &[&str] = &["ローカル", "本地"];
        const ELSEWHERE_EAST: &[&str] = &["リモート", "远程"];
        let east = word.chars().any(is_unspaced);
        self.here |= HERE.contains(&word) || (east && HERE_EAST.iter().any(|it| word.contains(it)));
        self.elsewhere |= ELSEWHERE.contains(&word)
            || word.starts_with("origin/")
            || word.starts_with("upstream/")
            || (east && ELSEWHERE_EAST.iter().any(|it| word.contains(it)));
    }

    /// Only what lies on this machine was spoken of.
    pub(crate) fn is_here_alone(self) -> bool {
        self.here && !self.elsewhere
    }

    /// Only what lies elsewhere was spoken of.
    pub(crate) fn is_elsewhere_alone(self) -> bool {
        self.elsewhere && !self.here
    }
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

    /// Takes what "it" stands for from what the message before named last.
    pub(crate) fn complete(&mut self, named: &Self) {
        let back = std::mem::take(&mut self.refers_back);
        if named.is_topic && self.is_grave() {
            return;
        }
        let told = self.environments.contains(&Environment::Production);
        match back {
            Back::No => return,
            Back::What => self.take_names(named),
            Back::Where => self.take_places(named),
            Back::Both => self.inherit(named),
        }
        // Production is never meant by the way: only "there" points at it, or the name of what is on it.
        if back == Back::Both
            && !told
            && !named.names_something
            && !THERE.iter().any(|it| self.mentions(it))
        {
            self.environments.remove(&Environment::Production);
        }
        discard(self);
    }

    /// Where it is to happen.
    pub(crate) fn reach(&self) -> Reach {
        self.reach
    }

    /// Whether this very word asks.
    pub(crate) fn asks_with(&self, verb: &str) -> bool {
        self.verbs.contains(&digest(verb))
    }

    fn add(&mut self, word: &str, place: bool) {
        let names = if place { &mut self.places } else { &mut self.objects };
        names.extend(spellings(word).into_iter().map(digest));
        self.environments.extend(Environment::of(word));
        self.reach.add(word);
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

    /// Takes the numbers between two, where the word before says what they are of. Else they may be a count:
    /// "the 10-20 oldest".
    fn add_range(&mut self, before: &str, word: &str) {
        let of_items = matches!(before, "pr" | "prs" | "mr" | "mrs" | "issue" | "issues" | "pulls");
        if of_items || word.starts_with('#') {
            self.objects.extend(range(word).map(|number| digest(&number.to_string())));
        }
    }

    /// What a statement is about, in its own words: what stands before its verb, and where.
    fn topic(sentence: &str) -> Option<Self> {
        let all: Vec<&str> = words(sentence).collect();
        let says_nothing = |word: &&str| {
            [EMPTY, PRONOUNS, SUBJECTS, AGREEING].iter().any(|list| list.contains(word))
        };
        let subject =
            all.iter().find(|word| !says_nothing(word) && !PREPOSITIONS.contains(word))?;
        let mut topic = Self { is_topic: true, ..Self::default() };
        topic.add(subject, false);
        for pair in all.windows(2) {
            if let [preposition, place] = pair
                && PREPOSITIONS.contains(preposition)
            {
                topic.add(place, true);
            }
        }
        Some(topic)
    }

    /// What it asks for cannot be had back: what it is done to must have been named.
    fn is_grave(&self) -> bool {
        use Operation as O;
        let grave = [
            O::Delete,
            O::Discard,
            O::Recreate,
            O::Publish,
            O::Merge,
            O::ForcePush,
            O::Send,
            O::Grant,
        ];
        self.operations.iter().any(|operation| grave.contains(operation))
    }

    fn inherit(&mut self, from: &Self) {
        self.take_names(from);
        self.take_places(from);
    }

    fn take_names(&mut self, from: &Self) {
        self.objects.extend(&from.objects);
        self.places.extend(&from.places);
        self.names_something |= from.names_something;
    }

    fn take_places(&mut self, from: &Self) {
        self.places.extend(&from.places);
        if self.environments.is_empty() {
            self.environments.extend(&from.environments);
        }
        if self.reach == Reach::default() {
            self.reach = from.reach;
        }
    }
}

/// The numbers from one to another: `14-16`, `#14–#16`.
fn range(word: &str) -> std::ops::RangeInclusive<u32> {
    const MOST: u32 = 50;
    let number = |text: &str| text.trim_start_matches('#').parse::<u32>().ok();
    let ends = word.split_once(['-', '–']).and_then(|(a, b)| Some((number(a)?, number(b)?)));
    match ends {
        Some((from, to)) if from < to && to - from <= MOST => from..=to,
        #[expect(clippy::reversed_empty_ranges, reason = "nothing is between them")]
        _ => 1..=0,
    }
}

/// What was named so far in a message, for "it" and "them".
#[derive(Debug, Default)]
struct Before {
    named: Option<Wish>,
    /// What a statement was about, in a word that is no name by its form: "search is stuck on staging".
    topic: Option<Wish>,
}

impl Before {
    /// What a request is about that has no object of its own.
    fn what(&self, request: &Wish) -> Option<&Wish> {
        self.named.as_ref().or_else(|| self.topic.as_ref().filter(|_| !request.is_grave()))
    }

    /// Takes note of what a sentence that asks for nothing speaks of.
    fn tell(&mut self, named: Wish, sentence: &str) {
        if named.names_something {
            self.named = Some(named);
            return;
        }
        // What is said after it may be of something else: "search is stuck, payments is fine".
        if self.topic.is_none() {
            self.topic = Wish::topic(sentence);
        }
        if words(sentence).any(|word| KINDS.contains(&word) || CHANGES.contains(&word)) {
            // "The stash is of no use any more, drop it."
            self.named.get_or_insert_default().inherit(&named);
        }
    }
}

/// Words that stand for where something was said to be.
const THERE: &[&str] = &[
    "there",
    "dort",
    "da",
    "dorthin",
    "là",
    "là-bas",
    "y",
    "allí",
    "ahí",
    "那里",
    "那边",
    "そこ",
    "そちら",
    "あっち",
];

/// What was understood of a message.
#[derive(Debug, Default)]
pub(crate) struct Understood {
    /// What it asks for.
    pub(crate) wishes: Vec<Wish>,
    /// The kinds of systems that it speaks of, if only to ask about them.
    pub(crate) environments: BTreeSet<Environment>,
    /// What it named last.
    pub(crate) named: Option<Wish>,
}

/// Reads a message.
pub(crate) fn read(message: &str) -> Understood {
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
        let heading = text.split([':', '：']).next().unwrap_or_default();
        let not_to_do = heading.len() < text.len() && heads_what_not_to_do(heading);
        let no_request = not_to_do || allowed.len() < text.len() || is_no_request(&text);
        barred = text.trim_end().ends_with([':', '：', '?']) && no_request;
        if not_to_do {
            continue;
        }
        if wants_an_answer(&text) {
            remember_names(allowed, &mut before);
            continue;
        }
        let beside = without_brackets(&text);
        if NEGATIONS_AFTER.iter().any(|word| contains_phrase(&beside, word)) {
            // "ollama läuft nicht": a statement. "main への push は禁止" speaks of what is not wanted.
            if !text.chars().any(is_unspaced) {
                remember_names(&text, &mut before);
            }
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
    let named = before.named.or(before.topic);
    Understood { wishes, environments, named }
}

/// The requests of one sentence, in lower case, that ends with `?` where it is a question.
fn of_sentence(sentence: &str, before: &mut Before) -> Vec<Wish> {
    let sentence = without_quotations(told_of(sentence));
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
        let Some(Clause { mut request, has_object, refers, vague, guessed }) = clause(&text) else {
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
            } else if let Some(last) = found.last_mut().filter(|_| goes_on(&text, first)) {
                // "close #12, #15 and #18"
                last.inherit(&named);
            } else {
                // "The stash is of no use any more, drop it."
                before.tell(named, &text);
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
        let stands_for = |list: &[&str]| {
            let is_said = |word: &&str| match word.chars().any(is_unspaced) {
                true => text.contains(*word),
                false => words(&text).any(|it| it == *word),
            };
            list.iter().any(is_said)
        };
        if (!has_object || refers)
            && !vague
            && let Some(named) = before.what(&request)
        {
            request.inherit(named);
            discard(&mut request);
        }
        // Only what has no object of its own is about what another message named: "restart", "restart it". An
        // object beside a word that stands for something is an object: "delete that comment".
        if !vague && before.named.is_none() {
            request.refers_back = match (!has_object, stands_for(THERE)) {
                (true, true) => Back::Both,
                (true, false) if refers => Back::Both,
                (true, false) => Back::What,
                (false, true) => Back::Where,
                (false, false) => Back::No,
            };
        }
        if has_object && !guessed {
            before.named = Some(request.clone());
        } else if guessed {
            before.tell(Wish::default(), &text);
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

/// Whether a clause without a verb names more of what the one before it was about.
fn goes_on(text: &str, first: &str) -> bool {
    /// "和 b", "以及 b"; what is longer says something.
    const MOST_UNSPACED: usize = 3;
    const JOINTS: &[&str] = &["and", "or", "und", "oder", "et", "ou", "y", "o", "also", "auch"];
    // What says more of it may say that it is left out: "(not feature-x)", "feature-x stays".
    let more = |word: &str| {
        !is_name(word) && ![KINDS, EMPTY, JOINTS].iter().any(|list| list.contains(&word))
    };
    text.chars().filter(|c| is_unspaced(*c)).count() <= MOST_UNSPACED
        && (is_name(first) || words(text).count() <= 4)
        && (text.chars().any(is_unspaced) || !words(text).any(more))
}

/// What is said in brackets is said beside: "open the tunnel (it said ok)".
fn without_brackets(sentence: &str) -> String {
    let mut depth = 0_usize;
    let keeps = |c: &char| {
        match c {
            '(' | '（' => depth += 1,
            ')' | '）' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    };
    sentence.chars().filter(keeps).collect()
}

/// The sentence without what a colon introduces as told of: "what I ran was: rm -rf build", "explain: …".
fn told_of(sentence: &str) -> &str {
    const SHOWS: &[&str] = &[
        "explain", "describe", "show", "review", "plan", "preview", "simulate", "erkläre",
        "explique", "explica",
    ];
    const TELLS: &[&str] = &[
        "was",
        "were",
        "ran",
        "did",
        "got",
        "saw",
        "tried",
        "used",
        "failed",
        "happened",
        "printed",
        "output",
        "error",
        "log",
        "history",
        "example",
        "e.g",
        "war",
        "lief",
        "ausgeführt",
    ];
    let Some((before, _)) = sentence.split_once(": ") else { return sentence };
    let shows = stripped(before).first().is_some_and(|first| SHOWS.contains(first));
    let tells = words(before).last().is_some_and(|last| TELLS.contains(&last));
    if shows || tells { before } else { sentence }
}

/// What a sentence that asks for nothing names, so that the next one can speak of it.
fn remember_names(sentence: &str, before: &mut Before) {
    let mut named = Wish::default();
    let tells = |word: &&str| is_name(word) || PREPOSITIONS.contains(word);
    named.add_told(words(sentence).filter(tells));
    before.tell(named, sentence);
}

/// Questions, conditions, and what others said.
fn is_no_request(sentence: &str) -> bool {
    let mut rest = sentence.to_owned();
    for phrase in NO_CONDITIONS {
        rest = rest.replace(phrase, " ");
    }
    wants_an_answer(sentence)
        || CONDITIONS.iter().any(|word| contains_phrase(&rest, word))
        || REPORTS.iter().any(|word| contains_phrase(&without_brackets(sentence), word))
}

#[cfg(test)]
mod tests;
