//! A message, cut into clauses, and whose words each is.

use crate::speech::wants_an_answer;

/// A part of a sentence, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) text: String,
    /// Not the user's own words: a quote, code, a pasted document or output.
    pub(super) quoted: bool,
    /// Its sentence wants an answer, and nothing done.
    pub(super) asks: bool,
    /// A comma stands before it.
    pub(super) after_comma: bool,
    /// Which sentence of the message it belongs to.
    pub(super) sentence: usize,
    /// Which line of the message it stands on.
    pub(super) line: usize,
    /// Its line is one of a list.
    pub(super) item: bool,
    /// It heads what follows: a colon stands after it, or it is a heading of a document.
    pub(super) heads: bool,
}

/// What begins a line that a shell or a tool printed.
const PROMPTS: &[&str] =
    &["$ ", "❯", "% ", ">>> ", "+ ", "PS ", "# ", "## ", "### ", "#### ", "|", "⎿", "⏺", "●"];

/// The clauses of a message.
pub(super) fn of(message: &str) -> Vec<Clause> {
    let mut found: Vec<Clause> = Vec::new();
    let mut sentence = 0;
    for (number, (line, quoted)) in lines(message).into_iter().enumerate() {
        if !line.starts_with('|') {
            let first = found.len();
            of_line(&without_tags(line), quoted, &mut sentence, &mut found);
            let is_heading = line.starts_with('#') || is_emphasised(line);
            for clause in found.iter_mut().skip(first) {
                clause.line = number;
                clause.item = is_item(line);
                clause.heads |= is_heading;
            }
        }
        sentence += 1;
    }
    found
}

/// `- push`, `2. push`, `[ ] push`
fn is_item(line: &str) -> bool {
    let numbered = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_numbered = numbered.len() < line.len() && numbered.starts_with([')', '.']);
    is_numbered
        || ["- ", "* ", "• ", "+ ", "– ", "— ", "❌", "🚫"]
            .iter()
            .any(|mark| line.starts_with(mark))
}

/// `**Never**`
fn is_emphasised(line: &str) -> bool {
    line.len() > 4 && line.starts_with("**") && line.trim_end_matches([':', '：']).ends_with("**")
}

/// The lines of a message that are the user's own words.
pub(super) fn own_lines(message: &str) -> String {
    let own = lines(message).into_iter().filter(|(_, quoted)| !quoted);
    own.map(|(line, _)| without_tags(line)).collect::<Vec<_>>().join("\n")
}

/// Lines, and whether each is a quote, code, a pasted document or output.
fn lines(message: &str) -> Vec<(&str, bool)> {
    let mut found = Vec::new();
    let (mut fenced, mut pasted) = (false, false);
    for line in message.lines() {
        let line = line.trim();
        if line.starts_with("```") || line.starts_with("~~~") {
            fenced = !fenced;
            continue;
        }
        // What follows a heading is a document.
        pasted |= ["# ", "## ", "### "].iter().any(|mark| line.starts_with(mark));
        let quoted = fenced
            || pasted
            || line.starts_with(['>', '<'])
            || PROMPTS.iter().any(|prompt| line.starts_with(prompt));
        found.push((line, quoted));
    }
    found
}

/// A line without the tags in which harnesses wrap what they insert.
fn without_tags(line: &str) -> String {
    let mut kept = String::new();
    let mut rest = line;
    while let Some(open) = rest.find('<') {
        let (before, from) = rest.split_at_checked(open).unwrap_or((rest, ""));
        kept.push_str(before);
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_');
        let inner = from.strip_prefix('<').unwrap_or_default();
        match inner.find(|c: char| !name(c)) {
            Some(end) if end > 0 && inner.get(end..).is_some_and(|rest| rest.starts_with('>')) => {
                rest = inner.get(end + 1..).unwrap_or_default();
            }
            _ => {
                kept.push('<');
                rest = inner;
            }
        }
    }
    kept.push_str(rest);
    kept
}

fn of_line(line: &str, quoted: bool, sentence: &mut usize, found: &mut Vec<Clause>) {
    let mut text = String::new();
    // The sentence so far, and the first of its clauses.
    let (mut whole, mut first) = (String::new(), found.len());
    let mut after_comma = false;
    let mut chars = line.chars().peekable();
    let finish = |text: &mut String, after_comma: bool, sentence: usize, to: &mut Vec<Clause>| {
        let text = std::mem::take(text);
        if !text.trim().is_empty() {
            let (line, item, heads) = (0, false, false);
            to.push(Clause { text, quoted, asks: false, after_comma, sentence, line, item, heads });
        }
    };
    let conclude = |whole: &mut String, first: &mut usize, found: &mut Vec<Clause>| {
        if wants_an_answer(whole) {
            found.iter_mut().skip(*first).for_each(|clause| clause.asks = true);
        }
        whole.clear();
        *first = found.len();
    };
    let mut in_code = false;
    while let Some(c) = chars.next() {
        if c == '`' {
            in_code = !in_code;
        }
        let next_is_blank =
            chars.peek().is_none_or(|next| next.is_whitespace() || (c == ':' && *next == '*'));
        let colon = (c == ':' && next_is_blank) || c == '：';
        let ends = matches!(c, '!' | '?' | ';' | '。' | '！' | '？' | '；')
            || colon
            || (c == '.' && next_is_blank);
        let comma = (c == ',' && next_is_blank) || matches!(c, '，' | '、');
        // "- " and "—" between words divide as a comma does.
        let dash = matches!(c, '—' | '–');
        let lower = || c.to_lowercase().map(|c| if c == '’' { '\'' } else { c });
        if in_code || !ends || matches!(c, '?' | '？') {
            whole.extend(lower());
        }
        if in_code || !(ends || comma || dash) {
            text.extend(lower());
            continue;
        }
        let before = found.len();
        finish(&mut text, after_comma, *sentence, found);
        found.iter_mut().skip(before).for_each(|clause| clause.heads = colon);
        after_comma = comma || dash;
        if ends {
            conclude(&mut whole, &mut first, found);
            *sentence += 1;
        }
    }
    finish(&mut text, after_comma, *sentence, found);
    conclude(&mut whole, &mut first, found);
}

/// Words as people write targets: paths, branches and package names stay whole.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| {
        c.is_whitespace() || matches!(c, '`' | '"' | '(' | ')' | ',' | '“' | '”' | '*' | '[' | ']')
    })
    .map(|word| word.trim_matches('\'').trim_end_matches(['.', ':', ';', '!', '?']))
    .filter(|word| !word.is_empty())
}

/// The text without what is quoted in it: speech of several words between quotation marks, and code
/// of several words.
pub(super) fn without_quotes(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(open) = rest.find(['"', '“', '`', '«', '「']) {
        let (before, from) = rest.split_at_checked(open).unwrap_or((rest, ""));
        kept.push_str(before);
        let mut chars = from.chars();
        let close = match chars.next() {
            Some('“') => '”',
            Some('«') => '»',
            Some('「') => '」',
            Some(same) => same,
            None => break,
        };
        let inner = chars.as_str();
        let Some(end) = inner.find(close) else {
            rest = inner;
            continue;
        };
        let (quoted, after) = inner.split_at_checked(end).unwrap_or((inner, ""));
        if quoted.split_whitespace().count() < 2 {
            kept.push_str(quoted);
        }
        kept.push(' ');
        rest = after.strip_prefix(close).unwrap_or(after);
    }
    kept.push_str(rest);
    kept
}
