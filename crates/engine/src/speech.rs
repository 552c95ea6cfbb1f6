//! What a sentence does with its words: whether it asks somebody to act, or asks for an answer.
//!
//! The mark at the end tells little: "can you delete build/?" asks for it as "delete build/" does, and
//! "so I can delete build/" does not. What tells is who is to act. A question whose subject is the one
//! spoken to (*can you*, *kannst du*, *tu peux*, *puedes*, …てもらえますか, 你能帮我…吗) and whose verb
//! is the operation is a request put politely. A question about oneself, about both or about
//! the thing (*can I*, *should we*, *is it safe to*, *how do I*) wants an answer, and so does one that
//! leaves a choice (*can you drop it, or is it still in use?*). What is asked about within a sentence (*whether*,
//! *how to*) is asked for by nobody.

use crate::lexicon::{BARS, BARS_ANYWHERE, LEAD};
use crate::words::{contains_phrase, find_phrase, is_unspaced, words};

/// Beginnings by which the one spoken to is asked to act.
const ADDRESSED: &[&str] = &[
    "can you",
    "can u",
    "could you",
    "would you",
    "will you",
    "would you mind",
    "do you mind",
    "won't you",
    "mind",
    "please",
    "kannst du",
    "könntest du",
    "würdest du",
    "magst du",
    "können sie",
    "könnten sie",
    "würden sie",
    "bitte",
    "tu peux",
    "peux-tu",
    "peux tu",
    "tu pourrais",
    "pourrais-tu",
    "pouvez-vous",
    "pourriez-vous",
    "vous pouvez",
    "est-ce que tu peux",
    "est-ce que tu pourrais",
    "est-ce que vous pouvez",
    "puedes",
    "podrías",
    "me puedes",
    "me podrías",
    "puede usted",
    "podría usted",
    "quieres",
    "te importa",
    "te importaría",
];

/// Words that may stand before the address and change nothing about it.
const BEFORE: &[&str] = &[
    "and", "so", "ok", "okay", "then", "now", "also", "hey", "hi", "well", "but", "great", "good",
    "cool", "nice", "thanks", "perfect", "yes", "yeah", "no", "next", "alright", "und", "dann",
    "jetzt", "et", "puis", "alors", "y", "ahora", "entonces", "oye", "claude", "first", "maybe",
    "instead", "again",
];

/// What makes of an address the question what somebody thinks or knows: "would you say…".
const OPINION: &[&str] = &[
    "would you say",
    "would you rather",
    "would you recommend",
    "would you suggest",
    "would you prefer",
    "would you consider",
    "would you propose",
    "would you expect",
    "would you need",
    "would you have",
    "would you be able",
    "can you even",
    "could you even",
];

/// Words that leave a choice: the first way is not asked for more than the second.
const CHOICES: &[&str] = &[
    "or is",
    "or are",
    "or do",
    "or does",
    "or did",
    "or has",
    "or have",
    "or should",
    "or would",
    "or will",
    "or can",
    "or could",
    "or shall",
    "or rather",
    "or better",
    "or keep",
    "or leave",
    "or was",
    "or were",
    "oder ist",
    "oder sind",
    "oder wird",
    "oder werden",
    "oder soll",
    "oder sollen",
    "oder lieber",
    "oder brauch*",
    "ou est-ce",
    "ou bien",
    "ou faut-il",
    "o hace",
    "o es",
    "o todavía",
    "o mejor",
    "还是",
    "それとも",
];

/// The same at the end of a sentence alone: "a variable or not committed file" leaves none.
const LAST_CHOICES: &[&str] = &[" or not", " or no", " oder nicht", " ou non", " ou pas", " o no"];

/// Beginnings of sentences that want an answer, with or without a question mark.
const ASKING: &[&str] = &[
    "what",
    "which",
    "why",
    "how",
    "where",
    "who",
    "whose",
    "is",
    "are",
    "was",
    "were",
    "does",
    "did",
    "do we",
    "do i",
    "do you",
    "do they",
    "has",
    "have we",
    "have you",
    "should",
    "shall",
    "may i",
    "may we",
    "might",
    "can we",
    "can i",
    "could we",
    "could i",
    "would it",
    "will it",
    "would that",
    "will that",
    "would we",
    "can it",
    "can this",
    "can that",
    "wondering",
    "i wonder",
    "any idea",
    "welche*",
    "warum",
    "wieso",
    "weshalb",
    "wie",
    "wo",
    "wer",
    "wann",
    "sollen",
    "sollte*",
    "soll ich",
    "soll man",
    "kann ich",
    "können wir",
    "könnten wir",
    "darf ich",
    "dürfen wir",
    "ist es",
    "quel*",
    "pourquoi",
    "où",
    "qui",
    "quoi",
    "est-ce",
    "puis-je",
    "peut-on",
    "faut-il",
    "dois-je",
    "devrait-on",
    "devrions-nous",
    "qué",
    "cuál*",
    "por qué",
    "cómo",
    "dónde",
    "quién",
    "cuándo",
    "puedo",
    "debería",
    "deberíamos",
];

/// What begins a question within a sentence: what follows is asked about, and not asked for.
const WITHIN: &[&str] = &[
    "whether",
    "how to",
    "how i",
    "how we",
    "how you",
    "how one",
    "what would",
    "what happens",
    "ob",
    "wie man",
    "wie ich",
    "wie wir",
    "cómo",
];

/// Ends by which a command is made polite; what else ends in a question mark asks.
const TAGS: &[&str] = &[
    "ok?",
    "okay?",
    "please?",
    "pls?",
    "will you?",
    "would you?",
    "could you?",
    "can you?",
    "bitte?",
    "ja?",
    "d'accord?",
    "d'accord ?",
    "s'il te plaît?",
    "s'il te plaît ?",
    "s'il vous plaît ?",
    "stp ?",
    "stp?",
    "por favor?",
    "vale?",
    "sí?",
];

/// Ends of Japanese sentences that ask somebody to act, and such that ask for an answer.
const JAPANESE_ADDRESSED: &[&str] = &[
    "もらえますか",
    "もらえますでしょうか",
    "くれますか",
    "くれませんか",
    "もらえませんか",
    "いただけますか",
    "いただけませんか",
    "いただけますでしょうか",
    "お願いできますか",
    "くれる",
    "もらえる",
    "頂けますか",
];
const JAPANESE_ASKING: &[&str] = &[
    "ますか",
    "ですか",
    "でしょうか",
    "ましょうか",
    "かな",
    "ませんか",
    "いいか",
    "べきか",
    "のか",
];

/// Marks of a Chinese question, and of one that asks somebody to act.
const CHINESE_ASKING: &[&str] = &[
    "吗",
    "么",
    "呢",
    "是否",
    "能不能",
    "可不可以",
    "要不要",
    "该不该",
    "会不会",
    "是不是",
    "怎么",
    "如何",
    "为什么",
    "什么",
];
const CHINESE_ADDRESSED: &[&str] =
    &["请", "麻烦", "帮我", "帮忙", "你能", "你可以", "能帮", "可以帮", "劳驾"];

/// Whether a sentence, in lower case, with its question mark if it has one, asks for an answer and for
/// nothing else.
pub(crate) fn wants_an_answer(sentence: &str) -> bool {
    let sentence = sentence.trim().trim_start_matches(['¿', '¡']);
    let marked = sentence.ends_with(['?', '？']);
    let bare = sentence.trim_end_matches(['?', '？', ' ', '\u{a0}', '。']);
    if bare.chars().any(is_unspaced) {
        return wants_an_answer_unspaced(bare, marked);
    }
    let leaves_a_choice = CHOICES.iter().any(|choice| contains_phrase(bare, choice))
        || LAST_CHOICES.iter().any(|choice| bare.ends_with(choice));
    if marked && leaves_a_choice {
        return true;
    }
    let start = beginning(bare);
    if is_addressed(&start) {
        return OPINION.iter().any(|opinion| begins(&start, opinion));
    }
    // "Can we please …?" is put to both and meant for one.
    if begins(&start, "can we") || begins(&start, "could we") {
        return !words(bare).any(|word| matches!(word, "please" | "pls"));
    }
    ASKING.iter().any(|asking| begins(&start, asking)) || (marked && !is_tagged(sentence, bare))
}

/// Whether it is a command, made polite by what stands at its end. "It can be deleted, ok?" asks.
fn is_tagged(sentence: &str, bare: &str) -> bool {
    const STATES: &[&str] = &["can be", "could be", "should be", "may be", "can go", "you can"];
    words(bare).count() > 2
        && TAGS.iter().any(|tag| sentence.ends_with(tag))
        && !STATES.iter().any(|states| contains_phrase(bare, states))
}

/// Whether the one spoken to is asked to act.
fn is_addressed(start: &str) -> bool {
    ADDRESSED.iter().any(|address| begins(start, address))
}

/// Whether a heading, in lower case, says that what stands below it is not to be done, and nothing more.
pub(crate) fn heads_what_not_to_do(heading: &str) -> bool {
    let text = heading.trim_matches(|c: char| !c.is_alphanumeric());
    if BARS_ANYWHERE.iter().any(|phrase| text.contains(phrase)) {
        return true;
    }
    let all: Vec<&str> = words(text).collect();
    let leads = all.iter().take_while(|word| LEAD.contains(word)).count();
    let is = |from: usize, phrase: &str| words(phrase).eq(all.iter().skip(from).copied());
    // "Ok, never", and "no-gos".
    BARS.iter().any(|phrase| is(leads, phrase) || is(0, phrase))
}

/// The sentence up to what is only asked about in it.
pub(crate) fn before_what_is_asked_about(sentence: &str) -> &str {
    let at = WITHIN.iter().filter_map(|word| find_phrase(sentence, word)).min();
    at.and_then(|at| sentence.get(..at)).unwrap_or(sentence)
}

/// The words of the sentence after those that change nothing about what it does.
fn beginning(sentence: &str) -> String {
    let all: Vec<&str> = words(sentence).collect();
    let skipped = all.iter().take_while(|word| BEFORE.contains(word)).count();
    all.get(skipped..).unwrap_or_default().iter().take(6).copied().collect::<Vec<_>>().join(" ")
}

fn begins(start: &str, phrase: &str) -> bool {
    find_phrase(start, phrase) == Some(0)
}

/// In scripts without blanks the end of the sentence tells, and what is said to the one spoken to.
fn wants_an_answer_unspaced(sentence: &str, marked: bool) -> bool {
    let has = |marks: &[&str]| marks.iter().any(|mark| sentence.contains(mark));
    let ends = |marks: &[&str]| marks.iter().any(|mark| sentence.ends_with(mark));
    if has(CHOICES) {
        return true;
    }
    if sentence.chars().any(|c| ('\u{3040}'..='\u{30FF}').contains(&c)) {
        return !ends(JAPANESE_ADDRESSED) && (marked || ends(JAPANESE_ASKING));
    }
    !has(CHINESE_ADDRESSED) && (marked || has(CHINESE_ASKING))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_asked_to_act_is_asked_for_it() {
        for said in [
            "can you delete build/?",
            "ok so could you please delete build/ and push?",
            "would you rebase this onto main?",
            "delete build/, please?",
            "delete build/, ok?",
            "can we please remove that change?",
            "kannst du build/ löschen?",
            "könnten sie bitte build/ löschen?",
            "tu peux supprimer build/ ?",
            "est-ce que tu peux supprimer build/ ?",
            "¿puedes borrar build/?",
            "build/ を削除してもらえますか？",
            "你能帮我删除 build/ 吗？",
            "请删除 build/",
            "delete build/",
        ] {
            assert!(!wants_an_answer(said), "{said}");
        }
    }

    #[test]
    fn who_asks_about_it_wants_an_answer() {
        for said in [
            "can i delete build/?",
            "can we delete build/, or does finance need it?",
            "can you drop it, or is it still in use?",
            "should we delete build/?",
            "is it safe to delete build/",
            "how do i delete build/",
            "what would happen if we deleted build/?",
            "you can delete build/, right?",
            "would you say we should delete it?",
            "kann ich build/ löschen?",
            "soll ich build/ löschen",
            "est-ce que je peux supprimer build/ ?",
            "puis-je supprimer build/ ?",
            "¿puedo borrar build/?",
            "build/ は削除してもいいですか",
            "build/ を削除しますか？",
            "build/ 可以删除吗？",
            "要不要删除 build/",
        ] {
            assert!(wants_an_answer(said), "{said}");
        }
    }

    #[test]
    fn what_is_asked_about_within_a_sentence_is_not_asked_for() {
        assert_eq!(before_what_is_asked_about("check whether we can delete x"), "check ");
        assert_eq!(before_what_is_asked_about("explain how to delete x"), "explain ");
        assert_eq!(before_what_is_asked_about("delete x"), "delete x");
    }
}
