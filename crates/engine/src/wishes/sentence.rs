//! A message, cut into sentences, and these into clauses.

use super::verbs::head;
use crate::lexicon::{LEADS, NEGATIONS};
use crate::words::{find_phrase, is_unspaced, words};

/// A sentence in lower case.
#[derive(Default)]
pub(super) struct Sentence {
    pub(super) text: String,
    /// It stands in a list.
    pub(super) item: bool,
}

pub(super) fn sentences(message: &str) -> Vec<Sentence> {
    let mut found = Vec::new();
    for line in message.lines() {
        // Emphasis says nothing: `**Never:**`.
        let line = line.replace("**", "");
        let trimmed = line.trim();
        let plain = without_number(trimmed.trim_start_matches(['-', '*', '•', ' ']));
        let item = plain.len() < trimmed.len();
        let mut sentence = Sentence { item, ..Sentence::default() };
        let mut chars = if item { plain } else { trimmed }.chars().peekable();
        while let Some(c) = chars.next() {
            let next_is_blank = chars.peek().is_none_or(|next| next.is_whitespace());
            let pauses = (matches!(c, ',' | ':') && next_is_blank) || c == '：';
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
pub(super) fn before_negation(sentence: &str) -> &str {
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

/// The words after all that only leads up to a request.
pub(super) fn stripped(text: &str) -> Vec<&str> {
    stripped_of(&words(text).collect::<Vec<_>>())
}

pub(super) fn stripped_of<'t>(all: &[&'t str]) -> Vec<&'t str> {
    let mut rest = all;
    while let Some(lead) =
        LEADS.iter().filter(|lead| rest.starts_with(lead)).max_by_key(|lead| lead.len())
    {
        rest = rest.get(lead.len()..).unwrap_or_default();
    }
    rest.to_vec()
}

/// A phrase in quotation marks is somebody's text; a single quoted word is a name.
pub(super) fn without_quotations(sentence: &str) -> String {
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
pub(super) fn clauses(sentence: &str) -> Vec<String> {
    const JOINTS: &[&str] =
        &[" and ", " then ", " & ", " und ", " dann ", " et ", " puis ", " y ", " luego ", " but "];
    let mut found = Vec::new();
    let apart = parts(sentence).into_iter().map(apart);
    let texts = apart.flat_map(|(main, beside)| {
        let beside = beside.into_iter().flat_map(parts).map(str::to_owned);
        std::iter::once(main).chain(beside)
    });
    for part in texts {
        let mut rest = part.as_str();
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

/// What is said, and what is said beside it in brackets: "delete x (it is old) on staging".
fn apart(part: &str) -> (String, Vec<&str>) {
    let (mut main, mut beside) = (String::with_capacity(part.len()), Vec::new());
    let mut rest = part;
    while let Some((before, from)) = rest.split_once(['(', '（']) {
        let (inner, after) = from.split_once([')', '）']).unwrap_or((from, ""));
        main.push_str(before);
        beside.push(inner);
        rest = after;
    }
    main.push_str(rest);
    (main, beside)
}

/// A comma or colon parts where a blank follows, or a script that has none: `https://host` and `a:b` stay whole.
/// What stands in brackets is not parted.
fn parts(sentence: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    for (at, c) in sentence.char_indices() {
        match c {
            '(' | '（' => depth += 1,
            ')' | '）' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > 0 || !matches!(c, ',' | ':' | '–' | '—' | '，' | '、') {
            continue;
        }
        let after = sentence.get(at + c.len_utf8()..).unwrap_or_default();
        let pauses = |next: char| next.is_whitespace() || (c == ',' && is_unspaced(next));
        if matches!(c, ',' | ':') && !after.is_empty() && !after.starts_with(pauses) {
            continue;
        }
        found.extend(sentence.get(start..at));
        start = at + c.len_utf8();
    }
    found.extend(sentence.get(start..));
    found
}
