//! Phrases that speak to an agent, found word by word: an order with its object a few words behind.
//!
//! The lists say what is meant, in several languages: undoing what was said, keeping it from the user,
//! asking for what the agent was told, addressing it. A phrase that stands in quotation marks is talked
//! about more often than it is meant.

use std::collections::{HashMap, VecDeque};
use std::sync::LazyLock;

use super::grams::digest;
use super::words::{Word, Words};

/// A phrase, where it is, and how sure it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Phrase {
    pub(crate) span: [usize; 2],
    pub(crate) why: &'static str,
    pub(crate) confidence: f64,
}

/// One order: any of `verbs`, and within so many words any of `objects`.
struct Order {
    verbs: &'static [&'static str],
    within: usize,
    /// One of these must stand between or with the object, where there are any.
    links: &'static [&'static str],
    objects: &'static [&'static str],
    why: &'static str,
    confidence: f64,
}

const UNDO: &str = "it undoes what the agent was told";
const HIDE: &str = "it asks to keep something from the user";
const REVEAL: &str = "it asks for what the agent was told in confidence";
const ADDRESS: &str = "it speaks to an agent";

const ORDERS: &[Order] = &[
    Order {
        verbs: &["ignore", "disregard", "forget", "override", "discard", "bypass"],
        within: 6,
        links: &[
            "previous",
            "prior",
            "above",
            "earlier",
            "preceding",
            "your",
            "all",
            "any",
            "every",
            "former",
            "system",
            "original",
        ],
        objects: &[
            "instructions",
            "instruction",
            "rules",
            "prompt",
            "prompts",
            "guidelines",
            "directions",
            "directives",
            "orders",
            "guidance",
            "told",
            "policies",
        ],
        why: UNDO,
        confidence: 0.9,
    },
    Order {
        verbs: &[
            "ignoriere",
            "vergiss",
            "missachte",
            "ignorez",
            "ignore",
            "oublie",
            "oubliez",
            "ignora",
            "ignorar",
            "olvida",
            "dimentica",
            "esqueca",
            "negeer",
            "vergeet",
            "zignoruj",
            "zapomnij",
            "ignorera",
            "glom",
            "zapomen",
            "abaikan",
            "lupakan",
        ],
        within: 6,
        links: &[],
        objects: &[
            "anweisungen",
            "vorgaben",
            "regeln",
            "consignes",
            "regles",
            "instrucciones",
            "reglas",
            "istruzioni",
            "regole",
            "instrucoes",
            "regras",
            "instructies",
            "regels",
            "polecenia",
            "zasadach",
            "instruktioner",
            "pokyny",
            "instruksi",
            "precedentes",
            "anteriores",
        ],
        why: UNDO,
        confidence: 0.92,
    },
    Order {
        verbs: &["don", "not", "never", "without"],
        within: 3,
        links: &[
            "tell",
            "telling",
            "mention",
            "mentioning",
            "inform",
            "informing",
            "notify",
            "notifying",
            "alert",
            "alerting",
            "reveal",
            "show",
        ],
        objects: &["user", "users", "human", "anyone", "them"],
        why: HIDE,
        confidence: 0.6,
    },
    Order {
        verbs: &[
            "reveal", "print", "repeat", "output", "leak", "disclose", "show", "display", "expose",
            "share", "dump",
        ],
        within: 5,
        links: &["your", "system", "hidden", "secret", "initial"],
        objects: &["prompt", "instructions", "rules", "password", "secrets"],
        why: REVEAL,
        confidence: 0.75,
    },
    Order {
        verbs: &[
            "note",
            "attention",
            "message",
            "instruction",
            "instructions",
            "notice",
            "important",
            "reminder",
            "dear",
            "hello",
            "hey",
            "hi",
            "todo",
            "any",
            "all",
        ],
        within: 3,
        links: &[],
        objects: &[
            "assistant",
            "assistants",
            "llm",
            "llms",
            "chatbot",
            "claude",
            "chatgpt",
            "copilot",
            "gemini",
        ],
        why: ADDRESS,
        confidence: 0.4,
    },
    Order {
        verbs: &["if", "since", "because"],
        within: 6,
        links: &["you"],
        objects: &["llm", "chatbot", "assistant"],
        why: ADDRESS,
        confidence: 0.5,
    },
];

/// What a word is in each order, one bit for an order.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    verb: u8,
    link: u8,
    object: u8,
}

/// The words of all orders, by digest.
static PARTS: LazyLock<HashMap<u64, Part>> = LazyLock::new(|| {
    let mut parts: HashMap<u64, Part> = HashMap::new();
    for (index, order) in ORDERS.iter().enumerate() {
        let bit = 1 << index;
        let mut note = |words: &[&str], set: fn(&mut Part) -> &mut u8| {
            for word in words {
                let mut spelt = Words::default();
                let mut each = |word: &Word| *set(parts.entry(digest(word)).or_default()) |= bit;
                word.char_indices().for_each(|(at, c)| spelt.push(c, at, &mut each));
                spelt.finish(&mut each);
            }
        };
        note(order.verbs, |part| &mut part.verb);
        note(order.links, |part| &mut part.link);
        note(order.objects, |part| &mut part.object);
    }
    parts
});

/// The longest way from a verb to its object.
const FARTHEST: usize = 6;

/// A word that was read.
#[derive(Debug, Clone, Copy, Default)]
struct Read {
    part: Part,
    span: [usize; 2],
    /// Whether a quotation begins with it.
    quoted: bool,
}

/// Finds phrases word by word, and keeps the surest of each kind.
#[derive(Debug)]
pub(crate) struct Finder {
    parts: &'static HashMap<u64, Part>,
    /// The words before, newest last.
    before: VecDeque<Read>,
    after_quote: bool,
    found: Vec<Phrase>,
}

impl Default for Finder {
    fn default() -> Self {
        let before = VecDeque::with_capacity(FARTHEST + 1);
        Self { parts: &PARTS, before, after_quote: false, found: Vec::new() }
    }
}

impl Finder {
    pub(crate) fn push(&mut self, word: &Word) {
        if let [c] = word.text()
            && !c.is_alphanumeric()
        {
            self.after_quote = matches!(c, '"' | '\'' | '`' | '“' | '«' | '‘');
            return;
        }
        let part = self.parts.get(&digest(word)).copied().unwrap_or_default();
        let read = Read { part, span: word.span, quoted: std::mem::take(&mut self.after_quote) };
        if part.object != 0 {
            self.object(read);
        }
        if self.before.len() == FARTHEST {
            self.before.pop_front();
        }
        self.before.push_back(read);
    }

    /// Looks back from an object to its verb.
    fn object(&mut self, object: Read) {
        for (index, order) in
            ORDERS.iter().enumerate().filter(|(at, _)| object.part.object & 1 << at != 0)
        {
            let bit = 1 << index;
            let mut linked = order.links.is_empty() || object.part.link & bit != 0;
            for read in self.before.iter().rev().take(order.within) {
                if read.part.verb & bit != 0 && linked {
                    let confidence = order.confidence * if read.quoted { 0.4 } else { 1.0 };
                    let span = [read.span[0], object.span[1].max(read.span[0])];
                    keep(&mut self.found, Phrase { span, why: order.why, confidence });
                    break;
                }
                linked |= read.part.link & bit != 0;
            }
        }
    }

    /// The surest phrase of each kind.
    pub(crate) fn finish(self) -> Vec<Phrase> {
        self.found
    }
}

fn keep(found: &mut Vec<Phrase>, phrase: Phrase) {
    match found.iter_mut().find(|known| known.why == phrase.why) {
        Some(known) if known.confidence < phrase.confidence => *known = phrase,
        Some(_) => {}
        None => found.push(phrase),
    }
}

/// The surest phrase of each kind in a text.
pub(crate) fn find(text: &str) -> Vec<Phrase> {
    let (mut words, mut finder) = (Words::default(), Finder::default());
    for (at, c) in text.char_indices() {
        words.push(c, at, &mut |word| finder.push(word));
    }
    words.finish(&mut |word| finder.push(word));
    finder.finish()
}

/// What phrases come to together: two kinds next to each other are rarely an accident.
pub(crate) fn together(phrases: &[Phrase]) -> Option<Phrase> {
    const NEAR: usize = 4 << 10;
    let surest = phrases.iter().max_by(|a, b| a.confidence.total_cmp(&b.confidence))?;
    let others = phrases.iter().filter(|other| {
        other.why != surest.why
            && other.confidence >= 0.4
            && other.span[0].abs_diff(surest.span[0]) < NEAR
    });
    let add = |sure: f64, other: &Phrase| sure + (1.0 - sure) * other.confidence * 0.8;
    Some(Phrase { confidence: others.fold(surest.confidence, add), ..*surest })
}
