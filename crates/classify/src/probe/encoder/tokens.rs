//! A text as the pieces of words that a BERT encoder knows: lower case without accents, cut at spaces and
//! punctuation, each word as the longest pieces of a vocabulary, from left to right.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::super::words::is_invisible;

/// Longer words are not looked up.
const LONGEST_WORD: usize = 100;

/// A piece of a word, and where it stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) id: i32,
    /// Byte offsets of its word, end-exclusive.
    pub(super) word: [usize; 2],
}

/// The pieces that a model knows: one a line, its number is that of the line.
#[derive(Debug)]
pub(super) struct Vocabulary {
    pieces: HashMap<Box<str>, i32>,
    longest: usize,
    unknown: i32,
    pub(super) begin: i32,
    pub(super) end: i32,
}

impl Vocabulary {
    /// Nothing where the marks of a beginning, an end and the unknown are missing.
    pub(super) fn read(lines: &str) -> Option<Self> {
        let pieces: HashMap<Box<str>, i32> =
            (0..).zip(lines.lines()).map(|(id, piece)| (piece.into(), id)).collect();
        let mark = |name: &str| pieces.get(name).copied();
        let (unknown, begin, end) = (mark("[UNK]")?, mark("[CLS]")?, mark("[SEP]")?);
        let longest = pieces.keys().map(|piece| piece.len()).max()?;
        Some(Self { pieces, longest, unknown, begin, end })
    }

    /// The pieces of a text.
    pub(super) fn pieces(&self, text: &str) -> Vec<Piece> {
        let mut found = Vec::new();
        let mut word = Word::default();
        for (at, c) in text.char_indices() {
            let end = at + c.len_utf8();
            if c.is_whitespace() {
                self.close(&mut word, &mut found);
            } else if is_dropped(c) {
                // As if it were not there.
            } else if stands_alone(c) {
                self.close(&mut word, &mut found);
                word.push(c, [at, end]);
                self.close(&mut word, &mut found);
            } else if c.is_ascii() {
                word.push(c.to_ascii_lowercase(), [at, end]);
            } else {
                for part in std::iter::once(c).nfd().filter(|part| !is_combining_mark(*part)) {
                    part.to_lowercase().for_each(|lower| word.push(lower, [at, end]));
                }
            }
        }
        self.close(&mut word, &mut found);
        found
    }

    fn close(&self, word: &mut Word, found: &mut Vec<Piece>) {
        if word.letters.is_empty() {
            return;
        }
        let before = found.len();
        if word.count > LONGEST_WORD || !self.cut(&word.letters, word.span, found) {
            found.truncate(before);
            found.push(Piece { id: self.unknown, word: word.span });
        }
        *word = Word::default();
    }

    /// The longest pieces from left to right; false where one is not known.
    fn cut(&self, letters: &str, word: [usize; 2], found: &mut Vec<Piece>) -> bool {
        let (mut rest, mut key) = (letters, String::new());
        while !rest.is_empty() {
            let inner = if rest.len() == letters.len() { "" } else { "##" };
            let mut end = rest.floor_char_boundary(self.longest);
            let id = loop {
                let Some(piece) = rest.get(..end).filter(|piece| !piece.is_empty()) else {
                    return false;
                };
                key.clear();
                key.push_str(inner);
                key.push_str(piece);
                if let Some(id) = self.pieces.get(key.as_str()) {
                    break *id;
                }
                end = rest.floor_char_boundary(end.saturating_sub(1));
            };
            found.push(Piece { id, word });
            rest = rest.get(end..).unwrap_or_default();
        }
        true
    }
}

#[derive(Default)]
struct Word {
    letters: String,
    count: usize,
    span: [usize; 2],
}

impl Word {
    fn push(&mut self, c: char, [start, end]: [usize; 2]) {
        if self.letters.is_empty() {
            self.span[0] = start;
        }
        self.span[1] = end;
        self.letters.push(c);
        self.count += 1;
    }
}

/// What is no text: control characters, what is not drawn, and what belongs to nobody.
fn is_dropped(c: char) -> bool {
    c.is_control() || c == '\u{fffd}' || is_invisible(c) || matches!(c, '\u{e000}'..='\u{f8ff}')
}

/// Punctuation, and characters that are words of their own.
fn stands_alone(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c,
            // Punctuation beyond ASCII.
            '¡' | '§' | '«' | '¶' | '·' | '»' | '¿' | '\u{37e}' | '\u{387}' | '\u{589}' | '\u{5be}' | '\u{60c}'
            | '\u{61b}' | '\u{61f}' | '\u{66a}'..='\u{66d}' | '\u{6d4}' | '\u{964}' | '\u{965}'
            | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{2043}' | '\u{2045}'..='\u{2051}'
            | '\u{2053}'..='\u{205e}' | '\u{207d}' | '\u{207e}' | '\u{2308}'..='\u{230b}' | '\u{2329}' | '\u{232a}'
            | '\u{2768}'..='\u{2775}' | '\u{27e6}'..='\u{27ef}' | '\u{2983}'..='\u{2998}'
            | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}' | '\u{3030}' | '\u{30fb}'
            | '\u{fe50}'..='\u{fe61}' | '\u{ff01}'..='\u{ff03}' | '\u{ff05}'..='\u{ff0a}' | '\u{ff0c}'..='\u{ff0f}'
            | '\u{ff1a}' | '\u{ff1b}' | '\u{ff1f}' | '\u{ff20}' | '\u{ff3b}'..='\u{ff3d}' | '\u{ff3f}' | '\u{ff5b}'
            | '\u{ff5d}' | '\u{ff5f}'..='\u{ff65}'
            // Signs of Chinese and Japanese.
            | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{2fa1f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##aff\n##able\nable\n!\nnaive\n字\nа";

    fn names(text: &str) -> Vec<String> {
        let vocabulary = Vocabulary::read(LINES).unwrap();
        let name = |piece: Piece| LINES.lines().nth(usize::try_from(piece.id).unwrap()).unwrap();
        vocabulary.pieces(text).into_iter().map(|piece| name(piece).to_owned()).collect()
    }

    #[test]
    fn a_word_is_its_longest_pieces() {
        assert_eq!(names("UNaffable!able"), ["un", "##aff", "##able", "!", "able"]);
        assert_eq!(names("naïve\u{200b} x字un"), ["naive", "[UNK]", "字", "un"]);
        assert_eq!(names("unx able"), ["[UNK]", "able"], "all of a word, or nothing of it");
        assert_eq!(names(&"un".repeat(51)), ["[UNK]"]);
        assert_eq!(names(" \u{7f}\n"), [""; 0]);
    }

    #[test]
    fn a_piece_says_where_its_word_stands() {
        let vocabulary = Vocabulary::read(LINES).unwrap();
        let spans: Vec<_> = vocabulary.pieces("é unaffable").iter().map(|it| it.word).collect();
        assert_eq!(spans, [[0, 2], [3, 12], [3, 12], [3, 12]]);
    }

    #[test]
    fn a_vocabulary_without_its_marks_is_none() {
        assert!(Vocabulary::read("a\nb").is_none());
    }
}
