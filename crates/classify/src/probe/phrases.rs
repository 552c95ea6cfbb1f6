//! Phrases that speak to an agent, found in folded words: an order with its object a few words behind.
//!
//! The lists say what is meant, in several languages: undoing what was said, keeping it from the user,
//! asking for what the agent was told, addressing it. A phrase that stands in quotation marks is talked
//! about more often than it is meant.

use super::words;

/// A phrase, where it is in the folded text, and how sure it is.
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

/// The phrases in a text. Spans are of the folded text; whoever needs places of the text itself takes the
/// share of it.
pub(crate) fn find(text: &str) -> (String, Vec<Phrase>) {
    let folded = words::folded(text);
    let mut tokens: Vec<(usize, &str)> = Vec::new();
    let mut open: Option<usize> = None;
    for (at, c) in folded.char_indices().chain([(folded.len(), ' ')]) {
        match (c.is_alphanumeric(), open) {
            (true, None) => open = Some(at),
            (false, Some(start)) => {
                tokens.extend(folded.get(start..at).map(|word| (start, word)));
                open = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    let mut found: Vec<Phrase> = Vec::new();
    for (index, (start, verb)) in tokens.iter().enumerate() {
        for order in ORDERS.iter().filter(|order| order.verbs.contains(verb)) {
            let behind = tokens.iter().skip(index + 1).take(order.within);
            let mut linked = order.links.is_empty();
            for (at, word) in behind {
                linked |= order.links.contains(word);
                if linked && order.objects.contains(word) {
                    let span = [*start, at + word.len()];
                    let confidence = if is_quoted(&folded, span) {
                        order.confidence * 0.4
                    } else {
                        order.confidence
                    };
                    found.push(Phrase { span, why: order.why, confidence });
                    break;
                }
            }
        }
    }
    (folded, found)
}

/// Whether a phrase stands in quotation marks of its own: it is spoken about.
fn is_quoted(folded: &str, [start, end]: [usize; 2]) -> bool {
    let before = folded.get(..start).unwrap_or_default().trim_end().chars().next_back();
    let after = folded.get(end..).unwrap_or_default().chars().take(24).any(is_quote);
    before.is_some_and(is_quote) && after
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '“' | '”' | '«' | '»' | '‘' | '’')
}
