//! What is packed in a text: the readable text of base64, hexadecimal, percent signs, character
//! references, binary digits, rot13, letters written backwards, and gzip in any of these. Bounded: what
//! comes out is never longer than [`MOST`].

use super::inflate::gunzip;

/// More bytes of one packed piece are not read.
pub(crate) const MOST: usize = 32 << 10;

/// A piece that was packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) how: &'static str,
    pub(crate) span: [usize; 2],
    pub(crate) text: String,
}

/// Shorter pieces say nothing: 12 bytes of text.
const FEWEST: usize = 12;

/// The packed pieces of a text, in order of their kinds.
pub(crate) fn unpack(text: &str) -> Vec<Packed> {
    let mut found = Vec::new();
    let mut add = |how, span, text: Option<String>| {
        if let Some(text) = text {
            found.push(Packed { how, span, text });
        }
    };
    for span in runs(text, is_base64, 20) {
        let bytes = slice(text, span).and_then(base64);
        add("base64", span, bytes.and_then(readable));
    }
    for span in
        runs(text, |c| c.is_ascii_hexdigit() || matches!(c, ' ' | ':' | ',' | '\\' | 'x'), 32)
    {
        let piece = slice(text, span).unwrap_or_default();
        add("hexadecimal", span, hexadecimal(piece).and_then(readable));
        add("binary", span, binary(piece).and_then(readable));
    }
    for (mark, how, decode) in [
        ("%", "percent", percent as fn(&str) -> Option<Vec<u8>>),
        ("&#", "references", references),
        ("\\u", "escapes", escapes),
    ] {
        if let Some(span) = marked(text, mark) {
            add(how, span, slice(text, span).and_then(decode).and_then(readable));
        }
    }
    if is_rotated(text) {
        add("rot13", [0, text.len()], Some(text.chars().map(rotated).collect()));
    }
    let lower = text.to_ascii_lowercase();
    if ["snoitcurtsni", "tpmorp", "erongi", "tnatsissa"].iter().any(|word| lower.contains(word)) {
        add("backwards", [0, text.len()], Some(text.chars().rev().collect()));
    }
    found
}

/// From the first of many marks to a little behind the last, where they stand close enough to be a text.
fn marked(text: &str, mark: &str) -> Option<[usize; 2]> {
    const FEWEST_MARKS: usize = 6;
    const BEHIND: usize = 80;
    let (mut count, mut first, mut last) = (0, None, 0);
    for (at, _) in text.match_indices(mark) {
        count += 1;
        first = first.or(Some(at));
        last = at;
    }
    let first = first?;
    let is_dense = count >= FEWEST_MARKS && count * 24 >= last - first;
    is_dense.then(|| [first, text.floor_char_boundary((last + BEHIND).min(text.len()))])
}

fn slice(text: &str, [start, end]: [usize; 2]) -> Option<&str> {
    text.get(start..end)
}

/// Where characters like these stand in a row, so many or more.
fn runs(text: &str, is: impl Fn(char) -> bool, fewest: usize) -> Vec<[usize; 2]> {
    let mut runs = Vec::new();
    let mut open: Option<usize> = None;
    for (at, c) in text.char_indices().chain([(text.len(), '\0')]) {
        match (is(c), open) {
            (true, None) => open = Some(at),
            (false, Some(start)) => {
                if at - start >= fewest {
                    runs.push([start, at]);
                }
                open = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    runs
}

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '=')
}

fn base64(piece: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(piece.len() * 3 / 4);
    let (mut held, mut bits) = (0_u32, 0);
    for c in piece.bytes().take(MOST * 4 / 3) {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        held = (held << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

fn hexadecimal(piece: &str) -> Option<Vec<u8>> {
    let piece = piece.replace("\\x", "").replace("0x", "");
    let digits: Vec<u8> =
        piece.chars().filter_map(|c| u8::try_from(c.to_digit(16)?).ok()).take(MOST * 2).collect();
    let is_even = digits.len().is_multiple_of(2);
    is_even.then(|| {
        let pairs = digits.chunks_exact(2);
        pairs.map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
    })
}

fn binary(piece: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = piece.bytes().filter(u8::is_ascii_digit).collect();
    let is_binary = digits.len() >= FEWEST * 8 && digits.iter().all(|c| matches!(c, b'0' | b'1'));
    is_binary.then(|| {
        let bytes = digits.chunks_exact(8).take(MOST);
        bytes.map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | (bit - b'0'))).collect()
    })
}

fn percent(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(c) = rest.next() {
        let digits = rest.as_slice_checked(2);
        match (c, digits) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest.nth(1);
            }
            _ => bytes.push(c),
        }
    }
    Some(bytes)
}

/// The next two hexadecimal digits of what is left, as a byte.
trait Ahead {
    fn as_slice_checked(&self, digits: usize) -> Option<u8>;
}

impl Ahead for std::str::Bytes<'_> {
    fn as_slice_checked(&self, digits: usize) -> Option<u8> {
        let ahead: String = self.clone().take(digits).map(char::from).collect();
        (ahead.len() == digits).then(|| u8::from_str_radix(&ahead, 16).ok()).flatten()
    }
}

/// `&#105;` and `&#x69;`.
fn references(text: &str) -> Option<Vec<u8>> {
    let mut pieces = text.split("&#");
    let mut decoded = pieces.next()?.to_owned();
    for piece in pieces {
        let Some((number, rest)) = piece.split_once(';') else {
            decoded.push_str(piece);
            continue;
        };
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => number.parse().ok(),
        };
        decoded.extend(code.and_then(char::from_u32));
        decoded.push_str(rest);
    }
    Some(decoded.into_bytes())
}

/// `\u0069`.
fn escapes(text: &str) -> Option<Vec<u8>> {
    let mut pieces = text.split("\\u");
    let mut decoded = pieces.next()?.to_owned();
    for piece in pieces {
        let digits = piece.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match digits.and_then(char::from_u32) {
            Some(c) => {
                decoded.push(c);
                decoded.push_str(piece.get(4..).unwrap_or_default());
            }
            None => decoded.push_str(piece),
        }
    }
    Some(decoded.into_bytes())
}

/// Whether the commonest English words stand there, rotated.
fn is_rotated(text: &str) -> bool {
    const COMMON: [&str; 12] = [
        "gur", "naq", "lbh", "nyy", "lbhe", "guvf", "gung", "jvgu", "sebz", "abg", "hfre", "flfgrz",
    ];
    let words = text.split(|c: char| !c.is_ascii_alphabetic());
    let common = |word: &&str| {
        matches!(word.len(), 3..=6) && COMMON.iter().any(|common| common.eq_ignore_ascii_case(word))
    };
    words.filter(common).nth(1).is_some()
}

fn rotated(c: char) -> char {
    let turn = |first: u8| {
        let place = u8::try_from(c).unwrap_or(first).saturating_sub(first);
        char::from(first + (place + 13) % 26)
    };
    match c {
        'a'..='z' => turn(b'a'),
        'A'..='Z' => turn(b'A'),
        _ => c,
    }
}

/// Text that a person could read, unzipped first where it is zipped.
fn readable(bytes: Vec<u8>) -> Option<String> {
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) { gunzip(&bytes, MOST)? } else { bytes };
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        // What is cut in the middle of a character is read up to there.
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let mut bytes = error.into_bytes();
            bytes.truncate(valid);
            String::from_utf8(bytes).ok()?
        }
    };
    let all = text.chars().count();
    let letters = text.chars().filter(|c| c.is_alphabetic() || *c == ' ').count();
    let control = text.chars().any(|c| c.is_control() && !c.is_whitespace());
    (all >= FEWEST && letters * 10 >= all * 6 && !control).then_some(text)
}
