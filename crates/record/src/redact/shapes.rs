//! What secrets look like, and where they stand in a text.
//!
//! A secret is a run of letters, digits and a few signs that no shell treats specially. It never reaches
//! over white space, quotes, or anything that separates commands: what is judged has the same commands,
//! words and paths as what runs.

use std::ops::Range;
use std::sync::LazyLock;

/// A secret that is told by how it begins.
struct Shape {
    kind: &'static str,
    prefix: &'static str,
    /// How many characters must follow the prefix.
    at_least: usize,
    /// What they may be besides letters and digits.
    signs: &'static str,
    /// Told even in the middle of a word: nothing else looks like it.
    unmistakable: bool,
}

/// A token by the prefix that its vendor documents.
const fn token(
    kind: &'static str,
    prefix: &'static str,
    at_least: usize,
    signs: &'static str,
) -> Shape {
    Shape { kind, prefix, at_least, signs, unmistakable: true }
}

/// A token whose prefix is part of ordinary words too.
const fn word(kind: &'static str, prefix: &'static str, at_least: usize) -> Shape {
    Shape { kind, prefix, at_least, signs: "_-", unmistakable: false }
}

const SHAPES: &[Shape] = &[
    token("github-token", "ghp_", 30, ""),
    token("github-token", "gho_", 30, ""),
    token("github-token", "ghu_", 30, ""),
    token("github-token", "ghs_", 30, ""),
    token("github-token", "ghr_", 30, ""),
    token("github-token", "github_pat_", 30, "_"),
    token("gitlab-token", "glpat-", 18, "_-"),
    token("anthropic-key", "sk-ant-", 20, "_-"),
    token("openai-key", "sk-proj-", 20, "_-"),
    word("api-key", "sk-", 32),
    token("stripe-key", "sk_live_", 16, ""),
    token("stripe-key", "rk_live_", 16, ""),
    token("aws-access-key", "AKIA", 16, ""),
    token("aws-access-key", "ASIA", 16, ""),
    token("google-key", "AIza", 30, "_-"),
    word("google-token", "ya29.", 20),
    token("slack-token", "xoxb-", 20, "-"),
    token("slack-token", "xoxp-", 20, "-"),
    token("slack-token", "xoxa-", 20, "-"),
    token("slack-token", "xapp-", 20, "-"),
    token("npm-token", "npm_", 30, ""),
    token("pypi-token", "pypi-AgEI", 30, "_-"),
    token("huggingface-token", "hf_", 30, ""),
    word("jwt", JWT, 40),
];

/// How JSON begins in base64.
const JWT: &str = "eyJ";

const LABEL_BEGIN: &str = "-----BEGIN ";
const LABEL_END: &str = "-----";
const PRIVATE_KEY: &str = "PRIVATE KEY";
/// The lines that may stand between the label of an encrypted key and its body.
const HEADERS: &[&str] = &["Proc-Type:", "DEK-Info:"];
/// A line of a key's body, unless it is the last.
const FULL_LINE: usize = 16;

/// A secret in a text: its kind, and where it stands.
pub(super) type Found = (&'static str, Range<usize>);

/// Nothing shorter is a secret.
const SHORTEST: usize = 20;

/// Whether a secret begins anywhere in a text, as far as its first letters tell. They are the same in JSON.
pub(super) fn may_be_in(text: &str) -> bool {
    let mut rest = text.as_bytes();
    let begins = |rest: &[u8]| {
        let mut prefixes = SHAPES.iter().map(|it| it.prefix).chain([LABEL_BEGIN]);
        prefixes.any(|prefix| rest.starts_with(prefix.as_bytes()))
    };
    while let Some(here) = rest.get(to_next(rest)..).filter(|here| !here.is_empty()) {
        if begins(here) {
            return true;
        }
        rest = here.get(1..).unwrap_or_default();
    }
    false
}

/// All secrets of a text, in order.
pub(super) fn secrets(text: &str) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    if text.len() < SHORTEST {
        return found;
    }
    let mut at = to_next(text.as_bytes());
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some(body) = rest.strip_prefix(LABEL_BEGIN).and_then(after_label) {
            let begin = text.len() - body.len();
            let lines = body_lines(body);
            found.extend(lines.map(|line| ("private-key", begin + line.start..begin + line.end)));
            at = found.last().map_or(begin, |(_, last)| last.end.max(begin));
        } else if let Some((kind, length)) = token_at(rest, text.get(..at).unwrap_or_default()) {
            found.push((kind, at..at + length));
            at += length;
        } else {
            let here = rest.chars().next().map_or(1, char::len_utf8);
            at += here + to_next(rest.as_bytes().get(here..).unwrap_or_default());
        }
    }
    found
}

/// How many bytes are passed over to where something of ours can begin: most of a text is looked at once.
fn to_next(text: &[u8]) -> usize {
    /// For each first byte, a bit for each second one that can follow it.
    static PAIRS: LazyLock<[[u64; 4]; 256]> = LazyLock::new(|| {
        let mut pairs = [[0; 4]; 256];
        for prefix in SHAPES.iter().map(|it| it.prefix).chain([LABEL_BEGIN]) {
            if let [first, second, ..] = prefix.as_bytes()
                && let Some(seconds) = pairs.get_mut(usize::from(*first))
                && let Some(bits) = seconds.get_mut(usize::from(second >> 6))
            {
                *bits |= 1 << (second & 63);
            }
        }
        pairs
    });
    let pairs = &*PAIRS;
    let begins = |pair: &[u8]| match pair {
        [first, second] => pairs
            .get(usize::from(*first))
            .and_then(|seconds| seconds.get(usize::from(second >> 6)))
            .is_some_and(|bits| bits >> (second & 63) & 1 == 1),
        _ => false,
    };
    text.windows(2).position(begins).unwrap_or(text.len())
}

/// The kind and length of a token at the beginning of the text, given what stands before it.
fn token_at(text: &str, before: &str) -> Option<(&'static str, usize)> {
    let in_a_word = continues_a_word(before);
    SHAPES.iter().filter(|shape| shape.unmistakable || !in_a_word).find_map(|shape| {
        let rest = text.strip_prefix(shape.prefix)?;
        let length = run(rest, shape.signs);
        if shape.prefix == JWT
            && let Some(whole) = signed(rest)
        {
            return Some((shape.kind, shape.prefix.len() + whole));
        }
        (length >= shape.at_least).then_some((shape.kind, shape.prefix.len() + length))
    })
}

/// The length of a signed token after its first letters: three parts, of which two are JSON in base64.
/// What stands after a further dot belongs to something else, such as the name of a host.
fn signed(text: &str) -> Option<usize> {
    let header = run(text, "_-");
    let payload = text.get(header..)?.strip_prefix('.')?.strip_prefix(JWT)?;
    let claims = run(payload, "_-");
    let signature = run(payload.get(claims..)?.strip_prefix('.')?, "_-");
    let whole = header + 1 + JWT.len() + claims + 1 + signature;
    (header >= 10 && claims >= 10 && signature >= 20).then_some(whole)
}

/// The length of the letters, digits and these signs at the beginning.
fn run(text: &str, signs: &str) -> usize {
    text.find(|c: char| !c.is_ascii_alphanumeric() && !signs.contains(c)).unwrap_or(text.len())
}

/// Whether a text ends in the middle of a word. `\n` and the like are written as two characters and end
/// one too.
fn continues_a_word(before: &str) -> bool {
    let mut back = before.chars().rev();
    let Some(last) = back.next() else { return false };
    let is_escape = matches!(last, 'n' | 'r' | 't') && back.next() == Some('\\');
    !is_escape && (last.is_ascii_alphanumeric() || matches!(last, '_' | '-' | '.'))
}

/// What stands after the label of a private key, given what stands after its dashes.
fn after_label(text: &str) -> Option<&str> {
    let (label, body) = text.split_once(LABEL_END)?;
    let is_label = label.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ' ');
    (is_label && label.ends_with(PRIVATE_KEY)).then_some(body)
}

/// The lines of a key's body that follow directly, each by itself: what stands between them stays.
fn body_lines(text: &str) -> impl Iterator<Item = Range<usize>> + use<> {
    let mut lines = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        at += separators(rest);
        let Some(rest) = text.get(at..) else { break };
        if HEADERS.iter().any(|name| rest.starts_with(name)) {
            let in_header =
                |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | ':' | ',' | '-');
            at += rest.find(|c| !in_header(c)).unwrap_or(rest.len());
            continue;
        }
        let letters = run(rest, "+/");
        let padding = rest.get(letters..).unwrap_or_default();
        let length = letters + padding.chars().take(2).take_while(|c| *c == '=').count();
        let after = rest.get(length..).unwrap_or_default();
        let is_last = after.get(separators(after)..).is_some_and(|it| it.starts_with(LABEL_END));
        let is_whole = after.is_empty()
            || after.starts_with(['\'', '"', '\\', '<'])
            || after.starts_with(char::is_whitespace)
            || is_last;
        let is_long = length >= FULL_LINE || (is_last && !lines.is_empty());
        if length == 0 || !is_whole || !is_long {
            break;
        }
        lines.push(at..at + length);
        at += length;
    }
    lines.into_iter()
}

/// The length of the white space at the beginning, however it is written.
fn separators(text: &str) -> usize {
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let spaces = rest.len() - rest.trim_start().len();
        let slashes = rest.chars().take_while(|c| *c == '\\').count();
        let escape = rest.get(slashes..).is_some_and(|rest| rest.starts_with(['n', 'r']));
        match (spaces, slashes) {
            (0, 1..) if escape => at += slashes + 1,
            (0, _) => break,
            (spaces, _) => at += spaces,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written without being read again is what nothing is suspected in.
    #[test]
    fn whatever_is_a_secret_is_suspected() {
        let keys = [
            concat!("-----BEGIN RSA ", "PRIVATE KEY-----"),
            concat!("-----BEGIN ", "PRIVATE KEY-----"),
        ];
        let keys = keys.map(|label| format!("{label}\n{}\n", "MIIEab12".repeat(8)));
        let tokens = SHAPES.iter().flat_map(|it| {
            ["a1", "A1"].map(|body| format!("{}{}", it.prefix, body.repeat(it.at_least)))
        });
        for secret in tokens.chain(keys) {
            for text in [secret.clone(), format!("x {secret}"), format!("\"é\\\n{secret}\"")] {
                assert!(!secrets(&text).is_empty(), "{text:?}");
                let json = serde_json::json!({"a": [{text.as_str(): 1}, {"b": text}]}).to_string();
                assert!(may_be_in(&text) && may_be_in(&json), "{text:?}");
            }
        }
    }
}
