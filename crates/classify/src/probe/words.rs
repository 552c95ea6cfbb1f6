//! A text as the words that a reader takes from it, whatever they are written with.
//!
//! Letters of other alphabets that look like Latin ones become those, accents and invisible characters
//! fall away, letters in the block of tags are the letters that they stand for, and words that are spelt
//! out (`i g n o r e`) are put together. Characters go in one by one, so that a text may be of any length.

use std::mem;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Longer words are cut: what has no spaces is still looked at, piece by piece.
pub(crate) const LONGEST: usize = 32;

/// So many single letters with the same character between them are a word that is spelt out.
const SPELT: usize = 5;

/// A word, folded, and where it stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word {
    characters: [char; LONGEST],
    length: usize,
    /// Byte offsets into the text, end-exclusive.
    pub(crate) span: [usize; 2],
}

impl Default for Word {
    fn default() -> Self {
        Self { characters: ['\0'; LONGEST], length: 0, span: [0, 0] }
    }
}

impl Word {
    fn of(c: char, span: [usize; 2]) -> Self {
        let mut word = Self { span, ..Self::default() };
        word.push(c);
        word
    }

    /// What it is spelt with: lower case, or one character of punctuation.
    pub(crate) fn text(&self) -> &[char] {
        self.characters.get(..self.length).unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.length == 0
    }

    fn push(&mut self, c: char) {
        if let Some(place) = self.characters.get_mut(self.length) {
            *place = c;
            self.length += 1;
        }
    }
}

/// Puts words together from characters.
#[derive(Debug, Default)]
pub(crate) struct Words {
    open: Word,
    /// Single letters that may be a word spelt out, and what stands between them.
    letters: Vec<Word>,
    between: Option<char>,
    /// What was seen since the last letter of these: only one of the same character keeps them together.
    gap: Gap,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Gap {
    #[default]
    None,
    One(char),
    More,
}

impl Words {
    /// Takes the character at this byte offset; complete words go to `each`.
    pub(crate) fn push(&mut self, c: char, at: usize, each: &mut impl FnMut(&Word)) {
        if c.is_ascii() {
            self.take(c.to_ascii_lowercase(), c, at, each);
            return;
        }
        if is_invisible(c) {
            if let Some(letter) = tag_letter(c) {
                self.take(letter.to_ascii_lowercase(), c, at, each);
            }
            return;
        }
        for folded in std::iter::once(c).nfkd().filter(|c| !is_combining_mark(*c)) {
            for lower in lookalike(folded).to_lowercase() {
                self.take(lookalike(lower), c, at, each);
            }
        }
    }

    /// The text is over.
    pub(crate) fn finish(&mut self, each: &mut impl FnMut(&Word)) {
        self.close(each);
        self.settle(each);
    }

    fn take(&mut self, folded: char, written: char, at: usize, each: &mut impl FnMut(&Word)) {
        let end = at + written.len_utf8();
        if folded.is_alphanumeric() {
            if self.open.is_empty() {
                self.open.span[0] = at;
            }
            self.open.push(folded);
            self.open.span[1] = end;
            if self.open.length == LONGEST {
                self.close(each);
            }
            return;
        }
        self.close(each);
        self.gap = match self.gap {
            Gap::None => Gap::One(folded),
            Gap::One(_) | Gap::More => Gap::More,
        };
        let spells_on = self.is_spelling() && self.between == Some(folded);
        if !folded.is_whitespace() && !spells_on {
            if self.gap == Gap::More {
                self.settle(each);
            }
            if self.letters.is_empty() {
                each(&Word::of(folded, [at, end]));
            }
        }
    }

    fn is_spelling(&self) -> bool {
        self.letters.len() > 1
    }

    fn close(&mut self, each: &mut impl FnMut(&Word)) {
        if self.open.is_empty() {
            return;
        }
        let mut word = mem::take(&mut self.open);
        let gap = mem::take(&mut self.gap);
        if let [letter] = word.text()
            && letter.is_alphabetic()
        {
            let fits = match (gap, self.between) {
                (Gap::One(c), Some(between)) => c == between,
                (Gap::One(_), None) => true,
                (Gap::None | Gap::More, _) => false,
            };
            if !fits {
                self.settle(each);
            }
            if let (false, Gap::One(c)) = (self.letters.is_empty(), gap) {
                self.between = Some(c);
            }
            self.letters.push(word);
            if self.letters.len() == LONGEST {
                self.settle(each);
            }
            return;
        }
        self.settle(each);
        unleet(word.characters.get_mut(..word.length).unwrap_or_default());
        each(&word);
    }

    /// Gives out the single letters: as one word where they were spelt out, else one by one.
    fn settle(&mut self, each: &mut impl FnMut(&Word)) {
        self.between = None;
        if self.letters.len() < SPELT {
            self.letters.drain(..).for_each(|letter| each(&letter));
            return;
        }
        let letters = mem::take(&mut self.letters);
        let span = |at: Option<&Word>, side: usize| {
            at.and_then(|word| word.span.get(side)).copied().unwrap_or_default()
        };
        let span = [span(letters.first(), 0), span(letters.last(), 1)];
        let mut spelt = Word { span, ..Word::default() };
        letters.iter().flat_map(Word::text).for_each(|c| spelt.push(*c));
        each(&spelt);
    }
}

/// Digits that stand for letters become them (`1gn0r3`), where the word has letters of its own and is no
/// number of base 16; else every digit is the same digit.
fn unleet(word: &mut [char]) {
    let letters = word.iter().filter(|c| c.is_alphabetic()).count();
    let is_hexadecimal = word.iter().all(char::is_ascii_hexdigit);
    let stands_for = |c: char| match c {
        '0' => Some('o'),
        '1' => Some('i'),
        '3' => Some('e'),
        '4' => Some('a'),
        '5' => Some('s'),
        '7' => Some('t'),
        _ => None,
    };
    let digits: Vec<char> = word.iter().copied().filter(|c| c.is_numeric()).collect();
    let is_leet = letters >= 2
        && word.len() >= 4
        && !is_hexadecimal
        && digits.iter().all(|digit| stands_for(*digit).is_some())
        && word.last().is_some_and(|c| c.is_alphabetic() || letters > digits.len());
    for c in word.iter_mut().filter(|c| c.is_numeric()) {
        *c = if is_leet { stands_for(*c).unwrap_or('0') } else { '0' };
    }
}

/// What is not drawn: zero-width characters, marks of direction, tags, selectors of variants.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The ASCII character that a tag character stands for.
pub(crate) fn tag_letter(c: char) -> Option<char> {
    let code = u32::from(c).checked_sub(0xe0000)?;
    char::from_u32(code).filter(|c| matches!(c, ' '..='~'))
}

/// The Latin letter that this one is drawn like.
fn lookalike(c: char) -> char {
    match c {
        'а' | 'А' | 'α' | 'Α' | 'ɑ' | 'ａ' => 'a',
        'в' | 'В' | 'β' | 'Β' | 'Ь' | 'ь' => 'b',
        'с' | 'С' | 'ϲ' | 'ᴄ' => 'c',
        'ԁ' | 'ɗ' => 'd',
        'е' | 'Е' | 'ε' | 'Ε' | 'є' | 'ҽ' => 'e',
        'ƒ' => 'f',
        'ɡ' | 'ց' => 'g',
        'һ' | 'Н' | 'н' | 'Η' | 'հ' => 'h',
        'і' | 'І' | 'ι' | 'Ι' | 'ı' | 'ɩ' => 'i',
        'ј' | 'Ј' => 'j',
        'к' | 'К' | 'κ' | 'Κ' => 'k',
        'ӏ' | 'Ӏ' | 'ⅼ' => 'l',
        'м' | 'М' | 'Μ' => 'm',
        'п' | 'η' | 'ո' => 'n',
        'о' | 'О' | 'ο' | 'Ο' | 'օ' | 'ø' => 'o',
        'р' | 'Р' | 'ρ' | 'Ρ' => 'p',
        'ԛ' => 'q',
        'г' | 'ᴦ' => 'r',
        'ѕ' | 'Ѕ' | 'ꜱ' => 's',
        'т' | 'Т' | 'τ' | 'Τ' => 't',
        'υ' | 'ս' | 'ᴜ' => 'u',
        'ν' | 'ѵ' => 'v',
        'ѡ' | 'ω' | 'ԝ' => 'w',
        'х' | 'Х' | 'χ' | 'Χ' => 'x',
        'у' | 'У' | 'γ' | 'Υ' | 'ү' => 'y',
        'Ζ' | 'ᴢ' => 'z',
        _ => c,
    }
}
