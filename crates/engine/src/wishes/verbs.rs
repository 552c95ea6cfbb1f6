//! Which verbs a clause asks with: at its beginning, or where other languages put them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::lexicon::{ENGLISH, MAKERS, OTHER_LANGUAGES, Operation, SPEAKERS, STEMS, THINGS, asked};
use crate::words::{contains_phrase, is_unspaced};

/// In so many words stands what asks, with its particle.
const LONGEST_HEAD: usize = 14;

/// The operations that a beginning asks for, and of how many words it is.
pub(super) fn head(rest: &[&str]) -> Option<(BTreeSet<Operation>, usize)> {
    // What asks stands at the beginning; a particle comes soon.
    let rest = rest.get(..LONGEST_HEAD).unwrap_or(rest);
    let mut operations = BTreeSet::new();
    let mut length = 0;
    // "squash-merge" is a merge, and "web-test" is a name.
    let compound = rest.first().and_then(|word| word.rsplit_once('-'));
    let is_verb = |first: &str| {
        let first = first.split('-').next().unwrap_or(first);
        matches!(first, "auto" | "hard" | "fast" | "re" | "ff" | "admin")
            || phrases().any(|phrase| is_form(first, &phrase.folded))
    };
    let compound: Vec<&str> =
        compound.filter(|(first, _)| is_verb(first)).map(|(_, verb)| verb).into_iter().collect();
    let (rest, compound) = (&folded(rest), &folded(&compound));
    for phrase in phrases() {
        let found =
            begins_with(rest, &phrase.folded).or_else(|| begins_with(compound, &phrase.folded));
        if let Some(words) = found {
            operations.insert(phrase.operation);
            length = length.max(words);
        }
    }
    let maker =
        rest.first().is_some_and(|word| MAKERS.iter().any(|maker| is_form(word, &fold(maker))));
    if maker {
        let object = rest.iter().skip(1).take(6).map(|word| &**word).collect::<Vec<_>>().join(" ");
        for (operation, things) in THINGS {
            if things.iter().any(|thing| contains_phrase(&object, thing)) {
                operations.insert(*operation);
                length = length.max(1);
            }
        }
    }
    (!operations.is_empty()).then_some((operations, length))
}

/// A word or a few that ask for an operation.
pub(super) struct Phrase {
    operation: Operation,
    text: &'static str,
    /// The same, as it is compared.
    folded: String,
}

pub(super) fn phrases() -> impl Iterator<Item = &'static Phrase> {
    static PHRASES: LazyLock<Vec<Phrase>> = LazyLock::new(|| {
        let known = ENGLISH.iter().chain(STEMS);
        let known = known.flat_map(|(operation, all)| all.iter().map(|text| (*operation, *text)));
        let all = known.chain(asked());
        all.map(|(operation, text)| Phrase { operation, text, folded: fold(text).into_owned() })
            .collect()
    });
    PHRASES.iter()
}

/// Words as they are compared: `ciérrala` is a form of `cierra`, and `ferme-la` of `ferme`.
fn folded<'t>(words: &[&'t str]) -> Vec<Cow<'t, str>> {
    const AFTER_VERB: &[&str] = &["-la", "-le", "-les", "-lui", "-moi", "-y"];
    let bare = |word: &&'t str| {
        let ending = AFTER_VERB.iter().find_map(|ending| word.strip_suffix(ending));
        fold(ending.unwrap_or(word))
    };
    words.iter().map(bare).collect()
}

/// Without the marks of stress, which come and go with the form of a verb.
fn fold(word: &str) -> Cow<'_, str> {
    const STRESSED: [(char, char); 4] = [('á', 'a'), ('í', 'i'), ('ó', 'o'), ('ú', 'u')];
    let plain = |c: char| STRESSED.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to);
    match word.is_ascii() {
        true => Cow::Borrowed(word),
        // `é` ends French words and stands within Spanish ones.
        false => {
            let inner = |(at, c): (usize, char)| match c {
                'é' if at + c.len_utf8() < word.len() => 'e',
                other => plain(other),
            };
            Cow::Owned(word.char_indices().map(inner).collect())
        }
    }
}

/// How many words the phrase takes at the beginning. A particle may come later: "turn it off".
fn begins_with(rest: &[Cow<'_, str>], phrase: &str) -> Option<usize> {
    let mut parts = phrase.split(' ');
    let (first, particle) = (parts.next()?, parts.next());
    is_form(rest.first()?, first).then_some(())?;
    match particle {
        None => Some(1),
        Some(particle) if rest.get(1).is_some_and(|word| is_form(word, particle)) => {
            let more = parts.clone().count();
            let all = rest.iter().skip(2).zip(parts).all(|(word, part)| word == part);
            (all && rest.len() >= 2 + more).then_some(2 + more)
        }
        Some(
            "up" | "down" | "off" | "on" | "out" | "away" | "back" | "neu" | "an" | "ein" | "ab"
            | "zurück" | "hinzu" | "aus" | "weg",
        ) => {
            let place = rest.iter().skip(1).take(12).position(|word| {
                phrase.ends_with(word.as_ref()) && phrase.ends_with(&format!(" {word}"))
            });
            // "Take it down to two replicas" takes nothing down.
            let goes_on = |at: usize| {
                phrase.ends_with(" down") && rest.get(at + 2).is_some_and(|next| next == "to")
            };
            place.filter(|at| !goes_on(*at)).map(|_| 1)
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
                        | "le"
                        | "les"
                        | "rlo"
                        | "arlo"
                        | "arla"
                        | "arlos"
                        | "arlas"
                        | "alo"
                        | "ala"
                        | "alos"
                        | "alas"
                        | "elo"
                        | "ela"
                        | "elos"
                        | "elas"
                        | "iere"
                        | "ieren"
                )
        }),
    }
}

/// Languages whose verbs stand elsewhere than at the beginning.
pub(super) fn anywhere<'t>(
    text: &str,
    all: &[&'t str],
) -> Option<(BTreeSet<Operation>, Option<&'t str>)> {
    if all.iter().any(|word| SPEAKERS.contains(word)) {
        return None;
    }
    let other = all.iter().any(|word| OTHER_LANGUAGES.contains(word));
    let small = all.iter().rev().take_while(|word| AFTER_INFINITIVE.contains(word)).count();
    let last = all.len().checked_sub(small + 1);
    let told = all.iter().any(|word| MODALS.contains(word)) || all.first() == Some(&"on");
    // "Tests löschen" asks, and so does "löschen Sie tests"; "die anderen löschen tests" tells.
    let infinitive_asks = |at: usize| {
        !told && (Some(at) == last || all.get(at + 1).is_some_and(|next| *next == "sie"))
    };
    let mut operations = BTreeSet::new();
    let mut verb = None;
    let compared = folded(all);
    for Phrase { operation, text: phrase, folded } in phrases() {
        let (operation, phrase) = (*operation, *phrase);
        let stem = phrase.trim_end_matches('*');
        if stem.chars().all(is_unspaced) {
            if asks_in_place(text, stem) {
                operations.insert(operation);
            }
            continue;
        }
        let found = all.iter().copied().enumerate().find(|(at, word)| {
            let asks = match word.ends_with("en") {
                true => infinitive_asks(*at) && *word != stem,
                false => !told && (!phrase.is_ascii() || (other && *word != stem)),
            };
            asks && compared.get(*at).is_some_and(|word| is_form(word, folded))
        });
        if let Some((_, word)) = found {
            operations.insert(operation);
            verb = Some(word);
        }
    }
    (!operations.is_empty()).then_some((operations, verb))
}

/// Verbs by which something is told of others, or wished for: "die Kollegen wollen tests löschen".
const MODALS: &[&str] = &[
    "will", "wollen", "wollte", "wollten", "soll", "sollen", "sollten", "kann", "können", "muss",
    "müssen", "darf", "dürfen", "wird", "werden", "würde", "würden", "lassen", "lässt", "dass",
    "weil", "damit", "ellos", "ellas", "ils", "elles", "se",
];

/// Words that may follow a German infinitive that asks.
const AFTER_INFINITIVE: &[&str] = &[
    "bitte", "auch", "jetzt", "noch", "dann", "mal", "sofort", "gleich", "danke", "wieder", "ok",
    "okay", "und", "please",
];

/// Whether a verb of a script without blanks asks: nothing before it tells who does it, and it is not
/// followed by what tells of the past or of what is done to it.
fn asks_in_place(text: &str, verb: &str) -> bool {
    const TOLD: &[&str] = &[
        "了",
        "过",
        "しまし",
        "します",
        "した",
        "された",
        "されて",
        "される",
        "されま",
        "してい",
        "しない",
        "済",
        "できる",
        "できま",
    ];
    // "We delete", "they delete", "the script deletes"; "I want … deleted" asks.
    const SUBJECTS: &[&str] = &[
        "我们",
        "他们",
        "她们",
        "它们",
        "同事",
        "脚本",
        "系统",
        "程序",
        "会",
        "将",
        "私たち",
        "我々",
        "スクリプト",
        "彼ら",
        "自動",
    ];
    const ASKS: &[&str] = &["请", "帮", "麻烦", "需要", "想", "要", "吧"];
    text.match_indices(verb).any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at + verb.len()..).unwrap_or_default();
        let by_others = SUBJECTS.iter().any(|subject| before.contains(subject))
            && !ASKS.iter().any(|asks| before.contains(asks) || after.contains(asks));
        !by_others && !TOLD.iter().any(|mark| after.starts_with(mark))
    })
}

/// "x can be deleted", "y has to go": the operations, and where what they are done to ends.
pub(super) fn permitted(all: &[&str]) -> Option<(BTreeSet<Operation>, usize)> {
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
        .filter(|phrase| {
            let verb = phrase.text.trim_end_matches('*');
            verb == stem
                || verb.strip_suffix('e') == Some(stem)
                || stem.strip_suffix('p') == Some(verb)
        })
        .map(|phrase| phrase.operation)
        .collect();
    (!operations.is_empty()).then_some((operations, at))
}
